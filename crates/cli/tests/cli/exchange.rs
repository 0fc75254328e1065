//! `alchemiser exchange` as a process: what it says, what its users get wrong, and what a kill leaves.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
};

use crate::command::BINARY;

/// A running exchange; killed when it goes.
pub(crate) struct Exchange {
    process: Child,
    pub(crate) address: String,
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Exchange {
    /// In virtual time, on a free port, with the account `PKTEST:secret`.
    fn start(arguments: &[&str]) -> Self {
        let mut all = vec!["--virtual-time", "2026-11-20T15:00:00Z"];
        all.extend(arguments);
        if !arguments.contains(&"--world") {
            all.extend(["--account", "PKTEST:secret"]);
        }
        Self::open(&all)
    }

    /// On a free port.
    pub(crate) fn open(arguments: &[&str]) -> Self {
        let mut command = Command::new(BINARY);
        command.args(["exchange", "--port", "0"]).args(arguments).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("exchange on http://").unwrap().to_owned();
        Self { process, address }
    }

    /// The whole answer, head and body.
    fn call(&self, method: &str, path: &str, body: &str) -> String {
        self.call_as("PKTEST", method, path, body)
    }

    fn call_as(&self, key: &str, method: &str, path: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAPCA-API-KEY-ID: {key}\r\n\
             APCA-API-SECRET-KEY: secret\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

const ORDER: &str = r#"{"symbol":"SPY","qty":"3","side":"buy","type":"market","time_in_force":"day","client_order_id":"x"}"#;

/// What the process says and its exit code.
fn refused(arguments: &[&str]) -> (i32, String) {
    let output = Command::new(BINARY).arg("exchange").args(arguments).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_killed_exchange_goes_on_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let state = ["--state", dir.path().to_str().unwrap()];
    let first = Exchange::start(&state);
    assert!(first.call("POST", "/v2/orders", ORDER).contains("\"status\":\"pending_new\""));
    assert!(first.call("POST", "/_control/advance", "{\"ms\":1000}").contains("200 OK"));
    let seen = ["/v2/orders?status=all", "/v2/positions", "/v2/account", "/v2/clock"];
    let body = |answer: String| answer.split("\r\n\r\n").nth(1).unwrap().to_owned();
    let before = seen.map(|path| body(first.call("GET", path, "")));
    assert!(before[0].contains("\"status\":\"filled\""), "{}", before[0]);
    let second = refused(&["--port", "0", state[0], state[1]]);
    assert!(
        second.0 == 4 && second.1.contains("another process has this exchange open"),
        "{second:?}"
    );
    drop(first);
    let second = Exchange::start(&state);
    assert_eq!(seen.map(|path| body(second.call("GET", path, ""))), before);
    assert!(second.call("POST", "/v2/orders", ORDER).contains("client_order_id must be unique"));
}

#[test]
fn what_a_user_gets_wrong_is_said_in_one_line() {
    let running = Exchange::start(&[]);
    let port = running.address.rsplit(':').next().unwrap();
    let missing = Path::new("/nonexistent/world.toml").to_str().unwrap();
    for (arguments, code, said) in [
        (["--port", port], 2, "EXCHANGE_PORT: port"),
        (["--account", "nonsense"], 2, "expected KEY:SECRET or KEY:SECRET:CASH"),
        (["--symbols", "not a symbol"], 2, "EXCHANGE_LISTING: expected a symbol"),
        (["--world", missing], 2, "EXCHANGE_FILE"),
        (["--faults", missing], 2, "EXCHANGE_FILE"),
        (["--tape", "XXX=/nonexistent/quotes.csv.gz"], 2, "EXCHANGE_TAPE"),
    ] {
        let (found, text) = refused(&arguments);
        assert!(found == code && text.contains(said), "{arguments:?}: {found} {text}");
    }
}

#[test]
fn keys_subscriptions_and_symbols_are_refused_as_at_the_broker() {
    let dir = tempfile::tempdir().unwrap();
    let world = dir.path().join("world.toml");
    std::fs::write(
        &world,
        "[[account]]\nkey = 'PKTEST'\nsecret = 'secret'\ndata = 'iex'\n\
         [[account]]\nkey = 'AKLIVE'\nsecret = 'secret'\nelsewhere = true\n\
         [[account]]\nkey = 'PKSHUT'\nsecret = 'secret'\nblocked = true\n\
         [[listing]]\nsymbol = 'PINK'\ntradable = false\n",
    )
    .unwrap();
    let exchange = Exchange::start(&["--world", world.to_str().unwrap()]);
    let check = |key: &str, request: &str, expected: [&str; 2]| {
        let (method, path) = request.split_once(' ').unwrap();
        let body = if method == "POST" {
            ORDER.replace("SPY", path.rsplit('#').next().unwrap())
        } else {
            String::new()
        };
        let answer = exchange.call_as(key, method, path.split('#').next().unwrap(), &body);
        assert!(expected.iter().all(|part| answer.contains(part)), "{key} {request}: {answer}");
    };
    check("PKNOBODY", "GET /v2/account", ["401 Unauthorized", "{\"message\":\"unauthorized.\"}"]);
    check("AKLIVE", "GET /v2/account", ["401 Unauthorized", "request is not authorized"]);
    check("PKSHUT", "POST /v2/orders#SPY", ["403 Forbidden", "account is not authorized to trade"]);
    check("PKTEST", "POST /v2/orders#NOSUCH", ["422 ", "asset \\\"NOSUCH\\\" not found"]);
    check("PKTEST", "POST /v2/orders#PINK", ["422 ", "asset \\\"PINK\\\" is not tradable"]);
    check(
        "PKTEST",
        "GET /v2/stocks/quotes/latest?symbols=SPY&feed=sip",
        ["403 Forbidden", "subscription does not permit querying recent SIP data"],
    );
    check("PKTEST", "GET /v2/stocks/quotes/latest?symbols=SPY&feed=iex", ["200 OK", "\"bp\":"]);
}

/// A recorded day is replayed, where there is one.
#[test]
fn a_recorded_day_is_replayed() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/market/XXX");
    let quotes = shared.join("20180102_quotes.csv.gz");
    if !quotes.is_file() {
        eprintln!("skipped: ../shared absent");
        return;
    }
    let tape = format!("XXX={}", quotes.display());
    let exchange = Exchange::start(&["--market", "replay", "--tape", &tape]);
    let quote = || exchange.call("GET", "/v2/stocks/XXX/quotes/latest", "");
    let first = quote();
    assert!(first.contains("\"bp\":15"), "{first}");
    assert!(exchange.call("POST", "/_control/advance", "{\"ms\":600000}").contains("200 OK"));
    assert_ne!(quote().split("\"quote\"").nth(1), first.split("\"quote\"").nth(1));
    let bars = exchange.call("GET", "/v2/stocks/XXX/bars?timeframe=1Min", "");
    assert!(bars.matches("\"vw\"").count() > 5, "{bars}");
}
