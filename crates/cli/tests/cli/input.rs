//! Bad input: coded, with the field, what was expected and what was found; nothing is written but the refusal.

use std::{fs, path::Path, process::Command};

use serde_json::{Value, json};

use crate::command::{BINARY, example, example_json, run, run_json, write};

fn plan(event: &mut Value) -> &mut Value {
    &mut event["detail"]["rebalance_plan"]
}

/// Changes the example, runs it, and compares code and field. Nothing but the refusal may be in the logs.
fn check(change: impl FnOnce(&mut Value), code: &str, field: &str) {
    let mut event = example_json();
    change(&mut event);
    check_text(&event.to_string(), code, field);
}

fn check_text(text: &str, code: &str, field: &str) {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    let path = write(dir.path(), "plan.json", text.as_bytes());
    let (exit, refused) = run_json(&path, &state, &[]);
    assert_eq!(
        (exit, refused["code"].as_str(), refused["field"].as_str()),
        (2, Some(code), Some(field)),
        "{refused}"
    );
    for part in ["expected", "found", "message"] {
        assert!(refused[part].as_str().is_some_and(|text| !text.is_empty()), "{part}: {refused}");
    }
    let executions = state.join("executions/SIM000000001");
    let logs: Vec<String> = fs::read_dir(&executions)
        .map(|entries| {
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
        })
        .unwrap_or_default();
    let refusals = logs.iter().filter(|name| name.starts_with("refused-")).count();
    assert_eq!(logs.len(), refusals, "{logs:?}");
    assert!(!state.join("exchange/journal.jsonl").exists(), "no exchange was opened");
    assert!(!state.join("open").exists() && !state.join("ledger").exists(), "no marker, no ledger");
    assert!(text_output(&path, &state).starts_with(&format!("refused: {code}: ")));
}

fn text_output(path: &Path, state: &Path) -> String {
    String::from_utf8(run(path, state, &["--now"]).stderr).unwrap()
}

/// H1, T3: what is no plan is refused with the place.
#[test]
fn what_is_no_event_is_refused() {
    check_text("hello", "MALFORMED_JSON", "event");
    check_text("", "MALFORMED_JSON", "event");
    check_text(
        &example_json().to_string()[..600],
        "MALFORMED_JSON",
        "allocation_comparison.target_values",
    );
    check(|event| drop(event.as_object_mut().unwrap().remove("detail")), "MISSING_FIELD", "detail");
    check(|event| event["source"] = "unheard.of".into(), "WRONG_EVENT", "source");
    check(|event| event["detail"]["event_type"] = "Other".into(), "WRONG_EVENT", "event_type");
    let twice =
        example_json().to_string().replacen("\"plan_id\":", "\"plan_id\":\"x\",\"plan_id\":", 1);
    check_text(&twice, "MALFORMED_JSON", "rebalance_plan.plan_id");
}

#[test]
fn unknown_schemas_are_refused() {
    check(
        |event| plan(event)["schema_version"] = "2.0".into(),
        "UNKNOWN_SCHEMA",
        "rebalance_plan.schema_version",
    );
    check(
        |event| event["detail"]["schema_version"] = "0.9".into(),
        "UNKNOWN_SCHEMA",
        "schema_version",
    );
}

/// T3: blank ids and naive times.
#[test]
fn blank_ids_and_naive_times_are_refused() {
    check(
        |event| plan(event)["plan_id"] = "  ".into(),
        "MALFORMED_FIELD",
        "rebalance_plan.plan_id",
    );
    check(
        |event| event["detail"]["correlation_id"] = "".into(),
        "MALFORMED_FIELD",
        "correlation_id",
    );
    check(|event| event["detail"]["causation_id"] = " ".into(), "MALFORMED_FIELD", "causation_id");
    check(
        |event| plan(event)["timestamp"] = "2026-11-20T15:00:00".into(),
        "MALFORMED_FIELD",
        "rebalance_plan.timestamp",
    );
}

/// H6: nobody can be answered about an event without an id: it is a failed delivery, with its cause.
#[test]
fn an_event_with_a_blank_id_is_not_answered() {
    let mut event = example_json();
    event["detail"]["event_id"] = "".into();
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), "plan.json", event.to_string().as_bytes());
    let (exit, failed) = run_json(&path, &dir.path().join("state"), &[]);
    assert_eq!((exit, failed["code"].as_str()), (1, Some("UNIDENTIFIED_EVENT")), "{failed}");
}

#[test]
fn bad_items_are_refused() {
    let item = |index: usize, name: &'static str, value: Value| {
        move |event: &mut Value| plan(event)["items"][index][name] = value
    };
    let field = |index: usize, name: &str| format!("rebalance_plan.items[{index}].{name}");
    check(item(1, "symbol", "tqqq".into()), "DUPLICATE_SYMBOL", &field(1, "symbol"));
    check(item(0, "symbol", "A B".into()), "MALFORMED_FIELD", &field(0, "symbol"));
    check(item(2, "target_weight", "1.2".into()), "OUT_OF_BOUNDS", &field(2, "target_weight"));
    check(item(2, "current_weight", json!(-0.1)), "OUT_OF_BOUNDS", &field(2, "current_weight"));
    check(item(0, "trade_amount", "8200.50".into()), "SIGN_DIFFERS", &field(0, "trade_amount"));
    check(item(6, "trade_amount", json!(0)), "SIGN_DIFFERS", &field(6, "trade_amount"));
    check(item(0, "action", "SHORT".into()), "MALFORMED_FIELD", &field(0, "action"));
    check(item(0, "priority", json!(9)), "OUT_OF_BOUNDS", &field(0, "priority"));
    check(
        |event| plan(event)["execution_urgency"] = "SOON".into(),
        "MALFORMED_FIELD",
        "rebalance_plan.execution_urgency",
    );
    check(|event| plan(event)["items"] = json!({}), "MALFORMED_FIELD", "rebalance_plan.items");
    let gone = |event: &mut Value| {
        drop(plan(event)["items"][3].as_object_mut().unwrap().remove("trade_amount"));
    };
    check(gone, "MISSING_FIELD", &field(3, "trade_amount"));
    check(
        |event| plan(event)["total_trade_value"] = "1".into(),
        "TOTALS_DIFFER",
        "rebalance_plan.total_trade_value",
    );
    check(
        |event| event["detail"]["metadata"] = json!({"account": "OTHER"}),
        "UNKNOWN_ACCOUNT",
        "metadata.account",
    );
}

/// S10: decimals are finite and of a sane length; what 96 bits cannot hold is rounded, not refused.
#[test]
fn odd_numbers_are_refused_and_long_ones_are_rounded() {
    let amount = |value: &str| {
        let value = value.to_owned();
        move |event: &mut Value| plan(event)["items"][0]["trade_amount"] = value.into()
    };
    let field = "rebalance_plan.items[0].trade_amount";
    for odd in ["NaN", "Infinity", "1e400", "", "12,5"] {
        check(amount(odd), "MALFORMED_FIELD", field);
    }
    check(amount(&format!("-8200.{}", "1".repeat(64))), "MALFORMED_FIELD", field);
    let bare = |number: &str| {
        example_json()
            .to_string()
            .replace("\"trade_amount\":\"-8200.50\"", &format!("\"trade_amount\":{number}"))
    };
    check_text(&bare("NaN"), "MALFORMED_JSON", field);
    check_text(&bare("-1e400"), "MALFORMED_JSON", field);
    check_text(&bare(&format!("-8200.{}", "1".repeat(64))), "MALFORMED_FIELD", field);
    let dir = tempfile::tempdir().unwrap();
    for (name, long) in [
        ("string", format!("\"-8200.50{}1\"", "0".repeat(23))),
        ("number", format!("-8200.50{}1", "0".repeat(23))),
    ] {
        let path = write(dir.path(), name, bare(&long).as_bytes());
        let (code, report) = run_json(&path, &dir.path().join(format!("state-{name}")), &[]);
        assert_eq!((code, report["outcome"].as_str()), (0, Some("completed")), "{name}: {report}");
    }
}

/// H1: 501 items.
#[test]
fn too_many_items_are_refused() {
    let many = |event: &mut Value| {
        let items = plan(event)["items"].as_array_mut().unwrap();
        let first = items[0].clone();
        *items = (0..501)
            .map(|number| {
                let mut item = first.clone();
                item["symbol"] = format!("S{number}").into();
                item
            })
            .collect();
    };
    check(many, "OUT_OF_BOUNDS", "rebalance_plan.items");
}

/// A plan that is too old is refused without `--now` or a longer `--max-age`.
#[test]
fn a_stale_plan_is_refused_and_its_age_can_be_restated() {
    let dir = tempfile::tempdir().unwrap();
    let mut event = example_json();
    let made = jiff::Timestamp::now().checked_sub(jiff::SignedDuration::from_mins(30)).unwrap();
    plan(&mut event)["timestamp"] = made.to_string().into();
    let path = write(dir.path(), "old.json", event.to_string().as_bytes());
    let attempt = |state: &str, more: &[&str]| {
        run(&path, &dir.path().join(state), &[&["--json"], more].concat())
    };
    let output = attempt("a", &[]);
    let refused: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (output.status.code(), refused["code"].as_str()),
        (Some(2), Some("STALE")),
        "{refused}"
    );
    assert_eq!(refused["field"], "rebalance_plan.timestamp");
    assert_eq!(attempt("b", &["--max-age", "20m"]).status.code(), Some(2));
    assert_eq!(
        attempt("a", &["--max-age", "2h"]).status.code(),
        Some(0),
        "after a refusal of its age it may still run"
    );
    assert_eq!(attempt("c", &["--now"]).status.code(), Some(0));
}

#[test]
fn a_state_directory_that_cannot_be_used_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = write(dir.path(), "file", b"");
    for state in [file.clone(), file.join("below"), Path::new("/proc/nowhere").to_owned()] {
        let (code, refused) = run_json(&example(), &state, &[]);
        assert_eq!((code, refused["code"].as_str()), (2, Some("STATE_UNWRITABLE")), "{refused}");
    }
    let newer = dir.path().join("newer");
    fs::create_dir(&newer).unwrap();
    fs::write(newer.join("state.json"), br#"{"schema":2}"#).unwrap();
    let (code, refused) = run_json(&example(), &newer, &[]);
    assert_eq!((code, refused["code"].as_str()), (2, Some("STATE_NEWER")), "{refused}");
    let (code, refused) = run_json(Path::new("nowhere.json"), &dir.path().join("s"), &[]);
    assert_eq!((code, refused["code"].as_str()), (2, Some("PLAN_UNREADABLE")), "{refused}");
}

/// Nothing is traded in a bucket from here, and no directory is made of its name.
#[test]
fn a_bucket_is_no_directory() {
    let dir = tempfile::tempdir().unwrap();
    let plan = example();
    let plan = plan.to_str().unwrap();
    for words in [
        &["run", plan, "--now"][..],
        &["run", plan, "--now", "--dry-run"],
        &["retry", "a-plan", "--yes"],
        &["recover", "a-plan", "--from-broker"],
        &["local", "up"],
        &["local", "run", plan],
        &["exchange", "--port", "0"],
    ] {
        let mut command = Command::new(BINARY);
        command.args(words).args(["--state", "s3://some-bucket/paper"]).current_dir(dir.path());
        let output = command.env_remove("AWS_REGION").output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{words:?}: {said}");
        assert!(said.contains("STATE: expected a directory of this machine"), "{words:?}: {said}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "{words:?} made something");
    }
}
