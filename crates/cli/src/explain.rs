//! `alchemiser explain`: one leg in sentences.

use alchemiser_core::ids::Symbol;
use alchemiser_report::{
    Logged,
    story::{self, Sentence},
};
use jiff::SignedDuration;
use serde::Serialize;

use crate::{
    args::ExplainArgs,
    exit::{Exit, Stopped},
    load, table,
};

#[derive(Serialize)]
struct Told {
    /// Seconds since the plan was received; null for what has no one moment.
    after_seconds: Option<String>,
    text: String,
}

/// Tells a leg.
pub(crate) fn explain(args: &ExplainArgs) -> Result<Exit, Stopped> {
    attempt(args).map_err(|stopped| stopped.with_json(args.read.json))
}

fn attempt(args: &ExplainArgs) -> Result<Exit, Stopped> {
    let state = load::readable_for(&args.read.state, &args.plan_id)?;
    let log = load::plan(&state, &args.plan_id)?;
    let logged = Logged { entries: &log.entries, sha256: &log.sha256, tape: &[] };
    let symbol = Symbol::new(&args.symbol.to_ascii_uppercase())
        .map_err(|error| Stopped::new(Exit::Refused, "SYMBOL", format!("SYMBOL: {error}")))?;
    let Some(sentences) = story::of_leg(&logged, &symbol) else {
        let state = logged.state();
        let legs = state.iter().flat_map(|state| &state.legs);
        let traded: Vec<String> = legs.map(|leg| leg.symbol().to_string()).collect();
        let message = format!(
            "expected a symbol that plan {} trades ({}), found {symbol}",
            args.plan_id,
            traded.join(", ")
        );
        return Err(Stopped::new(Exit::Refused, "LEG_UNKNOWN", message));
    };
    if args.read.json {
        let told = |sentence: &Sentence| Told {
            after_seconds: sentence.after.map(seconds),
            text: sentence.text.clone(),
        };
        return crate::print_json(&sentences.iter().map(told).collect::<Vec<_>>());
    }
    let width = table::width();
    for sentence in &sentences {
        let margin = sentence.after.map_or_else(String::new, clock);
        crate::print(&table::under(&format!("{margin:>8}  "), &sentence.text, width))?;
    }
    Ok(Exit::Completed)
}

fn seconds(after: SignedDuration) -> String {
    let millis = i64::try_from(after.as_millis()).unwrap_or_default();
    rust_decimal::Decimal::new(millis, 3).to_string()
}

fn clock(after: SignedDuration) -> String {
    let tenths = after.as_millis().max(0) / 100;
    format!("{}:{:02}.{}", tenths / 600, tenths / 10 % 60, tenths % 10)
}
