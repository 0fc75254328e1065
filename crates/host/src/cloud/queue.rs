//! One SQS standard queue.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::deployment::Answers;

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) id: String,
    pub(super) body: String,
    pub(super) receives: u32,
    sent_at: Timestamp,
    first_received_at: Timestamp,
    visible_at: Timestamp,
}

/// A message that nobody reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// The message's id.
    pub id: String,
    /// What it says.
    pub body: String,
    /// When it was put there.
    pub sent_at: Timestamp,
}

impl Message {
    /// The message as a record of a function's event.
    pub(super) fn record(&self, arn: &str, region: &str) -> Value {
        json!({
            "messageId": self.id,
            "receiptHandle": format!("{}#{}", self.id, self.receives),
            "body": self.body,
            "attributes": {
                "ApproximateReceiveCount": self.receives.to_string(),
                "SentTimestamp": self.sent_at.as_millisecond().to_string(),
                "ApproximateFirstReceiveTimestamp": self.first_received_at.as_millisecond().to_string(),
            },
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": arn,
            "awsRegion": region,
        })
    }
}

/// What a receive came to.
pub(super) struct Received {
    pub(super) messages: Vec<Message>,
    /// The bodies of messages that were received as often as they may be.
    pub(super) given_up: Vec<String>,
}

/// The messages of a queue, oldest first.
#[derive(Debug, Default)]
pub(super) struct Waiting(Vec<Message>);

impl Waiting {
    pub(super) fn send(&mut self, id: String, body: String, now: Timestamp) {
        let (receives, at) = (0, now);
        let message =
            Message { id, body, receives, sent_at: at, first_received_at: at, visible_at: at };
        self.0.push(message);
    }

    /// Up to `batch` visible messages, which nobody else sees until then.
    pub(super) fn receive(
        &mut self,
        batch: usize,
        hidden_until: Timestamp,
        receives_max: u32,
        now: Timestamp,
    ) -> Received {
        let (gone, kept) = std::mem::take(&mut self.0)
            .into_iter()
            .partition(|m: &Message| m.visible_at <= now && m.receives >= receives_max);
        self.0 = kept;
        let gone: Vec<Message> = gone;
        let visible = self.0.iter_mut().filter(|message| message.visible_at <= now).take(batch);
        let messages = visible.map(|message| {
            if message.receives == 0 {
                message.first_received_at = now;
            }
            message.receives = message.receives.saturating_add(1);
            message.visible_at = hidden_until;
            message.clone()
        });
        let messages = messages.collect();
        Received { messages, given_up: gone.into_iter().map(|message| message.body).collect() }
    }

    pub(super) fn delete(&mut self, id: &str) {
        self.0.retain(|message| message.id != id);
    }

    pub(super) fn expire(&mut self, retention: SignedDuration, now: Timestamp) {
        self.0.retain(|message| now.duration_since(message.sent_at) <= retention);
    }

    pub(super) fn visible_at(&self) -> Option<Timestamp> {
        self.0.iter().map(|message| message.visible_at).min()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn letters(&self) -> impl Iterator<Item = Letter> {
        self.0.iter().map(|message| Letter {
            id: message.id.clone(),
            body: message.body.clone(),
            sent_at: message.sent_at,
        })
    }
}

/// The messages that an answer says failed; all of them when it cannot be read, as Lambda has it.
pub(super) fn failures(answer: &str, answers: Answers, ids: &[String]) -> Vec<String> {
    if answers == Answers::Whole {
        return Vec::new();
    }
    let all = || ids.to_vec();
    let Ok(answer) = serde_json::from_str::<Value>(answer) else { return all() };
    match answer.get("batchItemFailures") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(items)) => {
            let named = items.iter().map(|item| item.get("itemIdentifier").and_then(Value::as_str));
            let named: Option<Vec<String>> = named
                .map(|id| id.filter(|id| ids.iter().any(|own| own == id)).map(str::to_owned))
                .collect();
            named.unwrap_or_else(all)
        }
        Some(_) => all(),
    }
}
