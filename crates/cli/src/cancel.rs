//! `alchemiser cancel`: one plan is not traded any further.
//!
//! Who said so, and why, is an entry of the account's log. A process that trades the plan reads it before its next decision,
//! cancels what is open, and ends the plan. Where no process has the directory, this one does so itself.

use std::{path::Path, sync::Arc};

use alchemiser_core::{
    account::Halt,
    execution::Execution,
    fact::{Announced, Phase, StopCode},
    ids::{AccountId, PlanId},
    policy::Policy,
    reading::TradeMode,
};
use alchemiser_driver::{
    account::{self, Canceled},
    log::ExecutionLog,
    ports::Desk,
    settle,
};
use alchemiser_local::{
    function::SIMULATED_ACCOUNT,
    state::{Exclusive, Pace, StateDir, StateError},
};
use alchemiser_wire::request::{DETAIL_TYPE, Request, Why};
use jiff::Timestamp;
use serde::Serialize;

use crate::{
    args::{CancelArgs, RunOptions, Speed},
    broker::BrokerWord,
    config,
    confirm::confirmed,
    exit::{Exit, Stopped},
    halt::{desk_of, failed, who},
    load,
    progress::Progress,
    remote, run,
    session::Session,
    table,
};

#[derive(Serialize)]
struct Said<'a> {
    plan_id: &'a str,
    account: &'a str,
    canceled: bool,
    who: &'a str,
    why: &'a str,
    since: String,
    /// The plan is over; else whoever trades it ends it.
    ended: bool,
    outcome: Option<String>,
}

/// Cancels a plan.
pub(crate) async fn cancel(args: CancelArgs) -> Result<Exit, Stopped> {
    let json = args.json;
    Box::pin(attempt(args)).await.map_err(|stopped| stopped.with_json(json))
}

async fn attempt(args: CancelArgs) -> Result<Exit, Stopped> {
    let known = {
        let readable = load::readable_for(&args.state, &args.plan_id)?;
        let log = load::plan(&readable, &args.plan_id)?;
        folded(log.entries.iter().flat_map(|entry| &entry.facts))?
    };
    let desk = desk_of(&args.state).await?;
    let (account, plan) = (known.plan.account.clone(), known.plan.plan_id.clone());
    if let Some(earlier) = over(&known)? {
        return say(&args, &known, &earlier, None);
    }
    let mode = known.preflight.as_ref().map(|(preflight, _)| preflight.mode);
    if mode == Some(TradeMode::Live) {
        let question = format!("{plan} trades real money in account {account}. Cancel it?");
        confirmed(&question, args.yes)?;
    }
    let asked = Halt::new(&who(), &args.reason, desk.clock.now());
    let by = match account::cancel(&desk, &account, &plan, asked).await.map_err(failed)? {
        Canceled::By(by) => by,
        Canceled::Over => return Err(is_over(&read(&desk, &account, &plan).await?)),
    };
    let left = if remote::is_bucket(&args.state) {
        Some("The deployed functions end it: the one that trades it within seconds, else the sweeper's next minute.".to_owned())
    } else {
        Box::pin(end(&args, &known)).await?
    };
    say(&args, &read(&desk, &account, &plan).await?, &by, left.as_deref())
}

fn folded<'a>(
    facts: impl IntoIterator<Item = &'a alchemiser_core::fact::Fact>,
) -> Result<Execution, Stopped> {
    Execution::fold(facts, &Policy::default()).ok_or_else(|| {
        let message = "expected a plan that was claimed, found an input that was refused: there is nothing to cancel";
        Stopped::new(Exit::Refused, "PLAN_REFUSED", message)
    })
}

/// Who had canceled a plan that is over; any other plan that is over is refused.
fn over(state: &Execution) -> Result<Option<Halt>, Stopped> {
    match &state.canceled {
        _ if !state.is_finished() => Ok(None),
        Some(by) if state.stop == Some(StopCode::Canceled) => Ok(Some(by.clone())),
        Some(_) | None => Err(is_over(state)),
    }
}

fn is_over(state: &Execution) -> Stopped {
    let message = format!(
        "expected a plan that is not over, found {}, which is: {}; nothing was canceled",
        state.plan.plan_id,
        settle::summary(state)
    );
    Stopped::new(Exit::Refused, "PLAN_OVER", message)
}

async fn read(desk: &Desk, account: &AccountId, plan: &PlanId) -> Result<Execution, Stopped> {
    let mut log = ExecutionLog::new(desk.store.clone(), account, plan.as_str());
    let entries = log.read_on().await.map_err(|error| Stopped::failed(error.code(), &error))?;
    folded(entries.iter().flat_map(|entry| &entry.facts))
}

/// Ends the plan in this process, if no other one has the directory; else says who ends it.
async fn end(args: &CancelArgs, known: &Execution) -> Result<Option<String>, Stopped> {
    let state = StateDir::open(&args.state).map_err(|error| load::state_stopped(&error))?;
    let is_simulated = known.plan.account.as_str() == SIMULATED_ACCOUNT;
    let _exclusive = match alone(&state, is_simulated) {
        Ok(exclusive) => exclusive,
        Err(StateError::InUse { holder, .. }) => {
            return Ok(Some(format!(
                "{holder} has the directory, and ends the plan when it looks at it next: within seconds where it trades it."
            )));
        }
        Err(error) => return Err(load::state_stopped(&error)),
    };
    if !is_simulated && args.broker == BrokerWord::Simulated {
        return Ok(Some(format!(
            "No process trades it. Give `--broker alpaca --account …` beside this command, and it cancels the orders in {} and ends the plan; so does the next `alchemiser run` there.",
            known.plan.account
        )));
    }
    let (plan, account) = (known.plan.plan_id.clone(), known.plan.account.clone());
    let session = session(args, known, &state).await?.only(plan.clone());
    ask(&session, known).await?;
    session.drive().await?;
    let now = read(&session.desk, &account, &plan).await?;
    if now.is_finished() {
        return Ok(None);
    }
    Ok(Some(
        "It is ended as soon as the account is free and no other process holds its lease: run the same command again."
            .to_owned(),
    ))
}

fn alone(state: &StateDir, is_simulated: bool) -> Result<Exclusive, StateError> {
    let (pid, now) = (std::process::id().to_string(), Timestamp::now());
    if is_simulated {
        state.exclusive(&pid, Pace::Virtual, now)
    } else {
        state.take_over(&pid, now)
    }
}

/// A session that goes on where the plan's log ends.
async fn session(
    args: &CancelArgs,
    known: &Execution,
    state: &StateDir,
) -> Result<Session, Stopped> {
    let options = options(args);
    let rules = config::of_run(&options)?;
    let progress = Arc::new(Progress::new(args.json));
    if options.broker == BrokerWord::Simulated {
        return Session::open(&options, rules.0, state, Some(known.last_at), progress);
    }
    let session = run::session(&options, rules, (state, &[]), progress).await?;
    let (meant, found) = (&known.plan.account, &session.rules.accounts.default);
    if meant != found {
        let message = format!("expected the keys of account {meant}, found those of {found}");
        return Err(Stopped::new(Exit::Refused, "ACCOUNT_DIFFERS", message));
    }
    Ok(session)
}

fn options(args: &CancelArgs) -> RunOptions {
    RunOptions {
        state: args.state.clone(),
        seed: 1,
        speed: Speed::Fast,
        policy: None,
        max_age: None,
        now: true,
        broker: args.broker,
        stream_quotes: false,
        account: args.account.clone(),
        given: args.given.clone(),
        yes: args.yes,
        dry_run: false,
        json: args.json,
    }
}

/// Asks for an owner of the plan, as the sweeper does.
async fn ask(session: &Session, known: &Execution) -> Result<(), Stopped> {
    let request = Request {
        account: known.plan.account.clone(),
        plan_id: known.plan.plan_id.clone(),
        correlation_id: known.plan.correlation_id.clone(),
        causation_id: known.plan.source_event.clone(),
        epoch: known.epoch,
        why: if known.phase == Phase::Finished { Why::Outbox } else { Why::LeaseOver },
    };
    let at = session.desk.clock.now();
    let event = Announced {
        event_id: request.event_id(),
        detail_type: DETAIL_TYPE.to_owned(),
        detail: request.detail(at),
    };
    let published = session.desk.publisher.publish(&event, at).await;
    published.map_err(|error| Stopped::failed("BUS", &error))
}

fn say(args: &CancelArgs, now: &Execution, by: &Halt, left: Option<&str>) -> Result<Exit, Stopped> {
    let (plan, account) = (&now.plan.plan_id, &now.plan.account);
    let outcome = now.is_finished().then(|| settle::summary(now));
    if args.json {
        return crate::print_json(&Said {
            plan_id: plan.as_str(),
            account: account.as_str(),
            canceled: true,
            who: &by.who,
            why: &by.why,
            since: by.at.to_string(),
            ended: now.is_finished(),
            outcome,
        });
    }
    let mut lines = vec![format!(
        "Plan {plan} is canceled since {}, by {}: {}.",
        table::moment(by.at),
        by.who,
        by.why
    )];
    match &outcome {
        Some(outcome) => {
            if !now.legs.is_empty() {
                lines.push(table::fitted(&table::legs(now)));
            }
            lines.push(format!("It is over: {outcome}."));
            lines.push(next(&args.state, plan));
        }
        None => lines.extend(left.map(str::to_owned)),
    }
    crate::say(&lines.join("\n"))
}

fn next(state: &Path, plan: &PlanId) -> String {
    format!(
        "`alchemiser retry {plan} --state {}` trades what it left, as a plan of its own.",
        state.display()
    )
}
