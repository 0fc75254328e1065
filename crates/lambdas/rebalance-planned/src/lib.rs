//! `RebalancePlanned` in, `TradeExecutionRequested` out: the plan is refused, or claimed in its log. No broker here.
#![warn(clippy::as_conversions, clippy::float_arithmetic, clippy::indexing_slicing)]

use alchemiser_driver::{
    accept::{Accepted, Rules, accept},
    invoke::{self, Failed},
    ports::Desk,
};
use alchemiser_wire::incoming;
use aws_lambda_events::sqs::SqsBatchResponse;

/// What an invocation came to.
#[derive(Debug)]
pub struct Handled {
    /// The answer to Lambda.
    pub response: SqsBatchResponse,
    /// What became of each message.
    pub accepted: Vec<Accepted>,
    /// Why messages come again.
    pub failed: Vec<Failed>,
}

/// Deals with an invocation: an EventBridge event, or SQS records that hold such events. A plan that is refused is
/// answered and consumed; bytes without an id are nobody's, and belong into the dead-letter queue as they are.
///
/// # Errors
/// [`Failed`] for a direct event that could not be recorded or asked for; it must come again.
pub async fn handle(payload: &[u8], desk: &Desk, rules: &Rules) -> Result<Handled, Failed> {
    let dealt = invoke::each(payload, |bytes| async move {
        if incoming::own_id(&bytes).is_none() {
            return Err(unidentified(&bytes));
        }
        let accepted = accept(desk, &bytes, rules).await;
        accepted.map(Some).map_err(|error| Failed::new(error.code(), error))
    })
    .await?;
    Ok(Handled { response: dealt.response, accepted: dealt.outcomes, failed: dealt.failed })
}

fn unidentified(bytes: &[u8]) -> Failed {
    let expected = "expected an event with an id, to which a refusal could be answered";
    match incoming::envelope(bytes) {
        Ok(_) => Failed::new("UNIDENTIFIED_EVENT", format!("{expected}, found none")),
        Err(refused) => Failed::new("UNIDENTIFIED_EVENT", format!("{expected}, found: {refused}")),
    }
}
