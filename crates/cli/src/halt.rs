//! `alchemiser halt` and `alchemiser resume`: the switch that stops trading in an account.
//!
//! They write one entry of the account log, beside a process that trades: it reads the switch before every decision,
//! cancels what is open, and ends its plan.

use std::{io::IsTerminal, path::Path, sync::Arc};

use alchemiser_core::{
    account::Halt,
    ids::{AccountId, Owner},
    reading::TradeMode,
};
use alchemiser_driver::{
    account,
    ports::{Desk, Store},
};
use alchemiser_host::{Bus, Routes, SharedBus};
use alchemiser_local::{clock::RunningClock, function::SIMULATED_ACCOUNT, store::FileStore};
use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use crate::{
    args::{HaltArgs, ResumeArgs, SwitchArgs},
    confirm::confirmed,
    exit::{Exit, Stopped},
    load, remote,
    session::AWS_ACCOUNT,
    table,
};

#[derive(Serialize)]
struct Said<'a> {
    account: &'a str,
    halted: bool,
    who: Option<&'a str>,
    why: Option<&'a str>,
    since: Option<String>,
}

pub(crate) fn failed(error: impl std::fmt::Display) -> Stopped {
    Stopped::failed("ACCOUNT_LOG", &error)
}

async fn desk(switch: &SwitchArgs) -> Result<(Desk, AccountId), Stopped> {
    let account = named(switch.account.as_deref(), &switch.state)?;
    Ok((desk_of(&switch.state).await?, account))
}

/// Store, time and name of a person; its bus has nobody at the other end.
pub(crate) async fn desk_of(state: &Path) -> Result<Desk, Stopped> {
    let owner = Owner::new(&Uuid::new_v4().to_string()).map_err(failed)?;
    let store = store(state, &owner).await?;
    let routes = Routes::deployed().map_err(failed)?;
    let bus = SharedBus::new(Bus::new(routes, AWS_ACCOUNT, "local"));
    let clock = Arc::new(RunningClock::starting_at(Timestamp::now()));
    Ok(Desk { store, publisher: Arc::new(bus), clock, owner })
}

async fn store(state: &Path, owner: &Owner) -> Result<Arc<dyn Store>, Stopped> {
    if remote::is_bucket(state) {
        return remote::store(state).await;
    }
    let state = load::existing(state)?;
    Ok(Arc::new(FileStore::new(&state, owner).map_err(failed)?))
}

/// The account meant: in a bucket it must be named, in a directory it is the simulated one unless it is named.
pub(crate) fn named(account: Option<&str>, state: &Path) -> Result<AccountId, Stopped> {
    let named = match account {
        Some(named) => named,
        None if remote::is_bucket(state) => {
            let message = "expected --account beside a bucket, found none";
            return Err(Stopped::new(Exit::Refused, "ACCOUNT", message));
        }
        None => SIMULATED_ACCOUNT,
    };
    AccountId::new(named)
        .map_err(|error| Stopped::new(Exit::Refused, "ACCOUNT", format!("--account: {error}")))
}

/// The account trades real money, as far as its plans' logs say.
async fn is_live(desk: &Desk, id: &AccountId) -> Result<bool, Stopped> {
    let mode = account::mode(&desk.store, id).await.map_err(failed)?;
    Ok(mode == Some(TradeMode::Live))
}

/// Who is at the keyboard, as far as the system says.
pub(crate) fn who() -> String {
    std::env::var("USER").map_or_else(|_| "a person".to_owned(), |user| format!("user {user}"))
}

fn say(
    switch: &SwitchArgs,
    account: &AccountId,
    halt: Option<&Halt>,
    text: &str,
) -> Result<Exit, Stopped> {
    if switch.json {
        return crate::print_json(&Said {
            account: account.as_str(),
            halted: halt.is_some(),
            who: halt.map(|halt| halt.who.as_str()),
            why: halt.map(|halt| halt.why.as_str()),
            since: halt.map(|halt| halt.at.to_string()),
        });
    }
    crate::say(text)
}

/// Stops trading.
pub(crate) async fn halt(args: &HaltArgs) -> Result<Exit, Stopped> {
    let stopped = |stopped: Stopped| stopped.with_json(args.switch.json);
    let (desk, id) = desk(&args.switch).await.map_err(stopped)?;
    // Where nobody can be asked trading is stopped at once.
    if std::io::stdin().is_terminal() && is_live(&desk, &id).await.map_err(stopped)? {
        let question = format!("Account {id} trades real money. Stop trading in it?");
        confirmed(&question, args.switch.yes).map_err(stopped)?;
    }
    let asked = Halt::new(&who(), &args.reason, desk.clock.now());
    let halt = account::halt(&desk, &id, asked).await.map_err(|error| stopped(failed(error)))?;
    let text = format!(
        "Trading in {id} is halted since {}, by {}: {}.\n\
         A plan that runs cancels its open orders within seconds and ends as failed; a new plan is refused (HALTED).\n\
         `alchemiser resume` lets trading go on.",
        table::moment(halt.at),
        halt.who,
        halt.why
    );
    say(&args.switch, &id, Some(&halt), &text)
}

/// Lets trading go on.
pub(crate) async fn resume(args: &ResumeArgs) -> Result<Exit, Stopped> {
    let switch = &args.switch;
    let stopped = |stopped: Stopped| stopped.with_json(switch.json);
    let (desk, id) = desk(switch).await.map_err(stopped)?;
    let current =
        account::newest(&desk.store, &id).await.map_err(|error| stopped(failed(error)))?;
    let halt = current.and_then(|entry| entry.account.halt);
    if let Some(halt) = halt.filter(|_| !switch.yes)
        && is_live(&desk, &id).await.map_err(stopped)?
    {
        let question = format!(
            "Account {id} trades real money, and is halted since {}, by {}: {}. Let trading go on?",
            table::moment(halt.at),
            halt.who,
            halt.why
        );
        confirmed(&question, false).map_err(stopped)?;
    }
    let ended = account::resume(&desk, &id, (&who(), &args.reason)).await;
    let ended = ended.map_err(|error| stopped(failed(error)))?;
    let text = match ended {
        Some(halt) => format!(
            "Trading in {id} may go on. It was halted since {}, by {}: {}.\n\
             Plans that failed meanwhile are not run again by themselves.",
            table::moment(halt.at),
            halt.who,
            halt.why
        ),
        None => format!("Trading in {id} was not halted."),
    };
    say(switch, &id, None, &text)
}
