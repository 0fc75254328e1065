//! What all processes share: time, the agenda, the store, the bus, the broker, and what is to go wrong.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex},
};

use alchemiser_core::{
    account::Halt,
    child::OrderTerms,
    execution::Execution,
    ids::{Owner, Symbol},
    plan::Age,
    policy::Policy,
    reading::AccountReading,
    report::OrderReport,
};
use jiff::{SignedDuration, Timestamp};

use crate::{
    Violation,
    bus::{Delivery, Function, Published},
    chance::Chance,
    exchange::{Exchange, NewOrder},
    fault::{Fault, Tally},
    fortune::Fortune,
    trial::{Moment, Stop},
};

/// The world as its processes hold it. Everything runs on one thread; the lock is never waited for.
pub(crate) type Shared = Arc<Mutex<World>>;

/// A process, by its number.
pub(crate) type ProcessId = usize;

/// What is due at a time.
#[derive(Debug)]
pub(crate) enum Happening {
    /// A process may go on.
    Wake(ProcessId),
    /// A function is invoked.
    Deliver(Delivery),
    /// The sweeper's schedule ticks.
    Tick,
    /// An order arrives that its sender gave up.
    Arrive(NewOrder),
    /// A request arrives at the store that its sender gave up.
    Put(String, Vec<u8>),
    /// An invocation is out of time.
    Kill(ProcessId, u64),
    /// Trading, or a plan, has been stopped for ten seconds.
    HaltIsOld(Timestamp),
    /// No more faults from here.
    Quiet,
}

/// One sandbox of a function: an owner, in the driver's words.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) owner: Owner,
    pub(crate) function: Function,
    /// Its invocation, counted over all; `None` while it is idle.
    pub(crate) invocation: Option<u64>,
    pub(crate) is_dead: bool,
    pub(crate) frozen_until: Timestamp,
    /// How far its clock is ahead of the true time.
    pub(crate) ahead: SignedDuration,
    pub(crate) jumped_at: Timestamp,
    /// When a fault last hit one of its calls.
    pub(crate) disturbed_at: Timestamp,
    /// When its invocation began.
    pub(crate) began_at: Timestamp,
    /// The release it is of.
    pub(crate) release: Release,
    /// When it last read the session, and how far its clock was ahead of the true time then.
    pub(crate) session_read: Option<(Timestamp, SignedDuration)>,
}

/// A release of the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Release {
    /// This one.
    Current,
    /// The one before: it reads and writes the same schemas.
    Previous,
    /// One that reads older schemas only, and must not touch what it cannot read.
    Old,
}

/// What the watchers of a run have seen.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// The halt that the account log holds, and since when (in true time).
    pub(crate) halt: Option<(Halt, Timestamp)>,
    /// The plans that were canceled, and since when (in true time).
    pub(crate) canceled: BTreeMap<String, Timestamp>,
    /// Those of them that were canceled before they were claimed.
    pub(crate) canceled_unclaimed: BTreeSet<String>,
    /// The plan that holds the account.
    pub(crate) holder: Option<String>,
    /// Trading calls of the last minute.
    pub(crate) calls: VecDeque<Timestamp>,
    /// The most of them in any minute.
    pub(crate) calls_most: usize,
    /// Who sent which order, and when its newest cancel was asked for.
    pub(crate) senders: BTreeMap<String, (ProcessId, Option<Timestamp>)>,
    /// What each order asked for.
    pub(crate) sent: BTreeMap<String, OrderTerms>,
    pub(crate) violations: Vec<Violation>,
}

/// The world.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) now: Timestamp,
    /// Faults happen before this.
    pub(crate) quiet_at: Timestamp,
    pub(crate) chance: Chance,
    /// What strikes, and when.
    pub(crate) fortune: Fortune,
    pub(crate) tally: Tally,
    pub(crate) policy: Policy,
    pub(crate) processes: Vec<Process>,
    /// How far any clock was ever ahead: an entry's time may be as far in the future.
    pub(crate) ahead_most: SignedDuration,
    pub(crate) store: BTreeMap<String, Vec<u8>>,
    /// The disk is full until then.
    pub(crate) full_until: Timestamp,
    /// Whether the store knows which owners are dead. Files do, S3 does not.
    pub(crate) deaths_are_known: bool,
    pub(crate) exchange: Exchange,
    /// What a broker behind the times goes on saying.
    pub(crate) past_orders: Vec<OrderReport>,
    pub(crate) past_account: Option<AccountReading>,
    pub(crate) untradable: Option<Symbol>,
    /// The newest state of every finished plan, as its owner had it.
    pub(crate) finished: BTreeMap<String, Execution>,
    /// Everything that the bus took.
    pub(crate) taken: Vec<Published>,
    /// Everything that was sent to a function, once each.
    pub(crate) delivered: Vec<Delivery>,
    pub(crate) dead_letters: Vec<Delivery>,
    pub(crate) watch: Watch,
    /// How a plan's age is judged.
    pub(crate) age: Age,
    /// Effects so far, and where processes die on purpose.
    pub(crate) effects: u64,
    pub(crate) stops: Vec<Stop>,
    /// What happened, line by line, when somebody wants to read it.
    pub(crate) record: Option<Vec<String>>,
    agenda: BTreeMap<(Timestamp, u64), Happening>,
    numbers: u64,
}

/// What becomes of a process at a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It goes on after so long.
    Goes(SignedDuration),
    /// It is dead.
    Dies,
}

/// A time later, or the same where there is none.
pub(crate) fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(at)
}

impl World {
    /// A world at the beginning, calm and empty.
    pub(crate) fn new(exchange: Exchange, chance: Chance, at: Timestamp, fortune: Fortune) -> Self {
        Self {
            now: at,
            quiet_at: at,
            chance,
            fortune,
            tally: Tally::default(),
            policy: Policy::default(),
            processes: Vec::new(),
            ahead_most: SignedDuration::ZERO,
            store: BTreeMap::new(),
            full_until: Timestamp::MIN,
            deaths_are_known: false,
            exchange,
            past_orders: Vec::new(),
            past_account: None,
            untradable: None,
            finished: BTreeMap::new(),
            taken: Vec::new(),
            delivered: Vec::new(),
            dead_letters: Vec::new(),
            watch: Watch::default(),
            age: Age::AsStated,
            effects: 0,
            stops: Vec::new(),
            record: None,
            agenda: BTreeMap::new(),
            numbers: 0,
        }
    }

    /// A number that was not given before.
    pub(crate) fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// Puts something on the agenda. What is due at the same time happens in this order.
    pub(crate) fn plan(&mut self, at: Timestamp, happening: Happening) {
        let number = self.number();
        self.agenda.insert((at.max(self.now), number), happening);
    }

    /// What happens next; time goes on to it.
    pub(crate) fn next(&mut self) -> Option<Happening> {
        let ((at, _), happening) = self.agenda.pop_first()?;
        self.now = self.now.max(at);
        Some(happening)
    }

    /// Something is on its way to a function.
    pub(crate) fn is_expecting(&self) -> bool {
        self.agenda.values().any(|happening| match happening {
            Happening::Deliver(_) | Happening::Arrive(_) | Happening::Put(..) => true,
            Happening::Wake(_) | Happening::Tick | Happening::Kill(..) => false,
            Happening::HaltIsOld(_) | Happening::Quiet => false,
        })
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.now >= self.quiet_at
    }

    /// Notes a line for whoever reads along.
    pub(crate) fn note(&mut self, line: impl FnOnce(&Self) -> String) {
        if self.record.is_some() {
            let line = format!("{} {}", self.now, line(self));
            if let Some(record) = &mut self.record {
                record.push(line);
            }
        }
    }

    /// Whether a fault happens here and now to nobody's call.
    pub(crate) fn strikes(&mut self, fault: Fault) -> bool {
        if self.is_quiet() || !self.fortune.strikes(fault) {
            return false;
        }
        self.tally.count(fault);
        self.note(|_| format!("    ! {}", fault.word()));
        true
    }

    /// Whether a fault happens to a call of a process.
    pub(crate) fn hits(&mut self, fault: Fault, process: ProcessId) -> bool {
        let hit = self.strikes(fault);
        if hit {
            let disturbed = &mut self.processes[process];
            disturbed.disturbed_at = disturbed.disturbed_at.max(self.now);
        }
        hit
    }

    /// A call keeps its process for so long: it is disturbed until the call ends.
    pub(crate) fn is_kept(&mut self, process: ProcessId, pause: SignedDuration) {
        let until = later(self.now, pause);
        let kept = &mut self.processes[process];
        kept.disturbed_at = kept.disturbed_at.max(until);
    }

    /// What becomes of a process around a call.
    pub(crate) fn meet(&mut self, process: ProcessId, moment: Moment) -> Fate {
        let crash = match moment {
            Moment::Before => Fault::CrashBefore,
            Moment::After => Fault::CrashAfter,
        };
        if self.hits(crash, process) {
            self.processes[process].is_dead = true;
            return Fate::Dies;
        }
        let lease = i64::try_from(self.policy.lease.as_millis()).unwrap_or(i64::MAX);
        if self.hits(Fault::FreezeShort, process) {
            self.freeze(process, (100, lease / 2));
        } else if self.hits(Fault::FreezeZombie, process) {
            self.freeze(process, (lease + 1_000, lease * 3));
        }
        if self.hits(Fault::ClockJump, process) {
            let jump = self.chance.millis(-20_000, 20_000);
            self.ahead_most = self.ahead_most.max(jump);
            let jumped = &mut self.processes[process];
            (jumped.ahead, jumped.jumped_at) = (jump, self.now);
        }
        Fate::Goes(match moment {
            Moment::Before => self.chance.millis(1, 40),
            Moment::After => SignedDuration::ZERO,
        })
    }

    /// Whether a process dies here on purpose. It is the last one that may: from here on, all must come to an end.
    pub(crate) fn stops_here(&mut self, process: ProcessId, moment: Moment, effect: u64) -> bool {
        let stops = self.stops.contains(&Stop { effect, moment });
        if stops {
            self.processes[process].is_dead = true;
            self.quiet_at = self.now;
            self.note(|_| format!("    ! dies {moment:?} effect {effect}"));
        }
        stops
    }

    fn freeze(&mut self, process: ProcessId, (least, most): (i64, i64)) {
        let until = self.chance.millis(least, most);
        self.processes[process].frozen_until = later(self.now, until);
    }

    /// The time as a process sees it.
    pub(crate) fn clock(&self, process: ProcessId) -> Timestamp {
        later(self.now, self.processes[process].ahead)
    }

    /// A broken invariant, seen while it happened.
    pub(crate) fn broken(&mut self, invariant: &'static str, found: String) {
        self.note(|_| format!("    ? {invariant}: {found}"));
        self.watch.violations.push(Violation { invariant, found });
    }

    /// I14: counts a trading call.
    pub(crate) fn called(&mut self) {
        let now = self.now;
        let minute = SignedDuration::from_mins(1);
        let calls = &mut self.watch.calls;
        calls.push_back(now);
        while calls.front().is_some_and(|first| now.duration_since(*first) >= minute) {
            calls.pop_front();
        }
        self.watch.calls_most = self.watch.calls_most.max(self.watch.calls.len());
    }
}
