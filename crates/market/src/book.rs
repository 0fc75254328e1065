//! The background market of one symbol: best bid and ask queues that are born, grow, shrink and die.
//!
//! Orders join and leave the two queues, and trades hit them. A queue that falls below a round lot is used up: either
//! hidden shares fill it again, or its price moves away by some ticks, the spread opens, and soon one side closes the
//! gap. So the thinner queue tends to go first, which is why the imbalance of the sizes predicts the next move. From
//! time to time somebody works a large order on one side, which is shown there and pushes the price for a while. The
//! rates are in `pace`, what disturbs this course in [`unrest`](crate::unrest). Nothing here depends on our orders:
//! the whole course is a function of the seed, the listing and the time, however it is stepped through.

use alchemiser_core::side::Side;
use rust_decimal::prelude::ToPrimitive;

use crate::{
    chance::{Chance, float, nearest},
    listing::Listing,
    pace::{Pace, Size},
    session::SessionTime,
    unrest::{Schedule, Shock},
};

/// The lowest bid in ticks; a queue below it does not fall further.
const BID_TICKS_MIN: i64 = 5;
/// An order joins or leaves a queue with at least this chance, however long the queue is.
const JOIN_MIN: f64 = 0.05;
/// Mean size of a jump, as a part of the price.
const JUMP: f64 = 0.01;
/// Mean size of the move over a halt, as a part of the price.
const RESUMPTION: f64 = 0.02;
/// A jump and a resumption leave a gap of about so many times the usual one.
const SHOCK_GAP: f64 = 3.0;

/// Whether there is trading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// As usual.
    Trading,
    /// A halt: the quote stands still or has only one side, and nothing trades.
    Halted,
}

/// The displayed best bid and ask. Prices in ticks of the listing's grid, sizes in shares (whole round lots; zero for
/// a side that is missing in a halt).
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
    /// Whether it may be traded on.
    pub phase: Phase,
}

/// Where a trade was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// At the touch: it took displayed shares.
    Touch,
    /// Off the exchange or with hidden shares: printed, but no resting order met it.
    Elsewhere,
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
        /// Whether it reached the touch.
        reach: Reach,
    },
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
    /// The side on which a large order is being worked.
    worked: Option<Side>,
    /// Seconds at which the next event of the usual course happens.
    next_s: f64,
    schedule: Schedule,
    shown: BookQuote,
}

impl Book {
    /// The book of a listing at its time zero.
    pub fn new(seed: u64, listing: &Listing) -> Self {
        let lot = listing.round_lot.shares().to_u64().unwrap_or(1).max(1);
        let middle = listing.ticks_of(listing.price).max(BID_TICKS_MIN + 1);
        let pace = Pace::of(listing.regime, float(middle.unsigned_abs()), float(lot));
        let name = listing.symbol.as_str();
        let schedule = Schedule::new(seed, name, listing.unrest);
        let gap = (listing.regime.habits().spread_ticks - 1.0) * schedule.widening(0.0);
        let spread = 1 + nearest(gap).cast_signed();
        let bid = Queue { ticks: (middle - spread / 2).max(BID_TICKS_MIN), shares: lot };
        let ask = Queue { ticks: bid.ticks + spread, shares: lot };
        let at = SessionTime::START;
        let phase = Phase::Trading;
        let shown = BookQuote { at, bid: 0, bid_size: 0, ask: 0, ask_size: 0, phase };
        let mut book = Self {
            chance: Chance::of(seed, "book", name),
            pace,
            lot,
            bid,
            ask,
            fell: Side::Buy,
            worked: None,
            next_s: 0.0,
            schedule,
            shown,
        };
        book.renew(Side::Buy, 0, pace.queue.usual);
        book.renew(Side::Sell, 0, pace.queue.usual);
        book.shown = book.displayed(at);
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
            let (shock_s, shock) = self.schedule.next();
            let at = SessionTime::from_millis(whole_millis(shock_s.min(self.next_s)));
            if at > to {
                return;
            }
            let displayed = if shock_s < self.next_s {
                self.disturb(shock, at)
            } else {
                if let Some(print) = self.happen(at) {
                    on_event(&print);
                }
                self.wait();
                self.displayed(at)
            };
            if displayed != (BookQuote { at, ..self.shown }) {
                self.shown = displayed;
                on_event(&MarketEvent::Quote(displayed));
            }
        }
    }

    /// One event of the usual course; the print, if it was a trade.
    fn happen(&mut self, at: SessionTime) -> Option<MarketEvent> {
        let Pace { orders, trades, .. } = self.pace;
        let drawn = self.chance.unit() * self.rate();
        let traded = 2.0 * (orders.rate + trades.rate);
        if drawn < orders.rate {
            self.order(Side::Buy);
        } else if drawn < 2.0 * orders.rate {
            self.order(Side::Sell);
        } else if drawn < traded {
            return Some(self.trade(at));
        } else if drawn < traded + self.closing() {
            self.close_gap();
        } else {
            self.worked = match self.worked {
                Some(_) => None,
                None if self.chance.unit() < 0.5 => Some(Side::Buy),
                None => Some(Side::Sell),
            };
        }
        None
    }

    /// An order joins a queue or leaves it: rather joins a short one, rather leaves a long one.
    fn order(&mut self, side: Side) {
        let Pace { queue: sizes, orders, worked, .. } = self.pace;
        let is_worked = self.worked == Some(side);
        let (usual, push) =
            if is_worked { (sizes.usual * worked.times, worked.join) } else { (sizes.usual, 0.0) };
        let length = float(self.queue(side).shares) / usual;
        let join = 0.5 + orders.pull * (1.0 - length) + push;
        let shares = self.drawn(orders.size, orders.large);
        if self.chance.unit() >= join.clamp(JOIN_MIN, 1.0 - JOIN_MIN) {
            self.take(side, shares);
            return;
        }
        let most = nearest(sizes.most * usual);
        let queue = self.queue(side);
        if queue.shares < most {
            queue.shares = (queue.shares + shares).min(most);
        }
    }

    /// A trade: elsewhere, with displayed shares of either side, or, where the book leans strongly, in a rush for the
    /// thin side.
    fn trade(&mut self, at: SessionTime) -> MarketEvent {
        let trades = self.pace.trades;
        let heavy = self.imbalance();
        let fourth = heavy * heavy * heavy * heavy;
        let rush = trades.rush * fourth * fourth;
        let reaching = self.chance.unit();
        let either = if self.chance.unit() < 0.5 { Side::Buy } else { Side::Sell };
        let thin = if heavy < 0.0 { Side::Buy } else { Side::Sell };
        let (side, reach) = if reaching < trades.reach {
            (either, Reach::Touch)
        } else if reaching < trades.reach + rush {
            (thin, Reach::Touch)
        } else {
            (either, Reach::Elsewhere)
        };
        let drawn = self.chance.about(trades.size);
        let Queue { ticks: price, shares } = *self.queue(side);
        let printed = match reach {
            Reach::Touch => drawn.min(shares),
            Reach::Elsewhere => drawn,
        };
        if reach == Reach::Touch {
            self.take(side, printed);
        }
        MarketEvent::Print { at, price, size: printed, aggressor: side.opposite(), reach }
    }

    /// Shares leave a queue; one left with less than a round lot is used up: hidden shares fill it again, or its
    /// price moves away.
    fn take(&mut self, side: Side, gone: u64) {
        let lot = self.lot;
        let queue = self.queue(side);
        queue.shares = queue.shares.saturating_sub(gone);
        if queue.shares >= lot {
            return;
        }
        let Pace { queue: sizes, moves, .. } = self.pace;
        let held = self.worked == Some(side);
        let refill = if held { moves.refill + self.pace.worked.push } else { moves.refill };
        if self.chance.unit() < refill {
            self.renew(side, 0, sizes.joined);
            return;
        }
        let step = self.chance.steps(moves.step).cast_signed();
        self.fell = side;
        match side {
            Side::Buy if self.bid.ticks - step < BID_TICKS_MIN => self.renew(side, 0, sizes.behind),
            Side::Buy => self.renew(side, -step, sizes.behind),
            Side::Sell => self.renew(side, step, sizes.behind),
        }
    }

    /// A new order inside the spread becomes the best of its side.
    fn close_gap(&mut self) {
        let Pace { queue: sizes, moves, worked, .. } = self.pace;
        let room = self.ask.ticks - self.bid.ticks - 1;
        let step = self.chance.steps(moves.step).cast_signed().min(room);
        let sign = |side: Side| match side {
            Side::Buy => 1.0,
            Side::Sell => -1.0,
        };
        let pushed = -sign(self.fell) * moves.lean_fell + moves.lean_imbalance * self.imbalance();
        let up = 0.5 + pushed + self.worked.map_or(0.0, sign) * worked.push;
        if self.chance.unit() < up {
            self.renew(Side::Buy, step, sizes.joined);
        } else {
            self.renew(Side::Sell, -step, sizes.joined);
        }
    }

    /// A fresh queue of about so many shares is the best of its side, so many ticks from the old one.
    fn renew(&mut self, side: Side, step: i64, mean: f64) {
        let times = if self.worked == Some(side) { self.pace.worked.times } else { 1.0 };
        let shares = self.drawn(mean * times, self.pace.queue.large).max(self.lot);
        let queue = self.queue(side);
        *queue = Queue { ticks: queue.ticks + step, shares };
    }

    /// A disturbance of the usual course; what is displayed after it.
    fn disturb(&mut self, shock: Shock, at: SessionTime) -> BookQuote {
        self.next_s += self.schedule.pass();
        match shock {
            Shock::Jump => self.shift(JUMP),
            Shock::Resumption => self.shift(RESUMPTION),
            Shock::Halt => {
                let mut halted = BookQuote { at, phase: Phase::Halted, ..self.shown };
                match self.schedule.chance().between(0, 3) {
                    0 => halted.bid_size = 0,
                    1 => halted.ask_size = 0,
                    _ => {}
                }
                return halted;
            }
        }
        self.displayed(at)
    }

    /// The price jumps by about this part of it, either way, and the spread opens.
    fn shift(&mut self, part: f64) {
        let spread = self.ask.ticks - self.bid.ticks;
        let chance = self.schedule.chance();
        let ticks = chance.about(part * float(self.bid.ticks.unsigned_abs())).cast_signed();
        let by = if chance.unit() < 0.5 { ticks } else { -ticks };
        let gap = chance.about(SHOCK_GAP * float(spread.unsigned_abs())).cast_signed();
        let bid = (self.bid.ticks + by).max(BID_TICKS_MIN);
        self.bid = Queue { ticks: bid, shares: self.lot };
        self.ask = Queue { ticks: bid + gap.max(spread), shares: self.lot };
    }

    fn queue(&mut self, side: Side) -> &mut Queue {
        match side {
            Side::Buy => &mut self.bid,
            Side::Sell => &mut self.ask,
        }
    }

    /// A size around its mean, sometimes a large one.
    fn drawn(&mut self, mean: f64, large: Size) -> u64 {
        let is_large = self.chance.unit() < large.part;
        self.chance.about(if is_large { mean * large.times } else { mean })
    }

    /// (bid − ask) / (bid + ask) of the sizes.
    fn imbalance(&self) -> f64 {
        let (bid, ask) = (float(self.bid.shares), float(self.ask.shares));
        (bid - ask) / (bid + ask)
    }

    /// The rate at which the present gap closes.
    fn closing(&self) -> f64 {
        let room = (self.ask.ticks - self.bid.ticks - 1).unsigned_abs();
        let held_back = if self.worked.is_some() { self.pace.worked.close } else { 1.0 };
        self.pace.moves.close * held_back * float(room) / self.schedule.widening(self.next_s)
    }

    /// All events per second.
    fn rate(&self) -> f64 {
        let Pace { orders, trades, worked, .. } = self.pace;
        let large = if self.worked.is_some() { worked.ends } else { worked.begins };
        2.0 * (orders.rate + trades.rate) + self.closing() + large
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
            phase: Phase::Trading,
        }
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
    use alchemiser_core::{ids::Symbol, money::Money, price::Price};

    use super::*;
    use crate::{
        listing::{Regime, round_lot, sample},
        unrest::Unrest,
    };

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

    /// The same course, whatever the steps; and another for another seed.
    #[test]
    fn events_do_not_depend_on_the_step() {
        for (regime, price) in REGIMES {
            for listing in [listing(regime, price), restless(regime, price)] {
                let course =
                    |seed, step_ms| events(&mut Book::new(seed, &listing), 300_000, step_ms);
                let whole = course(5, 300_000);
                for step_ms in [1, 37, 1000] {
                    assert_eq!(course(5, step_ms), whole, "{step_ms} ms");
                }
                assert_ne!(course(6, 300_000), whole);
            }
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

    /// A listing whose book is often disturbed, besides opening as its regime does.
    fn restless(regime: Regime, price: &str) -> Listing {
        let unrest = regime.habits().unrest;
        let unrest = Unrest { halts_per_year: 5_000, jumps_per_year: 20_000, ..unrest };
        Listing { unrest, ..listing(regime, price) }
    }

    /// Mean spread between two minutes after the open, over some sessions.
    fn spread(listing: &Listing, minutes: std::ops::Range<u64>) -> f64 {
        let mut sum = 0;
        for seed in 0..20 {
            let mut book = Book::new(seed, listing);
            for second in minutes.start * 60..minutes.end * 60 {
                book.advance(SessionTime::from_millis(second * 1000), &mut |_| {});
                sum += (book.quote().ask - book.quote().bid).unsigned_abs();
            }
        }
        float(sum) / 20.0 / float((minutes.end - minutes.start) * 60)
    }

    /// 09:35–09:40 against 15:45–15:54.
    #[test]
    fn spreads_are_wide_after_the_open_except_at_one_tick() {
        for (regime, price) in REGIMES {
            let unrest = regime.habits().unrest;
            let unrest = Unrest { halts_per_year: 0, jumps_per_year: 0, ..unrest };
            let listing = Listing { unrest, ..listing(regime, price) };
            let (early, late) = (spread(&listing, 5..10), spread(&listing, 375..384));
            println!("{regime:?}: {early:.2} ticks after the open, {late:.2} before the close");
            match regime {
                Regime::Deep | Regime::OneTick => assert!(early / late < 1.1, "{regime:?}"),
                Regime::FewTicks | Regime::Wide | Regime::ThinEtf => {
                    assert!((2.7..6.0).contains(&(early / late)), "{regime:?}: {early} {late}");
                }
            }
        }
    }

    #[test]
    fn nothing_happens_in_a_halt_and_it_ends() {
        for (regime, price) in REGIMES {
            let (mut halted_ms, mut shapes) = (None, std::collections::BTreeSet::new());
            let mut lasted = Vec::new();
            let mut book = Book::new(3, &restless(regime, price));
            for event in events(&mut book, 50 * 3_600_000, 3_600_000) {
                match (event, halted_ms) {
                    (MarketEvent::Quote(quote), None) if quote.phase == Phase::Halted => {
                        halted_ms = Some(quote.at.millis());
                        shapes.insert((quote.bid_size > 0, quote.ask_size > 0));
                    }
                    (MarketEvent::Quote(quote), None) => {
                        assert!(quote.bid_size > 0 && quote.ask_size > 0, "{quote:?}");
                    }
                    (MarketEvent::Print { .. }, None) => {}
                    (MarketEvent::Quote(quote), Some(since_ms)) => {
                        assert_eq!(quote.phase, Phase::Trading);
                        lasted.push(quote.at.millis() - since_ms);
                        halted_ms = None;
                    }
                    (MarketEvent::Print { .. }, Some(_)) => panic!("a trade in a halt"),
                }
            }
            assert_eq!(shapes.len(), 3, "it stands still, or either side is missing");
            assert!(lasted.len() > 60, "{}", lasted.len());
            assert!(lasted.iter().all(|ms| (150_000..=450_000).contains(ms)), "{lasted:?}");
        }
    }

    #[test]
    fn prices_jump_as_often_as_asked() {
        for (regime, price) in REGIMES {
            let unrest = Unrest { jumps_per_year: 10_000, ..Unrest::NONE };
            let listing = Listing { unrest, ..listing(regime, price) };
            let mut book = Book::new(4, &listing);
            let (mut before, mut jumps) = (book.quote(), 0);
            // A jump is at least half of a per cent.
            let least = before.bid / 200;
            for event in events(&mut book, 60 * 3_600_000, 3_600_000) {
                let MarketEvent::Quote(quote) = event else { continue };
                jumps += u64::from((quote.bid - before.bid).abs() > least / 2);
                before = quote;
            }
            // 60 hours are 366 of the year's 10,000.
            assert!((300..440).contains(&jumps), "{regime:?}: {jumps}");
        }
    }

    /// Whatever may happen is switched off unless a listing asks for it, and leaves the usual course as it is.
    #[test]
    fn a_disturbance_that_does_not_come_changes_nothing() {
        let calm = listing(Regime::OneTick, "49");
        let unrest = Unrest { halts_per_year: 1, jumps_per_year: 1, ..Unrest::NONE };
        let rare = Listing { unrest, ..calm.clone() };
        let course = |listing| events(&mut Book::new(5, listing), 600_000, 60_000);
        assert_eq!(calm.unrest, Unrest::NONE);
        assert_eq!(course(&rare), course(&calm));
    }
}
