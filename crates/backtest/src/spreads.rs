//! What spread is usual: the mean of the last minutes, as the product's view keeps it.

use std::{cmp::Ordering, collections::VecDeque};

use alchemiser_core::observed::SPREADS_MIN;
use rust_decimal::Decimal;

use crate::tape::{Nanos, Pips, SECOND};

/// Spreads are remembered for so long.
const REMEMBERED: Nanos = 310 * SECOND;

/// The spreads of the last minutes, one a second at most, and their sum.
#[derive(Debug, Default)]
pub(crate) struct Spreads {
    seen: VecDeque<(Nanos, Pips)>,
    sum: Pips,
}

impl Spreads {
    /// A spread was seen.
    pub(crate) fn note(&mut self, at: Nanos, spread: Pips) {
        if self.seen.back().is_some_and(|(last, _)| at - last < SECOND) {
            return;
        }
        self.seen.push_back((at, spread));
        self.sum += spread;
        while let Some((_, old)) = self.seen.pop_front_if(|(first, _)| at - *first > REMEMBERED) {
            self.sum -= old;
        }
    }

    /// Their mean in ticks of so many pips; `None` before enough were seen.
    pub(crate) fn usual_ticks(&self, tick: Pips) -> Option<Decimal> {
        let count =
            i64::try_from(self.seen.len()).ok().filter(|_| self.seen.len() >= SPREADS_MIN)?;
        Some(Decimal::from(nearest(self.sum, count.checked_mul(tick)?)))
    }
}

/// A quotient of two positive numbers, rounded to the nearest whole one, and from the middle to the even one: what
/// `core`'s count of ticks does with decimals.
fn nearest(dividend: i64, divisor: i64) -> i64 {
    let (whole, rest) = (dividend / divisor, dividend % divisor);
    match (2 * rest).cmp(&divisor) {
        Ordering::Less => whole,
        Ordering::Equal => whole + whole % 2,
        Ordering::Greater => whole + 1,
    }
}

#[cfg(test)]
mod tests {
    use alchemiser_core::price::Tick;
    use proptest::prelude::*;

    use super::*;
    use crate::tape::pips;

    proptest! {
        /// The usual spread is counted in ticks as the product counts it.
        #[test]
        fn usual_spreads_are_counted_as_in_the_product(
            sum in 0_i64..10_000_000,
            count in 1_i64..400,
            tick in prop::sample::select(vec![Tick::CENT, Tick::HALF_CENT, Tick::SUB_DOLLAR]),
        ) {
            let mean = Decimal::new(sum, 4).checked_div(Decimal::from(count)).unwrap();
            let parts = count * pips(tick.dollars()).unwrap();
            prop_assert_eq!(Decimal::from(nearest(sum, parts)), tick.count(mean));
        }
    }
}
