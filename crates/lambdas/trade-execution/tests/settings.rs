//! A function that is configured wrongly does not start.

use std::process::Command;

#[test]
fn a_function_refuses_a_wrong_setting_before_it_takes_an_event() {
    let output = Command::new(env!("CARGO_BIN_EXE_trade-execution"))
        .env("ALCHEMISER_STATE", "file:/nonexistent/state")
        .env("ALCHEMISER__LEASE", "5")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    let expected = "lease: expected 15 to 300 s, found \\\"5\\\" (environment ALCHEMISER__LEASE)";
    assert!(text.contains("CONFIG_REFUSED") && text.contains(expected), "{text}");
}
