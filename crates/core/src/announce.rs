//! Which events the state calls for. Their bytes are made in `wire`; their ids are derived here.

use std::sync::Arc;

use jiff::Timestamp;

use crate::{
    execution::Execution,
    fact::{Announced, Phase},
    ids::{ClientOrderId, EventId},
    side::Side,
};

/// An event in the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The event.
    pub event: Arc<Announced>,
    /// When it was announced.
    pub at: Timestamp,
    /// The bus took it.
    pub published: bool,
}

impl Outgoing {
    pub(crate) fn announced(event: &Announced, at: Timestamp) -> Self {
        Self { event: Arc::new(event.clone()), at, published: false }
    }
}

/// An event to publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// `TradeExecutionStarted`: the plan passed its pre-flight.
    Started,
    /// `OrderSettlementCompleted`: a sell order ended with fills.
    OrderSettled(ClientOrderId),
    /// `BulkSettlementCompleted`: all sells are over and their proceeds were looked at.
    BulkSettled,
    /// `ExecutionPhaseCompleted`.
    PhaseCompleted(Side),
    /// `TradeExecuted`.
    Executed,
    /// `WorkflowCompleted`.
    Completed,
    /// `WorkflowFailed`.
    Failed,
}

impl Event {
    /// The detail-type.
    pub fn detail_type(&self) -> &'static str {
        match self {
            Self::Started => "TradeExecutionStarted",
            Self::OrderSettled(_) => "OrderSettlementCompleted",
            Self::BulkSettled => "BulkSettlementCompleted",
            Self::PhaseCompleted(_) => "ExecutionPhaseCompleted",
            Self::Executed => "TradeExecuted",
            Self::Completed => "WorkflowCompleted",
            Self::Failed => "WorkflowFailed",
        }
    }

    /// What tells two events of one type apart.
    fn subject(&self) -> String {
        match self {
            Self::OrderSettled(id) => id.to_string(),
            Self::PhaseCompleted(Side::Sell) => "SELL_PHASE".to_owned(),
            Self::PhaseCompleted(Side::Buy) => "BUY_PHASE".to_owned(),
            Self::Started | Self::BulkSettled | Self::Executed | Self::Completed | Self::Failed => {
                String::new()
            }
        }
    }

    /// The event's id: the same for every copy. Both terminal events share one, so that there can never be two.
    pub fn id(&self, state: &Execution) -> EventId {
        let kind = match self {
            Self::Completed | Self::Failed => "Workflow",
            Self::Started
            | Self::OrderSettled(_)
            | Self::BulkSettled
            | Self::PhaseCompleted(_)
            | Self::Executed => self.detail_type(),
        };
        EventId::derive(&state.plan.account, state.plan.plan_id.as_str(), kind, &self.subject())
    }
}

/// Every event that the state calls for, in the order in which they are published.
pub fn events(state: &Execution) -> Vec<Event> {
    let mut events = Vec::new();
    if state.preflight.is_some() {
        events.push(Event::Started);
    }
    let passed = |phase: Phase| {
        state.entered.iter().any(|(entered, _)| *entered == phase) && state.phase > phase
    };
    if passed(Phase::Selling) {
        let sold = state.side(Side::Sell).flat_map(|leg| &leg.children);
        let settled = sold.filter(|child| child.is_settled() && !child.cumulative.is_zero());
        let settled: Vec<Event> =
            settled.map(|child| Event::OrderSettled(child.client_order_id.clone())).collect();
        let any = !settled.is_empty();
        events.extend(settled);
        events.push(Event::PhaseCompleted(Side::Sell));
        if any && state.phase > Phase::Proceeds {
            events.push(Event::BulkSettled);
        }
    }
    if passed(Phase::Buying) {
        events.push(Event::PhaseCompleted(Side::Buy));
    }
    if let (Some((outcome, _)), true) = (&state.outcome, state.is_finished()) {
        events.push(Event::Executed);
        events.push(if outcome.completed { Event::Completed } else { Event::Failed });
    }
    events
}
