//! A plan is traded: by one owner at a time, until its end or until the owner's time is up.

use alchemiser_core::{
    execution::Execution,
    fact::FactKind,
    ids::{AccountId, Owner, PlanId},
    plan::Plan,
    planted::{Plant, is_planted},
    policy::Policy,
};
use alchemiser_wire::request::{Request, Why};
use jiff::{SignedDuration, Timestamp};
use thiserror::Error;
use tracing::Instrument;

use crate::{
    accept::request,
    account::{self, AccountError, Asked},
    learn,
    log::{Author, ExecutionLog, LogError},
    ports::{Desk, Floor, PublishError, StoreError, marker_key},
    turn::{Owned, Turned},
};

/// The most owners that ask for another one; then somebody is alarmed instead.
pub const EPOCHS_MAX: u32 = 12;

/// Publications that fail this often in a row end the invocation.
const PUBLISH_FAILURES_MAX: u32 = 5;

/// How an invocation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Executed {
    /// The plan is over.
    Finished,
    /// The plan was over before.
    AlreadyFinished,
    /// Another owner holds the lease.
    Held {
        /// Who.
        owner: Owner,
        /// Until when.
        until: Timestamp,
    },
    /// Another plan holds the account.
    Busy {
        /// Which.
        holder: PlanId,
    },
    /// This owner's time was up; another one was asked for.
    HandedOver,
    /// The plan was over before, but not its orders: they were looked after.
    Followed {
        /// The broker has said everything of them now.
        settled: bool,
    },
}

/// An execution that could not go on.
#[derive(Debug, Error)]
pub enum ExecuteError {
    /// The plan's log holds no claim.
    #[error(
        "there is no claimed plan {plan_id} in account {account}: expected a RebalancePlanned event first"
    )]
    NotClaimed {
        /// The account.
        account: AccountId,
        /// The plan.
        plan_id: PlanId,
    },
    /// The log could not be read or written.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The account's mutex could not be read or written.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The bus takes no events.
    #[error(
        "the bus did not take the plan's events in {PUBLISH_FAILURES_MAX} tries; they stay in the log"
    )]
    Unpublished,
    /// The bus did not take a request.
    #[error(transparent)]
    Publish(#[from] PublishError),
}

impl ExecuteError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotClaimed { .. } => "NOT_CLAIMED",
            Self::Log(error) => error.code(),
            Self::Account(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::Unpublished | Self::Publish(_) => "UNPUBLISHED",
        }
    }
}

/// The plan that a log claims.
///
/// # Errors
/// [`ExecuteError::NotClaimed`] when there is none, or the store's failure.
pub async fn claimed(
    desk: &Desk,
    account: &AccountId,
    plan_id: &PlanId,
    policy: &Policy,
) -> Result<Plan, ExecuteError> {
    let mut log = ExecutionLog::new(desk.store.clone(), account, plan_id.as_str());
    let entries = log.read_on().await?;
    let state = Execution::fold(entries.iter().flat_map(|entry| &entry.facts), policy);
    let missing =
        || ExecuteError::NotClaimed { account: account.clone(), plan_id: plan_id.clone() };
    state.map(|state| state.plan.as_ref().clone()).ok_or_else(missing)
}

/// Trades a claimed plan.
///
/// # Errors
/// [`ExecuteError`]; whatever it is, the log says where to go on.
pub async fn execute(
    floor: &Floor,
    account: &AccountId,
    plan_id: &PlanId,
    policy: &Policy,
    stop_at: Option<Timestamp>,
) -> Result<Executed, ExecuteError> {
    let mut log = ExecutionLog::new(floor.desk.store.clone(), account, plan_id.as_str());
    let entries = log.read_on().await?;
    let state = Execution::fold(entries.iter().flat_map(|entry| &entry.facts), policy);
    let Some(state) = state else {
        return Err(ExecuteError::NotClaimed {
            account: account.clone(),
            plan_id: plan_id.clone(),
        });
    };
    if state.is_complete() && state.must_be_followed() {
        return match held(floor, &log, &state).await? {
            Some(held) => Ok(held),
            None => follow(floor, log, state).await,
        };
    }
    if state.is_complete() {
        let_go(&floor.desk, &state).await?;
        return Ok(Executed::AlreadyFinished);
    }
    let mut acquired = None;
    // A plan that had given the account back before its log was lost trades no more.
    if !state.is_finished() && !state.trades_no_more() {
        match account::acquire(&floor.desk, &state.plan, policy).await? {
            Asked::Busy(holder) => return Ok(Executed::Busy { holder }),
            Asked::Over => return Ok(Executed::AlreadyFinished),
            Asked::Acquired(acquisition) => acquired = Some(acquisition),
        }
    }
    if let Some(held) = held(floor, &log, &state).await? {
        return Ok(held);
    }
    let epoch = state.epoch.saturating_add(1);
    let now = floor.desk.clock.now().max(state.last_at);
    let author = Author { epoch, owner: floor.desk.owner.clone(), until: now };
    let acquired = acquired.filter(|_| state.acquired.is_none()).map(FactKind::Acquired);
    let learned = learn::begun(floor.desk.store.as_ref(), &state, policy).await;
    let mut owned = Owned::new(floor, log, state, author);
    let lease = FactKind::LeaseTaken(epoch, floor.desk.owner.clone());
    let span = tracing::info_span!("execute", plan_id = %plan_id, epoch, correlation_id = %owned.state().plan.correlation_id,
        causation_id = %owned.state().plan.source_event);
    let ended = async {
        owned.commit(acquired.into_iter().chain(learned).chain([lease]).collect()).await?;
        run(&mut owned, floor, stop_at).await
    };
    let ended = ended.instrument(span).await?;
    if ended == Executed::Finished {
        let_go(&floor.desk, owned.state()).await?;
    }
    Ok(ended)
}

/// How long after the close an order that the broker does not show can no longer appear: day orders are over by then.
const DAY_ORDERS_OVER: SignedDuration = SignedDuration::from_mins(15);

/// Looks after the orders of a plan that is over: cancels what landed, notes what it did, and lets the plan go when the
/// broker has said everything, or when the day of its orders is over.
async fn follow(
    floor: &Floor,
    log: ExecutionLog,
    state: Execution,
) -> Result<Executed, ExecuteError> {
    let epoch = state.epoch.saturating_add(1);
    let now = floor.desk.clock.now().max(state.last_at);
    let author = Author { epoch, owner: floor.desk.owner.clone(), until: now };
    let mut lease = Some(FactKind::LeaseTaken(epoch, floor.desk.owner.clone()));
    let mut owned = Owned::new(floor, log, state, author);
    let give_up = now.saturating_add(owned.state().policy.unresolved_after).unwrap_or(now);
    let mut news = false;
    while owned.follow(&mut lease).await? {
        news = true;
        let (now, state) = (floor.desk.clock.now(), owned.state());
        // What the bus took is written with the next look.
        if (!state.must_be_followed() && state.is_complete()) || now >= give_up {
            break;
        }
        let wake = now.saturating_add(owned.state().policy.cancel_retry).unwrap_or(now);
        floor.desk.clock.sleep_until(wake).await;
    }
    let state = owned.state();
    if news {
        publish_again(&floor.desk, state).await?;
    }
    let settled = !state.must_be_followed();
    let over = state.preflight.as_ref().is_some_and(|(preflight, _)| {
        floor.desk.clock.now().duration_since(preflight.closes_at) > DAY_ORDERS_OVER
    });
    // With an event that the bus does not have the plan is not over: whoever is asked next publishes it.
    if state.is_complete() && (settled || (over && owned.has_listed())) {
        if !settled {
            tracing::error!(plan_id = %state.plan.plan_id, "an order was never accounted for, and its day is over: look at the broker's books");
        }
        let_go(&floor.desk, state).await?;
        floor
            .desk
            .store
            .remove_hint(&marker_key(&state.plan.account, state.plan.plan_id.as_str()))
            .await?;
    } else {
        tracing::error!(plan_id = %state.plan.plan_id, "an order of a plan that is over may still fill; it is looked at again");
    }
    Ok(Executed::Followed { settled })
}

/// The terminal event once more, byte for byte: whoever writes the ledger learns that there is more to write.
async fn publish_again(desk: &Desk, state: &Execution) -> Result<(), PublishError> {
    let terminal =
        state.outbox.iter().find(|outgoing| outgoing.event.detail_type.starts_with("Workflow"));
    match terminal {
        Some(outgoing) => desk.publisher.publish(&outgoing.event, desk.clock.now()).await,
        None => Ok(()),
    }
}

/// Another owner whose lease is not over and who is not known to be dead.
pub(crate) async fn held(
    floor: &Floor,
    log: &ExecutionLog,
    state: &Execution,
) -> Result<Option<Executed>, ExecuteError> {
    let Some(last) = log.last().filter(|last| last.epoch > 0 && !state.handed_over) else {
        return Ok(None);
    };
    let over = last.until < floor.desk.clock.now();
    if over || last.owner == floor.desk.owner || floor.desk.store.is_dead(&last.owner).await? {
        return Ok(None);
    }
    Ok(Some(Executed::Held { owner: last.owner.clone(), until: last.until }))
}

async fn run(
    owned: &mut Owned<'_>,
    floor: &Floor,
    stop_at: Option<Timestamp>,
) -> Result<Executed, ExecuteError> {
    loop {
        match owned.turn().await? {
            Turned::Complete => return Ok(Executed::Finished),
            Turned::WakeAt(_) if owned.publish_failures() >= PUBLISH_FAILURES_MAX => {
                return Err(ExecuteError::Unpublished);
            }
            Turned::WakeAt(_) if stop_at.is_some_and(|stop| floor.desk.clock.now() >= stop) => {
                return hand_over(owned, floor).await;
            }
            Turned::WakeAt(at) => floor.desk.clock.sleep_until(bounded(at, owned, floor)).await,
        }
    }
}

/// No wait is longer than the slow pace: where a clock was set back, the log's own time is far ahead of it, and a halt
/// must be seen all the same.
fn bounded(at: Timestamp, owned: &Owned<'_>, floor: &Floor) -> Timestamp {
    if is_planted(Plant::TimerLost) && owned.state().has_open_orders() {
        return Timestamp::MAX;
    }
    let slow = owned.state().policy.poll_slow;
    floor.desk.clock.now().saturating_add(slow).map_or(at, |latest| at.min(latest))
}

async fn hand_over(owned: &mut Owned<'_>, floor: &Floor) -> Result<Executed, ExecuteError> {
    owned.commit(vec![FactKind::HandedOver]).await?;
    owned.keep_tape().await;
    if is_planted(Plant::AccountHandedOver) {
        account::release(&floor.desk, owned.state()).await?;
    }
    let state = owned.state();
    if state.epoch >= EPOCHS_MAX {
        tracing::error!(plan_id = %state.plan.plan_id, epoch = state.epoch, "too many owners: no other one is asked for");
        return Ok(Executed::HandedOver);
    }
    ask(&floor.desk, state, Why::HandedOver).await?;
    Ok(Executed::HandedOver)
}

/// Asks for an owner of a plan.
pub(crate) async fn ask(desk: &Desk, state: &Execution, why: Why) -> Result<(), PublishError> {
    request(
        desk,
        &Request {
            account: state.plan.account.clone(),
            plan_id: state.plan.plan_id.clone(),
            correlation_id: state.plan.correlation_id.clone(),
            causation_id: state.plan.source_event.clone(),
            epoch: state.epoch,
            why,
        },
    )
    .await
}

/// After the end: the account is given back, the next plan in line is asked for, the marker goes. A plan with an order
/// that may still fill, or whose price is not known, keeps its marker.
pub(crate) async fn let_go(desk: &Desk, state: &Execution) -> Result<(), ExecuteError> {
    let plan = &state.plan;
    let waiting = account::release(desk, state).await?;
    let marker = marker_key(&plan.account, plan.plan_id.as_str());
    // The ledger was perhaps written before this was known; an order that is still awaited may never be found.
    if state.has_late_news() && desk.store.get(&marker).await?.is_some() {
        publish_again(desk, state).await?;
    }
    if !state.must_be_followed() || is_planted(Plant::MarkerDropped) {
        desk.store.remove_hint(&marker).await?;
    }
    for next in waiting {
        let mut log = ExecutionLog::new(desk.store.clone(), &plan.account, next.as_str());
        let entries = log.read_on().await?;
        let facts = entries.iter().flat_map(|entry| &entry.facts);
        if let Some(next) = Execution::fold(facts, &state.policy).filter(|next| !next.is_finished())
        {
            ask(desk, &next, Why::AccountFree).await?;
            break;
        }
    }
    Ok(())
}
