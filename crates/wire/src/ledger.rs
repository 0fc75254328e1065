//! Ledger lines: one child order with fills each, as JSON Lines that Athena and `DuckDB` read as they are.

use alchemiser_core::{
    execution::Execution,
    fact::Mark,
    ledger::{self, Line},
    leg::LegOutcome,
    quote::Quote,
};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

/// The schema of a line.
pub const SCHEMA: u32 = 1;

/// A line. Decimals are strings; a field that is not known is `null`, and `unknown` says why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerLine {
    /// The schema.
    pub schema: u32,
    /// The plan.
    pub plan_id: String,
    /// The workflow.
    pub correlation_id: String,
    /// The account.
    pub account: String,
    /// Where the order went: live, paper, simulated.
    pub trade_mode: Option<String>,
    /// Our id of the order.
    pub client_order_id: String,
    /// The broker's id of the order.
    pub broker_order_id: Option<String>,
    /// The symbol.
    pub symbol: String,
    /// BUY or SELL.
    pub side: String,
    /// Which order of its leg it was.
    pub attempt: u32,
    /// rest or cross.
    pub purpose: String,
    /// The policy in force.
    pub policy: Option<String>,
    /// limit, always.
    pub order_type: String,
    /// The limit in dollars.
    pub limit_price: String,
    /// Shares ordered.
    pub order_quantity: String,
    /// Shares filled.
    pub quantity: String,
    /// Average price of the fills.
    pub average_price: Option<String>,
    /// Dollars filled.
    pub notional: Option<String>,
    /// When the intent was committed.
    pub placed_at: String,
    /// When the broker took it.
    pub submitted_at: Option<String>,
    /// When it was last filled.
    pub filled_at: Option<String>,
    /// Seconds from intent to last fill.
    pub seconds_to_fill: Option<String>,
    /// The quote that the order was decided on; null for one that was adopted after its log was lost.
    pub quote_at_submit: Option<QuoteRecord>,
    /// The quote when the newest fill was seen.
    pub quote_at_fill: Option<QuoteRecord>,
    /// The first usable quote after the plan's receipt.
    pub quote_at_arrival: Option<QuoteRecord>,
    /// 2s(P − m) over the quoted spread, at submit.
    pub effective_over_quoted: Option<String>,
    /// s(far − P): dollars per share better than the far touch.
    pub price_improvement: Option<String>,
    /// `s(m(fill + τ) − P)` in dollars per share, for τ = 1, 5, 30, 60 and 300 s after the order's last fill.
    pub markouts: Vec<MarkoutRecord>,
    /// Of the leg: cost against the mid at its first submit, in bps.
    pub leg_cost_bps: Option<String>,
    /// Of the leg: the same in half-spreads.
    pub leg_cost_half_spreads: Option<String>,
    /// Of the leg: what waiting for the first submit cost, in bps.
    pub leg_delay_bps: Option<String>,
    /// Of the leg: implementation shortfall in dollars, against the first mid after the plan's receipt, with what was not
    /// filled at the mid of the leg's end.
    pub leg_shortfall: Option<String>,
    /// Of the leg: the share that resting orders filled.
    pub leg_passive_share: Option<String>,
    /// Of the leg: how it ended.
    pub leg_outcome: Option<String>,
    /// Of the leg: orders sent.
    pub leg_children: usize,
    /// Fees in dollars.
    pub fees: Option<String>,
    /// Strategy names.
    pub strategy_names: Vec<String>,
    /// Their weights, as the plan gave them.
    pub strategy_weights: Vec<String>,
    /// Why fields are null.
    pub unknown: Vec<String>,
}

/// What the price did after a fill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkoutRecord {
    /// Seconds after the fill.
    pub seconds: u32,
    /// Dollars per share; above zero when the price went our way.
    pub dollars: String,
}

/// A quote in a ledger line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuoteRecord {
    /// Best bid in dollars.
    pub bid: String,
    /// Shares bid.
    pub bid_size: String,
    /// Best ask in dollars.
    pub ask: String,
    /// Shares asked.
    pub ask_size: String,
    /// Milliseconds between its last change and its reading.
    pub age_ms: i64,
}

impl From<&Quote> for QuoteRecord {
    fn from(quote: &Quote) -> Self {
        let age = quote.observed_at.duration_since(quote.changed_at).as_millis();
        Self {
            bid: quote.bid.price.to_string(),
            bid_size: quote.bid.size.to_string(),
            ask: quote.ask.price.to_string(),
            ask_size: quote.ask.size.to_string(),
            age_ms: i64::try_from(age).unwrap_or(i64::MAX),
        }
    }
}

/// The New York date of a moment: the trading day it belongs to.
pub fn trading_date(at: Timestamp) -> Date {
    let zone = TimeZone::get("America/New_York").unwrap_or(TimeZone::UTC);
    at.to_zoned(zone).date()
}

/// Where a plan's ledger is: `ledger/{account}/date=YYYY-MM-DD/{plan_id}.jsonl`, by the New York date of its receipt.
pub fn key(state: &Execution) -> String {
    let date = trading_date(state.plan.received_at);
    format!(
        "ledger/{}/date={date}/{}.jsonl",
        encode(state.plan.account.as_str()),
        encode(state.plan.plan_id.as_str())
    )
}

/// Where a plan's page is: `reports/{account}/date=YYYY-MM-DD/{plan_id}.html`. What became known after the outcome makes a
/// page of its own beside it, named by the number of the log's entries.
pub fn report_key(state: &Execution, entries: usize) -> String {
    let date = trading_date(state.plan.received_at);
    let late = if state.has_late_news() { format!(".late-{entries:06}") } else { String::new() };
    format!(
        "reports/{}/date={date}/{}{late}.html",
        encode(state.plan.account.as_str()),
        encode(state.plan.plan_id.as_str())
    )
}

/// Percent-encodes everything outside `[A-Za-z0-9_-]`.
pub fn encode(name: &str) -> String {
    let mut encoded = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-' {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            for nibble in [byte >> 4, byte & 15] {
                encoded.extend(
                    char::from_digit(u32::from(nibble), 16).map(|digit| digit.to_ascii_uppercase()),
                );
            }
        }
    }
    encoded
}

/// The name that [`encode`] encoded; `None` for a text that it cannot have written.
///
/// ```
/// use alchemiser_wire::ledger::{decode, encode};
/// assert_eq!(decode(&encode("plan/1 é")).as_deref(), Some("plan/1 é"));
/// assert_eq!(decode("%zz"), None);
/// ```
pub fn decode(encoded: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.bytes();
    while let Some(byte) = rest.next() {
        let plain = byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                let (high, low) = (digit()?, digit()?);
                bytes.push(u8::try_from(high.checked_mul(16)?.checked_add(low)?).ok()?);
            }
            _ if plain => bytes.push(byte),
            _ => return None,
        }
    }
    String::from_utf8(bytes).ok()
}

/// The ledger's lines, one JSON object a line.
pub fn to_bytes(state: &Execution) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in lines(state) {
        bytes.extend(serde_json::to_vec(&line).unwrap_or_default());
        bytes.push(b'\n');
    }
    bytes
}

/// Where the n-th supplement of a plan's ledger is: beside it.
pub fn supplement_key(state: &Execution, number: u32) -> String {
    let key = key(state);
    let name = key.strip_suffix(".jsonl").unwrap_or(&key);
    format!("{name}.supplement-{number:02}.jsonl")
}

/// The lines of a ledger or a supplement; `None` for bytes that are none.
pub fn from_bytes(bytes: &[u8]) -> Option<Vec<LedgerLine>> {
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).ok()).collect()
}

/// The lines that say more than what was written (oldest first): new orders with fills, more shares, a price that was
/// not known. `None` when what was written is not of this execution: another order, or more shares than it has.
pub fn late(state: &Execution, written: &[LedgerLine]) -> Option<Vec<u8>> {
    let now = lines(state);
    let shares = |line: &LedgerLine| line.quantity.parse::<rust_decimal::Decimal>().ok();
    let known = |old: &LedgerLine| {
        let same = now.iter().find(|line| line.client_order_id == old.client_order_id);
        same.is_some_and(|line| shares(old).is_some_and(|old| Some(old) <= shares(line)))
    };
    if !written.iter().all(known) {
        return None;
    }
    let mut bytes = Vec::new();
    for line in &now {
        let newest = written.iter().rev().find(|old| old.client_order_id == line.client_order_id);
        let same = |old: &LedgerLine| {
            old.quantity == line.quantity && old.average_price == line.average_price
        };
        if !newest.is_some_and(same) {
            bytes.extend(serde_json::to_vec(line).unwrap_or_default());
            bytes.push(b'\n');
        }
    }
    Some(bytes)
}

/// The ledger of an execution.
pub fn lines(state: &Execution) -> Vec<LedgerLine> {
    ledger::lines(state).iter().map(|line| record(line, state)).collect()
}

fn record(line: &Line<'_>, state: &Execution) -> LedgerLine {
    let (leg, child, plan) = (line.leg, line.child, &state.plan);
    let measures = ledger::measure(leg);
    let text =
        |value: Option<rust_decimal::Decimal>| value.map(|value| value.normalize().to_string());
    let given = plan.attribution.get(leg.symbol().as_str()).cloned().unwrap_or_default();
    let (strategy_names, strategy_weights): (Vec<_>, Vec<_>) = given.into_iter().unzip();
    let preflight = state.preflight.as_ref().map(|(preflight, _)| preflight);
    LedgerLine {
        schema: SCHEMA,
        plan_id: plan.plan_id.to_string(),
        correlation_id: plan.correlation_id.to_string(),
        account: plan.account.to_string(),
        trade_mode: preflight.map(|preflight| preflight.mode.word().to_owned()),
        client_order_id: child.client_order_id.to_string(),
        broker_order_id: child.broker_order_id.as_ref().map(ToString::to_string),
        symbol: leg.symbol().to_string(),
        side: leg.side.action().to_owned(),
        attempt: child.attempt,
        purpose: child.purpose.word().to_owned(),
        policy: preflight.map(|preflight| preflight.policy.word().to_owned()),
        order_type: child.terms.kind.word().to_owned(),
        limit_price: child.terms.limit.to_string(),
        order_quantity: child.terms.quantity.to_string(),
        quantity: child.cumulative.to_string(),
        average_price: child.average_price.map(|price| price.to_string()),
        notional: child.average_price.map(|_| child.filled_notional().to_string()),
        placed_at: child.intended_at.to_string(),
        submitted_at: child.submitted_at.map(|at| at.to_string()),
        filled_at: child.filled_at.map(|at| at.to_string()),
        seconds_to_fill: text(line.seconds_to_fill()),
        quote_at_submit: child.quote.as_ref().map(QuoteRecord::from),
        quote_at_fill: child.quote_at_fill.as_ref().map(QuoteRecord::from),
        quote_at_arrival: leg.arrival.as_ref().map(QuoteRecord::from),
        effective_over_quoted: text(line.effective_over_quoted()),
        price_improvement: text(child.improvement()),
        markouts: markouts(line),
        leg_cost_bps: text(measures.cost_bps),
        leg_cost_half_spreads: text(measures.cost_half_spreads),
        leg_delay_bps: text(measures.delay_bps),
        leg_shortfall: measures.shortfall.map(|shortfall| shortfall.to_string()),
        leg_passive_share: text(measures.passive_share),
        leg_outcome: leg.outcome.map(|outcome| LegOutcome::word(outcome).to_owned()),
        leg_children: leg.children.len(),
        fees: None,
        strategy_names,
        strategy_weights,
        unknown: unknown(line),
    }
}

fn markouts(line: &Line<'_>) -> Vec<MarkoutRecord> {
    let known = |seconds: u32| {
        let dollars = line.markout(seconds)?.normalize().to_string();
        Some(MarkoutRecord { seconds, dollars })
    };
    Mark::AFTER.into_iter().filter_map(known).collect()
}

/// Says why fields are null.
fn unknown(line: &Line<'_>) -> Vec<String> {
    let mut reasons =
        vec!["fees: the broker reports them at the end of the day, not with the fill".to_owned()];
    let mut note = |missing: bool, reason: &str| {
        if missing {
            reasons.push(reason.to_owned());
        }
    };
    note(
        line.child.average_price.is_none(),
        "average_price, notional, effective_over_quoted, price_improvement: the broker had not said the price when the plan ended",
    );
    note(
        line.leg.average_price().is_none(),
        "leg_cost_bps, leg_cost_half_spreads, leg_delay_bps, leg_shortfall, leg_passive_share: a fill of the leg has no price",
    );
    note(
        ledger::first_quote(line.leg).is_some_and(|quote| quote.spread().is_zero()),
        "leg_cost_half_spreads: the market was locked at the first submit",
    );
    note(
        line.child.quote_at_fill.is_none(),
        "quote_at_fill: no usable quote when the fill was seen",
    );
    note(
        Mark::AFTER.into_iter().any(|seconds| line.markout(seconds).is_none()),
        "markouts: for the times that are not there, no quote was seen then before the plan ended",
    );
    note(
        ledger::measure(line.leg).shortfall.is_none() && line.leg.average_price().is_some(),
        "leg_shortfall: no usable quote at the plan's receipt, or at the leg's end for what was not filled",
    );
    note(line.leg.arrival.is_none(), "quote_at_arrival: no usable quote before the leg ended");
    note(
        line.child.quote.is_none(),
        "quote_at_submit, effective_over_quoted, price_improvement: the log was lost, and the order was adopted from the broker",
    );
    note(
        line.child.quote.is_some_and(|quote| quote.spread().is_zero()),
        "effective_over_quoted: the market was locked at submit",
    );
    reasons
}
