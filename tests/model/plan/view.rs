//! What a plan's log adds up to: `execution::apply` for one leg, without what no decision of the model looks at.

use alchemiser_core::{child::Status, report::BrokerStatus};

/// Attempts of the leg (`policy.children_max`, made small).
pub(crate) const ATTEMPTS: usize = 3;

/// `child::Flight`, without its times: two look-ups that found nothing, and the wait after them, are one here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Flight {
    pub(crate) lost: bool,
    pub(crate) not_found: bool,
    pub(crate) reposted: bool,
}

/// `child::ChildOrder`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Attempt {
    pub(crate) status: Status,
    pub(crate) flight: Flight,
    /// 0 but for the fault of a fresh id for every retry.
    pub(crate) salt: usize,
}

impl Attempt {
    /// The broker, or the owner that never sent it, said that it is over: what attempt k+1 waits for.
    pub(crate) fn has_ended(&self) -> bool {
        !self.may_still_fill()
    }

    /// `ChildOrder::may_still_fill`.
    pub(crate) fn may_still_fill(&self) -> bool {
        self.status.is_live() || self.status == Status::Unresolved
    }
}

/// `Leg::outcome`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Leg {
    #[default]
    Open,
    Filled,
    Failed,
}

/// What the terminal event says: two events of different content, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Outcome {
    Completed,
    Failed,
}

/// `fact::FactKind`. Those without a number are of the newest attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Fact {
    Claimed,
    LeaseTaken,
    Intent,
    /// With the salt of its id.
    Resubmitted(usize),
    AnswerLost,
    NotFound,
    Refused,
    Unsent,
    /// With `LegFinished(Failed)`, as `tend::give_up` records them: in one entry.
    Unresolved,
    Reported(usize, BrokerStatus),
    CancelRequested(usize),
    LegFinished,
    /// With the announcement of its event, as `Owned::decided` records them: in one entry.
    OutcomeReached(Outcome),
    Published,
    HandedOver,
}

/// `execution::Execution`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct View {
    pub(crate) claimed: bool,
    /// Whose the newest epoch is.
    pub(crate) owner: Option<usize>,
    pub(crate) attempts: [Option<Attempt>; ATTEMPTS],
    pub(crate) leg: Leg,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) published: bool,
}

impl View {
    /// How many attempts there are.
    pub(crate) fn count(&self) -> usize {
        self.attempts.iter().flatten().count()
    }

    /// The newest attempt and its number.
    pub(crate) fn newest(&self) -> Option<(usize, Attempt)> {
        let number = self.count().checked_sub(1)?;
        Some((number, self.attempts[number]?))
    }

    /// `Execution::is_complete`.
    pub(crate) fn is_complete(&self) -> bool {
        self.outcome.is_some() && self.published
    }

    /// `Execution::must_be_followed`: the model's fills always have a price.
    pub(crate) fn must_be_followed(&self) -> bool {
        self.attempts.iter().flatten().any(Attempt::may_still_fill)
    }

    /// What the plan came to once its leg is over (`outcome::classify`).
    pub(crate) fn outcome_now(&self) -> Option<Outcome> {
        let over = self.outcome.is_none() && self.leg != Leg::Open;
        let completed = self.leg == Leg::Filled && !self.must_be_followed();
        over.then_some(if completed { Outcome::Completed } else { Outcome::Failed })
    }

    /// The view after a fact of this author (`execution::apply`).
    pub(crate) fn after(mut self, fact: Fact, author: usize) -> Self {
        let newest = self.count().wrapping_sub(1);
        match fact {
            Fact::Claimed => self.claimed = true,
            Fact::LeaseTaken => self.owner = Some(author),
            Fact::Intent => {
                let (status, flight) = (Status::InFlight, Flight::default());
                let sent = Attempt { status, flight, salt: 0 };
                self.attempts[newest.wrapping_add(1)] = Some(sent);
            }
            Fact::LegFinished => {
                let filled = self.newest().is_some_and(|(_, last)| last.status == Status::Filled);
                self.leg = if filled { Leg::Filled } else { Leg::Failed };
            }
            Fact::OutcomeReached(outcome) => self.outcome = Some(outcome),
            Fact::Published => self.published = true,
            Fact::HandedOver => {}
            Fact::Reported(number, _) | Fact::CancelRequested(number) => self.tell(number, fact),
            Fact::Resubmitted(_)
            | Fact::AnswerLost
            | Fact::NotFound
            | Fact::Refused
            | Fact::Unsent => self.tell(newest, fact),
            Fact::Unresolved => {
                self.tell(newest, fact);
                self.leg = Leg::Failed;
            }
        }
        self
    }

    /// `execution::apply_to_child`.
    fn tell(&mut self, number: usize, fact: Fact) {
        let Some(child) = self.attempts.get_mut(number).and_then(Option::as_mut) else { return };
        match fact {
            Fact::Resubmitted(salt) => {
                child.flight = Flight { reposted: true, ..Flight::default() };
                child.salt = salt;
            }
            Fact::AnswerLost => child.flight.lost = true,
            Fact::NotFound => child.flight.not_found = true,
            Fact::Refused if child.status == Status::InFlight => child.status = Status::Rejected,
            Fact::Unsent if child.status == Status::InFlight => child.status = Status::Unsent,
            Fact::Unresolved if child.status.is_live() => child.status = Status::Unresolved,
            Fact::Reported(_, report) => child.status = child.status.after(report),
            Fact::CancelRequested(_) if child.status.is_live() => {
                child.status = Status::CancelInFlight;
            }
            _ => {}
        }
        // Nobody looks at a flight that has landed, but for the property that an order was adopted.
        if child.status != Status::InFlight {
            let lost = child.flight.lost && child.status == Status::Working;
            child.flight = Flight { lost, ..Flight::default() };
        }
    }
}
