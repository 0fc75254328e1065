//! The rate limit: so many requests a minute for each account, counted in fixed minutes.

use std::collections::BTreeMap;

use jiff::Timestamp;

const WINDOW_S: i64 = 60;

/// Which budget a request is counted against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Budget {
    /// Orders, positions, the account.
    Trading,
    /// Quotes, trades, bars.
    Data,
}

/// What is left after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// Requests a minute.
    pub limit: u32,
    /// Requests left in this minute.
    pub remaining: u32,
    /// When the next minute begins, in Unix seconds.
    pub reset: i64,
    /// This request is one too many.
    pub is_over: bool,
}

/// The counters.
#[derive(Clone, Debug)]
pub struct Limiter {
    limit: Option<u32>,
    used: BTreeMap<(usize, Budget), (i64, u32)>,
}

impl Limiter {
    /// So many requests a minute, or as many as one likes.
    pub fn new(limit: Option<u32>) -> Self {
        Self { limit, used: BTreeMap::new() }
    }

    /// Counts a request; `None` where nothing is limited.
    pub fn count(&mut self, account: usize, budget: Budget, now: Timestamp) -> Option<Left> {
        let limit = self.limit?;
        let window = now.as_second().div_euclid(WINDOW_S);
        let used = self.used.entry((account, budget)).or_insert((window, 0));
        if used.0 != window {
            *used = (window, 0);
        }
        let is_over = used.1 >= limit;
        if !is_over {
            used.1 += 1;
        }
        let (remaining, reset) = (limit - used.1, (window + 1) * WINDOW_S);
        Some(Left { limit, remaining, reset, is_over })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_has_so_many_requests_and_the_next_one_as_many() {
        let mut limiter = Limiter::new(Some(2));
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut count = |second| {
            let left = limiter.count(0, Budget::Trading, at(second)).unwrap();
            (left.remaining, left.reset, left.is_over)
        };
        assert_eq!(count(30), (1, 60, false));
        assert_eq!(count(31), (0, 60, false));
        assert_eq!(count(59), (0, 60, true));
        assert_eq!(count(60), (1, 120, false));
        assert_eq!(limiter.count(1, Budget::Trading, at(60)).unwrap().remaining, 1);
        assert_eq!(limiter.count(0, Budget::Data, at(60)).unwrap().remaining, 1);
        assert_eq!(Limiter::new(None).count(0, Budget::Data, at(0)), None);
    }
}
