//! The whole life of a plan, undisturbed.

use std::collections::BTreeMap;

use alchemiser_core::{
    execution::Execution, leg::Leg, money::Money, policy::Policy, quantity::Quantity, side::Side,
};
use alchemiser_tests::{
    check, plans,
    pulse::{Op, Script},
    world::World,
};
use alchemiser_wire::ledger::LedgerLine;
use serde_json::{Value, json};

/// The example, traded with the thresholds that the product ships.
fn traded() -> (World, Execution, Vec<Value>) {
    let world = World::with(1, Policy::default());
    let event = plans::example();
    world.put(&event);
    let session = world.session(Script::clean());
    session.drive();
    drop(session);
    let state = world.execution(&plans::id_of(&event)).unwrap();
    let taken = world.taken.all();
    let details = taken.iter().map(|event| serde_json::from_str(&event.detail).unwrap()).collect();
    (world, state, details)
}

fn of_type<'a>(details: &'a [Value], kind: &str) -> Vec<&'a Value> {
    details.iter().filter(|detail| detail["event_type"] == kind).collect()
}

/// H1, X1, X12: the events of a plan with sells and buys, in the documented order, each once.
#[test]
fn the_events_come_in_the_documented_order() {
    let (world, state, details) = traded();
    check::sound(&world, &state, "the example");
    let sold = state.side(Side::Sell).flat_map(|leg| &leg.children);
    let sold = sold.filter(|child| !child.cumulative.is_zero()).count();
    let kinds = details.iter().map(|detail| detail["event_type"].as_str().unwrap());
    let mut expected = vec!["TradeExecutionRequested", "TradeExecutionStarted"];
    expected.extend(vec!["OrderSettlementCompleted"; sold]);
    expected.extend(["ExecutionPhaseCompleted", "BulkSettlementCompleted"]);
    expected.extend(["ExecutionPhaseCompleted", "TradeExecuted", "WorkflowCompleted"]);
    assert_eq!(kinds.collect::<Vec<_>>(), expected);
    let phases = of_type(&details, "ExecutionPhaseCompleted");
    assert_eq!([&phases[0]["phase_type"], &phases[1]["phase_type"]], ["SELL_PHASE", "BUY_PHASE"]);
}

/// H4, H9: the workflow's id goes through unchanged, every event is caused by the plan's, and no two share an id.
#[test]
fn every_event_carries_its_workflow_and_its_cause() {
    let (_world, _state, details) = traded();
    let event = plans::example();
    let mut seen = BTreeMap::new();
    for detail in &details {
        assert_eq!(detail["correlation_id"], event["detail"]["correlation_id"], "{detail}");
        assert_eq!(detail["causation_id"], event["detail"]["event_id"], "{detail}");
        assert_eq!(detail["schema_version"], "1.0");
        assert_eq!(detail["source_module"], "execution");
        assert_eq!(seen.insert(detail["event_id"].to_string(), detail), None);
    }
}

/// H1, H5, X10: `TradeExecuted` has one entry a leg, and its sums are the entries'.
#[test]
fn trade_executed_says_what_every_leg_came_to() {
    let (_world, state, details) = traded();
    let executed = of_type(&details, "TradeExecuted")[0];
    let data = &executed["execution_data"];
    let orders = data["orders"].as_array().unwrap();
    assert_eq!(orders.len(), state.legs.len());
    let filled = orders.iter().filter(|order| order["success"] == true).count();
    let placed = orders.iter().filter(|order| order["order_id"].is_string()).count();
    for at in [executed, data] {
        assert_eq!(
            (&at["orders_placed"], &at["orders_succeeded"]),
            (&json!(placed), &json!(filled))
        );
        assert_eq!(at["success"], true);
    }
    assert_eq!(
        (&executed["failure_reason"], &executed["failed_symbols"]),
        (&Value::Null, &json!([]))
    );
    let amount = |value: &Value| value.as_str().unwrap().parse::<rust_decimal::Decimal>().unwrap();
    let sum: rust_decimal::Decimal =
        orders.iter().map(|order| amount(&order["trade_amount"])).sum();
    assert_eq!(amount(&data["total_trade_value"]), sum);
    for (order, leg) in orders.iter().zip(&state.legs) {
        assert_eq!(order["symbol"], leg.symbol().as_str());
        assert_eq!(amount(&order["shares"]), leg.filled().shares());
        assert_eq!(order["attempts"], leg.children.len());
        assert_eq!(order["order_type"], "LIMIT");
        assert_eq!(order["price"].is_null(), leg.filled().is_zero());
    }
    let bill = orders.iter().find(|order| order["symbol"] == "BIL").unwrap();
    assert_eq!((&bill["success"], &bill["error_message"]), (&json!(false), &json!("TOO_SMALL")));
}

/// H1, H8, H11: `WorkflowCompleted` counts from the plan's receipt; the events say when each part was over.
#[test]
fn workflow_completed_says_how_long_it_took() {
    let (_world, state, details) = traded();
    let completed = of_type(&details, "WorkflowCompleted")[0];
    let at: jiff::Timestamp = completed["timestamp"].as_str().unwrap().parse().unwrap();
    let took = at.duration_since(state.plan.received_at).as_millis();
    assert_eq!(completed["workflow_duration_ms"], i64::try_from(took).unwrap());
    assert!(took > 0);
    assert_eq!(
        (&completed["workflow_type"], &completed["success"]),
        (&json!("trading"), &json!(true))
    );
    assert_eq!(completed["summary"]["execution_plan_id"], state.plan.plan_id.as_str());
    let timing = &completed["metadata"]["timing"];
    for moment in ["received_at", "preflight_at", "first_order_at", "outcome_at"] {
        assert!(timing[moment].is_string(), "{moment}: {timing}");
    }
    let phases = timing["phases"].as_object().unwrap();
    assert!(
        ["selling", "proceeds", "buying"].iter().all(|phase| phases.contains_key(*phase)),
        "{timing}"
    );
}

/// X6, L10, S2: every order with fills has a line, with its market data, its cost and its strategies.
#[test]
fn the_ledger_is_complete() {
    let (world, state, _details) = traded();
    let text = String::from_utf8(world.ledger(&state).unwrap()).unwrap();
    let lines: Vec<LedgerLine> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let filled = state.children().filter(|child| !child.cumulative.is_zero()).count();
    assert_eq!(lines.len(), filled);
    for line in &lines {
        assert_eq!(check::unexplained(line), [""; 0]);
        let known_later =
            |reason: &String| ["fees", "markouts"].iter().any(|name| reason.starts_with(name));
        assert!(line.unknown.iter().all(known_later), "{:?}", line.unknown);
    }
    let marked = |line: &&LedgerLine| line.markouts.iter().any(|markout| markout.seconds == 1);
    let marked = lines.iter().filter(marked).count();
    assert!(marked * 4 > lines.len() * 3, "{marked} of {} fills have their markout", lines.len());
    let strategies = |symbol: &str| {
        let line = lines.iter().find(|line| line.symbol == symbol).unwrap();
        (line.strategy_names.join(" "), line.strategy_weights.join(" "))
    };
    assert_eq!(strategies("BND"), ("bonds shelter".to_owned(), "0.6 0.4".to_owned()));
    assert_eq!(strategies("TQQQ"), ("momentum".to_owned(), "1.0".to_owned()));
}

/// I13, L7, X3: cash moves by fills only and is never below zero; an exit sells exactly what is held.
#[test]
fn money_and_shares_add_up() {
    let (world, state, _details) = traded();
    let truth = world.truth().unwrap();
    let mut cash = truth.cash;
    for fill in &truth.fills {
        let notional = fill.price.times(fill.quantity);
        cash = if fill.side == Side::Buy { cash.minus(notional) } else { cash.plus(notional) };
        assert!(cash >= Money::ZERO, "{cash}");
    }
    for leg in state.legs.iter().filter(|leg| leg.item.is_exit()) {
        assert_eq!(leg.filled(), leg.check.as_ref().unwrap().held, "{}", leg.symbol());
    }
    let times: Vec<_> = truth.orders.iter().map(|order| (order.side, order.at)).collect();
    let last_sell = times.iter().filter(|(side, _)| *side == Side::Sell).map(|(_, at)| at).max();
    let first_buy = times.iter().filter(|(side, _)| *side == Side::Buy).map(|(_, at)| at).min();
    assert!(last_sell < first_buy, "sells first");
}

/// M4, T1: a leg's result follows its whole chain: every order is named, the newest one stands for it, and its shares and
/// price are those of all of them.
#[test]
fn a_result_follows_the_chain_of_orders() {
    let (_world, state, details) = traded();
    let executed = of_type(&details, "TradeExecuted")[0];
    let orders = executed["execution_data"]["orders"].as_array().unwrap();
    let longest = state.legs.iter().map(|leg| leg.children.len()).max();
    assert!(longest > Some(2), "no order was moved: this run shows nothing");
    for (order, leg) in orders.iter().zip(&state.legs) {
        let ids: Vec<String> =
            leg.children.iter().map(|child| child.client_order_id.to_string()).collect();
        assert_eq!(order["client_order_ids"], json!(ids), "{}", leg.symbol());
        let newest = leg.children.iter().rev().find_map(|child| child.broker_order_id.as_ref());
        assert_eq!(order["order_id"], json!(newest.map(ToString::to_string)));
        let filled: Quantity = leg.children.iter().map(|child| child.cumulative).sum();
        assert_eq!(order["shares"], filled.to_string());
    }
}

/// X12: what settled is each sell's fills, the sums of all of them, and each phase's orders by how they ended.
#[test]
fn settlements_say_what_each_sell_brought() {
    let (_world, state, details) = traded();
    let amount = |value: &Value| Money::new(value.as_str().unwrap().parse().unwrap());
    let settled = of_type(&details, "OrderSettlementCompleted");
    for event in &settled {
        let id = event["client_order_id"].as_str().unwrap();
        let child = state.children().find(|child| child.client_order_id.as_str() == id).unwrap();
        assert_eq!(event["side"], "SELL");
        assert_eq!(event["settled_quantity"], child.cumulative.to_string());
        assert_eq!(amount(&event["settled_value"]), child.filled_notional());
    }
    let bulk = of_type(&details, "BulkSettlementCompleted")[0];
    let sum: Money = settled.iter().map(|event| amount(&event["settled_value"])).sum();
    assert_eq!((amount(&bulk["total_buying_power_released"]), sum), (sum, state.proceeds()));
    assert_eq!(bulk["settlement_details"].as_object().unwrap().len(), settled.len());
    for (event, side) in
        of_type(&details, "ExecutionPhaseCompleted").iter().zip([Side::Sell, Side::Buy])
    {
        let count = |name: &str| event[name].as_array().unwrap().len();
        let placed = state.side(side).filter(|leg| leg.was_placed()).count();
        assert_eq!(count("completed_orders"), placed);
        assert_eq!(count("successful_orders") + count("failed_orders"), placed);
        let traded: Money = state.side(side).map(Leg::filled_notional).sum();
        assert_eq!(amount(&event["phase_metadata"]["traded_value"]), traded);
    }
}

/// X1: what is to be held is in the log with the rest of the plan, and is not traded.
#[test]
fn holds_are_in_the_log() {
    let event = plans::event("holds", "NORMAL", &[("TQQQ", 3_000, 0), ("SGOV", 2_000, 2_000)]);
    let world = World::new(1);
    world.run(&event, Script::clean());
    let state = world.finish(&event);
    let bytes = world.logs()[0].entries[&1].clone();
    let claim: Value = serde_json::from_slice(&bytes).unwrap();
    let items = claim["facts"][0]["items"].as_array().unwrap();
    let held = items.iter().find(|item| item["symbol"] == "SGOV").unwrap();
    assert_eq!(held["action"], "HOLD");
    assert_eq!(state.legs.len(), 1);
}

/// X2: one call for all quotes a turn, however many legs; and nothing is asked for once the plan is over.
#[test]
fn quotes_are_read_in_one_call_a_turn() {
    let world = World::new(1);
    world.put(&plans::example());
    let session = world.session(Script::clean());
    session.drive();
    let calls = |op: Op| session.pulse.calls_of(op);
    let (quotes, lists) = (calls(Op::Snapshots), calls(Op::Orders));
    assert!(quotes > 5 && quotes <= lists, "{quotes} calls for quotes in {lists} turns");
    let before = session.broker_calls();
    world.put(&plans::example());
    session.drive();
    assert_eq!(session.broker_calls(), before, "a plan that is over asks for nothing");
}
