//! Studies of generated and recorded days.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::path::Path;

use alchemiser_backtest::{
    fill::Model,
    generate,
    leg::{Habits, Rule},
    read::{self, Sizes},
    study::{self, Arrivals},
    table::{self, Row, Studied},
    tape::{Nanos, SECOND, Tape},
};
use alchemiser_core::policy::{Policy, PolicyKind};

const OPENS: Nanos = 1_514_903_400 * SECOND;

fn core(kind: PolicyKind) -> Rule {
    Rule::Core(Box::new(Policy { kind, ..Policy::default() }))
}

fn habits(rule: Rule, model: Model) -> Habits {
    let (latency, cadence) = (SECOND / 10, SECOND);
    Habits {
        rule,
        horizon: 120 * SECOND,
        latency,
        cadence,
        replace_gap: 0,
        model,
        tick: None,
        lot: 100,
    }
}

fn arrivals(count: usize) -> Arrivals {
    Arrivals { count, dollars: 5_000, from_s: 300, to_s: 22_200, seed: 1 }
}

/// The row of all spreads, of a policy compared with `liquidity`.
fn all(tapes: &[Tape], rule: Rule, model: Model, threads: usize) -> Row {
    let habits_of = |rule| habits(rule, model);
    let (own, other) = (habits_of(rule), habits_of(core(PolicyKind::Liquidity)));
    let run = |habits: &Habits| study::run(tapes, habits, &arrivals(300), threads);
    let (mine, theirs) = (run(&own), run(&other));
    let mine = Studied { policy: "own", horizon_s: 120, habits: &own, worked: &mine };
    let theirs = Studied { policy: "liquidity", horizon_s: 120, habits: &other, worked: &theirs };
    let rows = table::rows(&mine, Some(&theirs), tapes, 1);
    rows.into_iter().find(|row| row.group == "all").unwrap()
}

fn generated(word: &str) -> Vec<Tape> {
    (1..=2).map(|seed| generate::day(word, seed, OPENS).unwrap()).collect()
}

/// The same seed gives the same table, byte for byte, on one thread and on three.
#[test]
fn the_same_seed_gives_the_same_table() {
    let tapes = generated("few-ticks");
    let text = |threads| {
        let row = all(&tapes, core(PolicyKind::Adaptive), Model::Conservative, threads);
        serde_json::to_string(&row).unwrap()
    };
    assert_eq!(text(1), text(3));
    assert_eq!(generated("few-ticks"), tapes);
}

/// A market order pays its half-spread, and a tick more for what the touch does not show.
#[test]
fn a_market_order_pays_the_half_spread() {
    for word in ["deep", "one-tick", "few-ticks", "wide"] {
        let row = all(&generated(word), core(PolicyKind::Cross), Model::Conservative, 2);
        assert!((0.97..1.06).contains(&row.mean_h), "{word}: {row:?}");
        assert_eq!((row.orders, row.passive_share), (1_200, 0.0), "{word}");
    }
}

/// No order is lost or filled beyond its size, whatever decides, on every regime.
#[test]
fn every_order_is_filled_once() {
    for (word, _) in generate::REGIMES {
        let tapes = generated(word);
        for rule in PolicyKind::ALL.map(core).into_iter().chain([Rule::Peg]) {
            let habits = habits(rule, Model::Conservative);
            let worked = study::run(&tapes, &habits, &arrivals(40), 2);
            assert_eq!(worked.len(), 160);
            for worked in worked.iter().flatten() {
                let filled: u64 = worked.fills.iter().map(|fill| fill.shares).sum();
                let mid_twice = u64::try_from(worked.shown.mid_twice()).unwrap();
                assert_eq!(filled, (5_000 * 20_000 / mid_twice).max(1), "{word} {worked:?}");
                assert!(worked.fills.iter().all(|fill| fill.at > worked.arrival));
            }
        }
    }
}

/// The recorded days: what they cost is asserted as measured, so that a change for the better or the worse shows.
#[test]
fn recorded_days_cost_what_was_measured() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/market");
    if !root.exists() {
        println!("skipped: ../shared absent");
        return;
    }
    let tapes = read::days(&root, Sizes::Shares).unwrap();
    let check = |rule: Rule, model: Model, expected: f64| {
        let row = all(&tapes, rule, model, 2);
        assert!((row.mean_h - expected).abs() < 0.005, "expected {expected}, found {row:#?}");
        row
    };
    check(core(PolicyKind::Cross), Model::Conservative, 1.00);
    check(core(PolicyKind::Liquidity), Model::Conservative, 0.86);
    check(Rule::Peg, Model::Conservative, 0.79);
    check(core(PolicyKind::Adaptive), Model::Conservative, 0.75);
    check(core(PolicyKind::Liquidity), Model::Strict, 0.96);
    check(Rule::Peg, Model::Strict, 1.03);
    check(core(PolicyKind::Adaptive), Model::Strict, 0.91);
}
