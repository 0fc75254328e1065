//! A plan arrives: it is refused, or claimed in its log, and its execution is asked for.

use alchemiser_core::{
    execution::Execution,
    fact::{Announced, Fact, FactKind},
    ids::PlanId,
    plan::{Age, Plan, PlanRefused},
    policy::Policy,
};
use alchemiser_wire::{
    event, incoming,
    plan::{self, Accounts},
    request::{Request, Why},
};
use thiserror::Error;

use crate::{
    log::{Author, ExecutionLog, LogError, create},
    ports::{Desk, PublishError, Store, StoreError, marker_key},
};

/// What plans are judged by.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The accounts.
    pub accounts: Accounts,
    /// The thresholds.
    pub policy: Policy,
    /// How a plan's age is judged.
    pub age: Age,
}

/// What became of an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// A new plan; its execution was asked for.
    Claimed(PlanId),
    /// A plan that is known and not finished; its execution was asked for again.
    Resumed(PlanId),
    /// A plan that is known and finished; nothing was done.
    Finished(PlanId),
    /// An input that was refused; `WorkflowFailed` was published.
    Refused(PlanRefused),
    /// A known plan's id with other content: refused, and the first one is not disturbed.
    Conflict(PlanRefused),
    /// An event of another type; nothing was done.
    Ignored(String),
}

/// An input that could not be dealt with now.
#[derive(Debug, Error)]
pub enum AcceptError {
    /// The log could not be read or written.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The bus failed.
    #[error(transparent)]
    Publish(#[from] PublishError),
}

impl AcceptError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Log(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::Publish(_) => "UNPUBLISHED",
        }
    }
}

/// Takes one event.
///
/// # Errors
/// [`AcceptError`] when the store or the bus fails: the event must come again.
pub async fn accept(desk: &Desk, bytes: &[u8], rules: &Rules) -> Result<Accepted, AcceptError> {
    let envelope = match incoming::envelope(bytes) {
        Ok(envelope) if envelope.detail_type != plan::DETAIL_TYPE => {
            tracing::info!(detail_type = %envelope.detail_type, "an event of another type was ignored");
            return Ok(Accepted::Ignored(envelope.detail_type));
        }
        Ok(envelope) => envelope,
        Err(refused) => return refuse(desk, bytes, rules, refused).await,
    };
    let received_at = desk.clock.now();
    let draft = plan::read(&envelope, &rules.accounts);
    let checked = draft.and_then(|draft| Plan::new(draft, received_at, rules.policy.plan_max_age));
    match checked {
        Ok(plan) => claim(desk, bytes, rules, plan).await,
        Err(refused) => refuse(desk, bytes, rules, refused).await,
    }
}

async fn claim(
    desk: &Desk,
    bytes: &[u8],
    rules: &Rules,
    plan: Plan,
) -> Result<Accepted, AcceptError> {
    let mut log = ExecutionLog::new(desk.store.clone(), &plan.account, plan.plan_id.as_str());
    if let Some(known) = known(&mut log, &rules.policy).await? {
        return meet(desk, &plan, &known).await;
    }
    let plan = match plan
        .check_totals()
        .and_then(|()| plan.check_age(rules.age, rules.policy.plan_max_age))
    {
        Ok(plan) => plan,
        Err(refused) => return refuse(desk, bytes, rules, refused).await,
    };
    mark(desk, &plan).await?;
    let at = plan.received_at;
    let author = Author { epoch: 0, owner: desk.owner.clone(), until: at };
    let fact = Fact { at, kind: FactKind::Claimed(Box::new(plan.clone())) };
    match log.append(&author, at, vec![fact]).await {
        Ok(_) => {
            ask(desk, &plan, 0).await?;
            tracing::info!(plan_id = %plan.plan_id, correlation_id = %plan.correlation_id, "claimed");
            Ok(Accepted::Claimed(plan.plan_id))
        }
        Err(LogError::Lost { .. }) => match known(&mut log, &rules.policy).await? {
            Some(known) => meet(desk, &plan, &known).await,
            None => {
                Err(StoreError::Unclear("an entry that exists cannot be read".to_owned()).into())
            }
        },
        Err(error) => Err(error.into()),
    }
}

async fn known(log: &mut ExecutionLog, policy: &Policy) -> Result<Option<Execution>, LogError> {
    let entries = log.read_on().await?;
    Ok(Execution::fold(entries.iter().flat_map(|entry| &entry.facts), policy))
}

/// The plan is known: the same again is asked for again unless it is over; another of the same id is refused.
async fn meet(desk: &Desk, plan: &Plan, known: &Execution) -> Result<Accepted, AcceptError> {
    if let Some(conflict) = known.plan.difference(plan) {
        tracing::error!(plan_id = %plan.plan_id, %conflict, "a known plan id came with other content");
        return Ok(Accepted::Conflict(conflict));
    }
    if known.is_complete() {
        // Its last owner may have died before it gave the account back; the marker says so.
        let marker = marker_key(&plan.account, plan.plan_id.as_str());
        if desk.store.get(&marker).await?.is_some() {
            ask(desk, &known.plan, known.epoch).await?;
        }
        return Ok(Accepted::Finished(plan.plan_id.clone()));
    }
    mark(desk, plan).await?;
    ask(desk, &known.plan, known.epoch).await?;
    Ok(Accepted::Resumed(plan.plan_id.clone()))
}

/// Leaves the marker of a plan that is not over.
pub(crate) async fn mark(desk: &Desk, plan: &Plan) -> Result<(), StoreError> {
    let key = marker_key(&plan.account, plan.plan_id.as_str());
    let marker = desk.clock.now().to_string();
    desk.store.put_if_absent(&key, marker.as_bytes()).await.map(|_| ())
}

async fn ask(desk: &Desk, plan: &Plan, epoch: u32) -> Result<(), PublishError> {
    request(
        desk,
        &Request {
            account: plan.account.clone(),
            plan_id: plan.plan_id.clone(),
            correlation_id: plan.correlation_id.clone(),
            causation_id: plan.source_event.clone(),
            epoch,
            why: Why::Claimed,
        },
    )
    .await
}

/// Publishes a request. It is a hint, not a fact: the log says what is to be done.
pub(crate) async fn request(desk: &Desk, request: &Request) -> Result<(), PublishError> {
    let at = desk.clock.now();
    let event = Announced {
        event_id: request.event_id(),
        detail_type: alchemiser_wire::request::DETAIL_TYPE.to_owned(),
        detail: request.detail(at),
    };
    desk.publisher.publish(&event, at).await
}

/// Records a refusal under its input's id, once, and publishes `WorkflowFailed` until the bus has it.
async fn refuse(
    desk: &Desk,
    bytes: &[u8],
    rules: &Rules,
    refused: PlanRefused,
) -> Result<Accepted, AcceptError> {
    let account = &rules.accounts.default;
    let source = incoming::source_id(bytes);
    let mut log = ExecutionLog::new(desk.store.clone(), account, &format!("refused-{source}"));
    let now = desk.clock.now();
    let entries = log.read_on().await?;
    let mut facts: Vec<Fact> = entries.into_iter().flat_map(|entry| entry.facts).collect();
    let author = Author { epoch: 0, owner: desk.owner.clone(), until: now };
    if facts.is_empty() {
        let event =
            event::refused(&refused, account, &source, incoming::correlation_id(bytes), now);
        let kinds = [FactKind::InputRefused(refused.clone()), FactKind::Announced(Box::new(event))];
        facts = kinds.into_iter().map(|kind| Fact { at: now, kind }).collect();
        log.append(&author, now, facts.clone()).await?;
    }
    let published = facts.iter().any(|fact| matches!(fact.kind, FactKind::Published(_)));
    let event = facts.iter().find_map(|fact| match &fact.kind {
        FactKind::Announced(event) => Some(event.as_ref().clone()),
        _ => None,
    });
    if let Some(event) = event.filter(|_| !published) {
        desk.publisher.publish(&event, now).await?;
        let fact = Fact { at: now, kind: FactKind::Published(event.event_id) };
        log.append(&author, now, vec![fact]).await?;
    }
    tracing::warn!(source_event = %source, %refused, "an input was refused");
    Ok(Accepted::Refused(refused))
}

/// Whether a store keeps what it promises: of two creations of one key, the second must fail.
///
/// # Errors
/// [`StoreError::Refused`] for a store that accepts both.
pub async fn probe(store: &dyn Store) -> Result<(), StoreError> {
    let key = "probe/create-once";
    create(store, key, b"1").await.map(|_| ())?;
    match store.put_if_absent(key, b"2").await? {
        crate::ports::Put::Exists => Ok(()),
        crate::ports::Put::Created => Err(StoreError::Refused(
            "this store ignores If-None-Match: it created one key twice, so it cannot keep an execution log".to_owned(),
        )),
    }
}
