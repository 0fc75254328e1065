//! `alchemiser report`: a plan, or a month of plans, as a page that stands alone.

use std::{
    fs,
    path::{Path, PathBuf},
};

use alchemiser_core::execution::Execution;
use alchemiser_local::state::StateDir;
use alchemiser_report::{Logged, month, plan};
use alchemiser_wire::{
    ledger::{encode, trading_date},
    tape::{self, TapeLine},
};
use jiff::{Span, Timestamp, civil::Date};
use serde::Serialize;

use crate::{
    args::ReportArgs,
    exit::{Exit, Stopped},
    load::{self, Readable},
    table,
};

#[derive(Serialize)]
struct Said {
    file: String,
    bytes: usize,
    plans: usize,
}

/// Writes a page.
pub(crate) fn page(args: &ReportArgs) -> Result<Exit, Stopped> {
    attempt(args).map_err(|stopped| stopped.with_json(args.read.json))
}

fn attempt(args: &ReportArgs) -> Result<Exit, Stopped> {
    let state = match &args.plan_id {
        Some(plan_id) => load::readable_for(&args.read.state, plan_id)?,
        None => load::readable(&args.read.state, &["executions/"])?,
    };
    let (name, html, plans) = match (&args.plan_id, &args.since) {
        (Some(plan_id), _) => (format!("{}.html", encode(plan_id)), of_plan(&state, plan_id)?, 1),
        (None, since) => {
            let loaded = load::executions(&state)?;
            let states: Vec<&Execution> = loaded.iter().map(|loaded| &loaded.state).collect();
            let today = trading_date(Timestamp::now());
            let newest = states.iter().map(|state| trading_date(state.plan.received_at)).max();
            let until = newest.map_or(today, |newest| newest.max(today));
            let from = since.as_deref().map_or(Ok(until), |text| date(text, today))?;
            (
                format!("execution-{from}-{until}.html"),
                month::page(&states, from, until),
                states.len(),
            )
        }
    };
    let out = args.out.clone().unwrap_or_else(|| PathBuf::from(name));
    if out == Path::new("-") {
        return crate::print(html.trim_end());
    }
    fs::write(&out, &html).map_err(|error| {
        let message =
            format!("expected to write {}, found: {error}; name another with --out", out.display());
        Stopped::new(Exit::Failed, "OUTPUT", message)
    })?;
    if args.open {
        open::that_detached(&out).map_err(|error| {
            let message =
                format!("no browser could be started ({error}); open {} yourself", out.display());
            Stopped::new(Exit::Failed, "BROWSER", message)
        })?;
    }
    if args.read.json {
        let file = out.display().to_string();
        return crate::print_json(&Said { file, bytes: html.len(), plans });
    }
    crate::say(&format!("{} ({} kB)", out.display(), html.len().div_ceil(1000)))
}

fn of_plan(state: &Readable, plan_id: &str) -> Result<String, Stopped> {
    let log = load::plan(state, plan_id)?;
    let tape = tape(state, &log);
    let logged = Logged { entries: &log.entries, sha256: &log.sha256, tape: &tape };
    plan::page(&logged).ok_or_else(|| {
        let message = format!(
            "expected the log of a plan, found that of a refused input; `alchemiser replay {plan_id}` says why it was refused"
        );
        Stopped::new(Exit::Refused, "PLAN_REFUSED", message)
    })
}

/// What was kept of a plan's quotes; what cannot be read is left out, for it is for the picture only.
fn tape(state: &StateDir, log: &load::PlanLog) -> Vec<TapeLine> {
    let logged = Logged { entries: &log.entries, sha256: &log.sha256, tape: &[] };
    let Some(execution) = logged.state() else { return Vec::new() };
    let directory =
        state.root().join(tape::prefix(&execution.plan.account, &execution.plan.plan_id));
    let mut paths: Vec<PathBuf> =
        fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let mut lines = Vec::new();
    for path in paths {
        match fs::read(&path).and_then(|bytes| tape::from_bytes(&bytes)) {
            Ok(more) => lines.extend(more),
            Err(error) => {
                let place = path.display();
                let line =
                    format!("warning: QUOTE_TAPE: {place}: {error}; the picture goes without");
                eprintln!("{}", table::flowed_error(&line));
            }
        }
    }
    lines
}

/// A date, or so long before today.
fn date(text: &str, today: Date) -> Result<Date, Stopped> {
    if let Ok(date) = text.parse::<Date>() {
        return Ok(date);
    }
    let back = text.parse::<Span>().ok().filter(|span| span.is_positive());
    back.and_then(|span| today.checked_sub(span).ok()).ok_or_else(|| {
        let message =
            format!("--since: expected a date like 2026-11-01 or a span like 30d, found {text:?}");
        Stopped::new(Exit::Refused, "SINCE", message)
    })
}
