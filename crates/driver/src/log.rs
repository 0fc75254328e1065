//! The execution log: one object an entry, one writer an entry, a hash chain over all.

use std::sync::Arc;

use alchemiser_core::{
    fact::Fact,
    ids::{AccountId, ClientOrderId, Owner},
    planted::{Plant, is_planted},
};
use alchemiser_wire::{
    entry::{Entry, NO_PREVIOUS, NotAnEntry, sha256},
    ledger::encode,
};
use jiff::Timestamp;
use thiserror::Error;

use crate::ports::{Put, Store, StoreError};

/// How often an unclear answer of the store is tried again with identical bytes.
const TRIES: u32 = 4;

/// Entries of one log; more than this is no log of ours.
const ENTRIES_MAX: usize = 1_000_000;

/// A log that could not be read or written. Whatever is wrong with a log, nothing is written to it.
#[derive(Debug, Error)]
pub enum LogError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Somebody else wrote the entry: the log has another owner now.
    #[error(
        "entry {seq} of {log} was written by somebody else: this process no longer owns the plan"
    )]
    Lost {
        /// The log.
        log: String,
        /// The entry.
        seq: u64,
    },
    /// An entry is not readable.
    #[error("entry {seq} of {log}: {source}")]
    Unreadable {
        /// The log.
        log: String,
        /// The entry.
        seq: u64,
        /// Why.
        source: NotAnEntry,
    },
    /// The chain is broken.
    #[error(
        "entry {seq} of {log} does not follow the one before: expected prev_sha256 {expected}, found {found}"
    )]
    Broken {
        /// The log.
        log: String,
        /// The entry.
        seq: u64,
        /// The hash of the entry before.
        expected: String,
        /// The hash it carries.
        found: String,
    },
    /// An entry carries another number than its name.
    #[error(
        "entry {seq} of {log} carries the number {found}: entries were exchanged or copied; the log stays as it is"
    )]
    Misplaced {
        /// The log.
        log: String,
        /// The entry's name.
        seq: u64,
        /// The number it carries.
        found: u64,
    },
    /// An entry is missing between others.
    #[error("entry {seq} of {log} is missing, and entry {found} is there: the log stays as it is")]
    Gap {
        /// The log.
        log: String,
        /// The missing entry.
        seq: u64,
        /// The next one that is there.
        found: u64,
    },
    /// The broker has an order of the plan that the log does not: entries were lost.
    #[error(
        "{log} lacks order {order}, which the broker has: entries were lost; nothing goes on before `alchemiser recover --from-broker`"
    )]
    Incomplete {
        /// The log.
        log: String,
        /// The order.
        order: ClientOrderId,
    },
    /// Something lies in the log's place that is no entry.
    #[error(
        "{log} holds {name}, which is no entry: expected only names like 000001.json; move it away"
    )]
    Foreign {
        /// The log.
        log: String,
        /// Its name.
        name: String,
    },
}

impl LogError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Store(error) => error.code(),
            Self::Lost { .. } => "PLAN_LOST",
            Self::Unreadable { source: NotAnEntry::Newer { .. }, .. } => "LOG_NEWER",
            Self::Unreadable { .. } => "LOG_UNREADABLE",
            Self::Broken { .. } => "LOG_BROKEN",
            Self::Misplaced { .. } => "LOG_MISPLACED",
            Self::Gap { .. } => "LOG_GAP",
            Self::Incomplete { .. } => "LOG_INCOMPLETE",
            Self::Foreign { .. } => "LOG_FOREIGN",
        }
    }
}

/// One plan's log, as far as it was read or written by us.
#[derive(Clone, Debug)]
pub struct ExecutionLog {
    store: Arc<dyn Store>,
    prefix: String,
    next: u64,
    previous: String,
    last: Option<Head>,
}

/// What an entry says of itself, without its facts.
#[derive(Clone, Debug)]
pub struct Head {
    /// Its owner's number; 0 for the claim.
    pub epoch: u32,
    /// Who wrote it.
    pub owner: Owner,
    /// The lease it keeps.
    pub until: Timestamp,
    /// When.
    pub at: Timestamp,
}

impl Head {
    fn of(entry: &Entry) -> Self {
        let Entry { epoch, until, at, .. } = *entry;
        Self { epoch, owner: entry.owner.clone(), until, at }
    }
}

/// Who writes an entry, and for how long that keeps the lease.
#[derive(Clone, Debug)]
pub struct Author {
    /// The owner's number.
    pub epoch: u32,
    /// The owner.
    pub owner: Owner,
    /// The lease it keeps.
    pub until: Timestamp,
}

impl ExecutionLog {
    /// The log of a plan (or of a refused input) in an account: `executions/{account}/{name}/{seq:06}.json`.
    pub fn new(store: Arc<dyn Store>, account: &AccountId, name: &str) -> Self {
        let prefix = format!("executions/{}/{}/", encode(account.as_str()), encode(name));
        Self { store, prefix, next: 1, previous: NO_PREVIOUS.to_owned(), last: None }
    }

    /// Where the log is.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// SHA-256 of the newest entry's bytes, in hex; 64 zeros before the first.
    pub fn sha256(&self) -> &str {
        &self.previous
    }

    /// The newest entry read or written.
    pub fn last(&self) -> Option<&Head> {
        self.last.as_ref()
    }

    /// Reads all entries that are new since the last call, and checks their chain. The first call also looks at what
    /// lies in the log's place: a log with a gap would go on in it.
    ///
    /// # Errors
    /// [`LogError`] for a store that fails, an unreadable entry, a broken chain, a gap, or what is no entry.
    pub async fn read_on(&mut self) -> Result<Vec<Entry>, LogError> {
        if self.last.is_none() {
            self.look().await?;
        }
        let mut entries = Vec::new();
        while let Some(bytes) = self.store.get(&self.key(self.next)).await? {
            let log = || self.prefix.clone();
            let entry = Entry::from_bytes(&bytes).map_err(|source| LogError::Unreadable {
                log: log(),
                seq: self.next,
                source,
            })?;
            if entry.seq != self.next {
                return Err(LogError::Misplaced { log: log(), seq: self.next, found: entry.seq });
            }
            if entry.prev_sha256 != self.previous {
                let (expected, found) = (self.previous.clone(), entry.prev_sha256);
                return Err(LogError::Broken { log: log(), seq: self.next, expected, found });
            }
            self.follow(&bytes, Head::of(&entry));
            entries.push(entry);
        }
        Ok(entries)
    }

    /// Appends the next entry. Exactly one writer succeeds for each number; an unclear answer is tried again with the
    /// identical bytes, and an entry that is there already is ours only if it is these bytes.
    ///
    /// # Errors
    /// [`LogError::Lost`] when somebody else wrote it; the store's failure otherwise.
    pub async fn append(
        &mut self,
        author: &Author,
        at: Timestamp,
        facts: Vec<Fact>,
    ) -> Result<Entry, LogError> {
        let entry = Entry {
            seq: self.next,
            prev_sha256: self.previous.clone(),
            epoch: author.epoch,
            owner: author.owner.clone(),
            until: author.until,
            put_id: format!("{}-{}", author.owner, self.next),
            code_version: self.store.release().to_owned(),
            at,
            facts,
        };
        let bytes = entry.to_bytes();
        let key = self.key(self.next);
        if !create(self.store.as_ref(), &key, &bytes).await? {
            return Err(LogError::Lost { log: self.prefix.clone(), seq: self.next });
        }
        self.follow(&bytes, Head::of(&entry));
        Ok(entry)
    }

    /// Names in the log's place: entries, one after the other, and nothing else.
    async fn look(&self) -> Result<(), LogError> {
        let mut seq = 0_u64;
        for key in self.store.list(&self.prefix, ENTRIES_MAX).await? {
            let (log, name) = (self.prefix.clone(), key.strip_prefix(&self.prefix).unwrap_or(&key));
            let number = name.strip_suffix(".json").and_then(|name| name.parse().ok());
            let Some(found) = number.filter(|number| self.key(*number) == key) else {
                return Err(LogError::Foreign { log, name: name.to_owned() });
            };
            seq = seq.saturating_add(1);
            // A listing may miss what was written while it was made.
            while seq < found {
                if self.store.get(&self.key(seq)).await?.is_none() {
                    return Err(LogError::Gap { log, seq, found });
                }
                seq = seq.saturating_add(1);
            }
        }
        Ok(())
    }

    fn key(&self, seq: u64) -> String {
        format!("{}{seq:06}.json", self.prefix)
    }

    fn follow(&mut self, bytes: &[u8], head: Head) {
        self.previous = sha256(bytes);
        self.next = self.next.saturating_add(1);
        self.last = Some(head);
    }
}

/// Creates an object; true when it is there now and is this one.
pub(crate) async fn create(store: &dyn Store, key: &str, bytes: &[u8]) -> Result<bool, StoreError> {
    let mut unclear = StoreError::Unclear("no answer".to_owned());
    for _ in 0..TRIES {
        match store.put_if_absent(key, bytes).await {
            Ok(Put::Created) => return Ok(true),
            Ok(Put::Exists) if is_planted(Plant::ExistsIgnored) => return Ok(true),
            // The answer to our own first try may have been lost: then the object is ours.
            Ok(Put::Exists) => {
                return Ok(store.get(key).await?.is_some_and(|found| found == bytes));
            }
            Err(StoreError::Unclear(why)) => unclear = StoreError::Unclear(why),
            Err(refused @ StoreError::Refused(_)) => return Err(refused),
        }
    }
    Err(unclear)
}
