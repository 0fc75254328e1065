//! Market data: one call for all symbols, numbers by their digits.

use alchemiser_core::{
    ids::Symbol,
    quote::{RawQuote, Snapshot},
};
use alchemiser_driver::ports::MarketData;

use crate::{
    given::{Desk, at, start, symbol},
    server::{Answer, say},
};

fn snapshot(body: &str) -> Option<Snapshot> {
    at(&[say(200, &format!(r#"{{"X":{body}}}"#))], async |desk: &Desk| {
        desk.alpaca.snapshots(&[symbol("X")]).await.unwrap().remove(&symbol("X"))
    })
}

fn shown(quote: Option<RawQuote>) -> String {
    let Some(RawQuote { bid, ask, changed_at, observed_at }) = quote else {
        return "none".to_owned();
    };
    assert_eq!(observed_at, start());
    let side = |touch: Option<alchemiser_core::quote::Touch>| {
        touch.map_or("-".to_owned(), |touch| format!("{}x{}", touch.price, touch.size))
    };
    format!("{} {} {changed_at}", side(bid), side(ask))
}

/// S14, X2: all symbols in one call of the configured feed.
#[test]
fn one_call_reads_every_symbol() {
    let body = r#"{"A":{"latestQuote":null},"X":{},"Y":{},"Z":null}"#;
    at(&[say(200, body)], async |desk: &Desk| {
        let found = desk.alpaca.snapshots(&["A", "X", "Z"].map(symbol)).await.unwrap();
        assert_eq!(found.keys().map(Symbol::as_str).collect::<String>(), "AX");
        let asked = desk.server.asked();
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].line, "GET /v2/stocks/snapshots?symbols=A%2CX%2CZ&feed=sip");
    });
}

/// L3, S4, S10: a side that is zero is not there; every digit is kept.
#[test]
fn a_quote_is_read_by_its_digits() {
    let check = |quote: &str, expected: &str| {
        let found = snapshot(&format!(r#"{{"latestQuote":{quote}}}"#)).unwrap();
        assert_eq!(shown(found.quote), expected, "{quote}");
    };
    let t = r#""t":"2026-01-26T14:59:59.5Z""#;
    check(
        &format!(r#"{{{t},"bp":100.1,"bs":300,"ap":100.1000000001,"as":40,"z":"C"}}"#),
        "100.1x300 100.1000000001x40 2026-01-26T14:59:59.5Z",
    );
    check(
        &format!(r#"{{{t},"bp":0,"bs":0,"ap":100.2,"as":1}}"#),
        "- 100.2x1 2026-01-26T14:59:59.5Z",
    );
    check(&format!(r#"{{{t},"bp":99.99,"bs":2}}"#), "99.99x2 - 2026-01-26T14:59:59.5Z");
    check(r#"{"bp":1,"ap":2}"#, "none");
    check("null", "none");
}

/// X15: the close before today's session, also before anything has traded today.
#[test]
fn the_previous_close_is_the_last_sessions() {
    let check = |body: &str, expected: Option<&str>| {
        let found = snapshot(body).unwrap().previous_close;
        assert_eq!(found.map(|price| price.to_string()).as_deref(), expected, "{body}");
    };
    let today = r#""dailyBar":{"t":"2026-01-26T05:00:00Z","c":11}"#;
    let friday = r#""dailyBar":{"t":"2026-01-23T05:00:00Z","c":10}"#;
    let before = r#""prevDailyBar":{"t":"2026-01-22T05:00:00Z","c":9}"#;
    check(&format!("{{{today},{before}}}"), Some("9"));
    check(&format!("{{{friday},{before}}}"), Some("10"));
    check(&format!("{{{before}}}"), Some("9"));
    check(&format!("{{{today}}}"), None);
}

/// S4: a trade that was taken back is none.
#[test]
fn a_canceled_trade_is_none() {
    let check = |trade: &str, expected: Option<&str>| {
        let found = snapshot(&format!(r#"{{"latestTrade":{trade}}}"#)).unwrap().last_trade;
        assert_eq!(found.map(|(price, _)| price.to_string()).as_deref(), expected, "{trade}");
    };
    let t = r#""t":"2026-01-26T14:59:59.5Z""#;
    check(&format!(r#"{{{t},"p":100.25}}"#), Some("100.25"));
    check(&format!(r#"{{{t},"p":100.25,"u":"canceled"}}"#), None);
    check(&format!(r#"{{{t},"p":0}}"#), None);
}

/// S9: a failed reading is a failed reading.
#[test]
fn market_data_may_fail() {
    let denied =
        r#"{"code":42210000,"message":"subscription does not permit querying recent SIP data"}"#;
    for answer in [say(403, denied), say(500, ""), say(200, "[]"), Answer::Break] {
        at(&[answer], async |desk: &Desk| {
            assert!(desk.alpaca.snapshots(&[symbol("X")]).await.is_err());
        });
    }
}
