//! `alchemiser ledger`.

use std::{fs, path::Path};

use alchemiser_wire::ledger::{self, LedgerLine};

use crate::{
    args::LedgerArgs,
    exit::{Exit, Stopped},
    load, table,
};

/// Shows the ledgers of a state directory, oldest plan first.
pub(crate) fn ledger(args: &LedgerArgs) -> Result<Exit, Stopped> {
    let stopped = |stopped: Stopped| stopped.with_json(args.read.json);
    let lines = lines(args).map_err(stopped)?;
    if args.read.json {
        return crate::print_json(&lines);
    }
    if lines.is_empty() {
        return crate::print("No order with fills is in the ledger.");
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
        table.add_row([
            line.plan_id,
            line.symbol,
            line.side,
            line.attempt.to_string(),
            line.purpose,
            line.quantity,
            line.average_price.unwrap_or_else(none),
            line.limit_price,
            bid.unwrap_or_else(none),
            ask.unwrap_or_else(none),
            line.effective_over_quoted.unwrap_or_else(none),
            line.seconds_to_fill.unwrap_or_else(none),
            line.filled_at.unwrap_or_else(none),
        ]);
    }
    crate::print(&table.to_string())
}

fn lines(args: &LedgerArgs) -> Result<Vec<LedgerLine>, Stopped> {
    let state = load::readable(&args.read.state)?;
    let mut lines = Vec::new();
    for loaded in load::executions(&state)? {
        let wanted =
            args.plan_id.as_ref().is_none_or(|id| id == loaded.state.plan.plan_id.as_str());
        let path = state.root().join(ledger::key(&loaded.state));
        if !wanted || !path.is_file() {
            continue;
        }
        let more = |number| state.root().join(ledger::supplement_key(&loaded.state, number));
        let late = (1..).map(more).take_while(|path| path.is_file());
        for path in std::iter::once(path).chain(late) {
            for line in of_file(&path)? {
                // What came later says more of the same order.
                lines.retain(|old: &LedgerLine| old.client_order_id != line.client_order_id);
                lines.push(line);
            }
        }
    }
    Ok(lines)
}

fn of_file(path: &Path) -> Result<Vec<LedgerLine>, Stopped> {
    let unreadable = |error: &dyn std::fmt::Display| {
        let message = format!("{}: {error}", path.display());
        Stopped::new(Exit::Failed, "LEDGER_UNREADABLE", message)
    };
    let bytes = fs::read(path).map_err(|error| unreadable(&error))?;
    ledger::from_bytes(&bytes).ok_or_else(|| unreadable(&"expected ledger lines"))
}
