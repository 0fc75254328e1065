//! Events that carry a plan.

use std::collections::BTreeMap;

use alchemiser_core::{
    ids::{AccountId, EventId},
    plan::{Draft, DraftItem},
};
use jiff::Timestamp;
use proptest::{collection::vec, prelude::*, sample::select};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::values::{decimals, event_ids, maybe, symbols, texts, times};

/// The account that plans are for, whether they say so or not.
pub(crate) fn account() -> AccountId {
    AccountId::new("SIM000000001").unwrap()
}

fn items() -> impl Strategy<Value = DraftItem> {
    let amounts = (decimals(), decimals(), decimals(), decimals(), decimals());
    (symbols(), "[A-Z]{1,5}", amounts, any::<i64>()).prop_map(
        |(symbol, action, amounts, priority)| DraftItem {
            symbol: symbol.to_string(),
            action,
            trade_amount: amounts.0,
            current_value: amounts.1,
            target_value: amounts.2,
            current_weight: amounts.3,
            target_weight: amounts.4,
            priority,
        },
    )
}

/// Drafts of any plan, sound or not: what an event says is read before it is judged.
pub(crate) fn drafts() -> impl Strategy<Value = Draft> {
    let names = || "[a-z]{1,8}";
    let weights = vec((names(), texts()), 1..3);
    let attribution = proptest::collection::btree_map("[A-Z]{1,5}", weights, 0..3);
    let ids = (event_ids(), any::<String>(), any::<String>(), "[A-Z]{0,9}");
    let totals = (decimals(), decimals(), any::<bool>());
    (ids, times(), maybe(times()), totals, vec(items(), 0..5), attribution).prop_map(
        |(ids, timestamp, valid_until, totals, items, attribution)| Draft {
            account: account(),
            source_event: ids.0,
            plan_id: ids.1,
            correlation_id: ids.2,
            timestamp,
            valid_until,
            urgency: ids.3,
            portfolio_value: totals.0,
            trade_value: totals.1,
            trades_required: totals.2,
            items,
            attribution: attribution
                .into_iter()
                .map(|(symbol, given)| (symbol, in_order(given)))
                .collect(),
        },
    )
}

/// Each name once, as a JSON object has them.
fn in_order(given: Vec<(String, String)>) -> Vec<(String, String)> {
    given.into_iter().collect::<BTreeMap<_, _>>().into_iter().collect()
}

fn event_id(id: &EventId) -> Value {
    id.as_str().into()
}

fn time(at: Timestamp) -> Value {
    at.to_string().into()
}

/// The event as a portfolio system writes it, with decimals as strings.
pub(crate) fn event(draft: &Draft) -> Value {
    let decimal = |value: Decimal| Value::from(value.to_string());
    let item = |item: &DraftItem| {
        json!({
            "symbol": item.symbol,
            "action": item.action,
            "trade_amount": decimal(item.trade_amount),
            "current_value": decimal(item.current_value),
            "target_value": decimal(item.target_value),
            "current_weight": decimal(item.current_weight),
            "target_weight": decimal(item.target_weight),
            "priority": item.priority,
            "weight_diff": 0.125,
        })
    };
    let given: BTreeMap<&String, BTreeMap<&String, &String>> = draft
        .attribution
        .iter()
        .map(|(symbol, given)| {
            (symbol, given.iter().map(|(name, weight)| (name, weight)).collect())
        })
        .collect();
    let mut event = alchemiser_tests::plans::small();
    event["detail"] = json!({
        "correlation_id": draft.correlation_id,
        "causation_id": "cause-1",
        "event_id": event_id(&draft.source_event),
        "event_type": "RebalancePlanned",
        "schema_version": "1.0.0",
        "metadata": {
            "account": draft.account.as_str(),
            "valid_until": draft.valid_until.map(time),
            "strategy_attribution": given,
        },
        "rebalance_plan": {
            "plan_id": draft.plan_id,
            "timestamp": time(draft.timestamp),
            "items": draft.items.iter().map(item).collect::<Vec<_>>(),
            "total_portfolio_value": decimal(draft.portfolio_value),
            "total_trade_value": decimal(draft.trade_value),
            "execution_urgency": draft.urgency,
        },
        "trades_required": draft.trades_required,
    });
    event
}

/// Every way to write a detail's type, for the places where it matters.
pub(crate) fn shapes() -> impl Strategy<Value = &'static str> {
    select(vec!["1", "1.0", "1.0.0", "1.7"])
}
