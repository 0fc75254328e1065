//! The end-to-end tests, in one binary: whole life, redelivery, crash, faults, wire examples, tidy.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "this crate is test code: what cannot be is a failed test"
)]

mod accounts;
mod conformance;
mod crash;
mod determinism;
mod examples;
mod exchange_faults;
mod fault;
mod halt;
mod http_faults;
mod idle;
mod learning;
mod life;
mod logs;
mod mixes;
mod notices;
mod owners;
mod parsers;
mod quote_stream;
mod redelivery;
mod refusal;
mod requests;
mod requirements;
mod round_trip;
mod sweep;
mod tidy;
