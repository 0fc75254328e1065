//! The functions as processes of their own: Lambda's Runtime API, Secrets Manager and the broker are servers of this
//! machine, state is in a directory.
#![expect(clippy::unwrap_used, reason = "this is test code: what cannot be is a failed test")]

mod broker;
mod canary;
mod function;
mod life;
mod refused;
mod secrets;
mod server;
