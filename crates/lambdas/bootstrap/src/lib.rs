//! The four Lambda functions as processes.
//!
//! `src/bin` has one file each: it takes its surroundings from the environment and gives every invocation to the
//! function's handler. [`surroundings`] is where it is decided whether state is in S3 or in a directory of this machine,
//! and who the broker is; [`invocation`] is how an invocation ends: with an answer, or with a code that Lambda shows
//! ([`diagnosis`]). A panic is one more failure: it unwinds into a code, and the process takes the next invocation.
//!
//! Before the first poll nothing is asked of AWS. What must be known of the store is looked at once, on the first
//! invocation.
#![warn(clippy::as_conversions, clippy::float_arithmetic, clippy::indexing_slicing)]

pub mod diagnosis;
pub mod floor;
pub mod invocation;
pub mod surroundings;
mod venue;
pub mod words;
