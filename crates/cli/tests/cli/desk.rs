//! What a person looks at: the ledger in lists and files, a leg in sentences, completions, manual pages.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;

use crate::command::{BINARY, decimal, example, json, run_json};

const PLAN: &str = "growth-and-bonds-2026-11-20";

fn executed() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    let (code, report) = run_json(&example(), &state, &[]);
    assert_eq!(code, 0, "{report}");
    (dir, state)
}

fn alchemiser(arguments: &[&str], state: &Path) -> Output {
    Command::new(BINARY).args(arguments).arg("--state").arg(state).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8([output.stdout.clone(), output.stderr.clone()].concat()).unwrap()
}

fn exported(state: &Path, more: &[&str]) -> Vec<Value> {
    let output = alchemiser(&[&["ledger", "export", "--format", "json"], more].concat(), state);
    json(&output).as_array().unwrap().clone()
}

/// What is listed adds up to what is exported, by plan and by strategy.
#[test]
fn a_list_adds_up() {
    let (_dir, state) = executed();
    let list = json(&alchemiser(&["ledger", "list", "--json"], &state));
    let lines = exported(&state, &[]);
    let sum = |side: &str| {
        let of_side = lines.iter().filter(|line| line["side"] == side);
        of_side.map(|line| decimal(&line["notional"])).sum::<rust_decimal::Decimal>().round_dp(2)
    };
    assert_eq!(list.as_array().unwrap().len(), 1);
    assert_eq!(decimal(&list[0]["sold"]), sum("SELL"));
    assert_eq!(decimal(&list[0]["bought"]), sum("BUY"));
    let strategies = list[0]["strategies"].as_array().unwrap();
    let share = |side: &str| {
        strategies.iter().map(|share| decimal(&share[side])).sum::<rust_decimal::Decimal>()
    };
    let near = |one: rust_decimal::Decimal, other: rust_decimal::Decimal| {
        (one - other).abs() <= "0.10".parse().unwrap()
    };
    assert!(near(share("sold"), sum("SELL")) && near(share("bought"), sum("BUY")), "{list}");
    assert!(strategies.len() > 1, "{list}");
}

/// Each filter lets through what it says, and nothing else.
#[test]
fn filters_choose_lines() {
    let (_dir, state) = executed();
    let all = exported(&state, &[]).len();
    let of_symbol = exported(&state, &["--symbol", "soxl"]);
    assert!(!of_symbol.is_empty() && of_symbol.len() < all);
    assert!(of_symbol.iter().all(|line| line["symbol"] == "SOXL"));
    let list = json(&alchemiser(&["ledger", "list", "--json"], &state));
    let named = list[0]["strategies"].as_array().unwrap();
    let name = named.iter().map(|share| share["strategy"].as_str().unwrap());
    let name = name.into_iter().find(|name| *name != "(none)").unwrap();
    let of_strategy = exported(&state, &["--strategy", name]);
    assert!(!of_strategy.is_empty());
    for line in &of_strategy {
        assert!(line["strategy_names"].as_array().unwrap().contains(&name.into()), "{line}");
    }
    assert_eq!(exported(&state, &["--from", "2026-11-20", "--until", "2026-11-20"]).len(), all);
    assert!(exported(&state, &["--until", "2026-11-19"]).is_empty());
    assert!(exported(&state, &["--from", "2026-11-21"]).is_empty());
}

/// A file of comma-separated values has a record for each order, and the same numbers.
#[test]
fn an_export_is_complete() {
    let (dir, state) = executed();
    let file = dir.path().join("fills.csv");
    let out = ["ledger", "export", "--out", file.to_str().unwrap()];
    let output = alchemiser(&out, &state);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let written = fs::read_to_string(&file).unwrap();
    let mut records = written.lines();
    let headings: Vec<&str> = records.next().unwrap().split(',').collect();
    let at = |name: &str| headings.iter().position(|heading| *heading == name).unwrap();
    let (id, notional, bid) = (at("client_order_id"), at("notional"), at("quote_at_submit_bid"));
    let lines = exported(&state, &[]);
    for (record, line) in records.by_ref().zip(&lines) {
        let fields: Vec<&str> = record.split(',').collect();
        assert_eq!(line["client_order_id"], fields[id]);
        assert_eq!(line["notional"], fields[notional]);
        assert_eq!(line["quote_at_submit"]["bid"], fields[bid]);
    }
    assert_eq!(written.lines().count(), lines.len() + 1);
}

#[test]
fn an_empty_ledger_says_so() {
    let (_dir, state) = executed();
    fs::remove_dir_all(state.join("ledger")).unwrap();
    let said = text(&alchemiser(&["ledger", "list"], &state));
    assert!(said.contains("No order with fills"), "{said}");
    let output = alchemiser(&["ledger", "show", "growth-and-bonds"], &state);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output).contains(&format!("near it: {PLAN}")), "{}", text(&output));
}

/// A leg is told from the plan to its cost, with the numbers that it was decided on.
#[test]
fn a_leg_is_told_in_sentences() {
    let (_dir, state) = executed();
    let story = text(&alchemiser(&["explain", PLAN, "soxl"], &state));
    for part in [
        "asked to sell",
        "was first seen at",
        "Order 1: sell",
        "controls passed",
        "on average",
        "half-spreads",
    ] {
        assert!(story.contains(part), "{part} is not in:\n{story}");
    }
    let told = json(&alchemiser(&["explain", PLAN, "SOXL", "--json"], &state));
    let after = told.as_array().unwrap().iter().filter(|line| !line["after_seconds"].is_null());
    let after: Vec<rust_decimal::Decimal> =
        after.map(|line| decimal(&line["after_seconds"])).collect();
    assert!(after.len() > 4 && after.is_sorted(), "{after:?}");
    let lines = exported(&state, &["--symbol", "SOXL"]);
    for line in &lines {
        let attempt = format!("Order {}:", line["attempt"]);
        assert!(told.to_string().contains(&attempt), "{attempt} is not told");
    }
    let small = alchemiser(&["explain", PLAN, "soxl", "--json"], &state);
    assert_eq!(json(&small), told, "a symbol may be written small");
    let output = alchemiser(&["explain", PLAN, "NOPE"], &state);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output).contains("LEG_UNKNOWN") && text(&output).contains("SOXL"),
        "{}",
        text(&output)
    );
}

/// A watched status ends when every plan is over.
#[test]
fn a_watched_status_ends_with_its_plans() {
    let (_dir, state) = executed();
    let output = alchemiser(&["status", "--watch"], &state);
    assert!(output.status.success() && text(&output).contains(PLAN), "{}", text(&output));
    assert!(!text(&output).contains('\u{1b}'), "a pipe gets no control characters");
}

#[test]
fn shells_and_man_are_served() {
    let dir = tempfile::tempdir().unwrap();
    let output = |arguments: &[&str]| Command::new(BINARY).args(arguments).output().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let script = text(&output(&["completions", shell]));
        assert!(script.contains("alchemiser") && script.contains("explain"), "{shell}: {script}");
    }
    let page = text(&output(&["man"]));
    assert!(page.starts_with(".ie") && page.contains("alchemiser"), "{page}");
    let into = dir.path().join("man");
    assert!(output(&["man", "--dir", into.to_str().unwrap()]).status.success());
    for name in
        ["alchemiser.1", "alchemiser-run.1", "alchemiser-report.1", "alchemiser-ledger-export.1"]
    {
        assert!(into.join(name).is_file(), "{name}");
    }
}
