//! The scripted broker behind Alpaca's interface on 127.0.0.1, and the adapter in front of it.

use std::{
    collections::BTreeMap,
    sync::{Arc, mpsc},
    thread,
};

use alchemiser_alpaca::{
    Access, Alpaca,
    endpoint::{Endpoints, Reach},
    keyring::Keyring,
    keys::Keys,
};
use alchemiser_core::{
    child::{OrderKind, OrderTerms},
    controls::Approved,
    fact::RefusalKind,
    ids::{BrokerOrderId, ClientOrderId, Symbol},
    policy::Policy,
    quote::{Snapshot, Touch},
    reading::{AccountReading, Asset, Position, SessionClock, TradeMode},
    report::OrderReport,
    side::Side,
};
use alchemiser_driver::{
    audit::Truth,
    ports::{AssetsRead, Broker, Clock, MarketData, ReadError, SubmitError},
};
use alchemiser_local::clock::VirtualClock;
use alchemiser_tests::world::Venue;
use async_trait::async_trait;
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{Method, Response},
};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::{broker::ScriptedBroker, limits::Limits};

/// An answer: status and body.
type Said = (u16, Value);

/// The scripted broker as a server that speaks Alpaca's language, with its limit of calls.
#[derive(Clone, Debug)]
struct Spoken {
    broker: Arc<ScriptedBroker>,
    clock: Arc<VirtualClock>,
    limits: Arc<Limits>,
}

fn refusal(kind: RefusalKind) -> Said {
    let said =
        |status: u16, code: u32, message: &str| (status, json!({"code": code, "message": message}));
    match kind {
        RefusalKind::InsufficientQuantity { .. } => said(
            403,
            40_310_000,
            "insufficient qty available for order (requested: 1, available: 0)",
        ),
        RefusalKind::InsufficientFunds => said(403, 40_310_000, "insufficient buying power"),
        RefusalKind::NotFractionable => said(403, 40_310_000, "asset \"X\" is not fractionable"),
        RefusalKind::WashTrade => said(403, 40_310_000, "potential wash trade detected"),
        RefusalKind::SubPenny => said(422, 42_210_000, "sub-penny increment"),
        RefusalKind::Other => said(422, 42_210_000, "not this"),
    }
}

/// A failure whose text begins with its status.
fn failed(ReadError(why): ReadError) -> Said {
    let status = why.get(..3).and_then(|digits| digits.parse().ok()).unwrap_or(500);
    (status, json!({"code": 42_210_000, "message": why.get(4..).unwrap_or_default()}))
}

fn order(report: &OrderReport) -> Value {
    json!({
        "id": report.broker_order_id.as_str(),
        "client_order_id": report.client_order_id,
        "symbol": report.symbol.as_str(),
        "side": report.side.word(),
        "status": report.status.word(),
        "qty": report.quantity.to_string(),
        "filled_qty": report.cumulative.to_string(),
        "filled_avg_price": report.average_price.map(|price| price.to_string()),
        "limit_price": report.limit.map(|price| price.to_string()),
        "submitted_at": report.submitted_at.to_string(),
        "filled_at": report.filled_at.map(|at| at.to_string()),
        "type": "limit",
        "time_in_force": "day",
        "order_class": "",
    })
}

fn asset(asset: &Asset) -> Value {
    json!({
        "symbol": asset.symbol.as_str(),
        "status": "active",
        "tradable": asset.tradable,
        "fractionable": asset.fractionable,
        "attributes": [],
    })
}

fn account(reading: &AccountReading) -> Value {
    json!({
        "account_number": reading.account.as_str(),
        "status": "ACTIVE",
        "trading_blocked": false,
        "account_blocked": false,
        "trade_suspended_by_user": false,
        "shorting_enabled": reading.shorting_enabled,
        "cash": reading.cash.to_string(),
        "buying_power": reading.buying_power.to_string(),
        "non_marginable_buying_power": reading.non_marginable_buying_power.to_string(),
        "equity": reading.equity.to_string(),
    })
}

/// A decimal as a JSON number of its own digits.
fn number(decimal: Decimal) -> Value {
    serde_json::from_str(&decimal.to_string()).unwrap()
}

fn snapshot(snapshot: &Snapshot, at: Timestamp) -> Value {
    let mut said = Map::new();
    if let Some(quote) = &snapshot.quote {
        let side = |touch: Option<Touch>| {
            touch.map_or((0.into(), 0.into()), |touch| {
                (number(touch.price.dollars()), number(touch.size.shares()))
            })
        };
        let ((bp, bs), (ap, shown)) = (side(quote.bid), side(quote.ask));
        let t = quote.changed_at.to_string();
        said.insert(
            "latestQuote".to_owned(),
            json!({"t": t, "bp": bp, "bs": bs, "ap": ap, "as": shown}),
        );
    }
    if let Some(close) = snapshot.previous_close {
        let day = at.checked_sub(SignedDuration::from_hours(24)).unwrap();
        let bar = json!({"t": day.to_string(), "c": number(close.dollars())});
        said.insert("prevDailyBar".to_owned(), bar);
    }
    said.into()
}

impl Spoken {
    async fn answer(&self, request: Request) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path().trim_start_matches("/v2/").to_owned();
        let query = parts.uri.query().unwrap_or_default().replace("%2C", ",").replace("%3A", ":");
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let query: BTreeMap<String, String> =
            pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let bytes = to_bytes(body, 1 << 20).await.unwrap();
        let (status, said) = match (&parts.method, path.split('/').collect::<Vec<_>>().as_slice()) {
            (_, ["stocks", "snapshots"]) => self.snapshots(&query["symbols"]).await,
            (method, path) => self.trading(method, path, &query, &bytes).await,
        };
        let mut response = Response::builder().status(status).header("X-Request-ID", "scripted");
        if !path.starts_with("stocks") {
            let names = ["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"];
            for (name, number) in names.into_iter().zip(self.limits.said(self.clock.now())) {
                response = response.header(name, number.to_string());
            }
        }
        let text = if said.is_null() { String::new() } else { said.to_string() };
        response.body(Body::from(text)).unwrap()
    }

    async fn trading(
        &self,
        method: &Method,
        path: &[&str],
        query: &BTreeMap<String, String>,
        body: &[u8],
    ) -> Said {
        if !self.limits.take(self.clock.now()) {
            return (429, json!({"code": 42_910_000, "message": "rate limit exceeded"}));
        }
        match (method.as_str(), path) {
            ("POST", ["orders"]) => self.post(&serde_json::from_slice(body).unwrap()),
            ("GET", ["orders"]) => self.list(query).await,
            ("DELETE", ["orders", id]) => {
                let id = BrokerOrderId::new(id).unwrap();
                self.broker.cancel(&id).await.map_or_else(failed, |()| (204, Value::Null))
            }
            ("GET", ["orders:by_client_order_id"]) => {
                let id = ClientOrderId::recognise(&query["client_order_id"]).unwrap();
                let none = || (404, json!({"code": 40_410_000, "message": "order not found"}));
                match self.broker.order(&id).await {
                    Ok(found) => found.map_or_else(none, |report| (200, order(&report))),
                    Err(error) => failed(error),
                }
            }
            ("GET", ["account"]) => {
                self.broker.account().await.map_or_else(failed, |reading| (200, account(&reading)))
            }
            ("GET", ["positions"]) => {
                let position = |position: &Position| {
                    json!({
                        "symbol": position.symbol.as_str(),
                        "qty": position.quantity.to_string(),
                        "qty_available": position.available.to_string(),
                        "side": "long",
                    })
                };
                let list = |found: Vec<Position>| {
                    (200, Value::Array(found.iter().map(position).collect()))
                };
                self.broker.positions().await.map_or_else(failed, list)
            }
            ("GET", ["assets"]) => {
                (200, self.broker.assets_known().iter().map(asset).collect::<Vec<_>>().into())
            }
            ("GET", ["assets", name]) => {
                let none = || (404, json!({"code": 40_410_000, "message": "asset not found"}));
                let found = self.broker.asset_of(&Symbol::new(name).unwrap());
                found.map_or_else(none, |found| (200, asset(&found)))
            }
            ("GET", ["clock"]) => {
                let SessionClock { at, is_open, closes_at, .. } =
                    self.broker.clock().await.unwrap();
                (
                    200,
                    json!({"timestamp": at.to_string(), "is_open": is_open, "next_open": closes_at.to_string(), "next_close": closes_at.to_string()}),
                )
            }
            (method, path) => panic!("nobody is expected to ask for {method} {path:?}"),
        }
    }

    fn post(&self, body: &Value) -> Said {
        let text = |name: &str| body[name].as_str().unwrap();
        let decimal = |name: &str| text(name).parse::<Decimal>().unwrap();
        let side = if text("side") == "buy" { Side::Buy } else { Side::Sell };
        assert_eq!(body["position_intent"] == "sell_to_close", side == Side::Sell);
        let terms = OrderTerms {
            symbol: Symbol::new(text("symbol")).unwrap(),
            side,
            quantity: alchemiser_core::quantity::Quantity::new(decimal("qty")).unwrap(),
            limit: alchemiser_core::price::Price::new(decimal("limit_price")).unwrap(),
            kind: OrderKind::Limit,
        };
        match self.broker.post(text("client_order_id"), &terms) {
            Ok(report) => (200, order(&report)),
            Err(SubmitError::Refused(refused)) => refusal(refused.kind),
            Err(SubmitError::Duplicate) => {
                (422, json!({"code": 40_010_001, "message": "client_order_id must be unique"}))
            }
            Err(SubmitError::Unclear(why) | SubmitError::NotSent(why)) => failed(ReadError(why)),
        }
    }

    async fn list(&self, query: &BTreeMap<String, String>) -> Said {
        let after = query.get("after").map_or(Timestamp::MIN, |at| at.parse().unwrap());
        let found = match self.broker.orders(after).await {
            Ok(found) => found,
            Err(error) => return failed(error),
        };
        let last = query.get("after_order_id");
        let before = last.and_then(|last| {
            found.iter().position(|report| report.broker_order_id.as_str() == last)
        });
        let page = found.iter().skip(before.map_or(0, |last| last + 1)).take(500);
        (200, page.map(order).collect::<Vec<_>>().into())
    }

    async fn snapshots(&self, symbols: &str) -> Said {
        let symbols: Vec<Symbol> =
            symbols.split(',').map(|name| Symbol::new(name).unwrap()).collect();
        let found = self.broker.snapshots(&symbols).await.unwrap();
        let now = self.clock.now();
        let each = found.iter().map(|(symbol, seen)| (symbol.to_string(), snapshot(seen, now)));
        (200, Value::Object(each.collect()))
    }
}

/// The adapter in front of the scripted broker's server.
#[derive(Debug)]
pub(crate) struct HttpVenue {
    alpaca: Alpaca,
    broker: Arc<ScriptedBroker>,
}

impl HttpVenue {
    /// Serves the broker for as long as the process lives: a test's broker is asked by its test only.
    pub(crate) fn of(
        broker: Arc<ScriptedBroker>,
        clock: Arc<VirtualClock>,
        policy: &Policy,
    ) -> Self {
        let limits = Arc::new(Limits::default());
        let spoken = Spoken { broker: broker.clone(), clock: clock.clone(), limits };
        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                let answer = async |State(spoken): State<Spoken>, request: Request| {
                    spoken.answer(request).await
                };
                let router = Router::new().fallback(answer).with_state(spoken);
                axum::serve(listener, router).await.unwrap();
            });
        });
        let url = format!("http://{}", told.recv().unwrap());
        let mode = TradeMode::Simulated;
        let endpoints = Endpoints::new(mode, Some(&url), None, Reach::Loopback).unwrap();
        let access =
            Access { endpoints, keys: Keyring::of(Keys::new("PKTEST", "secret").unwrap()), mode };
        Self { alpaca: Alpaca::new(access, policy, clock).unwrap(), broker }
    }
}

impl Venue for HttpVenue {
    fn truth(&self) -> Truth {
        self.broker.truth()
    }
}

#[async_trait]
impl Broker for HttpVenue {
    async fn submit(&self, order: &Approved) -> Result<OrderReport, SubmitError> {
        self.alpaca.submit(order).await
    }

    async fn cancel(&self, order: &BrokerOrderId) -> Result<(), ReadError> {
        self.alpaca.cancel(order).await
    }

    async fn order(&self, id: &ClientOrderId) -> Result<Option<OrderReport>, ReadError> {
        self.alpaca.order(id).await
    }

    async fn orders(&self, since: Timestamp) -> Result<Vec<OrderReport>, ReadError> {
        self.alpaca.orders(since).await
    }

    async fn open_orders(&self) -> Result<Vec<OrderReport>, ReadError> {
        self.alpaca.open_orders().await
    }

    async fn account(&self) -> Result<AccountReading, ReadError> {
        self.alpaca.account().await
    }

    async fn positions(&self) -> Result<Vec<Position>, ReadError> {
        self.alpaca.positions().await
    }

    async fn asset(&self, symbol: &Symbol) -> Result<Option<Asset>, ReadError> {
        self.alpaca.asset(symbol).await
    }

    async fn assets(&self, symbols: &[Symbol]) -> AssetsRead {
        self.alpaca.assets(symbols).await
    }

    async fn clock(&self) -> Result<SessionClock, ReadError> {
        self.alpaca.clock().await
    }

    fn allowance(&self) -> Option<u32> {
        self.alpaca.allowance()
    }
}

#[async_trait]
impl MarketData for HttpVenue {
    async fn snapshots(&self, symbols: &[Symbol]) -> Result<BTreeMap<Symbol, Snapshot>, ReadError> {
        self.alpaca.snapshots(symbols).await
    }
}
