//! The trading core of the Alchemiser: what a plan means, what should happen next, and what has happened.
//!
//! Everything here is pure. Time, ids and thresholds are arguments; nothing is read, slept on, logged or sent. The
//! async shell (`alchemiser-driver`) observes the world, asks this crate what it means, commits the answer and acts:
//!
//! ```text
//! observe(Observed, &Input)              -> Observed      the volatile view: quotes, account, clock, broker answers
//! decide(&Execution, &Observed, now)     -> Vec<Fact>     what happened, or is hereby resolved
//! apply(Execution, &Fact)                -> Execution     total; the only way state changes
//! outstanding(&Execution, now)           -> Outstanding   what should be under way now
//! ```
//!
//! The order to read in: [`plan`] (what was asked for), [`quote`] (what the market shows), [`peg`] (the price
//! decision), [`child`] (one broker order), [`leg`] (one plan item being worked), [`fact`] (what the log holds),
//! [`execution`] (the fold), [`decide`](mod@decide) and [`outstanding`](mod@outstanding), [`outcome`] and [`ledger`]
//! (projections of the end).
//!
//! What is absent, on purpose: I/O, async, serde, clocks, randomness, environment, hash-map order, and floats.
#![warn(missing_docs)]
#![warn(clippy::as_conversions, clippy::float_arithmetic, clippy::indexing_slicing)]
#![warn(clippy::wildcard_enum_match_arm, clippy::arithmetic_side_effects)]

pub mod account;
pub mod announce;
pub mod child;
pub mod control;
pub mod controls;
pub mod decide;
pub mod execution;
pub mod fact;
pub mod ids;
pub mod learning;
pub mod ledger;
pub mod leg;
pub mod liquidity;
pub mod money;
pub mod observed;
pub mod outcome;
pub mod outstanding;
pub mod peg;
pub mod plan;
pub mod planted;
pub mod policy;
pub mod price;
pub mod quantity;
pub mod quote;
pub mod reading;
pub mod recovery;
pub mod refused;
pub mod report;
pub mod setting;
pub mod side;
pub mod sizing;
pub mod throttle;
pub mod walk;
