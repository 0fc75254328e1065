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
const PAPER: (&str, &str) = ("ALCHEMISER_BROKER", "https://paper-api.alpaca.markets");

#[test]
fn a_function_refuses_a_wrong_setting_before_it_takes_an_event() {
    let variables = [("ALCHEMISER_STATE", "file:/nonexistent/state"), ("ALCHEMISER__LEASE", "5")];
    let expected =
        "CONFIG_REFUSED: lease: expected 6 to 300 s, found \"5\" (environment ALCHEMISER__LEASE)";
    check(TRADE, &variables, expected);
    let variables = [
        ("ALCHEMISER_STATE", "file:/nonexistent/state"),
        ("ALCHEMISER_SETTINGS", "lease=40; lease=5"),
    ];
    let expected =
        "CONFIG_REFUSED: lease: expected 6 to 300 s, found \"5\" (flag ALCHEMISER_SETTINGS)";
    check(TRADE, &variables, expected);
}

/// Real money is traded only where stage, word and address say so together; a setting alone says nothing.
#[test]
fn real_money_is_asked_for_twice() {
    let live = ("ALCHEMISER_BROKER", "https://api.alpaca.markets");
    let (stage, word) = (("ALCHEMISER_STAGE", "live"), ("ALCHEMISER_CONFIRM_LIVE", "real-money"));
    let all = [STATE, ACCOUNT, REGION, live, stage, word];
    let secret = "CONFIGURATION: ALCHEMISER_BROKER_SECRET: expected the ARN of the secret with the broker's keys, found nothing";
    check(TRADE, &all, secret);
    let expected = "LIVE_NOT_ARMED: ALCHEMISER_CONFIRM_LIVE: expected real-money, without which no real money is traded, found nothing";
    check(TRADE, &all[..5], expected);
    let expected = "LIVE_NOT_ARMED: ALCHEMISER_STAGE: expected live beside the address of real accounts, found nothing";
    check(TRADE, &[STATE, ACCOUNT, REGION, live, word], expected);
    let expected = "LIVE_NOT_ARMED: ALCHEMISER_BROKER: expected https://api.alpaca.markets in stage live, found \"paper\"";
    check(TRADE, &[STATE, ACCOUNT, REGION, PAPER, stage, word], expected);
    let armed = ("ALCHEMISER_SETTINGS", "trade_mode=live;live_armed=true");
    check(TRADE, &[STATE, ACCOUNT, REGION, PAPER, armed], secret);
}

#[test]
fn a_missing_or_malformed_variable_is_named() {
    let state = "ALCHEMISER_STATE: expected s3://BUCKET/PREFIX or file:DIR";
    check(TRADE, &[], &format!("CONFIGURATION: {state}, found nothing"));
    let wrong = [("ALCHEMISER_STATE", "s3://B")];
    let place =
        "expected s3://BUCKET or s3://BUCKET/PREFIX (a bucket of 3 to 63 of a-z, 0-9, - and .)";
    check(TRADE, &wrong, &format!("CONFIGURATION: ALCHEMISER_STATE: {place}, found \"s3://B\""));
    let broker = "CONFIGURATION: ALCHEMISER_BROKER: expected https://paper-api.alpaca.markets, https://api.alpaca.markets, http://127.0.0.1:PORT or simulated:DIR, found";
    check(TRADE, &[STATE], &format!("{broker} nothing"));
    let wrong = ("ALCHEMISER_BROKER", "https://example.com");
    check(TRADE, &[STATE, wrong], &format!("{broker} \"https://example.com\""));
    let account =
        "CONFIGURATION: ALCHEMISER_ACCOUNT: expected the broker's account number, found nothing";
    check(TRADE, &[STATE, BROKER], account);
    let region = "CONFIGURATION: AWS_REGION: expected a region, e.g. us-east-1, found nothing";
    check(TRADE, &[STATE, ACCOUNT, BROKER], region);
    let bundle = ("AWS_CA_BUNDLE", "/nonexistent.pem");
    let expected = "CONFIGURATION: AWS_CA_BUNDLE: expected a readable file of certificates in PEM, found \"/nonexistent.pem\" (No such file or directory (os error 2))";
    check(TRADE, &[STATE, ACCOUNT, BROKER, REGION, bundle], expected);
    let bus = "CONFIGURATION: ALCHEMISER_BUS: expected the bus's name, found nothing";
    check(TRADE, &[STATE, ACCOUNT, REGION, BROKER], bus);
    let secret = "CONFIGURATION: ALCHEMISER_BROKER_SECRET: expected the ARN of the secret with the broker's keys, found nothing";
    check(TRADE, &[STATE, ACCOUNT, REGION, PAPER], secret);
    let outcome = env!("CARGO_BIN_EXE_workflow-outcome");
    let topic = "CONFIGURATION: ALCHEMISER_TOPIC: expected the topic's ARN, found nothing";
    check(outcome, &[STATE, ACCOUNT, REGION], topic);
}
