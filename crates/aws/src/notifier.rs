//! Messages to people.

use alchemiser_driver::ports::{Notice, Notifier, PublishError};
use async_trait::async_trait;
use aws_sdk_sns::Client;

use crate::failure::Failure;

/// The longest subject that SNS takes, in characters.
const SUBJECT_MAX: usize = 100;

/// Publishes on an SNS topic.
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

#[async_trait]
impl Notifier for TopicNotifier {
    async fn notify(&self, notice: &Notice) -> Result<(), PublishError> {
        let message = self.client.publish().topic_arn(&self.topic);
        let message = message.subject(subject(&notice.subject)).message(&notice.text);
        match message.send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(PublishError(format!("Publish: {}", Failure::of(&error)))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_one_line_of_ascii() {
        assert_eq!(subject("done: 12 of 12 ✓\nmore"), "done: 12 of 12 ??more");
        assert_eq!(subject(&"x".repeat(200)).len(), SUBJECT_MAX);
    }
}
