//! An exchange in virtual time whose market stands still until a test moves it.

use std::path::Path;

use alchemiser_exchange::{
    account::Opening,
    call::{Answer, Call},
    clock::Clock,
    exact::Exact,
    exchange::{Exchange, Manner},
    fault::Script,
    hours::Hours,
    setup::{Latency, Setup, Source, Wanted},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// A Friday morning in New York, thirty minutes after the open.
pub(crate) const START: &str = "2026-11-20T15:00:00Z";

pub(crate) const KEY: (&str, &str) = ("PKTEST", "secret");

pub(crate) fn start() -> Timestamp {
    START.parse().unwrap()
}

/// One account with 10,000 dollars and 50 shares of HELD; every quote is 100.00 by 100.02, five round lots each.
pub(crate) fn setup() -> Setup {
    let mut setup = Setup::usual(7, start());
    (setup.hours, setup.source) = (Hours::Nyse, Source::Script);
    setup.latency = Latency { arrival: (50, 50), cancel: (50, 50), replace: (50, 50) };
    let (key, secret) = KEY;
    let positions = [("HELD".to_owned(), Exact(50.into()))];
    setup.accounts.push(Opening {
        key: key.to_owned(),
        secret: secret.to_owned(),
        cash: Exact(10_000.into()),
        positions: positions.into(),
        ..Opening::default()
    });
    for symbol in ["AAPL", "MSFT", "HELD"] {
        let price = Some(Exact(100.into()));
        setup.list(Wanted { price, ..Wanted::named(symbol) }.listed(7).unwrap());
    }
    setup
}

/// The desk of an exchange.
pub(crate) struct Desk {
    pub(crate) exchange: Exchange,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self::of(&setup(), None)
    }

    pub(crate) fn of(setup: &Setup, limit: Option<u32>) -> Self {
        let clock = Clock::Virtual { at: setup.started_at };
        let manner = Manner { limit, ..Manner::calm(clock) };
        Self { exchange: Exchange::new(setup, manner).unwrap() }.quoted()
    }

    /// One that keeps its state in a directory.
    pub(crate) fn kept(dir: &Path) -> Self {
        let manner = Manner::calm(Clock::Virtual { at: start() });
        Self { exchange: Exchange::open(dir, &setup(), manner).unwrap() }
    }

    pub(crate) fn quoted(mut self) -> Self {
        for symbol in ["AAPL", "MSFT", "HELD"] {
            self.quote(symbol, "100.00", "100.02");
        }
        self
    }

    pub(crate) fn answer(&mut self, call: &Call) -> Answer {
        let call = call.clone();
        let call = if call.credentials.is_none() { call.signed(KEY.0, KEY.1) } else { call };
        self.exchange.answer(&call)
    }

    /// Status and body.
    pub(crate) fn get(&mut self, path: &str) -> (u16, Value) {
        let answer = self.answer(&Call::new("GET", path));
        (answer.status, answer.body)
    }

    pub(crate) fn send(&mut self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let answer = self.answer(&Call::new(method, path).with(body));
        (answer.status, answer.body)
    }

    pub(crate) fn control(&mut self, what: &str, body: &Value) -> Value {
        let (status, answer) = self.send("POST", &format!("/_control/{what}"), body);
        assert_eq!(status, 200, "{what} {body}: {answer}");
        answer
    }

    pub(crate) fn quote(&mut self, symbol: &str, bid: &str, ask: &str) {
        let quote =
            json!({"symbol": symbol, "bid": bid, "bid_size": 500, "ask": ask, "ask_size": 500});
        self.control("quote", &quote);
    }

    pub(crate) fn advance(&mut self, ms: i64) {
        self.exchange.advance(SignedDuration::from_millis(ms));
    }

    /// The rules of a script, as TOML.
    pub(crate) fn faults(&mut self, script: &str) {
        let script: Script = toml::from_str(script).unwrap();
        self.control("faults", &serde_json::to_value(script).unwrap());
    }

    /// Submits an order given as `side size symbol type [price] [tif]`; `$5` is a notional.
    pub(crate) fn order(&mut self, id: &str, words: &str) -> (u16, Value) {
        self.send("POST", "/v2/orders", &order(id, words))
    }

    /// The order's id; it must be taken.
    pub(crate) fn taken(&mut self, id: &str, words: &str) -> String {
        let (status, body) = self.order(id, words);
        assert_eq!(status, 200, "{words}: {body}");
        body["id"].as_str().unwrap().to_owned()
    }

    /// Where an order stands: `status filled@average`.
    pub(crate) fn stands(&mut self, client_order_id: &str) -> String {
        let path = format!("/v2/orders:by_client_order_id?client_order_id={client_order_id}");
        let (status, order) = self.get(&path);
        assert_eq!(status, 200, "{order}");
        let text = |name: &str| order[name].as_str().unwrap_or("-").to_owned();
        format!("{} {}@{}", text("status"), text("filled_qty"), text("filled_avg_price"))
    }

    pub(crate) fn cash(&mut self) -> String {
        self.get("/v2/account").1["cash"].as_str().unwrap().to_owned()
    }
}

/// The body of an order given in words.
pub(crate) fn order(id: &str, words: &str) -> Value {
    let words: Vec<&str> = words.split_whitespace().collect();
    let (side, amount, symbol, kind) = (words[0], words[1], words[2], words[3]);
    let mut body = json!({"symbol": symbol, "side": side, "type": kind, "time_in_force": "day"});
    match amount.strip_prefix('$') {
        Some(dollars) => body["notional"] = dollars.into(),
        None => body["qty"] = amount.into(),
    }
    for word in &words[4..] {
        let is_price = word.starts_with(|c: char| c.is_ascii_digit());
        let name = if !is_price {
            "time_in_force"
        } else if kind == "stop" {
            "stop_price"
        } else {
            "limit_price"
        };
        body[name] = (*word).into();
    }
    if !id.is_empty() {
        body["client_order_id"] = id.into();
    }
    body
}
