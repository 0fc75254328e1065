//! The cases in which the original's run or its bus fails, and those of another event type, through the whole product: bus,
//! store, handlers, core and driver, on a scripted broker.
//!
//! An exception inside the original's run is a broker that never answers here. A bus that takes no more events is the same
//! on both sides; ours leaves them in its log, and the next process publishes them.

use std::{collections::BTreeSet, sync::Arc};

use alchemiser_core::{
    fact::RefusalKind,
    money::Money,
    plan::{Age, Plan},
    quantity::{DECIMALS_MAX, Quantity},
    side::Side,
};
use alchemiser_driver::accept::{Accepted, accept};
use alchemiser_tests::{
    pulse::{Fault, Op, Script},
    world::{World, block_on},
};
use serde_json::{Value, json};

use crate::conformance::{
    Case, Comparison, Deviation,
    broker_traces::{
        broker::{BID, Opening, ScriptedBroker, price},
        script::{self, Post},
    },
    handler::{envelope, has_reason, orders, plan, types},
};

/// More calls than any run makes.
const FOR_EVER: u64 = 1_000_000;

/// Whether a case is one of these.
pub(crate) fn is_run(case: &Case) -> bool {
    let fails = ["execution_exception", "publish_failure_on"];
    fails.iter().any(|name| !case.input[*name].is_null()) || is_other_type(&case.function)
}

fn is_other_type(function: &str) -> bool {
    function == "handle_event_other_type"
}

pub(crate) fn compare(case: &Case) -> Comparison {
    let input = &case.input;
    let theirs = case.theirs.as_ref().unwrap()["published"].as_array().unwrap();
    let ours = if is_other_type(&case.function) { of_another_type(input) } else { played(input) };
    let comparison = Comparison::default().field("events of the run", types(theirs), types(&ours));
    match (theirs.last(), ours.last()) {
        (Some(theirs), Some(ours)) => {
            comparison.field("reason of the run", has_reason(theirs), has_reason(ours))
        }
        _ => comparison,
    }
}

/// Theirs publishes the failure of a run, or of a publication, as the workflow's, in place of what was to be said, or
/// after it; ours says what happened, once, and never less than both last events.
pub(crate) fn rule(input: &Value, field: &str) -> Option<Deviation> {
    let raised = &input["execution_exception"];
    let applies = match field {
        "events of the run" => !raised.is_null() || !input["publish_failure_on"].is_null(),
        _ => ends_wrong(input),
    };
    applies.then_some(Deviation::D14)
}

/// The last event that theirs published is not the one that the run called for, or holds an exception without words.
fn ends_wrong(input: &Value) -> bool {
    let raised = &input["execution_exception"];
    let fine = input["execution_result"]["success"] == true;
    raised["message"] == "" || (fine && !input["publish_failure_on"].is_null())
}

/// What an event of another type brings about.
fn of_another_type(input: &Value) -> Vec<Value> {
    let world = World::new(1);
    let session = world.session(Script::clean());
    let kind = input["event_type"].as_str().unwrap();
    let mut event = envelope(&json!({}));
    event["detail-type"] = kind.into();
    let accepted = block_on(accept(&session.desk, event.to_string().as_bytes(), &world.rules));
    assert_eq!(accepted.unwrap(), Accepted::Ignored(kind.to_owned()));
    last_events(&world)
}

/// Our two last events, whatever fails on the way.
fn played(input: &Value) -> Vec<Value> {
    let event = envelope(&input["event"]);
    let Some(failing) = input["publish_failure_on"].as_str() else {
        let world = on_script(input);
        world.run(&event, Script::hit(Op::Account, 1, FOR_EVER, Fault::LoseAnswer));
        return last_events(&world);
    };
    let healthy = on_script(input);
    healthy.run(&event, Script::clean());
    // The undisturbed run says at which publication the bus goes down.
    let sent = healthy.taken.all();
    let before = sent.iter().position(|event| event.detail_type == failing);
    let world = on_script(input);
    let from = u64::try_from(before.unwrap_or(sent.len() - 1)).unwrap() + 1;
    world.run(&event, Script::hit(Op::Publish, from, FOR_EVER, Fault::LoseRequest));
    assert_eq!(world.taken.all().len() + 1, usize::try_from(from).unwrap(), "the bus is down");
    world.finish(&event);
    last_events(&world)
}

/// Details of `TradeExecuted` and of the terminal event, each event once.
fn last_events(world: &World) -> Vec<Value> {
    let mut seen = BTreeSet::new();
    let taken = world.taken.all();
    let last = taken.iter().filter(|event| {
        let kind = event.detail_type.as_str();
        let last = kind == "TradeExecuted" || kind.starts_with("Workflow");
        last && seen.insert(event.event_id.to_string())
    });
    last.map(|event| serde_json::from_str(&event.detail).unwrap()).collect()
}

/// A world in which the orders come to what the case says: filled, or refused.
fn on_script(input: &Value) -> World {
    let refused = orders(input).iter().any(|order| order["success"] == false);
    let script = if refused {
        script::Script { post: |_| Post::Refuse(RefusalKind::Other), ..script::PLAIN }
    } else {
        script::PLAIN
    };
    let mut world = World::new(1);
    world.rules.age = Age::Restated;
    let broker =
        ScriptedBroker::new(world.clock.clone(), script, opening(&plan(input), world.account()));
    world.venue = Some(Arc::new(broker));
    world
}

/// An account that holds what the plan says, and as much cash.
fn opening(plan: &Plan, account: &alchemiser_core::ids::AccountId) -> Opening {
    let items = || plan.items.iter().filter_map(|item| Some((item, item.action.side()?)));
    let held = |value: Money| Quantity::rounded_down(price(BID).shares_for(value), DECIMALS_MAX);
    Opening {
        account: account.clone(),
        cash: plan.portfolio_value,
        held: items()
            .filter(|(_, side)| *side == Side::Sell)
            .map(|(item, _)| (item.symbol.clone(), held(item.current_value)))
            .collect(),
        sides: items().map(|(item, side)| (item.symbol.clone(), side)).collect(),
    }
}
