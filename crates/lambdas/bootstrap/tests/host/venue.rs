//! `alchemiser exchange` in this process, over HTTP, with a door in front of it: a test may let a request wait there, before
//! it is carried out or after, and decide what becomes of it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use alchemiser_core::{ids::Symbol, quantity::Quantity, side::Side};
use alchemiser_driver::audit::Truth;
use alchemiser_exchange::{
    account::Opening,
    call::Call,
    clock::Clock,
    exact::Exact,
    exchange::{Exchange, Manner},
    fault::Script,
    order::Order,
    server::{self, Shared},
    setup::{Setup, Wanted},
    stream::Frames,
};
use alchemiser_tests::books;
use axum::{
    extract::{Request, State},
    middleware::{self, Next},
    response::Response,
};
use jiff::Timestamp;
use rust_decimal::Decimal;
use tokio::{sync::oneshot, task::JoinHandle};

/// Dollars in cash, and dollars in each symbol, that an account begins with.
const CASH: i64 = 12_500;
const HELD: [(&str, i64); 9] = [
    ("TQQQ", 3_000),
    ("XLK", 4_000),
    ("TLT", 500),
    ("SPY", 2_000),
    ("SOXL", 800),
    ("GLD", 300),
    ("QQQ", 2_000),
    ("IWM", 1_000),
    ("AGG", 1_000),
];

/// Symbols that nobody holds at the beginning.
const OTHERS: [&str; 3] = ["BND", "VTI", "IEF"];

const SECRET: &str = "secret";

/// When a request waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Before it is carried out.
    Before,
    /// After it was carried out, and before its sender is told.
    After,
}

/// A request that waits.
pub(crate) struct Held(oneshot::Sender<bool>);

impl Held {
    /// It goes on.
    pub(crate) fn pass(self) {
        // Its sender may be gone.
        self.0.send(true).unwrap_or_default();
    }

    /// Its connection breaks.
    pub(crate) fn lose(self) {
        self.0.send(false).unwrap_or_default();
    }
}

/// Where a request is to wait: the how-many-th one that begins so.
struct Point {
    begins: &'static str,
    /// Of this account only.
    key: Option<String>,
    moment: Moment,
    left: u64,
    tell: oneshot::Sender<Held>,
}

#[derive(Default)]
struct Door {
    points: Mutex<Vec<Point>>,
    seen: Mutex<Vec<String>>,
    is_shut: AtomicBool,
    turned_away: AtomicU64,
}

impl Door {
    /// Whoever waits for this request at this moment.
    fn strike(&self, asked: &Asked, moment: Moment) -> Option<oneshot::Sender<Held>> {
        let mut points = self.points.lock().unwrap_or_else(PoisonError::into_inner);
        let mut due = None;
        for (index, point) in points.iter_mut().enumerate() {
            let is_own = point.key.as_ref().is_none_or(|key| *key == asked.key);
            if point.moment == moment && is_own && asked.request.starts_with(point.begins) {
                point.left = point.left.saturating_sub(1);
                due = due.or((point.left == 0).then_some(index));
            }
        }
        due.map(|index| points.remove(index).tell)
    }

    /// Waits until a test has decided; whether the request goes on.
    async fn passes(&self, asked: &Asked, moment: Moment) -> bool {
        let Some(tell) = self.strike(asked, moment) else { return true };
        let (decide, decided) = oneshot::channel();
        // A test that is over decides nothing.
        tell.send(Held(decide)).is_err() || decided.await.unwrap_or(true)
    }
}

/// A request: `METHOD /path?query`, and whose it is.
struct Asked {
    request: String,
    key: String,
}

async fn at_the_door(State(door): State<Arc<Door>>, request: Request, next: Next) -> Response {
    let key = request.headers().get("APCA-API-KEY-ID").and_then(|key| key.to_str().ok());
    let key = key.unwrap_or_default().to_owned();
    let asked = Asked { request: format!("{} {}", request.method(), request.uri()), key };
    door.seen.lock().unwrap_or_else(PoisonError::into_inner).push(asked.request.clone());
    if door.is_shut.load(Ordering::SeqCst) {
        door.turned_away.fetch_add(1, Ordering::SeqCst);
        return server::lost();
    }
    if !door.passes(&asked, Moment::Before).await {
        return server::lost();
    }
    let response = next.run(request).await;
    if door.passes(&asked, Moment::After).await { response } else { server::lost() }
}

/// The exchange, and its door. It ends with the runtime that it was opened in.
pub(crate) struct Venue {
    shared: Shared,
    door: Arc<Door>,
    pub(crate) url: String,
    _server: JoinHandle<std::convert::Infallible>,
}

/// The number of an account at the exchange, from 0.
pub(crate) fn number(account: usize) -> String {
    format!("PA00000000{account}")
}

fn key(account: usize) -> String {
    format!("PKTEST{account}")
}

/// The keys of an account, as the secret has them.
pub(crate) fn keys(account: usize) -> String {
    let key = key(account);
    format!(r#"{{"APCA_API_KEY_ID":"{key}","APCA_API_SECRET_KEY":"{SECRET}"}}"#)
}

impl Venue {
    /// An exchange with so many accounts, whose market is generated from a seed and goes with the machine's clock.
    pub(crate) async fn open(seed: u64, accounts: usize) -> Self {
        Self::limited(seed, accounts, None).await
    }

    /// The same, which says how many requests a minute it takes.
    pub(crate) async fn limited(seed: u64, accounts: usize, limit: Option<u32>) -> Self {
        let mut setup = Setup { listed: Vec::new(), ..Setup::usual(seed, Timestamp::now()) };
        let mut positions = BTreeMap::new();
        for (symbol, dollars) in HELD.into_iter().chain(OTHERS.map(|symbol| (symbol, 0))) {
            let listed = Wanted::named(symbol).listed(seed).unwrap();
            let shares = Decimal::from(dollars) / listed.listing.price.dollars();
            if dollars > 0 {
                positions.insert(symbol.to_owned(), Exact(shares.round_dp(6)));
            }
            setup.list(listed);
        }
        setup.accounts = (0..accounts).map(|account| opening(account, &positions)).collect();
        let exchange =
            Exchange::new(&setup, Manner { limit, ..Manner::calm(Clock::REAL) }).unwrap();
        let shared = Shared::new(exchange, Frames::Binary);
        let door = Arc::new(Door::default());
        let layer = middleware::from_fn_with_state(door.clone(), at_the_door);
        let router = server::router(shared.clone()).layer(layer);
        let listener = server::listen(0).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(server::serve_by(listener, shared.clone(), router));
        Self { shared, door, url, _server: server }
    }

    /// The n-th request from now on that begins so, as `METHOD /path`, waits at the door, and this ends.
    pub(crate) fn hold(
        &self,
        begins: &'static str,
        nth: u64,
        moment: Moment,
    ) -> oneshot::Receiver<Held> {
        let (tell, told) = oneshot::channel();
        self.wait_for(Point { begins, key: None, moment, left: nth, tell });
        told
    }

    /// The next order of an account waits at the door.
    pub(crate) fn hold_order_of(&self, account: usize) -> oneshot::Receiver<Held> {
        let (tell, told) = oneshot::channel();
        let (begins, key) = ("POST /v2/orders", Some(key(account)));
        self.wait_for(Point { begins, key, moment: Moment::Before, left: 1, tell });
        told
    }

    fn wait_for(&self, point: Point) {
        self.door.points.lock().unwrap_or_else(PoisonError::into_inner).push(point);
    }

    /// The door is shut: every connection breaks at once, until it is opened again.
    pub(crate) fn shut(&self, is_shut: bool) {
        self.door.is_shut.store(is_shut, Ordering::SeqCst);
    }

    /// How many requests found the door shut.
    pub(crate) fn turned_away(&self) -> u64 {
        self.door.turned_away.load(Ordering::SeqCst)
    }

    /// How many requests there were that begin so.
    pub(crate) fn seen(&self, begins: &str) -> usize {
        let seen = self.door.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.iter().filter(|request| request.starts_with(begins)).count()
    }

    /// Faults from now on.
    pub(crate) fn faults(&self, script: &Script) {
        let call = Call::new("POST", "/_control/faults");
        let body = serde_json::to_string(script).unwrap();
        let answer = self.shared.lock().answer(&Call { body: body.into_bytes(), ..call });
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    /// No faults from now on.
    pub(crate) fn calm(&self) {
        self.shared.lock().answer(&Call::new("DELETE", "/_control/faults"));
    }

    /// How often each class of faults has struck.
    pub(crate) fn hits(&self) -> BTreeMap<String, u64> {
        let answer = self.shared.lock().answer(&Call::new("GET", "/_control/faults"));
        let hits = answer.body["hits"].as_object().unwrap().iter();
        hits.map(|(word, count)| (word.clone(), count.as_u64().unwrap())).collect()
    }

    /// Every order of an account, as the exchange has it.
    pub(crate) fn orders(&self, account: usize) -> Vec<Order> {
        books::orders(self.shared.lock().venue(), account)
    }

    /// Shares that changed hands, by symbol and side.
    pub(crate) fn traded(&self, account: usize) -> BTreeMap<(Symbol, Side), Quantity> {
        books::traded(self.shared.lock().venue(), account)
    }

    /// The exchange's books of an account.
    pub(crate) fn truth(&self, account: usize) -> Truth {
        books::truth(self.shared.lock().venue(), account)
    }
}

fn opening(account: usize, positions: &BTreeMap<String, Exact>) -> Opening {
    Opening {
        key: key(account),
        secret: SECRET.to_owned(),
        number: Some(number(account)),
        cash: Exact(CASH.into()),
        positions: positions.clone(),
        ..Opening::default()
    }
}
