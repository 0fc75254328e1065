//! Recorded days: `SYMBOL/DAY_quotes.csv[.gz]` with `ts_ns,bid,bid_size,ask,ask_size` and `SYMBOL/DAY_trades.csv[.gz]`
//! with `ts_ns,price,size,ex,lit`, or the same columns in `.parquet` files. Times are UTC epoch nanoseconds, sizes shares. A day without a trades file is read:
//! its resting orders fill when the market comes to them, never by a print.

#[cfg(feature = "parquet")]
mod parquet;

use std::{
    fs::{self, File},
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};

use csv::StringRecord;
use flate2::read::MultiGzDecoder;
use jiff::{civil::time, tz::TimeZone};
use rust_decimal::Decimal;
use serde::{Deserialize, de::DeserializeOwned};
use thiserror::Error;

use crate::tape::{Nanos, Oddities, Pips, Print, Shown, Tape, moment, pips};

/// What the sizes of a file count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sizes {
    /// Shares; a file that looks like lots is refused.
    #[default]
    Shares,
    /// Shares, whatever they look like.
    SurelyShares,
    /// Round lots of 100 shares.
    Lots,
}

/// A file that is no recorded day.
#[derive(Debug, Error)]
#[error("{code}: {} {place}: expected {expected}, found {found}", path.display())]
pub struct Unreadable {
    /// The stable code.
    pub code: &'static str,
    /// The file.
    pub path: PathBuf,
    /// Where in it.
    pub place: String,
    /// What it should have been.
    pub expected: String,
    /// What it was.
    pub found: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct QuoteRow {
    ts_ns: Nanos,
    bid: String,
    bid_size: u64,
    ask: String,
    ask_size: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TradeRow {
    ts_ns: Nanos,
    price: String,
    size: u64,
    #[serde(rename = "ex")]
    _ex: String,
    lit: u8,
}

/// Every day below a directory: of one symbol, or a directory a symbol; symbols and days in order of their names.
///
/// # Errors
/// [`Unreadable`], the first one.
pub fn days(root: &Path, sizes: Sizes) -> Result<Vec<Tape>, Unreadable> {
    let mut found = quote_files(root)?;
    for inner in entries(root)?.into_iter().filter(|path| path.is_dir()) {
        found.extend(quote_files(&inner)?);
    }
    if found.is_empty() {
        let expected = "SYMBOL/DAY_quotes.csv, .csv.gz or .parquet".to_owned();
        return Err(refused("NO_DAYS", root, (String::new(), expected, "none".to_owned())));
    }
    found.iter().map(|path| day(path, sizes)).collect()
}

fn entries(root: &Path) -> Result<Vec<PathBuf>, Unreadable> {
    let read = fs::read_dir(root).and_then(|entries| {
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()
    });
    let mut paths = read.map_err(|error| unopened(root, &error))?;
    paths.sort();
    Ok(paths)
}

fn quote_files(root: &Path) -> Result<Vec<PathBuf>, Unreadable> {
    let is_quotes = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        name.and_then(|name| Some(name.split_once("_quotes.")?.1.to_owned()))
            .is_some_and(|ending| ["csv", "csv.gz", "parquet"].contains(&ending.as_str()))
    };
    Ok(entries(root)?.into_iter().filter(is_quotes).collect())
}

/// A day, by its file of quotes.
///
/// # Errors
/// [`Unreadable`].
pub fn day(path: &Path, sizes: Sizes) -> Result<Tape, Unreadable> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let (day, ending) = name.split_once("_quotes").unwrap_or((&name, ""));
    let symbol = path.parent().and_then(Path::file_name);
    let mut tape = Tape {
        symbol: symbol.map(|symbol| symbol.to_string_lossy().into_owned()).unwrap_or_default(),
        day: day.to_owned(),
        ..Tape::default()
    };
    tape.shown = quotes(path, &mut tape.odd)?;
    let trades = path.with_file_name(format!("{day}_trades{ending}"));
    if trades.exists() {
        tape.prints = prints(&trades, &mut tape.odd)?;
    }
    in_session(path, &mut tape)?;
    in_shares(path, &mut tape, sizes)?;
    Ok(tape)
}

fn quotes(path: &Path, odd: &mut Oddities) -> Result<Vec<Shown>, Unreadable> {
    let mut shown: Vec<Shown> = Vec::new();
    let mut last = Nanos::MIN;
    rows(path, |line, row: QuoteRow| {
        in_order(path, line, (&mut last, row.ts_ns))?;
        let next = Shown {
            at: row.ts_ns,
            bid: cents(path, line, &row.bid)?,
            bid_size: row.bid_size,
            ask: cents(path, line, &row.ask)?,
            ask_size: row.ask_size,
        };
        match shown.last() {
            _ if !next.is_usable() => odd.unusable += 1,
            Some(before) if *before == next => odd.repeated += 1,
            Some(_) | None => shown.push(next),
        }
        Ok(())
    })?;
    if shown.is_empty() {
        let found = format!("{} unusable rows", odd.unusable);
        let expected = "quotes with both sides, not crossed".to_owned();
        return Err(refused("NO_QUOTES", path, (String::new(), expected, found)));
    }
    Ok(shown)
}

fn prints(path: &Path, odd: &mut Oddities) -> Result<Vec<Print>, Unreadable> {
    let mut prints: Vec<Print> = Vec::new();
    let mut last = Nanos::MIN;
    rows(path, |line, row: TradeRow| {
        in_order(path, line, (&mut last, row.ts_ns))?;
        let price = cents(path, line, &row.price)?;
        // Two prints that look alike are two trades.
        let print = Print { at: row.ts_ns, price, size: row.size, lit: row.lit == 1 };
        if print.is_usable() {
            prints.push(print);
        } else {
            odd.unusable += 1;
        }
        Ok(())
    })?;
    Ok(prints)
}

/// Every row of a file, with its line or number.
fn rows<T: DeserializeOwned>(
    path: &Path,
    mut take: impl FnMut(u64, T) -> Result<(), Unreadable>,
) -> Result<(), Unreadable> {
    let mut one = |number: u64, names: &StringRecord, row: &StringRecord| {
        let place = format!("line {number}");
        let row = row.deserialize(Some(names)).map_err(|error| unparsed(path, place, &error))?;
        take(number, row)
    };
    if path.extension().is_some_and(|ending| ending == "parquet") {
        return columns(path, &mut one);
    }
    let file = File::open(path).map_err(|error| unopened(path, &error))?;
    let zipped = path.extension().is_some_and(|ending| ending == "gz");
    let bytes: Box<dyn Read> =
        if zipped { Box::new(MultiGzDecoder::new(BufReader::new(file))) } else { Box::new(file) };
    let mut reader = csv::Reader::from_reader(BufReader::new(bytes));
    let unread = |error: &csv::Error| {
        let place = error.position().map(|at| format!("line {}", at.line())).unwrap_or_default();
        unparsed(path, place, error)
    };
    let names = reader.headers().map_err(|error| unread(&error))?.clone();
    let mut record = StringRecord::new();
    while reader.read_record(&mut record).map_err(|error| unread(&error))? {
        let line = record.position().map_or(0, csv::Position::line);
        one(line, &names, &record)?;
    }
    Ok(())
}

#[cfg(feature = "parquet")]
use parquet::rows as columns;

#[cfg(not(feature = "parquet"))]
fn columns(
    path: &Path,
    _: &mut impl FnMut(u64, &StringRecord, &StringRecord) -> Result<(), Unreadable>,
) -> Result<(), Unreadable> {
    let expected = "CSV: this program was built without its feature parquet".to_owned();
    Err(refused("UNREADABLE", path, (String::new(), expected, "a Parquet file".to_owned())))
}

fn in_order(path: &Path, line: u64, (last, at): (&mut Nanos, Nanos)) -> Result<(), Unreadable> {
    if at < *last {
        let place = format!("line {line}");
        let expected = format!("a time of at least {last}: rows are sorted by ts_ns");
        return Err(refused("UNSORTED", path, (place, expected, at.to_string())));
    }
    *last = at;
    Ok(())
}

/// A price; recorded ones have at most four decimals.
fn cents(path: &Path, line: u64, text: &str) -> Result<Pips, Unreadable> {
    let parsed = text.parse::<Decimal>().ok().and_then(pips);
    parsed.ok_or_else(|| {
        let expected = "a price of at most four decimals".to_owned();
        refused("MALFORMED_PRICE", path, (format!("line {line}"), expected, text.to_owned()))
    })
}

/// Leaves out what is outside of the session; a day that is mostly outside has another time zone.
fn in_session(path: &Path, tape: &mut Tape) -> Result<(), Unreadable> {
    let Some((first, _)) = tape.span() else { return Ok(()) };
    let Ok(zone) = TimeZone::get("America/New_York") else {
        let expected = "the time zone America/New_York in this program".to_owned();
        return Err(refused("NO_TIME_ZONE", path, (String::new(), expected, "none".to_owned())));
    };
    let began = moment(first).to_zoned(zone);
    let at = |hour: i8, minute: i8| {
        let zoned = began.with().time(time(hour, minute, 0, 0)).build().ok()?;
        Nanos::try_from(zoned.timestamp().as_nanosecond()).ok()
    };
    let (Some(opens), Some(closes)) = (at(9, 30), at(16, 0)) else { return Ok(()) };
    tape.opens_at = opens;
    let inside = |at: Nanos| (opens..=closes).contains(&at);
    let before = tape.rows();
    tape.shown.retain(|shown| inside(shown.at));
    tape.prints.retain(|print| inside(print.at));
    tape.odd.outside = before - tape.rows();
    if tape.odd.outside * 2 > before || tape.shown.is_empty() {
        let expected = "UTC times between 09:30 and 16:00 New York".to_owned();
        let found = format!("a day that begins at {began}");
        return Err(refused("TIME_SHIFTED", path, (String::new(), expected, found)));
    }
    Ok(())
}

/// Sizes that are small and no multiples of 100 are lots.
fn in_shares(path: &Path, tape: &mut Tape, sizes: Sizes) -> Result<(), Unreadable> {
    match sizes {
        Sizes::SurelyShares => {}
        Sizes::Lots => {
            for shown in &mut tape.shown {
                shown.bid_size *= 100;
                shown.ask_size *= 100;
            }
        }
        Sizes::Shares => {
            let sizes = tape.shown.iter().map(|shown| shown.bid_size.min(shown.ask_size));
            let mut sizes: Vec<u64> = sizes.collect();
            sizes.sort_unstable();
            let median = sizes.get(sizes.len() / 2).copied().unwrap_or_default();
            let whole = sizes.iter().filter(|size| *size % 100 == 0).count();
            if median < 100 && whole * 100 < sizes.len() {
                let expected = "sizes in shares; say --sizes lots or --sizes shares".to_owned();
                let found = format!("a median of {median}, as if they were round lots");
                return Err(refused("SIZES_IN_LOTS", path, (String::new(), expected, found)));
            }
        }
    }
    Ok(())
}

fn refused(
    code: &'static str,
    path: &Path,
    (place, expected, found): (String, String, String),
) -> Unreadable {
    Unreadable { code, path: path.to_owned(), place, expected, found }
}

fn unopened(path: &Path, error: &io::Error) -> Unreadable {
    let expected = "a readable file or directory".to_owned();
    refused("UNREADABLE", path, (String::new(), expected, error.to_string()))
}

fn unparsed(path: &Path, place: String, error: &csv::Error) -> Unreadable {
    let expected = "the columns ts_ns,bid,bid_size,ask,ask_size or ts_ns,price,size,ex,lit";
    refused("MALFORMED_ROW", path, (place, expected.to_owned(), error.to_string()))
}
