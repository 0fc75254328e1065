//! The sweeper: whatever was lost on the way, a plan that is not over is asked for again.
//!
//! It reads the markers of plans that are not over (hints: a marker too many costs a look, and one too few is found by
//! the plan's next event) and their logs, and needs no broker. Everything it asks for may be asked for twice.

use alchemiser_core::{
    execution::Execution,
    ids::{AccountId, PlanId},
    policy::Policy,
};
use alchemiser_wire::{ledger::decode, request::Why};
use jiff::Timestamp;
use thiserror::Error;

use crate::{
    execute::{EPOCHS_MAX, ExecuteError, ask, let_go},
    log::{ExecutionLog, LogError},
    ports::{Desk, PublishError, StoreError},
};

/// Markers looked at in one sweep; the rest is for the next.
const MARKERS_MAX: usize = 1000;

/// A plan that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Swept {
    /// The account.
    pub account: AccountId,
    /// The plan.
    pub plan_id: PlanId,
    /// What was found.
    pub found: Found,
}

/// What was found of a plan, and done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nobody works on it: an owner was asked for.
    Asked(Why),
    /// Somebody works on it, or is about to.
    Running,
    /// It is over: the account and the marker were let go.
    LetGo,
    /// It has had too many owners; somebody is alarmed. It is asked for again once its deadline has passed, so that it ends.
    Exhausted,
    /// There is a marker and no claim: the claim is under way, or its event comes again.
    Unclaimed,
    /// There was a marker and never a claim: it was removed.
    Forgotten,
    /// Its log cannot be read; somebody is alarmed.
    Unreadable(String),
}

/// A sweep that failed.
#[derive(Debug, Error)]
pub enum SweepError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The bus did not take a request.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// A finished plan could not be let go.
    #[error(transparent)]
    LetGo(#[from] ExecuteError),
}

/// Looks at every plan that has a marker.
///
/// # Errors
/// [`SweepError`] when the store or the bus fails: the next sweep goes on.
pub async fn sweep(desk: &Desk, policy: &Policy) -> Result<Vec<Swept>, SweepError> {
    let mut swept = Vec::new();
    for key in desk.store.list("open/", MARKERS_MAX).await? {
        let Some((account, plan_id)) = names(&key) else {
            tracing::error!(%key, "a marker with a name that is none");
            continue;
        };
        let mut log = ExecutionLog::new(desk.store.clone(), &account, plan_id.as_str());
        let found = match log.read_on().await {
            Ok(entries) => {
                let facts = entries.iter().flat_map(|entry| &entry.facts);
                match Execution::fold(facts, policy) {
                    Some(state) => claimed(desk, &log, &state).await?,
                    None => unclaimed(desk, &key, policy).await?,
                }
            }
            Err(LogError::Store(error)) => return Err(error.into()),
            Err(error) => Found::Unreadable(error.to_string()),
        };
        match &found {
            Found::Exhausted | Found::Unreadable(_) => {
                tracing::error!(%plan_id, ?found, "a plan needs somebody");
            }
            Found::Asked(_) | Found::LetGo | Found::Forgotten => {
                tracing::info!(%plan_id, ?found, "swept");
            }
            Found::Running | Found::Unclaimed => {}
        }
        swept.push(Swept { account, plan_id, found });
    }
    Ok(swept)
}

/// Account and plan of a marker's key.
fn names(key: &str) -> Option<(AccountId, PlanId)> {
    let (account, plan) = key.strip_prefix("open/")?.split_once('/')?;
    Some((AccountId::new(&decode(account)?).ok()?, PlanId::new(&decode(plan)?).ok()?))
}

async fn unclaimed(desk: &Desk, key: &str, policy: &Policy) -> Result<Found, SweepError> {
    let bytes = desk.store.get(key).await?.unwrap_or_default();
    let marked_at = std::str::from_utf8(&bytes).ok().and_then(|at| at.parse::<Timestamp>().ok());
    let old = |at: Timestamp| desk.clock.now().duration_since(at) > policy.plan_max_age;
    if marked_at.is_some_and(|at| !old(at)) {
        return Ok(Found::Unclaimed);
    }
    desk.store.remove_hint(key).await?;
    Ok(Found::Forgotten)
}

async fn claimed(desk: &Desk, log: &ExecutionLog, state: &Execution) -> Result<Found, SweepError> {
    let found = judge(desk, log, state).await?;
    match &found {
        Found::Asked(why) => ask(desk, state, *why).await?,
        Found::LetGo => let_go(desk, state).await?,
        Found::Running | Found::Exhausted | Found::Unclaimed => {}
        Found::Forgotten | Found::Unreadable(_) => {}
    }
    Ok(found)
}

async fn judge(desk: &Desk, log: &ExecutionLog, state: &Execution) -> Result<Found, SweepError> {
    let now = desk.clock.now();
    if state.is_complete() && !state.must_be_followed() {
        return Ok(Found::LetGo);
    }
    let Some(last) = log.last().filter(|last| last.epoch > 0) else {
        // The claim's own request is on its way for a while.
        let asked = now.duration_since(state.claimed_at) <= state.policy.lease;
        return Ok(if asked { Found::Running } else { Found::Asked(Why::Claimed) });
    };
    let free = state.handed_over || last.until < now || state.is_complete();
    if !free && !desk.store.is_dead(&last.owner).await? {
        return Ok(Found::Running);
    }
    let deadline = state.preflight.as_ref().map(|(preflight, _)| preflight.deadline);
    let past = deadline.is_none_or(|deadline| now > deadline);
    Ok(if state.is_finished() && !state.is_complete() {
        Found::Asked(Why::Outbox)
    } else if state.epoch >= EPOCHS_MAX && !past {
        Found::Exhausted
    } else {
        Found::Asked(Why::LeaseOver)
    })
}
