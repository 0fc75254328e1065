//! The protocol, model checked: small models of the exactly-once protocol and of the account's mutex, and every
//! interleaving of their owners, broker, network, bus and crashes.
//!
//! The end-to-end tests and the simulation run the code itself, along the paths that they happen to take. The models
//! here are not the code: they are its rules, one action a step of a function that the action's doc line names, and they
//! are followed along *every* path. Nothing is sampled and no path is cut off: the models bound what there is (processes,
//! attempts), not what happens, and their states are exhausted. Where `core` has a rule as a plain function, the
//! models call it: `child::Status::after`, `account::Account::after`, `account::Account::acquisition`.
//!
//! A check that cannot fail proves nothing. So each model takes a planted fault, and for each fault a test demands that
//! the checker finds the counterexample of the invariant that the fault breaks, and says how short it is.
//!
//! It is a package of its own because the checker brings a web server and three hash maps along, and because the models
//! need to be optimised in the dev profile, and the other tests do not.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "this crate is test code: what cannot be is a failed test"
)]

mod account;
mod check;
mod plan;
