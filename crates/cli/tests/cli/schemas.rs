//! The schemas of the events: they are what the code says, and events keep to them.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::command::{BINARY, example, example_json, json, run_json, write};

fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/events")
}

fn schemas(arguments: &[&str]) -> std::process::Output {
    Command::new(BINARY).arg("schemas").args(arguments).output().unwrap()
}

/// A detail keeps to the schema of its type.
fn keeps(detail_type: &str, detail: &Value) -> Value {
    let path = committed().join(format!("{detail_type}.schema.json"));
    let schema: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let told = |error: jsonschema::ValidationError<'_>| error.to_string();
    let errors: Vec<String> = validator.iter_errors(detail).map(told).collect();
    assert!(errors.is_empty(), "{detail_type}: {errors:?}\n{detail}");
    schema
}

/// And none of its fields is unknown to it.
fn check(detail_type: &str, detail: &Value) {
    let schema = keeps(detail_type, detail);
    let known = schema["properties"].as_object().unwrap();
    let fields = detail.as_object().unwrap().keys();
    let unknown: Vec<_> = fields.filter(|field| !known.contains_key(*field)).collect();
    assert!(unknown.is_empty(), "{detail_type}: {unknown:?}");
}

/// Every event that a directory's logs announced, by its type; returns the types.
fn check_logs(directory: &Path) -> BTreeSet<String> {
    let mut types = BTreeSet::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            types.extend(check_logs(&path));
            continue;
        }
        let entry: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        for fact in entry["facts"].as_array().unwrap() {
            if let (Some(kind), Some(detail)) =
                (fact["detail_type"].as_str(), fact["detail"].as_str())
            {
                check(kind, &serde_json::from_str(detail).unwrap());
                types.insert(kind.to_owned());
            }
        }
    }
    types
}

/// The files in docs are what the program says.
#[test]
fn the_schemas_are_generated() {
    let all = json(&schemas(&[]));
    let temporary = tempfile::tempdir().unwrap();
    let directory = temporary.path().join("new");
    assert!(schemas(&["--out", directory.to_str().unwrap()]).status.success());
    let hint = "make them anew: alchemiser schemas --out docs/events";
    for (name, schema) in all.as_object().unwrap() {
        let file = format!("{name}.schema.json");
        let [found, expected] = [committed().join(&file), directory.join(&file)]
            .map(|path| fs::read_to_string(path).unwrap_or_default());
        assert!(found == expected, "{file}: {hint}");
        assert_eq!(&serde_json::from_str::<Value>(&found).unwrap(), schema);
    }
    assert_eq!(
        fs::read_dir(committed()).unwrap().count(),
        all.as_object().unwrap().len(),
        "{hint}"
    );
    let refused = schemas(&["--out", "/dev/null/schemas"]);
    assert_eq!(refused.status.code(), Some(2));
}

/// What a whole run and a failed one announce keeps to the schemas; so does the plan itself.
#[test]
fn events_keep_to_their_schemas() {
    let plan = example_json();
    // What others add to a plan is let be.
    keeps("RebalancePlanned", &plan["detail"]);
    let temporary = tempfile::tempdir().unwrap();
    let state = temporary.path().join("state");
    assert_eq!(run_json(&example(), &state, &[]).0, 0);
    let mut types = check_logs(&state.join("executions"));
    let mut expired = plan.clone();
    expired["detail"]["rebalance_plan"]["plan_id"] = "expired".into();
    expired["detail"]["event_id"] = "expired-event".into();
    expired["id"] = "expired-event".into();
    expired["detail"]["rebalance_plan"]["timestamp"] = "2020-01-02T15:00:00Z".into();
    let path = write(temporary.path(), "expired.json", &serde_json::to_vec(&expired).unwrap());
    let refused =
        Command::new(BINARY).arg("run").arg(path).arg("--state").arg(&state).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    types.extend(check_logs(&state.join("executions")));
    let expected = [
        "BulkSettlementCompleted",
        "ExecutionPhaseCompleted",
        "OrderSettlementCompleted",
        "TradeExecuted",
        "TradeExecutionStarted",
        "WorkflowCompleted",
        "WorkflowFailed",
    ];
    assert_eq!(types.into_iter().collect::<Vec<_>>(), expected);
}
