//! Ledgers against their logs: every line of every ledger is what the log adds up to, byte for byte.

use std::collections::{BTreeMap, BTreeSet};

use alchemiser_core::{execution::Execution, policy::Policy};
use alchemiser_wire::{
    entry::Entry,
    ledger::{self, LedgerLine},
};

use super::{StoredLog, Violation};

/// Checks I8 over the ledgers of one store (their bytes by key): each plan that is over has one, it says what the log
/// said when it was written, its supplements say what the log came to know later, and there is no other.
pub(super) fn ledgers(logs: &[StoredLog], files: &BTreeMap<String, Vec<u8>>) -> Vec<Violation> {
    let (mut violations, mut known) = (Vec::new(), BTreeSet::new());
    for log in logs {
        let ends = ends(log);
        let Some(last) = ends.last() else { continue };
        let key = ledger::key(last);
        known.insert(key.clone());
        let Some(written) = files.get(&key) else {
            let found = "the plan is over and has no ledger: `run` it again, or publish its terminal event again";
            violations.extend(last.is_complete().then(|| violation(&key, found.to_owned())));
            continue;
        };
        match begun(&ends, written) {
            Ok(lines) => supplements(&ends, lines, files, (&mut known, &mut violations)),
            Err(found) => violations.push(violation(&key, found)),
        }
        // They are of this plan, whatever is wrong with them.
        let stem = key.strip_suffix(".jsonl").unwrap_or(&key);
        let own = |file: &&String| {
            file.strip_prefix(stem).is_some_and(|rest| rest.starts_with(".supplement-"))
        };
        known.extend(files.keys().filter(own).cloned());
    }
    let strangers = files.keys().filter(|key| !known.contains(*key));
    violations.extend(strangers.map(|key| violation(key, "no log says this".to_owned())));
    violations
}

fn violation(key: &str, found: String) -> Violation {
    Violation { invariant: "I8", log: key.to_owned(), found }
}

/// The state at the plan's end and after each entry since: a ledger may have been written at any of them.
fn ends(log: &StoredLog) -> Vec<Execution> {
    let (mut state, mut ends): (Option<Execution>, Vec<Execution>) = (None, Vec::new());
    for bytes in log.entries.values() {
        let Ok(entry) = Entry::from_bytes(bytes) else { break };
        for fact in &entry.facts {
            match &mut state {
                Some(state) => state.take(fact),
                None => state = Execution::fold([fact], &Policy::default()),
            }
        }
        ends.extend(state.clone().filter(Execution::is_finished));
    }
    ends
}

/// The ledger's lines, when they are what the log said at some moment since the plan's end.
fn begun(ends: &[Execution], written: &[u8]) -> Result<Vec<LedgerLine>, String> {
    let lines = ledger::from_bytes(written).ok_or("a line of it is not readable")?;
    if ends.iter().any(|state| ledger::to_bytes(state) == written) {
        return Ok(lines);
    }
    let expected = ends.first().map(ledger::lines).unwrap_or_default();
    let recovered = ends.last().is_some_and(|state| state.recovered.is_some());
    // Written before the log was lost: of its orders, only what the broker says is known again.
    if recovered && fills(&expected) == fills(&lines) {
        return Ok(lines);
    }
    Err(difference(&expected, &lines))
}

/// What was traded: shares and price of each order.
fn fills(lines: &[LedgerLine]) -> BTreeSet<(&str, &str, Option<&str>)> {
    let parts = lines.iter().map(|line| {
        let LedgerLine { client_order_id, quantity, average_price, .. } = line;
        (client_order_id.as_str(), quantity.as_str(), average_price.as_deref())
    });
    parts.collect()
}

/// The first line that differs, in words.
fn difference(expected: &[LedgerLine], found: &[LedgerLine]) -> String {
    let of = |lines: &[LedgerLine], id: &str| {
        lines.iter().filter(|line| line.client_order_id == id).count()
    };
    for (number, line) in found.iter().enumerate() {
        let (number, id) = (number.saturating_add(1), &line.client_order_id);
        if of(found, id) > of(expected, id) {
            return format!("line {number}: {id} ({}) is one too many", line.symbol);
        }
    }
    for line in expected {
        let id = &line.client_order_id;
        if of(found, id) == 0 {
            return format!("the line of {id} ({}) is missing", line.symbol);
        }
    }
    let edited = expected.iter().zip(found).position(|(expected, found)| expected != found);
    match edited.and_then(|at| Some((at, expected.get(at)?, found.get(at)?))) {
        Some((at, expected, found)) => {
            let at = at.saturating_add(1);
            format!(
                "line {at}: expected {} of {} {} at {:?}, found {} of {} {} at {:?}, or another field differs",
                expected.quantity,
                expected.client_order_id,
                expected.symbol,
                expected.average_price,
                found.quantity,
                found.client_order_id,
                found.symbol,
                found.average_price
            )
        }
        None => "its lines are not written as we write them".to_owned(),
    }
}

/// The supplements, one after the other: each says what the log came to know after the one before.
fn supplements(
    ends: &[Execution],
    mut written: Vec<LedgerLine>,
    files: &BTreeMap<String, Vec<u8>>,
    (known, violations): (&mut BTreeSet<String>, &mut Vec<Violation>),
) {
    let Some(last) = ends.last() else { return };
    for number in 1.. {
        let key = ledger::supplement_key(last, number);
        let Some(bytes) = files.get(&key) else { break };
        known.insert(key.clone());
        let says = |state: &Execution| ledger::late(state, &written).is_some_and(|l| l == *bytes);
        if !ends.iter().any(says) {
            violations.push(violation(&key, "it is not what the log came to know".to_owned()));
            return;
        }
        written.extend(ledger::from_bytes(bytes).unwrap_or_default());
    }
    // What the log knows more, somebody still has to write: that is no breach while its event is on its way.
    if ledger::late(last, &written).is_none() {
        let found = "it says more than the log".to_owned();
        violations.push(violation(&ledger::key(last), found));
    }
}
