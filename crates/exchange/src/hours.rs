//! When the market is open: always, or in the regular sessions of the New York Stock Exchange.

use std::collections::BTreeMap;

use jiff::{
    Timestamp, ToSpan,
    civil::{Date, Time, Weekday, date, time},
    tz::TimeZone,
};
use serde::{Deserialize, Serialize};

use crate::clock::later;

/// An always open market says that it opened this long ago and closes this long from now.
const MARGIN: jiff::SignedDuration = jiff::SignedDuration::from_hours(3);
/// No two sessions are further apart than this many days.
const GAP_DAYS: usize = 10;

const OPENS: Time = time(9, 30, 0, 0);
const CLOSES: Time = time(16, 0, 0, 0);
const CLOSES_EARLY: Time = time(13, 0, 0, 0);

/// Which hours a market keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hours {
    /// It never closes; a day order never expires.
    Always,
    /// The regular sessions of the New York Stock Exchange, with its holidays and early closes by rule.
    Nyse,
}

/// One regular session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its first moment.
    pub opens: Timestamp,
    /// The moment at which it is over.
    pub closes: Timestamp,
}

/// The hours of a market, with the zone that they are told in.
#[derive(Clone, Debug)]
pub struct Calendar {
    hours: Hours,
    zone: TimeZone,
    /// Sessions that end earlier than they should, by their first moment.
    cut_short: BTreeMap<Timestamp, Timestamp>,
}

impl Calendar {
    /// The calendar of these hours. The zone's data are in the program.
    pub fn new(hours: Hours) -> Self {
        let zone = TimeZone::get("America/New_York").unwrap_or(TimeZone::UTC);
        Self { hours, zone, cut_short: BTreeMap::new() }
    }

    /// The session that is under way ends at a time, if there is one and the time is before its end.
    pub fn cut_short(&mut self, now: Timestamp, closes: Timestamp) -> Option<Session> {
        let session = self.session_at(now);
        let is_earlier = closes < session.closes && session.opens <= now;
        (self.hours == Hours::Nyse && is_earlier).then(|| {
            self.cut_short.insert(session.opens, closes);
            Session { closes, ..session }
        })
    }

    /// Which hours it keeps.
    pub fn hours(&self) -> Hours {
        self.hours
    }

    /// New York's time zone.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The date in New York.
    pub fn date_at(&self, at: Timestamp) -> Date {
        self.zone.to_datetime(at).date()
    }

    /// The session that is under way, or else the next one.
    pub fn session_at(&self, at: Timestamp) -> Session {
        match self.hours {
            Hours::Always => Session {
                opens: at.saturating_sub(MARGIN).unwrap_or(at),
                closes: later(at, MARGIN),
            },
            Hours::Nyse => self.nyse_session_at(at),
        }
    }

    /// The session after the one that is under way or next.
    pub fn session_after(&self, session: Session) -> Session {
        match self.hours {
            Hours::Always => {
                Session { opens: session.closes, closes: later(session.closes, MARGIN + MARGIN) }
            }
            Hours::Nyse => self.nyse_session_at(session.closes),
        }
    }

    /// Whether there is trading.
    pub fn is_open(&self, at: Timestamp) -> bool {
        match self.hours {
            Hours::Always => true,
            Hours::Nyse => self.session_at(at).opens <= at,
        }
    }

    /// When it next opens or closes after a time; `None` if it never does.
    pub fn turns_after(&self, at: Timestamp) -> Option<Timestamp> {
        match self.hours {
            Hours::Always => None,
            Hours::Nyse => {
                let session = self.nyse_session_at(at);
                Some(if session.opens > at { session.opens } else { session.closes })
            }
        }
    }

    /// The session of a date, if there is one. Every date has one when the market is always open.
    pub fn hours_on(&self, day: Date) -> Option<(Time, Time)> {
        let regular = is_trading_day(day);
        match (self.hours, regular) {
            (Hours::Always, _) => Some((OPENS, CLOSES)),
            (Hours::Nyse, false) => None,
            (Hours::Nyse, true) => {
                Some((OPENS, if closes_early(day) { CLOSES_EARLY } else { CLOSES }))
            }
        }
    }

    /// The next trading day after a date, on which a trade of that date settles.
    pub fn settles_on(day: Date) -> Date {
        following(day).find(|day| is_trading_day(*day)).unwrap_or(day)
    }

    /// The last trading day before a date.
    pub fn trading_day_before(day: Date) -> Date {
        let mut before = day;
        for _ in 0..GAP_DAYS {
            before = before.yesterday().unwrap_or(before);
            if is_trading_day(before) {
                return before;
            }
        }
        before
    }

    /// The moment of a time of a day in New York.
    pub fn moment(&self, day: Date, time: Time) -> Timestamp {
        let zoned = day.to_datetime(time).to_zoned(self.zone.clone());
        zoned.map_or(Timestamp::UNIX_EPOCH, |zoned| zoned.timestamp())
    }

    fn nyse_session_at(&self, at: Timestamp) -> Session {
        let today = self.date_at(at);
        let days = std::iter::once(today).chain(following(today));
        let sessions = days.filter_map(|day| {
            let (opens, regular) = self.hours_on(day)?;
            let opens = self.moment(day, opens);
            let closes = self.cut_short.get(&opens).copied();
            Some(Session { opens, closes: closes.unwrap_or_else(|| self.moment(day, regular)) })
        });
        let mut open_or_next = sessions.filter(|session| session.closes > at);
        open_or_next.next().unwrap_or(Session { opens: at, closes: at })
    }
}

fn following(day: Date) -> impl Iterator<Item = Date> {
    (1..=i64::try_from(GAP_DAYS).unwrap_or(0))
        .filter_map(move |days| day.checked_add(days.days()).ok())
}

/// Whether the New York Stock Exchange trades on a date: its rules for holidays since 2022.
pub fn is_trading_day(day: Date) -> bool {
    !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) && !is_holiday(day)
}

fn is_holiday(day: Date) -> bool {
    let (year, month) = (day.year(), day.month());
    let nth = |nth: i8, weekday: Weekday| {
        day.weekday() == weekday && day.nth_weekday_of_month(nth, weekday).ok() == Some(day)
    };
    let is_moved = |month: i8, of: i8| observed(date(year, month, of)) == day;
    // New Year's Day on a Saturday is not observed on the Friday, which is in the old year.
    let new_year = date(year, 1, 1);
    let is_new_year = new_year.weekday() != Weekday::Saturday && observed(new_year) == day;
    let last_monday_of_may = month == 5 && nth(-1, Weekday::Monday);
    is_new_year
        || (month == 1 && nth(3, Weekday::Monday))
        || (month == 2 && nth(3, Weekday::Monday))
        || good_friday(year) == day
        || last_monday_of_may
        || is_moved(6, 19)
        || is_moved(7, 4)
        || (month == 9 && nth(1, Weekday::Monday))
        || (month == 11 && nth(4, Weekday::Thursday))
        || is_moved(12, 25)
}

/// The weekday on which a holiday of a fixed date is kept.
fn observed(holiday: Date) -> Date {
    match holiday.weekday() {
        Weekday::Saturday => holiday.yesterday().unwrap_or(holiday),
        Weekday::Sunday => holiday.tomorrow().unwrap_or(holiday),
        Weekday::Monday
        | Weekday::Tuesday
        | Weekday::Wednesday
        | Weekday::Thursday
        | Weekday::Friday => holiday,
    }
}

/// The Friday before Easter Sunday (Gauss, in the form of Meeus, Jones and Butcher).
fn good_friday(year: i16) -> Date {
    let year_of = i32::from(year);
    let (golden, century, rest) = (year_of % 19, year_of / 100, year_of % 100);
    let moved = century - century / 4 - (century - (century + 8) / 25 + 1) / 3;
    let moon = (19 * golden + moved + 15) % 30;
    let weekday = (32 + 2 * (century % 4) + 2 * (rest / 4) - moon - rest % 4) % 7;
    let late = (golden + 11 * moon + 22 * weekday) / 451;
    let count = moon + weekday - 7 * late + 114;
    let (month, day) = (count / 31, count % 31 + 1);
    let easter = Date::new(year, i8::try_from(month).unwrap_or(4), i8::try_from(day).unwrap_or(1));
    let friday = easter.and_then(|easter| easter.checked_sub(2.days()));
    friday.unwrap_or(Date::MIN)
}

/// The day after Thanksgiving, the day before Independence Day and Christmas Eve close early.
fn closes_early(day: Date) -> bool {
    let after_thanksgiving = day.month() == 11
        && day.weekday() == Weekday::Friday
        && day.yesterday().is_ok_and(is_holiday);
    after_thanksgiving || (day.month(), day.day()) == (7, 3) || (day.month(), day.day()) == (12, 24)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holidays_of_2026_are_those_of_the_exchange() {
        let days = (0..365).map(|k| date(2026, 1, 1).checked_add(i64::from(k).days()).unwrap());
        let found: Vec<String> = days
            .filter(|day| is_holiday(*day))
            .map(|day| day.to_string()[5..].to_owned())
            .collect();
        let expected = [
            "01-01", "01-19", "02-16", "04-03", "05-25", "06-19", "07-03", "09-07", "11-26",
            "12-25",
        ];
        assert_eq!(found, expected);
    }

    /// At a time of New York: open or not, and the next turn.
    fn check(at: &str, is_open: bool, turns: &str) {
        let calendar = Calendar::new(Hours::Nyse);
        let at: Timestamp = at.parse().unwrap();
        assert_eq!(calendar.is_open(at), is_open, "{at}");
        let turn = calendar.turns_after(at).unwrap();
        assert_eq!(calendar.zone().to_datetime(turn).to_string(), turns, "{at}");
    }

    #[test]
    fn sessions_open_and_close_as_in_new_york() {
        check("2026-11-20T14:29:59Z", false, "2026-11-20T09:30:00");
        check("2026-11-20T14:30:00Z", true, "2026-11-20T16:00:00");
        check("2026-11-20T20:59:59Z", true, "2026-11-20T16:00:00");
        check("2026-11-20T21:00:00Z", false, "2026-11-23T09:30:00");
        check("2026-11-26T15:00:00Z", false, "2026-11-27T09:30:00");
        check("2026-11-27T17:59:00Z", true, "2026-11-27T13:00:00");
        check("2026-06-19T15:00:00Z", false, "2026-06-22T09:30:00");
        check("2026-07-06T13:31:00Z", true, "2026-07-06T16:00:00");
    }

    #[test]
    fn a_trade_settles_on_the_next_trading_day() {
        assert_eq!(Calendar::settles_on(date(2026, 11, 25)), date(2026, 11, 27));
        assert_eq!(Calendar::settles_on(date(2026, 7, 24)), date(2026, 7, 27));
        assert_eq!(Calendar::trading_day_before(date(2026, 11, 27)), date(2026, 11, 25));
    }
}
