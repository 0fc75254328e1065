//! The account's mutex: one executing plan an account, without expiry.
//!
//! Keys count down, so that listing one key reads the newest entry. Whoever finds the holder's log finished releases
//! the account for it; a plan that is not finished keeps it, whatever happened to its owner.

use std::sync::Arc;

use alchemiser_core::{
    execution::Execution,
    ids::{AccountId, PlanId},
    policy::Policy,
};
use alchemiser_wire::{
    account::{AccountEntry, NotAnAccountEntry, SCHEMA},
    ledger::encode,
};
use thiserror::Error;

use crate::{
    log::{ExecutionLog, LogError, create},
    ports::{Desk, Store, StoreError},
};

/// The account's mutex could not be read or written.
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

/// What came of asking for the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// It is this plan's.
    Acquired,
    /// Another plan holds it.
    Busy(PlanId),
}

/// How often a lost race is run again.
const TRIES: u32 = 8;

fn prefix(account: &AccountId) -> String {
    format!("accounts/{}/", encode(account.as_str()))
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

/// Asks for the account; a plan that must wait is noted.
///
/// # Errors
/// [`AccountError`] when the log cannot be read or written.
pub async fn acquire(
    desk: &Desk,
    account: &AccountId,
    plan: &PlanId,
) -> Result<Asked, AccountError> {
    for _ in 0..TRIES {
        let current = newest(&desk.store, account).await?;
        let holder = current.as_ref().and_then(|entry| entry.holder.clone());
        let mut waiting = current.as_ref().map(|entry| entry.waiting.clone()).unwrap_or_default();
        match holder {
            Some(holder) if holder == *plan => return Ok(Asked::Acquired),
            Some(holder) if !is_finished(desk, account, &holder).await? => {
                if waiting.contains(plan) {
                    return Ok(Asked::Busy(holder));
                }
                waiting.push(plan.clone());
                if write(desk, account, current.as_ref(), (Some(holder.clone()), waiting)).await? {
                    return Ok(Asked::Busy(holder));
                }
            }
            Some(_) | None => {
                waiting.retain(|other| other != plan);
                if write(desk, account, current.as_ref(), (Some(plan.clone()), waiting)).await? {
                    return Ok(Asked::Acquired);
                }
            }
        }
    }
    Err(AccountError::Contended(account.clone()))
}

/// Gives the account back after the plan's outcome; returns the plans in line, the one that has waited longest first.
///
/// # Errors
/// [`AccountError`] when the log cannot be read or written.
pub async fn release(
    desk: &Desk,
    account: &AccountId,
    plan: &PlanId,
) -> Result<Vec<PlanId>, AccountError> {
    for _ in 0..TRIES {
        let current = newest(&desk.store, account).await?;
        let Some(entry) = current.as_ref().filter(|entry| entry.holder.as_ref() == Some(plan))
        else {
            return Ok(Vec::new());
        };
        let waiting = entry.waiting.clone();
        if write(desk, account, current.as_ref(), (None, waiting.clone())).await? {
            return Ok(waiting);
        }
    }
    Err(AccountError::Contended(account.clone()))
}

async fn is_finished(
    desk: &Desk,
    account: &AccountId,
    plan: &PlanId,
) -> Result<bool, AccountError> {
    let mut log = ExecutionLog::new(desk.store.clone(), account, plan.as_str());
    let entries = log.read_on().await?;
    let facts = entries.iter().flat_map(|entry| &entry.facts);
    // A holder that never claimed left nothing behind that could trade.
    Ok(Execution::fold(facts, &Policy::default()).is_none_or(|state| state.is_finished()))
}

async fn write(
    desk: &Desk,
    account: &AccountId,
    current: Option<&AccountEntry>,
    (holder, waiting): (Option<PlanId>, Vec<PlanId>),
) -> Result<bool, AccountError> {
    let seq = current.map_or(1, |entry| entry.seq.saturating_add(1));
    let entry = AccountEntry {
        schema: SCHEMA,
        seq,
        account: account.clone(),
        holder,
        waiting,
        put_id: format!("{}-{seq}", desk.owner),
        at: desk.clock.now(),
    };
    let key = format!("{}{:020}.json", prefix(account), u64::MAX.saturating_sub(seq));
    Ok(create(desk.store.as_ref(), &key, &entry.to_bytes()).await?)
}
