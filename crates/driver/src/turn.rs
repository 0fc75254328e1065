//! One turn: the only place where effects are performed.

mod read;

use std::{borrow::Cow, sync::Arc};

use alchemiser_core::{
    account::Halt,
    decide::decide,
    execution::Execution,
    fact::{Announced, Fact, FactKind, Phase, Refusal, RefusalKind, StopCode},
    ids::EventId,
    observed::{Answer, Input, Observed},
    outstanding::{Outstanding, leftovers, outstanding, unannounced},
    planted::{Plant, is_planted},
    recovery,
    throttle::Tokens,
};
use alchemiser_wire::event;
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};

use crate::{
    account,
    log::{Author, ExecutionLog, LogError},
    ports::{Floor, SubmitError},
    tape::Buffer,
    trace::trace,
};

/// An execution that this process owns.
#[derive(Debug)]
pub struct Owned<'a> {
    floor: &'a Floor,
    log: ExecutionLog,
    state: Execution,
    observed: Observed,
    author: Author,
    /// Events that the bus took since the last commit.
    taken: Vec<EventId>,
    /// The halt switch, as far as it was read.
    switch: account::Switch,
    /// Failed publications in a row.
    publish_failures: u32,
    /// The log was compared with the broker's orders.
    is_compared: bool,
    /// Quotes that were seen and not kept yet.
    tape: Buffer,
}

/// What a turn leaves to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turned {
    /// Nothing: the plan is over and the bus has all of its events.
    Complete,
    /// Look again at this time.
    WakeAt(Timestamp),
}

/// The log keeps whole milliseconds.
const AN_INSTANT: SignedDuration = SignedDuration::from_millis(1);

impl<'a> Owned<'a> {
    /// Takes over an execution whose lease entry is about to be written by `author`.
    pub fn new(floor: &'a Floor, log: ExecutionLog, state: Execution, author: Author) -> Self {
        let now = floor.desk.clock.now();
        let first = author.epoch <= 1;
        let tokens = if first { Tokens::full(now, &state.policy) } else { Tokens::empty(now) };
        let observed = Observed::new(tokens, state.policy.clone());
        Self {
            floor,
            log,
            state,
            observed,
            author,
            taken: Vec::new(),
            switch: account::Switch::default(),
            publish_failures: 0,
            is_compared: false,
            tape: Buffer::default(),
        }
    }

    /// The state.
    pub fn state(&self) -> &Execution {
        &self.state
    }

    /// How often in a row the bus did not take an event.
    pub fn publish_failures(&self) -> u32 {
        self.publish_failures
    }

    fn now(&self) -> Timestamp {
        self.floor.desk.clock.now().max(self.state.last_at)
    }

    /// Commits facts as one entry, and applies them. Every entry renews the lease.
    ///
    /// # Errors
    /// [`LogError`] when the entry could not be written; nothing was applied then, and nothing may be done.
    pub async fn commit(&mut self, kinds: Vec<FactKind>) -> Result<(), LogError> {
        let at = self.now();
        let facts: Vec<Fact> = kinds.into_iter().map(|kind| Fact { at, kind }).collect();
        self.commit_facts(at, facts).await
    }

    async fn commit_facts(&mut self, at: Timestamp, facts: Vec<Fact>) -> Result<(), LogError> {
        let lease = self.state.policy.lease;
        self.author.until = at.saturating_add(lease).unwrap_or(at);
        let entry = self.log.append(&self.author, at, facts).await?;
        for fact in &entry.facts {
            trace(fact);
            self.state.take(fact);
        }
        self.say(&entry.facts);
        self.floor.watcher.committed(&self.state, &entry.facts);
        Ok(())
    }

    /// Where the plan stands after an entry.
    fn say(&self, facts: &[Fact]) {
        let children = || self.state.children();
        let sent = children().map(|child| {
            let asked = child.cancel.map(|asked| asked.last_at);
            asked.unwrap_or(child.intended_at).max(child.intended_at)
        });
        let idle = sent.max().map(|at| self.state.last_at.duration_since(at).as_millis());
        let elapsed = self.state.last_at.duration_since(self.state.claimed_at);
        tracing::info!(
            target: "alchemiser_driver::commit",
            phase = self.state.phase.word(),
            elapsed_ms = i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX),
            live = children().filter(|child| child.status.is_live()).count(),
            orders = self.state.orders_sent(),
            since_last_action_ms = idle.and_then(|idle| i64::try_from(idle).ok()),
            facts = facts.len(),
            "committed"
        );
    }

    /// One turn.
    ///
    /// # Errors
    /// [`LogError`] when the facts could not be committed: nothing was done, and the plan may have another owner.
    pub async fn turn(&mut self) -> Result<Turned, LogError> {
        let wanted = outstanding(&self.state, self.now()).reads;
        for input in self.read(&wanted).await {
            self.take(&input);
        }
        self.compare()?;
        let now = self.now();
        if let Some(left) = self.floor.broker.allowance() {
            self.take(&Input::Allowance(left, now));
        }
        let facts = self.decided(now);
        let enters = facts.iter().any(|fact| enters(&fact.kind));
        if is_planted(Plant::PublishedBeforeCommit) {
            self.publish(&announced(&facts)).await;
        }
        if !facts.is_empty() || self.renewal_is_due(now) {
            self.commit_facts(now, facts).await?;
        }
        self.observed.forget_answers();
        if self.state.is_finished() {
            // Before the terminal event: whoever draws the plan then finds it.
            self.keep_tape().await;
        }
        let due = outstanding(&self.state, now);
        self.perform(&due).await;
        if self.state.is_complete() && self.taken.is_empty() {
            return Ok(Turned::Complete);
        }
        let later = if self.publish_failures == 0 {
            now
        } else {
            now.saturating_add(self.state.policy.poll_steady).unwrap_or(now)
        };
        // Later by what the log can tell apart: news of this moment are older than what is read next.
        let soon = now.saturating_add(AN_INSTANT).unwrap_or(now);
        let wake = due.wake_at.map(|wake| if enters { soon } else { wake });
        let wake = wake.map(|wake| self.observed.tokens.pace(wake, now, &self.state.policy));
        Ok(Turned::WakeAt(wake.unwrap_or(later)))
    }

    /// Looks after the orders of a plan that is over, and writes only what is news: the first entry takes the lease.
    /// True when there was news.
    ///
    /// # Errors
    /// [`LogError`] when the facts could not be committed: nothing was done, and the plan may have another owner.
    pub async fn follow(&mut self, lease: &mut Option<FactKind>) -> Result<bool, LogError> {
        let wanted = outstanding(&self.state, self.now()).reads;
        for input in self.read(&wanted).await {
            self.take(&input);
        }
        self.compare()?;
        let now = self.now();
        let mut facts = self.decided(now);
        if facts.is_empty() {
            return Ok(false);
        }
        if let Some(kind) = lease.take() {
            facts.insert(0, Fact { at: now, kind });
        }
        self.commit_facts(now, facts).await?;
        self.observed.forget_answers();
        let due = outstanding(&self.state, now);
        self.perform(&due).await;
        Ok(true)
    }

    /// On every start, and again before the outcome: an order of the broker that the log lacks was lost with a part of
    /// the log, and nobody goes on without it.
    fn compare(&mut self) -> Result<(), LogError> {
        let again = self.state.phase == Phase::Closing;
        if self.observed.orders_at.is_none() || (self.is_compared && !again) {
            return Ok(());
        }
        self.is_compared = true;
        match recovery::lost(&self.state, self.observed.orders.values()).first() {
            Some(lost) => {
                let (log, order) = (self.log.prefix().to_owned(), lost.report.our_id());
                let incomplete = |order| Err(LogError::Incomplete { log, order });
                order.map_or(Ok(()), incomplete)
            }
            None => Ok(()),
        }
    }

    /// The broker's orders were listed by this owner.
    pub fn has_listed(&self) -> bool {
        self.observed.orders_at.is_some()
    }

    /// The facts of this turn: publications that succeeded, decisions, and the events that follow from them.
    fn decided(&mut self, now: Timestamp) -> Vec<Fact> {
        let taken = self.taken.drain(..).map(|id| Fact { at: now, kind: FactKind::Published(id) });
        let mut facts: Vec<Fact> = taken.collect();
        facts.extend(decide(&self.state, &self.observed, now));
        let mut after = Cow::Borrowed(&self.state);
        for fact in &facts {
            after.to_mut().take(fact);
        }
        for due in unannounced(&after) {
            let event = event::render(&due, &after, now);
            facts.push(Fact { at: now, kind: FactKind::Announced(Box::new(event)) });
        }
        facts
    }

    fn renewal_is_due(&self, now: Timestamp) -> bool {
        let written = self.log.last().map_or(now, |entry| entry.at);
        now.duration_since(written) >= self.state.policy.lease_renewal
    }

    fn take(&mut self, input: &Input) {
        self.tape.take(&self.state, input);
        self.observed.take(input);
    }

    /// Keeps the quotes that were seen: when the plan is over, and when this owner stops before.
    pub async fn keep_tape(&mut self) {
        self.tape.keep(self.floor.tape.as_ref(), &self.state, self.author.epoch).await;
    }

    /// Counts trading calls against the message budget.
    fn called(&mut self, calls: usize) {
        let at = self.now();
        self.take(&Input::Called(u32::try_from(calls).unwrap_or(u32::MAX), at));
    }

    /// No effect starts when the lease might end before it does.
    fn lease_allows(&self) -> bool {
        let policy = &self.state.policy;
        let needed = policy.lease_margin.saturating_add(policy.http_timeout);
        self.author.until.duration_since(self.floor.desk.clock.now()) >= needed
    }

    /// The halt switch was read so recently that an order may still leave. Committing may have taken its time.
    fn halt_allows(&self) -> bool {
        let bound = self.state.policy.halt_max_age;
        let read_at = self.observed.halt.as_ref().map(|(_, at)| *at);
        read_at.is_some_and(|at| self.floor.desk.clock.now().duration_since(at) <= bound)
    }

    async fn perform(&mut self, due: &Outstanding) {
        self.halt(due.halt).await;
        self.cancel(due).await;
        self.submit(due).await;
        self.look_up(due).await;
        self.publish(due.publications.iter().map(Arc::as_ref)).await;
    }

    /// Stops the account when something is wrong beyond this plan. It is tried again until the halt shows.
    async fn halt(&mut self, code: Option<StopCode>) {
        let Some(code) = code else { return };
        let (desk, plan) = (&self.floor.desk, &self.state.plan);
        let who = format!("plan {}", plan.plan_id);
        let halt = Halt::new(&who, code.code(), self.now());
        match account::halt(desk, &plan.account, halt).await {
            Ok(_) => {
                tracing::error!(account = %plan.account, plan_id = %plan.plan_id, code = code.code(), "trading is halted");
            }
            Err(error) => {
                tracing::error!(account = %plan.account, %error, "the account could not be halted; it is tried again");
            }
        }
    }

    async fn cancel(&mut self, due: &Outstanding) {
        let known = due.cancels.iter().map(|(_, id)| id.clone());
        let orders: Vec<_> = known.chain(leftovers(&self.state, &self.observed)).collect();
        let broker = self.floor.broker.clone();
        let answers = join_all(orders.iter().map(|order| broker.cancel(order))).await;
        self.called(orders.len());
        for (order, answer) in orders.iter().zip(answers) {
            if let Err(error) = answer {
                tracing::warn!(broker_order_id = %order, %error, "a cancel was not taken; the order is read again");
            }
        }
    }

    async fn submit(&mut self, due: &Outstanding) {
        let broker = self.floor.broker.clone();
        let inputs = &due.submits;
        let posts = inputs.iter().map(|order| {
            let (broker, owned) = (broker.clone(), &*self);
            async move {
                if !(owned.lease_allows() && owned.halt_allows()) {
                    return Answer::NotSent;
                }
                match broker.submit(order).await {
                    Ok(report) => Answer::Known(report),
                    Err(SubmitError::Refused(refusal)) => Answer::Refused(refusal),
                    Err(SubmitError::Duplicate) if is_planted(Plant::DuplicateRefused) => {
                        Answer::Refused(Refusal {
                            kind: RefusalKind::Other,
                            message: String::new(),
                        })
                    }
                    Err(SubmitError::Duplicate | SubmitError::Unclear(_)) => Answer::Lost,
                    Err(SubmitError::NotSent(_)) => Answer::NotSent,
                }
            }
        });
        let answers = join_all(posts).await;
        self.called(answers.iter().filter(|answer| **answer != Answer::NotSent).count());
        for (order, answer) in inputs.iter().zip(answers) {
            self.take(&Input::Answered(order.client_order_id().clone(), answer));
        }
    }

    async fn look_up(&mut self, due: &Outstanding) {
        let broker = self.floor.broker.clone();
        let answers = join_all(due.look_ups.iter().map(|id| broker.order(id))).await;
        self.called(due.look_ups.len());
        for (id, answer) in due.look_ups.iter().zip(answers) {
            match answer {
                Ok(Some(report)) => self.take(&Input::Answered(id.clone(), Answer::Known(report))),
                Ok(None) => self.take(&Input::Answered(id.clone(), Answer::NotFound)),
                Err(error) => {
                    tracing::warn!(client_order_id = %id, %error, "a look-up failed; it is tried again");
                }
            }
        }
    }

    /// In order, and none after one that failed: consumers see `TradeExecuted` before the terminal event.
    async fn publish(&mut self, events: impl IntoIterator<Item = &Announced>) {
        for event in events {
            match self.floor.desk.publisher.publish(event, self.now()).await {
                Ok(()) => {
                    self.publish_failures = 0;
                    self.taken.push(event.event_id.clone());
                }
                Err(_) if is_planted(Plant::UnpublishedCounts) => {
                    self.taken.push(event.event_id.clone());
                }
                Err(error) => {
                    self.publish_failures = self.publish_failures.saturating_add(1);
                    tracing::warn!(event_id = %event.event_id, detail_type = %event.detail_type, %error, "not published");
                    return;
                }
            }
        }
    }
}

/// A phase begins that waits for nothing but its own readings.
fn enters(kind: &FactKind) -> bool {
    matches!(kind, FactKind::PhaseChanged(Phase::Proceeds | Phase::Closing))
}

/// The events among facts.
fn announced(facts: &[Fact]) -> Vec<Announced> {
    let events = facts.iter().filter_map(|fact| match &fact.kind {
        FactKind::Announced(event) => Some(event.as_ref().clone()),
        _ => None,
    });
    events.collect()
}
