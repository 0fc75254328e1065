//! Everything that changes an exchange from outside, as it is journaled. Its state is their fold over the markets.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{exact::Exact, setup::Listed};

/// One input, with the exchange's time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// When it was taken.
    pub at: Timestamp,
    /// What was asked.
    #[serde(flatten)]
    pub what: Asked,
}

/// What may be asked of an exchange.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "input", rename_all = "snake_case")]
pub enum Asked {
    /// Another process opened the exchange: the market goes on from here.
    Opened,
    /// Somebody was told of what had happened up to here.
    Reached {
        /// Fills so far.
        fills: usize,
    },
    /// An order.
    Order {
        /// The account's number.
        account: usize,
        /// The body as it came.
        body: Value,
        /// The client's id, or one made up.
        id: String,
        /// It fills up to this part, and never further.
        part: Option<Exact>,
    },
    /// A cancel.
    Cancel {
        /// The order's number.
        order: usize,
    },
    /// A replacement.
    Replace {
        /// The number of the order to be replaced.
        order: usize,
        /// The body as it came.
        body: Value,
        /// The replacement's id, or one made up.
        id: String,
        /// It takes effect after so many milliseconds.
        delay_ms: Option<u64>,
    },
    /// An account's configuration.
    Configure {
        /// The account's number.
        account: usize,
        /// The body as it came.
        body: Value,
    },
    /// One more symbol.
    List {
        /// The symbol, with all that is known of it.
        listed: Box<Listed>,
    },
    /// What a symbol's market shows from now on.
    Quote {
        /// The symbol.
        symbol: String,
        /// The best bid in dollars; none for an empty side.
        bid: Option<Exact>,
        /// Shares at it.
        bid_size: u64,
        /// The best ask in dollars; none for an empty side.
        ask: Option<Exact>,
        /// Shares at it.
        ask_size: u64,
    },
    /// A trade is printed.
    Trade {
        /// The symbol.
        symbol: String,
        /// Dollars a share.
        price: Exact,
        /// Shares.
        size: u64,
    },
    /// Trading in a symbol stands still.
    Halt {
        /// The symbol.
        symbol: String,
        /// Milliseconds.
        ms: u64,
    },
    /// The session that is under way ends early.
    Close {
        /// Milliseconds from now.
        ms: u64,
    },
    /// An order trades whatever the market.
    Fill {
        /// The order's number.
        order: usize,
        /// At most so many shares; all of them if nothing is said.
        qty: Option<Exact>,
        /// Dollars a share; its limit or the far touch if nothing is said.
        price: Option<Exact>,
    },
    /// Cash arrives from outside, or leaves.
    Pay {
        /// The account's number.
        account: usize,
        /// Dollars.
        amount: Exact,
    },
    /// Shares arrive from outside.
    Deposit {
        /// The account's number.
        account: usize,
        /// The symbol.
        symbol: String,
        /// Shares.
        qty: Exact,
    },
}
