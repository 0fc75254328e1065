//! No key leaves the process but in the headers that are there for it.

use std::{
    io,
    sync::{Arc, Mutex},
};

use alchemiser_driver::ports::Broker;
use tracing_subscriber::fmt::MakeWriter;

use crate::{
    given::{Desk, KEY, SECRET, at, buy, symbol},
    server::{Answer, say},
};

#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl io::Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Page {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// I16: neither key nor secret is in an error, in a log line of any level, or in what is printed for debugging, not even
/// when the broker says them back.
#[test]
fn keys_are_said_to_the_broker_only() {
    let page = Page::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(page.clone())
        .finish();
    let echo = format!(r#"{{"code":40110000,"message":"{KEY} with {SECRET} is not known"}}"#);
    let script = [
        say(401, &echo),
        say(200, &echo),
        say(403, &echo),
        Answer::Break,
        Answer::Hang,
        say(422, &format!("{SECRET} in plain words")),
    ];
    let mut said = tracing::subscriber::with_default(subscriber, || {
        at(&script, async |desk: &Desk| {
            let alpaca = &desk.alpaca;
            let mut said = format!("{alpaca:?}");
            said += &alpaca.account().await.unwrap_err().to_string();
            said += &alpaca.positions().await.unwrap_err().to_string();
            said += &alpaca.submit(&buy()).await.unwrap_err().to_string();
            said += &alpaca.submit(&buy()).await.unwrap_err().to_string();
            said += &alpaca.clock().await.unwrap_err().to_string();
            said += &alpaca.asset(&symbol("X")).await.unwrap_err().to_string();
            let headers = desk.server.asked()[0].headers.clone();
            assert!(headers.contains(&format!("apca-api-key-id: {}", KEY.to_lowercase())));
            assert!(headers.contains(&format!("apca-api-secret-key: {SECRET}")));
            said
        })
    });
    said += &String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
    assert!(said.contains("[hidden]") && said.contains("the broker did not do it"));
    for canary in [KEY, SECRET, "canary"] {
        assert!(!said.to_lowercase().contains(&canary.to_lowercase()), "{canary} in {said}");
    }
}
