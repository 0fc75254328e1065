//! Seeds: a batch of them, the same ones twice, and the ones that once found something.

use std::thread;

use alchemiser_core::fact::StopCode;
use alchemiser_sim::{batch, replay, run, trial::Trial};

/// Seeds of every test run; `make sim` runs many more.
const SEEDS: u64 = 20_000;

/// Seeds that are run twice.
const SEEDS_TWICE: u64 = 1_000;

/// Nothing that goes wrong breaks an invariant, and every class of faults does go wrong.
#[test]
fn no_seed_breaks_an_invariant() {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let done = batch(&Trial::default(), 0..SEEDS, threads);
    let found: Vec<String> = done
        .violations
        .iter()
        .map(|(seed, found)| format!("--seed {seed}: {} {}", found.invariant, found.found))
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
    let missing: Vec<&str> =
        done.tally.hits().filter(|(_, hits)| *hits == 0).map(|(fault, _)| fault.word()).collect();
    assert!(missing.is_empty(), "never hit: {missing:?}");
}

/// H9, S10: the same seed, the same bytes: events, logs and ledgers.
#[test]
fn a_seed_run_twice_gives_the_same_bytes() {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for first in 0..threads {
            scope.spawn(move || (0..SEEDS_TWICE).skip(first).step_by(threads).for_each(twice));
        }
    });
}

fn twice(seed: u64) {
    let (one, two) = (replay(&Trial::of(seed)), replay(&Trial::of(seed)));
    assert!(one.lines.len() > 10, "seed {seed} tells nothing");
    for (first, second) in one.lines.iter().zip(&two.lines) {
        assert_eq!(first, second, "seed {seed}");
    }
    assert_eq!(one.lines.len(), two.lines.len(), "seed {seed}");
    assert_eq!(one.run.tally, two.run.tally, "seed {seed}");
    if seed < 100 {
        assert_eq!(run(&Trial::of(seed)).tally, one.run.tally, "telling seed {seed} changed it");
    }
}

/// I10: an order that lands long after its sender gave it up, and just before ten seconds after a halt have passed.
#[test]
fn an_order_that_lands_late_in_a_halt_has_time_to_be_canceled() {
    let trial = Trial::of(1_014_844);
    assert_eq!(run(&trial).violations, []);
    assert_eq!(run(&trial.only([1, 63, 95, 115, 150, 164])).violations, []);
}

/// I8, I15: a fill that became known after the ledger was written, while another order of the plan was awaited and never
/// found, did not reach the ledger.
#[test]
fn late_news_reach_the_ledger_while_another_order_is_awaited() {
    for seed in [2_059_091, 2_172_504, 2_226_527] {
        assert_eq!(run(&Trial::of(seed)).violations, [], "seed {seed}");
    }
    let few = Trial::of(2_059_091).only([11, 32, 33, 37, 78, 79, 192, 193]);
    assert_eq!(run(&few).violations, []);
    let few = Trial::of(2_172_504).only([6, 50, 61, 76, 115, 218, 225]);
    assert_eq!(run(&few).violations, []);
}

/// I10: a process that a call keeps (it hangs, or the store is slow) cannot see a halt before the call has ended; I8: where
/// a clock was set back, the newest entry has the time of the one before it. Neither is the product's fault.
#[test]
fn a_process_that_a_call_keeps_is_not_blamed() {
    for seed in [2_130_212, 2_749_165, 2_887_637] {
        assert_eq!(run(&Trial::of(seed)).violations, [], "seed {seed}");
    }
}

/// A run with all of its decisions given is the run that drew them, and one with none is calm.
#[test]
fn a_run_is_told_by_its_decisions() {
    for seed in 0..100 {
        let drawn = run(&Trial::of(seed));
        let numbers = drawn.decisions.iter().map(|decision| decision.number);
        let given = run(&Trial::of(seed).only(numbers));
        assert_eq!((&given.decisions, &given.plans), (&drawn.decisions, &drawn.plans));
        assert_eq!(run(&Trial::of(seed).only([])).decisions, []);
    }
}

/// Calm or not, most plans get somewhere: a world in which nothing trades would break nothing.
#[test]
fn most_plans_trade() {
    let plans: Vec<_> = (0..500).flat_map(|seed| run(&Trial::of(seed)).plans).collect();
    let traded =
        plans.iter().filter(|plan| plan.children().any(|child| !child.cumulative.is_zero()));
    assert!(traded.count() * 2 > plans.len(), "of {} plans", plans.len());
    // I10: some of them are canceled, before their first order and after fills.
    let canceled = || plans.iter().filter(|plan| plan.stop == Some(StopCode::Canceled));
    let began = canceled().filter(|plan| plan.children().any(|child| !child.cumulative.is_zero()));
    let (began, all) = (began.count(), canceled().count());
    assert!(
        canceled().all(|plan| plan.canceled.is_some()) && began >= 1 && all > began,
        "{began} of {all}"
    );
}
