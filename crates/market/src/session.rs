//! Session time: the market's own clock, which stands still while no process runs it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Milliseconds of market time since the first opening.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct SessionTime(u64);

impl SessionTime {
    /// The first opening.
    pub const START: Self = Self(0);

    /// So many milliseconds after the first opening.
    pub fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the first opening.
    pub fn millis(self) -> u64 {
        self.0
    }

    /// So many milliseconds later.
    #[must_use]
    pub fn plus_millis(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// The time since an origin; zero before it.
    #[must_use]
    pub fn since(self, origin: Self) -> Self {
        Self(self.0.saturating_sub(origin.0))
    }
}

/// One stretch of running: where its wall time meets the session time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Opening {
    /// The wall time of the (re)opening.
    pub(crate) at: Timestamp,
    /// The session time at which it went on.
    pub(crate) session: SessionTime,
}

impl Opening {
    /// The session time at a wall time: whole milliseconds, never before the opening.
    pub(crate) fn session_at(self, now: Timestamp) -> SessionTime {
        let passed = now.duration_since(self.at).as_millis();
        self.session.plus_millis(u64::try_from(passed).unwrap_or(0))
    }

    /// The wall time of a session time of this stretch.
    pub(crate) fn wall_at(self, session: SessionTime) -> Timestamp {
        let passed = i64::try_from(session.since(self.session).millis()).unwrap_or(i64::MAX);
        self.at.saturating_add(SignedDuration::from_millis(passed)).unwrap_or(self.at)
    }
}
