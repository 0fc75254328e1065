//! A bus that may refuse, or take and say that it did not.

use std::sync::{Arc, Mutex, PoisonError};

use alchemiser_core::fact::Announced;
use alchemiser_driver::ports::{EventPublisher, PublishError};
use async_trait::async_trait;
use jiff::Timestamp;

use crate::pulse::{Fault, Op, Pulse};

/// Everything that the bus took, in order, over all sessions of a world.
#[derive(Clone, Debug, Default)]
pub struct Taken(Arc<Mutex<Vec<Announced>>>);

impl Taken {
    /// All of it.
    pub fn all(&self) -> Vec<Announced> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, event: &Announced) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(event.clone());
    }
}

/// A real bus behind a bad line.
#[derive(Debug)]
pub struct FaultyPublisher {
    /// The real one.
    pub inner: Arc<dyn EventPublisher>,
    /// What goes wrong.
    pub pulse: Arc<Pulse>,
    /// What was taken.
    pub taken: Taken,
}

#[async_trait]
impl EventPublisher for FaultyPublisher {
    async fn publish(&self, event: &Announced, at: Timestamp) -> Result<(), PublishError> {
        let call = self.pulse.enter(Op::Publish).await;
        let failed = || Err(PublishError("injected".to_owned()));
        let answer = match call.fault {
            Some(Fault::LoseRequest | Fault::Refuse) => failed(),
            fault => {
                let answer = self.inner.publish(event, at).await;
                if answer.is_ok() {
                    self.taken.note(event);
                }
                if fault == Some(Fault::LoseAnswer) { failed() } else { answer }
            }
        };
        self.pulse.leave(call).await;
        answer
    }
}
