//! An owner: a process that accepts or executes the plan, and what it may do next.

use alchemiser_core::{child::Status, report::BrokerStatus};

use super::{
    broker::{Broker, Id},
    fault::Fault,
    view::{ATTEMPTS, Attempt, Fact, Leg, View},
};

/// Whether the number that a writer would write next is still free in the log. Numbers themselves do not matter: one
/// that is taken stays taken, so the model keeps only this, and a log may be of any length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Next {
    Free,
    Taken,
}

/// A process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Owner {
    /// There is none.
    Away,
    /// Its append was refused: it stopped at once (`LogError::Lost`).
    Fenced,
    /// `accept::claim` saw no log, and is about to claim.
    Accepting(Next),
    /// `execute::execute` has read the log, and is about to take the lease.
    Reading(Next, View),
    /// `turn::Owned`.
    Running(Running),
}

/// An execution that a process owns, or believes to own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Running {
    pub(crate) next: Next,
    /// Its own copy of the state: what it has read and written.
    pub(crate) view: View,
    pub(crate) stage: Stage,
}

/// Where in its turn it is. A process may be frozen in any of them for any time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Stage {
    /// It reads, decides and commits.
    Turn,
    /// It has committed; an effect is due (`outstanding`).
    Perform(Due),
    /// Its POST is on the way, and it waits for the answer.
    Sent(Id),
    /// It has the answer, in memory only.
    Answered(Answer),
    /// The bus took the terminal event; that is in memory only.
    Taken,
}

/// `outstanding::Outstanding`. Look-ups and publications are due in every turn, and so are no stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Due {
    Submit(Id),
    Cancel,
}

/// `observed::Answer` to a POST.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Answer {
    Known,
    Refused,
    Duplicate,
    Lost,
    NotSent,
}

impl Running {
    /// The id of an attempt.
    fn id(&self, attempt: usize) -> Id {
        let salt = self.view.attempts[attempt].map_or(0, |child| child.salt);
        Id { attempt, salt }
    }

    /// Entries that it may write next, one fact each.
    pub(crate) fn entries(&self, broker: &Broker, fault: Option<Fault>) -> Vec<Fact> {
        let mut facts = match self.stage {
            Stage::Perform(_) | Stage::Sent(_) => return Vec::new(),
            Stage::Answered(answer) => Vec::from_iter(self.absorb(answer, fault)),
            Stage::Taken => vec![Fact::Published],
            Stage::Turn => self.decide(broker, fault),
        };
        // `execute::hand_over` comes between two turns; an answer that was not recorded yet is forgotten with it.
        if !self.view.is_complete() {
            facts.push(Fact::HandedOver);
        }
        facts
    }

    /// `absorb::answered` and `absorb::refused`.
    fn absorb(&self, answer: Answer, fault: Option<Fault>) -> Option<Fact> {
        let (number, child) = self.view.newest()?;
        let flight = child.flight;
        // `Verdict::is_fresh` goes without saying: the answer is in the memory of the process that was approved.
        let only_post = !flight.lost && !flight.reposted;
        let only_post = only_post || fault == Some(Fault::RefusedRepostSettles);
        let unsent = !flight.reposted || fault == Some(Fault::WithheldRepostIsUnsent);
        Some(match answer {
            Answer::Known => Fact::Reported(number, BrokerStatus::New),
            Answer::Refused if only_post => Fact::Refused,
            Answer::NotSent if unsent => Fact::Unsent,
            Answer::Refused | Answer::NotSent | Answer::Duplicate | Answer::Lost => {
                Fact::AnswerLost
            }
        })
    }

    /// `decide::decide`. Everything that it decides in one turn and one entry is an entry of its own here, and bounds
    /// in time (windows, waits, retries) may be over at any moment or never.
    fn decide(&self, broker: &Broker, fault: Option<Fault>) -> Vec<Fact> {
        let mut facts = self.reports(broker);
        let newest = self.view.newest();
        if self.view.outcome.is_none() && self.view.leg == Leg::Open {
            match newest {
                None => facts.extend(self.ready(true)),
                Some((_, child)) => facts.extend(self.tend(child, fault)),
            }
        }
        facts.extend(self.view.outcome_now().map(Fact::OutcomeReached));
        if let Some((number, child)) = newest {
            facts.extend(Self::cancel(number, child.status));
        }
        facts
    }

    /// `absorb::reported`, of a list of orders or of a look-up that found the order.
    fn reports(&self, broker: &Broker) -> Vec<Fact> {
        let mut facts = Vec::new();
        for number in 0..self.view.count() {
            let Some(child) = self.view.attempts[number] else { continue };
            let readings = broker.readings(self.id(number)).iter();
            let news = readings.filter(|report| child.status.after(**report) != child.status);
            facts.extend(news.map(|report| Fact::Reported(number, *report)));
        }
        facts
    }

    /// A leg without a live order (`ready::ready`): its next attempt, or its end.
    fn ready(&self, ends: bool) -> impl Iterator<Item = Fact> {
        let room = self.view.count() < ATTEMPTS;
        room.then_some(Fact::Intent).into_iter().chain(ends.then_some(Fact::LegFinished))
    }

    /// A leg with an order (`tend::tend`, and `ready::ready` once the order has ended).
    fn tend(&self, child: Attempt, fault: Option<Fault>) -> Vec<Fact> {
        let mistaken = |of: Fault| self.ready(false).filter(move |_| fault == Some(of));
        match child.status {
            // `tend::find` and `tend::resubmit`; `tend::give_up` at the window's end.
            Status::InFlight if child.flight.not_found => {
                let salt = usize::from(fault == Some(Fault::FreshIdForRetry));
                let facts = [Fact::Resubmitted(salt), Fact::Unresolved].into_iter();
                facts.chain(mistaken(Fault::NotFoundIsAbsence)).collect()
            }
            Status::InFlight => vec![Fact::NotFound, Fact::Unresolved],
            // `tend::confirm_cancel` at its bound.
            Status::CancelInFlight => [Fact::LegFinished]
                .into_iter()
                .chain(mistaken(Fault::CancelRequestedIsGone))
                .collect(),
            Status::Canceled | Status::Unsent | Status::Rejected => self.ready(true).collect(),
            Status::Filled | Status::Expired | Status::Replaced => vec![Fact::LegFinished],
            Status::Working | Status::Unresolved => Vec::new(),
        }
    }

    /// `tend::working`, `tend::leftovers` and `tend::ask_again`.
    fn cancel(number: usize, status: Status) -> Option<Fact> {
        let asks = matches!(status, Status::Working | Status::CancelInFlight);
        asks.then_some(Fact::CancelRequested(number))
    }

    /// After an entry of its own was written: the state, and the effect that is due.
    pub(crate) fn follow(mut self, fact: Fact, author: usize) -> Owner {
        self.view = self.view.after(fact, author);
        self.stage = match fact {
            Fact::Intent | Fact::Resubmitted(_) => {
                let number = self.view.count().wrapping_sub(1);
                Stage::Perform(Due::Submit(self.id(number)))
            }
            Fact::CancelRequested(_) => Stage::Perform(Due::Cancel),
            Fact::HandedOver | Fact::Published => return Owner::Away,
            _ => Stage::Turn,
        };
        Owner::Running(self)
    }
}

impl Owner {
    /// Somebody else wrote the number that it would write next. From now on it is a zombie: whatever it appends is
    /// refused, so all that is left of it is the effect that it is about to perform. Its view is forgotten but for
    /// that, which makes the same states of what behaves the same; a zombie that ignores refusals keeps it.
    pub(crate) fn lose(&mut self, ignores: bool) {
        match self {
            Self::Away | Self::Fenced => {}
            Self::Accepting(next) => *next = Next::Taken,
            Self::Reading(next, view) => (*next, *view) = (Next::Taken, View::default()),
            Self::Running(running) => {
                running.next = Next::Taken;
                if !ignores {
                    let View { outcome, published, .. } = running.view;
                    running.view = View { outcome, published, ..View::default() };
                }
            }
        }
    }
}
