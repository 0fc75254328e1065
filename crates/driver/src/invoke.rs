//! What every function does with an invocation: take its messages one by one, and say which failed.

use std::future::Future;

use alchemiser_wire::incoming::{self, Message};
use aws_lambda_events::sqs::SqsBatchResponse;
use thiserror::Error;

/// A message that was not dealt with.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{code}: {message}")]
pub struct Failed {
    /// The stable code.
    pub code: &'static str,
    /// What was expected, what was found, what to do.
    pub message: String,
}

impl Failed {
    /// A failure.
    pub fn new(code: &'static str, error: impl std::fmt::Display) -> Self {
        Self { code, message: error.to_string() }
    }
}

/// What came of a payload's messages.
#[derive(Debug)]
pub struct Dealt<T> {
    /// The answer to Lambda: the messages that come again.
    pub response: SqsBatchResponse,
    /// What became of the others.
    pub outcomes: Vec<T>,
    /// Why messages come again.
    pub failed: Vec<Failed>,
}

/// Deals with every message of a payload, and gathers what became of them. Messages of a queue that fail are named in
/// the response, so that only they come again; a failure of an event straight from a rule is the invocation's failure.
///
/// # Errors
/// [`Failed`] for a direct event that failed, or records that are none.
pub async fn each<T, F, R>(payload: &[u8], mut handle: F) -> Result<Dealt<T>, Failed>
where
    F: FnMut(Vec<u8>) -> R,
    R: Future<Output = Result<Option<T>, Failed>>,
{
    let messages =
        incoming::messages(payload).map_err(|error| Failed::new("MALFORMED_RECORDS", error))?;
    let (mut response, mut outcomes) = (SqsBatchResponse::default(), Vec::new());
    let mut failures = Vec::new();
    for Message { message_id, bytes } in messages {
        match (handle(bytes).await, message_id) {
            (Ok(outcome), _) => outcomes.extend(outcome),
            (Err(failed), Some(id)) => {
                tracing::error!(message_id = %id, code = failed.code, error = %failed.message, "a message failed");
                response.add_failure(id);
                failures.push(failed);
            }
            (Err(failed), None) => return Err(failed),
        }
    }
    Ok(Dealt { response, outcomes, failed: failures })
}
