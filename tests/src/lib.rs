//! What the end-to-end tests share: one world in one process, with faults.
//!
//! A [`world::World`] is a state directory, a virtual clock and a durable bus. A [`session::Session`] is one process in
//! it: an owner, its store, and the three functions behind the bus, composed as the command line composes them. Between
//! the functions and the real adapters stand decorators ([`store`], [`broker`], [`market`], [`publisher`]) which ask a
//! [`pulse::Pulse`] at every call what goes wrong there: nothing, a [`pulse::Fault`], a crash, or a freeze. [`check`]
//! looks at what is left on disk and on the bus.
//!
//! Everything is seeded and in virtual time.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "this crate is test code: what cannot be is a failed test"
)]

pub mod books;
pub mod broker;
pub mod check;
pub mod dice;
pub mod market;
pub mod page;
pub mod plans;
pub mod publisher;
pub mod pulse;
pub mod session;
pub mod shape;
pub mod store;
pub mod world;
