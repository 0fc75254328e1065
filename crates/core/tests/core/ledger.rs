//! What it cost, in worked numbers.

use alchemiser_core::{
    fact::{Mark, Sized},
    ledger::{LegMeasures, Line, lines, measure, traded},
    leg::Leg,
};
use insta::assert_snapshot;

use crate::{
    broker::Post,
    given::{after, check_of, decimal, leg, ordered, plan, quote, shares, start},
    story::Story,
};

/// A leg of orders (see [`ordered`]) that arrived on a book and took `seconds`.
fn worked(item: &str, arrival: &str, orders: &[&str], seconds: &str) -> Leg {
    let mut leg = leg(item, &check_of("100", "100", ""));
    leg.arrival = (!arrival.is_empty()).then(|| quote(arrival, start()));
    for order in orders {
        ordered(&mut leg, order);
    }
    leg.started_at = Some(start());
    leg.finished_at = seconds.parse().ok().map(|millis: i64| after(start(), millis));
    leg
}

/// `"cost bps | cost in half-spreads | delay bps | shortfall | passive share | seconds"`.
fn said(leg: &Leg) -> String {
    let LegMeasures { cost_bps, cost_half_spreads, delay_bps, shortfall, passive_share, seconds } =
        measure(leg);
    let shortfall = shortfall.map(alchemiser_core::money::Money::amount);
    let all = [cost_bps, cost_half_spreads, delay_bps, shortfall, passive_share, seconds];
    all.map(|n| n.map_or_else(|| "-".to_owned(), |n| n.normalize().to_string())).join(" | ")
}

/// L10: mid 100.00 at arrival, 100.10 at the first submit with half a spread of .01; 30 at 100.09 and 10 at
/// 100.17 make 100.11 on 40 shares: cost .01 = .999 bps = 1 half-spread, delay .10 = 10 bps, shortfall 40 × .11, three
/// quarters passive.
#[test]
fn a_buys_measures_are_the_formulas() {
    let orders = [
        "rest 40@100.09 got 30@100.09 on 100.09x500 100.11x500",
        "cross 10@100.20 got 10@100.17 on 100.11x500 100.15x500",
    ];
    let leg = worked("BUY X 4000", "99.99x500 100.01x500", &orders, "2500");
    assert_eq!(said(&leg), "0.999 | 1 | 10 | 4.4 | 0.75 | 2.5");
}

/// L10: what a buy pays, a sell gains: the same prices with the other sign.
#[test]
fn a_sells_measures_have_the_other_sign() {
    let orders = [
        "rest 40@100.09 got 30@100.09 on 100.09x500 100.11x500",
        "cross 10@100.00 got 10@100.17 on 100.11x500 100.15x500",
    ];
    let leg = worked("EXIT X 4000", "99.99x500 100.01x500", &orders, "2500");
    assert_eq!(said(&leg), "-0.999 | -1 | -10 | -4.4 | 0.75 | 2.5");
}

/// L10: a measure without a meaning is unknown, never zero: nothing filled, no spread, no arrival, no price, no end.
#[test]
fn a_measure_without_a_meaning_is_unknown() {
    let book = "99.99x500 100.01x500";
    let unfilled = ["rest 40@100.00 on 100.00x500 100.02x500"];
    assert_eq!(said(&worked("BUY X 4000", book, &unfilled, "1500")), "- | - | - | - | - | 1.5");
    assert_eq!(said(&worked("BUY X 4000", book, &[], "")), "- | - | - | - | - | -");
    let unpriced = ["rest 40@100.00 got 30 on 100.00x500 100.02x500"];
    assert_eq!(said(&worked("BUY X 4000", book, &unpriced, "")), "- | - | - | - | - | -");
    let locked = ["cross 40@100.01 got 40@100.01 on 100.00x500 100.00x500"];
    assert_eq!(said(&worked("BUY X 4000", "", &locked, "")), "1 | - | - | - | 0 | -");
}

/// L10: what was not filled costs what its price has moved since the arrival: 10 shares left, .50 dearer.
#[test]
fn what_was_not_filled_is_part_of_the_shortfall() {
    let shortfall = |item: &str, target: &str, end: &str| {
        let orders = ["rest 40@100.09 got 30@100.10 on 100.09x500 100.11x500"];
        let mut leg = worked(item, "99.99x500 100.01x500", &orders, "2500");
        leg.sized = Some(Sized { target: shares(target), trimmed: false });
        leg.final_quote = (!end.is_empty()).then(|| quote(end, start()));
        measure(&leg).shortfall.map(|money| money.to_string())
    };
    let dearer = "100.49x500 100.51x500";
    assert_eq!(shortfall("BUY X 4000", "40", dearer).as_deref(), Some("8"));
    assert_eq!(shortfall("EXIT X 4000", "40", dearer).as_deref(), Some("-8"));
    assert_eq!(shortfall("BUY X 4000", "30", dearer).as_deref(), Some("3"));
    assert_eq!(shortfall("BUY X 4000", "30", "").as_deref(), Some("3"));
    assert_eq!(shortfall("BUY X 4000", "40", ""), None);
}

/// L10: a leg of which nothing was filled has missed all of it: 40 shares, .50 dearer.
#[test]
fn a_leg_without_fills_has_a_shortfall() {
    let shortfall = |item: &str, sized: bool, end: &str| {
        let orders = ["rest 40@100.00 on 100.00x500 100.02x500"];
        let mut leg = worked(item, "99.99x500 100.01x500", &orders, "2500");
        leg.sized = sized.then_some(Sized { target: shares("40"), trimmed: false });
        leg.final_quote = (!end.is_empty()).then(|| quote(end, start()));
        measure(&leg).shortfall.map(|money| money.to_string())
    };
    let dearer = "100.49x500 100.51x500";
    assert_eq!(shortfall("BUY X 4000", true, dearer).as_deref(), Some("20"));
    assert_eq!(shortfall("EXIT X 4000", true, dearer).as_deref(), Some("-20"));
    assert_eq!(shortfall("BUY X 4000", true, ""), None);
    assert_eq!(shortfall("BUY X 4000", false, dearer), None);
}

/// L10: the markout is s(m(fill + τ) − P): what the price did for us after the fill, where it was seen.
#[test]
fn a_markout_is_what_the_price_did_for_us() {
    let markout = |item: &str, order: &str, seconds: u32| {
        let mut leg = worked(item, "", &[order], "");
        leg.children[0].marks = vec![
            Mark { seconds: 1, mid: decimal("100.05") },
            Mark { seconds: 30, mid: decimal("99.95") },
        ];
        let line = Line { leg: &leg, child: &leg.children[0] };
        line.markout(seconds).map(|mark| mark.normalize().to_string())
    };
    let order = "rest 40@100.00 got 40@100.00 on 100.00x500 100.02x500";
    assert_eq!(markout("BUY X 4000", order, 1).as_deref(), Some("0.05"));
    assert_eq!(markout("BUY X 4000", order, 30).as_deref(), Some("-0.05"));
    assert_eq!(markout("EXIT X 4000", order, 1).as_deref(), Some("-0.05"));
    assert_eq!(markout("BUY X 4000", order, 5), None);
    let unpriced = "rest 40@100.00 got 40 on 100.00x500 100.02x500";
    assert_eq!(markout("BUY X 4000", unpriced, 1), None);
}

/// The ledger of a story: one line per order with fills.
fn ledger(story: &Story) -> String {
    let word = |line: &Line<'_>| {
        let number = |n: Option<rust_decimal::Decimal>| {
            n.map_or_else(|| "-".to_owned(), |n| n.normalize().to_string())
        };
        let (child, side) = (line.child, line.leg.side.word());
        let (ratio, time) = (number(line.effective_over_quoted()), number(line.seconds_to_fill()));
        let price = number(child.average_price.map(alchemiser_core::price::Price::dollars));
        let name = line.leg.symbol();
        format!(
            "{name} #{} {side} {} @ {price} E/Q {ratio} in {time} s",
            child.attempt, child.cumulative
        )
    };
    let lines: Vec<String> = lines(&story.state).iter().map(word).collect();
    format!("{}\n{} traded", lines.join("\n"), traded(&story.state))
}

/// X6, L10: every order with fills has its line, in the order of the intents; E/Q is 2s(P − m)/S with mid and spread at
/// submit (−1 at the near touch), and the time runs from the intent to the newest fill.
#[test]
fn every_order_with_fills_has_a_line() {
    let mut story = Story::of(&plan("BUY B 900; EXIT A 500; BUY C 50"));
    story.post(Post::Fill);
    story.run(3);
    story.fill("B", "4");
    story.market("B", "100.02x100 100.06x500");
    story.run(3);
    story.market("C", "99.98x500 100.00x100");
    story.run(1);
    story.fill_all();
    story.run(5);
    assert_snapshot!(ledger(&story), @"
    A #1 sell 5 @ 100.02 E/Q -1 in 0 s
    B #1 buy 4 @ 100 E/Q -1 in 1.9 s
    B #2 buy 4.9982 @ 100.02 E/Q -1 in 3.9 s
    C #3 buy 0.4999 @ 100.08 E/Q 7 in 1.7 s
    1450.049956 traded
    ");
}

/// L10: where nothing was quoted between bid and ask, or the price is not known yet, E/Q is unknown.
#[test]
fn a_line_without_spread_or_price_has_no_ratio() {
    let check = |order: &str, expected: Option<&str>| {
        let leg = worked("EXIT X 4000", "", &[order], "");
        let line = Line { leg: &leg, child: &leg.children[0] };
        let ratio = line.effective_over_quoted().map(|ratio| ratio.normalize().to_string());
        assert_eq!(ratio.as_deref(), expected, "{order}");
        assert_eq!(line.seconds_to_fill(), None);
    };
    check("cross 40@100.00 got 40@100.01 on 100.01x500 100.05x500", Some("1"));
    check("rest 40@100.05 got 40@100.05 on 100.01x500 100.05x500", Some("-1"));
    check("cross 40@100.00 got 40@100.02 on 100.01x500 100.05x500", Some("0.5"));
    check("cross 40@100.00 got 40@100.00 on 100.00x500 100.00x500", None);
    check("cross 40@100.00 got 40 on 100.00x500 100.02x500", None);
}
