//! What must hold at the end, whatever happened on the way.

use std::collections::{BTreeMap, BTreeSet};

use alchemiser_core::{
    execution::Execution, ids::Symbol, learning::Crosses, leg::LegOutcome, quantity::Quantity,
};
use alchemiser_driver::{account, audit::audit, learn, ports::Store};
use alchemiser_wire::ledger::{LedgerLine, from_bytes};
use std::sync::Arc;

use crate::{
    pulse::Script,
    world::{World, block_on},
};

/// Everything that is wrong in a world whose plan is over; empty when nothing is.
pub fn faults(world: &World, state: &Execution) -> Vec<String> {
    let mut faults = Vec::new();
    let report = audit(&world.logs(), world.truth().as_ref());
    faults.extend(report.violations.iter().map(|violation| format!("{violation:?}")));
    published(world, state, &mut faults);
    targets(state, &mut faults);
    ledger(world, state, &mut faults);
    learned(world, state, &mut faults);
    let_go(world, state, &mut faults);
    faults
}

/// Panics unless everything holds.
pub fn sound(world: &World, state: &Execution, what: &str) {
    let faults = faults(world, state);
    assert!(faults.is_empty(), "{what}:\n  {}", faults.join("\n  "));
}

/// I9: one terminal event id, after everything else, and every copy of every event has the same bytes.
fn published(world: &World, state: &Execution, faults: &mut Vec<String>) {
    let mut bytes: BTreeMap<String, String> = BTreeMap::new();
    let mut terminal = BTreeSet::new();
    let plan = state.plan.correlation_id.as_str();
    for event in world.taken.all().iter().filter(|event| event.detail.contains(plan)) {
        let (id, kind) = (event.event_id.to_string(), &event.detail_type);
        if kind == "TradeExecutionRequested" {
            continue;
        }
        if kind.starts_with("Workflow") {
            terminal.insert((id.clone(), kind.clone()));
        }
        let first = bytes.entry(id).or_insert_with(|| event.detail.clone());
        if *first != event.detail {
            faults.push(format!("two copies of one {kind} differ: {first} and {}", event.detail));
        }
    }
    let expected = state.outcome.as_ref().is_some_and(|(outcome, _)| outcome.completed);
    let expected = if expected { "WorkflowCompleted" } else { "WorkflowFailed" };
    if terminal.len() != 1 || terminal.iter().any(|(_, kind)| kind != expected) {
        faults.push(format!("expected one {expected}, found {terminal:?}"));
    }
    for outgoing in &state.outbox {
        if !bytes.contains_key(outgoing.event.event_id.as_str()) {
            faults.push(format!("{} is announced and was not taken", outgoing.event.detail_type));
        }
    }
}

/// Σ filled equals the target where the leg says so, up to what is too small to trade.
fn targets(state: &Execution, faults: &mut Vec<String>) {
    for leg in state.legs.iter().filter(|leg| leg.outcome == Some(LegOutcome::Filled)) {
        let worth = leg.children.last().map(|child| child.terms.limit.times(leg.leaves()));
        let dust = worth.is_some_and(|worth| worth < state.policy.notional_min);
        if !leg.leaves().is_zero() && !dust {
            faults.push(format!("{} is filled with {} left", leg.symbol(), leg.leaves()));
        }
    }
}

/// The ledger is there, is what the log says, and adds up to the fills of the exchange.
fn ledger(world: &World, state: &Execution, faults: &mut Vec<String>) {
    let Some(bytes) = world.ledger(state) else {
        return faults.push("there is no ledger".to_owned());
    };
    let supplements = world.supplements(state);
    if supplements.is_empty() && bytes != alchemiser_wire::ledger::to_bytes(state) {
        faults.push("the ledger is not what the log says".to_owned());
    }
    let mut lines = from_bytes(&bytes).unwrap();
    lines.extend(supplements.iter().flat_map(|bytes| from_bytes(bytes).unwrap()));
    match alchemiser_wire::ledger::late(state, &lines) {
        None => faults.push("the ledger is of another execution".to_owned()),
        Some(late) if !late.is_empty() => {
            faults.push("the log knows more than the ledger".to_owned());
        }
        Some(_) => {}
    }
    for line in &lines {
        faults.extend(unexplained(line).into_iter().map(|field| {
            format!("{field} of {} is empty and `unknown` does not say why", line.client_order_id)
        }));
    }
    let mut told: BTreeMap<String, Quantity> = BTreeMap::new();
    for line in &lines {
        told.insert(
            line.client_order_id.clone(),
            Quantity::new(line.quantity.parse().unwrap()).unwrap(),
        );
    }
    let mut done: BTreeMap<String, Quantity> = BTreeMap::new();
    let ours: BTreeSet<String> =
        state.children().map(|child| child.client_order_id.to_string()).collect();
    for fill in world.truth().into_iter().flat_map(|truth| truth.fills) {
        if ours.contains(&fill.client_order_id) {
            let sum = done.entry(fill.client_order_id).or_default();
            *sum = sum.plus(fill.quantity);
        }
    }
    if told != done && !state.has_open_orders() {
        faults.push(format!("the ledger says {told:?}, the exchange {done:?}"));
    }
}

/// What was learned of the plan's crosses is what its ledger says.
fn learned(world: &World, state: &Execution, faults: &mut Vec<String>) {
    let session = world.session_beside(Script::clean());
    let store = session.desk.store.as_ref();
    let derived = block_on(learn::derived(store, world.account())).unwrap();
    let kept = block_on(learn::kept(store, world.account())).unwrap().unwrap_or_default();
    let of = |crosses: &Crosses| {
        let mut plans = crosses.plans();
        plans.find(|(_, plan, _)| **plan == state.plan.plan_id).map(|(date, _, paid)| (date, *paid))
    };
    // A store that refuses what was learned keeps a plan from it, and harms nothing else.
    if of(&kept).is_some_and(|kept| Some(kept) != of(&derived)) {
        faults.push(format!("{kept:?} was learned, and the ledger says {derived:?}"));
    }
}

/// L10: fields of a line that are empty without a reason in `unknown`.
pub fn unexplained(line: &LedgerLine) -> Vec<String> {
    let value = serde_json::to_value(line).unwrap();
    let empty = |value: &serde_json::Value| value.is_null() || value.as_str() == Some("");
    let explained = |name: &str| {
        line.unknown
            .iter()
            .any(|reason| reason.split(':').next().is_some_and(|names| names.contains(name)))
    };
    let fields = value.as_object().unwrap().iter();
    fields
        .filter(|(name, value)| empty(value) && !explained(name))
        .map(|(name, _)| name.clone())
        .collect()
}

/// The marker is gone unless an order may still fill, and nobody waits for an account that a finished plan holds (whoever
/// comes next takes it from a finished plan).
fn let_go(world: &World, state: &Execution, faults: &mut Vec<String>) {
    let session = world.session_beside(Script::clean());
    let store: Arc<dyn Store> = session.desk.store.clone();
    let newest = block_on(account::newest(&store, world.account())).unwrap();
    let held = newest.filter(|entry| {
        entry.account.holder.as_ref().is_some_and(|holder| holder.plan == state.plan.plan_id)
    });
    if held.is_some_and(|entry| !entry.account.waiting.is_empty()) {
        faults.push("others wait for the account that the finished plan still holds".to_owned());
    }
    if world.is_marked(state) && !state.has_open_orders() {
        faults.push("the marker of the finished plan is still there".to_owned());
    }
}

/// How every leg ended.
pub fn outcomes(state: &Execution) -> Vec<(Symbol, Option<LegOutcome>)> {
    state.legs.iter().map(|leg| (leg.symbol().clone(), leg.outcome)).collect()
}
