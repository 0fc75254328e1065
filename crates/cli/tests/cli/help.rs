//! The help says what there is, and reading commands say what to do when there is nothing to read.

use std::process::Command;

use crate::command::{BINARY, example, run_json};

fn output(arguments: &[&str]) -> (i32, String) {
    let output = Command::new(BINARY).args(arguments).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

#[test]
fn the_help_names_every_command_and_exit_code() {
    let (code, text) = output(&["--help"]);
    assert_eq!(code, 0);
    for word in [
        "run",
        "status",
        "ledger",
        "recover",
        "replay",
        "verify",
        "halt",
        "resume",
        "config",
        "exchange",
        "Exit codes",
        "4  locked",
    ] {
        assert!(text.contains(word), "{word} is not in:\n{text}");
    }
    let (_, text) = output(&["run", "--help"]);
    let flags = ["--state", "--seed", "--speed", "--policy", "--max-age", "--now", "--json"];
    for word in flags.into_iter().chain(["--config", "--set", "ALCHEMISER_CONFIG"]) {
        assert!(text.contains(word), "{word} is not in:\n{text}");
    }
}

/// The commands that a help lists.
fn listed(help: &str) -> Vec<String> {
    let inside = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let lines = inside.take_while(|line| !line.is_empty());
    let names = lines.filter_map(|line| line.trim().split(' ').next().map(str::to_owned));
    names.filter(|name| name != "help").collect()
}

/// Every command, and every command of a command, says what it is and how it is used.
#[test]
fn there_is_help_everywhere() {
    let mut to_ask: Vec<Vec<String>> = vec![vec![]];
    let mut asked = 0;
    while let Some(path) = to_ask.pop() {
        let words: Vec<&str> = path.iter().map(String::as_str).chain(["--help"]).collect();
        let (code, text) = output(&words);
        assert!(code == 0 && text.contains("Usage: alchemiser"), "{words:?}: {text}");
        let says = text.lines().next().unwrap();
        assert!(says.split(' ').count() >= 3, "{words:?} says {says:?} of itself");
        to_ask.extend(listed(&text).into_iter().map(|name| [&path[..], &[name]].concat()));
        asked += 1;
    }
    assert!(asked > 25, "only {asked} were found");
}

/// What goes wrong is told on standard error, with its code, what was expected and found, or what to do; standard output has
/// nothing.
#[test]
fn what_goes_wrong_is_on_standard_error() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    run_json(&example(), &state, &[]);
    let (state, plan) = (state.to_str().unwrap(), "growth-and-bonds-2026-11-20");
    for (words, code, next) in [
        (&["status", "--state", "/nonexistent"][..], "STATE_MISSING", "alchemiser run PLAN.json"),
        (&["explain", plan, "NOPE", "--state", state], "LEG_UNKNOWN", "expected a symbol"),
        (&["report", "nope", "--state", state], "PLAN_UNKNOWN", "alchemiser status"),
        (&["cancel", plan, "--state", state], "PLAN_OVER", "nothing was canceled"),
        (&["report", "--since", "soon", "--state", state], "SINCE", "30d"),
        (&["config", "--set", "policies=walk"], "CONFIG_REFUSED", "policies"),
        (&["run", "/nonexistent.json", "--state", state], "PLAN", "nonexistent"),
    ] {
        let output = Command::new(BINARY).args(words).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.stdout.is_empty() && !output.status.success(), "{words:?}");
        assert!(said.contains(code) && said.contains(next), "{words:?}: {said}");
    }
}

#[test]
fn a_wrong_command_line_is_exit_code_2() {
    assert_eq!(output(&["run"]).0, 2);
    let (code, text) = output(&["run", "x.json", "--max-age", "soon"]);
    assert!(code == 2 && text.contains("expected an age like 2h or 30m"), "{text}");
}

#[test]
fn reading_nothing_says_what_to_do() {
    for command in ["status", "ledger", "verify"] {
        let (code, text) = output(&[command, "--state", "/nonexistent/state"]);
        assert!(
            code == 2
                && text.contains("STATE_MISSING")
                && text.contains("alchemiser run PLAN.json"),
            "{text}"
        );
    }
}

/// T8: what the orders did is there to read.
#[test]
fn status_and_ledger_show_what_was_done() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    run_json(&example(), &state, &[]);
    let state = state.to_str().unwrap();
    let (_, status) = output(&["status", "--state", state]);
    assert!(
        status.contains("growth-and-bonds-2026-11-20") && status.contains("finished"),
        "{status}"
    );
    let (_, status) = output(&["status", "--json", "--state", state]);
    let lines: serde_json::Value = serde_json::from_str(&status).unwrap();
    assert_eq!(
        (&lines[0]["legs"], &lines[0]["done"], &lines[0]["live_orders"]),
        (&13.into(), &13.into(), &0.into())
    );
    let (_, ledger) = output(&["ledger", "--state", state]);
    assert!(ledger.contains("TQQQ") && ledger.contains("E/Q"), "{ledger}");
    let (code, text) = output(&["replay", "growth-and-bonds-2026-11-20", "--state", state]);
    for said in ["TQQQ order 1: sell", "is filled:", "outcome: success", "phase: buying"] {
        assert!(code == 0 && text.contains(said), "{said} is not in:\n{text}");
    }
    let plan = ["replay", "growth-and-bonds-2026-11-20", "--at", "3", "--json", "--state", state];
    let (_, text) = output(&plan);
    let steps: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(steps.as_array().unwrap().len(), 3);
    let (code, text) = output(&["replay", "nobody", "--state", state]);
    assert!(code == 2 && text.contains("PLAN_UNKNOWN"), "{text}");
    // A plan that is not there has others near it, whoever asks for it.
    let near = "near it: growth-and-bonds-2026-11-20";
    for words in [
        &["replay", "growth-and-bonds"][..],
        &["report", "growth-and-bonds"],
        &["explain", "growth-and-bonds", "SOXL"],
        &["ledger", "growth-and-bonds"],
        &["ledger", "show", "growth-and-bonds"],
        &["retry", "growth-and-bonds"],
        &["cancel", "growth-and-bonds"],
    ] {
        let (code, text) = output(&[words, &["--state", state]].concat());
        assert!(code == 2 && text.contains(near) && text.contains(state), "{words:?}: {text}");
    }
    let (code, text) = output(&["verify", "--state", state]);
    assert!(code == 0 && text.contains("1 executions") && text.contains("0 violations"), "{text}");
}

/// A log that was touched is found out.
#[test]
fn verify_finds_a_changed_entry() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    let (_, report) = run_json(&example(), &state, &[]);
    let entry = std::path::Path::new(report["log"].as_str().unwrap()).join("000005.json");
    let changed =
        std::fs::read_to_string(&entry).unwrap().replacen("\"owner\":\"", "\"owner\":\"x", 1);
    std::fs::write(&entry, changed).unwrap();
    let (code, text) = output(&["verify", "--state", state.to_str().unwrap()]);
    assert!(
        code == 1 && text.contains("I7") && text.contains("does not carry its predecessor's hash"),
        "{text}"
    );
}
