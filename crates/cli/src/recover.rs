//! `alchemiser recover --from-broker`: a log that lost entries goes on from the broker's orders: those of the state directory's
//! own exchange, or those of an account at Alpaca, for a directory or a bucket.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use alchemiser_core::{
    ids::{AccountId, Owner, PlanId},
    plan::Plan,
    policy::Policy,
    reading::TradeMode,
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
    args::SettingArgs,
    broker::{AccountArgs, BrokerWord, admitted},
    config,
    confirm::confirmed,
    exit::{Exit, Stopped},
    halt::desk_of,
    load,
    remote::is_bucket,
    session::AWS_ACCOUNT,
};

#[derive(Args, Debug)]
pub(crate) struct RecoverArgs {
    /// The plan: its `RebalancePlanned` event (a file), or its id, when the beginning of its log is left
    plan: String,
    /// Take the broker's word for what the log lacks (there is no other source)
    #[arg(long, required = true)]
    from_broker: bool,
    /// The state: a directory, or with `--broker alpaca` also a bucket (`s3://BUCKET/PREFIX`)
    #[arg(long, default_value = "state")]
    state: PathBuf,
    /// Where the plan was traded
    #[arg(long, value_enum, default_value = "simulated")]
    broker: BrokerWord,
    #[command(flatten)]
    account: AccountArgs,
    #[command(flatten)]
    given: SettingArgs,
    /// Do not ask before the log of a live account's plan goes on
    #[arg(long)]
    yes: bool,
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
    let (plan_id, recovered) = match args.broker {
        BrokerWord::Simulated => simulated(args).await?,
        BrokerWord::Alpaca => at_alpaca(args).await?,
    };
    say(args, &plan_id, &recovered)
}

async fn simulated(args: &RecoverArgs) -> Result<(PlanId, Recovered), Stopped> {
    let state = load::existing(&args.state)?;
    let _exclusive = state
        .exclusive(&pid(), Pace::Virtual, Timestamp::now())
        .map_err(|error| load::state_stopped(&error))?;
    let (desk, account) = (desk(&state)?, account()?);
    let (sought, policy) = (Wanted::read(args, account, &desk)?, Policy::default());
    let plan = sought.plan(&desk, &policy).await?;
    let floor = floor(&state, &plan, desk)?;
    sought.recovered(&floor, &policy).await
}

/// The orders are those of an account; the log is where `--state` says.
async fn at_alpaca(args: &RecoverArgs) -> Result<(PlanId, Recovered), Stopped> {
    let mode = args.account.mode()?;
    let (policy, is_armed) = config::of_account(&args.given, mode)?;
    let desk = desk_of(&args.state).await?;
    let state = if is_bucket(&args.state) { None } else { Some(load::existing(&args.state)?) };
    let held = state.map(|state| state.take_over(&pid(), desk.clock.now())).transpose();
    let _exclusive = held.map_err(|error| load::state_stopped(&error))?;
    let reached = args.account.reached(&policy, is_armed, desk.clock.clone()).await?;
    let account = admitted(&reached, &policy, &[]).await?;
    let sought = Wanted::read(args, account, &desk)?;
    if mode == TradeMode::Live {
        let (plan, account) = (&sought.plan_id, &sought.account);
        let question = format!(
            "The plan {plan} of account {account} trades real money once its log goes on. Recover it?"
        );
        confirmed(&question, args.yes)?;
    }
    let alpaca = Arc::new(reached.alpaca);
    let floor = Floor {
        desk,
        broker: alpaca.clone(),
        market: alpaca,
        watcher: Arc::new(Unwatched),
        tape: Arc::new(Untaped),
    };
    sought.recovered(&floor, &policy).await
}

fn pid() -> String {
    std::process::id().to_string()
}

/// The plan that is to be recovered, as the command names it.
struct Wanted {
    account: AccountId,
    plan_id: PlanId,
    event: Option<Plan>,
}

impl Wanted {
    fn read(args: &RecoverArgs, account: AccountId, desk: &Desk) -> Result<Self, Stopped> {
        let event = event(&args.plan, &account, desk.clock.now())?;
        let plan_id = match &event {
            Some(plan) => plan.plan_id.clone(),
            None => PlanId::new(&args.plan).map_err(|error| stopped("PLAN_UNKNOWN")(&error))?,
        };
        Ok(Self { account, plan_id, event })
    }

    /// The event's plan, or the one that was claimed.
    async fn plan(&self, desk: &Desk, policy: &Policy) -> Result<Plan, Stopped> {
        match &self.event {
            Some(plan) => Ok(plan.clone()),
            None => claimed(desk, &self.account, &self.plan_id, policy)
                .await
                .map_err(|error| Stopped::failed(error.code(), &error)),
        }
    }

    async fn recovered(
        self,
        floor: &Floor,
        policy: &Policy,
    ) -> Result<(PlanId, Recovered), Stopped> {
        let Self { account, plan_id, event } = &self;
        let sought = Sought { account, plan_id, event: event.as_ref() };
        let recovered = recover_log(floor, sought, policy).await;
        let recovered = recovered.map_err(|error| Stopped::failed(error.code(), &error))?;
        Ok((self.plan_id, recovered))
    }
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
    let next = match (recovery.is_over, is_bucket(&args.state)) {
        (true, false) => {
            "It was over: run its event again to have its outcome and its ledger; nothing more is traded."
        }
        (false, false) => "Run its event again: the plan goes on where the broker's orders are.",
        (true, true) => {
            "It was over: the deployed functions write its outcome and its ledger within the sweeper's next minute; nothing more is traded."
        }
        (false, true) => {
            "The deployed functions go on within the sweeper's next minute, where the broker's orders are."
        }
    };
    crate::say(&format!(
        "The log of plan {plan_id} goes on: {} entries were left, {} orders were adopted from the broker.\n{next}",
        recovery.entries, recovery.orders
    ))
}
