//! Messages to people, and to their programs.

use alchemiser_driver::ports::{Notice, Notifier, PublishError};
use alchemiser_wire::notice::Document;
use async_trait::async_trait;
use aws_sdk_sns::Client;
use serde_json::json;

use crate::failure::Failure;

/// The longest subject that SNS takes, in characters.
const SUBJECT_MAX: usize = 100;

/// The largest message that SNS takes, in bytes: all that is said to all protocols together.
const SNS_MAX: usize = 256 * 1024;

/// What is kept free of it for the subject and whatever else SNS may count.
const KEPT_FREE: usize = 4 * 1024;

/// A text that is cut has so many bytes: five times, each byte as four, they fit.
const CUT_TO: usize = 12 * 1024;

/// What is said where a page would not fit.
const PAGE_TOO_LARGE: &str = "with it the message would be larger than SNS takes (262,144 bytes)";

/// Publishes on an SNS topic: the text to people, a document with the page and the occasion to programs.
#[derive(Clone, Debug)]
pub struct TopicNotifier {
    client: Client,
    topic: String,
}

impl TopicNotifier {
    /// The notifier of a topic, by its ARN.
    pub fn new(client: Client, topic: String) -> Self {
        Self { client, topic }
    }
}

/// A subject as SNS takes it: printable ASCII on one line.
fn subject(text: &str) -> String {
    let printable = |c: char| if c == ' ' || c.is_ascii_graphic() { c } else { '?' };
    text.chars().map(printable).take(SUBJECT_MAX).collect()
}

/// What each protocol is told, as one JSON object (`MessageStructure: json`). Mail and SMS take `default`, the text.
fn message(notice: &Notice) -> String {
    let fits = |message: &String| message.len() <= SNS_MAX - KEPT_FREE;
    let whole = notice.document();
    let with_page = structured(&notice.text, &whole);
    if fits(&with_page) {
        return with_page;
    }
    let bare = whole.without_page(PAGE_TOO_LARGE);
    let without_page = structured(&notice.text, &bare);
    if fits(&without_page) {
        return without_page;
    }
    let text = cut(&notice.text);
    structured(&text, &Document { text: text.clone(), ..bare })
}

fn structured(text: &str, document: &Document) -> String {
    let document = document.to_json();
    let all = json!({
        "default": text,
        "sqs": document,
        "lambda": document,
        "http": document,
        "https": document,
    });
    all.to_string()
}

/// The beginning of a text that is too long, with a word that it is one.
fn cut(text: &str) -> String {
    let mut bytes = 0_usize;
    let head = text.chars().map(|c| if c == '\n' || !c.is_control() { c } else { '?' });
    let head = head.take_while(|c| {
        bytes = bytes.saturating_add(c.len_utf8());
        bytes <= CUT_TO
    });
    head.chain(
        "\n\nThe rest is left out: SNS takes no more. The page and the log have all of it.".chars(),
    )
    .collect()
}

#[async_trait]
impl Notifier for TopicNotifier {
    async fn notify(&self, notice: &Notice) -> Result<(), PublishError> {
        let publish = self.client.publish().topic_arn(&self.topic);
        let publish = publish.subject(subject(&notice.subject));
        let publish = publish.message_structure("json").message(message(notice));
        match publish.send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(PublishError(format!("Publish: {}", Failure::of(&error)))),
        }
    }
}

#[cfg(test)]
mod tests {
    use alchemiser_wire::notice::Occasion;
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_subject_is_one_line_of_ascii() {
        assert_eq!(subject("done: 12 of 12 ✓\nmore"), "done: 12 of 12 ??more");
        assert_eq!(subject(&"x".repeat(200)).len(), SUBJECT_MAX);
    }

    /// What is sent of a notice: the text, and the document, which is the same for every protocol that takes one.
    fn told(text: &str, html: &str) -> (String, Document) {
        let [subject, text, html] = ["done", text, html].map(str::to_owned);
        let message = message(&Notice { occasion: Occasion::Halted, subject, text, html });
        assert!(message.len() <= SNS_MAX - KEPT_FREE, "{} bytes", message.len());
        let all: Value = serde_json::from_str(&message).unwrap();
        let said = |protocol: &str| all[protocol].as_str().unwrap().to_owned();
        let document = said("sqs");
        for protocol in ["lambda", "http", "https"] {
            assert_eq!(said(protocol), document, "{protocol}");
        }
        assert_eq!(all.as_object().unwrap().len(), 5, "{all}");
        (said("default"), Document::read(&document).unwrap())
    }

    /// H10: people get the text, programs the occasion, the text and the page.
    #[test]
    fn programs_get_a_document() {
        let (text, document) = told("12 of 12 \"done\" ✓", "<p>12 of 12</p>");
        assert_eq!((text.as_str(), document.subject.as_str()), ("12 of 12 \"done\" ✓", "done"));
        assert_eq!((document.kind, &document.text), (Occasion::Halted, &text));
        assert_eq!(document.html.as_deref(), Some("<p>12 of 12</p>"));
        assert_eq!(document.html_left_out, None);
    }

    /// The page is left out where the whole would be too large, and the document says so; the text is whole.
    #[test]
    fn a_page_that_is_too_large_is_left_out() {
        let (text, html) = ("line\n".repeat(2_000), "<p>\"✓\"</p>".repeat(6_000));
        let (sent, document) = told(&text, &html);
        assert_eq!((&sent, &document.text, &document.html), (&text, &text, &None));
        assert!(document.html_left_out.unwrap().contains("262,144"));
        let almost = "x".repeat(60_000);
        assert_eq!(told("done", &almost).1.html, Some(almost));
    }

    /// A text that is too large itself is cut, whatever it is made of, and says so.
    #[test]
    fn a_text_that_is_too_large_is_cut() {
        for part in ["leg\n", "\"", "\\", "✓", "\u{1}"] {
            let (sent, document) = told(&part.repeat(300_000), "<p></p>");
            assert!(sent.len() > CUT_TO - 4 && sent.contains("The rest is left out"), "{part:?}");
            assert_eq!((document.text, document.html), (sent, None), "{part:?}");
        }
    }
}
