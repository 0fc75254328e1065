//! The broker's keys as Secrets Manager has them: a text that nobody can print.

use alchemiser_driver::ports::{Vault, VaultError};
use async_trait::async_trait;
use aws_sdk_secretsmanager::Client;
use secrecy::SecretString;

use crate::failure::Failure;

/// A secret, by its ARN. Each reading asks for it anew.
#[derive(Clone, Debug)]
pub struct StoredSecret {
    client: Client,
    arn: String,
}

impl StoredSecret {
    /// The secret of this ARN.
    pub fn new(client: Client, arn: String) -> Self {
        Self { client, arn }
    }
}

#[async_trait]
impl Vault for StoredSecret {
    async fn read(&self) -> Result<SecretString, VaultError> {
        let refused = |found: &dyn std::fmt::Display| {
            VaultError(format!("expected to read the secret {}, found: {found}", self.arn))
        };
        let answer = self.client.get_secret_value().secret_id(&self.arn).send().await;
        let answer = answer.map_err(|error| refused(&Failure::of(&error)))?;
        let text = answer.secret_string.ok_or_else(|| refused(&"bytes, not a text"))?;
        Ok(text.into())
    }
}
