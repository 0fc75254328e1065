//! Where a symbol's background market comes from: generated, replayed from a tape, or told by a script.

use std::sync::Arc;

use alchemiser_core::side::Side;
use alchemiser_market::{
    book::{Book, BookQuote, MarketEvent, Phase, Reach},
    listing::Listing,
    session::SessionTime,
};

/// A source of quotes and prints.
#[derive(Clone, Debug)]
pub enum Feed {
    /// A function of the seed, the listing and the time.
    Generated(Box<Book>),
    /// Recorded events, in the order of time; after the last one the market stands still.
    Tape {
        /// The events.
        events: Arc<[MarketEvent]>,
        /// How many of them have happened.
        next: usize,
        /// The quote that they led to.
        shown: BookQuote,
    },
    /// It stands still until somebody says otherwise.
    Script {
        /// The quote that stands.
        shown: BookQuote,
    },
}

impl Feed {
    /// A generated market.
    pub fn generated(seed: u64, listing: &Listing) -> Self {
        Self::Generated(Box::new(Book::new(seed, listing)))
    }

    /// A recorded one; it begins with its first quote.
    pub fn tape(events: Arc<[MarketEvent]>, listing: &Listing) -> Self {
        let first = events.iter().find_map(|event| match event {
            MarketEvent::Quote(quote) => Some(*quote),
            MarketEvent::Print { .. } => None,
        });
        Self::Tape { events, next: 0, shown: first.unwrap_or_else(|| standing(listing)) }
    }

    /// One that stands still, a tick wide around the listing's price.
    pub fn script(listing: &Listing) -> Self {
        Self::Script { shown: standing(listing) }
    }

    /// The displayed quote.
    pub fn quote(&self) -> BookQuote {
        match self {
            Self::Generated(book) => book.quote(),
            Self::Tape { shown, .. } | Self::Script { shown } => *shown,
        }
    }

    /// Goes on to a time, inclusive, and tells every event up to it in order.
    pub fn advance(&mut self, to: SessionTime, on_event: &mut impl FnMut(&MarketEvent)) {
        match self {
            Self::Generated(book) => book.advance(to, on_event),
            Self::Script { .. } => {}
            Self::Tape { events, next, shown } => {
                while let Some(event) = events.get(*next).filter(|event| time_of(event) <= to) {
                    if let MarketEvent::Quote(quote) = event {
                        *shown = *quote;
                    }
                    on_event(event);
                    *next += 1;
                }
            }
        }
    }
}

/// When an event happens.
pub fn time_of(event: &MarketEvent) -> SessionTime {
    match event {
        MarketEvent::Quote(quote) => quote.at,
        MarketEvent::Print { at, .. } => *at,
    }
}

/// A quote of five round lots, one tick wide.
fn standing(listing: &Listing) -> BookQuote {
    let bid = listing.ticks_of(listing.price);
    let size = u64::try_from(listing.round_lot.shares()).unwrap_or(100) * 5;
    BookQuote {
        at: SessionTime::START,
        bid,
        bid_size: size,
        ask: bid + 1,
        ask_size: size,
        phase: Phase::Trading,
    }
}

/// A print with the side that crossed the spread, told from the quote that stood.
pub fn print_at(quote: &BookQuote, at: SessionTime, price: i64, size: u64) -> MarketEvent {
    let (aggressor, reach) = if price <= quote.bid {
        (Side::Sell, Reach::Touch)
    } else if price >= quote.ask {
        (Side::Buy, Reach::Touch)
    } else {
        (Side::Buy, Reach::Elsewhere)
    };
    MarketEvent::Print { at, price, size, aggressor, reach }
}
