//! Values for tests, from short texts.

use alchemiser_core::{
    account::{Acquisition, Usage},
    child::{ChildOrder, OrderKind, OrderTerms, Purpose, Status},
    controls::{Ages, Verdict},
    fact::{Intent, LegCheck},
    ids::{AccountId, BrokerOrderId, ClientOrderId, EventId, PlanId, Symbol},
    leg::Leg,
    money::Money,
    peg::Base,
    plan::{Draft, DraftItem, Plan},
    policy::Policy,
    price::{Price, Tick},
    quantity::Quantity,
    quote::{Quote, RawQuote, Touch},
};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

/// 2026-11-20 10:00:00 in New York.
pub(crate) fn start() -> Timestamp {
    "2026-11-20T15:00:00Z".parse().unwrap()
}

pub(crate) fn after(from: Timestamp, millis: i64) -> Timestamp {
    from.checked_add(SignedDuration::from_millis(millis)).unwrap()
}

pub(crate) fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

pub(crate) fn price(text: &str) -> Price {
    Price::new(decimal(text)).unwrap()
}

pub(crate) fn shares(text: &str) -> Quantity {
    Quantity::new(decimal(text)).unwrap()
}

pub(crate) fn dollars(text: &str) -> Money {
    Money::new(decimal(text))
}

pub(crate) fn symbol(text: &str) -> Symbol {
    Symbol::new(text).unwrap()
}

pub(crate) fn account() -> AccountId {
    AccountId::new("PA000000001").unwrap()
}

/// `"10.00x500 10.01x400"`: bid and ask with sizes; `-` for a side that is not there.
pub(crate) fn raw(text: &str, at: Timestamp) -> RawQuote {
    let side = |part: &str| {
        let (price_text, size) = part.split_once('x')?;
        Some(Touch { price: price(price_text), size: shares(size) })
    };
    let (bid, ask) = text.split_once(' ').unwrap();
    RawQuote { bid: side(bid), ask: side(ask), changed_at: at, observed_at: at }
}

pub(crate) fn quote(text: &str, at: Timestamp) -> Quote {
    let raw = raw(text, at);
    Quote { bid: raw.bid.unwrap(), ask: raw.ask.unwrap(), changed_at: at, observed_at: at }
}

/// `"BUY AAPL 1000"`, `"SELL MSFT 500"` (a trim), `"EXIT GE 500"` (target weight 0), `"HOLD T 0"`; an optional fourth
/// word is the priority.
pub(crate) fn item(text: &str) -> DraftItem {
    let words: Vec<&str> = text.split_whitespace().collect();
    let amount = decimal(words[2]);
    let (action, amount, current, target) = match words[0] {
        "BUY" => ("BUY", amount, Decimal::ZERO, amount),
        "SELL" => ("SELL", -amount, amount * Decimal::TWO, amount),
        "EXIT" => ("SELL", -amount, amount, Decimal::ZERO),
        other => (other, amount, amount, amount),
    };
    DraftItem {
        symbol: words[1].to_owned(),
        action: action.to_owned(),
        trade_amount: amount,
        current_value: current,
        target_value: target,
        current_weight: if current.is_zero() { Decimal::ZERO } else { decimal("0.1") },
        target_weight: if target.is_zero() { Decimal::ZERO } else { decimal("0.1") },
        priority: words.get(3).map_or(1, |word| word.parse().unwrap()),
    }
}

/// A plan of items separated by `;`.
pub(crate) fn draft(items: &str) -> Draft {
    let items: Vec<DraftItem> =
        items.split(';').map(str::trim).filter(|text| !text.is_empty()).map(item).collect();
    let traded = items.iter().filter(|item| item.action != "HOLD");
    Draft {
        account: account(),
        source_event: EventId::new("event-1").unwrap(),
        plan_id: "plan-1".to_owned(),
        correlation_id: "workflow-1".to_owned(),
        timestamp: start(),
        valid_until: None,
        urgency: "NORMAL".to_owned(),
        portfolio_value: decimal("100000"),
        trade_value: traded.map(|item| item.trade_amount.abs()).sum(),
        trades_required: true,
        items,
        attribution: std::collections::BTreeMap::new(),
    }
}

pub(crate) fn plan(items: &str) -> Plan {
    Plan::new(draft(items), start(), Policy::default().plan_max_age).unwrap()
}

/// The account as the day's first plan finds it.
pub(crate) fn acquisition(plan: &Plan) -> Acquisition {
    Acquisition {
        account: plan.account.clone(),
        date: jiff::civil::date(2026, 11, 20),
        before: Usage::default(),
        reserved: Usage::reserved_for(plan, &Policy::default()),
        cent_symbols: Vec::new(),
    }
}

/// The only leg of a plan of one item, past its pre-flight.
pub(crate) fn leg(item: &str, check: &LegCheck) -> Leg {
    let mut leg = Leg::new(&plan(item).items[0]).unwrap();
    leg.check = Some(LegCheck { symbol: leg.symbol().clone(), ..check.clone() });
    leg
}

/// Held and available shares; `whole` for an asset without fractions.
pub(crate) fn check_of(held: &str, available: &str, kind: &str) -> LegCheck {
    LegCheck {
        symbol: symbol("X"),
        fractionable: kind != "whole",
        tick: None,
        round_lot: shares("100"),
        held: shares(held),
        available: shares(available),
    }
}

pub(crate) fn tick_of(text: &str) -> Tick {
    match text {
        "0.01" => Tick::CENT,
        "0.005" => Tick::HALF_CENT,
        "0.0001" => Tick::SUB_DOLLAR,
        other => panic!("no tick {other}"),
    }
}

/// Adds an order that is over: `"rest 40@100.09 got 30@100.08 on 100.08x500 100.12x500"`; `got 30` for a fill whose
/// price is not known yet. It was decided at the leg's start, a second later for every order before it.
pub(crate) fn ordered(leg: &mut Leg, text: &str) {
    let (order, book) = text.split_once(" on ").unwrap();
    let words: Vec<&str> = order.split_whitespace().collect();
    let (quantity, limit) = words[1].split_once('@').unwrap();
    let (got, average) = words.get(3).map_or(("0", None), |got| match got.split_once('@') {
        Some((got, average)) => (got, Some(price(average))),
        None => (*got, None),
    });
    let attempt = leg.next_attempt();
    let id = PlanId::new("plan-1").unwrap();
    let at = after(start(), i64::from(attempt - 1) * 1000);
    let quote = quote(book, start());
    let zero = SignedDuration::ZERO;
    let ages = Ages {
        quote_observed: zero,
        quote_standing: zero,
        session: zero,
        orders: zero,
        funds: zero,
        account: zero,
        halt: zero,
    };
    let intent = Intent {
        attempt,
        client_order_id: ClientOrderId::derive(&account(), &id, leg.symbol(), leg.side, attempt),
        terms: OrderTerms {
            symbol: leg.symbol().clone(),
            side: leg.side,
            quantity: shares(quantity),
            limit: price(limit),
            kind: OrderKind::Limit,
        },
        purpose: if words[0] == "rest" { Purpose::Rest } else { Purpose::Cross },
        quote,
        before: Base { near: quote.near(leg.side).price, ticks: Tick::CENT.count(quote.spread()) },
        ramp: None,
        verdict: Verdict::recorded(Vec::new(), ages),
    };
    let mut child = ChildOrder::new(&intent, at);
    child.broker_order_id = Some(BrokerOrderId::new(&format!("b{attempt}")).unwrap());
    child.cumulative = shares(got);
    child.average_price = average;
    child.status = if child.leaves().is_zero() { Status::Filled } else { Status::Canceled };
    leg.children.push(child);
}
