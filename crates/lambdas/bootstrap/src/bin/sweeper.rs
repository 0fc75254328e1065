//! The Lambda function `sweeper`.

use std::process::ExitCode;

use alchemiser_aws::metrics::{Measured, Metric};
use alchemiser_bootstrap::{invocation, surroundings::Role};
use alchemiser_sweeper::handle;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    invocation::run(Role::Sweeper, async |function, _, _| {
        let summary = handle(&function.desk, &function.rules.policy).await?;
        let measured = Measured::none()
            .with(Metric::PlansOpen, summary.seen)
            .with(Metric::PlansStuck, summary.alarming)
            .with(Metric::LeaseTakeovers, summary.lease_over);
        function.metrics.emit(&measured, function.desk.clock.now());
        Ok(summary)
    })
    .await
}
