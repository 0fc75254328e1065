//! What a function says: one JSON object a line on standard output, with the invocation's and the plan's ids on its
//! spans.

use std::{env, io, panic};

use alchemiser_driver::invoke::Failed;
use tracing::level_filters::LevelFilter;

/// Lambda's own variable for the least level that is written.
const LEVEL: &str = "AWS_LAMBDA_LOG_LEVEL";

/// Writes events as JSON, and panics as events.
pub fn speak() {
    let level = env::var(LEVEL).ok().and_then(|level| level.parse::<LevelFilter>().ok());
    tracing_subscriber::fmt()
        .json()
        .with_current_span(false)
        .with_span_list(true)
        .with_max_level(level.unwrap_or(LevelFilter::INFO))
        .with_writer(io::stdout)
        .init();
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(code = "PANIC", %place, "{}", said(panic.payload()));
    }));
}

/// What a panic says.
pub(crate) fn said(payload: &dyn std::any::Any) -> String {
    let text = payload.downcast_ref::<String>().cloned();
    let text = text.or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    text.unwrap_or_else(|| "a panic without words".to_owned())
}

/// Why a function does not start, in one line; Lambda shows it with the failed start.
pub fn last(failed: &Failed) {
    eprintln!("{failed}");
}
