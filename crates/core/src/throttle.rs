//! The message budget: a token bucket over trading calls, driven by the time that is passed in.

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use crate::policy::Policy;

/// Trading calls that may still be made. The broker allows 200 a minute for each account; a full bucket of 45 and 2.5
/// a second stay below that in every minute and leave the rest to halts and look-ups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tokens {
    level: Decimal,
    at: Timestamp,
}

impl Tokens {
    /// A full bucket: the first owner of a plan.
    pub fn full(at: Timestamp, policy: &Policy) -> Self {
        Self { level: policy.call_burst, at }
    }

    /// An empty bucket: an owner that took over does not know what the last one used.
    pub fn empty(at: Timestamp) -> Self {
        Self { level: Decimal::ZERO, at }
    }

    /// Calls that may be made at `now`.
    pub fn available(&self, now: Timestamp, policy: &Policy) -> Decimal {
        let millis = Decimal::from(
            now.duration_since(self.at).as_millis().max(0).try_into().unwrap_or(i64::MAX),
        );
        let seconds = millis.checked_div(Decimal::ONE_THOUSAND).unwrap_or_default();
        self.level.saturating_add(seconds.saturating_mul(policy.call_rate)).min(policy.call_burst)
    }

    /// When to poll next, wanted at `wake`: as wanted while the bucket is at least a third full; below that not before
    /// a pause that grows to the slow pace as the bucket empties, so that polling never eats what orders need.
    pub fn pace(&self, wake: Timestamp, now: Timestamp, policy: &Policy) -> Timestamp {
        let third = policy.call_burst.checked_div(Decimal::from(3)).unwrap_or_default();
        let missing = third.saturating_sub(self.available(now, policy)).clamp(Decimal::ZERO, third);
        let slow = Decimal::from(i64::try_from(policy.poll_slow.as_millis()).unwrap_or(i64::MAX));
        let pause = slow.saturating_mul(missing.checked_div(third).unwrap_or_default()).trunc();
        let pause = SignedDuration::from_millis(i64::try_from(pause).unwrap_or(0));
        now.saturating_add(pause).map_or(wake, |earliest| wake.max(earliest))
    }

    /// The bucket after `calls` were made at `now`; calls beyond the budget leave a debt.
    #[must_use]
    pub fn spend(self, calls: u32, now: Timestamp, policy: &Policy) -> Self {
        let at = self.at.max(now);
        Self { level: self.available(at, policy).saturating_sub(Decimal::from(calls)), at }
    }

    /// The bucket with no more in it than the broker would take now.
    #[must_use]
    pub fn capped(self, calls: u32, now: Timestamp, policy: &Policy) -> Self {
        let at = self.at.max(now);
        Self { level: self.available(at, policy).min(Decimal::from(calls)), at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S14, L8: never more than 195 calls in the first minute and 150 in any later one.
    #[test]
    fn a_minute_never_holds_more_calls_than_the_broker_allows() {
        let policy = Policy::default();
        let start = Timestamp::UNIX_EPOCH;
        let mut tokens = Tokens::full(start, &policy);
        let mut minutes = [0_u32; 3];
        for (index, step) in (0_i64..3 * 60 * 20).enumerate() {
            let now = start.checked_add(SignedDuration::from_millis(step * 50)).unwrap();
            while tokens.available(now, &policy) >= Decimal::ONE {
                tokens = tokens.spend(1, now, &policy);
                minutes[index / 1200] += 1;
            }
        }
        assert!(minutes[0] <= 195 && minutes[1] <= 150 && minutes[2] <= 150, "{minutes:?}");
        assert!(minutes[1] >= 149, "the budget is used: {minutes:?}");
    }

    /// L8: what the broker would not take is not planned with, and comes back with time.
    #[test]
    fn the_broker_may_allow_less_than_there_is() {
        let policy = Policy::default();
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        let check = |spent: u32, allowed: u32, [now, later]: [i64; 2]| {
            let tokens = Tokens::full(at(0), &policy).spend(spent, at(0), &policy);
            let tokens = tokens.capped(allowed, at(0), &policy);
            let found = [at(0), at(2)].map(|at| tokens.available(at, &policy));
            assert_eq!(found, [now, later].map(Decimal::from), "{spent} {allowed}");
        };
        check(0, 100, [45, 45]);
        check(0, 7, [7, 12]);
        check(50, 7, [-5, 0]);
        check(0, 0, [0, 5]);
    }

    /// S14: polling slows down as the bucket empties.
    #[test]
    fn polling_slows_down_as_the_bucket_empties() {
        let policy = Policy::default();
        let (now, wake) = (Timestamp::UNIX_EPOCH, Timestamp::from_millisecond(200).unwrap());
        let check = |spent: u32, expected_millis: i64| {
            let paced =
                Tokens::full(now, &policy).spend(spent, now, &policy).pace(wake, now, &policy);
            assert_eq!(paced.as_millisecond(), expected_millis, "{spent} spent");
        };
        check(0, 200);
        check(30, 200);
        check(33, 600);
        check(40, 2_000);
        check(45, 3_000);
        check(60, 3_000);
    }
}
