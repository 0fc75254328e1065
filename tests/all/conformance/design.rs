//! What our prices must come to, by the design's text (domain §2, §3), counted with plain decimals: whatever a deviation
//! excuses, ours is held to this.

use alchemiser_core::side::Side;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::Value;

use super::{
    book::{CENT, bid_and_ask},
    original::{Repeg, leans, ticks_inside, touches},
};

/// The symbol's tick: a cent from one dollar on, a hundredth of it below.
pub(crate) fn tick(price: Decimal) -> Decimal {
    if price < Decimal::ONE { Decimal::new(1, 4) } else { CENT }
}

/// Away from the market, to the grid: that of the price itself, where it is a dollar and more on a tick of less.
pub(crate) fn passive(price: Decimal, tick: Decimal, side: Side) -> Decimal {
    let away = match side {
        Side::Buy => RoundingStrategy::ToNegativeInfinity,
        Side::Sell => RoundingStrategy::ToPositiveInfinity,
    };
    let price = price.round_dp_with_strategy(tick.scale(), away);
    let coarse = price >= Decimal::ONE && tick < CENT;
    if coarse { price.round_dp_with_strategy(CENT.scale(), away) } else { price }
}

/// A resting price stops a tick short of the far touch and stands on the grid; `None` where that is no price.
fn resting(price: Decimal, far: Decimal, tick: Decimal, side: Side) -> Option<Decimal> {
    let inner = far - side.sign() * tick;
    let bounded = if side == Side::Buy { price.min(inner) } else { price.max(inner) };
    Some(passive(bounded, tick, side)).filter(|price| *price > Decimal::ZERO)
}

fn tick_of(input: &Value) -> Decimal {
    tick(bid_and_ask(input).0)
}

/// "r > .8: near + 2 ticks toward the far side; r > .3: + 1 tick; else the near touch", one more when the book leans.
pub(crate) fn opening(input: &Value, side: Side) -> Option<Decimal> {
    let (tick, (near, far)) = (tick_of(input), touches(input, side));
    let lean = if leans(input, side) { Decimal::ONE } else { Decimal::ZERO };
    let limit = near + side.sign() * (ticks_inside(input, side) + lean) * tick;
    if near == far { None } else { resting(limit, far, tick, side) }
}

/// "near + max(offset, tick), not past mid".
pub(crate) fn inside(input: &Value, side: Side, offset: Decimal) -> Option<Decimal> {
    let (tick, (near, far)) = (tick_of(input), touches(input, side));
    let (limit, mid) = (near + side.sign() * offset.max(tick), (near + far) / Decimal::TWO);
    let limit = if side.sign() * (limit - mid) > Decimal::ZERO { mid } else { limit };
    if near == far { None } else { resting(limit, far, tick, side) }
}

/// "half-way from the last price to the far touch, never at a price already used, never through the far touch except on
/// the last re-peg", and then by the minimum improvement, inside the collar.
pub(crate) fn repeg(input: &Value, repeg: &Repeg) -> Option<Decimal> {
    let (tick, side) = (tick_of(input), repeg.side);
    let collar = (repeg.far * Decimal::new(25, 4)).max(Decimal::TWO * tick);
    let mut step = repeg.improvement.max(tick);
    let mut limit = if repeg.crosses {
        step = step.min(collar);
        let through = repeg.on(repeg.far, repeg.improvement.min(collar).max(tick));
        Some(passive(through, tick, side)).filter(|price| *price > Decimal::ZERO)?
    } else {
        resting(repeg.aim(), repeg.far, tick, side)?
    };
    let used: Vec<Decimal> = repeg.history.iter().copied().chain(repeg.last).collect();
    limit = unused(limit, (step, tick), side, &used);
    let beyond = repeg.beyond(limit);
    let within = if repeg.crosses { beyond <= collar } else { beyond < Decimal::ZERO };
    (within && limit > Decimal::ZERO).then_some(limit)
}

/// "never at a price already used": on by the step, on the grid, until the price is new.
pub(crate) fn unused(
    from: Decimal,
    (step, tick): (Decimal, Decimal),
    side: Side,
    used: &[Decimal],
) -> Decimal {
    let mut limit = from;
    while used.contains(&limit) {
        limit = passive(limit + side.sign() * step, tick, side);
    }
    limit
}

/// The leg has stood there: by the history, or just now.
pub(crate) fn is_used(repeg: &Repeg, limit: Decimal) -> bool {
    repeg.history.contains(&limit) || repeg.last == Some(limit)
}
