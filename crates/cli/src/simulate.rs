//! `alchemiser simulate`.

use std::{collections::BTreeMap, thread, time::Instant};

use alchemiser_sim::{Violation, batch, fault::Tally, replay};
use serde::Serialize;

use crate::{
    args::SimulateArgs,
    exit::{Exit, Stopped},
    table::table,
};

/// From so many seeds on, every class of faults must have been hit often enough for the run to mean something.
const SEEDS_THAT_COUNT: u64 = 100_000;

/// How often that is.
const HITS_MIN: u64 = 100;

/// Violations that are printed; the first ones are enough to begin with.
const PRINTED_MAX: usize = 50;

#[derive(Serialize)]
struct Simulated {
    seeds: u64,
    seeds_per_second: u64,
    violations: Vec<Line>,
    faults: BTreeMap<&'static str, u64>,
}

#[derive(Serialize)]
struct Line {
    seed: u64,
    invariant: &'static str,
    found: String,
}

impl Line {
    fn of((seed, violation): (u64, Violation)) -> Self {
        Self { seed, invariant: violation.invariant, found: violation.found }
    }
}

/// Runs seeds of the simulation, or tells one of them line by line.
pub(crate) fn simulate(args: &SimulateArgs) -> Result<Exit, Stopped> {
    if let Some(seed) = args.seed {
        return tell(seed);
    }
    let started = Instant::now();
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let done = batch(args.from, args.seeds, threads);
    let millis = started.elapsed().as_millis().max(1);
    let per_second = u128::from(done.seeds).saturating_mul(1_000).checked_div(millis);
    let simulated = Simulated {
        seeds: done.seeds,
        seeds_per_second: per_second.and_then(|rate| rate.try_into().ok()).unwrap_or(u64::MAX),
        faults: done.tally.hits().map(|(fault, hits)| (fault.word(), hits)).collect(),
        violations: done.violations.into_iter().map(Line::of).collect(),
    };
    let rare = rare(&simulated, &done.tally);
    if args.json {
        crate::print_json(&simulated)?;
    } else {
        show(&simulated, &done.tally)?;
    }
    for class in &rare {
        eprintln!("{class} was hit less than {HITS_MIN} times in {} seeds", simulated.seeds);
    }
    let sound = simulated.violations.is_empty() && rare.is_empty();
    Ok(if sound { Exit::Completed } else { Exit::Failed })
}

/// Classes of faults that were hit too rarely.
fn rare(simulated: &Simulated, tally: &Tally) -> Vec<&'static str> {
    let hits = tally.hits().filter(|(_, hits)| *hits < HITS_MIN);
    let counts = simulated.seeds >= SEEDS_THAT_COUNT;
    hits.filter(|_| counts).map(|(fault, _)| fault.word()).collect()
}

fn show(simulated: &Simulated, tally: &Tally) -> Result<Exit, Stopped> {
    let mut table = table(&["fault", "hits"], 1..2);
    for (fault, hits) in tally.hits() {
        table.add_row([fault.word().to_owned(), hits.to_string()]);
    }
    crate::print(&table.to_string())?;
    for line in simulated.violations.iter().take(PRINTED_MAX) {
        crate::print(&format!("--seed {}: {} {}", line.seed, line.invariant, line.found))?;
    }
    crate::print(&format!(
        "{} seeds, {} a second: {} violations",
        simulated.seeds,
        simulated.seeds_per_second,
        simulated.violations.len()
    ))
}

/// One seed, with everything that happened and every fact.
fn tell(seed: u64) -> Result<Exit, Stopped> {
    let told = replay(seed);
    for line in &told.lines {
        crate::print(line)?;
    }
    for (fault, hits) in told.run.tally.hits().filter(|(_, hits)| *hits > 0) {
        crate::print(&format!("{}: {hits}", fault.word()))?;
    }
    for Violation { invariant, found } in &told.run.violations {
        crate::print(&format!("violated: {invariant} {found}"))?;
    }
    Ok(if told.run.violations.is_empty() { Exit::Completed } else { Exit::Failed })
}
