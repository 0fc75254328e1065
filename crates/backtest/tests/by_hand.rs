//! Costs that can be worked out by hand.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use alchemiser_backtest::{
    fill::{Fill, Model},
    leg::{Habits, Rule, work},
    measure::cost,
    tape::{Nanos, Pips, Print, SECOND, Shown, Tape},
};
use alchemiser_core::{
    policy::{Policy, PolicyKind},
    side::Side,
};

/// A quote `bid x size / ask x size` in cents and shares, at a second.
fn quote(at_s: Nanos, bid: Pips, bid_size: u64, ask: Pips, ask_size: u64) -> Shown {
    Shown { at: at_s * SECOND, bid: bid * 100, bid_size, ask: ask * 100, ask_size }
}

fn print(at_s: Nanos, cents: Pips, size: u64) -> Print {
    Print { at: at_s * SECOND, price: cents * 100, size, lit: true }
}

fn tape(shown: &[Shown], prints: &[Print]) -> Tape {
    // A last quote far away, so that nothing ends early.
    let last = Shown { at: 4_000 * SECOND, ..shown[shown.len() - 1] };
    let shown = shown.iter().copied().chain([last]).collect();
    Tape {
        symbol: "TEST".into(),
        day: "1".into(),
        shown,
        prints: prints.to_vec(),
        ..Tape::default()
    }
}

fn habits(rule: Rule, model: Model) -> Habits {
    Habits {
        rule,
        horizon: 60 * SECOND,
        latency: SECOND / 10,
        cadence: SECOND,
        replace_gap: 0,
        watched: 0,
        effective: 1_000,
        has_learned: false,
        model,
        tick: None,
        lot: 100,
        calls: std::sync::Arc::default(),
    }
}

fn core(kind: PolicyKind) -> Rule {
    Rule::Core(Box::new(Policy { kind, ..Policy::default() }))
}

/// The fills of an order of 30 shares that arrives at second 1, `"30@1000p"` for a passive one at $10.00.
fn check(rule: Rule, model: Model, side: Side, tape: &Tape, expected: &str) {
    let worked = work(&habits(rule, model), tape, (side, 30), SECOND).unwrap();
    let told = |fill: &Fill| {
        let how = if fill.is_passive { "p" } else { "" };
        format!("{}@{}{how}", fill.shares, fill.price / 100)
    };
    let told: Vec<String> = worked.fills.iter().map(told).collect();
    assert_eq!(told.join(" "), expected);
}

/// A crossing order takes what is shown and the rest one tick worse.
#[test]
fn a_cross_takes_what_is_shown() {
    let tape = tape(&[quote(0, 1000, 500, 1004, 20)], &[]);
    check(core(PolicyKind::Cross), Model::Conservative, Side::Buy, &tape, "20@1004 10@1005");
    check(core(PolicyKind::Cross), Model::Conservative, Side::Sell, &tape, "30@1000");
}

/// A resting order waits for the shares that were there before it; a print below its price fills it whatever is ahead.
#[test]
fn a_resting_order_has_its_place() {
    let book = [quote(0, 1000, 500, 1006, 500)];
    let rest = |prints: &[Print], expected: &str| {
        check(Rule::Peg, Model::Conservative, Side::Buy, &tape(&book, prints), expected);
    };
    rest(&[print(5, 1000, 510), print(6, 1000, 100)], "10@1000p 20@1000p");
    rest(&[print(5, 1000, 490), print(6, 1000, 15)], "5@1000p 25@1006");
    rest(&[print(5, 999, 12), print(6, 999, 100)], "12@1000p 18@1000p");
    // A buyer's print says nothing of the bid.
    rest(&[print(5, 1006, 5_000)], "30@1006");
    // It had not arrived yet.
    rest(&[print(1, 999, 100)], "30@1006");
    let strict = |prints: &[Print], expected: &str| {
        check(Rule::Peg, Model::Strict, Side::Buy, &tape(&book, prints), expected);
    };
    strict(&[print(5, 1000, 5_000)], "30@1006");
    strict(&[print(5, 999, 5_000)], "30@1000p");
}

/// What is ahead is never more than what is shown; when the best bid falls away, nobody is ahead; when the ask comes to
/// the price, the order is filled.
#[test]
fn the_queue_shrinks_with_what_is_shown() {
    let rest = |shown: &[Shown], prints: &[Print], expected: &str| {
        check(
            core(PolicyKind::Adaptive),
            Model::Conservative,
            Side::Buy,
            &tape(shown, prints),
            expected,
        );
    };
    let first = quote(0, 1000, 500, 1006, 500);
    rest(
        &[first, quote(3, 1000, 100, 1006, 500)],
        &[print(5, 1000, 120), print(6, 1000, 50)],
        "20@1000p 10@1000p",
    );
    rest(&[first, quote(3, 999, 300, 1006, 500)], &[print(5, 1000, 100)], "30@1000p");
    rest(&[first, quote(3, 995, 300, 1000, 500)], &[], "30@1000p");
}

/// The peg follows a bid that rises, and crosses when its time is up; a cancel and a new order take two latencies.
#[test]
fn the_peg_follows_and_crosses() {
    let book = [quote(0, 1000, 500, 1006, 500), quote(10, 1002, 200, 1006, 500)];
    check(
        Rule::Peg,
        Model::Conservative,
        Side::Buy,
        &tape(&book, &[print(20, 1002, 260)]),
        "30@1002p",
    );
    check(Rule::Peg, Model::Conservative, Side::Buy, &tape(&book, &[]), "30@1006");
    let worked =
        work(&habits(Rule::Peg, Model::Conservative), &tape(&book, &[]), (Side::Buy, 30), SECOND);
    let worked = worked.unwrap();
    assert_eq!((worked.children, worked.forced), (3, 0));
    // Looked at 61.1 s, as the re-peg took a tenth; then a cancel and a cross.
    assert_eq!(worked.fills[0].at, 61 * SECOND + 3 * SECOND / 10);
}

/// One leg by hand: bid 10.00, ask 10.06: mid 10.03, half-spread .03. 20 shares at 10.00, 10 at 10.06: the average is
/// 10.02, .01 below the mid: −1/3 of a half-spread, −9.97 bps.
#[test]
fn a_cost_by_hand() {
    let tape = tape(&[quote(0, 1000, 500, 1006, 500)], &[print(5, 1000, 520)]);
    let worked =
        work(&habits(Rule::Peg, Model::Conservative), &tape, (Side::Buy, 30), SECOND).unwrap();
    let cost = cost(&worked, &tape, 0, 100);
    assert!((cost.half_spreads() + 1.0 / 3.0).abs() < 1e-12, "{cost:?}");
    assert!((cost.bps + 0.01 / 10.03 * 1e4).abs() < 1e-9, "{cost:?}");
    assert!((cost.passive - 2.0 / 3.0).abs() < 1e-12, "{cost:?}");
    assert!((cost.seconds - 60.2).abs() < 1e-9, "{cost:?}");
    // The mid stands still: what the fills are off it is what they are worth a second later.
    assert!((cost.markouts[0].unwrap() - 1.0 / 3.0).abs() < 1e-12, "{cost:?}");
    assert!((cost.ticks - 6.0).abs() < 1e-12, "{cost:?}");
}

/// A locked quote has no half-spread; before the first quote there is no market.
#[test]
fn an_arrival_without_a_spread_is_left_out() {
    let locked = tape(&[quote(0, 1000, 500, 1000, 500)], &[]);
    assert_eq!(work(&habits(Rule::Peg, Model::Strict), &locked, (Side::Buy, 30), SECOND), None);
    let late = tape(&[quote(5, 1000, 500, 1006, 500)], &[]);
    assert_eq!(work(&habits(Rule::Peg, Model::Strict), &late, (Side::Buy, 30), SECOND), None);
}
