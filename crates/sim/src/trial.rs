//! What is run: a seed, and what is given instead of drawn.

use std::{collections::BTreeSet, sync::Arc};

use crate::{canonical::Canonical, given::GivenPlan};

/// What is run.
#[derive(Clone, Debug, Default)]
pub struct Trial {
    /// What everything that is not given is drawn from.
    pub seed: u64,
    /// The plan, where it is not drawn.
    pub theme: Theme,
    /// The decisions that strike, by their numbers; drawn where they are not given.
    pub only: Option<BTreeSet<u64>>,
    /// Where processes die on purpose.
    pub stops: Vec<Stop>,
}

/// What is traded.
#[derive(Clone, Debug, Default)]
pub enum Theme {
    /// One or two plans that are drawn.
    #[default]
    Drawn,
    /// A plan as it crossed the bus.
    Given(Arc<GivenPlan>),
    /// One of a few that are always the same, in calm weather.
    Canonical(Canonical),
}

/// A process dies here: around the effect of this number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stop {
    /// Which effect of the run; 1 for the first.
    pub effect: u64,
    /// On which side of it.
    pub moment: Moment,
}

/// Before or after a call takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// It has not taken effect, and never will.
    Before,
    /// It has taken effect, and nobody learns of it.
    After,
}

impl Trial {
    /// A seed, with everything drawn from it.
    pub fn of(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    /// The same with these decisions only.
    #[must_use]
    pub fn only(&self, decisions: impl IntoIterator<Item = u64>) -> Self {
        Self { only: Some(decisions.into_iter().collect()), ..self.clone() }
    }

    /// The same of another seed.
    #[must_use]
    pub fn seeded(&self, seed: u64) -> Self {
        Self { seed, ..self.clone() }
    }

    pub(crate) fn given(&self) -> Option<&GivenPlan> {
        match &self.theme {
            Theme::Given(plan) => Some(plan),
            Theme::Drawn | Theme::Canonical(_) => None,
        }
    }
}
