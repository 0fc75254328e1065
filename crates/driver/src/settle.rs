//! A plan is over: its ledger is written, and what it came to is said.

use alchemiser_core::{
    execution::Execution,
    ids::{AccountId, PlanId},
    planted::{Plant, is_planted},
    policy::Policy,
};
use alchemiser_wire::{entry::Entry, incoming, ledger, terminal};
use thiserror::Error;

use crate::{
    learn,
    log::{ExecutionLog, LogError, create},
    ports::{Store, StoreError},
};

/// What came of a terminal event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// The ledger is there; this many lines.
    Ledger {
        /// Where.
        key: String,
        /// How many fills-bearing orders it holds.
        lines: usize,
        /// The plan's outcome, in a sentence.
        summary: String,
    },
    /// There is nothing to write: an input was refused.
    Refused {
        /// Why.
        reason: String,
    },
    /// An event of another type; nothing was done.
    Ignored(String),
}

/// The log of a plan that is over.
#[derive(Clone, Debug)]
pub struct Finished {
    /// What it adds up to.
    pub state: Execution,
    /// Its entries.
    pub entries: Vec<Entry>,
    /// The hash of the last one's bytes.
    pub sha256: String,
}

/// A terminal event that could not be dealt with.
#[derive(Debug, Error)]
pub enum SettleError {
    /// The event is malformed: it belongs into the dead-letter queue.
    #[error(transparent)]
    Malformed(#[from] alchemiser_core::plan::PlanRefused),
    /// The log could not be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The event speaks of a plan that has no finished log.
    #[error("expected a finished log of plan {0}, found none")]
    Unfinished(String),
    /// There is a ledger with other content.
    #[error("the ledger {0} is there already with other content; ledgers are never edited")]
    Differs(String),
}

impl SettleError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed(refused) => refused.code.code(),
            Self::Log(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::Unfinished(_) => "PLAN_UNFINISHED",
            Self::Differs(_) => "LEDGER_DIFFERS",
        }
    }
}

/// Takes a terminal event; with what it came to, the log that it speaks of, if there is one.
///
/// # Errors
/// [`SettleError`]: the event must come again, or be looked at.
pub async fn settle(
    store: &std::sync::Arc<dyn Store>,
    bytes: &[u8],
    default: &AccountId,
    policy: &Policy,
) -> Result<(Settled, Option<Finished>), SettleError> {
    let envelope = incoming::envelope(bytes)?;
    if !["WorkflowCompleted", "WorkflowFailed"].contains(&envelope.detail_type.as_str()) {
        tracing::info!(detail_type = %envelope.detail_type, "an event of another type was ignored");
        return Ok((Settled::Ignored(envelope.detail_type), None));
    }
    let terminal = terminal::read(&envelope)?;
    let Some(plan) = terminal.plan_id else {
        let reason = terminal.failure_reason.unwrap_or_default();
        return Ok((Settled::Refused { reason }, None));
    };
    let account =
        terminal.account.map_or_else(|| Ok(default.clone()), |text| AccountId::new(&text));
    let (Ok(account), Ok(plan_id)) = (account, PlanId::new(&plan)) else {
        return Err(SettleError::Unfinished(plan));
    };
    let mut log = ExecutionLog::new(store.clone(), &account, plan_id.as_str());
    let entries = log.read_on().await?;
    let state = Execution::fold(entries.iter().flat_map(|entry| &entry.facts), policy);
    let Some(state) = state.filter(Execution::is_finished) else {
        return Err(SettleError::Unfinished(plan));
    };
    // First: whoever finds no ledger asks for all of this again, and whoever finds one does not.
    let learned = learn::add(store, &state, policy).await;
    let settled = write(store, &state).await?;
    learned?;
    let sha256 = log.sha256().to_owned();
    Ok((settled, Some(Finished { state, entries, sha256 })))
}

/// Writes the ledger of a finished plan, and a supplement of what became known later. The same again is the same bytes.
///
/// # Errors
/// [`SettleError`] when the store fails or holds another ledger.
pub async fn write(
    store: &std::sync::Arc<dyn Store>,
    state: &Execution,
) -> Result<Settled, SettleError> {
    let (key, bytes) = (ledger::key(state), ledger::to_bytes(state));
    let (lines, summary) = (ledger::lines(state).len(), summary(state));
    if create(store.as_ref(), &key, &bytes).await? {
        return Ok(Settled::Ledger { key, lines, summary });
    }
    supplement(store, state, &key).await?;
    Ok(Settled::Ledger { key, lines, summary })
}

/// Supplements of one ledger; more late news than this is none.
const SUPPLEMENTS_MAX: u32 = 100;

/// Writes what became known after the ledger was written, beside it: a ledger is never edited.
async fn supplement(
    store: &std::sync::Arc<dyn Store>,
    state: &Execution,
    key: &str,
) -> Result<(), SettleError> {
    if is_planted(Plant::LateNewsUnwritten) {
        return Ok(());
    }
    let differs = || SettleError::Differs(key.to_owned());
    let mut written = read(store, key).await?.ok_or_else(differs)?;
    for number in 1..SUPPLEMENTS_MAX {
        let next = ledger::supplement_key(state, number);
        if let Some(more) = read(store, &next).await? {
            written.extend(more);
            continue;
        }
        let late = ledger::late(state, &written).ok_or_else(differs)?;
        if !late.is_empty() && !create(store.as_ref(), &next, &late).await? {
            return Err(SettleError::Differs(next));
        }
        return Ok(());
    }
    Err(differs())
}

async fn read(
    store: &std::sync::Arc<dyn Store>,
    key: &str,
) -> Result<Option<Vec<ledger::LedgerLine>>, SettleError> {
    let Some(bytes) = store.get(key).await? else { return Ok(None) };
    ledger::from_bytes(&bytes).map(Some).ok_or_else(|| SettleError::Differs(key.to_owned()))
}

/// The outcome in a sentence.
pub fn summary(state: &Execution) -> String {
    let Some((outcome, _)) = &state.outcome else { return "not finished".to_owned() };
    if outcome.no_trades_needed {
        return format!("{}: nothing had to be traded", outcome.status.word());
    }
    let traded = alchemiser_core::ledger::traded(state);
    let why =
        outcome.failure_reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
    format!(
        "{}: {} of {} placed legs filled, ${:.2} traded{why}",
        outcome.status.word(),
        outcome.succeeded,
        outcome.placed,
        traded.amount().round_dp(2)
    )
}
