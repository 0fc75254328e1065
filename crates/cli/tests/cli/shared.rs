//! The shared examples: a real live plan among them.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::command::{assert_sound, decimal, run_json};

pub(crate) fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/events").join(name);
    if !path.is_file() {
        eprintln!("skipped: ../shared absent");
    }
    path.is_file().then_some(path)
}

/// X1, H1: the real plan: 25 sells, then 7 buys, none over its target.
#[test]
fn the_real_plan_completes() {
    let Some(plan) = shared("real-plan-2026-01-26.json") else { return };
    let dir = tempfile::tempdir().unwrap();
    let (code, report) = run_json(&plan, &dir.path().join("state"), &[]);
    assert_eq!((code, report["outcome"].as_str()), (0, Some("completed")), "{report}");
    let legs = report["legs"].as_array().unwrap();
    let side = |side: &str| legs.iter().filter(|leg| leg["side"] == side).count();
    assert_eq!((side("sell"), side("buy")), (25, 7));
    for leg in legs {
        assert!(decimal(&leg["filled_quantity"]) <= decimal(&leg["target_quantity"]), "{leg}");
        assert_eq!(leg["outcome"], "filled", "{leg}");
    }
    assert_sound(&dir.path().join("state"));
}

/// H2: a plan without trades succeeds without a broker call.
#[test]
fn the_shared_examples_complete() {
    let (Some(plan), Some(idle)) =
        (shared("rebalance-planned.json"), shared("rebalance-planned-no-trades.json"))
    else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let (code, report) = run_json(&plan, &dir.path().join("trades"), &[]);
    assert_eq!((code, report["outcome"].as_str()), (0, Some("completed")), "{report}");
    assert_sound(&dir.path().join("trades"));
    let (code, report) = run_json(&idle, &dir.path().join("idle"), &[]);
    assert_eq!((code, &report["legs"]), (0, &Value::Array(vec![])), "{report}");
    assert_eq!(report["events"], serde_json::json!(["TradeExecuted", "WorkflowCompleted"]));
    let journal =
        std::fs::read_to_string(dir.path().join("idle/exchange/journal.jsonl")).unwrap_or_default();
    assert!(!journal.contains("\"order\""), "{journal}");
}
