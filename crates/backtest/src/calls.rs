//! The trading calls that the orders of one plan may make together: `core`'s bucket, by the time since they arrived.

use alchemiser_core::{policy::Policy, throttle::Tokens};
use rust_decimal::Decimal;

use crate::tape::{Nanos, moment};

/// What may still be called.
#[derive(Debug)]
pub enum Calls {
    /// An order that is alone never runs out.
    Unbounded,
    /// A bucket for several.
    Bounded(Box<Bucket>),
}

/// The message budget of a plan, and how many of its orders are at the market.
#[derive(Debug)]
pub struct Bucket {
    tokens: Tokens,
    policy: Policy,
    live: usize,
}

/// A re-peg leaves two calls for every live order, as the product's does, but never more than so many.
const RESERVE_MAX: usize = 30;

impl Calls {
    /// A full bucket.
    pub fn bounded(policy: &Policy) -> Self {
        let tokens = Tokens::full(moment(0), policy);
        Self::Bounded(Box::new(Bucket { tokens, policy: policy.clone(), live: 0 }))
    }

    /// One call for a look at all orders, of which so many are at the market.
    pub(crate) fn poll(&mut self, live: usize, now: Nanos) {
        if let Self::Bounded(bucket) = self {
            bucket.live = live;
            bucket.tokens = bucket.tokens.spend(1, moment(now), &bucket.policy);
        }
    }

    /// When to look next, if that is wanted at a time: looks become fewer as the bucket empties.
    pub(crate) fn paced(&self, now: Nanos, wake: Nanos) -> Nanos {
        let Self::Bounded(bucket) = self else { return wake };
        let paced = bucket.tokens.pace(moment(wake), moment(now), &bucket.policy);
        Nanos::try_from(paced.as_nanosecond()).unwrap_or(wake)
    }

    /// Takes one call, if there is one.
    pub(crate) fn take(&mut self, now: Nanos) -> bool {
        self.leaving(0, now)
    }

    /// Takes one call for a re-peg, if enough stay for the others.
    pub(crate) fn take_for_repeg(&mut self, now: Nanos) -> bool {
        let reserve = match self {
            Self::Unbounded => 0,
            Self::Bounded(bucket) => (2 * bucket.live).min(RESERVE_MAX),
        };
        self.leaving(reserve, now)
    }

    fn leaving(&mut self, reserve: usize, now: Nanos) -> bool {
        let Self::Bounded(bucket) = self else { return true };
        let available = bucket.tokens.available(moment(now), &bucket.policy);
        let enough = available >= Decimal::from(1 + reserve);
        if enough {
            bucket.tokens = bucket.tokens.spend(1, moment(now), &bucket.policy);
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tape::SECOND;

    /// S14: 45 at once, then two and a half a second; a re-peg leaves two for every live order.
    #[test]
    fn the_bucket_is_the_products() {
        let mut calls = Calls::bounded(&Policy::default());
        calls.poll(10, 0);
        assert_eq!(calls.paced(0, SECOND), SECOND);
        assert_eq!((0..100).filter(|_| calls.take_for_repeg(0)).count(), 24);
        assert_eq!((0..100).filter(|_| calls.take(0)).count(), 20);
        assert_eq!((0..100).filter(|_| calls.take(2 * SECOND)).count(), 5);
        assert_eq!(calls.paced(2 * SECOND, 3 * SECOND), 5 * SECOND, "looks become fewer");
        assert!((0..1_000).all(|_| Calls::Unbounded.take_for_repeg(0)));
    }
}
