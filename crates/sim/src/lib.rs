//! The world: one scheduler, virtual time, one seed. The production `core` and `driver` run over a simulated store, bus,
//! broker, market data and clock, by several processes at once, and everything that may go wrong does.
//!
//! ```text
//! seed → scene (account, plans, policy, odds) → agenda, in order of virtual time:
//!        deliveries, wake-ups, late arrivals, kills, the sweeper's ticks
//!      → faults stop → the sweeper runs until everything is over → the checks
//! ```
//!
//! A process is a future of `driver`'s `accept`, `execute`, `settle` or `sweep`, polled by hand; it waits only on
//! virtual time. Between it and the world stands its line, at which every call may be slow, be lost or
//! land late, and the process itself may die, freeze or lose its clock ([`fault`]: the classes, with their rates).
//! Which classes a run has, and how often, is drawn: a run in which everything goes wrong at once gets nowhere.
//!
//! What is simpler than the real thing: the exchange. Quotes are a random walk in cents, orders trade at the far touch
//! at once and at the near touch by chance, perhaps in part. The market with calibrated books is `alchemiser-market`;
//! here a run must take a millisecond.
//!
//! Everything derives from the seed: four streams of `ChaCha8`, ordered maps, no clock. A seed run twice gives the same
//! bytes.
#![warn(missing_docs)]

mod batch;
mod book;
mod broker;
mod bus;
pub mod canonical;
mod chance;
mod check;
mod exchange;
pub mod fault;
mod fortune;
mod given;
mod invoke;
mod letter;
mod line;
mod rebuild;
mod scene;
mod shrink;
mod stage;
pub mod trial;
mod watch;
mod world;

pub use batch::{Batch, batch};
pub use fortune::Decision;
pub use given::GivenPlan;
pub use shrink::shrink;
pub use stage::{Replay, Run, replay, run};

/// A broken invariant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// Which: `I1` to `I16`.
    pub invariant: &'static str,
    /// What was found.
    pub found: String,
}
