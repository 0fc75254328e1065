//! What an account's own crosses have cost, as it is kept beside its ledger: `learned/{account}/{number}.json`.
//!
//! Each object carries all that is known, and its number counts down, so that one list call finds the newest. It is derived
//! from the ledger and never the truth: whoever finds it missing or odd decides by the prior, and it is made again.

use std::collections::BTreeMap;

use alchemiser_core::{
    ids::{AccountId, PlanId},
    learning::{BySpread, Cross, Crosses, Learned, Paid, Ratio, Spread, Unlearned},
    price::Price,
    quantity::Quantity,
    side::Side,
};
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    ledger::{LedgerLine, encode},
    text,
};

/// The newest schema.
pub const SCHEMA: u32 = 1;

/// What is kept of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The account.
    pub account: AccountId,
    /// What its plans paid for crossing.
    pub crosses: Crosses,
}

/// Bytes that are not what is kept.
#[derive(Debug, Error)]
pub enum NotKept {
    /// Not of the documented form.
    #[error("expected what an account's crosses cost, found {0}")]
    Malformed(#[from] serde_json::Error),
    /// A value that cannot be.
    #[error("expected sums of crosses that were made, found {0}")]
    Value(String),
    /// Of another account.
    #[error("expected the crosses of account {expected}, found those of {found}")]
    OtherAccount {
        /// Whose it should be.
        expected: AccountId,
        /// Whose it is.
        found: String,
    },
    /// Written by a newer release.
    #[error("expected schema {SCHEMA} or older, found schema {found}: use the newer release")]
    Newer {
        /// The schema found.
        found: u32,
    },
}

#[derive(Deserialize)]
struct Version {
    schema: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    schema: u32,
    account: String,
    plans: Vec<PlanLine>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanLine {
    date: Date,
    #[serde(with = "text")]
    plan_id: PlanId,
    paid: Vec<PaidLine>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PaidLine {
    spread: String,
    fills: u32,
    #[serde(with = "text")]
    effective: Decimal,
    #[serde(with = "text")]
    quoted: Decimal,
}

/// What the keys of an account's objects begin with.
pub fn prefix(account: &AccountId) -> String {
    format!("learned/{}/", encode(account.as_str()))
}

/// The key of the object with this number, 1 for the first.
pub fn key(account: &AccountId, number: u64) -> String {
    format!("{}{:020}.json", prefix(account), u64::MAX.saturating_sub(number))
}

/// The number of an object; `None` for a key that is not one of ours.
///
/// ```
/// use alchemiser_core::ids::AccountId;
/// use alchemiser_wire::learning::{key, number};
/// let account = AccountId::new("PA/1").unwrap();
/// assert_eq!(number(&account, &key(&account, 7)), Some(7));
/// assert_eq!(number(&account, "learned/PA%2F1/notes.txt"), None);
/// ```
pub fn number(account: &AccountId, of: &str) -> Option<u64> {
    let name = of.strip_prefix(&prefix(account))?.strip_suffix(".json")?;
    let number = u64::MAX.checked_sub(name.parse().ok()?)?;
    (key(account, number) == of).then_some(number)
}

impl Kept {
    /// The bytes to store.
    pub fn to_bytes(&self) -> Vec<u8> {
        let line = |(date, plan, paid): (Date, &PlanId, &BySpread<Paid>)| PlanLine {
            date,
            plan_id: plan.clone(),
            paid: paid_lines(paid),
        };
        let plans = self.crosses.plans().map(line).collect();
        let stored = Stored { schema: SCHEMA, account: self.account.to_string(), plans };
        serde_json::to_vec(&stored).unwrap_or_default()
    }

    /// Reads what is kept of an account.
    ///
    /// # Errors
    /// [`NotKept`] for other bytes, another account's, and a newer schema.
    pub fn from_bytes(bytes: &[u8], account: &AccountId) -> Result<Self, NotKept> {
        let Version { schema } = serde_json::from_slice(bytes)?;
        if schema > SCHEMA {
            return Err(NotKept::Newer { found: schema });
        }
        let stored: Stored = serde_json::from_slice(bytes)?;
        if stored.account != account.as_str() {
            return Err(NotKept::OtherAccount { expected: account.clone(), found: stored.account });
        }
        let mut crosses = Crosses::default();
        for line in stored.plans {
            let paid = by_spread(&line).map_err(NotKept::Value)?;
            if !crosses.note(line.date, &line.plan_id, paid) {
                return Err(NotKept::Value(format!("plan {} twice, or empty", line.plan_id)));
            }
        }
        Ok(Self { account: account.clone(), crosses })
    }
}

fn paid_lines(paid: &BySpread<Paid>) -> Vec<PaidLine> {
    let line = |spread: Spread| {
        let Paid { fills, effective, quoted } = *paid.of(spread);
        PaidLine { spread: spread.word().to_owned(), fills, effective, quoted }
    };
    Spread::ALL.into_iter().map(line).filter(|line| line.fills > 0).collect()
}

fn by_spread(line: &PlanLine) -> Result<BySpread<Paid>, String> {
    let mut paid = BySpread::<Paid>::default();
    for PaidLine { spread: word, fills, effective, quoted } in &line.paid {
        let spread = Spread::from_word(word).ok_or_else(|| format!("spread {word:?}"))?;
        if *fills == 0 || *quoted <= Decimal::ZERO || paid.of(spread).fills > 0 {
            return Err(format!("{fills} crosses of {quoted} dollars at spread {word:?}"));
        }
        *paid.of_mut(spread) = Paid { fills: *fills, effective: *effective, quoted: *quoted };
    }
    Ok(paid)
}

/// What the crossing orders of a plan's ledger paid. A later line of an order stands for the earlier ones.
pub fn paid(lines: &[LedgerLine]) -> BySpread<Paid> {
    let newest: BTreeMap<&str, &LedgerLine> =
        lines.iter().map(|line| (line.client_order_id.as_str(), line)).collect();
    let mut sum = BySpread::<Paid>::default();
    for (spread, paid) in newest.into_values().filter_map(|line| cross(line)?.paid()) {
        let of = sum.of_mut(spread);
        *of = of.plus(paid);
    }
    sum
}

/// A line of an order that crossed, with what it takes to say what it paid.
fn cross(line: &LedgerLine) -> Option<Cross> {
    let price = |text: &str| Price::new(text.parse().ok()?).ok();
    let quote = line.quote_at_submit.as_ref()?;
    let crossed = line.purpose == "cross";
    Some(Cross {
        side: match line.side.as_str() {
            "BUY" if crossed => Side::Buy,
            "SELL" if crossed => Side::Sell,
            _ => return None,
        },
        bid: price(&quote.bid)?,
        ask: price(&quote.ask)?,
        filled: Quantity::new(line.quantity.parse().ok()?).ok()?,
        average: price(line.average_price.as_deref()?)?,
    })
}

/// The fact of a plan's log.
#[derive(Serialize, Deserialize)]
pub(crate) struct LearnedLine {
    ratios: Vec<RatioLine>,
    through: Option<Date>,
    why_not: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct RatioLine {
    spread: String,
    fills: u32,
    #[serde(with = "text")]
    effective_over_quoted: Decimal,
}

impl From<&Learned> for LearnedLine {
    fn from(learned: &Learned) -> Self {
        let line = |spread: Spread| {
            let Ratio { fills, value } = *learned.ratios.of(spread);
            RatioLine { spread: spread.word().to_owned(), fills, effective_over_quoted: value }
        };
        Self {
            ratios: Spread::ALL.into_iter().map(line).collect(),
            through: learned.through,
            why_not: learned.why_not.map(|why| why.code().to_owned()),
        }
    }
}

impl TryFrom<LearnedLine> for Learned {
    type Error = String;

    fn try_from(line: LearnedLine) -> Result<Self, String> {
        let mut learned = Self { through: line.through, ..Self::default() };
        for RatioLine { spread, fills, effective_over_quoted: value } in line.ratios {
            let of = Spread::from_word(&spread).ok_or_else(|| text::unknown("spread", &spread))?;
            *learned.ratios.of_mut(of) = Ratio { fills, value };
        }
        if let Some(code) = line.why_not {
            let why = Unlearned::from_code(&code);
            learned.why_not = Some(why.ok_or_else(|| text::unknown("reason", &code))?);
        }
        Ok(learned)
    }
}
