//! `RebalancePlanned` 1.x.

use std::{borrow::Cow, collections::BTreeMap};

use alchemiser_core::{
    ids::{AccountId, EventId},
    plan::{Draft, DraftItem, PlanRefused, RefusalCode},
};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{decimal, incoming::Envelope, strict};

/// The detail-type.
pub const DETAIL_TYPE: &str = "RebalancePlanned";

/// What the reader needs to know besides the event.
#[derive(Clone, Debug)]
pub struct Accounts {
    /// Where a plan that names no account is traded.
    pub default: AccountId,
}

/// A decimal: a string without exponent, or a JSON number, whose digits are read as they stand.
#[cfg(feature = "schema")]
#[derive(schemars::JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "it only describes")]
enum Amount {
    Text(String),
    Number(serde_json::Number),
}

#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Deserialize)]
pub(crate) struct Detail<'a> {
    /// The workflow that the event belongs to; the same from the plan to its end.
    correlation_id: String,
    /// The event that caused this one.
    causation_id: Option<String>,
    /// The event's own id.
    event_id: String,
    /// The detail-type once more.
    event_type: Option<String>,
    /// 1.x; here or in the plan.
    schema_version: Option<String>,
    /// The account, the validity, the strategies; here or in the plan.
    #[serde(borrow)]
    metadata: Option<Metadata<'a>>,
    /// The plan.
    #[serde(borrow)]
    rebalance_plan: Body<'a>,
    /// False: nothing is to be traded.
    trades_required: bool,
}

#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Default, Deserialize)]
struct Metadata<'a> {
    /// Where the plan is traded; without it, the configured account.
    account: Option<String>,
    /// No first order is sent after it.
    valid_until: Option<String>,
    /// By symbol, the part of each strategy.
    #[serde(borrow)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<serde_json::Value>"))]
    strategy_attribution: Option<&'a RawValue>,
}

#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Deserialize)]
struct Body<'a> {
    /// 1.x; here or beside the plan.
    schema_version: Option<String>,
    /// The plan's id; the same id is traded once.
    plan_id: String,
    /// When the plan was made, UTC.
    timestamp: String,
    /// What is to be bought, sold and held; a symbol once.
    #[serde(borrow)]
    items: Vec<Item<'a>>,
    /// Dollars.
    #[serde(borrow)]
    #[cfg_attr(feature = "schema", schemars(with = "Amount"))]
    total_portfolio_value: &'a RawValue,
    /// Dollars that the items move.
    #[serde(borrow)]
    #[cfg_attr(feature = "schema", schemars(with = "Amount"))]
    total_trade_value: &'a RawValue,
    /// `LOW`, `NORMAL`, `HIGH` or `URGENT`.
    execution_urgency: Option<String>,
    /// As beside the plan.
    #[serde(borrow)]
    metadata: Option<Metadata<'a>>,
}

#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Deserialize)]
struct Item<'a> {
    /// The symbol.
    symbol: String,
    /// `BUY`, `SELL` or `HOLD`.
    action: String,
    /// Dollars, below zero for a sell.
    #[serde(borrow)]
    #[cfg_attr(feature = "schema", schemars(with = "Amount"))]
    trade_amount: &'a RawValue,
    /// Dollars held.
    #[serde(borrow)]
    #[cfg_attr(feature = "schema", schemars(with = "Amount"))]
    current_value: &'a RawValue,
    /// Dollars wanted.
    #[serde(borrow)]
    #[cfg_attr(feature = "schema", schemars(with = "Amount"))]
    target_value: &'a RawValue,
    /// Part of the portfolio held.
    #[serde(borrow)]
    #[cfg_attr(feature = "schema", schemars(with = "Amount"))]
    current_weight: &'a RawValue,
    /// Part of the portfolio wanted.
    #[serde(borrow)]
    #[cfg_attr(feature = "schema", schemars(with = "Amount"))]
    target_weight: &'a RawValue,
    /// The order in which legs of a side begin.
    priority: i64,
}

/// Reads the plan out of an event. The items' meaning is checked by [`alchemiser_core::plan::Plan::new`].
///
/// # Errors
/// [`PlanRefused`] naming the first field that does not fit.
pub fn read(event: &Envelope, accounts: &Accounts) -> Result<Draft, PlanRefused> {
    if event.detail_type != DETAIL_TYPE {
        return Err(PlanRefused::new(
            RefusalCode::WrongEvent,
            "detail-type",
            DETAIL_TYPE,
            &event.detail_type,
        ));
    }
    let detail: Detail<'_> = strict::read_again(event.detail.get(), "detail")?;
    if let Some(kind) = detail.event_type.as_ref().filter(|kind| *kind != DETAIL_TYPE) {
        return Err(PlanRefused::new(RefusalCode::WrongEvent, "event_type", DETAIL_TYPE, kind));
    }
    schema("schema_version", detail.schema_version.as_deref())?;
    schema("rebalance_plan.schema_version", detail.rebalance_plan.schema_version.as_deref())?;
    if detail.schema_version.is_none() && detail.rebalance_plan.schema_version.is_none() {
        return Err(PlanRefused::new(
            RefusalCode::MissingField,
            "schema_version",
            "1.x",
            "no field",
        ));
    }
    if let Some(causation) = &detail.causation_id {
        event_id("causation_id", causation)?;
    }
    let (outer, body) = (detail.metadata.unwrap_or_default(), detail.rebalance_plan);
    let inner = body.metadata.unwrap_or_default();
    let attribution = inner.strategy_attribution.or(outer.strategy_attribution);
    Ok(Draft {
        account: account(outer.account.or(inner.account), accounts)?,
        source_event: event_id("event_id", &detail.event_id)?,
        plan_id: body.plan_id,
        correlation_id: detail.correlation_id,
        timestamp: time("rebalance_plan.timestamp", &body.timestamp)?,
        valid_until: outer
            .valid_until
            .or(inner.valid_until)
            .map(|until| time("metadata.valid_until", &until))
            .transpose()?,
        urgency: body.execution_urgency.unwrap_or_else(|| "NORMAL".to_owned()),
        portfolio_value: number(
            || "rebalance_plan.total_portfolio_value".to_owned(),
            body.total_portfolio_value,
        )?,
        trade_value: number(
            || "rebalance_plan.total_trade_value".to_owned(),
            body.total_trade_value,
        )?,
        trades_required: detail.trades_required,
        items: body.items.into_iter().enumerate().map(item).collect::<Result<_, _>>()?,
        attribution: attribution.map(attributed).unwrap_or_default(),
    })
}

fn schema(field: &str, version: Option<&str>) -> Result<(), PlanRefused> {
    match version {
        Some(version) if version.split('.').next() != Some("1") => {
            Err(PlanRefused::new(RefusalCode::UnknownSchema, field, "1.x", format!("{version:?}")))
        }
        Some(_) | None => Ok(()),
    }
}

fn event_id(field: &str, text: &str) -> Result<EventId, PlanRefused> {
    EventId::new(text).map_err(|error| malformed(field, error.expected, text))
}

fn malformed(field: &str, expected: &str, found: &str) -> PlanRefused {
    PlanRefused::new(RefusalCode::MalformedField, field, expected, format!("{found:?}"))
}

fn account(named: Option<String>, accounts: &Accounts) -> Result<AccountId, PlanRefused> {
    match named {
        Some(name) if name != accounts.default.as_str() => {
            let expected = format!("the configured account {}", accounts.default);
            Err(PlanRefused::new(
                RefusalCode::UnknownAccount,
                "metadata.account",
                &expected,
                format!("{name:?}"),
            ))
        }
        Some(_) | None => Ok(accounts.default.clone()),
    }
}

fn time(field: &str, text: &str) -> Result<Timestamp, PlanRefused> {
    let Ok(time) = text.parse() else {
        return Err(malformed(field, "an RFC 3339 time with its zone", text));
    };
    Ok(time)
}

/// A decimal that is a JSON string or a JSON number. Its place is put into words only when it is refused.
fn number(field: impl Fn() -> String, raw: &RawValue) -> Result<Decimal, PlanRefused> {
    let text = raw.get();
    let refused = |found: &str| {
        PlanRefused::new(
            RefusalCode::MalformedField,
            &field(),
            "a decimal as JSON string or number",
            found,
        )
    };
    let inner = match text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) if !inner.contains('\\') => Cow::Borrowed(inner),
        Some(_) => Cow::Owned(serde_json::from_str(text).ok().ok_or_else(|| refused(text))?),
        None if text.starts_with(|first: char| first == '-' || first.is_ascii_digit()) => {
            Cow::Borrowed(text)
        }
        None => return Err(refused(text)),
    };
    decimal::read(&inner).map_err(|error| {
        let message = error.to_string();
        let (expected, found) = message.split_once(", found ").unwrap_or((&message, text));
        let expected = expected.strip_prefix("expected ").unwrap_or(expected);
        PlanRefused::new(RefusalCode::MalformedField, &field(), expected, found)
    })
}

fn item((index, item): (usize, Item<'_>)) -> Result<DraftItem, PlanRefused> {
    let at = |name: &str, raw: &RawValue| {
        number(|| format!("rebalance_plan.items[{index}].{name}"), raw)
    };
    Ok(DraftItem {
        trade_amount: at("trade_amount", item.trade_amount)?,
        current_value: at("current_value", item.current_value)?,
        target_value: at("target_value", item.target_value)?,
        current_weight: at("current_weight", item.current_weight)?,
        target_weight: at("target_weight", item.target_weight)?,
        symbol: item.symbol,
        action: item.action,
        priority: item.priority,
    })
}

/// Strategy names and weights, as given. What is not of the documented form is left out: attribution explains trades,
/// it never stops them.
fn attributed(raw: &RawValue) -> BTreeMap<String, Vec<(String, String)>> {
    let parsed =
        serde_json::from_str::<BTreeMap<String, BTreeMap<String, Box<RawValue>>>>(raw.get());
    let text = |weight: &RawValue| {
        serde_json::from_str::<String>(weight.get()).unwrap_or_else(|_| weight.get().to_owned())
    };
    let weights = |weights: BTreeMap<String, Box<RawValue>>| {
        weights.into_iter().map(|(name, weight)| (name, text(&weight))).collect()
    };
    parsed.unwrap_or_default().into_iter().map(|(symbol, given)| (symbol, weights(given))).collect()
}
