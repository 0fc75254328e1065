//! AWS behind the driver's ports.
//!
//! | port | here |
//! |---|---|
//! | `Store` | [`store::S3Store`]: S3, created at most once by `If-None-Match: *` |
//! | `EventPublisher` | [`publisher::BusPublisher`]: EventBridge, every entry's own result read |
//! | `Notifier` | [`notifier::TopicNotifier`]: SNS |
//! | `Vault` | [`secret::StoredSecret`]: Secrets Manager |
//! | `Watcher` | [`watcher::MetricWatcher`]: what a plan does, as metrics |
//!
//! [`place`] says where state is, [`amazon`] makes one set of clients on one HTTP client, [`metrics`] writes
//! lines that CloudWatch turns into metrics, [`checks`] looks at a bucket before it is trusted with a log,
//! and [`look`] at everything that a stack stands on.
//!
//! What is absent, on purpose: a repeated conditional write that the driver did not ask for (the SDK's own retry would
//! meet its first try and report it as somebody else's), deletion of anything but hints, a wait without a bound, a
//! secret in a type that prints.
#![warn(missing_docs)]
#![warn(clippy::as_conversions, clippy::float_arithmetic, clippy::indexing_slicing)]

pub mod amazon;
pub mod checks;
pub mod copy;
pub mod look;
pub mod metrics;
pub mod notifier;
pub mod place;
pub mod publisher;
pub mod secret;
pub mod store;
pub mod variable;
pub mod watcher;

mod failure;
mod policy;
