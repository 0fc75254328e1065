//! The Lambda function `rebalance-planned`.

use alchemiser_local::function::LocalFunction;
use alchemiser_rebalance_planned::handle;
use lambda_runtime::{Error, LambdaEvent, service_fn, tracing};
use serde_json::value::RawValue;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let function = LocalFunction::from_env()?;
    alchemiser_driver::accept::probe(&function.desk).await?;
    let function = &function;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Box<RawValue>>| async move {
        let handled =
            handle(event.payload.get().as_bytes(), &function.desk, &function.rules).await?;
        Ok::<_, Error>(handled.response)
    }))
    .await
}
