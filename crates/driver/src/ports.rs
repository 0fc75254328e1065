//! What the shell needs of the world. Adapters implement these traits; nothing here names one.

use std::{collections::BTreeMap, fmt::Debug, sync::Arc};

use alchemiser_core::{
    controls::Approved,
    execution::Execution,
    fact::{Announced, Fact, Refusal},
    ids::{AccountId, BrokerOrderId, ClientOrderId, Owner, Symbol},
    quote::{RawQuote, Snapshot},
    reading::{AccountReading, Asset, Position, SessionClock},
    report::OrderReport,
};
use alchemiser_wire::notice::{Document, Occasion};
use async_trait::async_trait;
use jiff::Timestamp;
use secrecy::SecretString;
use thiserror::Error;

/// What came of creating an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// It is there now, and it is this one.
    Created,
    /// There was one already; this one is not there.
    Exists,
}

/// A store that failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StoreError {
    /// Nothing was done, or it is not known what: trying the identical request again is right.
    #[error("the store did not answer clearly: {0}")]
    Unclear(String),
    /// Trying again will not help.
    #[error("the store refused: {0}")]
    Refused(String),
}

impl StoreError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unclear(_) => "STORE_UNCLEAR",
            Self::Refused(_) => "STORE_REFUSED",
        }
    }
}

/// Objects by key, created at most once each. S3 with `If-None-Match: *`, or files with `link(2)`.
#[async_trait]
pub trait Store: Debug + Send + Sync {
    /// Creates an object. Of any number of callers with one key, exactly one gets [`Put::Created`].
    async fn put_if_absent(&self, key: &str, bytes: &[u8]) -> Result<Put, StoreError>;

    /// The object, if it is there.
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// The first `limit` keys that begin with `prefix`, in ascending order.
    async fn list(&self, prefix: &str, limit: usize) -> Result<Vec<String>, StoreError>;

    /// Removes a hint (a marker); logs are never removed.
    async fn remove_hint(&self, key: &str) -> Result<(), StoreError>;

    /// Whether an owner is known to be dead, so that its lease need not be waited for. A store that cannot know says
    /// no.
    async fn is_dead(&self, owner: &Owner) -> Result<bool, StoreError>;

    /// The release that writes: every log entry says it.
    fn release(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }
}

/// What came of sending an order, other than its acceptance.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SubmitError {
    /// The broker refused the order (4xx other than 429 and a duplicate id).
    #[error("the broker refused the order: {}", .0.message)]
    Refused(Refusal),
    /// An order of this id exists already.
    #[error("the broker has an order of this id already")]
    Duplicate,
    /// No clear answer (timeout, 5xx, 429, a broken connection): the order may exist.
    #[error("the broker gave no clear answer to the order: {0}")]
    Unclear(String),
    /// It never left: the process's own budget of calls held it back.
    #[error("the order was not sent: {0}")]
    NotSent(String),
}

/// A reading that failed. Readings are asked for again.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the broker did not answer: {0}")]
pub struct ReadError(pub String);

/// Assets as far as they could be read, and what that took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AssetsRead {
    /// What was read; `None` for a symbol that the broker does not know.
    pub found: Vec<(Symbol, Option<Asset>)>,
    /// What could not be read.
    pub failed: Vec<ReadError>,
    /// Trading calls that were made.
    pub calls: usize,
}

/// The broker's trading interface.
#[async_trait]
pub trait Broker: Debug + Send + Sync {
    /// Sends a day limit order. Takes nothing but what the controls approved.
    async fn submit(&self, order: &Approved) -> Result<OrderReport, SubmitError>;

    /// Asks for a cancel. Success says that the request was taken, not that the order is gone.
    async fn cancel(&self, order: &BrokerOrderId) -> Result<(), ReadError>;

    /// The order of one of our ids; `None` when the broker says there is none.
    async fn order(&self, id: &ClientOrderId) -> Result<Option<OrderReport>, ReadError>;

    /// The account's orders submitted since a moment, all statuses.
    async fn orders(&self, since: Timestamp) -> Result<Vec<OrderReport>, ReadError>;

    /// Everything of the account that is open, however long ago it was submitted.
    async fn open_orders(&self) -> Result<Vec<OrderReport>, ReadError>;

    /// The account.
    async fn account(&self) -> Result<AccountReading, ReadError>;

    /// All positions.
    async fn positions(&self) -> Result<Vec<Position>, ReadError>;

    /// An asset; `None` when the broker does not know it.
    async fn asset(&self, symbol: &Symbol) -> Result<Option<Asset>, ReadError>;

    /// Assets, one by one unless the broker has a shorter way.
    async fn assets(&self, symbols: &[Symbol]) -> AssetsRead {
        let mut read = AssetsRead { calls: symbols.len(), ..AssetsRead::default() };
        for symbol in symbols {
            match self.asset(symbol).await {
                Ok(asset) => read.found.push((symbol.clone(), asset)),
                Err(error) => read.failed.push(error),
            }
        }
        read
    }

    /// The session clock.
    async fn clock(&self) -> Result<SessionClock, ReadError>;

    /// Orders that the broker would still take now, by what it last said of its limit; `None` when it says nothing.
    fn allowance(&self) -> Option<u32> {
        None
    }
}

/// Quotes, last trades and previous closes.
#[async_trait]
pub trait MarketData: Debug + Send + Sync {
    /// All symbols in one call; a symbol that is not known is left out.
    async fn snapshots(&self, symbols: &[Symbol]) -> Result<BTreeMap<Symbol, Snapshot>, ReadError>;

    /// The newest quotes of a stream, where there is one that is heard from; each says when it was last heard from.
    fn streamed(&self, _symbols: &[Symbol]) -> BTreeMap<Symbol, RawQuote> {
        BTreeMap::new()
    }
}

/// An event that was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the bus did not take the event: {0}")]
pub struct PublishError(pub String);

/// The event bus.
#[async_trait]
pub trait EventPublisher: Debug + Send + Sync {
    /// Publishes an event at `at`. Success means that the bus took this very entry.
    async fn publish(&self, event: &Announced, at: Timestamp) -> Result<(), PublishError>;
}

/// A message to people: how a plan ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Why somebody is told.
    pub occasion: Occasion,
    /// A line.
    pub subject: String,
    /// The rest.
    pub text: String,
    /// The same as a page for a mail reader.
    pub html: String,
}

impl Notice {
    /// What programs are told.
    pub fn document(&self) -> Document {
        Document::new(self.occasion, &self.subject, &self.text, &self.html)
    }
}

/// Whoever passes messages on to people (an SNS topic with e-mail subscriptions, a directory).
#[async_trait]
pub trait Notifier: Debug + Send + Sync {
    /// Passes a message on. It may come more than once.
    async fn notify(&self, notice: &Notice) -> Result<(), PublishError>;
}

/// A secret that could not be had. No part of it is in here.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct VaultError(pub String);

/// Whoever keeps a secret (AWS Secrets Manager).
#[async_trait]
pub trait Vault: Debug + Send + Sync {
    /// The secret as it is now; it may have been changed since it was read last.
    async fn read(&self) -> Result<SecretString, VaultError>;
}

/// Time.
#[async_trait]
pub trait Clock: Debug + Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;

    /// Waits until a moment.
    async fn sleep_until(&self, until: Timestamp);
}

/// Somebody who looks on.
pub trait Watcher: Debug + Send + Sync {
    /// An entry with these facts was committed; this is the state now.
    fn committed(&self, state: &Execution, facts: &[Fact]);
}

/// Nobody looks on.
#[derive(Clone, Copy, Debug)]
pub struct Unwatched;

impl Watcher for Unwatched {
    fn committed(&self, _: &Execution, _: &[Fact]) {}
}

/// Where quotes are kept for the pictures of a plan: as well as can be, and never as truth.
#[async_trait]
pub trait QuoteTape: Debug + Send + Sync {
    /// Keeps what one owner saw of a plan. What is there already stays as it is.
    async fn keep(&self, key: &str, bytes: &[u8]) -> Result<(), StoreError>;
}

/// No quotes are kept.
#[derive(Clone, Copy, Debug)]
pub struct Untaped;

#[async_trait]
impl QuoteTape for Untaped {
    async fn keep(&self, _: &str, _: &[u8]) -> Result<(), StoreError> {
        Ok(())
    }
}

/// What accepting a plan needs: no broker.
#[derive(Clone, Debug)]
pub struct Desk {
    /// The store of the logs.
    pub store: Arc<dyn Store>,
    /// The bus.
    pub publisher: Arc<dyn EventPublisher>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Who we are.
    pub owner: Owner,
}

/// What trading a plan needs.
#[derive(Clone, Debug)]
pub struct Floor {
    /// Store, bus, time, owner.
    pub desk: Desk,
    /// The broker.
    pub broker: Arc<dyn Broker>,
    /// Market data.
    pub market: Arc<dyn MarketData>,
    /// Who looks on.
    pub watcher: Arc<dyn Watcher>,
    /// Where quotes are kept.
    pub tape: Arc<dyn QuoteTape>,
}

/// Where a plan's marker is: a hint that it is not finished.
pub(crate) fn marker_key(account: &AccountId, plan: &str) -> String {
    use alchemiser_wire::ledger::encode;
    format!("open/{}/{}", encode(account.as_str()), encode(plan))
}
