//! An account at a scripted server, an order that the controls approved, and time.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use alchemiser_alpaca::{
    Access, Alpaca,
    endpoint::{Endpoints, Reach},
    keyring::Keyring,
    keys::Keys,
};
use alchemiser_core::{
    account::{Acquisition, Usage},
    controls::Approved,
    decide::decide,
    execution::{Execution, apply},
    fact::{Fact, FactKind},
    ids::{AccountId, EventId, Owner, Symbol},
    money::Money,
    observed::{Input, Observed},
    outstanding::outstanding,
    plan::{Draft, DraftItem, Plan},
    policy::{Policy, PolicyKind},
    price::Price,
    quantity::Quantity,
    quote::{RawQuote, Snapshot, Touch},
    reading::{AccountReading, Asset, Position, SessionClock, TradeMode},
    throttle::Tokens,
};
use alchemiser_driver::ports::Clock;
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use crate::server::{Answer, Server};

pub(crate) const START: &str = "2026-01-26T15:00:00Z";

/// Time that is waited through at once.
#[derive(Debug)]
pub(crate) struct Still(Mutex<Timestamp>);

impl Still {
    pub(crate) fn pass(&self, millis: i64) {
        let mut now = self.0.lock().unwrap();
        *now += SignedDuration::from_millis(millis);
    }
}

#[async_trait]
impl Clock for Still {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    async fn sleep_until(&self, until: Timestamp) {
        let mut now = self.0.lock().unwrap();
        *now = until.max(*now);
    }
}

pub(crate) fn start() -> Timestamp {
    START.parse().unwrap()
}

pub(crate) fn symbol(name: &str) -> Symbol {
    Symbol::new(name).unwrap()
}

/// The account, its server and its clock.
pub(crate) struct Desk {
    pub(crate) alpaca: Alpaca,
    pub(crate) server: Server,
    pub(crate) clock: Arc<Still>,
}

pub(crate) const KEY: &str = "PKCANARY0KEY";
pub(crate) const SECRET: &str = "canary0secret";

/// Runs a test with an account at a server that follows a script. A call takes a fifth of a second at most.
pub(crate) fn at<T>(script: &[Answer], test: impl AsyncFnOnce(&Desk) -> T) -> T {
    with(script, async || Keyring::of(Keys::new(KEY, SECRET).unwrap()), test)
}

/// The same with keys from elsewhere.
pub(crate) fn with<T>(
    script: &[Answer],
    keys: impl AsyncFnOnce() -> Keyring,
    test: impl AsyncFnOnce(&Desk) -> T,
) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let server = Server::of(script).await;
        let policy = Policy { http_timeout: SignedDuration::from_millis(200), ..Policy::default() };
        let mode = TradeMode::Paper;
        let endpoints = Endpoints::new(mode, Some(&server.url), None, Reach::Loopback).unwrap();
        let clock = Arc::new(Still(Mutex::new(start())));
        let access = Access { endpoints, keys: keys().await, mode };
        let alpaca = Alpaca::new(access, &policy, clock.clone()).unwrap();
        test(&Desk { alpaca, server, clock }).await
    })
}

fn shares(count: i64) -> Quantity {
    Quantity::new(Decimal::from(count)).unwrap()
}

fn price(cents: i64) -> Price {
    Price::new(Decimal::new(cents, 2)).unwrap()
}

fn plan(action: &str, sign: i64) -> Plan {
    let amount = Decimal::from(500 * sign);
    let item = DraftItem {
        symbol: "X".to_owned(),
        action: action.to_owned(),
        priority: 1,
        trade_amount: amount,
        current_weight: Decimal::new(1, 2),
        target_weight: Decimal::new(1 + sign, 2),
        target_value: Decimal::from(1_000) + amount,
        current_value: Decimal::from(1_000),
    };
    let draft = Draft {
        account: AccountId::new("PA000000001").unwrap(),
        source_event: EventId::new("event-1").unwrap(),
        plan_id: "plan-1".to_owned(),
        correlation_id: "workflow-1".to_owned(),
        timestamp: start(),
        valid_until: None,
        urgency: "URGENT".to_owned(),
        portfolio_value: Decimal::from(100_000),
        trade_value: amount.abs(),
        trades_required: true,
        items: vec![item],
        attribution: BTreeMap::new(),
    };
    Plan::new(draft, start(), Policy::default().plan_max_age).unwrap()
}

/// Everything that the controls want to see, all in order.
fn seen(plan: &Plan) -> Vec<Input> {
    let (now, x, dollars) = (start(), symbol("X"), |count: i64| Money::new(count.into()));
    let hours = SignedDuration::from_hours(1);
    let touch = |cents| Some(Touch { price: price(cents), size: shares(500) });
    let quote =
        RawQuote { bid: touch(9_998), ask: touch(10_002), changed_at: now, observed_at: now };
    let snapshot =
        Snapshot { quote: Some(quote), last_trade: None, previous_close: Some(price(10_000)) };
    let asset = Asset {
        symbol: x.clone(),
        tradable: true,
        fractionable: true,
        tick: None,
        round_lot: shares(100),
    };
    let held = Position { symbol: x.clone(), quantity: shares(10), available: shares(10) };
    let account = AccountReading {
        account: plan.account.clone(),
        mode: TradeMode::Simulated,
        may_trade: true,
        shorting_enabled: false,
        cash: dollars(10_000),
        buying_power: dollars(10_000),
        non_marginable_buying_power: dollars(10_000),
        equity: dollars(100_000),
    };
    let session =
        SessionClock { at: now, is_open: true, opened_at: now - hours, closes_at: now + hours };
    vec![
        Input::Session(session, now),
        Input::Asset(x.clone(), Some(asset)),
        Input::Positions([(x.clone(), held)].into(), now),
        Input::Account(account, now),
        Input::Orders(Vec::new(), now),
        Input::Snapshots([(x, snapshot)].into()),
        Input::Halt(None, now),
    ]
}

/// An order that the core decided on and its controls approved: all that is held, or half as much again.
fn approved(action: &str, sign: i64) -> Approved {
    let plan = plan(action, sign);
    let policy = Policy { kind: PolicyKind::Cross, ..Policy::default() };
    let mut view = Observed::new(Tokens::full(start(), &policy), policy.clone());
    for input in seen(&plan) {
        view.take(&input);
    }
    let acquired = Acquisition {
        account: plan.account.clone(),
        date: jiff::civil::date(2026, 1, 26),
        before: Usage::default(),
        reserved: Usage::reserved_for(&plan, &policy),
        cent_symbols: Vec::new(),
    };
    let owner = Owner::new("owner").unwrap();
    let first = [FactKind::Acquired(Box::new(acquired)), FactKind::LeaseTaken(1, owner)];
    let claimed = Execution::claimed(&plan, start(), policy);
    let first = first.map(|kind| Fact { at: start(), kind });
    let state = first.iter().fold(claimed, apply);
    let facts = decide(&state, &view, start());
    let state = facts.iter().fold(state, apply);
    outstanding(&state, start()).submits.into_iter().next().unwrap()
}

pub(crate) fn buy() -> Approved {
    approved("BUY", 1)
}

pub(crate) fn sell() -> Approved {
    approved("SELL", -1)
}
