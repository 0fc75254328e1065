//! The bus.

use alchemiser_core::fact::Announced;
use alchemiser_driver::ports::{EventPublisher, PublishError};
use alchemiser_wire::event::SOURCE;
use async_trait::async_trait;
use aws_sdk_eventbridge::{
    Client,
    primitives::DateTime,
    types::{PutEventsRequestEntry, PutEventsResultEntry},
};
use jiff::Timestamp;

use crate::failure::Failure;

/// The most bytes of one entry that EventBridge takes.
const ENTRY_MAX: usize = 1_048_576;

/// What an entry's time counts towards the limit, in bytes.
const TIME_BYTES: usize = 14;

/// Publishes on a bus, as `alchemiser.execution`.
#[derive(Clone, Debug)]
pub struct BusPublisher {
    client: Client,
    bus: String,
}

impl BusPublisher {
    /// The publisher of a bus, by its name or ARN.
    pub fn new(client: Client, bus: String) -> Self {
        Self { client, bus }
    }
}

/// An entry's size as EventBridge counts it, in bytes.
fn size(event: &Announced) -> usize {
    [TIME_BYTES, SOURCE.len(), event.detail_type.len(), event.detail.len()].iter().sum()
}

/// HTTP 200 says that the request was read; each entry has a result of its own.
fn taken(failed: i32, results: &[PutEventsResultEntry]) -> Result<(), PublishError> {
    let [result] = results else {
        let found = results.len();
        return Err(PublishError(format!("PutEvents: expected 1 result, found {found}")));
    };
    match (failed, &result.error_code, &result.event_id) {
        (0, None, Some(_)) => Ok(()),
        (_, code, _) => {
            let code = code.as_deref().unwrap_or("no event id");
            let message = result.error_message.as_deref().unwrap_or("no message");
            Err(PublishError(format!("PutEvents: {code}: {message}")))
        }
    }
}

#[async_trait]
impl EventPublisher for BusPublisher {
    async fn publish(&self, event: &Announced, at: Timestamp) -> Result<(), PublishError> {
        let found = size(event);
        if found > ENTRY_MAX {
            let text = format!(
                "ENTRY_TOO_LARGE: {} {}: expected at most {ENTRY_MAX} bytes, found {found}; its bytes are in the log",
                event.detail_type, event.event_id
            );
            return Err(PublishError(text));
        }
        let entry = PutEventsRequestEntry::builder()
            .event_bus_name(&self.bus)
            .source(SOURCE)
            .detail_type(&event.detail_type)
            .detail(&event.detail)
            .time(DateTime::from_millis(at.as_millisecond()))
            .build();
        match self.client.put_events().entries(entry).send().await {
            Ok(answer) => taken(answer.failed_entry_count(), answer.entries()),
            Err(error) => Err(PublishError(format!("PutEvents: {}", Failure::of(&error)))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(failed: i32, results: &[PutEventsResultEntry], expected: &str) {
        let answer = taken(failed, results).map_or_else(|error| error.0, |()| "taken".to_owned());
        assert_eq!(answer, expected);
    }

    /// H7: an answer of 200 is no acceptance; the entry's own result is.
    #[test]
    fn an_entry_is_taken_only_if_its_own_result_says_so() {
        let result = PutEventsResultEntry::builder;
        let taken = result().event_id("e-1").build();
        let refused = result().error_code("ThrottlingException").error_message("slower").build();
        check(0, std::slice::from_ref(&taken), "taken");
        check(1, &[refused], "PutEvents: ThrottlingException: slower");
        check(1, std::slice::from_ref(&taken), "PutEvents: no event id: no message");
        check(0, &[result().build()], "PutEvents: no event id: no message");
        check(0, &[], "PutEvents: expected 1 result, found 0");
        check(0, &[taken.clone(), taken], "PutEvents: expected 1 result, found 2");
    }
}
