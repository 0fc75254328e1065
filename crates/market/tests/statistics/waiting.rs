//! "Join the near touch, wait 60 s, then cross", by the exchange's own fill model.

use alchemiser_core::{
    price::{Price, Tick},
    quantity::Quantity,
    side::Side,
};
use alchemiser_market::{
    book::{BookQuote, MarketEvent},
    listing::Listing,
    matching::{Execution, Resting},
};
use rust_decimal::{Decimal, prelude::ToPrimitive};

use crate::course::imbalance;

/// Seconds between two arrivals; each brings a buy and a sell, so that drift cancels.
const EVERY_S: u64 = 20;
/// Seconds of waiting.
const PATIENCE_S: u64 = 60;
/// Dollars of an order.
const NOTIONAL: i64 = 5_000;
/// Seconds of a block; blocks are taken as independent.
const BLOCK_S: u64 = 900;

/// Orders under way, and what those before them cost.
#[derive(Debug)]
pub(crate) struct Waiting {
    listing: Listing,
    quantity: Quantity,
    orders: Vec<Order>,
    bins: [Bin; 10],
}

#[derive(Debug)]
struct Order {
    decided_s: u64,
    /// The decision's mid and half-spread, in dollars.
    mid: f64,
    half_spread: f64,
    bin: usize,
    resting: Resting,
    is_at_venue: bool,
    /// Dollars paid or got so far.
    notional: f64,
}

/// Costs of one bin of pressure, in half-spreads.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bin {
    pub(crate) count: u64,
    sum: f64,
    /// Sum and count of the present block, and of earlier ones the sums of their products.
    block: (u64, f64, f64),
    squares: (f64, f64, f64),
}

impl Bin {
    fn add(&mut self, block: u64, cost: f64) {
        if block != self.block.0 {
            self.close_block();
            self.block = (block, 0.0, 0.0);
        }
        self.count += 1;
        self.sum += cost;
        self.block.1 += cost;
        self.block.2 += 1.0;
    }

    fn close_block(&mut self) {
        let (_, sum, count) = self.block;
        self.squares.0 += sum * sum;
        self.squares.1 += sum * count;
        self.squares.2 += count * count;
    }

    pub(crate) fn mean(&self) -> f64 {
        self.sum / self.count as f64
    }

    /// Of the mean, over blocks.
    pub(crate) fn standard_error(&self) -> f64 {
        let (mean, (sums, products, counts)) = (self.mean(), self.squares);
        let variance = sums - 2.0 * mean * products + mean * mean * counts;
        variance.max(0.0).sqrt() / self.count as f64
    }
}

fn ticks(count: i64) -> Price {
    Price::new(Tick::CENT.times(Decimal::from(count))).unwrap()
}

impl Waiting {
    pub(crate) const LATENCY_MS: u64 = 100;

    pub(crate) fn new(listing: &Listing) -> Self {
        let shares = listing.price.shares_for(alchemiser_core::money::Money::new(NOTIONAL.into()));
        let quantity = Quantity::rounded_down(shares, 0);
        Self { listing: listing.clone(), quantity, orders: vec![], bins: Default::default() }
    }

    /// Two orders set out where an arrival is due.
    pub(crate) fn decide(&mut self, now_s: u64, quote: &BookQuote) {
        if !now_s.is_multiple_of(EVERY_S) {
            return;
        }
        let (bid, ask) = (quote.bid as f64 / 100.0, quote.ask as f64 / 100.0);
        for (side, near, sign) in [(Side::Buy, quote.bid, 1.0), (Side::Sell, quote.ask, -1.0)] {
            let pressure = sign * imbalance(quote);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a bin")]
            let bin = (((pressure + 1.0) * 5.0) as usize).min(9);
            self.orders.push(Order {
                decided_s: now_s,
                mid: f64::midpoint(bid, ask),
                half_spread: (ask - bid) / 2.0,
                bin,
                resting: Resting::new(&self.listing, side, self.quantity, ticks(near)),
                is_at_venue: false,
                notional: 0.0,
            });
        }
    }

    /// What was decided one latency ago takes effect: orders arrive, and those that have waited enough cross.
    pub(crate) fn act(&mut self, now_s: u64, quote: &BookQuote) {
        for order in &mut self.orders {
            if !order.is_at_venue {
                order.is_at_venue = true;
                let executions = order.resting.arrive(&self.listing, quote);
                for execution in &executions {
                    order.pay(execution);
                }
            }
        }
        let shares = self.quantity.shares().to_f64().unwrap();
        let (listing, bins) = (&self.listing, &mut self.bins);
        self.orders.retain_mut(|order| {
            let is_over = now_s >= order.decided_s + PATIENCE_S;
            if is_over {
                order.cross(listing, quote);
                let price = order.notional / shares;
                let paid = match order.resting.side() {
                    Side::Buy => price - order.mid,
                    Side::Sell => order.mid - price,
                };
                bins[order.bin].add(order.decided_s / BLOCK_S, paid / order.half_spread);
            }
            !is_over
        });
    }

    /// The market meets the orders at the venue.
    pub(crate) fn observe(&mut self, event: &MarketEvent) {
        for order in self.orders.iter_mut().filter(|order| order.is_at_venue) {
            if !order.resting.leaves().is_zero()
                && let Some(execution) = order.resting.observe(event)
            {
                order.pay(&execution);
            }
        }
    }

    /// Costs by pressure.
    pub(crate) fn bins(&self) -> [Bin; 10] {
        let mut bins = self.bins.clone();
        bins.iter_mut().for_each(Bin::close_block);
        bins
    }
}

impl Order {
    fn pay(&mut self, execution: &Execution) {
        self.notional += execution.price.times(execution.quantity).amount().to_f64().unwrap();
    }

    /// What is left of it takes the far touch, and then one tick worse.
    fn cross(&mut self, listing: &Listing, quote: &BookQuote) {
        let worst = match self.resting.side() {
            Side::Buy => quote.ask + 1,
            Side::Sell => quote.bid - 1,
        };
        let (side, leaves) = (self.resting.side(), self.resting.leaves());
        let mut crossing = Resting::new(listing, side, leaves, ticks(worst));
        for execution in &crossing.arrive(listing, quote) {
            self.pay(execution);
        }
    }
}
