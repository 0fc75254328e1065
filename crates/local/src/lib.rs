//! One machine: logs on files, the system's or a virtual clock, configuration in layers, and the in-process exchange as
//! the broker.
//!
//! A state directory holds everything:
//!
//! ```text
//! STATE/state.json                      the schema of the directory
//! STATE/executions/ACCOUNT/PLAN/…       execution logs, one file an entry
//! STATE/accounts/ACCOUNT/…              account logs
//! STATE/open/ACCOUNT/PLAN               markers of unfinished plans
//! STATE/ledger/ACCOUNT/date=…/…         ledgers
//! STATE/learned/ACCOUNT/…               what the account's own crosses have cost, made of its ledger
//! STATE/quotes/ACCOUNT/PLAN/…           quotes for the pictures of a plan, about one a second
//! STATE/reports/ACCOUNT/date=…/…        a page for each plan
//! STATE/events/…                        events published by functions that run as processes of their own
//! STATE/owners/…                        one locked file for each living owner
//! STATE/exchange/journal.jsonl          the simulated exchange
//! ```
//!
//! A file is created with `link(2)`, which fails when the name is taken: exactly one writer succeeds, and what was
//! written is on disk before the name exists.
#![warn(clippy::as_conversions, clippy::float_arithmetic, clippy::indexing_slicing)]

pub mod books;
pub mod clock;
mod disk;
pub mod exchange;
pub mod function;
pub mod notices;
pub mod outbox;
pub mod settings;
pub mod state;
pub mod store;
