//! Every JSON that crosses a border: events in and out, log entries, account entries, ledger lines.
//!
//! Inputs from outside are read strictly: a key that stands twice, a number that is not finite, a field of the wrong
//! type is refused with its path, what was expected and what was found ([`plan`], [`incoming`]). What we write
//! ourselves is versioned: [`entry`] (the execution log), [`account`] (the account log), [`ledger`],
//! [`learning`], the messages of [`notice`], and the events of [`event`]. Decimals are JSON strings without exponent; times are RFC 3339.
#![warn(missing_docs)]
#![warn(clippy::as_conversions, clippy::float_arithmetic, clippy::indexing_slicing)]

pub mod account;
pub mod decimal;
pub mod entry;
pub mod event;
mod fact;
pub mod incoming;
pub mod learning;
pub mod ledger;
pub mod notice;
pub mod plan;
pub mod request;
mod strict;
pub mod tape;
pub mod terminal;
mod text;
