//! The trading core from outside: tables, properties, and stories with a scripted exchange.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests stand outside of test functions"
)]

mod announce;
mod bounds;
mod broker;
mod children;
mod controls;
mod due;
mod facts;
mod given;
mod halt_stories;
mod invariants;
mod late_stories;
mod learning;
mod ledger;
mod leg_stories;
mod legs;
mod liquidity;
mod lot_stories;
mod missing;
mod money_stories;
mod observed;
mod order_stories;
mod outcome;
mod peg_properties;
mod peg_tables;
mod plan;
mod policies;
mod preflight;
mod quotes;
mod recovered;
mod recovery_stories;
mod refusal_stories;
mod reports;
mod sizing;
mod steps;
mod story;
mod trace;
