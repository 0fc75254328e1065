//! Alpaca's Trading and Market Data API behind the driver's ports [`Broker`](alchemiser_driver::ports::Broker) and
//! [`MarketData`](alchemiser_driver::ports::MarketData).
//!
//! ```text
//! Alpaca ── broker, assets, market ──► Line ──► Budget (may it go now?) ──► HTTPS
//!              │                        │
//!              └── order, account, …    └── Failed {status, code, message, request id, class}
//! Alpaca::listen ──► one WebSocket of quotes, beside it
//! ```
//!
//! [`Alpaca`] is one account: its [`Keyring`], its [`Endpoints`], one pool of connections and one [`budget`] of calls,
//! shared by all its clones. A call is sent once: no redirect is followed, nothing is tried again (but what was refused
//! for its keys alone, with newer ones), and each has the policy's timeout. What did not go well is a [`Failed`] with one of four classes; what the driver learns of it follows
//! the client-id protocol of the design: only a 4xx that is neither 429 nor a duplicate id refuses an order, everything
//! else is unclear.
//!
//! Decimals are read from the digits as they came, those of the market data (JSON numbers) as well; fields and statuses
//! that are not known are reported once and tolerated. Keys are never printed: not by `Debug`, not in an error, not in
//! a log line.
#![warn(missing_docs)]
#![warn(clippy::as_conversions, clippy::float_arithmetic, clippy::indexing_slicing)]

pub mod account;
mod assets;
mod broker;
pub mod budget;
pub mod endpoint;
pub mod failed;
mod fields;
pub mod keyring;
pub mod keys;
mod line;
mod market;
mod order;
mod session;
mod stream;

use std::sync::{Arc, Mutex};

use alchemiser_core::{policy::Policy, quantity::Quantity, quote::Feed, reading::TradeMode};
use alchemiser_driver::ports::Clock;

use crate::{
    assets::AssetsOfTheDay, endpoint::Endpoints, keyring::Keyring, line::Line, stream::Heard,
};
pub use crate::{
    failed::Failed,
    line::LineError,
    stream::{Listening, Pace},
};

/// What an account is reached by.
#[derive(Debug)]
pub struct Access {
    /// Where.
    pub endpoints: Endpoints,
    /// By whom.
    pub keys: Keyring,
    /// Which kind of account that is said to be.
    pub mode: TradeMode,
}

/// One account at Alpaca. Clones share connections, budget and what was read once for the day.
#[derive(Clone, Debug)]
pub struct Alpaca {
    line: Arc<Line>,
    clock: Arc<dyn Clock>,
    mode: TradeMode,
    feed: Feed,
    round_lot: Quantity,
    assets: Arc<Mutex<AssetsOfTheDay>>,
    heard: Arc<Heard>,
}

impl Alpaca {
    /// An account, ready to be asked; nothing is sent yet.
    ///
    /// # Errors
    /// [`LineError`] when no secure connections can be made on this machine.
    pub fn new(access: Access, policy: &Policy, clock: Arc<dyn Clock>) -> Result<Self, LineError> {
        let Access { endpoints, keys, mode } = access;
        Ok(Self {
            line: Arc::new(Line::new(endpoints, keys, policy.http_timeout, clock.clone())?),
            clock,
            mode,
            feed: policy.feed,
            round_lot: policy.round_lot,
            assets: Arc::new(Mutex::new(AssetsOfTheDay::default())),
            heard: Arc::default(),
        })
    }
}

impl Alpaca {
    /// Where its requests go.
    pub fn endpoints(&self) -> &Endpoints {
        self.line.endpoints()
    }

    /// A text without this account's keys, should it hold them.
    pub fn hide(&self, text: &str) -> String {
        self.line.keys().hide(text)
    }

    /// What its keys say of themselves: `true` for those of the paper environment, `false` for those of the live one.
    pub fn keys_are_paper(&self) -> Option<bool> {
        self.line.keys().now().are_paper()
    }
}
