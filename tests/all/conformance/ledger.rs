//! `ledger.jsonl`: what is recorded of an order, and ([`persist`]) what of that is kept.

mod persist;

use std::collections::BTreeMap;

use alchemiser_core::{
    execution::Execution,
    ids::{AccountId, BrokerOrderId},
    plan::Plan,
    policy::Policy,
    quantity::Quantity,
    quote::{Quote, Touch},
    report::BrokerStatus,
};
use alchemiser_wire::{incoming, ledger, plan as wire};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{
    Case, Comparison, Deviation, Judge,
    book::{number, price},
    order,
};

pub(crate) const JUDGE: Judge = Judge { file: "ledger", compare, rule };

/// What both sides record.
#[derive(Debug, PartialEq)]
struct Entry {
    ids: [Option<String>; 2],
    symbol: String,
    direction: String,
    quantity: Option<Decimal>,
    price: Option<Decimal>,
    filled_at: Option<Timestamp>,
    touches: [Option<Decimal>; 2],
    weights: BTreeMap<String, Option<Decimal>>,
}

fn recorded(entry: &Value) -> Entry {
    let text = |name: &str| entry[name].as_str().map(str::to_owned);
    let weights = entry["strategy_weights"].as_object();
    Entry {
        ids: [text("order_id"), text("correlation_id")],
        symbol: text("symbol").unwrap(),
        direction: text("direction").unwrap(),
        quantity: number(&entry["filled_qty"]),
        price: number(&entry["fill_price"]),
        filled_at: text("fill_timestamp").map(|time| time.parse().unwrap()),
        touches: [number(&entry["bid_at_fill"]), number(&entry["ask_at_fill"])],
        weights: weights
            .into_iter()
            .flatten()
            .map(|(name, weight)| (name.clone(), number(weight).map(rounded)))
            .collect(),
    }
}

/// A weight is a float there, and its last digits are lost on the way.
fn rounded(weight: Decimal) -> Decimal {
    weight.round_dp(12).normalize()
}

/// A plan with the order's symbol and the case's metadata, through our own reader.
fn plan(input: &Value) -> Option<Plan> {
    let order = &input["order"];
    let sell = order["action"] == "SELL";
    let amount = |sold: &str, bought: &str| if sell { sold } else { bought }.to_owned();
    let event = json!({
        "version": "0", "id": "1", "detail-type": "RebalancePlanned", "source": "s", "account": "0",
        "time": "2025-10-10T14:35:00Z", "region": "r", "resources": [],
        "detail": {
            "correlation_id": input["correlation_id"], "causation_id": "c", "event_id": "e",
            "event_type": "RebalancePlanned", "metadata": {}, "schema_version": "1.0",
            "trades_required": true,
            "rebalance_plan": {
                "plan_id": "p", "timestamp": "2025-10-10T14:35:00Z", "metadata": input["plan_metadata"],
                "total_portfolio_value": "10000", "total_trade_value": "1000",
                "items": [{
                    "symbol": order["symbol"], "action": order["action"], "priority": 1,
                    "trade_amount": amount("-1000", "1000"),
                    "current_value": amount("1000", "0"), "target_value": amount("0", "1000"),
                    "current_weight": "0.1", "target_weight": "0.1",
                }],
            },
        },
    });
    let accounts = wire::Accounts { default: AccountId::new("PA000000001").unwrap() };
    let envelope = incoming::envelope(event.to_string().as_bytes()).ok()?;
    let draft = wire::read(&envelope, &accounts).ok()?;
    Plan::new(draft, Timestamp::UNIX_EPOCH, Policy::default().plan_max_age).ok()
}

/// The quote at the fill, where both sides are there.
fn quote(input: &Value) -> Option<Quote> {
    let touch =
        |side: &str| Some(Touch { price: price(&input["quote"][side])?, size: Quantity::ONE });
    let at = Timestamp::UNIX_EPOCH;
    let (bid, ask) = (touch("bid")?, touch("ask")?);
    (bid.price <= ask.price).then_some(Quote { bid, ask, changed_at: at, observed_at: at })
}

/// The plan's only leg with the order filled as the case says; a failed order has no fills.
fn ours(input: &Value) -> Option<Entry> {
    let order = &input["order"];
    let mut execution = Execution::claimed(&plan(input)?, Timestamp::UNIX_EPOCH, Policy::default());
    let leg = execution.legs.first_mut()?;
    let filled = Quantity::new(number(&order["shares"])?).ok()?;
    let average = price(&order["price"])?;
    let broker_order_id = BrokerOrderId::new(order["order_id"].as_str()?.trim()).ok()?;
    leg.sized = order::leg(filled).sized;
    order::send(leg, average, order["timestamp"].as_str()?.parse().ok()?);
    if order["success"] == true {
        order::report(leg, BrokerStatus::Filled, filled);
    }
    let child = leg.children.last_mut()?;
    child.broker_order_id = Some(broker_order_id);
    child.filled_at = order["filled_at"].as_str().and_then(|time| time.parse().ok());
    child.quote_at_fill = quote(input);
    let line = ledger::lines(&execution).into_iter().next()?;
    let decimal = |text: &str| text.parse::<Decimal>().ok();
    let quote = line.quote_at_fill.as_ref();
    Some(Entry {
        ids: [line.broker_order_id, Some(line.correlation_id)],
        symbol: line.symbol,
        direction: line.side,
        quantity: decimal(&line.quantity),
        price: line.average_price.as_deref().and_then(decimal),
        filled_at: line.filled_at.and_then(|time| time.parse().ok()),
        touches: [quote.and_then(|q| decimal(&q.bid)), quote.and_then(|q| decimal(&q.ask))],
        weights: line
            .strategy_names
            .into_iter()
            .zip(line.strategy_weights.iter().map(|weight| decimal(weight).map(rounded)))
            .collect(),
    })
}

fn compare(case: &Case) -> Comparison {
    if case.function == "persist_to_s3" {
        return persist::compare(case);
    }
    let theirs = case.theirs.as_ref().map(|theirs| &theirs["entry"]);
    let theirs = theirs.filter(|entry| !entry.is_null()).map(recorded);
    let ours = ours(&case.input);
    let comparison = Comparison::default().field("recorded", theirs.is_some(), ours.is_some());
    // What ours must say where it says something else; no deviation excuses it.
    let given = given(&case.input);
    let comparison = match (&given, &ours) {
        (Some(given), Some(ours)) => comparison.must("weights as given", given, &ours.weights),
        _ => comparison,
    };
    let (Some(theirs), Some(ours)) = (theirs, ours) else { return comparison };
    comparison
        .field("ids", &theirs.ids, &ours.ids)
        .field("symbol", (&theirs.symbol, &theirs.direction), (&ours.symbol, &ours.direction))
        .field("fill", (theirs.quantity, theirs.price), (ours.quantity, ours.price))
        .field("filled_at", theirs.filled_at, ours.filled_at)
        .field("touches", theirs.touches, ours.touches)
        .field("weights", &theirs.weights, &ours.weights)
}

/// The weights given for the order's symbol; `None` where they are not of the documented form.
fn given(input: &Value) -> Option<BTreeMap<String, Option<Decimal>>> {
    let metadata = &input["plan_metadata"];
    let Some(given) = metadata.get("strategy_attribution") else { return Some(BTreeMap::new()) };
    let symbol = input["order"]["symbol"].as_str()?.trim().to_uppercase();
    let weights = match given.as_object()?.get(&symbol) {
        None => BTreeMap::new(),
        Some(weights) => {
            let weight =
                |(name, weight): (&String, &Value)| (name.clone(), number(weight).map(rounded));
            weights.as_object()?.iter().map(weight).collect()
        }
    };
    Some(weights)
}

/// The same as numbers; `None` where one of them is none.
fn weights(input: &Value) -> Option<Vec<Decimal>> {
    given(input)?.into_values().collect()
}

/// Theirs drops the trade, or crashes over it.
fn is_dropped(input: &Value) -> bool {
    let Some(weights) = weights(input) else { return true };
    let sum: Decimal = weights.iter().sum();
    let (low, high) = (Decimal::new(99, 2), Decimal::new(101, 2));
    !weights.is_empty() && (sum < low || sum > high)
}

fn rule(function: &str, input: &Value, field: &str) -> Option<Deviation> {
    if function == "persist_to_s3" {
        return persist::rule(input, field);
    }
    let order = &input["order"];
    let symbol = order["symbol"].as_str().unwrap_or_default();
    match field {
        // Theirs trims; here a plan with such a symbol is refused.
        "recorded" if symbol != symbol.trim() => Some(Deviation::D14),
        "recorded" => is_dropped(input).then_some(Deviation::D12),
        // Theirs looks a symbol in small letters up as it is.
        "weights" => {
            let given = weights(input).is_some_and(|weights| !weights.is_empty());
            (given && symbol != symbol.to_uppercase()).then_some(Deviation::D12)
        }
        "filled_at" => {
            let zoned = order["filled_at"].as_str().is_some_and(|t| t.parse::<Timestamp>().is_ok());
            (!zoned).then_some(Deviation::D11)
        }
        "touches" => {
            let (bid, ask) = (number(&input["quote"]["bid"]), number(&input["quote"]["ask"]));
            let there = |price: Option<Decimal>| price.is_some_and(|p| p > Decimal::ZERO);
            match (there(bid), there(ask)) {
                (true, true) => (bid > ask).then_some(Deviation::D4),
                (false, false) => None,
                (true, false) | (false, true) => Some(Deviation::D3),
            }
        }
        _ => None,
    }
}
