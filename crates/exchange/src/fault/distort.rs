//! Answers that say something else than what is.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{Fault, Rule};

/// How long ago stale quotes are from, in milliseconds, if a rule does not say.
const STALE_MS: u64 = 60_000;

/// What becomes of a body by a rule. Most rules leave it alone.
pub(crate) fn distorted(mut body: Value, rule: &Rule) -> Value {
    match rule.fault {
        Fault::NoPrice => each(&mut body, &mut |order| {
            if order.contains_key("filled_avg_price") {
                order.insert("filled_avg_price".to_owned(), Value::Null);
            }
        }),
        Fault::OrdersStale => each(&mut body, &mut as_taken),
        Fault::OrdersMissing => {
            if let Value::Array(orders) = &mut body {
                let newest = (0..orders.len()).max_by_key(|k| created(&orders[*k]));
                newest.map(|k| orders.remove(k));
            }
        }
        Fault::OrdersDuplicated => {
            if let Value::Array(orders) = &mut body {
                *orders = orders.drain(..).flat_map(twice).collect();
            }
        }
        Fault::OrdersReordered => {
            if let Value::Array(orders) = &mut body {
                orders.reverse();
            }
        }
        Fault::CancelAllBare => each(&mut body, &mut |result| {
            result.remove("body");
        }),
        Fault::QuoteStale => {
            let ago = i64::try_from(rule.ms.unwrap_or(STALE_MS)).unwrap_or(i64::MAX);
            quotes(&mut body, &mut |quote| {
                let at: Option<Timestamp> = quote["t"].as_str().and_then(|text| text.parse().ok());
                let before =
                    at.and_then(|at| at.checked_sub(SignedDuration::from_millis(ago)).ok());
                quote["t"] = before.map_or(Value::Null, |before| before.to_string().into());
            });
        }
        Fault::QuoteCrossed => quotes(&mut body, &mut |quote| {
            let (bid, ask) = (quote["bp"].take(), quote["ap"].take());
            (quote["bp"], quote["ap"]) = (ask, bid);
        }),
        Fault::QuoteZero => quotes(&mut body, &mut |quote| zero(quote, rule.side.as_deref())),
        Fault::QuoteMissing => missing(&mut body, rule.symbol.as_deref()),
        Fault::LostRequest
        | Fault::LostAnswer
        | Fault::LateLanding
        | Fault::TooManyRequests
        | Fault::ServerError
        | Fault::UnclearAnswer
        | Fault::Unauthorized
        | Fault::SlowAnswer
        | Fault::DuplicateId
        | Fault::Refused
        | Fault::PartialFill
        | Fault::CancelRace
        | Fault::CancelIgnored
        | Fault::CancelAgain
        | Fault::ReplaceWedge
        | Fault::OrderUnseen
        | Fault::FundsLag
        | Fault::SymbolHalt
        | Fault::StreamGap
        | Fault::StreamDuplicate
        | Fault::StreamReorder
        | Fault::QuoteStreamGap
        | Fault::QuoteStreamCut
        | Fault::GhostSlot
        | Fault::SlotBusy => {}
    }
    body
}

type Object = serde_json::Map<String, Value>;

/// Every object of a list, or the one that there is.
fn each(body: &mut Value, change: &mut impl FnMut(&mut Object)) {
    match body {
        Value::Array(items) => items.iter_mut().for_each(|item| each(item, change)),
        Value::Object(object) => change(object),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn created(order: &Value) -> String {
    order["created_at"].as_str().unwrap_or_default().to_owned()
}

/// An order as it was told when it had just been taken.
fn as_taken(order: &mut Object) {
    if !order.contains_key("filled_qty") {
        return;
    }
    for (name, value) in [("status", "pending_new"), ("filled_qty", "0")] {
        order.insert(name.to_owned(), value.into());
    }
    for name in ["filled_avg_price", "filled_at", "canceled_at", "expired_at", "replaced_at"] {
        order.insert(name.to_owned(), Value::Null);
    }
}

/// An order as it is, and as it was told when it had just been taken.
fn twice(order: Value) -> [Value; 2] {
    let mut before = order.clone();
    each(&mut before, &mut as_taken);
    [order, before]
}

/// Every quote anywhere in a body: an object with a bid and an ask.
fn quotes(body: &mut Value, change: &mut impl FnMut(&mut Value)) {
    match body {
        Value::Object(object) if object.contains_key("bp") && object.contains_key("ap") => {
            change(body);
        }
        Value::Object(object) => object.values_mut().for_each(|value| quotes(value, change)),
        Value::Array(items) => items.iter_mut().for_each(|item| quotes(item, change)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn zero(quote: &mut Value, side: Option<&str>) {
    for (name, price, size) in [("bid", "bp", "bs"), ("ask", "ap", "as")] {
        if side.is_none_or(|side| side == name) {
            (quote[price], quote[size]) = (0.into(), 0.into());
        }
    }
}

/// A symbol is left out: the one that a rule names, or every one.
fn missing(body: &mut Value, symbol: Option<&str>) {
    let Some(object) = body.as_object_mut() else { return };
    let leave = |map: &mut Object| match symbol {
        Some(symbol) => drop(map.remove(symbol)),
        None => map.clear(),
    };
    let lists = ["quotes", "trades", "bars"];
    match lists.into_iter().find(|name| object.contains_key(*name)) {
        Some(name) => object.get_mut(name).and_then(Value::as_object_mut).map_or((), leave),
        None => leave(object),
    }
}
