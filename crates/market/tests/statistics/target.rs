//! What real books look like.

use std::ops::Range;

use alchemiser_market::listing::Regime;

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

#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures<T> {
    pub(crate) spread_mean: T,
    pub(crate) spread_median: T,
    pub(crate) spread_p90: T,
    pub(crate) one_tick_percent: T,
    pub(crate) touch_median: T,
    pub(crate) updates_per_second: T,
    pub(crate) trades_per_minute: T,
    pub(crate) mid_changes_per_minute: T,
    pub(crate) sd_bps: T,
}

/// What the imbalance says of the next moves.
#[derive(Debug)]
pub(crate) enum Signal {
    /// Expected ticks toward the heavy side: a row for each horizon of [`HORIZONS_S`], a column for each fifth of
    /// |imbalance|.
    Known([[f64; 5]; 5]),
    /// Less than a tenth of the half-spread everywhere.
    NotUsable,
    /// Not in the table.
    Unknown,
}

pub(crate) const HORIZONS_S: [usize; 5] = [1, 5, 10, 30, 60];

/// BAC 2013.
pub(crate) const DEEP: Target = Target {
    regime: Regime::Deep,
    price: "14",
    seconds: 1_000_000,
    figures: Figures {
        spread_mean: (1.0, 1.0),
        spread_median: (1.0, 1.0),
        spread_p90: (1.0, 1.0),
        one_tick_percent: (99.8, 99.8),
        touch_median: (60_000.0, 86_000.0),
        updates_per_second: (10.0, 14.0),
        trades_per_minute: (220.0, 320.0),
        mid_changes_per_minute: (1.3, 3.2),
        sd_bps: (4.8, 7.1),
    },
    spreads: 1..2,
    signal: Signal::Known([
        [0.0, 0.0, 0.01, 0.03, 0.08],
        [0.01, 0.02, 0.05, 0.09, 0.20],
        [0.01, 0.04, 0.08, 0.15, 0.26],
        [0.03, 0.09, 0.15, 0.23, 0.35],
        [0.04, 0.13, 0.20, 0.26, 0.35],
    ]),
    costs: Some([-0.33, 0.36, 0.61, 0.63, 0.77, 0.99, 1.16, 1.17, 1.41, 1.47]),
};

/// AIG 2013.
pub(crate) const ONE_TICK: Target = Target {
    regime: Regime::OneTick,
    price: "49",
    seconds: 1_500_000,
    figures: Figures {
        spread_mean: (1.04, 1.04),
        spread_median: (1.0, 1.0),
        spread_p90: (1.0, 1.0),
        one_tick_percent: (97.5, 97.5),
        touch_median: (900.0, 1_400.0),
        updates_per_second: (23.0, 30.0),
        trades_per_minute: (65.0, 139.0),
        mid_changes_per_minute: (19.0, 37.0),
        sd_bps: (5.4, 7.7),
    },
    spreads: 1..2,
    signal: Signal::Known([
        [0.01, 0.04, 0.07, 0.12, 0.20],
        [0.02, 0.09, 0.15, 0.26, 0.40],
        [0.03, 0.10, 0.18, 0.30, 0.44],
        [0.03, 0.11, 0.23, 0.31, 0.56],
        [0.01, 0.14, 0.22, 0.30, 0.61],
    ]),
    costs: Some([-0.01, 0.21, 0.51, 0.68, 0.80, 0.98, 1.12, 1.18, 1.49, 1.96]),
};

/// XXX 2018.
pub(crate) const FEW_TICKS: Target = Target {
    regime: Regime::FewTicks,
    price: "157",
    seconds: 3_000_000,
    figures: Figures {
        spread_mean: (3.7, 4.3),
        spread_median: (3.0, 3.0),
        spread_p90: (6.0, 9.0),
        one_tick_percent: (5.0, 8.0),
        touch_median: (100.0, 200.0),
        updates_per_second: (1.6, 1.8),
        trades_per_minute: (96.0, 100.0),
        mid_changes_per_minute: (44.0, 55.0),
        sd_bps: (4.3, 4.8),
    },
    spreads: 4..i64::MAX,
    signal: Signal::Known([
        [0.0, 0.07, 0.09, 0.13, 0.07],
        [0.01, 0.18, 0.24, 0.35, 0.33],
        [-0.01, 0.24, 0.37, 0.49, 0.52],
        [0.06, 0.32, 0.51, 0.59, 1.03],
        [0.07, 0.27, 0.41, 0.59, 1.71],
    ]),
    costs: Some([-0.26, 0.29, 0.32, 0.45, 0.41, 0.69, 0.64, 0.73, 0.78, 0.90]),
};

/// AMZN 2012: of the wide names the one at the prices of the regime.
pub(crate) const WIDE: Target = Target {
    regime: Regime::Wide,
    price: "222",
    seconds: 1_500_000,
    figures: Figures {
        spread_mean: (12.8, 12.8),
        spread_median: (12.0, 12.0),
        spread_p90: (18.0, 18.0),
        one_tick_percent: (0.0, 0.0),
        touch_median: (100.0, 100.0),
        updates_per_second: (2.4, 2.4),
        trades_per_minute: (29.0, 29.0),
        mid_changes_per_minute: (71.0, 71.0),
        sd_bps: (6.9, 6.9),
    },
    spreads: 4..i64::MAX,
    signal: Signal::NotUsable,
    costs: None,
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
