//! `pricing.jsonl`: opening limits.
//!
//! Echoes of the input in the metadata (mid, bid, ask, sizes, method) are not ours to answer and are not compared.

use alchemiser_core::{
    liquidity::{Analysis, analyze, inside_spread, opening_limit},
    policy::Policy,
    quantity::Quantity,
    side::Side,
};
use rust_decimal::Decimal;
use serde_json::Value;

use super::{
    Case, Comparison, Deviation, Judge,
    book::{
        bid_and_ask, float, is_inside, is_no_quote, is_off_the_cent, number, parent, quote, side,
    },
    every,
};

pub(crate) const JUDGE: Judge = Judge { file: "pricing", is_reached: every, compare, rule };

/// The original's smallest size that says something, where no case names another.
const SIZE_MIN: u32 = 10;

fn policy(input: &Value) -> Policy {
    let mut policy = Policy::default();
    let offset = |name: &str| input["config"].get(name).and_then(number);
    policy.bid_anchor_offset =
        offset("bid_anchor_offset_cents").unwrap_or(policy.bid_anchor_offset);
    policy.ask_anchor_offset =
        offset("ask_anchor_offset_cents").unwrap_or(policy.ask_anchor_offset);
    policy
}

struct Ours {
    price: Option<Decimal>,
    analysis: Analysis,
    strategy: Option<&'static str>,
}

fn ours(case: &Case) -> Option<Ours> {
    let (input, quote) = (&case.input, quote(&case.input)?);
    let order_size = input.get("order_size").map_or(Some(Decimal::ONE), number)?;
    let (side, quantity) = (side(input), Quantity::new(order_size).ok()?);
    let parent = parent(side, quantity, &quote);
    if case.function == "calculate_simple_inside_spread_price" {
        let price = inside_spread(&parent, &quote, &policy(input));
        let price = price.map(alchemiser_core::price::Price::dollars);
        return Some(Ours { price, analysis: Analysis::ASSUMED, strategy: None });
    }
    let analysis = analyze(&quote, quantity, Quantity::rounded_down(Decimal::from(SIZE_MIN), 0));
    let price = opening_limit(&parent, &quote).map(alchemiser_core::price::Price::dollars);
    let strategy = Some(analysis.strategy(side, &quote, quantity).word());
    Some(Ours { price, analysis, strategy })
}

fn compare(case: &Case) -> Comparison {
    let ours = ours(case);
    if let Some(limit) = ours.as_ref().and_then(|ours| ours.price) {
        assert!(
            is_inside(&case.input, side(&case.input), limit),
            "{} reaches the far touch",
            case.id
        );
    }
    let Some(theirs) = &case.theirs else {
        return Comparison::default().field("answered", false, ours.is_some());
    };
    if let (Some(ours), Some(theirs)) = (&ours, number(&theirs["price"])) {
        assert!(is_near(&case.input, ours.price, theirs), "{}: rounding is not all", case.id);
    }
    let (metadata, ours) = (&theirs["metadata"], ours.as_ref());
    let analysis = ours.map(|ours| ours.analysis);
    let comparison = Comparison::default()
        .field("price", number(&theirs["price"]), ours.and_then(|ours| ours.price))
        .float(
            "liquidity_score",
            metadata["liquidity_score"].as_f64(),
            analysis.map(|ours| float(ours.score)),
        )
        .float(
            "volume_imbalance",
            metadata["volume_imbalance"].as_f64(),
            analysis.map(|ours| float(ours.imbalance)),
        )
        .float(
            "confidence",
            metadata["confidence"].as_f64(),
            analysis.map(|ours| float(ours.confidence)),
        );
    match ours.map(|ours| ours.strategy) {
        Some(Some(word)) => {
            comparison.field("strategy", metadata["strategy_recommendation"].as_str(), Some(word))
        }
        Some(None) | None => comparison,
    }
}

/// Off the grid of cents (and from $1 on) rounding moves a price by less than a cent, the far touch by another.
fn is_near(input: &Value, ours: Option<Decimal>, theirs: Decimal) -> bool {
    let cents = input.get("config").is_none() && bid_and_ask(input).0 >= Decimal::ONE;
    let two = super::book::CENT * Decimal::TWO;
    let sized = input.get("order_size").is_some();
    let explained = sized && opening_rule(input, side(input)).is_some();
    !cents
        || explained
        || !is_off_the_cent(input)
        || ours.is_none_or(|ours| (ours - theirs).abs() <= two)
}

/// How far inside the near touch theirs opens, in ticks, before its last bounds.
pub(crate) fn ticks_inside(input: &Value, side: Side) -> Decimal {
    let shown = |name: &str| number(&input[name]).unwrap().max(Decimal::ONE);
    let near = match side {
        Side::Buy => shown("bid_size"),
        Side::Sell => shown("ask_size"),
    };
    let share = number(&input["order_size"]).unwrap() / near;
    match share {
        share if share > Decimal::new(8, 1) => Decimal::TWO,
        share if share > Decimal::new(3, 1) => Decimal::ONE,
        _ => Decimal::ZERO,
    }
}

/// Why ours opens elsewhere on a book of cents.
pub(crate) fn opening_rule(input: &Value, side: Side) -> Option<Deviation> {
    let (bid, ask) = bid_and_ask(input);
    let (cent, room) = (super::book::CENT, ask - bid);
    let inside = ticks_inside(input, side) * cent;
    let shown = |name: &str| number(&input[name]).unwrap();
    let leans = shown("ask_size") - shown("bid_size")
        > Decimal::new(2, 1) * (shown("ask_size") + shown("bid_size"));
    if inside >= room {
        Some(Deviation::D1)
    } else {
        // Theirs holds a sell two ticks above the bid, even where that raises it again.
        (side == Side::Sell && leans && inside + cent > room - cent - cent).then_some(Deviation::D2)
    }
}

fn rule(function: &str, input: &Value, field: &str) -> Option<Deviation> {
    let (bid, ask) = bid_and_ask(input);
    if is_no_quote(input) {
        return Some(Deviation::D3);
    }
    if bid > ask {
        return Some(Deviation::D4);
    }
    let simple = function == "calculate_simple_inside_spread_price";
    match field {
        "liquidity_score" if simple => Some(Deviation::D4),
        "price" => price_rule(input, simple),
        _ => None,
    }
}

fn price_rule(input: &Value, simple: bool) -> Option<Deviation> {
    let (bid, ask) = bid_and_ask(input);
    let cent = super::book::CENT;
    let offset = policy(input).bid_anchor_offset;
    if bid == ask {
        Some(Deviation::D2)
    } else if !simple && opening_rule(input, side(input)).is_some() {
        opening_rule(input, side(input))
    } else if is_off_the_cent(input) || (!simple && offset != cent) {
        Some(Deviation::D5)
    } else if simple {
        // The mid lies between two cents: theirs rounds half-even, ours away from the market.
        let reach = match side(input) {
            Side::Buy => bid + offset.max(cent),
            Side::Sell => ask - policy(input).ask_anchor_offset.max(cent),
        };
        let mid = (bid + ask) / Decimal::TWO;
        let past_mid = match side(input) {
            Side::Buy => reach > mid,
            Side::Sell => reach < mid,
        };
        let far = if side(input) == Side::Buy { ask } else { bid };
        if (side(input).sign() * (reach - far)).is_sign_positive() {
            // The offset overshoots the spread: theirs falls back to the near touch, ours stays at the mid.
            return Some(Deviation::D2);
        }
        let off_grid = past_mid && !(mid % cent).is_zero() || !(reach % cent).is_zero();
        off_grid.then_some(Deviation::D5)
    } else {
        None
    }
}
