//! `alchemiser local` as a process with the real functions: what it says, what its users get wrong, what is left, and
//! that a plan tells the same on the bus wherever it runs.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use serde_json::{Map, Value};

use crate::{
    command::{self, BINARY},
    exchange::Exchange,
};

const ENDED: &str = "the host has ended; no function is left";

/// A running host; killed when it goes.
struct Host {
    process: Child,
    state: PathBuf,
    address: String,
}

impl Drop for Host {
    fn drop(&mut self) {
        // It may have ended.
        self.process.kill().ok();
        self.process.wait().unwrap();
    }
}

impl Host {
    fn start(state: &Path, more: &[&str]) -> Self {
        let mut up = Command::new(BINARY);
        up.args(["local", "up", "--now", "--port", "0", "--state"]).arg(state).args(more);
        let mut process = up.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let address = line.strip_prefix("host on http://");
        let address = address.unwrap_or_else(|| {
            panic!("{line:?}: the functions are built by cargo build --workspace --bins")
        });
        let address = address.split(';').next().unwrap().to_owned();
        Self { process, state: state.to_owned(), address }
    }

    fn ask(&self, words: &[&str]) -> Output {
        local(words, &self.state)
    }

    /// The last line of a host that is ending.
    fn last_line(mut self) -> String {
        let rest = BufReader::new(self.process.stdout.take().unwrap());
        rest.lines().last().unwrap().unwrap()
    }
}

/// Settings by which a plan is over soon.
fn crossing(directory: &Path) -> PathBuf {
    command::write(directory, "settings.toml", b"policy = \"cross\"\n")
}

fn local(words: &[&str], state: &Path) -> Output {
    Command::new(BINARY).arg("local").args(words).arg("--state").arg(state).output().unwrap()
}

/// The exit code and what was said of it.
fn refused(words: &[&str], state: &Path) -> (i32, String) {
    let output = local(words, state);
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

/// Processes whose environment speaks of a directory.
fn functions_of(state: &Path) -> usize {
    let wanted = format!("ALCHEMISER_STATE=file:{}", state.display());
    let each = fs::read_dir("/proc").unwrap().map(|process| process.unwrap().path());
    let each = each.filter(|process| {
        let environment = fs::read(process.join("environ")).unwrap_or_default();
        String::from_utf8_lossy(&environment).contains(&wanted)
    });
    each.count()
}

#[test]
fn a_host_takes_events_and_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    let state = directory.path().canonicalize().unwrap();
    let settings = crossing(&state);
    let host = Host::start(&state, &["--config", settings.to_str().unwrap()]);
    let port = host.address.rsplit(':').next().unwrap().to_owned();
    let plan = command::example();
    let run = host.ask(&["run", plan.to_str().unwrap()]);
    assert_eq!(run.status.code(), Some(0), "{run:?}");
    assert_eq!(command::json(&run)["detail_type"], "WorkflowCompleted");
    let again = host.ask(&["put-event", plan.to_str().unwrap()]);
    assert!(command::json(&again)["id"].is_string(), "{again:?}");
    let events = String::from_utf8(host.ask(&["events"]).stdout).unwrap();
    let kinds: Vec<Value> =
        events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(kinds.iter().filter(|event| event["detail-type"] == "RebalancePlanned").count() == 2);
    assert_eq!(command::json(&host.ask(&["dlq"])), Value::Array(vec![]));
    assert!(functions_of(&state) > 0);

    let other = directory.path().join("other");
    let (code, said) = refused(&["up", "--port", "0"], &state);
    assert!(code == 4 && said.contains("HOST_STATE_IN_USE"), "{code} {said}");
    let (code, said) = refused(&["up", "--port", &port], &other);
    assert!(code == 2 && said.contains("HOST_PORT_IN_USE"), "{code} {said}");

    assert_eq!(host.ask(&["down"]).status.code(), Some(0));
    assert_eq!(host.last_line(), ENDED);
    assert_eq!(functions_of(&state), 0);
    let (code, said) = refused(&["dlq"], &state);
    assert!(code == 2 && said.contains("HOST_ABSENT"), "{code} {said}");
}

#[test]
fn control_c_ends_every_function() {
    let directory = tempfile::tempdir().unwrap();
    let state = directory.path().canonicalize().unwrap();
    let host = Host::start(&state, &[]);
    host.ask(&["put-event", command::example().to_str().unwrap()]);
    Command::new("kill").args(["-INT", &host.process.id().to_string()]).status().unwrap();
    assert_eq!(host.last_line(), ENDED);
    assert_eq!(functions_of(&state), 0);
}

#[test]
fn a_host_without_functions_says_what_it_looked_for() {
    let directory = tempfile::tempdir().unwrap();
    let (state, functions) = (directory.path().join("state"), directory.path().join("functions"));
    fs::create_dir(&functions).unwrap();
    let up = ["up", "--port", "0", "--bootstraps", functions.to_str().unwrap()];
    let (code, said) = refused(&up, &state);
    assert!(code == 2 && said.contains("HOST_BOOTSTRAP_MISSING"), "{code} {said}");
    for name in ["rebalance-planned", "trade-execution", "workflow-outcome", "sweeper"] {
        // An executable of another machine: ELF of 64 bits for RISC-V.
        let mut elf = b"\x7fELF\x02\x01\x01".to_vec();
        elf.resize(64, 0);
        elf[18] = 243;
        fs::write(functions.join(name), elf).unwrap();
    }
    let (code, said) = refused(&up, &state);
    assert!(code == 2 && said.contains("HOST_BOOTSTRAP_OTHER"), "{code} {said}");
    let (code, said) = refused(&["put-event", "/nonexistent/event.json"], &state);
    assert!(code == 2 && said.contains("EVENT_UNREADABLE"), "{code} {said}");
}

/// An exchange on which nothing depends on time: its quotes stand, and orders reach it at once.
fn standing() -> Exchange {
    let world =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/worlds/growth-and-bonds.toml");
    let calm = ["--market", "script", "--latency-ms", "0..0", "--rate-limit", "0"];
    Exchange::open(&[&["--world", world.to_str().unwrap()], &calm[..]].concat())
}

/// The events of the example plan as this process's own bus has them.
fn of_one_process(directory: &Path) -> Vec<Value> {
    let (exchange, state) = (standing(), directory.join("embedded"));
    let endpoint = format!("http://{}", exchange.address);
    let at =
        ["--now", "--broker", "alpaca", "--account", "paper", "--policy", "cross", "--endpoint"];
    let mut run = command::command(&command::example(), &state, &[&at[..], &[&endpoint]].concat());
    run.env("APCA_API_KEY_ID", "PKALCHEMISER").env("APCA_API_SECRET_KEY", "alchemiser-secret");
    let output = run.env("ALCHEMISER_LOOPBACK_ONLY", "1").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let log = state.join("executions/PA000000001/growth-and-bonds-2026-11-20");
    let mut entries: Vec<_> =
        fs::read_dir(log).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    let entries = entries.iter().map(|path| fs::read(path).unwrap());
    let entries: Vec<Value> =
        entries.map(|bytes| serde_json::from_slice(&bytes).unwrap()).collect();
    let facts = entries.iter().flat_map(|entry| entry["facts"].as_array().unwrap());
    let announced = facts.filter(|fact| fact["fact"] == "announced").map(|fact| {
        let detail: Value = serde_json::from_str(fact["detail"].as_str().unwrap()).unwrap();
        serde_json::json!({ "detail-type": fact["detail_type"], "detail": detail })
    });
    comparable(announced)
}

/// The events of the example plan as the functions publish them on the bus of a host.
fn of_a_host(directory: &Path) -> Vec<Value> {
    let (exchange, state) = (standing(), directory.join("host"));
    let keys = r#"{"APCA_API_KEY_ID":"PKALCHEMISER","APCA_API_SECRET_KEY":"alchemiser-secret"}"#;
    let keys = command::write(directory, "keys.json", keys.as_bytes());
    let settings = crossing(directory);
    let endpoint = format!("http://{}", exchange.address);
    let more = ["--broker", &endpoint, "--account", "PA000000001", "--keys"];
    let more = [&more[..], &[keys.to_str().unwrap(), "--config", settings.to_str().unwrap()]];
    let host = Host::start(&state, &more.concat());
    let run = host.ask(&["run", command::example().to_str().unwrap()]);
    assert_eq!(run.status.code(), Some(0), "{run:?}");
    let events = String::from_utf8(host.ask(&["events"]).stdout).unwrap();
    comparable(events.lines().map(|line| serde_json::from_str(line).unwrap()))
}

/// Events of the execution, each once, without times and durations. Ids stay: they derive from the plan alone.
fn comparable(events: impl Iterator<Item = Value>) -> Vec<Value> {
    let mut seen = BTreeSet::new();
    let ours = events.filter(|event| {
        let kind = event["detail-type"].as_str().unwrap();
        let asked_for = ["RebalancePlanned", "TradeExecutionRequested"].contains(&kind);
        !asked_for && seen.insert(event["detail"]["event_id"].to_string())
    });
    ours.map(|event| timeless(&event)).collect()
}

fn timeless(value: &Value) -> Value {
    match value {
        Value::String(text) if text.parse::<jiff::Timestamp>().is_ok() => "TIME".into(),
        Value::Array(items) => items.iter().map(timeless).collect(),
        Value::Object(fields) => {
            let each = fields.iter().map(|(name, value)| {
                let is_duration = name.ends_with("_ms") || name.ends_with("_seconds");
                let value = if is_duration { "DURATION".into() } else { timeless(value) };
                (name.clone(), value)
            });
            Value::Object(each.collect::<Map<_, _>>())
        }
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

fn assert_same(ours: &[Value], theirs: &[Value]) {
    for (ours, theirs) in ours.iter().zip(theirs) {
        assert_eq!(ours, theirs);
    }
    assert_eq!(ours.len(), theirs.len());
    assert!(ours.len() > 10 && ours.last().unwrap()["detail-type"] == "WorkflowCompleted");
}

/// H1: the same plan tells the same in one process and as four functions behind queues and rules.
#[test]
fn one_process_and_a_host_publish_the_same_events() {
    let directory = tempfile::tempdir().unwrap();
    assert_same(&of_one_process(directory.path()), &of_a_host(directory.path()));
}

/// H1: and the same on emulated AWS, whose bus `make test-aws` leaves in `ALCHEMISER_EVENTS_OF_AWS`.
#[test]
fn one_process_and_emulated_aws_publish_the_same_events() {
    let Ok(path) = std::env::var("ALCHEMISER_EVENTS_OF_AWS") else {
        println!("skipped: ALCHEMISER_EVENTS_OF_AWS is not set; make test-aws sets it");
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let events = fs::read_to_string(path).unwrap();
    let aws = comparable(events.lines().map(|line| serde_json::from_str(line).unwrap()));
    // A queue between two may change the order.
    let sorted = |mut events: Vec<Value>| {
        events.sort_by_key(|event| (event["detail-type"].to_string(), event.to_string()));
        events
    };
    assert_same(&sorted(of_one_process(directory.path())), &sorted(aws));
}
