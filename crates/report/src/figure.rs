//! Numbers for people: with a hover text that says how they are made, or why they are not there.

use maud::{Markup, Render, html};
use rust_decimal::{Decimal, RoundingStrategy};

use crate::term::Term;

/// How a number is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Dollars and cents.
    Money,
    /// Dollars and cents, with a sign.
    SignedMoney,
    /// Dollars a share.
    Price,
    /// Two decimals, with a sign.
    Signed,
    /// Two decimals.
    Ratio,
    /// A share of one, in percent.
    Percent,
    /// One decimal and `s`.
    Seconds,
    /// As it is, without trailing zeros.
    Plain,
}

/// What a page says where a number is missing.
pub(crate) const MISSING: &str = "–";

/// A number, or the reason for its absence.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    text: Option<String>,
    title: String,
}

impl Figure {
    /// A figure of a term.
    pub(crate) fn new(term: Term, format: Format, value: Option<Decimal>) -> Self {
        let entry = term.entry();
        let title = match value {
            Some(_) => format!("{}: {} = {}", entry.name, entry.says, entry.formula),
            None => format!("{}: not known: {}", entry.name, entry.missing),
        };
        Self { text: value.map(|value| written(value, format)), title }
    }

    /// A count.
    pub(crate) fn count(term: Term, value: usize) -> Self {
        Self::new(term, Format::Plain, Some(Decimal::from(value)))
    }
}

impl Render for Figure {
    fn render(&self) -> Markup {
        match &self.text {
            Some(text) => html! { span.n title=(self.title) { (text) } },
            None => {
                html! { span.n.none title=(self.title) { (MISSING) span.hidden { " " (self.title) } } }
            }
        }
    }
}

/// A number as it is written: thousands apart, a true minus.
pub(crate) fn written(value: Decimal, format: Format) -> String {
    let fixed = |decimals: u32| {
        let rounded =
            value.round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero);
        grouped(&format!("{:.1$}", rounded.abs(), decimals as usize))
    };
    let negative = |decimals: u32| {
        value
            .round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero)
            .is_sign_negative()
            && !value
                .round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero)
                .is_zero()
    };
    let minus = |decimals: u32| if negative(decimals) { "−" } else { "" };
    let sign = |decimals: u32| {
        let zero = value
            .round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero)
            .is_zero();
        match (zero, negative(decimals)) {
            (true, _) => "",
            (false, true) => "−",
            (false, false) => "+",
        }
    };
    match format {
        Format::Money => format!("{}${}", minus(2), fixed(2)),
        Format::SignedMoney => format!("{}${}", sign(2), fixed(2)),
        Format::Price => {
            let decimals = value.normalize().scale().clamp(2, 4);
            format!("{}{}", minus(decimals), fixed(decimals))
        }
        Format::Signed => format!("{}{}", sign(2), fixed(2)),
        Format::Ratio => format!("{}{}", minus(2), fixed(2)),
        Format::Percent => {
            let percent = value.saturating_mul(Decimal::ONE_HUNDRED);
            format!("{} %", written(percent, Format::Ratio))
        }
        Format::Seconds => format!("{}{} s", minus(1), fixed(1)),
        Format::Plain => {
            let text = value.normalize().abs().to_string();
            format!("{}{}", if value.is_sign_negative() { "−" } else { "" }, grouped(&text))
        }
    }
}

/// Thin gaps between thousands would break a copy into a spreadsheet; commas do not.
fn grouped(text: &str) -> String {
    let (whole, fraction) =
        text.split_once('.').map_or((text, None), |(whole, rest)| (whole, Some(rest)));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    match fraction {
        Some(fraction) => format!("{grouped}.{fraction}"),
        None => grouped,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str, format: Format, expected: &str) {
        assert_eq!(written(value.parse().unwrap(), format), expected, "{value} {format:?}");
    }

    #[test]
    fn numbers_are_written_for_people() {
        check("1234567.891", Format::Money, "$1,234,567.89");
        check("-12.345", Format::SignedMoney, "−$12.35");
        check("0.001", Format::SignedMoney, "$0.00");
        check("-0.001", Format::Money, "$0.00");
        check("21.03", Format::Price, "21.03");
        check("0.50055", Format::Price, "0.5006");
        check("100", Format::Price, "100.00");
        check("2.005", Format::Signed, "+2.01");
        check("0.634", Format::Percent, "63.40 %");
        check("22", Format::Seconds, "22.0 s");
        check("99.904852", Format::Plain, "99.904852");
        check("1000", Format::Plain, "1,000");
    }

    /// A number that is not there says why, also to who cannot hover.
    #[test]
    fn a_missing_number_says_why() {
        let html = Figure::new(Term::Shortfall, Format::Money, None).render().into_string();
        assert!(
            html.contains("title=\"shortfall: not known: no usable quote")
                && html.contains(MISSING)
        );
        let html = Figure::count(Term::Orders, 3).render().into_string();
        assert!(html.contains("title=\"orders: ") && html.contains(">3<"), "{html}");
    }
}
