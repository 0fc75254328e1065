//! The exchange from outside: orders, faults, what is kept, what is on the wire, and what the schemas say.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail by panicking"
)]

mod desk;
mod faults;
mod orders;
mod schema;
mod server;
mod state;
