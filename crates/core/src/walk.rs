//! `walk`: fixed fractions of the spread, a wait at each, then escalation.

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::{
    peg::{Book, Parent, Want, passive},
    policy::Policy,
    price::Price,
    quote::Quote,
};

/// The limit at a step (0 is the first): that fraction of the spread from the near touch, on the present quote without
/// our own order; never the far touch. The last fraction holds for every later step.
pub fn limit_at(step: usize, parent: &Parent, quote: &Quote, policy: &Policy) -> Option<Price> {
    let book = Book::read(parent, quote);
    let fraction = policy.walk_fractions.get(step).or(policy.walk_fractions.last())?;
    let spread = book.half_spread(parent.side, quote).saturating_mul(Decimal::TWO);
    let inside = book.near.toward_far(parent.side, spread.saturating_mul(*fraction))?;
    passive(inside, parent, quote)
}

/// What the policy would do: rest at the step that the leg's own time has come to. A working order is moved only after
/// its wait, on the quote of that moment.
pub(crate) fn wants(parent: &Parent, quote: &Quote, now: Timestamp, policy: &Policy) -> Want {
    let waits = |since: Timestamp| now.duration_since(since) < policy.step_wait;
    if parent.resting.is_some_and(|resting| waits(resting.since)) || quote.is_locked() {
        return Want::Wait;
    }
    limit_at(step(parent.elapsed, policy), parent, quote, policy).map_or(Want::Wait, Want::At)
}

/// The leg's own time, in steps.
fn step(elapsed: Decimal, policy: &Policy) -> usize {
    let steps = Decimal::from(policy.walk_fractions.len());
    let step = elapsed.clamp(Decimal::ZERO, Decimal::ONE).saturating_mul(steps).trunc();
    usize::try_from(step).unwrap_or(usize::MAX)
}
