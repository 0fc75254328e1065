//! What the market shows: the best bid and offer with sizes, and what may be done on it.

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::{
    price::{Price, Tick},
    quantity::Quantity,
    side::Side,
};

/// One side of the book: the best price and the shares shown there. Alpaca says 0 for a side that is not there; the
/// adapters turn that into `None`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touch {
    /// The best price.
    pub price: Price,
    /// Shares shown at it.
    pub size: Quantity,
}

/// A best bid and offer as it was read, good or bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawQuote {
    /// The best bid, if there is one.
    pub bid: Option<Touch>,
    /// The best ask, if there is one.
    pub ask: Option<Touch>,
    /// When the quote last changed, by the market's clock.
    pub changed_at: Timestamp,
    /// When we read it, by our clock.
    pub observed_at: Timestamp,
}

/// One symbol's line in a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The quote.
    pub quote: Option<RawQuote>,
    /// The last trade's price and time.
    pub last_trade: Option<(Price, Timestamp)>,
    /// The previous session's close, adjusted for splits.
    pub previous_close: Option<Price>,
}
