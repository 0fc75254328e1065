//! `alchemiser verify`.

use alchemiser_driver::audit::inspect;
use alchemiser_local::books;
use serde::Serialize;

use crate::{
    args::ReadArgs,
    exit::{Exit, Stopped},
    load,
};

#[derive(Serialize)]
struct Verified {
    executions: usize,
    entries: usize,
    violations: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    invariant: &'static str,
    log: String,
    found: String,
}

/// Checks the invariants over every log, and against the exchange's books.
pub(crate) fn verify(args: &ReadArgs) -> Result<Exit, Stopped> {
    let stopped = |stopped: Stopped| stopped.with_json(args.json);
    let state = load::existing(&args.state).map_err(stopped)?;
    let stored = books::stored(&state)
        .map_err(|error| stopped(Stopped::failed("STATE_UNREADABLE", &error)))?;
    let truth =
        books::truth(&state).map_err(|error| stopped(Stopped::failed("EXCHANGE", &error)))?;
    let report = inspect(&stored, truth.as_ref());
    let sound = report.violations.is_empty();
    if args.json {
        let line = |violation: alchemiser_driver::audit::Violation| Line {
            invariant: violation.invariant,
            log: violation.log,
            found: violation.found,
        };
        let violations = report.violations.into_iter().map(line).collect();
        crate::print_json(&Verified {
            executions: report.executions,
            entries: report.entries,
            violations,
        })?;
    } else {
        let books = if truth.is_some() { "and the exchange's books " } else { "" };
        let (executions, entries) = (report.executions, report.entries);
        crate::print(&format!(
            "{executions} executions, {entries} log entries {books}checked: {} violations",
            report.violations.len()
        ))?;
        for violation in report.violations {
            crate::print(&format!(
                "  {} {}: {}",
                violation.invariant, violation.log, violation.found
            ))?;
        }
    }
    Ok(if sound { Exit::Completed } else { Exit::Failed })
}
