//! One plan taken back: beside a process that trades it, after one that died, and where there is nothing to cancel.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use serde_json::Value;

use crate::{
    broker::{Exchange, example_world, said},
    command::{BINARY, assert_sound, command, example, json, run_json, verify},
};

const PLAN: &str = "growth-and-bonds-2026-11-20";

fn cancel(plan: &str, state: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(BINARY);
    command.args(["cancel", plan, "--reason", "the wrong file"]).args(more);
    command.arg("--state").arg(state).output().unwrap()
}

fn canceled(plan: &str, state: &Path) -> Value {
    let output = cancel(plan, state, &["--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    json(&output)
}

fn text(output: &Output) -> String {
    String::from_utf8([output.stdout.clone(), output.stderr.clone()].concat()).unwrap()
}

/// A plan that trades in another process, once it has sent an order.
fn trading(state: &Path) -> Child {
    let mut child =
        command(&example(), state, &["--now", "--json", "--speed", "realtime"]).spawn().unwrap();
    let journal = state.join("exchange/journal.jsonl");
    let sent = || fs::read_to_string(&journal).is_ok_and(|text| text.contains("\"order\""));
    while !sent() {
        assert_eq!(child.try_wait().unwrap(), None, "the plan ended before it sent anything");
    }
    child
}

/// The journal has a cancel, and the plan's log who asked for it and why.
fn assert_canceled(state: &Path) {
    let books = fs::read_to_string(state.join("exchange/journal.jsonl")).unwrap();
    assert!(books.contains("cancel"), "{books}");
    let mut replay = Command::new(BINARY);
    let replay = replay.args(["replay", PLAN, "--state"]).arg(state).output().unwrap();
    let told = text(&replay);
    assert!(told.contains("the plan is canceled by") && told.contains("the wrong file"), "{told}");
    assert!(told.contains("the plan is stopped: CANCELED"), "{told}");
    assert_sound(state);
}

/// I10: the process that trades the plan cancels its orders and ends it as failed, and the account is not halted by it.
#[test]
fn a_cancellation_reaches_a_plan_that_trades() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    let child = trading(&state);
    let said = canceled(PLAN, &state);
    assert_eq!((&said["why"], &said["ended"]), (&"the wrong file".into(), &false.into()), "{said}");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(json(&output).to_string().contains("CANCELED"), "{}", json(&output));
    assert_canceled(&state);
    let other = dir.path().join("other.json");
    let event = fs::read_to_string(example()).unwrap();
    fs::write(&other, event.replace(PLAN, "second")).unwrap();
    let (_, report) = run_json(&other, &state, &[]);
    assert!(!report.to_string().contains("CANCELED"), "{report}");
    assert!(!report.to_string().contains("HALTED"), "{report}");
    assert_sound(&state);
}

/// I8, I10: after a process that died the command ends the plan itself: nothing is left open, and what was done is in the
/// ledger. Once more it says the same, and sends nothing.
#[test]
fn a_plan_whose_process_died_is_ended_by_the_command() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    let mut child = trading(&state);
    child.kill().unwrap();
    child.wait().unwrap();
    let said = canceled(PLAN, &state);
    assert_eq!(said["ended"], true, "{said}");
    assert!(said["outcome"].as_str().unwrap().contains("CANCELED"), "{said}");
    assert_canceled(&state);
    let books = fs::read(state.join("exchange/journal.jsonl")).unwrap();
    let again = text(&cancel(PLAN, &state, &[]));
    assert!(again.contains("the wrong file") && again.contains("It is over"), "{again}");
    assert_eq!(fs::read(state.join("exchange/journal.jsonl")).unwrap(), books);
    let (code, report) = run_json(&example(), &state, &[]);
    assert_eq!((code, &report["already_executed"]), (0, &true.into()), "{report}");
}

/// A plan that waits for the account of another one is canceled when its turn comes, and neither command trades the plan that
/// it does not name.
#[test]
fn no_other_plan_is_touched() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    let mut child = trading(&state);
    child.kill().unwrap();
    child.wait().unwrap();
    // A second plan that was claimed, and that nobody has looked at since.
    let of = |place: &str, plan: &str| state.join(place).join("SIM000000001").join(plan);
    let claim = fs::read_to_string(of("executions", PLAN).join("000001.json")).unwrap();
    fs::create_dir_all(of("executions", "second")).unwrap();
    fs::write(of("executions", "second/000001.json"), claim.replace(PLAN, "second")).unwrap();
    fs::copy(of("open", PLAN), of("open", "second")).unwrap();
    let entries = |plan: &str| fs::read_dir(of("executions", plan)).unwrap().count();
    let orders = || {
        let books = fs::read_to_string(state.join("exchange/journal.jsonl")).unwrap();
        books.matches("\"record\":\"order\"").count()
    };
    let (before, sent) = (entries(PLAN), orders());
    assert_eq!(canceled("second", &state)["ended"], false, "its account is not free");
    assert_eq!((entries(PLAN), entries("second"), orders()), (before, 1, sent));
    let status =
        || text(&Command::new(BINARY).args(["status", "--state"]).arg(&state).output().unwrap());
    assert!(status().contains("Plan second is canceled since"), "{}", status());
    assert_eq!(canceled(PLAN, &state)["ended"], true);
    assert_eq!((entries("second"), orders()), (1, sent), "it was its turn, and it is not meant");
    let second = canceled("second", &state);
    assert_eq!((&second["ended"], orders()), (&true.into(), sent), "{second}");
    assert!(!status().contains("is canceled since"), "{}", status());
    assert_sound(&state);
}

/// What cannot be canceled is refused, and says what is there instead.
#[test]
fn what_cannot_be_canceled_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    let missing = cancel(PLAN, &state, &[]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(text(&missing).contains("STATE_MISSING"), "{}", text(&missing));
    run_json(&example(), &state, &[]);
    let unknown = cancel("growth-and-bonds", &state, &[]);
    let said = text(&unknown);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(said.contains("PLAN_UNKNOWN") && said.contains(&format!("near it: {PLAN}")), "{said}");
    let over = cancel(PLAN, &state, &["--json"]);
    assert_eq!((over.status.code(), &json(&over)["code"]), (Some(2), &"PLAN_OVER".into()));
    assert_sound(&state);
}

/// I10, X15: a plan of a live account whose process died is canceled at the broker by the command, and nothing on a live account
/// is switched without being asked for twice, but for trading that is stopped.
#[test]
fn a_live_account_asks_first() {
    let exchange = Exchange::start(
        &example_world().replace("PKAL", "AKAL").replace("PA000000001", "100000001"),
    );
    let state = exchange.dir.path().join("state");
    let at = ["--state", state.to_str().unwrap()];
    let broker = ["--broker", "alpaca", "--account", "live", "--arm-live", "--yes"];
    let broker = [&broker[..], &["--account-id", "100000001"]].concat();
    let live = |words: &[&str]| {
        let mut command = exchange.command(words, "AKALCHEMISER");
        command.env("ALCHEMISER__LIVE_ARMED", "true");
        command
    };
    let orders = |open: bool| {
        let account = exchange.control("state")["accounts"][0].clone();
        let orders = account["orders"].as_array().unwrap().clone();
        let is_open = |order: &&Value| {
            ["new", "partially_filled"].iter().any(|word| order["status"] == **word)
        };
        orders.iter().filter(|order| !open || is_open(order)).count()
    };
    let plan = example();
    let run = [&["run", plan.to_str().unwrap(), "--now"], &broker[..], &at[..]].concat();
    let mut child = live(&run).spawn().unwrap();
    // All sells: an order that was meant and never sent would be looked for for a minute.
    while orders(false) < 6 {
        assert_eq!(child.try_wait().unwrap(), None, "the plan ended before it sent anything");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let by_hand =
        |words: &[&str]| said(Command::new(BINARY).args(words).args(at).stdin(Stdio::null()));
    let (code, text) = by_hand(&["cancel", PLAN]);
    assert!(code == 2 && text.contains("NOT_CONFIRMED"), "{code} {text}");
    let (code, text) = by_hand(&["cancel", PLAN, "--yes"]);
    assert!(code == 0 && text.contains("--broker alpaca"), "{code} {text}");
    let (code, text) = said(&mut live(&[&["cancel", PLAN], &broker[..], &at[..]].concat()));
    assert!(code == 0 && text.contains("It is over") && text.contains("CANCELED"), "{code} {text}");
    assert_eq!(orders(true), 0, "{}", exchange.control("state"));
    assert_eq!(verify(&state).0, 0);
    let account = ["--account", "100000001"];
    let (code, text) = by_hand(&[&["halt"], &account[..]].concat());
    assert!(code == 0 && text.contains("is halted"), "nobody is asked: {code} {text}");
    let (code, text) = by_hand(&[&["resume"], &account[..]].concat());
    assert!(code == 2 && text.contains("NOT_CONFIRMED"), "{code} {text}");
    let (_, text) = by_hand(&["status"]);
    assert!(text.contains("is halted since"), "{text}");
    let (code, text) = by_hand(&[&["resume", "--yes"], &account[..]].concat());
    assert!(code == 0 && text.contains("may go on"), "{code} {text}");
}
