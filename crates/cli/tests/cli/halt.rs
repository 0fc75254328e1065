//! The switch that stops trading, turned from another process.

use std::{fs, path::Path, process::Command};

use serde_json::Value;

use crate::command::{BINARY, assert_sound, command, example, files, json, run_json};

fn turn(state: &Path, arguments: &[&str]) -> Value {
    let mut command = Command::new(BINARY);
    let output = command.args(arguments).arg("--json").arg("--state").arg(state).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    json(&output)
}

/// S9, I10: a halted account refuses a plan; resumed, it takes the next one, and says who had halted it.
#[test]
fn a_halted_account_refuses_plans_until_it_is_resumed() {
    let dir = tempfile::tempdir().unwrap();
    let (state, other) = (dir.path().join("state"), dir.path().join("other.json"));
    run_json(&example(), &state, &[]);
    let halted = turn(&state, &["halt", "--reason", "a drill"]);
    assert_eq!((&halted["halted"], &halted["why"]), (&true.into(), &"a drill".into()));
    let status = Command::new(BINARY).args(["status", "--state"]).arg(&state).output().unwrap();
    let status = String::from_utf8(status.stdout).unwrap();
    assert!(status.contains("is halted since") && status.contains("a drill"), "{status}");
    let again = turn(&state, &["halt", "--reason", "another drill"]);
    assert_eq!(again["why"], "a drill", "the first halt says why");
    let text = fs::read_to_string(example()).unwrap();
    fs::write(&other, text.replace("growth-and-bonds-2026-11-20", "second")).unwrap();
    let (code, report) = run_json(&other, &state, &[]);
    assert_eq!(code, 3, "{report}");
    assert!(report.to_string().contains("HALTED"), "{report}");
    assert_eq!(turn(&state, &["resume", "--reason", "the drill is over"])["halted"], false);
    let entries = files(&state.join("accounts"));
    let entries = entries.values().map(|bytes| serde_json::from_slice::<Value>(bytes).unwrap());
    let resumed: Vec<Value> = entries.filter(|entry| entry["change"] == "resumed").collect();
    assert_eq!((resumed.len(), &resumed[0]["why"]), (1, &"the drill is over".into()));
    assert!(!resumed[0]["who"].as_str().unwrap().is_empty(), "{resumed:?}");
    fs::write(&other, text.replace("growth-and-bonds-2026-11-20", "third")).unwrap();
    let (_, report) = run_json(&other, &state, &[]);
    assert!(!report.to_string().contains("HALTED"), "{report}");
    assert_sound(&state);
}

/// I10: a plan that trades in another process is canceled and ends as failed, within seconds of real time.
#[test]
fn a_halt_reaches_a_plan_that_trades() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    let mut child =
        command(&example(), &state, &["--now", "--json", "--speed", "realtime"]).spawn().unwrap();
    let journal = state.join("exchange/journal.jsonl");
    let sent = || fs::read_to_string(&journal).is_ok_and(|text| text.contains("\"order\""));
    while !sent() {
        assert_eq!(child.try_wait().unwrap(), None, "the plan ended before it sent anything");
    }
    turn(&state, &["halt", "--reason", "a drill"]);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(json(&output).to_string().contains("HALTED"), "{}", json(&output));
    let books = fs::read_to_string(&journal).unwrap();
    assert!(books.contains("cancel"), "{books}");
    assert_sound(&state);
}
