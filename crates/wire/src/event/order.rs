//! One entry of `orders[]`: a leg, in the original's words and ours.

use alchemiser_core::{
    child::OrderKind,
    execution::Execution,
    ledger,
    leg::{Leg, LegOutcome, Reason},
};
use jiff::Timestamp;
use serde::Serialize;

#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the names are the consumers'")]
pub(super) struct Order {
    /// The symbol.
    symbol: String,
    /// `BUY` or `SELL`.
    action: &'static str,
    /// Dollars filled.
    trade_amount: String,
    /// Shares filled.
    shares: String,
    /// The average price.
    price: Option<String>,
    /// The broker's id of the last order.
    order_id: Option<String>,
    /// The leg was filled.
    success: bool,
    /// The code of the reason, if it was not.
    error_message: Option<String>,
    /// When the leg began.
    timestamp: Timestamp,
    /// The type of its last order.
    order_type: &'static str,
    /// When it was last filled.
    filled_at: Option<Timestamp>,
    /// Our ids, one an order.
    client_order_ids: Vec<String>,
    /// Orders of the leg.
    attempts: usize,
    /// How they were priced.
    policy: Option<&'static str>,
    /// Cost against the mid at arrival.
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
