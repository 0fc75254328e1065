//! `handler_events.jsonl`: which events end a run, and what they count. A case gives the result of every order; ours gets
//! legs with the same results and renders its events.
//!
//! Exceptions inside the run and failures to publish have no counterpart in a pure state: those cases are played through
//! the whole product ([`run`]).

mod run;

use std::collections::BTreeSet;

use alchemiser_core::{
    announce::Event,
    execution::Execution,
    ids::AccountId,
    leg::{Leg, LegOutcome, Reason},
    outcome::classify,
    plan::Plan,
    policy::Policy,
    quantity::Quantity,
    report::BrokerStatus,
};
use alchemiser_wire::{event, incoming, plan as wire};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{
    Case, Comparison, Deviation, Judge,
    book::{number, price},
    order,
};

pub(crate) const JUDGE: Judge = Judge { file: "handler_events", compare, rule };

fn envelope(detail: &Value) -> Value {
    json!({
        "version": "0", "id": "1", "detail-type": "RebalancePlanned", "source": "alchemiser.portfolio",
        "account": "0", "time": "2025-10-10T14:35:00Z", "region": "r", "resources": [], "detail": detail,
    })
}

fn plan(input: &Value) -> Plan {
    let event = envelope(&input["event"]);
    let accounts = wire::Accounts { default: AccountId::new("PA000000001").unwrap() };
    let envelope = incoming::envelope(event.to_string().as_bytes()).unwrap();
    let draft = wire::read(&envelope, &accounts).unwrap();
    Plan::new(draft, Timestamp::UNIX_EPOCH, Policy::default().plan_max_age).unwrap()
}

fn orders(input: &Value) -> &[Value] {
    input["execution_result"]["orders"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// An order that was placed is filled or refused by the venue; one that was not was too small; a leg without an order
/// never had a price.
fn end(leg: &mut Leg, order: Option<&Value>) {
    let Some(order) = order else {
        leg.outcome = Some(LegOutcome::Refused(Reason::NoQuote));
        return;
    };
    if order["order_id"].is_null() {
        leg.outcome = Some(LegOutcome::Skipped(Reason::TooSmall));
        return;
    }
    let shares = Quantity::new(number(&order["shares"]).unwrap()).unwrap();
    let limit = price(&order["price"]).or(price(&Value::from("100"))).unwrap();
    leg.sized = order::leg(shares).sized;
    order::send(leg, limit, Timestamp::UNIX_EPOCH);
    if order["success"] == true {
        order::report(leg, BrokerStatus::Filled, shares);
        leg.outcome = Some(LegOutcome::Filled);
    } else {
        order::report(leg, BrokerStatus::Rejected, Quantity::ZERO);
        leg.outcome = Some(LegOutcome::Unfilled(Reason::Rejected));
    }
}

/// The details of our two last events.
fn ours(input: &Value) -> [Value; 2] {
    let at = Timestamp::UNIX_EPOCH;
    let partial_is_failure = input["treat_partial_execution_as_failure"].as_bool().unwrap();
    let policy = Policy { partial_is_failure, ..Policy::default() };
    let mut execution = Execution::claimed(&plan(input), at, policy);
    for leg in &mut execution.legs {
        let symbol = leg.symbol().to_string();
        end(leg, orders(input).iter().find(|order| order["symbol"] == symbol.as_str()));
    }
    let outcome = classify(&execution);
    let last = if outcome.completed { Event::Completed } else { Event::Failed };
    execution.outcome = Some((outcome, at));
    [Event::Executed, last]
        .map(|last| serde_json::from_str(&event::render(&last, &execution, at).detail).unwrap())
}

fn types(events: &[Value]) -> Vec<String> {
    events.iter().map(|event| event["event_type"].as_str().unwrap().to_owned()).collect()
}

fn has_reason(event: &Value) -> bool {
    event["failure_reason"].as_str().is_some_and(|reason| !reason.is_empty())
}

/// A set: theirs lists by execution, ours by the plan.
fn symbols(listed: &Value) -> BTreeSet<String> {
    listed.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

fn compare(case: &Case) -> Comparison {
    if run::is_run(case) {
        return run::compare(case);
    }
    let (input, ours) = (&case.input, ours(&case.input));
    let theirs = case.theirs.as_ref().unwrap()["published"].as_array().unwrap();
    let mut comparison = Comparison::default().field("events", types(theirs), types(&ours));
    for name in ["success", "orders_placed", "orders_succeeded", "correlation_id"] {
        comparison = comparison.field(name, &theirs[0][name], &ours[0][name]);
    }
    let caused = &input["event"]["event_id"];
    comparison
        .field(
            "failed_symbols",
            symbols(&theirs[0]["failed_symbols"]),
            symbols(&ours[0]["failed_symbols"]),
        )
        .field("causation_id", &theirs[0]["causation_id"], &ours[0]["causation_id"])
        .field("causation_id of the end", &theirs[1]["causation_id"], &ours[1]["causation_id"])
        .field("has a reason", has_reason(&theirs[0]), has_reason(&ours[0]))
        // What ours must say where it says something else; no deviation excuses these.
        .must(
            "causes as designed",
            [caused, caused],
            [0, 1].map(|last| &ours[last]["causation_id"]),
        )
        .must("failed as designed", failed(input), symbols(&ours[0]["failed_symbols"]))
}

/// The symbols of all legs that are not done: without an order, or with one that failed.
fn failed(input: &Value) -> BTreeSet<String> {
    let legs = || traded(input).into_iter().map(|item| item["symbol"].as_str().unwrap());
    let is_done = |symbol: &str| {
        let order = orders(input).iter().find(|order| order["symbol"] == symbol);
        order.is_some_and(|order| order["order_id"].is_null() || order["success"] == true)
    };
    legs().filter(|symbol| !is_done(symbol)).map(str::to_owned).collect()
}

/// The items that are to be traded.
fn traded(input: &Value) -> Vec<&Value> {
    let event = &input["event"];
    let items = event["rebalance_plan"]["items"].as_array().unwrap().iter();
    let required = event["trades_required"] == true;
    items.filter(|item| required && item["action"] != "HOLD").collect()
}

/// Trades are asked for, and there is none to be made: only holds, or only orders of nothing.
fn is_nothing_to_do(input: &Value) -> bool {
    let nothing = |order: &Value| {
        order["order_id"].is_null() && number(&order["shares"]) == Some(Decimal::ZERO)
    };
    let orders = orders(input);
    let only_nothing = !orders.is_empty() && orders.iter().all(nothing);
    input["event"]["trades_required"] == true && (traded(input).is_empty() || only_nothing)
}

/// A part was traded, and the configuration takes that for a success.
fn is_accepted_part(input: &Value) -> bool {
    let partial = input["execution_result"]["status"] == "partial_success";
    partial && input["treat_partial_execution_as_failure"] == false
}

fn rule(_: &str, input: &Value, field: &str) -> Option<Deviation> {
    let event = &input["event"];
    match field {
        "events of the run" | "reason of the run" => run::rule(input, field),
        // Theirs hands its own cause on, and says that a success was caused by the plan's id.
        "causation_id" => (event["causation_id"] != event["event_id"]).then_some(Deviation::D13),
        "causation_id of the end" => {
            let good = input["execution_result"]["status"] == "success";
            let idle = event["trades_required"] == false;
            (good || idle || is_accepted_part(input)).then_some(Deviation::D13)
        }
        // Theirs names no symbol of an accepted part, nor of a leg that got no order.
        "failed_symbols" if is_accepted_part(input) => Some(Deviation::D13),
        "failed_symbols" if orders(input).is_empty() => {
            (!traded(input).is_empty()).then_some(Deviation::D13)
        }
        // Theirs ends such a plan as failed; ours has done everything that it was asked for (domain §1, §7).
        "failed_symbols" => is_nothing_to_do(input).then_some(Deviation::D14),
        "events" | "success" | "has a reason" => is_nothing_to_do(input).then_some(Deviation::D14),
        _ => None,
    }
}
