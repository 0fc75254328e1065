//! The account log: who executes on an account, what its day has used of its caps, and its halt switch.
//!
//! Keys count down, so that listing one key reads the newest entry, and each entry carries the whole account. Whoever
//! finds the holder's log finished releases the account for it; a plan that is not finished keeps it, whatever happened
//! to its owner.

use std::sync::Arc;

use alchemiser_core::{
    account::{Acquisition, Change, Halt, Usage},
    execution::Execution,
    ids::{AccountId, PlanId, Symbol},
    plan::Plan,
    planted::{Plant, is_planted},
    policy::Policy,
    reading::TradeMode,
};
use alchemiser_wire::{
    account::{AccountEntry, NotAnAccountEntry},
    ledger::{encode, trading_date},
};
use thiserror::Error;

use crate::{
    log::{ExecutionLog, LogError, create},
    ports::{Desk, Store, StoreError},
};

/// The account log could not be read or written.
#[derive(Debug, Error)]
pub enum AccountError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The holder's log could not be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// An entry is not readable.
    #[error("account log {key}: {source}")]
    Unreadable {
        /// The entry.
        key: String,
        /// Why.
        source: NotAnAccountEntry,
    },
    /// Too many others write at the same time.
    #[error("the account log of {0} changes faster than it can be read: try again")]
    Contended(AccountId),
}

impl AccountError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Store(error) => error.code(),
            Self::Log(error) => error.code(),
            Self::Unreadable { .. } => "ACCOUNT_LOG_UNREADABLE",
            Self::Contended(_) => "ACCOUNT_CONTENDED",
        }
    }
}

/// What came of asking for the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// It is this plan's; so much of the day is used, and so much is reserved.
    Acquired(Box<Acquisition>),
    /// Another plan holds it.
    Busy(PlanId),
    /// The plan was finished, and has given it back, since its log was read.
    Over,
}

/// Entries in which a plan's release is looked for: months of plans.
const ENTRIES_LOOKED_AT: usize = 10_000;

/// How often a lost race is run again.
const TRIES: u32 = 8;

fn prefix(account: &AccountId) -> String {
    format!("accounts/{}/", encode(account.as_str()))
}

/// Keys count down, so that the newest comes first.
fn key(account: &AccountId, seq: u64) -> String {
    format!("{}{:020}.json", prefix(account), u64::MAX.saturating_sub(seq))
}

/// The newest entry of an account.
///
/// # Errors
/// [`AccountError`] when the store fails or the entry is not readable.
pub async fn newest(
    store: &Arc<dyn Store>,
    account: &AccountId,
) -> Result<Option<AccountEntry>, AccountError> {
    let Some(key) = store.list(&prefix(account), 1).await?.pop() else { return Ok(None) };
    let Some(bytes) = store.get(&key).await? else { return Ok(None) };
    AccountEntry::from_bytes(&bytes)
        .map(Some)
        .map_err(|source| AccountError::Unreadable { key, source })
}

/// What the account's log says to a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// The halt, while trading is stopped.
    pub halt: Option<Halt>,
    /// Who canceled the plan, if somebody has.
    pub canceled: Option<Halt>,
}

/// The halt switch of an account, and whether a plan was canceled, read again and again by one process. It remembers the
/// newest entry, so that reading it again asks for one key: the next entry's, which nobody can skip.
#[derive(Clone, Debug, Default)]
pub struct Switch {
    newest: Option<AccountEntry>,
}

impl Switch {
    /// What the account's log says to a plan now.
    ///
    /// # Errors
    /// [`AccountError`] when the log cannot be read: then it is not known, and no order may leave.
    pub async fn read(
        &mut self,
        store: &Arc<dyn Store>,
        plan: &Plan,
    ) -> Result<Said, AccountError> {
        let account = &plan.account;
        if self.newest.is_none() {
            self.newest = newest(store, account).await?;
        } else {
            while let Some(next) = self.next(store, account).await? {
                self.newest = Some(next);
            }
        }
        Ok(self.newest.as_ref().map_or_else(Said::default, |entry| Said {
            halt: entry.account.halt.clone(),
            canceled: entry.account.cancellation(&plan.plan_id).cloned(),
        }))
    }

    async fn next(
        &self,
        store: &Arc<dyn Store>,
        account: &AccountId,
    ) -> Result<Option<AccountEntry>, AccountError> {
        let seq = self.newest.as_ref().map_or(1, |entry| entry.seq.saturating_add(1));
        let key = key(account, seq);
        let Some(bytes) = store.get(&key).await? else { return Ok(None) };
        let entry = AccountEntry::from_bytes(&bytes);
        entry.map(Some).map_err(|source| AccountError::Unreadable { key, source })
    }
}

/// Asks for the account; a plan that must wait is noted.
///
/// # Errors
/// [`AccountError`] when the log cannot be read or written.
pub async fn acquire(desk: &Desk, plan: &Plan, policy: &Policy) -> Result<Asked, AccountError> {
    let (id, plan_id) = (&plan.account, &plan.plan_id);
    for _ in 0..TRIES {
        let current = newest(&desk.store, id).await?;
        let account = current.as_ref().map(|entry| entry.account.clone()).unwrap_or_default();
        if let Some(acquisition) = account.acquisition(id, plan_id) {
            return Ok(Asked::Acquired(Box::new(acquisition)));
        }
        let change = match &account.holder {
            // Read after the newest entry: whoever finishes the plan now collides with our write.
            None if is_finished(desk, id, plan_id).await? => return Ok(Asked::Over),
            None => {
                let date = trading_date(desk.clock.now());
                Change::Acquired(plan_id.clone(), date, Usage::reserved_for(plan, policy))
            }
            Some(holder) => match over(desk, id, &holder.plan).await? {
                Some((used, cents)) => Change::Released(holder.plan.clone(), used, cents),
                None if is_planted(Plant::AccountExpires) && is_old(desk, current.as_ref()) => {
                    Change::Released(holder.plan.clone(), Usage::default(), Vec::new())
                }
                None if account.waiting.contains(plan_id) => {
                    return Ok(Asked::Busy(holder.plan.clone()));
                }
                None => Change::Queued(plan_id.clone()),
            },
        };
        write(desk, id, current.as_ref(), change).await?;
    }
    Err(AccountError::Contended(id.clone()))
}

/// Gives the account back after the plan's outcome; returns the plans in line, the one that has waited longest first.
///
/// # Errors
/// [`AccountError`] when the log cannot be read or written.
pub async fn release(desk: &Desk, state: &Execution) -> Result<Vec<PlanId>, AccountError> {
    let (id, plan_id) = (&state.plan.account, &state.plan.plan_id);
    for _ in 0..TRIES {
        let current = newest(&desk.store, id).await?;
        let account = current.as_ref().map(|entry| entry.account.clone()).unwrap_or_default();
        if account.holder.is_none_or(|holder| holder.plan != *plan_id) {
            return Ok(Vec::new());
        }
        let change = Change::Released(plan_id.clone(), Usage::of(state), state.cent_symbols());
        if write(desk, id, current.as_ref(), change).await? {
            return Ok(account.waiting);
        }
    }
    Err(AccountError::Contended(id.clone()))
}

/// Stops trading in the account; returns the halt that holds now, which is an earlier one if there is one.
///
/// # Errors
/// [`AccountError`] when the log cannot be read or written: then trading is not stopped.
pub async fn halt(desk: &Desk, id: &AccountId, halt: Halt) -> Result<Halt, AccountError> {
    for _ in 0..TRIES {
        let current = newest(&desk.store, id).await?;
        if let Some(earlier) = current.as_ref().and_then(|entry| entry.account.halt.clone()) {
            return Ok(earlier);
        }
        if write(desk, id, current.as_ref(), Change::Halted(halt.clone())).await? {
            return Ok(halt);
        }
    }
    Err(AccountError::Contended(id.clone()))
}

/// Lets trading go on; returns the halt that ended, if there was one.
///
/// # Errors
/// [`AccountError`] when the log cannot be read or written: then trading stays stopped.
pub async fn resume(
    desk: &Desk,
    id: &AccountId,
    (who, why): (&str, &str),
) -> Result<Option<Halt>, AccountError> {
    for _ in 0..TRIES {
        let current = newest(&desk.store, id).await?;
        let Some(ended) = current.as_ref().and_then(|entry| entry.account.halt.clone()) else {
            return Ok(None);
        };
        let change = Change::Resumed { who: who.to_owned(), why: why.to_owned() };
        if write(desk, id, current.as_ref(), change).await? {
            return Ok(Some(ended));
        }
    }
    Err(AccountError::Contended(id.clone()))
}

/// Notes that somebody trades what another plan left, as this one, and why.
///
/// # Errors
/// [`AccountError`] when the log cannot be read or written: then it is not noted, and must not be traded.
pub async fn retried(
    desk: &Desk,
    id: &AccountId,
    plan: &PlanId,
    by: Halt,
) -> Result<(), AccountError> {
    for _ in 0..TRIES {
        let current = newest(&desk.store, id).await?;
        let change = Change::Retried(plan.clone(), by.clone());
        if write(desk, id, current.as_ref(), change).await? {
            return Ok(());
        }
    }
    Err(AccountError::Contended(id.clone()))
}

/// What came of canceling a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Canceled {
    /// It is not to be traded any further: who said so, which may have been somebody before.
    By(Halt),
    /// It is over: there is nothing to cancel.
    Over,
}

/// Cancels a plan: whoever trades it cancels its open orders and ends it; until it is over nobody trades it.
///
/// # Errors
/// [`AccountError`] when a log cannot be read or written: then the plan is not canceled.
pub async fn cancel(
    desk: &Desk,
    id: &AccountId,
    plan: &PlanId,
    who: Halt,
) -> Result<Canceled, AccountError> {
    for _ in 0..TRIES {
        let current = newest(&desk.store, id).await?;
        let earlier = current.as_ref().and_then(|entry| entry.account.cancellation(plan).cloned());
        // Read after the newest entry: whoever gives the account back for the plan now collides with our write.
        if is_finished(desk, id, plan).await? {
            return Ok(Canceled::Over);
        }
        if let Some(earlier) = earlier {
            return Ok(Canceled::By(earlier));
        }
        let change = Change::Canceled(plan.clone(), who.clone());
        if write(desk, id, current.as_ref(), change).await? {
            return Ok(Canceled::By(who));
        }
    }
    Err(AccountError::Contended(id.clone()))
}

/// Where an account's orders go, as the newest of its plans that passed its pre-flight recorded it; `None` where none has.
///
/// # Errors
/// [`AccountError`] when a log cannot be read.
pub async fn mode(
    store: &Arc<dyn Store>,
    id: &AccountId,
) -> Result<Option<TradeMode>, AccountError> {
    for key in store.list(&prefix(id), ENTRIES_LOOKED_AT).await? {
        let Some(bytes) = store.get(&key).await? else { continue };
        let entry = AccountEntry::from_bytes(&bytes)
            .map_err(|source| AccountError::Unreadable { key, source })?;
        let Change::Acquired(plan, ..) = entry.change else { continue };
        let mut log = ExecutionLog::new(store.clone(), id, plan.as_str());
        let entries = log.read_on().await?;
        let facts = entries.iter().flat_map(|entry| &entry.facts);
        let state = Execution::fold(facts, &Policy::default());
        if let Some((preflight, _)) = state.and_then(|state| state.preflight) {
            return Ok(Some(preflight.mode));
        }
    }
    Ok(None)
}

/// Whether the plan had the account, and gave it back.
///
/// # Errors
/// [`AccountError`] when the log cannot be read.
pub(crate) async fn was_released(
    store: &Arc<dyn Store>,
    id: &AccountId,
    plan_id: &PlanId,
) -> Result<bool, AccountError> {
    // Newest first: what the plan did last is what counts.
    for key in store.list(&prefix(id), ENTRIES_LOOKED_AT).await? {
        let Some(bytes) = store.get(&key).await? else { continue };
        let entry = AccountEntry::from_bytes(&bytes)
            .map_err(|source| AccountError::Unreadable { key, source })?;
        match entry.change {
            Change::Released(plan, ..) if plan == *plan_id => return Ok(true),
            Change::Acquired(plan, ..) if plan == *plan_id => return Ok(false),
            Change::Released(..) | Change::Acquired(..) | Change::Queued(_) => {}
            Change::Halted(_) | Change::Resumed { .. } => {}
            Change::Canceled(..) | Change::Retried(..) => {}
        }
    }
    Ok(false)
}

async fn is_finished(
    desk: &Desk,
    account: &AccountId,
    plan: &PlanId,
) -> Result<bool, AccountError> {
    let mut log = ExecutionLog::new(desk.store.clone(), account, plan.as_str());
    let entries = log.read_on().await?;
    let facts = entries.iter().flat_map(|entry| &entry.facts);
    Ok(Execution::fold(facts, &Policy::default()).is_some_and(|state| state.is_finished()))
}

fn is_old(desk: &Desk, current: Option<&AccountEntry>) -> bool {
    current.is_some_and(|entry| desk.clock.now().duration_since(entry.at).as_secs() > 20)
}

/// What a holder used, once its plan is over; `None` while it is not.
async fn over(
    desk: &Desk,
    account: &AccountId,
    plan: &PlanId,
) -> Result<Option<(Usage, Vec<Symbol>)>, AccountError> {
    let mut log = ExecutionLog::new(desk.store.clone(), account, plan.as_str());
    let entries = log.read_on().await?;
    let facts = entries.iter().flat_map(|entry| &entry.facts);
    Ok(match Execution::fold(facts, &Policy::default()) {
        // A holder that never claimed left nothing behind that could trade.
        None => Some((Usage::default(), Vec::new())),
        Some(state) if state.is_finished() => Some((Usage::of(&state), state.cent_symbols())),
        Some(_) => None,
    })
}

/// Writes a change; false when somebody else wrote the entry of that number.
async fn write(
    desk: &Desk,
    id: &AccountId,
    current: Option<&AccountEntry>,
    change: Change,
) -> Result<bool, AccountError> {
    let seq = current.map_or(1, |entry| entry.seq.saturating_add(1));
    let before = current.map(|entry| entry.account.clone()).unwrap_or_default();
    let entry = AccountEntry {
        seq,
        id: id.clone(),
        account: before.after(&change),
        change,
        put_id: format!("{}-{seq}", desk.owner),
        at: desk.clock.now(),
    };
    let key = key(id, seq);
    Ok(create(desk.store.as_ref(), &key, &entry.to_bytes()).await?)
}
