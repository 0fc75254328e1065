//! What a plan asks of its store. In S3 every request has a price.

use std::fs;

use alchemiser_core::{
    plan::Age,
    policy::{Policy, PolicyKind},
};
use alchemiser_tests::{
    plans,
    pulse::{Op, Script},
    world::{World, repository},
};
use serde_json::Value;

/// Entries of the log, and requests by their kind.
struct Asked {
    entries: usize,
    writes: u64,
    lists: u64,
    reads: u64,
}

/// A plan traded in a world whose store cannot know who is dead, as S3 cannot.
fn traded(event: &Value, policy: PolicyKind) -> Asked {
    let mut world = World::with(1, Policy { kind: policy, ..Policy::default() });
    world.deaths_are_known = false;
    world.rules.age = Age::Restated;
    world.put(event);
    let session = world.session(Script::clean());
    session.drive();
    let [writes, lists, reads] = [Op::Put, Op::List, Op::Get].map(|op| session.pulse.calls_of(op));
    drop(session);
    assert!(world.execution(&plans::id_of(event)).unwrap().is_complete());
    Asked { entries: world.entries(&plans::id_of(event)).len(), writes, lists, reads }
}

/// The real plan of January, with its age restated by the world.
fn real() -> Option<Value> {
    let path = repository().join("../shared/events/real-plan-2026-01-26.json");
    let text = fs::read_to_string(path).ok();
    if text.is_none() {
        eprintln!("skipped: ../shared absent");
    }
    text.map(|text| serde_json::from_str(&text).unwrap())
}

#[track_caller]
fn check(policy: PolicyKind, entries_max: usize, paid_max: u64) {
    let Some(event) = real() else { return };
    let Asked { entries, writes, lists, reads } = traded(&event, policy);
    eprintln!("{}: {entries} entries, {writes} puts, {lists} lists, {reads} gets", policy.word());
    assert!(entries <= entries_max, "{entries} entries");
    assert!(writes + lists <= paid_max, "{writes} puts and {lists} lists");
}

/// X9: one entry a turn with news, never one a leg: the real plan has 32 legs and many more orders. What is paid for are
/// puts and lists.
#[test]
fn the_real_plan_is_within_its_requests() {
    check(PolicyKind::Adaptive, 300, 300);
    check(PolicyKind::Cross, 20, 30);
}
