//! One plan's protocol: claim, lease, append, intent, POST, look-up, re-POST, cancel, hand-over, publication.
//!
//! Two processes at a time, one leg with three attempts; any number of crashes, take-overs, look-ups, re-POSTs and
//! hand-overs; a network that holds requests for any time; a broker that takes an id once, refuses, fills and cancels as
//! it likes; a bus; a store that takes an entry's number once, sometimes long after its writer has gone. What the model
//! makes wider than the code, so that a breach of the code is a breach of the model, too:
//!
//! * *Time.* There is none. Every bound (window, wait, lease, pause, retry) may be over at any moment or never. Above
//!   all the lease: whoever is away may take over at any moment, and whoever was taken over from goes on, frozen for as
//!   long as it likes, until the log refuses its next entry. So the invariants rest on the log alone; the lease only
//!   keeps owners from working against each other.
//! * *Turns.* One turn of the code reads, decides many facts, commits them as one entry and performs what is due. Here
//!   every fact is an entry of its own; two in a row without anything in between are the code's one. A reading and the
//!   entry with what it says are one step; a reading may be old instead (`Broker::readings`). `execute::follow` takes the
//!   lease with its first news; here the lease comes first.
//! * *Budgets, controls, quotes.* A POST may always be withheld, and never has to be. A cancel may land at any moment.
//!
//! What makes the states finite without a bound on paths: nobody's behaviour depends on how many entries, epochs or
//! look-ups there were, only on whether a number is still free (`Next`), and a zombie is what it may still do
//! (`Owner::lose`).
//!
//! What it leaves out: quantities and partial fills (an order fills as a whole), money, more legs than one, phases, the
//! account (see `crate::account`), halts, markers and the sweeper (here an owner may come at any moment), an order whose
//! symbol or side differs, the rebuild from the broker, and progress: whether a plan ends is the simulation's question.

mod broker;
mod fault;
mod owner;
mod properties;
mod view;

use stateright::{Model, Property};

use self::{
    broker::{Broker, Id, Order},
    fault::Fault,
    owner::{Answer, Due, Next, Owner, Running, Stage},
    view::{Fact, Outcome, View},
};

/// The model, and what is wrong with it.
#[derive(Clone, Copy, Debug, Default)]
struct Plan {
    fault: Option<Fault>,
}

/// The plan's log: what its entries add up to, and whether one of them should not be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Log {
    view: View,
    /// Two entries of one number were taken.
    overwritten: bool,
    /// An entry is not by the owner of the newest epoch, or a plan was claimed twice.
    foreign: bool,
    /// An attempt was intended before the one before it had ended.
    early: bool,
}

/// An entry about to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Entry {
    next: Next,
    author: usize,
    fact: Fact,
}

/// Everything that there is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    log: Log,
    owners: [Owner; 2],
    /// An entry on its way to the store, whose writer is gone.
    late: Option<Entry>,
    broker: Broker,
    /// What the bus has of the terminal event: completed, failed.
    published: [bool; 2],
}

/// What may happen next. The number is the process's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    /// `accept::claim` finds no log.
    Accept(usize),
    /// `execute::execute` reads the log.
    Start(usize),
    /// `log::append` of one fact: by `accept::claim`, `execute::execute`, `turn::turn` or `execute::hand_over`.
    Append(usize, Fact),
    /// `log::append` gets no clear answer, and its process ends (`StoreError::Unclear`); the entry is on its way.
    Strand(usize, Fact),
    /// The stranded entry reaches the store.
    EntryLands,
    /// `turn::submit`: the POST leaves. An owner that was frozen since its commit may do so at any time.
    Send(usize),
    /// `turn::submit`: lease or halt switch forbid it (`Answer::NotSent`).
    Withhold(usize),
    /// The broker takes the POST, or says that it is a duplicate; the owner has the answer.
    Answer(usize),
    /// The broker refuses the POST, for whatever reason, of whatever id.
    Refuse(usize),
    /// The owner waits no longer (`SubmitError::Unclear`); the POST is still on its way.
    TimeOut(usize),
    /// A POST that nobody waits for reaches the broker.
    PostLands(Id),
    /// `turn::cancel`: the cancel leaves, and may land from now on.
    SendCancel(usize),
    /// The order is canceled: a cancel has landed, whosesoever it was.
    Cancel(Id),
    /// The order is filled.
    Fill(Id),
    /// `turn::publish`: the bus takes the terminal event.
    Publish(usize),
    /// The process ends, and all that is only in its memory.
    Crash(usize),
    /// `execute::follow` has no news, or `execute::let_go` is done.
    Leave(usize),
    /// The effect of a fault: a POST without a committed intent.
    SendEarly(usize),
    /// The effect of a fault: a publication without a committed outcome.
    PublishEarly(usize, Outcome),
}

impl Plan {
    fn has(self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    /// What one process may do.
    fn actions_of(self, at: usize, world: &World, actions: &mut Vec<Action>) {
        let log = &world.log.view;
        let may_strand = world.late.is_none();
        let mut append = |fact| {
            actions.push(Action::Append(at, fact));
            if may_strand {
                actions.push(Action::Strand(at, fact));
            }
        };
        match &world.owners[at] {
            Owner::Away | Owner::Fenced if !log.claimed => actions.push(Action::Accept(at)),
            Owner::Away | Owner::Fenced => {
                let over = log.is_complete() && !log.must_be_followed();
                if !over {
                    actions.push(Action::Start(at));
                }
            }
            Owner::Accepting(_) => append(Fact::Claimed),
            Owner::Reading(..) => append(Fact::LeaseTaken),
            Owner::Running(running) => {
                running.entries(&world.broker, self.fault).into_iter().for_each(append);
                self.effects(at, running, actions);
                actions.push(Action::Crash(at));
            }
        }
    }

    /// What an owner may do to the world.
    fn effects(self, at: usize, running: &Running, actions: &mut Vec<Action>) {
        match running.stage {
            Stage::Perform(Due::Submit(_)) => {
                actions.extend([Action::Send(at), Action::Withhold(at)]);
            }
            Stage::Perform(Due::Cancel) => actions.push(Action::SendCancel(at)),
            Stage::Sent(_) => {
                actions.extend([Action::Answer(at), Action::Refuse(at), Action::TimeOut(at)]);
            }
            Stage::Turn => {
                let view = &running.view;
                if view.outcome.is_some() && !view.published {
                    actions.push(Action::Publish(at));
                }
                if view.is_complete() {
                    actions.push(Action::Leave(at));
                }
                if self.has(Fault::PostsBeforeCommit) && view.attempts[0].is_none() {
                    actions.push(Action::SendEarly(at));
                }
                if self.has(Fault::PublishesBeforeCommit) {
                    let outcome = view.after(Fact::LegFinished, at).outcome_now();
                    actions.extend(outcome.map(|outcome| Action::PublishEarly(at, outcome)));
                }
            }
            Stage::Answered(_) | Stage::Taken => {}
        }
    }

    fn start(self, view: View) -> Owner {
        let (next, stage) = (Next::Free, Stage::Turn);
        match self.fault {
            Some(Fault::TakesNoLease) => Owner::Running(Running { next, view, stage }),
            Some(_) | None => Owner::Reading(next, view),
        }
    }

    /// `log::append`, and what the process does next.
    fn append(self, world: &mut World, at: usize, fact: Fact) {
        let (entry, owner) = (world.entry(at, fact), world.owners[at]);
        let written = self.write(world, entry);
        let ignored = !written && self.has(Fault::IgnoresRefusedAppend);
        world.owners[at] = match owner {
            Owner::Running(running) if written || ignored => running.follow(fact, at),
            Owner::Reading(_, view) if written => {
                let view = view.after(fact, at);
                Owner::Running(Running { next: Next::Free, view, stage: Stage::Turn })
            }
            // Whoever lost the race for the claim meets the plan (`accept::meet`).
            Owner::Accepting(_) => Owner::Away,
            Owner::Running(_) | Owner::Reading(..) => Owner::Fenced,
            owner @ (Owner::Away | Owner::Fenced) => owner,
        };
    }

    /// `Store::put_if_absent`: true when the entry is in the log now. Its number is taken then, for everybody.
    fn write(self, world: &mut World, entry: Entry) -> bool {
        if entry.next == Next::Taken {
            if !self.has(Fault::StoreOverwrites) {
                return false;
            }
            world.log.overwritten = true;
        }
        world.log.take(entry);
        let ignores = self.has(Fault::IgnoresRefusedAppend);
        world.owners.iter_mut().for_each(|owner| owner.lose(ignores));
        // It will be refused, and nobody waits for the answer.
        world.late = None;
        true
    }
}

impl Log {
    fn take(&mut self, entry: Entry) {
        let view = &self.view;
        self.foreign |= match entry.fact {
            Fact::Claimed => view.claimed,
            Fact::LeaseTaken => false,
            _ => view.owner != Some(entry.author),
        };
        let open = view.newest().is_some_and(|(_, child)| !child.has_ended());
        self.early |= entry.fact == Fact::Intent && open;
        self.view = view.after(entry.fact, entry.author);
    }
}

impl World {
    fn entry(&self, at: usize, fact: Fact) -> Entry {
        let next = match self.owners[at] {
            Owner::Accepting(next) | Owner::Reading(next, _) => next,
            Owner::Running(running) => running.next,
            Owner::Away | Owner::Fenced => Next::Taken,
        };
        Entry { next, author: at, fact }
    }

    fn running(&mut self, at: usize) -> Option<&mut Running> {
        match &mut self.owners[at] {
            Owner::Running(running) => Some(running),
            Owner::Away | Owner::Fenced | Owner::Accepting(_) | Owner::Reading(..) => None,
        }
    }

    /// The id of the POST that the process sends or waits for.
    fn post_of(&self, at: usize) -> Option<Id> {
        let Owner::Running(running) = self.owners[at] else { return None };
        match running.stage {
            Stage::Sent(id) | Stage::Perform(Due::Submit(id)) => Some(id),
            Stage::Perform(Due::Cancel) | Stage::Turn | Stage::Answered(_) | Stage::Taken => None,
        }
    }

    fn is_on_the_way(&self, id: Id) -> bool {
        let waits = |owner: &Owner| matches!(owner, Owner::Running(running) if running.stage == Stage::Sent(id));
        self.broker.at(id).post || self.owners.iter().any(waits)
    }

    /// Its process is gone: what it waited for is on its way without it.
    fn crash(&mut self, at: usize) {
        if let Owner::Running(Running { stage: Stage::Sent(id), .. }) = self.owners[at] {
            self.broker.leave_on_the_way(id);
        }
        self.owners[at] = Owner::Away;
    }

    /// What becomes of a POST.
    fn affect(&mut self, at: usize, action: Action) -> Option<Stage> {
        let id = self.post_of(at)?;
        Some(match action {
            Action::Send(_) => Stage::Sent(id),
            Action::Withhold(_) => Stage::Answered(Answer::NotSent),
            Action::Answer(_) if self.broker.take(id) => Stage::Answered(Answer::Known),
            Action::Answer(_) => Stage::Answered(Answer::Duplicate),
            Action::Refuse(_) => Stage::Answered(Answer::Refused),
            Action::TimeOut(_) => {
                self.broker.leave_on_the_way(id);
                Stage::Answered(Answer::Lost)
            }
            _ => return None,
        })
    }

    fn publish(&mut self, outcome: Outcome) {
        self.published[usize::from(outcome == Outcome::Failed)] = true;
    }
}

impl Model for Plan {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World {
            log: Log::default(),
            owners: [Owner::Away; 2],
            late: None,
            broker: Broker::default(),
            published: [false; 2],
        }]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        for at in 0..world.owners.len() {
            self.actions_of(at, world, actions);
        }
        actions.extend(world.late.map(|_| Action::EntryLands));
        for id in Broker::ids() {
            let known = world.broker.at(id);
            if known.post {
                actions.push(Action::PostLands(id));
            }
            if known.order == Order::Live {
                actions.extend([Action::Fill(id), Action::Cancel(id)]);
            }
        }
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        let mut world = world.clone();
        match action {
            Action::Accept(at) => world.owners[at] = Owner::Accepting(Next::Free),
            Action::Start(at) => world.owners[at] = self.start(world.log.view),
            Action::Append(at, fact) => self.append(&mut world, at, fact),
            Action::Strand(at, fact) => {
                world.late = Some(world.entry(at, fact));
                world.crash(at);
            }
            Action::EntryLands => {
                let entry = world.late.take()?;
                self.write(&mut world, entry);
            }
            Action::Send(at)
            | Action::Withhold(at)
            | Action::Answer(at)
            | Action::Refuse(at)
            | Action::TimeOut(at) => {
                let stage = world.affect(at, action)?;
                world.running(at)?.stage = stage;
            }
            Action::SendCancel(at) => world.running(at)?.stage = Stage::Turn,
            Action::PostLands(id) => {
                world.broker.take(id);
            }
            Action::Cancel(id) => world.broker.end(id, Order::Canceled),
            Action::Fill(id) => world.broker.end(id, Order::Filled),
            Action::Publish(at) => {
                let running = world.running(at)?;
                running.stage = Stage::Taken;
                let outcome = running.view.outcome?;
                world.publish(outcome);
            }
            Action::PublishEarly(_, outcome) => world.publish(outcome),
            Action::SendEarly(_) => world.broker.leave_on_the_way(Id { attempt: 0, salt: 0 }),
            Action::Crash(at) => world.crash(at),
            Action::Leave(at) => world.owners[at] = Owner::Away,
        }
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }
}

#[cfg(test)]
mod tests {
    use super::{
        properties::{I1, I2, I3, I4, I5, I7_EPOCHS, I7_NUMBERS, I9_COMMIT, I9_ONE},
        *,
    };
    use crate::check::{exhaust, falsify};

    fn check(fault: Fault, breach: (&'static str, usize)) {
        falsify(fault, Plan { fault: Some(fault) }, breach);
    }

    /// S11, X8, X9, H7, H9, I1, I2, I3, I4, I5, I7, I9: whatever two processes, the broker, the network and any number of
    /// crashes do, in whatever order.
    #[test]
    fn a_plan_trades_exactly_once_on_every_path() {
        exhaust("one plan", Plan::default());
    }

    /// I7: the check sees a store that ignores `If-None-Match`.
    #[test]
    fn a_store_that_overwrites_is_found() {
        check(Fault::StoreOverwrites, (I7_NUMBERS, 4));
    }

    /// X9, I7: the check sees an owner without a lease.
    #[test]
    fn an_owner_that_takes_no_lease_is_found() {
        check(Fault::TakesNoLease, (I7_EPOCHS, 4));
    }

    /// X9, I4: the check sees an owner that is not stopped by the log.
    #[test]
    fn an_ignored_refusal_of_an_append_is_found() {
        check(Fault::IgnoresRefusedAppend, (I4, 8));
    }

    /// I4: the check sees an order that leaves before its intent is durable.
    #[test]
    fn a_post_before_its_commit_is_found() {
        check(Fault::PostsBeforeCommit, (I4, 5));
    }

    /// H7, I9: the check sees an outcome that is said before it is durable.
    #[test]
    fn a_publication_before_its_commit_is_found() {
        check(Fault::PublishesBeforeCommit, (I9_COMMIT, 5));
    }

    /// H7, I9: said too early, both outcomes of one plan may be said.
    #[test]
    fn a_publication_before_its_commit_leads_to_two_outcomes() {
        check(Fault::PublishesBeforeCommit, (I9_ONE, 12));
    }

    /// S11, I5: the check sees that not found is taken for absence.
    #[test]
    fn an_attempt_after_not_found_is_found() {
        check(Fault::NotFoundIsAbsence, (I5, 9));
    }

    /// S11, I2: the request was only late, and there are two live orders.
    #[test]
    fn an_attempt_after_not_found_leads_to_two_live_orders() {
        check(Fault::NotFoundIsAbsence, (I2, 13));
    }

    /// S6, I5: the check sees that an unconfirmed cancel is taken for an end.
    #[test]
    fn an_attempt_after_an_unconfirmed_cancel_is_found() {
        check(Fault::CancelRequestedIsGone, (I5, 11));
    }

    /// S6, I3: the order was filled before it was canceled, and the leg trades twice.
    #[test]
    fn an_attempt_after_an_unconfirmed_cancel_fills_twice() {
        check(Fault::CancelRequestedIsGone, (I3, 15));
    }

    /// S11, L8, I1: the check sees a retry that is another order.
    #[test]
    fn a_fresh_id_for_a_retry_is_found() {
        check(Fault::FreshIdForRetry, (I1, 13));
    }

    /// S11, I2: the check sees that a refusal is believed although an earlier POST is on its way.
    #[test]
    fn a_believed_refusal_of_a_repeated_post_is_found() {
        check(Fault::RefusedRepostSettles, (I2, 17));
    }

    /// S11, I2: the check sees that an order is taken for unsent although an earlier POST is on its way.
    #[test]
    fn a_withheld_repeated_post_taken_for_unsent_is_found() {
        check(Fault::WithheldRepostIsUnsent, (I2, 16));
    }
}
