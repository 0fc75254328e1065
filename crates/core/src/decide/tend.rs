//! A leg with a live order: find it, move it, cancel it, or leave it alone.

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::{
    child::{ChildOrder, Purpose, Status},
    controls::{Request, Ruling, View, rule},
    fact::{CancelReason, Fact, FactKind},
    ids::Symbol,
    leg::{LegOutcome, Reason, WaitCode},
    peg::{self, Decision},
};

use super::{Decider, ready};

/// Decides what becomes of the live order.
pub(super) fn tend(decider: &mut Decider<'_>, symbol: &Symbol, child: &ChildOrder) {
    match child.status {
        Status::InFlight => find(decider, symbol, child),
        Status::Working => working(decider, symbol, child),
        Status::CancelInFlight => confirm_cancel(decider, symbol, child),
        Status::Filled
        | Status::Canceled
        | Status::Rejected
        | Status::Expired
        | Status::Replaced => {}
        Status::Unsent | Status::Unresolved => {}
    }
}

/// Orders of legs that are over: one that landed after it was given up is canceled, an unconfirmed cancel is asked for
/// again, for as long as the plan runs.
pub(super) fn leftovers(decider: &mut Decider<'_>) {
    let over = decider.state.legs.iter().filter(|leg| !leg.is_open());
    let live: Vec<(Symbol, ChildOrder)> =
        over.filter_map(|leg| Some((leg.symbol().clone(), leg.live()?.clone()))).collect();
    for (symbol, child) in live {
        match child.status {
            Status::Working => cancel(decider, &symbol, &child, CancelReason::LegOver),
            Status::CancelInFlight => ask_again(decider, &symbol, &child),
            Status::InFlight | Status::Unsent | Status::Unresolved => {}
            Status::Filled
            | Status::Canceled
            | Status::Rejected
            | Status::Expired
            | Status::Replaced => {}
        }
    }
}

fn since(decider: &Decider<'_>, at: Timestamp) -> jiff::SignedDuration {
    decider.now.duration_since(at)
}

/// An order the broker has not been heard of: its POST is under way, or it must be looked up. Not found is no proof of
/// absence, so the same order is sent again under the same id; it never becomes another attempt.
fn find(decider: &mut Decider<'_>, symbol: &Symbol, child: &ChildOrder) {
    if decider.now > cancel_bound(decider, symbol) {
        return give_up(decider, symbol, child);
    }
    let Some((first, _)) = child.flight.not_found_at else {
        return;
    };
    let absent = since(decider, first);
    let policy = &decider.state.policy;
    if child.flight.not_found < 2 || absent < policy.resubmit_after {
        return;
    }
    let over = decider.state.stop.is_some()
        || decider.now > decider.state.leg_window_end(symbol, decider.now);
    if !over && resubmit(decider, symbol, child) {
        return;
    }
    if absent >= decider.state.policy.unresolved_after {
        give_up(decider, symbol, child);
    }
}

fn give_up(decider: &mut Decider<'_>, symbol: &Symbol, child: &ChildOrder) {
    decider.record(FactKind::Unresolved(symbol.clone(), child.attempt));
    decider.finish(symbol, LegOutcome::Failed(Reason::Unresolved));
}

/// How long after its window's end a leg still waits for certainty about its order.
fn cancel_bound(decider: &Decider<'_>, symbol: &Symbol) -> Timestamp {
    let end = decider.state.leg_window_end(symbol, decider.now);
    end.saturating_add(decider.state.policy.cancel_confirmation).unwrap_or(Timestamp::MAX)
}

fn resubmit(decider: &mut Decider<'_>, symbol: &Symbol, child: &ChildOrder) -> bool {
    let Ok(quote) = decider.observed.quote(symbol, decider.now, &decider.state.policy) else {
        return false;
    };
    let Some(leg) = decider.state.leg(symbol) else {
        return false;
    };
    let again = Some(&child.client_order_id);
    let request =
        Request { leg, terms: &child.terms, purpose: child.purpose, quote: &quote, again };
    let view = View {
        execution: &decider.state,
        observed: decider.observed,
        tokens: decider.tokens,
        now: decider.now,
    };
    match rule(&request, &view) {
        Ruling::Pass(verdict) if decider.spend(Decimal::ZERO) => {
            decider.record(FactKind::Resubmitted(symbol.clone(), child.attempt, verdict));
            true
        }
        Ruling::Pass(_) | Ruling::Wait(_) | Ruling::Refuse(_) => false,
    }
}

fn working(decider: &mut Decider<'_>, symbol: &Symbol, child: &ChildOrder) {
    let over = decider.now > decider.state.leg_window_end(symbol, decider.now);
    let leaves = decider.state.leg(symbol).map_or(child.leaves(), crate::leg::Leg::leaves);
    if decider.state.stop.is_some() {
        cancel(decider, symbol, child, CancelReason::PlanStopped);
    } else if child.leaves() > leaves {
        cancel(decider, symbol, child, CancelReason::TooMuch);
    } else if over {
        cancel(decider, symbol, child, CancelReason::WindowOver);
    } else {
        match child.purpose {
            // What was canceled could not be sent again.
            Purpose::Rest | Purpose::Cross if !halt_is_read(decider) => {
                decider.wait(symbol, Some(WaitCode::Reading));
            }
            Purpose::Cross => {
                if since(decider, child.intended_at) >= decider.state.policy.cross_patience {
                    cancel(decider, symbol, child, CancelReason::CrossAgain);
                }
            }
            Purpose::Rest => resting(decider, symbol, child),
        }
    }
}

fn halt_is_read(decider: &Decider<'_>) -> bool {
    let bound = decider.state.policy.halt_max_age;
    decider.observed.halt.as_ref().is_some_and(|(_, at)| since(decider, *at) <= bound)
}

fn resting(decider: &mut Decider<'_>, symbol: &Symbol, child: &ChildOrder) {
    let quote = match decider.observed.quote(symbol, decider.now, &decider.state.policy) {
        Ok(quote) => quote,
        Err(fault) => return decider.wait(symbol, Some(WaitCode::Quote(fault))),
    };
    decider.wait(symbol, None);
    let Some(leg) = decider.state.leg(symbol) else {
        return;
    };
    let parent = ready::parent(decider, leg, &quote, Some(child));
    match peg::decide(&parent, &quote, decider.now, &decider.state.policy) {
        Decision::Replace { .. } | Decision::Through { .. } => {
            cancel(decider, symbol, child, CancelReason::Repeg);
        }
        Decision::Cross { .. } => cancel(decider, symbol, child, CancelReason::ToCross),
        Decision::Rest { .. } | Decision::Hold => {}
    }
}

/// Asks for a cancel if the message budget has room. A re-peg leaves two calls for every live order. An order that must
/// not fill any more is canceled whatever the budget says; of those that were asked for before, the first of a look: a
/// new owner, whose budget is empty, must get on.
fn cancel(decider: &mut Decider<'_>, symbol: &Symbol, child: &ChildOrder, reason: CancelReason) {
    let live = decider.state.children().filter(|child| child.status.is_live()).count();
    let is_asked = |fact: &Fact| matches!(fact.kind, FactKind::CancelRequested(..));
    let (reserve, must) = match reason {
        CancelReason::Repeg => {
            (Decimal::from(live).saturating_mul(Decimal::TWO).min(Decimal::from(30)), false)
        }
        CancelReason::ToCross | CancelReason::CrossAgain | CancelReason::WindowOver => {
            (Decimal::ZERO, false)
        }
        CancelReason::PlanStopped | CancelReason::LegOver | CancelReason::TooMuch => {
            (Decimal::ZERO, true)
        }
        CancelReason::NotConfirmed => (Decimal::ZERO, !decider.facts.iter().any(is_asked)),
    };
    if must {
        decider.spend_anyway();
    }
    if must || decider.spend(reserve) {
        decider.record(FactKind::CancelRequested(symbol.clone(), child.attempt, reason));
    }
}

/// An unconfirmed cancel is asked for again, and never counts as gone.
fn confirm_cancel(decider: &mut Decider<'_>, symbol: &Symbol, child: &ChildOrder) {
    if decider.now > cancel_bound(decider, symbol) {
        decider.finish(symbol, LegOutcome::Failed(Reason::CancelUnconfirmed));
    } else {
        ask_again(decider, symbol, child);
    }
}

fn ask_again(decider: &mut Decider<'_>, symbol: &Symbol, child: &ChildOrder) {
    let asked = child.cancel.map_or(child.reported_at, |asked| Some(asked.last_at));
    let waited = since(decider, asked.unwrap_or(child.intended_at));
    if waited >= decider.state.policy.cancel_retry {
        cancel(decider, symbol, child, CancelReason::NotConfirmed);
    }
}
