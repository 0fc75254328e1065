//! `WorkflowCompleted` or `WorkflowFailed` in; the ledger and a summary out. No broker here, and no right to publish.
#![warn(clippy::as_conversions, clippy::float_arithmetic, clippy::indexing_slicing)]

use std::sync::Arc;

use alchemiser_core::{ids::AccountId, policy::Policy};
use alchemiser_driver::{
    invoke::{self, Failed},
    ports::{Notifier, Store},
    settle::{Settled, settle},
};
use aws_lambda_events::sqs::SqsBatchResponse;

/// What an invocation came to.
#[derive(Debug)]
pub struct Handled {
    /// The answer to Lambda.
    pub response: SqsBatchResponse,
    /// What became of each terminal event.
    pub settled: Vec<Settled>,
    /// Why messages come again.
    pub failed: Vec<Failed>,
}

/// Deals with an invocation.
///
/// # Errors
/// [`Failed`] for a direct event whose ledger could not be written, or that nobody could be told of; it must come again.
pub async fn handle(
    payload: &[u8],
    store: &Arc<dyn Store>,
    notifier: &dyn Notifier,
    account: &AccountId,
    policy: &Policy,
) -> Result<Handled, Failed> {
    let dealt = invoke::each(payload, |bytes| async move {
        let outcome = settle(store, &bytes, account, policy)
            .await
            .map_err(|error| Failed::new(error.code(), error))?;
        match &outcome {
            Settled::Ledger { key, lines, summary } => {
                tracing::info!(%key, lines, %summary, "settled");
            }
            Settled::Refused { reason } => tracing::warn!(%reason, "an input had been refused"),
            Settled::Ignored(_) => {}
        }
        if let Some(notice) = outcome.notice() {
            notifier.notify(&notice).await.map_err(|error| Failed::new("NOTIFY", error))?;
        }
        Ok(Some(outcome))
    })
    .await?;
    Ok(Handled { response: dealt.response, settled: dealt.outcomes, failed: dealt.failed })
}
