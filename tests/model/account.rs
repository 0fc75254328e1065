//! The account's mutex: two plans that want one account, and whatever their processes do.
//!
//! Two processes for one plan (requests come twice, and the sweeper asks again) and one for the other, any number of
//! crashes at any point, and an account entry that reaches the store after its writer is gone. The account itself is the code's:
//! `account::Account::after` and `account::Account::acquisition`. A plan's own log is one bit here, whether it is
//! finished, and refuses every entry of another process after that; `crate::plan` is about how it comes to that.
//!
//! The reading of the newest entry, the decision with the write, and the use of its result are steps of their own, as
//! they are in `driver::account`; the holder's log is read with the decision, which is later than the code does it, but
//! "finished" never becomes untrue. Left out: halts, the date's change, the caps, and how often a lost race is run again.

use std::hash::{Hash, Hasher};

use alchemiser_core::{
    account::{Account, Change, Usage},
    ids::{AccountId, PlanId},
    money::Money,
};
use jiff::civil::{Date, date};
use stateright::{Model, Property};

const DATE: Date = date(2026, 11, 20);

/// What a plan reserves, and what it uses of it.
const RESERVED: Usage = Usage { notional: Money::ZERO, orders: 9 };
const USED: Usage = Usage { notional: Money::ZERO, orders: 1 };

/// How many processes there are at once.
const PROCESSES: usize = 3;

/// Whose process it is.
const PLAN_OF: [usize; PROCESSES] = [0, 0, 1];

fn id(plan: usize) -> PlanId {
    PlanId::new(["first", "second"][plan]).unwrap()
}

/// The plan of an id.
fn plan_of(id: &PlanId) -> usize {
    usize::from(*id != self::id(0))
}

/// Mistakes that the mutex must not make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// The mutex expires: whoever waits long enough takes it.
    Expires,
    /// A write that was refused counts as written.
    IgnoresRefusedWrite,
    /// The account is given back before the outcome is committed.
    ReleasesBeforeOutcome,
    /// Whoever releases the account for its holder does not look at the holder's log.
    ReleasesUnseen,
    /// A free account is taken without another look at the own log: the plan may have been finished since.
    TakesUnseen,
}

/// The model, and what is wrong with it.
#[derive(Clone, Copy, Debug, Default)]
struct Mutex {
    fault: Option<Fault>,
}

/// An account that was read or is to be written, and whether its successor's number is still free in the account log.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Newest {
    account: Account,
    is_newest: bool,
}

impl Hash for Newest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash(&self.account, state);
        self.is_newest.hash(state);
    }
}

/// Everything in an account that this model's changes touch.
fn hash<H: Hasher>(account: &Account, state: &mut H) {
    account.holder.as_ref().map(|holder| &holder.plan).hash(state);
    (&account.waiting, account.date, account.used.orders).hash(state);
}

/// `account::Account::after`. A day's usage beyond what two plans can use is all the same.
fn after(read: &Newest, change: &Change) -> Account {
    let mut account = read.account.clone().after(change);
    account.used.orders = account.used.orders.min(3 * USED.orders);
    account
}

/// A process that executes its plan, as far as the account is concerned.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Process {
    /// There is none.
    Away,
    /// `execute::execute` read the plan's log: it is not finished. It may be so no longer.
    Asking,
    /// `account::acquire` has read the newest entry.
    Asked(Newest),
    /// The account is its plan's: it takes the lease and trades.
    Executing,
    /// Its plan is over: `execute::let_go`.
    Over,
    /// `account::release` has read the newest entry.
    Releasing(Newest),
}

/// Everything that there is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct World {
    account: Account,
    /// Whether the plan's log is finished.
    finished: [bool; 2],
    processes: [Process; PROCESSES],
    /// An entry on its way to the store, whose writer is gone.
    late: Option<Newest>,
    /// The account was released by a process of the other plan.
    released_by_other: bool,
}

impl Hash for World {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash(&self.account, state);
        (self.finished, &self.processes, &self.late, self.released_by_other).hash(state);
    }
}

/// What may happen next. The number is the process's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    /// `execute::execute` reads the plan's log.
    Start(usize),
    /// `account::newest`, of `account::acquire` or `account::release`.
    Read(usize),
    /// `account::acquire` decides, and `account::write` writes; or `account::release` does.
    Write(usize),
    /// The same, but the process ends before the store has taken the entry.
    Strand(usize),
    /// The stranded entry reaches the store.
    EntryLands,
    /// The outcome is committed.
    Finish(usize),
    /// The first entry of a process whose plan another process has finished is refused (`LogError::Lost`).
    Fenced(usize),
    /// The process ends.
    Crash(usize),
    /// The effect of a fault: the account is given back too early.
    ReleaseEarly(usize),
}

/// What `account::acquire` or `account::release` does with the entry that it read.
enum Step {
    Write(Change),
    Become(Process),
}

impl Mutex {
    fn has(self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    /// One round of `account::acquire`, or of `account::release`.
    fn step(self, world: &World, at: usize) -> Option<Step> {
        let plan = PLAN_OF[at];
        match &world.processes[at] {
            Process::Asked(read) => Some(self.acquire(world, plan, &read.account)),
            Process::Releasing(read) => {
                let holds = read.account.holder.as_ref().is_some_and(|it| it.plan == id(plan));
                let release = Step::Write(Change::Released(id(plan), USED, Vec::new()));
                Some(if holds { release } else { Step::Become(Process::Away) })
            }
            Process::Away | Process::Asking | Process::Executing | Process::Over => None,
        }
    }

    /// `account::acquire` with the newest entry, `account::over` included.
    fn acquire(self, world: &World, plan: usize, account: &Account) -> Step {
        let anywhere = AccountId::new("account").unwrap();
        if account.acquisition(&anywhere, &id(plan)).is_some() {
            return Step::Become(Process::Executing);
        }
        let Some(holder) = &account.holder else {
            if world.finished[plan] && !self.has(Fault::TakesUnseen) {
                return Step::Become(Process::Away);
            }
            return Step::Write(Change::Acquired(id(plan), DATE, RESERVED));
        };
        let is_over = world.finished[plan_of(&holder.plan)] || self.has(Fault::ReleasesUnseen);
        let waits = account.waiting.contains(&id(plan));
        if is_over || (waits && self.has(Fault::Expires)) {
            Step::Write(Change::Released(holder.plan.clone(), USED, Vec::new()))
        } else if waits {
            Step::Become(Process::Away)
        } else {
            Step::Write(Change::Queued(id(plan)))
        }
    }

    /// A process goes on with what it read.
    fn go_on(self, world: &mut World, at: usize) -> Option<()> {
        let step = self.step(world, at)?;
        world.processes[at] = match (step, world.processes[at].clone()) {
            (Step::Become(next), _) => next,
            (Step::Write(change), Process::Asked(read)) => {
                let written = world.write(&read, &change, PLAN_OF[at]);
                let taken = matches!(change, Change::Acquired(..));
                let believed = !written && taken && self.has(Fault::IgnoresRefusedWrite);
                // `acquire` runs another round whatever came of it.
                if believed { Process::Executing } else { Process::Asking }
            }
            (Step::Write(change), Process::Releasing(read)) => {
                let written = world.write(&read, &change, PLAN_OF[at]);
                if written { Process::Away } else { Process::Over }
            }
            (Step::Write(_), other) => other,
        };
        Some(())
    }
}

impl World {
    /// `account::write`: true when the entry is the newest now.
    fn write(&mut self, read: &Newest, change: &Change, by: usize) -> bool {
        let written = self.put(Newest { account: after(read, change), is_newest: read.is_newest });
        let other = matches!(change, Change::Released(plan, ..) if plan_of(plan) != by);
        self.released_by_other |= written && other;
        written
    }

    /// `Store::put_if_absent`: whoever has read the entry before can no longer write.
    fn put(&mut self, entry: Newest) -> bool {
        if entry.is_newest {
            self.account = entry.account;
            for process in &mut self.processes {
                if let Process::Asked(read) | Process::Releasing(read) = process {
                    read.is_newest = false;
                    // What it writes will be refused: nobody will see the usage that it read.
                    read.account.used = Usage::default();
                }
            }
            // It will be refused, and nobody waits for the answer.
            self.late = None;
        }
        entry.is_newest
    }

    fn newest(&self) -> Newest {
        Newest { account: self.account.clone(), is_newest: true }
    }

    /// The plan has a process that holds the account, as it believes, and is not finished.
    fn executes(&self, plan: usize) -> bool {
        let mut own = (0..PLAN_OF.len()).filter(|at| PLAN_OF[*at] == plan);
        !self.finished[plan] && own.any(|at| self.processes[at] == Process::Executing)
    }
}

impl Model for Mutex {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World {
            account: Account::default(),
            finished: [false; 2],
            processes: [const { Process::Away }; PROCESSES],
            late: None,
            released_by_other: false,
        }]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        for (at, process) in world.processes.iter().enumerate() {
            match process {
                Process::Away => actions.push(Action::Start(at)),
                Process::Asking | Process::Over => actions.push(Action::Read(at)),
                Process::Asked(_) | Process::Releasing(_) => {
                    actions.push(Action::Write(at));
                    if world.late.is_none() && matches!(self.step(world, at), Some(Step::Write(_)))
                    {
                        actions.push(Action::Strand(at));
                    }
                }
                Process::Executing if world.finished[PLAN_OF[at]] => {
                    actions.push(Action::Fenced(at));
                }
                Process::Executing => {
                    actions.push(Action::Finish(at));
                    if self.has(Fault::ReleasesBeforeOutcome) {
                        actions.push(Action::ReleaseEarly(at));
                    }
                }
            }
            if *process != Process::Away {
                actions.push(Action::Crash(at));
            }
        }
        actions.extend(world.late.as_ref().map(|_| Action::EntryLands));
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        let mut world = world.clone();
        match action {
            Action::Start(at) => {
                let over = world.finished[PLAN_OF[at]];
                world.processes[at] = if over { Process::Over } else { Process::Asking };
            }
            Action::Read(at) => {
                let newest = world.newest();
                let asks = world.processes[at] == Process::Asking;
                world.processes[at] =
                    if asks { Process::Asked(newest) } else { Process::Releasing(newest) };
            }
            Action::Write(at) => self.go_on(&mut world, at)?,
            Action::Strand(at) => {
                let Some(Step::Write(change)) = self.step(&world, at) else { return None };
                let (Process::Asked(read) | Process::Releasing(read)) = &world.processes[at] else {
                    return None;
                };
                let account = after(read, &change);
                // One that will be refused leaves nothing behind.
                let late = Newest { account, is_newest: true };
                world.late = read.is_newest.then_some(late);
                world.processes[at] = Process::Away;
            }
            Action::EntryLands => {
                let entry = world.late.take()?;
                world.put(entry);
            }
            Action::Finish(at) => {
                world.finished[PLAN_OF[at]] = true;
                world.processes[at] = Process::Over;
            }
            Action::Fenced(at) | Action::Crash(at) => world.processes[at] = Process::Away,
            Action::ReleaseEarly(at) => {
                let change = Change::Released(id(PLAN_OF[at]), USED, Vec::new());
                let newest = world.newest();
                world.write(&newest, &change, PLAN_OF[at]);
            }
        }
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        type Law = Property<Mutex>;
        let counted = Law::always(COUNTED, |_, world| {
            let over = world.finished.iter().filter(|finished| **finished).count();
            usize::try_from(world.account.used.orders).unwrap() <= over
        });
        let mut laws = vec![
            Law::always(ONE, |_, world| !(world.executes(0) && world.executes(1))),
            Law::always(HOLDER, |_, world| {
                let holder = world.account.holder.as_ref().map(|holder| plan_of(&holder.plan));
                [0, 1].into_iter().all(|plan| !world.executes(plan) || holder == Some(plan))
            }),
            Law::always(LINE, |_, world| {
                let line = &world.account.waiting;
                line.iter().enumerate().all(|(at, plan)| !line[..at].contains(plan))
            }),
            Law::sometimes("both plans complete and the account is free", |_, world| {
                world.finished == [true; 2] && world.account.holder.is_none()
            }),
            Law::sometimes("the other plan releases the account", |_, world| {
                world.released_by_other
            }),
            Law::sometimes("a plan waits in line", |_, world| !world.account.waiting.is_empty()),
            Law::sometimes("a plan holds the account and nobody works on it", |_, world| {
                let gone = world.processes.iter().all(|process| *process == Process::Away);
                gone && world.account.holder.is_some() && world.finished == [false; 2]
            }),
            Law::sometimes("two processes execute one plan", |_, world| {
                world.processes[..2].iter().all(|process| *process == Process::Executing)
            }),
        ];
        laws.push(counted);
        laws
    }
}

const ONE: &str = "I2: one executing plan an account";
const HOLDER: &str = "I2: an executing plan holds the account";
const LINE: &str = "X9: a plan waits in line once";
const COUNTED: &str = "L9: a plan's usage counts once";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{exhaust, falsify};

    fn check(fault: Fault, breach: (&'static str, usize)) {
        falsify(fault, Mutex { fault: Some(fault) }, breach);
    }

    /// X9, I2, L9: whatever the processes of two plans and any number of crashes do, in whatever order.
    #[test]
    fn one_plan_at_a_time_executes_on_every_path() {
        exhaust("the account's mutex", Mutex::default());
    }

    /// L9: a process reads its plan's log before the end, and asks for the account after another process has finished the
    /// plan and given the account back. Taken for a finished plan and released by somebody, its usage would count twice.
    #[test]
    fn an_account_taken_for_a_finished_plan_is_found() {
        check(Fault::TakesUnseen, (COUNTED, 14));
    }

    /// X9, I2: the check sees a mutex that expires.
    #[test]
    fn a_mutex_that_expires_is_found() {
        check(Fault::Expires, (ONE, 14));
    }

    /// X9, I2: the check sees a release by somebody who did not look whether the holder is over.
    #[test]
    fn a_release_of_an_unfinished_holder_is_found() {
        check(Fault::ReleasesUnseen, (ONE, 12));
    }

    /// X9, I2: the check sees a plan that executes although another one took the account before it.
    #[test]
    fn an_ignored_refusal_of_an_acquisition_is_found() {
        check(Fault::IgnoresRefusedWrite, (ONE, 8));
    }

    /// X9, I2: the check sees an account that is given back while its plan still executes.
    #[test]
    fn a_release_before_the_outcome_is_found() {
        check(Fault::ReleasesBeforeOutcome, (ONE, 11));
    }
}
