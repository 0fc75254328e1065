//! What each strategy's share of the fills is.

use std::collections::BTreeMap;

use alchemiser_wire::ledger::LedgerLine;
use comfy_table::Table;
use rust_decimal::Decimal;
use serde::Serialize;

use super::number;

/// The name under which fills without attribution are summed.
const NONE: &str = "(none)";

/// A strategy's share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Share {
    pub(crate) strategy: String,
    pub(crate) orders: usize,
    pub(crate) bought: String,
    pub(crate) sold: String,
}

/// Dollars of fills by strategy: each line's notional, divided as its weights are to their sum.
pub(crate) fn shares(lines: &[LedgerLine]) -> Vec<Share> {
    let mut sums: BTreeMap<String, (usize, Decimal, Decimal)> = BTreeMap::new();
    for line in lines {
        let notional = number(line.notional.as_deref()).unwrap_or_default();
        for (name, part) in parts(line) {
            let sum = sums.entry(name).or_default();
            let dollars = notional * part;
            sum.0 += 1;
            if line.side == "BUY" {
                sum.1 += dollars;
            } else {
                sum.2 += dollars;
            }
        }
    }
    let text = |dollars: Decimal| format!("{:.2}", dollars.round_dp(2));
    let share = |(strategy, (orders, bought, sold))| Share {
        strategy,
        orders,
        bought: text(bought),
        sold: text(sold),
    };
    sums.into_iter().map(share).collect()
}

/// Names with their parts of one; a line without weights that can be read belongs to nobody.
fn parts(line: &LedgerLine) -> Vec<(String, Decimal)> {
    let weights: Option<Vec<Decimal>> = line
        .strategy_weights
        .iter()
        .map(|weight| alchemiser_wire::decimal::read(weight).ok())
        .collect();
    let weights = weights.unwrap_or_default();
    let whole: Decimal = weights.iter().sum();
    let parts: Option<Vec<Decimal>> =
        weights.iter().map(|weight| weight.checked_div(whole)).collect();
    match parts {
        Some(parts) if !parts.is_empty() => {
            line.strategy_names.iter().cloned().zip(parts).collect()
        }
        Some(_) | None => vec![(NONE.to_owned(), Decimal::ONE)],
    }
}

/// Shares as a table.
pub(crate) fn table(shares: &[Share]) -> Table {
    let mut table = crate::table::table(&["strategy", "orders", "bought", "sold"], 1..4);
    for share in shares {
        table.add_row([
            share.strategy.clone(),
            share.orders.to_string(),
            share.bought.clone(),
            share.sold.clone(),
        ]);
    }
    table
}
