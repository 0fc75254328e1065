//! What the account's own crosses cost, as a person sees it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::command::{BINARY, decimal, example, example_json, json, run_json, write};

fn learned(state: &Path, more: &[&str]) -> Value {
    let mut command = Command::new(BINARY);
    json(
        &command
            .arg("learned")
            .arg("--json")
            .args(more)
            .arg("--state")
            .arg(state)
            .output()
            .unwrap(),
    )
}

fn executed(more: &[&str]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    let (code, report) = run_json(&example(), &state, more);
    assert_eq!(code, 0, "{report}");
    (dir, state)
}

/// The fact of what a plan decided by, in its log.
fn fact(state: &Path, plan: &str) -> Value {
    let log = crate::command::files(&state.join("executions/SIM000000001").join(plan));
    let entries = log.values().map(|bytes| serde_json::from_slice::<Value>(bytes).unwrap());
    let mut facts = entries.flat_map(|entry| entry["facts"].as_array().unwrap().clone());
    facts.find(|fact| fact["fact"] == "learned").unwrap_or(Value::Null)
}

fn page(state: &Path, plan: &str) -> String {
    let mut command = Command::new(BINARY);
    let output = command.args(["report", plan, "--out", "-", "--state"]).arg(state).output();
    String::from_utf8(output.unwrap().stdout).unwrap()
}

const FIRST: &str = "growth-and-bonds-2026-11-20";

/// S5, X6: the first plan is learned from: as many crosses as its ledger has, agreeing with it; the second plan's log and page say
/// what it decided by, and a lost file is made anew.
#[test]
fn a_plan_is_learned_from_and_the_next_one_says_so() {
    let (dir, state) = executed(&[]);
    assert_eq!(fact(&state, FIRST)["why_not"], "LEARNING_EMPTY");
    assert!(page(&state, FIRST).contains("LEARNING_EMPTY"));
    let said = learned(&state, &[]);
    assert_eq!((&said["code"], &said["agrees_with_ledger"]), (&Value::Null, &Value::Bool(true)));
    let export = Command::new(BINARY)
        .args(["ledger", "export", "--format", "json", "--state"])
        .arg(&state)
        .output()
        .unwrap();
    let lines = json(&export);
    let has_crossed = |line: &&Value| {
        line["purpose"] == "cross" && decimal(&line["quantity"]) >= rust_decimal::Decimal::ONE
    };
    let count = lines.as_array().unwrap().iter().filter(has_crossed).count();
    let of = |said: &Value| -> Vec<u64> {
        let spreads = said["spreads"].as_array().unwrap();
        spreads.iter().map(|line| line["crosses"].as_u64().unwrap()).collect()
    };
    assert_eq!(usize::try_from(of(&said).iter().sum::<u64>()), Ok(count), "{said}");
    assert!(count > 0);

    let mut again = example_json();
    let text = again.to_string().replace(FIRST, "second").replace("\"growth-and-bonds\"", "\"w2\"");
    again = serde_json::from_str(&text).unwrap();
    let event = write(dir.path(), "second.json", again.to_string().as_bytes());
    run_json(&event, &state, &[]);
    let known = fact(&state, "second");
    assert_eq!((&known["why_not"], &known["through"]), (&Value::Null, &said["through"]));
    for (ratio, line) in
        known["ratios"].as_array().unwrap().iter().zip(said["spreads"].as_array().unwrap())
    {
        assert_eq!(ratio["spread"], line["spread"]);
        assert_eq!(ratio["effective_over_quoted"], line["effective_over_quoted"]);
        assert_eq!(ratio["fills"], line["crosses"]);
    }
    assert!(page(&state, "second").contains("own crosses had cost when the plan began"));

    fs::remove_dir_all(state.join("learned")).unwrap();
    assert_eq!(learned(&state, &[])["code"], "LEARNING_EMPTY");
    let remade = learned(&state, &["--again"]);
    assert_eq!(
        (&remade["made_again"], &remade["agrees_with_ledger"]),
        (&true.into(), &true.into())
    );
    assert!(of(&remade).iter().sum::<u64>() >= of(&said).iter().sum());
    assert_eq!(learned(&state, &["--again"])["made_again"], false);
}

/// S5: off by configuration.
#[test]
fn learning_can_be_turned_off() {
    let (_dir, state) = executed(&["--set", "learning=false"]);
    assert_eq!(fact(&state, FIRST), Value::Null);
    assert!(!state.join("learned").exists());
    let said = learned(&state, &["--set", "learning=false"]);
    assert_eq!((&said["learning"], &said["code"]), (&false.into(), &"LEARNING_EMPTY".into()));
    let mut command = Command::new(BINARY);
    let text = command.args(["learned", "--set", "learning=false", "--state"]).arg(&state).output();
    let text = String::from_utf8(text.unwrap().stdout).unwrap();
    assert!(text.contains("Learning is off"), "{text}");
}
