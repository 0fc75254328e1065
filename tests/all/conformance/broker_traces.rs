//! `broker_traces.jsonl`: what the original did on a scripted broker, and what ours does on the same script.
//!
//! Not matched but beaten. The simulated exchange cannot be told when a cancel is late or a gateway fails, so the broker
//! here is a scripted one behind the same ports; plan, bus, store, handlers, core and driver are the product's, in virtual
//! time. Each scenario is played under the default policy and under `liquidity`, which has the original's waits and knows
//! its `max_repegs_per_order`.
//!
//! The original sends market orders at the end of its patience; ours sends none, and what stands there for it is a limit
//! through the far touch by the whole collar ([`script::Kind::Market`]). Trade updates by stream have no counterpart: ours
//! polls. Plans of more than 500 items are refused by design, so that the two scenarios of a thousand orders are two plans.

pub(crate) mod broker;
mod http;
mod limits;
mod scenario;
pub(crate) mod script;
mod table;

use std::sync::Arc;

use alchemiser_core::{child::Status, execution::Execution, policy::PolicyKind};
use alchemiser_driver::ports::Clock;
use alchemiser_tests::{
    check, page, plans,
    pulse::{Op, Script},
    world::World,
};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::Value;

use broker::ScriptedBroker;
use http::HttpVenue;
use scenario::{COMPLETED, Filled, Fills, Scenario};

/// What ours did.
#[derive(Debug)]
pub(crate) struct Ours {
    filled: Filled,
    /// The plan was not refused.
    taken: bool,
    orders: u64,
    calls: u64,
    seconds: f64,
    /// How the plan ended, in a word or a code.
    end: String,
    /// It ended as a success that was none.
    is_false: bool,
}

/// The broker's limit.
const CALLS_A_MINUTE_MAX: usize = 200;

/// How the broker is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// It is the port.
    Call,
    /// Over HTTP, through the adapter.
    Http,
}

/// Plays every scenario under a policy, prints theirs and ours, and fails on everything that must not be.
pub(crate) fn are_beaten(kind: PolicyKind, by: By) {
    let Some(traces) = super::lines("broker_traces") else { return };
    assert!(!traces.is_empty());
    let mut played = Vec::new();
    let mut wrong = Vec::new();
    for trace in &traces {
        let scenario = Scenario::read(trace);
        let (ours, faults) = play(&scenario, kind, by);
        wrong.extend(faults.into_iter().map(|fault| format!("{}: {fault}", scenario.id)));
        played.push((scenario, ours));
    }
    println!("{}", table::of(&format!("{} by {by:?}", kind.word()), &played));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// One scenario on a world of its own.
fn play(scenario: &Scenario, kind: PolicyKind, by: By) -> (Ours, Vec<String>) {
    let mut world = World::with(1, scenario.policy(kind));
    let opening = scenario.opening(world.account().clone());
    let broker = Arc::new(ScriptedBroker::new(world.clock.clone(), scenario.script, opening));
    world.venue = Some(match by {
        By::Call => broker.clone(),
        By::Http => {
            let policy = &world.rules.policy;
            Arc::new(HttpVenue::of(broker.clone(), world.clock.clone(), policy))
        }
    });
    let (events, start) = (scenario.events(), world.clock.now());
    let (mut orders, mut faults) = (0, Vec::new());
    for event in events.iter().flat_map(|event| vec![event; 1 + scenario.replays]) {
        world.put(event);
        let session = world.session(Script::clean());
        session.drive();
        orders += session.pulse.calls_of(Op::Submit);
        faults.extend(session.trail().failed);
    }
    let states: Vec<Execution> =
        events.iter().filter_map(|event| world.execution(&plans::id_of(event))).collect();
    faults.extend(states.iter().flat_map(|state| check::faults(&world, state)));
    faults.extend(states.iter().flat_map(|state| page::faults(&world, state)));
    let end = End::of(&world, events.len(), &mut faults);
    let fills = broker.filled();
    faults.extend(at_the_broker(&broker));
    faults.extend(of_the_outcome(scenario, &fills, end.completed));
    let seconds = end.at.map_or(f64::NAN, |at| at.duration_since(start).as_secs_f64());
    let calls = broker.calls().len();
    faults.extend(of_the_calls(scenario, calls, seconds, &states));
    faults.extend(escalations(&states, &broker.calls()));
    let filled = scenario.filled(&fills);
    let is_false = end.completed && !scenario.is_right(&fills);
    let (taken, calls) = (!states.is_empty(), u64::try_from(calls).unwrap());
    (Ours { filled, taken, orders, calls, seconds, end: end.said, is_false }, faults)
}

/// A sell and a buy that fill at once take so many calls, and so many seconds.
const INSTANT_CALLS_MAX: usize = 12;
const INSTANT_SECONDS_MAX: f64 = 2.0;

/// What must hold where nothing goes wrong.
fn of_the_calls(
    scenario: &Scenario,
    calls: usize,
    seconds: f64,
    states: &[Execution],
) -> Option<String> {
    let slow = calls > INSTANT_CALLS_MAX || seconds > INSTANT_SECONDS_MAX;
    let instant = scenario.id == "instant_fill" && slow;
    let unplanned = scenario.is_large() && states.is_empty();
    (instant || unplanned).then(|| format!("{calls} trading calls in {seconds} s"))
}

/// A leg's last escalation takes so many trading calls from its cancel to the leg's end.
const ESCALATION_CALLS_MAX: usize = 8;

/// Escalations that went as they should, one leg alone at work, and took too many calls.
fn escalations(states: &[Execution], calls: &[Timestamp]) -> Vec<String> {
    let mut faults = Vec::new();
    for leg in states.iter().flat_map(|state| &state.legs) {
        let [.., before, last] = leg.children.as_slice() else { continue };
        let (Some(asked), Some(ended)) = (before.cancel, last.filled_at) else { continue };
        let prompt = asked.first_at == asked.last_at && last.status == Status::Filled;
        let within = |at: &&Timestamp| **at >= asked.first_at && **at <= ended;
        let count = calls.iter().filter(within).count();
        if prompt && states[0].legs.len() <= 2 && count > ESCALATION_CALLS_MAX {
            faults.push(format!("{} trading calls to escalate {}", count, leg.symbol()));
        }
    }
    faults
}

/// How the workflow ended on the bus.
struct End {
    completed: bool,
    at: Option<Timestamp>,
    said: String,
}

impl End {
    /// The only terminal event of each plan, the worst of them; none, or several, is a fault.
    fn of(world: &World, plans: usize, faults: &mut Vec<String>) -> Self {
        let taken = world.taken.all();
        let ends = taken.iter().filter(|event| event.detail_type.starts_with("Workflow"));
        let ends: Vec<_> = ends.collect();
        let failed = ends.iter().find(|end| end.detail_type != COMPLETED);
        let Some(end) = failed.or(ends.last()).filter(|_| ends.len() == plans) else {
            faults.push(format!("{} terminal events of {plans} plans", ends.len()));
            return Self { completed: false, at: None, said: "?".to_owned() };
        };
        let detail: Value = serde_json::from_str(&end.detail).unwrap();
        let completed = end.detail_type == COMPLETED;
        let code = detail["error_details"]["code"].as_str().unwrap_or_default();
        let said = if completed { "completed".to_owned() } else { format!("failed {code}") };
        let at = detail["timestamp"].as_str().unwrap().parse().unwrap();
        Self { completed, at: Some(at), said }
    }
}

/// What the broker has to complain of: two orders at a time in a symbol, too many calls.
fn at_the_broker(broker: &ScriptedBroker) -> Vec<String> {
    let mut faults = broker.overlaps();
    let calls = broker.busiest_minute();
    let too_many = calls > CALLS_A_MINUTE_MAX;
    faults.extend(too_many.then(|| format!("{calls} trading calls in one minute")));
    faults
}

/// Too much, a success that is none, or less than the original reached.
fn of_the_outcome(scenario: &Scenario, fills: &Fills, completed: bool) -> Vec<String> {
    let (filled, right) = (scenario.filled(fills), scenario.is_right(fills));
    let faults = [
        (filled.most > Decimal::ONE, "filled more than was asked"),
        (completed && !right, "published a false success"),
        (scenario.must_succeed() && !(completed && right), "theirs succeeded, ours did not"),
        (scenario.falls_short(filled), "filled less than theirs"),
        (scenario.is_large() && !(completed && right), "plans of 500 legs do not succeed"),
    ];
    let said = faults.into_iter().filter(|(is, _)| *is);
    said.map(|(_, fault)| format!("{fault}: {fills:?}")).collect()
}
