//! A day of one symbol: its best bids and offers, and what was printed.

use alchemiser_core::{
    price::Price,
    quantity::Quantity,
    quote::{Quote, Touch},
    side::Side,
};
use jiff::Timestamp;
use rust_decimal::Decimal;

/// A price in ten-thousandths of a dollar: the finest grid that US markets have.
pub type Pips = i64;

/// Nanoseconds since the epoch, UTC.
pub type Nanos = i64;

/// Nanoseconds of a second.
pub const SECOND: Nanos = 1_000_000_000;

/// Nanoseconds of a millisecond.
pub const MILLI: Nanos = 1_000_000;

/// A billion dollars: no higher price is one.
const PIPS_MAX: Pips = 10_000_000_000_000;

/// More shares than this are not shown anywhere, whether a file counts them or their lots.
const SHARES_MAX: u64 = 10_000_000_000;

/// The best bid and offer from a moment on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// From when.
    pub at: Nanos,
    /// The best bid.
    pub bid: Pips,
    /// Shares shown there.
    pub bid_size: u64,
    /// The best ask.
    pub ask: Pips,
    /// Shares shown there.
    pub ask_size: u64,
}

impl Shown {
    /// The best price of a side.
    pub fn near(&self, side: Side) -> Pips {
        match side {
            Side::Buy => self.bid,
            Side::Sell => self.ask,
        }
    }

    /// Shares shown at the best price of a side.
    pub fn near_size(&self, side: Side) -> u64 {
        match side {
            Side::Buy => self.bid_size,
            Side::Sell => self.ask_size,
        }
    }

    /// The best price of the other side.
    pub fn far(&self, side: Side) -> Pips {
        self.near(side.opposite())
    }

    /// Twice the mid, which is whole.
    pub fn mid_twice(&self) -> Pips {
        self.bid + self.ask
    }

    /// The spread.
    pub fn spread(&self) -> Pips {
        self.ask - self.bid
    }

    /// Both sides are there, not crossed, and of prices and sizes that a quote can have.
    pub fn is_usable(&self) -> bool {
        let there = self.bid > 0 && self.bid <= self.ask && self.bid_size > 0 && self.ask_size > 0;
        there && self.ask <= PIPS_MAX && self.bid_size.max(self.ask_size) <= SHARES_MAX
    }

    /// The quote as the decision sees it at a moment; `None` for what is no quote.
    pub fn quote(&self, now: Nanos) -> Option<Quote> {
        let touch = |pips: Pips, size: u64| {
            Some(Touch { price: price(pips)?, size: Quantity::of_whole(size) })
        };
        Some(Quote {
            bid: touch(self.bid, self.bid_size)?,
            ask: touch(self.ask, self.ask_size)?,
            changed_at: moment(self.at),
            observed_at: moment(now),
        })
    }
}

/// Something that was traded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Print {
    /// When.
    pub at: Nanos,
    /// At which price.
    pub price: Pips,
    /// Shares.
    pub size: u64,
    /// It can meet a resting order: no auction, no average-price and no late print.
    pub lit: bool,
}

impl Print {
    /// Something was traded, at a price and of a size that can be.
    pub fn is_usable(&self) -> bool {
        (1..=PIPS_MAX).contains(&self.price) && (1..=SHARES_MAX).contains(&self.size)
    }
}

/// What was odd in a day, and left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Oddities {
    /// Quotes that are crossed or lack a side.
    pub unusable: u64,
    /// Rows that are the same as the one before.
    pub repeated: u64,
    /// Rows outside of 09:30 to 16:00, New York.
    pub outside: u64,
}

/// A day of one symbol.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tape {
    /// The symbol, for the table.
    pub symbol: String,
    /// The day, or the seed of a generated one.
    pub day: String,
    /// When its session opens: 09:30 in New York.
    pub opens_at: Nanos,
    /// Usable quotes, in order of time.
    pub shown: Vec<Shown>,
    /// Prints, in order of time.
    pub prints: Vec<Print>,
    /// What was left out.
    pub odd: Oddities,
}

impl Tape {
    /// The quote that stood at a moment.
    pub fn at(&self, now: Nanos) -> Option<&Shown> {
        let after = self.shown.partition_point(|shown| shown.at <= now);
        self.shown.get(after.checked_sub(1)?)
    }

    /// Its first and last moment.
    pub fn span(&self) -> Option<(Nanos, Nanos)> {
        Some((self.shown.first()?.at, self.shown.last()?.at))
    }

    /// Rows in all.
    pub fn rows(&self) -> u64 {
        (self.shown.len() + self.prints.len()) as u64
    }
}

/// A price in dollars.
pub fn price(pips: Pips) -> Option<Price> {
    // Without the zeros at its end, which a decimal takes longer to lose.
    let (mut digits, mut decimals) = (pips, 4);
    while decimals > 0 && digits % 10 == 0 {
        (digits, decimals) = (digits / 10, decimals - 1);
    }
    Price::new(Decimal::new(digits, decimals)).ok()
}

/// A price in pips; `None` where it is finer than they are.
pub fn pips(dollars: Decimal) -> Option<Pips> {
    let scaled = dollars.checked_mul(Decimal::from(10_000))?;
    scaled.is_integer().then(|| Pips::try_from(scaled).ok()).flatten()
}

/// A moment as `core` has it.
pub fn moment(at: Nanos) -> Timestamp {
    let nanos = i32::try_from(at.rem_euclid(SECOND)).unwrap_or_default();
    Timestamp::new(at.div_euclid(SECOND), nanos).unwrap_or(Timestamp::UNIX_EPOCH)
}
