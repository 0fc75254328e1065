//! How a function takes invocations.

use std::{future::Future, panic::AssertUnwindSafe, process::ExitCode};

use alchemiser_driver::invoke::Failed;
use futures::{FutureExt, future::LocalBoxFuture};
use lambda_runtime::{Context, LambdaEvent, service_fn};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    diagnosis::Diagnosis,
    surroundings::{Function, Role},
    words,
};

/// Takes invocations until Lambda ends the process. `handle` is given the surroundings, the payload's bytes and Lambda's
/// words about the invocation.
pub async fn run<T, F>(role: Role, handle: F) -> ExitCode
where
    T: Serialize,
    F: for<'a> AsyncFn(&'a Function, &'a [u8], &'a Context) -> Result<T, Failed>,
{
    words::speak();
    let function = match Function::from_env(role).await {
        Ok(function) => function,
        Err(failed) => {
            words::last(&failed);
            return ExitCode::FAILURE;
        }
    };
    let (function, handle) = (&function, &handle);
    let service = service_fn(move |event: LambdaEvent<Box<RawValue>>| async move {
        let LambdaEvent { payload, context } = event;
        let answer = taken(function, handle(function, payload.get().as_bytes(), &context)).await;
        answer.map_err(Diagnosis)
    });
    let ended: LocalBoxFuture<'_, _> = Box::pin(lambda_runtime::run(service));
    match ended.await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            words::last(&Failed::new("RUNTIME", error));
            ExitCode::FAILURE
        }
    }
}

/// One invocation, after the store is known to be one that can be trusted.
async fn taken<T>(
    function: &Function,
    work: impl Future<Output = Result<T, Failed>>,
) -> Result<T, Failed> {
    // On the heap: what a handler keeps across its waits is too large to be moved with every step.
    let work: LocalBoxFuture<'_, Result<T, Failed>> = Box::pin(async {
        function.trust().await?;
        work.await
    });
    let answer = caught(work).await;
    function.say_requests();
    if let Err(failed) = &answer {
        tracing::error!(code = failed.code, error = %failed.message, "the invocation failed");
    }
    answer
}

/// A panic ends an invocation like any other failure.
async fn caught<T>(work: impl Future<Output = Result<T, Failed>>) -> Result<T, Failed> {
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(answer) => answer,
        Err(payload) => Err(Failed::new("PANIC", words::said(payload.as_ref()))),
    }
}

#[cfg(test)]
mod tests {
    use alchemiser_alpaca::{keyring::Keyring, keys::Keys};

    use super::*;

    fn check(work: impl Future<Output = Result<u32, Failed>>, expected: &str) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let answer = runtime.block_on(caught(work));
        let said = answer.map_or_else(|failed| failed.to_string(), |answer| answer.to_string());
        assert_eq!(said, expected);
    }

    /// S9: whatever happens inside, an invocation ends with an answer.
    #[test]
    fn a_panic_is_a_failure_with_a_code() {
        check(async { Ok(1) }, "1");
        check(async { Err(Failed::new("SWEEP", "no")) }, "SWEEP: no");
        check(async { panic!("boom {}", 1) }, "PANIC: boom 1");
        check(async { panic!("boom") }, "PANIC: boom");
        check(async { std::panic::panic_any(7) }, "PANIC: a panic without words");
    }

    /// I16: a panic that prints whatever holds keys says none of them.
    #[test]
    fn a_panic_says_no_key() {
        let keys = Keys::new("PKCANARY", "canary-7f3a").unwrap();
        let ring = Keyring::of(keys.clone());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let work = async { panic!("{keys:?} {ring:?}") };
        let said = runtime.block_on(caught::<u32>(work)).unwrap_err().to_string();
        assert!(said.starts_with("PANIC: Keys([hidden]) Keyring"), "{said}");
        assert!(!said.to_lowercase().contains("canary"), "{said}");
    }
}
