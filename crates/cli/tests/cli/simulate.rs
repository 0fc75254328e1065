//! The simulated world, from the command line.

use std::process::{Command, Output};

use serde_json::Value;

use crate::command::{BINARY, example, json};

fn simulate(arguments: &[&str]) -> Output {
    Command::new(BINARY).arg("simulate").args(arguments).output().unwrap()
}

/// A run of seeds as JSON: exactly these fields, every class of faults among them.
fn check(arguments: &[&str]) -> Value {
    let output = simulate(&[arguments, &["--json"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let report = json(&output);
    let keys: Vec<&String> = report.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["faults", "seeds", "seeds_per_second", "violations"]);
    assert_eq!(report["violations"], Value::Array(vec![]));
    assert!(report["faults"].as_object().unwrap().contains_key("two code versions"));
    report
}

/// S11: drawn plans, and a plan as it crossed the bus.
#[test]
fn seeds_are_run_and_counted() {
    assert_eq!(check(&["--seeds", "50", "--from", "7"])["seeds"], 50);
    let plan = example();
    assert_eq!(check(&["--seeds", "3", "--plan", plan.to_str().unwrap()])["seeds"], 3);
}

/// A seed is told line by line; without its faults it is another story.
#[test]
fn a_seed_is_told_with_all_or_some_of_its_faults() {
    let told = |arguments: &[&str]| {
        let output = simulate(arguments);
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stdout).unwrap()
    };
    let seed = ["--seed", "11"];
    assert_eq!(told(&seed), told(&seed));
    let calm = told(&["--seed", "11", "--only"]);
    assert!(!calm.contains("    ! "), "{calm}");
    assert_eq!(simulate(&["--only", "3"]).status.code(), Some(2), "of which seed?");
}

/// Faults are planted in a build of their own: the product has none.
#[test]
fn the_product_has_no_planted_faults() {
    let binary = std::fs::read(BINARY).unwrap();
    let holds = |words: &str| binary.windows(words.len()).any(|part| part == words.as_bytes());
    assert!(holds("partial PutEvents failure"), "words are found where there are any");
    assert!(!holds("unconfirmed cancel treated as canceled"));
}

/// What is no plan is refused, by name.
#[test]
fn an_unreadable_plan_is_refused() {
    let output = simulate(&["--seeds", "1", "--plan", "/nowhere/plan.json"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("/nowhere/plan.json"));
}
