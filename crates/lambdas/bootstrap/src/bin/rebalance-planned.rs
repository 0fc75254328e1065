//! The Lambda function `rebalance-planned`.

use std::process::ExitCode;

use alchemiser_aws::metrics::{Measured, Metric};
use alchemiser_bootstrap::{invocation, surroundings::Role};
use alchemiser_driver::accept::Accepted;
use alchemiser_rebalance_planned::handle;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    invocation::run(Role::RebalancePlanned, async |function, payload, _| {
        let handled = handle(payload, &function.desk, &function.rules).await?;
        let count = |is: fn(&Accepted) -> bool| handled.accepted.iter().filter(|a| is(a)).count();
        let measured = Measured::none()
            .with(Metric::PlansClaimed, count(|a| matches!(a, Accepted::Claimed(_))))
            .with(Metric::PlansRefused, count(|a| matches!(a, Accepted::Refused(_))))
            .with(Metric::PlanConflicts, count(|a| matches!(a, Accepted::Conflict(_))))
            .with(Metric::MessagesFailed, handled.response.batch_item_failures.len());
        function.metrics.emit(&measured, function.desk.clock.now());
        Ok(handled.response)
    })
    .await
}
