//! The Lambda function `workflow-outcome`.

use std::process::ExitCode;

use alchemiser_aws::metrics::{Measured, Metric};
use alchemiser_bootstrap::{invocation, surroundings::Role};
use alchemiser_workflow_outcome::handle;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    invocation::run(Role::WorkflowOutcome, async |function, payload, _| {
        let (account, policy) = (&function.rules.accounts.default, &function.rules.policy);
        let (store, notifier) = (&function.desk.store, function.notifier.as_ref());
        let handled = handle(payload, store, notifier, account, policy).await?;
        let failed = handled.response.batch_item_failures.len();
        let measured = Measured::none().with(Metric::MessagesFailed, failed);
        function.metrics.emit(&measured, function.desk.clock.now());
        Ok(handled.response)
    })
    .await
}
