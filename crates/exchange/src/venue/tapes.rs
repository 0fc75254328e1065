//! Recorded markets: `{day}_quotes.csv.gz` (`ts_ns,bid,bid_size,ask,ask_size`) and, beside it, `{day}_trades.csv.gz`
//! (`ts_ns,price,size,ex,lit`).

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
};

use alchemiser_core::{ids::Symbol, price::Price};
use alchemiser_market::{
    book::{BookQuote, MarketEvent, Phase, Reach},
    listing::Listing,
    session::SessionTime,
};
use flate2::read::GzDecoder;
use thiserror::Error;

use crate::{
    feed::{Feed, print_at, time_of},
    setup::Setup,
};

const NS_PER_MS: u64 = 1_000_000;

/// Why a recorded market cannot be read.
#[derive(Debug, Error)]
pub enum TapeError {
    /// The file system refused.
    #[error("EXCHANGE_TAPE: {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// A line is no quote or no trade.
    #[error("EXCHANGE_TAPE: {path} line {line}: expected {expected}, found {found:?}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The columns.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// A market is recorded for a symbol that is not listed.
    #[error("EXCHANGE_TAPE: {symbol} has a tape and is not listed; list it")]
    NotListed {
        /// The symbol.
        symbol: String,
    },
}

const QUOTE_COLUMNS: &str = "ts_ns,bid,bid_size,ask,ask_size";
const TRADE_COLUMNS: &str = "ts_ns,price,size,ex,lit";

/// The recorded markets of a setup.
pub(super) fn open(setup: &Setup) -> Result<BTreeMap<Symbol, Feed>, TapeError> {
    let mut feeds = BTreeMap::new();
    for (symbol, path) in &setup.tapes {
        let listed = setup.listed.iter().find(|listed| listed.listing.symbol.as_str() == symbol);
        let listed = listed.ok_or_else(|| TapeError::NotListed { symbol: symbol.clone() })?;
        let events = read(Path::new(path), &listed.listing)?;
        feeds.insert(listed.listing.symbol.clone(), Feed::tape(events.into(), &listed.listing));
    }
    Ok(feeds)
}

/// The events of a day, from its first quote on, whose time is zero.
///
/// # Errors
/// [`TapeError`].
pub fn read(path: &Path, listing: &Listing) -> Result<Vec<MarketEvent>, TapeError> {
    let mut quotes = Vec::new();
    lines(path, QUOTE_COLUMNS, |columns| {
        let [ts, bid, bid_size, ask, ask_size] = columns else { return None };
        let at = SessionTime::from_millis(ts.parse::<u64>().ok()? / NS_PER_MS);
        let (bid, ask) = (ticks(listing, bid)?, ticks(listing, ask)?);
        let (bid_size, ask_size) = (shares(bid_size)?, shares(ask_size)?);
        let phase = Phase::Trading;
        quotes.push(BookQuote { at, bid, bid_size, ask, ask_size, phase });
        Some(())
    })?;
    let mut trades = Vec::new();
    let beside = PathBuf::from(path.to_string_lossy().replace("_quotes", "_trades"));
    if beside != path && beside.is_file() {
        lines(&beside, TRADE_COLUMNS, |columns| {
            let [ts, price, size, _, lit] = columns else { return None };
            let at = SessionTime::from_millis(ts.parse::<u64>().ok()? / NS_PER_MS);
            trades.push((at, ticks(listing, price)?, shares(size)?, *lit == "1"));
            Some(())
        })?;
    }
    Ok(merged(quotes, trades))
}

/// Quotes and trades in the order of time, a trade before the quote that it leaves behind.
fn merged(quotes: Vec<BookQuote>, trades: Vec<(SessionTime, i64, u64, bool)>) -> Vec<MarketEvent> {
    let Some(first) = quotes.first().map(|quote| quote.at) else { return Vec::new() };
    let mut events = Vec::with_capacity(quotes.len() + trades.len());
    let mut trades = trades.into_iter().filter(|(at, ..)| *at >= first).peekable();
    let mut stood: Option<BookQuote> = None;
    let mut print = |stood: &Option<BookQuote>, (at, price, size, lit)| {
        let Some(quote) = stood else { return };
        let event = print_at(quote, SessionTime::since(at, first), price, size);
        events.push((event, lit));
    };
    let mut all = Vec::new();
    for quote in quotes {
        while let Some(trade) = trades.next_if(|(at, ..)| *at <= quote.at) {
            print(&stood, trade);
        }
        stood = Some(quote);
        all.push(MarketEvent::Quote(BookQuote { at: quote.at.since(first), ..quote }));
    }
    for trade in trades {
        print(&stood, trade);
    }
    all.extend(events.into_iter().map(|(event, lit)| match event {
        MarketEvent::Print { at, price, size, aggressor, .. } if !lit => {
            MarketEvent::Print { at, price, size, aggressor, reach: Reach::Elsewhere }
        }
        event @ (MarketEvent::Print { .. } | MarketEvent::Quote(_)) => event,
    }));
    all.sort_by_key(|event| (time_of(event), matches!(event, MarketEvent::Quote(_))));
    all
}

fn ticks(listing: &Listing, text: &str) -> Option<i64> {
    Some(listing.ticks_of(Price::new(text.parse().ok()?).ok()?))
}

fn shares(text: &str) -> Option<u64> {
    text.parse().ok()
}

/// Every line below the head, in columns.
fn lines(
    path: &Path,
    expected: &'static str,
    mut take: impl FnMut(&[&str]) -> Option<()>,
) -> Result<(), TapeError> {
    let io = |source| TapeError::Io { path: path.to_owned(), source };
    let reader = BufReader::new(GzDecoder::new(File::open(path).map_err(io)?));
    for (k, line) in reader.lines().enumerate() {
        let line = line.map_err(io)?;
        let columns: Vec<&str> = line.split(',').collect();
        if k > 0 && take(&columns).is_none() {
            let (path, found) = (path.to_owned(), line);
            return Err(TapeError::Malformed { path, line: k + 1, expected, found });
        }
    }
    Ok(())
}
