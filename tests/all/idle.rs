//! Plans that need no trade.

use alchemiser_tests::{check, plans, pulse::Script, world::World};
use serde_json::{Value, json};

fn idle(event: &Value) {
    let world = World::new(1);
    world.put(event);
    let session = world.session(Script::clean());
    session.drive();
    assert_eq!(session.broker_calls(), 0, "{}", event["detail"]["rebalance_plan"]["items"]);
    drop(session);
    let state = world.finish(event);
    check::sound(&world, &state, "nothing to trade");
    let details: Vec<(String, Value)> = world
        .taken
        .all()
        .into_iter()
        .map(|event| (event.detail_type, serde_json::from_str(&event.detail).unwrap()))
        .collect();
    let kinds: Vec<&str> = details.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["TradeExecutionRequested", "TradeExecuted", "WorkflowCompleted"]);
    let data = &details[1].1["execution_data"];
    assert_eq!((&data["success"], &data["scenario"]), (&json!(true), &json!("no_trades_needed")));
    assert_eq!((&data["orders_placed"], &data["orders"]), (&json!(0), &json!([])));
    assert_eq!(world.ledger(&state), Some(Vec::new()));
}

/// H2, H1: no items, only holds, or nothing required: success without a single call to the broker or the market.
#[test]
fn a_plan_without_trades_asks_no_broker() {
    idle(&plans::event("idle-1", "NORMAL", &[]));
    idle(&plans::event("idle-2", "NORMAL", &[("SGOV", 3_000, 3_000), ("BIL", 10, 10)]));
    let mut event = plans::small();
    event["detail"]["trades_required"] = false.into();
    idle(&event);
}
