//! The Lambda function `trade-execution`.

use alchemiser_local::function::LocalFunction;
use alchemiser_trade_execution::handle;
use jiff::{SignedDuration, Timestamp};
use lambda_runtime::{Context, Error, LambdaEvent, service_fn, tracing};
use serde_json::value::RawValue;

/// Kept of an invocation's time for the hand-over.
const HAND_OVER: SignedDuration = SignedDuration::from_secs(60);

/// A function's time when its runtime does not say (a local emulator's deadline lies in the past): 15 minutes.
const LONGEST: SignedDuration = SignedDuration::from_mins(15);

/// When to hand over, on the function's own clock.
fn stop_at(context: &Context, function: &LocalFunction) -> Option<Timestamp> {
    let deadline =
        i64::try_from(context.deadline).ok().and_then(|at| Timestamp::from_millisecond(at).ok());
    let left =
        deadline.map(|at| at.duration_since(Timestamp::now())).filter(SignedDuration::is_positive);
    let left = left.unwrap_or(LONGEST).saturating_sub(HAND_OVER);
    function.desk.clock.now().checked_add(left).ok()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let function = LocalFunction::from_env()?;
    alchemiser_driver::accept::probe(&function.desk).await?;
    let function = &function;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Box<RawValue>>| async move {
        let stop = stop_at(&event.context, function);
        let payload = event.payload.get().as_bytes();
        let floor = |plan: &_| function.floor(plan);
        let handled = handle(payload, &function.desk, &function.rules.policy, stop, floor).await?;
        Ok::<_, Error>(handled.response)
    }))
    .await
}
