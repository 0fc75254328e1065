//! The state directory: its schema, and who uses it.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::books;

/// The newest schema of a state directory.
pub const SCHEMA: u32 = 1;

/// A state directory that cannot be used.
#[derive(Debug, Error)]
pub enum StateError {
    /// It cannot be written.
    #[error("STATE_UNWRITABLE: expected a state directory that can be written at {}, found: {source}; choose another with --state", path.display())]
    Unwritable {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A newer release made it.
    #[error("STATE_NEWER: expected a state directory of schema {SCHEMA} or older at {}, found schema {found}; use the newer release, or another directory with --state", path.display())]
    Newer {
        /// Where.
        path: PathBuf,
        /// The schema found.
        found: u32,
    },
    /// Another process uses it.
    #[error("STATE_IN_USE: {} is in use by {holder}; wait until it ends, or stop it, then run the same command again", path.display())]
    InUse {
        /// Where.
        path: PathBuf,
        /// Who.
        holder: String,
    },
}

#[derive(Serialize, Deserialize)]
struct Stamp {
    schema: u32,
}

/// The time in which a process lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pace {
    /// As time passes: its leases run out when it stands still.
    Real,
    /// At once: its leases say nothing to others.
    Virtual,
}

#[derive(Serialize, Deserialize)]
struct Holder {
    pid: u32,
    owner: String,
    since: Timestamp,
    pace: Pace,
}

/// A state directory of a schema that we know.
#[derive(Clone, Debug)]
pub struct StateDir {
    root: PathBuf,
}

/// The exclusive use of a state directory; given back when dropped, or when the process dies.
#[derive(Debug)]
pub struct Exclusive {
    _file: File,
}

impl StateDir {
    /// Opens a state directory, or makes one.
    ///
    /// # Errors
    /// [`StateError`] when it cannot be written or a newer release made it.
    pub fn open(root: &Path) -> Result<Self, StateError> {
        let unwritable = |source| StateError::Unwritable { path: root.to_owned(), source };
        fs::create_dir_all(root).map_err(unwritable)?;
        let root = root.canonicalize().map_err(unwritable)?;
        let unwritable = |source| StateError::Unwritable { path: root.clone(), source };
        let path = root.join("state.json");
        match fs::read(&path) {
            Ok(bytes) => {
                let stamp: Stamp =
                    serde_json::from_slice(&bytes).map_err(|error| unwritable(error.into()))?;
                if stamp.schema > SCHEMA {
                    return Err(StateError::Newer { path: root, found: stamp.schema });
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let bytes = serde_json::to_vec(&Stamp { schema: SCHEMA })
                    .map_err(|error| unwritable(error.into()))?;
                // Whole or not at all: a torn stamp would make the directory unusable.
                let draft = root.join(format!("state.json.{}", std::process::id()));
                let stamped = fs::write(&draft, bytes).and_then(|()| fs::rename(&draft, &path));
                stamped.map_err(unwritable)?;
            }
            Err(error) => return Err(unwritable(error)),
        }
        for name in ["tmp", "owners", "exchange"] {
            fs::create_dir_all(root.join(name)).map_err(unwritable)?;
        }
        Ok(Self { root })
    }

    /// The directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where the simulated exchange keeps its journal.
    pub fn exchange(&self) -> PathBuf {
        self.root.join("exchange")
    }

    /// Takes the directory for this process alone.
    ///
    /// # Errors
    /// [`StateError::InUse`] naming the process that has it.
    pub fn exclusive(
        &self,
        owner: &str,
        pace: Pace,
        now: Timestamp,
    ) -> Result<Exclusive, StateError> {
        let unwritable = |source| StateError::Unwritable { path: self.root.clone(), source };
        let path = self.root.join("in-use.json");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(unwritable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                file.read_to_string(&mut text).map_err(unwritable)?;
                let holder = serde_json::from_str::<Holder>(&text).map_or_else(
                    |_: serde_json::Error| "another process".to_owned(),
                    |holder| {
                        format!(
                            "process {} (owner {}, since {})",
                            holder.pid, holder.owner, holder.since
                        )
                    },
                );
                return Err(StateError::InUse { path: self.root.clone(), holder });
            }
            Err(TryLockError::Error(error)) => return Err(unwritable(error)),
        }
        let holder = Holder { pid: std::process::id(), owner: owner.to_owned(), since: now, pace };
        let bytes = serde_json::to_vec(&holder).map_err(|error| unwritable(error.into()))?;
        file.set_len(0).map_err(unwritable)?;
        file.rewind().map_err(unwritable)?;
        file.write_all(&bytes).map_err(unwritable)?;
        Ok(Exclusive { _file: file })
    }
}

/// Names of what a process left that stood still: its lock, and the journal of its exchange.
const LEFT: &str = "left-by";

impl StateDir {
    /// Takes the directory from a process that has it, lives in real time, and stands still: the lease of every plan that
    /// is not over has run out. Its lock and its journal are moved away as they are, so that whatever it still writes
    /// when it goes on is seen by nobody; its log entries collide, as after every take-over.
    ///
    /// # Errors
    /// [`StateError::InUse`] while the process holds a lease, or lives in virtual time.
    pub fn take_over(&self, owner: &str, now: Timestamp) -> Result<Exclusive, StateError> {
        let unwritable = |source| StateError::Unwritable { path: self.root.clone(), source };
        // One successor at a time.
        let succession = File::create(self.root.join("succession.lock")).map_err(unwritable)?;
        if succession.try_lock().is_err() {
            let holder = "another process that takes it over".to_owned();
            return Err(StateError::InUse { path: self.root.clone(), holder });
        }
        let held = match self.exclusive(owner, Pace::Real, now) {
            Err(error @ StateError::InUse { .. }) => error,
            other => return other,
        };
        let path = self.root.join("in-use.json");
        let text = fs::read_to_string(&path).map_err(unwritable)?;
        let holder = serde_json::from_str::<Holder>(&text).ok();
        let Some(holder) = holder.filter(|holder| holder.pace == Pace::Real) else {
            return Err(held);
        };
        if !books::leases_are_over(self, now).map_err(unwritable)? {
            return Err(held);
        }
        self.move_away(holder.pid).map_err(unwritable)?;
        self.exclusive(owner, Pace::Real, now)
    }

    /// The lock and the journal of a process, out of its way: the journal's copy takes its place.
    fn move_away(&self, pid: u32) -> io::Result<()> {
        let journal = self.exchange().join("journal.jsonl");
        if journal.is_file() {
            let (copy, left) =
                (journal.with_extension("copy"), format!("journal.{LEFT}-{pid}.jsonl"));
            fs::copy(&journal, &copy)?;
            File::open(&copy)?.sync_all()?;
            fs::rename(&journal, journal.with_file_name(left))?;
            fs::rename(&copy, &journal)?;
        }
        let lock = self.root.join("in-use.json");
        fs::rename(&lock, lock.with_file_name(format!("in-use.{LEFT}-{pid}.json")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_of_a_newer_release_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        StateDir::open(dir.path()).unwrap();
        fs::write(dir.path().join("state.json"), br#"{"schema":2}"#).unwrap();
        let error = StateDir::open(dir.path()).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("STATE_NEWER: expected a state directory of schema 1 or older"),
            "{error}"
        );
    }

    /// X9: one process at a time; the other one learns who it is.
    #[test]
    fn a_second_user_learns_who_has_the_directory() {
        let dir = tempfile::tempdir().unwrap();
        let state = StateDir::open(dir.path()).unwrap();
        let held = state.exclusive("owner-1", Pace::Virtual, Timestamp::UNIX_EPOCH).unwrap();
        let error = state
            .exclusive("owner-2", Pace::Virtual, Timestamp::UNIX_EPOCH)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("owner-1") && error.contains(&std::process::id().to_string()),
            "{error}"
        );
        drop(held);
        state.exclusive("owner-2", Pace::Virtual, Timestamp::UNIX_EPOCH).unwrap();
    }

    #[test]
    fn a_file_in_the_way_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        fs::write(&path, b"").unwrap();
        let error = StateDir::open(&path).unwrap_err().to_string();
        assert!(error.starts_with("STATE_UNWRITABLE") && error.contains("--state"), "{error}");
    }
}
