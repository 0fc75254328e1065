//! Brokers of this machine: the exchange that speaks Alpaca's language, and one that says back what it hears.

use std::{net::TcpListener, path::Path, thread};

use alchemiser_exchange::{
    account::Opening,
    clock::Clock,
    exchange::{Exchange, Manner},
    fault::Script,
    server::{self, Shared},
    setup::{Latency, Setup, Wanted},
    stream::Frames,
};
use jiff::Timestamp;
use serde::Deserialize;

use crate::server::{Answer, serve};

#[derive(Deserialize)]
struct World {
    account: Vec<Opening>,
    listing: Vec<Wanted>,
}

/// The exchange with the account that the example plan is for; `change` makes it another one.
pub(crate) fn exchange(change: impl FnOnce(&mut Opening)) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../examples/worlds/growth-and-bonds.toml");
    let mut world: World = toml::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    change(&mut world.account[0]);
    let mut setup = Setup::usual(1, Timestamp::now());
    for wanted in world.listing {
        setup.list(wanted.listed(1).unwrap());
    }
    setup.latency = Latency { arrival: (0, 5), cancel: (0, 5), replace: (0, 5) };
    setup.accounts = world.account;
    let manner = Manner { clock: Clock::REAL, limit: None, faults: Script::default() };
    let exchange = Exchange::new(&setup, manner).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            match server::serve(listener, Shared::new(exchange, Frames::Binary)).await {}
        })
    });
    address
}

/// A broker that refuses everything, in the words in which it was asked.
pub(crate) fn echo(status: u16) -> String {
    let address = serve(move |asked| {
        let message = format!("request is not authorized: {} {}", asked.line, asked.headers);
        let body = serde_json::json!({ "code": 40_310_000, "message": message }).to_string();
        Some(Answer(status, vec![("X-Request-ID", "echo-1".to_owned())], body))
    });
    format!("http://{address}")
}
