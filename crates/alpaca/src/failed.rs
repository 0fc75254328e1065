//! A call that did not go well.

use std::fmt;

use alchemiser_core::{
    fact::{Refusal, RefusalKind},
    quantity::Quantity,
};
use alchemiser_driver::ports::{ReadError, SubmitError};

/// What a failure says of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// A reading that can be asked for again.
    Transient,
    /// The request may have been carried out.
    Ambiguous,
    /// The broker refused it; asking again changes nothing.
    Refused,
    /// It was not carried out because there were too many.
    Throttled,
}

impl Class {
    /// The word used in messages and logs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Ambiguous => "ambiguous",
            Self::Refused => "refused",
            Self::Throttled => "throttled",
        }
    }
}

/// A call that did not go well. No part of it holds a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// What it says of the request.
    pub class: Class,
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// The broker's code. It names a family of reasons, not a reason.
    pub code: Option<u64>,
    /// The broker's message, or what went wrong on the way; at most 300 characters.
    pub message: String,
    /// The broker's id of the request, for its support.
    pub request_id: Option<String>,
    /// Shares that are free, where the message is about too few.
    pub available: Option<Quantity>,
    /// Nothing left this machine.
    pub unsent: bool,
}

/// Messages are cut to this many characters.
pub(crate) const MESSAGE_MAX: usize = 300;

/// A refusal is recorded in this many.
const REFUSAL_MAX: usize = 200;

impl Failed {
    /// A failure without an answer.
    pub(crate) fn unanswered(class: Class, message: impl Into<String>) -> Self {
        Self {
            class,
            status: None,
            code: None,
            message: message.into(),
            request_id: None,
            available: None,
            unsent: false,
        }
    }

    fn place(&self) -> String {
        match (self.status, self.code) {
            (Some(status), Some(code)) => format!("HTTP {status}, code {code}: "),
            (Some(status), None) => format!("HTTP {status}: "),
            (None, _) => String::new(),
        }
    }

    fn request(&self) -> String {
        self.request_id.as_ref().map(|id| format!(" (request {id})")).unwrap_or_default()
    }

    /// There is no such thing, in the broker's own words: the answer of a proxy or of another path is none.
    pub fn is_not_found(&self) -> bool {
        self.status == Some(404)
            && (self.code == Some(40_410_000) || self.message.contains("not found"))
    }

    /// The id was used before: by its text, whatever the code.
    pub fn is_duplicate(&self) -> bool {
        let text = self.message.to_lowercase().replace('_', " ");
        self.status == Some(422) && text.contains("client order id must be unique")
    }

    /// Neither key nor secret, or not those of this environment.
    pub fn is_unauthorized(&self) -> bool {
        let says_so = ["forbidden", "authorized"].iter().any(|word| self.message.contains(word));
        self.status == Some(401) || (self.status == Some(403) && says_so)
    }

    /// The account's plan does not include the feed.
    pub fn is_unsubscribed(&self) -> bool {
        self.status == Some(403) && self.message.contains("subscription")
    }

    fn kind(&self) -> RefusalKind {
        let message = self.message.to_lowercase();
        let says = |text: &str| message.contains(text);
        if says("insufficient qty") {
            RefusalKind::InsufficientQuantity { available: self.available }
        } else if says("insufficient buying power") || says("insufficient day trading") {
            RefusalKind::InsufficientFunds
        } else if says("sub-penny") {
            RefusalKind::SubPenny
        } else if says("not fractionable") {
            RefusalKind::NotFractionable
        } else if says("wash trade") {
            RefusalKind::WashTrade
        } else {
            RefusalKind::Other
        }
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", self.place(), self.message, self.request())
    }
}

impl std::error::Error for Failed {}

impl From<Failed> for ReadError {
    fn from(failed: Failed) -> Self {
        Self(failed.to_string())
    }
}

impl From<Failed> for SubmitError {
    fn from(failed: Failed) -> Self {
        if failed.unsent {
            return Self::NotSent(failed.to_string());
        }
        if failed.is_duplicate() {
            return Self::Duplicate;
        }
        match failed.class {
            Class::Refused => {
                let message = failed.to_string().chars().take(REFUSAL_MAX).collect();
                Self::Refused(Refusal { kind: failed.kind(), message })
            }
            Class::Transient | Class::Ambiguous | Class::Throttled => {
                Self::Unclear(failed.to_string())
            }
        }
    }
}
