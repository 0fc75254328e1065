//! What time it is at the exchange: the machine's clock, or one that stands still until it is moved.

use jiff::{SignedDuration, Timestamp};

/// A clock of one of two kinds. Both can be moved forward.
#[derive(Clone, Copy, Debug)]
pub enum Clock {
    /// The machine's clock, so far ahead.
    Real {
        /// How far.
        ahead: SignedDuration,
    },
    /// It stands at this time.
    Virtual {
        /// The time.
        at: Timestamp,
    },
}

impl Clock {
    /// The machine's clock.
    pub const REAL: Self = Self::Real { ahead: SignedDuration::ZERO };

    /// The time.
    pub fn now(self) -> Timestamp {
        match self {
            Self::Real { ahead } => later(Timestamp::now(), ahead),
            Self::Virtual { at } => at,
        }
    }

    /// Moves it forward.
    pub fn advance(&mut self, by: SignedDuration) {
        match self {
            Self::Real { ahead } => *ahead = ahead.saturating_add(by),
            Self::Virtual { at } => *at = later(*at, by),
        }
    }

    /// Whether it stands still by itself.
    pub fn is_virtual(self) -> bool {
        matches!(self, Self::Virtual { .. })
    }
}

/// A time so much later, at most the last one there is.
pub(crate) fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(at)
}

/// A time so many milliseconds later.
pub(crate) fn later_millis(at: Timestamp, millis: u64) -> Timestamp {
    later(at, SignedDuration::from_millis(i64::try_from(millis).unwrap_or(i64::MAX)))
}
