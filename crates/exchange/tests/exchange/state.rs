//! What is kept.

use std::{fs, path::Path};

use alchemiser_exchange::clock::Clock;
use alchemiser_exchange::exchange::{Exchange, Manner};
use serde_json::{Value, json};

use crate::desk::{Desk, order, setup, start};

const STEPS: i64 = 12;

/// One step of a script with orders, fills, cancels, replacements and a configuration.
fn step(desk: &mut Desk, k: i64) {
    let id = format!("o{k}");
    let words = [
        "buy 3 AAPL market",
        "buy 5 MSFT limit 99.5",
        "sell 2 HELD market",
        "buy $50.5 AAPL market",
    ];
    desk.send("POST", "/v2/orders", &order(&id, words[usize::try_from(k).unwrap() % 4]));
    desk.advance(300);
    let (_, before) =
        desk.get(&format!("/v2/orders:by_client_order_id?client_order_id=o{}", k - 4));
    if let Some(before) = before["id"].as_str().filter(|_| k % 4 == 1) {
        let path = format!("/v2/orders/{before}");
        let (method, body) = if k % 8 == 1 {
            ("DELETE", json!({}))
        } else {
            ("PATCH", json!({"limit_price": "99.4", "client_order_id": format!("r{k}")}))
        };
        desk.send(method, &path, &body);
    }
    if k == 6 {
        desk.send("PATCH", "/v2/account/configurations", &json!({"trade_confirm_email": "none"}));
        desk.quote("MSFT", "99.00", "99.45");
    }
    desk.advance(200);
}

/// Everything that can be asked.
fn seen(desk: &mut Desk) -> Vec<Value> {
    let state = desk.get("/_control/state").1["accounts"].clone();
    let fills = desk.get("/_control/state").1["fills"].clone();
    let paths = [
        "/v2/account",
        "/v2/account/configurations",
        "/v2/positions",
        "/v2/orders?status=all&limit=500",
    ];
    paths.map(|path| desk.get(path).1).into_iter().chain([state, fills]).collect()
}

/// Runs the script; before each of these steps the process is killed and another one goes on.
fn run(dir: &Path, killed_before: &[i64]) -> Vec<Value> {
    let mut desk = Desk::kept(dir).quoted();
    for k in 0..STEPS {
        if killed_before.contains(&k) {
            drop(desk);
            desk = Desk::kept(dir);
        }
        step(&mut desk, k);
    }
    seen(&mut desk)
}

#[test]
fn killing_the_process_anywhere_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let expected = run(dir.path(), &[]);
    assert!(expected[5].as_array().unwrap().len() > 6, "{expected:#?}");
    for k in 0..STEPS {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(run(dir.path(), &[k]), expected, "killed before step {k}");
    }
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(
        run(dir.path(), &(0..STEPS).collect::<Vec<_>>()),
        expected,
        "killed before every step"
    );
}

#[test]
fn a_generated_market_goes_on_where_it_stood() {
    let dir = tempfile::tempdir().unwrap();
    let open = |at| {
        let mut setup = setup();
        setup.source = alchemiser_exchange::setup::Source::Generated;
        Desk {
            exchange: Exchange::open(dir.path(), &setup, Manner::calm(Clock::Virtual { at }))
                .unwrap(),
        }
    };
    let mut desk = open(start());
    desk.taken("x", "buy 3 AAPL market");
    desk.advance(60_000);
    desk.get("/v2/orders");
    let (stood, cash) = (desk.stands("x"), desk.cash());
    assert!(stood.starts_with("filled 3@"), "{stood}");
    drop(desk);
    let mut desk = open("2026-11-20T18:00:00Z".parse().unwrap());
    assert_eq!((desk.stands("x"), desk.cash()), (stood, cash));
    assert_eq!(desk.order("x", "buy 3 AAPL market").0, 422);
    let (_, quote) = desk.get("/v2/stocks/AAPL/quotes/latest");
    assert!(quote["quote"]["bp"].as_f64().unwrap() > 0.0);
}

#[test]
fn a_journal_cut_anywhere_opens_again() {
    let dir = tempfile::tempdir().unwrap();
    run(dir.path(), &[5]);
    let whole = fs::read(dir.path().join("journal.jsonl")).unwrap();
    let head = whole.iter().position(|byte| *byte == b'\n').unwrap();
    for cut in (head + 1..whole.len()).step_by(97) {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("journal.jsonl"), &whole[..cut]).unwrap();
        let mut desk = Desk::kept(dir.path());
        assert_eq!(desk.get("/v2/account").0, 200, "cut at {cut}");
    }
}

#[test]
fn a_journal_that_cannot_be_trusted_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    run(dir.path(), &[]);
    let path = dir.path().join("journal.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let check = |changed: String, expected: &str| {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("journal.jsonl"), changed).unwrap();
        let manner = Manner::calm(Clock::Virtual { at: start() });
        let error = Exchange::open(dir.path(), &setup(), manner).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check(text.replacen("\"schema\":1", "\"schema\":2", 1), "expected schema 1, found 2");
    check(text.replacen("{\"at\"", "{", 1), "line 2");
    let without_order: Vec<&str> =
        text.lines().filter(|line| !line.contains("\"id\":\"o0\"")).collect();
    check(without_order.join("\n") + "\n", "EXCHANGE_JOURNAL");
}

#[test]
fn only_one_process_has_it_open() {
    let dir = tempfile::tempdir().unwrap();
    let _first = Desk::kept(dir.path());
    let manner = Manner::calm(Clock::Virtual { at: start() });
    let second = Exchange::open(dir.path(), &setup(), manner).unwrap_err();
    assert!(second.to_string().contains("another process has this exchange open"), "{second}");
}
