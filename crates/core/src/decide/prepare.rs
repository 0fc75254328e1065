//! The pre-flight: everything that can be known before anything trades.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use crate::{
    execution::Execution,
    fact::{FactKind, Funds, LegCheck, Phase, Preflight, StopCode},
    ids::{ClientOrderId, Symbol},
    leg::{Leg, LegOutcome, Reason, WaitCode},
    money::Money,
    outstanding,
    plan::Urgency,
    planted::{Plant, is_planted},
    policy::PolicyKind,
    price::Tick,
    quantity::Quantity,
    quote::Feed,
    reading::{AccountReading, Asset, Position, SessionClock, TradeMode},
    setting,
    side::Side,
};

use super::Decider;

/// What the pre-flight needs, all read.
struct Readings {
    account: AccountReading,
    positions: BTreeMap<Symbol, Position>,
    session: SessionClock,
}

/// Judges the plan as soon as everything is read; stops it when that takes too long.
pub(super) fn prepare(decider: &mut Decider<'_>) {
    if decider.state.legs.is_empty() {
        decider.record(FactKind::PhaseChanged(Phase::Closing));
        return;
    }
    if decider.state.stop.is_none() {
        let Some(readings) = readings(decider) else {
            if waited(decider) > patience(decider) {
                let open = !outstanding::leftovers(&decider.state, decider.observed).is_empty();
                let code =
                    if open { StopCode::LeftoverOpen } else { StopCode::PreflightUnreadable };
                decider.stop(code);
                return prepare(decider);
            }
            return;
        };
        judge(decider, &readings);
    }
    if let Some(code) = decider.state.stop {
        decider.finish_stopped(code);
        decider.record(FactKind::PhaseChanged(Phase::Closing));
    }
}

/// All readings, once our own leftovers of earlier plans are gone from the book.
fn readings(decider: &Decider<'_>) -> Option<Readings> {
    let observed = decider.observed;
    let leftovers = !outstanding::leftovers(&decider.state, observed).is_empty();
    let assets = decider.state.legs.iter().all(|leg| observed.assets.contains_key(leg.symbol()));
    if leftovers || !assets {
        return None;
    }
    let policy = &decider.state.policy;
    let is_young = |at: &Timestamp, most| decider.now.duration_since(*at) <= most;
    observed.orders_at.filter(|at| is_young(at, policy.orders_max_age))?;
    observed.halt.as_ref()?;
    let account = observed.account.clone();
    let (account, _) = account.filter(|(_, at)| is_young(at, policy.orders_max_age))?;
    let positions = observed.positions.clone();
    let (positions, _) = positions.filter(|(_, at)| is_young(at, policy.orders_max_age))?;
    let (session, _) = observed.session.filter(|(_, at)| is_young(at, policy.session_max_age))?;
    Some(Readings { account, positions, session })
}

/// How long something has been missing: since this owner began, or since the oldest reading grew old.
fn waited(decider: &Decider<'_>) -> SignedDuration {
    let observed = decider.observed;
    let began = decider.state.owner.as_ref().map_or(decider.now, |(_, at)| *at);
    let unknown =
        |leg: &Leg| !observed.assets.contains_key(leg.symbol()) || observed.halt.is_none();
    let leftovers = !outstanding::leftovers(&decider.state, observed).is_empty();
    let read = [
        observed.orders_at,
        observed.account.as_ref().map(|(_, at)| *at),
        observed.positions.as_ref().map(|(_, at)| *at),
        observed.session.map(|(_, at)| at),
    ];
    let since = if leftovers || decider.state.legs.iter().any(unknown) {
        began
    } else {
        read.into_iter().map(|at| at.unwrap_or(began)).min().map_or(began, |at| at.max(began))
    };
    decider.now.duration_since(since)
}

/// How long readings are waited for: a plan that waits for the opening minutes to pass is in no hurry.
fn patience(decider: &Decider<'_>) -> SignedDuration {
    let is_quiet = |leg: &Leg| matches!(leg.waiting, Some((WaitCode::OpenQuiet, _)));
    let policy = &decider.state.policy;
    if decider.state.legs.iter().any(is_quiet) { policy.pause_max } else { policy.quote_wait }
}

fn judge(decider: &mut Decider<'_>, readings: &Readings) {
    match preflight(decider, readings) {
        Ok(preflight) => {
            let quiet = is_quiet(decider, &readings.session);
            let symbols: Vec<Symbol> =
                decider.state.legs.iter().map(|leg| leg.symbol().clone()).collect();
            for symbol in symbols {
                decider.wait(&symbol, quiet.then_some(WaitCode::OpenQuiet));
            }
            if !quiet {
                pass(decider, readings, preflight);
            }
        }
        Err(code) => decider.stop(code),
    }
}

/// The first minutes after the open, in which only an urgent plan begins. A phase's window is shorter than they are.
fn is_quiet(decider: &Decider<'_>, session: &SessionClock) -> bool {
    let quiet = decider.now.duration_since(session.opened_at) < decider.state.policy.open_quiet;
    quiet && decider.state.plan.urgency != Urgency::Urgent
}

fn preflight(decider: &Decider<'_>, readings: &Readings) -> Result<Preflight, StopCode> {
    let (plan, policy) = (&decider.state.plan, &decider.state.policy);
    let account = &readings.account;
    let first =
        |leg: &Leg| ClientOrderId::derive(&plan.account, &plan.plan_id, leg.symbol(), leg.side, 1);
    let lost = |leg: &&Leg| leg.children.is_empty();
    let mut strangers = decider.state.legs.iter().filter(lost);
    if strangers.any(|leg| decider.observed.orders.contains_key(&first(leg))) {
        return Err(StopCode::LogIncomplete);
    }
    if account.account != plan.account {
        return Err(StopCode::AccountDiffers);
    }
    if account.mode != policy.trade_mode {
        return Err(StopCode::ModeDiffers);
    }
    if account.mode == TradeMode::Live && policy.feed == Feed::Iex && !policy.allow_iex {
        return Err(StopCode::FeedNotAllowed);
    }
    if !account.may_trade {
        return Err(StopCode::AccountBlocked);
    }
    if account.shorting_enabled {
        return Err(StopCode::ShortingEnabled);
    }
    if !readings.session.is_open {
        return Err(StopCode::SessionClosed);
    }
    let began = decider.state.children().any(|child| child.broker_order_id.is_some())
        || is_planted(Plant::ValidityIgnored);
    if decider.now > plan.valid_until && !began {
        return Err(StopCode::Stale);
    }
    if plan.trade_value > account.equity.scaled(policy.turnover_max) {
        return Err(StopCode::TurnoverTooHigh);
    }
    if !day_allows(decider, account) {
        return Err(StopCode::DailyCap);
    }
    let (kind, working_time) = working(decider, readings)?;
    let window = window(decider, working_time);
    let windows = window.saturating_mul(i32::try_from(phases(decider)).unwrap_or(i32::MAX));
    let lasting = windows.saturating_add(policy.plan_margin).saturating_add(policy.proceeds_wait);
    let leg_check = |leg: &Leg| {
        let asset = decider.observed.assets.get(leg.symbol()).and_then(Option::as_ref);
        let position = readings.positions.get(leg.symbol());
        check(&decider.state, leg, asset, position)
    };
    Ok(Preflight {
        mode: account.mode,
        equity: account.equity,
        policy: kind,
        working_time,
        window,
        deadline: decider.now.saturating_add(lasting).unwrap_or(decider.now),
        opened_at: readings.session.opened_at,
        closes_at: readings.session.closes_at,
        settings: setting::unlike_default(policy),
        legs: decider.state.legs.iter().map(leg_check).collect(),
    })
}

/// The day has room for what the plan trades, and for one order of each leg.
fn day_allows(decider: &Decider<'_>, account: &AccountReading) -> bool {
    let (plan, policy) = (&decider.state.plan, &decider.state.policy);
    decider.state.acquired.as_ref().is_some_and(|acquired| {
        let cap = account.equity.scaled(policy.daily_notional_max);
        let legs = u32::try_from(decider.state.legs.len()).unwrap_or(u32::MAX);
        acquired.before.notional.plus(plan.trade_value) <= cap
            && acquired.before.orders.saturating_add(legs) <= decider.state.daily_orders_cap()
    })
}

fn phases(decider: &Decider<'_>) -> usize {
    [Side::Sell, Side::Buy]
        .into_iter()
        .filter(|side| decider.state.side(*side).next().is_some())
        .count()
}

/// The policy and the working time that fit before the close: (close − 4 min − now) ÷ phases − 60 s, at most the
/// urgency's; below ten seconds only crossing fits, and below nothing nothing does.
fn working(
    decider: &Decider<'_>,
    readings: &Readings,
) -> Result<(PolicyKind, SignedDuration), StopCode> {
    let policy = &decider.state.policy;
    let keep = policy.close_margin.saturating_mul(2);
    let left = readings.session.closes_at.duration_since(decider.now).saturating_sub(keep);
    let phases = i32::try_from(phases(decider).max(1)).unwrap_or(i32::MAX);
    let each = left.checked_div(phases).unwrap_or(left).saturating_sub(policy.window_margin);
    // In whole milliseconds, as the log keeps it.
    let each = SignedDuration::from_millis(i64::try_from(each.as_millis()).unwrap_or(i64::MAX));
    let symbols = decider.state.legs.iter().map(crate::leg::Leg::symbol);
    let wanted = policy.working_time_for(decider.state.plan.urgency, symbols);
    if each.is_negative() {
        return Err(StopCode::TooLate);
    }
    let crosses = policy.kind == PolicyKind::Cross || decider.state.plan.urgency == Urgency::Urgent;
    if crosses || each < policy.working_time_min {
        return Ok((PolicyKind::Cross, SignedDuration::ZERO));
    }
    Ok((policy.kind, wanted.min(each)))
}

/// A phase's window: working time, margin, and the time that the message budget needs for its orders.
fn window(decider: &Decider<'_>, working_time: SignedDuration) -> SignedDuration {
    let policy = &decider.state.policy;
    let calls = Decimal::from(decider.state.legs.len()).saturating_mul(Decimal::from(4));
    let millis = calls
        .checked_div(policy.call_rate)
        .unwrap_or_default()
        .saturating_mul(Decimal::ONE_THOUSAND);
    let messages = SignedDuration::from_millis(i64::try_from(millis.trunc()).unwrap_or(i64::MAX));
    working_time.saturating_add(policy.window_margin).saturating_add(messages)
}

/// Asset and position, as they were before the plan's first order: a plan whose log was recovered may have fills already.
fn check(
    state: &Execution,
    leg: &Leg,
    asset: Option<&Asset>,
    position: Option<&Position>,
) -> LegCheck {
    let before = |now: Quantity| match leg.side {
        Side::Buy => now.less(leg.filled()),
        Side::Sell => now.plus(leg.filled()),
    };
    LegCheck {
        symbol: leg.symbol().clone(),
        fractionable: asset.is_some_and(|asset| asset.fractionable),
        tick: tick(state, leg.symbol(), asset),
        round_lot: asset.map_or(state.policy.round_lot, |asset| asset.round_lot),
        held: before(position.map_or_else(Default::default, |position| position.quantity)),
        available: before(position.map_or_else(Default::default, |position| position.available)),
    }
}

/// The symbol's own price step: the broker's word for it, else half a cent for a symbol on the half-penny list, unless
/// the broker refused such a price earlier that day.
fn tick(state: &Execution, symbol: &Symbol, asset: Option<&Asset>) -> Option<Tick> {
    let refused = state.acquired.as_ref().is_some_and(|known| known.cent_symbols.contains(symbol));
    let listed = state.policy.half_cent_symbols.contains(symbol).then_some(Tick::HALF_CENT);
    let tick = asset.and_then(|asset| asset.tick).or(listed);
    tick.filter(|tick| !(refused && *tick == Tick::HALF_CENT))
}

fn pass(decider: &mut Decider<'_>, readings: &Readings, preflight: Preflight) {
    decider.record(FactKind::PreflightPassed(preflight));
    let account = &readings.account;
    // What somebody else's buy reserves shows in the settled money only (docs/adr/0008).
    let is_reserved = decider.observed.foreign_buys().next().is_some();
    let now = if is_reserved { account.settled() } else { account.spendable() };
    // Before the plan's first order, again: what it has sold and bought already is in the cash.
    let bought: Money = decider.state.side(Side::Buy).map(Leg::filled_notional).sum();
    let proceeds = decider.state.proceeds();
    let [before, shown] =
        [now, account.spendable()].map(|money| money.plus(bought).minus(proceeds));
    decider.record(FactKind::FundsVerified(Funds { before, shown, proceeds }));
    let refused: Vec<(Symbol, Reason)> = decider
        .state
        .legs
        .iter()
        .filter_map(|leg| {
            let tradable = decider.observed.assets.get(leg.symbol()).and_then(Option::as_ref);
            let barred = decider.state.policy.no_trade_symbols.contains(leg.symbol());
            if barred || !tradable.is_some_and(|asset| asset.tradable) {
                return Some((leg.symbol().clone(), Reason::NotTradable));
            }
            let check = leg.check.as_ref().filter(|_| leg.side == Side::Sell)?;
            let reason = if check.held.is_zero() { Reason::NotHeld } else { Reason::SharesHeld };
            check.available.is_zero().then(|| (leg.symbol().clone(), reason))
        })
        .collect();
    for (symbol, reason) in refused {
        decider.finish(&symbol, LegOutcome::Refused(reason));
    }
    let sells = decider.state.side(Side::Sell).next().is_some();
    decider.record(FactKind::PhaseChanged(if sells { Phase::Selling } else { Phase::Buying }));
}
