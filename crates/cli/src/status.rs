//! `alchemiser status`.

use std::time::Duration;

use alchemiser_core::{
    child::{ChildOrder, Status},
    fact::CancelReason,
    leg::LegOutcome,
};
use alchemiser_local::{books, state::StateDir};
use serde::Serialize;

use crate::{
    args::{ReadArgs, StatusArgs},
    exit::{Exit, Stopped},
    load::{self, Loaded},
    remote, table,
};

#[derive(Serialize)]
struct Line {
    plan_id: String,
    phase: &'static str,
    outcome: Option<&'static str>,
    legs: usize,
    done: usize,
    live_orders: usize,
    filled_orders: usize,
    repegs: usize,
    epoch: u32,
    owner: Option<String>,
    last_at: String,
    log: String,
}

fn line(loaded: &Loaded) -> Line {
    let state = &loaded.state;
    let count = |of: fn(&ChildOrder) -> bool| state.children().filter(|child| of(child)).count();
    Line {
        plan_id: state.plan.plan_id.to_string(),
        phase: state.phase.word(),
        outcome: state.outcome.as_ref().map(|(outcome, _)| outcome.status.word()),
        legs: state.legs.len(),
        done: state.legs.iter().filter(|leg| leg.outcome.is_some_and(LegOutcome::is_done)).count(),
        live_orders: count(ChildOrder::may_still_fill),
        filled_orders: count(|child| child.status == Status::Filled),
        repegs: count(|child| {
            child.cancel.is_some_and(|asked| asked.reason == CancelReason::Repeg)
        }),
        epoch: state.epoch,
        owner: state.owner.as_ref().map(|(owner, _)| owner.to_string()),
        last_at: state.last_at.to_string(),
        log: loaded.log.clone(),
    }
}

/// How often a watched directory is looked at.
const EVERY: Duration = Duration::from_secs(1);

/// How often a watched bucket is: each look lists it.
const EVERY_OF_BUCKET: Duration = Duration::from_secs(5);

/// Where a status is read.
const PLACES: [&str; 2] = ["executions/", "accounts/"];

/// Shows every execution of a state directory.
pub(crate) fn status(args: &StatusArgs) -> Result<Exit, Stopped> {
    let stopped = |stopped: Stopped| stopped.with_json(args.read.json);
    if args.watch {
        return watch(&args.read).map_err(stopped);
    }
    let state = load::readable(&args.read.state, &PLACES).map_err(stopped)?;
    let loaded = load::executions(&state).map_err(stopped)?;
    if args.read.json {
        return crate::print_json(&loaded.iter().map(line).collect::<Vec<_>>());
    }
    show(&state, &loaded)
}

/// Shows it again and again until every plan is over: in place on a terminal, one under the other elsewhere, and there
/// only what is new.
fn watch(args: &ReadArgs) -> Result<Exit, Stopped> {
    let terminal = console::Term::stdout();
    let every = if remote::is_bucket(&args.state) { EVERY_OF_BUCKET } else { EVERY };
    let state = load::readable(&args.state, &PLACES)?;
    let mut shown = None;
    loop {
        let loaded = load::executions(&state)?;
        let news: Vec<_> = loaded.iter().map(|one| (one.log.clone(), one.state.last_at)).collect();
        if shown.as_ref() != Some(&news) {
            if terminal.is_term() {
                terminal.clear_screen().map_err(|error| Stopped::failed("OUTPUT", &error))?;
            }
            show(&state, &loaded)?;
            for one in loaded.iter().filter(|one| !one.state.is_finished()) {
                crate::print(&table::fitted(&table::legs(&one.state)))?;
            }
            shown = Some(news);
        }
        if loaded.iter().all(|one| one.state.is_finished()) {
            return Ok(Exit::Completed);
        }
        std::thread::sleep(every);
        state.renew(&PLACES)?;
    }
}

fn show(state: &StateDir, loaded: &[Loaded]) -> Result<Exit, Stopped> {
    let lines: Vec<Line> = loaded.iter().map(line).collect();
    let accounts =
        books::accounts(state).map_err(|error| Stopped::failed("STATE_UNREADABLE", &error))?;
    for entry in accounts {
        for (plan, by) in &entry.account.canceled {
            crate::say(&format!(
                "Plan {plan} is canceled since {}, by {}: {}; it is not over yet",
                table::moment(by.at),
                by.who,
                by.why
            ))?;
        }
        if let Some(halt) = entry.account.halt {
            crate::say(&format!(
                "Trading in {} is halted since {}, by {}: {}",
                entry.id,
                table::moment(halt.at),
                halt.who,
                halt.why
            ))?;
        }
    }
    if lines.is_empty() {
        return crate::say("No plan was executed here yet.");
    }
    let headings = [
        "plan",
        "phase",
        "outcome",
        "legs",
        "done",
        "live",
        "filled",
        "re-pegs",
        "owners",
        "last entry",
    ];
    let mut table = table::table(&headings, 3..9);
    for (line, last_at) in lines.into_iter().zip(loaded.iter().map(|one| one.state.last_at)) {
        let counts = [line.legs, line.done, line.live_orders, line.filled_orders, line.repegs];
        let mut row =
            vec![line.plan_id, line.phase.to_owned(), line.outcome.unwrap_or("-").to_owned()];
        row.extend(counts.iter().map(ToString::to_string));
        row.extend([line.epoch.to_string(), table::moment(last_at)]);
        table.add_row(row);
    }
    crate::print(&table::fitted(&table))
}
