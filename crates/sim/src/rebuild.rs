//! The log could be lost: what the claim and the broker's books say must be what it says.

use std::collections::BTreeMap;

use alchemiser_core::{
    child::ChildOrder, execution::Execution, ids::ClientOrderId, leg::Leg, price::Price,
    quantity::Quantity,
};

use crate::world::World;

/// What is known of an order: what it asked for, what was filled, and at which average price.
type Known = (Quantity, Quantity, Option<Price>);

/// I8: a rebuild from the claim and the broker's orders agrees with the state.
pub(crate) fn agrees(world: &mut World, state: &Execution) {
    let mut found = Vec::new();
    for leg in &state.legs {
        let (rebuilt, told) = (rebuilt(world, state, leg), told(leg));
        if rebuilt != told {
            found.push(format!(
                "{} of {}: the broker's orders add up to {rebuilt:?}, the log to {told:?}",
                leg.symbol(),
                state.plan.plan_id
            ));
        }
    }
    for found in found {
        world.broken("I8", found);
    }
}

/// A leg's orders by attempt, found at the broker by their ids alone.
fn rebuilt(world: &World, state: &Execution, leg: &Leg) -> BTreeMap<u32, Known> {
    let plan = &state.plan;
    let find = |attempt: u32| {
        let id =
            ClientOrderId::derive(&plan.account, &plan.plan_id, leg.symbol(), leg.side, attempt);
        let report = world.exchange.report(id.as_str())?;
        Some((attempt, (report.quantity, report.cumulative, report.average_price)))
    };
    (1..=state.policy.children_max).filter_map(find).collect()
}

/// The same as the log has it. What the broker never showed it cannot tell.
fn told(leg: &Leg) -> BTreeMap<u32, Known> {
    let placed = leg.children.iter().filter(|child| child.broker_order_id.is_some());
    let known = |child: &ChildOrder| {
        (child.attempt, (child.terms.quantity, child.cumulative, child.average_price))
    };
    placed.map(known).collect()
}
