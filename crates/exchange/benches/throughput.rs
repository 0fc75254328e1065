//! How many orders a second the exchange takes over HTTP, and how long a POST takes at a thousand a second.
//!
//! The server has one thread of its own; the clients are as many connections on another one, each of which sends an
//! order and waits for the answer. Half of the orders trade, half of them rest.

#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a benchmark that cannot be set up is no benchmark; counts are small"
)]

use std::{
    io::{Read, Write},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use alchemiser_exchange::{
    account::Opening,
    clock::Clock,
    exact::Exact,
    exchange::{Exchange, Manner},
    server::{self, Shared},
    setup::Setup,
    stream::Frames,
};
use jiff::Timestamp;

const KEY: &str = "PKBENCH";
const SECRET: &str = "secret";
const CONNECTIONS: usize = 8;
const ORDERS: usize = 40_000;
const RATE_PER_S: u32 = 1_000;
const TIMED: u32 = 10_000;

fn main() {
    let port = serve();
    let (seconds, taken) = flood(port);
    println!(
        "{taken} orders in {seconds:.2} s: {:.0} orders/s (goal: 5000)",
        taken as f64 / seconds
    );
    let mut times = paced(port);
    times.sort_unstable();
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize].as_secs_f64() * 1e3;
    println!(
        "POST at {RATE_PER_S}/s: p50 {:.2} ms, p99 {:.2} ms, p99.9 {:.2} ms, most {:.2} ms (goal: p99 5 ms)",
        at(0.5),
        at(0.99),
        at(0.999),
        at(1.0)
    );
}

/// A server in a thread of its own; its port.
fn serve() -> u16 {
    let (tell, told) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut setup = Setup::usual(1, Timestamp::now());
            setup.accounts.push(Opening {
                key: KEY.to_owned(),
                secret: SECRET.to_owned(),
                cash: Exact(1_000_000_000_000_i64.into()),
                ..Opening::default()
            });
            let exchange = Exchange::new(&setup, Manner::calm(Clock::REAL)).unwrap();
            let listener = server::listen(0).await.unwrap();
            tell.send(listener.local_addr().unwrap().port()).unwrap();
            server::serve(listener, Shared::new(exchange, Frames::Binary)).await
        })
    });
    told.recv().unwrap()
}

struct Client {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Client {
    fn new(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, answer: vec![0; 16_384] }
    }

    /// Sends an order without waiting.
    fn send(&mut self, id: &str, number: usize) {
        let kind = if number.is_multiple_of(2) {
            "\"type\":\"market\"".to_owned()
        } else {
            format!("\"type\":\"limit\",\"limit_price\":\"1.{:02}\"", number % 100)
        };
        let body = format!(
            "{{\"symbol\":\"SPY\",\"qty\":\"1\",\"side\":\"buy\",{kind},\"time_in_force\":\"day\",\"client_order_id\":\"{id}-{number}\"}}"
        );
        // A market order and a resting buy are no wash: both buy.
        let request = format!(
            "POST /v2/orders HTTP/1.1\r\nHost: x\r\nAPCA-API-KEY-ID: {KEY}\r\nAPCA-API-SECRET-KEY: {SECRET}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.write_all(request.as_bytes()).unwrap();
    }

    /// Waits for the answer.
    fn hear(&mut self) {
        let mut length = 0;
        loop {
            length += self.stream.read(&mut self.answer[length..]).unwrap();
            let text = &self.answer[..length];
            let Some(head) = text.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
            let head_text = std::str::from_utf8(&text[..head]).unwrap().to_lowercase();
            assert!(head_text.starts_with("http/1.1 200"), "{}", String::from_utf8_lossy(text));
            let body = head_text.split("content-length: ").nth(1).unwrap();
            let body: usize = body.split("\r\n").next().unwrap().parse().unwrap();
            if length >= head + 4 + body {
                return;
            }
        }
    }
}

/// As many orders as go: the seconds, and how many.
fn flood(port: u16) -> (f64, usize) {
    let mut clients: Vec<Client> = (0..CONNECTIONS).map(|_| Client::new(port)).collect();
    let started = Instant::now();
    for k in 0..ORDERS / CONNECTIONS {
        for (c, client) in clients.iter_mut().enumerate() {
            client.send("flood", k * CONNECTIONS + c);
        }
        clients.iter_mut().for_each(Client::hear);
    }
    (started.elapsed().as_secs_f64(), ORDERS)
}

/// One order a millisecond: how long each took from when it was due.
fn paced(port: u16) -> Vec<Duration> {
    let mut client = Client::new(port);
    let step = Duration::from_secs(1) / RATE_PER_S;
    let started = Instant::now();
    (0..TIMED)
        .map(|k| {
            let due = started + step * k;
            while Instant::now() < due {
                std::hint::spin_loop();
            }
            client.send("paced", k as usize);
            client.hear();
            due.elapsed()
        })
        .collect()
}
