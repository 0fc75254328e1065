//! Every value of the [`Policy`] as a setting: its key, unit, bound and reason, read and written as text.
//!
//! ```
//! use alchemiser_core::{policy::Policy, setting};
//! let lease = setting::find("lease").unwrap();
//! let mut policy = Policy::default();
//! assert_eq!(lease.get(&policy), "30");
//! lease.set(&mut policy, "45").unwrap();
//! let refused = lease.set(&mut policy, "5").unwrap_err();
//! assert_eq!(refused.to_string(), r#"lease: expected 6 to 300 s, found "5""#);
//! ```

mod consistent;
mod table;

use std::{fmt, str::FromStr};

use jiff::SignedDuration;
use rust_decimal::Decimal;
use thiserror::Error;

use crate::{
    ids::Symbol,
    money::Money,
    policy::{Policy, PolicyKind},
    quantity::Quantity,
    quote::Feed,
    reading::TradeMode,
};

pub use consistent::{Inconsistent, consistent};
pub use table::SETTINGS;

/// A list of symbols is a few exceptions, not a universe.
const SYMBOLS_MAX: usize = 100;

/// What a setting's number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Milliseconds,
    /// US dollars.
    Dollars,
    /// A part of a whole: 0.01 is one per cent.
    Share,
    /// A factor.
    Times,
    /// How many.
    Count,
    /// Shares of an asset.
    Shares,
    /// Calls in a second.
    CallsPerSecond,
    /// A word, or several.
    Word,
}

impl Unit {
    /// The unit as it is printed.
    pub fn word(self) -> &'static str {
        match self {
            Self::Seconds => "s",
            Self::Milliseconds => "ms",
            Self::Dollars => "$",
            Self::Share => "share",
            Self::Times => "times",
            Self::Count => "count",
            Self::Shares => "shares",
            Self::CallsPerSecond => "calls/s",
            Self::Word => "word",
        }
    }
}

/// What values a setting takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// From the one to the other, both included.
    Range(Decimal, Decimal),
    /// The words of the policies.
    Policies,
    /// `true` or `false`.
    Switch,
    /// Tickers.
    Symbols,
    /// Tickers with a factor each.
    Factors,
    /// The words of the trade modes.
    Modes,
    /// The words of the feeds.
    Feeds,
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Range(low, high) => write!(f, "{} to {}", low.normalize(), high.normalize()),
            Self::Policies => f.write_str(&PolicyKind::ALL.map(PolicyKind::word).join(" | ")),
            Self::Switch => f.write_str("true | false"),
            Self::Symbols => write!(f, "up to {SYMBOLS_MAX} symbols"),
            Self::Factors => write!(f, "up to {SYMBOLS_MAX} of SYMBOL=1 to SYMBOL=5"),
            Self::Modes => f.write_str(&TradeMode::ALL.map(TradeMode::word).join(" | ")),
            Self::Feeds => f.write_str(&Feed::ALL.map(Feed::word).join(" | ")),
        }
    }
}

/// Where a value lies in the policy.
#[derive(Clone, Copy, Debug)]
enum Place {
    Time(fn(&mut Policy) -> &mut SignedDuration),
    Ratio(fn(&mut Policy) -> &mut Decimal),
    Amount(fn(&mut Policy) -> &mut Money),
    Count(fn(&mut Policy) -> &mut u32),
    Lot(fn(&mut Policy) -> &mut Quantity),
    Kind(fn(&mut Policy) -> &mut PolicyKind),
    Switch(fn(&mut Policy) -> &mut bool),
    Symbols(fn(&mut Policy) -> &mut Vec<Symbol>),
    Factors(fn(&mut Policy) -> &mut Vec<(Symbol, Decimal)>),
    Mode(fn(&mut Policy) -> &mut TradeMode),
    Feed(fn(&mut Policy) -> &mut Feed),
}

/// One value of the policy that configuration may change.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The name, dotted where several belong together.
    pub key: &'static str,
    /// What its number counts.
    pub unit: Unit,
    /// What values it takes.
    pub bound: Bound,
    /// What it is for.
    pub reason: &'static str,
    place: Place,
}

/// A value that a setting does not take (code `CONFIG_REFUSED`).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{key}: expected {expected}, found {found:?}")]
pub struct SettingRefused {
    /// The setting's key.
    pub key: &'static str,
    /// The bound, with its unit.
    pub expected: String,
    /// The text found.
    pub found: String,
}

/// The setting with this key.
pub fn find(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

impl Setting {
    /// The bound with its unit: `6 to 300 s`, `adaptive | cross`.
    pub fn expected(&self) -> String {
        match self.bound {
            Bound::Range(..) => format!("{} {}", self.bound, self.unit.word()),
            Bound::Policies | Bound::Switch | Bound::Symbols => self.bound.to_string(),
            Bound::Factors | Bound::Modes | Bound::Feeds => self.bound.to_string(),
        }
    }

    /// The value in a policy, in the setting's unit.
    pub fn get(&self, policy: &Policy) -> String {
        self.read(&mut policy.clone())
    }

    /// [`Setting::get`] of a copy that the caller has: a policy is large.
    fn read(&self, policy: &mut Policy) -> String {
        let number = match self.place {
            Place::Time(at) => match self.counted(*at(policy)) {
                Some(number) => number,
                None => return at(policy).to_string(),
            },
            Place::Ratio(at) => *at(policy),
            Place::Amount(at) => at(policy).amount(),
            Place::Count(at) => Decimal::from(*at(policy)),
            Place::Lot(at) => at(policy).shares(),
            Place::Kind(at) => return at(policy).word().to_owned(),
            Place::Switch(at) => return at(policy).to_string(),
            Place::Symbols(at) => {
                let names: Vec<&str> = at(policy).iter().map(Symbol::as_str).collect();
                return names.join(",");
            }
            Place::Factors(at) => return factors_text(at(policy)),
            Place::Mode(at) => return at(policy).word().to_owned(),
            Place::Feed(at) => return at(policy).word().to_owned(),
        };
        number.normalize().to_string()
    }

    /// Writes a value. Times are a number in the setting's unit, or say their own: `90`, `90s`, `1m30s`, `250ms`.
    ///
    /// # Errors
    /// [`SettingRefused`] for a text that is no value of this kind, or one outside the bound; the policy is unchanged.
    pub fn set(&self, policy: &mut Policy, text: &str) -> Result<(), SettingRefused> {
        let text = text.trim();
        self.try_set(policy, text).ok_or_else(|| SettingRefused {
            key: self.key,
            expected: self.expected(),
            found: text.to_owned(),
        })
    }

    fn try_set(&self, policy: &mut Policy, text: &str) -> Option<()> {
        match self.place {
            Place::Time(at) => *at(policy) = self.time(text)?,
            Place::Ratio(at) => *at(policy) = self.number(text)?,
            Place::Amount(at) => *at(policy) = Money::new(self.number(text)?),
            Place::Count(at) => *at(policy) = whole(self.number(text)?)?,
            Place::Lot(at) => *at(policy) = Quantity::new(self.number(text)?).ok()?,
            Place::Kind(at) => *at(policy) = PolicyKind::from_word(text)?,
            Place::Switch(at) => *at(policy) = text.parse().ok()?,
            Place::Symbols(at) => *at(policy) = symbols(text)?,
            Place::Factors(at) => *at(policy) = factors(text)?,
            Place::Mode(at) => *at(policy) = TradeMode::from_word(text)?,
            Place::Feed(at) => *at(policy) = Feed::from_word(text)?,
        }
        Some(())
    }

    fn number(&self, text: &str) -> Option<Decimal> {
        self.within(Decimal::from_str_exact(text).ok()?)
    }

    fn time(&self, text: &str) -> Option<SignedDuration> {
        let number = match Decimal::from_str_exact(text) {
            Ok(number) => number,
            Err(_) => self.counted(SignedDuration::from_str(text).ok()?)?,
        };
        let millis = self.within(number)?.checked_mul(self.millis())?;
        Some(SignedDuration::from_millis(i64::try_from(exact(millis)?).ok()?))
    }

    /// A time in the setting's unit; `None` for parts of a millisecond.
    fn counted(&self, time: SignedDuration) -> Option<Decimal> {
        let millis = i64::try_from(time.as_millis()).ok()?;
        let whole = SignedDuration::from_millis(millis) == time;
        whole.then_some(Decimal::from(millis)).and_then(|millis| millis.checked_div(self.millis()))
    }

    fn millis(&self) -> Decimal {
        if self.unit == Unit::Seconds { Decimal::ONE_THOUSAND } else { Decimal::ONE }
    }

    fn within(&self, number: Decimal) -> Option<Decimal> {
        match self.bound {
            Bound::Range(low, high) => (low <= number && number <= high).then_some(number),
            Bound::Policies | Bound::Switch | Bound::Symbols => None,
            Bound::Factors | Bound::Modes | Bound::Feeds => None,
        }
    }
}

/// A number without decimals.
fn exact(number: Decimal) -> Option<Decimal> {
    number.fract().is_zero().then_some(number)
}

/// Tickers with commas or spaces between them.
fn symbols(text: &str) -> Option<Vec<Symbol>> {
    let names = text.split([',', ' ']).filter(|name| !name.is_empty());
    let symbols: Vec<Symbol> = names.map(|name| Symbol::new(name).ok()).collect::<Option<_>>()?;
    (symbols.len() <= SYMBOLS_MAX).then_some(symbols)
}

/// Tickers with a factor from 1 to 5 each: `TQQQ=3, UVXY=1.5`.
fn factors(text: &str) -> Option<Vec<(Symbol, Decimal)>> {
    let pairs = text.split([',', ' ']).filter(|pair| !pair.is_empty());
    let read = |pair: &str| {
        let (name, factor) = pair.split_once('=')?;
        let factor = Decimal::from_str_exact(factor).ok()?;
        let within = Decimal::ONE <= factor && factor <= Decimal::from(5);
        Some((Symbol::new(name).ok().filter(|_| within)?, factor))
    };
    let factors: Vec<_> = pairs.map(read).collect::<Option<_>>()?;
    (factors.len() <= SYMBOLS_MAX).then_some(factors)
}

fn factors_text(factors: &[(Symbol, Decimal)]) -> String {
    let pair = |(symbol, factor): &(Symbol, Decimal)| format!("{symbol}={}", factor.normalize());
    factors.iter().map(pair).collect::<Vec<_>>().join(",")
}

/// Settings of a policy that are not the default's, by key: with them a log says under which thresholds its plan ran.
pub fn unlike_default(policy: &Policy) -> Vec<(String, String)> {
    let (mut policy, mut defaults) = (policy.clone(), Policy::default());
    let values = SETTINGS.iter().map(|setting| (setting, setting.read(&mut policy)));
    let mut unlike: Vec<(String, String)> = values
        .filter(|(setting, value)| *value != setting.read(&mut defaults))
        .map(|(setting, value)| (setting.key.to_owned(), value))
        .collect();
    unlike.sort();
    unlike
}

/// The policy that [`unlike_default`] described. A key or a value that this release does not know leaves the default.
///
/// ```
/// use alchemiser_core::{policy::Policy, setting};
/// let policy = Policy { repegs_max: 3, ..Policy::default() };
/// let written = setting::unlike_default(&policy);
/// assert_eq!(written, [("repegs_max".to_owned(), "3".to_owned())]);
/// assert_eq!(setting::restored(&written), policy);
/// ```
pub fn restored(values: &[(String, String)]) -> Policy {
    let mut policy = Policy::default();
    for (key, value) in values {
        if let Some(setting) = find(key) {
            setting.set(&mut policy, value).ok();
        }
    }
    policy
}

fn whole(number: Decimal) -> Option<u32> {
    u32::try_from(exact(number)?).ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn other(setting: &Setting, now: &str) -> String {
        let ends = match setting.bound {
            Bound::Range(low, high) => {
                [low.normalize().to_string(), high.normalize().to_string()].to_vec()
            }
            Bound::Policies => PolicyKind::ALL.map(PolicyKind::word).map(str::to_owned).to_vec(),
            Bound::Switch => ["true".to_owned(), "false".to_owned()].to_vec(),
            Bound::Symbols => ["A,B,C,D".to_owned()].to_vec(),
            Bound::Factors => ["A=2".to_owned()].to_vec(),
            Bound::Modes => ["paper".to_owned()].to_vec(),
            Bound::Feeds => ["iex".to_owned()].to_vec(),
        };
        ends.into_iter().find(|end| end != now).unwrap()
    }

    /// Each field of a policy as it is printed.
    fn fields(policy: &Policy) -> Vec<String> {
        let text = format!("{policy:#?}");
        let mut fields: Vec<String> = Vec::new();
        for line in text.lines() {
            match fields.last_mut() {
                Some(field) if !line.chars().nth(4).is_some_and(char::is_alphabetic) => {
                    field.push('\n');
                    field.push_str(line);
                }
                Some(_) | None => fields.push(line.to_owned()),
            }
        }
        fields
    }

    /// A new field of the policy without a setting fails here: changing every setting changes every value.
    #[test]
    fn every_field_of_the_policy_has_a_setting() {
        let before = Policy::default();
        let mut after = before.clone();
        for setting in SETTINGS {
            setting.set(&mut after, &other(setting, &setting.get(&before))).unwrap();
        }
        let (before, after) = (fields(&before), fields(&after));
        assert_eq!(before.len(), after.len());
        for (before, after) in before.iter().zip(&after) {
            // A list of another length is another value; of the same length, every one must be.
            let same_length = before.lines().count() == after.lines().count();
            for (before, after) in before.lines().zip(after.lines()).filter(|_| same_length) {
                let brackets = before.ends_with(['{', '[', '(']) || before.trim().len() <= 2;
                assert!(brackets || before != after, "no setting changes {before:?}");
            }
        }
    }

    #[test]
    fn the_defaults_are_within_their_bounds_and_are_written_as_read() {
        let defaults = Policy::default();
        for setting in SETTINGS {
            let (mut policy, text) = (defaults.clone(), setting.get(&defaults));
            assert_eq!(setting.set(&mut policy, &text), Ok(()));
            assert_eq!(policy, defaults, "{} = {text}", setting.key);
        }
    }

    #[test]
    fn each_setting_is_changed_alone_and_its_ends_are_taken() {
        let defaults = Policy::default();
        for setting in SETTINGS {
            let Bound::Range(low, high) = setting.bound else { continue };
            for (end, beyond) in [(low, low - Decimal::ONE), (high, high + Decimal::ONE)] {
                let mut policy = defaults.clone();
                setting.set(&mut policy, &end.to_string()).unwrap();
                let unlike = SETTINGS.iter().filter(|s| s.get(&policy) != s.get(&defaults));
                assert!(unlike.clone().all(|s| s.key == setting.key), "{}", setting.key);
                let refused = setting.set(&mut defaults.clone(), &beyond.to_string()).unwrap_err();
                assert_eq!(refused.key, setting.key);
                assert_eq!(refused.expected, setting.expected());
                assert_eq!(refused.found, beyond.to_string());
            }
        }
    }

    #[test]
    fn every_setting_has_a_name_of_its_own_and_a_reason() {
        let keys: BTreeSet<&str> = SETTINGS.iter().map(|setting| setting.key).collect();
        assert_eq!(keys.len(), SETTINGS.len());
        for setting in SETTINGS {
            let plain = |c: char| c.is_ascii_lowercase() || c == '_' || c == '.';
            assert!(setting.key.chars().all(plain), "{}", setting.key);
            assert!(!setting.reason.is_empty() && !setting.reason.contains('\n'));
            assert!(find(setting.key).is_some());
        }
    }

    fn check(key: &str, text: &str, expected: Option<&str>) {
        let (setting, mut policy) = (find(key).unwrap(), Policy::default());
        let read = setting.set(&mut policy, text).ok().map(|()| setting.get(&policy));
        assert_eq!(read.as_deref(), expected, "{key} = {text:?}");
    }

    #[test]
    fn values_are_read_exactly_or_not_at_all() {
        check("lease", "45", Some("45"));
        check("lease", " 1m30s ", Some("90"));
        check("lease", "30.5", Some("30.5"));
        check("lease", "30.0005", None);
        check("lease", "-30", None);
        check("lease", "soon", None);
        check("lease", "", None);
        check("clock_skew_max", "0.25s", Some("250"));
        check("clock_skew_max", "250", Some("250"));
        check("clock_skew_max", "250us", None);
        check("collar", "0.005", Some("0.005"));
        check("collar", "1e-3", None);
        check("collar", "NaN", None);
        check("collar", "0.0000000000000000000000000000001", None);
        check("children_max", "12", Some("12"));
        check("children_max", "12.5", None);
        check("policy", "cross", Some("cross"));
        check("policy", "smart", None);
        check("partial_is_failure", "false", Some("false"));
        check("partial_is_failure", "no", None);
        check("low_liquidity_symbols", "btal, UVXY", Some("BTAL,UVXY"));
        check("low_liquidity_symbols", "", Some(""));
        check("low_liquidity_symbols", "BTAL;UVXY", None);
        check("leverage_factors", "tqqq=3 UVXY=1.50", Some("TQQQ=3,UVXY=1.5"));
        check("leverage_factors", "", Some(""));
        check("leverage_factors", "TQQQ", None);
        check("leverage_factors", "TQQQ=0.9", None);
        check("leverage_factors", "TQQQ=5.1", None);
        check("trade_mode", "live", Some("live"));
        check("trade_mode", "real", None);
        check("feed", "iex", Some("iex"));
        check("feed", "otc", None);
    }
}
