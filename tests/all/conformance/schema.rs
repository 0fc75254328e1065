//! `schema_parse.jsonl`: which plans are taken, and as what.
//!
//! The original's readers differ among themselves; each case's plan is put into a whole event here.

use alchemiser_core::{
    ids::AccountId,
    plan::{Plan, PlanItem},
    policy::Policy,
};
use alchemiser_wire::{incoming, plan as wire};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{Case, Comparison, Deviation, Judge, book::number};

pub(crate) const JUDGE: Judge = Judge { file: "schema_parse", compare, rule };

/// The functions that read a whole event, not a plan.
const EVENT_READERS: [&str; 2] =
    ["RebalancePlanned.model_validate_json", "RebalancePlanned.from_dict"];

fn detail(plan: &Value) -> Value {
    json!({
        "correlation_id": "c", "causation_id": "c", "event_id": "e",
        "event_type": "RebalancePlanned", "timestamp": "2025-10-10T14:35:00.123456Z",
        "source_module": "m", "source_component": null, "metadata": {}, "schema_version": "1.0",
        "rebalance_plan": plan, "trades_required": true,
        "allocation_comparison": { "target_values": {}, "current_values": {}, "deltas": {} },
    })
}

/// The event of a case: its own where it has one, else one around its plan. Keyword arguments change ours.
fn event(case: &Case) -> Value {
    let detail = if EVENT_READERS.contains(&case.function.as_str()) {
        case.input["json"].clone()
    } else if case.input.get("kwargs").is_some() {
        let mut detail = detail(&small());
        for (name, value) in case.input["kwargs"].as_object().unwrap() {
            let none = value == "None";
            detail[name] = if none { Value::Null } else { value.clone() };
        }
        detail
    } else {
        detail(&case.input["json"])
    };
    json!({
        "version": "0", "id": "1", "detail-type": "RebalancePlanned", "source": "alchemiser.portfolio",
        "account": "0", "time": "2025-10-10T14:35:00Z", "region": "r", "resources": [], "detail": detail,
    })
}

fn small() -> Value {
    json!({
        "schema_version": "1.0", "correlation_id": "corr-1", "causation_id": "corr-1",
        "timestamp": "2025-10-10T14:35:00.123456Z", "plan_id": "portfolio_v2_corr-1_1760106900",
        "items": [{
            "symbol": "TQQQ", "current_weight": "0.25", "target_weight": "0.0", "weight_diff": "-0.25",
            "target_value": "0", "current_value": "5000.25", "trade_amount": "-5000.25",
            "action": "SELL", "priority": 1,
        }],
        "total_portfolio_value": "100000.00", "total_trade_value": "5000.25",
    })
}

fn ours(case: &Case) -> Option<Plan> {
    let accounts = wire::Accounts { default: AccountId::new("PA000000001").unwrap() };
    let envelope = incoming::envelope(event(case).to_string().as_bytes()).ok()?;
    let draft = wire::read(&envelope, &accounts).ok()?;
    let plan = Plan::new(draft, Timestamp::UNIX_EPOCH, Policy::default().plan_max_age).ok()?;
    plan.check_totals().ok()?;
    Some(plan)
}

/// Real plans have more digits than either side's numbers; fifteen decimals are enough for any dollar.
fn rounded(value: Decimal) -> Decimal {
    value.round_dp(15).normalize()
}

fn our_item(item: &PlanItem) -> (String, &'static str, i64, [Decimal; 5]) {
    let values = [
        item.trade_amount.amount(),
        item.current_value.amount(),
        item.target_value.amount(),
        item.current_weight,
        item.target_weight,
    ];
    (item.symbol.to_string(), item.action.word(), item.priority.into(), values.map(rounded))
}

fn their_item(item: &Value) -> (String, String, i64, [Decimal; 5]) {
    let names =
        ["trade_amount", "current_value", "target_value", "current_weight", "target_weight"];
    let word = |name: &str| item[name].as_str().unwrap().to_owned();
    let values = names.map(|name| rounded(number(&item[name]).unwrap()));
    (word("symbol"), word("action"), item["priority"].as_i64().unwrap(), values)
}

fn compare(case: &Case) -> Comparison {
    let ours = ours(case);
    let comparison = Comparison::default().field("accepted", case.theirs.is_some(), ours.is_some());
    let (Some(theirs), Some(ours)) = (&case.theirs, ours) else { return comparison };
    let theirs = theirs.get("rebalance_plan").unwrap_or(theirs);
    let items =
        ours.items.iter().map(our_item).map(|(s, a, p, v)| (s, a.to_owned(), p, v)).collect();
    let their_items: Vec<_> = theirs["items"].as_array().unwrap().iter().map(their_item).collect();
    let totals = |plan: &Value| {
        ["total_portfolio_value", "total_trade_value"].map(|name| number(&plan[name]).map(rounded))
    };
    comparison
        .field("items", their_items, items)
        .field("plan_id", theirs["plan_id"].as_str(), Some(ours.plan_id.as_str()))
        .field("urgency", theirs["execution_urgency"].as_str(), Some(ours.urgency.word()))
        .field(
            "totals",
            totals(theirs),
            [
                Some(rounded(ours.portfolio_value.amount())),
                Some(rounded(ours.trade_value.amount())),
            ],
        )
}

const DECIMALS: [&str; 5] =
    ["trade_amount", "current_value", "target_value", "current_weight", "target_weight"];

fn items(plan: &Value) -> &[Value] {
    plan["items"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The original's older reader, which fills in what is missing and converts what it finds.
fn is_loose(function: &str) -> bool {
    function.ends_with("_convert_rebalance_plan")
}

/// Only theirs refuses: its newer reader wants ids in the plan, too, decimals as strings, values from zero on, and a
/// duration of at least a minute. Whole events in JSON it refuses, all of them.
fn theirs_refuses(function: &str, plan: &Value) -> bool {
    let odd_item = |item: &Value| {
        let negative = |name: &str| number(&item[name]).is_some_and(|value| value < Decimal::ZERO);
        DECIMALS.iter().any(|name| item[name].is_number())
            || negative("current_value")
            || negative("target_value")
    };
    let anonymous = ["correlation_id", "causation_id"].iter().any(|id| plan.get(id).is_none());
    let instant = plan["estimated_duration_minutes"].as_i64() == Some(0);
    let strict = !is_loose(function);
    EVENT_READERS.contains(&function)
        || (strict && (anonymous || instant || items(plan).iter().any(odd_item)))
}

/// Only ours refuses: spaces around a symbol, a symbol twice, words in small letters, a time without a zone, and what the
/// older reader fills in or converts.
fn ours_refuses(function: &str, plan: &Value) -> bool {
    let small = |value: &Value| value.as_str().is_some_and(|word| word != word.to_uppercase());
    let symbol = |item: &Value| Some(item["symbol"].as_str()?.trim().to_uppercase());
    let symbols: Vec<String> = items(plan).iter().filter_map(symbol).collect();
    let twice = (1..symbols.len()).any(|index| symbols[..index].contains(&symbols[index]));
    let odd_item = |item: &Value| {
        let padded = item["symbol"]
            .as_str()
            .is_some_and(|symbol| symbol != symbol.trim() && !symbol.trim().is_empty());
        let lacks = |name: &&str| item.get(*name).is_none();
        let filled_in = DECIMALS.iter().chain(&["action"]).any(lacks) || !item["priority"].is_i64();
        let known = item.get("symbol").is_some();
        padded || small(&item["action"]) || (is_loose(function) && known && filled_in)
    };
    let time = plan["timestamp"].as_str().unwrap_or_default();
    let unzoned = !time.is_empty() && time.parse::<Timestamp>().is_err();
    twice || unzoned || small(&plan["execution_urgency"]) || items(plan).iter().any(odd_item)
}

fn rule(function: &str, input: &Value, field: &str) -> Option<Deviation> {
    if field != "accepted" {
        return None;
    }
    let one = if let Some(kwargs) = input["kwargs"].as_object() {
        // Theirs takes a plan of another event type, and wants metadata.
        let other_type = kwargs.contains_key("event_type");
        other_type != kwargs.values().any(|value| value == "None")
    } else {
        let event = EVENT_READERS.contains(&function);
        let plan = if event { &input["json"]["rebalance_plan"] } else { &input["json"] };
        theirs_refuses(function, plan) != ours_refuses(function, plan)
    };
    one.then_some(Deviation::D14)
}
