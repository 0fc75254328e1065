//! A log that lost entries, or all of them, goes on from what the broker says.
//!
//! Ids are derived, so the broker's list of orders says which orders were sent: attempt k of a leg has one id, whoever
//! asks. What the log lacks is adopted with the broker's quantity, price and fills; what the broker cannot know (why, on
//! which quote, past which controls) stays unknown. The leg's next attempt has the id that the next attempt would have
//! had: if it was sent before the log was lost, the broker refuses it as a duplicate, and it is adopted then.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{
    child::{ChildOrder, OrderKind, OrderTerms, Status},
    execution::Execution,
    fact::{FactKind, Phase, Reported, Sized, StopCode},
    ids::{ClientOrderId, Symbol},
    leg::{Leg, LegOutcome, Reason},
    report::OrderReport,
    sizing,
};

/// Attempts of a leg that are looked for: as many as the setting `children_max` allows at most, whatever it was.
const ATTEMPTS_SOUGHT: u32 = 100;

/// What was lost, and what was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// Entries of the log that were left.
    pub entries: u64,
    /// Orders that the log lacked.
    pub orders: u32,
    /// The plan had given its account back, or its ledger was written: nothing more is traded.
    pub is_over: bool,
}

/// An order of a plan that its log lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// The leg.
    pub symbol: Symbol,
    /// Which order of its leg.
    pub attempt: u32,
    /// The order as the broker has it.
    pub report: OrderReport,
}

/// The orders of the plan that the broker has and the log does not, legs in the plan's order, attempts ascending.
pub fn lost<'a>(state: &Execution, orders: impl IntoIterator<Item = &'a OrderReport>) -> Vec<Lost> {
    let known = |id: &ClientOrderId| state.children().any(|child| child.client_order_id == *id);
    let unknown = orders.into_iter().filter_map(|order| Some((order.our_id()?, order)));
    let unknown: BTreeMap<ClientOrderId, &OrderReport> =
        unknown.filter(|(id, _)| !known(id)).collect();
    let mut found: Vec<(usize, Lost)> = Vec::new();
    for attempt in 1..=ATTEMPTS_SOUGHT {
        // Most legs have few orders: once each of ours is found, no more ids are derived.
        if found.len() == unknown.len() {
            break;
        }
        let of_leg = |(place, leg): (usize, &Leg)| {
            let id = leg_order_id(state, leg, attempt);
            let report = (*unknown.get(&id)?).clone();
            Some((place, Lost { symbol: leg.symbol().clone(), attempt, report }))
        };
        found.extend(state.legs.iter().enumerate().filter_map(of_leg));
    }
    // Attempts ascend already.
    found.sort_by_key(|(place, _)| *place);
    found.into_iter().map(|(_, lost)| lost).collect()
}

fn leg_order_id(state: &Execution, leg: &Leg, attempt: u32) -> ClientOrderId {
    let plan = &state.plan;
    ClientOrderId::derive(&plan.account, &plan.plan_id, leg.symbol(), leg.side, attempt)
}

/// What goes into the log: that it was recovered, what the broker says of the orders that it knows, every order that it
/// lacks, and, of a plan that was over, its end.
pub fn facts(
    state: &Execution,
    (orders, lost): (&[OrderReport], &[Lost]),
    recovery: Recovery,
) -> Vec<FactKind> {
    let mut facts = vec![FactKind::Recovered(recovery)];
    facts.extend(news(state, orders));
    facts.extend(lost.iter().map(|lost| {
        let reported = Box::new(reported(&lost.report));
        FactKind::Adopted(lost.symbol.clone(), lost.attempt, reported)
    }));
    if recovery.is_over && state.phase < Phase::Closing {
        let mut after = state.clone();
        for kind in &facts {
            after.take(&crate::fact::Fact { at: state.last_at, kind: kind.clone() });
        }
        facts
            .extend(after.legs.iter().filter(|leg| leg.is_open()).flat_map(|leg| end(&after, leg)));
        facts.push(FactKind::PhaseChanged(Phase::Closing));
    }
    facts
}

/// What the broker says of orders that the log knows: one that was replaced by a lost one has ended since.
fn news(state: &Execution, orders: &[OrderReport]) -> Vec<FactKind> {
    let of = |(leg, child): (&Leg, &ChildOrder)| {
        let id = child.client_order_id.as_str();
        let report = orders.iter().find(|order| order.client_order_id == id)?;
        let same = report.symbol == child.terms.symbol && report.side == child.terms.side;
        let reported = reported(report);
        let news =
            FactKind::Reported(leg.symbol().clone(), child.attempt, Box::new(reported.clone()));
        (same && child.is_news(&reported)).then_some(news)
    };
    let legs = state.legs.iter();
    legs.flat_map(|leg| leg.children.iter().map(move |child| (leg, child))).filter_map(of).collect()
}

fn reported(report: &OrderReport) -> Reported {
    Reported {
        broker_order_id: report.broker_order_id.clone(),
        status: report.status,
        quantity: report.quantity,
        limit: report.limit,
        cumulative: report.cumulative,
        average_price: report.average_price,
        submitted_at: report.submitted_at,
        filled_at: report.filled_at,
        quote: None,
    }
}

/// How a leg of a plan that was over ended, as far as its orders tell.
fn end(state: &Execution, leg: &Leg) -> Vec<FactKind> {
    let (symbol, filled) = (leg.symbol().clone(), leg.filled());
    let whole = leg.children.last().is_some_and(|last| last.status == Status::Filled);
    let small = leg.item.trade_amount.abs() < state.policy.notional_min;
    let outcome = match (leg.children.is_empty(), filled.is_zero()) {
        (true, _) if small => LegOutcome::Skipped(Reason::TooSmall),
        (true, _) => LegOutcome::Failed(Reason::PlanStopped(StopCode::LogIncomplete)),
        (false, true) => LegOutcome::Unfilled(Reason::WindowOver),
        (false, false) if whole || sizing::is_trifle(leg, &state.policy) => LegOutcome::Filled,
        (false, false) => LegOutcome::PartiallyFilled(Reason::WindowOver),
    };
    let unsized_yet = leg.sized.is_none() && !filled.is_zero();
    let target = Sized { target: filled, trimmed: false };
    let sized = unsized_yet.then(|| FactKind::Sized(symbol.clone(), target));
    sized.into_iter().chain([FactKind::LegFinished(symbol, outcome, None)]).collect()
}

/// Takes an adopted order into its leg, in the order of the attempts.
pub(crate) fn adopt(
    state: &mut Execution,
    (symbol, attempt, report): (&Symbol, u32, &Reported),
    at: Timestamp,
) {
    let Some(leg) = state.leg(symbol) else { return };
    let known = leg.children.iter().any(|child| child.attempt == attempt);
    let Some(limit) = report.limit.or(report.average_price).filter(|_| !known) else { return };
    let id = leg_order_id(state, leg, attempt);
    let terms = OrderTerms {
        symbol: symbol.clone(),
        side: leg.side,
        quantity: report.quantity,
        limit,
        kind: if report.limit.is_some() { OrderKind::Limit } else { OrderKind::Market },
    };
    let mut child = ChildOrder::adopted(id, terms, (attempt, report));
    child.follow(report, at);
    let sent = report.submitted_at;
    state.first_order_at = Some(state.first_order_at.map_or(sent, |first| first.min(sent)));
    if let Some(leg) = state.leg_mut(symbol) {
        leg.started_at = Some(leg.started_at.map_or(sent, |first| first.min(sent)));
        let place = leg.children.partition_point(|child| child.attempt < attempt);
        leg.children.insert(place, child);
    }
}

/// The first order that a leg intends after a recovery may have been sent before it: a refusal settles it no more than
/// one of a repetition.
pub(crate) fn may_have_been_sent(leg: &Leg, recovered: Option<Timestamp>) -> bool {
    recovered.is_some_and(|at| {
        leg.children.iter().all(|child| child.is_adopted() || child.intended_at <= at)
    })
}
