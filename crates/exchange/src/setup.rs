//! What an exchange begins with.

use std::collections::BTreeMap;

use alchemiser_core::{ids::Symbol, money::Money, price::Price};
use alchemiser_market::{
    listing::{Listing, Regime, round_lot, sample},
    unrest::Unrest,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{account::Opening, exact::Exact, hours::Hours};

/// What trades where nothing else is asked for: what alpaca-py's examples and most plans name.
const USUAL_SYMBOLS: &str = "AAPL AGG AMD AMZN BIL BND BRK.B COST CRM DIA EEM EFA FAKEPACA GLD GOOG GOOGL HYG IAU IBM IEF IEI \
    IJH IJR INTC IVV IWM JNJ JPM KO LQD META MSFT NFLX NVDA ORCL PEP PG QQQ QLD SCHD SH SHV SHY SLV SOXL SPXL SPY SQQQ SVXY \
    TECL TIP TLT TMF TQQQ TSLA UPRO USO UVXY V VEA VIXY VNQ VOO VTI VTV VUG VWO VXX XLE XLF XLK XLP XLU XLV XOM";

/// A symbol as the exchange lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Its price, its grid and how its book behaves.
    #[serde(flatten)]
    pub listing: Listing,
    /// It may be traded.
    #[serde(default = "yes")]
    pub tradable: bool,
    /// It is listed still.
    #[serde(default = "yes")]
    pub active: bool,
}

fn yes() -> bool {
    true
}

/// A symbol as a file or a control request asks for it: what is left out is drawn from the symbol's name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// The symbol.
    pub symbol: String,
    /// The price at which its book starts.
    #[serde(default)]
    pub price: Option<Exact>,
    /// How its book behaves.
    #[serde(default)]
    pub regime: Option<Regime>,
    /// Parts of a share may be traded.
    #[serde(default)]
    pub fractionable: Option<bool>,
    /// It may be traded.
    #[serde(default)]
    pub tradable: Option<bool>,
    /// It is listed still.
    #[serde(default)]
    pub active: Option<bool>,
}

/// A number or a name that cannot be listed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("EXCHANGE_LISTING: expected {expected}, found {found}")]
pub struct NotListed {
    /// What was expected.
    pub expected: &'static str,
    /// What was found.
    pub found: String,
}

impl Wanted {
    /// A symbol of which nothing else is said.
    pub fn named(symbol: &str) -> Self {
        Self { symbol: symbol.to_owned(), ..Self::default() }
    }

    /// The listing.
    ///
    /// # Errors
    /// [`NotListed`] for a name that is no symbol and a number that is no price.
    pub fn listed(&self, seed: u64) -> Result<Listed, NotListed> {
        let symbol = Symbol::new(&self.symbol).map_err(|error| NotListed {
            expected: "a symbol of 1 to 10 characters A-Z, 0-9 or '.'",
            found: error.found,
        })?;
        let mut listing = sample(seed, &symbol, Money::ZERO);
        if let Some(dollars) = self.price {
            let price = Price::new(dollars.0).map_err(|error| NotListed {
                expected: "a price above 0 and at most 1e9 dollars",
                found: error.found.to_string(),
            })?;
            (listing.price, listing.previous_close) = (price, price);
            listing.round_lot = round_lot(price);
        }
        listing.regime = self.regime.unwrap_or(listing.regime);
        listing.fractionable = self.fractionable.unwrap_or(true);
        listing.unrest = Unrest::NONE;
        Ok(Listed {
            listing,
            tradable: self.tradable.unwrap_or(true),
            active: self.active.unwrap_or(true),
        })
    }
}

/// Where the markets come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Generated from the seed.
    #[default]
    Generated,
    /// They stand still until a control request moves them.
    Script,
}

/// How long things take at the broker, in milliseconds: lowest and highest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    /// From an order's acceptance to its arrival at the venue.
    pub arrival: (u64, u64),
    /// From a cancel's acceptance to its effect.
    pub cancel: (u64, u64),
    /// From a replacement's acceptance to its effect.
    pub replace: (u64, u64),
}

impl Default for Latency {
    fn default() -> Self {
        Self { arrival: (20, 120), cancel: (20, 150), replace: (20, 150) }
    }
}

/// What an exchange begins with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Setup {
    /// What all randomness derives from.
    pub seed: u64,
    /// The wall time of the beginning.
    pub started_at: Timestamp,
    /// When it is open.
    pub hours: Hours,
    /// Where the markets come from.
    pub source: Source,
    /// How long things take.
    pub latency: Latency,
    /// Who trades here.
    pub accounts: Vec<Opening>,
    /// What trades here.
    pub listed: Vec<Listed>,
    /// Recorded markets: the symbol, and the file of its quotes.
    pub tapes: BTreeMap<String, String>,
}

impl Setup {
    /// An exchange that is always open, with one account and the usual symbols.
    pub fn usual(seed: u64, started_at: Timestamp) -> Self {
        Self {
            seed,
            started_at,
            hours: Hours::Always,
            source: Source::Generated,
            latency: Latency::default(),
            accounts: vec![],
            listed: usual_listed(seed),
            tapes: BTreeMap::new(),
        }
    }

    /// Lists one more symbol, or lists it differently.
    pub fn list(&mut self, listed: Listed) {
        self.listed.retain(|other| other.listing.symbol != listed.listing.symbol);
        self.listed.push(listed);
    }
}

/// The usual symbols, and three that show what may be wrong with one.
fn usual_listed(seed: u64) -> Vec<Listed> {
    let usual = USUAL_SYMBOLS.split_whitespace().map(Wanted::named);
    let odd = [
        Wanted { fractionable: Some(false), ..Wanted::named("OCGN") },
        Wanted { tradable: Some(false), ..Wanted::named("HALTED") },
        Wanted { tradable: Some(false), active: Some(false), ..Wanted::named("GONE") },
    ];
    usual.chain(odd).filter_map(|wanted| wanted.listed(seed).ok()).collect()
}
