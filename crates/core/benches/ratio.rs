//! How many times a baseline something takes: both are measured in turns, so that a busy machine slows both alike.

#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "what is measured is time")]

use std::time::{Duration, Instant};

/// Rounds of either.
const ROUNDS: usize = 15;

fn timed(work: &mut dyn FnMut()) -> Duration {
    let from = Instant::now();
    work();
    from.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// Prints how long `work` and `baseline` take for one of `per` parts each, the goal, and the ratio of the two.
pub(crate) fn print(
    what: &str,
    goal: &str,
    per: u32,
    mut work: impl FnMut(),
    mut baseline: impl FnMut(),
) {
    // A dry run measures nothing.
    if std::env::args().any(|argument| argument == "--test" || argument == "--profile-time") {
        return;
    }
    let (mut works, mut baselines) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        works.push(timed(&mut work));
        baselines.push(timed(&mut baseline));
    }
    let (work, baseline) = (median(works) / per, median(baselines) / per);
    let ratio = work.as_secs_f64() / baseline.as_secs_f64().max(f64::MIN_POSITIVE);
    println!("{what}: {work:.2?} (goal {goal}), {ratio:.2} times the baseline of {baseline:.2?}");
}
