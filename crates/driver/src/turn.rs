//! One turn: the only place where effects are performed.

use alchemiser_core::{
    decide::decide,
    execution::{Execution, apply},
    fact::{Announced, Fact, FactKind},
    ids::EventId,
    observed::{Answer, Input, Observed, observe},
    outstanding::{Outstanding, Reads, Wanted, leftovers, outstanding, unannounced},
    throttle::Tokens,
};
use alchemiser_wire::event;
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};

use crate::{
    log::{Author, ExecutionLog, LogError},
    ports::{Floor, SubmitError},
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
    /// Failed publications in a row.
    publish_failures: u32,
}

/// What a turn leaves to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turned {
    /// Nothing: the plan is over and the bus has all of its events.
    Complete,
    /// Look again at this time.
    WakeAt(Timestamp),
}

/// The session clock is read again after this long.
const SESSION_REREAD: SignedDuration = SignedDuration::from_secs(60);

/// Orders are listed from this long before the plan's own time.
const ORDERS_BEFORE_PLAN: SignedDuration = SignedDuration::from_hours(1);

impl<'a> Owned<'a> {
    /// Takes over an execution whose lease entry is about to be written by `author`.
    pub fn new(floor: &'a Floor, log: ExecutionLog, state: Execution, author: Author) -> Self {
        let now = floor.desk.clock.now();
        let first = author.epoch <= 1;
        let tokens = if first { Tokens::full(now, &state.policy) } else { Tokens::empty(now) };
        let observed = Observed::new(tokens, state.policy.clone());
        Self { floor, log, state, observed, author, taken: Vec::new(), publish_failures: 0 }
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
        self.log.append(&self.author, at, facts.clone()).await?;
        for fact in &facts {
            trace(fact);
            self.state = apply(self.state.clone(), fact);
        }
        self.floor.watcher.committed(&self.state, &facts);
        Ok(())
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
        let now = self.now();
        let facts = self.decided(now);
        if !facts.is_empty() || self.renewal_is_due(now) {
            self.commit_facts(now, facts).await?;
        }
        self.observed = self.observed.clone().answered();
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
        let wake = due.wake_at.map(|wake| self.observed.tokens.pace(wake, now, &self.state.policy));
        Ok(Turned::WakeAt(wake.unwrap_or(later)))
    }

    /// The facts of this turn: publications that succeeded, decisions, and the events that follow from them.
    fn decided(&mut self, now: Timestamp) -> Vec<Fact> {
        let taken = self.taken.drain(..).map(|id| Fact { at: now, kind: FactKind::Published(id) });
        let mut facts: Vec<Fact> = taken.collect();
        facts.extend(decide(&self.state, &self.observed, now));
        let after = facts.iter().fold(self.state.clone(), apply);
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
        self.observed = observe(self.observed.clone(), input);
    }

    /// Counts trading calls against the message budget.
    fn called(&mut self, calls: usize) {
        let at = self.now();
        self.take(&Input::Called(u32::try_from(calls).unwrap_or(u32::MAX), at));
    }

    async fn read(&mut self, reads: &Reads) -> Vec<Input> {
        let broker = self.floor.broker.clone();
        let mut inputs = Vec::new();
        let mut failed = Vec::new();
        let mut calls = 0_usize;
        if reads.session && self.session_is_old() {
            calls += 1;
            match broker.clock().await {
                Ok(clock) => inputs.push(Input::Session(clock, self.floor.desk.clock.now())),
                Err(error) => failed.push(error),
            }
        }
        let unknown =
            reads.assets.iter().filter(|symbol| !self.observed.assets.contains_key(*symbol));
        for symbol in unknown {
            calls += 1;
            match broker.asset(symbol).await {
                Ok(asset) => inputs.push(Input::Asset(symbol.clone(), asset)),
                Err(error) => failed.push(error),
            }
        }
        if reads.positions {
            calls += 1;
            match broker.positions().await {
                Ok(positions) => {
                    let by_symbol = positions
                        .into_iter()
                        .map(|position| (position.symbol.clone(), position))
                        .collect();
                    inputs.push(Input::Positions(by_symbol, self.now()));
                }
                Err(error) => failed.push(error),
            }
        }
        let account = match reads.account {
            Wanted::No => false,
            Wanted::Once => self.observed.account.is_none(),
            Wanted::Now => true,
        };
        if account {
            calls += 1;
            match broker.account().await {
                Ok(account) => inputs.push(Input::Account(account, self.now())),
                Err(error) => failed.push(error),
            }
        }
        if reads.orders {
            calls += 1;
            let since = self.state.plan.timestamp.min(self.state.claimed_at);
            let since = since.saturating_sub(ORDERS_BEFORE_PLAN).unwrap_or(since);
            match broker.orders(since).await {
                Ok(orders) => inputs.push(Input::Orders(orders, self.now())),
                Err(error) => failed.push(error),
            }
        }
        if !reads.snapshots.is_empty() {
            match self.floor.market.snapshots(&reads.snapshots).await {
                Ok(snapshots) => inputs.push(Input::Snapshots(snapshots)),
                Err(error) => failed.push(error),
            }
        }
        for error in failed {
            tracing::warn!(plan_id = %self.state.plan.plan_id, %error, "a reading failed; it is asked for again");
        }
        self.called(calls);
        inputs
    }

    fn session_is_old(&self) -> bool {
        let now = self.floor.desk.clock.now();
        let skewed = self
            .observed
            .clock_skew()
            .is_some_and(|skew| skew.abs() > self.state.policy.clock_skew_max);
        skewed
            || self.observed.session.is_none_or(|(_, at)| now.duration_since(at) >= SESSION_REREAD)
    }

    /// No effect starts when the lease might end before it does.
    fn lease_allows(&self) -> bool {
        let policy = &self.state.policy;
        let needed = policy.lease_margin.saturating_add(policy.http_timeout);
        self.author.until.duration_since(self.floor.desk.clock.now()) >= needed
    }

    async fn perform(&mut self, due: &Outstanding) {
        self.cancel(due).await;
        self.submit(due).await;
        self.look_up(due).await;
        self.publish(&due.publications).await;
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
        let (may, inputs) = (self.lease_allows(), &due.submits);
        let posts = inputs.iter().map(|order| {
            let broker = broker.clone();
            async move {
                if !may {
                    return Answer::NotSent;
                }
                match broker.submit(order).await {
                    Ok(report) => Answer::Known(report),
                    Err(SubmitError::Refused(refusal)) => Answer::Refused(refusal),
                    Err(SubmitError::Duplicate | SubmitError::Unclear(_)) => Answer::Lost,
                }
            }
        });
        let answers = join_all(posts).await;
        self.called(if may { inputs.len() } else { 0 });
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
    async fn publish(&mut self, events: &[Announced]) {
        for event in events {
            match self.floor.desk.publisher.publish(event, self.now()).await {
                Ok(()) => {
                    self.publish_failures = 0;
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

/// One structured log event for each fact.
fn trace(fact: &Fact) {
    match &fact.kind {
        FactKind::Intent(intent) => tracing::info!(
            at = %fact.at, symbol = %intent.terms.symbol, client_order_id = %intent.client_order_id,
            side = intent.terms.side.word(), quantity = %intent.terms.quantity, limit = %intent.terms.limit,
            purpose = intent.purpose.word(), "intent"
        ),
        FactKind::Reported(symbol, attempt, report) => tracing::info!(
            at = %fact.at, %symbol, attempt, status = report.status.word(), cumulative = %report.cumulative, "reported"
        ),
        FactKind::CancelRequested(symbol, attempt, reason) => {
            tracing::info!(at = %fact.at, %symbol, attempt, reason = reason.word(), "cancel requested");
        }
        FactKind::LegFinished(symbol, outcome) => tracing::info!(
            at = %fact.at, %symbol, outcome = outcome.word(),
            reason = outcome.reason().map(alchemiser_core::leg::Reason::code), "leg finished"
        ),
        FactKind::PhaseChanged(phase) => {
            tracing::info!(at = %fact.at, phase = phase.word(), "phase changed");
        }
        FactKind::PlanStopped(code) => {
            tracing::warn!(at = %fact.at, code = code.code(), "plan stopped");
        }
        FactKind::Unresolved(symbol, attempt) => {
            tracing::warn!(at = %fact.at, %symbol, attempt, "order unresolved");
        }
        FactKind::Published(id) => tracing::debug!(at = %fact.at, event_id = %id, "published"),
        other => tracing::debug!(at = %fact.at, fact = ?other, "recorded"),
    }
}
