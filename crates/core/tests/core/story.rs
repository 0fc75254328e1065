//! A plan's life with a scripted exchange, in virtual time.

use std::sync::Arc;

use std::collections::{BTreeMap, BTreeSet};

use alchemiser_core::{
    account::{Acquisition, Halt},
    child::{ChildOrder, Status},
    controls::Verdict,
    decide::decide,
    execution::{Execution, apply},
    fact::{Fact, FactKind},
    ids::{ClientOrderId, Owner, Symbol},
    money::Money,
    observed::{Input, Observed, observe},
    outstanding::{Reads, Wanted, leftovers, outstanding},
    plan::{Action, Plan},
    policy::Policy,
    quantity::Quantity,
    quote::Snapshot,
    reading::{AccountReading, Asset, SessionClock, TradeMode},
    report::OrderReport,
    throttle::Tokens,
};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use crate::{
    broker::{Broker, Post},
    given::{account, acquisition, after, dollars, plan, price, raw, shares, start, symbol},
    trace,
};

/// The quote of a symbol that a story says nothing about.
const QUIET: &str = "100.00x500 100.02x500";

/// An input that may not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Withheld {
    Halt,
    Orders,
    Account,
    Positions,
    Session,
    Assets,
    Quotes,
    PreviousClose,
}

impl Withheld {
    pub(crate) const ALL: [Self; 8] = [
        Self::Halt,
        Self::Orders,
        Self::Account,
        Self::Positions,
        Self::Session,
        Self::Assets,
        Self::Quotes,
        Self::PreviousClose,
    ];
}

/// A story being told.
pub(crate) struct Story {
    pub(crate) state: Execution,
    pub(crate) seen: Observed,
    pub(crate) now: Timestamp,
    pub(crate) broker: Broker,
    pub(crate) log: Vec<Fact>,
    pub(crate) opened_at: Timestamp,
    pub(crate) closes_at: Timestamp,
    pub(crate) account: AccountReading,
    pub(crate) fractionable: bool,
    pub(crate) untradable: Option<Symbol>,
    pub(crate) blind: bool,
    pub(crate) halt: Option<Halt>,
    pub(crate) halt_is_readable: bool,
    /// Who canceled the plan, if somebody has.
    pub(crate) canceled: Option<Halt>,
    /// Inputs that do not come.
    pub(crate) withheld: BTreeSet<Withheld>,
    pub(crate) reads: u32,
    /// What somebody else's open buys reserve.
    pub(crate) reserved: Money,
    policy: Policy,
    market: BTreeMap<Symbol, Option<String>>,
}

/// Tells a story from the claim on and returns its trace.
pub(crate) fn told(items: &str, script: impl FnOnce(&mut Story)) -> String {
    let mut story = Story::of(&plan(items));
    script(&mut story);
    story.check();
    story.trace()
}

impl Story {
    /// A claimed plan of an owner that has just taken the lease. Sells are held in shares of $100; there are $10,000.
    pub(crate) fn of(plan: &Plan) -> Self {
        // The stories tell what moves orders; how often is told by the tables of the price decision.
        let policy = Policy { follow_interval: SignedDuration::from_secs(1), ..Policy::default() };
        let hundred = Decimal::ONE_HUNDRED;
        let sells = plan.items.iter().filter(|item| item.action == Action::Sell);
        let held = sells.map(|item| {
            (item.symbol.clone(), shares(&(item.current_value.amount() / hundred).to_string()))
        });
        let claimed = Fact { at: start(), kind: FactKind::Claimed(Box::new(plan.clone())) };
        let mut story = Self {
            state: Execution::claimed(plan, start(), policy.clone()),
            seen: Observed::new(Tokens::full(start(), &policy), policy.clone()),
            policy,
            now: start(),
            broker: Broker::new(dollars("10000"), held.collect()),
            log: vec![claimed],
            opened_at: after(start(), -1_800_000),
            closes_at: after(start(), 6 * 3_600_000),
            account: AccountReading {
                account: account(),
                mode: TradeMode::Simulated,
                may_trade: true,
                shorting_enabled: false,
                cash: Money::ZERO,
                buying_power: Money::ZERO,
                non_marginable_buying_power: Money::ZERO,
                equity: dollars("100000"),
            },
            fractionable: true,
            untradable: None,
            blind: false,
            halt: None,
            halt_is_readable: true,
            canceled: None,
            withheld: BTreeSet::new(),
            reads: 0,
            reserved: Money::ZERO,
            market: BTreeMap::new(),
        };
        story.record(FactKind::Acquired(Box::new(acquisition(plan))));
        story.lease(1);
        story
    }

    fn lease(&mut self, epoch: u32) {
        self.record(FactKind::LeaseTaken(epoch, Owner::new("owner").unwrap()));
    }

    pub(crate) fn record(&mut self, kind: FactKind) {
        let fact = Fact { at: self.now, kind };
        self.state = apply(self.state.clone(), &fact);
        self.log.push(fact);
    }

    /// Changes the thresholds, before anything has happened.
    pub(crate) fn under(&mut self, edit: impl FnOnce(&mut Policy)) {
        edit(&mut self.policy);
        self.state.policy = Arc::new(self.policy.clone());
    }

    /// Changes what the plan knows of its account's day.
    pub(crate) fn day(&mut self, edit: impl FnOnce(&mut Acquisition)) {
        let acquired = self.state.acquired.as_mut().unwrap();
        edit(acquired);
        self.log[1].kind = FactKind::Acquired(Box::new(acquired.clone()));
    }

    /// Sets a symbol's quote; `""` takes it away.
    pub(crate) fn market(&mut self, name: &str, text: &str) {
        self.market.insert(symbol(name), (!text.is_empty()).then(|| text.to_owned()));
    }

    /// Scripts what becomes of the next order.
    pub(crate) fn post(&mut self, next: Post) {
        self.broker.script.push_back(next);
    }

    /// Fills the open order in a symbol.
    pub(crate) fn fill(&mut self, name: &str, quantity: &str) {
        let id =
            self.broker.open(&symbol(name)).unwrap_or_else(|| panic!("no open order in {name}"));
        self.broker.fill(&id, shares(quantity), self.now);
    }

    /// Fills whatever is open, completely.
    pub(crate) fn fill_all(&mut self) {
        let open: Vec<ClientOrderId> =
            self.broker.orders.iter().filter_map(OrderReport::our_id).collect();
        for id in open {
            self.broker.fill(&id, shares("1000000"), self.now);
        }
    }

    /// Turns until so many seconds have passed, whenever the state wants one.
    pub(crate) fn run(&mut self, seconds: i64) {
        let end = after(self.now, seconds * 1000);
        loop {
            self.turn();
            let wake = outstanding(&self.state, self.now).wake_at;
            assert!(wake.is_none_or(|wake| wake > self.now), "a turn that asks for itself");
            match wake.filter(|wake| *wake <= end) {
                Some(wake) => self.now = wake,
                None => break self.now = end,
            }
        }
    }

    /// Observe, decide, apply, act.
    pub(crate) fn turn(&mut self) {
        let wanted = outstanding(&self.state, self.now).reads;
        if !self.blind {
            self.read(&wanted);
        }
        let facts = decide(&self.state, &self.seen, self.now);
        self.seen.forget_answers();
        for fact in facts {
            self.state = apply(self.state.clone(), &fact);
            self.log.push(fact);
        }
        self.act();
    }

    /// What a turn so many milliseconds after the start adds to the story.
    pub(crate) fn turn_at(&mut self, millis: i64) -> String {
        let told = self.trace().len();
        self.now = after(start(), millis);
        self.turn();
        let trace = self.trace();
        let added = trace[told..].lines().filter_map(|line| line.trim().split_once(' '));
        added.map(|(_, text)| text).collect::<Vec<_>>().join(", ")
    }

    fn observe(&mut self, input: &Input) {
        self.reads += 1;
        self.seen = observe(self.seen.clone(), input);
    }

    fn read(&mut self, wanted: &Reads) {
        let now = self.now;
        let comes = |input: Withheld| !self.withheld.contains(&input);
        let (orders, positions) = (comes(Withheld::Orders), comes(Withheld::Positions));
        let (session, assets) = (comes(Withheld::Session), comes(Withheld::Assets));
        let (quotes, close) = (comes(Withheld::Quotes), comes(Withheld::PreviousClose));
        let (halt, account_comes) = (comes(Withheld::Halt), comes(Withheld::Account));
        if wanted.halt == Wanted::Now && self.halt_is_readable && halt {
            self.observe(&Input::Halt(self.halt.clone(), now));
            if let Some(by) = self.canceled.clone() {
                self.observe(&Input::Canceled(by));
            }
        }
        if wanted.orders && orders {
            self.observe(&Input::Orders(self.broker.list(), now));
        }
        let account = match wanted.account {
            Wanted::Now => true,
            Wanted::Once => self.seen.account.is_none(),
            Wanted::No => false,
        };
        if account && account_comes {
            let cash = self.broker.shown_cash();
            // What is sold settles on another day.
            let settled = cash.minus(self.broker.sold()).max(Money::ZERO);
            let account = AccountReading {
                cash,
                buying_power: cash,
                non_marginable_buying_power: settled.minus(self.reserved).max(Money::ZERO),
                ..self.account.clone()
            };
            self.observe(&Input::Account(account, now));
        }
        if wanted.positions && positions {
            self.observe(&Input::Positions(self.broker.positions(), now));
        }
        if wanted.session && session {
            let is_open = self.opened_at <= now && now < self.closes_at;
            let clock = SessionClock {
                at: now,
                is_open,
                opened_at: self.opened_at,
                closes_at: self.closes_at,
            };
            self.observe(&Input::Session(clock, now));
        }
        for name in wanted.assets.iter().filter(|_| assets) {
            let asset = Asset {
                symbol: name.clone(),
                tradable: self.untradable.as_ref() != Some(name),
                fractionable: self.fractionable,
                tick: None,
                round_lot: shares("100"),
            };
            self.observe(&Input::Asset(name.clone(), Some(asset)));
        }
        let snapshot = |name: &Symbol| {
            let text = self.market.get(name).cloned().unwrap_or_else(|| Some(QUIET.to_owned()));
            let quote = text.map(|text| raw(&text, now)).filter(|_| quotes);
            let previous_close = close.then(|| price("100"));
            (name.clone(), Snapshot { quote, last_trade: None, previous_close })
        };
        let snapshots: BTreeMap<Symbol, Snapshot> = wanted.snapshots.iter().map(snapshot).collect();
        if !snapshots.is_empty() {
            self.observe(&Input::Snapshots(snapshots));
        }
    }

    fn act(&mut self) {
        let due = outstanding(&self.state, self.now);
        if let Some(code) = due.halt {
            self.halt = self.halt.clone().or(Some(Halt::new("plan", code.code(), self.now)));
        }
        let calls =
            u32::try_from(due.submits.len() + due.cancels.len() + due.look_ups.len()).unwrap();
        if calls > 0 {
            self.observe(&Input::Called(calls, self.now));
        }
        for approved in due.submits {
            let (id, terms) = (approved.client_order_id(), approved.terms());
            let intended = self.log.iter().any(|fact| match &fact.kind {
                FactKind::Intent(intent) => intent.client_order_id == *id && intent.terms == *terms,
                _ => false,
            });
            assert!(intended, "I4: {id} was sent without its intent");
            let answer = self.broker.post(id, terms, self.now);
            self.observe(&Input::Answered(id.clone(), answer));
        }
        for id in leftovers(&self.state, &self.seen) {
            self.broker.end_of(&id);
        }
        for (id, _) in due.cancels {
            self.broker.cancel(&id);
        }
        for id in due.look_ups {
            let answer = if self.blind {
                alchemiser_core::observed::Answer::Lost
            } else {
                self.broker.look_up(&id)
            };
            self.observe(&Input::Answered(id, answer));
        }
    }

    /// The log as another process reads it: no verdict in it approves anything.
    pub(crate) fn recorded(&self) -> Vec<Fact> {
        let old = |verdict: &Verdict| Verdict::recorded(verdict.passed().to_vec(), verdict.ages());
        let read = |fact: &Fact| {
            let kind = match &fact.kind {
                FactKind::Intent(intent) => {
                    let mut intent = intent.clone();
                    intent.verdict = old(&intent.verdict);
                    FactKind::Intent(intent)
                }
                FactKind::Resubmitted(symbol, attempt, verdict) => {
                    FactKind::Resubmitted(symbol.clone(), *attempt, old(verdict))
                }
                other => other.clone(),
            };
            Fact { at: fact.at, kind }
        };
        self.log.iter().map(read).collect()
    }

    /// The process dies, and a second later another one goes on from the log.
    pub(crate) fn restart(&mut self) {
        self.now = after(self.now, 1000);
        let policy = self.policy.clone();
        self.state = Execution::fold(&self.recorded(), &policy).unwrap();
        self.seen = Observed::new(Tokens::empty(self.now), policy);
        assert!(
            outstanding(&self.state, self.now).submits.is_empty(),
            "an order is sent from the log alone"
        );
        self.lease(self.state.epoch + 1);
    }

    /// What always holds (I1, I2, I3, I5, I6, I8).
    pub(crate) fn check(&self) {
        assert_eq!(
            Execution::fold(&self.recorded(), &self.policy).as_ref(),
            Some(&self.state),
            "I8"
        );
        for leg in &self.state.legs {
            let sizes = self.log.iter().filter_map(|fact| match &fact.kind {
                FactKind::Sized(name, sized) if name == leg.symbol() => Some(sized.target),
                _ => None,
            });
            let target = sizes.max().unwrap_or_default();
            let open =
                leg.children.iter().filter(|child| child.may_still_fill()).map(ChildOrder::leaves);
            let committed = open.fold(leg.filled(), Quantity::plus);
            assert!(
                committed <= target,
                "I3: {} {committed} of {target}\n{}",
                leg.symbol(),
                self.trace()
            );
            let live = leg.children.iter().filter(|child| child.status.is_live()).count();
            assert!(live <= 1, "I2: {}", leg.symbol());
            let (_, earlier) = leg.children.split_last().unzip();
            let over = earlier.unwrap_or_default().iter().all(|child| !child.may_still_fill());
            assert!(over, "I5: {}", leg.symbol());
            for child in &leg.children {
                let ids = leg
                    .children
                    .iter()
                    .filter(|other| other.client_order_id == child.client_order_id);
                assert_eq!(ids.count(), 1, "I1");
                let unsent = child.status == Status::Unsent
                    && self.broker.find(&child.client_order_id).is_some();
                assert!(!unsent, "an unsent order is at the broker");
            }
        }
        if let Some(budget) = self.state.budget() {
            assert!(
                self.state.buys_committed() <= budget,
                "I6: {} of {budget}",
                self.state.buys_committed()
            );
        }
    }

    pub(crate) fn trace(&self) -> String {
        let lines: Vec<String> =
            self.log.iter().filter_map(|fact| trace::line(fact, start())).collect();
        lines.join("\n")
    }
}
