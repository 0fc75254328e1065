//! An Alpaca-compatible exchange on this machine: HTTP and WebSocket over the order books of `market`.
//!
//! The broker's official client, our own adapter and anybody's tests talk to it as they talk to the broker, and what the
//! broker does wrong can be rehearsed. The specification is Alpaca's documentation, its `OpenAPI` files and recorded traffic.
//!
//! ```text
//! bytes -> Call -> Exchange::answer(&call) -> Answer -> bytes          one synchronous call, no waiting inside
//!                  Exchange = Venue + clock + rate limit + desk (one function for each path)
//! Venue  = fold(inputs: orders, cancels, replacements, interventions; with times) over the background markets
//! Floor  = one symbol: its market and our orders in it, with their timers, in the order of time
//! ```
//!
//! The order to read in: [`request`] (an order as it is asked for), [`refusal`] (every refusal with status, code and words),
//! [`order`], [`account`], [`feed`] and [`floor`] (one symbol), [`venue`] (all of it, with the broker's checks),
//! [`hours`] and [`clock`] (time), [`call`] and [`exchange`] (requests), `desk` and [`body`] (paths and answers), [`fault`] (what
//! goes wrong on purpose), [`journal`] (what survives a killed process), [`hub`] and [`stream`] (whoever listens), [`server`].
//!
//! What is absent, on purpose: no time is read outside [`clock`], nothing waits inside the venue, and money, shares and
//! prices are exact decimals from the first byte to the last.
#![warn(missing_docs)]

pub mod account;
pub mod bars;
pub mod body;
pub mod call;
pub mod clock;
mod desk;
pub mod exact;
pub mod exchange;
pub mod fault;
pub mod feed;
pub mod floor;
pub mod hours;
pub mod hub;
pub mod input;
pub mod journal;
pub mod limiter;
pub mod order;
pub mod refusal;
pub mod request;
pub mod server;
pub mod setup;
pub mod stream;
pub mod update;
pub mod venue;
