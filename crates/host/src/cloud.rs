//! EventBridge, SQS and Lambda's asynchronous queue, as the template sets them up: what is due when, and what becomes of it.
//!
//! Time is an argument, so that a minute of back-off is no minute of a test. Everything is delivered at least once; a
//! [`fault::Script`] says what is delivered twice, late, or never.

pub mod fault;
mod invocation;
mod manner;
mod queue;

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    cloud::{
        fault::{Blow, On, Script},
        queue::{Message, Waiting, failures},
    },
    deployment::{Answers, Deployment, Function, Handover},
    entry::{Entry, EntryError, Envelope, Place},
    route::Via,
};

pub use invocation::{Happened, Invocation, Outcome};
pub use manner::Manner;
pub use queue::Letter;

/// Lambda's waits before it tries an asynchronous event again.
const RETRY_WAITS: [SignedDuration; 2] =
    [SignedDuration::from_mins(1), SignedDuration::from_mins(2)];

/// The longest wait of the bus between two tries of handing an event over.
const HANDOVER_WAIT_MAX: SignedDuration = SignedDuration::from_mins(5);

/// How much of what happened is kept for whoever asks.
const KEPT: usize = 100_000;

/// An asynchronous event of a function.
#[derive(Clone, Debug)]
struct Event {
    function: String,
    payload: String,
    taken_at: Timestamp,
    tries: u32,
    due: Timestamp,
}

/// An event that the bus could not hand over yet.
#[derive(Clone, Debug)]
struct Handing {
    target: usize,
    envelope: String,
    detail_type: String,
    published_at: Timestamp,
    tries: u32,
    refusals: u32,
    due: Timestamp,
}

/// Where an invocation's event came from.
#[derive(Debug)]
enum Cause {
    Messages { queue: String, ids: Vec<String>, answers: Answers },
    Event(Event),
}

#[derive(Debug)]
struct Working {
    function: String,
    cause: Cause,
}

/// The cloud.
#[derive(Debug)]
pub struct Cloud {
    deployment: Deployment,
    manner: Manner,
    place: Place,
    queues: BTreeMap<String, Waiting>,
    events: Vec<Event>,
    handing: Vec<Handing>,
    working: BTreeMap<String, Working>,
    ticks: Vec<Timestamp>,
    happened: VecDeque<(Timestamp, Happened)>,
    started_at: Timestamp,
    given: u64,
}

impl Cloud {
    /// A cloud in which nothing waits; schedules tick for the first time at once.
    pub fn new(deployment: Deployment, manner: Manner, now: Timestamp) -> Self {
        let queues = deployment.queues.iter();
        Self {
            queues: queues.map(|queue| (queue.id.clone(), Waiting::default())).collect(),
            ticks: vec![now; deployment.schedules.len()],
            place: Place { account: manner.account.clone(), region: manner.region.clone() },
            deployment,
            manner,
            events: Vec::new(),
            handing: Vec::new(),
            working: BTreeMap::new(),
            happened: VecDeque::new(),
            started_at: now,
            given: 0,
        }
    }

    /// What is deployed.
    pub fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    /// What goes wrong, to be asked and changed while it runs.
    pub fn faults(&mut self) -> &mut Script {
        &mut self.manner.faults
    }

    /// Takes an event from a publisher and hands it to every rule that wants it; the event's id.
    ///
    /// # Errors
    /// [`EntryError`] when EventBridge would refuse the entry.
    pub fn put(&mut self, entry: &Entry, now: Timestamp) -> Result<String, EntryError> {
        let id = self.fresh(now);
        let entry = Entry { id: id.clone(), ..entry.clone() };
        let Envelope { text, event } = Envelope::wrap(&entry, &self.place)?;
        let Entry { source, detail_type, detail, .. } = entry;
        let told = Happened::Published { detail_type: detail_type.clone(), source, detail };
        self.tell(now, told);
        let targets = self.deployment.targets.iter().enumerate();
        let wanted = targets.filter(|(_, target)| target.route.pattern.matches(&event));
        let wanted: Vec<usize> = wanted.map(|(index, _)| index).collect();
        for target in wanted {
            let blow = self.manner.faults.strike(&On::Delivered(detail_type.clone()));
            let (copies, wait, refusals) = match blow {
                Some(Blow::Lost) => (0, SignedDuration::ZERO, 0),
                Some(Blow::Twice) => (2, SignedDuration::ZERO, 0),
                Some(Blow::Late { seconds }) => (1, self.paced(whole(seconds)), 0),
                Some(Blow::Unreachable { tries }) => (1, SignedDuration::ZERO, tries),
                Some(
                    Blow::Killed { .. }
                    | Blow::Frozen { .. }
                    | Blow::Hurried { .. }
                    | Blow::KilledBefore
                    | Blow::KilledAfter
                    | Blow::Refused
                    | Blow::Silent,
                )
                | None => (1, SignedDuration::ZERO, 0),
            };
            if copies == 0 {
                self.tell(now, Happened::Lost { detail_type: detail_type.clone() });
            }
            for _ in 0..copies {
                self.handing.push(Handing {
                    target,
                    envelope: text.clone(),
                    detail_type: detail_type.clone(),
                    published_at: now,
                    tries: 0,
                    refusals,
                    due: later(now, wait),
                });
            }
        }
        self.hand_over(now);
        Ok(id)
    }

    /// Hands over what is due.
    fn hand_over(&mut self, now: Timestamp) {
        let (due, waiting) =
            std::mem::take(&mut self.handing).into_iter().partition(|handing| handing.due <= now);
        self.handing = waiting;
        let due: Vec<Handing> = due;
        for handing in due {
            let Some(target) = self.deployment.targets.get(handing.target).cloned() else {
                continue;
            };
            if handing.tries < handing.refusals {
                self.refused(handing, &target.handover, now);
                continue;
            }
            match target.route.via {
                Via::Queue(queue) => self.send(&queue, handing.envelope, now),
                Via::Direct => self.events.push(Event {
                    function: target.route.function,
                    payload: handing.envelope,
                    taken_at: now,
                    tries: 0,
                    due: now,
                }),
            }
        }
    }

    /// A target did not take an event: it is tried again, ever later, or given up.
    fn refused(&mut self, handing: Handing, held: &Handover, now: Timestamp) {
        let tries = handing.tries.saturating_add(1);
        let too_old = now.duration_since(handing.published_at) > self.paced(held.age_max);
        if tries > held.retries || too_old {
            match &held.dead_letters {
                Some(queue) => self.bury(&queue.clone(), handing.envelope, now),
                None => self.tell(now, Happened::Lost { detail_type: handing.detail_type }),
            }
            return;
        }
        let wait = SignedDuration::from_secs(1_i64.checked_shl(tries.min(16)).unwrap_or(i64::MAX));
        let wait = self.paced(wait.min(HANDOVER_WAIT_MAX));
        self.handing.push(Handing { tries, due: later(now, wait), ..handing });
    }

    /// The next thing to be done now by a function that `may` take it.
    pub fn start(&mut self, now: Timestamp, may: impl Fn(&Function) -> bool) -> Option<Invocation> {
        self.hand_over(now);
        self.tick(now);
        self.expire(now);
        let (function, cause, payload, attempt) =
            self.next_event(now, &may).or_else(|| self.next_messages(now, &may))?;
        let id = self.fresh(now);
        let deployed = self.deployment.function(&function)?;
        let blow = self.manner.faults.strike(&On::Invoked(deployed.name.clone()));
        let timeout = match blow {
            Some(Blow::Hurried { within_ms }) => SignedDuration::from_millis(within_ms.into()),
            _ => self.manner.timeouts.get(&deployed.name).copied().unwrap_or(deployed.timeout),
        };
        self.tell(now, Happened::Started { function: function.clone(), attempt });
        self.working.insert(id.clone(), Working { function: function.clone(), cause });
        Some(Invocation { id, function, payload, attempt, timeout, blow })
    }

    fn next_event(
        &mut self,
        now: Timestamp,
        may: &impl Fn(&Function) -> bool,
    ) -> Option<(String, Cause, String, u32)> {
        let deployed = &self.deployment;
        let able = |event: &Event| deployed.function(&event.function).is_some_and(may);
        let due =
            self.events.iter().enumerate().filter(|(_, event)| event.due <= now && able(event));
        let (index, _) = due.min_by_key(|(index, event)| (event.due, *index))?;
        let mut event = self.events.remove(index);
        event.tries = event.tries.saturating_add(1);
        let (function, payload) = (event.function.clone(), event.payload.clone());
        Some((function, Cause::Event(event.clone()), payload, event.tries))
    }

    fn next_messages(
        &mut self,
        now: Timestamp,
        may: &impl Fn(&Function) -> bool,
    ) -> Option<(String, Cause, String, u32)> {
        for queue in self.deployment.queues.clone() {
            let Some(reader) = &queue.reader else { continue };
            if !self.deployment.function(&reader.function).is_some_and(may) {
                continue;
            }
            let Some(waiting) = self.queues.get_mut(&queue.id) else { continue };
            let hidden_until = later(now, queue.visibility / self.manner.pace.max(1));
            let receives_max =
                queue.redrive.as_ref().map_or(u32::MAX, |redrive| redrive.receives_max);
            let received = waiting.receive(reader.batch, hidden_until, receives_max, now);
            for body in received.given_up {
                if let Some(redrive) = &queue.redrive {
                    self.bury(&redrive.dead_letters, body, now);
                }
            }
            if received.messages.is_empty() {
                continue;
            }
            let attempt = received.messages.iter().map(|message| message.receives).max();
            let payload = self.records(&queue.id, &received.messages);
            let ids = received.messages.into_iter().map(|message| message.id).collect();
            let cause = Cause::Messages { queue: queue.id.clone(), ids, answers: reader.answer };
            return Some((reader.function.clone(), cause, payload, attempt.unwrap_or(1)));
        }
        None
    }

    /// The event of an SQS event source.
    fn records(&self, queue: &str, messages: &[Message]) -> String {
        let Place { account, region } = &self.place;
        let arn = format!("arn:aws:sqs:{region}:{account}:{queue}");
        let records = messages.iter().map(|message| message.record(&arn, region));
        json!({ "Records": records.collect::<Vec<Value>>() }).to_string()
    }

    /// An invocation ended. One that is not known, or ended before, is nothing.
    pub fn ended(&mut self, id: &str, outcome: &Outcome, now: Timestamp) {
        let Some(Working { function, cause }) = self.working.remove(id) else { return };
        let told = match outcome {
            Outcome::Answered(answer) => {
                Happened::Answered { function: function.clone(), answer: answer.clone() }
            }
            Outcome::Failed { error_type, .. } => {
                Happened::Failed { function: function.clone(), error_type: error_type.clone() }
            }
        };
        self.tell(now, told);
        match (cause, outcome) {
            (Cause::Messages { queue, ids, answers }, Outcome::Answered(answer)) => {
                let failed = failures(answer, answers, &ids);
                if let Some(waiting) = self.queues.get_mut(&queue) {
                    ids.iter().filter(|id| !failed.contains(id)).for_each(|id| waiting.delete(id));
                }
            }
            // What failed is seen again when it is visible again.
            (Cause::Messages { .. }, Outcome::Failed { .. })
            | (Cause::Event(_), Outcome::Answered(_)) => {}
            (Cause::Event(event), Outcome::Failed { error_type, message }) => {
                self.failed(event, (error_type, message), id, now);
            }
        }
    }

    /// An asynchronous event failed: it is tried again after a wait, or given up.
    fn failed(&mut self, event: Event, error: (&str, &str), id: &str, now: Timestamp) {
        let Some(function) = self.deployment.function(&event.function) else { return };
        let held = function.asynchronous.clone();
        let last = RETRY_WAITS.len().saturating_sub(1);
        let index = usize::try_from(event.tries).unwrap_or(last).saturating_sub(1).min(last);
        let wait = RETRY_WAITS.get(index).copied().unwrap_or_default();
        let due = later(now, self.paced(wait));
        let too_old = due.duration_since(event.taken_at) > self.paced(held.age_max);
        let condition = match (event.tries > held.retries, too_old) {
            (true, _) => "RetriesExhausted",
            (false, true) => "EventAgeExceeded",
            (false, false) => {
                self.events.push(Event { due, ..event });
                return;
            }
        };
        if let Some(queue) = &held.dead_letters {
            let letter = self.record(&event, error, (id, condition), now);
            self.bury(queue, letter, now);
        }
    }

    /// What Lambda sends to a destination on failure.
    fn record(
        &self,
        event: &Event,
        (error_type, message): (&str, &str),
        (id, condition): (&str, &str),
        now: Timestamp,
    ) -> String {
        let Place { account, region } = &self.place;
        let payload: Value = serde_json::from_str(&event.payload).unwrap_or_default();
        json!({
            "version": "1.0",
            "timestamp": now.to_string(),
            "requestContext": {
                "requestId": id,
                "functionArn": format!("arn:aws:lambda:{region}:{account}:function:{}:$LATEST", event.function),
                "condition": condition,
                "approximateInvokeCount": event.tries,
            },
            "requestPayload": payload,
            "responseContext": { "statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled" },
            "responsePayload": { "errorType": error_type, "errorMessage": message },
        })
        .to_string()
    }

    fn tick(&mut self, now: Timestamp) {
        for (index, schedule) in self.deployment.schedules.clone().into_iter().enumerate() {
            let every = self.paced(schedule.every);
            let Some(tick) = self.ticks.get_mut(index).filter(|tick| **tick <= now) else {
                continue;
            };
            *tick = later(now, every);
            let id = self.fresh(now);
            let payload = json!({
                "version": "0", "id": id, "detail-type": "Scheduled Event", "source": "aws.scheduler",
                "account": self.place.account, "time": now.to_string(), "region": self.place.region,
                "resources": [], "detail": {},
            });
            let payload = payload.to_string();
            let function = schedule.function;
            self.events.push(Event { function, payload, taken_at: now, tries: 0, due: now });
        }
    }

    /// What is too old is dropped, or is a dead letter.
    fn expire(&mut self, now: Timestamp) {
        let pace = self.manner.pace.max(1);
        for queue in &self.deployment.queues {
            if let Some(waiting) = self.queues.get_mut(&queue.id) {
                waiting.expire(queue.retention / pace, now);
            }
        }
        let deployed = &self.deployment;
        let is_old = |event: &Event| {
            let held =
                deployed.function(&event.function).map(|function| function.asynchronous.age_max);
            held.is_some_and(|age| now.duration_since(event.taken_at) > age / pace)
        };
        let (old, kept) = std::mem::take(&mut self.events).into_iter().partition(is_old);
        self.events = kept;
        let old: Vec<Event> = old;
        for event in old {
            let held = self.deployment.function(&event.function).map(|f| f.asynchronous.clone());
            if let Some(queue) = held.and_then(|held| held.dead_letters) {
                let id = self.fresh(now);
                let error = ("EventAgeExceeded", "the event grew too old before it was tried");
                let letter = self.record(&event, error, (&id, "EventAgeExceeded"), now);
                self.bury(&queue, letter, now);
            }
        }
    }

    /// When something is due that is not yet.
    pub fn wake_at(&self) -> Option<Timestamp> {
        let events = self.events.iter().map(|event| event.due);
        let handing = self.handing.iter().map(|handing| handing.due);
        let readable = self.deployment.queues.iter().filter(|queue| queue.reader.is_some());
        let messages = readable.filter_map(|queue| self.queues.get(&queue.id)?.visible_at());
        events.chain(handing).chain(messages).chain(self.ticks.iter().copied()).min()
    }

    /// Whether nothing is on its way: no delivery waits, nothing is worked. Schedules tick on.
    pub fn is_idle(&self) -> bool {
        let readable = self.deployment.queues.iter().filter(|queue| queue.reader.is_some());
        let mut waiting = readable.filter_map(|queue| self.queues.get(&queue.id));
        self.events.is_empty()
            && self.handing.is_empty()
            && self.working.is_empty()
            && waiting.all(Waiting::is_empty)
    }

    /// What was given up, by queue.
    pub fn dead_letters(&self) -> Vec<(String, Letter)> {
        let unread = self.deployment.queues.iter().filter(|queue| queue.reader.is_none());
        let each = unread.filter_map(|queue| self.queues.get(&queue.id).map(|w| (queue, w)));
        each.flat_map(|(queue, waiting)| {
            waiting.letters().map(|letter| (queue.id.clone(), letter)).collect::<Vec<_>>()
        })
        .collect()
    }

    /// What happened, oldest first; the oldest of very much is gone.
    pub fn happened(&self) -> impl Iterator<Item = &(Timestamp, Happened)> {
        self.happened.iter()
    }

    fn bury(&mut self, queue: &str, body: String, now: Timestamp) {
        self.tell(now, Happened::DeadLetter { queue: queue.to_owned() });
        self.send(queue, body, now);
    }

    fn send(&mut self, queue: &str, body: String, now: Timestamp) {
        let id = self.fresh(now);
        self.queues.entry(queue.to_owned()).or_default().send(id, body, now);
    }

    fn tell(&mut self, now: Timestamp, happened: Happened) {
        if self.happened.len() >= KEPT {
            self.happened.pop_front();
        }
        self.happened.push_back((now, happened));
    }

    /// A new id. It follows from the start and the count, and differs from those of every other start.
    fn fresh(&mut self, now: Timestamp) -> String {
        self.given = self.given.saturating_add(1);
        let name = format!("{}|{}|{now}", self.started_at, self.given);
        Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()).to_string()
    }

    fn paced(&self, wait: SignedDuration) -> SignedDuration {
        wait / self.manner.pace.max(1)
    }
}

fn whole(seconds: u32) -> SignedDuration {
    SignedDuration::from_secs(i64::from(seconds))
}

fn later(now: Timestamp, wait: SignedDuration) -> Timestamp {
    now.saturating_add(wait).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
