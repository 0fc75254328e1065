//! The course of a book, second by second.

use std::ops::Range;

use alchemiser_market::{
    book::{Book, BookQuote, MarketEvent},
    listing::Listing,
    real::{Figures, HORIZONS_S},
    session::SessionTime,
};

use crate::waiting::Waiting;

/// What is kept of a book's course.
#[derive(Debug)]
pub(crate) struct Course {
    /// The quote at the end of every second.
    quotes: Vec<BookQuote>,
    updates: u64,
    trades: u64,
    mid_changes: u64,
    start_ticks: f64,
}

/// Mean signed moves and the number of quotes that they are from.
#[derive(Debug, Default)]
pub(crate) struct Moves {
    /// By horizon and fifth of |imbalance|, in ticks.
    pub(crate) ticks: [[f64; 5]; 5],
    pub(crate) quotes: [u64; 5],
    /// Mean half-spread of all of them, in ticks.
    pub(crate) half_spread: f64,
}

/// Twice the mid, in ticks.
fn double_mid(quote: &BookQuote) -> i64 {
    quote.bid + quote.ask
}

/// (bid − ask) / (bid + ask) of the sizes.
pub(crate) fn imbalance(quote: &BookQuote) -> f64 {
    let (bid, ask) = (quote.bid_size as f64, quote.ask_size as f64);
    (bid - ask) / (bid + ask)
}

/// The value below which such a part of all lies.
fn quantile(mut values: Vec<i64>, part: f64) -> f64 {
    values.sort_unstable();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
    let index = (values.len() as f64 * part) as usize;
    values[index] as f64
}

impl Course {
    /// Generates the course of a book, and sends orders through it.
    pub(crate) fn of(seed: u64, listing: &Listing, seconds: u64, waiting: &mut Waiting) -> Self {
        let mut book = Book::new(seed, listing);
        let start_ticks = double_mid(&book.quote()) as f64 / 2.0;
        let quotes = Vec::with_capacity(usize::try_from(seconds).unwrap());
        let mut course = Self { quotes, updates: 0, trades: 0, mid_changes: 0, start_ticks };
        let mut mid = double_mid(&book.quote());
        for second in 0..seconds {
            for at_ms in [second * 1000 + Waiting::LATENCY_MS, second * 1000 + 1000] {
                book.advance(SessionTime::from_millis(at_ms), &mut |event| {
                    match event {
                        MarketEvent::Quote(quote) => {
                            course.updates += 1;
                            course.mid_changes += u64::from(double_mid(quote) != mid);
                            mid = double_mid(quote);
                        }
                        MarketEvent::Print { .. } => course.trades += 1,
                    }
                    waiting.observe(event);
                });
                if at_ms % 1000 == Waiting::LATENCY_MS {
                    waiting.act(second, &book.quote());
                }
            }
            waiting.decide(second + 1, &book.quote());
            course.quotes.push(book.quote());
        }
        course
    }

    pub(crate) fn figures(&self) -> Figures<f64> {
        let count = self.quotes.len() as f64;
        let spreads: Vec<i64> = self.quotes.iter().map(|quote| quote.ask - quote.bid).collect();
        let sizes = self.quotes.iter().flat_map(|quote| [quote.bid_size, quote.ask_size]);
        let one_tick = spreads.iter().filter(|ticks| **ticks == 1).count() as f64;
        let mids: Vec<_> = self.quotes.iter().step_by(60).map(double_mid).collect();
        let squares = mids.windows(2).map(|pair| ((pair[1] - pair[0]) as f64 / 2.0).powi(2));
        let variance = squares.sum::<f64>() / (mids.len() - 1) as f64;
        Figures {
            spread_mean: spreads.iter().sum::<i64>() as f64 / count,
            one_tick_percent: 100.0 * one_tick / count,
            spread_median: quantile(spreads.clone(), 0.5),
            spread_p90: quantile(spreads, 0.9),
            touch_median: quantile(sizes.map(u64::cast_signed).collect(), 0.5),
            updates_per_second: self.updates as f64 / count,
            trades_per_minute: self.trades as f64 / count * 60.0,
            mid_changes_per_minute: self.mid_changes as f64 / count * 60.0,
            // Of the first price: a book that has wandered off still moves by as many ticks.
            sd_bps: variance.sqrt() / self.start_ticks * 10_000.0,
        }
    }

    /// Moves toward the heavy side, at spreads of so many ticks.
    pub(crate) fn signal(&self, spreads: Range<i64>) -> Moves {
        let mut moves = Moves::default();
        let mut spread = 0;
        for ahead in self.quotes.windows(HORIZONS_S[4] + 1) {
            let now = &ahead[0];
            if !spreads.contains(&(now.ask - now.bid)) {
                continue;
            }
            let heavy = imbalance(now);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a bin")]
            let bin = ((heavy.abs() * 5.0) as usize).min(4);
            let sign = if heavy == 0.0 { 0.0 } else { heavy.signum() };
            for (ticks, horizon) in moves.ticks.iter_mut().zip(HORIZONS_S) {
                ticks[bin] += sign * (double_mid(&ahead[horizon]) - double_mid(now)) as f64 / 2.0;
            }
            moves.quotes[bin] += 1;
            spread += now.ask - now.bid;
        }
        for ticks in &mut moves.ticks {
            for (sum, count) in ticks.iter_mut().zip(moves.quotes) {
                *sum /= count.max(1) as f64;
            }
        }
        moves.half_spread = spread as f64 / 2.0 / moves.quotes.iter().sum::<u64>() as f64;
        moves
    }
}
