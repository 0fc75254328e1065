//! Secrets Manager, as far as it is asked.

use std::sync::{Arc, Mutex};

use serde_json::json;

use crate::server::{Answer, serve};

pub(crate) const ARN: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:broker-AbCdEf";

/// What the secret is when it is asked for the first time, the second time, …; the last one stays.
#[derive(Clone, Debug)]
pub(crate) struct Secrets {
    pub(crate) address: String,
    asked: Arc<Mutex<usize>>,
}

impl Secrets {
    /// `None` says that there is no such secret.
    pub(crate) fn of(texts: &[Option<String>]) -> Self {
        let (texts, asked) = (texts.to_vec(), Arc::new(Mutex::new(0)));
        let count = asked.clone();
        let address = serve(move |request| {
            assert_eq!(request.header("x-amz-target"), Some("secretsmanager.GetSecretValue"));
            let mut asked = count.lock().unwrap();
            let text = texts[(*asked).min(texts.len() - 1)].clone();
            *asked += 1;
            let (status, body) = if let Some(text) = text {
                (200, json!({ "ARN": ARN, "Name": "broker", "SecretString": text }))
            } else {
                let message = "Secrets Manager can't find the specified secret.";
                (400, json!({ "__type": "ResourceNotFoundException", "Message": message }))
            };
            let kind = ("content-type", "application/x-amz-json-1.1".to_owned());
            Some(Answer(status, vec![kind], body.to_string()))
        });
        Self { address, asked }
    }

    /// How often it was asked for.
    pub(crate) fn asked(&self) -> usize {
        *self.asked.lock().unwrap()
    }
}

/// A secret as docs/deploy.md has it written.
pub(crate) fn keys(id: &str, secret: &str) -> String {
    json!({ "APCA_API_KEY_ID": id, "APCA_API_SECRET_KEY": secret }).to_string()
}
