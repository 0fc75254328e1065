//! `repeg.jsonl`: the prices of re-pegs. A case that allows crossing is the last re-peg of its order.

use alchemiser_core::{
    liquidity::{Reach, repeg_limit},
    peg::Parent,
    policy::Policy,
    price::Price,
    quantity::Quantity,
    side::Side,
};
use rust_decimal::Decimal;
use serde_json::Value;

use super::{
    Case, Comparison, Deviation, Judge,
    book::{
        CENT, bid_and_ask, is_inside, is_no_quote, is_off_the_cent, number, parent, price, quote,
        side,
    },
    every,
};

pub(crate) const JUDGE: Judge = Judge { file: "repeg", is_reached: every, compare, rule };

fn history(input: &Value) -> Vec<Decimal> {
    let prices = input["price_history"].as_array();
    prices.into_iter().flatten().filter_map(number).collect()
}

/// Every price the leg has had: the history, and the last price.
fn used(input: &Value) -> Vec<Price> {
    let history = history(input).into_iter().filter_map(|used| Price::new(used).ok());
    history.chain(price(&input["original_price"])).collect()
}

fn crosses(input: &Value) -> bool {
    input["allow_cross_spread_on_repeg"].as_bool().unwrap()
}

fn ours(input: &Value) -> Option<Decimal> {
    let quote = quote(input)?;
    let policy = Policy {
        repeg_min_improvement: number(&input["repeg_min_improvement_cents"])?,
        ..Policy::default()
    };
    let parent = Parent { used: used(input), ..parent(side(input), Quantity::ONE, &quote) };
    let reach = if crosses(input) { Reach::Through } else { Reach::Inside };
    repeg_limit(&parent, price(&input["original_price"]), &quote, reach, &policy)
        .map(Price::dollars)
}

fn compare(case: &Case) -> Comparison {
    let theirs = case.theirs.as_ref().and_then(|theirs| number(&theirs["price"]));
    let (input, ours) = (&case.input, ours(&case.input));
    if let Some(limit) = ours.filter(|_| !crosses(input)) {
        assert!(is_inside(input, side(input), limit), "{} reaches the far touch", case.id);
    }
    if let (Some(limit), false) = (ours, is_off_the_cent(input)) {
        assert!(!history(input).contains(&limit), "{} uses a price again", case.id);
    }
    Comparison::default().field("price", theirs, ours)
}

/// Half-way from the last price to the far touch, or the offset from the far touch; not rounded, not bounded.
fn aim(input: &Value) -> Decimal {
    let (bid, ask) = bid_and_ask(input);
    let far = if side(input) == Side::Buy { ask } else { bid };
    match number(&input["original_price"]).filter(|price| !price.is_zero()) {
        Some(last) => last + (far - last) / Decimal::TWO,
        None => far - side(input).sign() * CENT,
    }
}

fn rule(_: &str, input: &Value, _: &str) -> Option<Deviation> {
    let (bid, ask) = bid_and_ask(input);
    if is_no_quote(input) {
        return Some(Deviation::D3);
    }
    if bid > ask {
        return Some(Deviation::D4);
    }
    let (side, improvement) = (side(input), number(&input["repeg_min_improvement_cents"]).unwrap());
    let (far, sign) = (if side == Side::Buy { ask } else { bid }, side.sign());
    // How far a price stands beyond the far touch.
    let beyond = |price: Decimal| sign * (price - far);
    let aim = aim(input);
    if is_off_the_cent(input) {
        return Some(Deviation::D5);
    }
    if crosses(input) {
        return crossing_rule(input, beyond(aim), improvement);
    }
    if bid == ask {
        return Some(Deviation::D2);
    }
    // Theirs may stand at the far touch, ours never; and its forced step is not bounded at all.
    let rounded = aim.round_dp(2);
    let stepped = rounded + sign * improvement;
    let used = used_decimals(input);
    let reaches = beyond(rounded) >= Decimal::ZERO;
    let is_stepped = used.contains(&rounded);
    if reaches || (is_stepped && beyond(stepped) >= Decimal::ZERO) {
        Some(Deviation::D1)
    } else if !(aim % CENT).is_zero() {
        Some(if is_stepped { Deviation::D6 } else { Deviation::D5 })
    } else {
        used.contains(&aim).then_some(Deviation::D6)
    }
}

fn used_decimals(input: &Value) -> Vec<Decimal> {
    used(input).into_iter().map(Price::dollars).collect()
}

/// Theirs steps from wherever the aim is beyond the far touch; ours from the far touch, past every used price.
fn crossing_rule(input: &Value, aim_beyond: Decimal, improvement: Decimal) -> Option<Deviation> {
    if aim_beyond > improvement {
        return Some(Deviation::D7);
    }
    let (bid, ask) = bid_and_ask(input);
    let sign = side(input).sign();
    let far = if sign.is_sign_positive() { ask } else { bid };
    used_decimals(input).contains(&(far + sign * improvement)).then_some(Deviation::D6)
}
