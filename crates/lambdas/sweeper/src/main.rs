//! The Lambda function `sweeper`.

use alchemiser_local::function::LocalFunction;
use alchemiser_sweeper::handle;
use lambda_runtime::{Error, LambdaEvent, service_fn, tracing};
use serde_json::value::RawValue;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let function = LocalFunction::from_env()?;
    alchemiser_driver::accept::probe(&function.desk).await?;
    let function = &function;
    lambda_runtime::run(service_fn(move |_: LambdaEvent<Box<RawValue>>| async move {
        Ok::<_, Error>(handle(&function.desk, &function.rules.policy).await?)
    }))
    .await
}
