//! What is published, and why it may be refused.

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// EventBridge's limit for an entry, in bytes.
pub const ENTRY_LIMIT_BYTES: usize = 1_048_576;

/// What an entry's time counts towards the limit, in bytes.
const TIME_BYTES: usize = 14;

/// One event on its way to the bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Who publishes, e.g. `alchemiser.execution`.
    pub source: String,
    /// The event's type, e.g. `WorkflowCompleted`.
    pub detail_type: String,
    /// The event: a JSON object whose bytes arrive as they are.
    pub detail: String,
    /// The envelope's id, as EventBridge would give it.
    pub id: String,
    /// When it was published, in RFC 3339.
    pub time: String,
}

/// Why an entry is refused. Other entries are not touched by it.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// Nobody publishes it.
    #[error("expected a source, found an empty one")]
    EmptySource,
    /// It has no type.
    #[error("expected a detail type, found an empty one")]
    EmptyDetailType,
    /// The detail is not a JSON object.
    #[error("expected the detail to be a JSON object, found: {source}")]
    MalformedDetail {
        /// What the reader says.
        source: serde_json::Error,
    },
    /// The entry (source, type, detail and time) is too large.
    #[error("expected an entry of at most {ENTRY_LIMIT_BYTES} bytes, found {found_bytes} bytes")]
    TooLarge {
        /// Its size in bytes.
        found_bytes: usize,
    },
}

impl EntryError {
    /// The stable code of this error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::EmptySource => "ENTRY_SOURCE_EMPTY",
            Self::EmptyDetailType => "ENTRY_DETAIL_TYPE_EMPTY",
            Self::MalformedDetail { .. } => "ENTRY_DETAIL_MALFORMED",
            Self::TooLarge { .. } => "ENTRY_TOO_LARGE",
        }
    }
}

/// Where a bus is said to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) account: String,
    pub(crate) region: String,
}

/// An entry as it leaves the bus: its text, and the same read, for matching.
pub(crate) struct Envelope {
    pub(crate) text: String,
    pub(crate) event: Value,
}

/// The envelope's fields, in EventBridge's order.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Fields<'a> {
    version: &'static str,
    id: &'a str,
    detail_type: &'a str,
    source: &'a str,
    account: &'a str,
    time: &'a str,
    region: &'a str,
    resources: [&'a str; 0],
    detail: &'a RawValue,
}

impl Envelope {
    /// Checks an entry and wraps it. Whitespace around the detail is not part of it.
    pub(crate) fn wrap(entry: &Entry, place: &Place) -> Result<Self, EntryError> {
        check(entry)?;
        wrapped(entry, place).map_err(|source| EntryError::MalformedDetail { source })
    }
}

fn check(entry: &Entry) -> Result<(), EntryError> {
    let sizes = [TIME_BYTES, entry.source.len(), entry.detail_type.len(), entry.detail.len()];
    let found_bytes = sizes.iter().sum();
    if entry.source.is_empty() {
        Err(EntryError::EmptySource)
    } else if entry.detail_type.is_empty() {
        Err(EntryError::EmptyDetailType)
    } else if found_bytes > ENTRY_LIMIT_BYTES {
        Err(EntryError::TooLarge { found_bytes })
    } else {
        Ok(())
    }
}

fn wrapped(entry: &Entry, place: &Place) -> Result<Envelope, serde_json::Error> {
    // Read as an object first: a raw value may be anything.
    serde_json::from_str::<Map<String, Value>>(&entry.detail)?;
    let text = serde_json::to_string(&Fields {
        version: "0",
        id: &entry.id,
        detail_type: &entry.detail_type,
        source: &entry.source,
        account: &place.account,
        time: &entry.time,
        region: &place.region,
        resources: [],
        detail: serde_json::from_str(&entry.detail)?,
    })?;
    let event = serde_json::from_str(&text)?;
    Ok(Envelope { text, event })
}
