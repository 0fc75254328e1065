//! Seeded randomness: one stream per subject, the same bytes on every machine.
//!
//! Only `+ − × ÷ √` and comparisons are used, which IEEE 754 fixes to the bit; `ln` and `exp` differ between C
//! libraries.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

/// FNV-1a over the parts, each closed by a separator, finished by `SplitMix64` so that every bit is well mixed.
pub fn hash(seed: u64, parts: &[&str]) -> u64 {
    let mut state = 0xcbf2_9ce4_8422_2325_u64;
    let mut feed = |byte: u8| state = (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    seed.to_le_bytes().into_iter().for_each(&mut feed);
    for part in parts {
        part.bytes().chain([0]).for_each(&mut feed);
    }
    mix(state)
}

/// One step of `SplitMix64`.
fn mix(state: u64) -> u64 {
    let state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

/// A stream of draws.
#[derive(Clone, Debug)]
pub struct Chance(ChaCha8Rng);

impl Chance {
    /// The stream of one subject under one seed.
    pub fn of(seed: u64, topic: &str, subject: &str) -> Self {
        let mut key = [0; 32];
        let mut word = hash(seed, &[topic, subject]);
        for chunk in key.chunks_exact_mut(8) {
            chunk.copy_from_slice(&word.to_le_bytes());
            word = mix(word);
        }
        Self(ChaCha8Rng::from_seed(key))
    }

    /// Uniform on 0..1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are exact in a float")]
    pub fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
    }

    /// A whole number, uniform on `low..=high`.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        let width = u128::from(high.saturating_sub(low)) + 1;
        low + ((u128::from(self.0.next_u64()) * width) >> 64) as u64
    }

    /// A whole number of this mean, evenly spread from half to one and a half of it; at least 1.
    pub fn about(&mut self, mean: f64) -> u64 {
        nearest(mean * (0.5 + self.unit())).max(1)
    }

    /// A whole number of this mean (at least 1), uniform on `1..=2·mean − 1`.
    pub fn steps(&mut self, mean: f64) -> u64 {
        let most = (2.0 * mean - 1.0).max(1.0);
        let whole = most.floor();
        let extra = u64::from(self.unit() < most - whole);
        self.between(1, nearest(whole) + extra)
    }

    /// An exponential waiting time of mean 1, by von Neumann's comparisons (no logarithm).
    pub fn waiting(&mut self) -> f64 {
        let mut whole = 0.0;
        loop {
            let first = self.unit();
            let (mut last, mut odd) = (first, true);
            loop {
                let next = self.unit();
                if next >= last {
                    break;
                }
                (last, odd) = (next, !odd);
            }
            if odd {
                return whole + first;
            }
            whole += 1.0;
        }
    }
}

/// The nearest whole number; negative ones become zero.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, as meant"
)]
pub fn nearest(number: f64) -> u64 {
    (number + 0.5) as u64
}

/// A count as a float, for rates and ratios only.
#[expect(clippy::cast_precision_loss, reason = "counts of shares and ticks stay far below 2^53")]
pub fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_times_have_mean_one_and_the_right_tail() {
        let mut chance = Chance::of(1, "test", "waiting");
        let draws: Vec<f64> = (0..100_000).map(|_| chance.waiting()).collect();
        let mean = draws.iter().sum::<f64>() / 1e5;
        let beyond_two = float(draws.iter().filter(|draw| **draw > 2.0).count() as u64) / 1e5;
        assert!((mean - 1.0).abs() < 0.02, "{mean}");
        assert!((beyond_two - 0.1353).abs() < 0.005, "{beyond_two}");
    }

    #[test]
    fn steps_have_their_mean() {
        let mut chance = Chance::of(1, "test", "steps");
        for wanted in [1.0, 1.7, 4.0] {
            let mean = float((0..50_000).map(|_| chance.steps(wanted)).sum()) / 5e4;
            assert!((mean - wanted).abs() < 0.05, "{mean} for {wanted}");
        }
    }

    #[test]
    fn streams_differ_by_seed_topic_and_subject() {
        let first = |seed, topic, subject| Chance::of(seed, topic, subject).unit().to_bits();
        let all = [first(1, "a", "b"), first(2, "a", "b"), first(1, "ab", ""), first(1, "a", "c")];
        for (k, draw) in all.iter().enumerate() {
            assert!(!all[..k].contains(draw));
        }
        assert_eq!(first(1, "a", "b"), all[0]);
    }
}
