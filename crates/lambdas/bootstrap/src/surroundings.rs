//! Where a function's state is, and what else it is given.

use std::sync::{Arc, Mutex, PoisonError};

use alchemiser_aws::{
    amazon::Amazon,
    checks,
    metrics::{Measured, Metric, Metrics},
    notifier::TopicNotifier,
    place::{NotAPlace, Place},
    publisher::BusPublisher,
    secret::StoredSecret,
    store::{Requests, S3Store},
    variable::{self, CONFIGURATION},
};
use alchemiser_core::{fact::Announced, ids::Owner};
use alchemiser_driver::{
    accept::{self, Rules},
    invoke::Failed,
    ports::{Desk, EventPublisher, Notice, Notifier, PublishError},
};
use alchemiser_local::{
    clock::SystemClock,
    function::{LocalFunction, SIMULATED_ACCOUNT, rules},
};
use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::OnceCell;

use crate::{
    floor::Account,
    venue::{SECRET, STAGE, Venue},
};

/// Where state is: `s3://BUCKET/PREFIX` or `file:DIR`.
pub const STATE: &str = "ALCHEMISER_STATE";

/// The bus. With state in a directory, events are files of it unless a bus is named.
pub const BUS: &str = "ALCHEMISER_BUS";

/// Which function this is: each needs, and may do, less than all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Claims plans; publishes requests.
    RebalancePlanned,
    /// Trades; publishes events; has the broker's keys.
    TradeExecution,
    /// Writes ledgers; tells people; publishes nothing.
    WorkflowOutcome,
    /// Looks after plans; publishes requests.
    Sweeper,
}

/// A function's surroundings.
#[derive(Debug)]
pub struct Function {
    /// Store, bus, time, owner.
    pub desk: Desk,
    /// What plans are judged by.
    pub rules: Rules,
    /// Messages to people.
    pub notifier: Arc<dyn Notifier>,
    /// What is measured.
    pub metrics: Metrics,
    pub(crate) home: Home,
    /// Where plans are traded; none says that the state directory has an exchange.
    pub(crate) venue: Option<Venue>,
    /// The account there, for the function that trades.
    pub(crate) account: Option<Account>,
    trusted: OnceCell<()>,
    said: Mutex<Requests>,
}

/// Where state is.
#[derive(Debug)]
pub(crate) enum Home {
    /// In a directory of this machine.
    Directory(Box<LocalFunction>),
    /// In a bucket.
    Bucket(Arc<S3Store>),
}

impl Function {
    /// Reads the environment; asks nothing of AWS.
    ///
    /// # Errors
    /// [`Failed`] naming the variable, what was expected and what was found.
    pub async fn from_env(role: Role) -> Result<Self, Failed> {
        let metrics = Metrics::new(&variable::optional(STAGE).unwrap_or("local".to_owned()));
        let state = variable::required(STATE, "s3://BUCKET/PREFIX or file:DIR")?;
        let venue = Venue::from_env()?;
        if state.starts_with("file:") {
            return Self::in_directory(role, venue, metrics).await;
        }
        let place: Place = state.parse().map_err(|refused: NotAPlace| {
            Failed::new(CONFIGURATION, format!("{STATE}: {refused}"))
        })?;
        if venue.is_none() && role == Role::TradeExecution {
            return Err(Venue::missing());
        }
        Self::in_bucket(role, place, venue, metrics).await
    }

    async fn in_directory(
        role: Role,
        venue: Option<Venue>,
        metrics: Metrics,
    ) -> Result<Self, Failed> {
        let is_outside = matches!(venue, Some(Venue::Alpaca(..)));
        let default = (!is_outside).then_some(SIMULATED_ACCOUNT);
        let own = venue.as_ref().map(Venue::settings).unwrap_or_default();
        let mut local = LocalFunction::from_env(rules(default, own)?)?;
        if variable::optional(BUS).is_some() {
            local.desk.publisher = publisher(role, &Amazon::from_env().await?)?;
        }
        let account = if role == Role::TradeExecution && is_outside {
            Some(account(&Amazon::from_env().await?)?)
        } else {
            None
        };
        Ok(Self {
            desk: local.desk.clone(),
            rules: local.rules.clone(),
            notifier: Arc::new(local.notifier.clone()),
            metrics,
            home: Home::Directory(Box::new(local)),
            venue,
            account,
            trusted: OnceCell::new(),
            said: Mutex::default(),
        })
    }

    async fn in_bucket(
        role: Role,
        place: Place,
        venue: Option<Venue>,
        metrics: Metrics,
    ) -> Result<Self, Failed> {
        let rules = rules(None, venue.as_ref().map(Venue::settings).unwrap_or_default())?;
        let amazon = Amazon::from_env().await?;
        let store = Arc::new(S3Store::new(amazon.s3(), place));
        let owner = Owner::new(&uuid::Uuid::new_v4().to_string())
            .map_err(|error| Failed::new("OWNER", error))?;
        let account = match (&venue, role) {
            (Some(Venue::Alpaca(..)), Role::TradeExecution) => Some(account(&amazon)?),
            _ => None,
        };
        let desk = Desk {
            store: store.clone(),
            publisher: publisher(role, &amazon)?,
            clock: Arc::new(SystemClock),
            owner,
        };
        Ok(Self {
            desk,
            rules,
            notifier: notifier(role, &amazon)?,
            metrics,
            home: Home::Bucket(store),
            venue,
            account,
            trusted: OnceCell::new(),
            said: Mutex::default(),
        })
    }

    /// Looks at the store before it is used for the first time.
    ///
    /// # Errors
    /// [`Failed`] for a store that cannot keep a log; the next invocation looks again.
    pub(crate) async fn trust(&self) -> Result<(), Failed> {
        let look = || async {
            match &self.home {
                Home::Bucket(store) => checks::trusted(store).await,
                Home::Directory(_) => accept::probe(self.desk.store.as_ref())
                    .await
                    .map_err(|error| Failed::new(checks::STORE_REFUSED, error)),
            }
        };
        self.trusted.get_or_try_init(look).await.copied()
    }

    /// Writes what this invocation asked of S3.
    pub(crate) fn say_requests(&self) {
        let Home::Bucket(store) = &self.home else { return };
        let now = store.requests();
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let since = |now: u64, before: u64| {
            usize::try_from(now.saturating_sub(before)).unwrap_or(usize::MAX)
        };
        let measured = Measured::none()
            .with(Metric::StoreWrites, since(now.writes, said.writes))
            .with(Metric::StoreReads, since(now.reads, said.reads));
        *said = now;
        drop(said);
        self.metrics.emit(&measured, self.desk.clock.now());
    }
}

/// The account that the secret has the keys of.
fn account(amazon: &Amazon) -> Result<Account, Failed> {
    let arn = variable::required(SECRET, "the ARN of the secret with the broker's keys")?;
    Ok(Account::new(Arc::new(StoredSecret::new(amazon.secrets(), arn.clone())), arn))
}

fn publisher(role: Role, amazon: &Amazon) -> Result<Arc<dyn EventPublisher>, Failed> {
    match role {
        Role::RebalancePlanned | Role::TradeExecution | Role::Sweeper => {
            let bus = variable::required(BUS, "the bus's name")?;
            Ok(Arc::new(BusPublisher::new(amazon.events(), bus)))
        }
        Role::WorkflowOutcome => Ok(Arc::new(Silent)),
    }
}

fn notifier(role: Role, amazon: &Amazon) -> Result<Arc<dyn Notifier>, Failed> {
    match role {
        Role::WorkflowOutcome => {
            let topic = variable::required("ALCHEMISER_TOPIC", "the topic's ARN")?;
            Ok(Arc::new(TopicNotifier::new(amazon.topics(), topic)))
        }
        Role::RebalancePlanned | Role::TradeExecution | Role::Sweeper => Ok(Arc::new(Silent)),
    }
}

/// For a function that publishes nothing, or tells people nothing.
#[derive(Clone, Copy, Debug)]
struct Silent;

#[async_trait]
impl EventPublisher for Silent {
    async fn publish(&self, event: &Announced, _: Timestamp) -> Result<(), PublishError> {
        Err(PublishError(format!("this function publishes nothing, found {}", event.detail_type)))
    }
}

#[async_trait]
impl Notifier for Silent {
    async fn notify(&self, notice: &Notice) -> Result<(), PublishError> {
        Err(PublishError(format!("this function tells people nothing, found {:?}", notice.subject)))
    }
}
