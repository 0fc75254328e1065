//! Between the phases, and after the last: money that must show, positions that must agree, the outcome.

use crate::{
    child::ChildOrder,
    fact::{FactKind, Funds, Phase, PositionDifference},
    leg::Leg,
    money::Money,
    outcome,
    quantity::Quantity,
    reading::AccountReading,
    side::Side,
};

use super::{Decider, marks};

/// Waits until the account shows the sells' proceeds; at the bound the buys go on with what it shows.
pub(super) fn proceeds(decider: &mut Decider<'_>) {
    let Some((funds, verified_at)) = decider.state.funds else {
        return;
    };
    let earned = decider.state.proceeds();
    let entered = decider.state.phase_at();
    let over = decider.now.duration_since(entered) >= decider.state.policy.proceeds_wait;
    let reading = decider.observed.account.as_ref().filter(|(_, at)| *at >= entered);
    // Buys come later, but for those that a cut log had lost: their fills are out of the cash, and what is open of them
    // is out of the buying power.
    let bought: Money = decider.state.side(Side::Buy).map(Leg::filled_notional).sum();
    let buying = decider.state.buys_committed();
    let mut buys = decider.observed.foreign_buys();
    let is_new = buys.any(|order| order.submitted_at >= verified_at);
    let shown = reading.map(|(account, _)| {
        let account = AccountReading {
            cash: account.cash.plus(bought),
            buying_power: account.buying_power.plus(buying),
            non_marginable_buying_power: account.non_marginable_buying_power.plus(buying),
            ..account.clone()
        };
        // What somebody's new buy reserves shows in the settled money only: that counts then, without the proceeds.
        if is_new {
            account.settled().minus(funds.before)
        } else {
            account.spendable().minus(funds.shown)
        }
    });
    let sells = decider.state.side(Side::Sell).count();
    let rounding =
        Money::new(rust_decimal::Decimal::new(i64::try_from(sells).unwrap_or(i64::MAX), 2));
    let settled =
        decider.state.side(Side::Sell).flat_map(|leg| &leg.children).all(ChildOrder::is_settled);
    match shown {
        Some(shown) if settled && shown.plus(rounding) >= earned => {
            verified(decider, funds, earned.min(shown));
        }
        Some(shown) if over => verified(decider, funds, shown.max(Money::ZERO).min(earned)),
        None if over || decider.state.stop.is_some() => verified(decider, funds, Money::ZERO),
        Some(_) | None => {}
    }
}

fn verified(decider: &mut Decider<'_>, funds: Funds, proceeds: Money) {
    decider.record(FactKind::FundsVerified(Funds { proceeds, ..funds }));
    decider.record(FactKind::PhaseChanged(Phase::Buying));
}

/// Compares with the broker once more and records the outcome. Without any order there is nothing to compare.
pub(super) fn close(decider: &mut Decider<'_>) {
    let entered = decider.state.phase_at();
    let traded = decider.state.children().next().is_some();
    if traded && decider.state.reconciled.is_none() {
        let over = decider.now.duration_since(entered) >= decider.state.policy.cancel_confirmation;
        let listed = decider.observed.orders_at.is_some_and(|at| at >= entered);
        let settled = decider.state.children().all(ChildOrder::is_settled);
        let positions = decider.observed.positions.as_ref().filter(|(_, at)| *at >= entered);
        match positions {
            Some((positions, _)) if listed && (settled || over) => {
                let held = |leg: &Leg| {
                    positions.get(leg.symbol()).map_or(Quantity::ZERO, |position| position.quantity)
                };
                let differences = decider
                    .state
                    .legs
                    .iter()
                    .filter_map(|leg| difference(leg, held(leg)))
                    .collect();
                decider.record(FactKind::Reconciled(differences));
            }
            Some(_) | None
                if over
                    && decider.now.duration_since(entered)
                        >= decider.state.policy.unresolved_after =>
            {
                // Nothing could be compared; the log says so by not holding a comparison.
            }
            Some(_) | None => return,
        }
    }
    // The halt that this plan asked for must show before nobody looks after it any more.
    if decider.state.must_halt().is_some() {
        return;
    }
    marks::marks(decider);
    let outcome = outcome::classify(&decider.state);
    decider.record(FactKind::OutcomeReached(Box::new(outcome)));
    decider.record(FactKind::PhaseChanged(Phase::Finished));
}

fn difference(leg: &Leg, found: Quantity) -> Option<PositionDifference> {
    let check = leg.check.as_ref()?;
    let expected = match leg.side {
        Side::Buy => check.held.plus(leg.filled()),
        Side::Sell => check.held.less(leg.filled()),
    };
    (expected != found).then(|| PositionDifference {
        symbol: leg.symbol().clone(),
        expected,
        found,
    })
}
