//! What happened, and what is hereby resolved.
//!
//! [`decide`] turns the state and the view into facts. It never fails: what cannot be done is a fact with a code. Each
//! fact is applied to a scratch copy of the state before the next is decided, so that two orders of one turn cannot use
//! the same money.

mod absorb;
mod close;
mod marks;
mod prepare;
mod ready;
mod tend;
mod work;

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::{
    execution::Execution,
    fact::{Fact, FactKind, Phase, StopCode},
    ids::Symbol,
    leg::{LegOutcome, Reason, WaitCode},
    observed::Observed,
    side::Side,
};

/// Decides everything that can be decided now.
pub fn decide(execution: &Execution, observed: &Observed, now: Timestamp) -> Vec<Fact> {
    let now = now.max(execution.last_at);
    let tokens = observed.tokens.available(now, &execution.policy);
    let mut decider =
        Decider { state: execution.clone(), observed, now, tokens, facts: Vec::new() };
    absorb::reports(&mut decider);
    decider.stop_if_needed();
    tend::leftovers(&mut decider);
    loop {
        let before = decider.state.phase;
        match before {
            Phase::Preparing => prepare::prepare(&mut decider),
            Phase::Selling => work::phase(&mut decider, Side::Sell),
            Phase::Proceeds => close::proceeds(&mut decider),
            Phase::Buying => work::phase(&mut decider, Side::Buy),
            Phase::Closing => close::close(&mut decider),
            Phase::Finished => {}
        }
        if decider.state.phase == before {
            // They are no news by themselves: they go with what is written anyway.
            if !decider.facts.is_empty() {
                marks::marks(&mut decider);
            }
            return decider.facts;
        }
    }
}

struct Decider<'a> {
    state: Execution,
    observed: &'a Observed,
    now: Timestamp,
    tokens: Decimal,
    facts: Vec<Fact>,
}

impl Decider<'_> {
    fn record(&mut self, kind: FactKind) {
        let fact = Fact { at: self.now, kind };
        self.state.take(&fact);
        self.facts.push(fact);
    }

    fn stop(&mut self, code: StopCode) {
        self.record(FactKind::PlanStopped(code));
    }

    fn finish(&mut self, symbol: &Symbol, outcome: LegOutcome) {
        let quote = self.observed.quote(symbol, self.now, &self.state.policy).ok().map(Box::new);
        self.record(FactKind::LegFinished(symbol.clone(), outcome, quote));
    }

    /// Notes what a leg waits for, when that changes.
    fn wait(&mut self, symbol: &Symbol, code: Option<WaitCode>) {
        let current = self.state.leg(symbol).and_then(|leg| leg.waiting).map(|(code, _)| code);
        if current != code {
            self.record(FactKind::Waiting(symbol.clone(), code));
        }
    }

    /// Takes one call out of the message budget, leaving at least `reserve`.
    fn spend(&mut self, reserve: Decimal) -> bool {
        let enough = self.tokens >= Decimal::ONE.saturating_add(reserve);
        if enough {
            self.tokens = self.tokens.saturating_sub(Decimal::ONE);
        }
        enough
    }

    /// Takes one call that is made whatever the budget says: the broker allows more than we plan with.
    fn spend_anyway(&mut self) {
        self.tokens = self.tokens.saturating_sub(Decimal::ONE);
    }

    fn stop_if_needed(&mut self) {
        let halt = self.observed.halt.as_ref().and_then(|(halt, _)| halt.clone());
        if let (Some(halt), None) = (&halt, &self.state.halt) {
            self.record(FactKind::HaltSeen(halt.clone()));
        }
        let canceled = self.observed.canceled.as_ref();
        if let (Some(who), None) = (canceled, &self.state.canceled) {
            self.record(FactKind::CancelSeen(who.clone()));
        }
        if self.state.stop.is_some() || self.state.phase >= Phase::Closing {
            return;
        }
        let late = self
            .state
            .preflight
            .as_ref()
            .is_some_and(|(preflight, _)| self.now > preflight.deadline);
        if canceled.is_some() && !self.state.legs.is_empty() {
            self.stop(StopCode::Canceled);
        } else if halt.is_some() && !self.state.legs.is_empty() {
            self.stop(StopCode::Halted);
        } else if late {
            self.stop(StopCode::DeadlinePassed);
        } else if self.state.shortfall_is_too_high() {
            self.stop(StopCode::ShortfallTooHigh);
        } else if self.state.reject_breaker_tripped(self.now) {
            self.stop(StopCode::RejectBreaker);
        }
    }

    /// Ends every open leg of a stopped plan that has no live order.
    fn finish_stopped(&mut self, code: StopCode) {
        let idle = |leg: &&crate::leg::Leg| leg.is_open() && leg.live().is_none();
        let symbols: Vec<Symbol> =
            self.state.legs.iter().filter(idle).map(|leg| leg.symbol().clone()).collect();
        for symbol in symbols {
            let reason = Reason::PlanStopped(code);
            let outcome = match self.state.leg(&symbol) {
                Some(leg) if leg.filled().is_zero() && leg.was_placed() => {
                    LegOutcome::Unfilled(reason)
                }
                Some(leg) if leg.filled().is_zero() => LegOutcome::Refused(reason),
                Some(leg) if leg.sized.is_some() && leg.leaves().is_zero() => ready::complete(leg),
                Some(_) | None => LegOutcome::PartiallyFilled(reason),
            };
            self.finish(&symbol, outcome);
        }
    }
}
