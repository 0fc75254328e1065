//! A store whose answers may be lost.

use std::sync::Arc;

use alchemiser_core::ids::Owner;
use alchemiser_driver::ports::{Put, Store, StoreError};
use async_trait::async_trait;

use crate::pulse::{Fault, Op, Pulse};

/// A real store behind a bad line.
#[derive(Debug)]
pub struct FaultyStore {
    /// The real one.
    pub inner: Arc<dyn Store>,
    /// What goes wrong.
    pub pulse: Arc<Pulse>,
    /// Whether it knows which owners are dead.
    pub deaths_are_known: bool,
}

fn unclear<T>() -> Result<T, StoreError> {
    Err(StoreError::Unclear("injected".to_owned()))
}

/// An answer as it arrives.
fn arrived<T>(fault: Option<Fault>, answer: Result<T, StoreError>) -> Result<T, StoreError> {
    match fault {
        Some(Fault::LoseAnswer) => unclear(),
        _ => answer,
    }
}

#[async_trait]
impl Store for FaultyStore {
    async fn put_if_absent(&self, key: &str, bytes: &[u8]) -> Result<Put, StoreError> {
        let call = self.pulse.enter(Op::Put).await;
        let answer = match call.fault {
            Some(Fault::LoseRequest) => unclear(),
            Some(Fault::Refuse) => Err(StoreError::Refused("injected".to_owned())),
            fault => arrived(fault, self.inner.put_if_absent(key, bytes).await),
        };
        self.pulse.leave(call).await;
        answer
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let call = self.pulse.enter(Op::Get).await;
        let answer = arrived(call.fault, self.inner.get(key).await);
        self.pulse.leave(call).await;
        answer
    }

    async fn list(&self, prefix: &str, limit: usize) -> Result<Vec<String>, StoreError> {
        let call = self.pulse.enter(Op::List).await;
        let answer = arrived(call.fault, self.inner.list(prefix, limit).await);
        self.pulse.leave(call).await;
        answer
    }

    async fn remove_hint(&self, key: &str) -> Result<(), StoreError> {
        let call = self.pulse.enter(Op::Remove).await;
        let answer = match call.fault {
            Some(Fault::LoseRequest) => unclear(),
            fault => arrived(fault, self.inner.remove_hint(key).await),
        };
        self.pulse.leave(call).await;
        answer
    }

    async fn is_dead(&self, owner: &Owner) -> Result<bool, StoreError> {
        if self.deaths_are_known { self.inner.is_dead(owner).await } else { Ok(false) }
    }
}
