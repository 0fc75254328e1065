//! How quick the core decides: a price, a fill, a whole plan. `make bench`.
//!
//! Times on a shared machine are noise; every figure comes with its ratio to a baseline of the same run. For a price that
//! is one division of decimals, for what changes an execution it is one clone of it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a benchmark that cannot be set up is no benchmark"
)]

#[path = "../tests/core/given.rs"]
#[allow(dead_code, reason = "the tests need more of it")]
mod given;
mod life;
mod ratio;

use std::{hint::black_box, time::Duration};

use alchemiser_core::{
    execution::{Execution, apply},
    fact::Fact,
    peg::{Base, Parent, Resting, decide},
    policy::{Policy, PolicyKind},
    price::Tick,
    quote::Quote,
    side::Side,
};
use criterion::{BatchSize, Criterion, Throughput};
use rust_decimal::Decimal;

use given::{after, decimal, quote, shares, start};
use life::{Life, working};

/// Books and legs of every sort: both sides, calm and leaning, one to thirteen ticks, before and after the first order.
fn cases() -> Vec<(Parent, Quote)> {
    let case = |k: i64| {
        let spread = [1, 1, 2, 4, 13][usize::try_from(k % 5).unwrap()];
        let (bid, sizes) = (10_000 + 7 * k, (100 * (1 + k % 9), 100 * (1 + k % 7)));
        let cents = |count: i64| format!("{}.{:02}", count / 100, count % 100);
        let text = format!("{}x{} {}x{}", cents(bid), sizes.0, cents(bid + spread), sizes.1);
        let side = if k % 2 == 0 { Side::Buy } else { Side::Sell };
        let quote = quote(&text, start());
        let near = quote.near(side).price;
        let resting = (k % 3 > 0).then(|| Resting {
            limit: near,
            since: after(start(), -1_000 * (k % 17)),
            displayed: shares("100"),
            before: Base { near, ticks: Decimal::from(spread) },
            alone_since: None,
        });
        let parent = Parent {
            side,
            leaves: shares("57.25"),
            elapsed: Decimal::new(k * 17 % 100, 2),
            crossing: false,
            urgent: false,
            resting,
            rested: u32::try_from(k % 5).unwrap(),
            ramp: None,
            tick: Tick::CENT,
            effective_over_quoted: decimal("0.95"),
            usual_ticks: None,
            used: resting.iter().map(|resting| resting.limit).collect(),
            round_lot: shares("100"),
            fill_wait: Policy::default().fill_wait,
        };
        (parent, quote)
    };
    (0..120).map(case).collect()
}

fn decided(cases: &[(Parent, Quote)], policy: &Policy) {
    for (parent, quote) in cases {
        black_box(decide(black_box(parent), black_box(quote), start(), policy));
    }
}

fn divided(cases: &[(Parent, Quote)]) {
    for (_, quote) in cases {
        black_box(
            black_box(quote.bid.price.dollars()).checked_div(black_box(quote.ask.price.dollars())),
        );
    }
}

fn prices(criterion: &mut Criterion) {
    let cases = cases();
    let count = u32::try_from(cases.len()).unwrap();
    let mut group = criterion.benchmark_group("price decision");
    group.throughput(Throughput::Elements(count.into()));
    for kind in PolicyKind::ALL {
        let policy = Policy { kind, ..Policy::default() };
        group.bench_function(kind.word(), |bencher| bencher.iter(|| decided(&cases, &policy)));
    }
    group.finish();
    for kind in PolicyKind::ALL {
        let policy = Policy { kind, ..Policy::default() };
        let what = format!("a price decision, {}", kind.word());
        let (many, goal) = (200, "500 ns");
        let repeat = |work: &dyn Fn()| (0..many).for_each(|_| work());
        let work = || repeat(&|| decided(&cases, &policy));
        ratio::print(&what, goal, many * count, work, || repeat(&|| divided(&cases)));
    }
}

fn filled(state: Execution, fills: &[Fact]) -> Execution {
    fills.iter().fold(state, apply)
}

fn fills(criterion: &mut Criterion) {
    let (state, fills) = working(32, 100);
    let count = u32::try_from(fills.len()).unwrap();
    let done = filled(state.clone(), &fills);
    assert!(done.legs.iter().all(|leg| leg.filled() == shares("10")), "every fill is taken in");
    let mut group = criterion.benchmark_group("a plan of 32 legs");
    group.throughput(Throughput::Elements(count.into()));
    group.bench_function("apply a fill", |bencher| {
        bencher.iter_batched(
            || state.clone(),
            |state| filled(state, &fills),
            BatchSize::LargeInput,
        );
    });
    group.throughput(Throughput::Elements(1));
    group.bench_function("clone", |bencher| bencher.iter(|| black_box(&done).clone()));
    group.finish();
    // The clone that is folded into is not measured: one for each round is made before.
    let mut states: Vec<Execution> = vec![state; 15];
    let clones = || (0..count).for_each(|_| drop(black_box(black_box(&done).clone())));
    let work = || drop(black_box(filled(states.pop().unwrap(), &fills)));
    ratio::print("apply a fill, 32 legs", "1 µs", count, work, clones);
}

fn lives(criterion: &mut Criterion) {
    let plan = life::plan(100);
    let ended = Life::of(&plan).lived();
    assert!(ended.state.outcome.as_ref().unwrap().0.completed, "the plan completes");
    let turns = u32::try_from(ended.turns).unwrap();
    println!("a plan of 100 legs takes {turns} turns and {} facts", ended.facts);
    let mut group = criterion.benchmark_group("a plan of 100 legs");
    group.throughput(Throughput::Elements(turns.into()));
    group.bench_function("its life, in turns", |bencher| {
        bencher.iter_batched(|| Life::of(&plan), Life::lived, BatchSize::LargeInput);
    });
    group.throughput(Throughput::Elements(1));
    group.bench_function("clone", |bencher| bencher.iter(|| black_box(&ended.state).clone()));
    group.finish();
    let work = || drop(black_box(Life::of(&plan).lived()));
    let clones = || (0..turns).for_each(|_| drop(black_box(black_box(&ended.state).clone())));
    ratio::print("a turn of a plan of 100 legs", "none", turns, work, clones);
}

fn main() {
    let quick = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    let mut criterion = quick;
    prices(&mut criterion);
    fills(&mut criterion);
    lives(&mut criterion);
    criterion.final_summary();
}
