//! The quote tape: what the market showed while a plan's legs were worked, about once a second. It is for pictures, it is
//! kept as well as can be, and nothing is decided by it: the quotes that decisions were made on are in the log.
//!
//! One file an owner, `quotes/{account}/{plan_id}/{epoch:04}.jsonl.gz`: gzip of one JSON object a line.

use std::io::{self, Read, Write};

use alchemiser_core::{
    ids::{AccountId, PlanId, Symbol},
    quote::{RawQuote, Touch},
};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::ledger::encode;

/// The most bytes that one file is unpacked to.
const BYTES_MAX: u64 = 64 * 1024 * 1024;

/// One symbol's best bid and offer at a moment; a side that was not there is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TapeLine {
    /// When it was read, by our clock.
    pub at: Timestamp,
    /// The symbol.
    pub symbol: Symbol,
    /// Best bid in dollars.
    pub bid: Option<Decimal>,
    /// Shares bid.
    pub bid_size: Option<Decimal>,
    /// Best ask in dollars.
    pub ask: Option<Decimal>,
    /// Shares asked.
    pub ask_size: Option<Decimal>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    at: Timestamp,
    symbol: String,
    bid: Option<String>,
    bid_size: Option<String>,
    ask: Option<String>,
    ask_size: Option<String>,
}

impl TapeLine {
    /// A line of a quote, good or bad.
    pub fn new(symbol: &Symbol, quote: &RawQuote) -> Self {
        let price = |touch: Option<Touch>| touch.map(|touch| touch.price.dollars());
        let size = |touch: Option<Touch>| touch.map(|touch| touch.size.shares());
        Self {
            at: quote.observed_at,
            symbol: symbol.clone(),
            bid: price(quote.bid),
            bid_size: size(quote.bid),
            ask: price(quote.ask),
            ask_size: size(quote.ask),
        }
    }
}

impl From<&TapeLine> for Stored {
    fn from(line: &TapeLine) -> Self {
        let text = |value: Option<Decimal>| value.map(|value| value.normalize().to_string());
        Self {
            at: line.at,
            symbol: line.symbol.to_string(),
            bid: text(line.bid),
            bid_size: text(line.bid_size),
            ask: text(line.ask),
            ask_size: text(line.ask_size),
        }
    }
}

impl Stored {
    fn line(self) -> Option<TapeLine> {
        let number = |text: Option<String>| match text {
            None => Some(None),
            Some(text) => crate::decimal::read(&text).ok().map(Some),
        };
        Some(TapeLine {
            at: self.at,
            symbol: Symbol::new(&self.symbol).ok()?,
            bid: number(self.bid)?,
            bid_size: number(self.bid_size)?,
            ask: number(self.ask)?,
            ask_size: number(self.ask_size)?,
        })
    }
}

/// Where the tapes of a plan are.
pub fn prefix(account: &AccountId, plan: &PlanId) -> String {
    format!("quotes/{}/{}/", encode(account.as_str()), encode(plan.as_str()))
}

/// Where an owner's tape of a plan is.
pub fn key(account: &AccountId, plan: &PlanId, epoch: u32) -> String {
    format!("{}{epoch:04}.jsonl.gz", prefix(account, plan))
}

/// The bytes to keep. The same lines give the same bytes.
///
/// # Errors
/// The packer's error.
pub fn to_bytes(lines: &[TapeLine]) -> io::Result<Vec<u8>> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    for line in lines {
        serde_json::to_writer(&mut packer, &Stored::from(line))?;
        packer.write_all(b"\n")?;
    }
    packer.finish()
}

/// Reads a tape.
///
/// # Errors
/// For bytes that are not gzip, for more of them than a tape can be, and for a line that is none.
pub fn from_bytes(bytes: &[u8]) -> io::Result<Vec<TapeLine>> {
    let mut text = Vec::new();
    GzDecoder::new(bytes).take(BYTES_MAX).read_to_end(&mut text)?;
    let malformed = || io::Error::new(io::ErrorKind::InvalidData, "expected quotes, found others");
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice::<Stored>(line)?.line().ok_or_else(malformed)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(second: i64, bid: Option<&str>) -> TapeLine {
        TapeLine {
            at: Timestamp::from_second(second).unwrap(),
            symbol: Symbol::new("SPY").unwrap(),
            bid: bid.map(|price| price.parse().unwrap()),
            bid_size: bid.map(|_| Decimal::ONE_HUNDRED),
            ask: Some("600.02".parse().unwrap()),
            ask_size: Some(Decimal::TWO),
        }
    }

    /// What is kept is read back, a missing side included, and packs the same twice.
    #[test]
    fn a_tape_is_read_back() {
        let lines = [line(1, Some("600.01")), line(2, None)];
        let bytes = to_bytes(&lines).unwrap();
        assert_eq!(from_bytes(&bytes).unwrap(), lines);
        assert_eq!(to_bytes(&lines).unwrap(), bytes);
    }

    #[test]
    fn what_is_no_tape_is_an_error() {
        assert!(from_bytes(b"not gzip").is_err());
        let mut packer = GzEncoder::new(Vec::new(), Compression::default());
        packer.write_all(br#"{"at":"2026-11-20T15:00:00Z","symbol":"a b"}"#).unwrap();
        assert!(from_bytes(&packer.finish().unwrap()).is_err());
    }
}
