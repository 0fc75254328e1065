//! Objects in S3.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use alchemiser_core::ids::Owner;
use alchemiser_driver::ports::{Put, Store, StoreError};
use async_trait::async_trait;
use aws_sdk_s3::{
    Client,
    config::{
        self, ConfigBag, Intercept, RuntimeComponents,
        interceptors::BeforeDeserializationInterceptorContextRef, retry::RetryConfig,
    },
    error::{BoxError, ProvideErrorMetadata},
    operation::get_object::GetObjectError,
    primitives::ByteStream,
};
use jiff::{SignedDuration, Timestamp, fmt::rfc2822};

use crate::{failure::Failure, look::Offset, place::Place};

/// Only these may be removed.
const HINTS: &str = "open/";

/// The most keys that one answer lists.
const PAGE: i32 = 1000;

/// How long an unclear write is waited for before its failure is told: whoever asks again asks a store that had time.
const BREATH: Duration = Duration::from_millis(50);

/// What was asked of S3, by its price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    /// `PUT` and `LIST`, which cost the most.
    pub writes: u64,
    /// `GET`.
    pub reads: u64,
    /// `DELETE`, which costs nothing.
    pub removals: u64,
}

/// Objects under a prefix of a bucket. `PutObject` with `If-None-Match: *` succeeds for exactly one writer of a key.
///
/// The SDK's own retries are off for it: they would meet the object of their own first try, whose answer was lost, and
/// report it as somebody else's. The driver tries again with the identical bytes, and compares what is there.
#[derive(Debug)]
pub struct S3Store {
    client: Client,
    place: Place,
    writes: AtomicU64,
    reads: AtomicU64,
    removals: AtomicU64,
}

impl S3Store {
    /// The store at a place.
    pub fn new(client: Client, place: Place) -> Self {
        let none = AtomicU64::default;
        Self { client, place, writes: none(), reads: none(), removals: none() }
    }

    /// Where it is.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// What was asked since it was made.
    pub fn requests(&self) -> Requests {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Requests {
            writes: read(&self.writes),
            reads: read(&self.reads),
            removals: read(&self.removals),
        }
    }

    /// The directories right below a prefix that ends with a slash, each as a prefix of its own, in ascending order.
    ///
    /// # Errors
    /// [`StoreError`] when the bucket does not answer, or may not be listed.
    pub async fn directories(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        count(&self.writes);
        let list = self.client.list_objects_v2().bucket(self.place.bucket()).delimiter("/");
        let mut pages = list.prefix(self.place.key(prefix)).into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.refused("ListObjectsV2", prefix, &error))?;
            let below = page.common_prefixes().iter().filter_map(|common| common.prefix());
            found.extend(below.filter_map(|key| self.place.own(key)).map(str::to_owned));
        }
        Ok(found)
    }

    /// Whether the bucket keeps every version of an object; says what it does instead.
    ///
    /// # Errors
    /// [`StoreError`] when the bucket does not say, or is not there.
    pub async fn versioning(&self) -> Result<Option<String>, StoreError> {
        count(&self.reads);
        let answer = self.client.get_bucket_versioning().bucket(self.place.bucket()).send().await;
        let found = answer.map_err(|error| self.refused("GetBucketVersioning", "", &error))?;
        let status = found.status.map_or("never enabled".to_owned(), |status| status.to_string());
        Ok((status != "Enabled").then_some(status))
    }

    /// The bucket's policy, if it has one.
    ///
    /// # Errors
    /// [`StoreError`] when it may not be read.
    pub async fn policy(&self) -> Result<Option<String>, StoreError> {
        count(&self.reads);
        let answer = self.client.get_bucket_policy().bucket(self.place.bucket()).send().await;
        match answer {
            Ok(found) => Ok(found.policy),
            Err(error) if error.code() == Some("NoSuchBucketPolicy") => Ok(None),
            Err(error) => Err(self.refused("GetBucketPolicy", "", &error)),
        }
    }

    /// How far this machine's clock is ahead of S3's, which tells whole seconds; `None` when it told nothing.
    pub(crate) async fn told(&self) -> Option<Offset> {
        count(&self.reads);
        let heard = Heard::default();
        let ask = self.client.get_bucket_versioning().bucket(self.place.bucket());
        let before = Timestamp::now();
        // What it answers does not matter here.
        drop(ask.customize().interceptor(heard.clone()).send().await);
        let after = Timestamp::now();
        let date = heard.0.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        let said = rfc2822::parse(&date).ok()?.timestamp();
        let least = before.duration_since(said).saturating_sub(SignedDuration::from_secs(1));
        Some(Offset { least, most: after.duration_since(said) })
    }

    fn failed(&self, call: &str, key: &str, failure: &Failure) -> StoreError {
        let text = format!("{call} {}: {failure}", self.place.key(key));
        if failure.is_unclear() { StoreError::Unclear(text) } else { StoreError::Refused(text) }
    }

    fn refused<E>(
        &self,
        call: &str,
        key: &str,
        error: &aws_sdk_s3::error::SdkError<E, config::http::HttpResponse>,
    ) -> StoreError
    where
        E: aws_sdk_s3::error::ProvideErrorMetadata + std::error::Error + 'static,
    {
        self.failed(call, key, &Failure::of(error))
    }
}

/// The date of an answer.
#[derive(Clone, Debug, Default)]
struct Heard(Arc<Mutex<Option<String>>>);

impl Intercept for Heard {
    fn name(&self) -> &'static str {
        "Heard"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date").map(str::to_owned);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = date;
        Ok(())
    }
}

fn count(of: &AtomicU64) {
    of.fetch_add(1, Ordering::Relaxed);
}

#[async_trait]
impl Store for S3Store {
    async fn put_if_absent(&self, key: &str, bytes: &[u8]) -> Result<Put, StoreError> {
        count(&self.writes);
        let once = config::Config::builder().retry_config(RetryConfig::disabled());
        let put = self.client.put_object().bucket(self.place.bucket()).key(self.place.key(key));
        let put = put.if_none_match("*").content_type("application/json");
        let put = put.body(ByteStream::from(bytes.to_vec()));
        let Err(error) = put.customize().config_override(once).send().await else {
            return Ok(Put::Created);
        };
        let failure = Failure::of(&error);
        if failure.status == Some(412) {
            return Ok(Put::Exists);
        }
        if failure.is_unclear() {
            tokio::time::sleep(BREATH).await;
        }
        Err(self.failed("PutObject", key, &failure))
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        count(&self.reads);
        let get = self.client.get_object().bucket(self.place.bucket()).key(self.place.key(key));
        let found = match get.send().await {
            Ok(found) => found,
            Err(error) if error.as_service_error().is_some_and(GetObjectError::is_no_such_key) => {
                return Ok(None);
            }
            Err(error) => return Err(self.refused("GetObject", key, &error)),
        };
        match found.body.collect().await {
            Ok(bytes) => Ok(Some(bytes.to_vec())),
            Err(error) => Err(StoreError::Unclear(format!("GetObject {key}: {error}"))),
        }
    }

    async fn list(&self, prefix: &str, limit: usize) -> Result<Vec<String>, StoreError> {
        let (mut keys, mut after) = (Vec::new(), None);
        while keys.len() < limit {
            count(&self.writes);
            let page = i32::try_from(limit.saturating_sub(keys.len())).unwrap_or(PAGE).min(PAGE);
            let list = self.client.list_objects_v2().bucket(self.place.bucket());
            let list = list.prefix(self.place.key(prefix)).max_keys(page);
            let list = list.set_continuation_token(after.take());
            let found = list.send().await.map_err(|e| self.refused("ListObjectsV2", prefix, &e))?;
            let listed = found.contents().iter().filter_map(|object| object.key());
            keys.extend(listed.filter_map(|key| self.place.own(key)).map(str::to_owned));
            after = found.next_continuation_token;
            if after.is_none() {
                break;
            }
        }
        keys.truncate(limit);
        Ok(keys)
    }

    async fn remove_hint(&self, key: &str) -> Result<(), StoreError> {
        if !key.starts_with(HINTS) {
            let text = format!(
                "expected a hint under {HINTS} to remove, found {key}: logs are never removed"
            );
            return Err(StoreError::Refused(text));
        }
        count(&self.removals);
        let delete = self.client.delete_object().bucket(self.place.bucket());
        let answer = delete.key(self.place.key(key)).send().await;
        answer.map(|_| ()).map_err(|error| self.refused("DeleteObject", key, &error))
    }

    /// Nobody can know that of a process elsewhere: its lease is waited for.
    async fn is_dead(&self, _: &Owner) -> Result<bool, StoreError> {
        Ok(false)
    }
}
