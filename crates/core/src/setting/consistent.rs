//! Values that are fine alone and wrong together.

use jiff::SignedDuration;
use rust_decimal::Decimal;
use thiserror::Error;

use super::{Unit, find};
use crate::{
    policy::{Policy, PolicyKind},
    quote::Feed,
    reading::TradeMode,
};

/// What the broker takes from one account in a minute.
const BROKER_CALLS_PER_MINUTE: Decimal = Decimal::from_parts(200, 0, 0, false, 0);

/// A value that contradicts others (code `CONFIG_REFUSED`).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{key}: expected {expected}, found {found}")]
pub struct Inconsistent {
    /// The value's key.
    pub key: &'static str,
    /// What it is compared with, and what that comes to.
    pub expected: String,
    /// The value, with its unit.
    pub found: String,
    /// The keys that it is compared with.
    pub others: Vec<&'static str>,
}

/// Checks the values of a policy against each other.
///
/// # Errors
/// [`Inconsistent`] naming the first value that contradicts others, and those.
pub fn consistent(policy: &Policy) -> Result<(), Inconsistent> {
    let before_renewal = ["lease_renewal", "lease_margin", "http_timeout"];
    above(policy, "lease", &before_renewal)?;
    above(policy, "window_margin", &["cross_patience", "cancel_confirmation"])?;
    above(policy, "cross_patience", &["poll_quick.first"])?;
    above(policy, "unresolved_after", &["resubmit_after"])?;
    above(policy, "orders_max_age", &["poll_slow"])?;
    above(policy, "quote_standing_max", &["quote_observed_max"])?;
    above(policy, "quote_dead_after", &["quote_standing_max"])?;
    at_most(policy, "poll_quick.first", "poll_quick.second")?;
    at_most(policy, "poll_quick.second", "poll_quick.third")?;
    at_most(policy, "poll_quick.third", "poll_steady")?;
    at_most(policy, "poll_steady", "poll_slow")?;
    at_most(policy, "liquidity_window.least", "liquidity_window.most")?;
    at_most(policy, "walk_fractions.first", "walk_fractions.second")?;
    at_most(policy, "walk_fractions.second", "walk_fractions.third")?;
    at_most(policy, "cross_reach", "collar")?;
    at_most(policy, "resting_children_max", "children_max")?;
    at_most(policy, "notional_min", "order_notional_max")?;
    at_most(policy, "market_quote_max", "quote_observed_max")?;
    feed(policy)?;
    armed(policy)?;
    market(policy)?;
    polls(policy)?;
    calls(policy)
}

/// Sizes and touches of one venue say little about the market's: only policies that do not read them may use them.
fn feed(policy: &Policy) -> Result<(), Inconsistent> {
    match (policy.feed, policy.kind) {
        (Feed::Iex, PolicyKind::Adaptive | PolicyKind::Liquidity) => Err(Inconsistent {
            key: "feed",
            expected: format!("sip for policy {}", policy.kind.word()),
            found: shown(policy, "feed"),
            others: vec!["policy"],
        }),
        (Feed::Sip, _) | (Feed::Iex, PolicyKind::Walk | PolicyKind::Cross) => Ok(()),
    }
}

/// The simulated exchange takes limit orders only.
fn market(policy: &Policy) -> Result<(), Inconsistent> {
    if !policy.allow_market || policy.trade_mode != TradeMode::Simulated {
        return Ok(());
    }
    Err(Inconsistent {
        key: "allow_market",
        expected: "false for trade_mode simulated, whose exchange takes limit orders only"
            .to_owned(),
        found: shown(policy, "allow_market"),
        others: vec!["trade_mode"],
    })
}

/// Real money is asked for twice.
fn armed(policy: &Policy) -> Result<(), Inconsistent> {
    if policy.trade_mode != TradeMode::Live || policy.live_armed {
        return Ok(());
    }
    Err(Inconsistent {
        key: "live_armed",
        expected: "true for trade_mode live".to_owned(),
        found: shown(policy, "live_armed"),
        others: vec!["trade_mode"],
    })
}

/// A value as a number in its base unit: times in milliseconds.
fn number(policy: &Policy, key: &str) -> Decimal {
    let setting = find(key);
    let number =
        setting.and_then(|s| s.get(policy).parse::<Decimal>().ok()?.checked_mul(s.millis()));
    number.unwrap_or_default()
}

/// A value with its unit.
fn shown(policy: &Policy, key: &str) -> String {
    find(key).map_or_else(String::new, |s| {
        let value = s.get(policy);
        if s.unit == Unit::Word { value } else { format!("{value} {}", s.unit.word()) }
    })
}

/// A time must be longer than others together.
fn above(policy: &Policy, key: &'static str, others: &[&'static str]) -> Result<(), Inconsistent> {
    let sum = others
        .iter()
        .map(|other| number(policy, other))
        .fold(Decimal::ZERO, Decimal::saturating_add);
    if number(policy, key) > sum {
        return Ok(());
    }
    let millis = SignedDuration::from_millis(i64::try_from(sum).unwrap_or(i64::MAX));
    let expected = format!("above {} = {millis:#}", others.join(" + "));
    Err(Inconsistent { key, expected, found: shown(policy, key), others: others.to_vec() })
}

fn at_most(policy: &Policy, key: &'static str, other: &'static str) -> Result<(), Inconsistent> {
    if number(policy, key) <= number(policy, other) {
        return Ok(());
    }
    let expected = format!("at most {other} = {}", shown(policy, other));
    Err(Inconsistent { key, expected, found: shown(policy, key), others: vec![other] })
}

/// An owner that took over begins with an empty budget: polls at the slow pace must leave half of what comes in to orders,
/// or an order that is to be sent again never is.
fn polls(policy: &Policy) -> Result<(), Inconsistent> {
    let two_calls = Decimal::from(2_000).checked_div(policy.call_rate).unwrap_or(Decimal::MAX);
    if number(policy, "poll_slow") >= two_calls {
        return Ok(());
    }
    Err(Inconsistent {
        key: "poll_slow",
        expected: format!("at least 2 calls / call_rate = {} ms", two_calls.ceil()),
        found: shown(policy, "poll_slow"),
        others: vec!["call_rate"],
    })
}

/// What we send in a minute stays below what the broker takes.
fn calls(policy: &Policy) -> Result<(), Inconsistent> {
    let minute = policy.call_rate.saturating_mul(Decimal::from(60));
    if policy.call_burst.saturating_add(minute) <= BROKER_CALLS_PER_MINUTE {
        return Ok(());
    }
    let most = BROKER_CALLS_PER_MINUTE.saturating_sub(minute).max(Decimal::ZERO).normalize();
    Err(Inconsistent {
        key: "call_burst",
        expected: format!("at most 200 calls - 60 s × call_rate = {most}"),
        found: shown(policy, "call_burst"),
        others: vec!["call_rate"],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(values: &[(&str, &str)], expected: &str) {
        let mut policy = Policy::default();
        for (key, value) in values {
            find(key).unwrap().set(&mut policy, value).unwrap();
        }
        assert_eq!(consistent(&policy).unwrap_err().to_string(), expected);
    }

    #[test]
    fn the_defaults_agree() {
        assert_eq!(consistent(&Policy::default()), Ok(()));
    }

    #[test]
    fn what_does_not_contradict_is_taken() {
        let fits = |values: &[(&str, &str)]| {
            let mut policy = Policy::default();
            for (key, value) in values {
                find(key).unwrap().set(&mut policy, value).unwrap();
            }
            assert_eq!(consistent(&policy), Ok(()), "{values:?}");
        };
        fits(&[("trade_mode", "paper")]);
        fits(&[("trade_mode", "paper"), ("allow_market", "true")]);
        fits(&[("trade_mode", "live"), ("live_armed", "true")]);
        fits(&[("feed", "iex"), ("policy", "walk")]);
        fits(&[("feed", "iex"), ("policy", "cross")]);
        fits(&[("lease", "25.001")]);
        fits(&[("cross_reach", "0.0025")]);
        fits(&[("call_burst", "50")]);
    }

    #[test]
    fn contradictions_name_both_sides() {
        check(
            &[("lease", "25")],
            "lease: expected above lease_renewal + lease_margin + http_timeout = 25s, found 25 s",
        );
        check(
            &[("cross_patience", "500ms"), ("poll_quick.first", "500")],
            "cross_patience: expected above poll_quick.first = 500ms, found 0.5 s",
        );
        check(
            &[("poll_slow", "500")],
            "poll_steady: expected at most poll_slow = 500 ms, found 1000 ms",
        );
        check(
            &[("cross_reach", "0.005")],
            "cross_reach: expected at most collar = 0.0025 share, found 0.005 share",
        );
        check(&[("feed", "iex")], "feed: expected sip for policy adaptive, found iex");
        check(
            &[("allow_market", "true")],
            "allow_market: expected false for trade_mode simulated, whose exchange takes limit orders only, found true",
        );
        check(
            &[("trade_mode", "live")],
            "live_armed: expected true for trade_mode live, found false",
        );
        check(
            &[("poll_slow", "799"), ("poll_steady", "700")],
            "poll_slow: expected at least 2 calls / call_rate = 800 ms, found 799 ms",
        );
        check(
            &[("call_rate", "0.3")],
            "poll_slow: expected at least 2 calls / call_rate = 6667 ms, found 3000 ms",
        );
        check(
            &[("call_rate", "3")],
            "call_burst: expected at most 200 calls - 60 s × call_rate = 20, found 45 count",
        );
    }
}
