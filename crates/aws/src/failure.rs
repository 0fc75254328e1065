//! What a failed call to AWS says about what was done.

use aws_sdk_s3::{
    config::http::HttpResponse,
    error::{DisplayErrorContext, ProvideErrorMetadata, SdkError},
};

/// A failed call, without the request and its headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The answer's HTTP status; `None` when there was no answer.
    pub(crate) status: Option<u16>,
    /// AWS's code for it, e.g. `SlowDown`.
    pub(crate) code: Option<String>,
    text: String,
}

impl Failure {
    pub(crate) fn of<E>(error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let status = error.raw_response().map(|response| response.status().as_u16());
        let code = error.code().map(str::to_owned);
        // What the service says, or else how the call broke: never the request, which carries credentials.
        let text = match (error.as_service_error(), &code) {
            (Some(service), Some(code)) => {
                format!("{code}: {}", service.message().unwrap_or("no message"))
            }
            _ => format!("{}", DisplayErrorContext(error)),
        };
        Self { status, code, text: text.chars().take(300).collect() }
    }

    /// Nothing, or nothing clear, was answered: whether anything was done is not known.
    pub(crate) fn is_unclear(&self) -> bool {
        let codes =
            ["SlowDown", "RequestTimeout", "RequestTimeTooSkewed", "ConditionalRequestConflict"];
        let told = self.code.as_deref().is_some_and(|code| codes.contains(&code));
        told || self.status.is_none_or(|status| matches!(status, 408 | 409 | 429 | 500..))
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.status {
            Some(status) => write!(f, "HTTP {status}, {}", self.text),
            None => f.write_str(&self.text),
        }
    }
}
