//! Where one symbol trades: its book, and our orders in it, in the order of time.

use alchemiser_core::{
    price::Price,
    quantity::Quantity,
    quote::{RawQuote, Snapshot, Touch},
    side::Side,
};
use jiff::Timestamp;

use crate::{
    book::{Book, BookQuote, MarketEvent, Phase},
    listing::Listing,
    matching::{Execution, Resting},
    session::{Opening, SessionTime},
};

/// One of our open orders.
#[derive(Clone, Debug)]
struct Working {
    /// The order's number at the exchange.
    order: usize,
    stage: Stage,
    /// When a requested cancel takes effect.
    cancels_at: Option<SessionTime>,
    resting: Resting,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// On its way until then.
    Travelling(SessionTime),
    /// At the venue.
    Arrived,
}

/// Something that happened to one of our orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Occurrence {
    pub(crate) at: SessionTime,
    pub(crate) order: usize,
    pub(crate) what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Arrived,
    Filled(Execution),
    Canceled,
}

/// One symbol's book and our open orders in it.
#[derive(Clone, Debug)]
pub(crate) struct Pit {
    listing: Listing,
    /// When its book began.
    origin: SessionTime,
    book: Book,
    working: Vec<Working>,
    last_print: Option<(i64, SessionTime)>,
    /// When what is shown last changed, by the market or by us.
    changed_at: SessionTime,
}

impl Pit {
    pub(crate) fn new(seed: u64, listing: Listing, origin: SessionTime) -> Self {
        let book = Book::new(seed, &listing);
        Self { listing, origin, book, working: Vec::new(), last_print: None, changed_at: origin }
    }

    pub(crate) fn listing(&self) -> &Listing {
        &self.listing
    }

    /// Takes an order that arrives later.
    pub(crate) fn enter(&mut self, order: usize, resting: Resting, arrives_at: SessionTime) {
        let stage = Stage::Travelling(arrives_at);
        self.working.push(Working { order, stage, cancels_at: None, resting });
    }

    /// Takes the request to cancel an open order; it cannot take effect before the order has arrived.
    pub(crate) fn cancel(&mut self, order: usize, takes_effect_at: SessionTime) {
        for working in self.working.iter_mut().filter(|working| working.order == order) {
            let earliest = match working.stage {
                Stage::Travelling(arrives_at) => arrives_at,
                Stage::Arrived => SessionTime::START,
            };
            working.cancels_at.get_or_insert(takes_effect_at.max(earliest));
        }
    }

    /// The open orders: their numbers and what is left of them.
    pub(crate) fn open(&self) -> impl Iterator<Item = (usize, &Resting)> {
        self.working.iter().map(|working| (working.order, &working.resting))
    }

    /// Goes on to a time, inclusive: what happened to our orders, in order.
    pub(crate) fn advance(&mut self, to: SessionTime) -> Vec<Occurrence> {
        let mut happened = Vec::new();
        while let Some(at) = self.next_action().filter(|at| *at <= to) {
            self.trade(at, &mut happened);
            self.act(at, &mut happened);
        }
        self.trade(to, &mut happened);
        happened
    }

    /// When the next of our orders arrives or is canceled.
    fn next_action(&self) -> Option<SessionTime> {
        let times = self.working.iter().flat_map(|working| {
            let arrives = match working.stage {
                Stage::Travelling(at) => Some(at),
                Stage::Arrived => None,
            };
            [arrives, working.cancels_at]
        });
        times.flatten().min()
    }

    /// The market goes on to a time and meets the orders that are at the venue.
    fn trade(&mut self, to: SessionTime, happened: &mut Vec<Occurrence>) {
        let Self { book, working, last_print, changed_at, origin, .. } = self;
        let session = |at: SessionTime| origin.plus_millis(at.millis());
        let mut stood = book.quote();
        book.advance(to.since(*origin), &mut |event| {
            let at = match *event {
                MarketEvent::Quote(quote) => {
                    // A halt may leave the quote standing.
                    let as_before = BookQuote { at: quote.at, phase: quote.phase, ..stood };
                    stood = quote;
                    if quote != as_before {
                        *changed_at = session(quote.at);
                    }
                    session(quote.at)
                }
                MarketEvent::Print { at, price, .. } => {
                    *last_print = Some((price, session(at)));
                    session(at)
                }
            };
            let arrived = working.iter_mut().filter(|working| working.stage == Stage::Arrived);
            for working in arrived {
                if let Some(execution) = working.resting.observe(event) {
                    // Fills may change our part of what is shown.
                    *changed_at = at;
                    let what = What::Filled(execution);
                    happened.push(Occurrence { at, order: working.order, what });
                }
            }
            working.retain(|working| !working.resting.leaves().is_zero());
        });
    }

    /// Orders arrive, and cancels take effect, at this very time.
    fn act(&mut self, at: SessionTime, happened: &mut Vec<Occurrence>) {
        let (quote, before) = (self.book.quote(), self.shown());
        for working in &mut self.working {
            let order = working.order;
            if working.stage == Stage::Travelling(at) {
                working.stage = Stage::Arrived;
                happened.push(Occurrence { at, order, what: What::Arrived });
                let executions = working.resting.arrive(&self.listing, &quote);
                let fills = executions.into_iter().map(What::Filled);
                happened.extend(fills.map(|what| Occurrence { at, order, what }));
            }
            if working.cancels_at == Some(at) && !working.resting.leaves().is_zero() {
                happened.push(Occurrence { at, order, what: What::Canceled });
            }
        }
        let done = |working: &Working| {
            working.resting.leaves().is_zero() || working.cancels_at == Some(at)
        };
        self.working.retain(|working| !done(working));
        if self.shown() != before {
            self.changed_at = at;
        }
    }

    /// The quote with our own displayed round lots in it.
    fn shown(&self) -> BookQuote {
        let market = self.book.quote();
        let (mut bid, mut ask) = ((market.bid, 0), (market.ask, 0));
        for working in self.working.iter().filter(|working| working.stage == Stage::Arrived) {
            let resting = &working.resting;
            let lots = resting.leaves().round_lots(self.listing.round_lot);
            let lots = u64::try_from(lots.shares()).unwrap_or(0);
            // What waits for the far touch to come back is not shown: a quote is never locked.
            let inside = resting.ticks() > market.bid && resting.ticks() < market.ask;
            let touch = match resting.side() {
                Side::Buy => &mut bid,
                Side::Sell => &mut ask,
            };
            if lots > 0 && (inside || resting.ticks() == touch.0) {
                let better = match resting.side() {
                    Side::Buy => resting.ticks() > touch.0,
                    Side::Sell => resting.ticks() < touch.0,
                };
                if better {
                    *touch = (resting.ticks(), lots);
                } else if resting.ticks() == touch.0 {
                    touch.1 += lots;
                }
            }
        }
        let at = self.changed_at;
        let missing = |size: u64| market.phase == Phase::Halted && size == 0;
        if missing(market.bid_size) || missing(market.ask_size) {
            return BookQuote { at, ..market };
        }
        let bid_size = bid.1 + if bid.0 == market.bid { market.bid_size } else { 0 };
        let ask_size = ask.1 + if ask.0 == market.ask { market.ask_size } else { 0 };
        BookQuote { at, bid: bid.0, bid_size, ask: ask.0, ask_size, ..market }
    }

    /// What a market data feed says at a time of a stretch of running.
    pub(crate) fn snapshot(&self, opening: Opening, now: Timestamp) -> Snapshot {
        let shown = self.shown();
        let touch = |ticks: i64, size: u64| {
            let price = self.listing.price_of(ticks);
            (size > 0).then(|| Touch { price, size: Quantity::rounded_down(size.into(), 0) })
        };
        let quote = RawQuote {
            bid: touch(shown.bid, shown.bid_size),
            ask: touch(shown.ask, shown.ask_size),
            changed_at: opening.wall_at(shown.at),
            observed_at: now,
        };
        let last_trade =
            self.last_print.map(|(ticks, at)| (self.listing.price_of(ticks), opening.wall_at(at)));
        Snapshot {
            quote: Some(quote),
            last_trade,
            previous_close: Some(self.listing.previous_close),
        }
    }

    /// The price at which a position is valued: the best bid of the market.
    pub(crate) fn mark(&self) -> Price {
        self.listing.price_of(self.book.quote().bid)
    }
}
