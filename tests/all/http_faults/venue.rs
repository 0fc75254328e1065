//! The exchange behind HTTP on 127.0.0.1 in the time of a world, and the adapter in front of it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
};

use alchemiser_alpaca::{
    Access, Alpaca,
    endpoint::{Endpoints, Reach},
    keyring::Keyring,
    keys::Keys,
};
use alchemiser_core::{
    controls::Approved,
    ids::{BrokerOrderId, ClientOrderId, Symbol},
    policy::Policy,
    quantity::Quantity,
    quote::Snapshot,
    reading::{AccountReading, Asset, Position, SessionClock, TradeMode},
    report::OrderReport,
    side::Side,
};
use alchemiser_driver::{
    audit::Truth,
    ports::{AssetsRead, Broker, Clock, MarketData, ReadError, SubmitError},
};
use alchemiser_exchange::{
    call::Call,
    clock::Clock as ExchangeClock,
    exchange::{Exchange, Manner},
    fault::Script,
    order::Order,
    server::{self, Shared},
    setup::Setup,
    stream::Frames,
};
use alchemiser_local::clock::VirtualClock;
use alchemiser_tests::{books, world::Venue};
use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::{Mutex as Turns, oneshot};

/// A world's time, which takes the exchange along. When the faults are to end, they end.
#[derive(Debug)]
struct Together {
    clock: Arc<VirtualClock>,
    exchange: Shared,
    calm_from: Mutex<Option<Timestamp>>,
}

impl Together {
    /// What the exchange went through alone: an answer that took its time.
    fn catch_up(&self) -> Timestamp {
        self.exchange.lock().venue().now().max(self.clock.now())
    }

    fn calm(&self) {
        self.exchange.lock().answer(&Call::new("DELETE", "/_control/faults"));
    }
}

#[async_trait]
impl Clock for Together {
    fn now(&self) -> Timestamp {
        let now = self.clock.now();
        let mut exchange = self.exchange.lock();
        let behind = now.duration_since(exchange.venue().now());
        if behind.is_positive() {
            exchange.advance(behind);
        }
        drop(exchange);
        let mut calm_from = self.calm_from.lock().unwrap_or_else(PoisonError::into_inner);
        if calm_from.take_if(|from| *from <= now).is_some() {
            self.calm();
        }
        now
    }

    async fn sleep_until(&self, until: Timestamp) {
        self.clock.sleep_until(until).await;
    }
}

/// The adapter, and the exchange that it is connected with. One request at a time is under way, so that a seed is a
/// course of things.
#[derive(Debug)]
pub(crate) struct Served {
    alpaca: Alpaca,
    time: Arc<Together>,
    turns: Turns<()>,
    /// The server ends with it.
    _running: oneshot::Sender<()>,
}

const KEY: &str = "PKTEST";
const SECRET: &str = "secret";

impl Served {
    /// Serves an exchange whose only account is that of the key, with faults until a time.
    pub(crate) fn open(
        setup: &Setup,
        faults: (Script, Timestamp),
        clock: Arc<VirtualClock>,
        policy: &Policy,
    ) -> Self {
        let (faults, calm_from) = faults;
        let at = ExchangeClock::Virtual { at: setup.started_at };
        let manner = Manner { limit: Some(200), faults, ..Manner::calm(at) };
        let exchange = Shared::new(Exchange::new(setup, manner).unwrap(), Frames::Binary);
        let (running, ended) = oneshot::channel();
        let url = serve(exchange.clone(), ended);
        let calm_from = Mutex::new(Some(calm_from));
        let time = Arc::new(Together { clock, exchange, calm_from });
        let mode = TradeMode::Simulated;
        let endpoints = Endpoints::new(mode, Some(&url), None, Reach::Loopback).unwrap();
        let access = Access { endpoints, keys: Keyring::of(Keys::new(KEY, SECRET).unwrap()), mode };
        let alpaca = Alpaca::new(access, policy, time.clone()).unwrap();
        Self { alpaca, time, turns: Turns::default(), _running: running }
    }

    /// From now on nothing goes wrong.
    pub(crate) fn calm(&self) {
        self.time.calm();
    }

    /// The session that is under way ends early.
    pub(crate) fn close_in(&self, seconds: u64) {
        let close = Call::new("POST", "/_control/close");
        let body = serde_json::json!({ "ms": seconds * 1_000 });
        let answer = self.time.exchange.lock().answer(&close.with(&body));
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    /// How often each class of faults has struck.
    pub(crate) fn hits(&self) -> BTreeMap<String, u64> {
        let answer = self.time.exchange.lock().answer(&Call::new("GET", "/_control/faults"));
        let hits = answer.body["hits"].as_object().unwrap().iter();
        hits.map(|(word, count)| (word.clone(), count.as_u64().unwrap())).collect()
    }

    /// Every order of the account as the exchange has it.
    pub(crate) fn orders(&self) -> Vec<Order> {
        books::orders(self.time.exchange.lock().venue(), 0)
    }

    async fn in_turn<T>(&self, ask: impl Future<Output = T> + Send) -> T {
        let turn = self.turns.lock().await;
        let answer = ask.await;
        self.time.clock.sleep_until(self.time.catch_up()).await;
        drop(turn);
        answer
    }
}

/// A server in a thread of its own until the channel's other end is gone; its address.
fn serve(exchange: Shared, ended: oneshot::Receiver<()>) -> String {
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = server::listen(0).await.unwrap();
            tell.send(listener.local_addr().unwrap()).unwrap();
            tokio::select! {
                never = server::serve(listener, exchange) => match never {},
                _ = ended => {}
            }
        });
    });
    format!("http://{}", told.recv().unwrap())
}

/// An account's opening by its key.
pub(crate) fn opening(number: &str) -> alchemiser_exchange::account::Opening {
    alchemiser_exchange::account::Opening {
        key: KEY.to_owned(),
        secret: SECRET.to_owned(),
        number: Some(number.to_owned()),
        ..alchemiser_exchange::account::Opening::default()
    }
}

impl Venue for Served {
    fn truth(&self) -> Truth {
        books::truth(self.time.exchange.lock().venue(), 0)
    }
}

/// Shares that the broker says changed hands, by symbol and side.
pub(crate) fn traded(served: &Served) -> BTreeMap<(Symbol, Side), Quantity> {
    books::traded(served.time.exchange.lock().venue(), 0)
}

#[async_trait]
impl Broker for Served {
    async fn submit(&self, order: &Approved) -> Result<OrderReport, SubmitError> {
        self.in_turn(self.alpaca.submit(order)).await
    }

    async fn cancel(&self, order: &BrokerOrderId) -> Result<(), ReadError> {
        self.in_turn(self.alpaca.cancel(order)).await
    }

    async fn order(&self, id: &ClientOrderId) -> Result<Option<OrderReport>, ReadError> {
        self.in_turn(self.alpaca.order(id)).await
    }

    async fn orders(&self, since: Timestamp) -> Result<Vec<OrderReport>, ReadError> {
        self.in_turn(self.alpaca.orders(since)).await
    }

    async fn open_orders(&self) -> Result<Vec<OrderReport>, ReadError> {
        self.in_turn(self.alpaca.open_orders()).await
    }

    async fn account(&self) -> Result<AccountReading, ReadError> {
        self.in_turn(self.alpaca.account()).await
    }

    async fn positions(&self) -> Result<Vec<Position>, ReadError> {
        self.in_turn(self.alpaca.positions()).await
    }

    async fn asset(&self, symbol: &Symbol) -> Result<Option<Asset>, ReadError> {
        self.in_turn(self.alpaca.asset(symbol)).await
    }

    async fn assets(&self, symbols: &[Symbol]) -> AssetsRead {
        self.in_turn(self.alpaca.assets(symbols)).await
    }

    async fn clock(&self) -> Result<SessionClock, ReadError> {
        self.in_turn(self.alpaca.clock()).await
    }

    fn allowance(&self) -> Option<u32> {
        self.alpaca.allowance()
    }
}

#[async_trait]
impl MarketData for Served {
    async fn snapshots(&self, symbols: &[Symbol]) -> Result<BTreeMap<Symbol, Snapshot>, ReadError> {
        self.in_turn(self.alpaca.snapshots(symbols)).await
    }
}
