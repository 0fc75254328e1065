//! The broker's keys, and a type for them that nobody can print.

use std::{fmt, sync::Arc};

use alchemiser_driver::invoke::Failed;
use aws_sdk_secretsmanager::Client;
use serde::Deserialize;
use tokio::sync::Mutex;

use crate::failure::Failure;

/// The code of a secret that cannot be used.
pub const SECRET_REFUSED: &str = "SECRET_REFUSED";

/// A text that stays out of every line: it has no `Display`, and its `Debug` says nothing.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text secret.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text, for the one header it belongs into.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The keys of a broker's account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerKeys {
    /// The key's id.
    pub key_id: Secret,
    /// The key.
    pub secret_key: Secret,
}

#[derive(Deserialize)]
struct Held {
    #[serde(rename = "APCA_API_KEY_ID")]
    key_id: Option<Secret>,
    #[serde(rename = "APCA_API_SECRET_KEY")]
    secret_key: Option<Secret>,
}

impl BrokerKeys {
    /// Reads the secret's text: `{"APCA_API_KEY_ID": "…", "APCA_API_SECRET_KEY": "…"}`.
    ///
    /// # Errors
    /// What is missing, without a byte of what is there.
    pub fn read(text: &str) -> Result<Self, String> {
        let expected = "a JSON object with the strings APCA_API_KEY_ID and APCA_API_SECRET_KEY";
        let refused = |found: &str| format!("expected {expected}, found {found}");
        // The reader's own message may quote what it met.
        let held: Held = serde_json::from_str(text)
            .map_err(|error| refused(&format!("text that is none (line {})", error.line())))?;
        let present =
            |secret: &Option<Secret>| secret.as_ref().is_some_and(|s| !s.0.trim().is_empty());
        match (held.key_id, held.secret_key) {
            (Some(key_id), Some(secret_key))
                if !key_id.0.trim().is_empty() && !secret_key.0.trim().is_empty() =>
            {
                Ok(Self { key_id, secret_key })
            }
            (key_id, _) if present(&key_id) => Err(refused("no APCA_API_SECRET_KEY")),
            (_, secret) if present(&secret) => Err(refused("no APCA_API_KEY_ID")),
            _ => Err(refused("neither")),
        }
    }
}

/// The keys as Secrets Manager has them; read when they are first asked for, and again when the broker refuses them.
#[derive(Debug)]
pub struct KeySource {
    client: Client,
    arn: String,
    held: Mutex<Option<Arc<BrokerKeys>>>,
}

impl KeySource {
    /// The keys in a secret, by its ARN.
    pub fn new(client: Client, arn: String) -> Self {
        Self { client, arn, held: Mutex::new(None) }
    }

    /// The keys.
    ///
    /// # Errors
    /// [`Failed`] when the secret cannot be read or holds no keys.
    pub async fn keys(&self) -> Result<Arc<BrokerKeys>, Failed> {
        let mut held = self.held.lock().await;
        if let Some(keys) = held.as_ref() {
            return Ok(keys.clone());
        }
        let keys = Arc::new(self.fetch().await?);
        *held = Some(keys.clone());
        Ok(keys)
    }

    /// Keys other than these, which the broker refused (401): they were perhaps rotated.
    ///
    /// # Errors
    /// As [`KeySource::keys`].
    pub async fn instead_of(&self, refused: &Arc<BrokerKeys>) -> Result<Arc<BrokerKeys>, Failed> {
        let mut held = self.held.lock().await;
        if held.as_ref().is_some_and(|keys| Arc::ptr_eq(keys, refused)) {
            *held = None;
        }
        drop(held);
        self.keys().await
    }

    async fn fetch(&self) -> Result<BrokerKeys, Failed> {
        let refused = |why: &dyn fmt::Display| {
            Failed::new(SECRET_REFUSED, format!("secret {}: {why}", self.arn))
        };
        let answer = self.client.get_secret_value().secret_id(&self.arn).send().await;
        let answer = answer.map_err(|error| refused(&Failure::of(&error)))?;
        let text = answer.secret_string().ok_or_else(|| refused(&"expected text, found bytes"))?;
        BrokerKeys::read(text).map_err(|why| refused(&why))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CANARY: &str = "canary-7f3a";

    fn check(text: &str, expected: &str) {
        let read = BrokerKeys::read(text);
        let said = format!("{read:?}");
        assert!(!said.contains(CANARY), "{said}");
        let found = read.map_or_else(|why| why, |_| "keys".to_owned());
        assert!(found.ends_with(expected), "{found}");
    }

    /// I16: whatever is wrong with a secret, what is said of it holds none of it.
    #[test]
    fn a_secret_without_its_keys_says_which_is_missing_and_nothing_else() {
        let keys = format!(r#"{{"APCA_API_KEY_ID":"{CANARY}","APCA_API_SECRET_KEY":"{CANARY}"}}"#);
        check(&keys, "keys");
        check(&format!(r#"{{"APCA_API_KEY_ID":"{CANARY}"}}"#), "found no APCA_API_SECRET_KEY");
        check(&format!(r#"{{"APCA_API_SECRET_KEY":"{CANARY}"}}"#), "found no APCA_API_KEY_ID");
        check(
            &format!(r#"{{"APCA_API_KEY_ID":"{CANARY}","APCA_API_SECRET_KEY":" "}}"#),
            "found no APCA_API_SECRET_KEY",
        );
        check(&format!(r#"{{"key":"{CANARY}"}}"#), "found neither");
        check(CANARY, "found text that is none (line 1)");
        check(&format!("\"{CANARY}\""), "found text that is none (line 1)");
        check(
            &format!(r#"{{"APCA_API_KEY_ID":["{CANARY}"]}}"#),
            "found text that is none (line 1)",
        );
    }
}
