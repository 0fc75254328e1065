//! Account logs: each entry is one change, and carries the account after it.

use std::collections::BTreeMap;

use alchemiser_core::account::Account;
use alchemiser_wire::account::AccountEntry;

use super::{Violation, place::number};

/// Checks I7 and I12 over the account logs of one store (their bytes by key): gap-free, and every entry follows from the one before.
pub(super) fn accounts(files: &BTreeMap<String, Vec<u8>>) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut before: BTreeMap<&str, (u64, Option<Account>)> = BTreeMap::new();
    // Names count down: the last one is the oldest entry.
    for (key, bytes) in files.iter().rev() {
        let mut note = |invariant, found: String| {
            violations.push(Violation { invariant, log: key.clone(), found });
        };
        let Some((log, seq)) = place(key) else { continue };
        let (last, account) = before.get(log).cloned().unwrap_or((0, Some(Account::default())));
        if seq != last.saturating_add(1) {
            note("I7", format!("entry {seq} follows entry {last}: one between is missing"));
        }
        match AccountEntry::from_bytes(bytes) {
            Err(error) => {
                note("I7", format!("entry {seq} is not readable: {error}"));
                before.insert(log, (seq, None));
            }
            Ok(entry) => {
                if entry.seq != seq {
                    note("I7", format!("entry {seq} carries the number {}", entry.seq));
                }
                let follows = account.filter(|_| seq == last.saturating_add(1));
                if follows.is_some_and(|account| account.after(&entry.change) != entry.account) {
                    note("I12", format!("entry {seq} is not what its change makes of the account"));
                }
                before.insert(log, (seq, Some(entry.account)));
            }
        }
    }
    violations
}

/// The log that a key belongs to, and its number in it.
fn place(key: &str) -> Option<(&str, u64)> {
    let (log, name) = key.rsplit_once('/')?;
    Some((log, u64::MAX.saturating_sub(number(name, 20)?)))
}
