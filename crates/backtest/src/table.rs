//! The cost table: a row for each policy, horizon, symbol and spread group.

use alchemiser_core::price::Tick;
use serde::Serialize;

use crate::{
    leg::{Habits, Worked},
    measure::{Cost, MARKOUTS_S, cost, deviation, interval, mean, quantiles, ratio},
    tape::{Pips, Tape, pips, price},
};

/// Spread groups by ticks at arrival: the name, and from and to which spread.
const GROUPS: [(&str, f64, f64); 5] = [
    ("all", 0.0, f64::INFINITY),
    ("1", 0.0, 1.5),
    ("2-3", 1.5, 3.5),
    ("4-12", 3.5, 12.5),
    ("13+", 12.5, f64::INFINITY),
];

/// A group with fewer orders has no row.
const ORDERS_MIN: usize = 20;

/// A row of the table. Costs are s (average price − mid at arrival); `_h` is in half-spreads at arrival.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The symbol, or the regime.
    pub symbol: String,
    /// The spread at arrival in ticks.
    pub group: &'static str,
    /// Who decided.
    pub policy: String,
    /// The time that an order is worked, in seconds.
    pub horizon_s: i64,
    /// How many orders.
    pub orders: usize,
    /// The costs over the half-spreads, both summed.
    pub mean_h: f64,
    /// Its 95 % interval: from.
    pub ci_low_h: f64,
    /// Its 95 % interval: to.
    pub ci_high_h: f64,
    /// The median of the orders’ own quotients.
    pub median_h: f64,
    /// Their 95th percentile.
    pub p95_h: f64,
    /// Their standard deviation.
    pub sd_h: f64,
    /// The mean cost in basis points of the mid.
    pub mean_bps: f64,
    /// The part of the shares that rested until somebody came.
    pub passive_share: f64,
    /// Seconds to the last fill.
    pub seconds_mean: f64,
    /// Orders sent.
    pub children_mean: f64,
    /// Orders with shares that counted at the far touch, one tick worse, as time was up.
    pub forced_orders: usize,
    /// s (mid later − price) after 1, 5, 30, 60 and 300 s.
    pub markouts_h: [Option<f64>; 5],
    /// The cost less that of the first policy, order by order.
    pub diff_h: Option<f64>,
    /// Its 95 % interval: from.
    pub diff_low_h: Option<f64>,
    /// Its 95 % interval: to.
    pub diff_high_h: Option<f64>,
}

/// One policy's orders, in the order of [`crate::study::run`].
#[derive(Debug)]
pub struct Studied<'a> {
    /// Its name.
    pub policy: &'a str,
    /// The horizon in seconds.
    pub horizon_s: i64,
    /// How it worked.
    pub habits: &'a Habits,
    /// What became of its orders.
    pub worked: &'a [Option<Worked>],
}

/// An order's figures, and whether it was forced.
type Figures = Option<(Cost, bool)>;

fn figures(studied: &Studied<'_>, tapes: &[Tape]) -> Vec<(usize, Figures)> {
    let part = studied.worked.len().checked_div(tapes.len()).unwrap_or_default().max(1);
    let orders = studied.worked.iter().enumerate().map(|(number, worked)| {
        let tape_number = (number / part).min(tapes.len().saturating_sub(1));
        let figures = worked.as_ref().zip(tapes.get(tape_number)).map(|(worked, tape)| {
            let tick = tick(studied.habits, worked.shown.bid);
            (cost(worked, tape, tape_number, tick), worked.forced > 0)
        });
        (tape_number, figures)
    });
    orders.collect()
}

/// The tick at a price.
pub fn tick(habits: &Habits, at: Pips) -> Pips {
    let usual = price(at).map_or(Tick::CENT, Tick::at);
    pips(habits.tick.unwrap_or(usual).dollars()).unwrap_or(100)
}

/// The rows of one policy; `first` is what it is compared with, order by order.
pub fn rows(
    studied: &Studied<'_>,
    first: Option<&Studied<'_>>,
    tapes: &[Tape],
    seed: u64,
) -> Vec<Row> {
    let own = figures(studied, tapes);
    let others = first.map(|first| figures(first, tapes));
    let mut symbols: Vec<&str> = tapes.iter().map(|tape| tape.symbol.as_str()).collect();
    symbols.dedup();
    let mut rows = Vec::new();
    for symbol in symbols {
        for (group, from, to) in GROUPS {
            let inside = |number: usize| {
                let (tape_number, figures) = &own[number];
                let cost = figures.as_ref().filter(|(cost, _)| (from..to).contains(&cost.ticks));
                cost.filter(|_| tapes[*tape_number].symbol == symbol)
            };
            let chosen: Vec<usize> = (0..own.len()).filter(|n| inside(*n).is_some()).collect();
            if chosen.len() >= ORDERS_MIN {
                let picked: Vec<&(Cost, bool)> = chosen.iter().filter_map(|n| inside(*n)).collect();
                let mut row = row(studied, (symbol, group), &picked, seed);
                if let Some(others) = &others {
                    compare(&mut row, &own, others, (&chosen, seed));
                }
                rows.push(row);
            }
        }
    }
    rows
}

fn row(
    studied: &Studied<'_>,
    (symbol, group): (&str, &'static str),
    picked: &[&(Cost, bool)],
    seed: u64,
) -> Row {
    let all = |of: fn(&Cost) -> f64| picked.iter().map(|(cost, _)| of(cost)).collect::<Vec<_>>();
    let half_spreads = all(Cost::half_spreads);
    let parts = picked.iter().map(|(cost, _)| (cost.block, (cost.off, cost.half)));
    let parts: Vec<_> = parts.collect();
    let (low, high) = interval(&parts, seed);
    let (median, p95) = quantiles(&half_spreads);
    let mut markouts = [None; MARKOUTS_S.len()];
    for (place, markout) in markouts.iter_mut().enumerate() {
        let known: Vec<f64> = picked.iter().filter_map(|(cost, _)| cost.markouts[place]).collect();
        *markout = (!known.is_empty()).then(|| mean(&known));
    }
    Row {
        symbol: symbol.to_owned(),
        group,
        policy: studied.policy.to_owned(),
        horizon_s: studied.horizon_s,
        orders: picked.len(),
        mean_h: ratio(parts.iter().map(|(_, part)| *part)),
        ci_low_h: low,
        ci_high_h: high,
        median_h: median,
        p95_h: p95,
        sd_h: deviation(&half_spreads),
        mean_bps: mean(&all(|cost| cost.bps)),
        passive_share: mean(&all(|cost| cost.passive)),
        seconds_mean: mean(&all(|cost| cost.seconds)),
        children_mean: mean(&all(|cost| cost.children)),
        forced_orders: picked.iter().filter(|(_, forced)| *forced).count(),
        markouts_h: markouts,
        diff_h: None,
        diff_low_h: None,
        diff_high_h: None,
    }
}

/// The difference to the first policy, order by order.
fn compare(
    row: &mut Row,
    own: &[(usize, Figures)],
    others: &[(usize, Figures)],
    (chosen, seed): (&[usize], u64),
) {
    let pairs = chosen.iter().filter_map(|number| {
        let (mine, _) = own[*number].1.as_ref()?;
        let (other, _) = others.get(*number)?.1.as_ref()?;
        Some((mine.block, (mine.off - other.off, mine.half)))
    });
    let pairs: Vec<_> = pairs.collect();
    if pairs.is_empty() {
        return;
    }
    let (low, high) = interval(&pairs, seed);
    row.diff_h = Some(ratio(pairs.iter().map(|(_, part)| *part)));
    (row.diff_low_h, row.diff_high_h) = (Some(low), Some(high));
}
