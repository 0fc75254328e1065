//! The background market of one symbol: best bid and ask queues that are born, grow, shrink and die.
//!
//! Orders join and leave the two queues, and trades hit them, at rates that hold them in balance. A queue that falls
//! below a round lot is used up: its price moves away by some ticks, the spread opens, and soon one side closes the
//! gap, likelier the side that pushes. So the thinner queue tends to go first, which is why the imbalance of the sizes
//! predicts the next move. Nothing here depends on our orders: the whole course is a function of the seed, the listing
//! and the time, however it is stepped through.

use alchemiser_core::side::Side;
use rust_decimal::prelude::ToPrimitive;

use crate::{
    chance::{Chance, float, nearest},
    listing::{Habits, Listing},
    session::SessionTime,
};

/// The lowest bid in ticks; a queue below it does not fall further.
const BID_TICKS_MIN: i64 = 5;
/// Of all gaps that open, the part that ends in a move rather than in a return; measured, used to set the pace.
const MOVES_PER_GAP: f64 = 0.6;
/// How strongly the last used-up queue and the imbalance lean the choice of the side that closes a gap.
const LEAN: f64 = 0.25;
/// A queue holds at most so many times its usual size.
const QUEUE_MAX: f64 = 3.0;
/// Usual size of a fresh queue for one share of the usual size over time: queues grow as they live; measured.
const FRESH: f64 = 0.75;
/// Trades take at most this part of what leaves a queue; cancels take the rest.
const TRADED_MAX: f64 = 0.6;
/// Squared queue length (in usual changes) for one second's changes between two used-up queues; measured.
const QUEUE_LENGTH: f64 = 1.3;

/// The displayed best bid and ask. Prices in ticks of the listing's grid, sizes in shares (whole round lots).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BookQuote {
    /// Since when it stands.
    pub at: SessionTime,
    /// The best bid, in ticks.
    pub bid: i64,
    /// Shares shown at the bid.
    pub bid_size: u64,
    /// The best ask, in ticks.
    pub ask: i64,
    /// Shares shown at the ask.
    pub ask_size: u64,
}

/// What the background market does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarketEvent {
    /// The displayed quote changed.
    Quote(BookQuote),
    /// A trade was printed, before the quote that it leaves behind.
    Print {
        /// When.
        at: SessionTime,
        /// The price, in ticks.
        price: i64,
        /// Shares.
        size: u64,
        /// The side that crossed the spread.
        aggressor: Side,
    },
}

/// The rates of one book; all per second and per side unless said otherwise.
#[derive(Clone, Copy, Debug)]
struct Pace {
    /// Usual size of a queue that has just become the best one, in shares.
    fresh: f64,
    /// Usual size of one order or cancel, in shares.
    change: f64,
    /// Usual size of one trade, in shares.
    trade_size: f64,
    add: f64,
    cancel: f64,
    trade: f64,
    /// Rate at which a gap closes, for each tick of spread above one; both sides together.
    close: f64,
    /// Mean ticks of one price step.
    step: f64,
    /// Shares beyond which a queue grows no more.
    most: u64,
}

#[derive(Clone, Copy, Debug)]
struct Queue {
    ticks: i64,
    shares: u64,
}

/// The background book of one symbol.
#[derive(Clone, Debug)]
pub struct Book {
    chance: Chance,
    pace: Pace,
    lot: u64,
    bid: Queue,
    ask: Queue,
    /// The queue that was used up last.
    fell: Side,
    /// Seconds at which the next event happens.
    next_s: f64,
    shown: BookQuote,
}

impl Book {
    /// The book of a listing at its time zero.
    pub fn new(seed: u64, listing: &Listing) -> Self {
        let lot = listing.round_lot.shares().to_u64().unwrap_or(1).max(1);
        let habits = listing.regime.habits();
        let middle = listing.ticks_of(listing.price).max(BID_TICKS_MIN + 1);
        let pace = pace(&habits, float(middle.unsigned_abs()), lot);
        let spread = nearest(habits.spread_ticks).max(1).cast_signed();
        let bid = Queue { ticks: (middle - spread / 2).max(BID_TICKS_MIN), shares: lot };
        let ask = Queue { ticks: bid.ticks + spread, shares: lot };
        let mut book = Self {
            chance: Chance::of(seed, "book", listing.symbol.as_str()),
            pace,
            lot,
            bid,
            ask,
            fell: Side::Buy,
            next_s: 0.0,
            shown: BookQuote { at: SessionTime::START, bid: 0, bid_size: 0, ask: 0, ask_size: 0 },
        };
        book.bid.shares = book.fresh();
        book.ask.shares = book.fresh();
        book.shown = book.displayed(SessionTime::START);
        book.wait();
        book
    }

    /// The displayed quote.
    pub fn quote(&self) -> BookQuote {
        self.shown
    }

    /// Goes on to a time, inclusive, and tells every event up to it in order. The events are the same however many
    /// steps it takes.
    pub fn advance(&mut self, to: SessionTime, on_event: &mut impl FnMut(&MarketEvent)) {
        loop {
            let at = SessionTime::from_millis(whole_millis(self.next_s));
            if at > to {
                return;
            }
            if let Some(print) = self.happen(at) {
                on_event(&print);
            }
            let displayed = self.displayed(at);
            if displayed != (BookQuote { at, ..self.shown }) {
                self.shown = displayed;
                on_event(&MarketEvent::Quote(displayed));
            }
            self.wait();
        }
    }

    /// One event of the book; the print, if it was a trade.
    fn happen(&mut self, at: SessionTime) -> Option<MarketEvent> {
        let Pace { add, cancel, trade, change, trade_size, .. } = self.pace;
        let side = if self.chance.unit() < 0.5 { Side::Buy } else { Side::Sell };
        let drawn = self.chance.unit() * self.rate();
        let queues = 2.0 * (add + cancel);
        if drawn < 2.0 * add {
            let shares = self.chance.about(change);
            let most = self.pace.most;
            let queue = self.queue(side);
            queue.shares = (queue.shares + shares).min(most);
        } else if drawn < queues {
            let shares = self.chance.about(change);
            self.take(side, shares);
        } else if drawn < queues + 2.0 * trade {
            let shares = self.chance.about(trade_size).min(self.queue(side).shares);
            let price = self.queue(side).ticks;
            self.take(side, shares);
            return Some(MarketEvent::Print {
                at,
                price,
                size: shares,
                aggressor: side.opposite(),
            });
        } else {
            self.close_gap();
        }
        None
    }

    /// Shares leave a queue; one left with less than a round lot is used up and its price moves away.
    fn take(&mut self, side: Side, gone: u64) {
        let lot = self.lot;
        let queue = self.queue(side);
        queue.shares = queue.shares.saturating_sub(gone);
        if queue.shares >= lot {
            return;
        }
        let step = self.chance.steps(self.pace.step).cast_signed();
        let shares = self.fresh();
        self.fell = side;
        match side {
            Side::Buy if self.bid.ticks - step < BID_TICKS_MIN => self.bid.shares = shares,
            Side::Buy => self.bid = Queue { ticks: self.bid.ticks - step, shares },
            Side::Sell => self.ask = Queue { ticks: self.ask.ticks + step, shares },
        }
    }

    /// A new order inside the spread becomes the best of its side.
    fn close_gap(&mut self) {
        let room = self.ask.ticks - self.bid.ticks - 1;
        let step = self.chance.steps(self.pace.step).cast_signed().min(room);
        let (bid, ask) = (float(self.bid.shares), float(self.ask.shares));
        let pushed = match self.fell {
            Side::Buy => -1.0,
            Side::Sell => 1.0,
        };
        let up = 0.5 + LEAN * (pushed + (bid - ask) / (bid + ask));
        let shares = self.fresh();
        if self.chance.unit() < up {
            self.bid = Queue { ticks: self.bid.ticks + step, shares };
        } else {
            self.ask = Queue { ticks: self.ask.ticks - step, shares };
        }
    }

    fn queue(&mut self, side: Side) -> &mut Queue {
        match side {
            Side::Buy => &mut self.bid,
            Side::Sell => &mut self.ask,
        }
    }

    /// The size of a queue that has just become the best one.
    fn fresh(&mut self) -> u64 {
        self.chance.about(self.pace.fresh).max(self.lot)
    }

    /// All events per second.
    fn rate(&self) -> f64 {
        let room = (self.ask.ticks - self.bid.ticks - 1).unsigned_abs();
        2.0 * (self.pace.add + self.pace.cancel + self.pace.trade) + self.pace.close * float(room)
    }

    fn wait(&mut self) {
        self.next_s += self.chance.waiting() / self.rate();
    }

    fn displayed(&self, at: SessionTime) -> BookQuote {
        let lots = |shares: u64| shares - shares % self.lot;
        BookQuote {
            at,
            bid: self.bid.ticks,
            bid_size: lots(self.bid.shares),
            ask: self.ask.ticks,
            ask_size: lots(self.ask.shares),
        }
    }
}

/// The rates at which a book keeps its habits around a price of so many ticks.
fn pace(habits: &Habits, price_ticks: f64, lot: u64) -> Pace {
    let sd_ticks = habits.sd_bps / 10_000.0 * price_ticks;
    let variance_per_s = sd_ticks * sd_ticks / 60.0;
    let gaps = (variance_per_s / MOVES_PER_GAP).min(habits.moves_per_minute_max / 60.0).max(0.001);
    let step = (variance_per_s / MOVES_PER_GAP / gaps).sqrt().max(1.0);
    let add = habits.updates_per_second / 4.0;
    let length = (QUEUE_LENGTH * add / gaps).sqrt().max(1.0);
    let fresh = (FRESH * habits.touch_shares).max(float(lot));
    let change = fresh / length;
    let trade = habits.trades_per_minute / 120.0;
    let traded = (TRADED_MAX * add / trade).min(1.0);
    Pace {
        fresh,
        change,
        trade_size: change * traded,
        add,
        cancel: add - trade * traded,
        trade,
        close: gaps / (habits.spread_ticks - 1.0),
        step,
        most: nearest(QUEUE_MAX * fresh),
    }
}

/// Whole milliseconds, rounded down.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, as meant"
)]
fn whole_millis(seconds: f64) -> u64 {
    (seconds * 1000.0) as u64
}

#[cfg(test)]
mod tests {
    #![expect(clippy::cast_precision_loss, reason = "statistics")]

    use alchemiser_core::{ids::Symbol, money::Money, price::Price};

    use super::*;
    use crate::listing::{Regime, round_lot, sample};

    const REGIMES: [(Regime, &str); 5] = [
        (Regime::Deep, "14"),
        (Regime::OneTick, "49"),
        (Regime::FewTicks, "157"),
        (Regime::Wide, "300"),
        (Regime::ThinEtf, "50"),
    ];

    fn listing(regime: Regime, price: &str) -> Listing {
        let price = Price::new(price.parse().unwrap()).unwrap();
        let symbol = Symbol::new("TEST").unwrap();
        let round_lot = round_lot(price);
        Listing { price, regime, round_lot, ..sample(1, &symbol, Money::ZERO) }
    }

    /// All events of a book until a time, stepped through in steps of so many milliseconds.
    fn events(book: &mut Book, until_ms: u64, step_ms: u64) -> Vec<MarketEvent> {
        let mut events = Vec::new();
        let mut to = 0;
        while to < until_ms {
            to = (to + step_ms).min(until_ms);
            book.advance(SessionTime::from_millis(to), &mut |event| {
                events.push(*event);
            });
        }
        events
    }

    /// Coarse statistics of a book over some hours.
    #[derive(Debug, Default)]
    struct Statistics {
        spread_ticks: f64,
        touch_shares: f64,
        updates_per_second: f64,
        trades_per_minute: f64,
        mid_changes_per_minute: f64,
        sd_bps: f64,
        /// Mean signed move in ticks toward the heavy side after 10 s, for |imbalance| below .2 and above .6.
        signal: [f64; 2],
    }

    fn statistics(listing: &Listing, minutes: u64) -> Statistics {
        let mut book = Book::new(1, listing);
        let mut counted = Statistics::default();
        let (mut mids, mut seconds) = (Vec::new(), Vec::new());
        for second in 1..=minutes * 60 {
            book.advance(SessionTime::from_millis(second * 1000), &mut |event| match event {
                MarketEvent::Quote(quote) => {
                    counted.updates_per_second += 1.0;
                    mids.push(quote.bid + quote.ask);
                }
                MarketEvent::Print { .. } => counted.trades_per_minute += 1.0,
            });
            seconds.push(book.quote());
        }
        let count = seconds.len() as f64;
        let mid = |quote: &BookQuote| (quote.bid + quote.ask) as f64 / 2.0;
        mids.dedup();
        counted.mid_changes_per_minute = mids.len() as f64 / minutes as f64;
        counted.updates_per_second /= count;
        counted.trades_per_minute /= minutes as f64;
        counted.spread_ticks = seconds.iter().map(|q| (q.ask - q.bid) as f64).sum::<f64>() / count;
        let mut sizes: Vec<u64> = seconds.iter().map(|q| q.bid_size).collect();
        sizes.sort_unstable();
        counted.touch_shares = sizes[sizes.len() / 2] as f64;
        let moves: Vec<f64> = seconds
            .windows(61)
            .step_by(60)
            .map(|w| (mid(&w[60]) / mid(&w[0]) - 1.0) * 1e4)
            .collect();
        counted.sd_bps = (moves.iter().map(|m| m * m).sum::<f64>() / moves.len() as f64).sqrt();
        for (k, range) in [0.0..0.2, 0.6..1.1].into_iter().enumerate() {
            let signed: Vec<f64> = seconds
                .windows(11)
                .filter_map(|w| {
                    let (bid, ask) = (w[0].bid_size as f64, w[0].ask_size as f64);
                    let heavy = (bid - ask) / (bid + ask);
                    range
                        .contains(&heavy.abs())
                        .then(|| heavy.signum() * (mid(&w[10]) - mid(&w[0])))
                })
                .collect();
            counted.signal[k] = signed.iter().sum::<f64>() / signed.len().max(1) as f64;
        }
        counted
    }

    #[test]
    fn every_regime_behaves_roughly_like_its_real_books() {
        for (regime, price) in REGIMES {
            let found = statistics(&listing(regime, price), 240);
            let habits = regime.habits();
            println!("{regime:?} at {price}: {found:.3?}");
            let near = |found: f64, wanted: f64| found > wanted / 2.0 && found < wanted * 2.0;
            assert!(near(found.spread_ticks, habits.spread_ticks), "{regime:?} {found:?}");
            assert!(
                near(found.trades_per_minute, habits.trades_per_minute),
                "{regime:?} {found:?}"
            );
            assert!(near(found.sd_bps, habits.sd_bps), "{regime:?} {found:?}");
            assert!(found.signal[1] > 0.0, "{regime:?} {found:?}");
        }
    }

    /// The same course, whatever the steps; and another for another seed.
    #[test]
    fn events_do_not_depend_on_the_step() {
        for (regime, price) in REGIMES {
            let listing = listing(regime, price);
            let whole = events(&mut Book::new(5, &listing), 300_000, 300_000);
            for step_ms in [1, 37, 1000] {
                assert_eq!(
                    events(&mut Book::new(5, &listing), 300_000, step_ms),
                    whole,
                    "{step_ms} ms"
                );
            }
            assert_ne!(events(&mut Book::new(6, &listing), 300_000, 300_000), whole);
        }
    }

    #[test]
    fn quotes_are_never_locked_crossed_empty_or_too_low() {
        for (regime, price) in
            REGIMES.into_iter().chain([(Regime::FewTicks, "0.08"), (Regime::Deep, "0.0006")])
        {
            let listing = listing(regime, price);
            let mut at = SessionTime::START;
            for event in events(&mut Book::new(9, &listing), 3_600_000, 60_000) {
                let time = match event {
                    MarketEvent::Quote(quote) => {
                        assert!(quote.bid < quote.ask && quote.bid >= BID_TICKS_MIN, "{quote:?}");
                        assert!(quote.bid_size > 0 && quote.ask_size > 0, "{quote:?}");
                        quote.at
                    }
                    MarketEvent::Print { at, size, .. } => {
                        assert!(size > 0);
                        at
                    }
                };
                assert!(time >= at);
                at = time;
            }
        }
    }
}
