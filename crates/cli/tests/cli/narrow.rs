//! A terminal of forty columns is enough.

use std::{
    path::Path,
    process::{Command, Output},
};

use crate::{
    broker::{Exchange, example_world},
    command::{BINARY, command, example, run_json},
};

const PLAN: &str = "growth-and-bonds-2026-11-20";

fn text(output: &Output) -> String {
    String::from_utf8([output.stdout.clone(), output.stderr.clone()].concat()).unwrap()
}

/// No line is longer than the terminal is wide, whether it goes to standard output or to standard error; with what is on them.
fn narrow(command: &mut Command, expected: &str) {
    let said = text(&command.env("COLUMNS", "40").output().unwrap());
    let words: Vec<&str> = said.split_whitespace().collect();
    assert!(words.join(" ").contains(expected), "{command:?} does not say {expected:?}: {said}");
    // An id, a path or a time is one word, and stays whole; so does a command that is there to be copied.
    let is_long_word = |line: &str| line.split_whitespace().count() <= 2;
    let is_command = |line: &str| line.trim_start().starts_with(BINARY);
    for line in said.lines().filter(|line| !is_long_word(line) && !is_command(line)) {
        assert!(line.chars().count() <= 40, "{command:?}: {line:?}");
    }
}

fn at(state: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command.args(arguments).arg("--state").arg(state);
    command
}

/// What a run and its rehearsal say, before and after.
#[test]
fn a_run_fits_into_forty_columns() {
    let dir = tempfile::tempdir().unwrap();
    let (state, plan) = (dir.path().join("state"), example());
    let dry = "Expected cost $";
    narrow(&mut command(&plan, &state, &["--now", "--dry-run"]), dry);
    narrow(&mut command(&plan, &state, &["--now"]), "WorkflowCompleted: success");
    narrow(&mut command(&plan, &state, &["--now"]), "was already executed");
    narrow(&mut command(&plan, &state, &["--now", "--dry-run"]), "was executed here already");
    narrow(&mut command(&plan, &state, &["--set", "poll_slow=1h"]), "CONFIG_REFUSED");
    let other = dir.path().join("other");
    narrow(&mut command(&plan, &other, &["--max-age", "1s"]), "expected");
    narrow(
        &mut command(&plan, &other, &["--now", "--dry-run", "--set", "turnover_max=0.01"]),
        "It would fail",
    );
}

/// What is looked at afterwards, and what is refused.
#[test]
fn the_desk_fits_into_forty_columns() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    let (code, report) = run_json(&example(), &state, &[]);
    assert_eq!(code, 0, "{report}");
    let check = |arguments: &[&str], expected| narrow(&mut at(&state, arguments), expected);
    check(&["status"], PLAN);
    check(&["ledger"], "TQQQ");
    check(&["ledger", "list"], PLAN);
    check(&["ledger", "show", PLAN], "TQQQ");
    check(&["explain", PLAN, "SOXL"], "Order 1:");
    check(&["explain", PLAN, "NOPE"], "LEG_UNKNOWN");
    check(&["replay", PLAN], "the lease");
    check(&["verify"], "0 violations");
    check(&["learned"], "The ledger says the same.");
    check(&["cancel", PLAN], "PLAN_OVER");
    check(&["retry", PLAN], "nothing was sent");
    check(&["explain", "growth", "SOXL"], "near it:");
    check(&["halt", "--reason", "prices look wrong, and nobody knows why"], "is halted since");
    check(&["status"], "is halted since");
    check(&["resume"], "may go on");
    let page = dir.path().join("page.html");
    check(&["report", PLAN, "--out", page.to_str().unwrap()], "kB)");
    check(&["report", "--since", "tomorrow"], "expected a date");
}

/// What `doctor` finds, good or not.
#[test]
fn the_doctor_fits_into_forty_columns() {
    let exchange = Exchange::start(&example_world());
    let plan = example();
    let words = ["doctor", "--account", "paper", "--plan", plan.to_str().unwrap()];
    narrow(&mut exchange.command(&words, "PKALCHEMISER"), "Nothing was traded.");
    narrow(&mut exchange.command(&words, "PKWRONG"), "To do:");
}
