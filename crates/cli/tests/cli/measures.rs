//! What a run's table, its JSON, the page of the plan and the ledger say of a leg, worked out here from its log by hand.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

use rust_decimal::Decimal;
use serde_json::Value;

use crate::command::{BINARY, decimal, example, files, json, run, run_json};

const PLAN: &str = "growth-and-bonds-2026-11-20";

/// A leg, as its log has it: the first order's quote, and what each order filled last.
#[derive(Debug, Default)]
struct Raw {
    sell: bool,
    bid_ask: Option<(Decimal, Decimal)>,
    fills: BTreeMap<u64, (Decimal, Decimal)>,
}

/// Average, cost in bps of the mid, cost in half-spreads; what they are weighted by.
struct ByHand {
    average: Decimal,
    bps: Decimal,
    half_spreads: Decimal,
    notional: Decimal,
}

impl Raw {
    /// s(P̄ − m₀) over m₀ and over H₀, from the numbers of the log alone.
    fn by_hand(&self) -> ByHand {
        let (bid, ask) = self.bid_ask.unwrap();
        let notional: Decimal = self.fills.values().map(|(shares, price)| shares * price).sum();
        let shares: Decimal = self.fills.values().map(|(shares, _)| *shares).sum();
        let average = notional / shares;
        let (mid, half) = ((bid + ask) / Decimal::TWO, (ask - bid) / Decimal::TWO);
        let lost = if self.sell { mid - average } else { average - mid };
        let bps = lost / mid * Decimal::from(10_000);
        ByHand { average, bps, half_spreads: lost / half, notional }
    }
}

fn executed() -> (tempfile::TempDir, PathBuf, String) {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    let output = run(&example(), &state, &["--now"]);
    assert!(output.status.success());
    (dir, state, String::from_utf8(output.stdout).unwrap())
}

/// The legs with fills, by symbol.
fn raw(state: &Path) -> BTreeMap<String, Raw> {
    let log = files(&state.join("executions/SIM000000001").join(PLAN));
    let mut legs: BTreeMap<String, Raw> = BTreeMap::new();
    for bytes in log.values() {
        let entry: Value = serde_json::from_slice(bytes).unwrap();
        for fact in entry["facts"].as_array().unwrap() {
            let Some(symbol) = fact["symbol"].as_str() else { continue };
            let leg = legs.entry(symbol.to_owned()).or_default();
            if fact["fact"] == "intent" {
                leg.sell = fact["side"] == "sell";
                let quote = &fact["quote"];
                leg.bid_ask.get_or_insert((decimal(&quote["bid"]), decimal(&quote["ask"])));
            }
            if fact["fact"] == "reported" && decimal(&fact["cumulative"]) > Decimal::ZERO {
                let attempt = fact["attempt"].as_u64().unwrap();
                let filled = (decimal(&fact["cumulative"]), decimal(&fact["average_price"]));
                leg.fills.insert(attempt, filled);
            }
        }
    }
    legs.retain(|_, leg| !leg.fills.is_empty());
    legs
}

/// The cells of a leg's row in the table of a run.
fn row(table: &str, symbol: &str) -> Vec<String> {
    let cells =
        |line: &str| line.split(['│', '┆']).map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let mut rows = table.lines().map(cells);
    let mut found = rows.find(|cells| cells.get(1).is_some_and(|cell| cell == symbol)).unwrap();
    found.remove(0);
    found
}

/// What stands in the cells of a leg's row on the page, without its markup.
fn page_row(html: &str, symbol: &str) -> Vec<String> {
    let (_, row) =
        html.split_once(&format!("<a href=\"#leg-{symbol}\">{symbol}</a></th>")).unwrap();
    let (row, _) = row.split_once("</tr>").unwrap();
    let text = |cell: &str| {
        let mut inside = false;
        let visible = cell.chars().filter(|letter| {
            inside = *letter == '<' || (inside && *letter != '>');
            !inside && *letter != '>'
        });
        visible.collect::<String>().replace('−', "-").replace(['+', ',', '$'], "")
    };
    row.split("</td>").map(text).collect()
}

/// A number with two decimals, halves away from zero.
fn cents(value: Decimal) -> String {
    let away = rust_decimal::RoundingStrategy::MidpointAwayFromZero;
    let rounded = value.round_dp_with_strategy(2, away);
    if rounded.is_zero() { "0.00".to_owned() } else { format!("{rounded:.2}") }
}

/// X6, L10: each leg by hand, from the quotes and the fills of its log; the table of the run, its JSON, the page and the
/// ledger say it to their last decimal.
#[test]
fn the_table_the_page_and_the_ledger_say_what_a_leg_cost_by_hand() {
    let (_dir, state, said) = executed();
    let legs = raw(&state);
    assert_eq!(legs.len(), 12);
    let (code, report) = run_json(&example(), &state, &[]);
    assert_eq!((code, &report["already_executed"]), (0, &Value::Bool(true)), "{report}");
    let of_state = |arguments: &[&str]| {
        Command::new(BINARY).args(arguments).arg("--state").arg(&state).output().unwrap()
    };
    let html = String::from_utf8(of_state(&["report", PLAN, "--out", "-"]).stdout).unwrap();
    let ledger = json(&of_state(&["ledger", "export", "--format", "json"]));
    for (symbol, leg) in &legs {
        let hand = leg.by_hand();
        let told = report["legs"].as_array().unwrap().iter().find(|leg| leg["symbol"] == **symbol);
        let (bps, half) =
            (decimal(&told.unwrap()["cost_bps"]), &told.unwrap()["cost_half_spreads"]);
        assert_eq!((bps, decimal(half)), (hand.bps.round_dp(4), hand.half_spreads.round_dp(4)));
        let table = row(&said, symbol);
        assert_eq!(table[4].parse(), Ok(hand.average.round_dp(4)), "{table:?}");
        let shown = [&table[5], &table[6]].map(|cell| cents(cell.parse().unwrap()));
        assert_eq!(shown, [cents(bps), cents(decimal(half))], "{symbol}: {table:?}");
        let page = page_row(&html, symbol);
        assert_eq!(page[5..7], shown, "{symbol}: {page:?}");
        for line in ledger.as_array().unwrap().iter().filter(|line| line["symbol"] == **symbol) {
            assert_eq!(
                (&line["leg_cost_bps"], &line["leg_cost_half_spreads"]),
                (&told.unwrap()["cost_bps"], half)
            );
        }
    }
}

/// The mean that the run ends with is the page's: each leg weighs what it traded.
#[test]
fn the_mean_of_a_run_is_the_mean_of_its_page_and_of_the_legs_by_hand() {
    let (_dir, state, said) = executed();
    let legs: Vec<ByHand> = raw(&state).values().map(Raw::by_hand).collect();
    let weight: Decimal = legs.iter().map(|leg| leg.notional).sum();
    let mean = |of: fn(&ByHand) -> Decimal| {
        cents(legs.iter().map(|leg| of(leg) * leg.notional).sum::<Decimal>() / weight)
    };
    let (half, bps) = (mean(|leg| leg.half_spreads), mean(|leg| leg.bps));
    let line = format!("weighted by notional: {half} half-spreads, {bps} bps");
    assert!(said.contains(&line), "expected {line:?} in {said}");
    let arguments = ["report", PLAN, "--out", "-", "--state"];
    let page = Command::new(BINARY).args(arguments).arg(&state).output().unwrap();
    let html = String::from_utf8(page.stdout).unwrap().replace('−', "-").replace('+', "");
    assert!(html.contains(&format!(">{half}<")) && html.contains(&format!(">{bps}<")));
}
