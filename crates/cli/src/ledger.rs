//! `alchemiser ledger`.

use std::fs;

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
        let quote = line.quote_at_submit;
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
            quote.bid,
            quote.ask,
            line.effective_over_quoted.unwrap_or_else(none),
            line.seconds_to_fill.unwrap_or_else(none),
            line.filled_at.unwrap_or_else(none),
        ]);
    }
    crate::print(&table.to_string())
}

fn lines(args: &LedgerArgs) -> Result<Vec<LedgerLine>, Stopped> {
    let state = load::existing(&args.read.state)?;
    let mut lines = Vec::new();
    for loaded in load::executions(&state)? {
        let wanted =
            args.plan_id.as_ref().is_none_or(|id| id == loaded.state.plan.plan_id.as_str());
        let path = state.root().join(ledger::key(&loaded.state));
        if !wanted || !path.is_file() {
            continue;
        }
        let text = fs::read_to_string(&path)
            .map_err(|error| Stopped::failed("LEDGER_UNREADABLE", &error))?;
        for line in text.lines() {
            let parsed = serde_json::from_str(line);
            lines.push(parsed.map_err(|error| {
                Stopped::new(
                    Exit::Failed,
                    "LEDGER_UNREADABLE",
                    format!("{}: {error}", path.display()),
                )
            })?);
        }
    }
    Ok(lines)
}
