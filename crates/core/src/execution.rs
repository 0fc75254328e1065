//! The state of one plan's execution: the fold of its log, and nothing else.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::{
    account::{Acquisition, Halt},
    announce::Outgoing,
    child::{CancelAsked, ChildOrder, Flight, Purpose, Status},
    fact::{
        Fact, FactKind, Funds, Intent, Phase, PositionDifference, Preflight, RefusalKind, StopCode,
    },
    ids::{EventId, Owner, Symbol},
    learning::Learned,
    leg::{Leg, LegOutcome, WaitCode},
    money::Money,
    outcome::Outcome,
    plan::Plan,
    policy::Policy,
    price::Tick,
    quote::Quote,
    recovery::{self, Recovery},
    setting,
    side::Side,
};

/// The state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Execution {
    /// The thresholds it runs under.
    pub policy: Arc<Policy>,
    /// What was asked for.
    pub plan: Arc<Plan>,
    /// The part of its life it is in.
    pub phase: Phase,
    /// When each phase was entered.
    pub entered: Vec<(Phase, Timestamp)>,
    /// What is known of the account since it became this plan's.
    pub acquired: Option<Acquisition>,
    /// What it knows of its own crosses' cost, when it was looked up.
    pub learned: Option<Learned>,
    /// The newest owner's number; 0 before the first.
    pub epoch: u32,
    /// The newest owner, and when it took the lease.
    pub owner: Option<(Owner, Timestamp)>,
    /// What the pre-flight found, and when.
    pub preflight: Option<(Preflight, Timestamp)>,
    /// Verified money, and when it was read.
    pub funds: Option<(Funds, Timestamp)>,
    /// The legs in the plan's order.
    pub legs: Vec<Leg>,
    /// When the plan's first order was decided.
    pub first_order_at: Option<Timestamp>,
    /// When orders were refused.
    pub refused_at: Vec<Timestamp>,
    /// Why the plan was stopped, if it was.
    pub stop: Option<StopCode>,
    /// The account's halt, once it was seen.
    pub halt: Option<Halt>,
    /// Who canceled it, once that was seen.
    pub canceled: Option<Halt>,
    /// Positions that are not what they should be, once compared.
    pub reconciled: Option<Vec<PositionDifference>>,
    /// How it ended.
    pub outcome: Option<(Outcome, Timestamp)>,
    /// Events announced, when, and whether the bus took them.
    pub outbox: Vec<Outgoing>,
    /// The last owner stopped before the end.
    pub handed_over: bool,
    /// The log was incomplete and goes on from the broker's orders, since when.
    pub recovered: Option<(Recovery, Timestamp)>,
    /// When the plan was claimed.
    pub claimed_at: Timestamp,
    /// The newest fact's time.
    pub last_at: Timestamp,
}

impl Execution {
    /// The state right after a plan was claimed.
    pub fn claimed(plan: &Plan, at: Timestamp, policy: Policy) -> Self {
        Self {
            policy: Arc::new(policy),
            legs: if plan.trades_required {
                plan.traded().filter_map(Leg::new).collect()
            } else {
                Vec::new()
            },
            plan: Arc::new(plan.clone()),
            phase: Phase::Preparing,
            entered: vec![(Phase::Preparing, at)],
            acquired: None,
            learned: None,
            epoch: 0,
            owner: None,
            preflight: None,
            funds: None,
            first_order_at: None,
            refused_at: Vec::new(),
            stop: None,
            halt: None,
            canceled: None,
            reconciled: None,
            outcome: None,
            outbox: Vec::new(),
            handed_over: false,
            recovered: None,
            claimed_at: at,
            last_at: at,
        }
    }

    /// The state that a log's facts add up to; `None` when they do not begin with a claim.
    pub fn fold<'a>(facts: impl IntoIterator<Item = &'a Fact>, policy: &Policy) -> Option<Self> {
        facts.into_iter().fold(None, |state, fact| match (state, &fact.kind) {
            (None, FactKind::Claimed(plan)) => Some(Self::claimed(plan, fact.at, policy.clone())),
            (None, _) => None,
            (Some(state), _) => Some(apply(state, fact)),
        })
    }

    /// The leg of a symbol.
    pub fn leg(&self, symbol: &Symbol) -> Option<&Leg> {
        self.legs.iter().find(|leg| leg.symbol() == symbol)
    }

    /// The legs of a side.
    pub fn side(&self, side: Side) -> impl Iterator<Item = &Leg> {
        self.legs.iter().filter(move |leg| leg.side == side)
    }

    /// Every order.
    pub fn children(&self) -> impl Iterator<Item = &ChildOrder> {
        self.legs.iter().flat_map(|leg| &leg.children)
    }

    /// When the current phase was entered.
    pub fn phase_at(&self) -> Timestamp {
        self.entered.last().map_or(self.claimed_at, |(_, at)| *at)
    }

    /// When the current phase's window ends.
    pub fn window_end(&self) -> Timestamp {
        let window =
            self.preflight.as_ref().map_or(SignedDuration::ZERO, |(preflight, _)| preflight.window);
        self.phase_at().saturating_add(window).unwrap_or(Timestamp::MAX)
    }

    /// When a leg's window ends: the phase's, and as much longer as its own time stood still.
    pub fn leg_window_end(&self, symbol: &Symbol, now: Timestamp) -> Timestamp {
        let paused = self
            .leg(symbol)
            .map_or(SignedDuration::ZERO, |leg| leg.paused_by(now, self.policy.pause_max));
        self.window_end().saturating_add(paused).unwrap_or(Timestamp::MAX)
    }

    /// The plan is over.
    pub fn is_finished(&self) -> bool {
        self.phase == Phase::Finished
    }

    /// The plan is over and the bus has every event of it.
    pub fn is_complete(&self) -> bool {
        self.is_finished()
            && !self.outbox.is_empty()
            && self.outbox.iter().all(|outgoing| outgoing.published)
    }

    /// The plan was over before its log was lost.
    pub fn trades_no_more(&self) -> bool {
        self.recovered.is_some_and(|(recovery, _)| recovery.is_over)
    }

    /// Some order may still fill.
    pub fn has_open_orders(&self) -> bool {
        self.children().any(ChildOrder::may_still_fill)
    }

    /// The broker has not said everything of some order: it may still fill, or its fills have no price.
    pub fn must_be_followed(&self) -> bool {
        !self.children().all(ChildOrder::is_settled)
    }

    /// The broker said something of an order after the outcome was recorded.
    pub fn has_late_news(&self) -> bool {
        let ended = self.outcome.as_ref().map(|(_, at)| *at);
        ended.is_some_and(|ended| {
            self.children().filter_map(|child| child.reported_at).any(|at| at >= ended)
        })
    }

    /// Dollars of our open, unresolved and filled buys: open ones at their limits, filled ones at their prices.
    pub fn buys_committed(&self) -> Money {
        self.side(Side::Buy).map(|leg| leg.committed().plus(leg.filled_notional())).sum()
    }

    /// Dollars that buys may take in all: at most what the plan asks for (with its tolerance) and at most the verified
    /// money. `None` until money was verified.
    pub fn budget(&self) -> Option<Money> {
        let (funds, _) = self.funds?;
        let asked: Money = self.side(Side::Buy).map(|leg| leg.item.trade_amount).sum();
        let money = funds.before.plus(funds.proceeds).scaled(self.policy.cash_share);
        Some(asked.scaled(self.policy.amount_tolerance).min(money).max(Money::ZERO))
    }

    /// Dollars of all its orders, buys and sells: fills at their prices, what may still fill at its limits.
    pub fn turned_over(&self) -> Money {
        self.legs.iter().map(|leg| leg.committed().plus(leg.filled_notional())).sum()
    }

    /// Orders that were sent, or may have been.
    pub fn orders_sent(&self) -> u32 {
        let sent = self.children().filter(|child| child.status != Status::Unsent);
        u32::try_from(sent.count()).unwrap_or(u32::MAX)
    }

    /// What the day's plans may trade in all; `None` before the pre-flight.
    pub fn daily_notional_cap(&self) -> Option<Money> {
        let (preflight, _) = self.preflight.as_ref()?;
        Some(preflight.equity.scaled(self.policy.daily_notional_max))
    }

    /// How many orders the day's plans may send in all.
    pub fn daily_orders_cap(&self) -> u32 {
        let legs = u32::try_from(self.legs.len()).unwrap_or(u32::MAX);
        self.policy.daily_orders_max.max(legs.saturating_mul(self.policy.daily_orders_per_leg))
    }

    /// The account is to be halted on this plan's account, and is not known to be.
    pub fn must_halt(&self) -> Option<StopCode> {
        self.stop.filter(|code| code.halts_account() && self.halt.is_none())
    }

    /// The person, or the control, whose word stopped the plan.
    pub fn stopped_by(&self) -> Option<&Halt> {
        let canceled = self.canceled.as_ref().filter(|_| self.stop == Some(StopCode::Canceled));
        canceled.or(self.halt.as_ref())
    }

    /// The shortfall is beyond what the plan's turnover allows.
    pub fn shortfall_is_too_high(&self) -> bool {
        self.shortfall() > self.plan.trade_value.abs().scaled(self.policy.shortfall_max)
    }

    /// Dollars of all sells' fills.
    pub fn proceeds(&self) -> Money {
        self.side(Side::Sell).map(Leg::filled_notional).sum()
    }

    /// So much of the planned sells failed that the buys are not made: more than both the floor and the share.
    pub fn sells_incomplete(&self) -> bool {
        let planned: Money = self.side(Side::Sell).map(|leg| leg.item.trade_amount.abs()).sum();
        let over = self
            .side(Side::Sell)
            .filter(|leg| leg.outcome.is_some_and(|outcome| !outcome.is_done()));
        let failed: Money = over
            .map(|leg| leg.item.trade_amount.abs().minus(leg.filled_notional()).max(Money::ZERO))
            .sum();
        failed > planned.scaled(self.policy.failed_sells_share).max(self.policy.failed_sells_floor)
    }

    /// Implementation shortfall so far: `Σ s(P̄ − m_d)·filled` over the legs, in dollars.
    pub fn shortfall(&self) -> Money {
        let of = |leg: &Leg| {
            let arrival = Money::new(leg.arrival?.mid().saturating_mul(leg.filled().shares()));
            Some(leg.filled_notional().minus(arrival).scaled(leg.side.sign()))
        };
        self.legs.iter().filter_map(of).sum()
    }

    /// Too many orders were refused within the window that ends now.
    pub fn reject_breaker_tripped(&self, now: Timestamp) -> bool {
        let recent = self
            .refused_at
            .iter()
            .filter(|at| now.duration_since(**at) <= self.policy.reject_window);
        recent.count() >= usize::try_from(self.policy.rejects_max).unwrap_or(usize::MAX)
    }

    /// An event of this id was announced.
    pub fn has_announced(&self, id: &EventId) -> bool {
        self.outbox.iter().any(|outgoing| outgoing.event.event_id == *id)
    }

    /// [`apply`] in place: the state is large, and a turn may bring hundreds of facts.
    pub fn take(&mut self, fact: &Fact) {
        apply_to(self, fact);
    }

    pub(crate) fn leg_mut(&mut self, symbol: &Symbol) -> Option<&mut Leg> {
        self.legs.iter_mut().find(|leg| leg.symbol() == symbol)
    }

    fn child_mut(&mut self, symbol: &Symbol, attempt: u32) -> Option<&mut ChildOrder> {
        self.leg_mut(symbol)?.children.iter_mut().find(|child| child.attempt == attempt)
    }
}

/// Takes one fact into the state. Total: a fact that names what does not exist changes nothing but the time.
pub fn apply(mut state: Execution, fact: &Fact) -> Execution {
    state.take(fact);
    state
}

fn apply_to(state: &mut Execution, fact: &Fact) {
    let at = fact.at;
    state.last_at = state.last_at.max(at);
    match &fact.kind {
        FactKind::Claimed(_) | FactKind::InputRefused(_) => {}
        FactKind::Acquired(acquisition) => state.acquired = Some(acquisition.as_ref().clone()),
        FactKind::Learned(learned) => state.learned = state.learned.or(Some(**learned)),
        FactKind::HaltSeen(halt) => state.halt = Some(halt.clone()),
        FactKind::CancelSeen(who) => state.canceled = Some(who.clone()),
        FactKind::LeaseTaken(epoch, owner) => {
            state.epoch = state.epoch.max(*epoch);
            state.owner = Some((owner.clone(), at));
            state.handed_over = false;
        }
        FactKind::PreflightPassed(preflight) => preflighted(state, preflight, at),
        FactKind::PlanStopped(code) => state.stop = state.stop.or(Some(*code)),
        FactKind::FundsVerified(funds) => state.funds = Some((*funds, at)),
        FactKind::PhaseChanged(phase) => entered(state, *phase, at),
        FactKind::Reconciled(differences) => state.reconciled = Some(differences.clone()),
        FactKind::OutcomeReached(outcome) => state.outcome = Some((outcome.as_ref().clone(), at)),
        FactKind::Announced(event) => {
            if !state.has_announced(&event.event_id) {
                state.outbox.push(Outgoing::announced(event, at));
            }
        }
        FactKind::Published(id) => {
            let same = state.outbox.iter_mut().filter(|outgoing| outgoing.event.event_id == *id);
            same.for_each(|outgoing| outgoing.published = true);
        }
        FactKind::HandedOver => state.handed_over = true,
        FactKind::Recovered(recovery) => state.recovered = Some((*recovery, at)),
        FactKind::Adopted(symbol, k, report) => recovery::adopt(state, (symbol, *k, report), at),
        FactKind::Allocated(amounts) => allocated(state, amounts),
        FactKind::Arrived(symbol, _)
        | FactKind::Sized(symbol, _)
        | FactKind::Waiting(symbol, _)
        | FactKind::LegFinished(symbol, ..) => {
            if let Some(leg) = state.leg_mut(symbol) {
                apply_to_leg(leg, &fact.kind, at);
            }
        }
        FactKind::Intent(intent) => intended(state, intent, at),
        FactKind::Marked(symbol, attempt, mark) => {
            let child = state.child_mut(symbol, *attempt);
            if let Some(child) = child.filter(|c| c.marks.iter().all(|m| m.seconds != mark.seconds))
            {
                child.marks.push(*mark);
            }
        }
        FactKind::Resubmitted(symbol, attempt, _)
        | FactKind::AnswerLost(symbol, attempt)
        | FactKind::NotFound(symbol, attempt)
        | FactKind::Refused(symbol, attempt, _)
        | FactKind::Unsent(symbol, attempt)
        | FactKind::Unresolved(symbol, attempt)
        | FactKind::Reported(symbol, attempt, _)
        | FactKind::CancelRequested(symbol, attempt, _) => {
            if let FactKind::Refused(_, _, refusal) = &fact.kind {
                refused(state, symbol, (*attempt, refusal.kind), at);
            }
            let Some(child) = state.child_mut(symbol, *attempt) else { return };
            let (was, refusal) = (child.status, child.refusal.is_some());
            apply_to_child(child, &fact.kind, at);
            let is_rejected = child.status == Status::Rejected && was != Status::Rejected;
            if is_rejected && !refusal && matches!(fact.kind, FactKind::Reported(..)) {
                refused(state, symbol, (*attempt, RefusalKind::Other), at);
            }
        }
    }
}

fn entered(state: &mut Execution, phase: Phase, at: Timestamp) {
    state.phase = phase;
    state.entered.push((phase, at));
}

/// Counts a refusal (the broker's, or the venue's of an order that the broker took) toward the breaker, unless it was to be
/// expected: money or shares that the broker is slow to show, the one try of a residue, the first half-cent price of a symbol.
fn refused(
    state: &mut Execution,
    symbol: &Symbol,
    (attempt, kind): (u32, RefusalKind),
    at: Timestamp,
) {
    let Some(leg) = state.leg_mut(symbol) else {
        return;
    };
    let child = leg.children.iter().find(|child| child.attempt == attempt);
    let half_cent = kind == RefusalKind::SubPenny
        && child.is_some_and(|child| leg.tick_of(child) == Tick::HALF_CENT);
    let residue = child.is_some() && leg.residue_order() == child;
    leg.cents_only |= half_cent;
    if !(kind.is_lag() || half_cent || residue) {
        state.refused_at.push(at);
    }
}

fn preflighted(state: &mut Execution, preflight: &Preflight, at: Timestamp) {
    for check in &preflight.legs {
        if let Some(leg) = state.leg_mut(&check.symbol) {
            leg.check = Some(check.clone());
        }
    }
    let policy = Policy { kind: preflight.policy, ..setting::restored(&preflight.settings) };
    state.policy = Arc::new(policy);
    state.preflight = Some((preflight.clone(), at));
}

fn allocated(state: &mut Execution, amounts: &[(Symbol, Money)]) {
    for (symbol, amount) in amounts {
        if let Some(leg) = state.leg_mut(symbol) {
            leg.allocation = Some(*amount);
        }
    }
}

fn intended(state: &mut Execution, intent: &Intent, at: Timestamp) {
    state.first_order_at = state.first_order_at.or(Some(at));
    let recovered = state.recovered.map(|(_, at)| at);
    if let Some(leg) = state.leg_mut(&intent.terms.symbol) {
        leg.started_at = leg.started_at.or(Some(at));
        // What was taken at a locked price paid no spread, and binds nobody to pay one.
        leg.crossing |= intent.purpose == Purpose::Cross && !intent.quote.is_locked();
        leg.ramp = leg.ramp.or(intent.ramp);
        let mut child = ChildOrder::new(intent, at);
        child.flight.reposted = recovery::may_have_been_sent(leg, recovered);
        leg.children.push(child);
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "only leg facts are passed in, by the one caller above"
)]
fn apply_to_leg(leg: &mut Leg, fact: &FactKind, at: Timestamp) {
    match fact {
        FactKind::Arrived(_, quote) => leg.arrival = leg.arrival.or(Some(*quote)),
        FactKind::Sized(_, sized) => leg.sized = Some(*sized),
        FactKind::Waiting(_, code) => {
            if let (Some((WaitCode::Quote(_), since)), Some(_)) = (leg.waiting, leg.started_at) {
                leg.paused = leg.paused.saturating_add(at.duration_since(since));
            }
            leg.waiting = code.map(|code| (code, at));
        }
        FactKind::LegFinished(_, outcome, quote) => finished(leg, (*outcome, quote.as_deref()), at),
        _ => {}
    }
}

fn finished(leg: &mut Leg, (outcome, quote): (LegOutcome, Option<&Quote>), at: Timestamp) {
    if leg.outcome.is_none() {
        leg.final_quote = quote.copied();
        leg.outcome = Some(outcome);
        leg.finished_at = Some(at);
        leg.waiting = None;
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "facts that no longer fit the status change nothing"
)]
fn apply_to_child(child: &mut ChildOrder, fact: &FactKind, at: Timestamp) {
    match fact {
        FactKind::Resubmitted(_, _, verdict) => {
            child.verdict = verdict.clone();
            child.flight = Flight { reposted: true, ..Flight::default() };
        }
        FactKind::AnswerLost(..) => child.flight.lost_at = child.flight.lost_at.or(Some(at)),
        FactKind::NotFound(..) => {
            let first = child.flight.not_found_at.map_or(at, |(first, _)| first);
            child.flight.not_found_at = Some((first, at));
            child.flight.not_found = child.flight.not_found.saturating_add(1);
        }
        FactKind::Refused(_, _, refusal) if child.status == Status::InFlight => {
            child.status = Status::Rejected;
            child.refusal = Some(refusal.clone());
        }
        FactKind::Unsent(..) if child.status == Status::InFlight => child.status = Status::Unsent,
        FactKind::Unresolved(..) if child.status.is_live() => child.status = Status::Unresolved,
        FactKind::Reported(_, _, report) => child.follow(report, at),
        FactKind::CancelRequested(_, _, reason) if child.status.is_live() => {
            child.status = Status::CancelInFlight;
            let first = child.cancel.map_or((at, *reason), |asked| (asked.first_at, asked.reason));
            child.cancel = Some(CancelAsked { first_at: first.0, last_at: at, reason: first.1 });
        }
        _ => {}
    }
    child.end_if_over(at);
}
