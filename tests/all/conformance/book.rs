//! A case's quote and order as ours, and what can be said of them from the input alone.

use alchemiser_core::{
    peg::Parent,
    policy::Policy,
    price::{Price, Tick},
    quantity::Quantity,
    quote::{Quote, Touch},
    side::Side,
};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::Value;

pub(crate) const CENT: Decimal = Decimal::from_parts(1, 0, 0, false, 2);

/// A number of the input, given as a string or as a JSON number; `None` for null.
pub(crate) fn number(value: &Value) -> Option<Decimal> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    text.parse().or_else(|_| Decimal::from_scientific(&text)).ok()
}

pub(crate) fn side(input: &Value) -> Side {
    let word = input["side"].as_str().unwrap();
    if word.eq_ignore_ascii_case("buy") { Side::Buy } else { Side::Sell }
}

pub(crate) fn price(value: &Value) -> Option<Price> {
    Price::new(number(value)?).ok()
}

/// The quote, if both sides are prices and it is not crossed. Where the case gives no sizes there are plenty.
pub(crate) fn quote(input: &Value) -> Option<Quote> {
    let size = |name: &str| match input.get(name) {
        Some(size) => Quantity::new(number(size)?).ok(),
        None => Quantity::new(Decimal::from(10_000)).ok(),
    };
    let bid = Touch { price: price(&input["bid"])?, size: size("bid_size")? };
    let ask = Touch { price: price(&input["ask"])?, size: size("ask_size")? };
    let at = Timestamp::UNIX_EPOCH;
    let quote = Quote { bid, ask, changed_at: at, observed_at: at };
    (bid.price <= ask.price).then_some(quote)
}

/// A leg of so many shares on the quote, with the symbol's tick.
pub(crate) fn parent(side: Side, leaves: Quantity, quote: &Quote) -> Parent {
    let policy = Policy::default();
    Parent {
        side,
        leaves,
        elapsed: Decimal::ZERO,
        crossing: false,
        urgent: false,
        resting: None,
        rested: 0,
        ramp: None,
        tick: Tick::at(quote.bid.price),
        effective_over_quoted: Decimal::ONE,
        usual_ticks: None,
        used: Vec::new(),
        round_lot: policy.round_lot,
        fill_wait: policy.fill_wait,
    }
}

pub(crate) fn float(value: Decimal) -> f64 {
    value.to_string().parse().unwrap()
}

/// One of the sides is no price.
pub(crate) fn is_no_quote(input: &Value) -> bool {
    let positive = |name: &str| number(&input[name]).is_some_and(|price| price > Decimal::ZERO);
    !positive("bid") || !positive("ask")
}

pub(crate) fn bid_and_ask(input: &Value) -> (Decimal, Decimal) {
    (number(&input["bid"]).unwrap(), number(&input["ask"]).unwrap())
}

/// Whatever theirs did: a passive price of ours stands short of the far touch.
pub(crate) fn is_inside(input: &Value, side: Side, limit: Decimal) -> bool {
    let (bid, ask) = bid_and_ask(input);
    match side {
        Side::Buy => limit < ask,
        Side::Sell => limit > bid,
    }
}
