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

use super::{Case, Comparison, Deviation, Judge, book::number, every};

pub(crate) const JUDGE: Judge = Judge { file: "schema_parse", is_reached: every, compare, rule };

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

/// The plan lacks what one side needs and the other does without.
fn lacks(plan: &Value) -> bool {
    let fields = [
        "plan_id",
        "correlation_id",
        "causation_id",
        "timestamp",
        "items",
        "total_portfolio_value",
        "total_trade_value",
        "schema_version",
    ];
    let item_fields = ["symbol", "action", "priority", "weight_diff"];
    let items = plan["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let item_lacks =
        |item: &Value| item_fields.iter().chain(&DECIMALS).any(|name| item.get(name).is_none());
    fields.iter().any(|name| plan.get(name).is_none())
        || items.is_empty()
        || items.iter().any(item_lacks)
}

/// A value that one side takes and the other refuses: symbols between spaces, JSON numbers for decimals, words in small letters, a priority
/// that is no whole number, a symbol twice, a time without a zone, values below zero, a duration of nothing.
fn is_loose(plan: &Value) -> bool {
    let items = plan["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let upper =
        |value: &Value| value.as_str().is_none_or(|word| word == word.trim().to_uppercase());
    let symbols: Vec<String> = items
        .iter()
        .filter_map(|item| Some(item["symbol"].as_str()?.trim().to_uppercase()))
        .collect();
    let twice = (1..symbols.len()).any(|index| symbols[..index].contains(&symbols[index]));
    let loose_item = |item: &Value| {
        let negative = |name: &str| number(&item[name]).is_some_and(|value| value < Decimal::ZERO);
        DECIMALS.iter().any(|name| item[name].is_number())
            || !item["priority"].is_i64()
            || !upper(&item["action"])
            || item["symbol"].as_str().is_some_and(|symbol| symbol != symbol.trim())
            || negative("current_value")
            || negative("target_value")
    };
    let time = plan["timestamp"].as_str().unwrap_or_default();
    twice
        || items.iter().any(loose_item)
        || !upper(&plan["execution_urgency"])
        || time.parse::<Timestamp>().is_err()
        || plan["estimated_duration_minutes"].as_i64() == Some(0)
}

fn rule(function: &str, input: &Value, _: &str) -> Option<Deviation> {
    // Theirs refuses every event in JSON.
    if EVENT_READERS.contains(&function) {
        return Some(Deviation::D14);
    }
    let kwargs = input["kwargs"].as_object();
    let odd = |(name, value): (&String, &Value)| {
        name == "event_type" || name == "correlation_id" || value == "None"
    };
    if kwargs.is_some_and(|kwargs| kwargs.iter().any(odd)) {
        return Some(Deviation::D14);
    }
    let plan = input.get("json")?;
    (lacks(plan) || is_loose(plan)).then_some(Deviation::D14)
}
