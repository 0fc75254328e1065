//! A run: what happens, in order of time, until everything is over.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use alchemiser_core::execution::Execution;
use jiff::{SignedDuration, Timestamp};

use crate::{
    Violation,
    bus::{Delivery, Function},
    check,
    fault::{Fault, Tally},
    fortune::Decision,
    invoke::{Ended, invoke},
    line::Line,
    scene::{Scene, Wanted},
    trial::Trial,
    world::{Happening, ProcessId, Shared, World, later},
};

/// What a trial came to.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// The seed.
    pub seed: u64,
    /// Faults by class.
    pub tally: Tally,
    /// The faults that struck, each a decision with its number.
    pub decisions: Vec<Decision>,
    /// How often something outside of a process was changed.
    pub effects: u64,
    /// Broken invariants.
    pub violations: Vec<Violation>,
    /// The state of every plan at the end.
    pub plans: Vec<Execution>,
}

/// A run that was recorded.
#[derive(Clone, Debug)]
pub struct Replay {
    /// What it came to.
    pub run: Run,
    /// What happened, and the facts of every log, line by line.
    pub lines: Vec<String>,
}

/// An invocation under way.
struct Task {
    delivery: Delivery,
    future: Pin<Box<dyn Future<Output = Ended>>>,
}

struct Stage {
    shared: Shared,
    plans: Vec<Wanted>,
    /// The invocation that each process works on.
    tasks: BTreeMap<ProcessId, Task>,
    /// Ticks in a row at which nothing was under way.
    idle: u32,
    /// The day was skipped to its end.
    skipped: bool,
    /// What the store held when everything was over, while the past is played once more.
    rested: Option<BTreeMap<String, Vec<u8>>>,
    is_over: bool,
}

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// Ticks without anything under way after which an order that nobody can account for is left for the end of its day.
const IDLE_TICKS: u32 = 3;

/// Day orders are over by then.
const AFTER_CLOSE: SignedDuration = SignedDuration::from_mins(16);

/// No invocation of a function takes longer.
const INVOCATION_MAX: SignedDuration = SignedDuration::from_mins(15);

/// In how many of a hundred runs the past is played once more at the end.
const PLAYED_AGAIN: u32 = 10;

/// Runs a trial.
pub fn run(trial: &Trial) -> Run {
    stage(trial, None).0
}

/// Runs a trial, and tells all of it.
pub fn replay(trial: &Trial) -> Replay {
    let (run, lines) = stage(trial, Some(Vec::new()));
    Replay { run, lines }
}

fn stage(trial: &Trial, record: Option<Vec<String>>) -> (Run, Vec<String>) {
    let is_recorded = record.is_some();
    let seed = trial.seed;
    let scene = match Scene::of(trial) {
        Ok(scene) => scene,
        Err(error) => {
            let violations = vec![Violation { invariant: "I0", found: error.to_string() }];
            return (Run { seed, violations, ..Run::default() }, Vec::new());
        }
    };
    let mut world = scene.world;
    world.record = record;
    let mut stage = Stage {
        shared: Arc::new(Mutex::new(world)),
        plans: scene.plans,
        tasks: BTreeMap::new(),
        idle: 0,
        skipped: false,
        rested: None,
        is_over: false,
    };
    stage.play();
    stage.end_all();
    let mut world = stage.shared.lock().unwrap_or_else(PoisonError::into_inner);
    let plans = check::check(&mut world, &stage.plans);
    let partials = world.exchange.partials;
    world.tally.count_many(Fault::PartialFill, partials);
    let violations = std::mem::take(&mut world.watch.violations);
    let decisions = world.fortune.struck().to_vec();
    let (tally, effects) = (world.tally.clone(), world.effects);
    let run = Run { seed, tally, decisions, effects, violations, plans };
    let lines = if is_recorded { check::told(&mut world) } else { Vec::new() };
    (run, lines)
}

/// I14: once faults stop, every plan is over within its windows and five minutes; one after the other, as they share an
/// account.
fn ends_at(world: &World, plans: usize) -> Timestamp {
    let policy = &world.policy;
    let [_, longest] = policy.liquidity_window;
    let [slow, ..] = policy.working_time;
    let window = longest.max(slow) + policy.window_margin + policy.pause_max;
    let plan =
        window * 2 + policy.proceeds_wait + policy.unresolved_after + SignedDuration::from_mins(5);
    // Somebody must notice, too: a lease that ends, a sweep.
    let noticed = policy.lease * 2 + MINUTE * 2;
    let count = i32::try_from(plans).unwrap_or(i32::MAX);
    later(world.quiet_at, (plan + noticed) * count)
}

impl Stage {
    fn world(&self) -> MutexGuard<'_, World> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn play(&mut self) {
        while !self.is_over {
            let Some(happening) = self.world().next() else { break };
            self.happen(happening);
            if self.rested.is_some() && self.is_still() {
                self.compare();
            }
        }
    }

    /// I14: every invocation comes to an end; what is left at the end of a run was under way for long.
    fn end_all(&mut self) {
        let left: Vec<ProcessId> = self.tasks.keys().copied().collect();
        self.tasks.clear();
        let mut world = self.world();
        for process in left {
            let began_at = world.processes[process].began_at;
            if world.now.duration_since(began_at) > INVOCATION_MAX {
                let owner = world.processes[process].owner.clone();
                world.broken("I14", format!("{owner} began at {began_at} and has not ended"));
            }
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Wake(process) => self.go_on(process),
            Happening::Deliver(delivery) if delivery.attempt == 0 => {
                self.world().route(Delivery { attempt: 1, ..delivery });
            }
            Happening::Deliver(delivery) => self.begin(delivery),
            Happening::Tick => self.tick(),
            Happening::Arrive(order) => drop(self.world().submit(order)),
            Happening::Put(key, bytes) => {
                let _put = self.world().create(&key, &bytes);
            }
            Happening::Kill(process, invocation) => self.kill(process, invocation),
            Happening::HaltIsOld(since) => self.world().halt_is_old(since),
            Happening::Quiet => self.calm(),
        }
    }

    /// Faults stop: clocks are set right, and what was lost in queues is moved back.
    fn calm(&mut self) {
        let mut world = self.world();
        let now = world.now;
        world.note(|_| "--- faults stop".to_owned());
        for process in world.processes.iter_mut().filter(|process| !process.ahead.is_zero()) {
            (process.ahead, process.jumped_at) = (SignedDuration::ZERO, now);
        }
        world.full_until = now;
        world.redrive();
    }

    /// Invokes a function.
    fn begin(&mut self, delivery: Delivery) {
        let mut world = self.world();
        let known = world.processes.len();
        let Some(process) = world.sandbox(delivery.function) else { return };
        if process == known && world.strikes(Fault::InitFailure) {
            (world.processes[process].is_dead, world.processes[process].invocation) = (true, None);
            return world.failed(delivery);
        }
        world.note(|world| {
            let (owner, attempt) = (&world.processes[process].owner, delivery.attempt);
            format!("{} begins on {owner}, attempt {attempt}", delivery.function.word())
        });
        let mut stop_at = None;
        if delivery.function == Function::TradeExecution {
            if world.strikes(Fault::HandOver) {
                let time = world.chance.millis(1_500, 15_000);
                stop_at = Some(later(world.clock(process), time));
            }
            if world.strikes(Fault::HardTimeout) {
                let time = world.chance.millis(200, 20_000);
                let (at, invocation) =
                    (later(world.now, time), world.processes[process].invocation);
                world.plan(at, Happening::Kill(process, invocation.unwrap_or_default()));
            }
        }
        drop(world);
        let line = Line::new(self.shared.clone(), process);
        let future = Box::pin(invoke(line, delivery.clone(), stop_at));
        self.tasks.insert(process, Task { delivery, future });
        self.go_on(process);
    }

    /// Polls a process's invocation, unless it stands still.
    fn go_on(&mut self, process: ProcessId) {
        let mut world = self.world();
        let frozen_until = world.processes[process].frozen_until;
        if frozen_until > world.now {
            world.plan(frozen_until, Happening::Wake(process));
            return;
        }
        drop(world);
        let Some(task) = self.tasks.get_mut(&process) else { return };
        let polled = task.future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        let is_dead = self.world().processes[process].is_dead;
        match polled {
            Poll::Ready(ended) => self.end(process, &ended),
            Poll::Pending if is_dead => self.end(process, &Err("the process died".to_owned())),
            Poll::Pending => {}
        }
    }

    fn end(&mut self, process: ProcessId, ended: &Ended) {
        let Some(task) = self.tasks.remove(&process) else { return };
        // Connections close here, before anything else happens.
        drop(task.future);
        let mut world = self.world();
        world.note(|world| {
            let words = if ended.is_ok() { "ends" } else { "fails" };
            let (Ok(why) | Err(why)) = ended;
            format!("{} {words}: {why}", world.processes[process].owner)
        });
        world.processes[process].invocation = None;
        if ended.is_err() {
            world.failed(task.delivery);
        }
    }

    fn kill(&mut self, process: ProcessId, invocation: u64) {
        if self.world().processes[process].invocation == Some(invocation) {
            self.world().processes[process].is_dead = true;
            self.end(process, &Err("its time was up".to_owned()));
        }
    }

    /// Nothing is under way.
    fn is_still(&self) -> bool {
        self.tasks.is_empty() && !self.world().is_expecting()
    }

    /// The sweeper's schedule, and a look at whether everything is over.
    fn tick(&mut self) {
        let is_still = self.is_still();
        let mut world = self.world();
        let (now, closes_at) = (world.now, world.exchange.closes_at);
        let ends_at = ends_at(&world, self.plans.len());
        let is_marked = world.store.range("open/".to_owned().."open0".to_owned()).next().is_some();
        let begun = self.plans.iter().all(|plan| plan.at < now);
        let is_idle = world.is_quiet() && is_still && begun;
        let mut next = later(now, MINUTE);
        let idle = if is_idle { self.idle + 1 } else { 0 };
        let mut skips = false;
        if is_idle && !is_marked {
            drop(world);
            return self.rest();
        }
        if idle > IDLE_TICKS && !self.skipped && check::all_complete(&world, &self.plans) {
            // The documented case: an order that nobody can account for until its day is over.
            (next, skips) = (next.max(later(closes_at, AFTER_CLOSE)), true);
            world.note(|_| "--- the rest of the day is skipped".to_owned());
        }
        world.plan(next, Happening::Tick);
        drop(world);
        self.is_over = if self.skipped { idle > IDLE_TICKS * 2 } else { now > ends_at };
        self.skipped |= skips;
        self.idle = if skips { 0 } else { idle };
        self.begin(Delivery { function: Function::Sweeper, bytes: Vec::new(), attempt: 1 });
    }

    /// Everything is over. In some runs all that was delivered comes once more.
    fn rest(&mut self) {
        let mut world = self.world();
        if !world.chance.percent(PLAYED_AGAIN) {
            drop(world);
            self.is_over = true;
            return;
        }
        world.note(|_| "--- everything comes once more".to_owned());
        let store = world.store.clone();
        for letter in world.everything() {
            let pause = world.chance.millis(10, 30_000);
            let at = later(world.now, pause);
            world.plan(at, Happening::Deliver(letter));
        }
        drop(world);
        self.rested = Some(store);
    }

    /// I15: events that come again change nothing.
    fn compare(&mut self) {
        let Some(before) = self.rested.take() else { return };
        let mut world = self.world();
        let changed: Vec<String> = world
            .store
            .iter()
            .filter(|(key, _)| !key.starts_with("accounts/"))
            .filter(|(key, bytes)| before.get(*key) != Some(*bytes))
            .map(|(key, _)| key.clone())
            .collect();
        if !changed.is_empty() {
            world.broken("I15", format!("events that came again changed {changed:?}"));
        }
        drop(world);
        self.is_over = true;
    }
}
