//! What the price did after a fill: the mids at fixed times, as far as they were seen while the plan ran.

use jiff::{SignedDuration, Timestamp};

use crate::{
    fact::{FactKind, Mark},
    ids::Symbol,
};

use super::Decider;

/// Notes every mid that is known by now and was not noted before.
pub(super) fn marks(decider: &mut Decider<'_>) {
    let mut found: Vec<(Symbol, u32, Mark)> = Vec::new();
    for leg in &decider.state.legs {
        for child in leg.children.iter().filter(|child| !child.status.is_live()) {
            let Some(filled_at) = child.filled_at else { continue };
            let open = Mark::AFTER
                .into_iter()
                .filter(|seconds| child.marks.iter().all(|mark| mark.seconds != *seconds));
            let seen = open.filter_map(|seconds| {
                let mid = decider.observed.mid_at(leg.symbol(), after(filled_at, seconds))?;
                Some(Mark { seconds, mid })
            });
            found.extend(seen.map(|mark| (leg.symbol().clone(), child.attempt, mark)));
        }
    }
    for (symbol, attempt, mark) in found {
        decider.record(FactKind::Marked(symbol, attempt, mark));
    }
}

fn after(at: Timestamp, seconds: u32) -> Timestamp {
    at.saturating_add(SignedDuration::from_secs(i64::from(seconds))).unwrap_or(Timestamp::MAX)
}
