//! How a plan ended, and the one place that says why.

use crate::{
    execution::Execution,
    ids::Symbol,
    leg::{Leg, LegOutcome},
    side::Side,
};

/// The status of a finished plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PlanStatus {
    /// Everything is done.
    Success,
    /// Something is done and something is not.
    PartialSuccess,
    /// Nothing is done although something was to be.
    Failure,
}

impl PlanStatus {
    /// The events' word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::PartialSuccess => "partial_success",
            Self::Failure => "failure",
        }
    }
}

/// How a plan ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The status.
    pub status: PlanStatus,
    /// `WorkflowCompleted` is published; otherwise `WorkflowFailed`.
    pub completed: bool,
    /// Nothing had to be placed.
    pub no_trades_needed: bool,
    /// Legs with at least one order that the broker took.
    pub placed: u32,
    /// Placed legs that were filled, but for a residue.
    pub succeeded: u32,
    /// Symbols of the legs that are not done, in the plan's order.
    pub failed_symbols: Vec<Symbol>,
    /// Why, for people.
    pub failure_reason: Option<String>,
    /// The step that failed.
    pub failure_step: Option<String>,
    /// The stable code of the failure.
    pub code: Option<String>,
}

fn count(legs: impl Iterator<Item = bool>) -> u32 {
    u32::try_from(legs.filter(|counts| *counts).count()).unwrap_or(u32::MAX)
}

/// Classifies a plan whose legs are over (design, domain §7).
pub fn classify(execution: &Execution) -> Outcome {
    let legs = &execution.legs;
    let placed = count(legs.iter().map(Leg::was_placed));
    let filled = |leg: &Leg| match leg.outcome {
        Some(LegOutcome::Filled) => leg.was_placed(),
        Some(LegOutcome::Residue) => !leg.filled().is_zero(),
        Some(_) | None => false,
    };
    let succeeded = count(legs.iter().map(filled));
    let failed: Vec<&Leg> =
        legs.iter().filter(|leg| !leg.outcome.is_some_and(LegOutcome::is_done)).collect();
    let status = if failed.is_empty() {
        PlanStatus::Success
    } else if placed == 0 || succeeded == 0 {
        PlanStatus::Failure
    } else {
        PlanStatus::PartialSuccess
    };
    let order_open = execution.has_open_orders();
    let acceptable = match status {
        PlanStatus::Success => true,
        PlanStatus::PartialSuccess => !execution.policy.partial_is_failure,
        PlanStatus::Failure => false,
    };
    let completed = acceptable && !order_open && execution.stop.is_none();
    let code = failure_code(execution, order_open, status);
    Outcome {
        status,
        completed,
        no_trades_needed: placed == 0 && failed.is_empty(),
        placed,
        succeeded,
        failed_symbols: failed.iter().map(|leg| leg.symbol().clone()).collect(),
        failure_reason: (!completed).then(|| failure_reason(execution, &failed, &code)),
        failure_step: (!completed).then(|| failure_step(execution).to_owned()),
        code: (!completed).then_some(code),
    }
}

fn failure_step(execution: &Execution) -> &'static str {
    if execution.first_order_at.is_none() && execution.stop.is_some() {
        "preflight"
    } else {
        "trade_execution"
    }
}

fn failure_code(execution: &Execution, order_open: bool, status: PlanStatus) -> String {
    let buys = execution.side(Side::Buy).next().is_some();
    let code = match (execution.stop, order_open) {
        (Some(stop), _) => stop.code(),
        (None, true) => "ORDER_OPEN",
        (None, false) if execution.sells_incomplete() && buys => "SELLS_INCOMPLETE",
        (None, false) => match status {
            PlanStatus::Success => "NONE",
            PlanStatus::PartialSuccess => "PARTIAL_EXECUTION",
            PlanStatus::Failure => "NO_LEG_FILLED",
        },
    };
    code.to_owned()
}

/// The one builder of failure reasons: what was reached, and every leg that was not, with its code.
fn failure_reason(execution: &Execution, failed: &[&Leg], code: &str) -> String {
    let done = execution.legs.len().saturating_sub(failed.len());
    let listed: Vec<String> = failed
        .iter()
        .take(20)
        .map(|leg| {
            let why = leg
                .outcome
                .and_then(LegOutcome::reason)
                .map_or("UNFINISHED", crate::leg::Reason::code);
            format!("{} {why}", leg.symbol())
        })
        .collect();
    let more = failed.len().saturating_sub(listed.len());
    let rest = if more == 0 { String::new() } else { format!(" and {more} more") };
    let reached = format!("{code}: {done}/{} legs done", execution.legs.len());
    if listed.is_empty() {
        return reached;
    }
    format!("{reached}; not done: {}{rest}", listed.join(", "))
}
