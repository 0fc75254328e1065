//! A host with the real bootstraps on a state directory of its own, for one test.

use std::{path::Path, time::Duration};

use alchemiser_driver::audit::inspect;
use alchemiser_host::{
    Cloud, Deployment, Entry, Happened,
    cloud::fault::{Blow, On, Script},
    machine::{Handle, Machine, Setup},
};
use alchemiser_local::{books, state::StateDir};
use jiff::SignedDuration;
use serde_json::Value;

/// The cloud's minutes are seconds.
const PACE: i32 = 60;

/// A world that is not where it should be by then is told, and its test failed.
const PATIENCE: Duration = Duration::from_mins(2);

/// What a test begins with.
#[derive(Default)]
pub(crate) struct Given {
    script: Script,
    timeouts: Vec<(&'static str, i64)>,
}

impl Given {
    pub(crate) fn delivered(self, kind: &str, nth: u64, blow: Blow) -> Self {
        self.with(On::Delivered(kind.to_owned()), nth, blow)
    }

    pub(crate) fn published(self, kind: &str, nth: u64, blow: Blow) -> Self {
        self.with(On::Published(kind.to_owned()), nth, blow)
    }

    pub(crate) fn invoked(self, name: &str, nth: u64, blow: Blow) -> Self {
        self.with(On::Invoked(name.to_owned()), nth, blow)
    }

    fn with(self, on: On, nth: u64, blow: Blow) -> Self {
        Self { script: self.script.with(on, nth, blow), ..self }
    }

    /// A function has this time, in milliseconds.
    pub(crate) fn timeout(mut self, name: &'static str, milliseconds: i64) -> Self {
        self.timeouts.push((name, milliseconds));
        self
    }

    /// Runs a host on a directory of its own, and `test` beside it; then the logs are checked.
    pub(crate) fn run<F: Future<Output = ()>>(self, test: impl FnOnce(Handle) -> F) {
        let directory = tempfile::tempdir().unwrap();
        self.run_in(directory.path(), test);
        sound(directory.path());
    }

    /// Runs a host, and `test` beside it.
    pub(crate) fn run_in<F: Future<Output = ()>>(
        self,
        directory: &Path,
        test: impl FnOnce(Handle) -> F,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let machine = Machine::open(self.setup(directory)).await.unwrap();
            let handle = machine.handle();
            let running = tokio::spawn(machine.run());
            let ended = tokio::time::timeout(PATIENCE, test(handle.clone())).await;
            let told = told(&handle).await.join("\n");
            assert!(ended.is_ok(), "it took too long:\n{told}");
            handle.stop();
            running.await.unwrap();
        });
    }

    fn setup(self, directory: &Path) -> Setup {
        let sweeper = Path::new(env!("CARGO_BIN_EXE_sweeper"));
        let mut setup =
            Setup::new(Deployment::deployed().unwrap(), sweeper.parent().unwrap(), directory);
        setup.manner.pace = PACE;
        setup.manner.faults = self.script;
        let each = self.timeouts.into_iter();
        setup.manner.timeouts =
            each.map(|(name, time)| (name.to_owned(), SignedDuration::from_millis(time))).collect();
        let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/policy.fast.toml");
        setup.others = [
            ("ALCHEMISER_AGE".to_owned(), "restated".to_owned()),
            ("ALCHEMISER_CONFIG".to_owned(), policy.display().to_string()),
        ]
        .into();
        setup
    }
}

/// The example plan under another id, as the portfolio system publishes it.
pub(crate) fn plan(id: &str) -> Entry {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../examples/plans/growth-and-bonds.json");
    let text = std::fs::read_to_string(path).unwrap();
    let event: Value = serde_json::from_str(&text).unwrap();
    let detail = event["detail"].to_string().replace("growth-and-bonds-2026-11-20", id);
    let word = |name: &str| event[name].as_str().unwrap().to_owned();
    Entry {
        source: word("source"),
        detail_type: word("detail-type"),
        detail,
        id: String::new(),
        time: word("time"),
    }
}

pub(crate) async fn put(handle: &Handle, entry: Entry) {
    handle.put(entry).await.unwrap().unwrap();
}

/// The terminal events of a plan, each id once, in the order in which they were published: kind and id.
fn ends(cloud: &Cloud, plan: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (_, happened) in cloud.happened() {
        let Happened::Published { detail_type, detail, .. } = happened else { continue };
        if !detail_type.starts_with("Workflow") || !detail.contains(plan) {
            continue;
        }
        let detail: Value = serde_json::from_str(detail).unwrap();
        let end = (detail_type.clone(), detail["event_id"].to_string());
        if !found.contains(&end) {
            found.push(end);
        }
    }
    found
}

/// Whether a plan was asked for.
pub(crate) fn asked(cloud: &Cloud, plan: &str) -> bool {
    cloud.happened().any(|(_, happened)| match happened {
        Happened::Published { detail_type, detail, .. } => {
            detail_type == "TradeExecutionRequested" && detail.contains(plan)
        }
        _ => false,
    })
}

/// Whether a function was given something.
pub(crate) fn started(cloud: &Cloud, name: &str) -> bool {
    let is = |happened: &Happened| matches!(happened, Happened::Started { function, .. } if function == name);
    cloud.happened().any(|(_, happened)| is(happened))
}

/// Waits until plans are over and everything that follows is done: plan and kind of each end, first come first. Each
/// plan has one terminal event.
pub(crate) async fn over(
    handle: &Handle,
    plans: &'static [&'static str],
) -> Vec<(&'static str, String)> {
    let all =
        |cloud: &Cloud| cloud.is_idle() && plans.iter().all(|plan| !ends(cloud, plan).is_empty());
    handle.until(all).await.unwrap();
    let found = handle.cloud(|cloud| {
        let order = |id: &str| {
            let place = cloud.happened().position(|(_, happened)| match happened {
                Happened::Published { detail, .. } => detail.contains(id.trim_matches('"')),
                _ => false,
            });
            place.unwrap_or(usize::MAX)
        };
        let each = plans.iter().flat_map(|plan| {
            ends(cloud, plan).into_iter().map(move |(kind, id)| (*plan, kind, id))
        });
        let mut each: Vec<_> = each.map(|(plan, kind, id)| (order(&id), plan, kind)).collect();
        each.sort();
        each
    });
    let found = found.await.unwrap();
    assert_eq!(found.len(), plans.len(), "{found:?}: {:#?}", told(handle).await);
    found.into_iter().map(|(_, plan, kind)| (plan, kind)).collect()
}

/// Waits until plans completed and everything that follows is done.
pub(crate) async fn completed(handle: &Handle, plans: &'static [&'static str]) {
    for (plan, kind) in over(handle, plans).await {
        assert_eq!(kind, "WorkflowCompleted", "{plan}: {:#?}", told(handle).await);
    }
}

/// What happened, a line each, without details.
pub(crate) async fn told(handle: &Handle) -> Vec<String> {
    let lines = handle.cloud(|cloud| {
        let each = cloud.happened().map(|(_, happened)| match happened {
            Happened::Published { detail_type, .. } => format!("published {detail_type}"),
            Happened::Lost { detail_type } => format!("lost {detail_type}"),
            Happened::Started { function, attempt } => format!("started {function} {attempt}"),
            Happened::Answered { function, .. } => format!("answered {function}"),
            Happened::Failed { function, error_type } => format!("failed {function} {error_type}"),
            Happened::DeadLetter { queue } => format!("dead letter in {queue}"),
        });
        each.collect()
    });
    lines.await.unwrap()
}

/// How often something happened.
pub(crate) async fn count(handle: &Handle, line: &str) -> usize {
    told(handle).await.iter().filter(|told| *told == line).count()
}

/// Every invariant holds over every log and the exchange's books, and each plan has its ledger.
fn sound(directory: &Path) {
    let state = StateDir::open(directory).unwrap();
    let stored = books::stored(&state).unwrap();
    let report = inspect(&stored, books::truth(&state).unwrap().as_ref());
    assert!(report.violations.is_empty(), "{:#?}", report.violations);
}
