//! What a plan does, as metrics, in the moment in which it is in the log.

use alchemiser_core::{
    execution::Execution,
    fact::{Fact, FactKind},
    ledger,
    leg::LegOutcome,
    outcome::Outcome,
};
use alchemiser_driver::ports::Watcher;
use jiff::Timestamp;

use crate::metrics::{Measured, Metric, Metrics};

/// Measures what is committed.
#[derive(Clone, Debug)]
pub struct MetricWatcher {
    metrics: Metrics,
}

impl MetricWatcher {
    /// Measures for a stage.
    pub fn new(metrics: Metrics) -> Self {
        Self { metrics }
    }
}

impl Watcher for MetricWatcher {
    fn committed(&self, state: &Execution, facts: &[Fact]) {
        let mut measured = Measured::none();
        for fact in facts {
            measured = measure(measured, state, fact);
        }
        self.metrics.emit(&measured, state.last_at);
    }
}

/// Only what people are told of at once; the rest is in the log.
fn measure(measured: Measured, state: &Execution, fact: &Fact) -> Measured {
    if let FactKind::OutcomeReached(outcome) = &fact.kind {
        of_outcome(measured, state, outcome, fact.at)
    } else if let FactKind::Unresolved(..) = &fact.kind {
        measured.with(Metric::OrdersUnresolved, 1)
    } else if let FactKind::HaltSeen(_) = &fact.kind {
        measured.with(Metric::TradingHalts, 1)
    } else {
        measured
    }
}

fn of_outcome(measured: Measured, state: &Execution, outcome: &Outcome, at: Timestamp) -> Measured {
    let metric = if outcome.completed { Metric::PlansCompleted } else { Metric::PlansFailed };
    let done = state.legs.iter().filter(|leg| leg.outcome.is_some_and(LegOutcome::is_done)).count();
    let costs = state.legs.iter().filter_map(|leg| ledger::measure(leg).cost_half_spreads);
    let since_receipt =
        |at: Timestamp| at.duration_since(state.plan.received_at).as_millis().to_string();
    let orders = usize::try_from(state.orders_sent()).unwrap_or(usize::MAX);
    measured
        .with(metric, 1)
        .with(Metric::LegsDone, done)
        .with(Metric::LegsMissed, state.legs.len().saturating_sub(done))
        .with(Metric::OrdersSent, orders)
        .values(Metric::CostHalfSpreads, costs.map(|cost| cost.round_dp(4).to_string()))
        .values(Metric::FirstOrderMilliseconds, state.first_order_at.map(since_receipt))
        .values(Metric::PlanMilliseconds, [since_receipt(at)])
}
