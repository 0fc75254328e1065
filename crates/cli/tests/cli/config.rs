//! Configuration: defaults, then a file, then the environment, then flags; checked on load, and every value says where it
//! came from.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use alchemiser_core::setting::SETTINGS;
use serde_json::Value;

use crate::command::{BINARY, assert_sound, command, example, json, write};

fn config(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(BINARY);
    command.arg("config").args(arguments).envs(variables.iter().copied()).output().unwrap()
}

/// The line of one setting.
fn line<'a>(lines: &'a Value, key: &str) -> &'a Value {
    lines.as_array().unwrap().iter().find(|line| line["key"] == key).unwrap()
}

/// Value and origin of settings, as `config --json` shows them.
fn check(arguments: &[&str], variables: &[(&str, &str)], expected: &[(&str, &str, &str)]) {
    let lines = json(&config(&[arguments, &["--json"]].concat(), variables));
    for (key, value, origin) in expected {
        let line = line(&lines, key);
        assert_eq!((&line["value"], &line["origin"]), (&(*value).into(), &(*origin).into()));
    }
}

/// Refused with exit code 2: the key, what was expected, what was found, and where.
fn check_refused(arguments: &[&str], variables: &[(&str, &str)], expected: [&str; 4]) {
    let output = config(&[arguments, &["--json"]].concat(), variables);
    let refused = json(&output);
    assert_eq!((output.status.code(), &refused["code"]), (Some(2), &"CONFIG_REFUSED".into()));
    let said = ["field", "expected", "found", "origin"].map(|part| refused[part].as_str().unwrap());
    assert_eq!(said, expected);
}

#[test]
fn every_setting_is_shown_with_unit_bound_origin_and_reason() {
    let lines = json(&config(&["--json"], &[]));
    assert_eq!(lines.as_array().unwrap().len(), SETTINGS.len());
    for line in lines.as_array().unwrap() {
        assert_eq!((&line["origin"], &line["value"]), (&"default".into(), &line["default"]));
        for part in ["key", "unit", "bound", "reason"] {
            assert!(line[part].as_str().is_some_and(|text| !text.is_empty()), "{part}: {line}");
        }
    }
    let normal = line(&lines, "working_time.normal");
    assert_eq!((&normal["value"], &normal["unit"]), (&"120".into(), &"s".into()));
    assert_eq!(normal["bound"], "1 to 3600");
    let table = String::from_utf8(config(&[], &[]).stdout).unwrap();
    for setting in SETTINGS {
        assert!(table.contains(setting.key) && table.contains(setting.reason), "{}", setting.key);
    }
    let longest = table.lines().map(|line| line.chars().count()).max();
    assert!(longest.is_some_and(|columns| columns < 300), "{longest:?} columns");
}

#[test]
fn later_layers_win_and_every_value_says_its_origin() {
    let dir = tempfile::tempdir().unwrap();
    let text =
        "lease = 40\nchildren_max = 10\ncollar = 0.003\n[working_time]\nnormal = 60\nhigh = 20\n";
    let file = write(dir.path(), "alchemiser.toml", text.as_bytes());
    let file = file.to_str().unwrap();
    let variables =
        [("ALCHEMISER__CHILDREN_MAX", "11"), ("ALCHEMISER__WORKING_TIME__NORMAL", "90s")];
    let of_file = format!("file {file}");
    let expected = [
        ("plan_max_age", "900", "default"),
        ("lease", "40", of_file.as_str()),
        ("collar", "0.003", &of_file),
        ("working_time.high", "20", &of_file),
        ("children_max", "11", "environment ALCHEMISER__CHILDREN_MAX"),
        ("working_time.normal", "45", "flag --set"),
    ];
    let set = ["--set", "working_time.normal=30", "--set", "working_time.normal=45"];
    check(&[&["--config", file], set.as_slice()].concat(), &variables, &expected);
    let named = [variables.as_slice(), &[("ALCHEMISER_CONFIG", file)]].concat();
    check(&set, &named, &expected);
    check(
        &["--config", file],
        &named,
        &[("working_time.normal", "90", "environment ALCHEMISER__WORKING_TIME__NORMAL")],
    );
}

/// M1: configuration is judged when it is read: the key, the bound, the value, and where it came from.
#[test]
fn a_value_out_of_bounds_is_refused_with_key_bound_value_and_origin() {
    check_refused(&["--set", "lease=5"], &[], ["lease", "6 to 300 s", "\"5\"", "flag --set"]);
    check_refused(
        &[],
        &[("ALCHEMISER__COLLAR", "0.2")],
        ["collar", "0.0001 to 0.05 share", "\"0.2\"", "environment ALCHEMISER__COLLAR"],
    );
    check_refused(
        &["--set", "children_max=ten"],
        &[],
        ["children_max", "1 to 100 count", "\"ten\"", "flag --set"],
    );
    check_refused(
        &["--set", "policy=smart"],
        &[],
        ["policy", "adaptive | liquidity | walk | cross", "\"smart\"", "flag --set"],
    );
}

/// A wrong value is refused even where a later layer hides it.
#[test]
fn a_wrong_value_in_a_file_is_refused_whatever_the_flags_say() {
    let dir = tempfile::tempdir().unwrap();
    let file = write(dir.path(), "alchemiser.toml", b"lease = 5\n");
    let file = file.to_str().unwrap();
    check_refused(
        &["--config", file, "--set", "lease=40"],
        &[],
        ["lease", "6 to 300 s", "\"5\"", &format!("file {file}")],
    );
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_one() {
    let nearest = "a known key, perhaps working_time.normal";
    let (key, found) = ("workingtime.normal", "\"workingtime.normal\"");
    check_refused(&["--set", "workingtime.normal=9"], &[], [key, nearest, found, "flag --set"]);
    let name = "ALCHEMISER__WORKINGTIME__NORMAL";
    check_refused(&[], &[(name, "9")], [key, nearest, found, &format!("environment {name}")]);
}

#[test]
fn what_is_no_configuration_is_refused() {
    check_refused(&["--set", "lease"], &[], ["--set", "key=value", "\"lease\"", "flag --set"]);
    check_refused(
        &["--config", "/nonexistent/a.toml"],
        &[],
        [
            "config",
            "a readable TOML file",
            "No such file or directory (os error 2)",
            "file /nonexistent/a.toml",
        ],
    );
    let dir = tempfile::tempdir().unwrap();
    let file = write(dir.path(), "alchemiser.toml", b"lease = 40\nlease_margin =\n");
    let text =
        String::from_utf8(config(&["--config", file.to_str().unwrap()], &[]).stderr).unwrap();
    assert!(text.starts_with("refused: CONFIG_REFUSED: config: expected a readable TOML file"));
    assert!(text.contains("line 2"), "{text}");
}

/// M1: values that are fine alone and wrong together: both sides are named, and where each came from.
#[test]
fn contradicting_values_are_refused_with_both_origins() {
    check_refused(
        &["--set", "http_timeout=16"],
        &[("ALCHEMISER__LEASE", "31")],
        [
            "lease",
            "above lease_renewal + lease_margin + http_timeout = 31s",
            "31 s",
            "lease: environment ALCHEMISER__LEASE, lease_renewal: default, lease_margin: default, http_timeout: flag --set",
        ],
    );
}

/// What the log says that the plan was traded by.
fn preflight(log: &Path) -> Value {
    let mut entries: Vec<_> =
        fs::read_dir(log).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    let entries =
        entries.iter().map(|path| serde_json::from_slice::<Value>(&fs::read(path).unwrap()));
    let facts = entries.flat_map(|entry| entry.unwrap()["facts"].as_array().unwrap().clone());
    facts.into_iter().find(|fact| fact["fact"] == "preflight_passed").unwrap()
}

/// Runs the example; the policy and the working time that its log has.
fn check_run(arguments: &[&str], variables: &[(&str, &str)], policy: &str, working_time_ms: u64) {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    let arguments = [&["--now", "--json"], arguments].concat();
    let mut command = command(&example(), &state, &arguments);
    let output = command.envs(variables.iter().copied()).output().unwrap();
    let report = json(&output);
    assert_eq!(output.status.code(), Some(0), "{report}");
    let preflight = preflight(Path::new(report["log"].as_str().unwrap()));
    assert_eq!(
        (&preflight["policy"], &preflight["working_time_ms"]),
        (&policy.into(), &working_time_ms.into())
    );
    assert_sound(&state);
}

#[test]
fn a_run_goes_by_the_effective_policy() {
    check_run(&[], &[], "adaptive", 120_000);
    check_run(&["--set", "working_time.normal=30"], &[], "adaptive", 30_000);
    check_run(&[], &[("ALCHEMISER__WORKING_TIME__NORMAL", "45")], "adaptive", 45_000);
    // What the audit judges the money by is in the log.
    let generous = ["--set", "cash_share=1", "--set", "amount_tolerance=1.1"];
    check_run(&generous, &[], "adaptive", 120_000);
    let walk = [("ALCHEMISER__POLICY", "walk")];
    check_run(&["--policy", "adaptive"], &walk, "adaptive", 120_000);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/alchemiser.toml");
    check_run(&["--config", file.to_str().unwrap()], &[], "adaptive", 90_000);
}

#[test]
fn a_run_with_refused_configuration_makes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    let output = command(&example(), &state, &["--json", "--max-age", "192h"]).output().unwrap();
    let refused = json(&output);
    assert_eq!((output.status.code(), &refused["field"]), (Some(2), &"plan_max_age".into()));
    assert_eq!(
        (&refused["origin"], &refused["expected"]),
        (&"flag --max-age".into(), &"1 to 604800 s".into())
    );
    assert!(!state.exists());
}

/// The page of all settings is what the program says of them.
#[test]
fn the_configuration_page_is_generated() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    let expected = String::from_utf8(config(&["--markdown"], &[]).stdout).unwrap();
    let found = fs::read_to_string(page).unwrap_or_default();
    assert!(
        found == expected,
        "make it anew: alchemiser config --markdown > docs/configuration.md"
    );
    for setting in SETTINGS {
        assert!(found.contains(&format!("| `{}` |", setting.key)), "{}", setting.key);
    }
}
