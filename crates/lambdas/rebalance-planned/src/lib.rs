//! `RebalancePlanned` in, `TradeExecutionRequested` out: the plan is refused, or claimed in its log. No broker here.
#![warn(clippy::as_conversions, clippy::float_arithmetic, clippy::indexing_slicing)]

use alchemiser_driver::{
    accept::{Accepted, Rules, accept},
    invoke::{self, Failed},
    ports::Desk,
};
use aws_lambda_events::sqs::SqsBatchResponse;

/// What an invocation came to.
#[derive(Debug)]
pub struct Handled {
    /// The answer to Lambda.
    pub response: SqsBatchResponse,
    /// What became of each message.
    pub accepted: Vec<Accepted>,
}

/// Deals with an invocation: an EventBridge event, or SQS records that hold such events.
///
/// # Errors
/// [`Failed`] for a direct event that could not be recorded or asked for; it must come again.
pub async fn handle(payload: &[u8], desk: &Desk, rules: &Rules) -> Result<Handled, Failed> {
    let mut accepted = Vec::new();
    let seen = &std::sync::Mutex::new(&mut accepted);
    let response = invoke::each(payload, |bytes| async move {
        let outcome =
            accept(desk, &bytes, rules).await.map_err(|error| Failed::new("ACCEPT", error))?;
        seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(outcome);
        Ok(())
    })
    .await?;
    Ok(Handled { response, accepted })
}
