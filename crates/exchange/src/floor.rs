//! Where one symbol trades: its background market and our orders in it, in the order of time.
//!
//! Timers are in wall time, the market's course in session time; a [`Stretch`] says where they meet. However a floor is
//! stepped through, the same happens.

mod outside;
mod pool;
mod shown;
mod working;

use std::collections::{BTreeMap, VecDeque};

use alchemiser_core::{quantity::Quantity, side::Side};
use alchemiser_market::{
    book::{BookQuote, MarketEvent, Phase, Reach},
    listing::Listing,
    matching::{Execution, Resting},
    session::SessionTime,
};
use jiff::Timestamp;
use rust_decimal::Decimal;

pub use self::working::Entry;
use self::{
    pool::Pool,
    working::{Stage, Working, limit_of, sized},
};
use crate::{
    bars::Bars,
    clock::later_millis,
    feed::Feed,
    request::{Size, TimeInForce},
};

/// A stretch of wall time in which session time runs with it, or stands still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Its first moment.
    pub at: Timestamp,
    /// The session time there.
    pub session: SessionTime,
    /// Session time runs.
    pub is_open: bool,
}

impl Stretch {
    /// The session time at a wall time of this stretch: whole milliseconds, never before its beginning.
    pub fn session_at(&self, at: Timestamp) -> SessionTime {
        if !self.is_open {
            return self.session;
        }
        let passed = at.duration_since(self.at).as_millis();
        self.session.plus_millis(u64::try_from(passed).unwrap_or(0))
    }

    /// The wall time of a session time of this stretch.
    pub fn wall_at(&self, session: SessionTime) -> Timestamp {
        later_millis(self.at, session.since(self.session).millis())
    }
}

#[derive(Clone, Debug)]
enum Act {
    Arrive(usize),
    Cancel(usize),
    Expire(usize),
    Replace { old: usize, entry: Entry, arrives_at: Timestamp },
    Resume,
}

/// Something that happened to an order.
#[derive(Clone, Debug)]
pub struct Occurrence {
    /// When.
    pub at: Timestamp,
    /// The order's number.
    pub order: usize,
    /// What.
    pub what: What,
}

/// What may happen to an order.
#[derive(Clone, Debug)]
pub enum What {
    /// It reached the venue.
    Arrived,
    /// It is known how many shares a notional comes to.
    Sized(Quantity),
    /// Shares changed hands.
    Filled(Execution),
    /// A cancel took effect, or the rest of an immediate order was dropped.
    Canceled,
    /// Its time was over.
    Expired,
    /// Another order took its place, which takes over so many filled shares.
    Replaced {
        /// That order.
        by: usize,
    },
    /// It was to replace an order that has ended.
    ReplaceRejected {
        /// That order.
        of: usize,
    },
}

/// What a watched floor shows.
#[derive(Clone, Copy, Debug)]
pub enum Shown {
    /// The quote changed.
    Quote(BookQuote, Timestamp),
    /// A trade was printed: ticks, shares.
    Trade(i64, u64, Timestamp),
}

/// The last trade that was printed.
#[derive(Clone, Copy, Debug)]
pub struct Print {
    /// The price in ticks.
    pub ticks: i64,
    /// Shares.
    pub size: u64,
    /// When.
    pub at: Timestamp,
    /// How many were printed before it.
    pub count: u64,
}

/// One symbol's market with our orders.
#[derive(Clone, Debug)]
pub struct Floor {
    listing: Listing,
    /// When its market began.
    origin: SessionTime,
    feed: Feed,
    pool: Pool,
    timers: BTreeMap<(Timestamp, u64), Act>,
    timers_set: u64,
    last_print: Option<Print>,
    /// When what is shown last changed.
    changed_at: Timestamp,
    halted_until: Option<Timestamp>,
    bars: Bars,
    /// What was shown, while somebody watches.
    watched: Option<VecDeque<Shown>>,
    happened: Vec<Occurrence>,
}

impl Floor {
    /// A floor whose market begins now.
    pub fn new(listing: Listing, feed: Feed, origin: SessionTime, at: Timestamp) -> Self {
        Self {
            listing,
            origin,
            feed,
            pool: Pool::default(),
            timers: BTreeMap::new(),
            timers_set: 0,
            last_print: None,
            changed_at: at,
            halted_until: None,
            bars: Bars::default(),
            watched: None,
            happened: Vec::new(),
        }
    }

    /// What trades here.
    pub fn listing(&self) -> &Listing {
        &self.listing
    }

    /// The last print.
    pub fn last_print(&self) -> Option<Print> {
        self.last_print
    }

    /// The prints, minute by minute.
    pub fn bars(&self) -> &Bars {
        &self.bars
    }

    /// When what is shown last changed.
    pub fn changed_at(&self) -> Timestamp {
        self.changed_at
    }

    /// Takes an order that arrives later.
    pub fn enter(&mut self, entry: Entry, arrives_at: Timestamp) {
        let order = entry.order;
        let quantity = match entry.size {
            Size::Shares(quantity) => Some(quantity),
            Size::Notional(_) => None,
        };
        let stage = Stage::Travelling;
        self.pool.enter(Working { entry, quantity, filled: Quantity::ZERO, stage });
        self.set(arrives_at, Act::Arrive(order));
    }

    /// Takes the request to cancel an order.
    pub fn cancel(&mut self, order: usize, takes_effect_at: Timestamp) {
        self.set(takes_effect_at, Act::Cancel(order));
    }

    /// An order will expire.
    pub fn expire(&mut self, order: usize, at: Timestamp) {
        self.set(at, Act::Expire(order));
    }

    /// An order will take another's place. Its size is the whole chain's.
    pub fn replace(&mut self, old: usize, entry: Entry, at: Timestamp, arrives_at: Timestamp) {
        self.set(at, Act::Replace { old, entry, arrives_at });
    }

    fn set(&mut self, at: Timestamp, act: Act) {
        self.timers_set += 1;
        self.timers.insert((at, self.timers_set), act);
    }

    /// Goes on to a time of a stretch, inclusive; what happened to our orders is added, in order.
    pub fn advance(&mut self, stretch: &Stretch, to: Timestamp, happened: &mut Vec<Occurrence>) {
        while let Some(next) = self.timers.first_entry().filter(|next| next.key().0 <= to) {
            let ((at, _), act) = next.remove_entry();
            // What was due before this stretch began is late.
            let at = at.max(stretch.at);
            self.trade(stretch, at);
            self.act(at, act);
        }
        self.trade(stretch, to);
        happened.append(&mut self.happened);
    }

    /// The market goes on to a time and meets the orders that are at the venue.
    fn trade(&mut self, stretch: &Stretch, to: Timestamp) {
        if !stretch.is_open {
            return;
        }
        let to = stretch.session_at(to).since(self.origin);
        let mut feed = std::mem::replace(&mut self.feed, Feed::script(&self.listing));
        let before = feed.quote();
        let mut stood = before;
        feed.advance(to, &mut |event| {
            let session = self.origin.plus_millis(crate::feed::time_of(event).millis());
            self.meet(event, &mut stood, stretch.wall_at(session));
        });
        self.feed = feed;
    }

    /// An event of the market meets the orders.
    fn meet(&mut self, event: &MarketEvent, stood: &mut BookQuote, at: Timestamp) {
        match *event {
            MarketEvent::Quote(quote) => {
                // A halt may leave the quote standing.
                if (BookQuote { at: quote.at, phase: quote.phase, ..*stood }) != quote {
                    self.changed_at = at;
                }
                *stood = quote;
            }
            MarketEvent::Print { price, size, .. } => self.print(price, size, at),
        }
        if !self.is_halted(at) {
            self.observe(event, stood, at);
        }
        if self.watched.is_some() {
            let shown = match *event {
                MarketEvent::Quote(_) => Shown::Quote(self.shown_on(*stood, at), at),
                MarketEvent::Print { price, size, .. } => Shown::Trade(price, size, at),
            };
            self.show(shown);
        }
    }

    fn print(&mut self, ticks: i64, size: u64, at: Timestamp) {
        let count = self.last_print.map_or(0, |last| last.count + 1);
        self.last_print = Some(Print { ticks, size, at, count });
        self.bars.print(at, self.listing.price_of(ticks), size);
    }

    fn observe(&mut self, event: &MarketEvent, quote: &BookQuote, at: Timestamp) {
        for turn in self.pool.touched_by(event) {
            let Some(mut working) = self.pool.take_turn(turn) else { continue };
            self.face(&mut working, event, quote, at);
            self.pool.put_back(turn, working);
        }
    }

    /// An order and an event that may mean something to it.
    fn face(
        &mut self,
        working: &mut Working,
        event: &MarketEvent,
        quote: &BookQuote,
        at: Timestamp,
    ) {
        match (&mut working.stage, event) {
            (Stage::Resting(resting), _) => {
                if let Some(execution) = resting.observe(event) {
                    // Fills may change our part of what is shown.
                    self.changed_at = at;
                    self.fill(working, execution, at);
                }
            }
            (Stage::Waiting, MarketEvent::Quote(_)) => self.meet_book(working, quote, at),
            (Stage::Armed(stop), MarketEvent::Print { price, reach: Reach::Touch, .. }) => {
                let distance = self.listing.price_of(*price).dollars() - stop.dollars();
                if distance * working.entry.side.sign() >= Decimal::ZERO {
                    working.stage = Stage::Waiting;
                    self.meet_book(working, quote, at);
                }
            }
            (
                Stage::Travelling | Stage::Waiting | Stage::Armed(_) | Stage::Stuck,
                MarketEvent::Quote(_) | MarketEvent::Print { .. },
            ) => {}
        }
    }

    /// Shares of an order changed hands.
    fn fill(&mut self, working: &mut Working, execution: Execution, at: Timestamp) {
        working.filled = working.filled.plus(execution.quantity);
        let order = working.entry.order;
        self.happened.push(Occurrence { at, order, what: What::Filled(execution) });
        let most = working.entry.fills_most.unwrap_or(Quantity::ZERO);
        if !working.is_done() && working.entry.fills_most.is_some() && working.filled >= most {
            working.stage = Stage::Stuck;
        }
    }

    /// An order meets the book: at its arrival, after a halt, or when its stop is set off.
    fn meet_book(&mut self, working: &mut Working, quote: &BookQuote, at: Timestamp) {
        let Working { entry, quantity, filled, .. } = &*working;
        let (far, size) = match entry.side {
            Side::Buy => (quote.ask, quote.ask_size),
            Side::Sell => (quote.bid, quote.bid_size),
        };
        if quote.phase == Phase::Halted || self.is_halted(at) || size == 0 {
            working.stage = Stage::Waiting;
            return;
        }
        let limit = limit_of(entry);
        let far_price = self.listing.price_of(far);
        let sized = quantity.unwrap_or_else(|| sized(entry, limit, far_price));
        let order = entry.order;
        if quantity.is_none() {
            self.happened.push(Occurrence { at, order, what: What::Sized(sized) });
        }
        let most = entry.fills_most.unwrap_or(sized).min(sized);
        let mut resting = Resting::new(&self.listing, entry.side, most.less(*filled), limit);
        let patience = entry.time_in_force;
        working.quantity = Some(sized);
        let executions = resting.arrive(&self.listing, quote);
        let is_all = resting.leaves().is_zero();
        working.stage = Stage::Resting(resting);
        if sized.is_zero() || (patience == TimeInForce::Fok && !is_all) {
            return self.drop_rest(working, at);
        }
        for execution in executions {
            self.fill(working, execution, at);
        }
        if patience == TimeInForce::Ioc && !working.is_done() {
            self.drop_rest(working, at);
        }
    }

    /// What did not trade at once is canceled.
    fn drop_rest(&mut self, working: &mut Working, at: Timestamp) {
        let order = working.entry.order;
        self.happened.push(Occurrence { at, order, what: What::Canceled });
        working.end();
    }

    /// A timer is due.
    fn act(&mut self, at: Timestamp, act: Act) {
        let quote = self.feed.quote();
        let before = self.shown(at);
        match act {
            Act::Resume => {
                self.halted_until = self.halted_until.filter(|until| *until > at);
                if self.halted_until.is_none() {
                    self.observe(&MarketEvent::Quote(quote), &quote, at);
                }
            }
            Act::Arrive(order) => self.arrive(order, at),
            Act::Cancel(order) => self.remove(order, at, What::Canceled),
            Act::Expire(order) => self.remove(order, at, What::Expired),
            Act::Replace { old, entry, arrives_at } => self.swap(old, entry, at, arrives_at),
        }
        self.changed(before, at);
    }

    /// If what is shown differs, it has changed now.
    fn changed(&mut self, before: BookQuote, at: Timestamp) {
        let now = self.shown(at);
        if now != (BookQuote { at: now.at, ..before }) {
            self.changed_at = at;
            if self.watched.is_some() {
                self.show(Shown::Quote(now, at));
            }
        }
    }

    fn arrive(&mut self, order: usize, at: Timestamp) {
        let Some((turn, mut working)) = self.pool.take(order) else { return };
        if matches!(working.stage, Stage::Travelling) {
            self.happened.push(Occurrence { at, order, what: What::Arrived });
            if let Some(stop) = working.entry.kind.stop() {
                working.stage = Stage::Armed(stop);
            } else {
                let quote = self.feed.quote();
                self.meet_book(&mut working, &quote, at);
            }
        }
        self.pool.put_back(turn, working);
    }

    fn remove(&mut self, order: usize, at: Timestamp, what: What) {
        if self.pool.take(order).is_some() {
            self.happened.push(Occurrence { at, order, what });
        }
    }

    fn swap(&mut self, old: usize, mut entry: Entry, at: Timestamp, arrives_at: Timestamp) {
        let new = entry.order;
        let found = self.pool.take(old);
        let left = found.as_ref().and_then(|(_, working)| match entry.size {
            Size::Notional(_) => Some(entry.size),
            Size::Shares(chain) if chain <= working.filled => None,
            Size::Shares(chain) => Some(Size::Shares(chain.less(working.filled))),
        });
        let Some(left) = left else {
            // What was to be replaced has ended, or has filled as much as the new one asks for.
            if let Some((turn, working)) = found {
                self.pool.put_back(turn, working);
            }
            let what = What::ReplaceRejected { of: old };
            self.happened.push(Occurrence { at, order: new, what });
            return;
        };
        entry.size = left;
        self.happened.push(Occurrence { at, order: old, what: What::Replaced { by: new } });
        self.enter(entry, arrives_at.max(at));
    }
}
