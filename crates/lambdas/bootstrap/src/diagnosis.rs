//! A failure as Lambda shows it: `errorType` is our stable code, `errorMessage` the rest.

use alchemiser_driver::invoke::Failed;
use lambda_runtime::Diagnostic;

/// A failed invocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis(pub Failed);

impl From<Failed> for Diagnosis {
    fn from(failed: Failed) -> Self {
        Self(failed)
    }
}

impl From<Diagnosis> for Diagnostic {
    fn from(Diagnosis(failed): Diagnosis) -> Self {
        Self { error_type: failed.code.to_owned(), error_message: failed.message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_the_type_that_lambda_shows() {
        let diagnostic = Diagnostic::from(Diagnosis(Failed::new("SWEEP", "the store refused")));
        let expected = ("SWEEP".to_owned(), "the store refused".to_owned());
        assert_eq!((diagnostic.error_type, diagnostic.error_message), expected);
    }
}
