//! `run --dry-run`: everything is shown, and nothing is sent.

use std::{fs, path::Path, process::Command};

use crate::command::{BINARY, decimal, example, example_json, files, run, run_json, write};

/// Quantities, controls, cost, calls and money are shown, and not even a directory is left.
#[test]
fn a_dry_run_shows_the_plan_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    let (code, said) = run_json(&example(), &state, &["--dry-run"]);
    assert_eq!((code, &said["would_complete"]), (0, &true.into()), "{said}");
    assert!(!state.exists());
    let legs = said["legs"].as_array().unwrap();
    assert_eq!(legs.len(), 13);
    let traded: Vec<_> = legs.iter().filter(|leg| !leg["limit"].is_null()).collect();
    assert_eq!(traded.len(), 12);
    for leg in &traded {
        assert!(leg["controls"].as_str().unwrap().ends_with(" passed"), "{leg}");
        assert!(decimal(&leg["expected_cost"]) >= 0.into(), "{leg}");
    }
    let sum = |side: &str| {
        let of_side = legs.iter().filter(|leg| leg["side"] == side);
        of_side.map(|leg| decimal(&leg["notional"])).sum::<rust_decimal::Decimal>()
    };
    let moved = decimal(&said["cash_after"]) - decimal(&said["cash_before"]);
    let difference: rust_decimal::Decimal = moved - (sum("sell") - sum("buy"));
    assert!(difference.abs() <= "0.10".parse().unwrap(), "{difference}");
    assert_eq!(said["orders"], 12);
    // What was shown is what is asked for when it is run.
    let (_, report) = run_json(&example(), &state, &[]);
    for (leg, ran) in legs.iter().zip(report["legs"].as_array().unwrap()) {
        if leg["side"] == "sell" {
            assert_eq!(leg["quantity"], ran["target_quantity"], "{leg}");
        }
    }
    let before = files(&state);
    let (code, said) = run_json(&example(), &state, &["--dry-run"]);
    assert_eq!((code, &said["already_executed"]), (0, &true.into()), "{said}");
    assert_eq!(files(&state), before);
}

/// What would be refused or would fail is said, with its code.
#[test]
fn a_dry_run_says_why_a_plan_would_fail() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    let mut other = example_json();
    other["detail"]["event_id"] = "another".into();
    other["detail"]["rebalance_plan"]["plan_id"] = "another".into();
    let other = write(dir.path(), "another.json", other.to_string().as_bytes());
    // A directory with an account in it.
    let (code, said) = run_json(&other, &state, &["--set", "turnover_max=0.01"]);
    assert_eq!(code, 3, "{said}");
    let halt = ["halt", "--reason", "a drill", "--state"];
    assert!(Command::new(BINARY).args(halt).arg(&state).output().unwrap().status.success());
    let (code, said) = run_json(&example(), &state, &["--dry-run"]);
    assert_eq!((code, said["code"].as_str()), (3, Some("HALTED")), "{said}");
    let fresh = dir.path().join("fresh");
    let (code, said) = run_json(&example(), &fresh, &["--dry-run", "--set", "turnover_max=0.01"]);
    assert_eq!((code, said["code"].as_str()), (3, Some("TURNOVER_TOO_HIGH")), "{said}");
    let old = run(&example(), &state, &["--dry-run"]);
    assert_eq!(old.status.code(), Some(2), "{}", String::from_utf8_lossy(&old.stderr));
}

/// The expected prices are what docs/backtest.md says was measured, and each says where.
#[test]
fn expected_prices_are_the_measured_ones() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/backtest.md");
    let docs = fs::read_to_string(docs).unwrap();
    let row = |name: &str| {
        let line = docs.lines().find(|line| line.starts_with(&format!("| {name} |"))).unwrap();
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let figure = |cell: &str| format!("0{}", cell.split(' ').next().unwrap());
        [figure(cells[2]), figure(cells[4]), figure(cells[5])]
    };
    let (narrow, wide) = (row("one tick"), row("conservative fills"));
    let dir = tempfile::tempdir().unwrap();
    let check = |policy: &str, narrow: &str, wide: &str| {
        let state = dir.path().join(policy);
        let (_, said) = run_json(&example(), &state, &["--dry-run", "--policy", policy]);
        let legs = said["legs"].as_array().unwrap();
        let mut measured = 0;
        for leg in legs.iter().filter(|leg| !leg["limit"].is_null()) {
            let on = leg["measured_on"].as_str().unwrap();
            let expected = match on.split(' ').next().unwrap() {
                "generated" => narrow,
                "recorded" => wide,
                _ => "1",
            };
            assert_eq!(leg["expected_half_spreads"], expected, "{policy}: {leg}");
            measured += usize::from(expected != "1");
        }
        assert_eq!(measured > 0, policy != "cross", "{policy}: {said}");
    };
    check("liquidity", &narrow[0], &wide[0]);
    check("adaptive", &narrow[1], &wide[1]);
    check("walk", &narrow[2], &wide[2]);
    check("cross", "none", "none");
}

#[test]
fn people_are_shown_a_table_of_what_would_be() {
    let dir = tempfile::tempdir().unwrap();
    let output = run(&example(), &dir.path().join("state"), &["--now", "--dry-run"]);
    let text = String::from_utf8(output.stdout).unwrap();
    for part in [
        "half-spreads from the mid",
        "this program's backtest",
        "first limit",
        "TQQQ",
        "Expected cost $",
        "before",
        "Nothing was sent.",
    ] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
}
