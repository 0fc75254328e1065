//! Keeping what was recorded: theirs puts an object into a bucket if it is told to, ours a file beside the log, always.
//!
//! Where it lies, and under which name, has no counterpart.

use alchemiser_core::{
    execution::Execution, money::Money, policy::Policy, price::Price, quantity::Quantity,
    report::BrokerStatus,
};
use alchemiser_driver::settle::{self, Settled};
use alchemiser_tests::{
    pulse::{Fault, Op, Script},
    world::{World, block_on},
};
use alchemiser_wire::ledger::{self, LedgerLine};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::Value;

use crate::conformance::{Case, Comparison, Deviation, book::number, order};

/// Symbol, direction, shares, price.
type Kept = (String, String, Option<Decimal>, Option<Decimal>);

/// What lies in their bucket; `None` when they say that nothing does.
fn theirs(answer: &Value) -> Option<Vec<Kept>> {
    let entry = |entry: &Value| {
        let word = |name: &str| entry[name].as_str().unwrap().to_owned();
        let (quantity, price) = (number(&entry["filled_qty"]), number(&entry["fill_price"]));
        (word("symbol"), word("direction"), quantity, price)
    };
    let kept = answer["returned"].as_bool().unwrap();
    kept.then(|| {
        let puts = answer["puts"].as_array().unwrap().iter();
        let bodies = puts.map(|put| serde_json::from_str(put["Body"].as_str().unwrap()).unwrap());
        let entries = bodies.flat_map(|body: Value| body["entries"].as_array().unwrap().clone());
        entries.map(|found| entry(&found)).collect()
    })
}

fn kept(line: &LedgerLine) -> Kept {
    let decimal = |text: &str| text.parse::<Decimal>().ok();
    let price = line.average_price.as_deref().and_then(decimal);
    (line.symbol.clone(), line.side.clone(), decimal(&line.quantity), price)
}

/// A finished plan with as many fills as the case has entries: buys, and a sell in every second place, of ten shares at
/// 100.25 each.
fn state(input: &Value) -> Execution {
    let count = usize::try_from(input["entries"].as_u64().unwrap()).unwrap();
    let at = Timestamp::UNIX_EPOCH;
    let plan = order::mixed_plan(count);
    let mut execution = Execution::claimed(&plan, at, Policy::default());
    for leg in &mut execution.legs {
        let (shares, limit) = (Decimal::TEN, Price::new(Decimal::new(10_025, 2)).unwrap());
        let shares = Quantity::new(shares).unwrap();
        leg.sized = order::leg(shares).sized;
        order::send(leg, limit, at);
        order::report(leg, BrokerStatus::Filled, shares);
    }
    execution
}

/// What lies in our store afterwards, and whether we were told so.
fn ours(input: &Value, state: &Execution) -> Option<Vec<Kept>> {
    let world = World::new(1);
    let script = if input["put_fails"] == true {
        Script::hit(Op::Put, 1, u64::MAX - 1, Fault::Refuse)
    } else {
        Script::clean()
    };
    let session = world.session_beside(script);
    let settled = block_on(settle::write(&session.desk.store, state)).ok();
    let bytes = world.ledger(state);
    assert_eq!(settled.is_some(), bytes.is_some(), "what was kept, and what was said");
    let lines = bytes?;
    let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let found: Vec<Kept> = lines.map(|line| kept(&serde_json::from_slice(line).unwrap())).collect();
    assert!(matches!(settled, Some(Settled::Ledger { lines, .. }) if lines == found.len()));
    Some(found)
}

pub(super) fn compare(case: &Case) -> Comparison {
    let (input, answer) = (&case.input, case.theirs.as_ref().unwrap());
    let state = state(input);
    let total = |side: &str| -> Option<Decimal> {
        let lines = ledger::lines(&state);
        let notional = |line: &LedgerLine| line.notional.as_ref()?.parse().ok().map(Money::new);
        let of_side = lines.iter().filter(|line| line.side == side).filter_map(notional);
        Some(of_side.sum::<Money>().amount())
    };
    Comparison::default()
        .field("kept", theirs(answer), ours(input, &state))
        .field("bought", number(&answer["total_buy_value"]), total("BUY"))
        .field("sold", number(&answer["total_sell_value"]), total("SELL"))
}

/// Ours cannot be told to keep nothing, and a plan without a fill has a ledger without a line: its absence is a loss.
pub(super) fn rule(input: &Value, field: &str) -> Option<Deviation> {
    let told_to = input["enabled"] == true && input["bucket_name"] != "";
    let works = input["put_fails"] == false;
    let differs = if told_to { input["entries"] == 0 && !works } else { works };
    (field == "kept" && differs).then_some(Deviation::D14)
}
