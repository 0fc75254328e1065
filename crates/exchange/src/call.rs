//! A request as it came, and the answer to it; no network in either.

use std::time::Duration;

use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::refusal::Refusal;

/// A request.
#[derive(Clone, Debug, Default)]
pub struct Call {
    /// `GET`, `POST`, `PATCH`, `DELETE`.
    pub method: String,
    /// The path without the query.
    pub path: String,
    /// The query, decoded.
    pub query: Vec<(String, String)>,
    /// Key and secret.
    pub credentials: Option<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Call {
    /// A call to a path with a query.
    pub fn new(method: &str, path_and_query: &str) -> Self {
        let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            ..Self::default()
        }
    }

    /// The same call signed with a key.
    #[must_use]
    pub fn signed(self, key: &str, secret: &str) -> Self {
        Self { credentials: Some((key.to_owned(), secret.to_owned())), ..self }
    }

    /// The same call with a body.
    #[must_use]
    pub fn with(self, body: &Value) -> Self {
        Self { body: body.to_string().into_bytes(), ..self }
    }

    /// The parts of the path, decoded.
    pub fn segments(&self) -> Vec<String> {
        let parts = self.path.split('/').filter(|part| !part.is_empty());
        parts.map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned()).collect()
    }

    /// A parameter of the query; an empty one is absent.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// A list of the query, by commas or repeated.
    pub fn list(&self, name: &str) -> Option<Vec<String>> {
        let given = self.query.iter().filter(|(known, _)| known == name);
        let parts = given.flat_map(|(_, value)| value.split(','));
        let list: Vec<String> =
            parts.map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect();
        (!list.is_empty()).then_some(list)
    }

    /// A time of the query: RFC 3339, or a date.
    ///
    /// # Errors
    /// [`Refusal::Malformed`] for anything else.
    pub fn time(&self, name: &str) -> Result<Option<Timestamp>, Refusal> {
        let Some(text) = self.parameter(name) else { return Ok(None) };
        // A plus that was not encoded has become a space.
        let text = text.replace(' ', "+");
        let moment = text.parse().ok().or_else(|| format!("{text}T00:00:00Z").parse().ok());
        let moment = moment.or_else(|| format!("{text}Z").parse().ok());
        moment.map(Some).ok_or_else(|| Refusal::Malformed(format!("invalid {name}")))
    }

    /// A count of the query within bounds.
    ///
    /// # Errors
    /// [`Refusal::Malformed`] for anything else.
    pub fn count(&self, name: &str, usual: usize, most: usize) -> Result<usize, Refusal> {
        let Some(text) = self.parameter(name) else { return Ok(usual) };
        let count = text.parse().ok().filter(|count| (1..=most).contains(count));
        count.ok_or_else(|| {
            Refusal::Malformed(format!("invalid {name}: must be between 1 and {most}"))
        })
    }

    /// The body as JSON; an empty one is an empty object.
    ///
    /// # Errors
    /// [`Refusal::NotJson`].
    pub fn json(&self) -> Result<Value, Refusal> {
        if self.body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Value::Object(serde_json::Map::new()));
        }
        let body: Value = serde_json::from_slice(&self.body).map_err(|_error| Refusal::NotJson)?;
        if body.is_object() { Ok(body) } else { Err(Refusal::NotJson) }
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body; null for none.
    pub body: Value,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
    /// How long it takes.
    pub wait: Duration,
    /// The connection breaks instead.
    pub is_lost: bool,
}

impl Answer {
    /// An answer with a body.
    pub fn new(status: u16, body: Value) -> Self {
        Self { status, body, headers: Vec::new(), wait: Duration::ZERO, is_lost: false }
    }

    /// It went well.
    pub fn ok(body: Value) -> Self {
        Self::new(200, body)
    }

    /// It went well, and there is nothing to say.
    pub fn empty() -> Self {
        Self::new(204, Value::Null)
    }

    /// The connection breaks.
    pub fn lost() -> Self {
        Self { is_lost: true, ..Self::new(0, Value::Null) }
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.status(), refusal.body())
    }
}
