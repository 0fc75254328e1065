//! `alchemiser run --dry-run`: the plan as it would be traded now. Account, positions, assets, session and quotes are read; every
//! order is answered here, at the price that its policy is expected to get, and none is sent. Logs and books are copies that
//! go when it is over.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use alchemiser_core::{
    controls::Approved,
    execution::Execution,
    ids::{BrokerOrderId, ClientOrderId, Symbol},
    ledger,
    leg::{Leg, LegOutcome, Reason},
    money::Money,
    policy::PolicyKind,
    price::{Price, Tick},
    quantity::Quantity,
    quote::Quote,
    reading::{AccountReading, Asset, Position, SessionClock},
    report::{BrokerStatus, OrderReport},
    side::Side,
};
use alchemiser_driver::ports::{Broker, Clock, MarketData, ReadError, SubmitError};
use alchemiser_local::state::StateDir;
use alchemiser_report::schedule::{Advice, Sent};
use async_trait::async_trait;
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Serialize;

use crate::{
    advice,
    exit::{Exit, Stopped},
    table::{self, plain, rounded},
};

/// What was answered here instead of being sent, and how often the broker was asked.
#[derive(Debug, Default)]
pub(crate) struct Answered {
    orders: Vec<OrderReport>,
    reads: usize,
    cash_before: Option<Money>,
    /// What each leg's first order was expected to pay, and where that was measured.
    expected: BTreeMap<Symbol, Expected>,
}

/// A broker that is asked and never told.
#[derive(Debug)]
pub(crate) struct Rehearsal {
    broker: Arc<dyn Broker>,
    market: Arc<dyn MarketData>,
    clock: Arc<dyn Clock>,
    policy: PolicyKind,
    answered: Arc<Mutex<Answered>>,
}

/// A price against the mid, in half-spreads: a market order pays 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Expected {
    half_spreads: Decimal,
    from: &'static str,
}

const GENERATED: &str = "generated days, one tick wide";
const RECORDED: &str = "recorded days of one symbol, three to four ticks wide";
const CROSSES: &str = "a market order's, as the order takes the other side at once";

/// What this program's own backtest measured (docs/backtest.md). What its generator says of spreads of more than a tick is
/// too kind to an order that rests, so the recorded days stand for all of them.
fn expected(policy: PolicyKind, ticks: Decimal, crosses: bool) -> Expected {
    let narrow = ticks <= Decimal::TWO;
    let (hundredths, from) = match policy {
        _ if crosses => (100, CROSSES),
        PolicyKind::Adaptive if narrow => (68, GENERATED),
        PolicyKind::Adaptive => (62, RECORDED),
        PolicyKind::Liquidity if narrow => (93, GENERATED),
        PolicyKind::Liquidity => (89, RECORDED),
        PolicyKind::Walk if narrow => (83, GENERATED),
        PolicyKind::Walk => (89, RECORDED),
        PolicyKind::Cross => (100, CROSSES),
    };
    Expected { half_spreads: Decimal::new(hundredths, 2), from }
}

impl Rehearsal {
    pub(crate) fn new(
        (broker, market): (Arc<dyn Broker>, Arc<dyn MarketData>),
        clock: Arc<dyn Clock>,
        policy: PolicyKind,
        answered: Arc<Mutex<Answered>>,
    ) -> Self {
        Self { broker, market, clock, policy, answered }
    }

    fn answered(&self) -> MutexGuard<'_, Answered> {
        self.answered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn asked(&self) {
        let mut answered = self.answered();
        answered.reads = answered.reads.saturating_add(1);
    }

    /// Where an order is expected to trade.
    async fn expected(&self, symbol: &Symbol, side: Side, limit: Price) -> Price {
        let snapshots = self.market.snapshots(std::slice::from_ref(symbol)).await;
        let quote = snapshots.ok().and_then(|found| found.get(symbol)?.quote);
        let sides = quote.and_then(|quote| quote.bid.zip(quote.ask).map(|sides| (sides, quote)));
        let Some(((bid, ask), quote)) = sides else { return limit };
        let (changed_at, observed_at) = (quote.changed_at, quote.observed_at);
        let quote = Quote { bid, ask, changed_at, observed_at };
        let ticks = Tick::at(bid.price).count(quote.spread());
        let far = quote.far(side).price;
        let expected = expected(self.policy, ticks, limit == far || limit.beyond(far, side));
        let off = expected.half_spreads.saturating_mul(quote.half_spread());
        self.answered().expected.entry(symbol.clone()).or_insert(expected);
        let price = quote.mid().saturating_add(side.sign().saturating_mul(off));
        Price::new(price.round_dp(6)).unwrap_or(limit)
    }
}

/// Shares that rehearsed fills added, below zero for what they took.
fn moved(orders: &[OrderReport]) -> BTreeMap<Symbol, Decimal> {
    let mut by_symbol: BTreeMap<Symbol, Decimal> = BTreeMap::new();
    for order in orders {
        let shares = order.side.sign().saturating_mul(order.cumulative.shares());
        let sum = by_symbol.entry(order.symbol.clone()).or_default();
        *sum = sum.saturating_add(shares);
    }
    by_symbol
}

/// Dollars that rehearsed fills brought, below zero for what they took.
fn brought(orders: &[OrderReport]) -> Money {
    let of = |order: &OrderReport| {
        let notional = order.average_price?.times(order.cumulative);
        Some(Money::ZERO.minus(notional.scaled(order.side.sign())))
    };
    orders.iter().filter_map(of).sum()
}

#[async_trait]
impl Broker for Rehearsal {
    async fn submit(&self, order: &Approved) -> Result<OrderReport, SubmitError> {
        let (terms, now) = (order.terms(), self.clock.now());
        let price = self.expected(&terms.symbol, terms.side, terms.limit).await;
        let mut answered = self.answered();
        let id = format!("dry-{}", answered.orders.len().saturating_add(1));
        let broker_order_id =
            BrokerOrderId::new(&id).map_err(|error| SubmitError::NotSent(error.to_string()))?;
        let report = OrderReport {
            client_order_id: order.client_order_id().to_string(),
            broker_order_id,
            symbol: terms.symbol.clone(),
            side: terms.side,
            status: BrokerStatus::Filled,
            quantity: terms.quantity,
            limit: Some(terms.limit),
            cumulative: terms.quantity,
            average_price: Some(price),
            submitted_at: now,
            filled_at: Some(now),
        };
        answered.orders.push(report.clone());
        Ok(report)
    }

    async fn cancel(&self, _: &BrokerOrderId) -> Result<(), ReadError> {
        Ok(())
    }

    async fn order(&self, id: &ClientOrderId) -> Result<Option<OrderReport>, ReadError> {
        let known =
            self.answered().orders.iter().find(|o| o.client_order_id == id.as_str()).cloned();
        Ok(known)
    }

    async fn orders(&self, since: Timestamp) -> Result<Vec<OrderReport>, ReadError> {
        self.asked();
        let mut orders = self.broker.orders(since).await?;
        orders.extend(self.answered().orders.iter().cloned());
        Ok(orders)
    }

    /// What would be sent is filled at once: it is never open.
    async fn open_orders(&self) -> Result<Vec<OrderReport>, ReadError> {
        self.asked();
        self.broker.open_orders().await
    }

    async fn account(&self) -> Result<AccountReading, ReadError> {
        self.asked();
        let mut reading = self.broker.account().await?;
        let mut answered = self.answered();
        answered.cash_before = answered.cash_before.or(Some(reading.cash));
        let brought = brought(&answered.orders);
        reading.cash = reading.cash.plus(brought);
        reading.buying_power = reading.buying_power.plus(brought);
        // What is sold settles on another day.
        let settled = reading.non_marginable_buying_power.plus(brought.min(Money::ZERO));
        reading.non_marginable_buying_power = settled;
        Ok(reading)
    }

    async fn positions(&self) -> Result<Vec<Position>, ReadError> {
        self.asked();
        let held = self.broker.positions().await?;
        let mut moved = moved(&self.answered().orders);
        let after = |shares: Decimal, more: Decimal| {
            Quantity::new(shares.saturating_add(more).max(Decimal::ZERO)).unwrap_or(Quantity::ZERO)
        };
        let mut positions: Vec<Position> = held
            .into_iter()
            .map(|position| {
                let more = moved.remove(&position.symbol).unwrap_or_default();
                let quantity = after(position.quantity.shares(), more);
                let available = after(position.available.shares(), more);
                Position { quantity, available, ..position }
            })
            .collect();
        positions.extend(moved.into_iter().map(|(symbol, shares)| {
            let quantity = after(Decimal::ZERO, shares);
            Position { symbol, quantity, available: quantity }
        }));
        positions.retain(|position| !position.quantity.is_zero());
        Ok(positions)
    }

    async fn asset(&self, symbol: &Symbol) -> Result<Option<Asset>, ReadError> {
        self.asked();
        self.broker.asset(symbol).await
    }

    async fn clock(&self) -> Result<SessionClock, ReadError> {
        self.asked();
        self.broker.clock().await
    }
}

/// A directory with what a rehearsal needs of a state: the account's log, the exchange's books, and what was learned.
pub(crate) fn copied(from: &Path, into: &Path) -> Result<StateDir, Stopped> {
    let failed = |error: &dyn std::fmt::Display| Stopped::failed("STATE_UNREADABLE", error);
    let state = StateDir::open(into).map_err(|error| failed(&error))?;
    for place in ["accounts", "exchange", "learned"] {
        copy(&from.join(place), &into.join(place)).map_err(|error| failed(&error))?;
    }
    Ok(state)
}

fn copy(from: &Path, into: &Path) -> std::io::Result<()> {
    if !from.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(into)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let to = into.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy(&path, &to)?;
        } else if path.is_file() {
            fs::copy(&path, &to)?;
        }
    }
    Ok(())
}

#[derive(Serialize)]
struct Said {
    plan_id: String,
    dry_run: bool,
    already_executed: bool,
    would_complete: bool,
    code: Option<String>,
    legs: Vec<LegSaid>,
    expected_cost: String,
    orders: usize,
    readings: usize,
    cash_before: Option<String>,
    cash_after: Option<String>,
    schedule: Option<advice::Said>,
}

#[derive(Serialize)]
struct LegSaid {
    symbol: String,
    side: &'static str,
    quantity: Option<String>,
    limit: Option<String>,
    notional: String,
    expected_price: Option<String>,
    expected_cost: Option<String>,
    expected_cost_bps: Option<String>,
    expected_half_spreads: Option<String>,
    measured_on: Option<&'static str>,
    controls: String,
}

/// Says that the plan has a log here already: there is nothing to rehearse.
pub(crate) fn already(state: &Execution, json: bool) -> Result<Exit, Stopped> {
    #[derive(Serialize)]
    #[expect(clippy::struct_field_names, reason = "the names are what a reader of the JSON sees")]
    struct Already {
        plan_id: String,
        dry_run: bool,
        already_executed: bool,
        finished: bool,
    }
    let (plan_id, finished) = (state.plan.plan_id.to_string(), state.is_finished());
    if json {
        let said = Already { plan_id, dry_run: true, already_executed: true, finished };
        return crate::print_json(&said);
    }
    crate::say(&if finished {
        format!("Plan {plan_id} was executed here already: running it again sends nothing.")
    } else {
        format!("Plan {plan_id} is in progress: running it again goes on where its log ends.")
    })
}

/// Says what a rehearsal came to.
pub(crate) fn say(
    state: &Execution,
    (answered, advice): (&Mutex<Answered>, Option<Advice>),
    json: bool,
) -> Result<Exit, Stopped> {
    let answered = answered.lock().unwrap_or_else(PoisonError::into_inner);
    let expected = &answered.expected;
    let legs = state.legs.iter().map(|one| leg(one, expected.get(one.symbol()))).collect();
    let cost: Decimal = state.legs.iter().filter_map(cost).sum();
    let after = answered.cash_before.map(|cash| cash.plus(brought(&answered.orders)));
    let outcome = state.outcome.as_ref().map(|(outcome, _)| outcome);
    let dollars = |money: Money| format!("{:.2}", money.amount().round_dp(2));
    let said = Said {
        plan_id: state.plan.plan_id.to_string(),
        dry_run: true,
        already_executed: false,
        would_complete: outcome.is_some_and(|outcome| outcome.completed),
        code: outcome.and_then(|outcome| outcome.code.clone()),
        legs,
        expected_cost: format!("{:.2}", cost.round_dp(2)),
        orders: answered.orders.len(),
        readings: answered.reads,
        cash_before: answered.cash_before.map(dollars),
        cash_after: after.map(dollars),
        schedule: advice.map(advice::Said::from),
    };
    let exit = if said.would_complete { Exit::Completed } else { Exit::WorkflowFailed };
    if json {
        crate::print_json(&said)?;
    } else {
        let when = advice.map(|advice| advice.sentences(Sent::No));
        let why = outcome.and_then(|outcome| outcome.failure_reason.as_deref());
        crate::say(&text(&said, when, why))?;
    }
    Ok(exit)
}

fn cost(leg: &Leg) -> Option<Decimal> {
    let off = leg.average_price()?.dollars().saturating_sub(ledger::first_quote(leg)?.mid());
    Some(leg.side.sign().saturating_mul(off).saturating_mul(leg.filled().shares()))
}

fn leg(leg: &Leg, expected: Option<&Expected>) -> LegSaid {
    let first = leg.children.first();
    let controls = match (first, leg.outcome.and_then(LegOutcome::reason)) {
        (Some(child), None) => format!("{} passed", child.verdict.passed().len()),
        (_, Some(reason)) => {
            format!("{}: {}", leg.outcome.map_or("", LegOutcome::word), Reason::code(reason))
        }
        (None, None) => "not reached".to_owned(),
    };
    LegSaid {
        symbol: leg.symbol().to_string(),
        side: leg.side.word(),
        quantity: leg.sized.map(|sized| sized.target.to_string()),
        limit: first.map(|child| table::price(child.terms.limit.dollars())),
        notional: format!("{:.2}", leg.filled_notional().amount().round_dp(2)),
        expected_price: leg.average_price().map(|price| table::price(price.dollars())),
        expected_cost: cost(leg).map(|cost| format!("{:.2}", cost.round_dp(2))),
        expected_cost_bps: ledger::measure(leg).cost_bps.map(plain),
        expected_half_spreads: expected.map(|expected| plain(expected.half_spreads)),
        measured_on: expected.map(|expected| expected.from),
        controls,
    }
}

/// Where the expected prices come from, a line for each source.
fn sources(legs: &[LegSaid]) -> Vec<String> {
    let mut by_source: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for leg in legs {
        if let (Some(half_spreads), Some(from)) = (&leg.expected_half_spreads, leg.measured_on) {
            by_source.entry((from, half_spreads)).or_default().push(&leg.symbol);
        }
    }
    let line = |((from, half_spreads), symbols): ((&str, &str), Vec<&str>)| {
        format!("{half_spreads} half-spreads from the mid ({from}): {}", symbols.join(", "))
    };
    let mut lines: Vec<String> = by_source.into_iter().map(line).collect();
    if !lines.is_empty() {
        lines.push("Measured by this program's backtest; docs/backtest.md has the fill model and its limits.".to_owned());
    }
    let width = table::width();
    lines.iter().map(|line| textwrap::fill(line, width)).collect()
}

fn text(said: &Said, when: Option<String>, why: Option<&str>) -> String {
    let headings = [
        "leg",
        "side",
        "quantity",
        "first limit",
        "dollars",
        "expected",
        "cost $",
        "bps",
        "controls",
    ];
    let mut table = table::table(&headings, 2..8);
    let none = || "-".to_owned();
    for leg in &said.legs {
        let bps = leg.expected_cost_bps.as_ref().and_then(|bps| bps.parse().ok());
        table.add_row([
            leg.symbol.clone(),
            leg.side.to_owned(),
            leg.quantity.clone().unwrap_or_else(none),
            leg.limit.clone().unwrap_or_else(none),
            leg.notional.clone(),
            leg.expected_price.clone().unwrap_or_else(none),
            leg.expected_cost.clone().unwrap_or_else(none),
            rounded(bps, 2),
            leg.controls.clone(),
        ]);
    }
    let mut lines = Vec::new();
    if !said.legs.is_empty() {
        lines.push(table::fitted(&table));
    }
    lines.extend(sources(&said.legs));
    let money = |cash: &Option<String>| cash.clone().unwrap_or_else(|| "unknown".to_owned());
    lines.push(format!(
        "Expected cost ${} against the mids of now. At least {} orders and {} readings; cash ${} before, ${} after.",
        said.expected_cost,
        said.orders,
        said.readings,
        money(&said.cash_before),
        money(&said.cash_after)
    ));
    lines.extend(when.map(|when| textwrap::fill(&when, table::width())));
    lines.push(match (said.would_complete, why) {
        (true, _) => "It would be traded. Nothing was sent.".to_owned(),
        (false, Some(why)) => format!("It would fail: {why}. Nothing was sent."),
        (false, None) => "It would not come to an end. Nothing was sent.".to_owned(),
    });
    lines.join("\n")
}
