//! Faults and crashes as they come, many at a time.

use alchemiser_core::leg::Reason;
use alchemiser_tests::{check, dice::Dice, plans, pulse::Script, world::World};

/// How many seeds each of the two tests tries; `ALCHEMISER_SEEDS` for a night.
fn seeds() -> u64 {
    let given = std::env::var("ALCHEMISER_SEEDS").ok();
    given.map_or(300, |seeds| seeds.parse().unwrap())
}

/// Up to six processes, each with its own faults, then healthy ones. A failing seed names itself.
fn mix(seeds: std::ops::Range<u64>) {
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

fn one(seed: u64) -> Vec<String> {
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
    mix(0..seeds());
}

/// S11, T2, T4, X9, H7: more of the same, beside the others.
#[test]
fn no_other_mix_of_faults_breaks_an_invariant() {
    mix(seeds()..2 * seeds());
}

/// M3, X10: a plan whose only fault is a leg that cannot be traded does the others, and names the symbol and the reason.
#[test]
fn one_legs_trouble_does_not_stop_the_others() {
    let items = [("TQQQ", 3_000, 0), ("XLK", 4_000, 2_500), ("TLT", 500, 2_500)];
    let event = plans::event("one-refused", "NORMAL", &items);
    let world = World::new(3);
    let script = Script::hit(
        alchemiser_tests::pulse::Op::Submit,
        1,
        1,
        alchemiser_tests::pulse::Fault::Reject,
    );
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
