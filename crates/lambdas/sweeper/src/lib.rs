//! A schedule's tick in; requests for plans that nobody works on out. No broker here.
#![warn(clippy::as_conversions, clippy::float_arithmetic, clippy::indexing_slicing)]

use alchemiser_core::policy::Policy;
use alchemiser_driver::{
    invoke::Failed,
    ports::Desk,
    sweep::{Found, Swept, sweep},
};
use alchemiser_wire::request::Why;
use serde::Serialize;

/// What a sweep came to, for the log of the invocation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Plans that have a marker.
    pub seen: usize,
    /// Plans that were asked for.
    pub asked: usize,
    /// Of these, plans whose owner's lease was over before they were.
    pub lease_over: usize,
    /// Plans that were let go.
    pub let_go: usize,
    /// Plans that need a person.
    pub alarming: usize,
}

impl Summary {
    fn of(swept: &[Swept]) -> Self {
        let count = |is: fn(&Found) -> bool| swept.iter().filter(|swept| is(&swept.found)).count();
        Self {
            seen: swept.len(),
            asked: count(|found| matches!(found, Found::Asked(_))),
            lease_over: count(|found| matches!(found, Found::Asked(Why::LeaseOver))),
            let_go: count(|found| matches!(found, Found::LetGo | Found::Forgotten)),
            alarming: count(|found| matches!(found, Found::Exhausted | Found::Unreadable(_))),
        }
    }
}

/// Deals with a tick, whatever it says.
///
/// # Errors
/// [`Failed`] when the store or the bus fails; the next tick comes.
pub async fn handle(desk: &Desk, policy: &Policy) -> Result<Summary, Failed> {
    let swept = sweep(desk, policy).await.map_err(|error| Failed::new("SWEEP", error))?;
    let summary = Summary::of(&swept);
    tracing::info!(?summary, "swept");
    Ok(summary)
}
