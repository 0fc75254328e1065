//! Figures of legs, and their sums. What the ledger says of a leg is made by the same functions.

use alchemiser_core::{
    child::{ChildOrder, Purpose, Status},
    fact::{CancelReason, Mark},
    ledger::{self, Line},
    leg::Leg,
    money::Money,
    quantity::Quantity,
    side::Side,
};
use rust_decimal::Decimal;

const BPS: Decimal = Decimal::from_parts(10_000, 0, 0, false, 0);

/// A sum of parts over a sum of weights.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mean {
    sum: Decimal,
    weight: Decimal,
}

impl Mean {
    /// Adds a value with its weight.
    pub(crate) fn add(&mut self, value: Decimal, weight: Decimal) {
        self.part(value.saturating_mul(weight), weight);
    }

    fn part(&mut self, sum: Decimal, weight: Decimal) {
        self.sum = self.sum.saturating_add(sum);
        self.weight = self.weight.saturating_add(weight);
    }

    /// The mean; `None` of nothing.
    pub(crate) fn value(self) -> Option<Decimal> {
        self.sum.checked_div(self.weight)
    }

    fn and(self, other: Self) -> Self {
        Self {
            sum: self.sum.saturating_add(other.sum),
            weight: self.weight.saturating_add(other.weight),
        }
    }
}

/// Figures of one leg, or of many together.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sums {
    pub(crate) legs: usize,
    pub(crate) orders: usize,
    pub(crate) repegs: usize,
    pub(crate) escalations: usize,
    pub(crate) sold: Money,
    pub(crate) bought: Money,
    cost: Option<Decimal>,
    shortfall: Option<Decimal>,
    improvement: Option<Decimal>,
    cost_bps: Mean,
    half_spreads: Mean,
    delay_bps: Mean,
    effective: Mean,
    passive: Mean,
    seconds: Mean,
    markouts: [Mean; Mark::AFTER.len()],
}

impl Sums {
    /// The figures of a leg.
    pub(crate) fn of(leg: &Leg) -> Self {
        let measures = ledger::measure(leg);
        let notional = leg.filled_notional();
        let priced = leg.average_price().is_some();
        let weigh = |value: Option<Decimal>| {
            let mut mean = Mean::default();
            if let Some(value) = value.filter(|_| priced) {
                mean.add(value, notional.amount());
            }
            mean
        };
        let mut passive = Mean::default();
        if let Some(share) = measures.passive_share {
            passive.add(share, leg.filled().shares());
        }
        let mut seconds = Mean::default();
        if let Some(taken) = measures.seconds {
            seconds.add(taken, Decimal::ONE);
        }
        let (sold, bought) = match leg.side {
            Side::Sell => (notional, Money::ZERO),
            Side::Buy => (Money::ZERO, notional),
        };
        let sums = Self {
            legs: 1,
            orders: leg.children.iter().filter(|child| child.status != Status::Unsent).count(),
            repegs: repegs(leg),
            escalations: usize::from(escalated(leg).is_some()),
            sold,
            bought,
            cost: cost(leg),
            shortfall: measures.shortfall.map(Money::amount),
            cost_bps: weigh(measures.cost_bps),
            half_spreads: weigh(measures.cost_half_spreads),
            delay_bps: weigh(measures.delay_bps),
            passive,
            seconds,
            ..Self::default()
        };
        leg.children.iter().fold(sums, |sums, child| sums.with_order(&Line { leg, child }))
    }

    /// The same with what an order's quotes say.
    fn with_order(mut self, line: &Line<'_>) -> Self {
        let (child, sign) = (line.child, line.leg.side.sign());
        let shares = child.cumulative.shares();
        let (Some(paid), false) = (child.average_price, child.cumulative.is_zero()) else {
            return self;
        };
        if let Some(quote) = child.quote {
            let off_mid = sign.saturating_mul(paid.dollars().saturating_sub(quote.mid()));
            let effective = off_mid.saturating_mul(Decimal::TWO).saturating_mul(shares);
            self.effective.part(effective, quote.spread().saturating_mul(shares));
        }
        self.improvement = added(
            self.improvement,
            child.improvement().map(|better| better.saturating_mul(shares)),
        );
        for (mean, seconds) in self.markouts.iter_mut().zip(Mark::AFTER) {
            if let Some(moved) = line.markout(seconds) {
                let notional = paid.times(child.cumulative).amount();
                mean.part(moved.saturating_mul(shares).saturating_mul(BPS), notional);
            }
        }
        self
    }

    /// Both together.
    pub(crate) fn and(self, other: Self) -> Self {
        let mut markouts = self.markouts;
        for (mean, more) in markouts.iter_mut().zip(other.markouts) {
            *mean = mean.and(more);
        }
        Self {
            legs: self.legs + other.legs,
            orders: self.orders + other.orders,
            repegs: self.repegs + other.repegs,
            escalations: self.escalations + other.escalations,
            sold: self.sold.plus(other.sold),
            bought: self.bought.plus(other.bought),
            cost: added(self.cost, other.cost),
            shortfall: added(self.shortfall, other.shortfall),
            improvement: added(self.improvement, other.improvement),
            cost_bps: self.cost_bps.and(other.cost_bps),
            half_spreads: self.half_spreads.and(other.half_spreads),
            delay_bps: self.delay_bps.and(other.delay_bps),
            effective: self.effective.and(other.effective),
            passive: self.passive.and(other.passive),
            seconds: self.seconds.and(other.seconds),
            markouts,
        }
    }

    /// The figures of many legs.
    pub(crate) fn all<'a>(legs: impl IntoIterator<Item = &'a Leg>) -> Self {
        legs.into_iter().map(Self::of).fold(Self::default(), Self::and)
    }

    pub(crate) fn traded(&self) -> Option<Decimal> {
        known(self.sold.plus(self.bought))
    }

    pub(crate) fn sold(&self) -> Option<Decimal> {
        known(self.sold)
    }

    pub(crate) fn bought(&self) -> Option<Decimal> {
        known(self.bought)
    }

    pub(crate) fn cost(&self) -> Option<Decimal> {
        self.cost
    }

    pub(crate) fn shortfall(&self) -> Option<Decimal> {
        self.shortfall
    }

    pub(crate) fn improvement(&self) -> Option<Decimal> {
        self.improvement
    }

    pub(crate) fn cost_bps(&self) -> Option<Decimal> {
        self.cost_bps.value()
    }

    pub(crate) fn half_spreads(&self) -> Option<Decimal> {
        self.half_spreads.value()
    }

    pub(crate) fn delay_bps(&self) -> Option<Decimal> {
        self.delay_bps.value()
    }

    pub(crate) fn effective_over_quoted(&self) -> Option<Decimal> {
        self.effective.value()
    }

    pub(crate) fn passive(&self) -> Option<Decimal> {
        self.passive.value()
    }

    /// The mean time of a leg.
    pub(crate) fn seconds(&self) -> Option<Decimal> {
        self.seconds.value()
    }

    /// In bps, for each of [`Mark::AFTER`].
    pub(crate) fn markouts(&self) -> [(u32, Option<Decimal>); Mark::AFTER.len()] {
        let mut all = Mark::AFTER.map(|seconds| (seconds, None));
        for (line, mean) in all.iter_mut().zip(self.markouts) {
            line.1 = mean.value();
        }
        all
    }
}

fn known(money: Money) -> Option<Decimal> {
    (money != Money::ZERO).then(|| money.amount())
}

fn added(sum: Option<Decimal>, more: Option<Decimal>) -> Option<Decimal> {
    match (sum, more) {
        (Some(sum), Some(more)) => Some(sum.saturating_add(more)),
        (one, other) => one.or(other),
    }
}

/// `s(P̄ − m₀) × filled` in dollars.
fn cost(leg: &Leg) -> Option<Decimal> {
    let mid = ledger::first_quote(leg)?.mid();
    let off = leg.average_price()?.dollars().saturating_sub(mid);
    Some(leg.side.sign().saturating_mul(off).saturating_mul(leg.filled().shares()))
}

/// Orders that were taken back to rest elsewhere.
pub(crate) fn repegs(leg: &Leg) -> usize {
    let moved =
        |child: &&ChildOrder| child.cancel.is_some_and(|asked| asked.reason == CancelReason::Repeg);
    leg.children.iter().filter(moved).count()
}

/// The first order that crossed after one had rested.
pub(crate) fn escalated(leg: &Leg) -> Option<&ChildOrder> {
    let first = leg.children.first().filter(|child| child.purpose == Purpose::Rest)?;
    let later = leg.children.iter().filter(|child| child.attempt > first.attempt);
    later.into_iter().find(|child| child.purpose == Purpose::Cross)
}

/// Shares filled by orders of a purpose.
pub(crate) fn filled_by(leg: &Leg, purpose: Purpose) -> Quantity {
    let by = leg.children.iter().filter(|child| child.purpose == purpose);
    by.map(|child| child.cumulative).sum()
}

/// Spread at the first order in ticks, as the cost is grouped by: one, two or three, more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Bucket {
    Locked,
    One,
    Few,
    Many,
}

impl Bucket {
    pub(crate) const ALL: [Self; 4] = [Self::Locked, Self::One, Self::Few, Self::Many];

    pub(crate) fn of(leg: &Leg) -> Option<Self> {
        let quote = ledger::first_quote(leg)?;
        let ticks = leg.tick(quote.bid.price).count(quote.spread());
        Some(if ticks.is_zero() {
            Self::Locked
        } else if ticks <= Decimal::ONE {
            Self::One
        } else if ticks <= Decimal::from(3) {
            Self::Few
        } else {
            Self::Many
        })
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Locked => "no spread",
            Self::One => "1 tick",
            Self::Few => "2–3 ticks",
            Self::Many => "more than 3 ticks",
        }
    }
}
