//! What a policy would have paid: orders that arrive in a recorded or generated market, priced by the code that trades.
//!
//! ```text
//! read::days ─┐                       ┌─ leg::work ── peg::decide (core, unchanged)
//!             ├► Tape ── study::run ──┤
//! generate ───┘                       └─ fill::Resting (the fill model)
//!                              │
//!                              └► table::rows: mean, interval, passive share, markouts, by spread group
//! ```
//!
//! * [`tape`]: a day of best bids and offers and of prints, in whole ten-thousandths of a dollar.
//! * [`read`]: CSV files, plain or gzipped; what is wrong with them has a code and a line.
//! * [`generate`]: the same from the generator of `market`.
//! * [`fill`]: when an order fills, judged against what was shown and printed. It is conservative: nobody ahead of us
//!   cancels, hidden and off-exchange shares do not exist, and our own order changes nothing.
//! * `spreads`: what spread is usual, as the product's view keeps it.
//! * [`leg`]: one order, from its arrival to its last fill: decide, wait for the latency, look again.
//! * [`calls`]: what the orders of one plan may ask of the broker together.
//! * [`study`]: many arrivals, a buy and a sell at each, so that drift cancels.
//! * [`measure`] and [`table`]: costs in half-spreads at arrival, their mean with an interval from a bootstrap over
//!   15-minute blocks.
//! * [`figures`] and [`page`]: what the books look like beside real ones, and all of it as one page.
//!
//! Costs are statistics and floats; prices and fills are whole numbers, and the decisions see `core`'s decimals.

pub mod calls;
pub mod figures;
pub mod fill;
pub mod generate;
pub mod leg;
pub mod measure;
pub mod page;
pub mod read;
mod spreads;
pub mod study;
pub mod table;
pub mod tape;
