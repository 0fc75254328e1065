//! `alchemiser ledger`: what was filled, plan by plan, order by order, strategy by strategy; and out of here as CSV or JSON.

mod flat;
mod strategy;

use std::{fs, path::Path};

use alchemiser_wire::ledger::{self, LedgerLine, trading_date};
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::Serialize;

use crate::{
    args::{Format, LedgerArgs, LedgerCommand, LedgerFilter, ReadArgs},
    exit::{Exit, Stopped},
    load, table,
};

/// The ledger of one plan.
struct Ledger {
    date: Date,
    lines: Vec<LedgerLine>,
}

/// One plan in a list.
#[derive(Serialize)]
struct Listed {
    date: String,
    plan_id: String,
    orders: usize,
    symbols: usize,
    sold: String,
    bought: String,
    strategies: Vec<strategy::Share>,
}

/// Shows the ledgers of a state directory, oldest plan first.
pub(crate) fn ledger(args: &LedgerArgs) -> Result<Exit, Stopped> {
    let json = match &args.command {
        None => args.read.json,
        Some(LedgerCommand::List(filter) | LedgerCommand::Export { filter, .. }) => {
            filter.read.json
        }
        Some(LedgerCommand::Show { filter, .. }) => filter.read.json,
    };
    attempt(args).map_err(|stopped| stopped.with_json(json))
}

fn attempt(args: &LedgerArgs) -> Result<Exit, Stopped> {
    match &args.command {
        None => {
            let ledgers = ledgers(&args.read, args.plan_id.as_deref(), None)?;
            let lines: Vec<LedgerLine> = ledgers.into_iter().flat_map(|one| one.lines).collect();
            if args.read.json { crate::print_json(&lines) } else { orders(lines) }
        }
        Some(LedgerCommand::List(filter)) => list(filter),
        Some(LedgerCommand::Show { plan_id, filter }) => {
            let lines = filtered(filter, Some(plan_id))?;
            match format(filter, None) {
                None => {
                    crate::print(&table::fitted(&strategy::table(&strategy::shares(&lines))))?;
                    orders(lines)
                }
                Some(format) => written(&lines, format, None),
            }
        }
        Some(LedgerCommand::Export { filter, out }) => {
            let format = format(filter, Some(Format::Csv)).unwrap_or(Format::Csv);
            written(&filtered(filter, None)?, format, out.as_deref())
        }
    }
}

fn format(filter: &LedgerFilter, default: Option<Format>) -> Option<Format> {
    filter.format.or(filter.read.json.then_some(Format::Json)).or(default)
}

fn filtered(filter: &LedgerFilter, plan_id: Option<&str>) -> Result<Vec<LedgerLine>, Stopped> {
    let ledgers = ledgers(&filter.read, plan_id, Some(filter))?;
    Ok(ledgers.into_iter().flat_map(|one| one.lines).collect())
}

/// Lines as they leave: to a file, or to standard output.
fn written(lines: &[LedgerLine], format: Format, out: Option<&Path>) -> Result<Exit, Stopped> {
    let text = match format {
        Format::Csv => flat::csv(lines).map_err(|error| Stopped::failed("OUTPUT", &error))?,
        Format::Json => serde_json::to_string_pretty(lines)
            .map_err(|error| Stopped::failed("OUTPUT", &error))?,
    };
    let Some(out) = out else { return crate::print(text.trim_end()) };
    fs::write(out, text).map_err(|error| {
        let message = format!("expected to write {}, found: {error}", out.display());
        Stopped::new(Exit::Failed, "OUTPUT", message)
    })?;
    crate::say(&format!("{} ({} orders)", out.display(), lines.len()))
}

/// One line a plan, and what each strategy's share of all of it is.
fn list(filter: &LedgerFilter) -> Result<Exit, Stopped> {
    let ledgers = ledgers(&filter.read, None, Some(filter))?;
    let plans: Vec<Listed> = ledgers.iter().filter_map(listed).collect();
    match format(filter, None) {
        Some(Format::Json) => return crate::print_json(&plans),
        Some(Format::Csv) => {
            let text = flat::plans(&plans).map_err(|error| Stopped::failed("OUTPUT", &error))?;
            return crate::print(text.trim_end());
        }
        None => {}
    }
    if plans.is_empty() {
        return crate::say(
            "No order with fills is in the ledger, or none that the filters let through.",
        );
    }
    let headings = ["date", "plan", "orders", "symbols", "sold", "bought"];
    let mut table = table::table(&headings, 2..6);
    for plan in &plans {
        table.add_row([
            plan.date.clone(),
            plan.plan_id.clone(),
            plan.orders.to_string(),
            plan.symbols.to_string(),
            plan.sold.clone(),
            plan.bought.clone(),
        ]);
    }
    crate::print(&table::fitted(&table))?;
    let lines: Vec<LedgerLine> = ledgers.into_iter().flat_map(|one| one.lines).collect();
    crate::print(&table::fitted(&strategy::table(&strategy::shares(&lines))))
}

fn listed(ledger: &Ledger) -> Option<Listed> {
    let first = ledger.lines.first()?;
    let side = |side: &str| {
        let of_side = ledger.lines.iter().filter(|line| line.side == side);
        let sum: Decimal = of_side.filter_map(|line| number(line.notional.as_deref())).sum();
        table::rounded(Some(sum), 2)
    };
    let mut symbols: Vec<&str> = ledger.lines.iter().map(|line| line.symbol.as_str()).collect();
    symbols.sort_unstable();
    symbols.dedup();
    Some(Listed {
        date: ledger.date.to_string(),
        plan_id: first.plan_id.clone(),
        orders: ledger.lines.len(),
        symbols: symbols.len(),
        sold: side("SELL"),
        bought: side("BUY"),
        strategies: strategy::shares(&ledger.lines),
    })
}

fn number(text: Option<&str>) -> Option<Decimal> {
    text?.parse().ok()
}

/// One line an order.
fn orders(lines: Vec<LedgerLine>) -> Result<Exit, Stopped> {
    if lines.is_empty() {
        return crate::say("No order with fills is in the ledger.");
    }
    let headings = [
        "plan",
        "symbol",
        "side",
        "order",
        "purpose",
        "quantity",
        "average",
        "limit",
        "bid",
        "ask",
        "E/Q",
        "seconds",
        "filled at",
    ];
    let mut table = table::table(&headings, 5..12);
    for line in lines {
        let (bid, ask) = line.quote_at_submit.map(|quote| (quote.bid, quote.ask)).unzip();
        let none = || "-".to_owned();
        let price = |text: Option<String>| text.map_or_else(none, |text| table::price_text(&text));
        let at = |text: Option<String>| {
            text.and_then(|text| text.parse().ok()).map_or_else(none, table::moment)
        };
        table.add_row([
            line.plan_id,
            line.symbol,
            line.side,
            line.attempt.to_string(),
            line.purpose,
            line.quantity,
            price(line.average_price),
            price(Some(line.limit_price)),
            price(bid),
            price(ask),
            table::rounded(number(line.effective_over_quoted.as_deref()), 2),
            table::rounded(number(line.seconds_to_fill.as_deref()), 1),
            at(line.filled_at),
        ]);
    }
    crate::print(&table::fitted(&table))
}

/// The ledgers that were written, oldest plan first, as far as the filters let them through.
fn ledgers(
    read: &ReadArgs,
    plan_id: Option<&str>,
    filter: Option<&LedgerFilter>,
) -> Result<Vec<Ledger>, Stopped> {
    let state = match plan_id {
        Some(plan_id) => load::readable_for(&read.state, plan_id)?,
        None => load::readable(&read.state, &["executions/", "ledger/"])?,
    };
    if let Some(plan_id) = plan_id {
        load::stored(&state, plan_id)?;
    }
    let mut ledgers = Vec::new();
    for loaded in load::executions(&state)? {
        let date = trading_date(loaded.state.plan.received_at);
        let wanted = plan_id.is_none_or(|id| id == loaded.state.plan.plan_id.as_str());
        let dated = filter.is_none_or(|filter| filter.has(date));
        let key = ledger::key(&loaded.state);
        if wanted && plan_id.is_some() {
            // The plan's ledger, with its supplements.
            state.renew(&[key.trim_end_matches(".jsonl")])?;
        }
        let path = state.root().join(&key);
        if !(wanted && dated && path.is_file()) {
            continue;
        }
        let more = |number| state.root().join(ledger::supplement_key(&loaded.state, number));
        let late = (1..).map(more).take_while(|path| path.is_file());
        let mut lines = Vec::new();
        for path in std::iter::once(path).chain(late) {
            for line in of_file(&path)? {
                // What came later says more of the same order.
                lines.retain(|old: &LedgerLine| old.client_order_id != line.client_order_id);
                lines.push(line);
            }
        }
        lines.retain(|line| filter.is_none_or(|filter| filter.takes(line)));
        ledgers.push(Ledger { date, lines });
    }
    Ok(ledgers)
}

impl LedgerFilter {
    fn has(&self, date: Date) -> bool {
        self.from.is_none_or(|from| from <= date) && self.until.is_none_or(|until| date <= until)
    }

    fn takes(&self, line: &LedgerLine) -> bool {
        let symbol =
            self.symbol.as_ref().is_none_or(|symbol| line.symbol.eq_ignore_ascii_case(symbol));
        symbol && self.strategy.as_ref().is_none_or(|name| line.strategy_names.contains(name))
    }
}

fn of_file(path: &Path) -> Result<Vec<LedgerLine>, Stopped> {
    let unreadable = |error: &dyn std::fmt::Display| {
        let message = format!("{}: {error}", path.display());
        Stopped::new(Exit::Failed, "LEDGER_UNREADABLE", message)
    };
    let bytes = fs::read(path).map_err(|error| unreadable(&error))?;
    ledger::from_bytes(&bytes).ok_or_else(|| unreadable(&"expected ledger lines"))
}
