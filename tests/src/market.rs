//! Market data that may be missing, wrong or old.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use alchemiser_core::{ids::Symbol, quote::Snapshot};
use alchemiser_driver::ports::{MarketData, ReadError};
use async_trait::async_trait;

use crate::pulse::{Fault, Op, Pulse};

/// Real market data behind a bad line.
#[derive(Debug)]
pub struct FaultyMarket {
    /// The real one.
    pub inner: Arc<dyn MarketData>,
    /// What goes wrong.
    pub pulse: Arc<Pulse>,
    /// The first snapshot of every symbol.
    pub first: Mutex<BTreeMap<Symbol, Snapshot>>,
}

impl FaultyMarket {
    fn bent(&self, fault: Fault, symbol: &Symbol, mut snapshot: Snapshot) -> Snapshot {
        match fault {
            Fault::QuoteMissing => snapshot.quote = None,
            Fault::QuoteZero => snapshot.quote.iter_mut().for_each(|quote| quote.bid = None),
            Fault::QuoteCrossed => {
                snapshot
                    .quote
                    .iter_mut()
                    .for_each(|quote| std::mem::swap(&mut quote.bid, &mut quote.ask));
            }
            Fault::QuoteFrozen => {
                let first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
                let frozen = first.get(symbol).and_then(|first| first.quote);
                if let (Some(quote), Some(frozen)) = (&mut snapshot.quote, frozen) {
                    (quote.bid, quote.ask) = (frozen.bid, frozen.ask);
                    quote.changed_at = frozen.changed_at;
                }
            }
            _ => {}
        }
        snapshot
    }
}

#[async_trait]
impl MarketData for FaultyMarket {
    async fn snapshots(&self, symbols: &[Symbol]) -> Result<BTreeMap<Symbol, Snapshot>, ReadError> {
        let call = self.pulse.enter(Op::Snapshots).await;
        let answer = match call.fault {
            Some(Fault::LoseRequest | Fault::LoseAnswer) => Err(ReadError("injected".to_owned())),
            fault => {
                let seen = self.inner.snapshots(symbols).await?;
                {
                    let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
                    for (symbol, snapshot) in &seen {
                        first.entry(symbol.clone()).or_insert_with(|| snapshot.clone());
                    }
                }
                let bend = |(symbol, snapshot): (Symbol, Snapshot)| match fault {
                    Some(fault) => (symbol.clone(), self.bent(fault, &symbol, snapshot)),
                    None => (symbol, snapshot),
                };
                Ok(seen.into_iter().map(bend).collect())
            }
        };
        self.pulse.leave(call).await;
        answer
    }
}
