//! A host with the real bootstraps on a state directory of its own, for one test.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use alchemiser_core::{
    execution::Execution, ids::Symbol, leg::LegOutcome, policy::Policy, quantity::Quantity,
    side::Side,
};
use alchemiser_driver::audit::{Truth, inspect};
use alchemiser_host::{
    Cloud, Deployment, Entry, Happened,
    cloud::fault::{Blow, On, Script},
    machine::{Handle, Machine, Setup},
};
use alchemiser_local::{books, state::StateDir};
use alchemiser_tests::plans::{self, Item};
use alchemiser_wire::entry::Entry as LogEntry;
use jiff::SignedDuration;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{runtime::Runtime, task::JoinHandle};

use crate::venue::{self, Venue};

/// The cloud's minutes are seconds.
const PACE: i32 = 60;

/// A world that is not where it should be by then is told, and its test failed.
const PATIENCE: Duration = Duration::from_mins(2);

/// The market's seed where a test does not care.
const MARKET: u64 = 7;

/// What a test begins with.
#[derive(Clone, Default)]
pub(crate) struct Given {
    script: Script,
    timeouts: Vec<(&'static str, i64)>,
    pace: Option<i32>,
    is_unswept: bool,
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

    pub(crate) fn answered(self, name: &str, nth: u64, blow: Blow) -> Self {
        self.with(On::Answered(name.to_owned()), nth, blow)
    }

    pub(crate) fn with(self, on: On, nth: u64, blow: Blow) -> Self {
        Self { script: self.script.with(on, nth, blow), ..self }
    }

    /// A function has this time, in milliseconds.
    pub(crate) fn timeout(mut self, name: &'static str, milliseconds: i64) -> Self {
        self.timeouts.push((name, milliseconds));
        self
    }

    /// The cloud's waits are divided by this.
    pub(crate) fn pace(self, pace: i32) -> Self {
        Self { pace: Some(pace), ..self }
    }

    /// Nothing ticks: nobody looks after plans.
    pub(crate) fn unswept(self) -> Self {
        Self { is_unswept: true, ..self }
    }

    /// Runs a host on a directory of its own, and `test` beside it; then the logs are checked. Trades are made on the
    /// state directory's own exchange.
    pub(crate) fn run<F: Future<Output = ()>>(self, test: impl FnOnce(Handle) -> F) {
        let directory = tempfile::tempdir().unwrap();
        self.run_in(directory.path(), test);
        let state = StateDir::open(directory.path()).unwrap();
        let truth = books::truth(&state).unwrap();
        assert_eq!(violations(directory.path(), truth.as_ref()), [""; 0]);
    }

    /// Runs a host, and `test` beside it.
    pub(crate) fn run_in<F: Future<Output = ()>>(
        self,
        directory: &Path,
        test: impl FnOnce(Handle) -> F,
    ) {
        runtime().block_on(async {
            let machine = Machine::open(self.setup(directory)).await.unwrap();
            let handle = machine.handle();
            let running = tokio::spawn(machine.run());
            in_time(&[&handle], test(handle.clone())).await;
            handle.stop();
            running.await.unwrap();
        });
    }

    /// Runs a host that trades on an exchange over HTTP, and `test` beside both; then logs and books are checked.
    /// Every plan as its log has it.
    pub(crate) fn trade<F: Future<Output = ()>>(
        self,
        test: impl FnOnce(Handle, Arc<Venue>, PathBuf) -> F,
    ) -> Vec<Execution> {
        runtime().block_on(async {
            let venue = Arc::new(Venue::open(MARKET, 1).await);
            let running = self.begin(&venue, 0).await;
            let (host, state) = (running.host.clone(), running.directory.path().to_owned());
            in_time(&[&running.host], test(host, venue.clone(), state)).await;
            let (states, wrong) = running.end().await;
            assert_eq!(wrong, [""; 0]);
            states
        })
    }

    /// A host that trades an account of an exchange.
    pub(crate) async fn begin(self, venue: &Arc<Venue>, account: usize) -> Running {
        let directory = tempfile::tempdir().unwrap();
        let mut setup = self.setup(directory.path());
        let arn = "arn:aws:secretsmanager:us-east-1:000000000000:secret:local";
        for (name, value) in [
            ("ALCHEMISER_ACCOUNT", venue::number(account)),
            ("ALCHEMISER_BROKER", venue.url.clone()),
            ("ALCHEMISER_BROKER_SECRET", arn.to_owned()),
        ] {
            setup.variables.insert(name.to_owned(), Some(value));
        }
        setup.secret = venue::keys(account);
        let machine = Machine::open(setup).await.unwrap();
        let host = machine.handle();
        let ended = tokio::spawn(machine.run());
        Running { host, venue: venue.clone(), account, directory, ended }
    }

    fn setup(self, directory: &Path) -> Setup {
        let sweeper = Path::new(env!("CARGO_BIN_EXE_sweeper"));
        let mut setup =
            Setup::new(Deployment::deployed().unwrap(), sweeper.parent().unwrap(), directory);
        if self.is_unswept {
            setup.deployment.schedules.clear();
        }
        setup.manner.pace = self.pace.unwrap_or(PACE);
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

pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// What a test does, in bounded time.
pub(crate) async fn in_time<T>(hosts: &[&Handle], test: impl Future<Output = T>) -> T {
    within(PATIENCE, hosts, test).await
}

/// The same in a time of the test's own.
pub(crate) async fn within<T>(
    patience: Duration,
    hosts: &[&Handle],
    test: impl Future<Output = T>,
) -> T {
    let ended = tokio::time::timeout(patience, test).await;
    if let Ok(ended) = ended {
        return ended;
    }
    let mut all = Vec::new();
    for host in hosts {
        all.push(told(host).await.join("\n"));
    }
    panic!("it took too long:\n{}", all.join("\n\n"));
}

/// A host that runs, and the exchange that it trades on.
pub(crate) struct Running {
    pub(crate) host: Handle,
    pub(crate) venue: Arc<Venue>,
    account: usize,
    pub(crate) directory: TempDir,
    ended: JoinHandle<()>,
}

impl Running {
    /// Ends the host; every plan, and what is wrong with the logs and with the exchange's books.
    pub(crate) async fn end(self) -> (Vec<Execution>, Vec<String>) {
        self.host.stop();
        self.ended.await.unwrap();
        let truth = self.venue.truth(self.account);
        let mut wrong = violations(self.directory.path(), Some(&truth));
        let states = executions(self.directory.path());
        wrong.extend(undone(&states));
        wrong.extend(beyond_target(&states, &self.venue.traded(self.account)));
        let orders = self.venue.orders(self.account).into_iter();
        let open = orders.filter(alchemiser_exchange::order::Order::is_open);
        wrong.extend(open.map(|order| format!("{} is open", order.terms.client_order_id)));
        (states, wrong)
    }
}

/// Broken invariants of the logs of a state directory, and of the broker's books.
fn violations(directory: &Path, truth: Option<&Truth>) -> Vec<String> {
    let state = StateDir::open(directory).unwrap();
    let report = inspect(&books::stored(&state).unwrap(), truth);
    report.violations.iter().map(|violation| format!("{violation:?}")).collect()
}

/// Every plan of a state directory as its log has it.
pub(crate) fn executions(directory: &Path) -> Vec<Execution> {
    let logs = books::logs(&StateDir::open(directory).unwrap()).unwrap();
    let each = logs.iter().filter_map(|log| {
        let entries = log.entries.values().map(|bytes| LogEntry::from_bytes(bytes).unwrap());
        let facts: Vec<_> = entries.flat_map(|entry| entry.facts).collect();
        Execution::fold(&facts, &Policy::default())
    });
    each.collect()
}

/// Every entry of the only plan of a state directory.
pub(crate) fn entries(directory: &Path) -> Vec<LogEntry> {
    let logs = books::logs(&StateDir::open(directory).unwrap()).unwrap();
    let bytes = logs.iter().flat_map(|log| log.entries.values());
    bytes.map(|bytes| LogEntry::from_bytes(bytes).unwrap()).collect()
}

/// Whether a plan has ended.
pub(crate) fn ended(cloud: &Cloud, plan: &str) -> bool {
    !ends(cloud, plan).is_empty()
}

/// How often a function was given something so far.
pub(crate) fn starts(cloud: &Cloud, name: &str) -> usize {
    let of = |happened: &Happened| matches!(happened, Happened::Started { function, .. } if function == name);
    cloud.happened().filter(|(_, happened)| of(happened)).count()
}

/// Waits for so many sweeps more: minutes of the cloud.
pub(crate) async fn more_sweeps(host: &Handle, times: usize) {
    let sweeps = |cloud: &Cloud| starts(cloud, "SweeperFunction");
    let before = host.cloud(move |cloud| sweeps(cloud)).await.unwrap();
    host.until(move |cloud| sweeps(cloud) >= before + times).await.unwrap();
}

/// Logs that nobody can read or write: a file is in their place until this is dropped.
pub(crate) struct Absent(PathBuf);

/// Takes the logs away, in one step, so that nobody finds them empty.
pub(crate) fn absent(state: &Path) -> Absent {
    fs::write(state.join("host/executions"), "").unwrap();
    exchange_logs(state);
    Absent(state.to_owned())
}

fn exchange_logs(state: &Path) {
    let [logs, other] = ["executions", "host/executions"].map(|name| state.join(name));
    renameat_with(CWD, logs, CWD, other, RenameFlags::EXCHANGE).unwrap();
}

impl Drop for Absent {
    fn drop(&mut self) {
        exchange_logs(&self.0);
    }
}

/// Nothing goes wrong on the host any more, and what queues gave up is published once more.
pub(crate) async fn redriven(host: &Handle) {
    host.cloud(|cloud| *cloud.faults() = Script::default()).await.unwrap();
    for (queue, letter) in host.dead_letters().await.unwrap() {
        if queue != "ExecutionsDeadLetters" {
            put(host, published(&serde_json::from_str(&letter.body).unwrap())).await;
        }
    }
}

/// Plans that are not over, and legs of completed plans that are not filled.
fn undone(states: &[Execution]) -> Vec<String> {
    let mut wrong = Vec::new();
    for state in states {
        let plan = &state.plan.plan_id;
        match &state.outcome {
            None => wrong.push(format!("{plan} is not over")),
            Some((outcome, _)) if outcome.completed => {
                let open = state.legs.iter().filter(|leg| leg.outcome != Some(LegOutcome::Filled));
                wrong.extend(open.map(|leg| format!("{plan} completed without {}", leg.symbol())));
            }
            Some(_) => {}
        }
    }
    wrong
}

/// Where the broker traded more than all plans together wanted.
fn beyond_target(states: &[Execution], traded: &BTreeMap<(Symbol, Side), Quantity>) -> Vec<String> {
    let mut wanted: BTreeMap<(Symbol, Side), Quantity> = BTreeMap::new();
    for leg in states.iter().flat_map(|state| &state.legs) {
        let sum = wanted.entry((leg.symbol().clone(), leg.side)).or_default();
        *sum = sum.plus(leg.sized.map_or(Quantity::ZERO, |sized| sized.target));
    }
    let beyond = traded
        .iter()
        .filter(|(what, filled)| **filled > wanted.get(*what).copied().unwrap_or(Quantity::ZERO));
    beyond.map(|((symbol, side), filled)| format!("{symbol} {side:?}: {filled} traded")).collect()
}

/// What plans of these tests trade: whatever of it was traded, the others can be.
pub(crate) const ITEMS: [&[Item]; 3] = [
    &plans::SMALL,
    &[("SPY", 2_000, 1_200), ("SOXL", 800, 500), ("GLD", 300, 1_200), ("VTI", 0, 900)],
    &[("QQQ", 2_000, 1_400), ("IWM", 1_000, 600), ("AGG", 1_000, 2_000), ("IEF", 0, 700)],
];

/// A plan of other items, as the portfolio system publishes it.
pub(crate) fn small(id: &str, items: &[Item]) -> Entry {
    published(&plans::event(id, "NORMAL", items))
}

fn published(event: &Value) -> Entry {
    let word = |name: &str| event[name].as_str().unwrap().to_owned();
    Entry {
        source: word("source"),
        detail_type: word("detail-type"),
        detail: event["detail"].to_string(),
        id: String::new(),
        time: word("time"),
    }
}

/// The example plan under another id.
pub(crate) fn plan(id: &str) -> Entry {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../examples/plans/growth-and-bonds.json");
    let text = std::fs::read_to_string(path).unwrap();
    published(&serde_json::from_str(&text.replace("growth-and-bonds-2026-11-20", id)).unwrap())
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
