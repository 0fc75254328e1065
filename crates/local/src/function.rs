//! What a Lambda function is composed of when its state is on this machine: `ALCHEMISER_STATE=file:DIR`.

use std::{env, path::Path, sync::Arc};

use alchemiser_core::{
    ids::{AccountId, Owner},
    plan::{Age, Plan},
};
use alchemiser_driver::{
    accept::Rules,
    invoke::Failed,
    ports::{Clock, Desk, Floor, Unwatched},
    tape::StoreTape,
};
use alchemiser_wire::plan::Accounts;
use jiff::Timestamp;

use crate::{
    clock::RunningClock,
    exchange::{LocalExchange, lived_until},
    notices::FileNotifier,
    outbox::FilePublisher,
    settings::{CONFIG_REFUSED, ConfigRefused, Flag, Settings},
    state::{Exclusive, Pace, StateDir},
    store::FileStore,
};

/// The account of the simulated exchange when none is configured.
pub const SIMULATED_ACCOUNT: &str = "SIM000000001";

/// A function's surroundings.
#[derive(Debug)]
pub struct LocalFunction {
    /// Messages to people.
    pub notifier: FileNotifier,
    state: StateDir,
    /// Store, bus, time, owner.
    pub desk: Desk,
    /// What plans are judged by.
    pub rules: Rules,
}

impl LocalFunction {
    /// Reads `ALCHEMISER_STATE` (required, `file:DIR`).
    ///
    /// # Errors
    /// [`Failed`] naming the variable, what was expected and what was found.
    pub fn from_env(rules: Rules) -> Result<Self, Failed> {
        let place = env::var("ALCHEMISER_STATE").unwrap_or_default();
        let Some(directory) = place.strip_prefix("file:") else {
            return Err(failed(&format!("ALCHEMISER_STATE: expected file:DIR, found {place:?}")));
        };
        let state = StateDir::open(Path::new(directory)).map_err(|error| failed(&error))?;
        let owner =
            Owner::new(&uuid::Uuid::new_v4().to_string()).map_err(|error| failed(&error))?;
        let store = FileStore::new(&state, &owner).map_err(|error| failed(&error))?;
        let lived = lived_until(&state).map_err(|error| failed(&error))?;
        let base = lived.map_or(Timestamp::now(), |lived| lived.max(Timestamp::now()));
        let desk = Desk {
            store: Arc::new(store),
            publisher: Arc::new(FilePublisher::new(&state, "000000000000")),
            clock: Arc::new(RunningClock::starting_at(base)),
            owner,
        };
        Ok(Self { notifier: FileNotifier::new(&state), state, desk, rules })
    }

    /// The floor to trade a plan on: the simulated exchange of the state directory, for as long as the floor lives.
    ///
    /// # Errors
    /// [`Failed`] when the exchange is in use or its journal cannot be read.
    pub fn floor(&self, plan: &Plan) -> Result<(Floor, Exclusive), Failed> {
        let now = self.desk.clock.now();
        let exclusive = self
            .state
            .exclusive(self.desk.owner.as_str(), Pace::Real, now)
            .map_err(|e| Failed::new("STATE_IN_USE", e))?;
        let clock: Arc<dyn Clock> = self.desk.clock.clone();
        let exchange = LocalExchange::open(&self.state, plan, 1, clock)
            .map_err(|error| Failed::new("EXCHANGE", error))?;
        let exchange = Arc::new(exchange);
        let floor = Floor {
            desk: exchange.guarding(&self.desk),
            broker: exchange.clone(),
            market: exchange,
            watcher: Arc::new(Unwatched),
            tape: Arc::new(StoreTape(self.desk.store.clone())),
        };
        Ok((floor, exclusive))
    }
}

fn failed(error: &dyn std::fmt::Display) -> Failed {
    Failed::new("CONFIGURATION", error)
}

/// What plans are judged by: `ALCHEMISER_ACCOUNT` (or the given default), `ALCHEMISER_AGE` (`stated`, the default, or
/// `restated`), and the policy's [`Settings`] (`ALCHEMISER_CONFIG`, `ALCHEMISER__…`, `ALCHEMISER_SETTINGS`, which holds
/// `key=value;key=value`, and the function's own, which win).
///
/// # Errors
/// [`Failed`] naming the variable, what was expected and what was found.
pub fn rules(default: Option<&str>, own: Vec<Flag>) -> Result<Rules, Failed> {
    let settings = settings(own).map_err(|error| Failed::new(CONFIG_REFUSED, error))?;
    let named = env::var("ALCHEMISER_ACCOUNT").ok().or_else(|| default.map(str::to_owned));
    let missing = "ALCHEMISER_ACCOUNT: expected the broker's account number, found nothing";
    let account = AccountId::new(&named.ok_or_else(|| failed(&missing))?)
        .map_err(|error| failed(&format!("ALCHEMISER_ACCOUNT: {error}")))?;
    let age = match env::var("ALCHEMISER_AGE").as_deref() {
        Err(_) | Ok("stated") => Age::AsStated,
        Ok("restated") => Age::Restated,
        Ok(other) => {
            return Err(failed(&format!(
                "ALCHEMISER_AGE: expected stated or restated, found {other:?}"
            )));
        }
    };
    Ok(Rules { accounts: Accounts { default: account }, policy: settings.policy, age })
}

fn settings(own: Vec<Flag>) -> Result<Settings, ConfigRefused> {
    let given = env::var("ALCHEMISER_SETTINGS").unwrap_or_default();
    let parts = given.split(';').map(str::trim).filter(|part| !part.is_empty());
    let flags = parts.map(|part| Flag::assignment("ALCHEMISER_SETTINGS", part));
    let mut flags = flags.collect::<Result<Vec<_>, _>>()?;
    flags.extend(own);
    Settings::load(None, &flags)
}
