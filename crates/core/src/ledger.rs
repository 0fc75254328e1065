//! What it cost: pure projections of the log (design, domain §8).

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::{
    child::ChildOrder, execution::Execution, leg::Leg, money::Money, quantity::Quantity,
    quote::Quote,
};

/// The measures of one leg. `None` where a measure has no meaning (nothing filled, no spread).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LegMeasures {
    /// `s(P̄ − m_0)` in bps of `m_0`: what the fills cost against the mid at the first submit.
    pub cost_bps: Option<Decimal>,
    /// The same in half-spreads `H_0`; unknown where `H_0 = 0`.
    pub cost_half_spreads: Option<Decimal>,
    /// `s(m_0 − m_d)` in bps of `m_d`: what waiting for the first submit cost.
    pub delay_bps: Option<Decimal>,
    /// Implementation shortfall in dollars: `s(P̄ − m_d)·filled + s(m_end − m_d)·unfilled`.
    pub shortfall: Option<Money>,
    /// Share of the filled quantity that came from resting orders.
    pub passive_share: Option<Decimal>,
    /// Seconds from the first intent to the end.
    pub seconds: Option<Decimal>,
}

/// Basis points per unit.
const BPS: Decimal = Decimal::from_parts(10_000, 0, 0, false, 0);

fn bps(amount: Decimal, of: Decimal) -> Option<Decimal> {
    amount.checked_div(of)?.checked_mul(BPS).map(|bps| bps.round_dp(4))
}

/// The quote at a leg's first submit; `None` where that is lost.
pub fn first_quote(leg: &Leg) -> Option<&Quote> {
    leg.children.first().and_then(|child| child.quote.as_ref())
}

/// A leg's measures.
pub fn measure(leg: &Leg) -> LegMeasures {
    let sign = leg.side.sign();
    let seconds = leg.started_at.zip(leg.finished_at).map(|(from, to)| seconds(from, to));
    let shortfall = shortfall(leg);
    let (Some(quote), Some(average)) = (first_quote(leg), leg.average_price()) else {
        return LegMeasures { shortfall, seconds, ..LegMeasures::default() };
    };
    let mid = quote.mid();
    let cost = sign.saturating_mul(average.dollars().saturating_sub(mid));
    let arrival = leg.arrival.map(|quote| quote.mid());
    let filled = leg.filled();
    let passive: Quantity = leg
        .children
        .iter()
        .filter(|child| child.purpose == crate::child::Purpose::Rest)
        .map(|child| child.cumulative)
        .sum();
    LegMeasures {
        cost_bps: bps(cost, mid),
        cost_half_spreads: cost.checked_div(quote.half_spread()).map(|cost| cost.round_dp(4)),
        delay_bps: arrival
            .and_then(|arrival| bps(sign.saturating_mul(mid.saturating_sub(arrival)), arrival)),
        shortfall,
        passive_share: passive.shares().checked_div(filled.shares()).map(|share| share.round_dp(4)),
        seconds,
    }
}

/// What was paid beyond the price at arrival, and what was missed; unknown for a leg that was never sized, and while a
/// fill has no price.
fn shortfall(leg: &Leg) -> Option<Money> {
    let (arrival, filled) = (leg.arrival?.mid(), leg.filled());
    if filled.is_zero() {
        leg.sized?;
    } else {
        leg.average_price()?;
    }
    let paid = leg.filled_notional().minus(Money::new(arrival.saturating_mul(filled.shares())));
    Some(paid.plus(missed(leg, arrival)?).scaled(leg.side.sign()))
}

/// What the price has moved on the shares that were not traded: `(m_end − m_d)·unfilled`. A price that is not known is
/// needed only when something is left.
fn missed(leg: &Leg, arrival: Decimal) -> Option<Money> {
    let unfilled = leg.leaves();
    if unfilled.is_zero() {
        return Some(Money::ZERO);
    }
    let moved = leg.final_quote?.mid().saturating_sub(arrival);
    Some(Money::new(moved.saturating_mul(unfilled.shares())))
}

fn seconds(from: Timestamp, to: Timestamp) -> Decimal {
    Decimal::new(i64::try_from(to.duration_since(from).as_millis()).unwrap_or(i64::MAX), 3)
}

/// One line of the ledger: a child order with fills.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// The leg it belongs to.
    pub leg: &'a Leg,
    /// The order.
    pub child: &'a ChildOrder,
}

impl Line<'_> {
    /// Effective spread 2s(P − m) over the quoted spread, both at submit.
    pub fn effective_over_quoted(&self) -> Option<Decimal> {
        let paid = self.child.average_price?.dollars();
        let quote = self.child.quote?;
        let off_mid = self.leg.side.sign().saturating_mul(paid.saturating_sub(quote.mid()));
        off_mid
            .saturating_mul(Decimal::TWO)
            .checked_div(quote.spread())
            .map(|ratio| ratio.round_dp(4))
    }

    /// `s(m(fill + τ) − P)` in dollars per share: what the price did for us (or against us) in the seconds after the fill.
    pub fn markout(&self, seconds: u32) -> Option<Decimal> {
        let mark = self.child.marks.iter().find(|mark| mark.seconds == seconds)?;
        let paid = self.child.average_price?.dollars();
        Some(self.leg.side.sign().saturating_mul(mark.mid.saturating_sub(paid)))
    }

    /// Seconds from the intent to the newest fill.
    pub fn seconds_to_fill(&self) -> Option<Decimal> {
        self.child.filled_at.map(|at| seconds(self.child.intended_at, at))
    }
}

/// The ledger of an execution: one line per order with fills, in the order of their intents.
pub fn lines(state: &Execution) -> Vec<Line<'_>> {
    let all =
        state.legs.iter().flat_map(|leg| leg.children.iter().map(move |child| Line { leg, child }));
    let mut lines: Vec<Line<'_>> = all.filter(|line| !line.child.cumulative.is_zero()).collect();
    lines.sort_by_key(|line| line.child.intended_at);
    lines
}

/// Dollars traded in all: Σ quantity × average price over both sides.
pub fn traded(state: &Execution) -> Money {
    state.legs.iter().map(Leg::filled_notional).sum()
}
