//! `validator.jsonl`: what may be ordered, and how many shares.

use alchemiser_core::{money::Money, policy::Policy, quantity::Quantity, sizing};
use rust_decimal::Decimal;
use serde_json::Value;

use super::{
    Case, Comparison, Deviation, Judge,
    book::{number, price},
    every,
    utils::check,
};

pub(crate) const JUDGE: Judge = Judge { file: "validator", is_reached: every, compare, rule };

/// The asset, if it is known: whether it may be traded, and in fractions.
fn asset(input: &Value) -> Option<(bool, bool)> {
    Some((input["asset"]["tradable"].as_bool()?, input["asset"]["fractionable"].as_bool()?))
}

/// What would be sent of so many shares; `None` when nothing is.
fn sent(input: &Value, shares: Decimal) -> Option<Quantity> {
    let (tradable, fractionable) = asset(input)?;
    let lot = sizing::lot(&check(fractionable), shares, &Policy::default());
    (tradable && !lot.is_zero()).then_some(lot)
}

fn compare(case: &Case) -> Comparison {
    let (input, theirs) = (&case.input, case.theirs.as_ref().unwrap());
    let shares = |ours: Option<Quantity>| ours.map(Quantity::shares);
    match case.function.as_str() {
        "validate_order" => {
            let asked = number(&input["quantity"]).unwrap();
            let theirs = theirs["is_valid"]
                .as_bool()
                .unwrap()
                .then(|| number(&theirs["adjusted_quantity"]).unwrap_or(asked));
            Comparison::default().field("sent", theirs, shares(sent(input, asked)))
        }
        "adjust_quantity_for_fractionability" => {
            let theirs = number(&theirs["quantity"]).filter(|quantity| !quantity.is_zero());
            let ours = sent(input, number(&input["raw_quantity"]).unwrap());
            Comparison::default().field("sent", theirs, shares(ours))
        }
        "shares_from_trade_amount" => {
            let theirs = number(&theirs["shares"]).filter(|quantity| !quantity.is_zero());
            let amount = Money::new(number(&input["trade_amount"]).unwrap().abs());
            let ours =
                price(&input["price"]).and_then(|price| sent(input, price.shares_for(amount)));
            Comparison::default().field("sent", theirs, shares(ours))
        }
        other => panic!("no function {other}"),
    }
}

fn rule(function: &str, input: &Value, _: &str) -> Option<Deviation> {
    let Some((_, fractionable)) = asset(input) else {
        return Some(Deviation::D10);
    };
    let asked = match function {
        "shares_from_trade_amount" => {
            let amount = number(&input["trade_amount"]).unwrap().abs();
            let Some(price) = number(&input["price"]).filter(|price| *price > Decimal::ZERO) else {
                return Some(Deviation::D10);
            };
            amount / price
        }
        "validate_order" => number(&input["quantity"]).unwrap(),
        _ => number(&input["raw_quantity"]).unwrap(),
    };
    let whole_only_refused = input["auto_adjust"] == Value::Bool(false) && !asked.fract().is_zero();
    if asked <= Decimal::ZERO || (!fractionable && whole_only_refused) {
        Some(Deviation::D14)
    } else {
        // Theirs keeps more than six decimals, or rounds half-even to them.
        (fractionable && asked.normalize().scale() > 6).then_some(Deviation::D5)
    }
}
