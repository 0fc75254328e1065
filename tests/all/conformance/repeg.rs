//! `repeg.jsonl`: the prices of re-pegs. A case that allows crossing is the last re-peg of its order.

use alchemiser_core::{
    liquidity::{Reach, repeg_limit},
    peg::Parent,
    policy::Policy,
    price::Price,
    quantity::Quantity,
};
use rust_decimal::Decimal;
use serde_json::Value;

use super::{
    Case, Comparison, Deviation, Judge,
    book::{bid_and_ask, is_inside, is_no_quote, number, parent, price, quote, side},
    design,
    original::Repeg,
};

pub(crate) const JUDGE: Judge = Judge { file: "repeg", compare, rule };

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
    if let Some(limit) = ours {
        assert!(!history(input).contains(&limit), "{} uses a price again", case.id);
    }
    let comparison = Comparison::default().field("price", theirs, ours);
    if quote(input).is_none() {
        return comparison;
    }
    let repeg = Repeg::of(input, side(input));
    comparison.must("as modelled", theirs, Some(repeg.price())).must(
        "as designed",
        design::repeg(input, &repeg),
        ours,
    )
}

fn rule(_: &str, input: &Value, field: &str) -> Option<Deviation> {
    if field != "price" {
        return None;
    }
    let (bid, ask) = bid_and_ask(input);
    if is_no_quote(input) {
        return Some(Deviation::D3);
    }
    if bid > ask {
        return Some(Deviation::D4);
    }
    let repeg = Repeg::of(input, side(input));
    let (theirs, ours) = (repeg.price(), design::repeg(input, &repeg));
    if ours == Some(theirs) {
        return None;
    }
    let tick = design::tick(bid);
    let aim = design::passive(repeg.aim(), tick, repeg.side);
    let steps = repeg.steps() || design::is_used(&repeg, aim);
    if !repeg.crosses {
        // Theirs may stand at the far touch, ours never; and its forced step is not bounded at all.
        let reaches =
            repeg.beyond(repeg.aim()) >= Decimal::ZERO || repeg.beyond(theirs) >= Decimal::ZERO;
        return Some(match (bid == ask, reaches, steps) {
            (true, ..) => Deviation::D2,
            (_, true, _) => Deviation::D1,
            (_, _, true) => Deviation::D6,
            (_, _, false) => Deviation::D5,
        });
    }
    // Theirs steps from wherever the aim is beyond the far touch; ours from the far touch, past every used price.
    let through = design::passive(repeg.on(repeg.far, repeg.improvement), tick, repeg.side);
    Some(if repeg.beyond(repeg.aim()) > repeg.improvement {
        Deviation::D7
    } else if repeg.steps() || design::is_used(&repeg, through) {
        Deviation::D6
    } else {
        Deviation::D5
    })
}
