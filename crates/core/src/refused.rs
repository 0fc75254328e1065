//! Why an input is refused: which field, what was expected, what was found.

use std::fmt;

use thiserror::Error;

/// Why an input was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefusalCode {
    /// The bytes are not JSON, or a key stands twice.
    MalformedJson,
    /// A field is absent.
    MissingField,
    /// A field has the wrong type or form.
    MalformedField,
    /// A field's value is outside its bounds.
    OutOfBounds,
    /// The schema is of another major version.
    UnknownSchema,
    /// A symbol stands twice.
    DuplicateSymbol,
    /// The sign of an amount contradicts its action.
    SignDiffers,
    /// The totals do not add up.
    TotalsDiffer,
    /// The plan is too old.
    Stale,
    /// The plan's time is still to come: its validity could not be judged by it.
    InTheFuture,
    /// The same plan id came with other content before.
    PlanConflict,
    /// The account is not one of ours.
    UnknownAccount,
    /// The event's type is not the one expected.
    WrongEvent,
}

impl RefusalCode {
    /// Every code.
    pub const ALL: [Self; 13] = [
        Self::MalformedJson,
        Self::MissingField,
        Self::MalformedField,
        Self::OutOfBounds,
        Self::UnknownSchema,
        Self::DuplicateSymbol,
        Self::SignDiffers,
        Self::TotalsDiffer,
        Self::Stale,
        Self::InTheFuture,
        Self::PlanConflict,
        Self::UnknownAccount,
        Self::WrongEvent,
    ];

    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::MalformedJson => "MALFORMED_JSON",
            Self::MissingField => "MISSING_FIELD",
            Self::MalformedField => "MALFORMED_FIELD",
            Self::OutOfBounds => "OUT_OF_BOUNDS",
            Self::UnknownSchema => "UNKNOWN_SCHEMA",
            Self::DuplicateSymbol => "DUPLICATE_SYMBOL",
            Self::SignDiffers => "SIGN_DIFFERS",
            Self::TotalsDiffer => "TOTALS_DIFFER",
            Self::Stale => "STALE",
            Self::InTheFuture => "IN_THE_FUTURE",
            Self::PlanConflict => "PLAN_CONFLICT",
            Self::UnknownAccount => "UNKNOWN_ACCOUNT",
            Self::WrongEvent => "WRONG_EVENT",
        }
    }
}

/// An input that was refused: which field, what was expected, what was found.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}: {field}: expected {expected}, found {found}", code.code())]
pub struct PlanRefused {
    /// The stable code.
    pub code: RefusalCode,
    /// The path of the field.
    pub field: String,
    /// What it should have been.
    pub expected: String,
    /// What it was, cut to 120 characters.
    pub found: String,
}

impl PlanRefused {
    /// A refusal.
    pub fn new(code: RefusalCode, field: &str, expected: &str, found: impl fmt::Display) -> Self {
        let found = found.to_string().chars().take(120).collect();
        Self { code, field: field.to_owned(), expected: expected.to_owned(), found }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Codes are stable words, no two alike; a refusal says its code, the field, and both sides of the difference.
    #[test]
    fn every_code_is_its_own_word() {
        let words: BTreeSet<&str> = RefusalCode::ALL.into_iter().map(RefusalCode::code).collect();
        assert_eq!(words.len(), RefusalCode::ALL.len());
        for code in RefusalCode::ALL {
            let word = code.code();
            assert!(word.chars().all(|c| c.is_ascii_uppercase() || c == '_'), "{word}");
            let refused = PlanRefused::new(code, "items[0].symbol", "a symbol", "x".repeat(200));
            let found = "x".repeat(120);
            let line = format!("{word}: items[0].symbol: expected a symbol, found {found}");
            assert_eq!(refused.to_string(), line);
        }
    }
}
