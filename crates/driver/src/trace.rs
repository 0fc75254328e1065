//! What happened, as lines of the log for people and their machines.

use alchemiser_core::{
    fact::{Fact, FactKind},
    leg::Reason,
};

/// One structured log event for each fact.
pub(crate) fn trace(fact: &Fact) {
    match &fact.kind {
        FactKind::Intent(intent) => tracing::info!(
            at = %fact.at, symbol = %intent.terms.symbol, client_order_id = %intent.client_order_id,
            side = intent.terms.side.word(), quantity = %intent.terms.quantity, limit = %intent.terms.limit,
            purpose = intent.purpose.word(), "intent"
        ),
        FactKind::Reported(symbol, attempt, report) => tracing::info!(
            at = %fact.at, %symbol, attempt, status = report.status.word(), cumulative = %report.cumulative, "reported"
        ),
        FactKind::CancelRequested(symbol, attempt, reason) => {
            tracing::info!(at = %fact.at, %symbol, attempt, reason = reason.word(), "cancel requested");
        }
        FactKind::LegFinished(symbol, outcome, _) => tracing::info!(
            at = %fact.at, %symbol, outcome = outcome.word(),
            reason = outcome.reason().map(Reason::code), "leg finished"
        ),
        FactKind::PhaseChanged(phase) => {
            tracing::info!(at = %fact.at, phase = phase.word(), "phase changed");
        }
        FactKind::HaltSeen(halt) => {
            tracing::warn!(at = %fact.at, who = %halt.who, why = %halt.why, "trading is halted");
        }
        FactKind::CancelSeen(by) => {
            tracing::warn!(at = %fact.at, who = %by.who, why = %by.why, "the plan was canceled");
        }
        FactKind::Reconciled(differences) if !differences.is_empty() => {
            tracing::warn!(at = %fact.at, ?differences, "positions are not what they should be");
        }
        FactKind::PlanStopped(code) => {
            tracing::warn!(at = %fact.at, code = code.code(), "plan stopped");
        }
        FactKind::Unresolved(symbol, attempt) => {
            tracing::warn!(at = %fact.at, %symbol, attempt, "order unresolved");
        }
        FactKind::Published(id) => tracing::debug!(at = %fact.at, event_id = %id, "published"),
        other => tracing::debug!(at = %fact.at, fact = ?other, "recorded"),
    }
}
