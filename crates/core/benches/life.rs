//! Executions to measure: one whose orders all work, and one that is lived from its claim to its end.

use std::collections::BTreeMap;

use alchemiser_core::{
    account::{Acquisition, Usage},
    child::{OrderKind, OrderTerms, Purpose},
    controls::{Ages, Control, Verdict},
    decide::decide,
    execution::{Execution, apply},
    fact::{Fact, FactKind, Intent, Reported, Sized},
    ids::{BrokerOrderId, ClientOrderId, Owner, Symbol},
    money::Money,
    observed::{Answer, Input, Observed, observe},
    outstanding::{Outstanding, Reads, Wanted, outstanding},
    peg::Base,
    plan::Plan,
    policy::Policy,
    quote::Snapshot,
    reading::{AccountReading, Asset, Position, SessionClock, TradeMode},
    report::{BrokerStatus, OrderReport},
    side::Side,
    throttle::Tokens,
};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use crate::given::{account, after, decimal, dollars, draft, price, quote, raw, shares, start};

const BOOK: &str = "100.00x500 100.02x500";

/// A plan of so many legs of $1000 each, every second one an exit.
pub(crate) fn plan(legs: usize) -> Plan {
    let item = |k: usize| format!("{} S{k} 1000", if k.is_multiple_of(2) { "EXIT" } else { "BUY" });
    let items: Vec<String> = (0..legs).map(item).collect();
    let mut draft = draft(&items.join(";"));
    draft.portfolio_value = decimal("1000000");
    Plan::new(draft, start(), Policy::default().plan_max_age).unwrap()
}

/// An execution of so many legs with an order at work in each, and so many fills for each of them.
pub(crate) fn working(legs: usize, fills: u32) -> (Execution, Vec<Fact>) {
    let plan = plan(legs);
    let mut state = Execution::claimed(&plan, start(), Policy::default());
    for item in plan.traded() {
        let side = item.action.side().unwrap();
        for kind in [sized(&item.symbol), intent(&plan, &item.symbol, side)] {
            state = apply(state, &Fact { at: start(), kind });
        }
    }
    let (parts, whole) = (Decimal::from(fills), Decimal::TEN);
    let filled = |k: u32| whole * Decimal::from(k) / parts;
    let fact = |symbol: &Symbol, k: u32| Fact {
        at: after(start(), i64::from(k)),
        kind: FactKind::Reported(symbol.clone(), 1, Box::new(reported(filled(k), k == fills))),
    };
    let symbols: Vec<&Symbol> = plan.traded().map(|item| &item.symbol).collect();
    let facts = (1..=fills).flat_map(|k| symbols.iter().map(move |symbol| fact(symbol, k)));
    (state, facts.collect())
}

fn sized(symbol: &Symbol) -> FactKind {
    FactKind::Sized(symbol.clone(), Sized { target: shares("10"), trimmed: false })
}

fn intent(plan: &Plan, symbol: &Symbol, side: Side) -> FactKind {
    let age = SignedDuration::ZERO;
    let ages = Ages {
        quote_observed: age,
        quote_standing: age,
        session: age,
        orders: age,
        funds: age,
        account: age,
        halt: age,
    };
    let terms = OrderTerms {
        symbol: symbol.clone(),
        side,
        quantity: shares("10"),
        limit: price("100"),
        kind: OrderKind::Limit,
    };
    FactKind::Intent(Box::new(Intent {
        attempt: 1,
        client_order_id: ClientOrderId::derive(&plan.account, &plan.plan_id, symbol, side, 1),
        terms,
        purpose: Purpose::Rest,
        quote: quote(BOOK, start()),
        before: Base { near: price("100"), ticks: Decimal::TWO },
        ramp: None,
        verdict: Verdict::recorded(Control::ALL.to_vec(), ages),
    }))
}

fn reported(filled: Decimal, whole: bool) -> Reported {
    Reported {
        broker_order_id: BrokerOrderId::new("b1").unwrap(),
        status: if whole { BrokerStatus::Filled } else { BrokerStatus::PartiallyFilled },
        quantity: shares("10"),
        limit: Some(price("100")),
        cumulative: shares(&filled.to_string()),
        average_price: Some(price("100")),
        submitted_at: start(),
        filled_at: Some(start()),
        quote: Some(quote(BOOK, start())),
    }
}

/// A plan's life with a broker that fills every order at once. Nothing of it is copied on the way.
pub(crate) struct Life {
    pub(crate) state: Execution,
    pub(crate) turns: usize,
    pub(crate) facts: usize,
    seen: Observed,
    now: Timestamp,
    cash: Money,
    held: BTreeMap<Symbol, Position>,
}

impl Life {
    /// Claimed, and its lease just taken.
    pub(crate) fn of(plan: &Plan) -> Self {
        let policy = Policy::default();
        let sold = plan.traded().filter(|item| item.action.side() == Some(Side::Sell));
        let hold = |symbol: &Symbol| {
            let quantity = shares("10");
            (symbol.clone(), Position { symbol: symbol.clone(), quantity, available: quantity })
        };
        let life = Self {
            state: Execution::claimed(plan, start(), policy.clone()),
            turns: 0,
            facts: 0,
            seen: Observed::new(Tokens::full(start(), &policy), policy),
            now: start(),
            cash: dollars("100000"),
            held: sold.map(|item| hold(&item.symbol)).collect(),
        };
        let owner = Owner::new("owner").unwrap();
        let known = Acquisition {
            account: account(),
            date: jiff::civil::date(2026, 11, 20),
            before: Usage::default(),
            reserved: Usage::reserved_for(plan, &Policy::default()),
            cent_symbols: Vec::new(),
        };
        let first = [FactKind::Acquired(Box::new(known)), FactKind::LeaseTaken(1, owner)];
        life.took(&first.map(|kind| Fact { at: start(), kind }))
    }

    /// Turn by turn until the plan is over.
    pub(crate) fn lived(self) -> Self {
        let mut life = self;
        while !life.state.is_finished() {
            let wanted = outstanding(&life.state, life.now).reads;
            life = life.read(&wanted);
            let facts = decide(&life.state, &life.seen, life.now);
            life = life.took(&facts);
            life.seen.forget_answers();
            let due = outstanding(&life.state, life.now);
            life = life.acted(&due);
            let wake = due.wake_at.unwrap_or(life.now);
            life.now = life.seen.tokens.pace(wake, life.now, &life.state.policy);
            life.turns += 1;
        }
        life
    }

    fn took(self, facts: &[Fact]) -> Self {
        let state = facts.iter().fold(self.state, apply);
        Self { state, facts: self.facts + facts.len(), ..self }
    }

    fn heard(self, input: &Input) -> Self {
        Self { seen: observe(self.seen, input), ..self }
    }

    fn read(self, wanted: &Reads) -> Self {
        let now = self.now;
        let mut inputs = Vec::new();
        if wanted.orders {
            inputs.push(Input::Orders(Vec::new(), now));
        }
        if wanted.account != Wanted::No {
            inputs.push(Input::Account(self.account(), now));
        }
        if wanted.positions {
            inputs.push(Input::Positions(self.held.clone(), now));
        }
        if wanted.halt != Wanted::No {
            inputs.push(Input::Halt(None, now));
        }
        let day = SignedDuration::from_hours(3);
        let (opened_at, closes_at) = (now - day, now + day);
        inputs.push(Input::Session(
            SessionClock { at: now, is_open: true, opened_at, closes_at },
            now,
        ));
        let asset = |symbol: &Symbol| Asset {
            symbol: symbol.clone(),
            tradable: true,
            fractionable: true,
            tick: None,
            round_lot: shares("100"),
        };
        inputs
            .extend(wanted.assets.iter().map(|name| Input::Asset(name.clone(), Some(asset(name)))));
        let book = raw(BOOK, now);
        let seen =
            Snapshot { quote: Some(book), last_trade: None, previous_close: Some(price("100")) };
        let snapshots = wanted.snapshots.iter().map(|name| (name.clone(), seen.clone()));
        inputs.push(Input::Snapshots(snapshots.collect()));
        inputs.iter().fold(self, Self::heard)
    }

    fn account(&self) -> AccountReading {
        AccountReading {
            account: account(),
            mode: TradeMode::Simulated,
            may_trade: true,
            shorting_enabled: false,
            cash: self.cash,
            buying_power: self.cash,
            non_marginable_buying_power: self.cash,
            equity: dollars("1000000"),
        }
    }

    /// Every order that is due is filled at its limit.
    fn acted(self, due: &Outstanding) -> Self {
        let now = self.now;
        let mut life = self;
        for order in &due.submits {
            let terms = order.terms();
            let worth = terms.notional();
            life.cash = match terms.side {
                Side::Buy => life.cash.minus(worth),
                Side::Sell => life.cash.plus(worth),
            };
            life.settle(terms);
            let report = OrderReport {
                client_order_id: order.client_order_id().to_string(),
                broker_order_id: BrokerOrderId::new(order.client_order_id().as_str()).unwrap(),
                symbol: terms.symbol.clone(),
                side: terms.side,
                status: BrokerStatus::Filled,
                quantity: terms.quantity,
                limit: Some(terms.limit),
                cumulative: terms.quantity,
                average_price: Some(terms.limit),
                submitted_at: now,
                filled_at: Some(now),
            };
            let answer = Answer::Known(report);
            life = life.heard(&Input::Answered(order.client_order_id().clone(), answer));
        }
        let calls = u32::try_from(due.submits.len()).unwrap();
        life.heard(&Input::Called(calls, now))
    }

    fn settle(&mut self, terms: &OrderTerms) {
        let none = || Position {
            symbol: terms.symbol.clone(),
            quantity: shares("0"),
            available: shares("0"),
        };
        let held = self.held.entry(terms.symbol.clone()).or_insert_with(none);
        held.quantity = match terms.side {
            Side::Buy => held.quantity.plus(terms.quantity),
            Side::Sell => held.quantity.less(terms.quantity),
        };
        held.available = held.quantity;
    }
}
