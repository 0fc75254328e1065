//! Orders: what we send, and what the broker says of them.

use alchemiser_core::{
    child::OrderKind,
    controls::Approved,
    ids::{BrokerOrderId, ClientOrderId, Symbol},
    report::{BrokerStatus, OrderReport},
    side::Side,
};
use serde::Serialize;

use crate::fields::{Fields, Unknown, Unreadable, unreadable};

/// A day order as it is sent: decimals are texts, and a sell can only close what is held.
#[derive(Debug, Serialize)]
pub(crate) struct NewOrder<'a> {
    symbol: &'a str,
    qty: String,
    side: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    time_in_force: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit_price: Option<String>,
    client_order_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    position_intent: Option<&'static str>,
}

impl<'a> NewOrder<'a> {
    pub(crate) fn of(order: &'a Approved) -> Self {
        let terms = order.terms();
        let (kind, limit_price) = match terms.kind {
            OrderKind::Limit => ("limit", Some(terms.limit.to_string())),
            OrderKind::Market => ("market", None),
        };
        let position_intent = match terms.side {
            Side::Buy => None,
            Side::Sell => Some("sell_to_close"),
        };
        Self {
            symbol: terms.symbol.as_str(),
            qty: terms.quantity.to_string(),
            side: terms.side.word(),
            kind,
            time_in_force: "day",
            limit_price,
            client_order_id: order.client_order_id().as_str(),
            position_intent,
        }
    }
}

/// The fields of an order that the broker is known to send.
const KNOWN: [&str; 42] = [
    "id",
    "client_order_id",
    "created_at",
    "updated_at",
    "submitted_at",
    "filled_at",
    "expired_at",
    "canceled_at",
    "failed_at",
    "replaced_at",
    "replaced_by",
    "replaces",
    "asset_id",
    "symbol",
    "asset_class",
    "notional",
    "qty",
    "filled_qty",
    "filled_avg_price",
    "order_class",
    "order_type",
    "type",
    "side",
    "position_intent",
    "time_in_force",
    "limit_price",
    "stop_price",
    "status",
    "extended_hours",
    "legs",
    "trail_percent",
    "trail_price",
    "hwm",
    "subtag",
    "source",
    "expires_at",
    "ratio_qty",
    "cancel_requested_at",
    "commission",
    "advanced_instructions",
    "account_id",
    "swap_rate",
];

/// What an order says.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) broker_order_id: String,
    client_order_id: String,
    /// What it comes to; none for an order that no plan of ours could have made (crypto, several legs).
    pub(crate) report: Result<OrderReport, Unreadable>,
}

impl Said {
    pub(crate) fn read(fields: &Fields<'_>, unknown: &Unknown) -> Result<Self, Unreadable> {
        unknown.fields("order", fields, &KNOWN);
        let broker_order_id = fields.required("id")?;
        let client_order_id = fields.required("client_order_id")?;
        let report = report(fields, &broker_order_id, &client_order_id, unknown);
        Ok(Self { broker_order_id, client_order_id, report })
    }

    /// The report of an order of a list: others' orders that cannot be ours are left out, ours are never.
    pub(crate) fn listed(self) -> Result<Option<OrderReport>, Unreadable> {
        let ours = ClientOrderId::recognise(&self.client_order_id).is_some();
        match self.report {
            Ok(report) => Ok(Some(report)),
            Err(error) if ours => Err(error),
            Err(Unreadable(found)) => {
                tracing::debug!(broker_order_id = %self.broker_order_id, %found, "an order that is not ours is left out");
                Ok(None)
            }
        }
    }
}

/// The report of the very order that was asked for.
pub(crate) fn this(
    bytes: &[u8],
    id: &ClientOrderId,
    unknown: &Unknown,
) -> Result<OrderReport, Unreadable> {
    let said = Said::read(&Fields::read(bytes)?, unknown)?;
    if said.client_order_id != id.as_str() {
        return Err(unreadable("client_order_id", id.as_str(), &said.client_order_id));
    }
    said.report
}

fn report(
    fields: &Fields<'_>,
    broker_order_id: &str,
    client_order_id: &str,
    unknown: &Unknown,
) -> Result<OrderReport, Unreadable> {
    let symbol = fields.required("symbol")?;
    let cumulative = fields.quantity("filled_qty")?;
    let submitted = fields.time("submitted_at")?;
    let submitted = submitted.or(fields.time("created_at")?).or(fields.time("updated_at")?);
    Ok(OrderReport {
        client_order_id: client_order_id.to_owned(),
        broker_order_id: BrokerOrderId::new(broker_order_id)
            .map_err(|error| Unreadable(format!("id: {error}")))?,
        symbol: Symbol::new(&symbol).map_err(|error| Unreadable(format!("symbol: {error}")))?,
        side: side(&fields.required("side")?)?,
        status: status(&fields.required("status")?, unknown),
        // An order by amount has no quantity until it is filled.
        quantity: fields.quantity("qty")?.or(cumulative).unwrap_or_default(),
        limit: fields.price("limit_price")?,
        cumulative: cumulative.ok_or_else(|| unreadable("filled_qty", "a number", "nothing"))?,
        average_price: fields.price("filled_avg_price")?,
        submitted_at: submitted.ok_or_else(|| unreadable("submitted_at", "a time", "nothing"))?,
        filled_at: fields.time("filled_at")?,
    })
}

fn side(word: &str) -> Result<Side, Unreadable> {
    let known = [Side::Buy, Side::Sell].into_iter().find(|side| side.word() == word);
    known.ok_or_else(|| unreadable("side", "buy or sell", word))
}

fn status(word: &str, unknown: &Unknown) -> BrokerStatus {
    let status = BrokerStatus::from_word(word);
    if status == BrokerStatus::Unknown && unknown.is_new("order status", word) {
        tracing::warn!(status = %word, "the broker says an order status that this release does not know; the order counts as open");
    }
    status
}
