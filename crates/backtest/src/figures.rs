//! What the books of some days look like, in the figures of real books.

use alchemiser_core::side::Side;
use alchemiser_market::{
    chance::float,
    real::{Figures, HORIZONS_S, SignalTable},
};

use crate::{
    leg::Worked,
    measure::quantile,
    tape::{Nanos, Pips, SECOND, Shown, Tape},
};

/// Means of fewer quotes or orders say nothing.
const COUNT_MIN: u64 = 50;

/// The quote of every whole second between a day's first and last one.
fn seconds(tape: &Tape) -> Vec<Shown> {
    let Some((first, last)) = tape.span() else { return Vec::new() };
    let mut next = 0;
    let mut quotes = Vec::new();
    let mut at = first;
    while at <= last {
        while tape.shown.get(next).is_some_and(|shown| shown.at <= at) {
            next += 1;
        }
        quotes.extend(next.checked_sub(1).and_then(|last| tape.shown.get(last)));
        at += SECOND;
    }
    quotes
}

#[expect(clippy::cast_precision_loss, reason = "pips and sizes are far below 2^53")]
fn real(number: i64) -> f64 {
    number as f64
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

/// The figures of days of one symbol, with ticks of so many pips; `None` where there are no quotes.
pub fn figures(tapes: &[&Tape], tick: Pips) -> Option<Figures<f64>> {
    let days: Vec<Vec<Shown>> = tapes.iter().map(|tape| seconds(tape)).collect();
    let all: Vec<&Shown> = days.iter().flatten().collect();
    let count = float(all.len() as u64);
    if all.is_empty() {
        return None;
    }
    let ticks = |shown: &&Shown| real(shown.spread()) / real(tick);
    let spreads = sorted(all.iter().map(ticks).collect());
    let size = |size: u64| real(i64::try_from(size).unwrap_or(i64::MAX));
    let sizes = all.iter().flat_map(|shown| [size(shown.bid_size), size(shown.ask_size)]);
    let total =
        |of: &dyn Fn(&Tape) -> usize| float(tapes.iter().map(|tape| of(tape) as u64).sum::<u64>());
    let mid_changes = |tape: &Tape| {
        tape.shown.windows(2).filter(|pair| pair[0].mid_twice() != pair[1].mid_twice()).count()
    };
    let moves: Vec<f64> = days.iter().flat_map(|day| minutes(day)).collect();
    let squares: f64 = moves.iter().map(|bps| bps * bps).sum();
    Some(Figures {
        spread_mean: spreads.iter().sum::<f64>() / count,
        spread_median: quantile(&spreads, 0.5),
        spread_p90: quantile(&spreads, 0.9),
        one_tick_percent: 100.0 * float(spreads.iter().filter(|n| **n < 1.5).count() as u64)
            / count,
        touch_median: quantile(&sorted(sizes.collect()), 0.5),
        updates_per_second: total(&|tape| tape.shown.len()) / count,
        trades_per_minute: total(&|tape| tape.prints.len()) / count * 60.0,
        mid_changes_per_minute: total(&mid_changes) / count * 60.0,
        sd_bps: (squares / float(moves.len().max(1) as u64)).sqrt(),
    })
}

/// One-minute changes of a day's mid, in basis points.
fn minutes(day: &[Shown]) -> Vec<f64> {
    let mids: Vec<f64> = day.iter().step_by(60).map(|shown| real(shown.mid_twice())).collect();
    mids.windows(2).map(|pair| (pair[1] - pair[0]) / pair[0] * 10_000.0).collect()
}

/// (bid − ask) / (bid + ask) of the sizes.
fn imbalance(shown: &Shown) -> f64 {
    let (bid, ask) = (float(shown.bid_size), float(shown.ask_size));
    (bid - ask) / (bid + ask)
}

/// The part of so many equal ones in which a value of 0 to 1 lies.
fn bin(value: f64, parts: u32) -> usize {
    let whole = alchemiser_market::chance::nearest((value * f64::from(parts)).floor());
    usize::try_from(whole.min(u64::from(parts) - 1)).unwrap_or_default()
}

/// What the imbalance says of the next moves, at spreads of at least so many ticks: NaN where fewer than 50 quotes say.
pub fn signal(tapes: &[&Tape], tick: Pips, ticks_min: i64) -> SignalTable {
    let mut sums = [[0.0; 5]; 5];
    let mut counts = [0_u64; 5];
    for tape in tapes {
        for ahead in seconds(tape).windows(HORIZONS_S[4] + 1) {
            let now = &ahead[0];
            if now.spread() < ticks_min * tick {
                continue;
            }
            let heavy = imbalance(now);
            let column = bin(heavy.abs(), 5);
            let sign = if heavy == 0.0 { 0.0 } else { heavy.signum() };
            for (row, horizon) in sums.iter_mut().zip(HORIZONS_S) {
                let moved = real(ahead[horizon].mid_twice() - now.mid_twice()) / 2.0;
                row[column] += sign * moved / real(tick);
            }
            counts[column] += 1;
        }
    }
    sums.map(|row| {
        let mut means = [f64::NAN; 5];
        for ((mean, sum), count) in means.iter_mut().zip(row).zip(counts) {
            if count >= COUNT_MIN {
                *mean = sum / float(count);
            }
        }
        means
    })
}

/// The mean cost of orders in half-spreads, by the pressure at their arrival in ten bins from −1 to 1; NaN where fewer than
/// 50 orders arrived.
pub fn by_pressure<'a>(worked: impl Iterator<Item = &'a Worked>) -> [f64; 10] {
    let mut sums = [(0.0, 0_u64); 10];
    for order in worked {
        let sign = if order.side == Side::Buy { 1.0 } else { -1.0 };
        let place = bin(f64::midpoint(sign * imbalance(&order.shown), 1.0), 10);
        sums[place] = (sums[place].0 + cost(order, sign), sums[place].1 + 1);
    }
    sums.map(|(sum, count)| if count >= COUNT_MIN { sum / float(count) } else { f64::NAN })
}

fn cost(order: &Worked, sign: f64) -> f64 {
    let off = |price: Pips| sign * real(2 * price - order.shown.mid_twice());
    let total: u64 = order.fills.iter().map(|fill| fill.shares).sum();
    let paid: f64 = order.fills.iter().map(|fill| off(fill.price) * float(fill.shares)).sum();
    paid / float(total) / real(order.shown.spread())
}

/// Seconds that the orders of [`by_pressure`] wait before they cross, as those of the real books did.
pub const WAITING: Nanos = 60 * SECOND;

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(at_s: Nanos, bid: Pips, ask: Pips, sizes: (u64, u64)) -> Shown {
        Shown { at: at_s * SECOND, bid, bid_size: sizes.0, ask, ask_size: sizes.1 }
    }

    /// Two minutes at one tick and one at three, worked out by hand.
    #[test]
    fn figures_are_those_of_the_quotes() {
        let quotes = [
            shown(0, 1_000, 1_100, (100, 300)),
            shown(120, 1_000, 1_300, (100, 500)),
            shown(180, 1_000, 1_300, (200, 500)),
        ];
        let tape = Tape { shown: quotes.to_vec(), ..Tape::default() };
        let found = figures(&[&tape], 100).unwrap();
        let seconds = 181.0;
        assert!((found.spread_median - 1.0).abs() < 1e-9);
        assert!((found.spread_p90 - 3.0).abs() < 1e-9);
        assert!((found.spread_mean - (120.0 + 61.0 * 3.0) / seconds).abs() < 1e-9);
        assert!((found.one_tick_percent - 100.0 * 120.0 / seconds).abs() < 1e-9);
        assert!((found.updates_per_second - 3.0 / seconds).abs() < 1e-9);
        assert!((found.mid_changes_per_minute - 60.0 / seconds).abs() < 1e-9);
        let move_bps: f64 = 200.0 / 2_100.0 * 10_000.0;
        assert!((found.sd_bps - (move_bps * move_bps / 3.0).sqrt()).abs() < 1e-9);
        assert!(figures(&[&Tape::default()], 100).is_none());
    }

    /// A heavy bid that is followed by a rise of one tick says one tick; a bin that nobody was in says nothing.
    #[test]
    fn the_signal_is_toward_the_heavy_side() {
        let quotes = [
            shown(0, 1_000, 1_100, (900, 100)),
            shown(100, 1_100, 1_200, (100, 900)),
            shown(200, 1_000, 1_100, (900, 100)),
        ];
        let tape = Tape { shown: quotes.to_vec(), ..Tape::default() };
        let table = signal(&[&tape], 100, 1);
        // 141 seconds have a minute ahead. The rise is seen within a minute by 60 of them and within a second by one; the
        // fall, toward the heavy ask, within a minute by the last one.
        assert!((table[4][4] - 61.0 / 141.0).abs() < 1e-9, "{table:?}");
        assert!((table[0][4] - 1.0 / 141.0).abs() < 1e-9, "{table:?}");
        assert!(table[0][0].is_nan());
    }
}
