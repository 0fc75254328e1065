//! Generated figures beside their targets.

use std::fmt::Write;

use alchemiser_market::real::{Figures, HORIZONS_S};

use crate::{
    course::{Course, Moves},
    target::{Signal, Target},
    waiting::Waiting,
};

/// A generated figure may differ from its target by this part of it.
const DIFFERENCE_MAX: f64 = 0.25;
/// What is counted in whole ticks or is nearly nothing may differ by one, if that is more.
const UNIT: f64 = 1.0;
/// A signal may differ by this many ticks, if that is more.
const SIGNAL_MAX: f64 = 0.05;
/// A cost may differ by this many half-spreads.
const COST_MAX: f64 = 0.15;
/// A signal below this part of the half-spread is not usable.
const USABLE_MIN: f64 = 0.1;
/// Means of fewer quotes or orders than this say nothing.
const COUNT_MIN: u64 = 500;

/// The comparison, as text, and the figures outside their bounds.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    pub(crate) text: String,
    pub(crate) missed: Vec<String>,
}

impl Comparison {
    /// A figure must be so near to the real one.
    fn expect(&mut self, figure: &str, found: f64, real: f64, slack: f64) {
        if (found - real).abs() > slack {
            self.missed.push(format!("{figure}: {found:.2}, not {real:.2}"));
        }
    }

    pub(crate) fn figures(&mut self, target: &Target, course: &Course) {
        let (found, wanted) = (course.figures(), &target.figures);
        let minutes = target.seconds / 60;
        writeln!(self.text, "\n{:?} at ${}, {minutes} min", target.regime, target.price).unwrap();
        writeln!(self.text, "{:>24} {:>10} {:>17}", "", "generated", "real").unwrap();
        for (name, found, (low, high), least) in rows(&found, wanted) {
            writeln!(self.text, "{name:>24} {found:>10.2} {low:>8}–{high}").unwrap();
            let slack = |bound: f64| least.max(bound * DIFFERENCE_MAX);
            let nearest = found.clamp(low, high);
            self.expect(name, found, nearest, slack(nearest));
        }
    }

    pub(crate) fn signal(&mut self, target: &Target, moves: &Moves) {
        writeln!(self.text, "  ticks toward the heavy side; quotes {:?}", moves.quotes).unwrap();
        for (row, (found, horizon)) in moves.ticks.iter().zip(HORIZONS_S).enumerate() {
            write!(self.text, "  {horizon:>3} s ").unwrap();
            for (bin, found) in found.iter().enumerate() {
                let (wanted, slack) = match &target.signal {
                    Signal::Known(wanted) => {
                        let wanted = wanted[row][bin];
                        (wanted, (wanted.abs() * DIFFERENCE_MAX).max(SIGNAL_MAX))
                    }
                    Signal::NotUsable => (0.0, moves.half_spread * USABLE_MIN),
                    Signal::Unknown => (*found, 0.0),
                };
                write!(self.text, " {found:>6.3} ({wanted:>5.2})").unwrap();
                if moves.quotes[bin] >= COUNT_MIN {
                    let figure = format!("signal {horizon} s bin {bin}");
                    self.expect(&figure, *found, wanted, slack);
                }
            }
            writeln!(self.text).unwrap();
        }
    }

    pub(crate) fn costs(&mut self, target: &Target, waiting: &Waiting) {
        let Some(wanted) = target.costs else {
            return;
        };
        let titles = ["pressure", "cost, H", "± (s.e.)", "real", "orders"];
        let [pressure, cost, error, real, orders] = titles;
        writeln!(self.text, "{pressure:>11} {cost:>8} {error:>9} {real:>6} {orders:>7}").unwrap();
        for (k, (bin, wanted)) in waiting.bins().iter().zip(wanted).enumerate() {
            let (low, mean) = (k as f64 * 0.2 - 1.0, bin.mean());
            let (error, count) = (bin.standard_error(), bin.count);
            let range = format!("{low:.1}..{:.1}", low + 0.2);
            writeln!(self.text, "{range:>11} {mean:>8.2} {error:>9.3} {wanted:>6.2} {count:>7}")
                .unwrap();
            if count >= COUNT_MIN {
                self.expect(&format!("cost {range}"), mean, wanted, COST_MAX);
            }
        }
    }
}

/// Names, generated figures, real ones, and by how much they may differ at least.
fn rows(f: &Figures<f64>, w: &Figures<(f64, f64)>) -> [(&'static str, f64, (f64, f64), f64); 9] {
    [
        ("mean spread, ticks", f.spread_mean, w.spread_mean, 0.0),
        ("median spread", f.spread_median, w.spread_median, UNIT),
        ("p90 of the spread", f.spread_p90, w.spread_p90, UNIT),
        ("time at one tick, %", f.one_tick_percent, w.one_tick_percent, UNIT),
        ("median size, shares", f.touch_median, w.touch_median, 0.0),
        ("quote updates/s", f.updates_per_second, w.updates_per_second, 0.0),
        ("trades/min", f.trades_per_minute, w.trades_per_minute, 0.0),
        ("mid changes/min", f.mid_changes_per_minute, w.mid_changes_per_minute, 0.0),
        ("1-min sd, bps", f.sd_bps, w.sd_bps, 0.0),
    ]
}
