//! What an account's own crosses have cost, kept beside its ledger: the outcome step adds each plan, the executor looks it up
//! when a plan begins. It is derived from the ledger and never the truth: it holds up no plan and no ledger.

use std::{collections::BTreeMap, sync::Arc};

use alchemiser_core::{
    execution::Execution,
    fact::FactKind,
    ids::{AccountId, PlanId},
    learning::{Crosses, Learned, PLANS_MAX, Unlearned},
    policy::{Policy, PolicyKind},
};
use alchemiser_wire::{
    learning::{self, Kept, NotKept},
    ledger::{self, LedgerLine, decode, encode, trading_date},
};
use jiff::civil::Date;

use crate::{
    log::create,
    ports::{Store, StoreError},
};

/// How often a lost race is run again.
const TRIES: u32 = 8;

/// Objects of an account's ledger that are listed, at most.
const KEYS_MAX: usize = 100_000;

/// The newest object of an account.
#[derive(Debug)]
enum Newest {
    /// There is none.
    None,
    /// Its number and what it holds.
    Kept(u64, Kept),
    /// Its number, if its name has one, and why it cannot be used.
    Odd(Option<u64>, Unlearned),
}

async fn newest(store: &dyn Store, account: &AccountId) -> Result<Newest, StoreError> {
    let Some(key) = store.list(&learning::prefix(account), 1).await?.pop() else {
        return Ok(Newest::None);
    };
    let number = learning::number(account, &key);
    let bytes = store.get(&key).await?.unwrap_or_default();
    Ok(match (number, Kept::from_bytes(&bytes, account)) {
        (Some(number), Ok(kept)) => Newest::Kept(number, kept),
        (number, Err(error)) => {
            let newer = matches!(error, NotKept::Newer { .. });
            let why = if newer { Unlearned::Newer } else { Unlearned::Unreadable };
            tracing::warn!(%key, code = why.code(), %error, "what was learned is not used");
            Newest::Odd(number, why)
        }
        (None, Ok(_)) => {
            let code = Unlearned::Unreadable.code();
            tracing::warn!(%key, code, "expected a number in the name, found none: move it away");
            Newest::Odd(None, Unlearned::Unreadable)
        }
    })
}

/// What a plan that begins now knows of its account's crosses. Whatever is wrong, it is the prior, and says why.
pub async fn load(store: &dyn Store, account: &AccountId, policy: &Policy) -> Learned {
    match newest(store, account).await {
        Ok(Newest::Kept(_, kept)) => Learned::from_crosses(&kept.crosses, policy.learning_step),
        Ok(Newest::None) => Learned::prior(Unlearned::Nothing),
        Ok(Newest::Odd(_, why)) => Learned::prior(why),
        Err(error) => {
            let code = Unlearned::Unreadable.code();
            tracing::warn!(%account, code, %error, "what was learned is not used");
            Learned::prior(Unlearned::Unreadable)
        }
    }
}

/// The fact that a plan begins with, where its policy decides by what was learned.
pub(crate) async fn begun(
    store: &dyn Store,
    state: &Execution,
    policy: &Policy,
) -> Option<FactKind> {
    let decides = policy.learning && policy.kind == PolicyKind::Adaptive;
    if !decides || state.learned.is_some() || state.preflight.is_some() {
        return None;
    }
    let learned = load(store, &state.plan.account, policy).await;
    Some(FactKind::Learned(Box::new(learned)))
}

/// Adds a finished plan: what its ledger says. The same again changes nothing. Where nothing is kept, or what is kept is odd,
/// it is made of the ledger anew.
///
/// # Errors
/// [`StoreError::Unclear`]: the same again is right. A store that refuses is noted, and stops nothing.
pub async fn add(
    store: &Arc<dyn Store>,
    state: &Execution,
    policy: &Policy,
) -> Result<(), StoreError> {
    if !policy.learning {
        return Ok(());
    }
    match added(store.as_ref(), state).await {
        Err(StoreError::Refused(why)) => {
            tracing::warn!(plan_id = %state.plan.plan_id, code = "LEARNING_UNWRITTEN", why, "a plan's crosses were not learned from");
            Ok(())
        }
        done => done,
    }
}

async fn added(store: &dyn Store, state: &Execution) -> Result<(), StoreError> {
    let (account, plan) = (&state.plan.account, &state.plan.plan_id);
    let (date, paid) =
        (trading_date(state.plan.received_at), learning::paid(&ledger::lines(state)));
    for _ in 0..TRIES {
        let (number, is_new, mut crosses) = match newest(store, account).await? {
            Newest::Kept(number, kept) => (number, false, kept.crosses),
            Newest::None => (0, true, derived(store, account).await?),
            Newest::Odd(Some(number), Unlearned::Unreadable) => {
                (number, true, derived(store, account).await?)
            }
            // Another release's work is not undone, and before a foreign name nothing can be put.
            Newest::Odd(..) => return Ok(()),
        };
        if !crosses.note(date, plan, paid) && !is_new {
            return Ok(());
        }
        let kept = Kept { account: account.clone(), crosses };
        let key = learning::key(account, number.saturating_add(1));
        if create(store, &key, &kept.to_bytes()).await? {
            return Ok(());
        }
    }
    Err(StoreError::Unclear(format!("what account {account} learned changes too fast: try again")))
}

/// What is kept of an account, as it is.
///
/// # Errors
/// [`StoreError`] when it cannot be read.
pub async fn kept(
    store: &dyn Store,
    account: &AccountId,
) -> Result<Result<Crosses, Unlearned>, StoreError> {
    Ok(match newest(store, account).await? {
        Newest::Kept(_, kept) => Ok(kept.crosses),
        Newest::None => Err(Unlearned::Nothing),
        Newest::Odd(_, why) => Err(why),
    })
}

/// Makes what is kept of an account anew, of its ledger. True when that changed something.
///
/// # Errors
/// [`StoreError`] when the ledger cannot be read or the store does not take it, or before a name that is not one of ours.
pub async fn remake(store: &dyn Store, account: &AccountId) -> Result<bool, StoreError> {
    for _ in 0..TRIES {
        let crosses = derived(store, account).await?;
        let number = match newest(store, account).await? {
            Newest::None => 0,
            Newest::Kept(_, kept) if kept.crosses == crosses => return Ok(false),
            Newest::Kept(number, _) | Newest::Odd(Some(number), _) => number,
            Newest::Odd(None, _) => {
                let prefix = learning::prefix(account);
                let message = format!(
                    "expected nothing but numbers under {prefix}, found another name first: move it away"
                );
                return Err(StoreError::Refused(message));
            }
        };
        let kept = Kept { account: account.clone(), crosses };
        let key = learning::key(account, number.saturating_add(1));
        if create(store, &key, &kept.to_bytes()).await? {
            return Ok(true);
        }
    }
    Err(StoreError::Unclear(format!("what account {account} learned changes too fast: try again")))
}

/// What the ledger of an account says of its crosses: the newest [`PLANS_MAX`] plans.
///
/// # Errors
/// [`StoreError`] when the ledger cannot be read. A ledger that is not readable is left out.
pub async fn derived(store: &dyn Store, account: &AccountId) -> Result<Crosses, StoreError> {
    let prefix = format!("ledger/{}/", encode(account.as_str()));
    let mut plans: BTreeMap<(Date, PlanId), Vec<String>> = BTreeMap::new();
    for key in store.list(&prefix, KEYS_MAX).await? {
        if let Some(plan) = key.strip_prefix(&prefix).and_then(plan_of) {
            plans.entry(plan).or_default().push(key);
        }
    }
    while plans.len() > PLANS_MAX {
        plans.pop_first();
    }
    let mut crosses = Crosses::default();
    for ((date, plan), keys) in plans {
        let mut lines: Vec<LedgerLine> = Vec::new();
        for key in keys {
            let bytes = store.get(&key).await?.unwrap_or_default();
            let more = ledger::from_bytes(&bytes);
            if more.is_none() {
                tracing::warn!(%key, "a ledger that is not readable is not learned from");
            }
            lines.extend(more.unwrap_or_default());
        }
        crosses.note(date, &plan, learning::paid(&lines));
    }
    Ok(crosses)
}

/// The plan of a ledger or a supplement: `date=YYYY-MM-DD/{plan}.jsonl`, `date=…/{plan}.supplement-01.jsonl`.
fn plan_of(name: &str) -> Option<(Date, PlanId)> {
    let (date, file) = name.strip_prefix("date=")?.split_once('/')?;
    // An encoded name has no dot.
    let plan = file.strip_suffix(".jsonl")?.split('.').next()?;
    Some((date.parse().ok()?, PlanId::new(&decode(plan)?).ok()?))
}
