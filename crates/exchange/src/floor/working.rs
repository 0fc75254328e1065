//! One order on a floor.

use alchemiser_core::{money::Money, price::Price, quantity::Quantity, side::Side};
use alchemiser_market::matching::Resting;
use rust_decimal::Decimal;

use crate::request::{Kind, Size, TimeInForce};

/// A price that any ask is below.
const HIGHEST: Decimal = Decimal::from_parts(1_000_000, 0, 0, false, 0);
/// A price that any bid is above.
const LOWEST: Decimal = Decimal::from_parts(1, 0, 0, false, 4);
/// A buy stop becomes a limit order so much above its stop, in thousandths: below fifty dollars, and from there on.
const STOP_COLLAR: (i64, i64) = (1_040, 1_025);

/// What the venue sends to the floor.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The order's number.
    pub order: usize,
    /// Buy or sell.
    pub side: Side,
    /// How much.
    pub size: Size,
    /// At which price.
    pub kind: Kind,
    /// What becomes of the part that does not trade at once.
    pub time_in_force: TimeInForce,
    /// It fills up to so many shares, and never further.
    pub fills_most: Option<Quantity>,
}

#[derive(Clone, Debug)]
pub(super) enum Stage {
    /// On its way.
    Travelling,
    /// There, but nothing can trade with it: a halt, or an empty side.
    Waiting,
    /// There, until it is set off.
    Armed(Price),
    /// At the venue.
    Resting(Resting),
    /// At the venue, and nothing will ever trade with it.
    Stuck,
}

#[derive(Clone, Debug)]
pub(super) struct Working {
    pub(super) entry: Entry,
    /// Shares ordered, once they are known.
    pub(super) quantity: Option<Quantity>,
    pub(super) filled: Quantity,
    pub(super) stage: Stage,
}

impl Working {
    pub(super) fn is_done(&self) -> bool {
        self.quantity.is_some_and(|quantity| self.filled >= quantity)
    }

    /// Nothing more will happen to it.
    pub(super) fn end(&mut self) {
        self.quantity = Some(self.filled);
    }
}

/// The worst price of an order: of a market order one that is never reached.
pub(super) fn limit_of(entry: &Entry) -> Price {
    if let Some(limit) = entry.kind.limit() {
        return limit;
    }
    let dollars = match (entry.side, entry.kind.stop()) {
        (Side::Buy, Some(stop)) => collar_of(stop),
        (Side::Buy, None) => HIGHEST,
        (Side::Sell, _) => LOWEST,
    };
    Price::new(dollars).unwrap_or_else(|_| unreachable!("{dollars} is a price"))
}

/// A buy stop is a stop-limit order, with a limit above the stop.
fn collar_of(stop: Price) -> Decimal {
    let dollars = stop.dollars();
    let thousandths = if dollars < Decimal::from(50) { STOP_COLLAR.0 } else { STOP_COLLAR.1 };
    (dollars * Decimal::new(thousandths, 3)).round_dp(2)
}

/// How many shares a notional comes to.
pub(super) fn sized(entry: &Entry, limit: Price, far: Price) -> Quantity {
    match entry.size {
        Size::Shares(quantity) => quantity,
        Size::Notional(dollars) => {
            let price = if entry.kind.limit().is_some() { limit } else { far };
            shares_of(dollars, price)
        }
    }
}

/// Shares for so many dollars, cut to nine decimals.
fn shares_of(dollars: Money, price: Price) -> Quantity {
    Quantity::rounded_down(price.shares_for(dollars), 9)
}
