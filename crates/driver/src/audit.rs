//! The invariants, checked over any log, and against what the broker really did.

mod account;
mod ledger;
mod life;
mod place;

use std::collections::{BTreeMap, BTreeSet};

use alchemiser_core::{
    account::Usage,
    child::{ChildOrder, Status},
    controls::Control,
    execution::{Execution, apply},
    fact::{Fact, FactKind, Intent, Phase},
    ids::{ClientOrderId, Symbol},
    leg::Leg,
    money::Money,
    outcome::classify,
    policy::Policy,
    price::Price,
    quantity::Quantity,
    side::Side,
};
use alchemiser_wire::entry::{Entry, NO_PREVIOUS, sha256};
use jiff::Timestamp;
use rust_decimal::Decimal;

pub use self::place::number;

/// A store as an auditor sees it.
#[derive(Clone, Debug, Default)]
pub struct Stored {
    /// Its execution logs.
    pub logs: Vec<StoredLog>,
    /// The account logs' bytes by key.
    pub accounts: BTreeMap<String, Vec<u8>>,
    /// The ledgers' bytes by key.
    pub ledgers: BTreeMap<String, Vec<u8>>,
    /// Every key.
    pub keys: Vec<String>,
}

/// A log as it lies in the store.
#[derive(Clone, Debug)]
pub struct StoredLog {
    /// Its name.
    pub name: String,
    /// Its entries' bytes by their numbers.
    pub entries: BTreeMap<u64, Vec<u8>>,
}

/// An order as the broker has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerOrder {
    /// When it arrived.
    pub at: Timestamp,
    /// Its client id.
    pub client_order_id: String,
    /// Its symbol.
    pub symbol: Symbol,
    /// Its side.
    pub side: Side,
    /// Its quantity.
    pub quantity: Quantity,
    /// Its limit.
    pub limit: Price,
}

/// A fill as the broker has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerFill {
    /// The order's client id.
    pub client_order_id: String,
    /// Buy or sell.
    pub side: Side,
    /// Shares.
    pub quantity: Quantity,
    /// Dollars per share.
    pub price: Price,
}

/// What the broker really did, in its own books.
#[derive(Clone, Debug, Default)]
pub struct Truth {
    /// Cash before the first order.
    pub cash: Money,
    /// Every order, oldest first.
    pub orders: Vec<BrokerOrder>,
    /// Every fill, oldest first.
    pub fills: Vec<BrokerFill>,
}

/// A broken invariant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// Which: `I1` to `I15`.
    pub invariant: &'static str,
    /// In which log.
    pub log: String,
    /// What was found.
    pub found: String,
}

/// What an audit found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Plans looked at (refused inputs are none).
    pub executions: usize,
    /// Entries read.
    pub entries: usize,
    /// Everything that is broken.
    pub violations: Vec<Violation>,
}

/// Checks I1–I9 and I11–I13 over the logs of one store, and against the broker's books when they are there.
///
/// The books are compared with logs at rest: an order whose plan is still running may be ahead of its log.
pub fn audit(logs: &[StoredLog], truth: Option<&Truth>) -> Report {
    let mut report = Report::default();
    let mut states = Vec::new();
    for log in logs {
        let mut check = Check { log: &log.name, violations: &mut report.violations };
        let entries = chain(log, &mut check);
        report.entries = report.entries.saturating_add(log.entries.len());
        let facts: Vec<&Fact> = entries.iter().flat_map(|entry| &entry.facts).collect();
        if let Some(state) = replay(&facts, &mut check) {
            report.executions = report.executions.saturating_add(1);
            at_rest(&state, &mut check);
            states.push((log.name.clone(), state));
        }
    }
    overlap(&states, &mut report.violations);
    days(&states, &mut report.violations);
    if let Some(truth) = truth {
        books(&states, truth, &mut report.violations);
    }
    report.violations.sort();
    report
}

/// [`audit`], I14 and I15, and whatever else lies in the store: account logs, ledgers, and what is none of ours.
pub fn inspect(stored: &Stored, truth: Option<&Truth>) -> Report {
    let mut report = audit(&stored.logs, truth);
    report.violations.extend(life::lives(&stored.logs));
    report.violations.extend(ledger::ledgers(&stored.logs, &stored.ledgers));
    report.violations.extend(account::accounts(&stored.accounts));
    report.violations.extend(place::strays(&stored.keys));
    report.violations.sort();
    report
}

struct Check<'a> {
    log: &'a str,
    violations: &'a mut Vec<Violation>,
}

impl Check<'_> {
    fn hold(&mut self, invariant: &'static str, holds: bool, found: impl FnOnce() -> String) {
        if !holds {
            self.violations.push(Violation { invariant, log: self.log.to_owned(), found: found() });
        }
    }
}

/// I7: gap-free, hash-chained, epochs never fall, an epoch's entries come from its owner only.
fn chain(log: &StoredLog, check: &mut Check<'_>) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut previous = NO_PREVIOUS.to_owned();
    let mut expected = 1_u64;
    for (seq, bytes) in &log.entries {
        let entry = match Entry::from_bytes(bytes) {
            Ok(entry) => entry,
            Err(error) => {
                check.hold("I7", false, || format!("entry {seq} is not readable: {error}"));
                break;
            }
        };
        check.hold("I7", *seq == expected, || {
            format!("entry {expected} is missing, and entry {seq} is there")
        });
        check.hold("I7", entry.seq == *seq, || {
            format!("entry {seq} carries the number {}", entry.seq)
        });
        check.hold("I7", entry.prev_sha256 == previous, || {
            format!("entry {seq} does not carry its predecessor's hash")
        });
        if let Some(last) = entries.last() {
            check.hold("I7", entry.epoch >= last.epoch, || {
                format!("epoch {} after {}", entry.epoch, last.epoch)
            });
            let same = entry.epoch != last.epoch || entry.epoch == 0 || entry.owner == last.owner;
            check.hold("I7", same, || {
                format!("epoch {} has entries of {} and {}", entry.epoch, last.owner, entry.owner)
            });
        }
        previous = sha256(bytes);
        expected = seq.saturating_add(1);
        entries.push(entry);
    }
    entries
}

/// Folds the log fact by fact, looking at every intent in the state that it met.
fn replay(facts: &[&Fact], check: &mut Check<'_>) -> Option<Execution> {
    let policy = Policy::default();
    let mut state: Option<Execution> = None;
    let mut seen = BTreeSet::new();
    for fact in facts {
        state = match state {
            None => Execution::fold([*fact], &policy),
            Some(state) => {
                if let FactKind::Intent(intent) = &fact.kind {
                    intended(&state, intent, fact.at, check);
                    check.hold("I1", seen.insert(intent.client_order_id.clone()), || {
                        format!("two intents of {}", intent.client_order_id)
                    });
                }
                follows(&state, &fact.kind, check);
                if let FactKind::Resubmitted(symbol, attempt, verdict) = &fact.kind {
                    check.hold("I11", verdict.passed() == Control::ALL, || {
                        format!("{symbol} attempt {attempt} was sent again without every control")
                    });
                }
                if let FactKind::OutcomeReached(outcome) = &fact.kind {
                    check.hold("I8", classify(&state) == **outcome, || {
                        "the outcome is not what the log adds up to".to_owned()
                    });
                }
                let after = apply(state, fact);
                money(&after, check);
                Some(after)
            }
        };
    }
    state
}

/// I4: what is told of an order is told of one whose intent is there (or was adopted, once).
fn follows(state: &Execution, kind: &FactKind, check: &mut Check<'_>) {
    let is_there = |symbol: &Symbol, attempt: &u32| {
        let leg = state.leg(symbol);
        leg.is_some_and(|leg| leg.children.iter().any(|child| child.attempt == *attempt))
    };
    let told = match kind {
        FactKind::Reported(symbol, attempt, _)
        | FactKind::Resubmitted(symbol, attempt, _)
        | FactKind::AnswerLost(symbol, attempt)
        | FactKind::NotFound(symbol, attempt)
        | FactKind::Refused(symbol, attempt, _)
        | FactKind::Unsent(symbol, attempt)
        | FactKind::Unresolved(symbol, attempt)
        | FactKind::CancelRequested(symbol, attempt, _) => Some((symbol, attempt)),
        FactKind::Adopted(symbol, attempt, _) => {
            check.hold("I1", !is_there(symbol, attempt), || {
                format!("{symbol} attempt {attempt} is adopted, and was there")
            });
            None
        }
        _ => None,
    };
    if let Some((symbol, attempt)) = told {
        check.hold("I4", is_there(symbol, attempt), || {
            format!("{symbol} attempt {attempt} is told of, and was never intended")
        });
    }
}

fn intended(state: &Execution, intent: &Intent, at: Timestamp, check: &mut Check<'_>) {
    let (symbol, attempt) = (&intent.terms.symbol, intent.attempt);
    let plan = &state.plan;
    let derived =
        ClientOrderId::derive(&plan.account, &plan.plan_id, symbol, intent.terms.side, attempt);
    check.hold("I1", derived == intent.client_order_id, || {
        format!("{symbol} attempt {attempt} has an id of another order")
    });
    let Some(leg) = state.leg(symbol) else {
        return check.hold("I4", false, || format!("{symbol} is no leg of the plan"));
    };
    let live = leg.children.iter().filter(|child| child.may_still_fill()).count();
    check.hold("I2", live == 0, || {
        format!("{symbol} attempt {attempt} while another order was live")
    });
    check.hold("I5", live == 0 && leg.next_attempt() == attempt, || {
        format!("{symbol} attempt {attempt} before attempt {} was over", attempt.saturating_sub(1))
    });
    check.hold("I3", intent.terms.quantity <= leg.leaves(), || {
        format!("{symbol} attempt {attempt} asks for {} of {}", intent.terms.quantity, leg.leaves())
    });
    check.hold("I11", intent.verdict.passed() == Control::ALL, || {
        format!("{symbol} attempt {attempt} lacks a passing verdict of every control")
    });
    let sells_over =
        state.side(Side::Sell).all(|leg| leg.children.iter().all(|child| !child.status.is_live()));
    let phase = state.phase.side() == Some(intent.terms.side)
        && (intent.terms.side == Side::Sell || sells_over);
    check.hold("I6", phase, || {
        format!("a {} in phase {}", intent.terms.side.word(), state.phase.word())
    });
    caps(state, intent, check);
    let first = state.first_order_at.is_none();
    check.hold("I12", !first || at <= plan.valid_until, || {
        format!("first order at {at}, valid until {}", plan.valid_until)
    });
    let times =
        state.preflight.as_ref().map(|(preflight, _)| (preflight.deadline, preflight.opened_at));
    let within = times.is_some_and(|(deadline, opened)| at <= deadline && at >= opened);
    check.hold("I12", within, || {
        format!("{symbol} attempt {attempt} outside of session and deadline")
    });
}

/// I12: none beyond the daily caps, with what earlier plans of the day had used.
fn caps(state: &Execution, intent: &Intent, check: &mut Check<'_>) {
    let before = state.acquired.as_ref().map(|acquired| acquired.before);
    let (Some(before), Some(cap)) = (before, state.daily_notional_cap()) else {
        let found = || format!("{} before the account was acquired", intent.client_order_id);
        return check.hold("I12", false, found);
    };
    let notional = before.notional.plus(state.turned_over()).plus(intent.terms.notional());
    check.hold("I12", notional <= cap, || {
        format!("orders of ${notional} in a day with a cap of ${cap}")
    });
    let orders = before.orders.saturating_add(state.orders_sent()).saturating_add(1);
    check.hold("I12", orders <= state.daily_orders_cap(), || {
        format!("{orders} orders in a day with a cap of {}", state.daily_orders_cap())
    });
}

/// I6: open, unresolved and filled buys never exceed the verified budget.
fn money(state: &Execution, check: &mut Check<'_>) {
    // Where every buy's intent is lost, so may be the verification of the money that it was sent by.
    if state.side(Side::Buy).flat_map(|leg| &leg.children).all(ChildOrder::is_adopted) {
        return;
    }
    let committed = state.buys_committed();
    let budget = state.budget().unwrap_or(Money::ZERO);
    check.hold("I6", committed <= budget, || {
        format!("buys of {committed} within a budget of {budget}")
    });
}

fn at_rest(state: &Execution, check: &mut Check<'_>) {
    let adopted = |leg: &&Leg| leg.children.iter().all(ChildOrder::is_adopted);
    let is_known = |leg: &&Leg| !adopted(leg) || leg.check.is_some();
    // Of a leg whose log is lost nobody knows the target and the position before.
    for leg in state.legs.iter().filter(is_known) {
        let target = leg.sized.map_or(Quantity::ZERO, |sized| sized.target);
        check.hold("I3", leg.filled() <= target, || {
            format!("{} filled {} of {target}", leg.symbol(), leg.filled())
        });
        let held = leg.check.as_ref().map_or(Quantity::ZERO, |check| check.held);
        check.hold("I3", leg.side == Side::Buy || leg.filled() <= held, || {
            format!("{} sold {} of {held} held", leg.symbol(), leg.filled())
        });
    }
    let terminal = |kind: &str| kind == "WorkflowCompleted" || kind == "WorkflowFailed";
    let events: Vec<_> =
        state.outbox.iter().filter(|outgoing| terminal(&outgoing.event.detail_type)).collect();
    let expected = usize::from(state.is_finished());
    check.hold("I9", events.len() == expected, || {
        format!("{} terminal events, expected {expected}", events.len())
    });
    let decided = state.outcome.as_ref().map(|(_, at)| *at);
    for event in events {
        check.hold("I9", decided.is_some_and(|at| at <= event.at), || {
            "a terminal event before the outcome".to_owned()
        });
    }
}

/// I12: a plan knows of all that the plans before it used on its day.
fn days(states: &[(String, Execution)], violations: &mut Vec<Violation>) {
    let began =
        |state: &Execution| state.owner.as_ref().and(state.preflight.as_ref()).map(|(_, at)| *at);
    for (name, state) in states {
        let (Some(acquired), Some(at)) = (&state.acquired, began(state)) else { continue };
        let earlier = states.iter().filter(|(_, other)| {
            let same = other.acquired.as_ref().is_some_and(|known| {
                known.account == acquired.account && known.date == acquired.date
            });
            same && began(other).is_some_and(|began| began < at)
        });
        // What a fill really cost may have become known only when the account had been given on.
        let known_then = |other: &Execution| {
            let Usage { notional, orders } = Usage::of(other);
            let notional = if other.has_late_news() { Money::ZERO } else { notional };
            Usage { notional, orders }
        };
        let used = earlier.map(|(_, other)| known_then(other)).fold(Usage::default(), Usage::plus);
        let known =
            used.notional <= acquired.before.notional && used.orders <= acquired.before.orders;
        Check { log: name, violations }.hold("I12", known, || {
            format!(
                "plans before it used {used:?} of the day, and it knew of {:?}",
                acquired.before
            )
        });
    }
}

/// I2: one executing plan an account.
fn overlap(states: &[(String, Execution)], violations: &mut Vec<Violation>) {
    let runs = |state: &Execution| {
        let from = state.owner.as_ref().and(state.preflight.as_ref()).map(|(_, at)| *at)?;
        Some((from, state.outcome.as_ref().map_or(Timestamp::MAX, |(_, at)| *at)))
    };
    for (index, (name, state)) in states.iter().enumerate() {
        for (other_name, other) in states.iter().skip(index.saturating_add(1)) {
            let (Some(one), Some(two)) = (runs(state), runs(other)) else { continue };
            let apart =
                state.plan.account != other.plan.account || one.1 <= two.0 || two.1 <= one.0;
            Check { log: name, violations }
                .hold("I2", apart, || format!("it executed at the same time as {other_name}"));
        }
    }
}

/// The broker's books: no order twice, none without an intent, the same fills, and money that adds up.
fn books(states: &[(String, Execution)], truth: &Truth, violations: &mut Vec<Violation>) {
    let mut check = Check { log: "broker", violations };
    let mut ids = BTreeSet::new();
    let mut per_attempt: BTreeMap<&str, (Quantity, Decimal)> = BTreeMap::new();
    for fill in &truth.fills {
        let sum = per_attempt.entry(&fill.client_order_id).or_default();
        let notional = fill.price.times(fill.quantity).amount();
        *sum = (sum.0.plus(fill.quantity), sum.1.saturating_add(notional));
    }
    let children = || {
        states
            .iter()
            .flat_map(|(name, state)| state.children().map(move |child| (name, state, child)))
    };
    for order in &truth.orders {
        let id = &order.client_order_id;
        check.hold("I1", ids.insert(id), || format!("{id} is there twice"));
        let intent = children().find(|(_, _, child)| child.client_order_id.as_str() == id);
        let same = intent.is_some_and(|(_, _, child)| {
            child.terms.symbol == order.symbol
                && child.terms.side == order.side
                && child.terms.quantity == order.quantity
                && child.terms.limit == order.limit
                && child.intended_at <= order.at
        });
        check.hold("I4", same, || {
            format!("{id} ({}) has no intent of the same parameters before it", order.symbol)
        });
    }
    for (name, state, child) in children().filter(|(_, state, _)| state.phase == Phase::Finished) {
        let id = child.client_order_id.as_str();
        let (quantity, notional) = per_attempt.get(id).copied().unwrap_or_default();
        let mut check = Check { log: name, violations: check.violations };
        check.hold(
            "I8",
            quantity == child.cumulative || child.status == Status::Unresolved,
            || format!("{id} filled {} in the log and {quantity} at the broker", child.cumulative),
        );
        let average = notional.checked_div(quantity.shares()).map(|average| average.round_dp(6));
        let told = child.average_price.map(Price::dollars);
        // A price that the broker had not said when the plan ended is unknown, not wrong.
        let same =
            quantity.is_zero() || told.is_none() || told.map(|price| price.round_dp(6)) == average;
        check.hold("I8", same, || {
            format!("{id} at {told:?} in the log and {average:?} at the broker")
        });
        check.hold(
            "I1",
            child.broker_order_id.is_none() || ids.iter().any(|known| known.as_str() == id),
            || format!("{} of {} is not in the broker's books", id, state.plan.plan_id),
        );
    }
    conserved(truth, &mut Check { log: "broker", violations: check.violations });
}

/// I13: cash moves by fills only and is never below zero; no order fills beyond its quantity.
fn conserved(truth: &Truth, check: &mut Check<'_>) {
    let mut cash = truth.cash;
    let mut filled: BTreeMap<&str, Quantity> = BTreeMap::new();
    for fill in &truth.fills {
        let notional = fill.price.times(fill.quantity);
        cash = match fill.side {
            Side::Buy => cash.minus(notional),
            Side::Sell => cash.plus(notional),
        };
        check.hold("I13", cash >= Money::ZERO, || {
            format!("cash of {cash} after a fill of {}", fill.client_order_id)
        });
        let sum = filled.entry(&fill.client_order_id).or_default();
        *sum = sum.plus(fill.quantity);
    }
    for order in &truth.orders {
        let sum = filled.get(order.client_order_id.as_str()).copied().unwrap_or_default();
        check.hold("I3", sum <= order.quantity, || {
            format!("{} filled {sum} of {}", order.client_order_id, order.quantity)
        });
    }
}
