//! What a run came to, as one JSON object.

use alchemiser_core::{
    execution::Execution,
    ledger,
    leg::{Leg, LegOutcome, Reason},
};
use rust_decimal::Decimal;
use serde::Serialize;

use crate::{advice, exit::Exit, table::plain};

#[derive(Serialize)]
pub(crate) struct Report {
    plan_id: String,
    outcome: &'static str,
    already_executed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_reason: Option<String>,
    legs: Vec<LegReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    schedule: Option<advice::Said>,
    events: Vec<String>,
    log: String,
    ledger: String,
}

#[derive(Serialize)]
struct LegReport {
    symbol: String,
    side: &'static str,
    outcome: &'static str,
    reason: Option<&'static str>,
    target_quantity: Option<String>,
    filled_quantity: String,
    average_price: Option<String>,
    cost_bps: Option<String>,
    cost_half_spreads: Option<String>,
    children: usize,
    seconds: Option<String>,
}

/// Where a plan's log and ledger are.
pub(crate) struct Places {
    pub(crate) log: String,
    pub(crate) ledger: String,
}

pub(crate) fn outcome(state: &Execution) -> Exit {
    match &state.outcome {
        Some((outcome, _)) if outcome.completed => Exit::Completed,
        Some(_) | None => Exit::WorkflowFailed,
    }
}

pub(crate) fn report(
    state: &Execution,
    places: Places,
    (already_executed, schedule): (bool, Option<advice::Said>),
) -> Report {
    Report {
        plan_id: state.plan.plan_id.to_string(),
        outcome: outcome(state).word(),
        already_executed,
        failure_reason: state
            .outcome
            .as_ref()
            .and_then(|(outcome, _)| outcome.failure_reason.clone()),
        legs: state.legs.iter().map(leg).collect(),
        schedule,
        events: state.outbox.iter().map(|outgoing| outgoing.event.detail_type.clone()).collect(),
        log: places.log,
        ledger: places.ledger,
    }
}

fn leg(leg: &Leg) -> LegReport {
    let measures = ledger::measure(leg);
    let text = |value: Option<Decimal>| value.map(plain);
    LegReport {
        symbol: leg.symbol().to_string(),
        side: leg.side.word(),
        outcome: leg.outcome.map_or("open", LegOutcome::word),
        reason: leg.outcome.and_then(LegOutcome::reason).map(Reason::code),
        target_quantity: leg.sized.map(|sized| sized.target.to_string()),
        filled_quantity: leg.filled().to_string(),
        average_price: leg.average_price().map(|price| price.to_string()),
        cost_bps: text(measures.cost_bps),
        cost_half_spreads: text(measures.cost_half_spreads),
        children: leg.children.len(),
        seconds: text(measures.seconds),
    }
}
