//! The events we publish: names, types and nesting as their consumers know them, our additions as new optional fields.

mod order;
#[cfg(feature = "schema")]
mod schema;
mod settled;

use std::collections::BTreeMap;

use alchemiser_core::{
    announce::Event,
    execution::Execution,
    fact::{Announced, Phase},
    ids::{AccountId, EventId},
    ledger,
    plan::PlanRefused,
    side::Side,
};
use jiff::Timestamp;
use serde::Serialize;

use order::{Order, order};
#[cfg(feature = "schema")]
pub use schema::schemas;
use settled::{bulk_settled, order_settled, phase_completed};

/// The EventBridge `source` of everything that we publish.
pub const SOURCE: &str = "alchemiser.execution";

/// Details larger than this carry fewer orders: older targets take 256 KB for a whole entry.
const DETAIL_MAX: usize = 240_000;

#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Serialize)]
struct Common {
    /// The workflow that the event belongs to; the same from the plan to its end.
    correlation_id: String,
    /// The event that caused this one.
    causation_id: String,
    /// The event's own id. It derives from what the event says: a copy has the same one, and the same bytes.
    event_id: String,
    /// The detail-type once more.
    event_type: &'static str,
    /// When it was written, UTC.
    timestamp: Timestamp,
    /// Which part of the system speaks.
    source_module: &'static str,
    /// Which part of that; none.
    source_component: Option<&'static str>,
    /// When what happened.
    metadata: Option<Metadata>,
    /// The version of this schema.
    schema_version: &'static str,
}

#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Serialize)]
struct Metadata {
    /// When the event was written.
    execution_timestamp: Timestamp,
    /// Always `alchemiser`.
    source: &'static str,
    /// The plan's times.
    timing: Timing,
}

/// When what happened, as far as it happened.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Serialize)]
struct Timing {
    /// When the plan was claimed.
    received_at: Timestamp,
    /// When the account was found fit.
    preflight_at: Option<Timestamp>,
    /// When the first order was sent.
    first_order_at: Option<Timestamp>,
    /// When each phase began.
    phases: BTreeMap<&'static str, Timestamp>,
    /// When the outcome was known.
    outcome_at: Option<Timestamp>,
}

#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Serialize)]
struct Whole<T> {
    #[serde(flatten)]
    common: Common,
    #[serde(flatten)]
    own: T,
}

/// Makes the bytes of an event. They are recorded and published as they are, however often.
pub fn render(event: &Event, state: &Execution, at: Timestamp) -> Announced {
    let detail = match event {
        Event::Started => json(event, state, at, started(state)),
        Event::OrderSettled(id) => {
            let found = state
                .legs
                .iter()
                .flat_map(|leg| leg.children.iter().map(move |child| (leg, child)));
            let found = found.into_iter().find(|(_, child)| child.client_order_id == *id);
            json(event, state, at, found.map(|(leg, child)| order_settled(leg, child, state)))
        }
        Event::BulkSettled => json(event, state, at, bulk_settled(state)),
        Event::PhaseCompleted(side) => json(event, state, at, phase_completed(*side, state)),
        Event::Executed => executed(event, state, at),
        Event::Completed => json(event, state, at, completed(state, at)),
        Event::Failed => json(event, state, at, failed(state)),
    };
    Announced { event_id: event.id(state), detail_type: event.detail_type().to_owned(), detail }
}

fn json(event: &Event, state: &Execution, at: Timestamp, own: impl Serialize) -> String {
    let metadata = matches!(event, Event::Executed | Event::Completed | Event::Failed)
        .then(|| timing(state, at));
    let common = Common {
        correlation_id: state.plan.correlation_id.to_string(),
        causation_id: state.plan.source_event.to_string(),
        event_id: event.id(state).to_string(),
        event_type: event.detail_type(),
        timestamp: at,
        source_module: "execution",
        source_component: None,
        metadata,
        schema_version: "1.0",
    };
    serde_json::to_string(&Whole { common, own }).unwrap_or_default()
}

fn timing(state: &Execution, at: Timestamp) -> Metadata {
    let phases = state.entered.iter().filter(|(phase, _)| *phase != Phase::Preparing);
    Metadata {
        execution_timestamp: at,
        source: "alchemiser",
        timing: Timing {
            received_at: state.plan.received_at,
            preflight_at: state.preflight.as_ref().map(|(_, at)| *at),
            first_order_at: state.first_order_at,
            phases: phases.map(|(phase, at)| (phase.word(), *at)).collect(),
            outcome_at: state.outcome.as_ref().map(|(_, at)| *at),
        },
    }
}

#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Serialize)]
struct Started {
    /// What will be traded.
    execution_plan: StartedPlan,
    /// Nothing; the original's field.
    portfolio_state_before: Option<()>,
    /// `live`, `paper` or `simulated`.
    trade_mode: &'static str,
    /// Nothing; the original's field.
    market_conditions: Option<()>,
}

#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Serialize)]
struct StartedPlan {
    /// The plan.
    plan_id: String,
    /// Dollars that the plan wants to move.
    total_trade_value: String,
    /// Legs to sell.
    sells: usize,
    /// Legs to buy.
    buys: usize,
    /// How orders are priced.
    policy: &'static str,
}

fn started(state: &Execution) -> Option<Started> {
    let (preflight, _) = state.preflight.as_ref()?;
    Some(Started {
        execution_plan: StartedPlan {
            plan_id: state.plan.plan_id.to_string(),
            total_trade_value: state.plan.trade_value.to_string(),
            sells: state.side(Side::Sell).count(),
            buys: state.side(Side::Buy).count(),
            policy: preflight.policy.word(),
        },
        portfolio_state_before: None,
        trade_mode: preflight.mode.word(),
        market_conditions: None,
    })
}

#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Serialize)]
struct Executed<'a> {
    /// What was done.
    execution_data: ExecutionData<'a>,
    /// Every placed leg was filled.
    success: bool,
    /// Legs that sent an order.
    orders_placed: u32,
    /// Legs that were filled.
    orders_succeeded: u32,
    /// Why not, in words.
    failure_reason: Option<String>,
    /// Which not.
    failed_symbols: Vec<String>,
}

#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Serialize)]
struct ExecutionData<'a> {
    /// The plan.
    plan_id: String,
    /// Legs that sent an order.
    orders_placed: u32,
    /// Legs that were filled.
    orders_succeeded: u32,
    /// Dollars traded.
    total_trade_value: String,
    /// When the event was written.
    execution_timestamp: Timestamp,
    /// Every placed leg was filled.
    success: bool,
    /// The outcome's word.
    status: &'static str,
    /// `no_trades_needed`, where nothing was to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    scenario: Option<&'static str>,
    /// One entry a leg.
    orders: &'a [Order],
    /// There were more legs than an event holds; the ledger has all.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    orders_truncated: bool,
    /// Where the ledger is.
    ledger_key: String,
}

fn executed(event: &Event, state: &Execution, at: Timestamp) -> String {
    let Some((outcome, _)) = &state.outcome else { return String::new() };
    let orders: Vec<Order> = state.legs.iter().map(|leg| order(leg, state, at)).collect();
    let with = |orders: &[Order]| {
        let own = Executed {
            execution_data: ExecutionData {
                plan_id: state.plan.plan_id.to_string(),
                orders_placed: outcome.placed,
                orders_succeeded: outcome.succeeded,
                total_trade_value: ledger::traded(state).to_string(),
                execution_timestamp: at,
                success: outcome.completed,
                status: outcome.status.word(),
                scenario: outcome.no_trades_needed.then_some("no_trades_needed"),
                orders,
                orders_truncated: orders.len() < state.legs.len(),
                ledger_key: crate::ledger::key(state),
            },
            success: outcome.completed,
            orders_placed: outcome.placed,
            orders_succeeded: outcome.succeeded,
            failure_reason: outcome.failure_reason.clone(),
            failed_symbols: outcome.failed_symbols.iter().map(ToString::to_string).collect(),
        };
        json(event, state, at, own)
    };
    let mut kept = orders.as_slice();
    let mut detail = with(kept);
    while detail.len() > DETAIL_MAX && !kept.is_empty() {
        kept = kept.split_at(kept.len() / 2).0;
        detail = with(kept);
    }
    detail
}

#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Serialize)]
struct CompletedDetail {
    /// Always `trading`.
    workflow_type: &'static str,
    /// From the claim to the end.
    workflow_duration_ms: i64,
    /// Always true.
    success: bool,
    /// The outcome in short.
    summary: Summary,
}

#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Serialize)]
struct Summary {
    /// Legs that sent an order.
    orders_placed: u32,
    /// Legs that were filled.
    orders_succeeded: u32,
    /// Dollars traded.
    total_trade_value: String,
    /// The plan.
    execution_plan_id: String,
    /// The outcome's word.
    status: &'static str,
    /// The account.
    account: String,
}

fn duration_ms(state: &Execution, at: Timestamp) -> i64 {
    i64::try_from(at.duration_since(state.plan.received_at).as_millis()).unwrap_or(i64::MAX)
}

fn completed(state: &Execution, at: Timestamp) -> Option<CompletedDetail> {
    let (outcome, _) = state.outcome.as_ref()?;
    Some(CompletedDetail {
        workflow_type: "trading",
        workflow_duration_ms: duration_ms(state, at),
        success: true,
        summary: Summary {
            orders_placed: outcome.placed,
            orders_succeeded: outcome.succeeded,
            total_trade_value: ledger::traded(state).to_string(),
            execution_plan_id: state.plan.plan_id.to_string(),
            status: outcome.status.word(),
            account: state.plan.account.to_string(),
        },
    })
}

#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Serialize)]
struct Failed {
    /// Always `trading_execution`.
    workflow_type: &'static str,
    /// Why, in words.
    failure_reason: String,
    /// Where it stopped.
    failure_step: String,
    /// What a program needs.
    error_details: ErrorDetails,
}

#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Serialize)]
struct ErrorDetails {
    /// `RebalancePlanned`.
    original_event_type: &'static str,
    /// The plan's event.
    original_event_id: String,
    /// The stable code.
    code: String,
    /// The plan, where it could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    plan_id: Option<String>,
    /// The account.
    account: String,
    /// Legs that were not filled.
    failed_symbols: Vec<String>,
    /// The field that was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
}

fn failed(state: &Execution) -> Option<Failed> {
    let (outcome, _) = state.outcome.as_ref()?;
    Some(Failed {
        workflow_type: "trading_execution",
        failure_reason: outcome.failure_reason.clone().unwrap_or_default(),
        failure_step: outcome.failure_step.clone().unwrap_or_default(),
        error_details: ErrorDetails {
            original_event_type: crate::plan::DETAIL_TYPE,
            original_event_id: state.plan.source_event.to_string(),
            code: outcome.code.clone().unwrap_or_default(),
            plan_id: Some(state.plan.plan_id.to_string()),
            account: state.plan.account.to_string(),
            failed_symbols: outcome.failed_symbols.iter().map(ToString::to_string).collect(),
            field: None,
        },
    })
}

/// `WorkflowFailed` for an input that was refused: its id derives from the input's.
pub fn refused(
    refusal: &PlanRefused,
    account: &AccountId,
    source_id: &str,
    correlation_id: Option<String>,
    at: Timestamp,
) -> Announced {
    let event_id = EventId::derive(account, source_id, "Workflow", "");
    let common = Common {
        correlation_id: correlation_id.unwrap_or_else(|| source_id.to_owned()),
        causation_id: source_id.to_owned(),
        event_id: event_id.to_string(),
        event_type: Event::Failed.detail_type(),
        timestamp: at,
        source_module: "execution",
        source_component: None,
        metadata: None,
        schema_version: "1.0",
    };
    let own = Failed {
        workflow_type: "trading_execution",
        failure_reason: refusal.to_string(),
        failure_step: "validation".to_owned(),
        error_details: ErrorDetails {
            original_event_type: crate::plan::DETAIL_TYPE,
            original_event_id: source_id.to_owned(),
            code: refusal.code.code().to_owned(),
            plan_id: None,
            account: account.to_string(),
            failed_symbols: Vec::new(),
            field: Some(refusal.field.clone()),
        },
    };
    let detail = serde_json::to_string(&Whole { common, own }).unwrap_or_default();
    Announced { event_id, detail_type: Event::Failed.detail_type().to_owned(), detail }
}
