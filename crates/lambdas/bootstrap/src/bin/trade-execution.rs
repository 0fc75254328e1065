//! The Lambda function `trade-execution`.

use std::process::ExitCode;

use alchemiser_bootstrap::{invocation, surroundings::Role};
use alchemiser_trade_execution::{handle, stop_at};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    invocation::run(Role::TradeExecution, async |function, payload, context| {
        let policy = &function.rules.policy;
        let stop = stop_at(context.deadline, jiff::Timestamp::now(), function.desk.clock.now());
        let floor = async |plan: &_| function.floor(plan).await;
        let handled = handle(payload, &function.desk, policy, stop, floor).await?;
        Ok(handled.response)
    })
    .await
}
