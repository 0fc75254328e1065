//! `alchemiser exchange`.

use std::path::PathBuf;

use alchemiser_exchange::{
    account::Opening,
    clock::Clock,
    exact::Exact,
    exchange::{Exchange, Manner, OpenError},
    fault::Script,
    hours::Hours,
    journal::JournalError,
    server::{self, Shared},
    setup::{Latency, Setup, Source, Wanted},
    stream::Frames,
};
use clap::{Args as ClapArgs, ValueEnum};
use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::{
    exit::{Exit, Stopped},
    load,
};

/// The account that there is when no other one is asked for.
const USUAL_KEY: (&str, &str) = ("PKALCHEMISER", "alchemiser-secret");

/// What a fresh paper account holds, in dollars.
const USUAL_CASH: i64 = 100_000;

#[derive(ClapArgs, Debug)]
pub(crate) struct ExchangeArgs {
    /// The port of 127.0.0.1; 0 takes a free one and says which
    #[arg(long, default_value_t = 7_090)]
    pub(crate) port: u16,
    /// Where the markets come from
    #[arg(long, value_enum, default_value = "generated")]
    pub(crate) market: MarketWord,
    /// With `--market replay`: a symbol and its recorded day, `XXX=DIR/20180102_quotes.csv.gz`; may be repeated
    #[arg(long, value_name = "SYMBOL=FILE", value_parser = tape)]
    pub(crate) tape: Vec<(String, String)>,
    /// What all randomness derives from
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// An account, `KEY:SECRET` or `KEY:SECRET:CASH`; may be repeated (default: one that is printed)
    #[arg(long, value_name = "KEY:SECRET[:CASH]", value_parser = account)]
    pub(crate) account: Vec<Opening>,
    /// Symbols to list besides the usual ones
    #[arg(long, value_delimiter = ',', value_name = "A,B,…")]
    pub(crate) symbols: Vec<String>,
    /// A TOML file of accounts and listings: `[[account]]`, `[[listing]]`
    #[arg(long, value_name = "FILE")]
    pub(crate) world: Option<PathBuf>,
    /// When the market is open
    #[arg(long, value_enum, default_value = "always")]
    pub(crate) hours: HoursWord,
    /// The clock stands at this time until `POST /_control/advance` moves it, e.g. 2026-11-20T15:00:00Z
    #[arg(long, value_name = "TIME")]
    pub(crate) virtual_time: Option<Timestamp>,
    /// Requests a minute for each account; 0 for no limit
    #[arg(long, default_value_t = 200)]
    pub(crate) rate_limit: u32,
    /// Milliseconds until an order, a cancel or a replacement takes effect, `LOW..HIGH` (default: 20 to 150)
    #[arg(long, value_name = "LOW..HIGH", value_parser = latency)]
    pub(crate) latency_ms: Option<(u64, u64)>,
    /// A TOML file of faults: `[[fault]]` rules, and `draw = true` with a `seed`
    #[arg(long, value_name = "FILE")]
    pub(crate) faults: Option<PathBuf>,
    /// Keep everything in this directory: a killed exchange goes on where it was
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// The frames of the order stream
    #[arg(long, value_enum, default_value = "binary")]
    pub(crate) frames: FramesWord,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FramesWord {
    /// As the broker's paper environment
    Binary,
    /// As its live environment
    Text,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum MarketWord {
    /// From the seed
    Generated,
    /// From recorded days
    Replay,
    /// It stands still until `POST /_control/quote` moves it
    Script,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum HoursWord {
    /// At any time
    Always,
    /// In the regular sessions of the New York Stock Exchange
    Nyse,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct World {
    #[serde(default)]
    account: Vec<Opening>,
    #[serde(default)]
    listing: Vec<Wanted>,
}

/// Opens the exchange of the state directory, or one that keeps nothing.
fn open(args: &ExchangeArgs, setup: &Setup) -> Result<Exchange, Stopped> {
    let clock = args.virtual_time.map_or(Clock::REAL, |at| Clock::Virtual { at });
    let limit = Some(args.rate_limit).filter(|limit| *limit > 0);
    let faults = args.faults.as_ref().map_or(Ok(Script::default()), read_toml)?;
    let manner = Manner { clock, limit, faults };
    let opened = match &args.state {
        Some(dir) => Exchange::open(dir, setup, manner),
        None => Exchange::new(setup, manner).map_err(OpenError::Tape),
    };
    opened.map_err(|error| match error {
        OpenError::Tape(tape) => Stopped::new(Exit::Refused, "EXCHANGE_TAPE", tape),
        OpenError::Journal(journal @ JournalError::Locked { .. }) => {
            Stopped::new(Exit::Locked, "EXCHANGE_JOURNAL", journal)
        }
        OpenError::Journal(journal) => Stopped::new(Exit::Refused, "EXCHANGE_JOURNAL", journal),
    })
}

/// Serves until it is killed.
pub(crate) async fn exchange(args: &ExchangeArgs) -> Result<Exit, Stopped> {
    args.state.as_deref().map_or(Ok(()), load::on_this_machine)?;
    let setup = setup(args)?;
    let exchange = open(args, &setup)?;
    let listener = server::listen(args.port)
        .await
        .map_err(|error| Stopped::new(Exit::Refused, "EXCHANGE_PORT", error))?;
    let address =
        listener.local_addr().map_err(|error| Stopped::failed("EXCHANGE_PORT", &error))?;
    crate::print(&format!("exchange on http://{address}"))?;
    for account in exchange.venue().accounts() {
        let Opening { key, secret, .. } = &account.opening;
        crate::print(&format!("account APCA_API_KEY_ID={key} APCA_API_SECRET_KEY={secret}"))?;
    }
    let frames = match args.frames {
        FramesWord::Binary => Frames::Binary,
        FramesWord::Text => Frames::Text,
    };
    match server::serve(listener, Shared::new(exchange, frames)).await {}
}

fn setup(args: &ExchangeArgs) -> Result<Setup, Stopped> {
    let refused = |error: &dyn std::fmt::Display| {
        Stopped::new(Exit::Refused, "EXCHANGE_LISTING", error.to_string())
    };
    let world = args.world.as_ref().map_or(Ok(World::default()), read_toml)?;
    let started_at = args.virtual_time.unwrap_or_else(Timestamp::now);
    let mut setup = Setup::usual(args.seed, started_at);
    let named = args.symbols.iter().chain(args.tape.iter().map(|(symbol, _)| symbol));
    let named = named.map(|symbol| Wanted::named(symbol));
    for wanted in named.chain(world.listing) {
        setup.list(wanted.listed(args.seed).map_err(|error| refused(&error))?);
    }
    setup.tapes = args.tape.iter().cloned().collect();
    setup.source = match args.market {
        MarketWord::Generated | MarketWord::Replay => Source::Generated,
        MarketWord::Script => Source::Script,
    };
    setup.hours = match args.hours {
        HoursWord::Always => Hours::Always,
        HoursWord::Nyse => Hours::Nyse,
    };
    if let Some(bounds) = args.latency_ms {
        setup.latency = Latency { arrival: bounds, cancel: bounds, replace: bounds };
    }
    setup.accounts = [args.account.clone(), world.account].concat();
    if setup.accounts.is_empty() {
        let (key, secret) = USUAL_KEY;
        setup.accounts.push(opening(key, secret, Decimal::from(USUAL_CASH)));
    }
    Ok(setup)
}

/// Reads a TOML file.
fn read_toml<T: serde::de::DeserializeOwned>(path: &PathBuf) -> Result<T, Stopped> {
    let refused = |error: &dyn std::fmt::Display| {
        Stopped::new(Exit::Refused, "EXCHANGE_FILE", format!("{}: {error}", path.display()))
    };
    let text = std::fs::read_to_string(path).map_err(|error| refused(&error))?;
    toml::from_str(&text).map_err(|error| refused(&error))
}

fn opening(key: &str, secret: &str, cash: Decimal) -> Opening {
    Opening {
        key: key.to_owned(),
        secret: secret.to_owned(),
        cash: Exact(cash),
        ..Opening::default()
    }
}

fn account(text: &str) -> Result<Opening, String> {
    let expected = || format!("expected KEY:SECRET or KEY:SECRET:CASH, found {text:?}");
    let parts: Vec<&str> = text.split(':').collect();
    let (key, secret, cash) = match parts.as_slice() {
        [key, secret] => (key, secret, Decimal::from(USUAL_CASH)),
        [key, secret, cash] => (key, secret, cash.parse().map_err(|_error| expected())?),
        _ => return Err(expected()),
    };
    if key.is_empty() || secret.is_empty() {
        return Err(expected());
    }
    Ok(opening(key, secret, cash))
}

fn tape(text: &str) -> Result<(String, String), String> {
    let parts =
        text.split_once('=').filter(|(symbol, file)| !symbol.is_empty() && !file.is_empty());
    let (symbol, file) = parts.ok_or_else(|| format!("expected SYMBOL=FILE, found {text:?}"))?;
    Ok((symbol.to_owned(), file.to_owned()))
}

fn latency(text: &str) -> Result<(u64, u64), String> {
    let expected = || format!("expected LOW..HIGH in milliseconds, found {text:?}");
    let (low, high) = text.split_once("..").ok_or_else(expected)?;
    let bounds =
        (low.parse().map_err(|_error| expected())?, high.parse().map_err(|_error| expected())?);
    if bounds.0 <= bounds.1 { Ok(bounds) } else { Err(expected()) }
}
