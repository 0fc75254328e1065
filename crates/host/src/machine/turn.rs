//! The loop's own state: what is running, and what each thing that happens comes to.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;

use super::{
    Ask, Given, INIT_MAX, Put, Setup, Strike, Wish,
    sandbox::{Alarm, Sandbox, Start},
};
use crate::{
    cloud::{
        Cloud, Invocation, Outcome,
        fault::{Blow, On},
    },
    deployment::Function,
    entry::Entry,
};

/// The loop looks around at least this often.
const LOOK: Duration = Duration::from_secs(1);

pub(super) struct Host {
    cloud: Cloud,
    setup: Setup,
    programs: BTreeMap<String, PathBuf>,
    address: SocketAddr,
    asks: mpsc::UnboundedSender<Ask>,
    sandboxes: BTreeMap<u64, Sandbox>,
    started: u64,
    wishes: Vec<Wish>,
}

impl Host {
    pub(super) fn new(
        setup: Setup,
        programs: BTreeMap<String, PathBuf>,
        address: SocketAddr,
        asks: mpsc::UnboundedSender<Ask>,
    ) -> Self {
        let cloud = Cloud::new(setup.deployment.clone(), setup.manner.clone(), Timestamp::now());
        let (sandboxes, wishes) = (BTreeMap::new(), Vec::new());
        Self { cloud, setup, programs, address, asks, sandboxes, started: 0, wishes }
    }

    /// Until when nothing is due.
    pub(super) fn wait(&self, now: Timestamp) -> Duration {
        let alarms = self.sandboxes.values().filter_map(Sandbox::next_alarm);
        let next = alarms.chain(self.cloud.wake_at()).min();
        let wait = next.map(|next| next.duration_since(now).max(SignedDuration::ZERO));
        let wait = wait.and_then(|wait| Duration::try_from(wait).ok());
        // What is due and cannot start waits for a process to end, which wakes the loop.
        wait.unwrap_or(LOOK).clamp(Duration::from_millis(1), LOOK)
    }

    /// Does what is due.
    pub(super) fn go_on(&mut self, now: Timestamp) {
        let numbers: Vec<u64> = self.sandboxes.keys().copied().collect();
        for number in numbers {
            let due = self.sandboxes.get_mut(&number).map(|sandbox| sandbox.due(now));
            for alarm in due.unwrap_or_default() {
                self.ring(number, alarm, now);
            }
        }
        loop {
            let room = self.room();
            let may = |function: &Function| room.get(&function.id).is_some_and(|room| *room > 0);
            let Some(invocation) = self.cloud.start(now, may) else { break };
            self.invoke(invocation, now);
        }
        let cloud = &self.cloud;
        let (held, open) =
            std::mem::take(&mut self.wishes).into_iter().partition(|wish| (wish.holds)(cloud));
        self.wishes = open;
        let held: Vec<Wish> = held;
        for wish in held {
            // Whoever wished may have gone.
            wish.reply.send(()).unwrap_or_default();
        }
    }

    /// How many more invocations of each function there may be at once.
    fn room(&self) -> BTreeMap<String, usize> {
        let functions = self.setup.deployment.functions.iter();
        let each = functions.map(|function| {
            let bound = function.concurrency.and_then(|bound| usize::try_from(bound).ok());
            let bound = bound.unwrap_or(self.setup.sandboxes_max);
            let own = self.sandboxes.values().filter(|sandbox| sandbox.function == function.id);
            let busy = own.filter(|sandbox| sandbox.work.is_some()).count();
            (function.id.clone(), bound.saturating_sub(busy))
        });
        each.collect()
    }

    fn invoke(&mut self, invocation: Invocation, now: Timestamp) {
        let mut own = self.sandboxes.iter_mut();
        let free =
            own.find(|(_, sandbox)| sandbox.function == invocation.function && sandbox.is_free());
        let number = match free {
            Some((number, _)) => *number,
            None => match self.start(&invocation.function, now) {
                Ok(number) => number,
                Err(error) => {
                    let error_type = "Runtime.InvalidEntrypoint".to_owned();
                    let outcome = Outcome::Failed { error_type, message: error.to_string() };
                    self.cloud.ended(&invocation.id, &outcome, now);
                    return;
                }
            },
        };
        if let Some(sandbox) = self.sandboxes.get_mut(&number) {
            sandbox.work = Some(invocation);
            sandbox.given = false;
        }
        self.give(number, now);
    }

    /// Gives a process that polls its work, and lets it go on.
    fn give(&mut self, number: u64, now: Timestamp) {
        let Some(sandbox) = self.sandboxes.get_mut(&number) else { return };
        let Some(work) = sandbox.work.clone().filter(|_| !sandbox.given) else { return };
        let Some(poll) = sandbox.poll.take() else { return };
        let deadline = later(now, work.timeout);
        let region = &self.setup.manner.region;
        let arn = format!(
            "arn:aws:lambda:{region}:{}:function:{}",
            self.setup.manner.account, work.function
        );
        sandbox.given = true;
        sandbox.alarms = vec![(deadline, Alarm::Timeout)];
        let after =
            |milliseconds: u32| later(now, SignedDuration::from_millis(milliseconds.into()));
        match work.blow {
            Some(Blow::Killed { after_ms }) => sandbox.alarms.push((after(after_ms), Alarm::Kill)),
            Some(Blow::Frozen { after_ms, for_ms }) => {
                sandbox.alarms.push((after(after_ms), Alarm::Freeze(for_ms)));
            }
            Some(_) | None => {}
        }
        sandbox.thaw();
        let (id, payload) = (work.id, work.payload);
        let given = Given { id, payload, deadline_ms: deadline.as_millisecond(), arn };
        // A process that ended meanwhile is told of by its end.
        drop(poll.send(given));
    }

    fn start(&mut self, function: &str, now: Timestamp) -> std::io::Result<u64> {
        self.started = self.started.saturating_add(1);
        let number = self.started;
        let deployed = self.setup.deployment.function(function);
        let program = self.programs.get(function);
        let (Some(deployed), Some(program)) = (deployed, program) else {
            return Err(std::io::Error::other("a function that is not deployed"));
        };
        let lines = self.setup.state.join("host").join(format!("{}.log", deployed.name));
        let variables = self.variables(deployed, number);
        let start = Start { number, function, program, lines: &lines, variables };
        let mut sandbox = Sandbox::start(&start, self.asks.clone())?;
        let ready_by = SignedDuration::try_from(INIT_MAX).unwrap_or(SignedDuration::MAX);
        sandbox.alarms.push((later(now, ready_by), Alarm::Unready));
        self.sandboxes.insert(number, sandbox);
        Ok(number)
    }

    /// The environment of a function's process.
    fn variables(&self, function: &Function, number: u64) -> BTreeMap<String, String> {
        let own = |name: &str, value: String| (name.to_owned(), value);
        let mut variables = BTreeMap::from([
            own("AWS_LAMBDA_RUNTIME_API", format!("http://{}/{number}", self.address)),
            own("AWS_LAMBDA_FUNCTION_NAME", function.name.clone()),
            own("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
            own("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", function.memory_mb.to_string()),
            own("AWS_LAMBDA_LOG_GROUP_NAME", format!("/alchemiser/local/{}", function.name)),
            own("AWS_LAMBDA_LOG_STREAM_NAME", number.to_string()),
            own("AWS_REGION", self.setup.manner.region.clone()),
            own("AWS_ACCESS_KEY_ID", "local".to_owned()),
            own("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
            own("AWS_ENDPOINT_URL", format!("http://{}/{number}", self.address)),
        ]);
        for name in &function.variables {
            if let Some(Some(value)) = self.setup.variables.get(name) {
                variables.insert(name.clone(), value.clone());
            }
        }
        variables.extend(self.setup.others.clone());
        variables
    }

    fn ring(&mut self, number: u64, alarm: Alarm, now: Timestamp) {
        let Some(sandbox) = self.sandboxes.get_mut(&number) else { return };
        match alarm {
            Alarm::Freeze(for_ms) => {
                sandbox.freeze();
                let until = later(now, SignedDuration::from_millis(for_ms.into()));
                sandbox.alarms.push((until, Alarm::Thaw));
            }
            Alarm::Thaw => sandbox.thaw(),
            Alarm::Kill => sandbox.kill(),
            Alarm::Timeout => {
                let seconds = sandbox.work.as_ref().map(|work| work.timeout.as_secs_f64());
                let message =
                    format!("Task timed out after {:.2} seconds", seconds.unwrap_or_default());
                self.lose(number, "Sandbox.Timedout", &message, now);
            }
            Alarm::Unready => self.lose(number, "Sandbox.Timedout", "the init took too long", now),
        }
    }

    /// A process is gone, and what it worked on failed.
    fn lose(&mut self, number: u64, error_type: &str, message: &str, now: Timestamp) {
        let Some(sandbox) = self.sandboxes.remove(&number) else { return };
        sandbox.kill();
        if let Some(work) = sandbox.work {
            let (error_type, message) = (error_type.to_owned(), message.to_owned());
            self.cloud.ended(&work.id, &Outcome::Failed { error_type, message }, now);
        }
    }

    /// What was asked is done.
    pub(super) fn take(&mut self, ask: Ask, now: Timestamp) {
        match ask {
            Ask::Poll { sandbox: number, reply } => {
                let Some(sandbox) = self.sandboxes.get_mut(&number) else { return };
                sandbox.poll = Some(reply);
                sandbox.alarms.retain(|(_, alarm)| *alarm != Alarm::Unready);
                if sandbox.work.is_none() {
                    sandbox.freeze();
                }
                self.give(number, now);
            }
            Ask::Answer { sandbox: number, id, outcome, reply } => {
                let is_taken = self.answered(number, (&id, &outcome), now);
                reply.send(is_taken).unwrap_or_default();
            }
            Ask::Unready { sandbox, error } => self.lose(sandbox, "Runtime.InitError", &error, now),
            Ask::Exited { sandbox, status } => {
                self.lose(sandbox, "Runtime.ExitError", &status, now);
            }
            Ask::Put { entry, publisher, reply } => {
                drop(reply.send(self.put(&entry, publisher, now)));
            }
            Ask::Strike { name, strike, reply } => drop(reply.send(self.strike(&name, strike))),
            Ask::Until(wish) => self.wishes.push(wish),
            Ask::Cloud(look) => look(&mut self.cloud),
            Ask::Stop => {}
        }
    }

    /// Takes an answer, unless the invocation is over or somebody else's.
    fn answered(&mut self, number: u64, answer: (&str, &Outcome), now: Timestamp) -> bool {
        let (id, outcome) = answer;
        let Some(sandbox) = self.sandboxes.get_mut(&number) else { return false };
        let Some(work) = sandbox.work.as_ref().filter(|work| work.id == id) else { return false };
        let name = self.setup.deployment.function(&work.function).map(|of| of.name.clone());
        let blow = self.cloud.faults().strike(&On::Answered(name.unwrap_or_default()));
        if matches!(blow, Some(Blow::KilledBefore | Blow::KilledAfter)) {
            sandbox.kill();
        }
        if blow == Some(Blow::KilledBefore) {
            return false;
        }
        sandbox.work = None;
        sandbox.alarms.clear();
        self.cloud.ended(id, outcome, now);
        true
    }

    /// Strikes at the processes of a function that work.
    fn strike(&mut self, name: &str, strike: Strike) -> usize {
        let function = self.setup.deployment.functions.iter().find(|of| of.name == name);
        let own = self.sandboxes.values().filter(|sandbox| {
            sandbox.given
                && sandbox.work.is_some()
                && function.is_some_and(|function| function.id == sandbox.function)
        });
        let struck = own.inspect(|sandbox| match strike {
            Strike::Kill => sandbox.kill(),
            Strike::Freeze => sandbox.freeze(),
            Strike::Thaw => sandbox.thaw(),
        });
        struck.count()
    }

    fn put(&mut self, entry: &Entry, publisher: Option<u64>, now: Timestamp) -> Put {
        let blow = self.cloud.faults().strike(&On::Published(entry.detail_type.clone()));
        let publisher = publisher.and_then(|number| self.sandboxes.get(&number));
        match (&blow, publisher) {
            (Some(Blow::Refused), _) => {
                let (code, message) = ("InternalFailure", "as the script has it");
                return Put::Refused { code: code.to_owned(), message: message.to_owned() };
            }
            (Some(Blow::KilledBefore), Some(sandbox)) => {
                sandbox.kill();
                return Put::Silent;
            }
            (Some(Blow::KilledAfter), Some(sandbox)) => sandbox.kill(),
            (Some(_) | None, _) => {}
        }
        match self.cloud.put(entry, now) {
            Ok(_) if matches!(blow, Some(Blow::Silent | Blow::KilledAfter)) => Put::Silent,
            Ok(id) => Put::Taken(id),
            Err(error) => {
                Put::Refused { code: error.code().to_owned(), message: error.to_string() }
            }
        }
    }

    /// Kills every process, and waits for their ends.
    pub(super) async fn end(&mut self, asked: &mut mpsc::UnboundedReceiver<Ask>) {
        self.sandboxes.values().for_each(Sandbox::kill);
        while !self.sandboxes.is_empty() {
            match asked.recv().await {
                Some(Ask::Exited { sandbox, .. }) => drop(self.sandboxes.remove(&sandbox)),
                Some(_) => {}
                None => break,
            }
        }
    }
}

fn later(now: Timestamp, wait: SignedDuration) -> Timestamp {
    now.saturating_add(wait).unwrap_or(Timestamp::MAX)
}
