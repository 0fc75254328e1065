//! A log or a ledger that is not as it was written: `verify` names what and where, and nothing goes on with it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::command::{command, example, files, run_json, verify};

const LOG: &str = "executions/SIM000000001/growth-and-bonds-2026-11-20";

/// A plan that was killed while it traded.
fn killed(dir: &Path) -> PathBuf {
    let state = dir.join("state");
    let mut child = command(&example(), &state, &["--now", "--speed", "realtime"]).spawn().unwrap();
    while fs::read_dir(state.join(LOG)).map_or(0, Iterator::count) < 8 {
        assert!(child.try_wait().unwrap().is_none(), "the plan ended too soon");
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    state
}

fn entry(state: &Path, seq: u64) -> PathBuf {
    state.join(LOG).join(format!("{seq:06}.json"))
}

/// Changes a value in an entry of the log, as somebody with an editor would.
fn edit(state: &Path, seq: u64, change: impl FnOnce(&mut Value)) {
    let path = entry(state, seq);
    let mut value: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    change(&mut value);
    fs::write(&path, serde_json::to_vec(&value).unwrap()).unwrap();
}

/// Damages an unfinished log, and expects that `verify` says `found` under I7, and that neither the plan nor another
/// one of its account goes on: the code is `code`, and not a byte of the log has changed.
fn refused(damage: impl FnOnce(&Path), found: &str, code: &str) {
    let dir = tempfile::tempdir().unwrap();
    let state = killed(dir.path());
    damage(&state);
    let before = files(&state.join("executions"));
    let (exit, report) = verify(&state);
    let said = |line: &Value| {
        line["invariant"] == "I7"
            && format!("{}: {}", line["log"].as_str().unwrap(), line["found"].as_str().unwrap())
                .contains(found)
    };
    assert_eq!(exit, 1, "{report}");
    assert!(report["violations"].as_array().unwrap().iter().any(said), "{found}: {report}");

    let (exit, stopped) = run_json(&example(), &state, &[]);
    assert_eq!((exit, stopped["code"].as_str()), (1, Some(code)), "{stopped}");
    assert_eq!(files(&state.join("executions")), before, "{code}: something was written");

    // The account belongs to the damaged plan: nothing else is traded before somebody has looked.
    let other = dir.path().join("other.json");
    let text = fs::read_to_string(example()).unwrap();
    fs::write(&other, text.replace("growth-and-bonds-2026-11-20", "another")).unwrap();
    let (exit, stopped) = run_json(&other, &state, &[]);
    assert_eq!((exit, stopped["code"].as_str()), (1, Some(code)), "{stopped}");
    let own = |name: &String| name.contains("growth-and-bonds");
    let mut after = files(&state.join("executions"));
    after.retain(|name, _| own(name));
    assert_eq!(after, before, "{code}: something was written to the damaged log");
}

/// I7: an entry that was edited no longer has the hash that its successor carries.
#[test]
fn an_edited_entry_is_refused() {
    refused(
        |state| edit(state, 4, |entry| entry["at"] = "2026-11-20T15:00:00Z".into()),
        "entry 5 does not carry its predecessor's hash",
        "LOG_BROKEN",
    );
}

/// I7: a hash that was edited fits to nothing.
#[test]
fn a_broken_hash_is_refused() {
    refused(
        |state| edit(state, 6, |entry| entry["prev_sha256"] = "0".repeat(64).into()),
        "entry 6 does not carry its predecessor's hash",
        "LOG_BROKEN",
    );
}

/// I7: a log is not continued in its gap.
#[test]
fn a_missing_entry_is_refused() {
    refused(
        |state| fs::remove_file(entry(state, 3)).unwrap(),
        "entry 3 is missing, and entry 4 is there",
        "LOG_GAP",
    );
}

/// I7: a log that lacks its beginning is no new log.
#[test]
fn a_missing_first_entry_is_refused() {
    refused(|state| fs::remove_file(entry(state, 1)).unwrap(), "entry 1 is missing", "LOG_GAP");
}

/// I7: a copy of an entry under another number is none.
#[test]
fn a_duplicated_entry_is_refused() {
    refused(
        |state| {
            let next = fs::read_dir(state.join(LOG)).unwrap().count() + 1;
            fs::copy(entry(state, 2), entry(state, u64::try_from(next).unwrap())).unwrap();
        },
        "carries the number 2",
        "LOG_MISPLACED",
    );
}

/// I7: entries that changed places are named.
#[test]
fn exchanged_entries_are_refused() {
    refused(
        |state| {
            let (one, two) = (entry(state, 3), entry(state, 4));
            let aside = state.join("aside");
            fs::rename(&one, &aside).unwrap();
            fs::rename(&two, &one).unwrap();
            fs::rename(&aside, &two).unwrap();
        },
        "entry 3 carries the number 4",
        "LOG_MISPLACED",
    );
}

/// I7: what a newer release wrote is not guessed at.
#[test]
fn a_newer_schema_is_refused() {
    refused(
        |state| edit(state, 7, |entry| entry["schema"] = 99.into()),
        "schema 99: use the newer release",
        "LOG_NEWER",
    );
}

/// I7: bytes that are no entry are named.
#[test]
fn an_unreadable_entry_is_refused() {
    refused(
        |state| fs::write(entry(state, 5), b"{").unwrap(),
        "entry 5 is not readable",
        "LOG_UNREADABLE",
    );
}

/// I7: nothing else lies among the entries.
#[test]
fn a_foreign_file_is_refused() {
    refused(
        |state| fs::write(state.join(LOG).join("000005.json.bak"), b"{}").unwrap(),
        "000005.json.bak: it is none of ours",
        "LOG_FOREIGN",
    );
}

/// The example, executed: its state and its ledger.
fn executed(dir: &Path) -> (PathBuf, PathBuf) {
    let state = dir.join("state");
    let (_, report) = run_json(&example(), &state, &[]);
    let ledger = PathBuf::from(report["ledger"].as_str().unwrap());
    (state, ledger)
}

/// Damages a ledger, and expects that `verify` says `found` of it, under I8.
fn ledger_named(damage: impl FnOnce(&mut Vec<String>), found: &str) {
    let dir = tempfile::tempdir().unwrap();
    let (state, ledger) = executed(dir.path());
    let text = fs::read_to_string(&ledger).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    damage(&mut lines);
    let damaged: String = lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
    fs::write(&ledger, &damaged).unwrap();
    let (exit, report) = verify(&state);
    let violations = report["violations"].as_array().unwrap();
    assert_eq!(exit, 1, "{report}");
    let said =
        |line: &Value| line["invariant"] == "I8" && line["found"].as_str().unwrap().contains(found);
    assert!(violations.iter().any(said), "{found}: {report}");
    assert!(violations[0]["log"].as_str().unwrap().starts_with("ledger/"), "{report}");
    let (exit, again) = run_json(&example(), &state, &[]);
    assert_eq!((exit, &again["already_executed"]), (0, &Value::Bool(true)), "{again}");
    assert_eq!(fs::read_to_string(&ledger).unwrap(), damaged, "the ledger was edited");
}

/// I8: a ledger line with another quantity is named.
#[test]
fn an_edited_ledger_line_is_named() {
    ledger_named(
        |lines| {
            let mut line: Value = serde_json::from_str(&lines[2]).unwrap();
            line["quantity"] = "0.5".into();
            lines[2] = line.to_string();
        },
        "line 3: expected",
    );
}

/// I8: a ledger that lacks a line is named.
#[test]
fn a_missing_ledger_line_is_named() {
    ledger_named(|lines| drop(lines.remove(1)), "is missing");
}

/// I8: a ledger with a line too many is named.
#[test]
fn a_line_too_many_in_a_ledger_is_named() {
    ledger_named(|lines| lines.push(lines[0].clone()), "is one too many");
}

/// I8: a ledger that is not JSON is named.
#[test]
fn a_torn_ledger_is_named() {
    ledger_named(|lines| lines[0].truncate(20), "a line of it is not readable");
}

/// Changes an executed state, and expects that `verify` says `found`.
fn named(damage: impl FnOnce(&Path, &Path), (invariant, found): (&str, &str)) {
    let dir = tempfile::tempdir().unwrap();
    let (state, ledger) = executed(dir.path());
    damage(&state, &ledger);
    let (exit, report) = verify(&state);
    let said = |line: &Value| {
        line["invariant"] == invariant && line["found"].as_str().unwrap().contains(found)
    };
    assert_eq!(exit, 1, "{report}");
    assert!(report["violations"].as_array().unwrap().iter().any(said), "{found}: {report}");
}

/// I8: a plan that is over without a ledger, and a ledger without a plan.
#[test]
fn a_ledger_without_a_plan_is_named() {
    named(|_, ledger| fs::remove_file(ledger).unwrap(), ("I8", "has no ledger"));
    named(
        |_, ledger| {
            fs::copy(ledger, ledger.with_file_name("other.jsonl")).unwrap();
        },
        ("I8", "no log says this"),
    );
}

fn account_entry(state: &Path, seq: u64) -> PathBuf {
    state.join(format!("accounts/SIM000000001/{:020}.json", u64::MAX - seq))
}

/// I7, I12: entries of the account log that are missing, edited or unreadable.
#[test]
fn a_damaged_account_log_is_named() {
    named(
        |state, _| fs::remove_file(account_entry(state, 1)).unwrap(),
        ("I7", "entry 2 follows entry 0: one between is missing"),
    );
    named(
        |state, _| {
            let path = account_entry(state, 2);
            let text = fs::read_to_string(&path).unwrap();
            let mut entry: Value = serde_json::from_str(&text).unwrap();
            entry["state"]["used"]["orders"] = 0.into();
            fs::write(path, entry.to_string()).unwrap();
        },
        ("I12", "entry 2 is not what its change makes of the account"),
    );
    named(
        |state, _| fs::write(account_entry(state, 2), b"[]").unwrap(),
        ("I7", "entry 2 is not readable"),
    );
}

/// The number of the last entry that holds a fact.
fn entry_with(state: &Path, fact: &str) -> u64 {
    let holds = |seq: &u64| {
        let text = fs::read_to_string(entry(state, *seq)).unwrap();
        text.contains(&format!("\"fact\":\"{fact}\""))
    };
    let count = u64::try_from(fs::read_dir(state.join(LOG)).unwrap().count()).unwrap();
    (1..=count).rev().find(holds).unwrap()
}

/// Changes the facts of the last entry that holds such a fact.
fn edit_facts(state: &Path, fact: &str, change: impl FnOnce(&mut Vec<Value>)) {
    let seq = entry_with(state, fact);
    edit(state, seq, |entry| change(entry["facts"].as_array_mut().unwrap()));
}

/// I14: a plan that ended long after its windows is named.
#[test]
fn an_end_that_came_too_late_is_named() {
    named(
        |state, _| {
            edit_facts(state, "outcome_reached", |facts| {
                for fact in facts {
                    fact["at"] = "2026-11-20T20:00:00Z".into();
                }
            });
        },
        ("I14", "it ended at 2026-11-20T20:00:00Z, and had to by"),
    );
}

/// I9: two copies of an event that differ, and an event that went out before it was announced.
#[test]
fn events_that_are_not_what_was_announced_are_named() {
    named(
        |state, _| {
            edit_facts(state, "announced", |facts| {
                let announced = facts.iter().find(|fact| fact["fact"] == "announced").unwrap();
                let mut other = announced.clone();
                other["detail"] = "{}".into();
                facts.push(other);
            });
        },
        ("I9", "two copies of"),
    );
    named(
        |state, _| {
            edit_facts(state, "published", |facts| {
                let fact = facts.iter_mut().find(|fact| fact["fact"] == "published").unwrap();
                fact["event_id"] = "nobody".into();
            });
        },
        ("I9", "event nobody was published before it was announced"),
    );
}

/// I4: what is told of an order that was never intended is named.
#[test]
fn a_report_of_an_order_without_intent_is_named() {
    named(
        |state, _| {
            edit_facts(state, "reported", |facts| {
                let fact = facts.iter_mut().find(|fact| fact["fact"] == "reported").unwrap();
                fact["attempt"] = 17.into();
            });
        },
        ("I4", "attempt 17 is told of, and was never intended"),
    );
}

/// I8: without the broker's books there is nothing to compare them with.
#[test]
fn verify_says_when_the_brokers_books_are_missing() {
    let dir = tempfile::tempdir().unwrap();
    let (state, _) = executed(dir.path());
    let check = || {
        let mut verify = std::process::Command::new(crate::command::BINARY);
        let output = verify.args(["verify", "--broker", "--state"]).arg(&state).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(check().0, Some(0));
    fs::remove_dir_all(state.join("exchange")).unwrap();
    let (code, said) = check();
    assert!(code == Some(2) && said.contains("BOOKS_MISSING"), "{code:?} {said}");
}
