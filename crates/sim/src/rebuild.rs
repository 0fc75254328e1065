//! The log could be lost: what a recovery makes of the claim and the broker's books must be what the log says.

use std::collections::BTreeMap;

use alchemiser_core::{
    child::ChildOrder,
    execution::Execution,
    fact::Fact,
    leg::Leg,
    price::Price,
    quantity::Quantity,
    recovery::{self, Recovery},
};

use crate::world::World;

/// What is known of an order: what it asked for, what was filled, and at which average price.
type Known = (Quantity, Quantity, Option<Price>);

/// I8: a rebuild from the claim and the broker's orders agrees with the state.
pub(crate) fn agrees(world: &mut World, state: &Execution) {
    let rebuilt = rebuilt(world, state);
    for (told, found) in state.legs.iter().zip(&rebuilt.legs) {
        let (log, broker) = (orders(told), orders(found));
        if log != broker {
            let of = format!("{} of {}", told.symbol(), state.plan.plan_id);
            let found =
                format!("{of}: the broker's orders add up to {broker:?}, the log to {log:?}");
            world.broken("I8", found);
        }
    }
}

/// The state after a recovery that found nothing but the claim.
fn rebuilt(world: &World, state: &Execution) -> Execution {
    let mut rebuilt =
        Execution::claimed(&state.plan, state.claimed_at, state.policy.as_ref().clone());
    let reports = world.exchange.reports();
    let lost = recovery::lost(&rebuilt, &reports);
    let orders = u32::try_from(lost.len()).unwrap_or(u32::MAX);
    let recovery = Recovery { entries: 1, orders, is_over: false };
    for kind in recovery::facts(&rebuilt, (&reports, &lost), recovery) {
        rebuilt.take(&Fact { at: state.last_at, kind });
    }
    rebuilt
}

/// A leg's orders that the broker has shown, by attempt.
fn orders(leg: &Leg) -> BTreeMap<u32, Known> {
    let placed = leg.children.iter().filter(|child| child.broker_order_id.is_some());
    let known = |child: &ChildOrder| {
        (child.attempt, (child.terms.quantity, child.cumulative, child.average_price))
    };
    placed.map(known).collect()
}
