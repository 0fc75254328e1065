//! `status.jsonl`: how a run is classified, and what a last reading of an order says.

use alchemiser_core::{
    child::Status,
    execution::Execution,
    leg::{LegOutcome, Reason},
    outcome::{PlanStatus, classify},
    policy::Policy,
    price::Price,
    quantity::Quantity,
    report::BrokerStatus,
};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::Value;

use super::{
    Case, Comparison, Deviation, Judge,
    book::{number, price},
    order,
};

pub(crate) const JUDGE: Judge = Judge { file: "status", compare, rule };

fn count(input: &Value, name: &str) -> usize {
    usize::try_from(input[name].as_u64().unwrap()).unwrap()
}

/// A plan with so many legs placed, and so many of them filled. The original asks only of plans that were to trade: where
/// nothing was placed, a leg was refused.
fn status(placed: usize, succeeded: usize) -> PlanStatus {
    let at = Timestamp::UNIX_EPOCH;
    let mut execution = Execution::claimed(&order::plan(placed.max(1)), at, Policy::default());
    for (index, leg) in execution.legs.iter_mut().enumerate() {
        if placed == 0 {
            leg.outcome = Some(LegOutcome::Refused(Reason::NoQuote));
            break;
        }
        leg.sized = order::leg(Quantity::ONE).sized;
        order::send(leg, Price::new(Decimal::ONE_HUNDRED).unwrap(), at);
        let filled = index < succeeded;
        let (end, cumulative) = if filled {
            (BrokerStatus::Filled, Quantity::ONE)
        } else {
            (BrokerStatus::Canceled, Quantity::ZERO)
        };
        order::report(leg, end, cumulative);
        let unfilled = LegOutcome::Unfilled(Reason::WindowOver);
        leg.outcome = Some(if filled { LegOutcome::Filled } else { unfilled });
    }
    classify(&execution).status
}

fn compare(case: &Case) -> Comparison {
    let (input, theirs) = (&case.input, case.theirs.as_ref().unwrap());
    if case.function == "classify_execution_status" {
        let (placed, succeeded) = (count(input, "orders_placed"), count(input, "orders_succeeded"));
        let ours = (succeeded <= placed).then(|| status(placed, succeeded));
        return Comparison::default()
            .field("status", theirs["status"].as_str(), ours.map(PlanStatus::word))
            .field(
                "success",
                theirs["success"].as_bool(),
                ours.map(|status| status == PlanStatus::Success),
            );
    }
    // A reading that cannot be matched with an order of ours says nothing.
    let mapped = input["order_id"].as_str() == Some("mapped");
    let word = input["broker_status"].as_str().unwrap().to_lowercase();
    let after = Status::Working.after(BrokerStatus::from_word(&word));
    let average = price(&input["broker_avg_price"]).filter(|_| mapped);
    Comparison::default()
        .field(
            "is_filled",
            theirs["is_filled"].as_bool().unwrap(),
            mapped && after == Status::Filled,
        )
        .field("price", number(&theirs["price"]), average.map(Price::dollars))
}

fn rule(function: &str, input: &Value, field: &str) -> Option<Deviation> {
    if function == "classify_execution_status" {
        let (placed, succeeded) = (count(input, "orders_placed"), count(input, "orders_succeeded"));
        return (succeeded > placed).then_some(Deviation::D14);
    }
    let mapped = !input["order_id"].is_null();
    let partly = input["broker_status"].as_str().unwrap().eq_ignore_ascii_case("partially_filled");
    // Theirs takes a part for the whole, and what it once assumed for what the broker says.
    let assumed = match field {
        "is_filled" if mapped => partly,
        "is_filled" => input["order_success"] == true,
        _ => {
            let unsaid = !mapped || input["broker_avg_price"].is_null();
            unsaid && !input["order_price"].is_null()
        }
    };
    assumed.then_some(Deviation::D11)
}
