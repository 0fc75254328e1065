//! Entries of the execution log: one object each, hash-chained, never edited.

use alchemiser_core::{fact::Fact, ids::Owner};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::{fact::FactLine, text};

/// The newest schema of a log entry. A release writes a schema only if the release before it reads it.
pub const SCHEMA: u32 = 1;

/// `prev_sha256` of the first entry.
pub const NO_PREVIOUS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// An entry: what one owner recorded in one turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// 1 for the first; without gaps.
    pub seq: u64,
    /// SHA-256 of the previous entry's bytes, in hex; 64 zeros for the first.
    pub prev_sha256: String,
    /// The owner's number; 0 for the claim.
    pub epoch: u32,
    /// Who wrote it.
    pub owner: Owner,
    /// The lease it keeps.
    pub until: Timestamp,
    /// Tells two writers of the same number apart.
    pub put_id: String,
    /// The release that wrote it.
    pub code_version: String,
    /// When.
    pub at: Timestamp,
    /// What was recorded; empty for a renewed lease.
    pub facts: Vec<Fact>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    schema: u32,
    seq: u64,
    prev_sha256: String,
    epoch: u32,
    #[serde(with = "text")]
    owner: Owner,
    until: Timestamp,
    put_id: String,
    code_version: String,
    at: Timestamp,
    facts: Vec<FactLine>,
}

#[derive(Deserialize)]
struct Versioned {
    schema: u32,
}

/// Bytes that are no log entry.
#[derive(Debug, Error)]
pub enum NotAnEntry {
    /// Not of the documented form.
    #[error("expected a log entry, found {0}")]
    Malformed(#[from] serde_json::Error),
    /// A value of it is not what it should be.
    #[error("expected a log entry, found one with {0}")]
    Value(String),
    /// Written by a newer release.
    #[error(
        "expected a log entry of schema {SCHEMA} or older, found schema {found}: use the newer release"
    )]
    Newer {
        /// The schema found.
        found: u32,
    },
}

impl Entry {
    /// The bytes to store.
    pub fn to_bytes(&self) -> Vec<u8> {
        let stored = Stored {
            schema: SCHEMA,
            seq: self.seq,
            prev_sha256: self.prev_sha256.clone(),
            epoch: self.epoch,
            owner: self.owner.clone(),
            until: self.until,
            put_id: self.put_id.clone(),
            code_version: self.code_version.clone(),
            at: self.at,
            facts: self.facts.iter().map(FactLine::from).collect(),
        };
        serde_json::to_vec(&stored).unwrap_or_default()
    }

    /// Reads an entry.
    ///
    /// # Errors
    /// [`NotAnEntry`] for other bytes and for a newer schema.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NotAnEntry> {
        let stored = match serde_json::from_slice::<Stored>(bytes) {
            Ok(stored) if stored.schema <= SCHEMA => stored,
            // A newer entry may have any form: only then is it read for its schema alone.
            Ok(Stored { schema, .. }) => return Err(NotAnEntry::Newer { found: schema }),
            Err(error) => return Err(newer(bytes).unwrap_or(NotAnEntry::Malformed(error))),
        };
        let facts = stored.facts.into_iter().map(Fact::try_from).collect::<Result<_, _>>();
        Ok(Self {
            seq: stored.seq,
            prev_sha256: stored.prev_sha256,
            epoch: stored.epoch,
            owner: stored.owner,
            until: stored.until,
            put_id: stored.put_id,
            code_version: stored.code_version,
            at: stored.at,
            facts: facts.map_err(NotAnEntry::Value)?,
        })
    }
}

/// Whether bytes that are no entry of ours are one of a newer release.
fn newer(bytes: &[u8]) -> Option<NotAnEntry> {
    let Versioned { schema } = serde_json::from_slice(bytes).ok()?;
    (schema > SCHEMA).then_some(NotAnEntry::Newer { found: schema })
}

/// The hash that the next entry carries.
pub fn sha256(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(bytes))
}
