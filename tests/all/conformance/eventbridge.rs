//! `eventbridge.jsonl`: what goes onto the bus, and how it is taken off it.
//!
//! Of a publication the source and the detail-type are compared, and whether there is one at all; the details are
//! those of `handler_events`.

use alchemiser_core::{announce::Event, ids::ClientOrderId, side::Side};
use alchemiser_wire::{event::SOURCE, incoming};
use serde_json::Value;

use super::{Case, Comparison, Deviation, Judge, every};

pub(crate) const JUDGE: Judge = Judge { file: "eventbridge", is_reached: every, compare, rule };

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
    let detail = |bytes: &[u8]| {
        let body: Value = serde_json::from_slice(bytes).unwrap();
        body.get("detail").cloned()
    };
    let details: Vec<Option<Value>> = messages.iter().map(|m| detail(&m.bytes)).collect();
    let theirs = &case.theirs.as_ref().unwrap()["out"];
    let theirs = match theirs.as_array() {
        Some(several) => several.iter().cloned().map(Some).collect(),
        None => vec![Some(theirs.clone())],
    };
    comparison.field("details", theirs, details)
}

/// Events of others are not ours to publish, events of ours are published under our own name whatever the module, and a
/// body that is no event is refused.
fn rule(function: &str, input: &Value, _: &str) -> Option<Deviation> {
    if function == "publish" {
        let kind = input["event_type"].as_str().unwrap();
        let terminal = ["TradeExecuted", "WorkflowCompleted", "WorkflowFailed"].contains(&kind);
        return Some(if terminal { Deviation::D13 } else { Deviation::D14 });
    }
    let event = &input["event"];
    let bodies = event["Records"].as_array().map(Vec::as_slice).unwrap_or_default();
    let no_event =
        |record: &Value| !record["body"].as_str().is_some_and(|body| body.contains("detail"));
    let no_detail = event.get("detail").is_none() && event.get("Records").is_none();
    (no_detail || bodies.iter().any(no_event)).then_some(Deviation::D14)
}
