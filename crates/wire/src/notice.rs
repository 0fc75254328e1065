//! What programs are told when a plan is over, or an input was refused: the message to people with its occasion, version 1.0.

use serde::{Deserialize, Serialize};

/// The schema's version.
const SCHEMA: &str = "1.0";

/// Why somebody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Occasion {
    /// The plan is done.
    Completed,
    /// It is over, and not done.
    Failed,
    /// Trading in the account was stopped.
    Halted,
    /// Something is not as it should be, whatever became of the plan: a position, an order that nobody accounts for.
    NeedsAttention,
    /// An input was refused; nothing was traded.
    Refused,
}

/// A message as one JSON object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// The version of this schema.
    pub schema_version: String,
    /// The occasion.
    pub kind: Occasion,
    /// A line.
    pub subject: String,
    /// The rest.
    pub text: String,
    /// The same as a page; null where it was left out.
    pub html: Option<String>,
    /// Why the page was left out; null where it was not.
    pub html_left_out: Option<String>,
}

impl Document {
    /// A whole message.
    pub fn new(kind: Occasion, subject: &str, text: &str, html: &str) -> Self {
        Self {
            schema_version: SCHEMA.to_owned(),
            kind,
            subject: subject.to_owned(),
            text: text.to_owned(),
            html: Some(html.to_owned()),
            html_left_out: None,
        }
    }

    /// The same without its page.
    #[must_use]
    pub fn without_page(self, why: &str) -> Self {
        Self { html: None, html_left_out: Some(why.to_owned()), ..self }
    }

    /// As JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads it; `None` for what is not one of this version.
    pub fn read(json: &str) -> Option<Self> {
        let read: Self = serde_json::from_str(json).ok()?;
        (read.schema_version == SCHEMA).then_some(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// H10: what was written reads back, with its page and without; another version is not read.
    #[test]
    fn a_document_reads_back() {
        let whole =
            Document::new(Occasion::NeedsAttention, "one \"line\"", "12 of 12\n✓", "<p>…</p>");
        let bare = whole.clone().without_page("too large");
        for document in [&whole, &bare] {
            assert_eq!(Document::read(&document.to_json()).as_ref(), Some(document));
        }
        assert_eq!((&bare.html, &bare.text), (&None, &whole.text));
        assert!(whole.to_json().contains("\"kind\":\"NEEDS_ATTENTION\""), "{}", whole.to_json());
        let newer = whole.to_json().replace("\"1.0\"", "\"2.0\"");
        assert_eq!(Document::read(&newer), None);
    }
}
