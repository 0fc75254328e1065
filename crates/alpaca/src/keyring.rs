//! The keys that are used now, and where newer ones come from when the broker no longer knows them.

use std::sync::{Arc, PoisonError, RwLock};

use alchemiser_driver::ports::Vault;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use crate::keys::{Keys, KeysRefused};

/// Whoever keeps the keys is asked again at most so often: a broker that refuses everything is no reason to.
const PAUSE: SignedDuration = SignedDuration::from_mins(1);

/// An account's keys. Those of a vault can be changed there while they are used here.
#[derive(Debug)]
pub struct Keyring {
    /// The newest ones first, and those before them.
    held: RwLock<(Arc<Keys>, Option<Arc<Keys>>)>,
    vault: Option<Arc<dyn Vault>>,
    asked_at: Mutex<Option<Timestamp>>,
}

impl Keyring {
    /// Keys that stay as they are.
    pub fn of(keys: Keys) -> Self {
        Self::held(keys, None)
    }

    /// The keys that a vault has.
    ///
    /// # Errors
    /// [`KeysRefused`] when it cannot be read, or has something else.
    pub async fn of_vault(vault: Arc<dyn Vault>) -> Result<Self, KeysRefused> {
        let keys = Keys::of_secret(&vault.read().await?)?;
        Ok(Self::held(keys, Some(vault)))
    }

    fn held(keys: Keys, vault: Option<Arc<dyn Vault>>) -> Self {
        let held = RwLock::new((Arc::new(keys), None));
        Self { held, vault, asked_at: Mutex::new(None) }
    }

    /// The keys that are used now.
    pub fn now(&self) -> Arc<Keys> {
        self.held.read().unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    /// A text without any keys, should it hold some.
    pub(crate) fn hide(&self, text: &str) -> String {
        let (now, before) = self.held.read().unwrap_or_else(PoisonError::into_inner).clone();
        let text = now.hide(text);
        before.map_or(text.clone(), |before| before.hide(&text))
    }

    /// Keys other than those that the broker has just refused, if there are any by now.
    pub(crate) async fn instead_of(&self, refused: &Keys, at: Timestamp) -> Option<Arc<Keys>> {
        let vault = self.vault.as_ref()?;
        let mut asked_at = self.asked_at.lock().await;
        let now = self.now();
        if !now.are(refused) {
            // Somebody else has met the same and asked already.
            return Some(now);
        }
        if asked_at.is_some_and(|before| at.duration_since(before) < PAUSE) {
            return None;
        }
        *asked_at = Some(at);
        let read = vault.read().await.map_err(KeysRefused::from);
        match read.and_then(|text| Keys::of_secret(&text)) {
            Ok(keys) if keys.are(refused) => None,
            Ok(keys) => {
                let keys = Arc::new(keys);
                let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
                *held = (keys.clone(), Some(now));
                drop(held);
                tracing::info!("the broker's keys were changed, and the new ones are used");
                Some(keys)
            }
            Err(why) => {
                tracing::warn!(%why, "the broker refused its keys, and no others could be had");
                None
            }
        }
    }
}
