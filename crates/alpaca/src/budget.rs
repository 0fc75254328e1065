//! How many calls may still be made: one bucket for everything in the process that calls for one account.
//!
//! The core plans a plan's calls ahead and asks for none that this bucket would hold back; what it keeps is the floor
//! under all of them together (several plans one after the other, look-ups, `doctor`), and what the broker itself says
//! in its headers. Three quarters of the broker's limit are used as they come (150 of 200 a minute); the rest is for
//! what must not wait: cancels and look-ups.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// What a call is for, most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rank {
    /// A cancel.
    Cancel,
    /// The look-up of an order whose POST got no answer.
    LookUp,
    /// A reading.
    Poll,
    /// A new order. It never waits: a lease might end meanwhile.
    Order,
}

/// What the headers of an answer say (`X-RateLimit-*`, `Retry-After`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateSaid {
    /// Calls a minute.
    pub limit: Option<u32>,
    /// Calls left in this minute.
    pub remaining: Option<u32>,
    /// When the next minute begins.
    pub reset: Option<Timestamp>,
    /// Nothing before so long from now.
    pub retry_after: Option<SignedDuration>,
    /// The call was one too many.
    pub is_over: bool,
}

/// Whether a call may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// Now; it is counted.
    Go,
    /// Not before this time.
    Wait(Timestamp),
}

/// Calls a minute before the broker has said how many (Alpaca, Trading API and Basic market data).
const LIMIT: u32 = 200;
/// The broker's minute.
const MINUTE_MS: i64 = 60_000;
/// After a 429 without a date: so long.
const PAUSE: SignedDuration = SignedDuration::from_secs(5);
/// No header makes anybody wait longer.
const PAUSE_MAX: SignedDuration = SignedDuration::from_secs(61);

/// Thousandths of a call.
const CALL: i64 = 1_000;

#[derive(Clone, Copy, Debug)]
struct State {
    limit: u32,
    /// Thousandths of calls that may be made; below zero when urgent calls used what was not there.
    level: i64,
    at: Timestamp,
    /// What the broker said is left, and until when that holds.
    said: Option<(u32, Timestamp)>,
    /// Nothing before this time.
    closed_until: Option<Timestamp>,
}

/// The bucket.
#[derive(Debug)]
pub struct Budget(Mutex<State>);

impl State {
    /// Thousandths of a call that a burst may hold: as the core's 45 of 200.
    fn burst(&self) -> i64 {
        i64::from(self.limit).saturating_mul(225)
    }

    /// Thousandths of a call that may be owed: a quarter of the limit.
    fn reserve(&self) -> i64 {
        i64::from(self.limit).saturating_mul(250)
    }

    /// Thousandths of a call that come back in so many milliseconds: three quarters of the limit in a minute.
    fn earned(&self, millis: i64) -> i64 {
        i64::from(self.limit).saturating_mul(750).saturating_mul(millis) / MINUTE_MS
    }

    fn bring_to(&mut self, now: Timestamp) {
        let passed = i64::try_from(now.duration_since(self.at).as_millis()).unwrap_or(i64::MAX);
        if passed > 0 {
            let earned = self.earned(passed.min(MINUTE_MS));
            self.level = self.level.saturating_add(earned).min(self.burst());
            self.at = now;
        }
        self.said = self.said.filter(|(_, until)| now < *until);
        self.closed_until = self.closed_until.filter(|until| now < *until);
    }

    /// The level that a call of a rank leaves behind at least.
    fn least(&self, rank: Rank) -> i64 {
        match rank {
            Rank::Order => 0,
            Rank::Poll => -self.reserve() / 2,
            Rank::Cancel | Rank::LookUp => -self.reserve(),
        }
    }

    /// Calls of what the broker said is left that a rank leaves alone.
    fn kept(rank: Rank) -> u32 {
        match rank {
            Rank::Order => 5,
            Rank::Poll => 3,
            Rank::Cancel | Rank::LookUp => 0,
        }
    }

    fn opens_at(&self, rank: Rank) -> Option<Timestamp> {
        let spent = self.said.filter(|(left, _)| *left <= Self::kept(rank)).map(|(_, until)| until);
        let missing = self.least(rank).saturating_add(CALL).saturating_sub(self.level);
        let earned_in =
            missing.saturating_mul(MINUTE_MS) / i64::from(self.limit).saturating_mul(750).max(1);
        let refilled = (missing > 0).then(|| {
            let wait = SignedDuration::from_millis(earned_in.saturating_add(1));
            self.at.saturating_add(wait).unwrap_or(self.at)
        });
        self.closed_until.max(spent).max(refilled)
    }
}

impl Budget {
    /// A full bucket.
    pub fn full(now: Timestamp) -> Self {
        let state = State { limit: LIMIT, level: 0, at: now, said: None, closed_until: None };
        Self(Mutex::new(State { level: state.burst(), ..state }))
    }

    fn at(&self, now: Timestamp) -> MutexGuard<'_, State> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.bring_to(now);
        state
    }

    /// Takes a call out of the bucket, if one of this rank may go now.
    pub fn ask(&self, rank: Rank, now: Timestamp) -> Leave {
        let mut state = self.at(now);
        if let Some(at) = state.opens_at(rank).filter(|at| *at > now) {
            return Leave::Wait(at);
        }
        state.level = state.level.saturating_sub(CALL);
        state.said = state.said.map(|(left, until)| (left.saturating_sub(1), until));
        Leave::Go
    }

    /// Takes in what the headers of an answer said.
    pub fn heard(&self, said: RateSaid, now: Timestamp) {
        let mut state = self.at(now);
        state.limit = said.limit.filter(|limit| *limit > 0).unwrap_or(state.limit);
        let latest = now.saturating_add(PAUSE_MAX).unwrap_or(now);
        if let (Some(left), Some(reset)) = (said.remaining, said.reset) {
            // Calls that are under way have not been counted there yet.
            let known = state.said.filter(|(_, until)| *until == reset.min(latest));
            let left = known.map_or(left, |(known, _)| known.min(left));
            state.said = Some((left, reset.min(latest)));
        }
        if said.is_over {
            let pause = said.retry_after.unwrap_or(PAUSE).clamp(SignedDuration::ZERO, PAUSE_MAX);
            let after = now.saturating_add(pause).unwrap_or(now);
            // Where calls are left, the limit that was hit is another one than the minute's.
            let minute = said.retry_after.is_none() && said.remaining.is_none_or(|left| left == 0);
            let reset = said.reset.filter(|_| minute).map(|at| at.min(latest));
            state.closed_until = Some(reset.unwrap_or(after)).max(state.closed_until);
            state.level = state.level.min(0);
        }
    }

    /// Orders that may be sent now.
    pub fn left(&self, now: Timestamp) -> u32 {
        let state = self.at(now);
        if state.closed_until.is_some() {
            return 0;
        }
        let level = u32::try_from(state.level.max(0) / CALL).unwrap_or(0);
        let said = state.said.map(|(left, _)| left.saturating_sub(State::kept(Rank::Order)));
        said.map_or(level, |said| level.min(said))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(millis).unwrap()
    }

    fn taken(budget: &Budget, rank: Rank, now: i64) -> u32 {
        let mut count = 0;
        while budget.ask(rank, at(now)) == Leave::Go {
            count += 1;
        }
        count
    }

    /// L8, S14: 45 orders in a burst and 150 a minute after it; cancels may use what the others leave.
    #[test]
    fn orders_leave_room_for_cancels() {
        let budget = Budget::full(at(0));
        assert_eq!(taken(&budget, Rank::Order, 0), 45);
        assert_eq!(taken(&budget, Rank::Order, 1_000), 2);
        assert_eq!(taken(&budget, Rank::Poll, 1_000), 25);
        assert_eq!(taken(&budget, Rank::LookUp, 1_000), 25);
        assert_eq!(taken(&budget, Rank::Cancel, 1_000), 0);
        assert_eq!(budget.ask(Rank::Cancel, at(1_000)), Leave::Wait(at(1_201)));
        assert_eq!(budget.left(at(1_000)), 0);
        assert_eq!(budget.left(at(60_000)), 45);
    }

    /// L8: what the broker says is left is left to what is most urgent, until its minute is over.
    #[test]
    fn the_brokers_headers_are_kept_to() {
        let budget = Budget::full(at(0));
        let said = RateSaid { remaining: Some(6), reset: Some(at(20_000)), ..RateSaid::default() };
        budget.heard(said, at(0));
        assert_eq!(budget.left(at(0)), 1);
        assert_eq!(taken(&budget, Rank::Order, 0), 1);
        assert_eq!(taken(&budget, Rank::Poll, 0), 2);
        assert_eq!(taken(&budget, Rank::Cancel, 0), 3);
        assert_eq!(budget.ask(Rank::Cancel, at(19_999)), Leave::Wait(at(20_000)));
        assert_eq!(budget.ask(Rank::Order, at(20_000)), Leave::Go);
    }

    /// L8: a 429 closes the bucket until the header's date; without one for a while; never for longer than a minute.
    #[test]
    fn a_429_closes_the_bucket() {
        let check = |said: RateSaid, expected: i64| {
            let budget = Budget::full(at(0));
            budget.heard(RateSaid { is_over: true, ..said }, at(0));
            assert_eq!(budget.left(at(0)), 0);
            assert_eq!(budget.ask(Rank::Cancel, at(0)), Leave::Wait(at(expected)), "{said:?}");
        };
        check(RateSaid::default(), 5_000);
        let after = Some(SignedDuration::from_secs(2));
        check(RateSaid { retry_after: after, ..RateSaid::default() }, 2_000);
        check(RateSaid { reset: Some(at(9_000)), ..RateSaid::default() }, 9_000);
        check(RateSaid { reset: Some(at(9_000_000)), ..RateSaid::default() }, 61_000);
        let reset = Some(at(9_000));
        check(RateSaid { reset, remaining: Some(0), ..RateSaid::default() }, 9_000);
        check(RateSaid { reset, remaining: Some(90), ..RateSaid::default() }, 5_000);
    }

    #[test]
    fn a_larger_limit_is_used() {
        let budget = Budget::full(at(0));
        budget.heard(RateSaid { limit: Some(1_000), ..RateSaid::default() }, at(0));
        assert_eq!(budget.left(at(60_000)), 225);
    }
}
