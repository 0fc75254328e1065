//! Legs and orders without an execution around them.

use std::collections::BTreeMap;

use alchemiser_core::{
    child::{ChildOrder, OrderKind, OrderTerms, Purpose, Status},
    controls::{Ages, Verdict},
    fact::{Intent, Reported, Sized},
    ids::{AccountId, BrokerOrderId, ClientOrderId, EventId, PlanId},
    leg::Leg,
    peg::Base,
    plan::{Draft, DraftItem, Plan},
    policy::Policy,
    price::Price,
    quantity::Quantity,
    quote::{Quote, Touch},
    report::BrokerStatus,
};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

/// A plan of so many buys.
pub(crate) fn plan(buys: usize) -> Plan {
    plan_of((0..buys).map(buy).collect())
}

/// A plan of so many legs: a buy, a sell, a buy, …
pub(crate) fn mixed_plan(legs: usize) -> Plan {
    let item = |index: usize| if index.is_multiple_of(2) { buy(index) } else { sell(index) };
    plan_of((0..legs).map(item).collect())
}

fn buy(index: usize) -> DraftItem {
    DraftItem {
        symbol: format!("S{index}"),
        action: "BUY".to_owned(),
        trade_amount: Decimal::ONE_THOUSAND,
        current_value: Decimal::ZERO,
        target_value: Decimal::ONE_THOUSAND,
        current_weight: Decimal::ZERO,
        target_weight: Decimal::new(1, 2),
        priority: 1,
    }
}

fn sell(index: usize) -> DraftItem {
    let thousand = Decimal::ONE_THOUSAND;
    DraftItem {
        action: "SELL".to_owned(),
        trade_amount: -thousand,
        current_value: thousand,
        target_value: Decimal::ZERO,
        ..buy(index)
    }
}

fn plan_of(items: Vec<DraftItem>) -> Plan {
    let draft = Draft {
        account: AccountId::new("PA000000001").unwrap(),
        source_event: EventId::new("event-1").unwrap(),
        plan_id: "plan-1".to_owned(),
        correlation_id: "workflow-1".to_owned(),
        timestamp: Timestamp::UNIX_EPOCH,
        valid_until: None,
        urgency: "NORMAL".to_owned(),
        portfolio_value: Decimal::from(1_000_000),
        trade_value: Decimal::ONE_THOUSAND * Decimal::from(items.len()),
        trades_required: true,
        items,
        attribution: BTreeMap::new(),
    };
    Plan::new(draft, Timestamp::UNIX_EPOCH, Policy::default().plan_max_age).unwrap()
}

fn ages() -> Ages {
    let none = SignedDuration::ZERO;
    Ages {
        quote_observed: none,
        quote_standing: none,
        session: none,
        orders: none,
        funds: none,
        account: none,
        halt: none,
    }
}

/// A leg with this target and no order yet.
pub(crate) fn leg(target: Quantity) -> Leg {
    let mut leg = Leg::new(&plan(1).items[0]).unwrap();
    leg.sized = Some(Sized { target, trimmed: false });
    leg
}

/// The leg's next order for what it has left, taken by the broker.
pub(crate) fn send(leg: &mut Leg, limit: Price, at: Timestamp) {
    let touch = Touch { price: limit, size: Quantity::ONE };
    let plan_id = PlanId::new("plan-1").unwrap();
    let account = AccountId::new("PA000000001").unwrap();
    let (symbol, side, attempt) = (leg.symbol().clone(), leg.side, leg.next_attempt());
    let intent = Intent {
        attempt,
        client_order_id: ClientOrderId::derive(&account, &plan_id, &symbol, side, attempt),
        terms: OrderTerms { symbol, side, quantity: leg.leaves(), limit, kind: OrderKind::Limit },
        purpose: Purpose::Rest,
        quote: Quote { bid: touch, ask: touch, changed_at: at, observed_at: at },
        before: Base { near: limit, ticks: Decimal::ONE },
        ramp: None,
        verdict: Verdict::recorded(Vec::new(), ages()),
    };
    leg.children.push(ChildOrder::new(&intent, at));
    report(leg, BrokerStatus::New, Quantity::ZERO);
}

/// A reading of the newest order.
pub(crate) fn report(leg: &mut Leg, status: BrokerStatus, cumulative: Quantity) {
    let child = leg.children.last_mut().unwrap();
    let reported = Reported {
        broker_order_id: BrokerOrderId::new(&format!("b{}", child.attempt)).unwrap(),
        status,
        quantity: child.terms.quantity,
        limit: Some(child.terms.limit),
        cumulative,
        average_price: (!cumulative.is_zero()).then_some(child.terms.limit),
        submitted_at: child.intended_at,
        filled_at: None,
        quote: None,
    };
    let at = child.intended_at;
    child.follow(&reported, at);
}

/// The newest order is over and another one is sent: a re-peg.
pub(crate) fn repeg(leg: &mut Leg, limit: Price, at: Timestamp) {
    let cumulative = leg.children.last().map_or(Quantity::ZERO, |child| child.cumulative);
    report(leg, BrokerStatus::Canceled, cumulative);
    assert_eq!(leg.children.last().unwrap().status, Status::Canceled);
    send(leg, limit, at);
}
