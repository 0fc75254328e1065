//! What is checked while it happens: orders that leave, halts that come, calls that add up.

use alchemiser_core::{controls::Approved, ids::BrokerOrderId};
use jiff::{SignedDuration, Timestamp};

use crate::{
    exchange::Order,
    world::{ProcessId, World},
};

/// The broker's limit on the trading calls of a minute.
const CALLS_MAX: usize = 200;

/// I10: no order leaves later than this after a halt.
const HALT_SEEN: SignedDuration = SignedDuration::from_secs(2);

/// I10: a cancel is asked for within this of a halt, or of the landing of an order that was under way.
pub(crate) const HALT_ANSWERED: SignedDuration = SignedDuration::from_secs(10);

impl World {
    pub(crate) fn is_open(&self) -> bool {
        (self.exchange.opened_at..self.exchange.closes_at).contains(&self.now)
    }

    /// An order is about to leave: I4, I10 and I12 in true time.
    pub(crate) fn posted(&mut self, process: ProcessId, order: &Approved) {
        let id = order.client_order_id().as_str();
        let plan = self.plan_of(id);
        if plan.is_none() {
            self.broken("I4", format!("{id} leaves and no log holds its intent"));
        }
        let sender = &self.processes[process];
        // A process whose clock jumps does not know how old its readings are.
        let jumped = sender.jumped_at;
        if let Some(since) = self.stopped_since(id) {
            let late = self.now.duration_since(since);
            if late > HALT_SEEN && jumped < since {
                self.broken(
                    "I10",
                    format!("{id} leaves {late:#} after a halt, or after its plan was canceled"),
                );
            }
        }
        if plan.is_some() && plan != self.watch.holder && jumped == Timestamp::MIN {
            let holder = self.watch.holder.clone();
            self.broken(
                "I2",
                format!("{id} of {plan:?} leaves while {holder:?} holds the account"),
            );
        }
        if !self.is_open() && jumped == Timestamp::MIN {
            self.broken("I12", format!("{id} leaves outside of the session"));
        }
        self.check_clock(process, id);
        let before = self.watch.sent.insert(id.to_owned(), order.terms().clone());
        if before.is_some_and(|before| before != *order.terms()) {
            self.broken("I4", format!("{id} is sent again, and asks for something else"));
        }
        let cancel = self.watch.senders.get(id).and_then(|(_, cancel)| *cancel);
        self.watch.senders.insert(id.to_owned(), (process, cancel));
    }

    /// I11: no order leaves before the session was read, or while that reading showed a clock that is wrong.
    fn check_clock(&mut self, process: ProcessId, id: &str) {
        let sender = &self.processes[process];
        let read = sender.session_read.filter(|(at, _)| *at >= sender.began_at);
        let Some((at, ahead)) = read else {
            return self.broken("I11", format!("{id} leaves before the session was read"));
        };
        // What happened to the process since may have hidden how wrong its clock was.
        let undisturbed = sender.jumped_at < at && sender.disturbed_at < at;
        if undisturbed && ahead.abs() > self.policy.clock_skew_max {
            self.broken("I11", format!("{id} leaves by a clock that is {ahead:#} ahead"));
        }
    }

    /// The plan whose log holds an order.
    fn plan_of(&self, id: &str) -> Option<String> {
        let holds = |bytes: &Vec<u8>| std::str::from_utf8(bytes).is_ok_and(|t| t.contains(id));
        let mut logs = self.store.range("executions/".to_owned().."executions0".to_owned()).rev();
        let (key, _) = logs.find(|(_, bytes)| holds(bytes))?;
        key.split('/').nth(2).map(str::to_owned)
    }

    /// A cancel is about to leave.
    pub(crate) fn cancel_asked(&mut self, order: &BrokerOrderId) {
        let now = self.now;
        let known = self.exchange.orders.iter().find(|known| known.id == *order);
        let Some(id) = known.map(|known| known.new.client_order_id.clone()) else { return };
        if let Some((_, asked)) = self.watch.senders.get_mut(&id) {
            *asked = Some(now);
        }
    }

    /// Since when no order of ours may leave: trading is halted, or its plan was canceled.
    pub(crate) fn stopped_since(&self, id: &str) -> Option<Timestamp> {
        let halted = self.watch.halt.as_ref().map(|(_, since)| *since);
        if self.watch.canceled.is_empty() {
            return halted;
        }
        let canceled = self.plan_of(id).and_then(|plan| self.watch.canceled.get(&plan).copied());
        [halted, canceled].into_iter().flatten().min()
    }

    /// I10: ten seconds after a halt, or after its plan was canceled, every order of an owner that runs undisturbed was asked
    /// to be canceled.
    pub(crate) fn halt_is_old(&mut self, since: Timestamp) {
        let now = self.now;
        let known = |order: &&Order| now.duration_since(order.submitted_at) >= HALT_ANSWERED;
        let open = self.exchange.orders.iter().filter(|order| order.is_open()).filter(known);
        let late: Vec<String> = open
            .filter(|order| self.stopped_since(&order.new.client_order_id) == Some(since))
            .filter(|order| {
                let sender = self.watch.senders.get(&order.new.client_order_id);
                sender.is_some_and(|(process, asked)| {
                    self.has_run_since(*process, since) && asked.is_none_or(|at| at < since)
                })
            })
            .map(|order| order.new.client_order_id.clone())
            .collect();
        for id in late {
            self.broken(
                "I10",
                format!(
                    "{id} is open ten seconds after it was stopped at {since}, and no cancel was asked for"
                ),
            );
        }
    }

    /// A process has run since a moment, with nothing in its way.
    fn has_run_since(&self, process: ProcessId, since: Timestamp) -> bool {
        let sender = &self.processes[process];
        let undisturbed = sender.disturbed_at < since && sender.frozen_until < since;
        sender.invocation.is_some() && !sender.is_dead && undisturbed && sender.began_at < since
    }

    /// I14: the most calls in a minute.
    pub(crate) fn check_calls(&mut self) {
        let most = self.watch.calls_most;
        if most > CALLS_MAX {
            self.broken("I14", format!("{most} trading calls in a minute"));
        }
    }
}
