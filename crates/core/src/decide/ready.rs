//! A leg without a live order: size it, send its next order, or end it.

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use crate::{
    child::{ChildOrder, OrderKind, OrderTerms, Purpose, Status},
    controls::{self, Request, Ruling, View},
    fact::{CancelReason, FactKind, Intent, LegCheck, RefusalKind, Sized},
    ids::{ClientOrderId, Symbol},
    leg::{Leg, LegOutcome, Reason, WaitCode},
    money::Money,
    peg::{self, Base, Decision, Parent, Resting},
    plan::Urgency,
    planted::{Plant, is_planted},
    policy::Policy,
    price::{Price, Tick},
    quantity::Quantity,
    quote::Quote,
    side::Side,
    sizing,
};

use super::Decider;

/// Decides a leg's next step.
pub(super) fn ready(decider: &mut Decider<'_>, symbol: &Symbol) {
    let Some(leg) = decider.state.leg(symbol).filter(|leg| leg.is_open()).cloned() else {
        return;
    };
    if let Some(outcome) = after_last(&leg, decider) {
        return decider.finish(symbol, outcome);
    }
    // The broker's number may just have been adopted.
    let Some(leg) = decider.state.leg(symbol).cloned() else {
        return;
    };
    if let Some(code) = lagging(&leg, decider.now) {
        return hold(decider, &leg, code);
    }
    let quote = match decider.observed.quote(symbol, decider.now, &decider.state.policy) {
        Ok(quote) => quote,
        Err(fault) => return hold(decider, &leg, WaitCode::Quote(fault)),
    };
    let Some(leg) = sized(decider, leg, &quote) else {
        return;
    };
    let Some(check) = leg.check.clone() else {
        return;
    };
    if let Some(outcome) = traded(&leg, &quote, &check, &decider.state.policy) {
        return decider.finish(symbol, outcome);
    }
    if decider.now > decider.state.leg_window_end(symbol, decider.now) {
        return decider.finish(symbol, by_fills(&leg, window_reason(&leg, &quote, decider)));
    }
    let attempts = u32::try_from(leg.children.len()).unwrap_or(u32::MAX);
    if attempts >= decider.state.policy.children_max {
        return decider.finish(symbol, by_fills(&leg, Reason::ChildrenExhausted));
    }
    let parent = parent(decider, &leg, &quote, None);
    match peg::decide(&parent, &quote, decider.now, &decider.state.policy) {
        Decision::Rest { limit } | Decision::Replace { limit } => {
            send(decider, &leg, &quote, (limit, Purpose::Rest));
        }
        Decision::Through { limit } | Decision::Cross { limit } => {
            send(decider, &leg, &quote, (limit, Purpose::Cross));
        }
        Decision::Hold => {}
    }
}

/// How a leg ends that has nothing left to send; `None` while it has. The residue of an asset that is traded in whole
/// shares is tried once.
fn traded(leg: &Leg, quote: &Quote, check: &LegCheck, policy: &Policy) -> Option<LegOutcome> {
    match (leg.residue(), leg.residue_order()) {
        (Some(_), Some(_)) => Some(but_for_residue(leg)),
        (Some(_), None) => None,
        (None, _) => sizing::is_too_small(leg.leaves(), quote.bid.price, check, policy)
            .then(|| complete(leg)),
    }
}

/// The outcome of a leg of which only the fraction is left that the broker did not take.
fn but_for_residue(leg: &Leg) -> LegOutcome {
    let trimmed = leg.sized.is_some_and(|sized| sized.trimmed);
    if trimmed { complete(leg) } else { LegOutcome::Residue }
}

/// The outcome of a leg whose target is traded: a target that was lowered by more than a trifle is not the plan's.
pub(super) fn complete(leg: &Leg) -> LegOutcome {
    let trimmed = leg.sized.is_some_and(|sized| sized.trimmed);
    match (trimmed, leg.side) {
        (false, _) => LegOutcome::Filled,
        (true, Side::Buy) => LegOutcome::PartiallyFilled(Reason::Unfunded),
        (true, Side::Sell) => LegOutcome::PartiallyFilled(Reason::SharesHeld),
    }
}

/// How long a leg waits after so many refusals that time may cure: 2, 4, 8 s.
fn lag(refusals: usize) -> SignedDuration {
    let doublings = u32::try_from(refusals).unwrap_or(u32::MAX).min(3);
    SignedDuration::from_secs(1_i64.checked_shl(doublings).unwrap_or(8))
}

/// What a leg waits for whose last order was refused for what time may cure: shares or money that the broker may only
/// be slow to show, somebody's order on the other side, a venue that rejects what the broker took.
fn lagging(leg: &Leg, now: Timestamp) -> Option<WaitCode> {
    let refusals = leg.children.iter().filter(|child| child.status == Status::Rejected).count();
    let last = leg.children.last()?;
    let code = match (last.status, last.refusal.as_ref().map(|refusal| refusal.kind)) {
        (Status::Rejected, Some(RefusalKind::InsufficientQuantity { available }))
            if refusals > 1 || available.is_none_or(Quantity::is_zero) =>
        {
            WaitCode::BrokerLag
        }
        (Status::Rejected, Some(RefusalKind::InsufficientFunds) | None) => WaitCode::BrokerLag,
        (Status::Rejected, Some(RefusalKind::WashTrade)) => WaitCode::LiveOrder,
        (_, _) => return None,
    };
    let since = last.ended_at?;
    (now.duration_since(since) < lag(refusals)).then_some(code)
}

/// How the leg ends because of how its last order ended; `None` to go on.
fn after_last(leg: &Leg, decider: &mut Decider<'_>) -> Option<LegOutcome> {
    let last = leg.children.last()?;
    let refusals = leg.children.iter().filter(|child| child.status == Status::Rejected).count();
    match (last.status, last.refusal.as_ref().map(|refusal| refusal.kind)) {
        (Status::Rejected, _) if leg.residue_order() == Some(last) => Some(but_for_residue(leg)),
        (Status::Expired, _) => Some(by_fills(leg, Reason::WindowOver)),
        (Status::Replaced, _) => Some(by_fills(leg, Reason::Replaced)),
        (Status::Rejected, _) if refusals >= 4 => Some(by_fills(leg, Reason::Rejected)),
        (Status::Rejected, Some(RefusalKind::InsufficientQuantity { available })) => {
            adopt(leg, available, refusals, decider)
        }
        (
            Status::Rejected,
            Some(RefusalKind::InsufficientFunds | RefusalKind::WashTrade) | None,
        ) => None,
        // Half-cent prices of this symbol are not taken that day; whole cents are.
        (Status::Rejected, Some(RefusalKind::SubPenny)) if leg.tick_of(last) == Tick::HALF_CENT => {
            None
        }
        (
            Status::Rejected,
            Some(RefusalKind::SubPenny | RefusalKind::NotFractionable | RefusalKind::Other),
        ) => Some(by_fills(leg, Reason::Rejected)),
        (Status::Filled | Status::Canceled | Status::Unsent, _) => None,
        (Status::Unresolved | Status::InFlight | Status::Working | Status::CancelInFlight, _) => {
            None
        }
    }
}

/// "insufficient qty available": the broker's number is adopted once, at most the leaves.
fn adopt(
    leg: &Leg,
    available: Option<Quantity>,
    refusals: usize,
    decider: &mut Decider<'_>,
) -> Option<LegOutcome> {
    let available = available.filter(|quantity| !quantity.is_zero() && refusals == 1)?;
    let target = leg.filled().plus(available.min(leg.leaves()));
    let kept = Decimal::ONE.saturating_sub(decider.state.policy.trim_max);
    let asked = leg.sized.map_or(Decimal::ZERO, |sized| sized.target.shares());
    let trimmed = leg.sized.is_some_and(|sized| sized.trimmed)
        || target.shares() < asked.saturating_mul(kept);
    let adopted = Sized { target, trimmed };
    if leg.sized != Some(adopted) {
        decider.record(FactKind::Sized(leg.symbol().clone(), adopted));
    }
    None
}

/// An outcome with this reason, by what was filled.
fn by_fills(leg: &Leg, reason: Reason) -> LegOutcome {
    if leg.filled().is_zero() {
        LegOutcome::Unfilled(reason)
    } else {
        LegOutcome::PartiallyFilled(reason)
    }
}

fn window_reason(leg: &Leg, quote: &Quote, decider: &Decider<'_>) -> Reason {
    let wide =
        quote.half_spread() > quote.mid().saturating_mul(decider.state.policy.wide_half_spread);
    if wide && leg.tick(quote.bid.price).count(quote.spread()) > Decimal::TWO {
        Reason::Spread
    } else {
        Reason::WindowOver
    }
}

/// Waits for what is missing; ends the leg when it was missing for too long.
fn hold(decider: &mut Decider<'_>, leg: &Leg, code: WaitCode) {
    decider.wait(leg.symbol(), Some(code));
    let policy = &decider.state.policy;
    let bound = match (leg.started_at, code) {
        (None, WaitCode::Throttle | WaitCode::OpenQuiet) | (Some(_), _) => policy.pause_max,
        (
            None,
            WaitCode::Quote(_) | WaitCode::LiveOrder | WaitCode::Reading | WaitCode::BrokerLag,
        ) => policy.quote_wait,
    };
    // A wait for something else before this one does not count.
    let same = leg.waiting.filter(|(current, _)| *current == code);
    let since = same.map_or(decider.now, |(_, since)| since);
    let late = decider.now > decider.state.leg_window_end(leg.symbol(), decider.now)
        || decider.now.duration_since(since) > bound;
    if late {
        let reason = match code {
            WaitCode::Quote(_) => Reason::NoQuote,
            WaitCode::Reading | WaitCode::Throttle | WaitCode::LiveOrder => Reason::NoReading,
            WaitCode::OpenQuiet | WaitCode::BrokerLag => Reason::NoReading,
        };
        let outcome = if leg.started_at.is_none() {
            LegOutcome::Refused(reason)
        } else {
            by_fills(leg, reason)
        };
        decider.finish(leg.symbol(), outcome);
    }
}

/// The leg with its target; `None` when that ended it.
fn sized(decider: &mut Decider<'_>, leg: Leg, quote: &Quote) -> Option<Leg> {
    if leg.sized.is_some() {
        return Some(leg);
    }
    match sizing::target(&leg, quote, &decider.state.policy) {
        Ok(sized) => {
            decider.record(FactKind::Sized(leg.symbol().clone(), sized));
            decider.state.leg(leg.symbol()).cloned()
        }
        Err(outcome) => {
            decider.finish(leg.symbol(), outcome);
            None
        }
    }
}

/// The leg's own time, 0 at its first order and 1 at its deadline; it stands still while the quote is unusable.
fn elapsed(decider: &Decider<'_>, leg: &Leg) -> Decimal {
    let policy = &decider.state.policy;
    let working = decider
        .state
        .preflight
        .as_ref()
        .map_or(0, |(preflight, _)| preflight.working_time.as_millis());
    let ran = leg.started_at.map_or(0, |at| {
        let paused = leg.paused_by(decider.now, policy.pause_max);
        decider.now.duration_since(at).saturating_sub(paused).as_millis()
    });
    let part = |millis: i128| Decimal::from(i64::try_from(millis).unwrap_or(i64::MAX));
    match working {
        0 => Decimal::ZERO,
        working => part(ran).checked_div(part(working)).unwrap_or(Decimal::ONE),
    }
}

/// What the price decision looks at.
pub(super) fn parent(
    decider: &Decider<'_>,
    leg: &Leg,
    quote: &Quote,
    live: Option<&ChildOrder>,
) -> Parent {
    let near = quote.near(leg.side).price;
    let lot = leg.check.as_ref().map_or(decider.state.policy.round_lot, |check| check.round_lot);
    let resting = live.filter(|child| child.purpose == Purpose::Rest).map(|child| {
        let displayed = child.leaves().round_lots(lot);
        let alone = quote.near(leg.side).price == child.terms.limit
            && quote.near(leg.side).size <= displayed;
        Resting {
            limit: child.terms.limit,
            since: child.intended_at,
            displayed,
            before: child.before,
            // While the near touch has not changed, we have been alone at least since it did.
            alone_since: alone.then(|| {
                let near = decider.observed.near_since(leg.symbol(), quote, leg.side);
                near.max(child.intended_at)
            }),
        }
    });
    Parent {
        side: leg.side,
        leaves: leg.leaves(),
        elapsed: elapsed(decider, leg),
        crossing: leg.crossing,
        urgent: decider.state.plan.urgency == Urgency::Urgent,
        resting,
        rested: leg.rested(),
        ramp: leg.ramp,
        tick: leg.tick(quote.bid.price),
        effective_over_quoted: decider
            .state
            .effective_over_quoted(leg.tick(near).count(quote.spread())),
        usual_ticks: decider
            .observed
            .usual_spread(leg.symbol())
            .map(|spread| leg.tick(near).count(spread)),
        used: leg.used(),
        round_lot: lot,
        fill_wait: decider.state.policy.fill_wait(leg.symbol()),
    }
}

/// What may be sent now: within the leaves, an order's cap and the crossing cap. What is more follows as the next order.
fn quantity(
    decider: &Decider<'_>,
    leg: &Leg,
    terms: &OrderTerms,
    (quote, purpose): (&Quote, Purpose),
) -> Quantity {
    let policy = &decider.state.policy;
    let Some(check) = &leg.check else {
        return Quantity::ZERO;
    };
    let mut most = if leg.residue().is_some() { leg.leaves() } else { sendable(check, leg) };
    let cap = controls::order_cap(&decider.state);
    if let Some(cap) = cap.filter(|cap| terms.limit.times(most) > *cap) {
        let part = sizing::lot(check, terms.limit.shares_for(cap), policy);
        // Where not even one share is within the cap, the control says so.
        most = if part.is_zero() { most } else { part };
    }
    if purpose == Purpose::Cross {
        let cap = controls::cross_cap(&Request { leg, terms, purpose, quote, again: None }, policy);
        if cap < most {
            most = sizing::lot(check, cap.shares(), policy);
        }
    }
    most
}

/// The leaves, in shares that can be sent of the asset.
fn sendable(check: &LegCheck, leg: &Leg) -> Quantity {
    if check.fractionable { leg.leaves() } else { leg.leaves().whole() }
}

/// Shares that the plan's amount (with its tolerance) and the budget still pay for at a limit.
fn affordable(decider: &Decider<'_>, leg: &Leg, limit: Price) -> Option<Quantity> {
    let (policy, check) = (&decider.state.policy, leg.check.as_ref()?);
    let own = leg.item.trade_amount.scaled(policy.amount_tolerance).minus(leg.filled_notional());
    let left = decider.state.budget()?.minus(decider.state.buys_committed());
    let left = if is_planted(Plant::BudgetIgnored) { own } else { left };
    Some(sizing::lot(check, limit.shares_for(own.min(left).max(Money::ZERO)), policy))
}

fn send(decider: &mut Decider<'_>, leg: &Leg, quote: &Quote, (limit, purpose): (Price, Purpose)) {
    let symbol = leg.symbol();
    let Some(leg) = affordable_leg(decider, leg, limit) else {
        return;
    };
    let mut terms = OrderTerms {
        symbol: symbol.clone(),
        side: leg.side,
        quantity: leg.leaves(),
        limit,
        kind: OrderKind::Limit,
    };
    terms.quantity = quantity(decider, &leg, &terms, (quote, purpose));
    let view = View {
        execution: &decider.state,
        observed: decider.observed,
        tokens: decider.tokens,
        now: decider.now,
    };
    if purpose == Purpose::Cross && escalates(&leg) && controls::market_allowed(&leg, quote, &view)
    {
        terms.kind = OrderKind::Market;
    }
    let request = Request { leg: &leg, terms: &terms, purpose, quote, again: None };
    match controls::rule(&request, &view) {
        Ruling::Pass(verdict) => {
            decider.spend(Decimal::ZERO);
            decider.wait(symbol, None);
            let intent = intent(decider, &leg, terms, (quote, purpose, verdict));
            decider.record(FactKind::Intent(Box::new(intent)));
        }
        Ruling::Wait(code) => hold(decider, &leg, code),
        Ruling::Refuse(control) => {
            let reason = Reason::Control(control.code());
            let outcome = if leg.filled().is_zero() {
                LegOutcome::Refused(reason)
            } else {
                by_fills(&leg, reason)
            };
            decider.finish(symbol, outcome);
        }
    }
}

/// Crossing limits that were not filled in their time before a market order is the last escalation.
const CROSSES_BEFORE_MARKET: usize = 2;

fn escalates(leg: &Leg) -> bool {
    let unfilled = leg
        .children
        .iter()
        .filter(|child| child.cancel.is_some_and(|asked| asked.reason == CancelReason::CrossAgain));
    leg.crossing && unfilled.count() >= CROSSES_BEFORE_MARKET
}

/// The leg, with its target lowered to what can still be paid; `None` when that leaves nothing to trade.
fn affordable_leg(decider: &mut Decider<'_>, leg: &Leg, limit: Price) -> Option<Leg> {
    if leg.side == Side::Sell {
        return Some(leg.clone());
    }
    let (sized, check) = (leg.sized?, leg.check.clone()?);
    let affordable = affordable(decider, leg, limit)?;
    if affordable >= leg.leaves() {
        return Some(leg.clone());
    }
    let target = leg.filled().plus(affordable);
    let kept = sized
        .target
        .shares()
        .saturating_mul(Decimal::ONE.saturating_sub(decider.state.policy.trim_max));
    let trimmed = sized.trimmed || target.shares() < kept;
    decider.record(FactKind::Sized(leg.symbol().clone(), Sized { target, trimmed }));
    if sizing::is_too_small(affordable, limit, &check, &decider.state.policy) {
        let outcome = match (leg.filled().is_zero(), trimmed) {
            (true, _) => LegOutcome::Skipped(Reason::Unfunded),
            (false, true) => LegOutcome::PartiallyFilled(Reason::Unfunded),
            (false, false) => LegOutcome::Filled,
        };
        decider.finish(leg.symbol(), outcome);
        return None;
    }
    decider.state.leg(leg.symbol()).cloned()
}

fn intent(
    decider: &Decider<'_>,
    leg: &Leg,
    terms: OrderTerms,
    (quote, purpose, verdict): (&Quote, Purpose, controls::Verdict),
) -> Intent {
    let plan = &decider.state.plan;
    let attempt = leg.next_attempt();
    let near = quote.near(leg.side).price;
    let before = Base { near, ticks: leg.tick(near).count(quote.spread()) };
    let late = elapsed(decider, leg) > Decimal::new(9, 1);
    Intent {
        attempt,
        client_order_id: ClientOrderId::derive(
            &plan.account,
            &plan.plan_id,
            leg.symbol(),
            leg.side,
            attempt,
        ),
        terms,
        purpose,
        quote: *quote,
        before,
        ramp: leg.ramp.or(late.then_some(before)),
        verdict,
    }
}
