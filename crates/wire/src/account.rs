//! The account log: a mutex over plans, without expiry. Each entry carries the whole state.

use alchemiser_core::ids::{AccountId, PlanId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::text;

/// The newest schema of an account entry.
pub const SCHEMA: u32 = 1;

/// An entry of the account log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountEntry {
    /// The schema.
    pub schema: u32,
    /// 1 for the first.
    pub seq: u64,
    /// The account.
    #[serde(with = "text")]
    pub account: AccountId,
    /// The plan that holds the account, if one does.
    #[serde(with = "text::option")]
    pub holder: Option<PlanId>,
    /// Plans that asked while it was held, oldest first.
    #[serde(with = "text::list")]
    pub waiting: Vec<PlanId>,
    /// Tells two writers of the same number apart.
    pub put_id: String,
    /// When.
    pub at: Timestamp,
}

/// Bytes that are no account entry.
#[derive(Debug, Error)]
pub enum NotAnAccountEntry {
    /// Not of the documented form.
    #[error("expected an account log entry, found {0}")]
    Malformed(#[from] serde_json::Error),
    /// Written by a newer release.
    #[error(
        "expected an account log entry of schema {SCHEMA} or older, found schema {found}: use the newer release"
    )]
    Newer {
        /// The schema found.
        found: u32,
    },
}

impl AccountEntry {
    /// The bytes to store.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads an entry.
    ///
    /// # Errors
    /// [`NotAnAccountEntry`] for other bytes and for a newer schema.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NotAnAccountEntry> {
        let entry: Self = serde_json::from_slice(bytes)?;
        if entry.schema > SCHEMA {
            Err(NotAnAccountEntry::Newer { found: entry.schema })
        } else {
            Ok(entry)
        }
    }
}
