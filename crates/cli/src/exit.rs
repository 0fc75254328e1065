//! Exit codes, and the errors that lead to them.

use std::process::ExitCode;

use alchemiser_core::plan::PlanRefused;
use alchemiser_local::settings::{CONFIG_REFUSED, ConfigRefused};
use serde::Serialize;

use crate::table;

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
    refusal: Option<Box<Refusal>>,
    json: bool,
}

/// Which part of an input was refused, and why.
#[derive(Clone, Debug)]
struct Refusal {
    field: String,
    expected: String,
    found: String,
    origin: Option<String>,
}

#[derive(Serialize)]
struct Said<'a> {
    outcome: &'static str,
    code: &'a str,
    field: Option<&'a str>,
    expected: Option<&'a str>,
    found: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<&'a str>,
    message: &'a str,
}

impl Stopped {
    pub(crate) fn new(exit: Exit, code: &str, message: impl std::fmt::Display) -> Self {
        let message = message.to_string();
        let message =
            message.strip_prefix(&format!("{code}: ")).map_or(message.clone(), str::to_owned);
        Self { exit, code: code.to_owned(), message, refusal: None, json: false }
    }

    pub(crate) fn failed(code: &str, error: &dyn std::fmt::Display) -> Self {
        Self::new(Exit::Failed, code, error)
    }

    /// A refused input: which field, what was expected, what was found.
    pub(crate) fn refused(refused: &PlanRefused) -> Self {
        let stopped = Self::new(Exit::Refused, refused.code.code(), refused);
        let PlanRefused { field, expected, found, .. } = refused.clone();
        let refusal = Refusal { field, expected, found, origin: None };
        Self { refusal: Some(Box::new(refusal)), ..stopped }
    }

    /// Refused configuration: which key, what was expected, what was found, and where.
    pub(crate) fn config(refused: ConfigRefused) -> Self {
        let stopped = Self::new(Exit::Refused, CONFIG_REFUSED, &refused);
        let ConfigRefused { key, expected, found, origin } = refused;
        let refusal = Refusal { field: key, expected, found, origin: Some(origin) };
        Self { refusal: Some(Box::new(refusal)), ..stopped }
    }

    pub(crate) fn with_json(mut self, json: bool) -> Self {
        self.json = json;
        self
    }

    /// Says it: one JSON object for machines, a line for people.
    pub(crate) fn say(&self) {
        if self.json {
            let refusal = self.refusal.as_deref();
            let said = Said {
                outcome: self.exit.word(),
                code: &self.code,
                field: refusal.map(|refusal| refusal.field.as_str()),
                expected: refusal.map(|refusal| refusal.expected.as_str()),
                found: refusal.map(|refusal| refusal.found.as_str()),
                origin: refusal.and_then(|refusal| refusal.origin.as_deref()),
                message: &self.message,
            };
            // A reader that went away hears nothing; the exit code stays.
            drop(crate::print_json(&said));
        } else {
            let line = format!("{}: {}: {}", self.exit.word(), self.code, self.message);
            eprintln!("{}", table::flowed_error(&line));
        }
    }
}
