//! AWS's part of the Alchemiser on one machine: the bus that routes by the deployed rules.
//!
//! Deployed, EventBridge decides which function sees an event, and SQS and Lambda decide how often. Here the same
//! decisions are taken from the same text: `infra/template.yaml` is compiled in, its rules and queues are read, and an
//! in-process bus routes by them. A rule that is wrong in the template is wrong in every test and on every laptop too.
//!
//! ```text
//!                         infra/template.yaml
//!                                │ Routes::deployed
//!                                ▼
//! Entry ── Bus::publish ──► Routes ── Pattern::matches ──► one Delivery a matching rule, first in, first out
//!                                                                │ Bus::next
//!                                                                ▼
//!            attempts left: again, at the end      Delivery::payload: what the Lambda would be given
//!                    ▲                                           │
//!                    └─────────────── Bus::failed ◄──────────────┘
//!                                         └──► Bus::dead_letters
//! ```
//!
//! The order to read in:
//!
//! * [`pattern`]: which events a rule wants. What a pattern cannot say here is refused when it is read, never ignored.
//! * [`route`]: a rule's pattern, the function at its end, the way there ([`Via`]) and how often a delivery is tried.
//! * [`template`]: the routes as the template has them. Faults that the usual linters miss are errors here: a queue
//!   whose messages reappear while they are worked, a rule that drops what it cannot deliver.
//! * [`entry`], [`delivery`], [`bus`]: entries in, deliveries out, the failed ones again, and at last dead letters.
//!
//! Beside that bus, which runs handlers in one process, the whole of what is deployed is here:
//!
//! * [`deployment`]: functions, queues, retries, dead letters and schedules of the template; what is not honored is refused.
//! * [`cloud`]: what is due when, and what becomes of it, as a value to which time is an argument; faults by script.
//! * [`machine`]: the bootstraps as processes over the Lambda Runtime API. Only this module has I/O, clocks and processes.
//!
//! Delivery is at least once, as deployed: whoever takes a delivery and loses it reports it to [`Bus::failed`].
//! A delivery that is neither reported nor taken again was a success.
//!
//! What is absent, on purpose, outside of [`machine`]: async, I/O, clocks and randomness (ids and times come with the entry,
//! so that a run can be repeated); in the bus: back-off and visibility timeouts (the caller owns time, the bus only order); input transformers, archives
//! and FIFO queues, which the template does not use.
#![warn(missing_docs)]
#![warn(clippy::as_conversions, clippy::float_arithmetic, clippy::indexing_slicing)]

pub mod bus;
pub mod cloud;
pub mod delivery;
pub mod deployment;
pub mod entry;
pub mod machine;
pub mod pattern;
pub mod publisher;
mod resolve;
pub mod route;
mod supported;
pub mod template;
mod yaml;

pub use bus::{Bus, DeadLetter};
pub use cloud::{Cloud, Happened, Invocation, Manner, Outcome};
pub use delivery::Delivery;
pub use deployment::Deployment;
pub use entry::{Entry, EntryError};
pub use pattern::{Pattern, PatternError};
pub use publisher::SharedBus;
pub use route::{Route, Routes, Via};
pub use template::{DEPLOYED, TemplateError};
