//! What the exchange answers: JSON bodies, key by key as the broker's.

pub mod account;
pub mod data;
pub mod order;

use alchemiser_core::quantity::Quantity;
use jiff::Timestamp;
use rust_decimal::{Decimal, prelude::ToPrimitive};
use serde_json::Value;

/// A decimal as text, or null.
fn text(decimal: Option<impl ToString>) -> Value {
    decimal.map_or(Value::Null, |decimal| decimal.to_string().into())
}

/// A time in UTC, or null.
fn time(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, |at| at.to_string().into())
}

/// A decimal as a JSON number, as market data have them.
fn number(decimal: Decimal) -> Value {
    let normal = decimal.normalize();
    if normal.scale() == 0
        && let Some(whole) = normal.to_i64()
    {
        return whole.into();
    }
    normal.to_f64().map_or(Value::Null, Value::from)
}

/// Shares as text.
fn shares(quantity: Quantity) -> Value {
    quantity.to_string().into()
}
