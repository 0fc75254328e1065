//! Seeded chance: the same seed, the same tests.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

use crate::pulse::{End, Fault, Hit, Moment, Op, Script};

/// Dice that fall the same way for the same seed.
#[derive(Debug)]
pub struct Dice(ChaCha8Rng);

/// Which faults there are at which operation.
pub const FAULTS: [(Op, &[Fault]); 13] = [
    (Op::Put, &[Fault::LoseRequest, Fault::LoseAnswer]),
    (Op::Get, &[Fault::LoseAnswer]),
    (Op::List, &[Fault::LoseAnswer]),
    (
        Op::Submit,
        &[
            Fault::LoseRequest,
            Fault::LoseAnswer,
            Fault::Late(1),
            Fault::Late(3),
            Fault::Late(7),
            Fault::Refuse,
            Fault::Reject,
        ],
    ),
    (Op::Cancel, &[Fault::LoseRequest, Fault::LoseAnswer]),
    (Op::Order, &[Fault::LoseAnswer, Fault::Absent, Fault::NoPrice]),
    (Op::Orders, &[Fault::LoseAnswer, Fault::Stale, Fault::NoPrice]),
    (Op::Account, &[Fault::LoseAnswer, Fault::Stale]),
    (Op::Positions, &[Fault::LoseAnswer]),
    (Op::Asset, &[Fault::LoseAnswer]),
    (Op::Clock, &[Fault::LoseAnswer]),
    (
        Op::Snapshots,
        &[
            Fault::LoseAnswer,
            Fault::QuoteMissing,
            Fault::QuoteZero,
            Fault::QuoteCrossed,
            Fault::QuoteFrozen,
        ],
    ),
    (Op::Publish, &[Fault::LoseRequest, Fault::LoseAnswer]),
];

impl Dice {
    /// The dice of a seed.
    pub fn of(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0.next_u64() % bound.max(1)
    }

    /// One of them.
    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        let len = u64::try_from(of.len()).unwrap();
        of[usize::try_from(self.below(len)).unwrap()]
    }

    /// Up to six faults, some of them lasting, and a crash in half of the scripts, among about so many calls.
    pub fn script(&mut self, calls: u64) -> Script {
        let hits = (0..self.below(7)).map(|_| self.hit(calls)).collect();
        let moment = self.pick(&[Moment::Before, Moment::After]);
        let end = (self.below(2) == 0).then(|| (1 + self.below(calls), moment, End::Crash));
        Script { hits, end, yields: false }
    }

    fn hit(&mut self, calls: u64) -> Hit {
        let (op, faults) = self.pick(&FAULTS);
        let often = matches!(op, Op::Orders | Op::Snapshots | Op::Get | Op::Put);
        let from = 1 + self.below(if often { calls / 3 } else { 12 });
        let longest = 1 + self.below(6);
        let count = 1 + self.below(longest);
        Hit { op, from, count, fault: self.pick(faults) }
    }
}
