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
    book::{CENT, bid_and_ask, float, is_inside, is_no_quote, number, parent, quote, side},
    design, original,
};

pub(crate) const JUDGE: Judge = Judge { file: "pricing", compare, rule };

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
    let (metadata, ours) = (&theirs["metadata"], ours.as_ref());
    let analysis = ours.map(|ours| ours.analysis);
    let mut comparison = Comparison::default();
    if let Some(ours) = ours {
        let (original, design) = worked_out(&case.function, &case.input);
        comparison = comparison.must("as modelled", number(&theirs["price"]), Some(original)).must(
            "as designed",
            design,
            ours.price,
        );
    }
    let comparison = comparison
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
        // Half of a scale of 0 to 100, where nothing was looked at.
        Some(None) => {
            let score = analysis.map(|ours| ours.score);
            comparison.must("assumed score", Some(Decimal::from(50)), score)
        }
        None => comparison,
    }
}

/// The original's tick is the configured offset, whatever the symbol.
fn their_tick(input: &Value) -> Decimal {
    policy(input).bid_anchor_offset
}

fn offset(input: &Value) -> Decimal {
    match side(input) {
        Side::Buy => policy(input).bid_anchor_offset,
        Side::Sell => policy(input).ask_anchor_offset,
    }
}

fn is_simple(function: &str) -> bool {
    function == "calculate_simple_inside_spread_price"
}

/// What the original's price comes to, and what ours must come to.
fn worked_out(function: &str, input: &Value) -> (Decimal, Option<Decimal>) {
    let side = side(input);
    if is_simple(function) {
        let offset = offset(input);
        (original::simple(input, side, offset), design::inside(input, side, offset))
    } else {
        (original::opening(input, side, their_tick(input)), design::opening(input, side))
    }
}

/// Where the original's opening and ours part.
pub(crate) fn opening_rule(input: &Value, side: Side, their_tick: Decimal) -> Option<Deviation> {
    let (near, far) = original::touches(input, side);
    if design::opening(input, side) == Some(original::opening(input, side, their_tick)) {
        return None;
    }
    let beyond = |price: Decimal| side.sign() * (price - far) >= Decimal::ZERO;
    let sized = near + side.sign() * original::ticks_inside(input, side) * their_tick;
    let same_tick = design::tick(near) == their_tick;
    if near == far {
        Some(Deviation::D2)
    } else if beyond(sized) || (side == Side::Sell && is_lifted(input, their_tick)) {
        Some(Deviation::D1)
    } else if same_tick && original::leans(input, side) && is_turned(input, side, their_tick) {
        Some(Deviation::D2)
    } else {
        Some(Deviation::D5)
    }
}

/// The original's sell is lifted to its buy, because one of them stands beyond the other's touch.
fn is_lifted(input: &Value, tick: Decimal) -> bool {
    let of = |side| original::unbounded_opening(input, side, tick);
    of(Side::Buy) > of(Side::Sell)
}

/// A lean that should hurry the order held it back: it stands farther from the far touch than without.
fn is_turned(input: &Value, side: Side, tick: Decimal) -> bool {
    let sized =
        original::touches(input, side).0 + side.sign() * original::ticks_inside(input, side) * tick;
    side.sign() * (original::unbounded_opening(input, side, tick) - sized) <= Decimal::ZERO
}

fn rule(function: &str, input: &Value, field: &str) -> Option<Deviation> {
    let (bid, ask) = bid_and_ask(input);
    if is_no_quote(input) {
        // Theirs divides by the mid where it looks at sizes, and answers whenever that is not zero.
        return (is_simple(function) || bid != -ask).then_some(Deviation::D3);
    }
    if bid > ask {
        return Some(Deviation::D4);
    }
    match field {
        "liquidity_score" if is_simple(function) => Some(Deviation::D4),
        "price" if is_simple(function) => simple_rule(input),
        "price" => opening_rule(input, side(input), their_tick(input)),
        _ => None,
    }
}

/// Where the original's opening without sizes and ours part: an offset that overshoots the spread falls back to the near
/// touch there, and stays at the mid here.
fn simple_rule(input: &Value) -> Option<Deviation> {
    let (side, offset) = (side(input), offset(input));
    let (near, far) = original::touches(input, side);
    if design::inside(input, side, offset) == Some(original::simple(input, side, offset)) {
        return None;
    }
    let aim = near + side.sign() * offset.max(CENT);
    let overshoots = side.sign() * (aim - far) >= Decimal::ZERO;
    Some(if overshoots || near == far { Deviation::D2 } else { Deviation::D5 })
}
