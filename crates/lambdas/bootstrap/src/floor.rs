//! What a plan is traded on.

use std::{path::Path, sync::Arc};

use alchemiser_alpaca::{Access, Alpaca, endpoint::Endpoints, keyring::Keyring, keys::KeysRefused};
use alchemiser_aws::watcher::MetricWatcher;
use alchemiser_core::{plan::Plan, reading::TradeMode};
use alchemiser_driver::{
    invoke::Failed,
    ports::{Floor, QuoteTape, Vault, Watcher},
    tape::StoreTape,
};
use alchemiser_local::{
    exchange::LocalExchange,
    state::{Exclusive, Pace, StateDir},
};
use tokio::sync::OnceCell;

use crate::{
    surroundings::{Function, Home},
    venue::{SECRET, Venue},
};

/// The account at the broker: found on the first invocation that trades, and kept.
#[derive(Debug)]
pub(crate) struct Account {
    vault: Arc<dyn Vault>,
    /// The secret's ARN.
    named: String,
    alpaca: OnceCell<Alpaca>,
}

impl Account {
    pub(crate) fn new(vault: Arc<dyn Vault>, named: String) -> Self {
        Self { vault, named, alpaca: OnceCell::new() }
    }

    fn refused(&self, code: &'static str, why: &dyn std::fmt::Display) -> Failed {
        Failed::new(code, format!("{SECRET} {}: {why}", self.named))
    }

    /// Keys that can be read, say that they are of this kind, and are known to the broker. Whose account they belong to,
    /// and whether it may trade, is looked at before each plan.
    async fn found(
        &self,
        function: &Function,
        endpoints: &Endpoints,
        mode: TradeMode,
    ) -> Result<Alpaca, Failed> {
        let keys = Keyring::of_vault(self.vault.clone()).await;
        let keys = keys.map_err(|why: KeysRefused| {
            let text = why.to_string();
            let prefix = format!("{}: ", why.code());
            self.refused(why.code(), &text.strip_prefix(&prefix).unwrap_or(&text))
        })?;
        let is_other = keys.now().are_paper().is_some_and(|is| is == (mode == TradeMode::Live));
        if is_other {
            let why = format!("expected keys of the {} environment, found others", mode.word());
            return Err(self.refused("KEYS_OTHER_ENVIRONMENT", &why));
        }
        let access = Access { endpoints: endpoints.clone(), keys, mode };
        let (policy, clock) = (&function.rules.policy, function.desk.clock.clone());
        let alpaca =
            Alpaca::new(access, policy, clock).map_err(|error| Failed::new("TLS", error))?;
        match alpaca.tell_account().await {
            Err(failed) if failed.is_unauthorized() => {
                let address = &endpoints.trading;
                let why = format!("expected keys that {address} knows, found: {failed}");
                Err(self.refused("KEYS_REFUSED", &why))
            }
            Ok(_) | Err(_) => Ok(alpaca),
        }
    }
}

impl Function {
    /// The floor to trade a plan on, and what must live as long: the exchange of the state directory, or whatever the
    /// environment names.
    ///
    /// # Errors
    /// [`Failed`] when the exchange is in use or cannot be read, or the broker's keys are none.
    pub async fn floor(&self, plan: &Plan) -> Result<(Floor, Option<Exclusive>), Failed> {
        match (&self.venue, &self.home, &self.account) {
            (Some(Venue::Alpaca(endpoints, mode)), _, Some(account)) => {
                let found =
                    account.alpaca.get_or_try_init(|| account.found(self, endpoints, *mode));
                let alpaca = Arc::new(found.await?.clone());
                let (desk, watcher, tape) = (self.desk.clone(), self.watcher(), self.tape());
                let broker = alpaca.clone();
                Ok((Floor { desk, broker, market: alpaca, watcher, tape }, None))
            }
            (Some(Venue::Simulated(directory)), _, _) => self.simulated(plan, directory),
            (None, Home::Directory(local), _) => {
                local.floor(plan).map(|(floor, exclusive)| (floor, Some(exclusive)))
            }
            (Some(Venue::Alpaca(..)) | None, _, _) => Err(Venue::missing()),
        }
    }

    fn watcher(&self) -> Arc<dyn Watcher> {
        Arc::new(MetricWatcher::new(self.metrics.clone()))
    }

    fn tape(&self) -> Arc<dyn QuoteTape> {
        Arc::new(StoreTape(self.desk.store.clone()))
    }

    fn simulated(
        &self,
        plan: &Plan,
        directory: &Path,
    ) -> Result<(Floor, Option<Exclusive>), Failed> {
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
            watcher: self.watcher(),
            tape: self.tape(),
        };
        Ok((floor, Some(exclusive)))
    }
}
