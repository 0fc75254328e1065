//! `alchemiser simulate`.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc, thread, time::Instant};

use alchemiser_sim::{
    Decision, GivenPlan, Violation, batch,
    fault::Tally,
    replay, shrink,
    trial::{Theme, Trial},
};
use serde::Serialize;

use crate::{
    args::SimulateArgs,
    exit::{Exit, Stopped},
    table::{fitted, table},
};

/// From so many seeds on, every class of faults must have been hit often enough for the run to mean something.
const SEEDS_THAT_COUNT: u64 = 100_000;

/// How often that is.
const HITS_MIN: u64 = 100;

/// Violations that are printed; the first ones are enough to begin with.
const PRINTED_MAX: usize = 50;

/// Violations whose decisions are searched for; that takes many runs.
const SHRUNK_MAX: usize = 10;

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
    /// The fewest faults found with which the seed still breaks the invariant.
    #[serde(skip_serializing_if = "Option::is_none")]
    decisions: Option<Vec<Struck>>,
    /// How to see it again.
    replay: String,
}

#[derive(Serialize)]
struct Struck {
    number: u64,
    fault: &'static str,
}

impl Line {
    fn of((seed, violation): (u64, Violation), decisions: Option<&[Decision]>) -> Self {
        let only = decisions.map(|all| {
            let numbers: Vec<String> = all.iter().map(|one| one.number.to_string()).collect();
            format!(" --only {}", numbers.join(","))
        });
        let struck = |one: &Decision| Struck { number: one.number, fault: one.fault.word() };
        Self {
            seed,
            invariant: violation.invariant,
            found: violation.found,
            decisions: decisions.map(|all| all.iter().map(struck).collect()),
            replay: format!("--seed {seed}{}", only.unwrap_or_default()),
        }
    }
}

/// What every seed is to trade.
fn trial(plan: Option<&Path>) -> Result<Trial, Stopped> {
    let Some(path) = plan else { return Ok(Trial::default()) };
    let unreadable = |error: &dyn std::fmt::Display| {
        let message = format!("{}: {error}", path.display());
        Stopped::new(Exit::Refused, "PLAN_UNREADABLE", message)
    };
    let bytes = fs::read(path).map_err(|error| unreadable(&error))?;
    let given = GivenPlan::new(bytes).map_err(|refused| Stopped::refused(&refused))?;
    Ok(Trial { theme: Theme::Given(Arc::new(given)), ..Trial::default() })
}

/// The violations, the first ones with the decisions that they need.
fn told(like: &Trial, violations: Vec<(u64, Violation)>) -> Vec<Line> {
    let mut lines = Vec::new();
    for (seed, violation) in violations {
        let search = lines.len() < SHRUNK_MAX;
        let found = search.then(|| shrink(&like.seeded(seed), violation.invariant));
        lines.push(Line::of((seed, violation), found.as_deref()));
    }
    lines
}

/// Runs seeds of the simulation, or tells one of them line by line.
pub(crate) fn simulate(args: &SimulateArgs) -> Result<Exit, Stopped> {
    let like = trial(args.plan.as_deref())?;
    if let Some(seed) = args.seed {
        let only = args.only.as_ref().map(|numbers| numbers.iter().copied().collect());
        return tell(&Trial { seed, only, ..like });
    }
    let started = Instant::now();
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let done = batch(&like, args.from..args.from.saturating_add(args.seeds), threads);
    let millis = started.elapsed().as_millis().max(1);
    let per_second = u128::from(done.seeds).saturating_mul(1_000).checked_div(millis);
    let simulated = Simulated {
        seeds: done.seeds,
        seeds_per_second: per_second.and_then(|rate| rate.try_into().ok()).unwrap_or(u64::MAX),
        faults: done.tally.hits().map(|(fault, hits)| (fault.word(), hits)).collect(),
        violations: told(&like, done.violations),
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
    let mut table = table(&["fault", "hits", "per 1,000 seeds"], 1..3);
    for (fault, hits) in tally.hits() {
        let rate = hits.saturating_mul(1_000).checked_div(simulated.seeds).unwrap_or_default();
        table.add_row([fault.word().to_owned(), hits.to_string(), rate.to_string()]);
    }
    crate::print(&fitted(&table))?;
    for line in simulated.violations.iter().take(PRINTED_MAX) {
        crate::say(&format!("{}: {} {}", line.replay, line.invariant, line.found))?;
        for Struck { number, fault } in line.decisions.iter().flatten() {
            crate::print(&format!("    {number} {fault}"))?;
        }
    }
    crate::say(&format!(
        "{} seeds, {} a second: {} violations",
        simulated.seeds,
        simulated.seeds_per_second,
        simulated.violations.len()
    ))
}

/// One seed, with everything that happened and every fact.
fn tell(trial: &Trial) -> Result<Exit, Stopped> {
    let told = replay(trial);
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
