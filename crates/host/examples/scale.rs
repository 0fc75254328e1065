//! 10,000 accounts whose plans come in the same ten minutes, as queues see it: how many executions run at once, how long
//! requests wait, and how many grow too old, for several bounds on concurrency. `docs/scale.md` reads the table.
//!
//! Nothing here is random but the order of arrivals: an execution takes as long as one of ten that were measured, and a
//! request that waited longer than the template's `MaximumEventAgeInSeconds` is given up and asked for again by the
//! sweeper's next minute.

use std::{
    collections::{BinaryHeap, VecDeque},
    process::ExitCode,
};

use alchemiser_host::Deployment;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

const PLANS: u64 = 10_000;
const WINDOW_MS: u64 = 600_000;

/// `alchemiser run examples/plans/growth-and-bonds.json --now --seed 1 … 10`, policy adaptive: from the first log entry to
/// the last, in milliseconds.
const EXECUTIONS_MS: [u64; 10] =
    [38_719, 49_631, 50_402, 55_896, 71_836, 74_017, 76_489, 81_402, 102_007, 111_570];

/// S3 requests of a plan of 32 legs, policy adaptive, as `docs/deploy.md` has them: puts and lists, gets.
const WRITES: u64 = 86;
const READS: u64 = 261;

/// Bounds on how many executions run at once.
const BOUNDS: [usize; 6] = [250, 500, 1_000, 1_500, 2_000, 10_000];

/// Lambda adds so many sandboxes to a function in ten seconds at most.
const SCALING: usize = 1_000;

#[derive(Default)]
struct Row {
    peak: usize,
    waited_ms: Vec<u64>,
    given_up: u64,
    ended_ms: u64,
}

fn simulate(bound: usize, age_max_ms: u64) -> Row {
    let mut draw = ChaCha8Rng::seed_from_u64(1);
    let mut arrivals: Vec<u64> = (0..PLANS).map(|_| draw.next_u64() % WINDOW_MS).collect();
    arrivals.sort_unstable();
    let mut queue: VecDeque<u64> = VecDeque::new();
    let mut running: BinaryHeap<std::cmp::Reverse<u64>> = BinaryHeap::new();
    let (mut row, mut arrivals) = (Row::default(), arrivals.into_iter().peekable());
    let (mut now, mut warm) = (0, 0);
    while arrivals.peek().is_some() || !queue.is_empty() || !running.is_empty() {
        while let Some(arrival) = arrivals.next_if(|at| *at <= now) {
            queue.push_back(arrival);
        }
        while running.peek().is_some_and(|end| end.0 <= now) {
            running.pop();
            row.ended_ms = now;
        }
        // Too old: dropped, and asked for again by a sweep within the next minute.
        let old = queue.iter().filter(|at| now.saturating_sub(**at) > age_max_ms).count();
        for _ in 0..old {
            queue.pop_front();
            queue.push_back(now + 60_000);
            row.given_up += 1;
        }
        let room = bound.min(warm + SCALING / 10);
        while running.len() < room && queue.front().is_some_and(|at| *at <= now) {
            let Some(at) = queue.pop_front() else { break };
            row.waited_ms.push(now - at);
            let took = EXECUTIONS_MS[usize::try_from(draw.next_u64() % 10).unwrap_or(0)];
            running.push(std::cmp::Reverse(now + took));
        }
        queue.make_contiguous().sort_unstable();
        row.peak = row.peak.max(running.len());
        warm = warm.max(running.len());
        now += 1_000;
    }
    row.waited_ms.sort_unstable();
    row
}

fn main() -> ExitCode {
    let deployed = match Deployment::deployed() {
        Ok(deployed) => deployed,
        Err(error) => {
            eprintln!("{}: {error}", error.code());
            return ExitCode::FAILURE;
        }
    };
    let age = deployed.function("TradeExecutionFunction").map(|trade| trade.asynchronous.age_max);
    let age_ms = age.and_then(|age| u64::try_from(age.as_millis()).ok()).unwrap_or_default();
    println!(
        "| at once at most | at once in fact | median wait s | longest wait s | given up, asked again | last plan ended, s |"
    );
    println!("|---|---|---|---|---|---|");
    for bound in BOUNDS {
        let row = simulate(bound, age_ms);
        let wait = |index: usize| row.waited_ms.get(index).copied().unwrap_or_default() / 1_000;
        let (median, longest) = (wait(row.waited_ms.len() / 2), wait(row.waited_ms.len() - 1));
        let Row { peak, given_up, ended_ms, .. } = row;
        println!("| {bound} | {peak} | {median} | {longest} | {given_up} | {} |", ended_ms / 1_000);
    }
    let (seconds, writes, reads) = (WINDOW_MS / 1_000, PLANS * WRITES, PLANS * READS);
    println!("\nplans a second: {:.1}", rate(PLANS, seconds));
    println!(
        "S3 a second over the ten minutes: {:.0} puts and lists, {:.0} gets",
        rate(writes, seconds),
        rate(reads, seconds)
    );
    ExitCode::SUCCESS
}

#[expect(clippy::cast_precision_loss, reason = "a figure of a table")]
fn rate(count: u64, seconds: u64) -> f64 {
    count as f64 / seconds as f64
}
