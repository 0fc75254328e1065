//! One resting order of ours against the background market: the conservative fill model.
//!
//! A buy at p (a sell is the mirror image):
//!
//! 1. On arrival with ask ≤ p: the shares shown at the ask fill there, the rest one tick worse, if p allows that.
//! 2. Resting, and a quote comes with ask ≤ p: all of it fills at p.
//! 3. A print below p: at most the printed shares fill at p.
//! 4. A print at p by a seller first uses up the queue ahead of us, then fills us. The queue ahead is what was shown
//!    at p when we joined, never more than is shown there later, and nothing once the best bid has fallen below p.
//!    Inside the spread nobody is ahead.
//!
//! Trades that did not reach the touch meet nobody, and in a halt nothing fills.
//!
//! Less than a share follows the last whole share of its order; an order of less than a share fills as soon as the
//! market touches its price, whatever the queue.

use alchemiser_core::{price::Price, quantity::Quantity, side::Side};
use rust_decimal::Decimal;

use crate::{
    book::{BookQuote, MarketEvent, Phase, Reach},
    listing::Listing,
};

/// A queue ahead that nobody knows yet, because our price is behind the touch.
const UNKNOWN: u64 = u64::MAX;

/// Shares that changed hands at one price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Execution {
    /// The shares.
    pub quantity: Quantity,
    /// The price of each.
    pub price: Price,
}

/// The part of an order that waits at the venue.
#[derive(Clone, Debug)]
pub struct Resting {
    side: Side,
    limit: Price,
    /// The limit in ticks, rounded away from the market.
    ticks: i64,
    leaves: Quantity,
    /// Shares that were there before us.
    ahead: u64,
}

impl Resting {
    /// An order on its way to the venue.
    pub fn new(listing: &Listing, side: Side, quantity: Quantity, limit: Price) -> Self {
        let below = listing.ticks_of(limit);
        let ticks = match side {
            Side::Buy => below,
            Side::Sell if listing.grid().holds(limit) => below,
            Side::Sell => below.saturating_add(1),
        };
        Self { side, limit, ticks, leaves: quantity, ahead: UNKNOWN }
    }

    /// Buy or sell.
    pub fn side(&self) -> Side {
        self.side
    }

    /// The limit.
    pub fn limit(&self) -> Price {
        self.limit
    }

    /// The limit in ticks.
    pub fn ticks(&self) -> i64 {
        self.ticks
    }

    /// Shares not filled yet.
    pub fn leaves(&self) -> Quantity {
        self.leaves
    }

    /// Arrives at the venue: takes what its limit reaches, then joins its queue.
    pub fn arrive(&mut self, listing: &Listing, quote: &BookQuote) -> Vec<Execution> {
        if quote.phase == Phase::Halted {
            return Vec::new();
        }
        let (far, size) = match self.side {
            Side::Buy => (quote.ask, quote.ask_size),
            Side::Sell => (quote.bid, quote.bid_size),
        };
        let worse = far.saturating_add(self.sign());
        let mut executions = Vec::new();
        if self.reaches(far) {
            executions.extend(self.take(size, listing.price_of(far)));
        }
        if self.reaches(worse) {
            executions.extend(self.take(UNKNOWN, listing.price_of(worse)));
        }
        self.queue_up(quote);
        executions
    }

    /// What a market event means for it, once it has arrived.
    pub fn observe(&mut self, event: &MarketEvent) -> Option<Execution> {
        match *event {
            MarketEvent::Quote(BookQuote { phase: Phase::Halted, .. })
            | MarketEvent::Print { reach: Reach::Elsewhere, .. } => None,
            MarketEvent::Quote(quote) => {
                let far = match self.side {
                    Side::Buy => quote.ask,
                    Side::Sell => quote.bid,
                };
                if self.reaches(far) {
                    return self.take(UNKNOWN, self.limit);
                }
                self.queue_up(&quote);
                None
            }
            MarketEvent::Print { price, size, .. } if self.through(price) => {
                self.take(size, self.limit)
            }
            MarketEvent::Print { price, size, aggressor, .. }
                if price == self.ticks && aggressor != self.side =>
            {
                let ahead = if self.leaves < Quantity::ONE { 0 } else { self.ahead };
                self.ahead = self.ahead.saturating_sub(size);
                self.take(size.saturating_sub(ahead), self.limit)
            }
            MarketEvent::Print { .. } => None,
        }
    }

    /// At most `size` shares of it fill; a fraction goes with the last whole share.
    fn take(&mut self, size: u64, price: Price) -> Option<Execution> {
        let shown = Quantity::rounded_down(Decimal::from(size), 0);
        let all = size > 0 && shown >= self.leaves.whole();
        let quantity = if all { self.leaves } else { shown };
        self.leaves = self.leaves.less(quantity);
        (!quantity.is_zero()).then_some(Execution { quantity, price })
    }

    /// Caps the queue ahead by what is shown at our price.
    fn queue_up(&mut self, quote: &BookQuote) {
        let (near, size) = match self.side {
            Side::Buy => (quote.bid, quote.bid_size),
            Side::Sell => (quote.ask, quote.ask_size),
        };
        if near == self.ticks {
            self.ahead = self.ahead.min(size);
        } else if (near - self.ticks) * self.sign() < 0 {
            self.ahead = 0;
        }
    }

    /// Whether its limit allows a trade at a price.
    fn reaches(&self, price: i64) -> bool {
        (self.ticks - price) * self.sign() >= 0
    }

    /// Whether a price is strictly worse than its limit for whoever sold to it (or bought from it).
    fn through(&self, price: i64) -> bool {
        (self.ticks - price) * self.sign() > 0
    }

    fn sign(&self) -> i64 {
        match self.side {
            Side::Buy => 1,
            Side::Sell => -1,
        }
    }
}

#[cfg(test)]
mod tests {
    use alchemiser_core::{ids::Symbol, money::Money};

    use super::*;
    use crate::{
        listing::{Regime, sample},
        session::SessionTime,
    };

    const AT: SessionTime = SessionTime::START;

    /// A quote of `bid size, ask size`.
    fn quote(bid: i64, bid_size: u64, ask: i64, ask_size: u64) -> MarketEvent {
        let phase = Phase::Trading;
        MarketEvent::Quote(BookQuote { at: AT, bid, bid_size, ask, ask_size, phase })
    }

    fn print(size: u64, price: i64, aggressor: Side) -> MarketEvent {
        MarketEvent::Print { at: AT, price, size, aggressor, reach: Reach::Touch }
    }

    /// Runs an order, given as `side shares @ price`, through the events (the first quote is the one it arrives at)
    /// and compares its fills, given as `shares@price …`. The mirror image of every script must fill alike.
    fn check(order: (Side, &str, i64), events: &[MarketEvent], expected: &str) {
        assert_eq!(fills(order, events, 1), expected, "{order:?}");
        let (side, shares, price) = order;
        let mirror: Vec<_> = events.iter().map(mirrored).collect();
        let found = fills((side.opposite(), shares, 2000 - price), &mirror, -1);
        assert_eq!(found, expected, "mirror image of {order:?}");
    }

    fn mirrored(event: &MarketEvent) -> MarketEvent {
        match *event {
            MarketEvent::Quote(q) => MarketEvent::Quote(BookQuote {
                bid: 2000 - q.ask,
                bid_size: q.ask_size,
                ask: 2000 - q.bid,
                ask_size: q.bid_size,
                ..q
            }),
            MarketEvent::Print { at, price, size, aggressor, reach } => {
                let (price, aggressor) = (2000 - price, aggressor.opposite());
                MarketEvent::Print { at, price, size, aggressor, reach }
            }
        }
    }

    fn fills(order: (Side, &str, i64), events: &[MarketEvent], sign: i64) -> String {
        let price = Price::new("10".parse().unwrap()).unwrap();
        let symbol = Symbol::new("TEST").unwrap();
        let listing = Listing { price, regime: Regime::OneTick, ..sample(1, &symbol, Money::ZERO) };
        let (side, shares, limit) = order;
        let shares = Quantity::new(shares.parse().unwrap()).unwrap();
        let mut resting = Resting::new(&listing, side, shares, listing.price_of(limit));
        let MarketEvent::Quote(first) = events[0] else { panic!("a script starts with a quote") };
        let mut executions = resting.arrive(&listing, &first);
        executions.extend(events[1..].iter().filter_map(|event| resting.observe(event)));
        let filled: Quantity = executions.iter().map(|e| e.quantity).sum();
        assert_eq!(filled.plus(resting.leaves()), shares);
        let said = executions.iter().map(|e| {
            let ticks = listing.ticks_of(e.price);
            format!("{}@{}", e.quantity, if sign > 0 { ticks } else { 2000 - ticks })
        });
        said.collect::<Vec<_>>().join(" ")
    }

    use Side::{Buy, Sell};

    #[test]
    fn a_marketable_order_takes_the_touch_and_the_rest_one_tick_worse() {
        check((Buy, "300", 1005), &[quote(1000, 500, 1001, 400)], "300@1001");
        check((Buy, "500", 1005), &[quote(1000, 500, 1001, 400)], "400@1001 100@1002");
        check((Buy, "500.25", 1005), &[quote(1000, 500, 1001, 400)], "400@1001 100.25@1002");
        check((Buy, "400.25", 1005), &[quote(1000, 500, 1001, 400)], "400.25@1001");
    }

    #[test]
    fn what_is_beyond_the_limit_rests_until_the_ask_comes_back() {
        let first = quote(1000, 500, 1001, 400);
        check((Buy, "500", 1001), &[first], "400@1001");
        check((Buy, "500", 1001), &[first, quote(1000, 500, 1001, 300)], "400@1001 100@1001");
    }

    #[test]
    fn an_ask_at_or_below_the_limit_fills_all_at_the_limit() {
        let first = quote(1000, 500, 1002, 400);
        check((Buy, "900.5", 1000), &[first, quote(999, 100, 1000, 100)], "900.5@1000");
        check((Buy, "900", 1001), &[first, quote(998, 100, 999, 100)], "900@1001");
        check((Buy, "900", 1000), &[first, quote(1000, 100, 1001, 100)], "");
    }

    #[test]
    fn a_print_below_the_limit_fills_at_most_its_size() {
        let first = quote(1000, 500, 1002, 400);
        check((Buy, "300", 1001), &[first, print(100, 1000, Sell)], "100@1001");
        check(
            (Buy, "300", 1001),
            &[first, print(100, 1000, Sell), print(250, 1000, Sell)],
            "100@1001 200@1001",
        );
        check((Buy, "300", 1000), &[first, print(100, 1002, Buy)], "");
    }

    #[test]
    fn a_print_at_the_limit_uses_up_the_queue_ahead_first() {
        let first = quote(1000, 500, 1002, 400);
        check((Buy, "300", 1000), &[first, print(500, 1000, Sell)], "");
        check(
            (Buy, "300", 1000),
            &[first, print(450, 1000, Sell), print(80, 1000, Sell)],
            "30@1000",
        );
        check(
            (Buy, "300", 1000),
            &[first, print(600, 1000, Sell), print(900, 1000, Sell)],
            "100@1000 200@1000",
        );
        check((Buy, "300", 1000), &[first, print(600, 1000, Buy)], "");
    }

    #[test]
    fn the_queue_ahead_is_capped_by_what_is_shown_later() {
        let first = quote(1000, 500, 1002, 400);
        let script = [first, quote(1000, 200, 1002, 400), print(250, 1000, Sell)];
        check((Buy, "300", 1000), &script, "50@1000");
        let grown = [first, quote(1000, 900, 1002, 400), print(600, 1000, Sell)];
        check((Buy, "300", 1000), &grown, "100@1000");
    }

    #[test]
    fn nobody_is_ahead_once_the_best_bid_has_fallen_below() {
        let first = quote(1000, 500, 1003, 400);
        let fell = [first, quote(999, 700, 1003, 400), print(100, 1000, Sell)];
        check((Buy, "300", 1000), &fell, "100@1000");
        let came_back =
            [first, quote(999, 700, 1003, 400), quote(1000, 800, 1003, 400), print(60, 1000, Sell)];
        check((Buy, "300", 1000), &came_back, "60@1000");
    }

    #[test]
    fn an_order_behind_the_touch_joins_the_queue_that_it_meets_there() {
        let first = quote(1000, 500, 1002, 400);
        let script = [first, quote(998, 200, 1002, 400), print(250, 998, Sell)];
        check((Buy, "300", 998), &script, "50@998");
        check((Buy, "300", 998), &[first, print(400, 998, Sell)], "");
    }

    #[test]
    fn inside_the_spread_nobody_is_ahead() {
        let first = quote(1000, 500, 1003, 400);
        check((Buy, "300", 1001), &[first, print(120, 1001, Sell)], "120@1001");
    }

    #[test]
    fn a_trade_elsewhere_meets_nobody() {
        let elsewhere = |size, price, aggressor| {
            let reach = Reach::Elsewhere;
            MarketEvent::Print { at: AT, price, size, aggressor, reach }
        };
        let first = quote(1000, 500, 1002, 400);
        check((Buy, "300", 1001), &[first, elsewhere(100, 1000, Sell)], "");
        let script = [first, elsewhere(500, 1000, Sell), print(500, 1000, Sell)];
        check((Buy, "300", 1000), &script, "");
    }

    #[test]
    fn nothing_fills_in_a_halt() {
        let halted = |event| match event {
            MarketEvent::Quote(quote) => {
                MarketEvent::Quote(BookQuote { phase: Phase::Halted, ..quote })
            }
            print @ MarketEvent::Print { .. } => print,
        };
        let first = quote(1000, 500, 1002, 400);
        let stands = halted(first);
        check((Buy, "300", 1002), &[stands], "");
        check((Buy, "300", 1002), &[stands, quote(1000, 500, 1002, 400)], "300@1002");
        check((Buy, "300", 1000), &[first, halted(quote(998, 100, 999, 100))], "");
        let one_sided = halted(quote(1000, 0, 1002, 400));
        let script = [first, one_sided, first, print(550, 1000, Sell)];
        check((Buy, "300", 1000), &script, "50@1000");
    }

    #[test]
    fn less_than_a_share_fills_at_the_first_touch() {
        let first = quote(1000, 500, 1002, 400);
        check((Buy, "0.4", 1002), &[first], "0.4@1002");
        check((Buy, "0.4", 1000), &[first, print(1, 1000, Sell)], "0.4@1000");
        check((Buy, "0.4", 1000), &[first, quote(998, 100, 999, 100)], "0.4@1000");
        check(
            (Buy, "2.4", 1001),
            &[first, print(1, 1000, Sell), print(1, 1000, Sell)],
            "1@1001 1.4@1001",
        );
    }
}
