//! The session clock.

use alchemiser_core::reading::SessionClock;
use jiff::{SignedDuration, Timestamp, civil::time, tz::TimeZone};

use crate::{
    Alpaca,
    failed::Failed,
    fields::{Fields, Unreadable, unreadable},
    line::Ask,
};

/// A regular session is this long; only its end ever comes early.
const SESSION: SignedDuration = SignedDuration::from_mins(390);

/// When the session that ends at `closes_at` opened: half past nine in New York on that day. The broker's clock does not
/// say it, and only closes come early. A market that keeps other hours is taken to have opened a session's length before
/// its close.
fn opened_at(closes_at: Timestamp, now: Timestamp) -> Result<Timestamp, Unreadable> {
    let zone = TimeZone::get("America/New_York")
        .map_err(|error| Unreadable(format!("the time zone of New York: {error}")))?;
    let bell = zone.to_datetime(closes_at).date().to_datetime(time(9, 30, 0, 0)).to_zoned(zone);
    let bell = bell.map_err(|error| Unreadable(format!("next_close: {error}")))?.timestamp();
    if bell <= now {
        return Ok(bell);
    }
    Ok(closes_at.saturating_sub(SESSION).unwrap_or(now).min(now))
}

fn read(bytes: &[u8]) -> Result<SessionClock, Unreadable> {
    let fields = Fields::read(bytes)?;
    let time = |name: &str| fields.time(name)?.ok_or_else(|| unreadable(name, "a time", "nothing"));
    let (at, closes_at) = (time("timestamp")?, time("next_close")?);
    let is_open = fields.flag("is_open")?.unwrap_or(false);
    Ok(SessionClock { at, is_open, opened_at: opened_at(closes_at, at)?, closes_at })
}

impl Alpaca {
    /// The broker's clock: its own time, and the session.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn tell_clock(&self) -> Result<SessionClock, Failed> {
        self.line.send(Ask::get(&["v2", "clock"], &[])).await?.read(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(now: &str, close: &str, expected: &str) {
        let body = format!(
            r#"{{"timestamp":"{now}","is_open":true,"next_open":"","next_close":"{close}"}}"#
        );
        let clock = read(body.as_bytes()).unwrap();
        assert_eq!(clock.opened_at.to_string(), expected, "{close}");
        assert!(clock.is_open);
    }

    #[test]
    fn a_session_opens_at_half_past_nine_in_new_york() {
        let winter = "2026-01-26T14:31:00.25-05:00";
        check(winter, "2026-01-26T16:00:00-05:00", "2026-01-26T14:30:00Z");
        check("2026-07-24T13:31:00Z", "2026-07-24T20:00:00Z", "2026-07-24T13:30:00Z");
        // An early close, and a market that never closes.
        check("2026-11-27T12:00:00-05:00", "2026-11-27T13:00:00-05:00", "2026-11-27T14:30:00Z");
        check("2026-01-26T08:00:00Z", "2026-01-26T11:00:00Z", "2026-01-26T04:30:00Z");
    }

    #[test]
    fn a_clock_that_says_too_little_is_not_read() {
        for body in [r#"{"is_open":true}"#, r#"{"timestamp":"x","next_close":"y"}"#, "[]", ""] {
            assert!(read(body.as_bytes()).is_err(), "{body}");
        }
        let silent = r#"{"timestamp":"2026-01-26T15:00:00Z","next_close":"2026-01-26T21:00:00Z"}"#;
        assert!(!read(silent.as_bytes()).unwrap().is_open);
    }
}
