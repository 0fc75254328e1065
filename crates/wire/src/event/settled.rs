//! What was settled: an order, all sells, a phase.

use std::collections::BTreeMap;

use alchemiser_core::{
    child::ChildOrder,
    execution::Execution,
    leg::{Leg, LegOutcome},
    side::Side,
};
use serde::Serialize;

fn broker_id(child: &ChildOrder) -> String {
    child
        .broker_order_id
        .as_ref()
        .map_or_else(|| child.client_order_id.to_string(), ToString::to_string)
}

#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Serialize)]
pub(super) struct OrderSettled {
    /// The broker's id.
    order_id: String,
    /// The symbol.
    symbol: String,
    /// `BUY` or `SELL`.
    side: &'static str,
    /// Shares that were filled.
    settled_quantity: String,
    /// Their average price; null where the broker has not said it.
    settlement_price: Option<String>,
    /// Dollars.
    settled_value: String,
    /// The same dollars.
    buying_power_released: String,
    /// The workflow.
    original_correlation_id: String,
    /// Our id.
    client_order_id: String,
}

pub(super) fn order_settled(leg: &Leg, child: &ChildOrder, state: &Execution) -> OrderSettled {
    OrderSettled {
        order_id: broker_id(child),
        symbol: leg.symbol().to_string(),
        side: leg.side.action(),
        settled_quantity: child.cumulative.to_string(),
        settlement_price: child.average_price.map(|price| price.to_string()),
        settled_value: child.filled_notional().to_string(),
        buying_power_released: child.filled_notional().to_string(),
        original_correlation_id: state.plan.correlation_id.to_string(),
        client_order_id: child.client_order_id.to_string(),
    }
}

#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Serialize)]
pub(super) struct BulkSettled {
    /// The broker's ids of the sells that were filled.
    settled_order_ids: Vec<String>,
    /// Dollars.
    total_buying_power_released: String,
    /// By the broker's id.
    settlement_details: BTreeMap<String, SettledDetail>,
    /// The plan.
    execution_plan_id: String,
    /// Dollars that the account was seen to have for the buys.
    proceeds_verified: Option<String>,
}

#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Serialize)]
struct SettledDetail {
    /// The symbol.
    symbol: String,
    /// `BUY` or `SELL`.
    side: &'static str,
    /// Shares.
    settled_quantity: String,
    /// Their average price.
    settlement_price: Option<String>,
    /// Dollars.
    settled_value: String,
    /// `filled` or `partially_filled`.
    status: &'static str,
    /// The broker's id.
    order_id: String,
}

pub(super) fn bulk_settled(state: &Execution) -> BulkSettled {
    let sold =
        state.side(Side::Sell).flat_map(|leg| leg.children.iter().map(move |child| (leg, child)));
    let sold: Vec<_> = sold.filter(|(_, child)| !child.cumulative.is_zero()).collect();
    let detail = |(leg, child): &(&Leg, &ChildOrder)| SettledDetail {
        symbol: leg.symbol().to_string(),
        side: leg.side.action(),
        settled_quantity: child.cumulative.to_string(),
        settlement_price: child.average_price.map(|price| price.to_string()),
        settled_value: child.filled_notional().to_string(),
        status: if child.leaves().is_zero() { "filled" } else { "partially_filled" },
        order_id: broker_id(child),
    };
    BulkSettled {
        settled_order_ids: sold.iter().map(|(_, child)| broker_id(child)).collect(),
        total_buying_power_released: state.proceeds().to_string(),
        settlement_details: sold.iter().map(|line| (broker_id(line.1), detail(line))).collect(),
        execution_plan_id: state.plan.plan_id.to_string(),
        proceeds_verified: state.funds.map(|(funds, _)| funds.proceeds.to_string()),
    }
}

#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Serialize)]
pub(super) struct PhaseCompleted {
    /// `SELL_PHASE` or `BUY_PHASE`.
    phase_type: &'static str,
    /// The plan.
    plan_id: String,
    /// The last order of each leg that was placed.
    completed_orders: Vec<String>,
    /// Those of legs that were filled.
    successful_orders: Vec<String>,
    /// Those of the other legs.
    failed_orders: Vec<String>,
    /// Counts.
    phase_metadata: PhaseMetadata,
}

#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Serialize)]
struct PhaseMetadata {
    /// Legs of the phase.
    legs: usize,
    /// Legs that were filled.
    filled: usize,
    /// Dollars.
    traded_value: String,
}

pub(super) fn phase_completed(side: Side, state: &Execution) -> PhaseCompleted {
    let placed: Vec<(&Leg, &ChildOrder)> = state
        .side(side)
        .filter_map(|leg| Some((leg, leg.children.iter().rfind(|c| c.broker_order_id.is_some())?)))
        .collect();
    let ids = |wanted: &dyn Fn(&Leg) -> bool| {
        placed
            .iter()
            .filter(|(leg, _)| wanted(leg))
            .map(|(_, child)| broker_id(child))
            .collect::<Vec<_>>()
    };
    let filled = |leg: &Leg| leg.outcome == Some(LegOutcome::Filled);
    PhaseCompleted {
        phase_type: match side {
            Side::Sell => "SELL_PHASE",
            Side::Buy => "BUY_PHASE",
        },
        plan_id: state.plan.plan_id.to_string(),
        completed_orders: ids(&|_| true),
        successful_orders: ids(&filled),
        failed_orders: ids(&|leg| !filled(leg)),
        phase_metadata: PhaseMetadata {
            legs: state.side(side).count(),
            filled: state.side(side).filter(|leg| filled(leg)).count(),
            traded_value: state
                .side(side)
                .map(Leg::filled_notional)
                .sum::<alchemiser_core::money::Money>()
                .to_string(),
        },
    }
}
