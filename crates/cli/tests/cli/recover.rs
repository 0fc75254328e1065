//! A log is lost, or its last entries are: nothing goes on with it; recovered from the broker, the plan does, and no order
//! is sent twice.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::command::{BINARY, assert_sound, command, example, files, json, run_json};

const LOG: &str = "executions/SIM000000001/growth-and-bonds-2026-11-20";

/// A plan that was killed once it had sent so many orders.
fn killed(state: &Path, orders: usize, seed: &str) {
    let mut child = command(&example(), state, &["--now", "--seed", seed]).spawn().unwrap();
    while sent(state).len() < orders {
        if child.try_wait().unwrap().is_some() {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

/// The orders in the exchange's own journal, which outlives every log: what was filled of each.
fn sent(state: &Path) -> BTreeMap<String, rust_decimal::Decimal> {
    let mut orders = BTreeMap::new();
    let text = fs::read_to_string(state.join("exchange/journal.jsonl")).unwrap_or_default();
    // The last line may be half written while the exchange is at it.
    for record in text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        let id = record["client_order_id"].as_str().unwrap_or_default().to_owned();
        match record["record"].as_str() {
            Some("order") => drop(orders.insert(id, rust_decimal::Decimal::ZERO)),
            Some("fill") => {
                let filled: rust_decimal::Decimal =
                    record["quantity"].as_str().unwrap().parse().unwrap();
                *orders.entry(id).or_default() += filled;
            }
            _ => {}
        }
    }
    orders
}

fn recover(state: &Path, plan: &str) -> (i32, Value) {
    let mut command = Command::new(BINARY);
    command.args(["recover", plan, "--from-broker", "--json", "--state"]).arg(state);
    let output = command.output().unwrap();
    (output.status.code().unwrap(), json(&output))
}

fn event() -> String {
    example().display().to_string()
}

/// The log's entries, oldest first.
fn entries(state: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(state.join(LOG)).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries
}

/// Recovers, and goes on: the plan completes, soundly, and nothing that was left of the log has changed.
fn goes_on(state: &Path, seed: &str, what: &str) -> Value {
    let left = files(&state.join("executions"));
    let (code, said) = recover(state, &event());
    assert_eq!((code, &said["recovered"]), (0, &Value::Bool(true)), "{what}: {said}");
    let now = files(&state.join("executions"));
    assert!(left.iter().all(|(name, bytes)| now.get(name) == Some(bytes)), "{what}: edited");
    assert_eq!(now.len(), left.len() + 1, "{what}: one entry is written");
    let (code, report) = run_json(&example(), state, &["--seed", seed]);
    assert_eq!((code, report["outcome"].as_str()), (0, Some("completed")), "{what}: {report}");
    assert_sound(state);
    for leg in report["legs"].as_array().unwrap() {
        let done = leg["outcome"] == "filled" || leg["reason"] == "TOO_SMALL";
        assert!(done, "{what}: {leg}");
    }
    said
}

/// S11, I1, I3, I8: the whole log of a plan is lost while it trades: every order of the broker's is adopted, and the plan
/// completes as if nothing had happened.
#[test]
fn a_lost_log_goes_on_from_the_broker() {
    for (orders, seed) in [(1, "1"), (2, "2"), (4, "3"), (7, "4"), (9, "5"), (13, "6"), (16, "7")] {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state");
        killed(&state, orders, seed);
        let before = sent(&state).len();
        fs::remove_dir_all(state.join(LOG)).unwrap();
        let what = format!("{orders} orders, seed {seed}");
        let said = goes_on(&state, seed, &what);
        assert_eq!(said["orders_adopted"], before, "{what}: {said}");
    }
}

/// S11, I5, I8: the last entries of a log are lost: the rest stays, and the log goes on behind it.
#[test]
fn a_cut_log_goes_on_from_the_broker() {
    let mut adopted = 0;
    for (orders, cut, seed) in [
        (5, 1, "1"),
        (5, 4, "2"),
        (8, 6, "3"),
        (10, 9, "4"),
        (14, 12, "5"),
        (12, 3, "6"),
        (16, 30, "7"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state");
        killed(&state, orders, seed);
        let all = entries(&state);
        let cut = cut.min(all.len() - 1);
        all.iter().rev().take(cut).for_each(|entry| fs::remove_file(entry).unwrap());
        // A kill that came too late met a plan that was over: what was made of the entries that are cut is lost with them.
        fs::remove_dir_all(state.join("ledger")).ok();
        let what = format!("{orders} orders, {cut} of {} entries cut, seed {seed}", all.len());
        let (code, report) = run_json(&example(), &state, &["--seed", seed]);
        if code == 0 {
            // What was cut held no order that the broker knows.
            assert_sound(&state);
            continue;
        }
        assert_eq!(
            (code, report["code"].as_str()),
            (1, Some("LOG_INCOMPLETE")),
            "{what}: {report}"
        );
        adopted += goes_on(&state, seed, &what)["orders_adopted"].as_u64().unwrap();
    }
    assert!(adopted > 5, "the cuts hit too few orders: {adopted}");
}

/// I8: a log that lacks what the broker has is not gone on with; by its plan's id alone it can be recovered, too.
#[test]
fn an_incomplete_log_is_refused_until_it_is_recovered() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    killed(&state, 6, "3");
    let before = sent(&state);
    fs::remove_dir_all(state.join(LOG)).unwrap();
    let (code, said) = recover(&state, "growth-and-bonds-2026-11-20");
    assert_eq!((code, said["code"].as_str()), (1, Some("NOT_CLAIMED")), "{said}");
    for _ in 0..2 {
        let (code, refused) = run_json(&example(), &state, &["--seed", "3"]);
        assert_eq!((code, refused["code"].as_str()), (1, Some("LOG_INCOMPLETE")), "{refused}");
        assert!(refused["message"].as_str().unwrap().contains("alchemiser recover"), "{refused}");
    }
    assert_eq!(sent(&state).len(), before.len(), "something was sent");
    let (code, said) = recover(&state, "growth-and-bonds-2026-11-20");
    assert_eq!((code, &said["orders_adopted"]), (0, &before.len().into()), "{said}");
    let (code, again) = recover(&state, &event());
    assert_eq!((code, &again["recovered"]), (0, &Value::Bool(false)), "{again}");
    let (code, report) = run_json(&example(), &state, &["--seed", "3"]);
    assert_eq!((code, report["outcome"].as_str()), (0, Some("completed")), "{report}");
    assert_sound(&state);
}

/// What a plan came to: shares and price of each leg.
fn fills(report: &Value) -> Vec<[Value; 4]> {
    let parts = |leg: &Value| {
        ["symbol", "filled_quantity", "average_price", "outcome"].map(|field| leg[field].clone())
    };
    report["legs"].as_array().unwrap().iter().map(parts).collect()
}

/// I8, I9: the log of a plan that was over is lost: nothing is traded, the rebuild agrees with what was lost, and its
/// ledger stays as it is.
#[test]
fn the_lost_log_of_a_plan_that_was_over_is_rebuilt_and_agrees() {
    for seed in ["1", "2", "3", "4", "5"] {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state");
        let (_, first) = run_json(&example(), &state, &["--seed", seed]);
        let (orders, ledger) = (sent(&state), files(&state.join("ledger")));
        fs::remove_dir_all(state.join(LOG)).unwrap();
        let said = goes_on(&state, seed, seed);
        assert_eq!(
            (&said["was_over"], &said["orders_adopted"]),
            (&true.into(), &orders.len().into())
        );
        let (_, second) = run_json(&example(), &state, &["--seed", seed]);
        assert_eq!(second["already_executed"], true, "{second}");
        assert_eq!(fills(&second), fills(&first), "seed {seed}");
        assert_eq!(sent(&state), orders, "something was sent");
        assert_eq!(files(&state.join("ledger")), ledger, "the ledger was touched");
    }
}

/// I7: a log that is damaged, not short, is not recovered: it stays as it is, as evidence.
#[test]
fn a_damaged_log_is_not_recovered() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    killed(&state, 8, "3");
    fs::remove_file(&entries(&state)[1]).unwrap();
    let before = files(&state.join("executions"));
    let (code, said) = recover(&state, &event());
    assert_eq!((code, said["code"].as_str()), (1, Some("LOG_GAP")), "{said}");
    assert_eq!(files(&state.join("executions")), before);
    // Moved away, it is a lost one.
    fs::rename(state.join(LOG), dir.path().join("damaged")).unwrap();
    goes_on(&state, "3", "moved away");
}
