//! One symbol's quote: a random walk in whole cents, as far as our orders need one. The realistic market is
//! `alchemiser-market`; here every step must be cheap, and the unusual must be frequent.

use alchemiser_core::{
    price::Price,
    quantity::Quantity,
    quote::{RawQuote, Snapshot, Touch},
    side::Side,
};
use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::chance::Chance;

/// A symbol's market.
#[derive(Clone, Debug)]
pub(crate) struct Book {
    /// Parts of a share may be traded.
    pub(crate) fractionable: bool,
    bid: i64,
    spread: i64,
    sizes: [i64; 2],
    opened: i64,
    changed_at: Timestamp,
    /// Nothing trades, and no quote is shown, until then.
    pub(crate) halted_until: Option<Timestamp>,
}

/// Cents as a price.
pub(crate) fn price(cents: i64) -> Option<Price> {
    Price::new(Decimal::new(cents, 2)).ok()
}

fn shares(count: i64) -> Quantity {
    Quantity::rounded_down(Decimal::from(count), 0)
}

impl Book {
    pub(crate) fn new(at: Timestamp, chance: &mut Chance) -> Self {
        let bid = chance.between(2_000, 40_000);
        let mut book = Self {
            fractionable: chance.percent(75),
            bid,
            spread: 1,
            sizes: [100, 100],
            opened: bid,
            changed_at: at,
            halted_until: None,
        };
        book.redraw(chance);
        book
    }

    fn redraw(&mut self, chance: &mut Chance) {
        self.spread = chance.pick(&[0, 1, 1, 1, 2, 2, 3, 5]);
        self.sizes = [100 * chance.between(1, 9), 100 * chance.between(1, 9)];
    }

    /// One step of the walk.
    pub(crate) fn step(&mut self, at: Timestamp, chance: &mut Chance) {
        if self.is_halted(at) || !chance.percent(40) {
            return;
        }
        // It never goes far: what a large move does is a matter of the pricing tests.
        let step = chance.pick(&[-2, -1, -1, 0, 0, 1, 1, 2]);
        self.bid = (self.bid + step).clamp(self.opened * 97 / 100, self.opened * 103 / 100);
        self.redraw(chance);
        self.changed_at = at;
    }

    pub(crate) fn is_halted(&self, at: Timestamp) -> bool {
        self.halted_until.is_some_and(|until| at < until)
    }

    /// The price in cents at which an order of a side trades at once.
    pub(crate) fn far(&self, side: Side) -> i64 {
        match side {
            Side::Buy => self.bid + self.spread,
            Side::Sell => self.bid,
        }
    }

    /// The best price in cents of a side's own queue.
    pub(crate) fn near(&self, side: Side) -> i64 {
        self.far(side.opposite())
    }

    /// What the feed shows.
    pub(crate) fn snapshot(&self, at: Timestamp) -> Snapshot {
        let touch =
            |cents: i64, size: i64| Some(Touch { price: price(cents)?, size: shares(size) });
        let [bid_size, ask_size] = self.sizes;
        let (bid, ask) = (touch(self.bid, bid_size), touch(self.bid + self.spread, ask_size));
        let shown = !self.is_halted(at);
        Snapshot {
            quote: Some(RawQuote {
                bid: bid.filter(|_| shown),
                ask: ask.filter(|_| shown),
                changed_at: self.changed_at,
                observed_at: at,
            }),
            last_trade: price(self.bid).map(|price| (price, self.changed_at)),
            previous_close: price(self.opened),
        }
    }
}
