//! Quotes, trades, bars and snapshots: numbers, not texts.

use alchemiser_core::price::Price;
use alchemiser_market::book::BookQuote;
use jiff::{Timestamp, civil::Date};
use serde_json::{Value, json};

use super::number;
use crate::{
    bars::{Bar, floor_to},
    floor::{Floor, Print},
    hours::Calendar,
    venue::Venue,
};

/// The tape of everything here.
const TAPE: &str = "B";
/// Where everything happens.
const VENUE: &str = "V";

/// The displayed quote: an empty side is 0.
pub fn quote(floor: &Floor, shown: BookQuote, at: Timestamp) -> Value {
    let side = |ticks: i64, size: u64| {
        if size == 0 { Value::from(0) } else { number(floor.listing().price_of(ticks).dollars()) }
    };
    json!({
        "t": at.to_string(),
        "ax": VENUE,
        "ap": side(shown.ask, shown.ask_size),
        "as": shown.ask_size,
        "bx": VENUE,
        "bp": side(shown.bid, shown.bid_size),
        "bs": shown.bid_size,
        "c": ["R"],
        "z": TAPE,
    })
}

/// The quote that a symbol shows now.
pub fn latest_quote(venue: &Venue, floor: &Floor) -> Value {
    quote(floor, floor.shown(venue.now()), floor.changed_at())
}

/// A trade.
pub fn trade(price: Price, size: u64, at: Timestamp, id: u64) -> Value {
    json!({
        "t": at.to_string(),
        "x": VENUE,
        "p": number(price.dollars()),
        "s": size,
        "c": ["@"],
        "i": id,
        "z": TAPE,
    })
}

/// The last trade of a symbol, or its last close where nothing has traded yet.
pub fn latest_trade(venue: &Venue, floor: &Floor) -> Value {
    let listing = floor.listing();
    floor.last_print().map_or_else(
        || trade(listing.previous_close, 100, venue.started_at(), 0),
        |Print { ticks, size, at, count }| trade(listing.price_of(ticks), size, at, count + 1),
    )
}

/// A bar.
pub fn bar(bar: &Bar) -> Value {
    json!({
        "t": bar.at.to_string(),
        "o": number(bar.open.dollars()),
        "h": number(bar.high.dollars()),
        "l": number(bar.low.dollars()),
        "c": number(bar.close.dollars()),
        "v": bar.volume,
        "n": bar.trades,
        "vw": bar.average(),
    })
}

/// The stretches that bars may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// So many seconds.
    Seconds(i64),
    /// A day in New York.
    Day,
}

impl Frame {
    /// The stretch of a text like `5Min`, `1Hour` or `1Day`.
    pub fn read(text: &str) -> Option<Self> {
        let digits = text.find(|c: char| !c.is_ascii_digit())?;
        let (count, unit) = text.split_at(digits);
        let count: i64 = count.parse().ok()?;
        let fits = |most: i64, seconds: i64| {
            (1..=most).contains(&count).then_some(Self::Seconds(count * seconds))
        };
        match unit {
            "Min" | "T" => fits(59, 60),
            "Hour" | "H" => fits(23, 3_600),
            "Day" | "D" if count == 1 => Some(Self::Day),
            _ => None,
        }
    }
}

/// The bars of a symbol, oldest first: what was printed here, and before it the last close as one bar of a day.
pub fn bars(calendar: &Calendar, floor: &Floor, frame: Frame, began: Timestamp) -> Vec<Bar> {
    match frame {
        Frame::Seconds(seconds) => floor.bars().by(|at| floor_to(at, seconds)),
        Frame::Day => {
            let midnight = |day: Date| calendar.moment(day, jiff::civil::Time::midnight());
            let before = Calendar::trading_day_before(calendar.date_at(began));
            let close = Bar::flat(midnight(before), floor.listing().previous_close, 1_000_000);
            let days = floor.bars().by(|at| midnight(calendar.date_at(at)));
            std::iter::once(close).chain(days).collect()
        }
    }
}

/// Everything about a symbol.
pub fn snapshot(venue: &Venue, floor: &Floor) -> Value {
    let days = bars(venue.calendar(), floor, Frame::Day, venue.started_at());
    let today = days.last().copied();
    let before = days.iter().rev().nth(1).copied();
    let (daily, previous) = match (today, before) {
        (Some(today), Some(before)) => (Some(today), Some(before)),
        (only, _) => (None, only),
    };
    let mut snapshot = json!({
        "latestTrade": latest_trade(venue, floor),
        "latestQuote": latest_quote(venue, floor),
    });
    let minute = floor.bars().last();
    for (name, value) in [("minuteBar", minute), ("dailyBar", daily), ("prevDailyBar", previous)] {
        if let Some(value) = value {
            snapshot[name] = bar(&value);
        }
    }
    snapshot
}
