//! Generated books against real ones: the tables of `../shared/data/market/README.md`. See the comparison with
//! `cargo test -p alchemiser-market --test statistics -- --nocapture`.
#![expect(clippy::cast_precision_loss, clippy::unwrap_used, reason = "statistics in tests")]

mod compare;
mod course;
mod target;
mod waiting;

use alchemiser_core::{ids::Symbol, money::Money, price::Price};
use alchemiser_market::listing::{Listing, Regime, round_lot, sample};

use compare::Comparison;
use course::Course;
use target::Target;
use waiting::Waiting;

const SEED: u64 = 1;

/// The bounds that are missed: figure, what is measured, what is real. Asserted as measured, so that a change for the
/// better or the worse shows.
const MISSED: [(Regime, &str, &str, &str); 9] = [
    // Where the book leans most, the same orders that push the price for a minute also push it at once.
    (Regime::FewTicks, "signal 1 s bin 4", "0.17", "0.07"),
    (Regime::FewTicks, "signal 5 s bin 4", "0.47", "0.33"),
    // Nearly all of these quotes are one round lot against two: what they say is soon used up.
    (Regime::FewTicks, "signal 10 s bin 1", "0.17", "0.24"),
    (Regime::FewTicks, "signal 30 s bin 1", "0.23", "0.32"),
    // The real 0.51 after 30 s fall to 0.41 after 60 s, and balanced books gain 0.07: noise of two days.
    (Regime::FewTicks, "signal 60 s bin 0", "0.02", "0.07"),
    (Regime::FewTicks, "signal 60 s bin 2", "0.52", "0.41"),
    // The real costs jump from 0.41 below zero pressure to 0.69 above it.
    (Regime::FewTicks, "cost 0.0..0.2", "0.54", "0.69"),
    // Real queues fill early only where the book leans most; here somewhat before.
    (Regime::Deep, "cost -1.0..-0.8", "-0.12", "-0.33"),
    (Regime::Deep, "cost -0.6..-0.4", "0.43", "0.61"),
];

fn listing(target: &Target) -> Listing {
    let price = Price::new(target.price.parse().unwrap()).unwrap();
    let symbol = Symbol::new("TEST").unwrap();
    let (regime, round_lot) = (target.regime, round_lot(price));
    Listing { price, regime, round_lot, ..sample(SEED, &symbol, Money::ZERO) }
}

/// Generates the book of a target, prints it beside the target and fails where they differ too much.
fn check(target: &Target) {
    let listing = listing(target);
    let mut waiting = Waiting::new(&listing);
    let course = Course::of(SEED, &listing, target.seconds, &mut waiting);
    let mut comparison = Comparison::default();
    comparison.figures(target, &course);
    comparison.signal(target, &course.signal(target.spreads.clone()));
    comparison.costs(target, &waiting);
    println!("{}", comparison.text);
    let missed = MISSED.iter().filter(|(regime, ..)| *regime == target.regime);
    let missed: Vec<_> =
        missed.map(|(_, figure, found, real)| format!("{figure}: {found}, not {real}")).collect();
    assert_eq!(comparison.missed, missed, "{:?}: missed and expected to be", target.regime);
}

#[test]
fn deep_books_are_like_real_ones() {
    check(&target::DEEP);
}

#[test]
fn one_tick_books_are_like_real_ones() {
    check(&target::ONE_TICK);
}

#[test]
fn books_of_few_ticks_are_like_real_ones() {
    check(&target::FEW_TICKS);
}

#[test]
fn wide_books_are_like_real_ones() {
    check(&target::WIDE);
}

#[test]
fn thin_books_keep_their_habits() {
    check(&target::THIN_ETF);
}
