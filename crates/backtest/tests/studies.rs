//! Studies of generated and recorded days.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::path::Path;

use alchemiser_backtest::{
    fill::Model,
    generate,
    leg::{Habits, Rule, Worked},
    page::{Books, Page},
    read::{self, Sizes},
    study::{self, Arrivals, Together},
    table::{self, Row, Studied},
    tape::{Nanos, SECOND, Tape},
};
use alchemiser_core::{
    policy::{Policy, PolicyKind},
    side::Side,
};

const OPENS: Nanos = 1_514_903_400 * SECOND;

fn core(kind: PolicyKind) -> Rule {
    Rule::Core(Box::new(Policy { kind, ..Policy::default() }))
}

/// The plain peg waits a minute, as where real books were measured; the others have their two.
fn habits(rule: Rule, model: Model) -> Habits {
    let (latency, cadence) = (SECOND / 10, SECOND);
    let horizon = if rule == Rule::Peg { 60 * SECOND } else { 120 * SECOND };
    Habits {
        rule,
        horizon,
        latency,
        cadence,
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

fn arrivals(count: usize) -> Arrivals {
    let together = Together::Alone;
    Arrivals { count, dollars: 5_000, from_s: 300, to_s: 22_200, seed: 1, together }
}

/// The row of all spreads, of a policy compared with `liquidity`.
fn all(tapes: &[Tape], rule: Rule, model: Model, threads: usize) -> Row {
    row(tapes, (habits(rule, model), 300), threads)
}

fn row(tapes: &[Tape], (own, count): (Habits, usize), threads: usize) -> Row {
    let other = habits(core(PolicyKind::Liquidity), own.model);
    let run = |habits: &Habits| study::run(tapes, habits, &arrivals(count), threads);
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

/// Arrivals are spread over the day, one in each part of it: the table does not depend on where they crowd.
#[test]
fn arrivals_are_spread_over_the_day() {
    let tapes = generated("deep");
    let worked = study::run(&tapes, &habits(Rule::Peg, Model::Strict), &arrivals(219), 1);
    let times: Vec<Nanos> = worked.iter().flatten().map(|worked| worked.arrival - OPENS).collect();
    assert_eq!(times.len(), 2 * 2 * 219);
    for (number, pair) in times.chunks(2).enumerate() {
        let part = i64::try_from(number % 219).unwrap() * 100 * SECOND + 300 * SECOND;
        assert!((part..part + 100 * SECOND).contains(&pair[0]) && pair[0] == pair[1], "{number}");
    }
}

/// A few orders at once cost what they cost alone; more than the message budget carries wait for their calls.
#[test]
fn orders_share_the_message_budget() {
    let tapes = generated("few-ticks");
    let own = habits(core(PolicyKind::Adaptive), Model::Conservative);
    let together = |legs| {
        let arrivals = Arrivals { together: Together::Legs(legs), ..arrivals(200) };
        let worked: Vec<_> =
            study::run(&tapes, &own, &arrivals, 2).into_iter().map(Option::unwrap).collect();
        let of = |number: fn(&Worked) -> u64| worked.iter().map(number).sum::<u64>();
        (of(|worked| u64::from(worked.children)), of(|worked| worked.forced.min(1)))
    };
    let (alone, twelve, many) = (together(1), together(12), together(500));
    assert_eq!((alone.1, twelve.1), (0, 0));
    assert!(twelve.0.abs_diff(alone.0) * 20 < alone.0, "{alone:?} {twelve:?}");
    assert!(many.0 < alone.0 && many.1 > 0, "{alone:?} {many:?}");
}

/// A buy that waits for its sell begins when that is done, and counts from the arrival of both.
#[test]
fn a_buy_waits_for_its_sell() {
    let tapes = generated("few-ticks");
    let own = habits(core(PolicyKind::Adaptive), Model::Conservative);
    let run = |together| {
        let arrivals = Arrivals { together, ..arrivals(200) };
        study::run(&tapes, &own, &arrivals, 2).into_iter().flatten().collect::<Vec<Worked>>()
    };
    let (alone, waiting) = (run(Together::Alone), run(Together::BuyAfterSell));
    assert_eq!((alone.len(), waiting.len()), (800, 800));
    for (before, pair) in alone.chunks(2).zip(waiting.chunks(2)) {
        let ([buy, sell], [_, same_sell]) = (pair, before) else { unreachable!("pairs") };
        assert_eq!((sell, buy.side, sell.side), (same_sell, Side::Buy, Side::Sell));
        assert_eq!((buy.arrival, buy.shown), (sell.arrival, sell.shown));
        assert!(buy.fills[0].at > sell.fills.last().unwrap().at);
    }
}

/// A market order pays the part of the spread that is said, and `adaptive` that knows it pays less than one that does not.
#[test]
fn crossing_may_cost_less_than_what_is_quoted() {
    let tapes = generated("one-tick");
    let paying = |rule, has_learned| Habits {
        effective: 400,
        has_learned,
        ..habits(rule, Model::Conservative)
    };
    let (market, _) = row_of(&tapes, &paying(core(PolicyKind::Cross), false), None);
    assert!((0.39..0.44).contains(&market.mean_h), "{market:?}");
    let unknowing = paying(core(PolicyKind::Adaptive), false);
    let (_, before) = row_of(&tapes, &unknowing, None);
    let learned = paying(core(PolicyKind::Adaptive), true);
    let (row, _) = row_of(&tapes, &learned, Some((&unknowing, &before)));
    assert!(row.diff_high_h.unwrap() < 0.0, "{row:?}");
}

/// The row of all spreads, and what it was made of.
fn row_of(
    tapes: &[Tape],
    own: &Habits,
    first: Option<(&Habits, &Vec<Option<Worked>>)>,
) -> (Row, Vec<Option<Worked>>) {
    let worked = study::run(tapes, own, &arrivals(2_500), 2);
    let studied = Studied { policy: "own", horizon_s: 120, habits: own, worked: &worked };
    let first =
        first.map(|(habits, worked)| Studied { policy: "first", horizon_s: 120, habits, worked });
    let rows = table::rows(&studied, first.as_ref(), tapes, 1);
    (rows.into_iter().find(|row| row.group == "all").unwrap(), worked)
}

/// The page asks for nothing, has every row, and shows each regime beside its real books.
#[test]
fn a_page_shows_costs_and_books() {
    let tapes = generated("one-tick");
    let own = habits(Rule::Peg, Model::Conservative);
    let worked = study::run(&tapes, &own, &arrivals(300), 2);
    let studied = Studied { policy: "peg", horizon_s: 60, habits: &own, worked: &worked };
    let rows = table::rows(&studied, None, &tapes, 1);
    let books = Books::of("one-tick", &tapes, (&own, &arrivals(300)), 2);
    let figures = books.figures.unwrap();
    assert!((0.9..1.2).contains(&figures.spread_mean) && figures.one_tick_percent > 90.0);
    let page = Page { rows: &rows, tapes: &tapes, books: &[books], fill_model: "the model" };
    let html = page.html();
    assert_eq!(html, page.html());
    for text in ["one-tick beside AIG 2013", "the model", "97.5", "65 to 139", "<svg"] {
        assert!(html.contains(text), "{text}");
    }
    let lines = html.matches("<td>peg</td>").count();
    assert_eq!(lines, rows.len());
    for request in ["http://", "https://", "src=", "<script", "url("] {
        assert!(!html.contains(request), "{request}");
    }
}

fn recorded() -> Option<Vec<Tape>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/market");
    if !root.exists() {
        println!("skipped: ../shared absent");
        return None;
    }
    Some(read::days(&root, Sizes::Shares).unwrap())
}

#[track_caller]
fn check(tapes: &[Tape], (habits, count): (Habits, usize), expected: f64) -> Row {
    let row = row(tapes, (habits, count), 2);
    assert!((row.mean_h - expected).abs() < 0.002, "expected {expected}, found {row:#?}");
    row
}

/// The recorded days: what they cost is asserted as measured, so that a change for the better or the worse shows.
#[test]
fn recorded_days_cost_what_was_measured() {
    let Some(tapes) = recorded() else { return };
    let check = |rule: Rule, model: Model, expected: f64| {
        check(&tapes, (habits(rule, model), 4_000), expected)
    };
    check(core(PolicyKind::Cross), Model::Conservative, 0.998);
    check(core(PolicyKind::Liquidity), Model::Conservative, 0.891);
    check(core(PolicyKind::Walk), Model::Conservative, 0.889);
    check(Rule::Peg, Model::Conservative, 0.775);
    let adaptive = check(core(PolicyKind::Adaptive), Model::Conservative, 0.618);
    assert!(adaptive.mean_h <= 0.66 && adaptive.diff_high_h.unwrap() < 0.0, "{adaptive:?}");
    check(core(PolicyKind::Walk), Model::Strict, 0.984);
    check(core(PolicyKind::Liquidity), Model::Strict, 0.948);
    check(Rule::Peg, Model::Strict, 0.971);
    let strict = check(core(PolicyKind::Adaptive), Model::Strict, 0.769);
    assert!(strict.mean_h <= 0.81, "{strict:?}");
}

/// A symbol that was seen for a minute before, as a plan's buys are, costs less: its usual spread is known.
#[test]
fn what_was_seen_before_the_order_helps() {
    let Some(tapes) = recorded() else { return };
    let adaptive =
        |watched| Habits { watched, ..habits(core(PolicyKind::Adaptive), Model::Conservative) };
    check(&tapes, (adaptive(60 * SECOND), 4_000), 0.601);
}

/// What generated days cost, as measured, of a regime's first eight seeds.
#[track_caller]
fn generated_costs(word: &str, [liquidity, peg, adaptive, walk]: [f64; 4]) -> [Row; 4] {
    let day = |seed| generate::day(word, seed, OPENS).unwrap();
    let tapes: Vec<Tape> = (1..=8).map(day).collect();
    let rules = [
        (core(PolicyKind::Liquidity), liquidity),
        (Rule::Peg, peg),
        (core(PolicyKind::Adaptive), adaptive),
        (core(PolicyKind::Walk), walk),
    ];
    rules.map(|(rule, expected)| check(&tapes, (habits(rule, Model::Conservative), 500), expected))
}

/// Where the spread is one tick `adaptive` costs at most .70, and a plain peg at least .80: less, and the generator would
/// be too kind.
#[track_caller]
fn narrow_costs(word: &str, costs: [f64; 4]) {
    let [_, peg, adaptive, _] = generated_costs(word, costs);
    assert!(peg.mean_h >= 0.80 && adaptive.mean_h <= 0.70, "{word}: {peg:?} {adaptive:?}");
    assert!(adaptive.diff_high_h.unwrap() < 0.0, "{word}: {adaptive:?}");
}

#[test]
fn generated_deep_days_cost_what_was_measured() {
    narrow_costs("deep", [0.982, 0.818, 0.544, 0.647]);
}

#[test]
fn generated_one_tick_days_cost_what_was_measured() {
    narrow_costs("one-tick", [0.935, 0.830, 0.679, 0.834]);
}

#[test]
fn generated_few_tick_days_cost_what_was_measured() {
    generated_costs("few-ticks", [0.587, 0.222, 0.166, 0.343]);
}

#[test]
fn generated_wide_days_cost_what_was_measured() {
    generated_costs("wide", [0.391, -0.278, -0.376, 0.132]);
}

#[test]
fn generated_thin_days_cost_what_was_measured() {
    generated_costs("thin-etf", [0.873, 0.391, 0.274, 0.339]);
}
