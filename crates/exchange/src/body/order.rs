//! Orders, their fills, and the messages of the order stream.

use alchemiser_core::side::Side;
use alchemiser_market::session::SessionTime;
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{shares, text, time};
use crate::{
    hours::Calendar,
    order::{Fill, Order},
    request::Size,
    update::{Event, Update},
    venue::{Venue, asset_id},
};

/// An order as the REST answers have it.
pub fn order(venue: &Venue, order: &Order) -> Value {
    let chain = venue.chain_of(order);
    let mut body = common(order, chain);
    body["subtag"] = Value::Null;
    body["source"] = Value::Null;
    body
}

/// What REST answers and stream messages have in common.
fn common(order: &Order, (replaces, replaced_by): (Option<Uuid>, Option<Uuid>)) -> Value {
    let (terms, times) = (&order.terms, &order.times);
    let (qty, notional) = match terms.size {
        Size::Shares(quantity) => (shares(quantity), Value::Null),
        Size::Notional(dollars) => (Value::Null, dollars.to_string().into()),
    };
    let (intent, word) = match terms.side {
        Side::Buy => ("buy_to_open", terms.kind.word()),
        Side::Sell => ("sell_to_close", terms.kind.word()),
    };
    json!({
        "id": order.id.to_string(),
        "client_order_id": terms.client_order_id,
        "created_at": times.created.to_string(),
        "updated_at": times.updated.to_string(),
        "submitted_at": times.submitted.to_string(),
        "filled_at": time(times.filled),
        "expired_at": time(times.expired),
        "canceled_at": time(times.canceled),
        "failed_at": time(times.failed),
        "replaced_at": time(times.replaced),
        "replaced_by": text(replaced_by),
        "replaces": text(replaces),
        "asset_id": asset_id(&terms.symbol).to_string(),
        "symbol": terms.symbol.as_str(),
        "asset_class": "us_equity",
        "notional": notional,
        "qty": qty,
        "filled_qty": shares(order.filled),
        "filled_avg_price": text(order.average_price()),
        "order_class": "",
        "order_type": word,
        "type": word,
        "side": terms.side.word(),
        "position_intent": intent,
        "time_in_force": terms.time_in_force.word(),
        "limit_price": text(terms.kind.limit()),
        "stop_price": text(terms.kind.stop()),
        "status": order.status.word(),
        "extended_hours": terms.extended_hours,
        "legs": null,
        "trail_percent": null,
        "trail_price": null,
        "hwm": null,
        "expires_at": times.expires.to_string(),
    })
}

/// A message of the order stream.
pub fn update(update: &Update, calendar: &Calendar, now: Timestamp) -> Value {
    let mut order = common(&update.order, update.chain);
    order["cancel_requested_at"] = time(update.order.times.cancel_requested);
    let mut message = json!({
        "at": now.max(update.at).to_string(),
        "event_id": ulid(update.at, update.number),
        "event": update.event.word(),
        "timestamp": update.at.to_string(),
        "order": order,
        "execution_id": update.execution_id.to_string(),
    });
    if let Some((quantity, price, position)) = update.fill
        && matches!(update.event, Event::Fill | Event::PartialFill)
    {
        message["qty"] = shares(quantity);
        message["price"] = price.to_string().into();
        message["position_qty"] = shares(position);
        let settles = Calendar::settles_on(calendar.date_at(update.at));
        message["settle_date"] = settles.to_string().into();
    }
    message
}

/// A time and a number as a ULID: they sort as they happened.
fn ulid(at: Timestamp, number: u64) -> String {
    const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let millis = u128::from(
        SessionTime::from_millis(u64::try_from(at.as_millisecond()).unwrap_or(0)).millis(),
    );
    let bits = (millis << 80) | u128::from(number);
    (0..26).rev().map(|k| char::from(DIGITS[((bits >> (5 * k)) & 31) as usize])).collect()
}

/// A fill as the account's activities have it.
pub fn activity(venue: &Venue, fill: &Fill) -> Value {
    let order = venue.order(fill.order);
    let kind = if fill.leaves.is_zero() { "fill" } else { "partial_fill" };
    let local = venue.calendar().zone().to_datetime(fill.at);
    let prefix = local.strftime("%Y%m%d%H%M%S").to_string();
    json!({
        "id": format!("{prefix}{:03}::{}", local.millisecond(), fill.id),
        "activity_type": "FILL",
        "transaction_time": fill.at.to_string(),
        "type": kind,
        "price": fill.execution.price.to_string(),
        "qty": shares(fill.execution.quantity),
        "side": order.terms.side.word(),
        "symbol": order.terms.symbol.as_str(),
        "leaves_qty": shares(fill.leaves),
        "cum_qty": shares(fill.cumulative),
        "order_id": order.id.to_string(),
        "order_status": if fill.leaves.is_zero() { "filled" } else { "partially_filled" },
    })
}
