//! The stream of quotes against the exchange, and against servers that misbehave; at a quicker pace than the product's.

use std::{
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use alchemiser_alpaca::{
    Access, Alpaca, Pace,
    endpoint::{Endpoints, Reach},
    keyring::Keyring,
    keys::Keys,
};
use alchemiser_core::{
    ids::Symbol,
    observed::{Input, Observed},
    policy::Policy,
    quote::RawQuote,
    reading::TradeMode,
    throttle::Tokens,
};
use alchemiser_driver::ports::{Clock, MarketData};
use alchemiser_exchange::{
    account::{DataPlan, Opening},
    call::Call,
    clock::Clock as ExchangeClock,
    exchange::{Exchange, Manner},
    server::{self, Shared},
    setup::{Setup, Source, Wanted},
    stream::Frames,
};
use alchemiser_local::clock::VirtualClock;
use futures::{SinkExt, StreamExt};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    time::{Instant, timeout},
};
use tokio_tungstenite::{
    WebSocketStream, accept_async,
    tungstenite::{
        Bytes, Message,
        protocol::frame::{
            Frame,
            coding::{Data, OpCode},
        },
    },
};

const START: &str = "2026-11-20T15:00:00Z";

/// A hundredth of the product's pauses; whether a connection is there is judged slowly, as the machine may be busy.
const PACE: Pace = Pace {
    pause_first: Duration::from_millis(10),
    pause_max: Duration::from_millis(300),
    good_after: Duration::from_mins(1),
    sign_in: Duration::from_mins(1),
    ping: Duration::from_millis(50),
    silence: Duration::from_mins(1),
};

fn start() -> Timestamp {
    START.parse().unwrap()
}

fn a() -> Symbol {
    Symbol::new("A").unwrap()
}

/// An account that is reached at an address.
fn alpaca(url: &str, key: &str) -> Alpaca {
    let mode = TradeMode::Simulated;
    let endpoints = Endpoints::new(mode, Some(url), None, Reach::Loopback).unwrap();
    let access = Access { endpoints, keys: Keyring::of(Keys::new(key, "secret").unwrap()), mode };
    let clock: Arc<dyn Clock> = Arc::new(VirtualClock::starting_at(start()));
    Alpaca::new(access, &Policy::default(), clock).unwrap()
}

/// An exchange whose market stands still until it is told.
struct Floor {
    exchange: Shared,
    url: String,
}

impl Floor {
    async fn open() -> Self {
        let mut setup = Setup { listed: Vec::new(), ..Setup::usual(1, start()) };
        setup.source = Source::Script;
        setup.list(Wanted::named("A").listed(1).unwrap());
        for (key, data) in [("PKTEST", DataPlan::Sip), ("PKIEX", DataPlan::Iex)] {
            let (key, secret) = (key.to_owned(), "secret".to_owned());
            setup.accounts.push(Opening { key, secret, data, ..Opening::default() });
        }
        let manner = Manner::calm(ExchangeClock::Virtual { at: start() });
        let exchange = Shared::new(Exchange::new(&setup, manner).unwrap(), Frames::Binary);
        let listener = server::listen(0).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(server::serve(listener, exchange.clone()));
        Self { exchange, url }
    }

    fn control(&self, path: &str, body: &Value) -> Value {
        let call = Call::new("POST", &format!("/_control/{path}")).with(body);
        let answer = self.exchange.lock().answer(&call);
        assert_eq!(answer.status, 200, "{path} {body}: {answer:?}");
        answer.body
    }

    /// A second later the market shows another ask.
    fn quote(&self, ask: &str) {
        self.control("advance", &json!({ "ms": 1_000 }));
        let quote = json!({ "symbol": "A", "bid": "10.00", "ask": ask, "bid_size": 300 });
        self.control("quote", &quote);
    }

    fn fault(&self, rule: &Value) {
        self.control("faults", &json!({ "fault": [rule] }));
    }

    fn hits(&self, word: &str) -> u64 {
        let answer = self.exchange.lock().answer(&Call::new("GET", "/_control/faults"));
        answer.body["hits"][word].as_u64().unwrap_or(0)
    }
}

fn streamed(alpaca: &Alpaca) -> Option<RawQuote> {
    alpaca.streamed(&[a()]).remove(&a())
}

fn ask(quote: Option<RawQuote>) -> Option<String> {
    Some(quote?.ask?.price.to_string())
}

/// Until something is so; it must be within a minute.
async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let latest = Instant::now() + Duration::from_mins(1);
    while !is_so() {
        assert!(Instant::now() < latest, "it never came to this: {what}");
        // Whoever else has something to do has it done.
        pass(Duration::from_millis(1)).await;
    }
}

async fn pass(time: Duration) {
    timeout(time, pending::<()>()).await.unwrap_err();
}

/// Until the stream shows an ask: the market is moved again until it is heard, as nothing is told to whoever has not
/// subscribed yet.
async fn until_heard(floor: &Floor, alpaca: &Alpaca, price: &str) {
    until(price, || {
        if ask(streamed(alpaca)).as_deref() != Some(price) {
            floor.quote(price);
        }
        ask(streamed(alpaca)).as_deref() == Some(price)
    })
    .await;
}

/// S3, S10: what changes is heard, to the last digit, and a closed stream tells nothing.
#[tokio::test]
async fn quotes_are_heard_until_the_stream_is_closed() {
    let floor = Floor::open().await;
    let alpaca = alpaca(&floor.url, "PKTEST");
    let listening = alpaca.listen(&[a()], PACE).unwrap();
    until_heard(&floor, &alpaca, "10.05").await;
    until_heard(&floor, &alpaca, "10.06").await;
    let quote = streamed(&alpaca).unwrap();
    let requested = alpaca.snapshots(&[a()]).await.unwrap()[&a()].quote.unwrap();
    assert_eq!(
        (quote.bid, quote.ask, quote.changed_at),
        (requested.bid, requested.ask, requested.changed_at)
    );
    assert!(alpaca.listen(&[a()], PACE).is_none() && alpaca.clone().listen(&[a()], PACE).is_none());
    listening.close().await;
    assert_eq!(streamed(&alpaca), None);
    assert!(alpaca.listen(&[a()], PACE).is_some());
}

/// S3: a busy slot is waited for; meanwhile quotes are requested.
#[tokio::test]
async fn a_busy_slot_is_waited_for() {
    let floor = Floor::open().await;
    let (one, two) = (alpaca(&floor.url, "PKTEST"), alpaca(&floor.url, "PKTEST"));
    let first = one.listen(&[a()], PACE).unwrap();
    until_heard(&floor, &one, "10.05").await;
    let _second = two.listen(&[a()], PACE).unwrap();
    for cents in 6..20 {
        floor.quote(&format!("10.{cents:02}"));
        assert_eq!(streamed(&two), None, "the slot is the other one's");
        assert!(two.snapshots(&[a()]).await.unwrap()[&a()].quote.is_some());
    }
    first.close().await;
    until_heard(&floor, &two, "10.21").await;
}

/// S3: a connection that broke takes its quotes along; its ghost is waited for, however long it stays.
#[tokio::test]
async fn a_broken_stream_comes_back_when_its_ghost_has_gone() {
    let floor = Floor::open().await;
    let alpaca = alpaca(&floor.url, "PKTEST");
    let _listening = alpaca.listen(&[a()], PACE).unwrap();
    until_heard(&floor, &alpaca, "10.05").await;
    floor.fault(&json!({ "do": "ghost_slot", "path": "/v2/sip", "ms": 3_600_000 }));
    floor.fault(&json!({ "do": "slot_busy", "path": "/v2/sip", "times": 2 }));
    floor.fault(&json!({ "do": "quote_stream_cut" }));
    floor.quote("10.06");
    until("forgotten", || streamed(&alpaca).is_none()).await;
    until("two handshakes refused", || floor.hits("slot_busy") == 2).await;
    assert_eq!((streamed(&alpaca), floor.hits("ghost_slot")), (None, 1));
    let requested = alpaca.snapshots(&[a()]).await.unwrap()[&a()].quote;
    assert_eq!(ask(requested).as_deref(), Some("10.06"));
    floor.control("advance", &json!({ "ms": 3_600_000 }));
    until_heard(&floor, &alpaca, "10.07").await;
}

/// S3: what the stream has missed shows in the request, and the request counts.
#[tokio::test]
async fn a_gap_in_the_stream_shows_in_the_request() {
    let floor = Floor::open().await;
    let alpaca = alpaca(&floor.url, "PKTEST");
    let _listening = alpaca.listen(&[a()], PACE).unwrap();
    until_heard(&floor, &alpaca, "10.05").await;
    floor.fault(&json!({ "do": "quote_stream_gap" }));
    floor.quote("10.06");
    until("missed", || floor.hits("quote_stream_gap") > 0).await;
    let snapshots = alpaca.snapshots(&[a()]).await.unwrap();
    let behind = streamed(&alpaca).unwrap();
    assert_eq!(ask(Some(behind)).as_deref(), Some("10.05"));
    let policy = Policy::default();
    let mut observed = Observed::new(Tokens::full(start(), &policy), policy.clone());
    observed.take(&Input::Snapshots(snapshots));
    observed.take(&Input::Streamed(a(), behind));
    let quote = observed.quote(&a(), start(), &policy).unwrap();
    assert_eq!(quote.ask.price.to_string(), "10.06");
    until_heard(&floor, &alpaca, "10.07").await;
}

/// L8: what will not change is not tried again: a key that is not known, a feed that is not paid for.
#[tokio::test]
async fn a_refused_stream_is_given_up() {
    let floor = Floor::open().await;
    for key in ["PKNOBODY", "PKIEX"] {
        let alpaca = alpaca(&floor.url, key);
        let _listening = alpaca.listen(&[a()], PACE).unwrap();
        // Whoever has given up may be asked to listen again.
        let mut again = None;
        until("given up", || {
            again = alpaca.listen(&[a()], PACE);
            again.is_some()
        })
        .await;
        assert_eq!(streamed(&alpaca), None);
    }
}

/// The broker's stream by hand: what it says to whoever connects, and when they did.
struct Spoken {
    url: String,
    connected: Arc<Mutex<Vec<Instant>>>,
}

type Server = WebSocketStream<TcpStream>;

async fn say(socket: &mut Server, message: &Value) {
    socket.send(Message::text(message.to_string())).await.unwrap();
}

/// Lets somebody in, up to the answer to the subscription.
async fn let_in(stream: TcpStream) -> Server {
    let mut socket = accept_async(stream).await.unwrap();
    say(&mut socket, &json!([{ "T": "success", "msg": "connected" }])).await;
    let heard = async |socket: &mut Server, action: &str| loop {
        match socket.next().await.unwrap().unwrap() {
            Message::Text(text) => {
                let said: Value = serde_json::from_str(&text).unwrap();
                assert_eq!(said["action"], action, "{said}");
                return;
            }
            Message::Ping(_) => {}
            other => panic!("unexpected {other:?}"),
        }
    };
    heard(&mut socket, "auth").await;
    say(&mut socket, &json!([{ "T": "success", "msg": "authenticated" }])).await;
    heard(&mut socket, "subscribe").await;
    say(&mut socket, &json!([{ "T": "subscription", "quotes": ["A"] }])).await;
    socket
}

async fn spoken<F: Future<Output = ()> + Send + 'static>(
    answer: impl Fn(TcpStream, usize) -> F + Send + 'static,
) -> Spoken {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let connected = Arc::new(Mutex::new(Vec::new()));
    let times = connected.clone();
    let count = AtomicUsize::new(0);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            times.lock().unwrap().push(Instant::now());
            tokio::spawn(answer(stream, count.fetch_add(1, Ordering::Relaxed)));
        }
    });
    Spoken { url, connected }
}

fn quote_message(ask: &str) -> String {
    // The digits as they are: a price is no float.
    format!(
        r#"[{{"T":"t","S":"A","p":10,"s":1,"t":"{START}"}},{{"T":"q","S":"A","bp":10.00,"bs":300,"ap":{ask},"as":200,"t":"{START}","hue":1}},{{"T":"?"}}]"#
    )
}

/// S3: a message may come in parts, and hold what is not known.
#[tokio::test]
async fn a_message_in_fragments_is_put_together() {
    let server = spoken(async |stream, _| {
        let mut socket = let_in(stream).await;
        let message = quote_message("10.123456789").into_bytes();
        let (head, tail) = message.split_at(70);
        let parts = [(head, Data::Text, false), (tail, Data::Continue, true)];
        for (part, data, is_last) in parts {
            let frame = Frame::message(Bytes::copy_from_slice(part), OpCode::Data(data), is_last);
            socket.send(Message::Frame(frame)).await.unwrap();
        }
        while socket.next().await.is_some_and(|heard| heard.is_ok()) {}
    })
    .await;
    let alpaca = alpaca(&server.url, "PKTEST");
    let listening = alpaca.listen(&[a()], PACE).unwrap();
    until("heard", || streamed(&alpaca).is_some()).await;
    assert_eq!(ask(streamed(&alpaca)).as_deref(), Some("10.123456789"));
    listening.close().await;
    assert_eq!(server.connected.lock().unwrap().len(), 1);
}

/// S3: a connection that says nothing any more counts as gone.
#[tokio::test]
async fn a_silent_stream_is_given_up() {
    let server = spoken(async |stream, number| {
        let mut socket = let_in(stream).await;
        say(&mut socket, &serde_json::from_str(&quote_message("10.05")).unwrap()).await;
        if number == 0 {
            // It neither reads nor answers.
            pending::<()>().await;
        } else {
            while socket.next().await.is_some_and(|heard| heard.is_ok()) {}
        }
    })
    .await;
    let alpaca = alpaca(&server.url, "PKTEST");
    let pace = Pace { silence: Duration::from_millis(500), ..PACE };
    let _listening = alpaca.listen(&[a()], pace).unwrap();
    until("heard", || streamed(&alpaca).is_some()).await;
    until("given up", || streamed(&alpaca).is_none()).await;
    until("heard again", || streamed(&alpaca).is_some()).await;
    let connected = server.connected.lock().unwrap();
    assert!(connected[1].duration_since(connected[0]) >= pace.silence, "{connected:?}");
}

/// L8: whoever is not let in comes again, and waits longer each time, up to the longest pause.
#[tokio::test]
async fn the_pauses_between_tries_grow() {
    let server = spoken(async |stream, _| drop(stream)).await;
    let alpaca = alpaca(&server.url, "PKTEST");
    let listening = alpaca.listen(&[a()], PACE).unwrap();
    until("nine tries", || server.connected.lock().unwrap().len() >= 9).await;
    listening.close().await;
    let connected = server.connected.lock().unwrap().clone();
    let pauses = connected.windows(2).map(|two| two[1] - two[0]);
    let least = [10, 20, 40, 80, 160, 300, 300, 300].map(Duration::from_millis);
    for (k, (pause, least)) in pauses.zip(least).enumerate() {
        assert!(pause >= least, "{k}: {pause:?}");
    }
}
