//! One process of a function.

use std::{
    collections::BTreeMap,
    fs::File,
    io,
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, Stdio},
    thread,
};

use jiff::Timestamp;
use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::{mpsc, oneshot};

use super::{Ask, Given};
use crate::cloud::Invocation;

/// Something that is due for a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alarm {
    /// Its invocation took too long.
    Timeout,
    /// It was not ready in time.
    Unready,
    /// A fault kills it.
    Kill,
    /// A fault lets it stand still, for so many milliseconds.
    Freeze(u32),
    /// It goes on.
    Thaw,
}

/// A process, and what it does.
pub(super) struct Sandbox {
    /// Its function's logical id.
    pub(super) function: String,
    /// It polls, and is not answered yet.
    pub(super) poll: Option<oneshot::Sender<Given>>,
    /// What it works on, or will as soon as it polls.
    pub(super) work: Option<Invocation>,
    /// Whether it was given its work.
    pub(super) given: bool,
    /// What is due for it.
    pub(super) alarms: Vec<(Timestamp, Alarm)>,
    pid: Pid,
}

/// What a process is started with.
pub(super) struct Start<'a> {
    pub(super) number: u64,
    pub(super) function: &'a str,
    pub(super) program: &'a Path,
    pub(super) lines: &'a Path,
    pub(super) variables: BTreeMap<String, String>,
}

impl Sandbox {
    /// Starts a process. It has a group of its own: when the host is killed, the system ends what stands still in it.
    pub(super) fn start(start: &Start<'_>, asks: mpsc::UnboundedSender<Ask>) -> io::Result<Self> {
        let lines = File::options().create(true).append(true).open(start.lines)?;
        let errors = lines.try_clone()?;
        let mut child = Command::new(start.program)
            .env_clear()
            .envs(&start.variables)
            .stdin(Stdio::null())
            .stdout(lines)
            .stderr(errors)
            .process_group(0)
            .spawn()?;
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| io::Error::other("a process without a number"))?;
        let sandbox = start.number;
        thread::spawn(move || {
            let status = match child.wait() {
                Ok(status) => status.to_string(),
                Err(error) => error.to_string(),
            };
            // The host may have ended first.
            drop(asks.send(Ask::Exited { sandbox, status }));
        });
        let function = start.function.to_owned();
        Ok(Self { function, poll: None, work: None, given: false, alarms: Vec::new(), pid })
    }

    /// A process that ended already is sent nothing.
    fn signal(&self, signal: Signal) {
        kill_process(self.pid, signal).unwrap_or_default();
    }

    pub(super) fn kill(&self) {
        self.signal(Signal::KILL);
    }

    pub(super) fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    pub(super) fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// Whether it stands still and waits for work.
    pub(super) fn is_free(&self) -> bool {
        self.work.is_none() && self.poll.as_ref().is_some_and(|poll| !poll.is_closed())
    }

    pub(super) fn next_alarm(&self) -> Option<Timestamp> {
        self.alarms.iter().map(|(at, _)| *at).min()
    }

    /// What is due, oldest first.
    pub(super) fn due(&mut self, now: Timestamp) -> Vec<Alarm> {
        self.alarms.sort_by_key(|(at, _)| *at);
        let (due, later) =
            std::mem::take(&mut self.alarms).into_iter().partition(|(at, _)| *at <= now);
        self.alarms = later;
        let due: Vec<(Timestamp, Alarm)> = due;
        due.into_iter().map(|(_, alarm)| alarm).collect()
    }
}
