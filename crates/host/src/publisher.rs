//! The bus as the place where handlers publish.

use std::sync::{Arc, Mutex, PoisonError};

use alchemiser_core::fact::Announced;
use alchemiser_driver::ports::{EventPublisher, PublishError};
use alchemiser_wire::event::SOURCE;
use async_trait::async_trait;
use jiff::Timestamp;

use crate::{Bus, Delivery, Entry, EntryError};

/// A bus that several may use: handlers publish to it while its owner takes deliveries from it.
#[derive(Clone, Debug)]
pub struct SharedBus(Arc<Mutex<Bus>>);

impl SharedBus {
    /// Shares a bus.
    pub fn new(bus: Bus) -> Self {
        Self(Arc::new(Mutex::new(bus)))
    }

    fn with<T>(&self, act: impl FnOnce(&mut Bus) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Publishes an entry.
    ///
    /// # Errors
    /// [`EntryError`] for an entry that EventBridge would not take.
    pub fn put(&self, entry: Entry) -> Result<(), EntryError> {
        self.with(|bus| bus.publish(entry))
    }

    /// The next delivery, oldest first.
    pub fn take(&self) -> Option<Delivery> {
        self.with(Bus::next)
    }

    /// How many deliveries wait.
    pub fn waiting(&self) -> usize {
        self.with(|bus| bus.waiting())
    }

    /// A delivery failed: it comes again, until its attempts are used up.
    pub fn failed(&self, delivery: Delivery, error: &str) {
        self.with(|bus| bus.failed(delivery, error));
    }

    /// The errors of the deliveries that came to nothing.
    pub fn dead_letters(&self) -> Vec<String> {
        self.with(|bus| bus.dead_letters().iter().map(|letter| letter.error.clone()).collect())
    }
}

#[async_trait]
impl EventPublisher for SharedBus {
    async fn publish(&self, event: &Announced, at: Timestamp) -> Result<(), PublishError> {
        let entry = Entry {
            source: SOURCE.to_owned(),
            detail_type: event.detail_type.clone(),
            detail: event.detail.clone(),
            id: event.event_id.to_string(),
            time: at.to_string(),
        };
        self.put(entry).map_err(|error| PublishError(error.to_string()))
    }
}
