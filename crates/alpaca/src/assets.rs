//! What may be done with a symbol: read once a day, one by one or, for many, in one call.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{MutexGuard, PoisonError},
};

use alchemiser_core::{ids::Symbol, quantity::Quantity, reading::Asset};
use alchemiser_driver::ports::AssetsRead;
use jiff::{civil::Date, tz::TimeZone};

use crate::{
    Alpaca,
    failed::Failed,
    fields::{Fields, Unreadable, list},
    line::Ask,
};

/// From so many unknown symbols on the whole list is read at once: some megabytes, and one call instead of as many.
const LISTED_FROM: usize = 12;

/// A partnership whose sales and purchases are taxed at the source.
const TAXED_PARTNERSHIP: &str = "ptp_no_exception";

/// What was read on a day.
#[derive(Debug, Default)]
pub(crate) struct AssetsOfTheDay {
    day: Option<Date>,
    known: BTreeMap<Symbol, Option<Asset>>,
}

/// An asset; none for a symbol that no plan could name.
fn asset(fields: &Fields<'_>, round_lot: Quantity) -> Result<Option<Asset>, Unreadable> {
    let Ok(symbol) = Symbol::new(&fields.required("symbol")?) else { return Ok(None) };
    let active = fields.text("status")?.as_deref() == Some("active");
    let tradable = fields.flag("tradable")?.unwrap_or(false);
    let taxed = fields.texts("attributes").iter().any(|name| name == TAXED_PARTNERSHIP);
    if active && tradable && taxed {
        tracing::debug!(%symbol, "a partnership taxed at the source is not traded");
    }
    Ok(Some(Asset {
        symbol,
        tradable: active && tradable && !taxed,
        fractionable: fields.flag("fractionable")?.unwrap_or(false),
        tick: None,
        round_lot,
    }))
}

impl Alpaca {
    /// Today's assets.
    fn today(&self) -> MutexGuard<'_, AssetsOfTheDay> {
        let zone = TimeZone::get("America/New_York").unwrap_or(TimeZone::UTC);
        let day = Some(zone.to_datetime(self.clock.now()).date());
        let mut assets = self.assets.lock().unwrap_or_else(PoisonError::into_inner);
        if assets.day != day {
            *assets = AssetsOfTheDay { day, known: BTreeMap::new() };
        }
        assets
    }

    pub(crate) async fn read_asset(&self, symbol: &Symbol) -> Result<Option<Asset>, Failed> {
        let known = self.today().known.get(symbol).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let path = ["v2", "assets", symbol.as_str()];
        let found = match self.line.send(Ask::get(&path, &[])).await {
            Ok(reply) => reply.read(|bytes| asset(&Fields::read(bytes)?, self.round_lot))?,
            Err(failed) if failed.is_not_found() => None,
            Err(failed) => return Err(failed),
        };
        let found = found.filter(|asset| asset.symbol == *symbol);
        self.today().known.insert(symbol.clone(), found.clone());
        Ok(found)
    }

    /// Every asset that is active; the others of those asked for are not.
    async fn read_list(&self, symbols: &[Symbol]) -> Result<(), Failed> {
        let query = [("status", "active"), ("asset_class", "us_equity")];
        let reply = self.line.send(Ask::get(&["v2", "assets"], &query)).await?;
        let found: Vec<Option<Asset>> = reply.read(|bytes| {
            let each = list(bytes)?.into_iter();
            each.map(|value| asset(&Fields::of(value)?, self.round_lot)).collect()
        })?;
        let mut today = self.today();
        today.known.extend(symbols.iter().map(|symbol| (symbol.clone(), None)));
        let found = found.into_iter().flatten();
        today.known.extend(found.map(|asset| (asset.symbol.clone(), Some(asset))));
        Ok(())
    }

    pub(crate) async fn read_assets(&self, symbols: &[Symbol]) -> AssetsRead {
        let known: BTreeSet<Symbol> = self.today().known.keys().cloned().collect();
        let unknown: Vec<Symbol> =
            symbols.iter().filter(|symbol| !known.contains(*symbol)).cloned().collect();
        let mut read = AssetsRead::default();
        if unknown.len() >= LISTED_FROM {
            read.calls = 1;
            if let Err(failed) = self.read_list(&unknown).await {
                read.failed.push(failed.into());
                return read;
            }
        } else {
            read.calls = unknown.len();
        }
        for symbol in symbols {
            match self.read_asset(symbol).await {
                Ok(asset) => read.found.push((symbol.clone(), asset)),
                Err(failed) => read.failed.push(failed.into()),
            }
        }
        read
    }
}
