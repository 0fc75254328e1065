//! Seeded chance: whole numbers only, so that a seed means the same on every machine.

use jiff::SignedDuration;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

/// What a rate counts in: parts of a million.
pub(crate) const MILLION: u32 = 1_000_000;

/// What is drawn for; each has a stream of its own, so that a draw more in one moves nothing in another.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stream {
    /// The plan, the account, the policy, the odds.
    Scene = 0,
    /// Latencies, faults, who runs where.
    Course = 1,
    /// Quotes and fills.
    Market = 2,
    /// Which faults strike.
    Fortune = 3,
    /// Which plan a person cancels, and when.
    Cancel = 4,
}

/// A stream of draws.
#[derive(Clone, Debug)]
pub(crate) struct Chance(ChaCha8Rng);

impl Chance {
    /// One stream of a seed.
    pub(crate) fn of(seed: u64, stream: Stream) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream as u64);
        Self(rng)
    }

    /// Uniform on `0..bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.0.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// Uniform on `low..=high`.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        low.saturating_add_unsigned(self.below(high.abs_diff(low) + 1))
    }

    /// True so often in a million.
    pub(crate) fn hits(&mut self, rate: u32) -> bool {
        self.below(u64::from(MILLION)) < u64::from(rate)
    }

    /// True so often in a hundred.
    pub(crate) fn percent(&mut self, percent: u32) -> bool {
        self.hits(percent * 10_000)
    }

    /// One of them.
    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).unwrap_or_default()]
    }

    /// A time between two, in milliseconds, with a broken microsecond part so that ties are rare.
    pub(crate) fn millis(&mut self, low: i64, high: i64) -> SignedDuration {
        SignedDuration::from_micros(self.between(low * 1_000, high * 1_000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_of_one_seed_differ_and_repeat() {
        let draw = |seed, stream| Chance::of(seed, stream).below(u64::MAX);
        assert_eq!(draw(7, Stream::Scene), draw(7, Stream::Scene));
        assert_ne!(draw(7, Stream::Scene), draw(7, Stream::Course));
        assert_ne!(draw(7, Stream::Scene), draw(8, Stream::Scene));
    }

    #[test]
    fn bounds_are_reached_and_kept() {
        let mut chance = Chance::of(1, Stream::Scene);
        let draws: Vec<i64> = (0..1_000).map(|_| chance.between(-1, 1)).collect();
        assert!([-1, 0, 1].iter().all(|wanted| draws.contains(wanted)));
        assert!(draws.iter().all(|draw| (-1..=1).contains(draw)));
        assert!((0..100).all(|_| chance.hits(MILLION) && !chance.hits(0)));
    }
}
