//! Costs of policies, from the command line.

use std::process::{Command, Output};

use crate::command::{BINARY, json};

fn backtest(arguments: &[&str]) -> Output {
    Command::new(BINARY).arg("backtest").args(arguments).output().unwrap()
}

const FEW: [&str; 6] = ["--generate", "few-ticks", "--days", "1", "--arrivals", "40"];

/// The same seed gives the same rows, whose fields are these; every policy after the first is compared with it.
#[test]
fn generated_days_give_a_table() {
    let arguments = [&FEW[..], &["--policy", "cross,adaptive", "--horizon", "60,120"]].concat();
    let as_json = [&arguments[..], &["--json"]].concat();
    let report = json(&backtest(&as_json));
    let rows = report["rows"].as_array().unwrap();
    assert_eq!(json(&backtest(&as_json))["rows"], report["rows"]);
    let all: Vec<_> = rows.iter().filter(|row| row["group"] == "all").collect();
    let told = |row: &&serde_json::Value| format!("{} {}", row["policy"], row["horizon_s"]);
    let names: Vec<String> = all.iter().map(told).collect();
    assert_eq!(names, ["\"cross\" 60", "\"adaptive\" 60", "\"cross\" 120", "\"adaptive\" 120"]);
    assert!(all[0]["diff_h"].is_null() && all[3]["diff_h"].is_number());
    let fields = [
        "symbol",
        "group",
        "policy",
        "horizon_s",
        "orders",
        "mean_h",
        "ci_low_h",
        "ci_high_h",
        "median_h",
        "p95_h",
        "sd_h",
        "mean_bps",
        "passive_share",
        "seconds_mean",
        "children_mean",
        "diff_h",
        "diff_low_h",
        "diff_high_h",
    ];
    for field in fields {
        assert!(all[1].get(field).is_some(), "{field}");
    }
    let text = String::from_utf8(backtest(&arguments).stdout).unwrap();
    assert!(
        text.contains("a market order pays 1") && text.contains("Nobody ahead cancels"),
        "{text}"
    );
}

fn refused(arguments: &[&str], expected: &str) {
    let output = backtest(arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains(expected), "{said}");
}

/// What cannot be measured is refused, with what was expected.
#[test]
fn what_cannot_be_measured_is_refused() {
    refused(&["/nowhere"], "UNREADABLE: /nowhere");
    refused(&["--generate", "calm"], "UNKNOWN_REGIME: expected one of deep, one-tick");
    refused(
        &[&FEW[..], &["--policy", "best"]].concat(),
        "UNKNOWN_POLICY: expected adaptive, learned, liquidity",
    );
    refused(
        &[&FEW[..], &["--from", "15:00", "--to", "10:00"]].concat(),
        "NO_ARRIVALS: expected --from before --to",
    );
    refused(&[&FEW[..], &["--from", "08:00"]].concat(), "expected a time between 09:30 and 16:00");
    refused(
        &[&FEW[..], &["--tick", "0.02"]].concat(),
        "UNKNOWN_TICK: expected a tick of 0.01, 0.005 or 0.0001",
    );
    refused(&[], "required");
}
