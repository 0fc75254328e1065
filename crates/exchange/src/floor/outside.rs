//! What comes to a floor from outside the market: fills by decree, told quotes and trades, halts.

use alchemiser_core::{price::Price, quantity::Quantity, side::Side};
use alchemiser_market::{
    book::{BookQuote, MarketEvent, Phase},
    matching::{Execution, Resting},
    session::SessionTime,
};
use jiff::Timestamp;

use super::{
    Act, Floor, Occurrence, What,
    working::{Stage, Working, limit_of, sized},
};
use crate::feed::Feed;

impl Floor {
    /// Shares of an order trade at once, whatever the market: how many did.
    pub fn overtake(
        &mut self,
        order: usize,
        most: Quantity,
        price: Option<Price>,
        at: Timestamp,
    ) -> Vec<Occurrence> {
        let before = self.shown(at);
        let Some((turn, mut working)) = self.pool.take(order) else { return Vec::new() };
        let far = match working.entry.side {
            Side::Buy => self.feed.quote().ask,
            Side::Sell => self.feed.quote().bid,
        };
        let price =
            price.or(working.entry.kind.limit()).unwrap_or_else(|| self.listing.price_of(far));
        let sized = working
            .quantity
            .unwrap_or_else(|| sized(&working.entry, limit_of(&working.entry), price));
        if matches!(working.stage, Stage::Travelling) {
            self.happened.push(Occurrence { at, order, what: What::Arrived });
        }
        if working.quantity.is_none() {
            self.happened.push(Occurrence { at, order, what: What::Sized(sized) });
        }
        working.quantity = Some(sized);
        let quantity = most.min(sized.less(working.filled));
        if !quantity.is_zero() {
            self.fill(&mut working, Execution { quantity, price }, at);
        }
        if !working.is_done() {
            // What is left goes on as before, with less of it.
            self.rest_again(&mut working);
        }
        self.pool.put_back(turn, working);
        self.changed(before, at);
        std::mem::take(&mut self.happened)
    }

    fn rest_again(&self, working: &mut Working) {
        let Working { entry, quantity, filled, stage } = working;
        if !matches!(stage, Stage::Resting(_) | Stage::Travelling) {
            return;
        }
        // Without a limit of its own it must not wait at a price.
        *stage = entry.kind.limit().map_or(Stage::Waiting, |limit| {
            let left = quantity.unwrap_or_default().less(*filled);
            Stage::Resting(Resting::new(&self.listing, entry.side, left, limit))
        });
    }

    /// Somebody says what the market shows; from now on nothing else does. What happened to our orders.
    pub fn quote_is(&mut self, quote: BookQuote, at: Timestamp) -> Vec<Occurrence> {
        let mut stood = self.feed.quote();
        self.feed = Feed::Script { shown: quote };
        self.meet(&MarketEvent::Quote(quote), &mut stood, at);
        std::mem::take(&mut self.happened)
    }

    /// Somebody prints a trade. What happened to our orders.
    pub fn trade_is(&mut self, price: Price, size: u64, at: Timestamp) -> Vec<Occurrence> {
        let mut stood = self.feed.quote();
        let ticks = self.listing.ticks_of(price);
        let event = crate::feed::print_at(&stood, SessionTime::START, ticks, size);
        self.meet(&event, &mut stood, at);
        std::mem::take(&mut self.happened)
    }

    /// Nothing trades until a time.
    pub fn halt(&mut self, until: Timestamp) {
        self.halted_until = Some(until);
        self.set(until, Act::Resume);
    }

    /// Whether nothing trades.
    pub fn is_halted(&self, at: Timestamp) -> bool {
        self.halted_until.is_some_and(|until| at < until) || self.feed_is_halted()
    }

    fn feed_is_halted(&self) -> bool {
        self.feed.quote().phase == Phase::Halted
    }
}
