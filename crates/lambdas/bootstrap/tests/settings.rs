//! A function that is configured wrongly does not start, and says why in one line.
#![expect(clippy::unwrap_used, reason = "this is test code: what cannot be is a failed test")]

use std::process::Command;

/// Starts a function in an environment of exactly these variables.
fn check(function: &str, variables: &[(&str, &str)], expected: &str) {
    let output =
        Command::new(function).env_clear().envs(variables.iter().copied()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{said}");
    assert_eq!(said.trim_end(), expected);
    assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
}

const TRADE: &str = env!("CARGO_BIN_EXE_trade-execution");
const STATE: (&str, &str) = ("ALCHEMISER_STATE", "s3://books/paper");
const ACCOUNT: (&str, &str) = ("ALCHEMISER_ACCOUNT", "PA000000001");
const REGION: (&str, &str) = ("AWS_REGION", "us-east-1");
const BROKER: (&str, &str) = ("ALCHEMISER_BROKER", "simulated:/nonexistent");

#[test]
fn a_function_refuses_a_wrong_setting_before_it_takes_an_event() {
    let variables = [("ALCHEMISER_STATE", "file:/nonexistent/state"), ("ALCHEMISER__LEASE", "5")];
    let expected =
        "CONFIG_REFUSED: lease: expected 15 to 300 s, found \"5\" (environment ALCHEMISER__LEASE)";
    check(TRADE, &variables, expected);
    let variables = [
        ("ALCHEMISER_STATE", "file:/nonexistent/state"),
        ("ALCHEMISER_SETTINGS", "lease=40; lease=5"),
    ];
    let expected =
        "CONFIG_REFUSED: lease: expected 15 to 300 s, found \"5\" (flag ALCHEMISER_SETTINGS)";
    check(TRADE, &variables, expected);
}

#[test]
fn a_missing_or_malformed_variable_is_named() {
    let state = "ALCHEMISER_STATE: expected s3://BUCKET/PREFIX or file:DIR";
    check(TRADE, &[], &format!("CONFIGURATION: {state}, found nothing"));
    let wrong = [("ALCHEMISER_STATE", "s3://B")];
    let place =
        "expected s3://BUCKET or s3://BUCKET/PREFIX (a bucket of 3 to 63 of a-z, 0-9, - and .)";
    check(TRADE, &wrong, &format!("CONFIGURATION: ALCHEMISER_STATE: {place}, found \"s3://B\""));
    let account =
        "CONFIGURATION: ALCHEMISER_ACCOUNT: expected the broker's account number, found nothing";
    check(TRADE, &[STATE], account);
    let region = "CONFIGURATION: AWS_REGION: expected a region, e.g. us-east-1, found nothing";
    check(TRADE, &[STATE, ACCOUNT], region);
    let bundle = ("AWS_CA_BUNDLE", "/nonexistent.pem");
    let expected = "CONFIGURATION: AWS_CA_BUNDLE: expected a readable file of certificates in PEM, found \"/nonexistent.pem\" (No such file or directory (os error 2))";
    check(TRADE, &[STATE, ACCOUNT, REGION, bundle], expected);
    let bus = "CONFIGURATION: ALCHEMISER_BUS: expected the bus's name, found nothing";
    check(TRADE, &[STATE, ACCOUNT, REGION, BROKER], bus);
    let outcome = env!("CARGO_BIN_EXE_workflow-outcome");
    let topic = "CONFIGURATION: ALCHEMISER_TOPIC: expected the topic's ARN, found nothing";
    check(outcome, &[STATE, ACCOUNT, REGION], topic);
}
