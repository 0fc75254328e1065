//! What a floor shows to the outside.

use std::cmp::Ordering;

use alchemiser_core::{price::Price, side::Side};
use alchemiser_market::book::{BookQuote, Phase};
use jiff::Timestamp;

use super::{Floor, Shown};

impl Floor {
    /// Keeps what is shown from now on, or no longer.
    pub fn watch(&mut self, wanted: Option<()>) {
        self.watched = wanted.map(|()| self.watched.take().unwrap_or_default());
    }

    /// What was shown since the last time.
    pub fn take_shown(&mut self) -> impl Iterator<Item = Shown> + '_ {
        self.watched.iter_mut().flat_map(|shown| shown.drain(..))
    }

    pub(super) fn show(&mut self, shown: Shown) {
        if let Some(watched) = &mut self.watched {
            watched.push_back(shown);
        }
    }

    /// The quote with our own displayed round lots in it.
    pub fn shown(&self, at: Timestamp) -> BookQuote {
        self.shown_on(self.feed.quote(), at)
    }

    pub(super) fn shown_on(&self, market: BookQuote, at: Timestamp) -> BookQuote {
        let (bid, ask) = ((market.bid, market.bid_size), (market.ask, market.ask_size));
        if market.phase == Phase::Halted || self.is_halted(at) || bid.1 == 0 || ask.1 == 0 {
            return market;
        }
        // What waits for the far touch to come back is not shown: a quote is never locked.
        let (below_ask, above_bid) = (ask.0.saturating_sub(1), bid.0.saturating_add(1));
        let bid = self.with_ours(Side::Buy, bid, (bid.0, below_ask.max(bid.0)));
        let ask = self.with_ours(Side::Sell, ask, (above_bid.min(ask.0), ask.0));
        BookQuote { bid: bid.0, bid_size: bid.1, ask: ask.0, ask_size: ask.1, ..market }
    }

    /// A touch (ticks, shares) with what we display at it or better, between two prices.
    fn with_ours(&self, side: Side, touch: (i64, u64), between: (i64, i64)) -> (i64, u64) {
        self.pool.resting(side, between).fold(touch, |(best, size), resting| {
            let lots = resting.leaves().round_lots(self.listing.round_lot).shares();
            let lots = u64::try_from(lots).unwrap_or(0);
            let ticks = resting.ticks();
            let inward = match side {
                Side::Buy => ticks.cmp(&best),
                Side::Sell => best.cmp(&ticks),
            };
            match inward {
                Ordering::Greater if lots > 0 => (ticks, lots),
                Ordering::Equal => (best, size + lots),
                Ordering::Greater | Ordering::Less => (best, size),
            }
        })
    }

    /// The price at which a position is valued: the best bid of the market, or the last close where there is none.
    pub fn mark(&self) -> Price {
        let quote = self.feed.quote();
        if quote.bid_size == 0 || quote.bid <= 0 {
            return self
                .last_print
                .map_or(self.listing.previous_close, |print| self.listing.price_of(print.ticks));
        }
        self.listing.price_of(quote.bid)
    }

    /// The price that a market order of a side is reckoned at.
    pub fn far(&self, side: Side) -> Price {
        let quote = self.feed.quote();
        let (far, shares) = match side {
            Side::Buy => (quote.ask, quote.ask_size),
            Side::Sell => (quote.bid, quote.bid_size),
        };
        if shares == 0 || far <= 0 { self.mark() } else { self.listing.price_of(far) }
    }
}
