//! The environment, one variable at a time: what is wrong with it is said in one line that names it.

use std::env;

use alchemiser_driver::invoke::Failed;

/// The code of everything that is wrong with a function's environment.
pub const CONFIGURATION: &str = "CONFIGURATION";

/// A variable that must be there.
///
/// # Errors
/// [`Failed`] naming the variable and what was expected.
pub fn required(name: &str, expected: &str) -> Result<String, Failed> {
    optional(name).ok_or_else(|| refused(name, expected, "nothing"))
}

/// A variable that may be missing; an empty one is missing.
pub fn optional(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// What is wrong with a variable.
pub fn refused(name: &str, expected: &str, found: &str) -> Failed {
    Failed::new(CONFIGURATION, format!("{name}: expected {expected}, found {found}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_variable_is_named_in_one_line() {
        let failed = required("ALCHEMISER_NOT_THERE", "the bus's name").unwrap_err();
        let expected =
            "CONFIGURATION: ALCHEMISER_NOT_THERE: expected the bus's name, found nothing";
        assert_eq!(failed.to_string(), expected);
    }
}
