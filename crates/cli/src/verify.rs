//! `alchemiser verify`.

use alchemiser_driver::audit::inspect;
use alchemiser_local::books;
use clap::Args;
use serde::Serialize;

use crate::{
    args::ReadArgs,
    exit::{Exit, Stopped},
    load,
};

#[derive(Args, Debug)]
pub(crate) struct VerifyArgs {
    /// Also against the broker's own orders and fills: an error where there are none (the embedded exchange's books are
    /// always looked at when they are there)
    #[arg(long)]
    broker: bool,
    #[command(flatten)]
    read: ReadArgs,
}

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
pub(crate) fn verify(VerifyArgs { broker, read: args }: &VerifyArgs) -> Result<Exit, Stopped> {
    let stopped = |stopped: Stopped| stopped.with_json(args.json);
    let state =
        load::readable(&args.state, &["executions/", "accounts/", "ledger/"]).map_err(stopped)?;
    let stored = books::stored(&state)
        .map_err(|error| stopped(Stopped::failed("STATE_UNREADABLE", &error)))?;
    let truth =
        books::truth(&state).map_err(|error| stopped(Stopped::failed("EXCHANGE", &error)))?;
    if *broker && truth.is_none() {
        let found =
            "expected the broker's own orders and fills, found no exchange in this state directory";
        return Err(stopped(Stopped::new(Exit::Refused, "BOOKS_MISSING", found)));
    }
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
        crate::say(&format!(
            "{executions} executions, {entries} log entries {books}checked: {} violations",
            report.violations.len()
        ))?;
        for violation in report.violations {
            crate::say(&format!(
                "  {} {}: {}",
                violation.invariant, violation.log, violation.found
            ))?;
        }
    }
    Ok(if sound { Exit::Completed } else { Exit::Failed })
}
