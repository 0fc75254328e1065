//! Exit codes, and the errors that lead to them.

use std::process::ExitCode;

use alchemiser_core::plan::PlanRefused;
use serde::Serialize;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Completed,
    /// `verify` found violations, or a command failed in another way.
    Failed,
    /// The input was refused.
    Refused,
    /// The plan ended in `WorkflowFailed`.
    WorkflowFailed,
    /// Somebody else has the state or the account.
    Locked,
}

impl Exit {
    pub(crate) fn code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Completed => 0,
            Self::Failed => 1,
            Self::Refused => 2,
            Self::WorkflowFailed => 3,
            Self::Locked => 4,
        })
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "error",
            Self::Refused => "refused",
            Self::WorkflowFailed => "failed",
            Self::Locked => "locked",
        }
    }
}

/// Why a command stopped.
#[derive(Clone, Debug)]
pub(crate) struct Stopped {
    pub(crate) exit: Exit,
    code: String,
    message: String,
    refused: Option<Box<PlanRefused>>,
    json: bool,
}

#[derive(Serialize)]
struct Said<'a> {
    outcome: &'static str,
    code: &'a str,
    field: Option<&'a str>,
    expected: Option<&'a str>,
    found: Option<&'a str>,
    message: &'a str,
}

impl Stopped {
    pub(crate) fn new(exit: Exit, code: &str, message: impl std::fmt::Display) -> Self {
        let message = message.to_string();
        let message =
            message.strip_prefix(&format!("{code}: ")).map_or(message.clone(), str::to_owned);
        Self { exit, code: code.to_owned(), message, refused: None, json: false }
    }

    pub(crate) fn failed(code: &str, error: &dyn std::fmt::Display) -> Self {
        Self::new(Exit::Failed, code, error)
    }

    /// A refused input: which field, what was expected, what was found.
    pub(crate) fn refused(refused: &PlanRefused) -> Self {
        let stopped = Self::new(Exit::Refused, refused.code.code(), refused);
        Self { refused: Some(Box::new(refused.clone())), ..stopped }
    }

    pub(crate) fn with_json(mut self, json: bool) -> Self {
        self.json = json;
        self
    }

    /// Says it: one JSON object for machines, a line for people.
    pub(crate) fn say(&self) {
        if self.json {
            let refused = self.refused.as_deref();
            let said = Said {
                outcome: self.exit.word(),
                code: &self.code,
                field: refused.map(|refused| refused.field.as_str()),
                expected: refused.map(|refused| refused.expected.as_str()),
                found: refused.map(|refused| refused.found.as_str()),
                message: &self.message,
            };
            // A reader that went away hears nothing; the exit code stays.
            drop(crate::print_json(&said));
        } else {
            eprintln!("{}: {}: {}", self.exit.word(), self.code, self.message);
        }
    }
}
