//! The Lambda function `workflow-outcome`.

use alchemiser_local::function::LocalFunction;
use alchemiser_workflow_outcome::handle;
use lambda_runtime::{Error, LambdaEvent, service_fn, tracing};
use serde_json::value::RawValue;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let function = LocalFunction::from_env()?;
    alchemiser_driver::accept::probe(&function.desk).await?;
    let function = &function;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Box<RawValue>>| async move {
        let account = &function.rules.accounts.default;
        let payload = event.payload.get().as_bytes();
        let (store, policy) = (&function.desk.store, &function.rules.policy);
        let handled = handle(payload, store, &function.notifier, account, policy).await?;
        Ok::<_, Error>(handled.response)
    }))
    .await
}
