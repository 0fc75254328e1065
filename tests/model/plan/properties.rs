//! What must always hold, and what must be reachable, so that it holds of something.

use alchemiser_core::child::Status;
use stateright::Property;

use super::{
    Plan, World,
    broker::{Broker, Id, Order},
    owner::{Answer, Next, Owner, Running, Stage},
    view::{ATTEMPTS, Attempt, Outcome},
};

pub(super) const I1: &str = "I1: at most one broker order per attempt";
pub(super) const I2: &str = "I2: at most one live order";
pub(super) const I3: &str = "I3: at most one order is filled";
pub(super) const I4: &str = "I4: a committed intent before every POST";
pub(super) const I5: &str = "I5: an attempt begins after the end of the one before";
pub(super) const I7_NUMBERS: &str = "I7: one entry per number";
pub(super) const I7_EPOCHS: &str = "I7: epochs rise, and their entries are their owner's";
pub(super) const I9_ONE: &str = "I9: at most one terminal event";
pub(super) const I9_COMMIT: &str = "I9: a terminal event is published after its commit";

type Law = Property<Plan>;

/// All of them.
pub(super) fn all() -> Vec<Law> {
    vec![
        Law::always(I1, |_, world| one_order_an_attempt(world)),
        Law::always(I2, |_, world| world.broker.count(Order::Live) <= 1),
        Law::always(I3, |_, world| world.broker.count(Order::Filled) <= 1),
        Law::always(I4, |_, world| every_post_is_intended(world)),
        Law::always(I5, |_, world| !world.log.early && only_the_newest_is_open(world)),
        Law::always(I7_NUMBERS, |_, world| !world.log.overwritten),
        Law::always(I7_EPOCHS, |_, world| !world.log.foreign),
        Law::always(I9_ONE, |_, world| world.published != [true; 2]),
        Law::always(I9_COMMIT, |_, world| {
            let outcome = world.log.view.outcome;
            let committed = [Outcome::Completed, Outcome::Failed].map(|it| outcome == Some(it));
            world.published.iter().zip(committed).all(|(published, it)| it || !published)
        }),
        Law::sometimes("a plan completes", |_, world| {
            let view = &world.log.view;
            view.is_complete() && view.outcome == Some(Outcome::Completed)
        }),
        Law::sometimes("a plan completes with its third attempt", |_, world| {
            let view = &world.log.view;
            view.outcome == Some(Outcome::Completed) && view.count() == 3
        }),
        Law::sometimes("an append of a zombie is refused", |_, world| {
            world.owners.contains(&Owner::Fenced)
        }),
        Law::sometimes("a POST of a zombie is on its way after the take-over", |_, world| {
            zombies(world).any(|zombie| matches!(zombie.stage, Stage::Sent(_)))
        }),
        Law::sometimes("a POST of a zombie is taken after the take-over", |_, world| {
            zombies(world).any(|zombie| zombie.stage == Stage::Answered(Answer::Known))
        }),
        Law::sometimes("an order is adopted after a lost answer", |_, world| {
            let adopted = |child: &Attempt| child.flight.lost && child.status == Status::Working;
            world.log.view.attempts.iter().flatten().any(adopted)
        }),
        Law::sometimes("a re-POST is a duplicate", |_, world| {
            let duplicate = |owner: &Owner| matches!(owner, Owner::Running(running) if running.stage == Stage::Answered(Answer::Duplicate));
            world.owners.iter().any(duplicate)
        }),
        Law::sometimes("a refusal settles an attempt", |_, world| {
            world.log.view.attempts.iter().flatten().any(|child| child.status == Status::Rejected)
        }),
        Law::sometimes("a fill overtakes a cancel", |_, world| {
            let newest = world.log.view.newest();
            newest.is_some_and(|(attempt, child)| {
                let order = world.broker.at(Id { attempt, salt: 0 }).order;
                child.status == Status::CancelInFlight && order == Order::Filled
            })
        }),
        Law::sometimes("an order that was given up lands after the outcome", |_, world| {
            let unresolved = |child: &Attempt| child.status == Status::Unresolved;
            world.log.view.is_complete()
                && world.log.view.attempts.iter().flatten().any(unresolved)
                && world.broker.count(Order::Live) == 1
        }),
    ]
}

fn one_order_an_attempt(world: &World) -> bool {
    let there = |id: &Id| world.broker.at(*id).order != Order::Absent;
    let of = |attempt: usize| Broker::ids().filter(move |id| id.attempt == attempt).filter(there);
    (0..ATTEMPTS).all(|attempt| of(attempt).count() <= 1)
}

fn every_post_is_intended(world: &World) -> bool {
    Broker::ids().all(|id| {
        let sent = world.is_on_the_way(id) || world.broker.at(id).order != Order::Absent;
        !sent || world.log.view.attempts[id.attempt].is_some()
    })
}

/// What is stronger than I5 asks for: an attempt that has ended stays ended.
fn only_the_newest_is_open(world: &World) -> bool {
    let older = world.log.view.count().saturating_sub(1);
    world.log.view.attempts[..older].iter().flatten().all(Attempt::has_ended)
}

/// Processes that do not know yet that somebody else has taken over.
fn zombies(world: &World) -> impl Iterator<Item = &Running> {
    world.owners.iter().filter_map(|owner| match owner {
        Owner::Running(running) if running.next == Next::Taken => Some(running),
        Owner::Running(_)
        | Owner::Away
        | Owner::Fenced
        | Owner::Accepting(_)
        | Owner::Reading(..) => None,
    })
}
