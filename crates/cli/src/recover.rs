//! `alchemiser recover --from-broker`: a log that lost entries goes on from the orders of the embedded exchange.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use alchemiser_core::{
    ids::{AccountId, Owner, PlanId},
    plan::Plan,
    policy::Policy,
};
use alchemiser_driver::{
    execute::claimed,
    ports::{Clock, Desk, Floor, Untaped, Unwatched},
    recover::{Recovered, Sought, recover as recover_log},
};
use alchemiser_host::{Bus, Routes, SharedBus};
use alchemiser_local::{
    clock::VirtualClock,
    exchange::{LocalExchange, lived_until},
    function::SIMULATED_ACCOUNT,
    state::{Pace, StateDir},
    store::FileStore,
};
use alchemiser_wire::{incoming, plan, plan::Accounts};
use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use crate::{
    exit::{Exit, Stopped},
    load,
    session::AWS_ACCOUNT,
};

#[derive(Args, Debug)]
pub(crate) struct RecoverArgs {
    /// The plan: its `RebalancePlanned` event (a file), or its id, when the beginning of its log is left
    plan: String,
    /// Take the broker's word for what the log lacks (there is no other source)
    #[arg(long, required = true)]
    from_broker: bool,
    /// The state directory
    #[arg(long, default_value = "state")]
    state: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Said {
    plan_id: String,
    recovered: bool,
    entries_left: Option<u64>,
    orders_adopted: u32,
    was_over: bool,
}

/// Recovers a plan's log. Nothing is sent to the broker.
pub(crate) async fn recover(args: &RecoverArgs) -> Result<Exit, Stopped> {
    Box::pin(attempt(args)).await.map_err(|stopped| stopped.with_json(args.json))
}

fn stopped(code: &'static str) -> impl Fn(&dyn std::fmt::Display) -> Stopped {
    move |error| Stopped::failed(code, error)
}

async fn attempt(args: &RecoverArgs) -> Result<Exit, Stopped> {
    let state = load::existing(&args.state)?;
    let pid = std::process::id().to_string();
    let _exclusive = state
        .exclusive(&pid, Pace::Virtual, Timestamp::now())
        .map_err(|error| load::state_stopped(&error))?;
    let desk = desk(&state)?;
    let account = account()?;
    let event = event(&args.plan, &account, desk.clock.now())?;
    let plan_id = match &event {
        Some(plan) => plan.plan_id.clone(),
        None => PlanId::new(&args.plan).map_err(|error| stopped("PLAN_UNKNOWN")(&error))?,
    };
    let policy = Policy::default();
    let plan = match &event {
        Some(plan) => plan.clone(),
        None => claimed(&desk, &account, &plan_id, &policy)
            .await
            .map_err(|error| Stopped::failed(error.code(), &error))?,
    };
    let floor = floor(&state, &plan, desk)?;
    let sought = Sought { account: &account, plan_id: &plan_id, event: event.as_ref() };
    let recovered = recover_log(&floor, sought, &policy).await;
    let recovered = recovered.map_err(|error| Stopped::failed(error.code(), &error))?;
    say(args, &plan_id, &recovered)
}

/// The plan of an event's file; `None` for a text that names no file.
fn event(text: &str, account: &AccountId, now: Timestamp) -> Result<Option<Plan>, Stopped> {
    if !Path::new(text).is_file() {
        return Ok(None);
    }
    let bytes = fs::read(text).map_err(|error| {
        let message = format!("expected a readable file at {text}, found: {error}");
        Stopped::new(Exit::Refused, "PLAN_UNREADABLE", message)
    })?;
    let accounts = Accounts { default: account.clone() };
    let read = incoming::envelope(&bytes)
        .and_then(|envelope| plan::read(&envelope, &accounts))
        // How old it is does not matter: no first order leaves after its validity.
        .and_then(|draft| Plan::new(draft, now, Policy::default().plan_max_age));
    let checked = read.and_then(|plan| plan.check_totals().map(|()| plan));
    checked.map(Some).map_err(|refused| Stopped::refused(&refused))
}

fn account() -> Result<AccountId, Stopped> {
    AccountId::new(SIMULATED_ACCOUNT).map_err(|error| stopped("ACCOUNT")(&error))
}

/// Store, time and name of this process; its bus has nobody at the other end, and whoever runs next sweeps.
fn desk(state: &StateDir) -> Result<Desk, Stopped> {
    let lived = lived_until(state).map_err(|error| stopped("EXCHANGE")(&error))?;
    let clock = VirtualClock::starting_at(lived.unwrap_or_else(Timestamp::now));
    let owner =
        Owner::new(&uuid::Uuid::new_v4().to_string()).map_err(|error| stopped("OWNER")(&error))?;
    let store = FileStore::new(state, &owner).map_err(|error| stopped("STORE")(&error))?;
    let routes = Routes::deployed().map_err(|error| stopped("TEMPLATE")(&error))?;
    let bus = SharedBus::new(Bus::new(routes, AWS_ACCOUNT, "local"));
    Ok(Desk { store: Arc::new(store), publisher: Arc::new(bus), clock: Arc::new(clock), owner })
}

/// The exchange of the state directory, as it was left.
fn floor(state: &StateDir, plan: &Plan, desk: Desk) -> Result<Floor, Stopped> {
    let clock: Arc<dyn Clock> = desk.clock.clone();
    let exchange =
        LocalExchange::open(state, plan, 1, clock).map_err(|error| stopped("EXCHANGE")(&error))?;
    let exchange = Arc::new(exchange);
    Ok(Floor {
        desk,
        broker: exchange.clone(),
        market: exchange,
        watcher: Arc::new(Unwatched),
        tape: Arc::new(Untaped),
    })
}

fn say(args: &RecoverArgs, plan_id: &PlanId, recovered: &Recovered) -> Result<Exit, Stopped> {
    let recovery = match recovered {
        Recovered::Complete => None,
        Recovered::Rebuilt(recovery) => Some(recovery),
    };
    if args.json {
        return crate::print_json(&Said {
            plan_id: plan_id.to_string(),
            recovered: recovery.is_some(),
            entries_left: recovery.map(|recovery| recovery.entries),
            orders_adopted: recovery.map_or(0, |recovery| recovery.orders),
            was_over: recovery.is_some_and(|recovery| recovery.is_over),
        });
    }
    let Some(recovery) = recovery else {
        return crate::say(&format!(
            "The log of plan {plan_id} knows every order that the broker has of it; nothing was written."
        ));
    };
    let next = if recovery.is_over {
        "It was over: run its event again to have its outcome and its ledger; nothing more is traded."
    } else {
        "Run its event again: the plan goes on where the broker's orders are."
    };
    crate::say(&format!(
        "The log of plan {plan_id} goes on: {} entries were left, {} orders were adopted from the broker.\n{next}",
        recovery.entries, recovery.orders
    ))
}
