//! The async shell: it observes the world, asks the core, commits the answer, and acts. In that order, always.
//!
//! [`ports`] are what it needs of the world; adapters live elsewhere. [`log`] is the execution log on top of a store
//! that can create an object if it is absent, [`account`] the mutex of an account's plans on the same primitive.
//! [`turn`] is the only place where effects are performed:
//!
//! ```text
//! read what is wanted → observe → decide → commit the facts as one entry → apply → perform what is outstanding
//! ```
//!
//! On top stand the use cases: [`accept`](mod@accept) (a plan arrives), [`execute`](mod@execute) (it is traded),
//! [`settle`](mod@settle) (its ledger is written),
//! [`learn`](mod@learn) (what its crosses cost is kept for the next ones), [`sweep`](mod@sweep) (what was lost is asked for again),
//! [`recover`](mod@recover) (a log goes on from the broker's orders), [`tape`](mod@tape) (quotes for the pictures), and [`audit`](mod@audit), which checks the invariants over any log.
#![warn(missing_docs)]
#![warn(clippy::as_conversions, clippy::float_arithmetic, clippy::indexing_slicing)]

pub mod accept;
pub mod account;
pub mod audit;
pub mod execute;
pub mod invoke;
pub mod learn;
pub mod log;
pub mod ports;
mod readings;
pub mod recover;
pub mod settle;
pub mod sweep;
pub mod tape;
mod trace;
pub mod turn;
