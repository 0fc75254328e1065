//! The simulated exchange as broker and as source of market data, in this process.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use alchemiser_core::{
    controls::Approved,
    fact::{Refusal, RefusalKind},
    ids::{BrokerOrderId, ClientOrderId, Owner, Symbol},
    plan::Plan,
    quote::Snapshot,
    reading::{AccountReading, Asset, Position, SessionClock},
    report::OrderReport,
};
use alchemiser_driver::ports::{
    Broker, Clock, Desk, MarketData, Put, ReadError, Store, StoreError, SubmitError,
};
use alchemiser_market::{
    exchange::Exchange,
    journal::{self, JournalError},
    order::NewOrder,
    refusal::OrderRefusal,
    sample,
};
use async_trait::async_trait;
use jiff::Timestamp;

use crate::{books, state::StateDir};

/// The exchange of a state directory, on a clock.
#[derive(Clone, Debug)]
pub struct LocalExchange {
    exchange: Arc<Mutex<Exchange>>,
    clock: Arc<dyn Clock>,
    /// Its journal, and which file that was when it was opened.
    journal: (PathBuf, Option<u64>),
}

/// Which file a path names.
fn file_of(path: &Path) -> Option<u64> {
    fs::metadata(path).ok().map(|found| found.ino())
}

/// The moment to which a state directory has lived, by its exchange and by its logs; `None` when it is new.
///
/// # Errors
/// [`JournalError`] for a journal or a directory that is not readable.
pub fn lived_until(state: &StateDir) -> Result<Option<Timestamp>, JournalError> {
    let traded = journal::last_time(&state.exchange())?;
    let written = books::newest_entry(state)
        .map_err(|source| JournalError::Io { path: state.root().to_owned(), source })?;
    Ok(traded.max(written))
}

impl LocalExchange {
    /// Opens the exchange of a state directory. A new one lists the plan's symbols, and its sample account holds what
    /// the plan says it holds: each position's current value, and the rest of the portfolio's value in cash. One that
    /// is there already lists the symbols it does not know yet.
    ///
    /// # Errors
    /// [`JournalError`] when the journal cannot be read or written.
    pub fn open(
        state: &StateDir,
        plan: &Plan,
        seed: u64,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, JournalError> {
        let holdings: Vec<_> = plan
            .items
            .iter()
            .map(|item| (item.symbol.clone(), item.current_value, item.trade_amount.abs()))
            .collect();
        let now = clock.now();
        let setup =
            sample::setup_for(seed, plan.account.clone(), now, &holdings, plan.portfolio_value);
        let mut exchange = Exchange::open_or_create(&state.exchange(), &setup, now)?;
        for (symbol, current, traded) in &holdings {
            if exchange.asset(symbol).is_none() {
                let (listing, quantity) =
                    sample::listed_for(exchange.seed(), symbol, *current, *traded);
                exchange.list(now, listing, Some(quantity))?;
            }
        }
        let journal = state.exchange().join("journal.jsonl");
        let file = file_of(&journal);
        Ok(Self { exchange: Arc::new(Mutex::new(exchange)), clock, journal: (journal, file) })
    }

    /// A desk whose store takes nothing once this exchange cannot keep its journal: the exchange has died then, and its
    /// process stops before it takes silence for an answer.
    pub fn guarding(self: &Arc<Self>, desk: &Desk) -> Desk {
        let store = Guarded { store: desk.store.clone(), exchange: self.clone() };
        Desk { store: Arc::new(store), ..desk.clone() }
    }

    /// Another process has taken the directory over: what this one would say is no longer so.
    fn is_left(&self) -> bool {
        file_of(&self.journal.0) != self.journal.1
    }

    fn lock(&self) -> MutexGuard<'_, Exchange> {
        self.exchange.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// [`LocalExchange::ask`], of an exchange that is still this process's.
    fn at<T>(&self, ask: impl FnOnce(&mut Exchange, Timestamp) -> T) -> Result<T, ReadError> {
        if self.is_left() {
            return Err(ReadError("another process has taken the exchange over".to_owned()));
        }
        self.ask(ask)
    }

    /// The exchange and the time; a failed journal makes every answer a failure.
    fn ask<T>(&self, ask: impl FnOnce(&mut Exchange, Timestamp) -> T) -> Result<T, ReadError> {
        let mut exchange = self.lock();
        let answer = ask(&mut exchange, self.clock.now());
        match exchange.fault() {
            Some(fault) => Err(ReadError(fault.to_string())),
            None => Ok(answer),
        }
    }
}

fn refusal(refused: &OrderRefusal) -> SubmitError {
    let kind = match refused {
        OrderRefusal::IdNotUnique => return SubmitError::Duplicate,
        OrderRefusal::Unavailable => return SubmitError::Unclear(refused.message()),
        OrderRefusal::SharesAvailable { available, .. } => {
            RefusalKind::InsufficientQuantity { available: Some(*available) }
        }
        OrderRefusal::BuyingPower { .. } => RefusalKind::InsufficientFunds,
        OrderRefusal::SubPenny { .. } => RefusalKind::SubPenny,
        OrderRefusal::NotFractionable { .. } => RefusalKind::NotFractionable,
        OrderRefusal::WashTrade { .. } => RefusalKind::WashTrade,
        OrderRefusal::IdTooLong
        | OrderRefusal::QuantityZero
        | OrderRefusal::AssetUnknown { .. }
        | OrderRefusal::CostBasisTooSmall => RefusalKind::Other,
    };
    SubmitError::Refused(Refusal { kind, message: refused.message().chars().take(200).collect() })
}

/// A store for as long as an exchange keeps its journal.
#[derive(Debug)]
struct Guarded {
    store: Arc<dyn Store>,
    exchange: Arc<LocalExchange>,
}

#[async_trait]
impl Store for Guarded {
    async fn put_if_absent(&self, key: &str, bytes: &[u8]) -> Result<Put, StoreError> {
        if let Some(fault) = self.exchange.lock().fault() {
            return Err(StoreError::Refused(format!("the exchange has stopped: {fault}")));
        }
        self.store.put_if_absent(key, bytes).await
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.get(key).await
    }

    async fn list(&self, prefix: &str, limit: usize) -> Result<Vec<String>, StoreError> {
        self.store.list(prefix, limit).await
    }

    async fn remove_hint(&self, key: &str) -> Result<(), StoreError> {
        self.store.remove_hint(key).await
    }

    async fn is_dead(&self, owner: &Owner) -> Result<bool, StoreError> {
        self.store.is_dead(owner).await
    }
}

#[async_trait]
impl Broker for LocalExchange {
    async fn submit(&self, order: &Approved) -> Result<OrderReport, SubmitError> {
        let terms = order.terms();
        let new = NewOrder {
            client_order_id: order.client_order_id().to_string(),
            symbol: terms.symbol.clone(),
            side: terms.side,
            quantity: terms.quantity,
            limit: terms.limit,
        };
        // Whoever was taken over must not send by the protocol, not because the exchange would not listen.
        let answer = self.ask(|exchange, now| exchange.submit(now, new));
        match answer {
            Ok(answer) => answer.map_err(|refused| refusal(&refused)),
            Err(ReadError(why)) => Err(SubmitError::Unclear(why)),
        }
    }

    async fn cancel(&self, order: &BrokerOrderId) -> Result<(), ReadError> {
        let answer = self.at(|exchange, now| exchange.cancel(now, order))?;
        answer.map_err(|refused| ReadError(refused.message()))
    }

    async fn order(&self, id: &ClientOrderId) -> Result<Option<OrderReport>, ReadError> {
        self.at(|exchange, now| exchange.order(now, id.as_str()))
    }

    async fn orders(&self, since: Timestamp) -> Result<Vec<OrderReport>, ReadError> {
        self.at(|exchange, now| exchange.orders(now, since))
    }

    async fn open_orders(&self) -> Result<Vec<OrderReport>, ReadError> {
        self.at(Exchange::open_orders)
    }

    async fn account(&self) -> Result<AccountReading, ReadError> {
        self.at(Exchange::account)
    }

    async fn positions(&self) -> Result<Vec<Position>, ReadError> {
        self.at(Exchange::positions)
    }

    async fn asset(&self, symbol: &Symbol) -> Result<Option<Asset>, ReadError> {
        self.at(|exchange, _| exchange.asset(symbol))
    }

    async fn clock(&self) -> Result<SessionClock, ReadError> {
        self.at(|exchange, now| exchange.clock(now))
    }
}

#[async_trait]
impl MarketData for LocalExchange {
    async fn snapshots(&self, symbols: &[Symbol]) -> Result<BTreeMap<Symbol, Snapshot>, ReadError> {
        self.at(|exchange, now| {
            let found = symbols
                .iter()
                .filter_map(|symbol| Some((symbol.clone(), exchange.snapshot(now, symbol)?)));
            found.collect()
        })
    }
}
