//! Market data: quotes, last trades and previous closes of all symbols in one call.

use std::collections::BTreeMap;

use alchemiser_core::{
    ids::Symbol,
    price::Price,
    quantity::Quantity,
    quote::{RawQuote, Snapshot, Touch},
};
use alchemiser_driver::ports::{MarketData, ReadError};
use async_trait::async_trait;
use jiff::{Timestamp, tz::TimeZone};

use crate::{
    Alpaca,
    failed::Failed,
    fields::{Fields, Unreadable},
    line::Ask,
};

/// One side; zero says that there is none. Sizes are shares.
fn touch(fields: &Fields<'_>, price: &str, size: &str) -> Result<Option<Touch>, Unreadable> {
    let size = fields.quantity(size)?.unwrap_or(Quantity::ZERO);
    Ok(fields.price(price)?.map(|price| Touch { price, size }))
}

/// A quote as the broker writes it, in a snapshot and on the stream alike.
pub(crate) fn quote(
    fields: &Fields<'_>,
    observed_at: Timestamp,
) -> Result<Option<RawQuote>, Unreadable> {
    let Some(changed_at) = fields.time("t")? else { return Ok(None) };
    let (bid, ask) = (touch(fields, "bp", "bs")?, touch(fields, "ap", "as")?);
    Ok(Some(RawQuote { bid, ask, changed_at, observed_at }))
}

/// A trade that was not taken back.
fn trade(fields: &Fields<'_>) -> Result<Option<(Price, Timestamp)>, Unreadable> {
    let undone = matches!(fields.text("u")?.as_deref(), Some("canceled" | "incorrect"));
    let (price, at) = (fields.price("p")?, fields.time("t")?);
    Ok(price.zip(at).filter(|_| !undone))
}

/// The close before today's session: the day before's bar, or the newest one where nothing has traded today.
fn previous_close(fields: &Fields<'_>, now: Timestamp) -> Result<Option<Price>, Unreadable> {
    let zone = TimeZone::get("America/New_York").unwrap_or(TimeZone::UTC);
    let (today, before) = (fields.object("dailyBar")?, fields.object("prevDailyBar")?);
    let day = |at: Timestamp| zone.to_datetime(at).date();
    let is_over = match &today {
        Some(bar) => bar.time("t")?.is_some_and(|at| day(at) < day(now)),
        None => false,
    };
    match if is_over { today } else { before } {
        Some(bar) => bar.price("c"),
        None => Ok(None),
    }
}

fn snapshot(fields: &Fields<'_>, observed_at: Timestamp) -> Result<Snapshot, Unreadable> {
    let quote = match fields.object("latestQuote")? {
        Some(fields) => quote(&fields, observed_at)?,
        None => None,
    };
    let last_trade = match fields.object("latestTrade")? {
        Some(fields) => trade(&fields)?,
        None => None,
    };
    Ok(Snapshot { quote, last_trade, previous_close: previous_close(fields, observed_at)? })
}

impl Alpaca {
    /// Snapshots, with the broker's own failure.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn tell_snapshots(
        &self,
        symbols: &[Symbol],
    ) -> Result<BTreeMap<Symbol, Snapshot>, Failed> {
        let names: Vec<&str> = symbols.iter().map(Symbol::as_str).collect();
        let names = names.join(",");
        let query = [("symbols", names.as_str()), ("feed", self.feed.word())];
        // Not younger than it can be: the answer may have been under way for a while.
        let observed_at = self.clock.now();
        let ask = Ask::get(&["v2", "stocks", "snapshots"], &query).of_data();
        let reply = self.line.send(ask).await?;
        reply.read(|bytes| {
            let fields = Fields::read(bytes)?;
            let mut found = BTreeMap::new();
            for (name, value) in fields.entries().filter(|(_, value)| value.get() != "null") {
                if let Ok(symbol) = Symbol::new(name) {
                    found.insert(symbol, snapshot(&Fields::of(value)?, observed_at)?);
                }
            }
            Ok(found)
        })
    }
}

#[async_trait]
impl MarketData for Alpaca {
    async fn snapshots(&self, symbols: &[Symbol]) -> Result<BTreeMap<Symbol, Snapshot>, ReadError> {
        let mut found = self.tell_snapshots(symbols).await?;
        found.retain(|symbol, _| symbols.contains(symbol));
        Ok(found)
    }

    fn streamed(&self, symbols: &[Symbol]) -> BTreeMap<Symbol, RawQuote> {
        self.heard.of(symbols)
    }
}
