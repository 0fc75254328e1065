//! The journal: every input of the exchange and every fill, one JSON line each, in `DIR/journal.jsonl`.
//!
//! A line is written with one `write_all` before the answer that depends on it is given. There is no `fsync`: what the
//! kernel has taken survives a killed process, which is what is asked of a simulated exchange; a power cut it need not
//! survive. The first line is the setup. A torn last line (no newline) was never answered for and is dropped; anything
//! else that cannot be read is refused.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use alchemiser_core::{ids::AccountId, quantity::Quantity};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    listing::Listing,
    order::{Fill, NewOrder},
    sample::Setup,
    session::SessionTime,
};

/// The version of the records that this code writes, and the newest that it reads.
pub const SCHEMA: u32 = 1;

const FILE: &str = "journal.jsonl";

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum Record {
    /// The first line: what the exchange began with.
    Setup {
        /// The version of the records.
        schema: u32,
        /// What it began with.
        #[serde(flatten)]
        setup: Setup,
    },
    /// A process opened the exchange: session time goes on from here.
    Opened {
        /// The wall time.
        #[serde(with = "crate::text")]
        at: Timestamp,
        /// The session time.
        session_ms: SessionTime,
    },
    /// A symbol was listed after the beginning.
    Listed {
        /// The wall time.
        #[serde(with = "crate::text")]
        at: Timestamp,
        /// The session time, at which its book begins.
        session_ms: SessionTime,
        /// The listing.
        listing: Listing,
        /// Shares that came with it.
        #[serde(with = "crate::text")]
        position: Quantity,
    },
    /// An order was taken.
    Order {
        /// The wall time.
        #[serde(with = "crate::text")]
        at: Timestamp,
        /// The session time.
        session_ms: SessionTime,
        /// The order.
        #[serde(flatten)]
        order: NewOrder,
    },
    /// A request to cancel was taken.
    Cancel {
        /// The wall time.
        #[serde(with = "crate::text")]
        at: Timestamp,
        /// The session time.
        session_ms: SessionTime,
        /// The order.
        client_order_id: String,
    },
    /// Shares changed hands.
    Fill {
        /// The session time.
        session_ms: SessionTime,
        /// The fill.
        #[serde(flatten)]
        fill: Fill,
    },
    /// A cancel took effect: no answer may ever show the order open again.
    Canceled {
        /// The wall time.
        #[serde(with = "crate::text")]
        at: Timestamp,
        /// The session time.
        session_ms: SessionTime,
        /// The order.
        client_order_id: String,
        /// Shares filled before.
        #[serde(with = "crate::text")]
        cumulative: Quantity,
    },
}

impl Record {
    /// The wall time of it.
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Setup { setup, .. } => setup.started_at,
            Self::Fill { fill, .. } => fill.at,
            Self::Opened { at, .. }
            | Self::Listed { at, .. }
            | Self::Order { at, .. }
            | Self::Cancel { at, .. }
            | Self::Canceled { at, .. } => *at,
        }
    }

    /// The session time of it.
    pub fn session(&self) -> SessionTime {
        match self {
            Self::Setup { .. } => SessionTime::START,
            Self::Opened { session_ms, .. }
            | Self::Listed { session_ms, .. }
            | Self::Order { session_ms, .. }
            | Self::Cancel { session_ms, .. }
            | Self::Fill { session_ms, .. }
            | Self::Canceled { session_ms, .. } => *session_ms,
        }
    }
}

/// Why a journal cannot be used.
#[derive(Debug, Error)]
pub enum JournalError {
    /// The file system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// Another process runs this exchange.
    #[error("{path}: another process has this exchange open")]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// A line before the last is no record, or not one that may stand there.
    #[error("line {line} of the journal: {problem}")]
    Malformed {
        /// The line, from 1.
        line: usize,
        /// What was expected and what was found.
        problem: String,
    },
    /// A newer version wrote it.
    #[error("expected a journal of schema {SCHEMA} or older, found {found}")]
    NewerSchema {
        /// Its version.
        found: u64,
    },
    /// The journal belongs to another account.
    #[error("expected the journal of account {expected}, found that of {found}")]
    OtherAccount {
        /// The account asked for.
        expected: AccountId,
        /// The account found.
        found: AccountId,
    },
    /// The same inputs no longer lead to the same fills: another build wrote it, or someone edited it.
    #[error("line {line} of the journal: replayed to {expected}, found {found}")]
    Diverged {
        /// The line, from 1.
        line: usize,
        /// The record that the replay leads to.
        expected: String,
        /// The record that stands there.
        found: String,
    },
    /// An earlier write failed; the exchange stands still.
    #[error("the exchange has stood still since a write to its journal failed")]
    Halted,
}

/// Every record of the journal in a directory, for auditors; nothing is changed. No journal has no records.
///
/// # Errors
/// [`JournalError`] when it cannot be read, is malformed, or was written by a newer version.
pub fn read(dir: &Path) -> Result<Vec<Record>, JournalError> {
    let path = dir.join(FILE);
    match std::fs::read(&path) {
        Ok(bytes) => parse(&bytes).map(|(records, _)| records),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(source) => Err(JournalError::Io { path, source }),
    }
}

/// The wall time of the newest record, from which a virtual clock may go on; `None` without a journal.
///
/// # Errors
/// As [`read`].
pub fn last_time(dir: &Path) -> Result<Option<Timestamp>, JournalError> {
    Ok(read(dir)?.iter().map(Record::at).max())
}

/// The records of the whole lines, and the length of these lines in bytes.
fn parse(bytes: &[u8]) -> Result<(Vec<Record>, usize), JournalError> {
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    let mut records = Vec::new();
    for (k, text) in bytes[..whole].split_inclusive(|byte| *byte == b'\n').enumerate() {
        let malformed = |problem: String| JournalError::Malformed { line: k + 1, problem };
        if k == 0 {
            check_schema(text)?;
        }
        let record = serde_json::from_slice(text).map_err(|error| malformed(error.to_string()))?;
        match (k, &record) {
            (0, Record::Setup { .. }) => {}
            (0, _) => return Err(malformed("expected the setup first".to_owned())),
            (_, Record::Setup { .. }) => {
                return Err(malformed("expected one setup only".to_owned()));
            }
            (_, _) => {}
        }
        records.push(record);
    }
    Ok((records, whole))
}

/// Refuses a newer version before its records are looked at.
fn check_schema(first: &[u8]) -> Result<(), JournalError> {
    #[derive(Deserialize)]
    struct Head {
        schema: u64,
    }
    match serde_json::from_slice::<Head>(first) {
        Ok(Head { schema }) if schema > u64::from(SCHEMA) => {
            Err(JournalError::NewerSchema { found: schema })
        }
        Ok(_) => Ok(()),
        Err(error) => Err(JournalError::Malformed { line: 1, problem: error.to_string() }),
    }
}

/// The journal as its one writer holds it.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
}

impl Journal {
    /// Opens or creates the journal of a directory, drops a torn last line, and tells what it holds.
    pub(crate) fn open(dir: &Path) -> Result<(Self, Vec<Record>), JournalError> {
        let path = dir.join(FILE);
        let io = |source| JournalError::Io { path: path.clone(), source };
        std::fs::create_dir_all(dir).map_err(io)?;
        let mut file =
            OpenOptions::new().read(true).append(true).create(true).open(&path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(JournalError::Locked { path }),
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(io)?;
        let (records, whole) = parse(&bytes)?;
        if whole < bytes.len() {
            file.set_len(u64::try_from(whole).unwrap_or(u64::MAX)).map_err(io)?;
        }
        Ok((Self { path, file }, records))
    }

    /// Writes one record as one line.
    pub(crate) fn append(&mut self, record: &Record) -> Result<(), JournalError> {
        let io = |source| JournalError::Io { path: self.path.clone(), source };
        let mut line = serde_json::to_vec(record).map_err(|error| io(error.into()))?;
        line.push(b'\n');
        self.file.write_all(&line).map_err(io)
    }
}

#[cfg(test)]
mod tests {
    use alchemiser_core::{ids::Symbol, money::Money, price::Tick};

    use super::*;
    use crate::listing::{Regime, sample};

    #[test]
    fn a_setup_reads_back_as_it_was_written() {
        let symbol = Symbol::new("BRK.B").unwrap();
        let listing = Listing { tick: Some(Tick::HALF_CENT), ..sample(1, &symbol, Money::ONE) };
        let restless = Listing { unrest: Regime::Wide.habits().unrest, ..listing.clone() };
        let setup = Setup {
            seed: u64::MAX,
            account: AccountId::new("SIM 1").unwrap(),
            started_at: "2026-11-23T15:00:00.123456789Z".parse().unwrap(),
            cash: Money::new("-0.000000001".parse().unwrap()),
            positions: vec![(symbol, Quantity::new("7.227357601".parse().unwrap()).unwrap())],
            listings: vec![listing, restless],
        };
        let record = Record::Setup { schema: SCHEMA, setup };
        let line = serde_json::to_string(&record).unwrap();
        assert!(
            line.starts_with("{\"record\":\"setup\",\"schema\":1,\"seed\":18446744073709551615,")
        );
        assert!(line.contains("\"BRK.B 7.227357601\"") && line.contains("\"tick\":\"0.005\""));
        assert_eq!(line.matches("unrest").count(), 1, "what is calm is written as before");
        assert_eq!(serde_json::from_str::<Record>(&line).unwrap(), record);
    }
}
