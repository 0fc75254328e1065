//! What functions are invoked with.

use alchemiser_core::{
    fact::{Fact, FactKind},
    ids::{EventId, Owner},
    plan::{Age, Draft, Plan, PlanRefused},
    policy::Policy,
};
use alchemiser_tests::plans;
use alchemiser_wire::{
    entry::{Entry, NO_PREVIOUS},
    incoming::{self, Envelope},
    plan::{self, Accounts},
    request::Request,
    terminal::{self, Terminal},
};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    change::{Change, Document},
    engine::{Seeded, Tally, fuzz, is_quick},
    json_documents, lives, some, traded,
};
use crate::round_trip::{lines, plans as generated};

/// An event of this type around a detail.
fn enveloped(kind: &str, detail: &str) -> Value {
    let mut event = plans::small();
    event["detail-type"] = kind.into();
    event["detail"] = serde_json::from_str(detail).unwrap();
    event
}

/// Printed and read again it is the same.
fn same_envelope(envelope: &Envelope) {
    let Envelope { detail_type, source, id, detail, .. } = envelope;
    let head = json!({ "detail-type": detail_type, "source": source, "id": id }).to_string();
    let printed = format!("{},\"detail\":{}}}", head.trim_end_matches('}'), detail.get());
    let again = incoming::envelope(printed.as_bytes()).unwrap();
    assert_eq!((&again.detail_type, &again.source, &again.id), (detail_type, source, id));
    assert_eq!(again.detail.get(), detail.get());
}

/// H6, S12: whatever a function is invoked with is messages or a refusal, and every message has an id to be refused under.
#[test]
fn payloads() {
    let small = plans::small();
    let records = plans::records(&[("m-1", small.to_string()), ("m-2", "{".to_owned())]);
    let queued: Value = serde_json::from_str(&records).unwrap();
    fuzz!(json_documents(&[small, plans::example(), queued]), |_: &Change, bytes: &[u8]| {
        let Ok(messages) = incoming::messages(bytes) else { return false };
        let mut read = false;
        for message in messages {
            let id = incoming::source_id(&message.bytes);
            assert!(EventId::new(&id).is_ok(), "{id:?} is no id");
            assert_eq!(id, incoming::source_id(&message.bytes));
            incoming::correlation_id(&message.bytes);
            if let Ok(envelope) = incoming::envelope(&message.bytes) {
                same_envelope(&envelope);
                read = true;
            }
        }
        read
    });
}

/// H6, S12: SQS records, with anything in their bodies.
#[test]
fn queue_records() {
    let bodies =
        [("m-1", plans::small().to_string()), ("m-2", String::new()), ("", "{".to_owned())];
    let event: Value = serde_json::from_str(&plans::records(&bodies)).unwrap();
    fuzz!(json_documents(&[event]), |_: &Change, bytes: &[u8]| {
        let Ok(messages) = incoming::messages(bytes) else { return false };
        let again: Vec<_> = messages
            .iter()
            .map(|message| {
                let id = message.message_id.clone()?;
                Some((id, String::from_utf8(message.bytes.clone()).unwrap()))
            })
            .collect();
        let Some(again) = again.into_iter().collect::<Option<Vec<_>>>() else { return false };
        let bodies: Vec<(&str, String)> =
            again.iter().map(|(id, body)| (id.as_str(), body.clone())).collect();
        let printed = incoming::messages(plans::records(&bodies).as_bytes()).unwrap();
        let printed = printed
            .into_iter()
            .map(|m| (m.message_id.unwrap(), String::from_utf8(m.bytes).unwrap()));
        assert_eq!(printed.collect::<Vec<_>>(), again);
        true
    });
}

/// H1, T3: plans; what is read is read again as it is written, and what is sound reads back from its claim.
#[test]
fn plan_events() {
    let mut documents = vec![plans::small(), plans::example(), with_numbers()];
    documents.extend(some(5, generated::drafts()).iter().map(generated::event));
    fuzz!(json_documents(&documents), |_: &Change, bytes: &[u8]| {
        let Ok(draft) = read_plan(bytes) else { return false };
        assert_eq!(read_plan(generated::event(&draft).to_string().as_bytes()).as_ref(), Ok(&draft));
        let (at, lasting) = (draft.timestamp, Policy::default().plan_max_age);
        if let Ok(plan) = Plan::new(draft, at, lasting) {
            let claim = claim(&plan);
            assert_eq!(Entry::from_bytes(&claim.to_bytes()).unwrap(), claim);
            assert_eq!(plan.difference(&plan), None);
            // Whether it fits and is young enough is judged without a panic, whatever is found.
            let _judged = (plan.check_totals(), plan.clone().check_age(Age::AsStated, lasting));
            lives(&claim.facts);
        }
        true
    });
}

fn read_plan(bytes: &[u8]) -> Result<Draft, PlanRefused> {
    plan::read(&incoming::envelope(bytes)?, &Accounts { default: generated::account() })
}

/// The small plan as another system might write it: numbers as numbers, and more digits than fit.
fn with_numbers() -> Value {
    let mut event = plans::small();
    let plan = &mut event["detail"]["rebalance_plan"];
    plan["items"][0]["current_weight"] = json!(0.15);
    plan["items"][1]["target_weight"] = json!("0.123456789012345678901234567890");
    plan["total_trade_value"] = json!(8300);
    plan["metadata"]["strategy_attribution"] =
        json!({ "TQQQ": { "a": 0.5, "b": "0.5" }, "XLK": {} });
    event
}

fn claim(plan: &Plan) -> Entry {
    let at = plan.received_at;
    let owner = Owner::new("owner").unwrap();
    let text = || "text".to_owned();
    let facts = vec![Fact { at, kind: FactKind::Claimed(Box::new(plan.clone())) }];
    let prev_sha256 = NO_PREVIOUS.to_owned();
    Entry {
        seq: 1,
        prev_sha256,
        epoch: 0,
        owner,
        until: at,
        put_id: text(),
        code_version: text(),
        at,
        facts,
    }
}

/// S12: requests to go on with a plan.
#[test]
fn requests() {
    let requests = some(4, lines::requests());
    let details = requests.iter().map(|request| request.detail(Timestamp::UNIX_EPOCH));
    let events: Vec<Value> =
        details.map(|detail| enveloped("TradeExecutionRequested", &detail)).collect();
    fuzz!(json_documents(&events), |_: &Change, bytes: &[u8]| {
        let Ok(Ok(request)) = incoming::envelope(bytes).map(|envelope| Request::read(&envelope))
        else {
            return false;
        };
        let again =
            enveloped("TradeExecutionRequested", &request.detail(Timestamp::MAX)).to_string();
        let again = incoming::envelope(again.as_bytes()).unwrap();
        assert_eq!(Request::read(&again).unwrap(), request);
        true
    });
}

/// S12, H6: events that end a plan.
#[test]
fn terminal_events() {
    let published = traded().published.into_iter().filter(|(kind, _)| kind.starts_with("Workflow"));
    let mut events: Vec<Value> =
        published.map(|(kind, detail)| enveloped(&kind, &detail)).collect();
    let failed = json!({"event_id": "e", "failure_reason": "STALE: …", "error_details": {"code": "STALE", "account": "A"}});
    events.push(enveloped("WorkflowFailed", &failed.to_string()));
    fuzz!(json_documents(&events), |_: &Change, bytes: &[u8]| {
        let Ok(Ok(read)) = incoming::envelope(bytes).map(|envelope| terminal::read(&envelope))
        else {
            return false;
        };
        let Terminal { completed, event_id, plan_id, account, failure_reason } = &read;
        let kind = if *completed { "WorkflowCompleted" } else { "WorkflowFailed" };
        let summary = json!({ "execution_plan_id": plan_id, "account": account });
        let detail =
            json!({ "event_id": event_id, "failure_reason": failure_reason, "summary": summary });
        let again = enveloped(kind, &detail.to_string()).to_string();
        let again = incoming::envelope(again.as_bytes()).unwrap();
        assert_eq!(terminal::read(&again).unwrap(), read);
        true
    });
}
