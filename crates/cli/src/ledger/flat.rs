//! Ledger lines as CSV: nested fields have columns of their own.

use alchemiser_core::fact::Mark;
use alchemiser_wire::ledger::{LedgerLine, QuoteRecord};
use csv::Writer;

use super::Listed;

fn text(writer: Writer<Vec<u8>>) -> Result<String, csv::Error> {
    let bytes = writer.into_inner().map_err(csv::IntoInnerError::into_error)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// One record a plan.
pub(super) fn plans(plans: &[Listed]) -> Result<String, csv::Error> {
    let mut writer = Writer::from_writer(Vec::new());
    writer.write_record(["date", "plan_id", "orders", "symbols", "sold", "bought"])?;
    for plan in plans {
        let (orders, symbols) = (plan.orders.to_string(), plan.symbols.to_string());
        writer.write_record([
            &plan.date,
            &plan.plan_id,
            &orders,
            &symbols,
            &plan.sold,
            &plan.bought,
        ])?;
    }
    text(writer)
}

/// One record an order with fills. What is not known is empty, and `unknown` says why.
pub(super) fn csv(lines: &[LedgerLine]) -> Result<String, csv::Error> {
    let mut writer = Writer::from_writer(Vec::new());
    writer.write_record(headings())?;
    for line in lines {
        writer.write_record(record(line))?;
    }
    text(writer)
}

const QUOTES: [&str; 3] = ["quote_at_submit", "quote_at_fill", "quote_at_arrival"];

fn headings() -> Vec<String> {
    let first = [
        "plan_id",
        "correlation_id",
        "account",
        "trade_mode",
        "client_order_id",
        "broker_order_id",
        "symbol",
        "side",
        "attempt",
        "purpose",
        "policy",
        "order_type",
        "limit_price",
        "order_quantity",
        "quantity",
        "average_price",
        "notional",
        "placed_at",
        "submitted_at",
        "filled_at",
        "seconds_to_fill",
    ];
    let quotes = QUOTES.iter().flat_map(|quote| {
        ["bid", "bid_size", "ask", "ask_size", "age_ms"].map(|field| format!("{quote}_{field}"))
    });
    let marks = Mark::AFTER.into_iter().map(|seconds| format!("markout_{seconds}s"));
    let last = [
        "effective_over_quoted",
        "price_improvement",
        "leg_cost_bps",
        "leg_cost_half_spreads",
        "leg_delay_bps",
        "leg_shortfall",
        "leg_passive_share",
        "leg_outcome",
        "leg_children",
        "fees",
        "strategy_names",
        "strategy_weights",
        "unknown",
    ];
    let own = |name: &str| name.to_owned();
    first
        .iter()
        .map(|name| own(name))
        .chain(quotes)
        .chain(marks)
        .chain(last.iter().map(|name| own(name)))
        .collect()
}

fn record(line: &LedgerLine) -> Vec<String> {
    let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
    let mut fields = vec![
        line.plan_id.clone(),
        line.correlation_id.clone(),
        line.account.clone(),
        or_empty(&line.trade_mode),
        line.client_order_id.clone(),
        or_empty(&line.broker_order_id),
        line.symbol.clone(),
        line.side.clone(),
        line.attempt.to_string(),
        line.purpose.clone(),
        or_empty(&line.policy),
        line.order_type.clone(),
        line.limit_price.clone(),
        line.order_quantity.clone(),
        line.quantity.clone(),
        or_empty(&line.average_price),
        or_empty(&line.notional),
        line.placed_at.clone(),
        or_empty(&line.submitted_at),
        or_empty(&line.filled_at),
        or_empty(&line.seconds_to_fill),
    ];
    let quotes = [&line.quote_at_submit, &line.quote_at_fill, &line.quote_at_arrival];
    fields.extend(quotes.into_iter().flat_map(|at| quote(at.as_ref())));
    fields.extend(Mark::AFTER.into_iter().map(|seconds| {
        let mark = line.markouts.iter().find(|mark| mark.seconds == seconds);
        mark.map(|mark| mark.dollars.clone()).unwrap_or_default()
    }));
    fields.extend([
        or_empty(&line.effective_over_quoted),
        or_empty(&line.price_improvement),
        or_empty(&line.leg_cost_bps),
        or_empty(&line.leg_cost_half_spreads),
        or_empty(&line.leg_delay_bps),
        or_empty(&line.leg_shortfall),
        or_empty(&line.leg_passive_share),
        or_empty(&line.leg_outcome),
        line.leg_children.to_string(),
        or_empty(&line.fees),
        line.strategy_names.join("|"),
        line.strategy_weights.join("|"),
        line.unknown.join("; "),
    ]);
    fields
}

fn quote(quote: Option<&QuoteRecord>) -> [String; 5] {
    quote.map_or_else(Default::default, |quote| {
        let QuoteRecord { bid, bid_size, ask, ask_size, age_ms } = quote.clone();
        [bid, bid_size, ask, ask_size, age_ms.to_string()]
    })
}
