//! What becomes of orders.

use serde_json::{Value, json};

use crate::desk::{Desk, order};

/// An order's refusal: `status code message`, or where it stands a second after it was taken.
fn check(words: &str, expected: &str) {
    let mut desk = Desk::new();
    assert_eq!(outcome(&mut desk, "x", words), expected, "{words}");
}

fn outcome(desk: &mut Desk, id: &str, words: &str) -> String {
    let (status, body) = desk.order(id, words);
    if status != 200 {
        return format!("{status} {} {}", body["code"], body["message"].as_str().unwrap());
    }
    desk.advance(1_000);
    desk.stands(id)
}

#[test]
fn orders_trade_against_the_quote() {
    check("buy 10 AAPL market", "filled 10@100.02");
    check("buy 10 AAPL limit 100.02", "filled 10@100.02");
    check("buy 10 AAPL limit 100.05", "filled 10@100.02");
    check("buy 10 AAPL limit 100.01", "new 0@-");
    check("sell 50 HELD market", "filled 50@100");
    check("sell 50 HELD limit 100.01", "new 0@-");
    check("buy 0.123456789 AAPL market", "filled 0.123456789@100.02");
    check("buy 0.1234567891 AAPL market", "filled 0.123456789@100.02");
    check("buy $250.05 AAPL market", "filled 2.5@100.02");
    check("sell $100 HELD market", "filled 1@100");
    check("buy 10 AAPL limit 100.01 ioc", "canceled 0@-");
    check("buy 10 AAPL limit 100.02 fok", "filled 10@100.02");
    check("buy 10 AAPL stop 100.5", "new 0@-");
}

#[test]
fn orders_are_refused_as_the_broker_refuses_them() {
    check("buy 10 NOSUCH market", "422 42210000 asset \"NOSUCH\" not found");
    check("buy 10 aapl market", "422 42210000 asset \"aapl\" not found");
    check("buy 10 HALTED market", "422 42210000 asset \"HALTED\" is not tradable");
    check("buy 10 GONE market", "422 42210000 asset \"GONE\" is not active");
    check("buy 0.5 OCGN market", "403 40310000 asset \"OCGN\" is not fractionable");
    check("buy 0.005 AAPL market", "403 40310000 cost basis must be >= minimal amount of order 1");
    check("sell 0.005 HELD market", "filled 0.005@100");
    check("buy 101 AAPL limit 100", "403 40310000 insufficient buying power");
    check(
        "sell 51 HELD market",
        "403 40310000 insufficient qty available for order (requested: 51, available: 50)",
    );
    check(
        "sell 1 AAPL market",
        "403 40310000 insufficient qty available for order (requested: 1, available: 0)",
    );
}

#[test]
fn the_bodies_of_refusals_say_what_is_there() {
    let mut desk = Desk::new();
    desk.taken("a", "sell 30 HELD limit 101");
    let (status, body) = desk.order("b", "sell 21 HELD limit 101");
    let id = desk.get("/v2/orders").1[0]["id"].clone();
    assert_eq!(
        (status, body),
        (
            403,
            json!({"code": 40_310_000, "available": "20", "existing_qty": "50", "symbol": "HELD",
                "held_for_orders": "30", "related_orders": [id],
                "message": "insufficient qty available for order (requested: 21, available: 20)"})
        )
    );
    let (_, body) = desk.order("c", "buy 101 AAPL limit 100");
    assert_eq!(
        body,
        json!({"code": 40_310_000, "buying_power": "10000", "cost_basis": "10100",
            "message": "insufficient buying power"})
    );
}

#[test]
fn a_client_order_id_is_used_up_for_ever_and_only_by_an_order_that_was_taken() {
    let mut desk = Desk::new();
    let refused = "422 40010001 client_order_id must be unique";
    assert_eq!(
        outcome(&mut desk, "x", "buy 1000 AAPL limit 100"),
        "403 40310000 insufficient buying power"
    );
    assert_eq!(outcome(&mut desk, "x", "buy 1 AAPL market"), "filled 1@100.02");
    assert_eq!(outcome(&mut desk, "x", "buy 1 AAPL market"), refused);
    assert_eq!(outcome(&mut desk, "x", "buy 1000 NOSUCH market"), refused);
    desk.advance(30 * 24 * 3_600_000);
    assert_eq!(outcome(&mut desk, "x", "buy 1 AAPL market"), refused);
}

#[test]
fn open_orders_hold_cash_and_shares_until_they_end() {
    let mut desk = Desk::new();
    let power = |desk: &mut Desk| desk.get("/v2/account").1["buying_power"].clone();
    let id = desk.taken("a", "buy 60 AAPL limit 99");
    assert_eq!(power(&mut desk), "4060");
    assert_eq!(
        outcome(&mut desk, "b", "buy 60 MSFT limit 99"),
        "403 40310000 insufficient buying power"
    );
    desk.advance(100);
    assert_eq!(
        desk.answer(&alchemiser_exchange::call::Call::new("DELETE", &format!("/v2/orders/{id}")))
            .status,
        204
    );
    assert_eq!(
        (power(&mut desk), desk.stands("a")),
        ("4060".into(), "pending_cancel 0@-".to_owned())
    );
    desk.advance(100);
    assert_eq!((power(&mut desk), desk.stands("a")), ("10000".into(), "canceled 0@-".to_owned()));
    assert_eq!(outcome(&mut desk, "c", "buy 60 AAPL market"), "filled 60@100.02");
    assert_eq!((power(&mut desk), desk.cash()), ("3998.8".into(), "3998.8".to_owned()));
}

/// L4: what a sale brings may be spent on stocks at once, and settles on the next trading day: over a weekend on Monday.
#[test]
fn proceeds_settle_on_the_next_trading_day() {
    let mut desk = Desk::new();
    let said = |desk: &mut Desk| {
        let (_, account) = desk.get("/v2/account");
        let text = |name: &str| account[name].as_str().unwrap().to_owned();
        [text("cash"), text("buying_power"), text("non_marginable_buying_power")]
    };
    assert_eq!(outcome(&mut desk, "a", "sell 10 HELD market"), "filled 10@100");
    assert_eq!(said(&mut desk), ["11000", "11000", "10000"]);
    assert_eq!(outcome(&mut desk, "b", "buy 105 AAPL market"), "filled 105@100.02");
    assert_eq!(said(&mut desk), ["497.9", "497.9", "0"]);
    desk.advance(24 * 3_600_000);
    assert_eq!(said(&mut desk), ["497.9", "497.9", "0"], "on Saturday");
    desk.advance(48 * 3_600_000);
    assert_eq!(said(&mut desk), ["497.9", "497.9", "497.9"], "on Monday");
}

#[test]
fn an_own_order_of_the_other_side_is_a_wash() {
    /// With an open order, another one: taken or refused.
    fn check(open: &str, new: &str, is_wash: bool) {
        let mut desk = Desk::new();
        let id = desk.taken("open", open);
        let (status, body) = desk.order("new", new);
        let found = body["message"] == "potential wash trade detected. use complex orders";
        assert_eq!(found, is_wash, "{open}, then {new}: {status} {body}");
        if is_wash {
            assert_eq!((status, &body["existing_order_id"]), (403, &Value::from(id)));
        }
    }
    check("buy 1 HELD limit 99", "sell 1 HELD limit 99.01", false);
    check("buy 1 HELD limit 99", "sell 1 HELD limit 99", true);
    check("buy 1 HELD limit 99", "sell 1 HELD market", true);
    check("sell 1 HELD limit 101", "buy 1 HELD limit 101", true);
    check("sell 1 HELD limit 101", "buy 1 HELD limit 100.99", false);
    check("sell 1 HELD stop 90", "buy 1 HELD limit 80", true);
    check("buy 1 AAPL limit 99", "sell 1 HELD market", false);
}

#[test]
fn the_published_quote_shows_our_round_lots() {
    let mut desk = Desk::new();
    let bid = |desk: &mut Desk| {
        let quote = desk.get("/v2/stocks/AAPL/quotes/latest").1["quote"].clone();
        (quote["bp"].clone(), quote["bs"].clone())
    };
    desk.taken("a", "buy 40 AAPL limit 100.01");
    desk.advance(100);
    assert_eq!(bid(&mut desk), (json!(100), json!(500)));
    desk.control("pay", &json!({"amount": 100_000}));
    desk.taken("b", "buy 250 AAPL limit 100.01");
    assert_eq!(bid(&mut desk), (json!(100), json!(500)));
    desk.advance(100);
    assert_eq!(bid(&mut desk), (json!(100.01), json!(200)));
    desk.taken("c", "buy 100 AAPL limit 100.01");
    desk.advance(100);
    assert_eq!(bid(&mut desk), (json!(100.01), json!(300)));
}

#[test]
fn replacements_form_a_chain() {
    let mut desk = Desk::new();
    let first = desk.taken("a", "buy 10 AAPL limit 99");
    let path = format!("/v2/orders/{}", first.replace('-', ""));
    let replace = |desk: &mut Desk, path: &str, body: &Value| desk.send("PATCH", path, body);
    let refused =
        |(status, body): (u16, Value)| format!("{status} {}", body["message"].as_str().unwrap());
    let change =
        json!({"limit_price": "99.5", "qty": null, "stop_price": "", "client_order_id": "b"});
    assert_eq!(
        refused(replace(&mut desk, &path, &change)),
        "422 cannot replace order in pending_new status"
    );
    desk.advance(100);
    let (status, second) = replace(&mut desk, &path, &change);
    assert_eq!(
        (status, &second["replaces"], &second["limit_price"]),
        (200, &first.into(), &"99.5".into())
    );
    assert_eq!(desk.stands("a"), "pending_replace 0@-");
    assert_eq!(
        refused(replace(&mut desk, &path, &json!({"limit_price": "99.6"}))),
        "422 order already pending replacement"
    );
    assert_eq!(
        refused(desk.send("DELETE", &path, &json!({}))),
        "422 original order pending replacement"
    );
    let next = format!("/v2/orders/{}", second["id"].as_str().unwrap());
    assert_eq!(
        refused(replace(&mut desk, &next, &json!({"limit_price": "99.7"}))),
        "422 order chain not fully replaced"
    );
    desk.advance(100);
    assert_eq!(desk.stands("a"), "replaced 0@-");
    assert_eq!(desk.get(&path).1["replaced_by"], second["id"]);
    assert_eq!(
        refused(replace(&mut desk, &path, &json!({"limit_price": "99.6"}))),
        "422 order already replaced"
    );
    desk.advance(100);
    assert_eq!(
        refused(replace(&mut desk, &next, &json!({"limit_price": "99.50"}))),
        "422 order parameters are not changed"
    );
    desk.control("fill", &json!({"client_order_id": "b", "qty": 4}));
    assert_eq!(
        refused(replace(&mut desk, &next, &json!({"qty": 4}))),
        "422 qty must be > filled_qty"
    );
    let (status, third) = replace(&mut desk, &next, &json!({"qty": 6, "client_order_id": "c"}));
    assert_eq!((status, &third["qty"], &third["filled_qty"]), (200, &"6".into(), &"4".into()));
    desk.advance(200);
    desk.quote("AAPL", "99.00", "99.50");
    desk.advance(10);
    assert_eq!(
        (desk.stands("b"), desk.stands("c")),
        ("replaced 4@99.5".to_owned(), "filled 6@99.5".to_owned())
    );
    let held = desk.get("/v2/positions/AAPL").1["qty"].clone();
    assert_eq!(held, "6");
}

#[test]
fn an_order_that_fills_before_its_replacement_wins() {
    let mut desk = Desk::new();
    let first = desk.taken("a", "buy 10 AAPL limit 99");
    desk.advance(100);
    let change = json!({"limit_price": "98", "client_order_id": "b"});
    assert_eq!(desk.send("PATCH", &format!("/v2/orders/{first}"), &change).0, 200);
    desk.quote("AAPL", "98.00", "98.50");
    desk.advance(200);
    assert_eq!(
        (desk.stands("a"), desk.stands("b")),
        ("filled 10@99".to_owned(), "rejected 0@-".to_owned())
    );
    assert_eq!(desk.get("/v2/account").1["buying_power"], desk.cash());
}

#[test]
fn a_cancel_may_come_too_late() {
    let mut desk = Desk::new();
    let id = desk.taken("a", "buy 10 AAPL limit 99");
    let path = format!("/v2/orders/{id}");
    desk.advance(100);
    assert_eq!(desk.send("DELETE", &path, &json!({})).0, 204);
    assert_eq!(desk.send("DELETE", &path, &json!({})).0, 204);
    desk.quote("AAPL", "98.00", "98.50");
    assert_eq!(desk.stands("a"), "filled 10@99");
    let (status, body) = desk.send("DELETE", &path, &json!({}));
    assert_eq!((status, &body["message"]), (422, &"order is already in \"filled\" state".into()));
    let (status, body) = desk.send("DELETE", "/v2/orders/not-an-id", &json!({}));
    assert_eq!((status, &body["code"]), (422, &40_010_001.into()));
}

#[test]
fn day_orders_expire_and_later_ones_wait_for_the_next_session() {
    let mut desk = Desk::new();
    desk.taken("day", "buy 10 AAPL limit 99");
    desk.taken("gtc", "buy 10 AAPL limit 98 gtc");
    desk.advance(6 * 3_600_000);
    assert_eq!(
        (desk.stands("day"), desk.stands("gtc")),
        ("expired 0@-".to_owned(), "new 0@-".to_owned())
    );
    let (_, clock) = desk.get("/v2/clock");
    assert_eq!(
        (&clock["is_open"], &clock["next_open"]),
        (&false.into(), &"2026-11-23T09:30:00-05:00".into())
    );
    let (_, late) = desk.order("late", "buy 10 AAPL market");
    assert_eq!(
        (&late["status"], &late["expires_at"]),
        (&"accepted".into(), &"2026-11-23T21:00:00Z".into())
    );
    desk.advance(24 * 3_600_000);
    assert_eq!(desk.stands("late"), "accepted 0@-");
    desk.advance(2 * 24 * 3_600_000);
    assert_eq!(desk.stands("late"), "filled 10@100.02");
}

#[test]
fn a_session_may_end_early() {
    let mut desk = Desk::new();
    desk.taken("x", "buy 10 AAPL limit 99");
    desk.control("close", &json!({"ms": 60_000}));
    desk.advance(59_999);
    assert_eq!(desk.get("/v2/clock").1["next_close"], "2026-11-20T10:01:00-05:00");
    assert_eq!(desk.stands("x"), "new 0@-");
    desk.advance(1);
    assert_eq!(desk.get("/v2/clock").1["is_open"], false);
    assert_eq!(desk.stands("x"), "expired 0@-");
    assert_eq!(desk.order("y", "buy 10 AAPL market").1["status"], "accepted");
}

#[test]
fn nothing_fills_in_a_halt_and_cancels_work() {
    let mut desk = Desk::new();
    desk.control("halt", &json!({"symbol": "AAPL", "ms": 10_000}));
    desk.taken("a", "buy 10 AAPL market");
    let id = desk.taken("b", "buy 10 AAPL limit 100.02");
    desk.advance(5_000);
    assert_eq!((desk.stands("a"), desk.stands("b")), ("new 0@-".to_owned(), "new 0@-".to_owned()));
    assert_eq!(desk.send("DELETE", &format!("/v2/orders/{id}"), &json!({})).0, 204);
    desk.advance(100);
    assert_eq!(desk.stands("b"), "canceled 0@-");
    desk.advance(5_000);
    assert_eq!(desk.stands("a"), "filled 10@100.02");
}

#[test]
fn a_stop_is_set_off_by_a_print() {
    let mut desk = Desk::new();
    desk.taken("a", "sell 10 HELD stop 99");
    desk.advance(100);
    desk.quote("HELD", "98.90", "99.10");
    assert_eq!(desk.stands("a"), "new 0@-");
    desk.control("trade", &json!({"symbol": "HELD", "price": "98.9"}));
    assert_eq!(desk.stands("a"), "filled 10@98.9");
}

#[test]
fn lists_are_filtered_and_paged() {
    let mut desk = Desk::new();
    for k in 0..6 {
        let words = if k % 2 == 0 { "buy 1 AAPL limit 90" } else { "sell 1 HELD limit 110" };
        desk.taken(&format!("o{k}"), words);
        desk.advance(1_000);
    }
    let id = desk.get("/v2/orders:by_client_order_id?client_order_id=o2").1["id"].clone();
    desk.send("DELETE", &format!("/v2/orders/{}", id.as_str().unwrap()), &json!({}));
    desk.advance(1_000);
    let mut check = |query: &str, expected: &str| {
        let (status, list) = desk.get(&format!("/v2/orders?{query}"));
        assert_eq!(status, 200, "{list}");
        let ids =
            list.as_array().unwrap().iter().map(|order| order["client_order_id"].as_str().unwrap());
        assert_eq!(ids.collect::<Vec<_>>().join(" "), expected, "{query}");
    };
    check("", "o5 o4 o3 o1 o0");
    check("status=all&direction=asc&nested=False", "o0 o1 o2 o3 o4 o5");
    check("status=closed", "o2");
    check("status=all&limit=2", "o5 o4");
    check("status=all&symbols=AAPL&direction=asc", "o0 o2 o4");
    check("status=all&side=sell", "o5 o3 o1");
    check("status=all&after=2026-11-20T15:00:03Z", "o5 o4");
    check("status=all&until=2026-11-20T15:00:01Z", "o0");
    check(
        &format!("status=all&direction=asc&limit=500&after_order_id={}", id.as_str().unwrap()),
        "o3 o4 o5",
    );
    check(
        &format!("status=all&before_order_id={}", id.as_str().unwrap().replace('-', "")),
        "o1 o0",
    );
    let refused = desk.get("/v2/orders?limit=501");
    assert_eq!((refused.0, &refused.1["code"]), (422, &40_010_001.into()));
}

#[test]
fn a_body_that_is_no_order_is_refused_and_never_taken() {
    let mut desk = Desk::new();
    for (body, expected) in [("", 422), ("[]", 400), ("{", 400), ("{}", 422), ("null", 400)] {
        let call = alchemiser_exchange::call::Call::new("POST", "/v2/orders");
        let call = alchemiser_exchange::call::Call { body: body.as_bytes().to_vec(), ..call };
        assert_eq!(desk.answer(&call).status, expected, "{body:?}");
    }
    assert_eq!(desk.get("/v2/orders?status=all").1, json!([]));
}

#[test]
fn cash_and_shares_are_conserved_to_the_last_decimal() {
    let mut desk = Desk::new();
    for (k, words) in ["buy 3.7 AAPL market", "sell 12.25 HELD market", "buy $333.33 MSFT market"]
        .into_iter()
        .cycle()
        .take(12)
        .enumerate()
    {
        desk.send("POST", "/v2/orders", &order(&format!("c{k}"), words));
        desk.advance(700);
    }
    let (_, state) = desk.get("/_control/state");
    let decimal = |value: &Value| value.as_str().unwrap().parse::<rust_decimal::Decimal>().unwrap();
    let mut cash = rust_decimal::Decimal::from(10_000);
    let fills = state["fills"].as_array().unwrap();
    assert!(fills.len() > 8, "{fills:?}");
    for fill in fills {
        let dollars = decimal(&fill["price"]) * decimal(&fill["qty"]);
        cash += if fill["side"] == "buy" { -dollars } else { dollars };
    }
    assert_eq!(decimal(&desk.cash().into()), cash);
}
