//! What an order cost, in figures.

use alchemiser_core::side::Side;
use alchemiser_market::chance::{Chance, float};

use crate::{
    leg::Worked,
    tape::{Nanos, Pips, SECOND, Tape},
};

/// Seconds after a fill at which its price is compared with the mid.
pub const MARKOUTS_S: [Nanos; 5] = [1, 5, 30, 60, 300];

/// Orders of the same quarter of an hour are drawn together: they saw the same market.
const BLOCK: Nanos = 900 * SECOND;

/// Resamples of a bootstrap.
const RESAMPLES: usize = 2_000;

/// One order's figures.
#[derive(Clone, Debug, PartialEq)]
pub struct Cost {
    /// Its quarter of an hour.
    pub block: Block,
    /// The spread at its arrival, in ticks.
    pub ticks: f64,
    /// s (average price − mid at arrival), in pips a share.
    pub off: f64,
    /// The half-spread at arrival, in pips.
    pub half: f64,
    /// The cost over the mid, in basis points.
    pub bps: f64,
    /// The part of its shares that rested until somebody came.
    pub passive: f64,
    /// Seconds from its arrival to its last fill.
    pub seconds: f64,
    /// Orders that it took.
    pub children: f64,
    /// s (mid so much later − price), averaged over its shares, in half-spreads at arrival.
    pub markouts: [Option<f64>; 5],
}

fn sign(side: Side) -> f64 {
    match side {
        Side::Buy => 1.0,
        Side::Sell => -1.0,
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "prices in pips and times in a day are far below 2^53"
)]
fn real(number: i64) -> f64 {
    number as f64
}

/// The figures of an order. Everything is relative to the mid at arrival, so that the sums stay small.
pub fn cost(worked: &Worked, tape: &Tape, tape_number: usize, tick: Pips) -> Cost {
    let shown = &worked.shown;
    let (s, half) = (sign(worked.side), real(shown.spread()) / 2.0);
    let off_mid = |price: Pips| s * (real(2 * price - shown.mid_twice()) / 2.0);
    let total = float(worked.fills.iter().map(|fill| fill.shares).sum());
    let weighted = |of: &dyn Fn(Pips, Nanos) -> Option<f64>| -> Option<f64> {
        let parts =
            worked.fills.iter().map(|fill| Some(of(fill.price, fill.at)? * float(fill.shares)));
        Some(parts.sum::<Option<f64>>()? / total)
    };
    let off = weighted(&|price, _| Some(off_mid(price))).unwrap_or_default();
    let passive = worked.fills.iter().filter(|fill| fill.is_passive).map(|fill| fill.shares).sum();
    let last = worked.fills.last().map_or(worked.arrival, |fill| fill.at);
    let markout = |seconds: Nanos| {
        weighted(&|price, at| {
            let (_, end) = tape.span()?;
            let later = tape.at(at + seconds * SECOND).filter(|_| at + seconds * SECOND <= end)?;
            Some(s * real(later.mid_twice() - 2 * price) / 2.0 / half)
        })
    };
    Cost {
        block: (tape_number, worked.arrival / BLOCK),
        ticks: real(shown.spread()) / real(tick.max(1)),
        off,
        half,
        bps: off / (real(shown.mid_twice()) / 2.0) * 10_000.0,
        passive: float(passive) / total,
        seconds: real(last - worked.arrival) / real(SECOND),
        children: f64::from(worked.children),
        markouts: MARKOUTS_S.map(markout),
    }
}

impl Cost {
    /// The cost in half-spreads at arrival.
    pub fn half_spreads(&self) -> f64 {
        self.off / self.half
    }
}

/// What orders cost over what their half-spreads were, both summed: a market order pays 1. An order at a narrow spread
/// counts for what it cost in money; the mean of quotients would be ruled by the narrowest spreads.
pub fn ratio(parts: impl Iterator<Item = (f64, f64)>) -> f64 {
    let (off, half) = parts.fold((0.0, 0.0), |all, one| (all.0 + one.0, all.1 + one.1));
    off / half
}

/// The mean.
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / float(values.len() as u64)
}

/// The value below which a part of the sorted values lies.
pub(crate) fn quantile(sorted: &[f64], part: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    let at = part * float(last as u64);
    let index = alchemiser_market::chance::nearest(at.floor());
    let low = usize::try_from(index).unwrap_or(last).min(last);
    let (one, two) = (sorted[low], sorted[(low + 1).min(last)]);
    one + (two - one) * (at - at.floor())
}

/// Median and 95th percentile.
pub fn quantiles(values: &[f64]) -> (f64, f64) {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    (quantile(&sorted, 0.5), quantile(&sorted, 0.95))
}

/// The standard deviation.
pub fn deviation(values: &[f64]) -> f64 {
    let mean = mean(values);
    let squares = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>();
    (squares / float(values.len().saturating_sub(1).max(1) as u64)).sqrt()
}

/// A quarter of an hour of a tape.
pub type Block = (usize, Nanos);

/// The 95 % interval of a [`ratio`]: quarters of an hour are drawn with replacement, each with all of its orders.
pub fn interval(parts: &[(Block, (f64, f64))], seed: u64) -> (f64, f64) {
    let mut blocks: Vec<(f64, f64)> = Vec::new();
    let mut last = None;
    for (block, (off, half)) in parts {
        if last != Some(*block) {
            blocks.push((0.0, 0.0));
            last = Some(*block);
        }
        if let Some(sums) = blocks.last_mut() {
            *sums = (sums.0 + off, sums.1 + half);
        }
    }
    let mut chance = Chance::of(seed, "bootstrap", "blocks");
    let most = (blocks.len() as u64).saturating_sub(1);
    let mut draw = || usize::try_from(chance.between(0, most)).unwrap_or_default();
    let mut ratios: Vec<f64> = (0..RESAMPLES)
        .map(|_| ratio((0..blocks.len()).map(|_| draw()).map(|index| blocks[index])))
        .collect();
    ratios.sort_by(f64::total_cmp);
    (quantile(&ratios, 0.025), quantile(&ratios, 0.975))
}
