//! What a function is invoked with: an EventBridge event, or SQS records that hold such events.

use alchemiser_core::plan::{PlanRefused, RefusalCode};
use aws_lambda_events::{eventbridge::EventBridgeEvent, sqs::SqsEvent};
use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::strict;

/// An event as a rule delivers it, its detail untouched. Only [`envelope`] makes one, so that every key in it stands once.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Envelope {
    /// The event's type.
    pub detail_type: String,
    /// Who published it.
    pub source: String,
    /// The envelope's own id.
    pub id: Option<String>,
    /// The event.
    pub detail: Box<RawValue>,
}

/// One message of an invocation.
#[derive(Clone, Debug)]
pub struct Message {
    /// The queue's id of it, for partial batch failures; `None` when it came straight from a rule.
    pub message_id: Option<String>,
    /// The event's bytes.
    pub bytes: Vec<u8>,
}

#[derive(Deserialize)]
struct Shape {
    #[serde(rename = "Records")]
    records: Option<serde::de::IgnoredAny>,
}

/// Takes an invocation's payload apart.
///
/// # Errors
/// [`PlanRefused`] when the payload holds `Records` that are not SQS records. Anything else is one message.
pub fn messages(payload: &[u8]) -> Result<Vec<Message>, PlanRefused> {
    let queued =
        serde_json::from_slice::<Shape>(payload).is_ok_and(|shape| shape.records.is_some());
    if !queued {
        return Ok(vec![Message { message_id: None, bytes: payload.to_vec() }]);
    }
    let event: SqsEvent = serde_json::from_slice(payload).map_err(|error| {
        PlanRefused::new(RefusalCode::MalformedJson, "Records", "SQS records", error)
    })?;
    let message = |record: aws_lambda_events::sqs::SqsMessage| Message {
        message_id: Some(record.message_id.unwrap_or_default()),
        bytes: record.body.unwrap_or_default().into_bytes(),
    };
    Ok(event.records.into_iter().map(message).collect())
}

/// Reads an event's envelope, strictly: every key once, at every depth.
///
/// # Errors
/// [`PlanRefused`] naming what is missing or malformed.
pub fn envelope(bytes: &[u8]) -> Result<Envelope, PlanRefused> {
    let event: EventBridgeEvent<Box<RawValue>> = strict::read(bytes, "event")?;
    let EventBridgeEvent { detail_type, source, id, detail, .. } = event;
    Ok(Envelope { detail_type, source, id, detail })
}

/// The id that an input itself has: its event's, or its envelope's. Without one nobody could be told of it.
pub fn own_id(bytes: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Ids {
        id: Option<String>,
        detail: Option<DetailId>,
    }
    #[derive(Deserialize)]
    struct DetailId {
        event_id: Option<String>,
    }
    let ids = serde_json::from_slice::<Ids>(bytes).ok();
    let inner =
        ids.as_ref().and_then(|ids| ids.detail.as_ref()).and_then(|detail| detail.event_id.clone());
    let found = inner.or_else(|| ids.and_then(|ids| ids.id));
    found.filter(|id| alchemiser_core::ids::EventId::new(id).is_ok())
}

/// The id under which an input is recorded when it is refused: its own, or one made of its bytes.
pub fn source_id(bytes: &[u8]) -> String {
    own_id(bytes).unwrap_or_else(|| {
        let mut digest = data_encoding::HEXLOWER.encode(&Sha256::digest(bytes));
        digest.truncate(32);
        format!("input-{digest}")
    })
}

/// The workflow's id, as far as a refused input has one.
pub fn correlation_id(bytes: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Outer {
        detail: Inner,
    }
    #[derive(Deserialize)]
    struct Inner {
        correlation_id: String,
    }
    serde_json::from_slice::<Outer>(bytes).ok().map(|outer| outer.detail.correlation_id)
}
