//! Reading a state directory without using it.

use std::{
    ops::Deref,
    path::{Path, PathBuf},
};

use alchemiser_core::{execution::Execution, policy::Policy};
use alchemiser_driver::audit::StoredLog;
use alchemiser_local::{
    books,
    state::{StateDir, StateError},
};
use alchemiser_wire::{
    entry::{Entry, NO_PREVIOUS, sha256},
    ledger::{decode, encode},
};

use crate::{
    exit::{Exit, Stopped},
    remote::{self, Part},
};

/// An execution with the name of its log.
pub(crate) struct Loaded {
    pub(crate) log: String,
    pub(crate) state: Execution,
}

pub(crate) fn state_stopped(error: &StateError) -> Stopped {
    match error {
        StateError::Unwritable { .. } => Stopped::new(Exit::Refused, "STATE_UNWRITABLE", error),
        StateError::Newer { .. } => Stopped::new(Exit::Refused, "STATE_NEWER", error),
        StateError::InUse { .. } => Stopped::new(Exit::Locked, "STATE_IN_USE", error),
    }
}

/// A state directory to be read: one of this machine, or a copy of what a bucket holds now.
pub(crate) struct Readable {
    state: StateDir,
    /// What a person calls it.
    named: PathBuf,
    copy: Option<remote::Copy>,
}

impl Readable {
    /// Takes in what was written since; of a bucket, below these directories.
    pub(crate) fn renew(&self, directories: &[&str]) -> Result<(), Stopped> {
        if let Some(copy) = &self.copy {
            remote::renewed(copy, &self.named, Part::Below(directories))?;
        }
        Ok(())
    }
}

impl Deref for Readable {
    type Target = StateDir;

    fn deref(&self) -> &StateDir {
        &self.state
    }
}

/// Opens a directory of this machine that must be there already, to read it.
pub(crate) fn here(path: &Path) -> Result<Readable, Stopped> {
    Ok(Readable { state: existing(path)?, named: path.to_owned(), copy: None })
}

/// Opens what must be there already, to read what is below these directories of it.
pub(crate) fn readable(path: &Path, directories: &[&str]) -> Result<Readable, Stopped> {
    opened(path, Part::Below(directories))
}

/// Opens what must be there already, to read one plan: of a bucket nothing else is read.
pub(crate) fn readable_for(path: &Path, plan_id: &str) -> Result<Readable, Stopped> {
    opened(path, Part::Plan(plan_id))
}

fn opened(path: &Path, part: Part<'_>) -> Result<Readable, Stopped> {
    if !remote::is_bucket(path) {
        return here(path);
    }
    let (state, copy) = remote::copied(path, part)?;
    Ok(Readable { state, named: path.to_owned(), copy: Some(copy) })
}

/// A directory of this machine is meant: nothing is traded in a bucket but by the deployed functions.
pub(crate) fn on_this_machine(path: &Path) -> Result<(), Stopped> {
    if !remote::is_bucket(path) {
        return Ok(());
    }
    let message = format!(
        "expected a directory of this machine, found {}: what is in a bucket is traded by the functions that are deployed on it. Publish the plan's event on their bus, or name a directory with --state",
        path.display()
    );
    Err(Stopped::new(Exit::Refused, "STATE", message))
}

/// Opens a directory that must be there already.
pub(crate) fn existing(path: &Path) -> Result<StateDir, Stopped> {
    on_this_machine(path)?;
    if !path.join("state.json").is_file() {
        let at = path.display();
        let message = format!(
            "expected a state directory at {at}, found none; make one with `alchemiser run PLAN.json --state {at}`"
        );
        return Err(Stopped::new(Exit::Refused, "STATE_MISSING", message));
    }
    StateDir::open(path).map_err(|error| state_stopped(&error))
}

pub(crate) fn logs(state: &StateDir) -> Result<Vec<StoredLog>, Stopped> {
    books::logs(state).map_err(|error| Stopped::failed("STATE_UNREADABLE", &error))
}

/// The log of one plan, whole.
pub(crate) struct PlanLog {
    pub(crate) entries: Vec<Entry>,
    /// The hash of the last entry's bytes.
    pub(crate) sha256: String,
}

/// The log of a plan, as it is stored.
pub(crate) fn stored(readable: &Readable, plan_id: &str) -> Result<StoredLog, Stopped> {
    let failed = |error: &dyn std::fmt::Display| Stopped::failed("STATE_UNREADABLE", error);
    let names = books::names(readable).map_err(|error| failed(&error))?;
    let wanted = format!("/{}", encode(plan_id));
    let Some(name) = names.iter().find(|name| name.ends_with(&wanted)) else {
        return Err(unknown(&readable.named, plan_id, &names));
    };
    books::log(readable, name.clone()).map_err(|error| failed(&error))
}

/// Reads the log of a plan, and checks its chain.
pub(crate) fn plan(readable: &Readable, plan_id: &str) -> Result<PlanLog, Stopped> {
    let log = stored(readable, plan_id)?;
    let name = &log.name;
    let unreadable = |seq: u64, found: &dyn std::fmt::Display| {
        let message =
            format!("{name} entry {seq}: {found}; `alchemiser verify` says what is wrong");
        Stopped::new(Exit::Failed, "LOG_UNREADABLE", message)
    };
    let (mut entries, mut previous) = (Vec::new(), NO_PREVIOUS.to_owned());
    for (expected, (seq, bytes)) in (1..).zip(&log.entries) {
        let entry = Entry::from_bytes(bytes).map_err(|error| unreadable(*seq, &error))?;
        if *seq != expected || entry.prev_sha256 != previous {
            return Err(unreadable(
                *seq,
                &"expected the entry after the one before, found another",
            ));
        }
        previous = sha256(bytes);
        entries.push(entry);
    }
    Ok(PlanLog { entries, sha256: previous })
}

/// No plan of this id, and which ones look like it.
fn unknown(place: &Path, plan_id: &str, names: &[String]) -> Stopped {
    let known = names.iter().filter_map(|name| decode(name.rsplit('/').next()?));
    let mut near: Vec<(f64, String)> =
        known.map(|known| (strsim::jaro_winkler(plan_id, &known), known)).collect();
    near.retain(|(likeness, known)| *likeness >= 0.8 || known.contains(plan_id));
    near.sort_by(|one, other| other.0.total_cmp(&one.0));
    let near: Vec<String> = near.into_iter().take(3).map(|(_, known)| known).collect();
    let hint =
        if near.is_empty() { String::new() } else { format!("; near it: {}", near.join(", ")) };
    let message = format!(
        "expected a plan that was executed here, found none with the id {plan_id:?}{hint}; `alchemiser status --state {}` lists them",
        place.display()
    );
    Stopped::new(Exit::Refused, "PLAN_UNKNOWN", message)
}

/// Every execution of a directory, oldest first.
pub(crate) fn executions(state: &StateDir) -> Result<Vec<Loaded>, Stopped> {
    let mut loaded = Vec::new();
    for log in logs(state)? {
        let mut facts = Vec::new();
        for bytes in log.entries.values() {
            let entry = Entry::from_bytes(bytes).map_err(|error| {
                Stopped::new(Exit::Failed, "LOG_UNREADABLE", format!("{}: {error}", log.name))
            })?;
            facts.extend(entry.facts);
        }
        if let Some(state) = Execution::fold(&facts, &Policy::default()) {
            loaded.push(Loaded { log: log.name, state });
        }
    }
    loaded.sort_by_key(|loaded| loaded.state.claimed_at);
    Ok(loaded)
}
