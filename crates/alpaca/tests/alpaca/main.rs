//! The adapter against a server of this machine that says what a script tells it to.
#![expect(clippy::unwrap_used, reason = "what cannot be is a failed test")]

mod given;
mod market;
mod orders;
mod rates;
mod readings;
mod rotation;
mod secrets;
mod server;
