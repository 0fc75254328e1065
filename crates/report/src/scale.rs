//! From times and prices to places in a drawing.

use jiff::Timestamp;
use rust_decimal::{Decimal, prelude::ToPrimitive};

/// A place, for a drawing only.
pub(crate) fn float(value: Decimal) -> f64 {
    value.to_f64().unwrap_or_default()
}

/// A coordinate with one decimal: a tenth of a unit is finer than a screen.
pub(crate) fn place(value: f64) -> String {
    let rounded = (value * 10.0).round() / 10.0;
    format!("{rounded}")
}

/// Drawings are so many units wide, whatever the width of the page.
pub(crate) const WHOLE: f64 = 1000.0;

/// How far across a drawing a place is, in percent: what is drawn so keeps its shape at every width.
pub(crate) fn across(value: f64) -> String {
    let rounded = (value / WHOLE * 10_000.0).round() / 100.0;
    format!("{rounded}%")
}

/// A straight scale.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    from: (f64, f64),
    to: (f64, f64),
}

impl Scale {
    pub(crate) fn new(from: (f64, f64), to: (f64, f64)) -> Self {
        let from = if (from.1 - from.0).abs() < f64::EPSILON {
            (from.0 - 0.5, from.1 + 0.5)
        } else {
            from
        };
        Self { from, to }
    }

    pub(crate) fn at(&self, value: f64) -> f64 {
        let share = (value - self.from.0) / (self.from.1 - self.from.0);
        self.to.0 + share * (self.to.1 - self.to.0)
    }

    /// Round values within the scale, about `count` of them, and their decimals.
    pub(crate) fn ticks(&self, count: f64) -> (Vec<f64>, usize) {
        let (low, high) = (self.from.0.min(self.from.1), self.from.0.max(self.from.1));
        let raw = (high - low) / count;
        let power = 10f64.powf(raw.log10().floor());
        let step = [1.0, 2.0, 2.5, 5.0, 10.0]
            .into_iter()
            .map(|nice| nice * power)
            .find(|step| *step >= raw * (1.0 - 1e-9))
            .unwrap_or(10.0 * power);
        let mut ticks = Vec::new();
        let mut tick = (low / step).ceil() * step;
        while tick <= high + step * 1e-9 && ticks.len() < 20 {
            // Zero has no sign, and no error of the sum.
            ticks.push(if tick.abs() < step * 1e-9 { 0.0 } else { tick });
            tick += step;
        }
        let is_quarter = (step / power - 2.5).abs() < 1e-9;
        let is_next = (step / power - 10.0).abs() < 1e-9;
        let finer = if is_quarter { 1.0 } else { 0.0 } - if is_next { 1.0 } else { 0.0 };
        let decimals = (finer - power.log10().round()).max(0.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 20")]
        let decimals = decimals.clamp(0.0, 20.0) as usize;
        (ticks, decimals)
    }
}

/// Seconds from one moment to another.
pub(crate) fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64()
}

/// Minutes and seconds, as an axis says them.
pub(crate) fn clock(seconds: f64) -> String {
    let whole = seconds.round();
    format!("{}:{:02}", (whole / 60.0).floor(), whole % 60.0)
}

/// Round steps of time within so many seconds, at most about eight.
pub(crate) fn time_ticks(until: f64) -> Vec<f64> {
    let steps =
        [1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0];
    let step = steps.into_iter().find(|step| until / step <= 8.0).unwrap_or(14_400.0);
    let mut ticks = Vec::new();
    let mut at = 0.0;
    while at <= until && ticks.len() < 20 {
        ticks.push(at);
        at += step;
    }
    ticks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(from: (f64, f64), count: f64, expected: &[f64], decimals: usize) {
        let (ticks, found) = Scale::new(from, (0.0, 1.0)).ticks(count);
        assert_eq!(found, decimals, "{from:?}");
        assert_eq!(ticks.len(), expected.len(), "{ticks:?}");
        for (tick, expected) in ticks.iter().zip(expected) {
            assert!((tick - expected).abs() < 1e-9, "{ticks:?}");
        }
    }

    #[test]
    fn axes_have_round_numbers() {
        check((0.0, 10.0), 5.0, &[0.0, 2.0, 4.0, 6.0, 8.0, 10.0], 0);
        check((21.02, 21.07), 5.0, &[21.02, 21.03, 21.04, 21.05, 21.06, 21.07], 2);
        check((0.0, 1.0), 4.0, &[0.0, 0.25, 0.5, 0.75, 1.0], 2);
        check((-0.1, 1.1), 5.0, &[0.0, 0.25, 0.5, 0.75, 1.0], 2);
        let (ticks, _) = Scale::new((-0.1, 1.1), (0.0, 1.0)).ticks(5.0);
        assert!(ticks[0].is_sign_positive(), "zero has no sign: {ticks:?}");
    }

    /// A price that never moved is in the middle.
    #[test]
    fn a_flat_line_has_a_place() {
        let scale = Scale::new((5.0, 5.0), (0.0, 100.0));
        assert!((scale.at(5.0) - 50.0).abs() < 1e-9);
        assert_eq!(
            (place(12.345), across(123.456), clock(83.6)),
            ("12.3".into(), "12.35%".into(), "1:24".into())
        );
    }

    #[test]
    fn time_has_few_steps() {
        assert_eq!(time_ticks(22.0), [0.0, 5.0, 10.0, 15.0, 20.0]);
        assert_eq!(time_ticks(0.5), [0.0]);
        assert!(time_ticks(20_000.0).len() <= 9);
    }
}
