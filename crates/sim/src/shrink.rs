//! A violation, told by as few decisions as possible.

use crate::{fortune::Decision, stage::run, trial::Trial};

/// Runs that a search may take.
const RUNS_MAX: u32 = 400;

/// The fewest decisions found with which a trial still breaks an invariant: parts of the list are left out, smaller and
/// smaller ones, for as long as the rest still breaks it.
pub fn shrink(trial: &Trial, invariant: &str) -> Vec<Decision> {
    let mut search = Search { trial, invariant, runs: 0 };
    let Some(mut kept) = search.breaking(None) else { return Vec::new() };
    let mut part = kept.len().div_ceil(2).max(1);
    loop {
        let before = kept.len();
        let mut at = 0;
        while at < kept.len() {
            let rest = [&kept[..at], &kept[kept.len().min(at + part)..]].concat();
            match search.breaking(Some(&rest)) {
                // Decisions that no longer come up have fallen out, too.
                Some(fewer) => kept = fewer,
                None => at += part,
            }
        }
        if part == 1 && kept.len() == before || search.runs >= RUNS_MAX {
            return kept;
        }
        part = part.div_ceil(2).max(1);
    }
}

struct Search<'a> {
    trial: &'a Trial,
    invariant: &'a str,
    runs: u32,
}

impl Search<'_> {
    /// The decisions that struck, if the invariant is broken with these only.
    fn breaking(&mut self, decisions: Option<&[Decision]>) -> Option<Vec<Decision>> {
        if self.runs >= RUNS_MAX {
            return None;
        }
        self.runs += 1;
        let run = match decisions {
            None => run(self.trial),
            Some(some) => run(&self.trial.only(some.iter().map(|decision| decision.number))),
        };
        let broken = run.violations.iter().any(|found| found.invariant == self.invariant);
        broken.then_some(run.decisions)
    }
}
