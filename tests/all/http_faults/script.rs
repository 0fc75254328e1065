//! A script of faults, drawn from a seed.

use alchemiser_exchange::{
    exact::Exact,
    fault::{Fault, Reason, Rule, Script},
};
use alchemiser_tests::dice::Dice;
use rust_decimal::Decimal;

/// What may become of an order and of its cancel: where a second order could come from.
const OF_ORDERS: [Fault; 18] = [
    Fault::LostRequest,
    Fault::LostAnswer,
    Fault::LostAnswer,
    Fault::LateLanding,
    Fault::TooManyRequests,
    Fault::ServerError,
    Fault::UnclearAnswer,
    Fault::DuplicateId,
    Fault::Refused,
    Fault::PartialFill,
    Fault::PartialFill,
    Fault::CancelRace,
    Fault::CancelRace,
    Fault::CancelIgnored,
    Fault::CancelIgnored,
    Fault::CancelAgain,
    Fault::OrderUnseen,
    Fault::OrderUnseen,
];

/// What may become of anything else.
const OF_READINGS: [Fault; 18] = [
    Fault::LostRequest,
    Fault::LostAnswer,
    Fault::LateLanding,
    Fault::TooManyRequests,
    Fault::ServerError,
    Fault::UnclearAnswer,
    Fault::Unauthorized,
    Fault::SlowAnswer,
    Fault::NoPrice,
    Fault::OrdersMissing,
    Fault::OrdersDuplicated,
    Fault::OrdersReordered,
    Fault::OrdersStale,
    Fault::FundsLag,
    Fault::QuoteStale,
    Fault::QuoteCrossed,
    Fault::QuoteZero,
    Fault::QuoteMissing,
];

/// The classes that can meet a plan of ours, which replaces nothing, never cancels all orders at once, and listens to no
/// stream of orders.
pub(crate) fn classes() -> impl Iterator<Item = &'static str> {
    let all = OF_ORDERS.into_iter().chain(OF_READINGS).chain([Fault::SymbolHalt]);
    all.map(Fault::word)
}

/// Half of the scripts strike at some requests, a quarter at any request by chance, and a quarter does both.
pub(crate) fn drawn(dice: &mut Dice, symbols: &[&str]) -> Script {
    let (seed, kind) = (dice.below(u64::MAX), dice.below(4));
    let rules = if kind == 0 { 0 } else { 4 + dice.below(12) };
    let fault = (0..rules).map(|_| rule(dice, symbols)).collect();
    Script { seed, draw: kind < 2, fault }
}

fn rule(dice: &mut Dice, symbols: &[&str]) -> Rule {
    let (fault, method) = match dice.below(16) {
        0 => (Fault::SymbolHalt, None),
        1..8 => (dice.pick(&OF_READINGS), None),
        _ => {
            let fault = dice.pick(&OF_ORDERS);
            let reads = matches!(fault, Fault::OrderUnseen);
            (fault, (!reads).then(|| dice.pick(&["POST", "POST", "DELETE"])))
        }
    };
    // Cancels and look-ups are few: the first ones are struck.
    let (method, last) = match fault {
        Fault::CancelRace | Fault::CancelIgnored | Fault::CancelAgain => (Some("DELETE"), 1),
        Fault::OrderUnseen => (None, 1),
        Fault::DuplicateId | Fault::Refused | Fault::PartialFill => (Some("POST"), 4),
        _ => (method, 4),
    };
    let symbol = (dice.below(4) == 0).then(|| dice.pick(symbols));
    let rate = (dice.below(3) == 0).then(|| dice.pick(&[0.1, 0.3, 0.7]));
    let part = i64::try_from(dice.below(10)).unwrap();
    Rule {
        method: method.map(str::to_owned),
        symbol: symbol.map(str::to_owned),
        nth: 1 + u32::try_from(dice.below(last)).unwrap(),
        times: if rate.is_some() { 0 } else { dice.pick(&[1, 1, 2, 5, 12]) },
        rate,
        ms: Some(dice.pick(&[40, 400, 2_000, 6_000])),
        status: Some(dice.pick(&[500, 502, 503, 504])),
        retry_after: dice.pick(&[None, Some(1), Some(4)]),
        code: Some(dice.pick(&[40_010_001, 42_210_000])),
        part: Some(Exact(Decimal::new(part, 1))),
        reason: Some(dice.pick(&Reason::ALL)),
        side: dice.pick(&[None, Some("bid"), Some("ask")]).map(str::to_owned),
        ..Rule::once(fault)
    }
}
