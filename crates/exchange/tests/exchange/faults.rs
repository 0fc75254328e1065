//! What goes wrong on purpose.

use alchemiser_exchange::{
    call::Call,
    fault::{Fault, Rule, Script},
};
use serde_json::{Value, json};

use crate::desk::{Desk, order};

const BUY: &str = "buy 10 AAPL limit 99";

/// The answer to an order under a script: `lost`, or `status code`; and whether the order was taken.
fn check(script: &str, expected: &str, is_taken: bool) {
    let mut desk = Desk::new();
    desk.faults(script);
    let answer = desk.answer(&Call::new("POST", "/v2/orders").with(&order("x", BUY)));
    let said = match (answer.is_lost, &answer.body["code"]) {
        (true, _) => "lost".to_owned(),
        (false, Value::Null) => answer.status.to_string(),
        (false, code) => format!("{} {code}", answer.status),
    };
    assert_eq!(said, expected, "{script}");
    desk.answer(&Call::new("DELETE", "/_control/faults"));
    let (_, list) = desk.get("/v2/orders");
    assert_eq!(list.as_array().unwrap().len() == 1, is_taken, "{script}: {list}");
}

#[test]
fn a_request_or_its_answer_is_lost() {
    check("", "200", true);
    check("[[fault]]\ndo = 'lost_request'", "lost", false);
    check("[[fault]]\ndo = 'lost_answer'", "lost", true);
    check("[[fault]]\ndo = 'late_landing'\nms = 500", "lost", false);
    check("[[fault]]\ndo = 'server_error'\nstatus = 502", "502 50010000", false);
    check("[[fault]]\ndo = 'unclear_answer'", "504 50010000", true);
    check("[[fault]]\ndo = 'too_many_requests'\nretry_after = 2", "429 42910000", false);
    check("[[fault]]\ndo = 'unauthorized'", "401", false);
    check("[[fault]]\ndo = 'duplicate_id'", "422 40010001", true);
    check("[[fault]]\ndo = 'duplicate_id'\ncode = 42210000", "422 42210000", true);
}

#[test]
fn orders_are_refused_for_every_reason() {
    for (reason, expected) in [
        ("price", "422 42210000"),
        ("funds", "403 40310000"),
        ("shares", "403 40310000"),
        ("wash", "403 40310000"),
        ("halt", "422 42210000"),
        ("asset", "422 42210000"),
        ("unknown", "422 42210000"),
    ] {
        check(&format!("[[fault]]\ndo = 'refused'\nreason = '{reason}'"), expected, false);
    }
}

#[test]
fn a_rule_strikes_only_what_it_names() {
    let elsewhere = [
        "method = 'DELETE'",
        "path = '/v2/account'",
        "symbol = 'MSFT'",
        "client_order_id = 'y'",
        "account = 'PKOTHER'",
        "nth = 2",
        "rate = 0.0",
    ];
    for only in elsewhere {
        check(&format!("[[fault]]\ndo = 'lost_request'\n{only}"), "200", true);
    }
    let here = [
        "method = 'post'",
        "path = '/v2/orders'",
        "symbol = 'AAPL'",
        "client_order_id = 'x'",
        "account = 'PKTEST'",
        "nth = 1",
        "rate = 1.0",
    ];
    for only in here {
        check(&format!("[[fault]]\ndo = 'lost_request'\n{only}"), "lost", false);
    }
}

#[test]
fn a_rule_strikes_so_many_times() {
    let mut desk = Desk::new();
    desk.faults("[[fault]]\ndo = 'server_error'\npath = '/v2/clock'\nnth = 2\ntimes = 2");
    let statuses: Vec<u16> = (0..5).map(|_| desk.get("/v2/clock").0).collect();
    assert_eq!(statuses, [200, 503, 503, 200, 200]);
    let (_, faults) = desk.get("/_control/faults");
    assert_eq!(faults["hits"], json!({"server_error": 2}));
}

#[test]
fn a_late_order_lands_later() {
    let mut desk = Desk::new();
    desk.faults("[[fault]]\ndo = 'late_landing'\nms = 500");
    assert!(desk.answer(&Call::new("POST", "/v2/orders").with(&order("x", BUY))).is_lost);
    desk.advance(499);
    assert_eq!(desk.get("/v2/orders").1, json!([]));
    desk.advance(100);
    assert_eq!(desk.stands("x"), "new 0@-");
}

#[test]
fn only_a_part_of_an_order_fills() {
    let mut desk = Desk::new();
    desk.faults("[[fault]]\ndo = 'partial_fill'\npart = 0.4");
    let id = desk.taken("x", "buy 10 AAPL market");
    desk.advance(60_000);
    assert_eq!(desk.stands("x"), "partially_filled 4@100.02");
    desk.quote("AAPL", "90", "90.02");
    desk.send("DELETE", &format!("/v2/orders/{id}"), &json!({}));
    desk.advance(1_000);
    assert_eq!(desk.stands("x"), "canceled 4@100.02");
}

#[test]
fn a_cancel_is_overtaken_or_ignored() {
    for (script, expected) in [
        ("do = 'cancel_race'", "filled 10@99"),
        ("do = 'cancel_race'\npart = 0.3", "canceled 3@99"),
        ("do = 'cancel_ignored'", "new 0@-"),
    ] {
        let mut desk = Desk::new();
        desk.faults(&format!("[[fault]]\n{script}"));
        let id = desk.taken("x", BUY);
        desk.advance(100);
        let (status, _) = desk.send("DELETE", &format!("/v2/orders/{id}"), &json!({}));
        assert!(status == 204 || (status == 422 && expected.starts_with("filled")), "{status}");
        desk.advance(1_000);
        assert_eq!(desk.stands("x"), expected, "{script}");
    }
}

#[test]
fn a_replacement_is_wedged() {
    let mut desk = Desk::new();
    desk.faults("[[fault]]\ndo = 'replace_wedge'\nms = 18000000");
    let id = desk.taken("x", BUY);
    desk.advance(100);
    let path = format!("/v2/orders/{id}");
    assert_eq!(desk.send("PATCH", &path, &json!({"limit_price": "98"})).0, 200);
    desk.advance(3_600_000);
    assert_eq!(desk.stands("x"), "pending_replace 0@-");
    assert_eq!(desk.send("PATCH", &path, &json!({"limit_price": "97"})).0, 422);
    assert_eq!(desk.send("DELETE", &path, &json!({})).0, 422);
}

#[test]
fn readings_of_orders_are_behind_the_truth() {
    let mut desk = Desk::new();
    desk.taken("x", "buy 10 AAPL market");
    desk.advance(1_000);
    desk.faults("[[fault]]\ndo = 'no_price'\nclient_order_id = 'x'\ntimes = 2");
    let stands = [desk.stands("x"), desk.stands("x"), desk.stands("x")];
    assert_eq!(stands, ["filled 10@-", "filled 10@-", "filled 10@100.02"]);
    desk.faults("[[fault]]\ndo = 'orders_stale'");
    assert_eq!(desk.stands("x"), "pending_new 0@-");
    desk.taken("y", "buy 1 AAPL market");
    desk.faults("[[fault]]\ndo = 'orders_missing'\n[[fault]]\ndo = 'order_unseen'");
    let (_, list) = desk.get("/v2/orders?status=all");
    assert_eq!((list.as_array().unwrap().len(), &list[0]["client_order_id"]), (1, &"x".into()));
    assert_eq!(desk.get("/v2/orders:by_client_order_id?client_order_id=y").0, 404);
    desk.faults("[[fault]]\ndo = 'orders_duplicated'");
    let (_, list) = desk.get("/v2/orders?status=all");
    let stands = |k: usize| format!("{} {}", list[k]["client_order_id"], list[k]["status"]);
    let stands: Vec<_> = (0..list.as_array().unwrap().len()).map(stands).collect();
    let twice =
        [r#""y" "pending_new""#, r#""y" "pending_new""#, r#""x" "filled""#, r#""x" "pending_new""#];
    assert_eq!(stands, twice);
    desk.faults("[[fault]]\ndo = 'orders_reordered'");
    let (_, list) = desk.get("/v2/orders?status=all");
    assert_eq!(list[0]["client_order_id"], "x");
}

#[test]
fn cash_lags() {
    let mut desk = Desk::new();
    desk.taken("x", "sell 50 HELD market");
    desk.advance(1_000);
    desk.faults("[[fault]]\ndo = 'funds_lag'\nms = 5000\ntimes = 0");
    assert_eq!(desk.cash(), "10000");
    desk.advance(5_000);
    assert_eq!(desk.cash(), "15000");
}

#[test]
fn quotes_are_stale_crossed_zero_or_missing() {
    let check = |rule: &str, expected: &str| {
        let mut desk = Desk::new();
        desk.faults(&format!("[[fault]]\n{rule}"));
        let (_, all) = desk.get("/v2/stocks/snapshots?symbols=AAPL,MSFT");
        let quote = &all["AAPL"]["latestQuote"];
        let said = format!("{} {} {}", quote["bp"], quote["ap"], quote["t"]);
        assert_eq!(said, expected, "{rule}");
    };
    check("do = 'quote_crossed'", "100.02 100 \"2026-11-20T15:00:00Z\"");
    check("do = 'quote_zero'", "0 0 \"2026-11-20T15:00:00Z\"");
    check("do = 'quote_zero'\nside = 'ask'", "100 0 \"2026-11-20T15:00:00Z\"");
    check("do = 'quote_stale'\nms = 90000", "100 100.02 \"2026-11-20T14:58:30Z\"");
    check("do = 'quote_missing'\nsymbol = 'AAPL'", "null null null");
    check("do = 'quote_missing'\nsymbol = 'MSFT'", "100 100.02 \"2026-11-20T15:00:00Z\"");
}

#[test]
fn a_symbol_is_halted() {
    let mut desk = Desk::new();
    desk.faults("[[fault]]\ndo = 'symbol_halt'\nsymbol = 'AAPL'\nms = 2000");
    desk.taken("x", "buy 1 AAPL market");
    desk.advance(1_000);
    assert_eq!(desk.stands("x"), "new 0@-");
    desk.advance(1_000);
    assert_eq!(desk.stands("x"), "filled 1@100.02");
}

/// Every class is drawn by some seed, and the same seed draws the same.
#[test]
fn faults_are_drawn_from_a_seed() {
    let run = |seed: u64| {
        let mut desk = Desk::new();
        desk.faults(&format!("seed = {seed}\ndraw = true"));
        for k in 0..40 {
            desk.answer(
                &Call::new("POST", "/v2/orders")
                    .with(&order(&format!("o{k}"), "buy 1 AAPL market")),
            );
            desk.advance(400);
            desk.answer(&Call::new("GET", "/v2/account"));
            desk.answer(&Call::new("GET", "/v2/orders?status=all"));
            desk.answer(&Call::new("GET", "/v2/stocks/snapshots?symbols=AAPL"));
        }
        desk.get("/_control/faults").1["hits"].clone()
    };
    assert_eq!(run(3), run(3));
    let kinds: std::collections::BTreeSet<String> = (0..30)
        .flat_map(|seed| run(seed).as_object().unwrap().keys().cloned().collect::<Vec<_>>())
        .collect();
    assert!(kinds.len() > 14, "{kinds:?}");
}

#[test]
fn a_script_survives_its_own_text() {
    let fault = Fault::ALL.map(Rule::once).to_vec();
    let script = Script { seed: 4, draw: true, fault };
    let text = toml::to_string(&script).unwrap();
    assert_eq!(toml::from_str::<Script>(&text).unwrap(), script);
    for fault in Fault::ALL {
        let (_, body) =
            Desk::new().send("POST", "/_control/faults", &json!({"fault": [{"do": fault.word()}]}));
        assert_eq!(body["rules"], 1, "{fault:?}: {body}");
    }
}
