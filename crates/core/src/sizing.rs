//! From dollars to shares, and how buys share the money.

use rust_decimal::Decimal;

use crate::{
    fact::{LegCheck, Sized},
    ids::Symbol,
    leg::{Leg, LegOutcome, Reason},
    money::Money,
    policy::Policy,
    price::Price,
    quantity::Quantity,
    quote::Quote,
    side::Side,
};

/// A leg's target on a quote. A complete exit is the exact available quantity (of an asset traded in whole shares, too:
/// its last fraction is tried once as an order of its own); other sells are |amount| / bid, never
/// more than is available; buys are the allocation / ask. Always rounded down; there is no default quantity.
///
/// # Errors
/// How the leg ends instead: not held, held by other orders, not what the plan says, or too small.
pub fn target(leg: &Leg, quote: &Quote, policy: &Policy) -> Result<Sized, LegOutcome> {
    let Some(check) = &leg.check else {
        return Err(LegOutcome::Refused(Reason::NoReading));
    };
    let kept = Decimal::ONE.saturating_sub(policy.trim_max);
    let (target, trimmed) = match leg.side {
        Side::Sell => {
            let (target, wanted) = sell(leg, check, quote, policy)?;
            (target, target.shares() < wanted.shares().saturating_mul(kept))
        }
        Side::Buy => {
            let asked = leg.item.trade_amount;
            let amount = leg.allocation.unwrap_or(asked).min(asked);
            if !amount.is_positive() {
                return Err(LegOutcome::Skipped(Reason::Unfunded));
            }
            (more(leg, check, (amount, quote.ask.price), policy), amount < asked.scaled(kept))
        }
    };
    let residue = leg.item.is_exit() && !check.fractionable && !target.is_zero();
    if !residue && is_too_small(target, quote.bid.price, check, policy) {
        return Err(LegOutcome::Skipped(Reason::TooSmall));
    }
    Ok(Sized { target, trimmed })
}

/// What can be sold, and what the plan would sell.
fn sell(
    leg: &Leg,
    check: &LegCheck,
    quote: &Quote,
    policy: &Policy,
) -> Result<(Quantity, Quantity), LegOutcome> {
    if check.held.is_zero() {
        return Err(LegOutcome::Refused(Reason::NotHeld));
    }
    if check.available.is_zero() {
        return Err(LegOutcome::Refused(Reason::SharesHeld));
    }
    if !leg.item.is_exit() {
        let sellable = if check.fractionable { check.available } else { check.available.whole() };
        let wanted = more(leg, check, (leg.item.trade_amount.abs(), quote.bid.price), policy);
        return Ok((wanted.min(sellable), wanted));
    }
    let value = Money::new(quote.mid().saturating_mul(check.available.shares()));
    let off = value.minus(leg.item.current_value).abs();
    if off > leg.item.current_value.abs().scaled(policy.position_tolerance) {
        return Err(LegOutcome::Refused(Reason::PositionDiffers));
    }
    Ok((check.available, check.held))
}

/// The shares that a leg's fills (a recovered one has some) and the rest of its dollars come to. A rest of a trifle is
/// none: a plan that was over is not topped up because a price has moved.
fn more(leg: &Leg, check: &LegCheck, (amount, price): (Money, Price), policy: &Policy) -> Quantity {
    let (filled, rest) = (leg.filled(), amount.minus(leg.filled_notional()));
    let trifle = !filled.is_zero() && is_trifle(leg, policy);
    let rest = if trifle { Money::ZERO } else { rest.max(Money::ZERO) };
    filled.plus(lot(check, price.shares_for(rest), policy))
}

/// What is left of the plan's dollars is within the tolerance of a leg that counts as traded.
pub(crate) fn is_trifle(leg: &Leg, policy: &Policy) -> bool {
    let asked = leg.item.trade_amount.abs();
    asked.minus(leg.filled_notional()) <= asked.scaled(policy.trim_max)
}

/// Shares rounded down to what can be traded of the asset.
pub fn lot(check: &LegCheck, shares: Decimal, policy: &Policy) -> Quantity {
    Quantity::rounded_down(shares, if check.fractionable { policy.fraction_decimals } else { 0 })
}

/// What is left is not worth an order, or cannot be one: by dollars where parts of a share are traded, by whole shares
/// elsewhere.
pub fn is_too_small(leaves: Quantity, price: Price, check: &LegCheck, policy: &Policy) -> bool {
    if check.fractionable {
        leaves.is_zero() || price.times(leaves) < policy.notional_min
    } else {
        leaves < Quantity::ONE
    }
}

/// Shares the money among the buys. Enough: everybody gets what the plan says. Short by a little: everybody is trimmed
/// alike. Short by more: priorities in order, the last one that gets anything gets the rest.
pub fn allocate<'a>(
    legs: impl Iterator<Item = &'a Leg>,
    budget: Money,
    policy: &Policy,
) -> Vec<(Symbol, Money)> {
    let mut wanted: Vec<&Leg> = legs.collect();
    let total: Money = wanted.iter().map(|leg| leg.item.trade_amount).sum();
    let least = total.scaled(Decimal::ONE.saturating_sub(policy.trim_max));
    if budget >= least {
        let share = budget.ratio_to(total).unwrap_or(Decimal::ONE).min(Decimal::ONE);
        return wanted
            .iter()
            .map(|leg| (leg.symbol().clone(), leg.item.trade_amount.scaled(share)))
            .collect();
    }
    wanted.sort_by_key(|leg| leg.item.priority);
    let mut left = budget.max(Money::ZERO);
    wanted
        .iter()
        .map(|leg| {
            let given = leg.item.trade_amount.min(left);
            left = left.minus(given);
            (leg.symbol().clone(), given)
        })
        .collect()
}
