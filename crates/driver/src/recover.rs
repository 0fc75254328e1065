//! A plan's log is lost, or lacks its last entries: it goes on from what the broker says.
//!
//! Nobody does this by itself. A log that lacks an order of the broker is not gone on with ([`LogError::Incomplete`]);
//! a person who has looked at it asks for the recovery. It appends one entry, as every owner does: the lease, what was
//! lost, each order as the broker has it, and the hand-over. Nothing that is there is touched, and whoever is asked next
//! goes on as after any other hand-over.

use std::sync::Arc;

use alchemiser_core::{
    execution::Execution,
    fact::{Fact, FactKind},
    ids::{AccountId, ClientOrderId, Owner, PlanId},
    plan::{Plan, PlanRefused},
    policy::Policy,
    recovery::{self, Lost, Recovery},
};
use alchemiser_wire::{ledger, request::Why};
use jiff::{SignedDuration, Timestamp};
use thiserror::Error;

use crate::{
    accept::mark,
    account::{self, AccountError},
    execute::{ExecuteError, Executed, ask, held},
    log::{Author, ExecutionLog, LogError},
    ports::{Floor, PublishError, ReadError, StoreError},
};

/// Orders are listed from this long before the plan's own time.
pub(crate) const ORDERS_BEFORE_PLAN: SignedDuration = SignedDuration::from_hours(1);

/// The plan whose log is to be recovered.
#[derive(Clone, Copy, Debug)]
pub struct Sought<'a> {
    /// Its account.
    pub account: &'a AccountId,
    /// Its id.
    pub plan_id: &'a PlanId,
    /// The plan as its event says it; without it the log's claim must be left.
    pub event: Option<&'a Plan>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recovered {
    /// The log knows every order of the plan that the broker has: nothing was written.
    Complete,
    /// The log goes on: so much was lost.
    Rebuilt(Recovery),
}

/// A log that could not be recovered. Nothing was written.
#[derive(Debug, Error)]
pub enum RecoverError {
    /// Nothing of the log is left, and nobody says what the plan was.
    #[error(
        "nothing is left of the log of plan {plan_id} in account {account}: expected its RebalancePlanned event"
    )]
    NoPlan {
        /// The account.
        account: AccountId,
        /// The plan.
        plan_id: PlanId,
    },
    /// The event is of another plan than the log.
    #[error("the log's plan is another one than the event's: {0}")]
    Differs(PlanRefused),
    /// Somebody works on the plan.
    #[error("plan {plan_id} is being executed by {owner}, whose lease runs until {until}")]
    Held {
        /// The plan.
        plan_id: PlanId,
        /// Who.
        owner: Owner,
        /// Until when.
        until: Timestamp,
    },
    /// The broker has an order of a derived id that is not what the id says.
    #[error(
        "the broker's order {0} has another symbol or side than the plan's: look at the broker's books"
    )]
    OrderDiffers(ClientOrderId),
    /// The broker has a market order of the plan without a price yet.
    #[error("the broker does not say a price of order {0} yet: try again")]
    Unpriced(ClientOrderId),
    /// The broker could not be read.
    #[error(transparent)]
    Broker(#[from] ReadError),
    /// The log could not be read or written.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The account log could not be read.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// The lease could not be judged.
    #[error(transparent)]
    Execute(#[from] ExecuteError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log goes on, but nobody was asked to: the sweeper does.
    #[error(transparent)]
    Publish(#[from] PublishError),
}

impl RecoverError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoPlan { .. } => "NOT_CLAIMED",
            Self::Differs(refused) => refused.code.code(),
            Self::Held { .. } => "LEASE_HELD",
            Self::OrderDiffers(_) => "ORDER_DIFFERS",
            Self::Unpriced(_) => "ORDER_UNPRICED",
            Self::Broker(_) => "BROKER_UNREADABLE",
            Self::Log(error) => error.code(),
            Self::Account(error) => error.code(),
            Self::Execute(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::Publish(_) => "UNPUBLISHED",
        }
    }
}

/// Compares a plan's log with the broker's orders, and appends what it lacks.
///
/// # Errors
/// [`RecoverError`]; but for [`RecoverError::Publish`] nothing was written.
pub async fn recover(
    floor: &Floor,
    sought: Sought<'_>,
    policy: &Policy,
) -> Result<Recovered, RecoverError> {
    let Sought { account, plan_id, event } = sought;
    let mut log = ExecutionLog::new(floor.desk.store.clone(), account, plan_id.as_str());
    let entries = log.read_on().await?;
    let known = Execution::fold(entries.iter().flat_map(|entry| &entry.facts), policy);
    let now = floor.desk.clock.now();
    let (mut state, is_new) = match (known, event) {
        (Some(state), _) => (state, false),
        (None, Some(plan)) => (Execution::claimed(plan, now, policy.clone()), true),
        (None, None) => return Err(no_plan(account, plan_id)),
    };
    if let Some(refused) = event.and_then(|plan| state.plan.difference(plan)) {
        return Err(RecoverError::Differs(refused));
    }
    if let Some(Executed::Held { owner, until }) = held(floor, &log, &state).await? {
        return Err(RecoverError::Held { plan_id: plan_id.clone(), owner, until });
    }
    let since = state.plan.timestamp.saturating_sub(ORDERS_BEFORE_PLAN);
    let orders = floor.broker.orders(since.unwrap_or(state.plan.timestamp)).await?;
    let lost = checked(&state, recovery::lost(&state, &orders))?;
    if lost.is_empty() && !is_new {
        return Ok(Recovered::Complete);
    }
    if is_new {
        // The day that the plan belongs to, and its duration, are not those of its recovery.
        let first = lost.iter().map(|lost| lost.report.submitted_at).min();
        let received_at = first.map_or(now, |first| first.min(now));
        state.plan = Arc::new(Plan { received_at, ..state.plan.as_ref().clone() });
    }
    let found = u32::try_from(lost.len()).unwrap_or(u32::MAX);
    let entries = u64::try_from(entries.len()).unwrap_or(u64::MAX);
    let is_over = is_over(floor, &state).await?;
    let recovery = Recovery { entries, orders: found, is_over };
    let facts = recovery::facts(&state, (&orders, &lost), recovery);
    write(floor, &mut log, (&state, is_new), facts).await?;
    ask(&floor.desk, &state, Why::LeaseOver).await?;
    Ok(Recovered::Rebuilt(recovery))
}

fn no_plan(account: &AccountId, plan_id: &PlanId) -> RecoverError {
    RecoverError::NoPlan { account: account.clone(), plan_id: plan_id.clone() }
}

/// The lost orders, when each is what its id says and has a price to count it by.
fn checked(state: &Execution, lost: Vec<Lost>) -> Result<Vec<Lost>, RecoverError> {
    for Lost { symbol, report, .. } in &lost {
        let side = state.leg(symbol).map(|leg| leg.side);
        let Some(id) = report.our_id() else { continue };
        if report.symbol != *symbol || Some(report.side) != side {
            return Err(RecoverError::OrderDiffers(id));
        }
        if report.limit.or(report.average_price).is_none() {
            return Err(RecoverError::Unpriced(id));
        }
    }
    Ok(lost)
}

/// The plan was over before its log was lost: it had given its account back, or has a ledger.
async fn is_over(floor: &Floor, state: &Execution) -> Result<bool, RecoverError> {
    let (store, plan) = (&floor.desk.store, &state.plan);
    if account::was_released(store, &plan.account, &plan.plan_id).await? {
        return Ok(true);
    }
    Ok(store.get(&ledger::key(state)).await?.is_some())
}

async fn write(
    floor: &Floor,
    log: &mut ExecutionLog,
    (state, is_new): (&Execution, bool),
    recovered: Vec<FactKind>,
) -> Result<(), RecoverError> {
    let desk = &floor.desk;
    let at = desk.clock.now().max(state.last_at);
    let epoch = state.epoch.saturating_add(1);
    let claim = is_new.then(|| FactKind::Claimed(Box::new(state.plan.as_ref().clone())));
    let lease = FactKind::LeaseTaken(epoch, desk.owner.clone());
    let kinds = claim.into_iter().chain([lease]).chain(recovered).chain([FactKind::HandedOver]);
    let facts = kinds.map(|kind| Fact { at, kind }).collect();
    mark(desk, &state.plan).await?;
    let author = Author { epoch, owner: desk.owner.clone(), until: at };
    log.append(&author, at, facts).await?;
    tracing::warn!(plan_id = %state.plan.plan_id, log = log.prefix(), "a log was recovered from the broker's orders");
    Ok(())
}
