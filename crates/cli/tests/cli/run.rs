//! A plan runs, once.

use std::fs;

use serde_json::Value;

use crate::command::{
    assert_sound, command, decimal, example, example_json, files, run, run_json, write,
};

/// X1, X7, H1: the example completes: sells first, then buys, none over its target, the events in their order.
#[test]
fn the_example_completes() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    let (code, report) = run_json(&example(), &state, &[]);
    assert_eq!((code, report["outcome"].as_str()), (0, Some("completed")), "{report}");
    assert_eq!(report["already_executed"], false);
    let legs = report["legs"].as_array().unwrap();
    assert_eq!(legs.len(), 13);
    for leg in legs {
        let skipped = leg["outcome"] == "skipped" && leg["reason"] == "TOO_SMALL";
        assert!(leg["outcome"] == "filled" || skipped, "{leg}");
        if !skipped {
            assert_eq!(decimal(&leg["filled_quantity"]), decimal(&leg["target_quantity"]), "{leg}");
            assert!(leg["children"].as_u64().unwrap() >= 1, "{leg}");
            assert!(!leg["average_price"].is_null() && !leg["cost_bps"].is_null(), "{leg}");
        }
    }
    let mut events: Vec<&str> =
        report["events"].as_array().unwrap().iter().map(|e| e.as_str().unwrap()).collect();
    events.dedup();
    let expected = [
        "TradeExecutionStarted",
        "OrderSettlementCompleted",
        "ExecutionPhaseCompleted",
        "BulkSettlementCompleted",
        "ExecutionPhaseCompleted",
        "TradeExecuted",
        "WorkflowCompleted",
    ];
    assert_eq!(events, expected);
    let ledger = fs::read_to_string(report["ledger"].as_str().unwrap()).unwrap();
    assert!(ledger.lines().count() >= 12, "{ledger}");
    assert_sound(&state);
}

/// X9, S11: the same command again sends nothing, shows the result and succeeds.
#[test]
fn a_second_run_says_that_it_was_executed() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    let (_, first) = run_json(&example(), &state, &[]);
    let before = files(&state.join("executions"));
    let journal = fs::read(state.join("exchange/journal.jsonl")).unwrap();
    let (code, second) = run_json(&example(), &state, &[]);
    assert_eq!((code, &second["already_executed"]), (0, &Value::Bool(true)));
    assert_eq!(first["legs"], second["legs"]);
    assert_eq!(files(&state.join("executions")), before);
    assert_eq!(
        fs::read(state.join("exchange/journal.jsonl")).unwrap(),
        journal,
        "the exchange was not even opened"
    );
    let text = String::from_utf8(run(&example(), &state, &["--now"]).stdout).unwrap();
    assert!(text.contains("already executed; nothing was sent"), "{text}");
    assert!(text.contains("# afresh"), "{text}");
}

/// X9: the same `plan_id` with a changed item is refused with the field, and the first execution stays as it is.
#[test]
fn a_changed_plan_of_the_same_id_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    run_json(&example(), &state, &[]);
    let before = files(&state.join("executions"));
    let mut changed = example_json();
    changed["detail"]["rebalance_plan"]["items"][1]["trade_amount"] = "-2100.01".into();
    let changed = write(dir.path(), "changed.json", changed.to_string().as_bytes());
    let (code, refused) = run_json(&changed, &state, &[]);
    assert_eq!((code, refused["code"].as_str()), (2, Some("PLAN_CONFLICT")), "{refused}");
    assert_eq!(refused["field"], "rebalance_plan.items[1].trade_amount");
    assert_eq!(
        (&refused["expected"], &refused["found"]),
        (&"-2100, as this plan_id had it the first time".into(), &"-2100.01".into())
    );
    assert_eq!(files(&state.join("executions")), before);
    assert_sound(&state);
}

/// The same seed gives the same trace, byte for byte; another seed another one.
#[test]
fn a_seed_runs_the_same_twice() {
    let dir = tempfile::tempdir().unwrap();
    let trace = |name: &str, seed: &str| {
        let state = dir.path().join(name);
        run_json(&example(), &state, &["--seed", seed]);
        let mut trace = files(&state);
        trace.retain(|name, _| !name.starts_with("in-use"));
        trace
    };
    let first = trace("first", "7");
    assert!(first.len() > 20, "{:?}", first.keys());
    assert_eq!(first, trace("second", "7"));
    assert_ne!(first, trace("third", "8"));
}

/// X9: while one process has the state directory, another one is told who, and sends nothing.
#[test]
fn a_second_process_learns_who_holds_the_state() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    let mut first = command(&example(), &state, &["--now", "--speed", "realtime"]).spawn().unwrap();
    // The journal is there as soon as the first process has the directory and trades.
    let journal = state.join("exchange/journal.jsonl");
    while !fs::read_to_string(&journal).is_ok_and(|text| text.contains("\"order\"")) {
        assert!(first.try_wait().unwrap().is_none(), "the first process ended too soon");
        std::thread::yield_now();
    }
    let (code, refused) = run_json(&example(), &state, &[]);
    let pid = first.id().to_string();
    first.kill().unwrap();
    first.wait().unwrap();
    assert_eq!((code, refused["code"].as_str()), (4, Some("STATE_IN_USE")), "{refused}");
    assert!(refused["message"].as_str().unwrap().contains(&pid), "{refused} does not name {pid}");
    let (code, report) = run_json(&example(), &state, &[]);
    assert_eq!((code, report["outcome"].as_str()), (0, Some("completed")), "{report}");
    assert_sound(&state);
}

fn completes_soundly(seed: u32, policy: &str) {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    let (code, report) =
        run_json(&example(), &state, &["--seed", &seed.to_string(), "--policy", policy]);
    assert_eq!(code, 0, "{policy}, seed {seed}: {report}");
    assert_sound(&state);
}

/// S1, S5: every seed completes, soundly, under every policy.
#[test]
fn many_seeds_and_all_policies_complete() {
    for seed in 1..=20 {
        completes_soundly(seed, if seed % 2 == 0 { "adaptive" } else { "cross" });
        completes_soundly(seed, "liquidity");
        completes_soundly(seed, "walk");
    }
}

/// The table, and where to look next.
#[test]
fn people_are_shown_a_table() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    let output = run(&example(), &state, &["--now"]);
    let (text, progress) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    for word in [
        "half-spreads",
        "TQQQ",
        "WorkflowCompleted: success: 12 of 12 placed legs filled",
        "Log ",
        "Ledger ",
        "verify --state",
    ] {
        assert!(text.contains(word), "{word} is not in:\n{text}");
    }
    assert!(progress.contains("-- buying") && progress.contains("SELL TQQQ"), "{progress}");
}
