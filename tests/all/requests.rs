//! What a plan asks of its store. In S3 every request has a price.

use std::fs;

use alchemiser_core::{
    fact::Announced,
    plan::Age,
    policy::{Policy, PolicyKind},
};
use alchemiser_tests::{
    plans,
    pulse::{Op, Script},
    world::{World, repository},
};
use serde_json::Value;

/// Entries of the log, requests by their kind, and what else is paid for.
struct Asked {
    entries: usize,
    writes: u64,
    lists: u64,
    reads: u64,
    /// Events, as EventBridge counts them: one for each 64 KiB that is begun.
    events: u64,
    /// From the plan's receipt to its outcome, for all of which a function runs.
    seconds: u64,
}

/// List prices of us-east-1, in nano-dollars: S3 Standard, EventBridge, and a second of 256 MB on arm64.
const WRITE: u64 = 5_000;
const READ: u64 = 400;
const EVENT: u64 = 1_000;
const SECOND: u64 = 3_334;

/// What a plan may cost: 0.3 cents.
const COST_MAX: u64 = 3_000_000;

impl Asked {
    fn nano_dollars(&self) -> u64 {
        let store = (self.writes + self.lists) * WRITE + self.reads * READ;
        // The two functions beside the one that trades, with their first look at the bucket: at most a second each.
        store + self.events * EVENT + (self.seconds + 2) * SECOND
    }
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
    let state = world.execution(&plans::id_of(event)).unwrap();
    assert!(state.is_complete());
    let lasted = state.outcome.as_ref().unwrap().1.duration_since(state.claimed_at);
    let seconds = u64::try_from(lasted.as_secs()).unwrap() + 1;
    let chunks = |event: &Announced| u64::try_from(event.detail.len()).unwrap() / 65_536 + 1;
    // The plan itself is an event, too.
    let events = world.taken.all().iter().map(chunks).sum::<u64>() + 1;
    let entries = world.entries(&plans::id_of(event)).len();
    Asked { entries, writes, lists, reads, events, seconds }
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
    let asked = traded(&event, policy);
    let Asked { entries, writes, lists, reads, events, seconds } = asked;
    let (word, cost) = (policy.word(), asked.nano_dollars());
    eprintln!(
        "{word}: {entries} entries, {writes} puts, {lists} lists, {reads} gets, {events} events, {seconds} s: {cost} nano-dollars"
    );
    assert!(cost <= COST_MAX, "{cost} nano-dollars");
    assert!(entries <= entries_max, "{entries} entries");
    assert!(writes + lists <= paid_max, "{writes} puts and {lists} lists");
}

/// X9: one entry a turn with news, never one a leg: the real plan has 32 legs and many more orders. What is paid for are
/// puts and lists; with events and the function's time it stays below 0.3 cents.
#[test]
fn the_real_plan_is_within_its_requests() {
    check(PolicyKind::Adaptive, 300, 300);
    check(PolicyKind::Cross, 20, 30);
}
