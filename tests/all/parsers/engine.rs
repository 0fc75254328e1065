//! How often the targets are tried, on what, and what is told of a failure.

use std::{
    env,
    fmt::Debug,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use bolero::{Engine, Test, generator::bolero_generator::driver::Options};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

/// Inputs of the same bytes on every machine and in every run.
#[derive(Debug)]
pub(super) struct Seeded(pub(super) u64);

/// More than a change is made of.
const BYTES: usize = 160;

impl<T: Test> Engine<T> for Seeded
where
    T::Value: Debug,
{
    type Output = ();

    fn run(self, mut test: T, _: Options) {
        let mut random = ChaCha8Rng::seed_from_u64(0);
        let mut bytes = [0; BYTES];
        for number in 0..self.0 {
            random.fill_bytes(&mut bytes);
            if let Err(error) = test.test(&mut bytes.as_slice()) {
                let change = test.generate_value(&mut bytes.as_slice());
                panic!("input {number}, {change:?}: {error}");
            }
        }
    }
}

/// Nobody asked for random inputs (`make test-long`), plays one again, or fuzzes.
pub(super) fn is_quick() -> bool {
    let asked = [
        "BOLERO_RANDOM_ITERATIONS",
        "BOLERO_RANDOM_SEED",
        "CARGO_BOLERO_SELECT",
        "BOLERO_LIBFUZZER_ARGS",
    ];
    asked.iter().all(|name| env::var_os(name).is_none())
}

/// What came of a target's inputs.
#[derive(Debug, Default)]
pub(super) struct Tally {
    tried: AtomicU64,
    parsed: AtomicU64,
    under_way: Mutex<Option<Vec<u8>>>,
    failed: Mutex<Option<Vec<u8>>>,
}

fn lock(input: &Mutex<Option<Vec<u8>>>) -> MutexGuard<'_, Option<Vec<u8>>> {
    input.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Tally {
    /// Tries one input and counts whether it parsed.
    pub(super) fn of(&self, input: &[u8], check: impl FnOnce(&[u8]) -> bool) {
        // While a failing input is made smaller, the newest that failed is the smallest.
        if let Some(before) = lock(&self.under_way).replace(input.to_owned()) {
            *lock(&self.failed) = Some(before);
        }
        self.tried.fetch_add(1, Ordering::Relaxed);
        self.parsed.fetch_add(u64::from(check(input)), Ordering::Relaxed);
        *lock(&self.under_way) = None;
    }

    /// Says how deep the inputs reached. All of them or none would show nothing.
    pub(super) fn conclude(&self, target: &str) {
        let target = target.trim_start_matches("all::").trim_end_matches("::{{closure}}");
        let (tried, parsed) =
            (self.tried.load(Ordering::Relaxed), self.parsed.load(Ordering::Relaxed));
        println!(
            "{target}: {tried} inputs, {}.{} % parsed",
            parsed * 100 / tried,
            parsed * 1000 / tried % 10
        );
        assert!(
            parsed * 10 > tried && (tried - parsed) * 10 > tried,
            "{target}: {parsed} of {tried} parsed"
        );
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        let failed = lock(&self.failed).take();
        let under_way = lock(&self.under_way).take();
        if let Some(input) = under_way.or(failed) {
            match String::from_utf8(input) {
                Ok(text) => eprintln!("the input that failed: {text}"),
                Err(error) => eprintln!("the input that failed: {:?}", error.into_bytes()),
            }
        }
    }
}

/// Tries a check on changed documents: two thousand seeded changes (or the given number), or as many random ones as bolero
/// is asked for.
macro_rules! fuzz {
    ($documents:expr, $check:expr) => {
        fuzz!(2_000, $documents, $check)
    };
    ($count:expr, $documents:expr, $check:expr) => {{
        let (documents, tally): (Vec<Document>, _) = ($documents, Tally::default());
        let one = |change: &Change| {
            tally.of(&change.applied(&documents), |bytes| $check(change, bytes));
        };
        if is_quick() {
            let target = bolero::TestTarget::new(Seeded($count));
            target.with_type::<Change>().for_each(one);
        } else {
            bolero::check!().with_type::<Change>().for_each(one);
        }
        tally.conclude(std::any::type_name_of_val(&one));
    }};
}
pub(super) use fuzz;
