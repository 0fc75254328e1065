//! Faults and crashes as they come, many at a time.

use alchemiser_core::leg::Reason;
use alchemiser_tests::{
    check,
    dice::Dice,
    plans,
    pulse::{Fault, Op, Script},
    world::{World, block_on, put},
};

/// How many seeds each of the two tests tries; `ALCHEMISER_SEEDS` for a night.
fn seeds() -> u64 {
    let given = std::env::var("ALCHEMISER_SEEDS").ok();
    given.map_or(100, |seeds| seeds.parse().unwrap())
}

/// Up to six processes, each with its own faults, then healthy ones. A failing seed names itself.
fn mix(seeds: std::ops::Range<u64>, one: fn(u64) -> Vec<String>) {
    let mut broken = Vec::new();
    for seed in seeds {
        let outcome = std::panic::catch_unwind(|| one(seed));
        match outcome {
            Ok(faults) if faults.is_empty() => {}
            Ok(faults) => broken.push(format!("seed {seed}:\n  {}", faults.join("\n  "))),
            Err(_) => broken.push(format!("seed {seed}: panicked")),
        }
    }
    assert!(broken.is_empty(), "{} seeds are broken\n{}", broken.len(), broken.join("\n"));
}

/// One process after the other.
fn processes(seed: u64) -> Vec<String> {
    let mut dice = Dice::of(seed);
    let urgency = dice.pick(&["LOW", "NORMAL", "NORMAL", "HIGH", "URGENT"]);
    let event = plans::event("small-1", urgency, &plans::SMALL);
    let world = World::new(seed);
    for _ in 0..=dice.below(6) {
        let script = dice.script(150);
        world.run(&event, script);
        world.pass(i64::try_from(dice.below(20)).unwrap());
    }
    let state = world.finish(&event);
    check::faults(&world, &state)
}

/// S11, T2, T4, X9, H7: whatever goes wrong, no invariant is broken.
#[test]
fn no_mix_of_faults_breaks_an_invariant() {
    mix(0..seeds(), processes);
}

/// S11, T2, T4, X9, H7: more of the same, beside the others.
#[test]
fn no_other_mix_of_faults_breaks_an_invariant() {
    mix(seeds()..2 * seeds(), processes);
}

/// Two processes at a time, call by call, each with its own faults.
fn pairs(seed: u64) -> Vec<String> {
    let mut dice = Dice::of(seed ^ 0x9a1f);
    let event = plans::small();
    let mut world = World::new(seed);
    world.deaths_are_known = dice.below(2) == 0;
    for _ in 0..=dice.below(3) {
        let mut script = || Script { yields: true, ..dice.script(150) };
        let (first, second) = (script(), script());
        let (one, two) = (world.session(first), world.session_beside(second));
        let (head_start, pause) = (dice.below(80), i64::try_from(dice.below(40)).unwrap());
        put(&one.bus, &event);
        put(&two.bus, &event);
        let late = async {
            for _ in 0..head_start {
                tokio::task::yield_now().await;
            }
            two.driven().await
        };
        block_on(async { tokio::join!(one.driven(), late) });
        drop((one, two));
        world.pass(pause);
    }
    let state = world.finish(&event);
    check::faults(&world, &state)
}

/// Three plans on one account, whose processes die and whose calls fail.
fn plans_in_line(seed: u64) -> Vec<String> {
    let mut dice = Dice::of(seed ^ 0x51de);
    let world = World::new(seed);
    let plans = [
        plans::small(),
        plans::event("small-2", "HIGH", &[("XLK", 2_500, 1_500), ("VTI", 0, 900)]),
        plans::event("small-3", "URGENT", &[("TLT", 2_500, 2_000), ("BND", 1_800, 2_400)]),
    ];
    for _ in 0..=dice.below(5) {
        let script = dice.script(200);
        world.run(&plans[usize::try_from(dice.below(3)).unwrap()], script);
        world.pass(i64::try_from(dice.below(20)).unwrap());
    }
    // Whoever holds the account goes first: every plan comes again, as the sweeper has it.
    for _ in 0..3 {
        for event in &plans {
            world.put(event);
        }
        world.session(Script::clean()).drive();
        world.pass(31);
    }
    let finished: Vec<_> = plans.iter().map(|event| world.finish(event)).collect();
    finished.iter().flat_map(|state| check::faults(&world, state)).collect()
}

/// I7, X9, S11: two processes at once, faults and deaths: still one writer, and no order twice.
#[test]
fn no_mix_of_owners_breaks_an_invariant() {
    mix(0..seeds() / 2, pairs);
}

/// X9, X13: plans that follow and wait for each other, faults and deaths: still one at a time.
#[test]
fn no_mix_of_plans_breaks_an_invariant() {
    mix(0..seeds() / 2, plans_in_line);
}

/// M3, X10: a plan whose only fault is a leg that cannot be traded does the others, and names the symbol and the reason.
#[test]
fn one_legs_trouble_does_not_stop_the_others() {
    let items = [("TQQQ", 3_000, 0), ("XLK", 4_000, 2_500), ("TLT", 500, 2_500)];
    let event = plans::event("one-refused", "NORMAL", &items);
    let world = World::new(3);
    let script = Script::hit(Op::Submit, 1, 1, Fault::Reject);
    world.run(&event, script);
    let state = world.finish(&event);
    check::sound(&world, &state, "one rejected leg");
    let rejected: Vec<_> = state
        .legs
        .iter()
        .filter(|leg| leg.outcome.is_some_and(|outcome| outcome.reason() == Some(Reason::Rejected)))
        .map(|leg| leg.symbol().to_string())
        .collect();
    let (outcome, _) = state.outcome.as_ref().unwrap();
    let named: Vec<String> = outcome.failed_symbols.iter().map(ToString::to_string).collect();
    assert_eq!(rejected.len(), 1);
    assert!(
        named.contains(&rejected[0])
            && outcome.failure_reason.as_ref().unwrap().contains("REJECTED")
    );
}
