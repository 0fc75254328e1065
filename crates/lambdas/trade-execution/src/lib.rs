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
use jiff::{SignedDuration, Timestamp};

/// Kept of an invocation's time for the hand-over.
const HAND_OVER: SignedDuration = SignedDuration::from_secs(60);

/// A function's time when its runtime does not say (a local emulator's deadline lies in the past): the longest that AWS
/// allows, and what the template gives this function.
const LONGEST: SignedDuration = SignedDuration::from_mins(15);

/// When to hand over, on the function's own clock: a minute before the deadline, which is in milliseconds on the
/// runtime's clock.
pub fn stop_at(deadline: u64, runtime: Timestamp, own: Timestamp) -> Option<Timestamp> {
    let deadline = i64::try_from(deadline).ok().and_then(|at| Timestamp::from_millisecond(at).ok());
    let left = deadline.map(|at| at.duration_since(runtime)).filter(SignedDuration::is_positive);
    let left = left.unwrap_or(LONGEST).saturating_sub(HAND_OVER);
    own.checked_add(left.max(SignedDuration::ZERO)).ok()
}

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
    floor: impl AsyncFn(&Plan) -> Result<(Floor, K), Failed>,
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
        let (floor, _keep) = floor(&plan).await?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn check(deadline: u64, expected: &str) {
        let (runtime, own) = ("2026-01-26T20:00:00Z", "2026-01-26T15:00:00Z");
        let stop = stop_at(deadline, runtime.parse().unwrap(), own.parse().unwrap());
        assert_eq!(stop.unwrap().to_string(), expected);
    }

    /// X8: a minute is kept for the hand-over; a deadline in the past says nothing.
    #[test]
    fn the_hand_over_is_a_minute_before_the_deadline() {
        let now = 1_769_457_600_000;
        check(now + 300_000, "2026-01-26T15:04:00Z");
        check(now + 30_000, "2026-01-26T15:00:00Z");
        check(now, "2026-01-26T15:14:00Z");
        check(600_000, "2026-01-26T15:14:00Z");
        check(u64::MAX, "2026-01-26T15:14:00Z");
    }
}
