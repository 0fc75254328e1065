//! The controls: every order passes all of them before every POST, escalations and repetitions included.
//!
//! Missing or unreadable input waits and, at its bound, refuses; it never lets an order out. [`Approved`] can be made
//! only here, and the broker port takes nothing else.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use crate::{
    child::{ChildOrder, OrderKind, OrderTerms, Purpose},
    execution::Execution,
    ids::ClientOrderId,
    leg::{Leg, WaitCode},
    money::Money,
    observed::Observed,
    planted::{self, Plant, is_planted},
    policy::Policy,
    price::Price,
    quote::Quote,
    side::Side,
};

pub use crate::control::Control;

/// The ages of the inputs that the controls judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ages {
    /// Since the quote was read.
    pub quote_observed: SignedDuration,
    /// Since the quote last changed.
    pub quote_standing: SignedDuration,
    /// Since the session was read.
    pub session: SignedDuration,
    /// Since the account's orders were listed.
    pub orders: SignedDuration,
    /// Since the money was verified.
    pub funds: SignedDuration,
    /// Since the account was read.
    pub account: SignedDuration,
    /// Since the halt switch was read.
    pub halt: SignedDuration,
}

impl Ages {
    /// Nothing is known of any input: the record of an order whose verdict is lost.
    pub const NONE: Self = Self {
        quote_observed: SignedDuration::MAX,
        quote_standing: SignedDuration::MAX,
        session: SignedDuration::MAX,
        orders: SignedDuration::MAX,
        funds: SignedDuration::MAX,
        account: SignedDuration::MAX,
        halt: SignedDuration::MAX,
    };
}

/// A passing verdict of every control: what is recorded with an intent.
#[derive(Clone, Debug)]
pub struct Verdict {
    passed: Arc<[Control]>,
    ages: Ages,
    fresh: bool,
}

impl PartialEq for Verdict {
    /// A verdict read from a log equals the one that was recorded; only the fresh one lets an order out.
    fn eq(&self, other: &Self) -> bool {
        self.passed == other.passed && self.ages == other.ages
    }
}

impl Eq for Verdict {}

impl Verdict {
    /// A verdict as a log holds it. It documents; it approves nothing.
    pub fn recorded(passed: Vec<Control>, ages: Ages) -> Self {
        Self { passed: passed.into(), ages, fresh: false }
    }

    /// The controls that passed.
    pub fn passed(&self) -> &[Control] {
        &self.passed
    }

    /// The ages of their inputs.
    pub fn ages(&self) -> Ages {
        self.ages
    }

    /// It was given in this process, for an order that is about to be sent.
    pub fn is_fresh(&self) -> bool {
        self.fresh
    }
}

/// An order that may be sent. Nobody else can make one:
///
/// ```compile_fail
/// use alchemiser_core::controls::Approved;
/// let forged = Approved { client_order_id: todo!(), terms: todo!() };
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approved {
    client_order_id: ClientOrderId,
    terms: OrderTerms,
}

impl Approved {
    /// The approval of a child whose verdict is fresh; an order known only from the log has none, and is looked up.
    pub fn of(child: &ChildOrder) -> Option<Self> {
        let approved = Self { client_order_id: planted::id(child), terms: planted::terms(child) };
        child.verdict.fresh.then_some(approved)
    }

    /// Our id of the order.
    pub fn client_order_id(&self) -> &ClientOrderId {
        &self.client_order_id
    }

    /// What it says.
    pub fn terms(&self) -> &OrderTerms {
        &self.terms
    }
}

/// What the controls say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// All pass.
    Pass(Verdict),
    /// Not now.
    Wait(WaitCode),
    /// Not at all.
    Refuse(Control),
}

/// What is to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The leg it is for.
    pub leg: &'a Leg,
    /// What it says.
    pub terms: &'a OrderTerms,
    /// To rest or to cross.
    pub purpose: Purpose,
    /// The quote it is decided on.
    pub quote: &'a Quote,
    /// It is sent again: this is the order itself, which is not in its own way.
    pub again: Option<&'a ClientOrderId>,
}

/// What it is judged by.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The state.
    pub execution: &'a Execution,
    /// The volatile view.
    pub observed: &'a Observed,
    /// Trading calls left.
    pub tokens: Decimal,
    /// The time.
    pub now: Timestamp,
}

enum Check {
    Pass,
    Wait(WaitCode),
    Refuse,
}

impl Check {
    fn when(passes: bool) -> Self {
        if passes { Self::Pass } else { Self::Refuse }
    }
}

/// Asks every control.
pub fn rule(request: &Request<'_>, view: &View<'_>) -> Ruling {
    for control in Control::ALL {
        match check(control, request, view) {
            Check::Pass => {}
            Check::Wait(code) => return Ruling::Wait(code),
            Check::Refuse => return Ruling::Refuse(control),
        }
    }
    // In whole milliseconds, as the log keeps them: the log adds up to the very state.
    let since = |at: Option<Timestamp>| {
        let age = at.map_or(SignedDuration::MAX, |at| view.now.duration_since(at));
        SignedDuration::from_millis(i64::try_from(age.as_millis()).unwrap_or(i64::MAX))
    };
    let ages = Ages {
        quote_observed: since(Some(request.quote.observed_at)),
        quote_standing: since(Some(request.quote.changed_at)),
        session: since(view.observed.session.map(|(_, at)| at)),
        orders: since(view.observed.orders_at),
        funds: since(view.execution.funds.map(|(_, at)| at)),
        account: since(view.observed.account.as_ref().map(|(_, at)| *at)),
        halt: since(view.observed.halt.as_ref().map(|(_, at)| *at)),
    };
    Ruling::Pass(Verdict { passed: Control::ALL.into(), ages, fresh: true })
}

fn check(control: Control, request: &Request<'_>, view: &View<'_>) -> Check {
    let (leg, terms) = (request.leg, request.terms);
    let (execution, policy) = (view.execution, &view.execution.policy);
    match control {
        Control::Halt => halt(view),
        Control::Account => account(view),
        Control::Mode => match &view.observed.account {
            Some((reading, _)) => Check::when(reading.mode == policy.trade_mode),
            None => Check::Wait(WaitCode::Reading),
        },
        Control::Session => session(view, policy),
        Control::OpenQuiet => open_quiet(view),
        Control::ClockSkew if is_planted(Plant::ClockUnread) => Check::Pass,
        Control::ClockSkew => match view.observed.clock_skew() {
            Some(skew) if skew.abs() <= policy.clock_skew_max => Check::Pass,
            Some(_) | None => Check::Wait(WaitCode::Reading),
        },
        Control::Validity if is_planted(Plant::ValidityIgnored) => Check::Pass,
        Control::Validity => Check::when(
            execution.children().any(|child| child.broker_order_id.is_some())
                || view.now <= execution.plan.valid_until,
        ),
        Control::Deadline => match &execution.preflight {
            Some((preflight, _)) => Check::when(view.now <= preflight.deadline),
            None => Check::Wait(WaitCode::Reading),
        },
        Control::OrdersRead => match view.observed.orders_at {
            Some(at) if view.now.duration_since(at) <= policy.orders_max_age => Check::Pass,
            Some(_) | None => Check::Wait(WaitCode::Reading),
        },
        Control::QuoteAge => match view.observed.quote(leg.symbol(), view.now, policy) {
            Ok(quote) if quote == *request.quote => Check::Pass,
            Ok(_) => Check::Refuse,
            Err(fault) => Check::Wait(WaitCode::Quote(fault)),
        },
        Control::OrderNotional => order_notional(terms, view),
        Control::DailyNotional => daily_notional(request, view),
        Control::DailyOrders => daily_orders(request, view),
        Control::Collar => collar(request, policy),
        Control::LastTrade => last_trade(request, view),
        Control::PreviousClose => previous_close(request, view),
        Control::CrossSize => Check::when(
            request.purpose == Purpose::Rest || terms.quantity <= cross_cap(request, policy),
        ),
        Control::MarketOrder => {
            Check::when(terms.kind == OrderKind::Limit || market_allowed(leg, request.quote, view))
        }
        Control::Leaves => Check::when(!terms.quantity.is_zero() && terms.quantity <= leg.leaves()),
        Control::Children => {
            let had = leg.children.len().saturating_sub(usize::from(request.again.is_some()));
            Check::when(u32::try_from(had).unwrap_or(u32::MAX) < policy.children_max)
        }
        Control::LiveOrder => live_order(request, view),
        Control::WashTrade => wash_trade(request, view),
        Control::Held => held(request),
        Control::Budget if is_planted(Plant::BudgetIgnored) => Check::Pass,
        Control::Budget => budget(request, view),
        Control::Shortfall => {
            Check::when(request.purpose == Purpose::Rest || !execution.shortfall_is_too_high())
        }
        Control::RejectBreaker => Check::when(!execution.reject_breaker_tripped(view.now)),
        Control::Throttle => {
            if view.tokens >= Decimal::ONE {
                Check::Pass
            } else {
                Check::Wait(WaitCode::Throttle)
            }
        }
    }
}

fn halt(view: &View<'_>) -> Check {
    if view.observed.canceled.is_some() {
        return Check::Refuse;
    }
    match &view.observed.halt {
        Some((Some(_), _)) => Check::Refuse,
        Some((None, at)) if view.now.duration_since(*at) <= view.execution.policy.halt_max_age => {
            Check::Pass
        }
        Some((None, _)) | None => Check::Wait(WaitCode::Reading),
    }
}

/// What the day had used before this plan, what this plan's orders come to, and this order.
fn daily_notional(request: &Request<'_>, view: &View<'_>) -> Check {
    let execution = view.execution;
    let own = match request.again {
        Some(_) => Money::ZERO,
        None => request.terms.notional(),
    };
    match (&execution.acquired, execution.daily_notional_cap()) {
        (Some(acquired), Some(cap)) => {
            Check::when(acquired.before.notional.plus(execution.turned_over()).plus(own) <= cap)
        }
        (Some(_) | None, _) => Check::Wait(WaitCode::Reading),
    }
}

fn daily_orders(request: &Request<'_>, view: &View<'_>) -> Check {
    let execution = view.execution;
    match &execution.acquired {
        Some(acquired) => {
            let had = acquired.before.orders.saturating_add(execution.orders_sent());
            let with = had.saturating_add(u32::from(request.again.is_none()));
            Check::when(with <= execution.daily_orders_cap())
        }
        None => Check::Wait(WaitCode::Reading),
    }
}

fn account(view: &View<'_>) -> Check {
    match &view.observed.account {
        Some((reading, _)) => {
            Check::when(reading.account == view.execution.plan.account && reading.may_trade)
        }
        None => Check::Wait(WaitCode::Reading),
    }
}

fn session(view: &View<'_>, policy: &Policy) -> Check {
    match view.observed.session {
        Some((clock, at)) if view.now.duration_since(at) <= policy.session_max_age => {
            let left = clock.closes_at.duration_since(view.now);
            Check::when(clock.is_open && left >= policy.close_margin)
        }
        Some(_) | None => Check::Wait(WaitCode::Reading),
    }
}

fn open_quiet(view: &View<'_>) -> Check {
    let urgent = view.execution.plan.urgency == crate::plan::Urgency::Urgent;
    match view.observed.session {
        Some(_) if urgent => Check::Pass,
        Some((clock, _))
            if view.now.duration_since(clock.opened_at) >= view.execution.policy.open_quiet =>
        {
            Check::Pass
        }
        Some(_) => Check::Wait(WaitCode::OpenQuiet),
        None => Check::Wait(WaitCode::Reading),
    }
}

/// The most dollars that one order may come to; `None` before the pre-flight.
pub fn order_cap(execution: &Execution) -> Option<Money> {
    let (preflight, _) = execution.preflight.as_ref()?;
    let policy = &execution.policy;
    Some(preflight.equity.scaled(policy.order_equity_share).min(policy.order_notional_max))
}

fn order_notional(terms: &OrderTerms, view: &View<'_>) -> Check {
    match order_cap(view.execution) {
        Some(most) => Check::when(terms.notional() <= most),
        None => Check::Wait(WaitCode::Reading),
    }
}

/// `limit` is at most `share` of the reference worse than it.
fn within(limit: Price, reference: Price, side: Side, share: Decimal) -> bool {
    let most = reference.dollars().saturating_mul(share);
    side.sign().saturating_mul(limit.dollars().saturating_sub(reference.dollars())) <= most
}

fn collar(request: &Request<'_>, policy: &Policy) -> Check {
    let (side, limit) = (request.terms.side, request.terms.limit);
    let far = request.quote.far(side).price;
    let two_ticks = request.leg.tick(far).times(Decimal::TWO);
    let most = far.dollars().saturating_mul(policy.collar).max(two_ticks);
    Check::when(side.sign().saturating_mul(limit.dollars().saturating_sub(far.dollars())) <= most)
}

fn last_trade(request: &Request<'_>, view: &View<'_>) -> Check {
    let policy = &view.execution.policy;
    let snapshot = view.observed.snapshots.get(request.leg.symbol());
    match snapshot.and_then(|snapshot| snapshot.last_trade) {
        Some((price, at)) if view.now.duration_since(at) < policy.last_trade_max_age => {
            Check::when(within(
                request.terms.limit,
                price,
                request.terms.side,
                policy.last_trade_collar,
            ))
        }
        Some(_) | None => Check::Pass,
    }
}

fn previous_close(request: &Request<'_>, view: &View<'_>) -> Check {
    let policy = &view.execution.policy;
    let factor = policy.leverage_factor(request.leg.symbol());
    let share = policy.previous_close_collar.saturating_mul(factor);
    match view
        .observed
        .snapshots
        .get(request.leg.symbol())
        .and_then(|snapshot| snapshot.previous_close)
    {
        Some(close) => Check::when(within(request.terms.limit, close, request.terms.side, share)),
        None => Check::Wait(WaitCode::Reading),
    }
}

/// The most that one crossing order may be: a multiple of the far touch's size, or a floor in dollars.
pub fn cross_cap(request: &Request<'_>, policy: &Policy) -> crate::quantity::Quantity {
    use crate::quantity::{DECIMALS_MAX, Quantity};
    let shown = request
        .quote
        .far(request.terms.side)
        .size
        .shares()
        .saturating_mul(policy.cross_size_multiple);
    let floor = request.terms.limit.shares_for(policy.cross_notional_floor);
    Quantity::rounded_down(shown.max(floor), DECIMALS_MAX)
}

/// Whether an order of this leg may be a market order on this quote: allowed at all, the spread narrow, the quote read
/// just now, and the symbol not one of those whose books refill slowly.
pub fn market_allowed(leg: &Leg, quote: &Quote, view: &View<'_>) -> bool {
    let policy = &view.execution.policy;
    policy.allow_market
        && quote.spread() <= quote.mid().saturating_mul(policy.market_spread_max)
        && view.now.duration_since(quote.observed_at) <= policy.market_quote_max
        && !policy.low_liquidity_symbols.contains(leg.symbol())
}

/// Orders of this leg, and any other order of ours in the symbol that the broker shows as open.
fn live_order(request: &Request<'_>, view: &View<'_>) -> Check {
    let other = |id: &ClientOrderId| Some(id) != request.again;
    let own = request
        .leg
        .children
        .iter()
        .any(|child| child.may_still_fill() && other(&child.client_order_id));
    let ended = |id: &ClientOrderId| {
        let mut children = request.leg.children.iter();
        children.any(|child| child.client_order_id == *id && !child.may_still_fill())
    };
    let shown = view.observed.orders.iter().any(|(id, order)| {
        order.symbol == request.terms.symbol && order.status.is_open() && other(id) && !ended(id)
    });
    if own || shown { Check::Wait(WaitCode::LiveOrder) } else { Check::Pass }
}

fn wash_trade(request: &Request<'_>, view: &View<'_>) -> Check {
    let opposite = request.terms.side.opposite();
    let all = view.observed.foreign.iter().chain(view.observed.orders.values());
    let against =
        all.filter(|order| order.symbol == request.terms.symbol && order.side == opposite);
    if against.into_iter().any(|order| order.status.is_open()) {
        Check::Wait(WaitCode::LiveOrder)
    } else {
        Check::Pass
    }
}

fn held(request: &Request<'_>) -> Check {
    match (request.terms.side, &request.leg.check) {
        (Side::Buy, _) => Check::Pass,
        (Side::Sell, Some(check)) => {
            Check::when(request.terms.quantity <= check.available.less(request.leg.filled()))
        }
        (Side::Sell, None) => Check::Wait(WaitCode::Reading),
    }
}

fn budget(request: &Request<'_>, view: &View<'_>) -> Check {
    match (request.terms.side, view.execution.budget()) {
        (Side::Sell, _) => Check::Pass,
        (Side::Buy, None) => Check::Wait(WaitCode::Reading),
        (Side::Buy, Some(budget)) => {
            let own = match request.again {
                Some(_) => Money::ZERO,
                None => request.terms.notional(),
            };
            Check::when(view.execution.buys_committed().plus(own) <= budget)
        }
    }
}
