//! What the market shows: the best bid and offer with sizes, and what may be done on it.

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::{policy::Policy, price::Price, quantity::Quantity, side::Side};

/// One side of the book: the best price and the shares shown there. Alpaca says 0 for a side that is not there; the
/// adapters turn that into `None`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touch {
    /// The best price.
    pub price: Price,
    /// Shares shown at it.
    pub size: Quantity,
}

/// A best bid and offer as it was read, good or bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawQuote {
    /// The best bid, if there is one.
    pub bid: Option<Touch>,
    /// The best ask, if there is one.
    pub ask: Option<Touch>,
    /// When the quote last changed, by the market's clock.
    pub changed_at: Timestamp,
    /// When we read it, by our clock.
    pub observed_at: Timestamp,
}

/// One symbol's line in a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The quote.
    pub quote: Option<RawQuote>,
    /// The last trade's price and time.
    pub last_trade: Option<(Price, Timestamp)>,
    /// The previous session's close, adjusted for splits.
    pub previous_close: Option<Price>,
}

/// Why a quote is not traded on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum QuoteFault {
    /// There is none.
    Missing,
    /// A side is not there.
    OneSided,
    /// The bid is above the ask.
    Crossed,
    /// A price below the smallest that is believed.
    BelowMinimum,
    /// The spread is too wide to be a quote.
    TooWide,
    /// It was read too long ago.
    NotObserved,
    /// It has not changed for too long while nothing else moved, or for far too long in any case.
    Standing,
}

impl QuoteFault {
    /// Every fault.
    pub const ALL: [Self; 7] = [
        Self::Missing,
        Self::OneSided,
        Self::Crossed,
        Self::BelowMinimum,
        Self::TooWide,
        Self::NotObserved,
        Self::Standing,
    ];

    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Missing => "QUOTE_MISSING",
            Self::OneSided => "QUOTE_ONE_SIDED",
            Self::Crossed => "QUOTE_CROSSED",
            Self::BelowMinimum => "QUOTE_BELOW_MINIMUM",
            Self::TooWide => "QUOTE_TOO_WIDE",
            Self::NotObserved => "QUOTE_NOT_OBSERVED",
            Self::Standing => "QUOTE_STANDING",
        }
    }
}

/// A usable best bid and offer: both sides there, the bid not above the ask, read recently, still alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// The best bid.
    pub bid: Touch,
    /// The best ask.
    pub ask: Touch,
    /// When it last changed.
    pub changed_at: Timestamp,
    /// When we read it.
    pub observed_at: Timestamp,
}

/// What a quote is judged by besides itself.
#[derive(Clone, Copy, Debug)]
pub struct Freshness<'a> {
    /// The time of the judgement.
    pub now: Timestamp,
    /// The newest change of any other symbol in the same response.
    pub market_moved_at: Option<Timestamp>,
    /// The thresholds.
    pub policy: &'a Policy,
}

impl RawQuote {
    /// Whether the market had moved on from this quote when it showed the other one.
    pub fn is_older_than(&self, other: &Self) -> bool {
        self.changed_at < other.changed_at
    }

    /// Whether this quote may be traded on (design, domain §2). Nothing is repaired: a side that is not there stays
    /// away, and a crossed quote is no quote.
    ///
    /// # Errors
    /// The first [`QuoteFault`] found.
    pub fn usable(&self, by: Freshness<'_>) -> Result<Quote, QuoteFault> {
        let (Some(bid), Some(ask)) = (self.bid, self.ask) else {
            return Err(QuoteFault::OneSided);
        };
        let quote = Quote { bid, ask, changed_at: self.changed_at, observed_at: self.observed_at };
        let least = by.policy.quote_price_min;
        let widest = ask.price.dollars().saturating_mul(by.policy.quote_spread_max);
        if bid.price > ask.price {
            Err(QuoteFault::Crossed)
        } else if bid.size.is_zero() || ask.size.is_zero() {
            Err(QuoteFault::OneSided)
        } else if bid.price.dollars() < least || ask.price.dollars() < least {
            Err(QuoteFault::BelowMinimum)
        } else if quote.spread() > widest {
            Err(QuoteFault::TooWide)
        } else if by.now.duration_since(self.observed_at) > by.policy.quote_observed_max {
            Err(QuoteFault::NotObserved)
        } else if quote.is_dead(by) {
            Err(QuoteFault::Standing)
        } else {
            Ok(quote)
        }
    }
}

/// Whose quotes they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Feed {
    /// All venues: the national best bid and offer.
    Sip,
    /// One venue's own book: its touches and sizes say little about the market's.
    Iex,
}

impl Feed {
    /// Every feed.
    pub const ALL: [Self; 2] = [Self::Sip, Self::Iex];

    /// The word used in configuration.
    pub fn word(self) -> &'static str {
        match self {
            Self::Sip => "sip",
            Self::Iex => "iex",
        }
    }

    /// The feed for a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|feed| feed.word() == word)
    }
}

/// Where a quote was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// A stream of quotes.
    Stream,
    /// A request.
    Rest,
}

/// The quote to act on when there is a stream: the streamed one if it is usable and not older than the requested one, else
/// the requested one if that is usable. Two bad quotes are no quote; the lesser evil is not traded on (design, domain §2).
/// A stream that has missed something shows by being older.
///
/// # Errors
/// The requested quote's [`QuoteFault`], or [`QuoteFault::Missing`] when there is none.
pub fn choose(
    stream: Option<&RawQuote>,
    rest: Option<&RawQuote>,
    by: Freshness<'_>,
) -> Result<(Quote, Source), QuoteFault> {
    let stream = stream.filter(|stream| rest.is_none_or(|rest| !stream.is_older_than(rest)));
    if let Some(Ok(quote)) = stream.map(|stream| stream.usable(by)) {
        return Ok((quote, Source::Stream));
    }
    let rest = rest.ok_or(QuoteFault::Missing)?.usable(by)?;
    Ok((rest, Source::Rest))
}

impl Quote {
    /// The best price on our own side: where an order of this side rests.
    pub fn near(&self, side: Side) -> Touch {
        match side {
            Side::Buy => self.bid,
            Side::Sell => self.ask,
        }
    }

    /// The best price on the other side: what a marketable order takes.
    pub fn far(&self, side: Side) -> Touch {
        self.near(side.opposite())
    }

    /// Half-way between bid and ask, in dollars.
    pub fn mid(&self) -> Decimal {
        let sum = self.bid.price.dollars().saturating_add(self.ask.price.dollars());
        sum.checked_div(Decimal::TWO).unwrap_or(sum)
    }

    /// Ask minus bid, in dollars.
    pub fn spread(&self) -> Decimal {
        self.ask.price.dollars().saturating_sub(self.bid.price.dollars())
    }

    /// Half the spread, in dollars (`H` of the measures).
    pub fn half_spread(&self) -> Decimal {
        self.spread().checked_div(Decimal::TWO).unwrap_or_default()
    }

    /// Bid and ask at the same price: may be crossed at it, not rested in.
    pub fn is_locked(&self) -> bool {
        self.bid.price == self.ask.price
    }

    fn is_dead(&self, by: Freshness<'_>) -> bool {
        let standing = by.now.duration_since(self.changed_at);
        let moves = by
            .market_moved_at
            .is_some_and(|at| by.now.duration_since(at) <= by.policy.market_moved_max);
        standing > by.policy.quote_dead_after || (standing > by.policy.quote_standing_max && !moves)
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    const READ: Timestamp = Timestamp::UNIX_EPOCH;

    fn touch(price: &str, size: i64) -> Option<Touch> {
        let price = Price::new(price.parse().unwrap()).ok()?;
        Some(Touch { price, size: Quantity::new(Decimal::from(size)).unwrap() })
    }

    fn check(
        bid: Option<Touch>,
        ask: Option<Touch>,
        [read, changed, moved]: [i64; 3],
        expected: Result<(), QuoteFault>,
    ) {
        let at =
            |seconds_ago: i64| READ.checked_sub(SignedDuration::from_secs(seconds_ago)).unwrap();
        let raw = RawQuote { bid, ask, changed_at: at(changed), observed_at: at(read) };
        let by =
            Freshness { now: READ, market_moved_at: Some(at(moved)), policy: &Policy::default() };
        assert_eq!(raw.usable(by).map(|_| ()), expected, "{raw:?}");
    }

    /// L3, S4: a zero, one-sided or crossed quote is not a quote, and nothing is invented for it.
    #[test]
    fn a_bad_quote_is_never_repaired() {
        check(touch("10.00", 100), touch("10.02", 100), [0, 0, 0], Ok(()));
        check(None, touch("10.02", 100), [0, 0, 0], Err(QuoteFault::OneSided));
        check(touch("10.00", 100), touch("0", 100), [0, 0, 0], Err(QuoteFault::OneSided));
        check(touch("10.00", 0), touch("10.02", 100), [0, 0, 0], Err(QuoteFault::OneSided));
        check(touch("10.03", 100), touch("10.02", 100), [0, 0, 0], Err(QuoteFault::Crossed));
        check(touch("0.005", 100), touch("10.02", 100), [0, 0, 0], Err(QuoteFault::BelowMinimum));
        check(touch("0.009", 100), touch("0.01", 100), [0, 0, 0], Err(QuoteFault::BelowMinimum));
        check(touch("0.01", 100), touch("0.01", 100), [0, 0, 0], Ok(()));
        check(touch("10.00", 100), touch("10.02", 0), [0, 0, 0], Err(QuoteFault::OneSided));
        check(touch("9", 100), touch("10.02", 100), [0, 0, 0], Err(QuoteFault::TooWide));
    }

    /// S4: a spread is a tenth of the ask at most, to the last decimal.
    #[test]
    fn a_spread_is_measured_against_the_ask() {
        check(touch("90", 100), touch("100", 100), [0, 0, 0], Ok(()));
        check(touch("89.9999", 100), touch("100", 100), [0, 0, 0], Err(QuoteFault::TooWide));
    }

    /// S3: a quote must have been read recently; one that stands still counts while the market around it moves.
    #[test]
    fn a_standing_quote_counts_only_while_others_move() {
        let (bid, ask) = (touch("10.00", 100), touch("10.02", 100));
        check(bid, ask, [2, 2, 0], Ok(()));
        check(bid, ask, [3, 3, 0], Err(QuoteFault::NotObserved));
        check(bid, ask, [0, 61, 4], Ok(()));
        check(bid, ask, [0, 61, 6], Err(QuoteFault::Standing));
        check(bid, ask, [0, 60, 6], Ok(()));
        check(bid, ask, [0, 61, 5], Ok(()));
        check(bid, ask, [0, 900, 0], Ok(()));
        check(bid, ask, [0, 901, 0], Err(QuoteFault::Standing));
    }

    /// T3: a feed is read back from its word.
    #[test]
    fn feeds_are_read_back() {
        assert_eq!(Feed::ALL.map(Feed::word), ["sip", "iex"]);
        assert_eq!(Feed::ALL.map(|feed| Feed::from_word(feed.word())), Feed::ALL.map(Some));
        assert_eq!(Feed::from_word("SIP"), None);
    }

    #[test]
    fn a_locked_market_is_usable_and_says_so() {
        let raw = RawQuote {
            bid: touch("10", 1),
            ask: touch("10", 1),
            changed_at: READ,
            observed_at: READ,
        };
        let by = Freshness { now: READ, market_moved_at: None, policy: &Policy::default() };
        assert!(raw.usable(by).unwrap().is_locked());
    }
}
