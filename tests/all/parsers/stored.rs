//! What is stored: logs, ledgers, the simulated exchange's journal.

use std::{collections::BTreeMap, fs};

use alchemiser_core::fact::Fact;
use alchemiser_driver::audit::{StoredLog, audit};
use alchemiser_market::journal::{self, Record};
use alchemiser_wire::{account::AccountEntry, entry::Entry, ledger::LedgerLine};
use jiff::Timestamp;
use proptest::prelude::*;

use super::{
    change::{Change, Document},
    directory,
    engine::{Seeded, Tally, fuzz, is_quick},
    lives, some, traded,
};
use crate::round_trip::{entries, facts, lines};

/// S12, I7: entries of the execution log, of every kind of fact.
#[test]
fn log_entries() {
    let kinds = facts::kinds().into_iter().flat_map(|kind| {
        let alone =
            (Just(Timestamp::UNIX_EPOCH), kind).prop_map(|(at, kind)| vec![Fact { at, kind }]);
        some(2, entries(alone))
    });
    let mut documents: Vec<Document> =
        kinds.map(|entry| Document::json(entry.to_bytes())).collect();
    documents.extend(traded().log.into_iter().map(Document::json));
    fuzz!(documents, |_: &Change, bytes: &[u8]| {
        let Ok(entry) = Entry::from_bytes(bytes) else { return false };
        let printed = entry.to_bytes();
        let again = Entry::from_bytes(&printed).unwrap();
        assert_eq!(again, entry);
        assert_eq!(again.to_bytes(), printed);
        true
    });
}

/// T3, I7, I8: a log of which one entry is not what it was: it is audited, folded, and gone on with.
#[test]
fn whole_logs() {
    let documents: Vec<Document> = traded().log.into_iter().map(Document::json).collect();
    let numbered = |documents: &[Document]| -> BTreeMap<u64, Vec<u8>> {
        (1..).zip(documents.iter().map(|document| document.bytes().to_vec())).collect()
    };
    let log = numbered(&documents);
    assert_eq!(
        audit(&[StoredLog { name: "log".to_owned(), entries: log.clone() }], None).violations,
        []
    );
    fuzz!(500, documents, |change: &Change, bytes: &[u8]| {
        let mut entries = log.clone();
        let place = u64::try_from(change.place(log.len())).unwrap() + 1;
        entries.insert(place, bytes.to_vec());
        let untouched = entries == log;
        let readable =
            entries.values().map(|bytes| Entry::from_bytes(bytes).map(|entry| entry.facts));
        let facts = readable.collect::<Result<Vec<_>, _>>();
        let report = audit(&[StoredLog { name: "log".to_owned(), entries }], None);
        // The last entry has no successor that carries its hash.
        let noticed = !report.violations.is_empty() || place == log.len() as u64;
        assert!(untouched || noticed, "a changed entry {place} was not noticed");
        let Ok(facts) = facts else { return false };
        lives(&facts.concat());
        true
    });
}

/// S12, X9: entries of the account log.
#[test]
fn account_entries() {
    let mut documents: Vec<Document> = traded().accounts.into_iter().map(Document::json).collect();
    let generated = some(5, lines::account_entries());
    documents.extend(generated.iter().map(|entry| Document::json(entry.to_bytes())));
    fuzz!(documents, |_: &Change, bytes: &[u8]| {
        let Ok(entry) = AccountEntry::from_bytes(bytes) else { return false };
        assert_eq!(AccountEntry::from_bytes(&entry.to_bytes()).unwrap(), entry);
        true
    });
}

/// L10: lines of the ledger.
#[test]
fn ledger_lines() {
    let ledger = String::from_utf8(traded().ledger).unwrap();
    let mut documents: Vec<Document> = ledger.lines().map(Document::json).collect();
    let generated = some(5, lines::ledger_lines());
    documents
        .extend(generated.iter().map(|line| Document::json(serde_json::to_vec(line).unwrap())));
    fuzz!(documents, |_: &Change, bytes: &[u8]| {
        let Ok(line) = serde_json::from_slice::<LedgerLine>(bytes) else { return false };
        let printed = serde_json::to_vec(&line).unwrap();
        assert_eq!(serde_json::from_slice::<LedgerLine>(&printed).unwrap(), line);
        true
    });
}

/// S12: the journal of the simulated exchange, line by line and as a file.
#[test]
fn journals() {
    let journal = String::from_utf8(traded().journal).unwrap();
    let documents: Vec<Document> = journal.lines().map(Document::json).collect();
    let dir = directory();
    let first = documents[0].bytes().to_vec();
    fuzz!(documents, |_: &Change, bytes: &[u8]| {
        let line = serde_json::from_slice::<Record>(bytes);
        let file = [first.as_slice(), bytes].map(|line| [line, b"\n"].concat()).concat();
        fs::write(dir.path().join("journal.jsonl"), file).unwrap();
        let read = journal::read(dir.path());
        let Ok(record) = line else { return false };
        let printed = serde_json::to_string(&record).unwrap();
        assert_eq!(serde_json::from_str::<Record>(&printed).unwrap(), record);
        assert!(!printed.contains('\n'));
        if let Ok(records) = read {
            assert_eq!(records.last(), Some(&record));
        }
        true
    });
}
