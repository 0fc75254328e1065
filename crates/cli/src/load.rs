//! Reading a state directory without using it.

use std::{ops::Deref, path::Path};

use alchemiser_core::{execution::Execution, policy::Policy};
use alchemiser_driver::audit::StoredLog;
use alchemiser_local::{
    books,
    state::{StateDir, StateError},
};
use alchemiser_wire::entry::Entry;

use crate::{
    exit::{Exit, Stopped},
    remote,
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
    _copy: Option<remote::Copy>,
}

impl Deref for Readable {
    type Target = StateDir;

    fn deref(&self) -> &StateDir {
        &self.state
    }
}

/// Opens what must be there already, to read it.
pub(crate) fn readable(path: &Path) -> Result<Readable, Stopped> {
    if !remote::is_bucket(path) {
        return Ok(Readable { state: existing(path)?, _copy: None });
    }
    let (state, copy) = remote::copied(path)?;
    Ok(Readable { state, _copy: Some(copy) })
}

/// Opens a directory that must be there already.
pub(crate) fn existing(path: &Path) -> Result<StateDir, Stopped> {
    if !path.join("state.json").is_file() {
        let message = format!(
            "expected a state directory at {}, found none; make one with `alchemiser run PLAN.json --state {}`",
            path.display(),
            path.display()
        );
        return Err(Stopped::new(Exit::Refused, "STATE_MISSING", message));
    }
    StateDir::open(path).map_err(|error| state_stopped(&error))
}

pub(crate) fn logs(state: &StateDir) -> Result<Vec<StoredLog>, Stopped> {
    books::logs(state).map_err(|error| Stopped::failed("STATE_UNREADABLE", &error))
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
