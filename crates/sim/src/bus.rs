//! The bus and its queues: what is published comes to a function, once, several times, late, or not at all.

use alchemiser_core::{fact::Announced, ids::Owner};
use jiff::{SignedDuration, Timestamp};

use crate::{
    fault::Fault,
    world::{Happening, Process, ProcessId, Release, World, later},
};

/// Who is invoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    RebalancePlanned,
    TradeExecution,
    WorkflowOutcome,
    Sweeper,
    /// Somebody at a keyboard: stops trading.
    Halt,
    /// Somebody at a keyboard: lets it go on.
    Resume,
    /// Somebody at a keyboard: takes one plan back.
    Cancel,
}

impl Function {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::RebalancePlanned => "rebalance-planned",
            Self::TradeExecution => "trade-execution",
            Self::WorkflowOutcome => "workflow-outcome",
            Self::Sweeper => "sweeper",
            Self::Halt => "halt",
            Self::Resume => "resume",
            Self::Cancel => "cancel",
        }
    }

    /// The function behind the rule for a detail-type.
    fn of(detail_type: &str) -> Option<Self> {
        match detail_type {
            "RebalancePlanned" => Some(Self::RebalancePlanned),
            "TradeExecutionRequested" => Some(Self::TradeExecution),
            "WorkflowCompleted" | "WorkflowFailed" => Some(Self::WorkflowOutcome),
            _ => None,
        }
    }

    /// What it is invoked with waits in a queue, and goes to a dead-letter queue in the end. Other invocations are
    /// asynchronous, and may be lost; the sweeper makes up for them.
    fn is_queued(self) -> bool {
        match self {
            Self::RebalancePlanned | Self::WorkflowOutcome => true,
            Self::Halt | Self::Resume | Self::Cancel => true,
            Self::TradeExecution | Self::Sweeper => false,
        }
    }
}

/// An event on its way to a function.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(crate) function: Function,
    pub(crate) bytes: Vec<u8>,
    /// 1 for the first try.
    pub(crate) attempt: u32,
}

/// An event that the bus took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Published {
    pub(crate) id: String,
    pub(crate) detail_type: String,
    pub(crate) detail: String,
}

/// Tries of a delivery.
const TRIES: u32 = 3;

/// The envelope that EventBridge puts around a detail.
pub(crate) fn envelope(
    source: &str,
    detail_type: &str,
    (id, detail): (&str, &str),
    at: Timestamp,
) -> Vec<u8> {
    format!(
        r#"{{"version":"0","id":"{id}","detail-type":"{detail_type}","source":"{source}","account":"000000000000","time":"{at}","region":"local","resources":[],"detail":{detail}}}"#
    )
    .into_bytes()
}

impl World {
    /// The bus takes an event.
    pub(crate) fn take(&mut self, event: &Announced) {
        self.note(|_| format!("    > {} {}", event.detail_type, event.event_id));
        self.taken.push(Published {
            id: event.event_id.to_string(),
            detail_type: event.detail_type.clone(),
            detail: event.detail.clone(),
        });
        let Some(function) = Function::of(&event.detail_type) else { return };
        let body = (event.event_id.as_str(), event.detail.as_str());
        let bytes = envelope("alchemiser.execution", &event.detail_type, body, self.now);
        self.route(Delivery { function, bytes, attempt: 1 });
    }

    /// Sends a delivery on its way.
    pub(crate) fn route(&mut self, delivery: Delivery) {
        self.delivered.push(delivery.clone());
        let mut delay = self.chance.millis(5, 80);
        if self.strikes(Fault::EventLost) {
            if delivery.function.is_queued() {
                self.dead_letters.push(delivery);
            }
            return;
        }
        if self.strikes(Fault::EventReordered) {
            delay = self.chance.millis(200, 6_000);
        } else if self.strikes(Fault::EventDelayed) {
            delay = later_than(self.policy.lease) + self.chance.millis(0, 60_000);
        }
        if self.strikes(Fault::EventDuplicate) {
            let again = self.chance.millis(5, 20_000);
            self.plan(later(self.now, again), Happening::Deliver(delivery.clone()));
        }
        if self.strikes(Fault::EventConcurrent) {
            self.plan(later(self.now, delay), Happening::Deliver(delivery.clone()));
        }
        if self.strikes(Fault::EventReplayed) {
            let again = self.chance.millis(30_000, 240_000);
            self.plan(later(self.now, again), Happening::Deliver(delivery.clone()));
        }
        self.plan(later(self.now, delay), Happening::Deliver(delivery));
    }

    /// A delivery that failed comes again, or is given up.
    pub(crate) fn failed(&mut self, delivery: Delivery) {
        if delivery.function == Function::Sweeper {
            return;
        }
        // Once faults are over nothing is given up: a queue keeps its messages for days.
        if delivery.attempt < TRIES || (self.is_quiet() && delivery.function.is_queued()) {
            let pause = self.chance.millis(5_000, 40_000);
            let again = Delivery { attempt: delivery.attempt + 1, ..delivery };
            self.plan(later(self.now, pause), Happening::Deliver(again));
        } else if delivery.function.is_queued() {
            self.dead_letters.push(delivery);
        }
    }

    /// Somebody moves the dead letters back into their queues.
    pub(crate) fn redrive(&mut self) {
        for letter in std::mem::take(&mut self.dead_letters) {
            let pause = self.chance.millis(100, 5_000);
            let again = Delivery { attempt: 1, ..letter };
            self.plan(later(self.now, pause), Happening::Deliver(again));
        }
    }

    /// Every event that ever came to a function, once more.
    pub(crate) fn everything(&self) -> Vec<Delivery> {
        let again = |delivery: &Delivery| Delivery { attempt: 1, ..delivery.clone() };
        self.delivered.iter().map(again).collect()
    }

    /// The release that a new sandbox is of.
    fn deployed(&mut self, function: Function) -> Release {
        // A person's command line is always this release.
        if matches!(function, Function::Halt | Function::Resume | Function::Cancel) {
            Release::Current
        } else if self.strikes(Fault::OldReader) {
            Release::Old
        } else if self.strikes(Fault::TwoVersions) {
            Release::Previous
        } else {
            Release::Current
        }
    }

    /// A sandbox for an invocation: one that is idle, or a new one.
    pub(crate) fn sandbox(&mut self, function: Function) -> Option<ProcessId> {
        let fresh = self.chance.percent(30);
        // Once faults are over so is the deployment: what is too old is not asked any more.
        let is_quiet = self.is_quiet();
        let idle = |process: &Process| {
            let is_over = is_quiet && process.release == Release::Old;
            let is_idle = process.invocation.is_none() && !process.is_dead;
            process.function == function && is_idle && !is_over
        };
        let found = self.processes.iter().position(idle).filter(|_| !fresh);
        let process = found.unwrap_or(self.processes.len());
        if process == self.processes.len() {
            self.processes.push(Process {
                owner: Owner::new(&format!("{}-{}", function.word(), process + 1)).ok()?,
                function,
                invocation: None,
                is_dead: false,
                frozen_until: Timestamp::MIN,
                ahead: SignedDuration::ZERO,
                jumped_at: Timestamp::MIN,
                disturbed_at: Timestamp::MIN,
                began_at: self.now,
                release: Release::Current,
                session_read: None,
            });
            self.processes[process].release = self.deployed(function);
        }
        let invocation = self.number();
        let sandbox = &mut self.processes[process];
        (sandbox.invocation, sandbox.began_at) = (Some(invocation), self.now);
        Some(process)
    }
}

fn later_than(lease: SignedDuration) -> SignedDuration {
    lease + SignedDuration::from_secs(1)
}
