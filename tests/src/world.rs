//! A machine: a directory, a clock, a bus that survives its processes.

use std::{
    cell::Cell,
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use alchemiser_core::{
    execution::Execution,
    ids::{AccountId, Symbol},
    plan::{Age, Plan},
    policy::Policy,
    report::OrderReport,
};
use alchemiser_driver::{
    accept::Rules,
    audit::{StoredLog, Truth},
    ports::{Broker, Clock, MarketData},
};
use alchemiser_host::{Bus, Entry, Routes, SharedBus};
use alchemiser_local::{
    books, clock::VirtualClock, exchange::LocalExchange, function::SIMULATED_ACCOUNT,
    state::StateDir,
};
use alchemiser_wire::{entry::Entry as LogEntry, plan::Accounts};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    broker::InFlight,
    plans,
    publisher::Taken,
    pulse::Script,
    session::{Drove, Session},
};

/// A broker with its market and its own books that a test brings along.
pub trait Venue: Broker + MarketData {
    /// What really happened there.
    fn truth(&self) -> Truth;
}

/// The exchange as the processes of a world have it open.
type Opened = Option<(LocalExchange, BTreeSet<Symbol>)>;

/// The machine.
#[derive(Debug)]
pub struct World {
    dir: TempDir,
    /// The state directory.
    pub state: StateDir,
    /// Time.
    pub clock: Arc<VirtualClock>,
    /// The bus that every session uses unless it brings its own.
    pub bus: SharedBus,
    /// What plans are judged by.
    pub rules: Rules,
    /// Everything that any bus of this world took.
    pub taken: Taken,
    /// Orders on their way to the exchange.
    pub in_flight: InFlight,
    /// Whether the store knows which owners are dead. Files do, S3 does not.
    pub deaths_are_known: bool,
    /// Where plans are traded instead of on the simulated exchange.
    pub venue: Option<Arc<dyn Venue>>,
    seed: u64,
    owners: Cell<u32>,
    exchange: Mutex<Opened>,
}

/// The repository's root.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// A directory in memory where there is one: these tests are about order, not about disks.
fn directory() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        tempfile::tempdir_in(memory).unwrap()
    } else {
        tempfile::tempdir().unwrap()
    }
}

/// Runs a future to its end on this thread.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// The deployed routes. Reading the template takes longer than most plans, and a test may make hundreds of worlds.
static ROUTES: LazyLock<Routes> = LazyLock::new(|| Routes::deployed().unwrap());

/// An empty bus with the deployed routes.
pub fn bus() -> SharedBus {
    SharedBus::new(Bus::new(ROUTES.clone(), "000000000000", "local"))
}

impl World {
    /// A new world whose market has this seed. Its plans are worked for twelve seconds a phase.
    pub fn new(seed: u64) -> Self {
        let seconds = SignedDuration::from_secs;
        let policy =
            Policy { working_time: [seconds(24), seconds(12), seconds(6)], ..Policy::default() };
        Self::with(seed, policy)
    }

    /// A new world with other thresholds.
    pub fn with(seed: u64, policy: Policy) -> Self {
        let dir = directory();
        let made_at: Timestamp = plans::MADE_AT.parse().unwrap();
        let default = AccountId::new(SIMULATED_ACCOUNT).unwrap();
        Self {
            state: StateDir::open(dir.path()).unwrap(),
            dir,
            clock: Arc::new(VirtualClock::starting_at(made_at + seconds(1))),
            bus: bus(),
            rules: Rules { accounts: Accounts { default }, policy, age: Age::AsStated },
            taken: Taken::default(),
            in_flight: InFlight::default(),
            deaths_are_known: true,
            venue: None,
            seed,
            owners: Cell::new(0),
            exchange: Mutex::new(None),
        }
    }

    /// The directory.
    pub fn root(&self) -> &Path {
        self.dir.path()
    }

    /// The account.
    pub fn account(&self) -> &AccountId {
        &self.rules.accounts.default
    }

    /// The next owner's name.
    pub(crate) fn next_owner(&self) -> String {
        self.owners.set(self.owners.get() + 1);
        format!("owner-{}", self.owners.get())
    }

    /// A new process, after every earlier one has ended.
    pub fn session(&self, script: Script) -> Session<'_> {
        *self.exchange.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Session::open(self, self.bus.clone(), script)
    }

    /// A new process beside those that run, with a bus of its own.
    pub fn session_beside(&self, script: Script) -> Session<'_> {
        Session::open(self, bus(), script)
    }

    /// Where a plan is traded: broker and market.
    pub(crate) fn venue(&self, plan: &Plan) -> (Arc<dyn Broker>, Arc<dyn MarketData>) {
        if let Some(venue) = &self.venue {
            return (venue.clone(), venue.clone());
        }
        let exchange = Arc::new(self.exchange(plan));
        (exchange.clone(), exchange)
    }

    /// What is open at the broker now.
    pub fn open_orders(&self, state: &Execution) -> Vec<OrderReport> {
        let (broker, _) = self.venue(&state.plan);
        block_on(broker.open_orders()).unwrap()
    }

    /// What the broker really did; `None` when nothing was ever traded there.
    pub fn truth(&self) -> Option<Truth> {
        match &self.venue {
            Some(venue) => Some(venue.truth()),
            None => books::truth(&self.state).unwrap(),
        }
    }

    /// The exchange, with the plan's symbols listed.
    fn exchange(&self, plan: &Plan) -> LocalExchange {
        let mut opened = self.exchange.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = || plan.items.iter().map(|item| item.symbol.clone());
        if let Some((exchange, listed)) = &*opened
            && wanted().all(|symbol| listed.contains(&symbol))
        {
            return exchange.clone();
        }
        let mut listed: BTreeSet<Symbol> = wanted().collect();
        if let Some((_, before)) = opened.take() {
            listed.extend(before);
        }
        let exchange =
            LocalExchange::open(&self.state, plan, self.seed, self.clock.clone()).unwrap();
        *opened = Some((exchange.clone(), listed));
        exchange
    }

    /// Lets time pass.
    pub fn pass(&self, seconds_: i64) {
        block_on(self.clock.sleep_until(self.clock.now() + seconds(seconds_)));
    }

    /// Puts an event on the bus.
    pub fn put(&self, event: &Value) {
        put(&self.bus, event);
    }

    /// Puts a plan on the bus and drives one process until nothing is left to deliver.
    pub fn run(&self, event: &Value, script: Script) -> u64 {
        self.put(event);
        let session = self.session(script);
        let _ended = session.drive();
        session.calls()
    }

    /// Goes on with new and healthy processes, as the sweeper does, until the plan is over and its ledger is there.
    pub fn finish(&self, event: &Value) -> Execution {
        let plan_id = plans::id_of(event);
        let mut again = false;
        for _ in 0..12 {
            match self.execution(&plan_id).filter(Execution::is_complete) {
                Some(state) if self.ledger(&state).is_none() => self.put_terminal(&state),
                // A plan that comes again after its end must tidy up what its last owner left.
                Some(state) if self.is_marked(&state) && !again && !state.has_open_orders() => {
                    again = true;
                    self.put(event);
                }
                Some(state) => return state,
                None => self.put(event),
            }
            assert_eq!(self.session(Script::clean()).drive(), Drove::Idle, "a healthy process");
            self.pass(31);
        }
        panic!("plan {plan_id} was not over after twelve rounds: {:?}", self.bus.dead_letters());
    }

    fn put_terminal(&self, state: &Execution) {
        let terminal =
            state.outbox.iter().find(|out| out.event.detail_type.starts_with("Workflow"));
        let event = &terminal.unwrap().event;
        let entry = Entry {
            source: alchemiser_wire::event::SOURCE.to_owned(),
            detail_type: event.detail_type.clone(),
            detail: event.detail.clone(),
            id: event.event_id.to_string(),
            time: self.clock.now().to_string(),
        };
        self.bus.put(entry).unwrap();
    }

    /// What was written beside a plan's ledger later, oldest first.
    pub fn supplements(&self, state: &Execution) -> Vec<Vec<u8>> {
        let key = |number| alchemiser_wire::ledger::supplement_key(state, number);
        (1..).map_while(|number| fs::read(self.root().join(key(number))).ok()).collect()
    }

    /// The sweeper's hint that a plan is not finished is there.
    pub fn is_marked(&self, state: &Execution) -> bool {
        let name = alchemiser_wire::ledger::encode(state.plan.plan_id.as_str());
        self.root().join(format!("open/{}/{name}", self.account())).is_file()
    }

    /// Every log.
    pub fn logs(&self) -> Vec<StoredLog> {
        books::logs(&self.state).unwrap()
    }

    /// The entries of the log of a plan or of a refused input.
    pub fn entries(&self, name: &str) -> Vec<LogEntry> {
        let path =
            format!("executions/{}/{}", self.account(), alchemiser_wire::ledger::encode(name));
        let logs = self.logs();
        let log = logs.iter().find(|log| log.name == path);
        let bytes = log.into_iter().flat_map(|log| log.entries.values());
        bytes.map(|bytes| LogEntry::from_bytes(bytes).unwrap()).collect()
    }

    /// The state that a plan's log adds up to.
    pub fn execution(&self, plan_id: &str) -> Option<Execution> {
        let entries = self.entries(plan_id);
        Execution::fold(entries.iter().flat_map(|entry| &entry.facts), &self.rules.policy)
    }

    /// The bytes of a plan's ledger.
    pub fn ledger(&self, state: &Execution) -> Option<Vec<u8>> {
        fs::read(self.root().join(alchemiser_wire::ledger::key(state))).ok()
    }

    /// The exchange's own journal.
    pub fn journal(&self) -> Vec<u8> {
        fs::read(self.state.exchange().join("journal.jsonl")).unwrap_or_default()
    }
}

/// Puts an event on a bus.
pub fn put(bus: &SharedBus, event: &Value) {
    let text = |name: &str| event[name].as_str().unwrap().to_owned();
    let entry = Entry {
        source: text("source"),
        detail_type: text("detail-type"),
        detail: event["detail"].to_string(),
        id: text("id"),
        time: text("time"),
    };
    bus.put(entry).unwrap();
}

fn seconds(count: i64) -> SignedDuration {
    SignedDuration::from_secs(count)
}
