//! What a person sees of a plan: a page that stands alone (no script, no request, light and dark, printable), made of
//! the plan's log and of nothing else. The same log gives the same bytes.
//!
//! [`plan::page`] draws one plan: what moved, what it cost, how each order stood in the market, what needs somebody.
//! [`month::page`] adds many plans up, [`notice`] is what people are told when a plan is over, [`story`] tells one leg in
//! sentences, [`schedule`] says what the time of day cost. A number has its formula with it ([`term`]); a number that is not there says why.
//! Quotes between decisions come from the quote tape, where one was kept; they are for the picture, and no figure is
//! made of them.
//!
//! Figures are exact decimals, made by the functions that make the ledger. Floats are coordinates of drawings only.
#![warn(missing_docs)]

mod bars;
mod chart;
mod cost;
mod figure;
mod history;
mod layout;
mod leg;
mod measure;
pub mod month;
pub mod notice;
pub mod plan;
mod scale;
pub mod schedule;
pub mod story;
mod style;
pub mod term;
mod timeline;
mod weights;
mod words;

use alchemiser_core::{execution::Execution, policy::Policy};
use alchemiser_wire::{entry::Entry, tape::TapeLine};

/// A plan's log, as far as it was read, and what was kept of its quotes.
#[derive(Clone, Copy, Debug)]
pub struct Logged<'a> {
    /// The log's entries, oldest first.
    pub entries: &'a [Entry],
    /// SHA-256 of the last entry's bytes: it stands for the whole chain.
    pub sha256: &'a str,
    /// Quotes of the quote tape, oldest first; empty where none was kept.
    pub tape: &'a [TapeLine],
}

impl Logged<'_> {
    /// What the log adds up to; `None` when it claims no plan.
    pub fn state(&self) -> Option<Execution> {
        let facts = self.entries.iter().flat_map(|entry| &entry.facts);
        Execution::fold(facts, &Policy::default())
    }
}
