//! `validator.jsonl`: what may be ordered, and how many shares.

use alchemiser_core::{money::Money, policy::Policy, quantity::Quantity, sizing};
use rust_decimal::Decimal;
use serde_json::Value;

use super::{
    Case, Comparison, Deviation, Judge,
    book::{number, price},
    utils::check,
};

pub(crate) const JUDGE: Judge = Judge { file: "validator", compare, rule };

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

/// What must be sent: nothing of what is unknown, not tradable or no amount, else what was asked for, cut off at six
/// decimals or at the whole share.
fn designed(function: &str, input: &Value) -> Option<Decimal> {
    let (asked, (tradable, fractionable)) = (asked(function, input)?, asset(input)?);
    let cut = asked.trunc_with_scale(if fractionable { 6 } else { 0 });
    (tradable && cut > Decimal::ZERO).then_some(cut)
}

fn compare(case: &Case) -> Comparison {
    let ours = ours(case);
    theirs(case, ours).must("as designed", designed(&case.function, &case.input), ours)
}

/// What would be sent.
fn ours(case: &Case) -> Option<Decimal> {
    let input = &case.input;
    let quantity = match case.function.as_str() {
        "validate_order" => sent(input, number(&input["quantity"]).unwrap()),
        "adjust_quantity_for_fractionability" => {
            sent(input, number(&input["raw_quantity"]).unwrap())
        }
        "shares_from_trade_amount" => {
            let amount = Money::new(number(&input["trade_amount"]).unwrap().abs());
            price(&input["price"]).and_then(|price| sent(input, price.shares_for(amount)))
        }
        other => panic!("no function {other}"),
    };
    quantity.map(Quantity::shares)
}

fn theirs(case: &Case, ours: Option<Decimal>) -> Comparison {
    let (input, theirs) = (&case.input, case.theirs.as_ref().unwrap());
    let some = |name: &str| number(&theirs[name]).filter(|quantity| !quantity.is_zero());
    let theirs = match case.function.as_str() {
        "validate_order" => theirs["is_valid"]
            .as_bool()
            .unwrap()
            .then(|| number(&theirs["adjusted_quantity"]).or(number(&input["quantity"])).unwrap()),
        "adjust_quantity_for_fractionability" => some("quantity"),
        _ => some("shares"),
    };
    Comparison::default().field("sent", theirs, ours)
}

/// More than six decimals were asked for; as the original rounds them (half-even), and as they are cut off.
fn to_six(shares: Decimal) -> (Decimal, Decimal) {
    (shares.round_dp(6), shares.trunc_with_scale(6))
}

/// How many shares are asked for; `None` where the price is unknown.
fn asked(function: &str, input: &Value) -> Option<Decimal> {
    match function {
        "validate_order" => number(&input["quantity"]),
        "adjust_quantity_for_fractionability" => number(&input["raw_quantity"]),
        _ => {
            let price = number(&input["price"]).filter(|price| *price > Decimal::ZERO)?;
            Some(number(&input["trade_amount"])?.abs() / price)
        }
    }
}

fn rule(function: &str, input: &Value, _: &str) -> Option<Deviation> {
    // Theirs trades one share where it does not know the price.
    let Some(asked) = asked(function, input) else {
        return Some(Deviation::D10);
    };
    let validates = function == "validate_order";
    match asset(input) {
        // Theirs lets an unknown asset's order pass as it is, or its whole shares.
        None => (validates || !asked.trunc().is_zero()).then_some(Deviation::D10),
        Some((false, _)) => None,
        Some((true, true)) => {
            let (rounded, cut) = to_six(asked);
            let differs = if validates { asked != cut } else { rounded != cut };
            let negative = asked < Decimal::ZERO && !validates && !rounded.is_zero();
            let deviation = if negative { Deviation::D14 } else { Deviation::D5 };
            (negative || (asked > Decimal::ZERO && differs)).then_some(deviation)
        }
        Some((true, false)) => {
            let refused = validates && input["auto_adjust"] == false && !asked.fract().is_zero();
            let negative = !validates && asked <= -Decimal::ONE;
            // An order of nothing passes there as long as it is whole.
            let nothing = validates && asked.is_zero();
            let cut = refused && asked >= Decimal::ONE;
            (negative || nothing || cut).then_some(Deviation::D14)
        }
    }
}
