//! Every call of every port is counted here, and told what goes wrong at it.

use std::{
    collections::BTreeMap,
    future::pending,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// A port's operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Op {
    /// `Store::put_if_absent`.
    Put,
    /// `Store::get`.
    Get,
    /// `Store::list`.
    List,
    /// `Store::remove_hint`.
    Remove,
    /// `Broker::submit`.
    Submit,
    /// `Broker::cancel`.
    Cancel,
    /// `Broker::order`.
    Order,
    /// `Broker::orders`.
    Orders,
    /// `Broker::open_orders`.
    OpenOrders,
    /// `Broker::account`.
    Account,
    /// `Broker::positions`.
    Positions,
    /// `Broker::asset`.
    Asset,
    /// `Broker::clock`.
    Clock,
    /// `MarketData::snapshots`.
    Snapshots,
    /// `EventPublisher::publish`.
    Publish,
}

impl Op {
    /// Everything that the broker or the market is asked.
    pub const BROKER: [Self; 10] = [
        Self::Submit,
        Self::Cancel,
        Self::Order,
        Self::Orders,
        Self::OpenOrders,
        Self::Account,
        Self::Positions,
        Self::Asset,
        Self::Clock,
        Self::Snapshots,
    ];
}

/// What goes wrong at a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The request never arrives; the caller learns nothing.
    LoseRequest,
    /// The request is carried out; the caller learns nothing.
    LoseAnswer,
    /// The caller learns nothing, and the order arrives only with the n-th list of orders after it.
    Late(u64),
    /// The request is refused, and not carried out; orders for want of money.
    Refuse,
    /// The order is refused for good.
    Reject,
    /// A reading of the past: the one before (orders), the first one (account).
    Stale,
    /// The order is not found although it is there: it is still on its way.
    Absent,
    /// Fills are told without their average price.
    NoPrice,
    /// No quote.
    QuoteMissing,
    /// A bid of zero.
    QuoteZero,
    /// The bid above the ask.
    QuoteCrossed,
    /// The quote as it was first seen.
    QuoteFrozen,
}

/// A fault at the `from`-th to (`from` + `count` − 1)-th call of an operation, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The operation.
    pub op: Op,
    /// The first call that is hit.
    pub from: u64,
    /// How many calls are hit.
    pub count: u64,
    /// What goes wrong.
    pub fault: Fault,
}

/// Before or after the call took effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Before.
    Before,
    /// After.
    After,
}

/// What becomes of the process at a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It dies.
    Crash,
    /// It stands still until it is thawed.
    Freeze,
}

/// What goes wrong in a session.
#[derive(Clone, Debug, Default)]
pub struct Script {
    /// Faults.
    pub hits: Vec<Hit>,
    /// At the n-th call of all (counted from 1), before or after it: the end.
    pub end: Option<(u64, Moment, End)>,
    /// Every call lets others run first.
    pub yields: bool,
}

impl Script {
    /// Nothing goes wrong.
    pub fn clean() -> Self {
        Self::default()
    }

    /// A crash at the n-th call.
    pub fn crash(n: u64, moment: Moment) -> Self {
        Self { end: Some((n, moment, End::Crash)), ..Self::default() }
    }

    /// One fault.
    pub fn hit(op: Op, from: u64, count: u64, fault: Fault) -> Self {
        Self { hits: vec![Hit { op, from, count, fault }], ..Self::default() }
    }
}

#[derive(Debug, Default)]
struct State {
    script: Script,
    calls: u64,
    by_op: BTreeMap<Op, u64>,
    newest: Option<Op>,
    crashed: bool,
    frozen: bool,
}

/// The heart of a session: it counts, it hits, it stops.
#[derive(Debug, Default)]
pub struct Pulse(Mutex<State>);

/// A call that is under way.
#[derive(Debug)]
#[must_use]
pub struct Call {
    /// What goes wrong at it.
    pub fault: Option<Fault>,
    end: Option<End>,
}

impl Pulse {
    /// A heart that follows a script.
    pub fn of(script: Script) -> Self {
        Self(Mutex::new(State { script, ..State::default() }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call begins. It does not return in a process that is dead.
    pub async fn enter(&self, op: Op) -> Call {
        if self.lock().script.yields {
            tokio::task::yield_now().await;
        }
        while self.lock().frozen {
            tokio::task::yield_now().await;
        }
        if self.has_crashed() {
            pending::<()>().await;
        }
        let (fault, end) = self.count(op);
        if let Some((Moment::Before, end)) = end {
            self.end(end).await;
        }
        let after = end.filter(|(moment, _)| *moment == Moment::After);
        Call { fault, end: after.map(|(_, end)| end) }
    }

    /// A call took effect; its answer may be the last thing that happens.
    pub async fn leave(&self, call: Call) {
        if let Some(end) = call.end {
            self.end(end).await;
        }
    }

    fn count(&self, op: Op) -> (Option<Fault>, Option<(Moment, End)>) {
        let mut state = self.lock();
        state.calls += 1;
        state.newest = Some(op);
        let calls = state.calls;
        let count = state.by_op.entry(op).or_default();
        *count += 1;
        let n = *count;
        let hit = |hit: &&Hit| hit.op == op && (hit.from..hit.from + hit.count).contains(&n);
        let fault = state.script.hits.iter().find(hit).map(|hit| hit.fault);
        let end = state.script.end.filter(|(at, ..)| *at == calls);
        (fault, end.map(|(_, moment, end)| (moment, end)))
    }

    async fn end(&self, end: End) {
        match end {
            End::Crash => {
                self.lock().crashed = true;
                pending::<()>().await;
            }
            End::Freeze => {
                self.lock().frozen = true;
                while self.is_frozen() {
                    tokio::task::yield_now().await;
                }
            }
        }
    }

    /// The process is dead.
    pub fn has_crashed(&self) -> bool {
        self.lock().crashed
    }

    /// The process stands still.
    pub fn is_frozen(&self) -> bool {
        self.lock().frozen
    }

    /// The process goes on.
    pub fn thaw(&self) {
        self.lock().frozen = false;
    }

    /// Calls so far.
    pub fn calls(&self) -> u64 {
        self.lock().calls
    }

    /// The newest call's operation.
    pub fn newest(&self) -> Option<Op> {
        self.lock().newest
    }

    /// Calls of an operation so far.
    pub fn calls_of(&self, op: Op) -> u64 {
        self.lock().by_op.get(&op).copied().unwrap_or_default()
    }
}
