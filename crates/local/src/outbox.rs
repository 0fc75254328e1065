//! Events as files, for functions that run as processes of their own: `cargo lambda invoke NAME --data-file FILE`.

use std::{fs, io::Write, path::PathBuf};

use alchemiser_core::fact::Announced;
use alchemiser_driver::ports::{EventPublisher, PublishError};
use alchemiser_wire::event::SOURCE;
use async_trait::async_trait;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::state::StateDir;

/// Writes every event as an EventBridge envelope to `STATE/events/{detail-type}-{event_id}.json`. Publishing again
/// writes the same file again.
#[derive(Debug)]
pub struct FilePublisher {
    directory: PathBuf,
    account: String,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Envelope<'a> {
    version: &'static str,
    id: &'a str,
    detail_type: &'a str,
    source: &'static str,
    account: &'a str,
    time: Timestamp,
    region: &'static str,
    resources: [&'static str; 0],
    detail: &'a RawValue,
}

impl FilePublisher {
    /// The publisher of a state directory; `account` is the twelve-digit AWS account of the envelopes.
    pub fn new(state: &StateDir, account: &str) -> Self {
        Self { directory: state.root().join("events"), account: account.to_owned() }
    }

    fn write(&self, event: &Announced, at: Timestamp) -> std::io::Result<()> {
        fs::create_dir_all(&self.directory)?;
        let detail: &RawValue = serde_json::from_str(&event.detail)?;
        let envelope = Envelope {
            version: "0",
            id: event.event_id.as_str(),
            detail_type: &event.detail_type,
            source: SOURCE,
            account: &self.account,
            time: at,
            region: "local",
            resources: [],
            detail,
        };
        let path = self.directory.join(format!("{}-{}.json", event.detail_type, event.event_id));
        let mut file = fs::File::create(path)?;
        file.write_all(&serde_json::to_vec_pretty(&envelope)?)?;
        file.sync_all()
    }
}

#[async_trait]
impl EventPublisher for FilePublisher {
    async fn publish(&self, event: &Announced, at: Timestamp) -> Result<(), PublishError> {
        self.write(event, at).map_err(|error| PublishError(error.to_string()))
    }
}
