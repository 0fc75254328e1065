//! The orders on a floor, found by their number and by their price: an event of the market touches only those that it
//! can mean something to, however many rest far from it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use alchemiser_core::side::Side;
use alchemiser_market::{
    book::{BookQuote, MarketEvent, Phase, Reach},
    matching::Resting,
};

use super::working::{Stage, Working};

/// The place of an order in the order of entry.
pub(super) type Turn = u64;

/// Prices in ticks, each with the turns of the orders that rest there.
type Levels = BTreeSet<(i64, Turn)>;

/// The orders on a floor.
#[derive(Clone, Debug, Default)]
pub(super) struct Pool {
    entered: Turn,
    orders: BTreeMap<Turn, Working>,
    turns: HashMap<usize, Turn>,
    buys: Levels,
    sells: Levels,
    /// Those that wait for a quote, or for the print that sets them off.
    alert: BTreeSet<Turn>,
}

impl Pool {
    /// Takes a new order.
    pub(super) fn enter(&mut self, working: Working) {
        self.entered += 1;
        self.put_back(self.entered, working);
    }

    /// Takes an order out by its number, to be changed.
    pub(super) fn take(&mut self, number: usize) -> Option<(Turn, Working)> {
        let turn = *self.turns.get(&number)?;
        self.take_turn(turn).map(|working| (turn, working))
    }

    /// Takes an order out by its turn, to be changed.
    pub(super) fn take_turn(&mut self, turn: Turn) -> Option<Working> {
        let working = self.orders.remove(&turn)?;
        self.turns.remove(&working.entry.order);
        match &working.stage {
            Stage::Resting(resting) => {
                self.levels(resting).remove(&(resting.ticks(), turn));
            }
            Stage::Waiting | Stage::Armed(_) => {
                self.alert.remove(&turn);
            }
            Stage::Travelling | Stage::Stuck => {}
        }
        Some(working)
    }

    /// Puts an order back where it was, unless it is done.
    pub(super) fn put_back(&mut self, turn: Turn, working: Working) {
        if working.is_done() {
            return;
        }
        match &working.stage {
            Stage::Resting(resting) => {
                self.levels(resting).insert((resting.ticks(), turn));
            }
            Stage::Waiting | Stage::Armed(_) => {
                self.alert.insert(turn);
            }
            Stage::Travelling | Stage::Stuck => {}
        }
        self.turns.insert(working.entry.order, turn);
        self.orders.insert(turn, working);
    }

    fn levels(&mut self, resting: &Resting) -> &mut Levels {
        match resting.side() {
            Side::Buy => &mut self.buys,
            Side::Sell => &mut self.sells,
        }
    }

    /// Those that an event may mean something to, in the order of entry. A quote reaches every order whose price is
    /// not behind the touch; a print every one that it traded at or through. See [`Resting::observe`].
    pub(super) fn touched_by(&self, event: &MarketEvent) -> Vec<Turn> {
        let (buys_from, sells_to) = match *event {
            MarketEvent::Print { reach: Reach::Elsewhere, .. } => return Vec::new(),
            MarketEvent::Print { price, .. } => (price, price),
            // Only who waits for the end of the halt looks at it.
            MarketEvent::Quote(BookQuote { phase: Phase::Halted, .. }) => (i64::MAX, i64::MIN),
            MarketEvent::Quote(quote) => (quote.bid.min(quote.ask), quote.bid.max(quote.ask)),
        };
        let buys = self.buys.range((buys_from, 0)..).map(|(_, turn)| *turn);
        let sells = self.sells.range(..=(sells_to, Turn::MAX)).map(|(_, turn)| *turn);
        let mut touched: Vec<Turn> = self.alert.iter().copied().chain(buys).chain(sells).collect();
        touched.sort_unstable();
        touched
    }

    /// The resting orders of a side whose prices lie between two, both included.
    pub(super) fn resting(
        &self,
        side: Side,
        (from, to): (i64, i64),
    ) -> impl Iterator<Item = &Resting> {
        let levels = match side {
            Side::Buy => &self.buys,
            Side::Sell => &self.sells,
        };
        levels.range((from, 0)..=(to.max(from), Turn::MAX)).filter_map(|(_, turn)| {
            match self.orders.get(turn)?.stage {
                Stage::Resting(ref resting) => Some(resting),
                Stage::Travelling | Stage::Waiting | Stage::Armed(_) | Stage::Stuck => None,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use alchemiser_core::{ids::Symbol, money::Money, quantity::Quantity};
    use alchemiser_market::{
        chance::Chance,
        listing::{Listing, sample},
        session::SessionTime,
    };

    use super::*;
    use crate::{
        floor::Entry,
        request::{Kind, Size, TimeInForce},
    };

    const PRICES: (u64, u64) = (2_000, 2_012);

    fn ticks(chance: &mut Chance) -> i64 {
        i64::try_from(chance.between(PRICES.0, PRICES.1)).unwrap()
    }

    fn resting(listing: &Listing, number: usize, chance: &mut Chance) -> Working {
        let side = if chance.between(0, 1) == 0 { Side::Buy } else { Side::Sell };
        let quantity = Quantity::new(chance.between(1, 300).into()).unwrap();
        let limit = listing.price_of(ticks(chance));
        let entry = Entry {
            order: number,
            side,
            size: Size::Shares(quantity),
            kind: Kind::Limit(limit),
            time_in_force: TimeInForce::Day,
            fills_most: None,
        };
        let stage = Stage::Resting(Resting::new(listing, side, quantity, limit));
        Working { entry, quantity: Some(quantity), filled: Quantity::ZERO, stage }
    }

    /// Quotes of either width, locked, crossed, one-sided and halted ones; prints at, through and off the touch.
    fn event(chance: &mut Chance) -> MarketEvent {
        let at = SessionTime::START;
        let (price, other, size) = (ticks(chance), ticks(chance), chance.between(0, 200));
        let aggressor = if chance.between(0, 1) == 0 { Side::Buy } else { Side::Sell };
        match chance.between(0, 7) {
            0 => MarketEvent::Print { at, price, size, aggressor, reach: Reach::Elsewhere },
            1..4 => MarketEvent::Print { at, price, size, aggressor, reach: Reach::Touch },
            kind => {
                let phase = if kind == 4 { Phase::Halted } else { Phase::Trading };
                let (bid, bid_size) = if kind == 5 { (0, 0) } else { (price, size) };
                MarketEvent::Quote(BookQuote {
                    at,
                    bid,
                    bid_size,
                    ask: other,
                    ask_size: 100,
                    phase,
                })
            }
        }
    }

    /// Whoever is not touched by an event would not have changed by it, nor traded.
    #[test]
    fn an_event_means_nothing_to_orders_that_it_does_not_touch() {
        let listing = sample(1, &Symbol::new("SPY").unwrap(), Money::new(10_000.into()));
        let (mut touched_ones, mut spared) = (0, 0);
        for seed in 0..300 {
            let mut chance = Chance::of(seed, "pool", "SPY");
            let mut pool = Pool::default();
            (0..40).for_each(|number| pool.enter(resting(&listing, number, &mut chance)));
            for _ in 0..20 {
                let event = event(&mut chance);
                let touched = pool.touched_by(&event);
                assert!(touched.is_sorted(), "{touched:?}");
                for (turn, working) in &pool.orders {
                    let Stage::Resting(before) = &working.stage else { continue };
                    let mut after = before.clone();
                    let execution = after.observe(&event);
                    let changed = format!("{before:?}") != format!("{after:?}");
                    let is_touched = touched.contains(turn);
                    assert!(
                        is_touched || !(changed || execution.is_some()),
                        "seed {seed}: {event:?} changes {before:?}, which it does not touch"
                    );
                    *(if is_touched { &mut touched_ones } else { &mut spared }) += 1;
                }
            }
        }
        assert!(
            spared > touched_ones,
            "{spared} orders of {} were left alone",
            spared + touched_ones
        );
    }

    #[test]
    fn an_order_that_is_done_is_forgotten_wherever_it_stood() {
        let listing = sample(1, &Symbol::new("SPY").unwrap(), Money::new(10_000.into()));
        let mut chance = Chance::of(1, "pool", "done");
        let mut pool = Pool::default();
        (0..20).for_each(|number| pool.enter(resting(&listing, number, &mut chance)));
        for number in 0..20 {
            let (turn, mut working) = pool.take(number).unwrap();
            working.end();
            pool.put_back(turn, working);
        }
        assert!(pool.orders.is_empty() && pool.turns.is_empty());
        assert!(pool.buys.is_empty() && pool.sells.is_empty() && pool.alert.is_empty());
    }
}
