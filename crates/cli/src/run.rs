//! `alchemiser run`.

use std::{
    fs,
    sync::{Arc, Mutex},
};

use alchemiser_core::{
    execution::Execution,
    ids::PlanId,
    plan::{PlanRefused, RefusalCode},
    policy::Policy,
};
use alchemiser_driver::{
    accept::{Accepted, accept},
    execute::Executed,
    log::ExecutionLog,
    settle,
};
use alchemiser_host::Entry;
use alchemiser_local::{
    clock::RunningClock,
    state::{Exclusive, Pace, StateDir, StateError},
};
use alchemiser_report::schedule::Sent;
use alchemiser_wire::{event::SOURCE, incoming, ledger};
use jiff::Timestamp;
use serde::Deserialize;

use crate::{
    advice,
    args::{RunArgs, RunOptions, Speed},
    broker::{self, AccountWord, BrokerWord},
    config,
    confirm::confirmed,
    doctor,
    exit::{Exit, Stopped},
    load,
    progress::Progress,
    rehearsal::{self, Answered},
    report::{self, Places},
    session::{Outside, Session, Trail},
    table,
};

/// Executes a plan, or goes on with it, or says that it was executed.
pub(crate) async fn run(args: &RunArgs) -> Result<Exit, Stopped> {
    Box::pin(attempt(args)).await.map_err(|stopped| stopped.with_json(args.options.json))
}

async fn attempt(args: &RunArgs) -> Result<Exit, Stopped> {
    load::on_this_machine(&args.options.state)?;
    let (policy, armed_by_flag) = config::of_run(&args.options)?;
    let bytes = fs::read(&args.plan).map_err(|error| {
        let message =
            format!("expected a readable file at {}, found: {error}", args.plan.display());
        Stopped::new(Exit::Refused, "PLAN_UNREADABLE", message)
    })?;
    if args.options.stream_quotes && args.options.broker == BrokerWord::Simulated {
        let message = "expected --broker alpaca beside --stream-quotes, found the simulated exchange, which has no stream";
        return Err(Stopped::new(Exit::Refused, "NO_STREAM", message));
    }
    if args.options.dry_run {
        return Box::pin(rehearse(args, policy, armed_by_flag, &bytes)).await;
    }
    let state = StateDir::open(&args.options.state).map_err(|error| load::state_stopped(&error))?;
    let _exclusive = alone(args, &state).map_err(|error| load::state_stopped(&error))?;
    let progress = Arc::new(Progress::new(args.options.json));
    let rules = (policy, armed_by_flag);
    let session = session(&args.options, rules, (&state, &bytes), progress).await?;
    if args.options.broker == BrokerWord::Alpaca
        && args.options.account.account == Some(AccountWord::Live)
    {
        let account = &session.rules.accounts.default;
        let question = format!(
            "{} would be traded with real money in account {account}.",
            args.plan.display()
        );
        confirmed(&question, args.options.yes)?;
    }
    let wanted = args.options.stream_quotes.then(|| doctor::symbols(&bytes));
    let listening = wanted.and_then(|symbols| session.listen(&symbols));
    let ended = Box::pin(trade(args, &session, &bytes)).await;
    if let Some(listening) = listening {
        listening.close().await;
    }
    ended
}

/// Executes the event's plan, or goes on with it.
async fn trade(args: &RunArgs, session: &Session, bytes: &[u8]) -> Result<Exit, Stopped> {
    alchemiser_driver::accept::probe(session.desk.store.as_ref())
        .await
        .map_err(|error| Stopped::failed("STORE", &error))?;
    let accepted = publish(session, bytes).await?;
    let trail = Box::pin(session.drive_and_sweep()).await?;
    let accepted = accepted.or_else(|| trail.accepted.first().cloned());
    let (plan_id, already) = match accepted {
        Some(Accepted::Claimed(plan_id) | Accepted::Resumed(plan_id)) => (plan_id, false),
        Some(Accepted::Finished(plan_id)) => (plan_id, true),
        Some(Accepted::Refused(refused) | Accepted::Conflict(refused)) => {
            return Err(Stopped::refused(&refused));
        }
        Some(Accepted::Ignored(found)) => return Err(wrong_event("detail-type", &found)),
        None => return Err(Stopped::failed("UNROUTED", &"the event reached no function")),
    };
    let (now, _) = read(session, &plan_id).await?;
    if !now.is_finished() {
        blocked(&trail)?;
        let message = format!(
            "plan {plan_id} has another owner by now, which goes on with it; run the same command again to see how it ends"
        );
        return Err(Stopped::new(Exit::Locked, "PLAN_LOST", message));
    }
    Box::pin(conclude(args, session, &plan_id, already)).await
}

/// The session of a run: everything composed for the account that the plan is traded in.
pub(crate) async fn session(
    options: &RunOptions,
    (policy, armed_by_flag): (Policy, bool),
    (state, bytes): (&StateDir, &[u8]),
    progress: Arc<Progress>,
) -> Result<Session, Stopped> {
    match options.broker {
        BrokerWord::Simulated => Session::open(options, policy, state, made_at(bytes), progress),
        BrokerWord::Alpaca => {
            let symbols = doctor::symbols(bytes);
            let clock = Arc::new(RunningClock::starting_at(Timestamp::now()));
            let reached = options.account.reached(&policy, armed_by_flag, clock.clone()).await?;
            let account = broker::admitted(&reached, &policy, &symbols).await?;
            let outside = Outside { alpaca: reached.alpaca, account, clock };
            Session::outside(options, policy, state, outside, progress)
        }
    }
}

/// The plan as it would be traded now: on copies, with every order answered here.
async fn rehearse(
    args: &RunArgs,
    policy: Policy,
    armed_by_flag: bool,
    bytes: &[u8],
) -> Result<Exit, Stopped> {
    if let Some(known) = known(args, bytes) {
        return rehearsal::already(&known, args.options.json);
    }
    let directory = tempfile::tempdir().map_err(|error| Stopped::failed("STATE", &error))?;
    let state = rehearsal::copied(&args.options.state, directory.path())?;
    let (answered, hidden) = (Arc::new(Mutex::new(Answered::default())), Progress::new(true));
    let rules = (policy, armed_by_flag);
    let session = session(&args.options, rules, (&state, bytes), Arc::new(hidden)).await?;
    let session = session.rehearsing(answered.clone());
    let accepted = publish(&session, bytes).await?;
    let trail = Box::pin(session.drive()).await?;
    match accepted.or_else(|| trail.accepted.first().cloned()) {
        Some(Accepted::Refused(refused) | Accepted::Conflict(refused)) => {
            Err(Stopped::refused(&refused))
        }
        Some(Accepted::Ignored(found)) => Err(wrong_event("detail-type", &found)),
        None => Err(Stopped::failed("UNROUTED", &"the event reached no function")),
        Some(
            Accepted::Claimed(plan_id) | Accepted::Resumed(plan_id) | Accepted::Finished(plan_id),
        ) => {
            let (now, _) = read(&session, &plan_id).await?;
            let advice = advice::of(&args.options.state, &now);
            rehearsal::say(&now, (&answered, advice), args.options.json)
        }
    }
}

/// The directory for this process alone; in real time, also from one that stands still and whose leases are over.
fn alone(args: &RunArgs, state: &StateDir) -> Result<Exclusive, StateError> {
    let (pid, now) = (std::process::id().to_string(), Timestamp::now());
    match args.options.speed {
        Speed::Fast => state.exclusive(&pid, Pace::Virtual, now),
        Speed::Realtime => state.take_over(&pid, now),
    }
}

/// Publishes the event; what is no event is refused at once, as the first function would.
async fn publish(session: &Session, bytes: &[u8]) -> Result<Option<Accepted>, Stopped> {
    let Ok(envelope) = incoming::envelope(bytes) else {
        let accepted = accept(&session.desk, bytes, &session.rules).await;
        return accepted.map(Some).map_err(|error| Stopped::failed(error.code(), &error));
    };
    let source = envelope.source.clone();
    let entry = Entry {
        source: envelope.source,
        detail_type: envelope.detail_type.clone(),
        detail: envelope.detail.get().to_owned(),
        id: envelope.id.unwrap_or_else(|| incoming::source_id(bytes)),
        time: session.desk.clock.now().to_string(),
    };
    session
        .bus
        .put(entry)
        .map_err(|error| Stopped::new(Exit::Refused, "MALFORMED_EVENT", error))?;
    if session.bus.waiting() == 0 {
        let found = format!("source {source:?} with detail-type {:?}", envelope.detail_type);
        return Err(wrong_event("source", &found));
    }
    Ok(None)
}

fn wrong_event(field: &str, found: &str) -> Stopped {
    let expected = "an event that a deployed rule takes: RebalancePlanned from a portfolio source";
    Stopped::refused(&PlanRefused::new(RefusalCode::WrongEvent, field, expected, found))
}

/// What a plan says of itself before it is checked.
#[derive(Deserialize)]
struct Named {
    plan_id: String,
    timestamp: Timestamp,
}

fn named(bytes: &[u8]) -> Option<Named> {
    #[derive(Deserialize)]
    struct Outer {
        detail: Detail,
    }
    #[derive(Deserialize)]
    struct Detail {
        rebalance_plan: Named,
    }
    serde_json::from_slice::<Outer>(bytes).ok().map(|outer| outer.detail.rebalance_plan)
}

/// The time at which the plan was made, as far as it says one.
fn made_at(bytes: &[u8]) -> Option<Timestamp> {
    named(bytes).map(|named| named.timestamp)
}

/// The plan's execution in the state directory, if it has one.
fn known(args: &RunArgs, bytes: &[u8]) -> Option<Execution> {
    let named = named(bytes)?;
    let state = load::here(&args.options.state).ok()?;
    let log = load::plan(&state, &named.plan_id).ok()?;
    Execution::fold(log.entries.iter().flat_map(|entry| &entry.facts), &Policy::default())
}

/// Another owner or another plan stands in the way.
fn blocked(trail: &Trail) -> Result<(), Stopped> {
    for executed in &trail.executed {
        match executed {
            Executed::Held { owner, until } => {
                let message = format!(
                    "the plan is being executed by {owner}, whose lease runs until {until}; run the same command again after that"
                );
                return Err(Stopped::new(Exit::Locked, "LEASE_HELD", message));
            }
            Executed::Busy { holder } => {
                let message = format!(
                    "the account is busy with plan {holder}, which another process is working on; run the same command again after it"
                );
                return Err(Stopped::new(Exit::Locked, "ACCOUNT_BUSY", message));
            }
            Executed::Finished | Executed::AlreadyFinished => {}
            Executed::HandedOver | Executed::Followed { .. } => {}
        }
    }
    Ok(())
}

async fn read(session: &Session, plan_id: &PlanId) -> Result<(Execution, String), Stopped> {
    let account = &session.rules.accounts.default;
    let mut log = ExecutionLog::new(session.desk.store.clone(), account, plan_id.as_str());
    let entries = log.read_on().await.map_err(|error| Stopped::failed(error.code(), &error))?;
    let facts = entries.iter().flat_map(|entry| &entry.facts);
    let state = Execution::fold(facts, &session.rules.policy);
    let state =
        state.ok_or_else(|| Stopped::failed("LOG_UNREADABLE", &"the plan's log is empty"))?;
    Ok((state, log.prefix().to_owned()))
}

async fn conclude(
    args: &RunArgs,
    session: &Session,
    plan_id: &PlanId,
    already: bool,
) -> Result<Exit, Stopped> {
    let (state, log) = read(session, plan_id).await?;
    let ledger = ledger::key(&state);
    let written =
        session.desk.store.get(&ledger).await.map_err(|error| Stopped::failed("STORE", &error))?;
    if written.is_none() && state.is_finished() {
        settle_again(session, &state).await?;
    }
    let root = args.options.state.clone();
    let places = Places {
        log: root.join(log).display().to_string(),
        ledger: root.join(ledger).display().to_string(),
    };
    let exit = report::outcome(&state);
    if args.options.json {
        let schedule = advice::of(&root, &state).map(advice::Said::from);
        crate::print_json(&report::report(&state, places, (already, schedule)))?;
    } else {
        say(args, &state, &places, already)?;
    }
    Ok(if already { Exit::Completed } else { exit })
}

/// The process died between the outcome and the ledger: the terminal event goes out again, byte for byte.
async fn settle_again(session: &Session, state: &Execution) -> Result<(), Stopped> {
    let terminal =
        state.outbox.iter().find(|outgoing| outgoing.event.detail_type.starts_with("Workflow"));
    if let Some(outgoing) = terminal {
        let entry = Entry {
            source: SOURCE.to_owned(),
            detail_type: outgoing.event.detail_type.clone(),
            detail: outgoing.event.detail.clone(),
            id: outgoing.event.event_id.to_string(),
            time: session.desk.clock.now().to_string(),
        };
        session.bus.put(entry).map_err(|error| Stopped::failed("BUS", &error))?;
        session.drive().await?;
    }
    Ok(())
}

fn say(args: &RunArgs, state: &Execution, places: &Places, already: bool) -> Result<Exit, Stopped> {
    let program = std::env::current_exe()
        .map_or_else(|_| "alchemiser".to_owned(), |path| path.display().to_string());
    let (plan, root) = (args.plan.display(), args.options.state.display());
    let mut lines = Vec::new();
    if already {
        lines.push(format!("Plan {} was already executed; nothing was sent.", state.plan.plan_id));
    }
    if !state.legs.is_empty() {
        lines.push(table::fitted(&table::legs(state)));
    }
    let terminal = if report::outcome(state) == Exit::Completed {
        "WorkflowCompleted"
    } else {
        "WorkflowFailed"
    };
    lines.push(format!("{terminal}: {}", settle::summary(state)));
    if let (Some(half_spreads), Some(bps)) = table::mean_cost(state) {
        let mean = "Mean cost against the mid at the first submit, weighted by notional";
        let [half_spreads, bps] = [half_spreads, bps].map(|mean| table::rounded(Some(mean), 2));
        lines.push(format!("{mean}: {half_spreads} half-spreads, {bps} bps"));
    }
    if let Some(advice) = advice::of(&args.options.state, state) {
        lines.push(textwrap::fill(&advice.sentences(Sent::Yes), table::width()));
    }
    lines.push(format!("\nLog     {}\nLedger  {}\n\nNext:", places.log, places.ledger));
    crate::say(&lines.join("\n"))?;
    // What is typed or copied stays on its line.
    let mut next =
        vec![format!("  {program} ledger --state {root}\n  {program} verify --state {root}")];
    if already {
        let (now, seed) =
            (if args.options.now { " --now" } else { "" }, args.options.seed.saturating_add(1));
        next.push(format!(
            "  {program} run {plan}{now} --seed {seed} --state {root}-{seed}    # afresh"
        ));
    }
    crate::print(&next.join("\n"))
}
