//! `utils.jsonl`: waiting, re-pegging and giving up.

use alchemiser_core::{
    child::Status,
    fact::LegCheck,
    ids::Symbol,
    liquidity::{part_way, unused_from},
    peg::{Base, Decision, Parent, Resting, decide},
    plan::Urgency,
    policy::{Policy, PolicyKind},
    price::{Intent, Price, Tick},
    quantity::Quantity,
    quote::{Quote, Touch},
    report::BrokerStatus,
    side::Side,
    sizing,
};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde_json::Value;

use super::{
    Case, Comparison, Deviation, Judge,
    book::{CENT, number, parent, price, side},
    design::{self, passive, tick},
};

pub(crate) const JUDGE: Judge = Judge { file: "utils", compare, rule };

fn compare(case: &Case) -> Comparison {
    let (input, theirs) = (&case.input, case.theirs.as_ref().unwrap());
    let none = Comparison::default();
    let as_price = |ours: Option<Decimal>| {
        Comparison::default().field("price", number(&theirs["price"]), ours)
    };
    match case.function.as_str() {
        "validate_repeg_price_with_history" => {
            as_price(unused(input)).must("as designed", unused_as_designed(input), unused(input))
        }
        "is_remaining_quantity_too_small" => {
            none.field("too_small", theirs["too_small"].as_bool(), too_small(input))
        }
        "should_escalate_order" => {
            let act = act(&input["repeg_count"], &input["max_repegs"], Decimal::TEN, Decimal::TEN);
            none.field(
                "escalate",
                theirs["escalate"].as_bool().unwrap(),
                act == "escalate_to_market",
            )
        }
        "should_consider_repeg" => {
            let (elapsed, wait) =
                (seconds(input, "elapsed_seconds"), seconds(input, "wait_seconds"));
            let act = act(&Value::from(0), &Value::from(2), elapsed, wait);
            none.field("consider", theirs["consider"].as_bool().unwrap(), act != "keep_waiting")
        }
        "is_order_completed" => none.field(
            "completed",
            theirs["completed"].as_bool().unwrap(),
            is_over(&input["status"]),
        ),
        "ensure_minimum_price" => {
            as_price(price(&input["price"]).map(Price::dollars).filter(|price| *price >= CENT))
        }
        "quantize_price_safely" => as_price(price(&input["price"]).and_then(|price| {
            let rounded = Tick::at(price).round(price.dollars(), Side::Buy, Intent::Passive)?;
            Some(rounded.dollars())
        })),
        "calculate_price_adjustment" => {
            as_price(price(&input["original"]).zip(price(&input["target"])).and_then(
                |(from, to)| Some(part_way(from, to, number(&input["factor"])?)?.dollars()),
            ))
        }
        "process_single_order" => {
            none.field("action", theirs["action"].as_str().unwrap(), process(input))
        }
        "get_repeg_monitoring_config" => {
            none.field("max_total_wait", number(&theirs["max_total_wait"]), window(input))
        }
        other => panic!("no function {other}"),
    }
}

fn at_one_price(at: Price) -> Quote {
    let touch = Touch { price: at, size: Quantity::ONE };
    let now = Timestamp::UNIX_EPOCH;
    Quote { bid: touch, ask: touch, changed_at: now, observed_at: now }
}

fn history(input: &Value) -> Vec<Decimal> {
    input["price_history"].as_array().into_iter().flatten().filter_map(number).collect()
}

fn unused(input: &Value) -> Option<Decimal> {
    let start = price(&input["new_price"])?;
    let used = history(input).into_iter().filter_map(|used| Price::new(used).ok()).collect();
    let leg = Parent { used, ..parent(side(input), Quantity::ONE, &at_one_price(start)) };
    unused_from(start, &leg, number(&input["min_improvement"])?).map(Price::dollars)
}

fn unused_as_designed(input: &Value) -> Option<Decimal> {
    let start = number(&input["new_price"]).filter(|start| *start > Decimal::ZERO)?;
    let step = number(&input["min_improvement"])?;
    let price = design::unused(start, (step, tick(start)), side(input), &history(input));
    (price > Decimal::ZERO).then_some(price)
}

fn is_fractionable(input: &Value) -> bool {
    input["asset"]["fractionable"].as_bool().unwrap_or(false)
}

pub(crate) fn check(fractionable: bool) -> LegCheck {
    LegCheck {
        symbol: Symbol::new("XYZ").unwrap(),
        fractionable,
        tick: None,
        round_lot: Policy::default().round_lot,
        held: Quantity::ZERO,
        available: Quantity::ZERO,
    }
}

fn too_small(input: &Value) -> Option<bool> {
    let leaves = Quantity::new(number(&input["remaining_qty"])?).ok()?;
    let notional_min = alchemiser_core::money::Money::new(number(&input["min_notional"])?);
    let policy = Policy { notional_min, ..Policy::default() };
    Some(sizing::is_too_small(
        leaves,
        price(&input["price"])?,
        &check(is_fractionable(input)),
        &policy,
    ))
}

fn seconds(input: &Value, name: &str) -> Decimal {
    number(&input[name]).unwrap()
}

fn duration(seconds: Decimal) -> SignedDuration {
    let micros = seconds * Decimal::from(1_000_000);
    SignedDuration::from_micros(i64::try_from(micros.trunc()).unwrap())
}

/// What `liquidity` does with an order that was re-pegged so often and has waited so long, in the original's words. The
/// book has room for another re-peg.
fn act(repegs: &Value, repegs_max: &Value, waited: Decimal, wait: Decimal) -> &'static str {
    let count = |value: &Value| u32::try_from(value.as_u64().unwrap()).unwrap();
    let touch = |cents: i64| Touch {
        price: Price::new(Decimal::new(cents, 2)).unwrap(),
        size: Quantity::new(Decimal::ONE_THOUSAND).unwrap(),
    };
    let since = Timestamp::UNIX_EPOCH;
    let (bid, ask) = (touch(10_000), touch(10_040));
    let quote = Quote { bid, ask, changed_at: since, observed_at: since };
    let policy = Policy {
        kind: PolicyKind::Liquidity,
        repegs_max: count(repegs_max),
        allow_cross_spread_on_repeg: false,
        ..Policy::default()
    };
    let before = Base { near: bid.price, ticks: Decimal::from(40) };
    let resting =
        Resting { limit: bid.price, since, displayed: Quantity::ZERO, before, alone_since: None };
    let parent = Parent {
        resting: Some(resting),
        rested: count(repegs) + 1,
        used: vec![bid.price],
        fill_wait: duration(wait),
        ..parent(Side::Buy, Quantity::ONE, &quote)
    };
    let now = since.checked_add(duration(waited)).unwrap();
    match decide(&parent, &quote, now, &policy) {
        Decision::Hold => "keep_waiting",
        Decision::Rest { .. } | Decision::Replace { .. } | Decision::Through { .. } => "repeg",
        Decision::Cross { .. } => "escalate_to_market",
    }
}

/// Their words are the broker's in capitals; a word in small letters is none of theirs, and must be none of the broker's.
fn is_over(status: &Value) -> bool {
    let swap = |c: char| {
        if c.is_ascii_uppercase() { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() }
    };
    let word: String = status.as_str().unwrap().chars().map(swap).collect();
    !Status::Working.after(BrokerStatus::from_word(&word)).is_live()
}

fn process(input: &Value) -> &'static str {
    if !input["terminal_status"].is_null() && is_over(&input["terminal_status"]) {
        return "remove_from_tracking";
    }
    let (elapsed, wait) = (seconds(input, "elapsed_seconds"), seconds(input, "fill_wait_seconds"));
    act(&input["repeg_count"], &input["max_repegs_per_order"], elapsed, wait)
}

/// A phase's window; without a policy there is none to be asked for.
fn window(input: &Value) -> Option<Decimal> {
    let policy = Policy {
        kind: PolicyKind::Liquidity,
        fill_wait: duration(number(&input["fill_wait_seconds"])?),
        repegs_max: u32::try_from(input["max_repegs_per_order"].as_u64()?).ok()?,
        order_placement_timeout: duration(number(&input["order_placement_timeout_seconds"])?),
        ..Policy::default()
    };
    let working = policy.working_time_for(Urgency::Normal, std::iter::empty());
    Some(Decimal::from((working + policy.window_margin).as_secs()))
}

fn rule(function: &str, input: &Value, _: &str) -> Option<Deviation> {
    match function {
        "validate_repeg_price_with_history" => history_rule(input),
        "is_remaining_quantity_too_small" => remainder_rule(input),
        "should_escalate_order" => {
            let count = |name: &str| input[name].as_u64().unwrap();
            (count("repeg_count") + 1 == count("max_repegs")).then_some(Deviation::D8)
        }
        "is_order_completed" => (input["status"] == "REPLACED").then_some(Deviation::E1),
        "get_repeg_monitoring_config" => {
            input.get("execution_config").is_some_and(Value::is_null).then_some(Deviation::D14)
        }
        "ensure_minimum_price" => {
            (number(&input["price"]).unwrap() < CENT).then_some(Deviation::D3)
        }
        "quantize_price_safely" => {
            let price = number(&input["price"]).unwrap();
            if price <= Decimal::ZERO {
                return Some(Deviation::D3);
            }
            (price.round_dp(2) != passive(price, tick(price), Side::Buy)).then_some(Deviation::D5)
        }
        _ => None,
    }
}

fn history_rule(input: &Value) -> Option<Deviation> {
    let start = number(&input["new_price"]).unwrap();
    let improvement = side(input).sign() * number(&input["min_improvement"]).unwrap();
    let used = history(input);
    if start <= Decimal::ZERO {
        return Some(Deviation::D3);
    }
    if !used.contains(&start) {
        return None;
    }
    let stepped = start + improvement;
    if stepped <= Decimal::ZERO {
        return Some(Deviation::D3);
    }
    let rounded = passive(stepped, tick(start), side(input));
    if used.contains(&rounded) {
        Some(Deviation::D6)
    } else {
        (stepped.round_dp(2) != rounded).then_some(Deviation::D5)
    }
}

fn remainder_rule(input: &Value) -> Option<Deviation> {
    let (quantity, least) =
        (number(&input["remaining_qty"]).unwrap(), number(&input["min_notional"]).unwrap());
    if quantity < Decimal::ZERO {
        return Some(Deviation::D14);
    }
    let Some(price) = number(&input["price"]) else {
        return Some(Deviation::D10);
    };
    if price <= Decimal::ZERO {
        return Some(Deviation::D3);
    }
    let notional = quantity * price;
    if is_fractionable(input) {
        // Theirs rounds the notional to cents before it compares.
        (notional < least && notional.round_dp(2) >= least).then_some(Deviation::D5)
    } else {
        // Theirs rounds half-even to whole shares.
        (quantity < Decimal::ONE && quantity.round() >= Decimal::ONE).then_some(Deviation::D5)
    }
}
