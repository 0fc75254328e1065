//! The books of `alchemiser exchange`: what its accounts ordered and traded, as logs are compared with it.

use std::collections::BTreeMap;

use alchemiser_core::{ids::Symbol, money::Money, quantity::Quantity, side::Side};
use alchemiser_driver::audit::{BrokerFill, BrokerOrder, Truth};
use alchemiser_exchange::{
    order::Order,
    request::{Kind, Size},
    venue::Venue,
};

/// Every order of an account, in the order of submission.
pub fn orders(venue: &Venue, account: usize) -> Vec<Order> {
    venue.account(account).orders.iter().map(|number| venue.order(*number).clone()).collect()
}

/// Shares of an account that changed hands, by symbol and side.
pub fn traded(venue: &Venue, account: usize) -> BTreeMap<(Symbol, Side), Quantity> {
    let mut sums: BTreeMap<(Symbol, Side), Quantity> = BTreeMap::new();
    for order in orders(venue, account) {
        let sum = sums.entry((order.terms.symbol.clone(), order.terms.side)).or_default();
        *sum = sum.plus(order.filled);
    }
    sums
}

/// What the exchange says of an account.
pub fn truth(venue: &Venue, account: usize) -> Truth {
    let own = venue.fills().iter().filter(|fill| fill.account == account);
    let fills = own.map(|fill| {
        let order = venue.order(fill.order);
        BrokerFill {
            client_order_id: order.terms.client_order_id.clone(),
            side: order.terms.side,
            quantity: fill.execution.quantity,
            price: fill.execution.price,
        }
    });
    Truth {
        cash: Money::new(venue.account(account).opening.cash.0),
        orders: orders(venue, account).iter().map(booked).collect(),
        fills: fills.collect(),
    }
}

/// An order in the broker's books.
fn booked(order: &Order) -> BrokerOrder {
    let (Size::Shares(quantity), Kind::Limit(limit)) = (order.terms.size, order.terms.kind) else {
        panic!("a plan sends limit orders of shares, found {:?}", order.terms);
    };
    BrokerOrder {
        at: order.times.created,
        client_order_id: order.terms.client_order_id.clone(),
        symbol: order.terms.symbol.clone(),
        side: order.terms.side,
        quantity,
        limit,
    }
}
