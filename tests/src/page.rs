//! What a person is shown: every field is filled, or says why not.

use std::fs;

use alchemiser_core::execution::Execution;
use alchemiser_wire::ledger;
use serde_json::Value;

use crate::world::World;

/// What is wrong with the page and the ledger that were written of a plan that is over.
pub fn faults(world: &World, state: &Execution) -> Vec<String> {
    let entries = world.entries(state.plan.plan_id.as_str()).len();
    let path = world.root().join(ledger::report_key(state, entries));
    let mut faults = match fs::read_to_string(&path) {
        Ok(html) => unexplained(&html),
        Err(error) => vec![format!("{}: {error}", path.display())],
    };
    faults.extend(world.ledger(state).iter().flat_map(|bytes| unsaid(bytes)));
    faults
}

/// Numbers of a page that are missing without a reason, empty cells, and words of a program.
pub fn unexplained(html: &str) -> Vec<String> {
    let empty = ["<td></td>", "<td class=\"r\"></td>", "<dd></dd>", "<b></b>", ">None<", "NaN"];
    let there = empty.iter().filter(|word| html.contains(**word));
    let mut faults: Vec<String> = there.map(|word| format!("the page has {word}")).collect();
    let missing = html.matches("<span class=\"n none\"").count();
    let explained = html.matches("<span class=\"n none\" title=\"").count();
    if missing != explained {
        faults.push(format!("{} numbers are missing without a reason", missing - explained));
    }
    let numbers = html.matches("<span class=\"n\"").count();
    let titled = html.matches("<span class=\"n\" title=\"").count();
    if numbers != titled || numbers == 0 {
        faults.push(format!("{titled} of {numbers} numbers have their formula"));
    }
    faults
}

/// Fields of ledger lines that are null, and that no reason names.
fn unsaid(bytes: &[u8]) -> Vec<String> {
    let mut faults = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let line: serde_json::Map<String, Value> = serde_json::from_slice(line).unwrap();
        let reasons = line["unknown"].to_string();
        let null = line.iter().filter(|(_, value)| value.is_null());
        let silent = null.filter(|(name, _)| !reasons.contains(name.as_str()));
        faults.extend(silent.map(|(name, _)| format!("{name} is null, and nothing says why")));
    }
    faults
}
