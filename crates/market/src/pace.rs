//! The rates of a book: what each regime's habits come from.
//!
//! They were fitted by a random search to the statistics of real books (`../shared/data/market/README.md`): spreads,
//! sizes, rates, the move that an imbalance announces, and the cost of waiting in the queue. The test `statistics`
//! compares what comes out of them with that table. Changing one changes all the others' outcome.

use crate::listing::Regime;

/// The lot in which sizes are given below.
const LOT: f64 = 100.0;
/// A book is scaled to prices at most so many times above or below the one it was fitted at.
const SCALE_MAX: f64 = 4.0;

/// Some sizes are larger: which part of them, and how many times.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) part: f64,
    pub(crate) times: f64,
}

/// The rates of one book; sizes in shares, rates per second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    pub(crate) queue: QueueSizes,
    pub(crate) orders: Orders,
    pub(crate) trades: Trades,
    pub(crate) moves: Moves,
    pub(crate) worked: Worked,
}

/// How long queues are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QueueSizes {
    /// Where as much joins as leaves.
    pub(crate) usual: f64,
    /// Of a queue that an order inside the spread begins, or hidden shares.
    pub(crate) joined: f64,
    /// Of a queue that was behind the best one.
    pub(crate) behind: f64,
    /// Large ones among the fresh queues.
    pub(crate) large: Size,
    /// A queue grows no more beyond so many times the usual size.
    pub(crate) most: f64,
}

/// Orders that join and leave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Orders {
    /// Of each side.
    pub(crate) rate: f64,
    pub(crate) size: f64,
    pub(crate) large: Size,
    /// How strongly a queue is drawn to its usual size.
    pub(crate) pull: f64,
}

/// Trades.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trades {
    /// Of each side.
    pub(crate) rate: f64,
    pub(crate) size: f64,
    /// The part that takes displayed shares of either side.
    pub(crate) reach: f64,
    /// The part that does so on the thin side in addition, times the eighth power of the imbalance.
    pub(crate) rush: f64,
}

/// How prices move.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moves {
    /// The part of used-up queues that hidden shares fill again.
    pub(crate) refill: f64,
    /// Mean ticks of one step.
    pub(crate) step: f64,
    /// Rate at which a gap closes, for each tick of spread above one; both sides together.
    pub(crate) close: f64,
    /// How much likelier a gap closes by a move than by a return.
    pub(crate) lean_fell: f64,
    /// How much likelier the heavy side closes a gap.
    pub(crate) lean_imbalance: f64,
}

/// A large order that somebody works on one side.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Worked {
    pub(crate) begins: f64,
    pub(crate) ends: f64,
    /// Its side shows so many times the usual size.
    pub(crate) times: f64,
    /// How much likelier its side closes gaps and fills up again.
    pub(crate) push: f64,
    /// How much likelier orders join its side.
    pub(crate) join: f64,
    /// Gaps close at so many times the usual rate: others hold back.
    pub(crate) close: f64,
}

impl Pace {
    /// The rates for a regime around a price of so many ticks, with round lots of so many shares.
    pub(crate) fn of(regime: Regime, price_ticks: f64, lot: f64) -> Self {
        let fitted = match regime {
            Regime::Deep => DEEP,
            Regime::OneTick => ONE_TICK,
            Regime::FewTicks => FEW_TICKS,
            Regime::Wide => WIDE,
            Regime::ThinEtf => THIN_ETF,
        };
        let habits = regime.habits();
        let scale = (price_ticks / (habits.price * 100.0)).clamp(1.0 / SCALE_MAX, SCALE_MAX);
        let most = habits.moves_per_minute_max / (habits.mid_changes_per_minute / 2.0);
        fitted.scaled(scale, most.max(1.0)).in_lots(lot / LOT)
    }

    /// The same moves in basis points at a price so many times as many ticks: by shorter steps if it is lower, by
    /// larger orders, which use queues up sooner, and then by longer steps if it is higher.
    fn scaled(mut self, scale: f64, moves_max: f64) -> Self {
        let larger = scale.min(moves_max.sqrt()).max(1.0);
        let step = (self.moves.step * scale / larger).max(1.0);
        self.orders.size *= scale * self.moves.step / step;
        self.moves.step = step;
        self
    }

    fn in_lots(mut self, lots: f64) -> Self {
        let sizes = [&mut self.queue.usual, &mut self.queue.joined, &mut self.queue.behind];
        let others = [&mut self.orders.size, &mut self.trades.size];
        sizes.into_iter().chain(others).for_each(|size| *size *= lots);
        self
    }
}

const DEEP: Pace = Pace {
    queue: QueueSizes {
        usual: 77_900.0,
        joined: 76_000.0,
        behind: 102_000.0,
        large: Size { part: 0.0, times: 3.0 },
        most: 4.1,
    },
    orders: Orders {
        rate: 5.64,
        size: 2_990.0,
        large: Size { part: 0.047_6, times: 9.65 },
        pull: 0.07,
    },
    trades: Trades { rate: 2.2, size: 230.0, reach: 0.006, rush: 4.0 },
    moves: Moves {
        refill: 0.375,
        step: 1.0,
        close: 10.6,
        lean_fell: 0.222,
        lean_imbalance: 0.000_18,
    },
    worked: Worked { begins: 0.0, ends: 0.02, times: 1.0, push: 0.0, join: 0.0, close: 1.0 },
};

const ONE_TICK: Pace = Pace {
    queue: QueueSizes {
        usual: 863.0,
        joined: 576.0,
        behind: 501.0,
        large: Size { part: 0.052_7, times: 12.2 },
        most: 8.85,
    },
    orders: Orders {
        rate: 13.1,
        size: 126.0,
        large: Size { part: 0.023_6, times: 8.18 },
        pull: 0.108,
    },
    trades: Trades { rate: 0.83, size: 50.0, reach: 0.066, rush: 0.08 },
    moves: Moves {
        refill: 0.176,
        step: 1.0,
        close: 15.3,
        lean_fell: 0.005_87,
        lean_imbalance: -0.083_3,
    },
    worked: Worked {
        begins: 0.001_83,
        ends: 0.034_7,
        times: 3.25,
        push: 0.098_5,
        join: -0.010_5,
        close: 1.0,
    },
};

const FEW_TICKS: Pace = Pace {
    queue: QueueSizes {
        usual: 185.0,
        joined: 110.0,
        behind: 158.0,
        large: Size { part: 0.173, times: 4.8 },
        most: 3.49,
    },
    orders: Orders {
        rate: 0.88,
        size: 135.0,
        large: Size { part: 0.118, times: 9.4 },
        pull: 0.219,
    },
    trades: Trades { rate: 0.8, size: 70.0, reach: 0.067, rush: 0.245 },
    moves: Moves { refill: 0.09, step: 1.5, close: 0.137, lean_fell: 0.212, lean_imbalance: -0.03 },
    worked: Worked {
        begins: 0.000_98,
        ends: 0.005_52,
        times: 1.96,
        push: -0.064_5,
        join: -0.064_6,
        close: 0.427,
    },
};

const WIDE: Pace = Pace {
    queue: QueueSizes {
        usual: 114.0,
        joined: 82.7,
        behind: 30.1,
        large: Size { part: 0.123, times: 3.5 },
        most: 3.0,
    },
    orders: Orders {
        rate: 0.595,
        size: 224.0,
        large: Size { part: 0.002_29, times: 0.966 },
        pull: 0.391,
    },
    trades: Trades { rate: 0.24, size: 60.0, reach: 0.5, rush: 0.0 },
    moves: Moves {
        refill: 0.105,
        step: 2.4,
        close: 0.053_1,
        lean_fell: 0.12,
        lean_imbalance: -0.054_9,
    },
    worked: Worked { begins: 0.0, ends: 0.01, times: 1.0, push: 0.0, join: 0.0, close: 1.0 },
};

const THIN_ETF: Pace = Pace {
    queue: QueueSizes {
        usual: 596.0,
        joined: 288.0,
        behind: 715.0,
        large: Size { part: 0.1, times: 3.0 },
        most: 8.5,
    },
    orders: Orders { rate: 0.605, size: 257.0, large: Size { part: 0.05, times: 2.78 }, pull: 0.1 },
    trades: Trades { rate: 0.033_3, size: 150.0, reach: 0.5, rush: 0.0 },
    moves: Moves {
        refill: 0.019_7,
        step: 1.2,
        close: 0.047_1,
        lean_fell: 0.1,
        lean_imbalance: 0.182,
    },
    worked: Worked { begins: 0.0, ends: 0.01, times: 1.0, push: 0.0, join: 0.0, close: 1.0 },
};
