//! `liquidity.jsonl`: the analysis of a book, and whether it is enough.

use alchemiser_core::{
    liquidity::{Shortage, adequate, analyze, opening_limit},
    quantity::Quantity,
    side::Side,
};
use rust_decimal::Decimal;
use serde_json::Value;

use super::{
    Case, Comparison, Deviation, Judge,
    book::{bid_and_ask, float, is_no_quote, number, parent, quote, side},
    design, original,
    pricing::opening_rule,
};

pub(crate) const JUDGE: Judge = Judge { file: "liquidity", compare, rule };

/// The original's tick is an argument.
fn tick(input: &Value) -> Decimal {
    number(&input["tick_size"]).unwrap()
}

fn size_min(input: &Value) -> Quantity {
    Quantity::new(number(&input["min_volume_threshold"]).unwrap()).unwrap()
}

fn compare(case: &Case) -> Comparison {
    if case.function == "analyze_liquidity" { analysis(case) } else { enough(case) }
}

fn analysis(case: &Case) -> Comparison {
    let input = &case.input;
    let quantity = number(&input["order_size"]).and_then(|size| Quantity::new(size).ok());
    let ours = quote(input).zip(quantity);
    let Some(theirs) = &case.theirs else {
        return Comparison::default().field("answered", false, ours.is_some());
    };
    let Some((quote, quantity)) = ours else {
        return Comparison::default().field("answered", true, false);
    };
    let analysis = analyze(&quote, quantity, size_min(input));
    let limit = |side: Side| {
        let limit = opening_limit(&parent(side, quantity, &quote), &quote);
        limit.map(|limit| float(limit.dollars()))
    };
    let worked_out = |name: &str, side: Side| {
        let theirs = number(&theirs[name]).map(|price| price.normalize());
        (theirs, Some(original::opening(input, side, tick(input)).normalize()))
    };
    let (bid, ask) = (
        worked_out("recommended_bid_price", Side::Buy),
        worked_out("recommended_ask_price", Side::Sell),
    );
    let designed = [Side::Buy, Side::Sell].map(|side| design::opening(input, side).map(float));
    let word = |side: Side| Some(analysis.strategy(side, &quote, quantity).word());
    Comparison::default()
        .float(
            "volume_imbalance",
            theirs["volume_imbalance"].as_f64(),
            Some(float(analysis.imbalance)),
        )
        .float("liquidity_score", theirs["liquidity_score"].as_f64(), Some(float(analysis.score)))
        .float("confidence", theirs["confidence"].as_f64(), Some(float(analysis.confidence)))
        .float("bid", theirs["recommended_bid_price"].as_f64(), limit(Side::Buy))
        .float("ask", theirs["recommended_ask_price"].as_f64(), limit(Side::Sell))
        .must("as modelled", (bid.0, ask.0), (bid.1, ask.1))
        .must("as designed", designed, [Side::Buy, Side::Sell].map(limit))
        .field("strategy_buy", theirs["strategy_buy"].as_str(), word(Side::Buy))
        .field("strategy_sell", theirs["strategy_sell"].as_str(), word(Side::Sell))
}

/// Their reason is a sentence; its first words say which step failed.
fn class(reason: &str) -> Option<Shortage> {
    [
        ("Insufficient volume", Shortage::Size),
        ("Order too large", Shortage::Order),
        ("Spread too wide", Shortage::Spread),
    ]
    .into_iter()
    .find_map(|(words, shortage)| reason.starts_with(words).then_some(shortage))
}

fn enough(case: &Case) -> Comparison {
    let input = &case.input;
    let quantity = number(&input["order_size"]).and_then(|size| Quantity::new(size).ok());
    let ours = quote(input)
        .zip(quantity)
        .map(|(quote, quantity)| adequate(&quote, side(input), quantity, size_min(input)).err());
    let theirs = case.theirs.as_ref().map(|theirs| {
        assert_eq!(
            theirs["valid"].as_bool(),
            Some(class(theirs["reason"].as_str().unwrap()).is_none())
        );
        class(theirs["reason"].as_str().unwrap())
    });
    Comparison::default().field("shortage", theirs, ours)
}

fn rule(function: &str, input: &Value, field: &str) -> Option<Deviation> {
    let (bid, ask) = bid_and_ask(input);
    if is_no_quote(input) {
        // Theirs divides by the mid, and answers whenever that is not zero.
        return (bid != -ask).then_some(Deviation::D3);
    }
    if bid > ask {
        return Some(Deviation::D4);
    }
    if number(&input["order_size"]).unwrap() < Decimal::ZERO {
        return Some(Deviation::D14);
    }
    let side = match (function, field) {
        ("analyze_liquidity", "bid") => Side::Buy,
        ("analyze_liquidity", "ask") => Side::Sell,
        _ => return None,
    };
    opening_rule(input, side, tick(input))
}
