//! Plans, as the events that carry them.

use serde_json::{Value, json};

/// When the plans here were made.
pub const MADE_AT: &str = "2026-11-20T15:00:00Z";

/// An item: symbol, dollars held, dollars wanted.
pub type Item = (&'static str, i64, i64);

/// Two sells (one of them an exit) and two buys.
pub const SMALL: [Item; 4] =
    [("TQQQ", 3_000, 0), ("XLK", 4_000, 2_500), ("TLT", 500, 2_500), ("BND", 0, 1_800)];

/// A portfolio's value in dollars.
const PORTFOLIO: i64 = 20_000;

fn item((symbol, current, target): &Item) -> Value {
    let share = |dollars: i64| format!("0.{:04}", dollars * 10_000 / PORTFOLIO);
    let (amount, action) = (target - current, (target - current).signum());
    let action = ["SELL", "HOLD", "BUY"][usize::try_from(action + 1).unwrap()];
    json!({
        "symbol": symbol,
        "current_weight": share(*current),
        "target_weight": if *target == 0 { "0".to_owned() } else { share(*target) },
        "weight_diff": "0",
        "target_value": target.to_string(),
        "current_value": current.to_string(),
        "trade_amount": amount.to_string(),
        "action": action,
        "priority": 2,
    })
}

/// The event that carries a plan.
pub fn event(plan_id: &str, urgency: &str, items: &[Item]) -> Value {
    let trade_value: i64 = items.iter().map(|(_, current, target)| (target - current).abs()).sum();
    json!({
        "version": "0",
        "id": format!("envelope-{plan_id}"),
        "detail-type": "RebalancePlanned",
        "source": "alchemiser.portfolio",
        "account": "000000000000",
        "time": MADE_AT,
        "region": "local",
        "resources": [],
        "detail": {
            "correlation_id": format!("workflow-{plan_id}"),
            "causation_id": "schedule-1",
            "event_id": format!("planned-{plan_id}"),
            "event_type": "RebalancePlanned",
            "timestamp": MADE_AT,
            "source_module": "portfolio",
            "source_component": null,
            "metadata": null,
            "schema_version": "1.0",
            "rebalance_plan": {
                "schema_version": "1.0",
                "correlation_id": format!("workflow-{plan_id}"),
                "causation_id": "schedule-1",
                "timestamp": MADE_AT,
                "plan_id": plan_id,
                "items": items.iter().map(item).collect::<Vec<_>>(),
                "total_portfolio_value": PORTFOLIO.to_string(),
                "total_trade_value": trade_value.to_string(),
                "execution_urgency": urgency,
                "metadata": { "strategy_attribution": { "TQQQ": { "momentum": "1.0" } } },
            },
            "allocation_comparison": { "target_values": {}, "current_values": {}, "deltas": {} },
            "trades_required": trade_value > 0,
        },
    })
}

/// The small plan.
pub fn small() -> Value {
    event("small-1", "NORMAL", &SMALL)
}

/// The example that the repository ships.
pub fn example() -> Value {
    let path = crate::world::repository().join("examples/plans/growth-and-bonds.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The plan's id in an event.
pub fn id_of(event: &Value) -> String {
    event["detail"]["rebalance_plan"]["plan_id"].as_str().unwrap().to_owned()
}

/// SQS records that hold these bodies, each under its id.
pub fn records(bodies: &[(&str, String)]) -> String {
    let record = |(id, body): &(&str, String)| {
        json!({
            "messageId": id,
            "receiptHandle": id,
            "body": body,
            "attributes": { "ApproximateReceiveCount": "1" },
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:local:000000000000:PlansQueue",
            "awsRegion": "local",
        })
    };
    json!({ "Records": bodies.iter().map(record).collect::<Vec<_>>() }).to_string()
}
