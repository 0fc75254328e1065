//! What a floor shows to the outside.

use alchemiser_core::{price::Price, side::Side};
use alchemiser_market::book::{BookQuote, Phase};
use jiff::Timestamp;

use super::{Floor, Shown, working::Stage};

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
        let (mut bid, mut ask) = ((market.bid, market.bid_size), (market.ask, market.ask_size));
        if market.phase == Phase::Halted || self.is_halted(at) || bid.1 == 0 || ask.1 == 0 {
            return market;
        }
        for working in &self.working {
            let Stage::Resting(resting) = &working.stage else { continue };
            let lots = resting.leaves().round_lots(self.listing.round_lot).shares();
            let lots = u64::try_from(lots).unwrap_or(0);
            let ticks = resting.ticks();
            let (touch, sign) = match resting.side() {
                Side::Buy => (&mut bid, 1),
                Side::Sell => (&mut ask, -1),
            };
            // What waits for the far touch to come back is not shown: a quote is never locked.
            let inside = ticks > market.bid && ticks < market.ask;
            if lots == 0 || !(inside || ticks == touch.0) {
                continue;
            }
            if ticks == touch.0 {
                touch.1 += lots;
            } else if (ticks - touch.0) * sign > 0 {
                *touch = (ticks, lots);
            }
        }
        BookQuote { bid: bid.0, bid_size: bid.1, ask: ask.0, ask_size: ask.1, ..market }
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
