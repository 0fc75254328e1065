//! What a plan is traded on: whose broker, whose quotes.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use alchemiser_aws::{variable, watcher::MetricWatcher};
use alchemiser_core::plan::Plan;
use alchemiser_driver::{invoke::Failed, ports::Floor};
use alchemiser_local::{
    exchange::LocalExchange,
    state::{Exclusive, Pace, StateDir},
};

use crate::surroundings::{Function, Home};

/// Whose broker: `simulated:DIR`, whose journal is in a directory of this machine.
const BROKER: &str = "ALCHEMISER_BROKER";

/// What was expected of it.
const EXPECTED: &str = "simulated:DIR";

/// Whose broker it is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Broker {
    /// The simulated exchange, whose journal is in this directory.
    Simulated(PathBuf),
}

/// Reads the broker's variables.
///
/// # Errors
/// [`Failed`] naming the variable that is missing or wrong.
pub(crate) fn known() -> Result<(), Failed> {
    broker().map(|_| ())
}

fn broker() -> Result<Broker, Failed> {
    let broker = variable::required(BROKER, EXPECTED)?;
    match broker.strip_prefix("simulated:").filter(|directory| !directory.is_empty()) {
        Some(directory) => Ok(Broker::Simulated(directory.into())),
        None => Err(variable::refused(BROKER, EXPECTED, &format!("{broker:?}"))),
    }
}

impl Function {
    /// The floor to trade a plan on, and what must live as long: the simulated exchange of the state directory, or the
    /// broker that the environment names.
    ///
    /// # Errors
    /// [`Failed`] when the exchange is in use or cannot be read, or the environment names no broker.
    pub fn floor(&self, plan: &Plan) -> Result<(Floor, Exclusive), Failed> {
        match &self.home {
            Home::Directory(local) => local.floor(plan),
            Home::Bucket(_) => match broker()? {
                Broker::Simulated(directory) => self.simulated(plan, &directory),
            },
        }
    }

    fn simulated(&self, plan: &Plan, directory: &Path) -> Result<(Floor, Exclusive), Failed> {
        let exchange = |error: &dyn std::fmt::Display| Failed::new("EXCHANGE", error);
        let state = StateDir::open(directory).map_err(|error| exchange(&error))?;
        let now = self.desk.clock.now();
        let exclusive = state
            .exclusive(self.desk.owner.as_str(), Pace::Real, now)
            .map_err(|error| exchange(&error))?;
        let venue = LocalExchange::open(&state, plan, 1, self.desk.clock.clone())
            .map_err(|error| exchange(&error))?;
        let venue = Arc::new(venue);
        let floor = Floor {
            desk: venue.guarding(&self.desk),
            broker: venue.clone(),
            market: venue,
            watcher: Arc::new(MetricWatcher::new(self.metrics.clone())),
        };
        Ok((floor, exclusive))
    }
}
