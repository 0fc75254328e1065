//! A claimed plan, as JSON.

use std::collections::BTreeMap;

use alchemiser_core::{
    ids::{AccountId, CorrelationId, EventId, PlanId, Symbol},
    money::Money,
    plan::{Action, Plan, PlanItem, Urgency},
};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::text;

#[derive(Serialize, Deserialize)]
pub(super) struct PlanLine {
    #[serde(with = "text")]
    pub(super) account: AccountId,
    #[serde(with = "text")]
    pub(super) source_event: EventId,
    #[serde(with = "text")]
    pub(super) plan_id: PlanId,
    #[serde(with = "text")]
    pub(super) correlation_id: CorrelationId,
    pub(super) timestamp: Timestamp,
    pub(super) received_at: Timestamp,
    pub(super) valid_until: Timestamp,
    #[serde(with = "text")]
    pub(super) urgency: Urgency,
    #[serde(with = "text")]
    pub(super) portfolio_value: Money,
    #[serde(with = "text")]
    pub(super) trade_value: Money,
    pub(super) trades_required: bool,
    pub(super) content_sha256: String,
    pub(super) items: Vec<ItemLine>,
    pub(super) attribution: BTreeMap<String, Vec<(String, String)>>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct ItemLine {
    #[serde(with = "text")]
    pub(super) symbol: Symbol,
    #[serde(with = "text")]
    pub(super) action: Action,
    #[serde(with = "text")]
    pub(super) trade_amount: Money,
    #[serde(with = "text")]
    pub(super) current_value: Money,
    #[serde(with = "text")]
    pub(super) target_value: Money,
    #[serde(with = "text")]
    pub(super) current_weight: Decimal,
    #[serde(with = "text")]
    pub(super) target_weight: Decimal,
    pub(super) priority: u8,
}

impl From<&Plan> for PlanLine {
    fn from(plan: &Plan) -> Self {
        let item = |item: &PlanItem| ItemLine {
            symbol: item.symbol.clone(),
            action: item.action,
            trade_amount: item.trade_amount,
            current_value: item.current_value,
            target_value: item.target_value,
            current_weight: item.current_weight,
            target_weight: item.target_weight,
            priority: item.priority,
        };
        Self {
            account: plan.account.clone(),
            source_event: plan.source_event.clone(),
            plan_id: plan.plan_id.clone(),
            correlation_id: plan.correlation_id.clone(),
            timestamp: plan.timestamp,
            received_at: plan.received_at,
            valid_until: plan.valid_until,
            urgency: plan.urgency,
            portfolio_value: plan.portfolio_value,
            trade_value: plan.trade_value,
            trades_required: plan.trades_required,
            content_sha256: plan.content_sha256(),
            items: plan.items.iter().map(item).collect(),
            attribution: plan.attribution.clone(),
        }
    }
}

impl From<PlanLine> for Plan {
    fn from(line: PlanLine) -> Self {
        let item = |item: ItemLine| PlanItem {
            symbol: item.symbol,
            action: item.action,
            trade_amount: item.trade_amount,
            current_value: item.current_value,
            target_value: item.target_value,
            current_weight: item.current_weight,
            target_weight: item.target_weight,
            priority: item.priority,
        };
        Self {
            account: line.account,
            source_event: line.source_event,
            plan_id: line.plan_id,
            correlation_id: line.correlation_id,
            timestamp: line.timestamp,
            received_at: line.received_at,
            valid_until: line.valid_until,
            urgency: line.urgency,
            portfolio_value: line.portfolio_value,
            trade_value: line.trade_value,
            trades_required: line.trades_required,
            items: line.items.into_iter().map(item).collect(),
            attribution: line.attribution,
        }
    }
}
