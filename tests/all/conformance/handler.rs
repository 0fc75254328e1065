//! `handler_events.jsonl`: which events end a run, and what they count. A case gives the result of every order; ours gets
//! legs with the same results and renders its events.
//!
//! Exceptions inside the run and failures to publish have no counterpart in a pure state (ours retries a publication
//! until it is taken): those cases are not compared.

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
use serde_json::{Value, json};

use super::{
    Case, Comparison, Deviation, Judge,
    book::{number, price},
    order,
};

pub(crate) const JUDGE: Judge = Judge { file: "handler_events", is_reached, compare, rule };

fn is_reached(case: &Case) -> bool {
    case.function == "handle_rebalance_planned"
        && case.input["execution_exception"].is_null()
        && case.input["publish_failure_on"].is_null()
}

fn plan(input: &Value) -> Plan {
    let event = json!({
        "version": "0", "id": "1", "detail-type": "RebalancePlanned", "source": "s", "account": "0",
        "time": "2025-10-10T14:35:00Z", "region": "r", "resources": [], "detail": input["event"],
    });
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

fn compare(case: &Case) -> Comparison {
    let ours = ours(&case.input);
    let theirs = case.theirs.as_ref().unwrap()["published"].as_array().unwrap();
    let types = |events: &[Value]| -> Vec<String> {
        events.iter().map(|event| event["event_type"].as_str().unwrap().to_owned()).collect()
    };
    let mut comparison = Comparison::default().field("events", types(theirs), types(&ours));
    for name in ["success", "orders_placed", "orders_succeeded", "failed_symbols", "correlation_id"]
    {
        comparison = comparison.field(name, &theirs[0][name], &ours[0][name]);
    }
    let causation = |event: &Value| event["causation_id"].as_str().unwrap().to_owned();
    comparison
        .field("causation_id", causation(&theirs[0]), causation(&ours[0]))
        .field("causation_id of the end", causation(&theirs[1]), causation(&ours[1]))
        .field(
            "has a reason",
            !theirs[0]["failure_reason"].is_null(),
            !ours[0]["failure_reason"].is_null(),
        )
}

fn rule(_: &str, input: &Value, field: &str) -> Option<Deviation> {
    let items = input["event"]["rebalance_plan"]["items"].as_array().unwrap();
    let idle = items.iter().all(|item| item["action"] == "HOLD");
    let orders = orders(input);
    let (placed, good) = (
        orders.iter().filter(|order| !order["order_id"].is_null()).count(),
        orders.iter().filter(|order| order["success"] == true).count(),
    );
    let nothing_to_do = idle || (!orders.is_empty() && placed == 0);
    match field {
        "causation_id" | "causation_id of the end" => Some(Deviation::D13),
        // A leg that got no order at all is named, too.
        "failed_symbols" if orders.is_empty() && !idle => Some(Deviation::D13),
        "failed_symbols" if good > 0 && good < placed => Some(Deviation::D13),
        _ => nothing_to_do.then_some(Deviation::E6),
    }
}
