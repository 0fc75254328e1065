//! The volatile view: what the market and the broker last said. Losing it may delay an action and can never permit one.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use crate::{
    account::Halt,
    fact::Refusal,
    ids::{ClientOrderId, Symbol},
    policy::Policy,
    quote::{self, Freshness, Quote, QuoteFault, RawQuote, Snapshot, Touch},
    reading::{AccountReading, Asset, Position, SessionClock},
    report::OrderReport,
    side::Side,
    throttle::Tokens,
};

/// What came of a POST or a look-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The broker took or knows the order.
    Known(OrderReport),
    /// The broker refused it.
    Refused(Refusal),
    /// No clear answer: timeout, 5xx, a duplicate id.
    Lost,
    /// Looked up and not there.
    NotFound,
    /// It was not sent: the lease would have ended too soon.
    NotSent,
}

/// One thing heard from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The account's orders since before the plan.
    Orders(Vec<OrderReport>, Timestamp),
    /// Everything that is open at the broker, however old it is. The list of the orders since the plan is read after it.
    Open(Vec<OrderReport>),
    /// What came of a POST or a look-up.
    Answered(ClientOrderId, Answer),
    /// One response of the market-data snapshots.
    Snapshots(BTreeMap<Symbol, Snapshot>),
    /// A quote of a stream. One that is older than the requested one is not taken in: the stream has missed something.
    Streamed(Symbol, RawQuote),
    /// The halt switch: the halt, if trading is stopped.
    Halt(Option<Halt>, Timestamp),
    /// Somebody canceled the plan.
    Canceled(Halt),
    /// The account.
    Account(AccountReading, Timestamp),
    /// All positions.
    Positions(BTreeMap<Symbol, Position>, Timestamp),
    /// An asset; `None` when the broker does not know it.
    Asset(Symbol, Option<Asset>),
    /// The session clock and our own time when it was read.
    Session(SessionClock, Timestamp),
    /// So many trading calls were made.
    Called(u32, Timestamp),
    /// The broker would take no more than so many orders now.
    Allowance(u32, Timestamp),
}

/// The view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// Our orders by client id, as last read.
    pub orders: BTreeMap<ClientOrderId, OrderReport>,
    /// Open orders that are not ours.
    pub foreign: Vec<OrderReport>,
    /// Those of them that the last list of everything open had: a list of the orders since the plan lacks older ones.
    standing: Vec<OrderReport>,
    /// When the account's orders were last listed.
    pub orders_at: Option<Timestamp>,
    /// Answers since the last decision.
    pub answers: Vec<(ClientOrderId, Answer)>,
    /// The newest market data.
    pub snapshots: BTreeMap<Symbol, Snapshot>,
    /// The newest streamed quotes, where there is a stream.
    pub streamed: BTreeMap<Symbol, RawQuote>,
    /// Since when bid and ask have been as they are.
    touches: BTreeMap<Symbol, [(Touch, Timestamp); 2]>,
    /// Mids and spreads of the last minutes, one a second at most: what the price did after a fill, and what is usual.
    course: BTreeMap<Symbol, Course>,
    /// The halt switch, and when it was read.
    pub halt: Option<(Option<Halt>, Timestamp)>,
    /// Who canceled the plan, if somebody has.
    pub canceled: Option<Halt>,
    /// The account, and when it was read.
    pub account: Option<(AccountReading, Timestamp)>,
    /// The positions, and when they were read.
    pub positions: Option<(BTreeMap<Symbol, Position>, Timestamp)>,
    /// Assets read so far.
    pub assets: BTreeMap<Symbol, Option<Asset>>,
    /// The session, and our own time when it was read.
    pub session: Option<(SessionClock, Timestamp)>,
    /// The message budget.
    pub tokens: Tokens,
    policy: Arc<Policy>,
}

impl Observed {
    /// Nothing seen yet.
    pub fn new(tokens: Tokens, policy: impl Into<Arc<Policy>>) -> Self {
        Self {
            orders: BTreeMap::new(),
            foreign: Vec::new(),
            standing: Vec::new(),
            orders_at: None,
            answers: Vec::new(),
            snapshots: BTreeMap::new(),
            streamed: BTreeMap::new(),
            touches: BTreeMap::new(),
            course: BTreeMap::new(),
            halt: None,
            canceled: None,
            account: None,
            positions: None,
            assets: BTreeMap::new(),
            session: None,
            tokens,
            policy: policy.into(),
        }
    }

    /// Forgets the answers that a decision has taken in.
    pub fn forget_answers(&mut self) {
        self.answers.clear();
    }

    /// [`observe`] in place: the view is large, and a turn brings many inputs.
    pub fn take(&mut self, input: &Input) {
        note(self, input);
    }

    /// The symbol's quote, if it may be traded on: the streamed one where there is one and it is usable, else the
    /// requested one.
    ///
    /// # Errors
    /// Why neither may.
    pub fn quote(
        &self,
        symbol: &Symbol,
        now: Timestamp,
        policy: &Policy,
    ) -> Result<Quote, QuoteFault> {
        let streamed = self.streamed.get(symbol);
        let requested = self.snapshots.get(symbol).and_then(|snapshot| snapshot.quote);
        let others = self.snapshots.iter().filter(|(other, _)| *other != symbol);
        let same_response = others
            .filter_map(|(_, other)| other.quote)
            .filter(|other| requested.is_none_or(|quote| other.observed_at == quote.observed_at));
        let market_moved_at = same_response.map(|quote| quote.changed_at).max();
        let by = Freshness { now, market_moved_at, policy };
        quote::choose(streamed, requested.as_ref(), by).map(|(quote, _)| quote)
    }

    /// Since when the near touch of a side has shown this price and size. Losing the view restarts the count.
    pub fn near_since(&self, symbol: &Symbol, quote: &Quote, side: Side) -> Timestamp {
        let seen = self.touches.get(symbol).map(|[bid, ask]| match side {
            Side::Buy => *bid,
            Side::Sell => *ask,
        });
        match seen {
            Some((touch, since)) if touch == quote.near(side) => since,
            Some(_) | None => quote.changed_at,
        }
    }

    /// The first mid seen at a moment or shortly after it.
    pub fn mid_at(&self, symbol: &Symbol, at: Timestamp) -> Option<Decimal> {
        let seen = &self.course.get(symbol)?.seen;
        let first = seen.get(seen.partition_point(|seen| seen.at < at))?;
        (first.at.duration_since(at) <= MARK_SLACK).then_some(first.mid)
    }

    /// The mean spread of the last minutes in dollars; `None` before [`SPREADS_MIN`] looks. Losing the view restarts it.
    pub fn usual_spread(&self, symbol: &Symbol) -> Option<Decimal> {
        let course = self.course.get(symbol).filter(|course| course.seen.len() >= SPREADS_MIN)?;
        course.spreads.checked_div(Decimal::from(course.seen.len()))
    }

    /// Open buys that are not ours.
    pub fn foreign_buys(&self) -> impl Iterator<Item = &OrderReport> {
        self.foreign.iter().filter(|order| order.side == Side::Buy && order.status.is_open())
    }

    /// Our clock minus the broker's, when last measured.
    pub fn clock_skew(&self) -> Option<SignedDuration> {
        self.session.map(|(clock, at)| at.duration_since(clock.at))
    }
}

/// Takes one input into the view.
pub fn observe(mut observed: Observed, input: &Input) -> Observed {
    observed.take(input);
    observed
}

fn note(observed: &mut Observed, input: &Input) {
    match input {
        Input::Orders(reports, at) => {
            let is_listed = |known: &&OrderReport| {
                reports.iter().any(|report| report.broker_order_id == known.broker_order_id)
            };
            let unlisted = observed.standing.iter().filter(|known| !is_listed(known));
            observed.foreign = reports
                .iter()
                .filter(|report| is_foreign(report))
                .chain(unlisted)
                .cloned()
                .collect();
            for report in reports {
                note_order(observed, report);
            }
            observed.orders_at = Some(*at);
        }
        Input::Open(reports) => {
            observed.standing =
                reports.iter().filter(|report| is_foreign(report)).cloned().collect();
            for report in reports {
                note_order(observed, report);
            }
        }
        Input::Answered(id, answer) => {
            if let Answer::Known(report) = answer {
                note_order(observed, report);
            }
            observed.answers.push((id.clone(), answer.clone()));
        }
        Input::Snapshots(snapshots) => {
            for (symbol, seen) in snapshots {
                let streamed = observed.streamed.get(symbol).zip(seen.quote.as_ref());
                if !streamed.is_some_and(|(streamed, quote)| quote.is_older_than(streamed)) {
                    note_touches(observed, symbol, seen.quote.as_ref());
                }
                if let Some(quote) = &seen.quote {
                    note_mid(observed, symbol, quote);
                }
            }
            observed
                .snapshots
                .extend(snapshots.iter().map(|(symbol, seen)| (symbol.clone(), seen.clone())));
        }
        Input::Streamed(symbol, quote) => {
            let requested = observed.snapshots.get(symbol).and_then(|seen| seen.quote);
            if requested.is_some_and(|requested| quote.is_older_than(&requested)) {
                return;
            }
            note_touches(observed, symbol, Some(quote));
            note_mid(observed, symbol, quote);
            observed.streamed.insert(symbol.clone(), *quote);
        }
        Input::Halt(halt, at) => observed.halt = Some((halt.clone(), *at)),
        Input::Canceled(who) => observed.canceled = Some(who.clone()),
        Input::Account(account, at) => observed.account = Some((account.clone(), *at)),
        Input::Positions(positions, at) => observed.positions = Some((positions.clone(), *at)),
        Input::Asset(symbol, asset) => {
            observed.assets.insert(symbol.clone(), asset.clone());
        }
        Input::Session(clock, at) => observed.session = Some((*clock, *at)),
        Input::Called(calls, at) => {
            observed.tokens = observed.tokens.spend(*calls, *at, &observed.policy);
        }
        Input::Allowance(calls, at) => {
            observed.tokens = observed.tokens.capped(*calls, *at, &observed.policy);
        }
    }
}

/// An open order that is not ours.
fn is_foreign(report: &OrderReport) -> bool {
    report.our_id().is_none() && report.status.is_open()
}

/// Mids are remembered for a little longer than the last mark after a fill.
const MIDS_FOR: SignedDuration = SignedDuration::from_secs(310);

/// A mid this much later than its time still stands for it; quotes are read every one to three seconds.
const MARK_SLACK: SignedDuration = SignedDuration::from_secs(4);

/// So many spreads say what is usual.
pub const SPREADS_MIN: usize = 5;

/// What a symbol's quotes have been.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Course {
    seen: VecDeque<Seen>,
    /// The sum of the spreads.
    spreads: Decimal,
}

/// A quote that was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    at: Timestamp,
    mid: Decimal,
    spread: Decimal,
}

fn note_mid(observed: &mut Observed, symbol: &Symbol, quote: &RawQuote) {
    let (Some(bid), Some(ask), at) = (quote.bid, quote.ask, quote.observed_at) else { return };
    let course = observed.course.entry(symbol.clone()).or_default();
    let soon = course.seen.back().is_some_and(|last| at.duration_since(last.at) < SECOND);
    if soon || bid.price > ask.price {
        return;
    }
    let quote = Quote { bid, ask, changed_at: quote.changed_at, observed_at: at };
    let (mid, spread) = (quote.mid(), quote.spread());
    course.seen.push_back(Seen { at, mid, spread });
    course.spreads = course.spreads.saturating_add(spread);
    while let Some(first) = course.seen.front().copied() {
        if at.duration_since(first.at) <= MIDS_FOR {
            break;
        }
        course.seen.pop_front();
        course.spreads = course.spreads.saturating_sub(first.spread);
    }
}

const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// Remembers since when each side has been as it is. A side that was away begins anew.
fn note_touches(observed: &mut Observed, symbol: &Symbol, quote: Option<&RawQuote>) {
    let sides = quote.and_then(|quote| Some((quote.bid?, quote.ask?, quote.changed_at)));
    let Some((bid, ask, at)) = sides else {
        observed.touches.remove(symbol);
        return;
    };
    let before = observed.touches.get(symbol).copied();
    let kept = |now: Touch, before: Option<(Touch, Timestamp)>| match before {
        Some((touch, since)) if touch == now => (touch, since),
        Some(_) | None => (now, at),
    };
    let [old_bid, old_ask] = before.map_or([None, None], |[bid, ask]| [Some(bid), Some(ask)]);
    observed.touches.insert(symbol.clone(), [kept(bid, old_bid), kept(ask, old_ask)]);
}

/// Keeps the reading that knows more: readings arrive late and out of order, cumulative quantities only grow.
fn note_order(observed: &mut Observed, report: &OrderReport) {
    let Some(id) = report.our_id() else { return };
    let known = observed.orders.get(&id);
    let older = known.is_some_and(|known| {
        report.cumulative < known.cumulative || (!known.status.is_open() && report.status.is_open())
    });
    if !older {
        observed.orders.insert(id, report.clone());
    }
}
