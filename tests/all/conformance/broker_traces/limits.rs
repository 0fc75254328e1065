//! The broker's limit: so many trading calls in a minute of its clock.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

/// Calls a minute.
const LIMIT: u32 = 200;

/// How many calls the minute has had.
#[derive(Debug, Default)]
pub(crate) struct Limits(Mutex<(i64, u32)>);

impl Limits {
    /// Counts a call; false when it is one too many.
    pub(crate) fn take(&self, now: Timestamp) -> bool {
        let mut books = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let minute = now.as_second().div_euclid(60);
        if books.0 != minute {
            *books = (minute, 0);
        }
        books.1 += 1;
        books.1 <= LIMIT
    }

    /// The limit, what is left of it, and when the next minute begins.
    pub(crate) fn said(&self, now: Timestamp) -> [i64; 3] {
        let books = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let minute = now.as_second().div_euclid(60);
        let used = if books.0 == minute { books.1 } else { 0 };
        [LIMIT.into(), LIMIT.saturating_sub(used).into(), (minute + 1) * 60]
    }
}
