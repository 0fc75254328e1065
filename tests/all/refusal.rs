//! Inputs that are refused: coded, recorded once, answered once.

use alchemiser_core::{
    fact::FactKind,
    ids::{CorrelationId, EventId, PlanId},
};
use alchemiser_driver::{accept::Accepted, settle::Settled};
use alchemiser_local::notices::FileNotifier;
use alchemiser_tests::{
    check, plans,
    pulse::{Fault, Moment, Op, Script},
    session::Delivering,
    world::{World, block_on},
};
use alchemiser_wire::request::{Request, Why};
use serde_json::{Value, json};

const PLAN: &str = "/detail/rebalance_plan";

/// The small plan with one field set; a `null` takes the field away.
fn with(path: &str, value: &Value) -> Value {
    let mut event = plans::small();
    let (parent, name) = path.rsplit_once('/').unwrap();
    let object = event.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    if value.is_null() {
        object.remove(name);
    } else {
        object.insert(name.to_owned(), value.clone());
    }
    event
}

fn table() -> Vec<(Value, &'static str, &'static str)> {
    let plan = |name: &str, value: Value| with(&format!("{PLAN}/{name}"), &value);
    let item = |name: &str, value: Value| with(&format!("{PLAN}/items/1/{name}"), &value);
    vec![
        (plan("plan_id", json!("")), "MALFORMED_FIELD", "rebalance_plan.plan_id"),
        (plan("plan_id", json!("pl\u{e4}n")), "MALFORMED_FIELD", "rebalance_plan.plan_id"),
        (plan("plan_id", Value::Null), "MISSING_FIELD", "rebalance_plan.plan_id"),
        (plan("items", Value::Null), "MISSING_FIELD", "rebalance_plan.items"),
        (
            plan("timestamp", json!("2026-11-20T15:00:00")),
            "MALFORMED_FIELD",
            "rebalance_plan.timestamp",
        ),
        (plan("timestamp", json!("2026-11-20T14:00:00Z")), "STALE", "rebalance_plan.timestamp"),
        (plan("schema_version", json!("2.0")), "UNKNOWN_SCHEMA", "rebalance_plan.schema_version"),
        (
            plan("execution_urgency", json!("SOON")),
            "MALFORMED_FIELD",
            "rebalance_plan.execution_urgency",
        ),
        (
            plan("total_trade_value", json!("1")),
            "TOTALS_DIFFER",
            "rebalance_plan.total_trade_value",
        ),
        (
            plan("total_trade_value", json!("NaN")),
            "MALFORMED_FIELD",
            "rebalance_plan.total_trade_value",
        ),
        (with("/detail/schema_version", &json!("2.0")), "UNKNOWN_SCHEMA", "schema_version"),
        (with("/detail/event_type", &json!("TradeExecuted")), "WRONG_EVENT", "event_type"),
        (
            with("/detail/metadata", &json!({"account": "PA1"})),
            "UNKNOWN_ACCOUNT",
            "metadata.account",
        ),
        (with("/detail/trades_required", &json!("yes")), "MALFORMED_FIELD", "trades_required"),
        (item("symbol", json!("TQQQ")), "DUPLICATE_SYMBOL", "rebalance_plan.items[1].symbol"),
        (item("symbol", json!("A-B")), "MALFORMED_FIELD", "rebalance_plan.items[1].symbol"),
        (item("action", json!("SHORT")), "MALFORMED_FIELD", "rebalance_plan.items[1].action"),
        (
            item("trade_amount", json!("1500")),
            "SIGN_DIFFERS",
            "rebalance_plan.items[1].trade_amount",
        ),
        (
            item("trade_amount", json!("-1400")),
            "TOTALS_DIFFER",
            "rebalance_plan.items[1].trade_amount",
        ),
        (
            item("target_weight", json!("1.5")),
            "OUT_OF_BOUNDS",
            "rebalance_plan.items[1].target_weight",
        ),
        (item("priority", json!(6)), "OUT_OF_BOUNDS", "rebalance_plan.items[1].priority"),
    ]
}

/// Delivers the event twice and checks its one answer; returns the code and the field.
fn refused(event: &Value) -> (String, String) {
    let world = World::new(1);
    world.put(event);
    let mut session = world.session(Script::clean());
    session.delivering = Delivering::Twice;
    session.drive();
    let trail = session.trail();
    assert!(trail.failed.is_empty(), "{:?}", trail.failed);
    let Some(Accepted::Refused(refusal)) = trail.accepted.first() else { panic!("{trail:?}") };
    assert_eq!((session.broker_calls(), world.journal().len()), (0, 0), "no order");
    assert!(matches!(trail.settled.first(), Some(Settled::Refused { .. })), "{trail:?}");
    let [answer] = world.taken.all().try_into().unwrap();
    answered(&answer.detail, event, &answer.detail_type);
    let source = event["detail"]["event_id"].as_str().unwrap();
    let entries = world.entries(&format!("refused-{source}"));
    let kinds: Vec<_> =
        entries.iter().flat_map(|entry| &entry.facts).map(|fact| &fact.kind).collect();
    let [FactKind::InputRefused(recorded), FactKind::Announced(_), FactKind::Published(_)] =
        kinds.as_slice()
    else {
        panic!("{kinds:?}")
    };
    assert_eq!(recorded, refusal);
    (refusal.code.code().to_owned(), refusal.field.clone())
}

fn answered(detail: &str, event: &Value, kind: &str) {
    let detail: Value = serde_json::from_str(detail).unwrap();
    assert_eq!(kind, "WorkflowFailed");
    assert_eq!(detail["failure_step"], "validation");
    assert_eq!(detail["causation_id"], event["detail"]["event_id"]);
    assert_eq!(detail["correlation_id"], event["detail"]["correlation_id"]);
    assert_eq!(detail["error_details"]["original_event_type"], "RebalancePlanned");
    assert!(detail["error_details"]["code"].as_str().is_some_and(|code| !code.is_empty()));
    assert!(detail["failure_reason"].as_str().unwrap().contains("expected"), "{detail}");
}

/// H6, T3, H4: every refusal names its code and its field, is recorded once, and answered once however often it comes.
#[test]
fn a_refused_input_is_answered_once_with_its_code_and_field() {
    for (event, code, field) in table() {
        assert_eq!(refused(&event), (code.to_owned(), field.to_owned()), "{}", event["detail"]);
    }
}

/// Two records with the same body: how many failed, and how many were refused.
fn records_of(body: &str) -> (World, usize, usize) {
    let world = World::new(1);
    let session = world.session(Script::clean());
    let payload = plans::records(&[("m-1", body.to_owned()), ("m-2", body.to_owned())]);
    let handled = block_on(alchemiser_rebalance_planned::handle(
        payload.as_bytes(),
        &session.desk,
        &world.rules,
    ));
    let handled = handled.unwrap();
    drop(session);
    assert!(handled.accepted.iter().all(|accepted| matches!(accepted, Accepted::Refused(_))));
    (world, handled.response.batch_item_failures.len(), handled.accepted.len())
}

/// H6: what has an id is answered whatever else is wrong with it, once, and consumed.
#[test]
fn an_event_that_can_be_named_is_refused_and_recorded() {
    let twice = plans::small().to_string().replacen("\"items\":", "\"items\":[],\"items\":", 1);
    for body in ["{\"id\":\"e-1\",\"detail-type\":\"RebalancePlanned\"}", &twice] {
        let (world, failed, refused) = records_of(body);
        assert_eq!((failed, refused), (0, 2), "{body}");
        assert_eq!((world.taken.all().len(), world.logs().len()), (1, 1), "{body}");
    }
}

/// H6: bytes that nobody could be told of are failed messages, so that they land in the dead-letter queue as they are.
#[test]
fn bytes_without_an_id_are_failed_messages() {
    for body in ["", "{", "[]", "{\"detail-type\":\"RebalancePlanned\"}", "{\"id\":\" \"}"] {
        let (world, failed, refused) = records_of(body);
        assert_eq!((failed, refused), (2, 0), "{body}");
        assert_eq!((world.taken.all().len(), world.logs().len()), (0, 0), "{body}");
    }
}

/// H6, H7, H9: a crash or a fault anywhere in a refusal leads to one answer, and all of its copies have the same bytes.
#[test]
fn a_refusal_survives_crashes_and_faults() {
    let event = with(&format!("{PLAN}/total_trade_value"), &json!("1"));
    let calls = World::new(1).run(&event, Script::clean());
    let crashes = (1..=calls)
        .flat_map(|n| [Moment::Before, Moment::After].map(|moment| Script::crash(n, moment)));
    let faults = [Fault::LoseAnswer, Fault::LoseRequest, Fault::Refuse];
    let hits = faults.iter().flat_map(|fault| {
        [Op::Put, Op::Publish, Op::Get].into_iter().flat_map(move |op| {
            (1..=3).flat_map(move |n| [1, 5].map(|count| Script::hit(op, n, count, *fault)))
        })
    });
    for script in crashes.chain(hits) {
        let world = World::new(1);
        let what = format!("{script:?}");
        world.run(&event, script);
        world.run(&event, Script::clean());
        let taken = world.taken.all();
        let first = taken.first().unwrap();
        assert!(taken.iter().all(|event| event == first), "{what}: {taken:?}");
        assert_eq!(first.detail_type, "WorkflowFailed", "{what}");
    }
}

/// H6: events of other types are ignored by every function.
#[test]
fn events_of_other_types_are_ignored() {
    let world = World::new(1);
    let session = world.session(Script::clean());
    let mut event = plans::small();
    event["detail-type"] = "AllocationComputed".into();
    let payload = event.to_string();
    block_on(async {
        let desk = &session.desk;
        let handled = alchemiser_rebalance_planned::handle(payload.as_bytes(), desk, &world.rules)
            .await
            .unwrap();
        assert_eq!(handled.accepted, [Accepted::Ignored("AllocationComputed".to_owned())]);
        let floor = async |_: &alchemiser_core::plan::Plan| -> Result<
            (alchemiser_driver::ports::Floor, ()),
            alchemiser_driver::invoke::Failed,
        > { panic!("nothing is traded") };
        let policy = &world.rules.policy;
        let handled =
            alchemiser_trade_execution::handle(payload.as_bytes(), desk, policy, None, floor);
        assert!(handled.await.unwrap().executed.is_empty());
        let (store, account) = (&desk.store, world.account());
        let notifier = FileNotifier::new(&world.state);
        let handled = alchemiser_workflow_outcome::handle(
            payload.as_bytes(),
            store,
            &notifier,
            account,
            policy,
        );
        let ignored = Settled::Ignored("AllocationComputed".to_owned());
        assert_eq!(handled.await.unwrap().settled, [ignored]);
    });
    assert_eq!((world.logs().len(), world.taken.all().len()), (0, 0));
}

/// H6: of a batch of records, only the one that failed comes again.
#[test]
fn only_the_failed_record_of_a_batch_comes_again() {
    let world = World::new(1);
    let names = ["batch-1", "batch-2", "batch-3"];
    let body = |name: &str| plans::event(name, "NORMAL", &plans::SMALL).to_string();
    let bodies: Vec<(&str, String)> = names.iter().map(|name| (*name, body(name))).collect();
    let session = world.session(Script::hit(Op::Publish, 2, 1, Fault::LoseRequest));
    let payload = plans::records(&bodies);
    let handled = block_on(alchemiser_rebalance_planned::handle(
        payload.as_bytes(),
        &session.desk,
        &world.rules,
    ))
    .unwrap();
    let failed: Vec<_> =
        handled.response.batch_item_failures.iter().map(|f| &f.item_identifier).collect();
    assert_eq!(failed, ["batch-2"]);
    assert_eq!(handled.accepted.len(), 2);
}

/// H6: a terminal event that cannot be read is the only failure of its batch, and stays one.
#[test]
fn an_unreadable_outcome_is_the_only_failure_of_its_batch() {
    let event = plans::small();
    let world = World::new(4);
    world.run(&event, Script::clean());
    let state = world.finish(&event);
    let terminal = &state.outbox.last().unwrap().event;
    let envelope = |detail: Value| {
        let mut outer = plans::small();
        outer["detail-type"] = terminal.detail_type.clone().into();
        outer["detail"] = detail;
        outer.to_string()
    };
    let good = envelope(serde_json::from_str(&terminal.detail).unwrap());
    let bad = envelope(json!({"event_id": 1}));
    let lost = envelope(json!({"event_id": "e", "summary": {"execution_plan_id": "never-seen"}}));
    let payload =
        plans::records(&[("good", good), ("bad", bad), ("lost", lost), ("none", "{".to_owned())]);
    let session = world.session(Script::clean());
    let handled = block_on(alchemiser_workflow_outcome::handle(
        payload.as_bytes(),
        &session.desk.store,
        &FileNotifier::new(&world.state),
        world.account(),
        &world.rules.policy,
    ))
    .unwrap();
    let failed: Vec<_> =
        handled.response.batch_item_failures.iter().map(|f| f.item_identifier.as_str()).collect();
    assert_eq!(failed, ["bad", "lost", "none"]);
    assert!(matches!(handled.settled.as_slice(), [Settled::Ledger { .. }]));
    drop(session);
    check::sound(&world, &state, "settled twice");
}

/// T3: a plan that nobody claimed is an error of its own, not an empty execution.
#[test]
fn an_unknown_plan_is_an_error_and_not_an_empty_one() {
    let world = World::new(1);
    let session = world.session(Script::clean());
    let request = Request {
        account: world.account().clone(),
        plan_id: PlanId::new("never-seen").unwrap(),
        correlation_id: CorrelationId::new("workflow-1").unwrap(),
        causation_id: EventId::new("event-1").unwrap(),
        epoch: 0,
        why: Why::Claimed,
    };
    let mut event = plans::small();
    event["detail-type"] = "TradeExecutionRequested".into();
    event["source"] = "alchemiser.execution".into();
    event["detail"] = serde_json::from_str(&request.detail(session.desk.clock.now())).unwrap();
    world.put(&event);
    session.drive();
    let trail = session.trail();
    let expected = "there is no claimed plan never-seen";
    assert!(trail.failed.iter().all(|failed| failed.contains(expected)), "{trail:?}");
    assert!(!trail.failed.is_empty() && trail.executed.is_empty(), "{trail:?}");
    assert_eq!((world.logs().len(), session.broker_calls()), (0, 0));
}
