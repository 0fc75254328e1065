//! Running the binary, and changing plans.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_alchemiser");

/// Our own example plan.
pub(crate) fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/plans/growth-and-bonds.json")
}

pub(crate) fn example_json() -> Value {
    serde_json::from_slice(&std::fs::read(example()).unwrap()).unwrap()
}

/// Writes an event next to a state directory.
pub(crate) fn write(dir: &Path, name: &str, event: &[u8]) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, event).unwrap();
    path
}

pub(crate) fn command(plan: &Path, state: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command.arg("run").arg(plan).arg("--state").arg(state).args(more);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

pub(crate) fn run(plan: &Path, state: &Path, more: &[&str]) -> Output {
    command(plan, state, more).output().unwrap()
}

/// Runs with `--now --json`; the exit code and the object.
pub(crate) fn run_json(plan: &Path, state: &Path, more: &[&str]) -> (i32, Value) {
    let output = run(plan, state, &[&["--now", "--json"], more].concat());
    (output.status.code().unwrap(), json(&output))
}

pub(crate) fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!(
            "{error}: {} {}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )
    })
}

/// `verify --json`: the exit code and the object.
pub(crate) fn verify(state: &Path) -> (i32, Value) {
    let output =
        Command::new(BINARY).args(["verify", "--json", "--state"]).arg(state).output().unwrap();
    (output.status.code().unwrap(), json(&output))
}

/// The state is sound, and the exchange's journal has no order twice.
pub(crate) fn assert_sound(state: &Path) {
    let (code, report) = verify(state);
    assert_eq!((code, &report["violations"]), (0, &Value::Array(vec![])), "{report}");
    let journal = std::fs::read_to_string(state.join("exchange/journal.jsonl")).unwrap_or_default();
    let mut orders: Vec<String> = journal
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|record| record["record"] == "order")
        .map(|record| record["client_order_id"].as_str().unwrap().to_owned())
        .collect();
    let count = orders.len();
    orders.sort();
    orders.dedup();
    assert_eq!(orders.len(), count, "an order stands twice in the exchange's journal");
}

pub(crate) fn decimal(value: &Value) -> rust_decimal::Decimal {
    value.as_str().unwrap_or_else(|| panic!("{value} is no decimal")).parse().unwrap()
}

/// Every file below a directory, by name.
pub(crate) fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().display().to_string();
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    found
}
