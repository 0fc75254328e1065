//! The bus in this process: at least once, first in, first out, dead letters at the end.

use std::collections::VecDeque;

use crate::delivery::Delivery;
use crate::entry::{Entry, EntryError, Envelope, Place};
use crate::route::Routes;

/// A bus that routes as the deployed one does.
///
/// ```
/// use alchemiser_host::{Bus, Entry, Routes};
///
/// let mut bus = Bus::new(Routes::deployed()?, "123456789012", "us-east-1");
/// bus.publish(Entry {
///     source: "alchemiser.portfolio".to_owned(),
///     detail_type: "RebalancePlanned".to_owned(),
///     detail: r#"{"plan_id":"plan-1"}"#.to_owned(),
///     id: "event-1".to_owned(),
///     time: "2026-01-26T20:46:15Z".to_owned(),
/// })?;
/// let delivery = bus.next().ok_or("nothing to deliver")?;
/// assert_eq!(delivery.function, "RebalancePlannedFunction");
/// bus.failed(delivery, "the function crashed");
/// assert_eq!(bus.next().map(|delivery| delivery.attempt), Some(2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Bus {
    routes: Routes,
    place: Place,
    waiting: VecDeque<Delivery>,
    dead_letters: Vec<DeadLetter>,
    published: u64,
    delivered: u64,
}

/// A delivery that failed as often as it may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The last try.
    pub delivery: Delivery,
    /// How that failed.
    pub error: String,
}

impl Bus {
    /// An empty bus; `account` and `region` are AWS's and go into the envelopes.
    pub fn new(routes: Routes, account: impl Into<String>, region: impl Into<String>) -> Self {
        Self {
            routes,
            place: Place { account: account.into(), region: region.into() },
            waiting: VecDeque::new(),
            dead_letters: Vec::new(),
            published: 0,
            delivered: 0,
        }
    }

    /// Takes an entry, and makes a delivery for each rule that wants it; that may be none.
    ///
    /// # Errors
    ///
    /// [`EntryError`] when EventBridge would refuse the entry; then nothing is delivered.
    pub fn publish(&mut self, entry: Entry) -> Result<(), EntryError> {
        let Envelope { text, event } = Envelope::wrap(&entry, &self.place)?;
        self.published = self.published.saturating_add(1);
        let id = entry.id;
        for route in self.routes.matching(&event) {
            self.delivered = self.delivered.saturating_add(1);
            let message_id = format!("{id}-{}", self.delivered);
            let delivery = Delivery::first(route, text.clone(), message_id, self.place.clone());
            self.waiting.push_back(delivery);
        }
        Ok(())
    }

    /// The delivery that waits longest. Whoever takes it and fails must say so with [`Bus::failed`].
    #[must_use = "a delivery that is dropped counts as a success"]
    #[expect(clippy::should_implement_trait, reason = "a queue that grows again is no iterator")]
    pub fn next(&mut self) -> Option<Delivery> {
        self.waiting.pop_front()
    }

    /// How many deliveries wait.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Puts a delivery that failed at the end of the queue, or among the dead letters when it was tried often enough.
    pub fn failed(&mut self, delivery: Delivery, error: &str) {
        if delivery.is_last() {
            self.dead_letters.push(DeadLetter { delivery, error: error.to_owned() });
        } else {
            self.waiting.push_back(delivery.again());
        }
    }

    /// What was tried often enough, in the order it was given up.
    pub fn dead_letters(&self) -> &[DeadLetter] {
        &self.dead_letters
    }

    /// How many entries were taken.
    pub const fn published(&self) -> u64 {
        self.published
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::entry::ENTRY_LIMIT_BYTES;
    use crate::route::Via;

    fn bus() -> Bus {
        Bus::new(Routes::deployed().unwrap(), "123456789012", "us-east-1")
    }

    fn entry(source: &str, detail_type: &str, detail: &str) -> Entry {
        Entry {
            source: source.to_owned(),
            detail_type: detail_type.to_owned(),
            detail: detail.to_owned(),
            id: "event-1".to_owned(),
            time: "2026-01-26T20:46:15Z".to_owned(),
        }
    }

    fn plan() -> Entry {
        entry("alchemiser.portfolio", "RebalancePlanned", r#"{"plan_id":"plan-1"}"#)
    }

    fn request() -> Entry {
        entry("alchemiser.execution", "TradeExecutionRequested", r#"{"epoch":1}"#)
    }

    /// Publishes one event and says who is given it, and how.
    fn check_delivered(source: &str, detail_type: &str, expected: Option<(&str, Via)>) {
        let mut bus = bus();
        bus.publish(entry(source, detail_type, "{}")).unwrap();
        let found = bus.next().map(|delivery| (delivery.function, delivery.via));
        let expected = expected.map(|(function, via)| (function.to_owned(), via));
        assert_eq!(found, expected, "{detail_type} from {source}");
        assert_eq!((bus.next(), bus.published()), (None, 1));
    }

    fn check_refused(entry: Entry, code: &str) {
        let mut bus = bus();
        let error = bus.publish(entry).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert_eq!((bus.next(), bus.published()), (None, 0));
    }

    /// Fails every delivery until there is none, and returns the tries.
    fn fail_all(bus: &mut Bus) -> Vec<u32> {
        let mut tries = Vec::new();
        while let Some(delivery) = bus.next() {
            tries.push(delivery.attempt);
            let error = format!("crash {}", delivery.attempt);
            bus.failed(delivery, &error);
        }
        tries
    }

    #[test]
    fn plans_of_both_sources_wait_in_the_queue_of_plans() {
        let via = || Some(("RebalancePlannedFunction", Via::Queue("PlansQueue".to_owned())));
        check_delivered("alchemiser.portfolio", "RebalancePlanned", via());
        check_delivered("the_alchemiser.portfolio_v2", "RebalancePlanned", via());
    }

    #[test]
    fn requests_go_straight_to_the_execution() {
        let via = Some(("TradeExecutionFunction", Via::Direct));
        check_delivered("alchemiser.execution", "TradeExecutionRequested", via);
    }

    #[test]
    fn outcomes_wait_in_the_queue_of_outcomes() {
        let via = || Some(("WorkflowOutcomeFunction", Via::Queue("OutcomesQueue".to_owned())));
        check_delivered("alchemiser.execution", "WorkflowCompleted", via());
        check_delivered("alchemiser.execution", "WorkflowFailed", via());
    }

    #[test]
    fn what_no_rule_wants_is_published_and_delivered_to_nobody() {
        check_delivered("alchemiser.execution", "TradeExecuted", None);
        check_delivered("alchemiser.execution", "RebalancePlanned", None);
        check_delivered("someone.else", "RebalancePlanned", None);
        check_delivered("alchemiser.portfolio", "TradeExecutionRequested", None);
    }

    #[test]
    fn an_entry_eventbridge_would_refuse_is_refused() {
        check_refused(entry("", "RebalancePlanned", "{}"), "ENTRY_SOURCE_EMPTY");
        check_refused(entry("alchemiser.portfolio", "", "{}"), "ENTRY_DETAIL_TYPE_EMPTY");
        for detail in ["", "{", "{} {}", "[]", "1", "null", "{'a':1}"] {
            check_refused(entry("source", "type", detail), "ENTRY_DETAIL_MALFORMED");
        }
    }

    #[test]
    fn an_entry_may_be_as_large_as_the_limit_and_no_larger() {
        let mut largest = entry("source", "type", "");
        let room = ENTRY_LIMIT_BYTES - "source".len() - "type".len() - 14;
        largest.detail = format!("{{\"a\":\"{}\"}}", "x".repeat(room - 8));
        bus().publish(largest.clone()).unwrap();
        largest.detail = largest.detail.replace("\"a\"", "\"aa\"");
        check_refused(largest, "ENTRY_TOO_LARGE");
    }

    #[test]
    fn one_refused_entry_does_not_touch_the_others() {
        let mut bus = bus();
        bus.publish(plan()).unwrap();
        bus.publish(entry("alchemiser.portfolio", "RebalancePlanned", "{")).unwrap_err();
        bus.publish(request()).unwrap();
        assert_eq!(bus.next().unwrap().rule, "RebalancePlannedRule");
        assert_eq!(bus.next().unwrap().rule, "TradeExecutionRequestedRule");
        assert_eq!((bus.next(), bus.published()), (None, 2));
    }

    #[test]
    fn every_byte_of_the_detail_arrives() {
        let detail = "{\"b\" : 1.10,\n \"a\":1e2, \"a\":0.123456789012345678901234567890,\"\\u00e9\":\"\u{e9}\\/\"}";
        for source in ["alchemiser.portfolio", "the_alchemiser.portfolio_v2"] {
            let mut bus = bus();
            bus.publish(entry(source, "RebalancePlanned", detail)).unwrap();
            let delivery = bus.next().unwrap();
            let expected = format!(
                "{{\"version\":\"0\",\"id\":\"event-1\",\"detail-type\":\"RebalancePlanned\",\
                 \"source\":\"{source}\",\"account\":\"123456789012\",\"time\":\"2026-01-26T20:46:15Z\",\
                 \"region\":\"us-east-1\",\"resources\":[],\"detail\":{detail}}}"
            );
            assert_eq!(delivery.envelope, expected);
            let payload: Value = serde_json::from_str(&delivery.payload()).unwrap();
            assert_eq!(payload["Records"][0]["body"], expected);
        }
    }

    #[test]
    fn a_direct_payload_is_the_envelope() {
        let mut bus = bus();
        bus.publish(request()).unwrap();
        let delivery = bus.next().unwrap();
        assert_eq!(delivery.payload(), delivery.envelope);
    }

    #[test]
    fn a_queued_payload_is_an_sqs_event_with_one_record() {
        let mut bus = bus();
        bus.publish(plan()).unwrap();
        let first = bus.next().unwrap();
        bus.failed(first, "crash");
        let delivery = bus.next().unwrap();
        let payload: Value = serde_json::from_str(&delivery.payload()).unwrap();
        let expected = serde_json::json!({ "Records": [{
            "messageId": "event-1-1",
            "receiptHandle": "event-1-1#2",
            "body": delivery.envelope,
            "attributes": { "ApproximateReceiveCount": "2" },
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:PlansQueue",
            "awsRegion": "us-east-1",
        }] });
        assert_eq!(payload, expected);
    }

    #[test]
    fn a_queued_delivery_is_tried_as_often_as_its_redrive_says() {
        let mut bus = bus();
        bus.publish(plan()).unwrap();
        assert_eq!(fail_all(&mut bus), [1, 2, 3, 4, 5]);
        let [dead] = bus.dead_letters() else { panic!("{:?}", bus.dead_letters()) };
        assert_eq!((dead.delivery.attempt, dead.error.as_str()), (5, "crash 5"));
        assert_eq!(dead.delivery.message_id, "event-1-1");
    }

    #[test]
    fn a_direct_delivery_is_tried_once_and_then_retried_twice() {
        let mut bus = bus();
        bus.publish(request()).unwrap();
        assert_eq!(fail_all(&mut bus), [1, 2, 3]);
        assert_eq!(bus.dead_letters().len(), 1);
    }

    #[test]
    fn a_failed_delivery_goes_behind_those_that_wait() {
        let mut bus = bus();
        bus.publish(plan()).unwrap();
        bus.publish(request()).unwrap();
        let plan = bus.next().unwrap();
        bus.failed(plan, "crash");
        assert_eq!(bus.next().unwrap().rule, "TradeExecutionRequestedRule");
        let plan = bus.next().unwrap();
        assert_eq!((plan.rule.as_str(), plan.attempt), ("RebalancePlannedRule", 2));
        assert!(bus.dead_letters().is_empty());
    }

    #[test]
    fn the_same_entry_twice_makes_two_deliveries_with_the_same_envelope() {
        let mut bus = bus();
        bus.publish(plan()).unwrap();
        bus.publish(plan()).unwrap();
        let (first, second) = (bus.next().unwrap(), bus.next().unwrap());
        assert_eq!(first.envelope, second.envelope);
        assert_ne!(first.message_id, second.message_id);
    }
}
