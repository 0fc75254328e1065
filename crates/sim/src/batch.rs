//! Many seeds, on all cores.

use std::{
    ops::Range,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use crate::{Violation, fault::Tally, stage::run, trial::Trial};

/// What many seeds came to, whatever the number of threads.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// How many seeds.
    pub seeds: u64,
    /// Faults by class.
    pub tally: Tally,
    /// Broken invariants, each with its seed, by seed.
    pub violations: Vec<(u64, Violation)>,
}

/// Seeds that a thread takes at a time.
const CHUNK: u64 = 64;

/// Runs trials like this one, of these seeds, on so many threads.
pub fn batch(like: &Trial, seeds: Range<u64>, threads: usize) -> Batch {
    let (from, seeds) = (seeds.start, seeds.end.saturating_sub(seeds.start));
    let next = AtomicU64::new(0);
    let all = Mutex::new(Batch { seeds, ..Batch::default() });
    thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                let own = take_part(like, (from, seeds), &next);
                let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
                all.tally.add(&own.tally);
                all.violations.extend(own.violations);
            });
        }
    });
    let mut all = all.into_inner().unwrap_or_else(PoisonError::into_inner);
    all.violations.sort();
    all
}

fn take_part(like: &Trial, (from, seeds): (u64, u64), next: &AtomicU64) -> Batch {
    let mut own = Batch::default();
    loop {
        let first = next.fetch_add(CHUNK, Ordering::Relaxed);
        if first >= seeds {
            return own;
        }
        for seed in first..seeds.min(first + CHUNK) {
            let run = run(&like.seeded(from + seed));
            own.tally.add(&run.tally);
            own.violations.extend(run.violations.into_iter().map(|found| (run.seed, found)));
        }
    }
}
