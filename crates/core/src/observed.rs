//! The volatile view: what the market and the broker last said. Losing it may delay an action and can never permit one.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::{
    fact::Refusal,
    ids::{ClientOrderId, Symbol},
    policy::Policy,
    quote::{Freshness, Quote, QuoteFault, Snapshot},
    reading::{AccountReading, Asset, Position, SessionClock},
    report::OrderReport,
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
    /// What came of a POST or a look-up.
    Answered(ClientOrderId, Answer),
    /// One response of the market-data snapshots.
    Snapshots(BTreeMap<Symbol, Snapshot>),
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
}

/// The view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// Our orders by client id, as last read.
    pub orders: BTreeMap<ClientOrderId, OrderReport>,
    /// Open orders that are not ours.
    pub foreign: Vec<OrderReport>,
    /// When the account's orders were last listed.
    pub orders_at: Option<Timestamp>,
    /// Answers since the last decision.
    pub answers: Vec<(ClientOrderId, Answer)>,
    /// The newest market data.
    pub snapshots: BTreeMap<Symbol, Snapshot>,
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
    policy: Policy,
}

impl Observed {
    /// Nothing seen yet.
    pub fn new(tokens: Tokens, policy: Policy) -> Self {
        Self {
            orders: BTreeMap::new(),
            foreign: Vec::new(),
            orders_at: None,
            answers: Vec::new(),
            snapshots: BTreeMap::new(),
            account: None,
            positions: None,
            assets: BTreeMap::new(),
            session: None,
            tokens,
            policy,
        }
    }

    /// Forgets the answers that a decision has taken in.
    #[must_use]
    pub fn answered(mut self) -> Self {
        self.answers.clear();
        self
    }

    /// The symbol's quote, if it may be traded on.
    ///
    /// # Errors
    /// Why it may not.
    pub fn quote(
        &self,
        symbol: &Symbol,
        now: Timestamp,
        policy: &Policy,
    ) -> Result<Quote, QuoteFault> {
        let raw = self
            .snapshots
            .get(symbol)
            .and_then(|snapshot| snapshot.quote)
            .ok_or(QuoteFault::Missing)?;
        let others = self.snapshots.iter().filter(|(other, _)| *other != symbol);
        let same_response = others
            .filter_map(|(_, other)| other.quote)
            .filter(|q| q.observed_at == raw.observed_at);
        let market_moved_at = same_response.map(|quote| quote.changed_at).max();
        raw.usable(Freshness { now, market_moved_at, policy })
    }

    /// Our clock minus the broker's, when last measured.
    pub fn clock_skew(&self) -> Option<SignedDuration> {
        self.session.map(|(clock, at)| at.duration_since(clock.at))
    }
}

/// Takes one input into the view.
pub fn observe(mut observed: Observed, input: &Input) -> Observed {
    match input {
        Input::Orders(reports, at) => {
            observed.foreign = reports
                .iter()
                .filter(|r| r.our_id().is_none() && r.status.is_open())
                .cloned()
                .collect();
            for report in reports {
                note_order(&mut observed, report);
            }
            observed.orders_at = Some(*at);
        }
        Input::Answered(id, answer) => {
            if let Answer::Known(report) = answer {
                note_order(&mut observed, report);
            }
            observed.answers.push((id.clone(), answer.clone()));
        }
        Input::Snapshots(snapshots) => {
            observed
                .snapshots
                .extend(snapshots.iter().map(|(symbol, seen)| (symbol.clone(), seen.clone())));
        }
        Input::Account(account, at) => observed.account = Some((account.clone(), *at)),
        Input::Positions(positions, at) => observed.positions = Some((positions.clone(), *at)),
        Input::Asset(symbol, asset) => {
            observed.assets.insert(symbol.clone(), asset.clone());
        }
        Input::Session(clock, at) => observed.session = Some((*clock, *at)),
        Input::Called(calls, at) => {
            observed.tokens = observed.tokens.spend(*calls, *at, &observed.policy);
        }
    }
    observed
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
