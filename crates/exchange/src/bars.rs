//! Minute bars of the prints of one symbol.

use std::collections::VecDeque;

use alchemiser_core::price::Price;
use jiff::Timestamp;
use rust_decimal::{Decimal, prelude::ToPrimitive};

/// Bars that are kept: a week of an always open market.
const KEPT_MAX: usize = 7 * 24 * 60;

/// Seconds of a minute.
const MINUTE_S: i64 = 60;

/// Trades of a stretch of time.
#[derive(Clone, Copy, Debug)]
pub struct Bar {
    /// The beginning of the stretch.
    pub at: Timestamp,
    /// The first price.
    pub open: Price,
    /// The highest one.
    pub high: Price,
    /// The lowest one.
    pub low: Price,
    /// The last one.
    pub close: Price,
    /// Shares.
    pub volume: u64,
    /// Trades.
    pub trades: u64,
    /// Dollars.
    pub turnover: Decimal,
}

impl Bar {
    /// A bar at one price.
    pub fn flat(at: Timestamp, price: Price, volume: u64) -> Self {
        let turnover = price.dollars() * Decimal::from(volume);
        let (open, high, low, close) = (price, price, price, price);
        Self { at, open, high, low, close, volume, trades: u64::from(volume > 0), turnover }
    }

    /// The volume-weighted average price.
    pub fn average(&self) -> f64 {
        let average = self.turnover.checked_div(Decimal::from(self.volume));
        average.unwrap_or(self.close.dollars()).to_f64().unwrap_or_default()
    }

    /// This bar and a later one as one.
    #[must_use]
    pub fn and(self, later: Self) -> Self {
        Self {
            at: self.at,
            open: self.open,
            high: self.high.max(later.high),
            low: self.low.min(later.low),
            close: later.close,
            volume: self.volume + later.volume,
            trades: self.trades + later.trades,
            turnover: self.turnover + later.turnover,
        }
    }
}

/// The bars of a symbol, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Bars {
    minutes: VecDeque<Bar>,
}

impl Bars {
    /// A trade was printed.
    pub fn print(&mut self, at: Timestamp, price: Price, size: u64) {
        let minute = floor_to(at, MINUTE_S);
        let bar = Bar::flat(minute, price, size);
        match self.minutes.back_mut() {
            Some(last) if last.at == minute => *last = last.and(bar),
            Some(_) | None => {
                if self.minutes.len() == KEPT_MAX {
                    self.minutes.pop_front();
                }
                self.minutes.push_back(bar);
            }
        }
    }

    /// The bar of the minute that begins at a time.
    pub fn at(&self, at: Timestamp) -> Option<Bar> {
        self.minutes.iter().rev().find(|bar| bar.at == at).copied()
    }

    /// The newest minute.
    pub fn last(&self) -> Option<Bar> {
        self.minutes.back().copied()
    }

    /// Bars of so many seconds, by the beginning that a stretch has.
    pub fn by(&self, beginning: impl Fn(Timestamp) -> Timestamp) -> Vec<Bar> {
        let mut bars: Vec<Bar> = Vec::new();
        for minute in &self.minutes {
            let at = beginning(minute.at);
            match bars.last_mut() {
                Some(last) if last.at == at => *last = last.and(*minute),
                Some(_) | None => bars.push(Bar { at, ..*minute }),
            }
        }
        bars
    }
}

/// The beginning of the stretch of so many seconds that a time is in.
pub fn floor_to(at: Timestamp, seconds: i64) -> Timestamp {
    let whole = at.as_second().div_euclid(seconds).saturating_mul(seconds);
    Timestamp::from_second(whole).unwrap_or(at)
}
