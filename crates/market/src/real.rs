//! What real books look like: the targets of the generator, and what a page of a study shows beside its own books.
//! Measured on samples of NYSE and Nasdaq books of 2012, 2013 and 2018; only the figures are here.

use crate::listing::Regime;

/// The figures of a book.
#[derive(Clone, Copy, Debug)]
pub struct Figures<T> {
    /// Mean spread in ticks.
    pub spread_mean: T,
    /// Median spread in ticks.
    pub spread_median: T,
    /// 90th percentile of the spread in ticks.
    pub spread_p90: T,
    /// Time at a spread of one tick, in percent.
    pub one_tick_percent: T,
    /// Median size at the touch, in shares.
    pub touch_median: T,
    /// Quote changes per second.
    pub updates_per_second: T,
    /// Trade prints per minute.
    pub trades_per_minute: T,
    /// Changes of the mid per minute.
    pub mid_changes_per_minute: T,
    /// Standard deviation of one-minute changes of the mid, in basis points.
    pub sd_bps: T,
}

/// The horizons of [`RealBook::signal`], in seconds.
pub const HORIZONS_S: [usize; 5] = [1, 5, 10, 30, 60];

/// Expected ticks toward the heavy side: a row for each horizon of [`HORIZONS_S`], a column for each fifth of
/// |imbalance|.
pub type SignalTable = [[f64; 5]; 5];

/// Real books of one kind; each figure as its lowest and highest.
#[derive(Clone, Copy, Debug)]
pub struct RealBook {
    /// Whose they are.
    pub name: &'static str,
    /// Their figures.
    pub figures: Figures<(f64, f64)>,
    /// What their imbalance says of the next moves; `None` where it says nothing.
    pub signal: Option<SignalTable>,
    /// The cost of joining the near touch and crossing after 60 s, in half-spreads, by pressure at arrival in ten bins
    /// from −1 to 1.
    pub waiting: Option<[f64; 10]>,
}

/// The real books of a regime, if there are any.
pub fn book(regime: Regime) -> Option<&'static RealBook> {
    match regime {
        Regime::Deep => Some(&DEEP),
        Regime::OneTick => Some(&ONE_TICK),
        Regime::FewTicks => Some(&FEW_TICKS),
        Regime::Wide => Some(&WIDE),
        Regime::ThinEtf => None,
    }
}

/// BAC 2013.
pub const DEEP: RealBook = RealBook {
    name: "BAC 2013",
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
    signal: Some([
        [0.0, 0.0, 0.01, 0.03, 0.08],
        [0.01, 0.02, 0.05, 0.09, 0.20],
        [0.01, 0.04, 0.08, 0.15, 0.26],
        [0.03, 0.09, 0.15, 0.23, 0.35],
        [0.04, 0.13, 0.20, 0.26, 0.35],
    ]),
    waiting: Some([-0.33, 0.36, 0.61, 0.63, 0.77, 0.99, 1.16, 1.17, 1.41, 1.47]),
};

/// AIG 2013.
pub const ONE_TICK: RealBook = RealBook {
    name: "AIG 2013",
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
    signal: Some([
        [0.01, 0.04, 0.07, 0.12, 0.20],
        [0.02, 0.09, 0.15, 0.26, 0.40],
        [0.03, 0.10, 0.18, 0.30, 0.44],
        [0.03, 0.11, 0.23, 0.31, 0.56],
        [0.01, 0.14, 0.22, 0.30, 0.61],
    ]),
    waiting: Some([-0.01, 0.21, 0.51, 0.68, 0.80, 0.98, 1.12, 1.18, 1.49, 1.96]),
};

/// XXX 2018.
pub const FEW_TICKS: RealBook = RealBook {
    name: "XXX 2018",
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
    signal: Some([
        [0.0, 0.07, 0.09, 0.13, 0.07],
        [0.01, 0.18, 0.24, 0.35, 0.33],
        [-0.01, 0.24, 0.37, 0.49, 0.52],
        [0.06, 0.32, 0.51, 0.59, 1.03],
        [0.07, 0.27, 0.41, 0.59, 1.71],
    ]),
    waiting: Some([-0.26, 0.29, 0.32, 0.45, 0.41, 0.69, 0.64, 0.73, 0.78, 0.90]),
};

/// AMZN 2012: of the wide names the one at the prices of the regime. Its imbalance says nothing usable.
pub const WIDE: RealBook = RealBook {
    name: "AMZN 2012",
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
    signal: None,
    waiting: None,
};
