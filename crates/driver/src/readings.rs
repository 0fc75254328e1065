//! What a turn reads.

use alchemiser_core::observed::Input;
use jiff::Timestamp;

use crate::{
    account::{AccountError, Said},
    ports::{AssetsRead, ReadError},
};

/// What was read, what could not be, and how many trading calls it took.
#[derive(Debug, Default)]
pub(crate) struct Readings {
    pub(crate) inputs: Vec<Input>,
    pub(crate) failed: Vec<ReadError>,
    pub(crate) calls: usize,
}

impl Readings {
    /// Keeps the answer to a trading call.
    pub(crate) fn called<T>(
        &mut self,
        answer: Result<T, ReadError>,
        input: impl FnOnce(T) -> Input,
    ) {
        self.calls = self.calls.saturating_add(1);
        self.read(answer, input);
    }

    pub(crate) fn assets(&mut self, read: AssetsRead) {
        self.calls = self.calls.saturating_add(read.calls);
        self.failed.extend(read.failed);
        self.inputs
            .extend(read.found.into_iter().map(|(symbol, asset)| Input::Asset(symbol, asset)));
    }

    /// Keeps what the account's log says.
    pub(crate) fn said(&mut self, answer: Result<Said, AccountError>, at: Timestamp) {
        match answer {
            Ok(said) => {
                self.inputs.push(Input::Halt(said.halt, at));
                self.inputs.extend(said.canceled.map(Input::Canceled));
            }
            Err(error) => self.failed.push(ReadError(format!("the account log: {error}"))),
        }
    }

    pub(crate) fn read<T>(&mut self, answer: Result<T, ReadError>, input: impl FnOnce(T) -> Input) {
        match answer {
            Ok(found) => self.inputs.push(input(found)),
            Err(error) => self.failed.push(error),
        }
    }
}
