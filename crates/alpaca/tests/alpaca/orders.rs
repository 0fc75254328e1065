//! Orders: sent once, answered or not, looked up, listed, canceled.

use alchemiser_core::{
    controls::Approved,
    fact::RefusalKind,
    ids::{BrokerOrderId, ClientOrderId},
    report::{BrokerStatus, OrderReport},
    side::Side,
};
use alchemiser_driver::ports::{Broker, SubmitError};

use crate::{
    given::{Desk, at, buy, sell, start},
    server::{Answer, say},
};

/// An order as the broker tells it, with one field told otherwise.
fn told(id: &str, name: &str, value: &str) -> String {
    let fields = [
        ("id", "\"b-1\""),
        ("client_order_id", id),
        ("submitted_at", "\"2026-01-26T15:00:00.123456789Z\""),
        ("filled_at", "null"),
        ("symbol", "\"X\""),
        ("qty", "\"7.2273576\""),
        ("filled_qty", "\"0\""),
        ("filled_avg_price", "null"),
        ("side", "\"buy\""),
        ("limit_price", "\"100.07\""),
        ("status", "\"pending_new\""),
        ("order_class", "\"\""),
    ];
    let kept = fields.iter().filter(|(known, _)| *known != name).copied();
    let all: Vec<String> = kept
        .chain((!name.is_empty()).then_some((name, value)))
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    format!("{{{}}}", all.join(","))
}

fn quoted(id: &ClientOrderId) -> String {
    format!("\"{id}\"")
}

fn submitted(order: &Approved, answer: Answer) -> Result<OrderReport, SubmitError> {
    at(&[answer], async |desk: &Desk| {
        let submitted = desk.alpaca.submit(order).await;
        assert_eq!(desk.server.asked().len(), 1, "sent once");
        submitted
    })
}

/// S12, L5: an order is a day order, its decimals are texts, and a sell can only close.
#[test]
fn an_order_is_sent_as_texts() {
    let check = |order: &Approved, expected: &str| {
        let body = told(&quoted(order.client_order_id()), "", "");
        at(&[say(200, &body)], async |desk: &Desk| {
            desk.alpaca.submit(order).await.unwrap();
            let asked = desk.server.asked().remove(0);
            assert_eq!(asked.line, "POST /v2/orders");
            let id = order.client_order_id().as_str();
            assert_eq!(asked.body.replace(id, "ID"), expected);
        });
    };
    check(
        &buy(),
        r#"{"symbol":"X","qty":"4.999","side":"buy","type":"limit","time_in_force":"day","limit_price":"100.08","client_order_id":"ID"}"#,
    );
    check(
        &sell(),
        r#"{"symbol":"X","qty":"10","side":"sell","type":"limit","time_in_force":"day","limit_price":"99.93","client_order_id":"ID","position_intent":"sell_to_close"}"#,
    );
}

/// L1, S12, T4: what the broker says of an order, field by field.
#[test]
fn an_order_is_read_field_by_field() {
    let order = buy();
    let read = |name: &str, value: &str| {
        let body = told(&quoted(order.client_order_id()), name, value);
        submitted(&order, say(200, &body))
    };
    let plain = read("", "").unwrap();
    assert_eq!(plain.quantity.to_string(), "7.2273576");
    assert_eq!(plain.limit.unwrap().to_string(), "100.07");
    assert_eq!((plain.status, plain.side), (BrokerStatus::PendingNew, Side::Buy));
    assert_eq!(plain.submitted_at.to_string(), "2026-01-26T15:00:00.123456789Z");
    assert_eq!(read("status", "\"accepted\"").unwrap().status, BrokerStatus::Accepted);
    assert_eq!(read("status", "\"teleported\"").unwrap().status, BrokerStatus::Unknown);
    assert_eq!(read("filled_avg_price", "\"0\"").unwrap().average_price, None);
    assert_eq!(read("hue", "\"blue\"").unwrap(), plain, "what is not known is ignored");
    assert_eq!(read("order_class", "null").unwrap(), plain);
    // A report that says too little, or is another order's, is no clear answer.
    for (name, value) in [("filled_qty", ""), ("side", "\"\""), ("symbol", "\"B C\"")] {
        assert!(matches!(read(name, value), Err(SubmitError::Unclear(_))), "{name}");
    }
    let other = read("client_order_id", "\"al-aaaaaaaaaaaaaaaaaaaaaaaaaa\"");
    assert!(matches!(other, Err(SubmitError::Unclear(_))), "{other:?}");
}

/// S11, L6, L8: only a 4xx refuses an order, and neither 429 nor a duplicate id does; nothing is sent twice.
#[test]
fn an_answer_is_told_by_its_status_and_its_text() {
    let order = buy();
    let check = |status: u16, body: &str, expected: &str| {
        let said = match submitted(&order, say(status, body)).unwrap_err() {
            SubmitError::Refused(refusal) => format!("refused {:?}", refusal.kind),
            SubmitError::Duplicate => "duplicate".to_owned(),
            SubmitError::Unclear(_) => "unclear".to_owned(),
            SubmitError::NotSent(_) => "not sent".to_owned(),
        };
        assert_eq!(said, expected, "{status} {body}");
    };
    let message = |code: u32, text: &str| format!(r#"{{"code":{code},"message":"{text}"}}"#);
    check(422, &message(40_010_001, "client_order_id must be unique"), "duplicate");
    check(422, &message(42_210_000, "client order id must be unique"), "duplicate");
    check(403, &message(40_310_000, "client_order_id must be unique"), "refused Other");
    check(403, &message(40_310_000, "insufficient buying power"), "refused InsufficientFunds");
    check(
        403,
        r#"{"available":"1.5","code":40310000,"message":"insufficient qty available for order (requested: 7, available: 1.5)"}"#,
        "refused InsufficientQuantity { available: Some(Quantity(1.5)) }",
    );
    check(
        403,
        &message(40_310_000, "potential wash trade detected. use complex orders"),
        "refused WashTrade",
    );
    check(
        403,
        &message(40_310_000, r#"asset \"OCGN\" is not fractionable"#),
        "refused NotFractionable",
    );
    let penny = "invalid limit_price 290.123. sub-penny increment does not fulfill minimum pricing criteria";
    check(422, &message(42_210_000, penny), "refused SubPenny");
    check(401, r#"{"message":"unauthorized."}"#, "refused Other");
    check(404, "<html>nothing here</html>", "refused Other");
    check(429, &message(42_910_000, "rate limit exceeded"), "unclear");
    for status in [302, 307, 408, 500, 502, 503, 504] {
        check(status, "gateway", "unclear");
    }
}

/// S9, S11: an answer that does not come, or not whole, says nothing of the order.
#[test]
fn an_order_without_an_answer_is_unclear() {
    for answer in [Answer::Break, Answer::Half, Answer::Hang, say(200, "{}"), say(200, "")] {
        let submitted = submitted(&buy(), answer.clone());
        assert!(matches!(submitted, Err(SubmitError::Unclear(_))), "{answer:?}: {submitted:?}");
    }
}

/// S11: an order is looked up by our id; only the broker's own 404 says that it is not there.
#[test]
fn an_order_is_looked_up_by_our_id() {
    let order = buy();
    let id = order.client_order_id();
    let check = |answer: Answer, expected: Option<bool>| {
        at(std::slice::from_ref(&answer), async |desk: &Desk| {
            let found = desk.alpaca.order(id).await;
            assert_eq!(found.map(|found| found.is_some()).ok(), expected, "{answer:?}");
            let path = format!("GET /v2/orders:by_client_order_id?client_order_id={id}");
            assert_eq!(desk.server.asked()[0].line, path);
        });
    };
    check(say(200, &told(&quoted(id), "", "")), Some(true));
    check(say(404, r#"{"code":40410000,"message":"order not found for x"}"#), Some(false));
    check(say(404, r#"{"message":"order not found"}"#), Some(false));
    check(say(404, "no route to that page"), None);
    check(say(200, &told("\"al-aaaaaaaaaaaaaaaaaaaaaaaaaa\"", "", "")), None);
    check(say(500, ""), None);
    check(Answer::Break, None);
}

/// S14, X13: a list is one call, and goes on after the last order of a full page, of everything that is open as of everything
/// since a time; what is nobody's plan's is left out.
#[test]
fn a_list_of_orders_is_paged() {
    let numbered = |k: usize| told(&format!("\"other-{k}\""), "id", &format!("\"b-{k}\""));
    let page = |numbers: std::ops::Range<usize>| {
        format!("[{}]", numbers.map(numbered).collect::<Vec<_>>().join(","))
    };
    let script = [say(200, &page(0..500)), say(200, &page(500..503))];
    at(&script, async |desk: &Desk| {
        assert_eq!(desk.alpaca.orders(start()).await.unwrap().len(), 503);
        let asked: Vec<String> = desk.server.asked().into_iter().map(|asked| asked.line).collect();
        let common = "GET /v2/orders?status=all&limit=500&direction=asc&nested=false";
        let pages = ["&after=2026-01-26T15%3A00%3A00Z", "&after_order_id=b-499"];
        assert_eq!(asked, pages.map(|page| format!("{common}{page}")));
    });
    at(&script, async |desk: &Desk| {
        assert_eq!(desk.alpaca.open_orders().await.unwrap().len(), 503);
        let asked: Vec<String> = desk.server.asked().into_iter().map(|asked| asked.line).collect();
        let common = "GET /v2/orders?status=open&limit=500&direction=asc&nested=false";
        assert_eq!(asked, ["", "&after_order_id=b-499"].map(|page| format!("{common}{page}")));
    });
    let check = |name: &str, value: &str, id: &str, expected: Option<usize>| {
        let list = format!("[{}]", told(id, name, value));
        at(&[say(200, &list)], async |desk: &Desk| {
            let found = desk.alpaca.orders(start()).await.ok().map(|found| found.len());
            assert_eq!(found, expected, "{name} {value}");
        });
    };
    check("symbol", "\"BTC/USD\"", "\"by-hand\"", Some(0));
    check("qty", "null", "\"by-hand\"", Some(1));
    check("symbol", "\"BTC/USD\"", &quoted(buy().client_order_id()), None);
}

/// L6: a cancel that was taken is not a cancel that was done; one that was not taken says why.
#[test]
fn a_cancel_is_a_request() {
    let check = |answer: Answer, expected: &str| {
        at(&[answer], async |desk: &Desk| {
            let id = BrokerOrderId::new("b-1").unwrap();
            let canceled = desk.alpaca.cancel(&id).await;
            let said = canceled.map_or_else(|error| error.to_string(), |()| "taken".to_owned());
            assert!(said.contains(expected), "{said}");
            assert_eq!(desk.server.asked()[0].line, "DELETE /v2/orders/b-1");
        });
    };
    check(say(204, ""), "taken");
    let filled = r#"{"code":42210000,"message":"order is already in \"filled\" state"}"#;
    check(
        say(422, filled),
        "HTTP 422, code 42210000: order is already in \"filled\" state (request req-7)",
    );
    check(Answer::Hang, "no answer within 200ms");
}

/// L6: the kind of a refusal is found whatever its code.
#[test]
fn a_refusal_keeps_the_brokers_words() {
    let body = r#"{"code":40310000,"message":"insufficient buying power","buying_power":"1"}"#;
    let Err(SubmitError::Refused(refusal)) = submitted(&buy(), say(403, body)) else {
        panic!("not refused")
    };
    assert_eq!(refusal.kind, RefusalKind::InsufficientFunds);
    assert_eq!(
        refusal.message,
        "HTTP 403, code 40310000: insufficient buying power (request req-7)"
    );
}
