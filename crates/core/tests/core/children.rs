//! One order: what a reading changes, and what it is worth.

use alchemiser_core::{
    child::{ChildOrder, OrderKind, Status},
    fact::Reported,
    ids::BrokerOrderId,
    leg::Leg,
    report::BrokerStatus,
};

use crate::given::{after, check_of, decimal, leg, ordered, price, quote, shares, start};

/// The one order of a leg (see [`ordered`]).
fn child(item: &str, order: &str) -> ChildOrder {
    let mut leg: Leg = leg(item, &check_of("100", "100", ""));
    ordered(&mut leg, order);
    leg.children.remove(0)
}

/// `"partially_filled 3@100.00"` or `"new 0"`, of an order of 9 at 100.00.
fn reading(text: &str) -> Reported {
    let (status, fills) = text.split_once(' ').unwrap();
    let (cumulative, average) = fills.split_once('@').unwrap_or((fills, ""));
    Reported {
        broker_order_id: BrokerOrderId::new("b1").unwrap(),
        status: BrokerStatus::from_word(status),
        quantity: shares("9"),
        limit: Some(price("100.00")),
        cumulative: shares(cumulative),
        average_price: (!average.is_empty()).then(|| price(average)),
        submitted_at: after(start(), 10),
        filled_at: None,
        quote: None,
    }
}

/// A working order with 3 of 9 filled at 100.00.
fn working() -> ChildOrder {
    let order = "rest 9@100.00 got 3@100.00 on 100.00x500 100.02x500";
    ChildOrder { status: Status::Working, ..child("BUY X 900", order) }
}

/// H9, T4: a reading is news when status, fills, their price or the broker's id are; anything else is not recorded.
#[test]
fn only_what_is_new_is_news() {
    let check = |child: &ChildOrder, text: &str, news: bool| {
        assert_eq!(child.is_news(&reading(text)), news, "{text}");
    };
    check(&working(), "partially_filled 3@100.00", false);
    check(&working(), "partially_filled 3", false);
    check(&working(), "new 0", false);
    check(&working(), "new 2@99.00", false);
    check(&working(), "canceled 3@100.00", true);
    check(&working(), "partially_filled 4@100.00", true);
    check(&working(), "partially_filled 3@99.99", true);
    let unknown = ChildOrder { broker_order_id: None, ..working() };
    check(&unknown, "partially_filled 3@100.00", true);
    let over = ChildOrder { status: Status::Canceled, ..working() };
    check(&over, "new 3@100.00", false);
    check(&over, "filled 9@100.00", true);
}

/// L1, T4: fills only grow, and bring their time, price and quote; a price that is read again replaces the old one.
#[test]
fn a_reading_moves_the_order_forward() {
    let followed = |readings: &[Reported]| {
        let mut child = working();
        for (index, reading) in (1..).zip(readings) {
            child.follow(reading, after(start(), index * 1000));
        }
        child
    };
    let told = |child: &ChildOrder| {
        let average = child.average_price.map(|price| price.to_string()).unwrap_or_default();
        let filled = child.filled_at.map(|at| at.duration_since(start()).as_millis());
        (child.status, child.cumulative.to_string(), average, filled)
    };
    let at = |status, cumulative: &str, average: &str, filled: Option<i128>| {
        (status, cumulative.to_owned(), average.to_owned(), filled)
    };
    let grown = followed(&[reading("partially_filled 5@100.01")]);
    assert_eq!(told(&grown), at(Status::Working, "5", "100.01", Some(1_000)));
    let own_clock = Reported {
        filled_at: Some(after(start(), 700)),
        quote: Some(quote("100.01x1 100.03x2", start())),
        ..reading("filled 9@100.01")
    };
    let own_clock = followed(&[own_clock]);
    assert_eq!(told(&own_clock), at(Status::Filled, "9", "100.01", Some(700)));
    assert_eq!(own_clock.quote_at_fill, Some(quote("100.01x1 100.03x2", start())));
    let shrunk = followed(&[reading("partially_filled 2@99.00")]);
    assert_eq!(told(&shrunk), at(Status::Working, "3", "100", None));
    let same = followed(&[reading("canceled 3@99.99")]);
    assert_eq!(told(&same), at(Status::Canceled, "3", "99.99", None));
    let unpriced = followed(&[reading("partially_filled 3")]);
    assert_eq!(told(&unpriced), at(Status::Working, "3", "100", None));
    let late = followed(&[reading("canceled 3@100.00"), reading("canceled 4@100.00")]);
    assert_eq!(told(&late), at(Status::Canceled, "4", "100", Some(2_000)));
    assert_eq!(late.ended_at, Some(after(start(), 1_000)), "it ended once");
    assert_eq!(late.reported_at, Some(after(start(), 2_000)));
}

/// T1: the broker's first answer says what was really ordered; later ones do not.
#[test]
fn the_first_answer_sets_the_terms() {
    let other = Reported { quantity: shares("8"), limit: Some(price("99")), ..reading("new 3") };
    let terms =
        |child: &ChildOrder| (child.terms.quantity.to_string(), child.terms.limit.to_string());
    let mut known = working();
    known.follow(&other, start());
    assert_eq!(terms(&known), ("9".to_owned(), "100".to_owned()));
    let mut unknown = ChildOrder { broker_order_id: None, ..working() };
    unknown.follow(&other, start());
    assert_eq!(terms(&unknown), ("8".to_owned(), "99".to_owned()));
    assert_eq!(unknown.leaves(), shares("5"));
    assert_eq!(unknown.submitted_at, Some(after(start(), 10)));
    let mut unlimited = ChildOrder { broker_order_id: None, ..working() };
    unlimited.follow(&Reported { limit: None, ..other }, start());
    assert_eq!(terms(&unlimited), ("8".to_owned(), "100".to_owned()));
}

/// L1: an order is settled when it can fill no more and its fills have a price.
#[test]
fn a_settled_order_has_nothing_left_to_say() {
    let is = |status: Status, cumulative: &str, average: &str| {
        let mut child = working();
        child.status = status;
        child.cumulative = shares(cumulative);
        child.average_price = (!average.is_empty()).then(|| price(average));
        (child.may_still_fill(), child.is_settled())
    };
    assert_eq!(is(Status::Working, "3", "100"), (true, false));
    assert_eq!(is(Status::InFlight, "0", ""), (true, false));
    assert_eq!(is(Status::Unresolved, "0", ""), (true, false));
    assert_eq!(is(Status::Canceled, "0", ""), (false, true));
    assert_eq!(is(Status::Canceled, "3", ""), (false, false));
    assert_eq!(is(Status::Filled, "9", "100"), (false, true));
    assert_eq!(is(Status::Unsent, "0", ""), (false, true));
}

/// L10: the price improvement is s(far − P): dollars better than the far touch.
#[test]
fn the_price_improvement_is_against_the_far_touch() {
    let check = |item: &str, order: &str, expected: Option<&str>| {
        let found = child(item, &format!("{order} on 100.00x500 100.02x500")).improvement();
        assert_eq!(found, expected.map(decimal), "{item} {order}");
    };
    check("BUY X 900", "rest 9@100.00 got 9@100.00", Some("0.02"));
    check("BUY X 900", "cross 9@100.08 got 9@100.03", Some("-0.01"));
    check("EXIT X 900", "rest 9@100.02 got 9@100.02", Some("0.02"));
    check("EXIT X 900", "cross 9@99.90 got 9@100.00", Some("0"));
    check("EXIT X 900", "cross 9@99.90 got 9", None);
}

/// T3: both kinds of order have words of their own.
#[test]
fn kinds_have_words() {
    assert_eq!(OrderKind::ALL.map(OrderKind::word), ["limit", "market"]);
}
