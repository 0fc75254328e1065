//! The clients, on one HTTP client.

use std::{fs, time::Duration};

use alchemiser_driver::invoke::Failed;
use aws_config::{
    BehaviorVersion, Region, SdkConfig, environment::region::EnvironmentVariableRegionProvider,
    meta::region::RegionProviderChain, profile::ProfileFileRegionProvider, retry::RetryConfig,
    timeout::TimeoutConfig,
};
use aws_smithy_http_client::{
    Builder,
    tls::{self, TlsContext, TrustStore, rustls_provider::CryptoMode},
};

use crate::variable;

/// The roots that AWS's own endpoints end at. Reading a directory of them costs more than everything else at a start.
const ROOTS: &[u8] = include_bytes!("../roots/amazon.pem");

/// A file of roots to be used instead, for endpoints that are not AWS's own.
const BUNDLE: &str = "AWS_CA_BUNDLE";

/// A connection is there within this time, or is not waited for.
const CONNECT: Duration = Duration::from_secs(2);

/// One try of a call is answered within this time: far above what S3 takes for a small object (tens of milliseconds),
/// and four of them fit into a lease.
const ATTEMPT: Duration = Duration::from_secs(5);

/// A call with all its tries ends within this time.
const OPERATION: Duration = Duration::from_secs(10);

/// Tries of calls that may be repeated without harm.
const TRIES: u32 = 3;

/// What every client is made of.
#[derive(Clone, Debug)]
pub struct Amazon {
    config: SdkConfig,
}

impl Amazon {
    /// Region, credentials and endpoints as the environment says.
    ///
    /// # Errors
    /// [`Failed`] naming the variable that is missing or wrong.
    pub async fn from_env() -> Result<Self, Failed> {
        let http = Builder::new()
            .tls_provider(tls::Provider::Rustls(CryptoMode::Ring))
            .tls_context(trusted()?)
            .build_https();
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT)
            .operation_attempt_timeout(ATTEMPT)
            .operation_timeout(OPERATION)
            .build();
        let region = region().await?;
        let config = aws_config::defaults(BehaviorVersion::latest())
            .region(region)
            .http_client(http)
            .timeout_config(timeouts)
            .retry_config(RetryConfig::standard().with_max_attempts(TRIES))
            .load()
            .await;
        Ok(Self { config })
    }

    /// S3. An endpoint that was set is no AWS host name, so the bucket goes into the path.
    pub fn s3(&self) -> aws_sdk_s3::Client {
        let elsewhere = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]
            .iter()
            .any(|name| variable::optional(name).is_some());
        let config = aws_sdk_s3::config::Builder::from(&self.config).force_path_style(elsewhere);
        aws_sdk_s3::Client::from_conf(config.build())
    }

    /// EventBridge.
    pub fn events(&self) -> aws_sdk_eventbridge::Client {
        aws_sdk_eventbridge::Client::new(&self.config)
    }

    /// SNS.
    pub fn topics(&self) -> aws_sdk_sns::Client {
        aws_sdk_sns::Client::new(&self.config)
    }

    /// Secrets Manager.
    pub fn secrets(&self) -> aws_sdk_secretsmanager::Client {
        aws_sdk_secretsmanager::Client::new(&self.config)
    }
}

/// The environment's region, or a profile's; the metadata of a machine is never asked for it.
async fn region() -> Result<Region, Failed> {
    let named = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
        .or_else(ProfileFileRegionProvider::new());
    let missing = || variable::refused("AWS_REGION", "a region, e.g. us-east-1", "nothing");
    named.region().await.ok_or_else(missing)
}

fn trusted() -> Result<TlsContext, Failed> {
    let pem = match variable::optional(BUNDLE) {
        None => ROOTS.to_vec(),
        Some(path) => fs::read(&path).map_err(|error| {
            let found = format!("{path:?} ({error})");
            variable::refused(BUNDLE, "a readable file of certificates in PEM", &found)
        })?,
    };
    let store = TrustStore::empty().with_pem_certificate(pem);
    let context = TlsContext::builder().with_trust_store(store).build();
    context.map_err(|error| variable::refused(BUNDLE, "certificates in PEM", &error.to_string()))
}
