//! What a log shows of a plan's whole life: its windows, its events, and that repetition changes nothing.

use std::collections::BTreeMap;

use alchemiser_core::{
    child::Status,
    execution::Execution,
    fact::{Fact, FactKind},
    ids::{ClientOrderId, EventId},
    learning::Spread,
    policy::Policy,
    quantity::Quantity,
};
use alchemiser_wire::entry::Entry;
use rust_decimal::Decimal;

use super::{Check, StoredLog, Violation};

/// Checks I9, I14 (without the rate) and I15 over every log.
pub(super) fn lives(logs: &[StoredLog]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for log in logs {
        let entries = log.entries.values().map_while(|bytes| Entry::from_bytes(bytes).ok());
        let facts: Vec<Fact> = entries.flat_map(|entry| entry.facts).collect();
        let mut check = Check { log: &log.name, violations: &mut violations };
        copies(&facts, &mut check);
        learned(&facts, &mut check);
        if let Some(state) = Execution::fold(&facts, &Policy::default()) {
            ended_in_time(&state, &mut check);
            repeated(&state, &facts, &mut check);
        }
    }
    violations
}

/// I9: every copy of an event has the same bytes, and only what was announced was published.
fn copies(facts: &[Fact], check: &mut Check<'_>) {
    let mut bytes: BTreeMap<&EventId, &str> = BTreeMap::new();
    for fact in facts {
        if let FactKind::Announced(event) = &fact.kind {
            let first = bytes.entry(&event.event_id).or_insert(&event.detail);
            check.hold("I9", *first == event.detail, || {
                format!("two copies of {} {} differ", event.detail_type, event.event_id)
            });
        }
        if let FactKind::Published(id) = &fact.kind {
            check.hold("I9", bytes.contains_key(id), || {
                format!("event {id} was published before it was announced")
            });
        }
    }
}

/// I8: a plan decides by one estimate of what its crosses cost, from its first order to its end.
fn learned(facts: &[Fact], check: &mut Check<'_>) {
    let place = |is: fn(&FactKind) -> bool| facts.iter().position(|fact| is(&fact.kind));
    let first_order = place(|kind| matches!(kind, FactKind::Intent(_)));
    let known = facts.iter().enumerate().filter_map(|(place, fact)| match &fact.kind {
        FactKind::Learned(learned) => Some((place, learned)),
        _ => None,
    });
    for (count, (place, learned)) in known.enumerate() {
        let early = count == 0 && first_order.is_none_or(|first| place < first);
        check.hold("I8", early, || {
            "it learned what its crosses cost a second time, or after its first order".to_owned()
        });
        let most = Spread::ALL.map(|spread| learned.ratios.of(spread).value).into_iter().max();
        check.hold("I8", most <= Some(Decimal::ONE), || {
            format!("it decides by an E/Q of {most:?}; expected at most 1")
        });
    }
}

/// I14: the plan is over within its windows, its margin, and the bounds of its last look at the broker; counted from the
/// last owner's start, where that came later.
fn ended_in_time(state: &Execution, check: &mut Check<'_>) {
    let policy = &state.policy;
    let ended = state.outcome.as_ref().map(|(_, at)| *at);
    let times = (&state.preflight, &state.owner, ended);
    let (Some((preflight, _)), Some((_, owned_at)), Some(ended)) = times else { return };
    let own = owned_at.saturating_add(policy.plan_margin).unwrap_or(*owned_at);
    let closing = policy.cancel_confirmation.saturating_add(policy.unresolved_after);
    let bound = preflight.deadline.max(own).saturating_add(closing).unwrap_or(ended);
    check.hold("I14", ended <= bound, || format!("it ended at {ended}, and had to by {bound}"));
}

/// I15: what the broker reported, told once more and in the wrong order, changes no fill and no status.
fn repeated(state: &Execution, facts: &[Fact], check: &mut Check<'_>) {
    let mut again = state.clone();
    let reports = facts.iter().rev();
    for fact in reports.filter(|fact| matches!(fact.kind, FactKind::Reported(..))) {
        again.take(fact);
    }
    check.hold("I15", orders(&again) == orders(state), || {
        "its reports, repeated in another order, add up to other fills".to_owned()
    });
}

fn orders(state: &Execution) -> Vec<(&ClientOrderId, Quantity, Status)> {
    let all = state.children();
    all.map(|child| (&child.client_order_id, child.cumulative, child.status)).collect()
}
