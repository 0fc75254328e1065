//! Every fault that can be planted in the product is found by an invariant: `make planted`.
#![cfg(planted)]
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::thread;

use alchemiser_core::planted::{Plant, plant};
use alchemiser_sim::{Violation, batch, run, shrink, trial::Trial};

/// Seeds within which a fault must be found.
const SEEDS_MAX: u64 = 10_000;

/// Seeds that are run before the next look.
const STEP: u64 = 100;

/// Seeds that must be sound with nothing planted.
const SOUND: u64 = 2_000;

fn first_violation(seeds_max: u64) -> Option<(u64, Violation)> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let steps = (0..seeds_max).step_by(usize::try_from(STEP).unwrap());
    steps.flat_map(|from| batch(&Trial::default(), from..from + STEP, threads).violations).next()
}

/// A row of the table, with what the violation takes: the fewest faults provoke it, too.
fn tell(planted: Plant, (seed, Violation { invariant, found }): &(u64, Violation)) {
    let trial = Trial::of(*seed);
    let fewest = shrink(&trial, invariant);
    let again = run(&trial.only(fewest.iter().map(|decision| decision.number)));
    assert!(again.violations.iter().any(|other| other.invariant == *invariant), "{planted:?}");
    let (few, all) = (fewest.len(), run(&trial).decisions.len());
    let found: String = found.chars().take(80).collect();
    println!("{:<42} {:>6}  {invariant} ({few} of {all}): {found}", planted.word(), seed + 1);
}

/// Faults are planted in a whole process, so that one test does it all. The disk of a state directory is no part of the
/// world: its fault is found by the tests of its own crate.
#[test]
fn every_planted_fault_is_found() {
    assert_eq!(first_violation(SOUND), None);
    println!("{:<42} {:>6}  invariant (with so many of its faults)", "planted", "seeds");
    let mut survivors = Vec::new();
    for planted in Plant::ALL.into_iter().filter(|planted| *planted != Plant::SyncSkipped) {
        plant(Some(planted));
        match first_violation(SEEDS_MAX) {
            Some(violation) => tell(planted, &violation),
            None => survivors.push(planted.word()),
        }
        plant(None);
    }
    assert!(survivors.is_empty(), "not found: {survivors:?}");
}
