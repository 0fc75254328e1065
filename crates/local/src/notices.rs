//! Messages to people, as files in `notices`: a text, a page, and both for programs, for each.

use std::fs;

use alchemiser_driver::ports::{Notice, Notifier, PublishError};
use async_trait::async_trait;

use crate::state::StateDir;

/// The directory.
#[derive(Clone, Debug)]
pub struct FileNotifier(StateDir);

impl FileNotifier {
    /// The messages of a state directory.
    pub fn new(state: &StateDir) -> Self {
        Self(state.clone())
    }
}

#[async_trait]
impl Notifier for FileNotifier {
    async fn notify(&self, notice: &Notice) -> Result<(), PublishError> {
        let directory = self.0.root().join("notices");
        let name = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, notice.text.as_bytes());
        let text = format!("{}\n\n{}\n", notice.subject, notice.text);
        let written = fs::create_dir_all(&directory)
            .and_then(|()| fs::write(directory.join(format!("{name}.txt")), text))
            .and_then(|()| fs::write(directory.join(format!("{name}.html")), &notice.html))
            .and_then(|()| {
                fs::write(directory.join(format!("{name}.json")), notice.document().to_json())
            });
        written.map_err(|error| PublishError(format!("{}: {error}", directory.display())))
    }
}

#[cfg(test)]
mod tests {
    use alchemiser_wire::notice::Occasion;

    use super::*;

    /// H10: a message is there to read; the same again is the same file.
    #[test]
    fn a_message_is_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let notifier = FileNotifier::new(&StateDir::open(dir.path()).unwrap());
        let [subject, text, html] = ["done", "12 of 12", "<p>12 of 12</p>"].map(str::to_owned);
        let notice = Notice { occasion: Occasion::Completed, subject, text, html };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            notifier.notify(&notice).await.unwrap();
            notifier.notify(&notice).await.unwrap();
        });
        let files = fs::read_dir(dir.path().join("notices")).unwrap();
        let texts = files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
        let mut texts: Vec<String> = texts.collect();
        texts.sort();
        let document = notice.document().to_json();
        assert_eq!(texts, ["<p>12 of 12</p>", "done\n\n12 of 12\n", &document]);
    }
}
