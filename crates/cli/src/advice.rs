//! What the time of day cost a plan, by the spreads of the account's own ledger where there are enough.

use std::{fs, path::Path};

use alchemiser_core::execution::Execution;
use alchemiser_report::schedule::{self, Advice, Profiles};
use alchemiser_wire::ledger::{self, LedgerLine, encode};
use serde::Serialize;

use crate::table::rounded;

/// [`Advice`] as JSON.
#[derive(Serialize)]
pub(crate) struct Said {
    cost: String,
    cost_at_1545: String,
    legs_by_own_quotes: usize,
    legs_by_recorded_profile: usize,
    legs_at_one_tick: usize,
    in_opening_minutes: bool,
    session_closes_before_1545: bool,
}

impl From<Advice> for Said {
    fn from(advice: Advice) -> Self {
        Self {
            cost: rounded(Some(advice.cost), 2),
            cost_at_1545: rounded(Some(advice.at_1545), 2),
            legs_by_own_quotes: advice.own,
            legs_by_recorded_profile: advice.recorded,
            legs_at_one_tick: advice.one_tick,
            in_opening_minutes: advice.opening,
            session_closes_before_1545: advice.closes_before,
        }
    }
}

/// What is to be said of a plan, by what the ledger of a state directory says of the others.
pub(crate) fn of(root: &Path, state: &Execution) -> Option<Advice> {
    let own = root.join("ledger").join(encode(state.plan.account.as_str()));
    let mut lines = lines(&own);
    lines.retain(|line| line.plan_id != state.plan.plan_id.as_str());
    schedule::advice(state, &Profiles::of_ledger(&lines))
}

/// Every line of an account's ledger; what cannot be read is left out, for it only says what others would have cost.
fn lines(account: &Path) -> Vec<LedgerLine> {
    let inside = |directory: &Path| fs::read_dir(directory).into_iter().flatten().flatten();
    let days = inside(account).map(|day| day.path());
    let files = days.flat_map(|day| inside(&day).map(|file| file.path()).collect::<Vec<_>>());
    let read = |file| fs::read(file).ok().and_then(|bytes| ledger::from_bytes(&bytes));
    files.filter_map(read).flatten().collect()
}
