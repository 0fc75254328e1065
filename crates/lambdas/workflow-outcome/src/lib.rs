//! `WorkflowCompleted` or `WorkflowFailed` in; the ledger, a page and a message out. No broker here, and no right to publish.
#![warn(clippy::as_conversions, clippy::float_arithmetic, clippy::indexing_slicing)]

use std::sync::Arc;

use alchemiser_core::{ids::AccountId, policy::Policy};
use alchemiser_driver::{
    invoke::{self, Failed},
    ports::{Notice, Notifier, Store},
    settle::{Finished, Settled, settle},
    tape,
};
use alchemiser_report::{
    Logged,
    notice::{self, Message, Places},
    plan,
};
use alchemiser_wire::ledger;
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
        let (settled, finished) = settle(store, &bytes, account, policy)
            .await
            .map_err(|error| Failed::new(error.code(), error))?;
        let message = match (&settled, finished) {
            (Settled::Ledger { key, lines, summary }, Some(finished)) => {
                tracing::info!(%key, lines, %summary, "settled");
                let report = draw(store, &finished).await;
                let places = Places { ledger: key.clone(), lines: *lines, report };
                Some(notice::of_plan(&finished.state, &places))
            }
            (Settled::Refused { reason }, _) => {
                tracing::warn!(%reason, "an input had been refused");
                Some(notice::of_refusal(reason))
            }
            (Settled::Ledger { .. } | Settled::Ignored(_), _) => None,
        };
        if let Some(Message { occasion, subject, text, html }) = message {
            let notice = Notice { occasion, subject, text, html };
            notifier.notify(&notice).await.map_err(|error| Failed::new("NOTIFY", error))?;
        }
        Ok(Some(settled))
    })
    .await?;
    Ok(Handled { response: dealt.response, settled: dealt.outcomes, failed: dealt.failed })
}

/// Draws the plan's page and keeps it; where. A page that cannot be kept stops nothing: the log can be drawn again.
async fn draw(store: &Arc<dyn Store>, finished: &Finished) -> Option<String> {
    let Finished { state, entries, sha256 } = finished;
    let tape = tape::read(store.as_ref(), state).await;
    let html = plan::page(&Logged { entries, sha256, tape: &tape })?;
    let key = ledger::report_key(state, entries.len());
    match store.put_if_absent(&key, html.as_bytes()).await {
        Ok(_) => Some(key),
        Err(error) => {
            tracing::warn!(%key, %error, "the page was not kept; `alchemiser report` draws it from the log");
            None
        }
    }
}
