//! `eventbridge.jsonl`: what goes onto the bus, and how it is taken off it.
//!
//! Of a publication the source and the detail-type are compared, and whether there is one at all; the details are
//! those of `handler_events`.

use alchemiser_core::{announce::Event, ids::ClientOrderId, side::Side};
use alchemiser_wire::{event::SOURCE, incoming};
use serde_json::Value;

use super::{Case, Comparison, Deviation, Judge};

pub(crate) const JUDGE: Judge = Judge { file: "eventbridge", compare, rule };

/// The detail-types that ours publishes.
fn ours() -> Vec<&'static str> {
    let order = ClientOrderId::recognise("al-s5yukuy2sshza57ghkmf4gk3vu").unwrap();
    let events = [
        Event::Started,
        Event::OrderSettled(order),
        Event::BulkSettled,
        Event::PhaseCompleted(Side::Sell),
        Event::Executed,
        Event::Completed,
        Event::Failed,
    ];
    events.iter().map(Event::detail_type).collect()
}

fn compare(case: &Case) -> Comparison {
    let comparison = Comparison::default();
    if case.function == "publish" {
        let kind = case.input["event_type"].as_str().unwrap();
        let entry = ours().into_iter().find(|ours| *ours == kind).map(|kind| (SOURCE, kind));
        let theirs = case.theirs.as_ref().map(|theirs| {
            (theirs["Source"].as_str().unwrap(), theirs["DetailType"].as_str().unwrap())
        });
        return comparison.field("entry", theirs, entry);
    }
    let messages = incoming::messages(case.input["event"].to_string().as_bytes()).unwrap();
    let detail = |bytes: &[u8]| -> Option<Value> {
        let envelope = incoming::envelope(bytes).ok()?;
        serde_json::from_str(envelope.detail.get()).ok()
    };
    let details: Vec<Option<Value>> = messages.iter().map(|m| detail(&m.bytes)).collect();
    let theirs = &case.theirs.as_ref().unwrap()["out"];
    let theirs = match theirs.as_array() {
        Some(several) => several.iter().cloned().map(Some).collect(),
        None => vec![Some(theirs.clone())],
    };
    comparison.field("details", theirs, details)
}

const TERMINAL: [&str; 3] = ["TradeExecuted", "WorkflowCompleted", "WorkflowFailed"];

/// Whether the original's publisher knows the type, as far as the cases have it.
fn is_known_there(publisher: &str, kind: &str) -> bool {
    let older = ["WorkflowStarted", "SignalGenerated", "RebalancePlanned"];
    TERMINAL.contains(&kind) || (publisher == "v5.0.2" && older.contains(&kind))
}

/// One side does not know the type; the end of a workflow was published in the orchestrator's name, and is in ours; what
/// is no event is refused, not handed on.
fn rule(function: &str, input: &Value, _: &str) -> Option<Deviation> {
    if function == "publish" {
        let word = |name: &str| input[name].as_str().unwrap();
        let (publisher, kind) = (word("publisher"), word("event_type"));
        if is_known_there(publisher, kind) != ours().contains(&kind) {
            return Some(Deviation::D14);
        }
        let renamed = publisher == "v5.0.2" && kind.starts_with("Workflow");
        return renamed.then_some(Deviation::D13);
    }
    let event = &input["event"];
    let is_event = |event: &Value| event.get("detail").is_some();
    let sound = match event["Records"].as_array() {
        Some(records) => records.iter().all(|record| {
            let body = record["body"].as_str().and_then(|body| serde_json::from_str(body).ok());
            body.is_some_and(|body: Value| is_event(&body))
        }),
        None => is_event(event),
    };
    (!sound).then_some(Deviation::D14)
}
