//! One entry of `orders[]`: a leg, in the original's words and ours.

use alchemiser_core::{
    child::OrderKind,
    execution::Execution,
    ledger,
    leg::{Leg, LegOutcome, Reason},
};
use jiff::Timestamp;
use serde::Serialize;

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the names are the consumers'")]
pub(super) struct Order {
    symbol: String,
    action: &'static str,
    trade_amount: String,
    shares: String,
    price: Option<String>,
    order_id: Option<String>,
    success: bool,
    error_message: Option<String>,
    timestamp: Timestamp,
    order_type: &'static str,
    filled_at: Option<Timestamp>,
    client_order_ids: Vec<String>,
    attempts: usize,
    policy: Option<&'static str>,
    slippage_bps: Option<String>,
}

pub(super) fn order(leg: &Leg, state: &Execution, at: Timestamp) -> Order {
    let filled = leg.outcome == Some(LegOutcome::Filled);
    let newest_fill = leg.children.iter().filter_map(|child| child.filled_at).max();
    Order {
        symbol: leg.symbol().to_string(),
        action: leg.side.action(),
        trade_amount: leg.filled_notional().to_string(),
        shares: leg.filled().to_string(),
        price: leg.average_price().map(|price| price.to_string()),
        order_id: leg
            .children
            .iter()
            .rev()
            .find_map(|child| child.broker_order_id.as_ref())
            .map(ToString::to_string),
        success: filled,
        error_message: leg
            .outcome
            .and_then(LegOutcome::reason)
            .map(|reason| Reason::code(reason).to_owned()),
        timestamp: leg.started_at.unwrap_or(at),
        order_type: order_type(leg),
        filled_at: newest_fill,
        client_order_ids: leg
            .children
            .iter()
            .map(|child| child.client_order_id.to_string())
            .collect(),
        attempts: leg.children.len(),
        policy: state.preflight.as_ref().map(|(preflight, _)| preflight.policy.word()),
        slippage_bps: ledger::measure(leg).cost_bps.map(|bps| bps.normalize().to_string()),
    }
}

/// As the original says it: the type of the leg's newest order.
fn order_type(leg: &Leg) -> &'static str {
    match leg.children.last().map(|child| child.terms.kind) {
        Some(OrderKind::Market) => "MARKET",
        Some(OrderKind::Limit) | None => "LIMIT",
    }
}
