//! Bars around zero, and dumbbells: what is compared by eye.

use maud::{Markup, html};
use rust_decimal::Decimal;

use crate::scale::{Scale, WHOLE, across, float, place};

/// A line of a bar chart.
#[derive(Clone, Debug)]
pub(crate) struct Bar {
    pub(crate) name: String,
    pub(crate) value: Decimal,
    /// The value as it is written.
    pub(crate) text: String,
    pub(crate) title: String,
}

const ROW: f64 = 22.0;

/// Bars to the right for what was paid, to the left for what was earned.
pub(crate) fn bars(bars: &[Bar], label: &str) -> Markup {
    let least = bars.iter().map(|bar| float(bar.value)).fold(0.0, f64::min);
    let most = bars.iter().map(|bar| float(bar.value)).fold(0.0, f64::max);
    let scale = Scale::new((least, most), (0.0, WHOLE));
    let height = ROW * count(bars.len()) + 8.0;
    let zero = scale.at(0.0);
    html! {
        svg.bars height=(height) role="img" aria-label=(label) {
            title { (label) }
            line.axis x1=(across(zero)) x2=(across(zero)) y1="0" y2=(height) {}
            @for (index, bar) in bars.iter().enumerate() {
                @let y = ROW * count(index) + 4.0;
                @let end = scale.at(float(bar.value));
                g {
                    title { (bar.title) }
                    text.name x="-8" y=(place(y + ROW / 2.0)) text-anchor="end" dominant-baseline="middle" { (bar.name) }
                    rect class=(if bar.value > Decimal::ZERO { "paid" } else { "earned" })
                        x=(across(zero.min(end))) y=(place(y + 3.0))
                        width=(across((end - zero).abs().max(1.0))) height=(ROW - 6.0) rx="2" {}
                    text.value x=(across(end.max(zero))) dx="6" y=(place(y + ROW / 2.0)) dominant-baseline="middle" { (bar.text) }
                }
            }
        }
    }
}

/// A line of a dumbbell chart: three shares of one portfolio.
#[derive(Clone, Debug)]
pub(crate) struct Shift {
    pub(crate) name: String,
    pub(crate) before: Decimal,
    pub(crate) target: Decimal,
    pub(crate) after: Decimal,
    pub(crate) title: String,
}

/// From where a weight was to where it is, beside where it should be.
pub(crate) fn shifts(shifts: &[Shift], label: &str) -> Markup {
    let most = shifts
        .iter()
        .flat_map(|shift| [shift.before, shift.target, shift.after])
        .map(float)
        .fold(0.01, f64::max);
    let scale = Scale::new((0.0, most), (0.0, WHOLE));
    let rows = ROW * count(shifts.len());
    let (ticks, _) = scale.ticks(6.0);
    html! {
        svg.shifts height=(rows + 26.0) role="img" aria-label=(label) {
            title { (label) }
            @for tick in ticks {
                @let x = across(scale.at(tick));
                line.grid x1=(x) x2=(x) y1="0" y2=(rows) {}
                text.tick x=(x) y=(rows + 16.0) text-anchor="middle" { (format!("{:.1} %", tick * 100.0)) }
            }
            @for (index, shift) in shifts.iter().enumerate() {
                (row(shift, ROW.mul_add(count(index), ROW / 2.0), &scale))
            }
        }
    }
}

fn row(shift: &Shift, y: f64, scale: &Scale) -> Markup {
    let at = |weight: Decimal| scale.at(float(weight));
    let (before, target, after) = (at(shift.before), at(shift.target), at(shift.after));
    html! {
        g {
            title { (shift.title) }
            text.name x="-8" y=(place(y)) text-anchor="end" dominant-baseline="middle" { (shift.name) }
            line.moved x1=(across(before)) x2=(across(after)) y1=(place(y)) y2=(place(y)) {}
            circle.before cx=(across(before)) cy=(place(y)) r="4" {}
            circle.after cx=(across(after)) cy=(place(y)) r="4" {}
            line.target x1=(across(target)) x2=(across(target)) y1=(place(y - 7.0)) y2=(place(y + 7.0)) {}
        }
    }
}

fn count(rows: usize) -> f64 {
    u32::try_from(rows).map_or(0.0, f64::from)
}
