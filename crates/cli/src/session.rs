//! One process that is everything: the bus, the functions, the store, the exchange.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use alchemiser_alpaca::{Alpaca, Listening, Pace};
use alchemiser_core::{
    ids::{AccountId, Owner, PlanId, Symbol},
    observed::{Input, Observed},
    plan::{Age, Plan},
    policy::Policy,
    quantity::Quantity,
    throttle::Tokens,
};
use alchemiser_driver::{
    accept::{Accepted, Rules},
    execute::Executed,
    invoke::Failed,
    ports::{Broker, Clock, Desk, Floor, MarketData},
    settle::Settled,
    tape::StoreTape,
};
use alchemiser_host::{Bus, Delivery, Routes, SharedBus};
use alchemiser_local::{
    clock::{RunningClock, VirtualClock},
    exchange::{LocalExchange, lived_until},
    function::SIMULATED_ACCOUNT,
    notices::FileNotifier,
    state::StateDir,
    store::FileStore,
};
use alchemiser_wire::{incoming, plan::Accounts, request::Request};
use jiff::Timestamp;
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::{
    args::{RunOptions, Speed},
    exit::{Exit, Stopped},
    progress::{self, Progress},
    rehearsal::{Answered, Rehearsal},
};

/// The twelve digits that stand for the AWS account in local envelopes.
pub(crate) const AWS_ACCOUNT: &str = "000000000000";

/// What is still not over after so many sweeps is left to the next process.
const SWEEPS_MAX: u32 = 3;

/// Everything composed.
pub(crate) struct Session {
    pub(crate) bus: SharedBus,
    pub(crate) desk: Desk,
    pub(crate) rules: Rules,
    notifier: FileNotifier,
    venue: Venue,
    progress: Arc<Progress>,
    rehearsal: Option<Arc<Mutex<Answered>>>,
    only: Option<PlanId>,
}

/// Where plans are traded.
enum Venue {
    /// On the exchange of the state directory.
    Simulated { state: StateDir, seed: u64 },
    /// At a broker.
    Outside(Alpaca),
}

/// An account at a broker, and time there.
pub(crate) struct Outside {
    pub(crate) alpaca: Alpaca,
    pub(crate) account: AccountId,
    pub(crate) clock: Arc<RunningClock>,
}

/// Shares that are held, and the mids of now.
#[derive(Default)]
pub(crate) struct Look {
    pub(crate) held: BTreeMap<Symbol, Quantity>,
    pub(crate) mids: BTreeMap<Symbol, Decimal>,
}

/// What became of the deliveries.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    pub(crate) accepted: Vec<Accepted>,
    pub(crate) executed: Vec<Executed>,
    pub(crate) settled: Vec<Settled>,
}

fn stopped(code: &str, error: impl std::fmt::Display) -> Stopped {
    Stopped::new(Exit::Failed, code, error)
}

/// The failure of a delivery that was tried as often as it may be, under its own code.
fn failed_for_good(error: &str) -> Stopped {
    let (code, message) = error.split_once(": ").unwrap_or(("DEAD_LETTER", error));
    stopped(code, message)
}

impl Session {
    /// Composes a session. Virtual time goes on from where the exchange was left; a plan whose age is restated begins
    /// at the plan's own time, so that the same seed gives the same run.
    pub(crate) fn open(
        args: &RunOptions,
        policy: Policy,
        state: &StateDir,
        made_at: Option<Timestamp>,
        progress: Arc<Progress>,
    ) -> Result<Self, Stopped> {
        let lived = lived_until(state).map_err(|error| stopped("EXCHANGE", error))?;
        let from = made_at
            .filter(|_| args.now && args.speed == Speed::Fast)
            .unwrap_or_else(Timestamp::now);
        let base = lived.map_or(from, |lived| lived.max(from));
        let clock: Arc<dyn Clock> = match args.speed {
            Speed::Fast => Arc::new(VirtualClock::starting_at(base)),
            Speed::Realtime => Arc::new(RunningClock::starting_at(base)),
        };
        let owner = owner(args, state, base)?;
        let account =
            AccountId::new(SIMULATED_ACCOUNT).map_err(|error| stopped("ACCOUNT", error))?;
        let venue = Venue::Simulated { state: state.clone(), seed: args.seed };
        let rules = Rules { accounts: Accounts { default: account }, policy, age: age(args) };
        Self::composed((owner, clock), state, rules, venue, progress)
    }

    /// Composes a session that trades at a broker, in the time of this machine.
    pub(crate) fn outside(
        args: &RunOptions,
        policy: Policy,
        state: &StateDir,
        outside: Outside,
        progress: Arc<Progress>,
    ) -> Result<Self, Stopped> {
        let Outside { alpaca, account, clock } = outside;
        let owner = Owner::new(&Uuid::new_v4().to_string());
        let owner = owner.map_err(|error| stopped("OWNER", error))?;
        let rules = Rules { accounts: Accounts { default: account }, policy, age: age(args) };
        Self::composed((owner, clock), state, rules, Venue::Outside(alpaca), progress)
    }

    fn composed(
        (owner, clock): (Owner, Arc<dyn Clock>),
        state: &StateDir,
        rules: Rules,
        venue: Venue,
        progress: Arc<Progress>,
    ) -> Result<Self, Stopped> {
        let store = FileStore::new(state, &owner).map_err(|error| stopped("STORE", error))?;
        let routes = Routes::deployed().map_err(|error| stopped("TEMPLATE", error))?;
        let bus = SharedBus::new(Bus::new(routes, AWS_ACCOUNT, "local"));
        Ok(Self {
            desk: Desk { store: Arc::new(store), publisher: Arc::new(bus.clone()), clock, owner },
            rules,
            bus,
            notifier: FileNotifier::new(state),
            venue,
            progress,
            rehearsal: None,
            only: None,
        })
    }

    /// The same session, but that every order is answered here and none is sent.
    pub(crate) fn rehearsing(self, answered: Arc<Mutex<Answered>>) -> Self {
        Self { rehearsal: Some(answered), ..self }
    }

    /// The same session, but that no other plan is traded: whoever asks for one asks again.
    pub(crate) fn only(self, plan: PlanId) -> Self {
        Self { only: Some(plan), ..self }
    }

    /// A request for another plan than the only one.
    fn is_left(&self, payload: &[u8]) -> bool {
        let asked = || Request::read(&incoming::envelope(payload).ok()?).ok();
        let other = |only: &PlanId| asked().is_some_and(|request| request.plan_id != *only);
        self.only.as_ref().is_some_and(other)
    }

    /// Listens to the quotes of these symbols, where there is a broker to listen to.
    pub(crate) fn listen(&self, symbols: &[Symbol]) -> Option<Listening> {
        match &self.venue {
            Venue::Simulated { .. } => None,
            Venue::Outside(alpaca) => alpaca.listen(symbols, Pace::default()),
        }
    }

    /// What the account holds, and how these symbols are quoted now. A quote that no order would be decided on is none.
    pub(crate) async fn look(&self, plan: &Plan, symbols: &[Symbol]) -> Result<Look, Stopped> {
        let Floor { broker, market, .. } =
            self.floor(plan).map_err(|error| stopped("BROKER", error))?;
        let unread = |error| {
            Stopped::new(
                Exit::Refused,
                "NO_QUOTE",
                format!("expected fresh quotes of what is left, found: {error}; nothing was sent"),
            )
        };
        let positions = broker.positions().await.map_err(unread)?;
        let snapshots = market.snapshots(symbols).await.map_err(unread)?;
        let (now, policy) = (self.desk.clock.now(), &self.rules.policy);
        let mut observed = Observed::new(Tokens::full(now, policy), policy.clone());
        observed.take(&Input::Snapshots(snapshots));
        let mut mids = BTreeMap::new();
        for symbol in symbols {
            let quote = observed.quote(symbol, now, policy).map_err(|fault| {
                let message = format!(
                    "expected a fresh quote of {symbol}, found {}; nothing was sent: try again while the market is open",
                    fault.code()
                );
                Stopped::new(Exit::Refused, "NO_QUOTE", message)
            })?;
            mids.insert(symbol.clone(), quote.mid());
        }
        let held = positions.into_iter().map(|one| (one.symbol, one.quantity)).collect();
        Ok(Look { held, mids })
    }

    /// Deals with deliveries until none is left.
    pub(crate) async fn drive(&self) -> Result<Trail, Stopped> {
        let mut trail = Trail::default();
        while let Some(delivery) = self.bus.take() {
            if let Err(failed) = self.deliver(&delivery, &mut trail).await {
                self.bus.failed(delivery, &failed.to_string());
            }
        }
        match self.bus.dead_letters().first() {
            Some(error) => Err(failed_for_good(error)),
            None => Ok(trail),
        }
    }

    /// [`Session::drive`], and whatever the sweeper finds that nobody works on: plans that an earlier process left.
    pub(crate) async fn drive_and_sweep(&self) -> Result<Trail, Stopped> {
        let mut trail = self.drive().await?;
        for _ in 0..SWEEPS_MAX {
            let summary = alchemiser_sweeper::handle(&self.desk, &self.rules.policy)
                .await
                .map_err(|failed| stopped("SWEEP", failed))?;
            if summary.asked == 0 {
                break;
            }
            let more = self.drive().await?;
            trail.accepted.extend(more.accepted);
            trail.executed.extend(more.executed);
            trail.settled.extend(more.settled);
        }
        Ok(trail)
    }

    /// Deals with one delivery.
    async fn deliver(&self, delivery: &Delivery, trail: &mut Trail) -> Result<(), Failed> {
        let payload = delivery.payload();
        let payload = payload.as_bytes();
        let failed = match delivery.function.as_str() {
            "RebalancePlannedFunction" => {
                let handled =
                    alchemiser_rebalance_planned::handle(payload, &self.desk, &self.rules).await?;
                trail.accepted.extend(handled.accepted);
                handled.failed
            }
            "TradeExecutionFunction" if self.is_left(payload) => Vec::new(),
            "TradeExecutionFunction" => {
                let floor = async |plan: &Plan| self.floor(plan).map(|floor| (floor, ()));
                let policy = &self.rules.policy;
                let handled =
                    alchemiser_trade_execution::handle(payload, &self.desk, policy, None, floor)
                        .await?;
                trail.executed.extend(handled.executed);
                handled.failed
            }
            "WorkflowOutcomeFunction" => {
                let account = &self.rules.accounts.default;
                let (store, policy) = (&self.desk.store, &self.rules.policy);
                let handled = alchemiser_workflow_outcome::handle(
                    payload,
                    store,
                    &self.notifier,
                    account,
                    policy,
                )
                .await?;
                trail.settled.extend(handled.settled);
                handled.failed
            }
            other => {
                return Err(Failed::new(
                    "UNKNOWN_FUNCTION",
                    format!("no handler is linked for {other}"),
                ));
            }
        };
        failed.into_iter().next().map_or(Ok(()), Err)
    }

    fn floor(&self, plan: &Plan) -> Result<Floor, Failed> {
        let watcher = self.progress.clone();
        let (desk, broker, market): (Desk, Arc<dyn Broker>, Arc<dyn MarketData>) = match &self.venue
        {
            Venue::Simulated { state, seed } => {
                let exchange = LocalExchange::open(state, plan, *seed, self.desk.clock.clone())
                    .map_err(|error| Failed::new("EXCHANGE", error))?;
                let exchange = Arc::new(exchange);
                (exchange.guarding(&self.desk), exchange.clone(), exchange)
            }
            Venue::Outside(alpaca) => {
                let alpaca = Arc::new(alpaca.clone());
                (self.desk.clone(), alpaca.clone(), alpaca)
            }
        };
        let broker = match &self.rehearsal {
            None => broker,
            Some(answered) => {
                let (clock, policy) = (self.desk.clock.clone(), self.rules.policy.kind);
                let asked = (broker, market.clone());
                Arc::new(Rehearsal::new(asked, clock, policy, answered.clone()))
            }
        };
        let market = progress::watched(market, &self.progress);
        let tape = Arc::new(StoreTape(self.desk.store.clone()));
        Ok(Floor { desk, broker, market, watcher, tape })
    }
}

fn age(args: &RunOptions) -> Age {
    if args.now { Age::Restated } else { Age::AsStated }
}

/// In virtual time the owner's name follows from the seed and the directory, so that the same run has the same bytes.
fn owner(args: &RunOptions, state: &StateDir, base: Timestamp) -> Result<Owner, Stopped> {
    let before = std::fs::read_dir(state.root().join("owners")).map_or(0, Iterator::count);
    let id = match args.speed {
        Speed::Fast => {
            Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{}|{base}|{before}", args.seed).as_bytes())
        }
        Speed::Realtime => Uuid::new_v4(),
    };
    Owner::new(&id.to_string()).map_err(|error| stopped("OWNER", error))
}
