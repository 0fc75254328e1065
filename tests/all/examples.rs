//! The wire examples: what the original published and received, and what we publish and accept.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use alchemiser_core::{plan::Age, policy::Policy};
use alchemiser_tests::{
    check, plans,
    pulse::{Fault, Op, Script},
    shape,
    world::{World, repository},
};
use alchemiser_wire::{incoming, plan, terminal};
use serde_json::Value;

/// A directory of what is shared between projects; `None` where it is not checked out.
pub(crate) fn shared(part: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let shared = env::var_os("ALCHEMISER_SHARED").map_or_else(beside, PathBuf::from).join(part);
    if shared.is_dir() {
        return Some(shared);
    }
    eprintln!("skipped: ../shared absent");
    None
}

fn read(path: &Path) -> Value {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn examples(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> =
        paths.filter(|path| path.extension().is_some_and(|e| e == "json")).collect();
    paths.sort();
    paths
}

/// A detail in the envelope that a rule delivers.
fn enveloped(detail: &Value) -> Vec<u8> {
    let mut event = plans::small();
    event["detail-type"] = detail["event_type"].clone();
    event["source"] = "alchemiser.execution".into();
    event["detail"] = detail.clone();
    event.to_string().into_bytes()
}

/// Parses a file as what its content says that it is.
fn parses(path: &Path) {
    let (name, value) = (path.display(), read(path));
    let rules = World::new(1).rules;
    if value["detail-type"] == "RebalancePlanned" {
        let envelope = incoming::envelope(&fs::read(path).unwrap()).unwrap();
        let draft = plan::read(&envelope, &rules.accounts)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let at = draft.timestamp;
        let plan = alchemiser_core::plan::Plan::new(draft, at, rules.policy.plan_max_age);
        plan.and_then(|plan| plan.check_totals().map(|()| plan))
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        return;
    }
    let details = value.as_array().cloned().unwrap_or_else(|| vec![value]);
    for detail in details {
        let Some(kind) = detail["event_type"].as_str() else { continue };
        let envelope = incoming::envelope(&enveloped(&detail)).unwrap();
        if kind.starts_with("Workflow") {
            let terminal =
                terminal::read(&envelope).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(terminal.completed, kind == "WorkflowCompleted");
        } else {
            assert!(detail["event_id"].is_string(), "{name}");
        }
    }
}

/// H1, S12: every example parses as what it is.
#[test]
fn every_example_parses() {
    let own = repository().join("tests/events");
    for path in examples(&own) {
        parses(&path);
    }
    let Some(shared) = shared("events") else { return };
    let paths = examples(&shared);
    assert!(paths.len() > 8, "{paths:?}");
    for path in paths {
        parses(&path);
    }
}

/// H1, S12: the real plan of 2026-01-26 runs through as it crossed the bus, apart from its age.
#[test]
fn the_real_plan_runs_through() {
    let Some(shared) = shared("events") else { return };
    let event = read(&shared.join("real-plan-2026-01-26.json"));
    for seed in 1..=2 {
        let mut world = World::with(seed, Policy::default());
        world.rules.age = Age::Restated;
        world.run(&event, Script::clean());
        let state = world.finish(&event);
        check::sound(&world, &state, &format!("the real plan, seed {seed}"));
        assert_eq!(state.legs.len(), 32, "25 sells and 7 buys");
        assert!(state.outcome.is_some_and(|(outcome, _)| outcome.succeeded > 25));
    }
}

/// The newest event of a type that a run published.
fn published(event: &Value, script: Script, kind: &str) -> Value {
    let world = World::new(4);
    world.run(event, script);
    world.finish(event);
    let taken = world.taken.all();
    let event = taken.iter().rev().find(|event| event.detail_type == kind);
    let event = event.unwrap_or_else(|| panic!("no {kind} was published"));
    serde_json::from_str(&event.detail).unwrap()
}

fn has_all_of(file: &str, event: &Value, script: &Script) {
    let Some(shared) = shared("events") else { return };
    let expected = read(&shared.join(file));
    for expected in expected.as_array().cloned().unwrap_or_else(|| vec![expected]) {
        let kind = expected["event_type"].as_str().unwrap();
        let found = published(event, script.clone(), kind);
        assert_eq!(shape::lacks(&expected, &found), [""; 0], "{kind} of {file}: {found}");
    }
}

/// H1, H3: what consumers of the original read is there, with the same types: success, no trades, failure.
#[test]
fn the_outcome_events_have_every_field_of_the_original() {
    has_all_of("published-success.json", &plans::small(), &Script::clean());
    has_all_of("published-no-trades.json", &plans::event("idle", "NORMAL", &[]), &Script::clean());
    let rejected = Script::hit(Op::Submit, 1, 99, Fault::Reject);
    has_all_of("published-failure.json", &plans::small(), &rejected);
}

/// H1, H3: a partial success is a failure by default, with the same fields.
#[test]
fn a_partial_success_has_every_field_of_the_original() {
    let Some(shared) = shared("events") else { return };
    let script = Script::hit(Op::Submit, 1, 1, Fault::Reject);
    let found = published(&plans::small(), script.clone(), "TradeExecuted");
    let expected = &read(&shared.join("published-partial.json"))[0];
    assert_eq!(shape::lacks(expected, &found), [""; 0]);
    assert_eq!(
        (&found["success"], &found["execution_data"]["success"]),
        (&false.into(), &false.into())
    );
    let failed = published(&plans::small(), script, "WorkflowFailed");
    let expected = &read(&shared.join("published-failure.json"))[1];
    assert_eq!(shape::lacks(expected, &failed), [""; 0]);
}

/// H1, H3: with `treat_partial_execution_as_failure` off, a partial success completes the workflow.
#[test]
fn a_partial_success_may_count_as_success() {
    let event = plans::small();
    let policy = Policy { partial_is_failure: false, ..World::new(4).rules.policy };
    let world = World::with(4, policy);
    world.run(&event, Script::hit(Op::Submit, 1, 1, Fault::Reject));
    let state = world.finish(&event);
    let (outcome, _) = state.outcome.unwrap();
    assert_eq!((outcome.status.word(), outcome.completed), ("partial_success", true));
    let last = world.taken.all().pop().unwrap();
    assert_eq!(last.detail_type, "WorkflowCompleted");
    let Some(shared) = shared("events") else { return };
    let expected = &read(&shared.join("published-partial.json"))[1];
    let found = serde_json::from_str(&last.detail).unwrap();
    assert_eq!(shape::lacks(expected, &found), [""; 0]);
}

/// X12, H1: the events on the way have every field of the original's.
#[test]
fn the_events_on_the_way_have_every_field_of_the_original() {
    for kind in [
        "OrderSettlementCompleted",
        "BulkSettlementCompleted",
        "ExecutionPhaseCompleted",
        "TradeExecutionStarted",
    ] {
        has_all_of(&format!("original-{kind}.json"), &plans::small(), &Script::clean());
    }
}
