//! What real books look like.

use std::ops::Range;

use alchemiser_market::{
    listing::Regime,
    real::{self, Figures, SignalTable},
};

/// The figures of real books of one kind; each as its lowest and highest.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) regime: Regime,
    /// Dollars.
    pub(crate) price: &'static str,
    /// How long the book is generated, in seconds: long enough for the noise to be small beside the bounds.
    pub(crate) seconds: u64,
    pub(crate) figures: Figures<(f64, f64)>,
    /// The spreads in ticks at which the signal is measured.
    pub(crate) spreads: Range<i64>,
    pub(crate) signal: Signal,
    /// Cost of joining the near touch in half-spreads, by pressure in ten bins from −1 to 1.
    pub(crate) costs: Option<[f64; 10]>,
}

/// What the imbalance says of the next moves.
#[derive(Debug)]
pub(crate) enum Signal {
    /// Expected ticks toward the heavy side.
    Known(SignalTable),
    /// Less than a tenth of the half-spread everywhere.
    NotUsable,
    /// Not in the table.
    Unknown,
}

const fn known(signal: Option<SignalTable>) -> Signal {
    match signal {
        Some(table) => Signal::Known(table),
        None => Signal::NotUsable,
    }
}

/// BAC 2013.
pub(crate) const DEEP: Target = Target {
    regime: Regime::Deep,
    price: "14",
    seconds: 1_000_000,
    figures: real::DEEP.figures,
    spreads: 1..2,
    signal: known(real::DEEP.signal),
    costs: real::DEEP.waiting,
};

/// AIG 2013.
pub(crate) const ONE_TICK: Target = Target {
    regime: Regime::OneTick,
    price: "49",
    seconds: 1_500_000,
    figures: real::ONE_TICK.figures,
    spreads: 1..2,
    signal: known(real::ONE_TICK.signal),
    costs: real::ONE_TICK.waiting,
};

/// XXX 2018.
pub(crate) const FEW_TICKS: Target = Target {
    regime: Regime::FewTicks,
    price: "157",
    seconds: 3_000_000,
    figures: real::FEW_TICKS.figures,
    spreads: 4..i64::MAX,
    signal: known(real::FEW_TICKS.signal),
    costs: real::FEW_TICKS.waiting,
};

/// AMZN 2012: of the wide names the one at the prices of the regime.
pub(crate) const WIDE: Target = Target {
    regime: Regime::Wide,
    price: "222",
    seconds: 1_500_000,
    figures: real::WIDE.figures,
    spreads: 4..i64::MAX,
    signal: known(real::WIDE.signal),
    costs: real::WIDE.waiting,
};

/// No real book: the regime's own habits, with what follows from a spread of three ticks.
pub(crate) const THIN_ETF: Target = Target {
    regime: Regime::ThinEtf,
    price: "50",
    seconds: 1_000_000,
    figures: Figures {
        spread_mean: (3.0, 3.0),
        spread_median: (3.0, 3.0),
        spread_p90: (5.0, 5.0),
        one_tick_percent: (10.0, 20.0),
        touch_median: (600.0, 600.0),
        updates_per_second: (1.5, 1.5),
        trades_per_minute: (4.0, 4.0),
        mid_changes_per_minute: (12.0, 12.0),
        sd_bps: (4.0, 4.0),
    },
    spreads: 1..i64::MAX,
    signal: Signal::Unknown,
    costs: None,
};
