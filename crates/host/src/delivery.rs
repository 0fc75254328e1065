//! One event on its way to one function.

use serde_json::json;

use crate::entry::Place;
use crate::route::{Route, Via};

/// One event for one function. Only a [`crate::Bus`] makes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The logical id of the function it is for.
    pub function: String,
    /// The logical id of the rule that wanted it.
    pub rule: String,
    /// The way from the rule to the function.
    pub via: Via,
    /// The whole EventBridge envelope, in JSON.
    pub envelope: String,
    /// Which try this is, from 1.
    pub attempt: u32,
    /// Names this delivery, through all its tries; unique on its bus.
    pub message_id: String,
    attempts: u32,
    place: Place,
}

impl Delivery {
    pub(crate) fn first(route: &Route, envelope: String, message_id: String, place: Place) -> Self {
        Self {
            function: route.function.clone(),
            rule: route.rule.clone(),
            via: route.via.clone(),
            envelope,
            attempt: 1,
            message_id,
            attempts: route.attempts,
            place,
        }
    }

    /// Whether this try is the last one it gets.
    pub(crate) const fn is_last(&self) -> bool {
        self.attempt >= self.attempts
    }

    /// The next try.
    pub(crate) fn again(self) -> Self {
        Self { attempt: self.attempt.saturating_add(1), ..self }
    }

    /// What the Lambda is given, in JSON: the envelope itself, or an SQS event with one record that holds it.
    pub fn payload(&self) -> String {
        match &self.via {
            Via::Direct => self.envelope.clone(),
            Via::Queue(queue) => self.sqs_event(queue),
        }
    }

    fn sqs_event(&self, queue: &str) -> String {
        let Place { account, region } = &self.place;
        // No md5 and no send time: this queue has neither, and the consumers' type needs neither.
        let event = json!({ "Records": [{
            "messageId": self.message_id,
            "receiptHandle": format!("{}#{}", self.message_id, self.attempt),
            "body": self.envelope,
            "attributes": { "ApproximateReceiveCount": self.attempt.to_string() },
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": format!("arn:aws:sqs:{region}:{account}:{queue}"),
            "awsRegion": region,
        }] });
        event.to_string()
    }
}
