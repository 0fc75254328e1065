//! The bytes on the wire: headers, broken connections and the two `WebSocket`s, over the loopback interface.

use alchemiser_exchange::{
    clock::Clock,
    exchange::{Exchange, Manner},
    server::{self, Shared},
    stream::Frames,
};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{
        Bytes, Error, Message,
        client::IntoClientRequest,
        protocol::frame::{
            Frame,
            coding::{Data, OpCode},
        },
    },
};

use crate::desk::{KEY, order, setup};

struct Wire {
    shared: Shared,
    port: u16,
}

/// A server on a free port, in virtual time.
async fn wire(limit: Option<u32>) -> Wire {
    let setup = setup();
    let manner = Manner { limit, ..Manner::calm(Clock::Virtual { at: setup.started_at }) };
    let shared = Shared::new(Exchange::new(&setup, manner).unwrap(), Frames::Binary);
    let listener = server::listen(0).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(server::serve(listener, shared.clone()));
    Wire { shared, port }
}

impl Wire {
    /// Everything that comes back for a request: empty when the connection broke.
    async fn raw(&self, method: &str, path: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        let (key, secret) = KEY;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAPCA-API-KEY-ID: {key}\r\n\
             APCA-API-SECRET-KEY: {secret}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // A reset is as good as an end.
        stream.read_to_end(&mut answer).await.ok();
        String::from_utf8(answer).unwrap()
    }

    async fn socket(
        &self,
        path: &str,
    ) -> Result<WebSocketStream<MaybeTlsStream<TcpStream>>, Error> {
        self.socket_of(path, None).await
    }

    async fn socket_of(
        &self,
        path: &str,
        content: Option<&str>,
    ) -> Result<WebSocketStream<MaybeTlsStream<TcpStream>>, Error> {
        let mut request = format!("ws://127.0.0.1:{}{path}", self.port).into_client_request()?;
        if let Some(content) = content {
            request.headers_mut().insert("Content-Type", content.parse().unwrap());
        }
        Ok(connect_async(request).await?.0)
    }

    fn advance(&self, ms: i64) {
        self.shared.lock().advance(jiff::SignedDuration::from_millis(ms));
    }
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn say(socket: &mut Socket, message: Value) {
    socket.send(Message::text(message.to_string())).await.unwrap();
}

/// The next message, which must be JSON in a frame of this kind.
async fn hear(socket: &mut Socket, is_binary: bool) -> Value {
    loop {
        match socket.next().await.expect("the connection has ended").unwrap() {
            Message::Text(text) if !is_binary => return serde_json::from_str(&text).unwrap(),
            Message::Binary(bytes) if is_binary => return serde_json::from_slice(&bytes).unwrap(),
            Message::Ping(_) | Message::Pong(_) => {}
            other => panic!("unexpected {other:?}"),
        }
    }
}

fn sign_in() -> Value {
    json!({"action": "auth", "key": KEY.0, "secret": KEY.1})
}

#[tokio::test]
async fn every_answer_has_an_id_and_tells_the_rate() {
    let wire = wire(Some(2)).await;
    let check = async |expected: &str, headers: &[&str]| {
        let answer = wire.raw("GET", "/v2/clock", "").await;
        let head = answer.to_lowercase();
        assert!(head.starts_with(expected), "{answer}");
        for header in ["x-request-id: "].iter().chain(headers) {
            assert!(head.contains(header), "{header} is not in {answer}");
        }
    };
    check(
        "http/1.1 200",
        &["x-ratelimit-limit: 2", "x-ratelimit-remaining: 1", "x-ratelimit-reset: 1795186860"],
    )
    .await;
    check("http/1.1 200", &["x-ratelimit-remaining: 0"]).await;
    check("http/1.1 429", &["x-ratelimit-remaining: 0", "\"code\":42910000"]).await;
    wire.advance(60_000);
    check("http/1.1 200", &["x-ratelimit-remaining: 1"]).await;
}

#[tokio::test]
async fn a_lost_answer_breaks_the_connection_after_the_order_was_taken() {
    let wire = wire(None).await;
    let script = json!({"fault": [{"do": "lost_answer"}]}).to_string();
    assert!(wire.raw("POST", "/_control/faults", &script).await.contains("\"rules\":1"));
    let body = order("x", "buy 1 AAPL limit 99").to_string();
    assert_eq!(wire.raw("POST", "/v2/orders", &body).await, "");
    assert!(wire.raw("POST", "/v2/orders", &body).await.contains("client_order_id must be unique"));
}

#[tokio::test]
async fn a_slow_answer_moves_a_clock_that_stands_still() {
    let wire = wire(None).await;
    let script = json!({"fault": [{"do": "slow_answer", "ms": 3_600_000}]}).to_string();
    assert!(wire.raw("POST", "/_control/faults", &script).await.contains("\"rules\":1"));
    let before = wire.shared.lock().venue().now();
    assert!(wire.raw("GET", "/v2/clock", "").await.starts_with("HTTP/1.1 200"));
    let moved = wire.shared.lock().venue().now().duration_since(before);
    assert_eq!(moved, jiff::SignedDuration::from_hours(1));
}

#[tokio::test]
async fn a_port_in_use_is_said_in_one_line() {
    let wire = wire(None).await;
    let error = server::listen(wire.port).await.unwrap_err().to_string();
    assert!(error.contains("in use") && !error.contains('\n'), "{error}");
}

#[tokio::test]
async fn the_order_stream_tells_what_happens() {
    for (auth, content) in [
        (sign_in(), None),
        (json!({"action": "authenticate", "data": {"key_id": KEY.0, "secret_key": KEY.1}}), None),
    ] {
        let wire = wire(None).await;
        let mut socket = wire.socket_of("/stream", content).await.unwrap();
        say(&mut socket, json!({"action": "auth", "key": "nobody", "secret": "x"})).await;
        assert_eq!(hear(&mut socket, true).await["data"]["status"], "unauthorized");
        say(&mut socket, auth).await;
        assert_eq!(
            hear(&mut socket, true).await,
            json!({"stream": "authorization", "data": {"status": "authorized", "action": "authenticate"}})
        );
        say(&mut socket, json!({"action": "listen", "data": {"streams": ["trade_updates"]}})).await;
        assert_eq!(
            hear(&mut socket, true).await,
            json!({"stream": "listening", "data": {"streams": ["trade_updates"]}})
        );
        wire.raw("POST", "/v2/orders", &order("x", "buy 3 AAPL market").to_string()).await;
        wire.advance(1_000);
        let mut told = Vec::new();
        for _ in 0..3 {
            told.push(hear(&mut socket, true).await["data"].clone());
        }
        let events: Vec<&Value> = told.iter().map(|update| &update["event"]).collect();
        assert_eq!(events, ["pending_new", "new", "fill"]);
        assert_eq!(
            (&told[2]["qty"], &told[2]["price"], &told[2]["position_qty"]),
            (&"3".into(), &"100.01".into(), &"3".into())
        );
        assert_eq!(
            (&told[2]["order"]["status"], &told[2]["settle_date"]),
            (&"filled".into(), &"2026-11-23".into())
        );
        let ids: Vec<&str> =
            told.iter().map(|update| update["event_id"].as_str().unwrap()).collect();
        assert!(ids.is_sorted() && ids.iter().all(|id| id.len() == 26), "{ids:?}");
    }
}

#[tokio::test]
async fn an_account_has_one_order_stream_and_a_ghost_keeps_its_slot() {
    let wire = wire(None).await;
    let busy = |found: Result<Socket, Error>| match found {
        Err(Error::Http(response)) => assert_eq!(response.status(), 429),
        other => panic!("expected 429, found {other:?}"),
    };
    let mut first = wire.socket("/stream").await.unwrap();
    say(&mut first, sign_in()).await;
    hear(&mut first, true).await;
    busy(wire.socket("/stream").await);
    wire.raw(
        "POST",
        "/_control/faults",
        &json!({"fault": [{"do": "ghost_slot", "ms": 90_000}]}).to_string(),
    )
    .await;
    first.close(None).await.unwrap();
    while first.next().await.is_some() {}
    busy(wire.socket("/stream").await);
    wire.advance(89_000);
    busy(wire.socket("/stream").await);
    wire.advance(1_000);
    assert!(wire.socket("/stream").await.is_ok());
}

#[tokio::test]
async fn messages_of_the_order_stream_are_lost_doubled_and_overtaken() {
    for (fault, expected) in [
        ("stream_gap", ["new", "fill", "pending_new"]),
        ("stream_duplicate", ["pending_new", "pending_new", "new"]),
        ("stream_reorder", ["new", "pending_new", "fill"]),
    ] {
        let wire = wire(None).await;
        let mut socket = wire.socket("/stream").await.unwrap();
        say(&mut socket, sign_in()).await;
        say(&mut socket, json!({"action": "listen", "data": {"streams": ["trade_updates"]}})).await;
        hear(&mut socket, true).await;
        hear(&mut socket, true).await;
        let script = json!({"fault": [{"do": fault, "event": "pending_new"}]});
        wire.raw("POST", "/_control/faults", &script.to_string()).await;
        for id in ["x", "y"] {
            wire.raw("POST", "/v2/orders", &order(id, "buy 3 AAPL market").to_string()).await;
            wire.advance(1_000);
        }
        let mut events = Vec::new();
        for _ in 0..3 {
            events
                .push(hear(&mut socket, true).await["data"]["event"].as_str().unwrap().to_owned());
        }
        assert_eq!(events, expected, "{fault}");
    }
}

#[tokio::test]
async fn the_market_stream_shows_what_was_subscribed_to() {
    let wire = wire(None).await;
    let mut socket = wire.socket("/v2/sip").await.unwrap();
    assert_eq!(hear(&mut socket, false).await, json!([{"T": "success", "msg": "connected"}]));
    say(&mut socket, json!({"action": "subscribe", "quotes": ["AAPL"]})).await;
    assert_eq!(hear(&mut socket, false).await[0]["code"], 401);
    say(&mut socket, sign_in()).await;
    assert_eq!(hear(&mut socket, false).await, json!([{"T": "success", "msg": "authenticated"}]));
    say(&mut socket, sign_in()).await;
    assert_eq!(hear(&mut socket, false).await[0]["code"], 403);
    // In two fragments, as alpaca-py sends it.
    let subscribe = json!({"action": "subscribe", "quotes": ["AAPL"], "trades": ["*"]}).to_string();
    let (head, tail) = subscribe.split_at(20);
    let part = |text: &str, code, is_last| {
        Message::Frame(Frame::message(Bytes::from(text.to_owned()), OpCode::Data(code), is_last))
    };
    socket.send(part(head, Data::Text, false)).await.unwrap();
    socket.send(part(tail, Data::Continue, true)).await.unwrap();
    let subscribed = hear(&mut socket, false).await;
    assert_eq!(
        (&subscribed[0]["quotes"], &subscribed[0]["trades"]),
        (&json!(["AAPL"]), &json!(["*"]))
    );
    let quote = json!({"symbol": "AAPL", "bid": 99, "ask": 99.02}).to_string();
    wire.raw("POST", "/_control/quote", &quote).await;
    let shown = hear(&mut socket, false).await;
    assert_eq!(
        (&shown[0]["T"], &shown[0]["S"], &shown[0]["bp"]),
        (&"q".into(), &"AAPL".into(), &json!(99))
    );
    let trade = json!({"symbol": "MSFT", "price": 100.01, "size": 7}).to_string();
    wire.raw("POST", "/_control/trade", &trade).await;
    let shown = hear(&mut socket, false).await;
    assert_eq!(
        (&shown[0]["T"], &shown[0]["S"], &shown[0]["s"]),
        (&"t".into(), &"MSFT".into(), &json!(7))
    );
    let mut second = wire.socket("/v2/sip").await.unwrap();
    hear(&mut second, false).await;
    say(&mut second, sign_in()).await;
    assert_eq!(hear(&mut second, false).await[0]["code"], 406);
}

#[tokio::test]
async fn the_market_stream_speaks_message_pack_when_asked() {
    let wire = wire(None).await;
    let mut socket = wire.socket_of("/v2/iex", Some("application/msgpack")).await.unwrap();
    let Some(Ok(Message::Binary(bytes))) = socket.next().await else { panic!("no frame") };
    let said: Value = rmp_serde::from_slice(&bytes).unwrap();
    assert_eq!(said, json!([{"T": "success", "msg": "connected"}]));
}
