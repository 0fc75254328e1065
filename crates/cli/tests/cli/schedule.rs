//! What the time of day cost: worked out here by hand, and the recorded profile measured once more.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use alchemiser_backtest::{
    read::{self, Sizes},
    tape::Tape,
};
use alchemiser_report::schedule::{RECORDED, STARTS, slot};
use jiff::{Timestamp, civil::Time, tz::TimeZone};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::command::{BINARY, decimal, example, example_json, files, run, run_json, write};

const PLAN: &str = "growth-and-bonds-2026-11-20";

/// The example is traded at 10:00 in New York: the slot from 10:00 to 10:30.
const THEN: usize = 3;
const LATE: usize = 15;

fn page(state: &Path, plan: &str) -> String {
    let mut command = Command::new(BINARY);
    let output = command.args(["report", plan, "--out", "-", "--state"]).arg(state).output();
    String::from_utf8(output.unwrap().stdout).unwrap()
}

/// Each filled leg by the log alone: dollars against the mid at its first order, and the spread there in cents.
fn legs(state: &Path, plan: &str) -> Vec<(String, Decimal, Decimal)> {
    let mut first: Vec<(String, Value)> = Vec::new();
    let mut filled: Vec<(String, u64, Decimal, Decimal)> = Vec::new();
    for bytes in files(&state.join("executions/SIM000000001").join(plan)).values() {
        let entry: Value = serde_json::from_slice(bytes).unwrap();
        for fact in entry["facts"].as_array().unwrap() {
            let Some(symbol) = fact["symbol"].as_str() else { continue };
            if fact["fact"] == "intent" && fact["attempt"] == 1 {
                first.push((symbol.to_owned(), fact.clone()));
            }
            if fact["fact"] == "reported" && decimal(&fact["cumulative"]) > Decimal::ZERO {
                let attempt = fact["attempt"].as_u64().unwrap();
                filled.retain(|(name, number, ..)| (name.as_str(), *number) != (symbol, attempt));
                let (shares, price) =
                    (decimal(&fact["cumulative"]), decimal(&fact["average_price"]));
                filled.push((symbol.to_owned(), attempt, shares, price));
            }
        }
    }
    let leg = |(symbol, intent): &(String, Value)| {
        let own = filled.iter().filter(|(name, ..)| name == symbol);
        let (bid, ask) = (decimal(&intent["quote"]["bid"]), decimal(&intent["quote"]["ask"]));
        let mid = (bid + ask) / Decimal::TWO;
        let off: Decimal = own.map(|(_, _, shares, price)| shares * (price - mid)).sum();
        let cost = if intent["side"] == "sell" { -off } else { off };
        (symbol.clone(), cost, (ask - bid) * Decimal::ONE_HUNDRED)
    };
    first.iter().map(leg).collect()
}

fn cents(value: Decimal) -> Decimal {
    value.round_dp_with_strategy(2, rust_decimal::RoundingStrategy::MidpointAwayFromZero)
}

fn recorded(slot: usize) -> Decimal {
    Decimal::from(RECORDED[slot])
}

/// By hand: legs at one tick stay, the others cost the recorded .590 bps of 15:45 for every 2.024 of 10:00. The run, its JSON and the
/// page say it; and nothing is said of the open, which was three hours before.
#[test]
fn a_run_says_what_it_would_have_cost_at_1545_by_hand() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    let said = String::from_utf8(run(&example(), &state, &["--now"]).stdout).unwrap();
    let legs = legs(&state, PLAN);
    assert_eq!(legs.len(), 12);
    assert_eq!((RECORDED[THEN], RECORDED[LATE]), (2_024, 590));
    let cost: Decimal = legs.iter().map(|(_, cost, _)| *cost).sum();
    let late = |(_, cost, ticks): &(String, Decimal, Decimal)| {
        if *ticks <= Decimal::ONE { *cost } else { cost * recorded(LATE) / recorded(THEN) }
    };
    let late: Decimal = legs.iter().map(late).sum();
    let one_tick = legs.iter().filter(|(_, _, ticks)| *ticks <= Decimal::ONE).count();
    let (_, report) = run_json(&example(), &state, &[]);
    let schedule = &report["schedule"];
    assert_eq!(decimal(&schedule["cost"]), cents(cost));
    assert_eq!(decimal(&schedule["cost_at_1545"]), cents(late));
    assert_eq!(schedule["legs_at_one_tick"], one_tick);
    assert_eq!(schedule["legs_by_recorded_profile"], 12 - one_tick);
    assert_eq!(schedule["legs_by_own_quotes"], 0);
    assert_eq!(schedule["in_opening_minutes"], false);
    assert!(cents(late) < cents(cost) && one_tick > 0 && one_tick < 12, "{schedule}");
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let sentence = format!(
        "It cost ${:.2}; at 15:45 in New York the same half-spreads would have cost ${:.2}",
        cents(cost),
        cents(late)
    );
    assert!(words(&said).contains(&sentence), "{sentence} is not in {said}");
    assert!(words(&said).contains("by the spreads of one symbol on two recorded days"), "{said}");
    assert!(page(&state, PLAN).contains(&sentence));
    assert!(!said.contains("Warning"));
}

/// A dry run says it of what is expected, and leaves nothing.
#[test]
fn a_dry_run_says_what_it_would_cost_at_1545() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    let (_, said) = run_json(&example(), &state, &["--dry-run"]);
    let schedule = &said["schedule"];
    assert_eq!(schedule["cost"], said["expected_cost"]);
    assert!(decimal(&schedule["cost_at_1545"]) < decimal(&schedule["cost"]), "{schedule}");
    let output = run(&example(), &state, &["--now", "--dry-run"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("Now it is expected to cost"), "{text}");
    assert!(!state.exists());
}

/// Ten ledger lines of a symbol: so wide a half-spread, at a time of ten days.
fn lines(symbol: &str, time: &str, (bid, ask): (&str, &str)) -> String {
    let line = |day: u8| {
        let quote =
            json!({"bid": bid, "bid_size": "100", "ask": ask, "ask_size": "100", "age_ms": 0});
        json!({
            "schema": 1, "plan_id": format!("{symbol}-{time}-{day}"), "correlation_id": "c", "account": "SIM000000001",
            "trade_mode": "simulated", "client_order_id": format!("{symbol}-{time}-{day}"), "broker_order_id": null,
            "symbol": symbol, "side": "BUY", "attempt": 1, "purpose": "rest", "policy": "adaptive", "order_type": "limit",
            "limit_price": bid, "order_quantity": "1", "quantity": "1", "average_price": bid, "notional": bid,
            "placed_at": format!("2026-11-{day:02}T{time}:00Z"), "submitted_at": null, "filled_at": null,
            "seconds_to_fill": null, "quote_at_submit": quote, "quote_at_fill": null, "quote_at_arrival": null,
            "effective_over_quoted": null, "price_improvement": null, "markouts": [], "leg_cost_bps": null,
            "leg_cost_half_spreads": null, "leg_delay_bps": null, "leg_shortfall": null, "leg_passive_share": null,
            "leg_outcome": "filled", "leg_children": 1, "fees": null, "strategy_names": [], "strategy_weights": [], "unknown": [],
        })
        .to_string()
    };
    (2..=11).map(line).collect::<Vec<_>>().join("\n")
}

/// With ten quotes of a symbol at both times the account's own spreads count instead of the recorded ones: four times as wide at 10:00 as
/// at 15:45 makes a quarter of the cost. Nine do not.
#[test]
fn own_quotes_count_before_the_recorded_ones() {
    let schedule = |keep: usize| {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state");
        run_json(&example(), &state, &[]);
        let own = legs(&state, PLAN);
        let (symbol, ..) = own
            .iter()
            .find(|(_, cost, ticks)| *ticks > Decimal::ONE && *cost > Decimal::ZERO)
            .unwrap()
            .clone();
        // 10:00 and 15:45 in New York in November.
        let wide = lines(&symbol, "15:10", ("99.96", "100.04"));
        let narrow = lines(&symbol, "20:50", ("99.99", "100.01"));
        let day = state.join("ledger/SIM000000001/date=2026-11-12");
        fs::create_dir_all(&day).unwrap();
        let kept: Vec<&str> = wide.lines().take(keep).chain(narrow.lines()).collect();
        fs::write(day.join("own.jsonl"), kept.join("\n")).unwrap();
        let (_, report) = run_json(&example(), &state, &[]);
        (own, symbol, report["schedule"].clone())
    };
    let (own, symbol, said) = schedule(10);
    assert_eq!(said["legs_by_own_quotes"], 1, "{said}");
    let late: Decimal = own
        .iter()
        .map(|(name, cost, ticks)| match () {
            () if *name == symbol => cost / Decimal::from(4),
            () if *ticks <= Decimal::ONE => *cost,
            () => cost * recorded(LATE) / recorded(THEN),
        })
        .sum();
    assert_eq!(decimal(&said["cost_at_1545"]), cents(late));
    // The plan itself does not count.
    let (_, _, nine) = schedule(9);
    assert_eq!(nine["legs_by_own_quotes"], 0, "{nine}");
}

/// Before 10:00 a run, a dry run and the page warn: the example at 09:40.
#[test]
fn the_opening_minutes_are_warned_of() {
    let dir = tempfile::tempdir().unwrap();
    let early = example_json().to_string().replace("2026-11-20T15:00:00Z", "2026-11-20T14:40:00Z");
    let path: PathBuf = write(dir.path(), "early.json", early.as_bytes());
    let state = dir.path().join("state");
    let output = |more: &[&str]| String::from_utf8(run(&path, &state, more).stdout).unwrap();
    let words = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let warning = "Warning: its first order is within half an hour of the open";
    assert!(words(output(&["--now", "--dry-run"])).contains(warning));
    assert!(words(output(&["--now"])).contains(warning));
    assert!(page(&state, PLAN).contains(warning));
    let (_, report) = run_json(&path, &state, &[]);
    assert_eq!(report["schedule"]["in_opening_minutes"], true);
}

/// Nanoseconds that a slot's quotes stood, and the half-spread's part of the mid over them.
fn measured(tapes: &[Tape]) -> Vec<(Decimal, Decimal)> {
    let zone = TimeZone::get("America/New_York").unwrap();
    let mut slots = vec![(Decimal::ZERO, Decimal::ZERO); STARTS.len()];
    for tape in tapes {
        for pair in tape.shown.windows(2) {
            let (quote, mut at) = (pair[0], pair[0].at);
            let part = Decimal::from(quote.spread()) / Decimal::from(quote.mid_twice());
            // A quote that stands over a border counts in both slots.
            while at < pair[1].at && quote.spread() > 0 {
                let time = Timestamp::from_nanosecond(at.into()).unwrap().to_zoned(zone.clone());
                let Some(of) = slot(time.time()) else { break };
                let (hour, minute) = STARTS.get(of + 1).copied().unwrap_or((16, 0));
                let border = time.with().time(Time::constant(hour, minute, 0, 0)).build().unwrap();
                let border = i64::try_from(border.timestamp().as_nanosecond()).unwrap();
                let until = border.min(pair[1].at);
                let stood = Decimal::from(until - at);
                slots[of].0 += stood;
                slots[of].1 += stood * part;
                at = until;
            }
        }
    }
    slots
}

/// The recorded profile is what the recorded days say, to a thousandth of a basis point.
#[test]
fn the_recorded_profile_is_measured_again() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/market");
    if !root.is_dir() {
        eprintln!("skipped: ../shared absent");
        return;
    }
    let tapes = read::days(&root, Sizes::Shares).unwrap();
    assert_eq!(tapes.len(), 2);
    let found: Vec<i64> = measured(&tapes)
        .into_iter()
        .map(|(stood, sum)| (sum / stood * Decimal::from(10_000_000)).round().try_into().unwrap())
        .collect();
    assert_eq!(found, RECORDED);
}
