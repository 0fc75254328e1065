//! The journal: the setup and every input, one JSON line each, in `DIR/journal.jsonl`.
//!
//! A line is written with one `write_all` before the answer that depends on it is given. There is no `fsync`: what the
//! kernel has taken survives a killed process, which is what is asked of a simulated exchange; a power cut it need not
//! survive. A torn last line was never answered for and is dropped; anything else that cannot be read is refused.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use thiserror::Error;

use crate::{input::Input, setup::Setup};

/// The version of the lines that this code writes, and the only one that it reads.
const SCHEMA: u32 = 1;

const FILE: &str = "journal.jsonl";

/// Why a journal cannot be used.
#[derive(Debug, Error)]
pub enum JournalError {
    /// The file system refused.
    #[error("EXCHANGE_JOURNAL: {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// Another process runs this exchange.
    #[error("EXCHANGE_JOURNAL: {path}: another process has this exchange open")]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// A line before the last makes no sense.
    #[error("EXCHANGE_JOURNAL: {path} line {line}: {problem}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What was expected and found.
        problem: String,
    },
}

/// The first line.
#[derive(Serialize, Deserialize)]
struct Head {
    schema: u32,
    setup: Setup,
}

/// The journal as its one writer holds it.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
}

impl Journal {
    /// Opens the journal of a directory, or begins it with a setup: the setup that holds, and the inputs so far.
    pub(crate) fn open(
        dir: &Path,
        setup: &Setup,
    ) -> Result<(Self, Setup, Vec<Input>), JournalError> {
        let path = dir.join(FILE);
        let io = |source| JournalError::Io { path: path.clone(), source };
        std::fs::create_dir_all(dir).map_err(io)?;
        let options = OpenOptions::new().read(true).append(true).create(true).clone();
        let mut file = options.open(&path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(JournalError::Locked { path }),
            Err(TryLockError::Error(source)) => return Err(JournalError::Io { path, source }),
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(io)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        if whole < bytes.len() {
            file.set_len(whole as u64).map_err(io)?;
        }
        let mut journal = Self { path, file };
        let mut lines = bytes[..whole].split_inclusive(|byte| *byte == b'\n').enumerate();
        let Some((_, first)) = lines.next() else {
            journal.write(&Head { schema: SCHEMA, setup: setup.clone() })?;
            return Ok((journal, setup.clone(), Vec::new()));
        };
        let head: Head = journal.read(0, first)?;
        if head.schema != SCHEMA {
            let problem = format!("expected schema {SCHEMA}, found {}", head.schema);
            return Err(journal.malformed(0, problem));
        }
        let inputs = lines.map(|(k, line)| journal.read(k, line)).collect::<Result<_, _>>()?;
        Ok((journal, head.setup, inputs))
    }

    /// Keeps an input.
    pub(crate) fn append(&mut self, input: &Input) -> Result<(), JournalError> {
        self.write(input)
    }

    /// A line that cannot stand there.
    pub(crate) fn malformed(&self, index: usize, problem: String) -> JournalError {
        JournalError::Malformed { path: self.path.clone(), line: index + 1, problem }
    }

    fn read<T: DeserializeOwned>(&self, index: usize, line: &[u8]) -> Result<T, JournalError> {
        serde_json::from_slice(line).map_err(|error| self.malformed(index, error.to_string()))
    }

    fn write(&mut self, line: &impl Serialize) -> Result<(), JournalError> {
        let io = |source| JournalError::Io { path: self.path.clone(), source };
        let mut bytes = serde_json::to_vec(line).map_err(|error| io(error.into()))?;
        bytes.push(b'\n');
        self.file.write_all(&bytes).map_err(io)
    }
}
