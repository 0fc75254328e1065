//! What should be under way now: computed from the state, never kept in a queue.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::{
    announce,
    child::{ChildOrder, Purpose, Status},
    controls::Approved,
    execution::Execution,
    fact::{Announced, Mark, Phase, StopCode},
    ids::{BrokerOrderId, ClientOrderId, Symbol},
    leg::{Leg, WaitCode},
    observed::Observed,
    side::Side,
};

/// Effects that are due, readings that are wanted, and when to look again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outstanding {
    /// Orders to send.
    pub submits: Vec<Approved>,
    /// Orders to cancel.
    pub cancels: Vec<(ClientOrderId, BrokerOrderId)>,
    /// Orders to look up by our id.
    pub look_ups: Vec<ClientOrderId>,
    /// Why the account is to be halted, if it is.
    pub halt: Option<StopCode>,
    /// Events to publish, in order.
    pub publications: Vec<Arc<Announced>>,
    /// Readings wanted before the next decision.
    pub reads: Reads,
    /// When to look again; `None` when nothing is left to do.
    pub wake_at: Option<Timestamp>,
}

/// How urgently something is to be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    /// Not at all.
    #[default]
    No,
    /// Unless it was read before.
    Once,
    /// Now.
    Now,
}

/// Readings wanted before the next decision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    /// The halt switch.
    pub halt: Wanted,
    /// The account's orders.
    pub orders: bool,
    /// The account.
    pub account: Wanted,
    /// All positions.
    pub positions: bool,
    /// The session clock, if the last reading is getting old.
    pub session: bool,
    /// Market data of these symbols.
    pub snapshots: Vec<Symbol>,
    /// These assets, unless they are known.
    pub assets: Vec<Symbol>,
}

/// What is due at `now`.
pub fn outstanding(state: &Execution, now: Timestamp) -> Outstanding {
    let publications = state.outbox.iter().filter(|outgoing| !outgoing.published);
    let publications = publications.map(|outgoing| outgoing.event.clone()).collect();
    if state.is_finished() {
        return followed(state, publications, now);
    }
    Outstanding {
        submits: state
            .children()
            .filter(|child| is_unsent(child))
            .filter_map(Approved::of)
            .collect(),
        cancels: state
            .children()
            .filter(|child| cancel_is_due(child, now))
            .filter_map(cancel_of)
            .collect(),
        look_ups: state
            .children()
            .filter(|child| look_up_is_due(child, now))
            .map(|c| c.client_order_id.clone())
            .collect(),
        halt: state.must_halt(),
        publications,
        reads: reads(state, now),
        wake_at: Some(wake_at(state, now)),
    }
}

/// After the outcome: an order that may still fill, or whose price is not known, is followed to its end.
fn followed(state: &Execution, publications: Vec<Arc<Announced>>, now: Timestamp) -> Outstanding {
    if !state.must_be_followed() {
        return Outstanding { publications, ..Outstanding::default() };
    }
    let due = state.children().filter(|child| cancel_is_due(child, now));
    Outstanding {
        cancels: due.filter_map(cancel_of).collect(),
        publications,
        reads: Reads { orders: true, ..Reads::default() },
        wake_at: Some(wake_at(state, now)),
        ..Outstanding::default()
    }
}

/// Approved here and now, and its POST got no answer yet (it gets one before the turn ends).
fn is_unsent(child: &ChildOrder) -> bool {
    child.status == Status::InFlight && child.verdict.is_fresh() && child.flight.lost_at.is_none()
}

/// A cancel is sent in the turn that asked for it; an unconfirmed one is asked for again.
fn cancel_is_due(child: &ChildOrder, now: Timestamp) -> bool {
    child.status == Status::CancelInFlight && child.cancel.is_some_and(|asked| asked.last_at >= now)
}

fn cancel_of(child: &ChildOrder) -> Option<(ClientOrderId, BrokerOrderId)> {
    Some((child.client_order_id.clone(), child.broker_order_id.clone()?))
}

/// An order in flight without an answer is looked up: at once, then 1, 2, 4, 8, 8 … seconds apart.
fn look_up_is_due(child: &ChildOrder, now: Timestamp) -> bool {
    if child.status != Status::InFlight || is_unsent(child) {
        return false;
    }
    let doublings = child.flight.not_found.saturating_sub(1).min(3);
    let pause = SignedDuration::from_secs(1_i64.checked_shl(doublings).unwrap_or(1));
    child.flight.not_found_at.is_none_or(|(_, last)| now.duration_since(last) >= pause)
}

/// The halt switch is read for as long as an order could leave, or until a halt of our own shows.
fn reads(state: &Execution, now: Timestamp) -> Reads {
    let halt =
        state.halt.is_none() && (state.phase < Phase::Closing || state.must_halt().is_some());
    let halt = if halt && !state.legs.is_empty() { Wanted::Now } else { Wanted::No };
    Reads { halt, ..other_reads(state, now) }
}

fn other_reads(state: &Execution, now: Timestamp) -> Reads {
    let all = || state.legs.iter().map(|leg| leg.symbol().clone()).collect::<Vec<_>>();
    let trading = state.phase.side();
    let quoted = |leg: &&Leg| {
        let wanted = leg.is_open() && (Some(leg.side) == trading || leg.arrival.is_none());
        wanted || is_marked(leg, now)
    };
    match state.phase {
        Phase::Preparing if state.legs.is_empty() => Reads::default(),
        Phase::Preparing => Reads {
            orders: true,
            account: Wanted::Now,
            positions: true,
            session: true,
            snapshots: all(),
            assets: all(),
            ..Reads::default()
        },
        Phase::Selling | Phase::Buying => Reads {
            orders: true,
            // Only a new owner lacks it.
            account: Wanted::Once,
            session: true,
            snapshots: state.legs.iter().filter(quoted).map(|leg| leg.symbol().clone()).collect(),
            ..Reads::default()
        },
        Phase::Proceeds => Reads {
            orders: true,
            account: Wanted::Now,
            session: true,
            snapshots: state
                .legs
                .iter()
                .filter(|leg| (leg.side == Side::Buy && leg.is_open()) || is_marked(leg, now))
                .map(|leg| leg.symbol().clone())
                .collect(),
            ..Reads::default()
        },
        Phase::Closing if state.children().next().is_none() => Reads::default(),
        Phase::Closing => Reads { orders: true, positions: true, ..Reads::default() },
        Phase::Finished => Reads::default(),
    }
}

/// A fill of the leg is so recent that its price is still looked at.
fn is_marked(leg: &Leg, now: Timestamp) -> bool {
    let last = Mark::AFTER.into_iter().max().map_or(0, i64::from);
    let recent = |at: &Timestamp| now.duration_since(*at).as_secs() <= last;
    leg.children.iter().filter_map(|child| child.filled_at).any(|at| recent(&at))
}

/// Soon after something was sent, else at the steady pace; a crossing order's patience is not overslept.
fn wake_at(state: &Execution, now: Timestamp) -> Timestamp {
    let policy = &state.policy;
    // Nothing is in a hurry while the open is quiet, and every reading costs calls.
    let quiet = state.phase == Phase::Preparing
        && state.legs.iter().any(|leg| matches!(leg.waiting, Some((WaitCode::OpenQuiet, _))));
    let steady = if quiet { policy.poll_slow } else { policy.poll_steady };
    let steady = now.saturating_add(steady).unwrap_or(now);
    let live = state.children().filter(|child| child.status.is_live());
    let quick = live.flat_map(|child| {
        let sent = child.cancel.map_or(child.intended_at, |asked| asked.last_at);
        let mut after = SignedDuration::ZERO;
        let mut moments: Vec<Timestamp> = policy
            .poll_quick
            .iter()
            .filter_map(|step| {
                after = after.saturating_add(*step);
                sent.saturating_add(after).ok()
            })
            .collect();
        if child.purpose == Purpose::Cross {
            moments.extend(child.intended_at.saturating_add(policy.cross_patience));
        }
        moments
    });
    quick.filter(|at| *at > now).fold(steady, Timestamp::min)
}

/// Orders that are canceled before anything trades: every open one of ours (leftovers of earlier plans, and of this plan
/// the ones that its recovered log has adopted: for these, too, the log holds no request), and other people's where the
/// policy says so.
pub fn leftovers(state: &Execution, observed: &Observed) -> Vec<BrokerOrderId> {
    if state.phase != Phase::Preparing {
        return Vec::new();
    }
    let foreign = observed.foreign.iter().filter(|_| state.policy.cancel_foreign_orders);
    let open = observed.orders.values().filter(|order| order.status.is_open());
    open.chain(foreign).map(|order| order.broker_order_id.clone()).collect()
}

/// Events that the state calls for and that were not announced yet, in order.
pub fn unannounced(state: &Execution) -> Vec<announce::Event> {
    announce::events(state)
        .into_iter()
        .filter(|event| !state.has_announced(&event.id(state)))
        .collect()
}
