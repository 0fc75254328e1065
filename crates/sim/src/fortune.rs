//! What strikes: every opportunity of a fault is a decision with a number.
//!
//! The numbers count opportunities, not hits, so that a list of them says what is to strike and what is not: a run that
//! broke an invariant can be run again with a part of its decisions only.

use std::collections::BTreeSet;

use crate::{
    chance::Chance,
    fault::{Fault, Odds},
};

/// A fault that struck.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decision {
    /// Which opportunity of the run it was; 1 for the first.
    pub number: u64,
    /// What struck.
    pub fault: Fault,
}

/// A run's luck.
#[derive(Debug)]
pub(crate) struct Fortune {
    odds: Odds,
    chance: Chance,
    /// The decisions that strike; drawn where it is not given.
    only: Option<BTreeSet<u64>>,
    opportunities: u64,
    struck: Vec<Decision>,
}

impl Fortune {
    pub(crate) fn new(odds: Odds, chance: Chance, only: Option<BTreeSet<u64>>) -> Self {
        Self { odds, chance, only, opportunities: 0, struck: Vec::new() }
    }

    /// Whether a fault strikes at this opportunity.
    pub(crate) fn strikes(&mut self, fault: Fault) -> bool {
        let rate = self.odds.rate(fault);
        if rate == 0 {
            return false;
        }
        self.opportunities += 1;
        let number = self.opportunities;
        let strikes = match &self.only {
            None => self.chance.hits(rate),
            Some(only) => only.contains(&number),
        };
        if strikes {
            self.struck.push(Decision { number, fault });
        }
        strikes
    }

    /// The highest rate of a fault in this run.
    pub(crate) fn rate(&self, fault: Fault) -> u32 {
        self.odds.rate(fault)
    }

    /// What has struck so far.
    pub(crate) fn struck(&self) -> &[Decision] {
        &self.struck
    }
}
