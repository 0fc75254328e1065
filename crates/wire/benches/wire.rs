//! How quick a plan of a hundred items is read and checked. `make bench`.
//!
//! The baseline is `serde_json` reading the same bytes into a [`Value`], which checks less and keeps more.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot be set up is no benchmark")]

#[path = "../../core/benches/ratio.rs"]
mod ratio;

use std::{hint::black_box, time::Duration};

use alchemiser_core::{ids::AccountId, plan::Plan, policy::Policy};
use alchemiser_wire::{
    incoming,
    plan::{Accounts, read},
};
use criterion::{Criterion, Throughput};
use serde_json::{Value, json};

const ITEMS: u32 = 100;
const MADE_AT: &str = "2026-11-20T15:00:00Z";

fn item(k: u32) -> Value {
    let amount = i64::from(k + 1) * if k.is_multiple_of(2) { -1 } else { 1 };
    let (current, target) = (i64::from(ITEMS) - amount.min(0), i64::from(ITEMS) + amount.max(0));
    let dollars = |whole: i64| format!("{whole}.123456789012345678901234");
    json!({
        "symbol": format!("S{k}"),
        "current_weight": "0.05439631484655020394307911266",
        "target_weight": "0.0612300000000000000000000000",
        "weight_diff": "0.0068336851534497960569208873",
        "target_value": dollars(target),
        "current_value": dollars(current),
        "trade_amount": (target - current).to_string(),
        "action": if amount < 0 { "SELL" } else { "BUY" },
        "priority": 1 + k % 5,
    })
}

/// An event as it crosses the bus, about as large for its items as the real ones are.
fn event() -> Vec<u8> {
    let total: u32 = (1..=ITEMS).sum();
    let amounts: Value = (0..ITEMS)
        .map(|k| (format!("S{k}"), json!("1234.56")))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let event = json!({
        "version": "0",
        "id": "8c1b3d7e-0f6a-4c57-9a55-2a4d1e1c0001",
        "detail-type": "RebalancePlanned",
        "source": "alchemiser.portfolio",
        "account": "000000000000",
        "time": MADE_AT,
        "region": "eu-west-1",
        "resources": [],
        "detail": {
            "correlation_id": "workflow-1",
            "causation_id": "schedule-1",
            "event_id": "planned-1",
            "event_type": "RebalancePlanned",
            "timestamp": MADE_AT,
            "source_module": "portfolio",
            "source_component": null,
            "metadata": null,
            "schema_version": "1.0",
            "rebalance_plan": {
                "schema_version": "1.0",
                "timestamp": MADE_AT,
                "plan_id": "plan-1",
                "items": (0..ITEMS).map(item).collect::<Vec<_>>(),
                "total_portfolio_value": "1000000.00",
                "total_trade_value": total.to_string(),
                "execution_urgency": "NORMAL",
                "metadata": { "strategy_attribution": { "S1": { "momentum": 0.75, "value": "0.25" } } },
            },
            "allocation_comparison": { "target_values": amounts, "current_values": {}, "deltas": {} },
            "trades_required": true,
        },
    });
    event.to_string().into_bytes()
}

/// What `rebalance-planned` does with the bytes before it asks its store anything.
fn parsed(bytes: &[u8], accounts: &Accounts) -> Plan {
    let envelope = incoming::envelope(bytes).unwrap();
    let draft = read(&envelope, accounts).unwrap();
    let at = draft.timestamp;
    let plan = Plan::new(draft, at, Policy::default().plan_max_age).unwrap();
    plan.check_totals().unwrap();
    plan
}

fn main() {
    let bytes = event();
    let accounts = Accounts { default: AccountId::new("PA000000001").unwrap() };
    assert_eq!(parsed(&bytes, &accounts).items.len(), usize::try_from(ITEMS).unwrap());
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    let mut group = criterion.benchmark_group("a plan of 100 items");
    group.throughput(Throughput::Bytes(u64::try_from(bytes.len()).unwrap()));
    group.bench_function("its envelope", |bencher| {
        bencher.iter(|| incoming::envelope(black_box(&bytes)).unwrap());
    });
    group.bench_function("read and checked", |bencher| {
        bencher.iter(|| parsed(black_box(&bytes), &accounts));
    });
    group.bench_function("as serde_json::Value", |bencher| {
        bencher.iter(|| serde_json::from_slice::<Value>(black_box(&bytes)).unwrap());
    });
    group.finish();
    println!("the event has {} bytes", bytes.len());
    let many = 200;
    let work = || (0..many).for_each(|_| drop(parsed(black_box(&bytes), &accounts)));
    let values = || {
        (0..many).for_each(|_| drop(serde_json::from_slice::<Value>(black_box(&bytes)).unwrap()));
    };
    ratio::print("a plan of 100 items, read and checked", "60 µs", many, work, values);
    criterion.final_summary();
}
