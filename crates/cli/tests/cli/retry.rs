//! `retry`: what a plan left undone is shown, and traded as a plan of its own.

use std::{fs, path::Path, process::Command};

use serde_json::Value;

use crate::command::{BINARY, assert_sound, decimal, example, files, run_json};

const PLAN: &str = "growth-and-bonds-2026-11-20";

fn said(arguments: &[&str], state: &Path) -> (i32, String) {
    let output = Command::new(BINARY).args(arguments).arg("--state").arg(state).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

/// A plan that was halted before its first order is left whole; its retry trades it, once.
#[test]
fn what_a_halt_left_is_traded_by_a_retry() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    // A directory with an account in it: a plan that trades nothing but makes the books.
    let (code, _) = run_json(&example(), &state, &["--set", "turnover_max=0.01"]);
    assert_eq!(code, 3);
    let before = files(&state);
    let (code, text) = said(&["retry", PLAN], &state);
    assert!(code == 2 && text.contains("NOT_CONFIRMED") && text.contains("TQQQ"), "{text}");
    assert!(text.contains("the quotes of now") && text.contains("mid now"), "{text}");
    assert_eq!(files(&state), before, "what is not confirmed leaves nothing");
    // Without a quote that an order would be decided on there is no plan.
    let blind = ["retry", PLAN, "--yes", "--set", "quote_price_min=100"];
    let (code, text) = said(&blind, &state);
    assert!(code == 2 && text.contains("NO_QUOTE") && text.contains("nothing was sent"), "{text}");
    assert_eq!(files(&state), before, "what has no quotes leaves nothing");
    let (code, text) = said(&["retry", PLAN, "--dry-run"], &state);
    assert!(code == 0 && text.contains("Nothing was sent"), "{text}");
    assert_eq!(files(&state), before);
    let (code, text) =
        said(&["retry", PLAN, "--yes", "--json", "--reason", "the halt is over"], &state);
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (code, report["plan_id"].as_str()),
        (0, Some(&*format!("{PLAN}-retry-1"))),
        "{text}"
    );
    let legs = report["legs"].as_array().unwrap();
    assert_eq!(legs.len(), 12, "{text}");
    assert!(legs.iter().all(|leg| decimal(&leg["filled_quantity"]) > 0.into()), "{text}");
    assert_sound(&state);
    // What it asked for is by the prices of now, not by the plan's.
    let asked = |path: &Path| -> Vec<serde_json::Value> {
        let event: serde_json::Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        let items = event["detail"]["rebalance_plan"]["items"].as_array().unwrap().clone();
        items.into_iter().filter(|item| item["action"] != "HOLD").collect()
    };
    let retried = asked(&state.join(format!("retries/{PLAN}-retry-1.json")));
    let planned = asked(&example());
    let mut moved = 0;
    for item in &retried {
        let (current, target) = (decimal(&item["current_value"]), decimal(&item["target_value"]));
        assert_eq!(decimal(&item["trade_amount"]), target - current, "{item}");
        let before = planned.iter().find(|other| other["symbol"] == item["symbol"]).unwrap();
        assert_eq!(decimal(&before["target_value"]), target, "{item}");
        moved += usize::from(decimal(&before["current_value"]) != current);
    }
    assert!(moved * 2 > retried.len(), "{moved} of {}", retried.len());
    // Who retried, and why, is in the account's log.
    let account = files(&state.join("accounts"));
    let entries = account.values().map(|bytes| serde_json::from_slice::<Value>(bytes).unwrap());
    let noted: Vec<Value> = entries.filter(|entry| entry["change"] == "retried").collect();
    assert_eq!(noted.len(), 1, "{noted:?}");
    assert_eq!(noted[0]["plan_id"], format!("{PLAN}-retry-1"));
    assert_eq!(noted[0]["by"]["why"], "the halt is over");
    assert!(!noted[0]["by"]["who"].as_str().unwrap().is_empty(), "{noted:?}");
    // Only the newest knows what is left, and nothing is.
    let (code, text) = said(&["retry", PLAN, "--yes"], &state);
    assert!(code == 2 && text.contains("RETRIED") && text.contains("-retry-1"), "{text}");
    let (code, text) = said(&["retry", &format!("{PLAN}-retry-1"), "--yes"], &state);
    assert!(code == 0 && text.contains("Nothing is left"), "{text}");
}
