//! `TradeExecutionRequested` in; orders, the log, and the execution's events out.
#![warn(clippy::as_conversions, clippy::float_arithmetic, clippy::indexing_slicing)]

use alchemiser_core::{plan::Plan, policy::Policy};
use alchemiser_driver::{
    execute::{ExecuteError, Executed, claimed, execute},
    invoke::{self, Failed},
    log::LogError,
    ports::{Desk, Floor},
};
use alchemiser_wire::{
    incoming,
    request::{DETAIL_TYPE, Request},
};
use aws_lambda_events::sqs::SqsBatchResponse;
use jiff::Timestamp;

/// What an invocation came to.
#[derive(Debug)]
pub struct Handled {
    /// The answer to Lambda.
    pub response: SqsBatchResponse,
    /// What became of each request.
    pub executed: Vec<Executed>,
    /// Why messages come again.
    pub failed: Vec<Failed>,
}

/// Deals with an invocation. `floor` opens what the plan is traded on, and keeps what must live as long (`K`).
///
/// # Errors
/// [`Failed`] for a direct event that could not be dealt with; the log says where the next one goes on.
pub async fn handle<K>(
    payload: &[u8],
    desk: &Desk,
    policy: &Policy,
    stop_at: Option<Timestamp>,
    floor: impl Fn(&Plan) -> Result<(Floor, K), Failed>,
) -> Result<Handled, Failed> {
    let floor = &floor;
    let dealt = invoke::each(payload, |bytes| async move {
        let envelope =
            incoming::envelope(&bytes).map_err(|error| Failed::new("MALFORMED_EVENT", error))?;
        if envelope.detail_type != DETAIL_TYPE {
            tracing::info!(detail_type = %envelope.detail_type, "an event of another type was ignored");
            return Ok(None);
        }
        let request =
            Request::read(&envelope).map_err(|error| Failed::new("MALFORMED_EVENT", error))?;
        let failed = |error: ExecuteError| Failed::new(error.code(), error);
        let plan =
            claimed(desk, &request.account, &request.plan_id, policy).await.map_err(failed)?;
        let (floor, _keep) = floor(&plan)?;
        // On the heap: an execution's state is too large to be moved with every step of this future.
        let executed = execute(&floor, &request.account, &request.plan_id, policy, stop_at);
        match Box::pin(executed).await {
            Ok(outcome) => Ok(Some(outcome)),
            // Somebody else owns the plan now, and goes on with it.
            Err(ExecuteError::Log(LogError::Lost { .. })) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    })
    .await?;
    Ok(Handled { response: dealt.response, executed: dealt.outcomes, failed: dealt.failed })
}
