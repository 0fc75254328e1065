//! A phase: its legs in parallel, the most urgent first, until all are over.

use crate::{
    child::ChildOrder,
    fact::{FactKind, Phase},
    ids::Symbol,
    leg::{Leg, LegOutcome, Reason},
    planted::{Plant, is_planted},
    side::Side,
    sizing,
};

use super::{Decider, ready, tend};

/// Works every open leg of the side, and goes on when none is left.
pub(super) fn phase(decider: &mut Decider<'_>, side: Side) {
    arrivals(decider);
    if side == Side::Buy {
        allocate(decider);
    }
    if let Some(code) = decider.state.stop {
        decider.finish_stopped(code);
    }
    for symbol in by_urgency(decider, side) {
        match decider.state.leg(&symbol).and_then(|leg| leg.live().cloned()) {
            Some(child) => tend::tend(decider, &symbol, &child),
            None => ready::ready(decider, &symbol),
        }
    }
    let is_over =
        |leg: &Leg| !leg.is_open() || (is_planted(Plant::BuysBeforeSells) && leg.was_placed());
    let over = decider.state.side(side).all(is_over);
    if over {
        go_on(decider, side);
    }
}

/// Legs that may cancel before legs that may send; then by priority, in the plan's order.
fn by_urgency(decider: &Decider<'_>, side: Side) -> Vec<Symbol> {
    let mut legs: Vec<(bool, u8, Symbol)> = decider
        .state
        .side(side)
        .filter(|leg| leg.is_open())
        .map(|leg| (leg.live().is_none(), leg.item.priority, leg.symbol().clone()))
        .collect();
    legs.sort_by_key(|(idle, priority, _)| (*idle, *priority));
    legs.into_iter().map(|(_, _, symbol)| symbol).collect()
}

/// Notes the first usable quote of every leg, buys too: it is what the plan's cost is measured against.
fn arrivals(decider: &mut Decider<'_>) {
    let missing = decider.state.legs.iter().filter(|leg| leg.arrival.is_none() && leg.is_open());
    let symbols: Vec<Symbol> = missing.map(|leg| leg.symbol().clone()).collect();
    for symbol in symbols {
        if let Ok(quote) = decider.observed.quote(&symbol, decider.now, &decider.state.policy) {
            decider.record(FactKind::Arrived(symbol, quote));
        }
    }
}

fn allocate(decider: &mut Decider<'_>) {
    let open = |leg: &&crate::leg::Leg| leg.is_open();
    if decider.state.side(Side::Buy).filter(open).all(|leg| leg.allocation.is_some()) {
        return;
    }
    let Some(budget) = decider.state.budget() else {
        return;
    };
    let amounts =
        sizing::allocate(decider.state.side(Side::Buy).filter(open), budget, &decider.state.policy);
    let unfunded: Vec<Symbol> = amounts
        .iter()
        .filter(|(_, amount)| !amount.is_positive())
        .map(|(symbol, _)| symbol.clone())
        .collect();
    decider.record(FactKind::Allocated(amounts));
    for symbol in unfunded {
        decider.finish(&symbol, LegOutcome::Skipped(Reason::Unfunded));
    }
}

fn go_on(decider: &mut Decider<'_>, side: Side) {
    let buys_open = decider.state.side(Side::Buy).any(super::super::leg::Leg::is_open);
    let next = match side {
        Side::Sell if buys_open && decider.state.stop.is_none() => Phase::Proceeds,
        Side::Sell | Side::Buy => Phase::Closing,
    };
    let selling = decider
        .state
        .side(Side::Sell)
        .flat_map(|leg| &leg.children)
        .any(ChildOrder::may_still_fill);
    let selling = selling && !is_planted(Plant::BuysBeforeSells);
    if next == Phase::Proceeds && (selling || decider.state.sells_incomplete()) {
        let buys: Vec<Symbol> =
            decider.state.side(Side::Buy).map(|leg| leg.symbol().clone()).collect();
        for symbol in buys {
            decider.finish(&symbol, LegOutcome::Skipped(Reason::SellsIncomplete));
        }
        decider.record(FactKind::PhaseChanged(Phase::Closing));
        return;
    }
    decider.record(FactKind::PhaseChanged(next));
}
