//! One process: an owner, its store, the functions behind the bus. Composed as `crates/cli/src/session.rs` does it.

use std::{
    future::poll_fn,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
};

use alchemiser_core::{ids::Owner, plan::Plan};
use alchemiser_driver::{
    accept::Accepted,
    execute::Executed,
    invoke::Failed,
    ports::{Desk, Floor, Untaped, Unwatched},
    settle::Settled,
};
use alchemiser_host::{Delivery, SharedBus};
use alchemiser_local::{notices::FileNotifier, store::FileStore};
use jiff::Timestamp;

use crate::{
    broker::FaultyBroker,
    market::FaultyMarket,
    publisher::FaultyPublisher,
    pulse::{Op, Pulse, Script},
    store::FaultyStore,
    world::{World, block_on},
};

/// How a drive ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drove {
    /// Nothing is left to deliver.
    Idle,
    /// The process died.
    Crashed,
}

/// How deliveries come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivering {
    /// Each once, oldest first.
    #[default]
    Once,
    /// Each twice, oldest first.
    Twice,
    /// Each twice, newest first.
    TwiceReversed,
}

/// What became of the deliveries.
#[derive(Clone, Debug, Default)]
pub struct Trail {
    /// Plans.
    pub accepted: Vec<Accepted>,
    /// Requests.
    pub executed: Vec<Executed>,
    /// Terminal events.
    pub settled: Vec<Settled>,
    /// Failures, in words.
    pub failed: Vec<String>,
}

/// The process.
#[derive(Debug)]
pub struct Session<'w> {
    world: &'w World,
    /// What goes wrong in it.
    pub pulse: Arc<Pulse>,
    /// Its store, bus, time and name.
    pub desk: Desk,
    /// The bus it takes deliveries from.
    pub bus: SharedBus,
    /// How deliveries come.
    pub delivering: Delivering,
    /// When invocations of the trade function hand over.
    pub stop_after: Option<jiff::SignedDuration>,
    trail: Mutex<Trail>,
    at_work: Mutex<Option<Delivery>>,
    /// Taken from the bus to be delivered newest first.
    waiting: Mutex<Vec<Delivery>>,
}

impl<'w> Session<'w> {
    pub(crate) fn open(world: &'w World, bus: SharedBus, script: Script) -> Self {
        let pulse = Arc::new(Pulse::of(script));
        let owner = Owner::new(&world.next_owner()).unwrap();
        let store = Arc::new(FileStore::new(&world.state, &owner).unwrap());
        let publisher = FaultyPublisher {
            inner: Arc::new(bus.clone()),
            pulse: pulse.clone(),
            taken: world.taken.clone(),
        };
        let desk = Desk {
            store: Arc::new(FaultyStore {
                inner: store,
                pulse: pulse.clone(),
                deaths_are_known: world.deaths_are_known,
            }),
            publisher: Arc::new(publisher),
            clock: world.clock.clone(),
            owner,
        };
        Self {
            world,
            pulse,
            desk,
            bus,
            delivering: Delivering::Once,
            stop_after: None,
            trail: Mutex::default(),
            at_work: Mutex::new(None),
            waiting: Mutex::default(),
        }
    }

    /// Port calls so far.
    pub fn calls(&self) -> u64 {
        self.pulse.calls()
    }

    /// Calls to broker and market so far.
    pub fn broker_calls(&self) -> u64 {
        Op::BROKER.iter().map(|op| self.pulse.calls_of(*op)).sum()
    }

    /// What became of the deliveries so far.
    pub fn trail(&self) -> Trail {
        self.trail.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, note: impl FnOnce(&mut Trail)) {
        note(&mut self.trail.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Deals with deliveries until none is left or the process dies; what it was at when it died comes again.
    pub fn drive(&self) -> Drove {
        block_on(self.driven())
    }

    /// [`Session::drive`], to be run beside another one.
    pub async fn driven(&self) -> Drove {
        let mut working = pin!(self.work());
        let drove = poll_fn(|context| match working.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Drove::Idle),
            Poll::Pending if self.pulse.has_crashed() => Poll::Ready(Drove::Crashed),
            Poll::Pending => Poll::Pending,
        })
        .await;
        let lost = self.at_work.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(delivery) = lost.filter(|_| drove == Drove::Crashed) {
            self.bus.failed(delivery, "the process died");
        }
        drove
    }

    fn next(&self) -> Option<Delivery> {
        if self.delivering != Delivering::TwiceReversed {
            return self.bus.take();
        }
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.extend(std::iter::from_fn(|| self.bus.take()));
        waiting.pop()
    }

    async fn work(&self) {
        let times = if self.delivering == Delivering::Once { 1 } else { 2 };
        while let Some(delivery) = self.next() {
            for _ in 0..times {
                *self.at_work.lock().unwrap_or_else(PoisonError::into_inner) =
                    Some(delivery.clone());
                let outcome = self.deliver(&delivery).await;
                self.at_work.lock().unwrap_or_else(PoisonError::into_inner).take();
                if let Err(failed) = outcome {
                    self.note(|trail| trail.failed.push(failed.to_string()));
                    self.bus.failed(delivery.clone(), &failed.to_string());
                }
            }
        }
    }

    async fn deliver(&self, delivery: &Delivery) -> Result<(), Failed> {
        let payload = delivery.payload();
        let payload = payload.as_bytes();
        let rules = &self.world.rules;
        let response = match delivery.function.as_str() {
            "RebalancePlannedFunction" => {
                let handled =
                    alchemiser_rebalance_planned::handle(payload, &self.desk, rules).await?;
                self.note(|trail| trail.accepted.extend(handled.accepted));
                handled.response
            }
            "TradeExecutionFunction" => {
                let floor = async |plan: &Plan| Ok((self.floor(plan), ()));
                let (policy, stop_at) = (&rules.policy, self.stop_at());
                let handled =
                    alchemiser_trade_execution::handle(payload, &self.desk, policy, stop_at, floor)
                        .await?;
                self.note(|trail| trail.executed.extend(handled.executed));
                handled.response
            }
            "WorkflowOutcomeFunction" => {
                let (store, account) = (&self.desk.store, &rules.accounts.default);
                let (notifier, policy) = (FileNotifier::new(&self.world.state), &rules.policy);
                let handled =
                    alchemiser_workflow_outcome::handle(payload, store, &notifier, account, policy)
                        .await?;
                self.note(|trail| trail.settled.extend(handled.settled));
                handled.response
            }
            other => panic!("no handler is linked for {other}"),
        };
        match response.batch_item_failures.first() {
            Some(failure) => {
                Err(Failed::new("MESSAGE", format!("message {} failed", failure.item_identifier)))
            }
            None => Ok(()),
        }
    }

    fn stop_at(&self) -> Option<Timestamp> {
        self.stop_after.map(|after| self.desk.clock.now() + after)
    }

    fn floor(&self, plan: &Plan) -> Floor {
        let (broker, market) = self.world.venue(plan);
        let pulse = &self.pulse;
        Floor {
            desk: self.desk.clone(),
            broker: Arc::new(FaultyBroker {
                inner: broker,
                pulse: pulse.clone(),
                past: Mutex::default(),
                in_flight: self.world.in_flight.clone(),
            }),
            market: Arc::new(FaultyMarket {
                inner: market,
                pulse: pulse.clone(),
                first: Mutex::default(),
            }),
            watcher: Arc::new(Unwatched),
            tape: Arc::new(Untaped),
        }
    }
}
