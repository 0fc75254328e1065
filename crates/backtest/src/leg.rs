//! One order, from its arrival to its last fill.

use std::sync::Arc;

use alchemiser_core::{
    peg::{self, Base, Decision, Parent},
    policy::Policy,
    price::{Price, Tick},
    quantity::Quantity,
    quote::Quote,
    side::Side,
};
use rust_decimal::Decimal;

use crate::{
    calls::Calls,
    fill::{Fill, Model, Resting, beyond, worse},
    spreads::Spreads,
    tape::{MILLI, Nanos, Pips, SECOND, Shown, Tape, moment, pips},
};

/// After its horizon an order has so long to cross; what is open then counts at the far touch, one tick worse.
const GRACE: Nanos = 60 * SECOND;

/// A cent and a dollar in pips.
const CENT: Pips = 100;
const DOLLAR: Pips = 10_000;

/// Who decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The code that trades.
    Core(Box<Policy>),
    /// The plain peg, to compare with: join the near touch, follow it, cross at the horizon.
    Peg,
}

/// What all orders of a study have in common.
#[derive(Clone, Debug)]
pub struct Habits {
    /// Who decides.
    pub rule: Rule,
    /// The time that an order is worked.
    pub horizon: Nanos,
    /// From a decision to its effect in the market.
    pub latency: Nanos,
    /// From one look at the market to the next.
    pub cadence: Nanos,
    /// From a confirmed cancel to the next decision.
    pub replace_gap: Nanos,
    /// For how long the symbol's quotes were seen before the order arrived: a plan's buys have been, its sells have not.
    pub watched: Nanos,
    /// How resting orders fill.
    pub model: Model,
    /// What an order that crosses pays of the spread that it sees, in thousandths (E/Q): 1,000 is the whole of it.
    pub effective: Pips,
    /// The decision has learned what crossing pays; without that it counts with the whole spread.
    pub has_learned: bool,
    /// The price step, where it is not the usual one of the price.
    pub tick: Option<Tick>,
    /// Shares of a round lot.
    pub lot: u64,
    /// The message budget that orders share which begin together.
    pub calls: Arc<Policy>,
}

/// What became of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worked {
    /// When it arrived.
    pub arrival: Nanos,
    /// Buy or sell.
    pub side: Side,
    /// The quote at its arrival.
    pub shown: Shown,
    /// Its fills, in order of time; all of it.
    pub fills: Vec<Fill>,
    /// Orders that were sent.
    pub children: u32,
    /// Shares that were not filled in time, and count at the far touch, one tick worse.
    pub forced: u64,
    /// Rows of the tape that were looked at.
    pub rows: u64,
}

/// Our order at the market, or on its way there.
struct Live {
    resting: Option<Resting>,
    limit: Pips,
    price: Price,
    rests: bool,
    sent_at: Nanos,
    active_at: Nanos,
    before: Base,
}

/// An order at work.
pub(crate) struct Leg<'a> {
    habits: &'a Habits,
    tape: &'a Tape,
    side: Side,
    arrival: Nanos,
    leaves: u64,
    /// The next quote and print of the tape, and the quote that stands.
    next: (usize, usize),
    shown: Shown,
    live: Option<Live>,
    free_at: Nanos,
    crossing: bool,
    ramp: Option<Base>,
    used: Vec<Price>,
    /// The near touch as it was last looked at, and since when.
    touch: Option<((Pips, u64), Nanos)>,
    spreads: Spreads,
    worked: Worked,
}

/// Works an order of so many shares that arrives at a moment; `None` where no quote stands or the spread is zero, in
/// which a cost in half-spreads means nothing.
pub fn work(habits: &Habits, tape: &Tape, order: (Side, u64), arrival: Nanos) -> Option<Worked> {
    let (mut leg, mut now) = (Leg::new(habits, tape, order, arrival)?, arrival);
    while !leg.is_over(now) {
        now = leg.look(now, &mut Calls::Unbounded)?;
    }
    Some(leg.worked)
}

impl<'a> Leg<'a> {
    /// As [`work`], before its first look.
    pub(crate) fn new(
        habits: &'a Habits,
        tape: &'a Tape,
        (side, shares): (Side, u64),
        arrival: Nanos,
    ) -> Option<Self> {
        let shown = *tape.at(arrival)?;
        if shown.spread() <= 0 || shares == 0 {
            return None;
        }
        let next = (
            tape.shown.partition_point(|other| other.at <= arrival),
            tape.prints.partition_point(|print| print.at <= arrival),
        );
        let worked =
            Worked { arrival, side, shown, fills: Vec::new(), children: 0, forced: 0, rows: 0 };
        let mut leg = Self {
            habits,
            tape,
            side,
            arrival,
            leaves: shares,
            next,
            shown,
            live: None,
            free_at: arrival,
            crossing: false,
            ramp: None,
            used: Vec::new(),
            touch: None,
            spreads: Spreads::default(),
            worked,
        };
        leg.watch();
        Some(leg)
    }

    /// Goes on to a moment: whether all of it is filled then. What is left when its time is up is forced.
    pub(crate) fn is_over(&mut self, now: Nanos) -> bool {
        self.go(now);
        let late = now > self.arrival + self.habits.horizon + GRACE;
        if self.leaves > 0 && (late || self.next.0 >= self.tape.shown.len()) {
            self.force(now);
        }
        self.leaves == 0
    }

    /// It has an order at the market or on its way there.
    pub(crate) fn is_live(&self) -> bool {
        self.live.is_some()
    }

    /// Until then its cancel is under way.
    pub(crate) fn free_at(&self) -> Nanos {
        self.free_at
    }

    /// What became of it.
    pub(crate) fn worked(self) -> Worked {
        self.worked
    }
}

impl Leg<'_> {
    /// What was seen before the order arrived.
    fn watch(&mut self) {
        for second in (1..=self.habits.watched / SECOND).rev() {
            let at = self.arrival - second * SECOND;
            if let Some(shown) = self.tape.at(at) {
                self.spreads.note(at, shown.spread());
            }
        }
    }

    /// Decides and acts; returns when to look again.
    pub(crate) fn look(&mut self, now: Nanos, calls: &mut Calls) -> Option<Nanos> {
        let soon = now + self.habits.cadence;
        let seen = self.seen();
        self.spreads.note(now, seen.spread());
        let quote = seen.quote(now)?;
        let decision = match (&self.live, self.patience()) {
            (Some(live), Some(patience)) if !live.rests => {
                if now - live.sent_at < patience {
                    return Some(soon);
                }
                Decision::Cross { limit: quote.far(self.side).price }
            }
            _ => self.decide(&quote, now),
        };
        let is_live = self.live.is_some();
        if matches!((decision, is_live), (Decision::Hold, _) | (Decision::Rest { .. }, true)) {
            return Some(soon);
        }
        let rests = self.live.as_ref().is_some_and(|live| live.rests);
        let since = now - self.arrival;
        let allowed = match decision {
            Decision::Replace { .. } | Decision::Through { .. } if rests => {
                calls.take_for_repeg(since)
            }
            Decision::Hold
            | Decision::Rest { .. }
            | Decision::Replace { .. }
            | Decision::Through { .. }
            | Decision::Cross { .. } => calls.take(since),
        };
        if !allowed {
            return Some(soon);
        }
        match (decision, is_live) {
            (Decision::Hold, _) | (Decision::Rest { .. }, true) => Some(soon),
            (Decision::Rest { limit } | Decision::Replace { limit }, false) => {
                self.send((limit, true), &quote, now);
                Some(soon)
            }
            (Decision::Cross { limit } | Decision::Through { limit }, false) => {
                self.crossing |= quote.spread() > Decimal::ZERO;
                self.send((limit, false), &quote, now);
                Some(soon)
            }
            (
                Decision::Replace { .. } | Decision::Through { .. } | Decision::Cross { .. },
                true,
            ) => Some(self.cancel(now)),
        }
    }

    /// How long a crossing order is left alone.
    fn patience(&self) -> Option<Nanos> {
        match &self.habits.rule {
            Rule::Core(policy) => Nanos::try_from(policy.cross_patience.as_nanos()).ok(),
            Rule::Peg => Some(2 * SECOND),
        }
    }

    /// The market as we see it: with our own round lots.
    fn seen(&self) -> Shown {
        let mut shown = self.shown;
        let displayed = self.displayed();
        let Some(live) = self.live.as_ref().filter(|live| live.rests && displayed > 0) else {
            return shown;
        };
        let near = shown.near(self.side);
        let (at, size) = match self.side {
            Side::Buy => (&mut shown.bid, &mut shown.bid_size),
            Side::Sell => (&mut shown.ask, &mut shown.ask_size),
        };
        if live.limit == near {
            *size += displayed;
        } else if beyond(live.limit, near, self.side) {
            (*at, *size) = (live.limit, displayed);
        }
        shown
    }

    fn displayed(&self) -> u64 {
        let stands = self.live.as_ref().is_some_and(|live| live.resting.is_some());
        if stands { self.leaves - self.leaves % self.habits.lot } else { 0 }
    }

    fn known_effective(&self) -> Decimal {
        if self.habits.has_learned { Decimal::new(self.habits.effective, 3) } else { Decimal::ONE }
    }

    /// How much better than the far touch a crossing order is filled.
    fn improvement(&self) -> Pips {
        self.shown.spread() * (1_000 - self.habits.effective) / 2_000
    }

    /// The price step, and what it is in pips.
    fn tick(&self) -> (Tick, Pips) {
        match self.habits.tick {
            Some(tick) => (tick, pips(tick.dollars()).unwrap_or(CENT)),
            None if self.shown.bid < DOLLAR => (Tick::SUB_DOLLAR, 1),
            None => (Tick::CENT, CENT),
        }
    }

    fn decide(&mut self, quote: &Quote, now: Nanos) -> Decision {
        match &self.habits.rule {
            Rule::Core(policy) => {
                let parent = self.parent(now, policy);
                peg::decide(&parent, quote, moment(now), policy)
            }
            Rule::Peg => self.peg(quote, now),
        }
    }

    fn peg(&self, quote: &Quote, now: Nanos) -> Decision {
        let (near, far) = (quote.near(self.side).price, quote.far(self.side).price);
        if now - self.arrival >= self.habits.horizon {
            let collar = far.toward_far(self.side, self.tick().0.dollars());
            return Decision::Cross { limit: collar.unwrap_or(far) };
        }
        match self.live.as_ref().map(|live| live.limit) {
            None => Decision::Rest { limit: near },
            Some(limit) if beyond(self.shown.near(self.side), limit, self.side) => {
                Decision::Replace { limit: near }
            }
            Some(_) => Decision::Hold,
        }
    }

    fn elapsed(&self, now: Nanos) -> Decimal {
        let part = |nanos: Nanos| Decimal::from(nanos / MILLI);
        part(now - self.arrival).checked_div(part(self.habits.horizon)).unwrap_or(Decimal::ONE)
    }

    /// What the decision looks at, as the product's executor builds it.
    fn parent(&mut self, now: Nanos, policy: &Policy) -> Parent {
        let seen = self.seen();
        let touch = (seen.near(self.side), seen.near_size(self.side));
        let since = match self.touch {
            Some((before, since)) if before == touch => since,
            Some(_) | None => now,
        };
        self.touch = Some((touch, since));
        let displayed = self.displayed();
        let resting = self.live.as_ref().filter(|live| live.rests).map(|live| {
            let alone = touch.0 == live.limit && touch.1 <= displayed;
            peg::Resting {
                limit: live.price,
                since: moment(live.sent_at),
                displayed: shares(displayed),
                before: live.before,
                alone_since: alone.then(|| moment(since.max(live.sent_at))),
            }
        });
        let (tick, step) = self.tick();
        Parent {
            side: self.side,
            leaves: shares(self.leaves),
            elapsed: self.elapsed(now),
            crossing: self.crossing,
            urgent: false,
            resting,
            rested: u32::try_from(self.used.len()).unwrap_or(u32::MAX),
            ramp: self.ramp,
            tick,
            effective_over_quoted: self.known_effective(),
            usual_ticks: self.spreads.usual_ticks(step),
            used: self.used.clone(),
            round_lot: shares(self.habits.lot),
            fill_wait: policy.fill_wait,
        }
    }

    fn send(&mut self, (limit, rests): (Price, bool), quote: &Quote, now: Nanos) {
        let near = quote.near(self.side).price;
        let before = Base { near, ticks: self.tick().0.count(quote.spread()) };
        if self.ramp.is_none() && self.elapsed(now) > Decimal::new(9, 1) {
            self.ramp = Some(before);
        }
        if rests {
            self.used.push(limit);
        }
        let Some(at) = pips(limit.dollars()) else { return };
        self.worked.children += 1;
        let active_at = now + self.habits.latency;
        self.live = Some(Live {
            resting: None,
            limit: at,
            price: limit,
            rests,
            sent_at: now,
            active_at,
            before,
        });
    }

    /// Takes the order back; what fills on the way fills. Returns when that is known.
    fn cancel(&mut self, now: Nanos) -> Nanos {
        let known = now + self.habits.latency;
        self.go(known);
        self.live = None;
        self.free_at = known + self.habits.replace_gap;
        self.free_at
    }

    /// Goes on to a moment; an order that is on its way arrives at its time.
    fn go(&mut self, to: Nanos) {
        let due = self.live.as_ref().filter(|live| live.resting.is_none() && live.active_at <= to);
        if let Some((limit, at)) = due.map(|live| (live.limit, live.active_at)) {
            self.rows(at);
            let (_, tick) = self.tick();
            let terms = (self.side, limit, self.leaves);
            let (order, fills) = Resting::arrive(terms, &self.shown, (at, tick), self.habits.model);
            if let Some(live) = &mut self.live {
                live.resting = Some(order);
            }
            let improvement = self.improvement();
            for fill in fills {
                let price = worse(fill.price, -improvement, self.side);
                self.filled(Fill { price, ..fill });
            }
        }
        self.rows(to);
    }

    /// The rows of the tape up to a moment; a print comes before the quote that it leaves behind.
    fn rows(&mut self, to: Nanos) {
        while self.leaves > 0 {
            let quote = self.tape.shown.get(self.next.0).filter(|shown| shown.at <= to);
            let print = self.tape.prints.get(self.next.1).filter(|print| print.at <= to);
            let order = self.live.as_mut().and_then(|live| live.resting.as_mut());
            let fill = match (quote, print) {
                (None, None) => return,
                (Some(shown), Some(print)) if shown.at < print.at => {
                    (self.next.0, self.shown) = (self.next.0 + 1, *shown);
                    order.and_then(|order| order.on_quote(shown))
                }
                (_, Some(print)) => {
                    self.next.1 += 1;
                    let shown = self.shown;
                    order.and_then(|order| order.on_print(print, &shown))
                }
                (Some(shown), None) => {
                    (self.next.0, self.shown) = (self.next.0 + 1, *shown);
                    order.and_then(|order| order.on_quote(shown))
                }
            };
            self.worked.rows += 1;
            if let Some(fill) = fill {
                self.filled(fill);
            }
        }
    }

    fn filled(&mut self, fill: Fill) {
        self.leaves -= fill.shares.min(self.leaves);
        self.worked.fills.push(fill);
    }

    /// What is left counts at the far touch, one tick worse.
    fn force(&mut self, now: Nanos) {
        let (_, tick) = self.tick();
        let price = worse(self.shown.far(self.side), tick, self.side);
        self.worked.forced = self.leaves;
        let fill = Fill { at: now, price, shares: self.leaves, is_passive: false };
        self.filled(fill);
    }
}

fn shares(count: u64) -> Quantity {
    Quantity::of_whole(count)
}
