//! The controls: each alone keeps an order from leaving, and no missing input lets one out.

use std::sync::Arc;

use alchemiser_core::{
    account::Halt,
    child::{ChildOrder, OrderKind, OrderTerms, Purpose, Status},
    controls::{Approved, Control, Request, Ruling, Verdict, View, rule},
    execution::Execution,
    fact::{Intent, Sized},
    ids::{BrokerOrderId, ClientOrderId},
    leg::{Leg, WaitCode},
    observed::{Input, Observed, observe},
    peg::Base,
    quantity::Quantity,
    quote::{Quote, QuoteFault, Snapshot},
    reading::TradeMode,
    report::{BrokerStatus, OrderReport},
    side::Side,
};
use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::{
    given::{after, decimal, dollars, plan, price, quote, raw, shares, start, symbol},
    story::Story,
};

const BOOK: &str = "100.00x500 100.02x500";

/// An order that passes, with everything it is judged by.
#[derive(Clone)]
struct Case {
    execution: Execution,
    observed: Observed,
    leg: Leg,
    terms: OrderTerms,
    purpose: Purpose,
    quote: Quote,
    tokens: Decimal,
    now: Timestamp,
    again: Option<ClientOrderId>,
}

impl Case {
    fn policy(&mut self) -> &mut alchemiser_core::policy::Policy {
        Arc::make_mut(&mut self.execution.policy)
    }

    fn passing() -> Self {
        let mut story = Story::of(&plan("BUY A 1000"));
        story.market("A", "");
        story.turn();
        let now = story.now;
        let seen = Snapshot {
            quote: Some(raw(BOOK, now)),
            last_trade: None,
            previous_close: Some(price("100")),
        };
        let observed = observe(story.seen, &Input::Snapshots([(symbol("A"), seen)].into()));
        let mut execution = story.state;
        execution.legs[0].sized = Some(Sized { target: shares("9"), trimmed: false });
        let leg = execution.legs[0].clone();
        let terms = OrderTerms {
            symbol: symbol("A"),
            side: Side::Buy,
            quantity: shares("9"),
            limit: price("100"),
            kind: OrderKind::Limit,
        };
        let tokens = Decimal::ONE;
        let (purpose, again) = (Purpose::Rest, None);
        Self {
            execution,
            observed,
            leg,
            terms,
            purpose,
            quote: quote(BOOK, now),
            tokens,
            now,
            again,
        }
    }

    fn ruling(&self) -> Ruling {
        let Self { leg, terms, purpose, quote, .. } = self;
        let request = Request { leg, terms, purpose: *purpose, quote, again: self.again.as_ref() };
        let view = View {
            execution: &self.execution,
            observed: &self.observed,
            tokens: self.tokens,
            now: self.now,
        };
        rule(&request, &view)
    }

    fn sell(&mut self, available: &str) {
        (self.leg.side, self.terms.side) = (Side::Sell, Side::Sell);
        self.leg.check.as_mut().unwrap().available = shares(available);
    }

    fn seen(&mut self) -> &mut Snapshot {
        self.observed.snapshots.get_mut(&symbol("A")).unwrap()
    }

    fn child(&self, status: Status, limit: &str) -> ChildOrder {
        let Ruling::Pass(verdict) = Self::passing().ruling() else {
            panic!("the baseline does not pass")
        };
        let plan = &self.execution.plan;
        let intent = Intent {
            attempt: 1,
            client_order_id: ClientOrderId::derive(
                &plan.account,
                &plan.plan_id,
                &symbol("A"),
                Side::Buy,
                1,
            ),
            terms: OrderTerms {
                quantity: Quantity::ONE,
                limit: price(limit),
                ..self.terms.clone()
            },
            purpose: Purpose::Cross,
            quote: self.quote,
            before: Base { near: price("100"), ticks: Decimal::TWO },
            ramp: None,
            verdict,
        };
        ChildOrder { status, ..ChildOrder::new(&intent, self.now) }
    }
}

/// Breaks the one thing that a control looks at, and says what must come of it.
#[expect(clippy::too_many_lines, reason = "a few lines for each control")]
fn break_one(case: &mut Case, control: Control) -> Ruling {
    let now = case.now;
    let policy = Arc::make_mut(&mut case.execution.policy);
    let session = &mut case.observed.session.as_mut().unwrap().0;
    match control {
        Control::Halt => {
            let halt = Halt::new("ops", "a drill", now);
            case.observed.halt = Some((Some(halt), now));
        }
        Control::Mode => policy.trade_mode = TradeMode::Paper,
        Control::DailyNotional => {
            case.execution.acquired.as_mut().unwrap().before.notional = dollars("299100.01");
        }
        Control::DailyOrders => case.execution.acquired.as_mut().unwrap().before.orders = 500,
        Control::Account => case.observed.account.as_mut().unwrap().0.may_trade = false,
        Control::Session => session.closes_at = after(now, 119_000),
        Control::OpenQuiet => {
            session.opened_at = after(now, -299_000);
            return Ruling::Wait(WaitCode::OpenQuiet);
        }
        Control::ClockSkew => {
            session.at = after(now, -501);
            return Ruling::Wait(WaitCode::Reading);
        }
        Control::Validity => Arc::make_mut(&mut case.execution.plan).valid_until = after(now, -1),
        Control::Deadline => case.execution.preflight.as_mut().unwrap().0.deadline = after(now, -1),
        Control::OrdersRead => {
            case.observed.orders_at = Some(after(now, -10_001));
            return Ruling::Wait(WaitCode::Reading);
        }
        Control::QuoteAge => {
            case.seen().quote.as_mut().unwrap().observed_at = after(now, -2_001);
            return Ruling::Wait(WaitCode::Quote(QuoteFault::NotObserved));
        }
        Control::OrderNotional => policy.order_notional_max = dollars("899.99"),
        Control::Collar => case.terms.limit = price("100.28"),
        Control::LastTrade => case.seen().last_trade = Some((price("97"), now)),
        Control::PreviousClose => case.seen().previous_close = Some(price("76")),
        Control::CrossSize => {
            case.purpose = Purpose::Cross;
            policy.cross_size_multiple = Decimal::ZERO;
            policy.cross_notional_floor = dollars("899.99");
        }
        Control::MarketOrder => case.terms.kind = OrderKind::Market,
        Control::Leaves => {
            case.leg.sized = Some(Sized { target: shares("8.999999"), trimmed: false });
        }
        Control::Children => policy.children_max = 0,
        Control::LiveOrder => {
            let child = case.child(Status::Unresolved, "1");
            case.leg.children.push(child);
            return Ruling::Wait(WaitCode::LiveOrder);
        }
        Control::WashTrade => {
            case.observed.foreign.push(opposite(now));
            return Ruling::Wait(WaitCode::LiveOrder);
        }
        Control::Held => case.sell("8.999999"),
        Control::Budget => case.execution.funds.as_mut().unwrap().0.before = dollars("904.52"),
        Control::Shortfall => {
            case.purpose = Purpose::Cross;
            let mut dear = case.child(Status::Filled, "111");
            (dear.cumulative, dear.average_price) = (Quantity::ONE, Some(price("111")));
            case.execution.legs[0].children.push(dear);
            case.execution.legs[0].arrival = Some(case.quote);
        }
        Control::RejectBreaker => case.execution.refused_at = vec![after(now, -60_000); 5],
        Control::Throttle => {
            case.tokens = decimal("0.99");
            return Ruling::Wait(WaitCode::Throttle);
        }
    }
    Ruling::Refuse(control)
}

fn opposite(now: Timestamp) -> OrderReport {
    OrderReport {
        client_order_id: "by hand".to_owned(),
        broker_order_id: BrokerOrderId::new("b9").unwrap(),
        symbol: symbol("A"),
        side: Side::Sell,
        status: BrokerStatus::New,
        quantity: Quantity::ONE,
        limit: Some(price("200")),
        cumulative: Quantity::ZERO,
        average_price: None,
        submitted_at: now,
        filled_at: None,
    }
}

/// S1, I11: every control alone keeps an order from leaving.
#[test]
fn every_control_alone_keeps_an_order_back() {
    for control in Control::ALL {
        let mut case = Case::passing();
        assert!(matches!(case.ruling(), Ruling::Pass(_)), "{control:?}: {:?}", case.ruling());
        let expected = break_one(&mut case, control);
        assert_eq!(case.ruling(), expected, "{control:?}");
    }
}

/// I11: a passing verdict names every control and the ages of what it judged by.
#[test]
fn a_pass_names_every_control() {
    let mut case = Case::passing();
    case.now = after(start(), 1_500);
    let Ruling::Pass(verdict) = case.ruling() else { panic!("{:?}", case.ruling()) };
    assert_eq!(verdict.passed(), Control::ALL);
    let ages = verdict.ages();
    let all = [ages.quote_observed, ages.quote_standing, ages.session, ages.orders, ages.funds];
    let all = all.into_iter().chain([ages.account, ages.halt]);
    assert!(all.into_iter().all(|age| age.as_millis() == 1_500), "{ages:?}");
}

fn check(edit: impl FnOnce(&mut Case), passes: bool) {
    let mut case = Case::passing();
    edit(&mut case);
    assert_eq!(matches!(case.ruling(), Ruling::Pass(_)), passes, "{:?}", case.ruling());
}

/// Fail closed: an input that is missing never lets an order out.
#[test]
fn a_missing_input_never_passes() {
    check(|c| c.observed.halt = None, false);
    check(|c| c.observed.canceled = Some(Halt::new("ops", "a drill", c.now)), false);
    check(|c| c.observed.halt.as_mut().unwrap().1 = after(c.now, -2_001), false);
    check(|c| c.execution.acquired = None, false);
    check(|c| c.observed.account = None, false);
    check(|c| c.observed.session = None, false);
    check(|c| c.observed.orders_at = None, false);
    check(|c| c.observed.snapshots.clear(), false);
    check(|c| c.seen().quote = None, false);
    check(|c| c.seen().quote.as_mut().unwrap().ask = None, false);
    check(|c| c.seen().previous_close = None, false);
    check(|c| c.execution.preflight = None, false);
    check(|c| c.execution.funds = None, false);
    check(|c| c.leg.sized = None, false);
    check(
        |c| {
            c.sell("9");
            c.leg.check = None;
        },
        false,
    );
}

/// X3, S10, I12: each bound is where the design puts it.
#[test]
fn the_bounds_hold_to_the_cent() {
    check(|c| c.sell("9"), true);
    check(|c| c.observed.halt.as_mut().unwrap().1 = after(c.now, -2_000), true);
    check(|c| c.execution.acquired.as_mut().unwrap().before.notional = dollars("299100"), true);
    check(|c| c.execution.acquired.as_mut().unwrap().before.orders = 499, true);
    check(|c| c.policy().leverage_factors = vec![(symbol("A"), decimal("1.5"))], true);
    let read = |case: &mut Case, ago: i64| {
        let (clock, at) = case.observed.session.as_mut().unwrap();
        (clock.at, *at) = (after(case.now, -ago), after(case.now, -ago));
    };
    check(|c| read(c, 120_000), true);
    check(|c| read(c, 120_001), false);
    check(|c| c.observed.session.as_mut().unwrap().0.is_open = false, false);
    check(|c| c.observed.session.as_mut().unwrap().0.closes_at = after(c.now, 120_000), true);
    check(|c| c.observed.session.as_mut().unwrap().0.at = after(c.now, 500), true);
    check(|c| c.observed.session.as_mut().unwrap().0.at = after(c.now, 501), false);
    check(|c| c.observed.session.as_mut().unwrap().0.opened_at = after(c.now, -300_000), true);
    check(|c| c.terms.limit = price("100.27"), true);
    check(|c| c.seen().last_trade = Some((price("97"), after(c.now, -60_000))), true);
    check(|c| c.seen().last_trade = Some((price("97.1"), c.now)), true);
    check(|c| c.seen().last_trade = Some((price("200"), c.now)), true);
    check(|c| c.seen().previous_close = Some(price("77")), true);
    check(|c| c.seen().previous_close = Some(price("69")), false);
    check(
        |c| {
            c.seen().previous_close = Some(price("69"));
            c.policy().leverage_factors = vec![(symbol("A"), decimal("1.5"))];
        },
        true,
    );
    check(|c| c.execution.preflight.as_mut().unwrap().0.equity = dollars("3600"), true);
    check(|c| c.execution.preflight.as_mut().unwrap().0.equity = dollars("3599"), false);
    check(|c| c.execution.funds.as_mut().unwrap().0.before = dollars("904.53"), true);
    check(|c| c.terms.quantity = Quantity::ZERO, false);
    check(|c| c.execution.refused_at = vec![after(c.now, -60_001); 5], true);
    check(|c| c.execution.refused_at = vec![c.now; 4], true);
    // An account other than the plan's, and a plan that was urgent.
    check(
        |c| {
            Arc::make_mut(&mut c.execution.plan).account =
                alchemiser_core::ids::AccountId::new("other").unwrap();
        },
        false,
    );
    check(
        |c| {
            Arc::make_mut(&mut c.execution.plan).urgency = alchemiser_core::plan::Urgency::Urgent;
            c.observed.session.as_mut().unwrap().0.opened_at = c.now;
        },
        true,
    );
    // Validity gates the first order only.
    check(
        |c| {
            Arc::make_mut(&mut c.execution.plan).valid_until = after(c.now, -1);
            let mut taken = c.child(Status::Filled, "1");
            taken.broker_order_id = Some(BrokerOrderId::new("b1").unwrap());
            c.execution.legs[0].children.push(taken);
        },
        true,
    );
    // A quote that is not the one observed now.
    check(|c| c.quote.observed_at = after(c.now, -1), false);
}

/// S1: a market order leaves only where it is allowed, on a narrow spread, read just now, in a book that refills.
#[test]
fn a_market_order_needs_every_condition() {
    let allowed = |case: &mut Case| {
        case.terms.kind = OrderKind::Market;
        case.policy().allow_market = true;
    };
    check(allowed, true);
    check(|c| c.terms.kind = OrderKind::Market, false);
    let with = |edit: fn(&mut Case), passes: bool| {
        check(
            |case| {
                allowed(case);
                edit(case);
            },
            passes,
        );
    };
    with(|c| c.policy().market_spread_max = decimal("0.0002"), true);
    with(|c| c.policy().market_spread_max = decimal("0.0001999"), false);
    with(|c| c.policy().low_liquidity_symbols = vec![symbol("A")], false);
    with(
        |c| {
            let read = after(c.now, -1_000);
            (c.quote.observed_at, c.seen().quote.as_mut().unwrap().observed_at) = (read, read);
        },
        true,
    );
    with(
        |c| {
            let read = after(c.now, -1_001);
            (c.quote.observed_at, c.seen().quote.as_mut().unwrap().observed_at) = (read, read);
        },
        false,
    );
}

/// I4, S11: a repetition is not in its own way, and does not spend the budget twice.
#[test]
fn a_repetition_is_judged_without_itself() {
    let repeated = |case: &mut Case, again: bool| {
        let mut child = case.child(Status::InFlight, "100");
        child.terms = case.terms.clone();
        case.again = again.then(|| child.client_order_id.clone());
        case.leg.children.push(child);
        case.execution.legs[0] = case.leg.clone();
        case.execution.funds.as_mut().unwrap().0.before = dollars("1000");
    };
    check(|c| repeated(c, true), true);
    check(|c| repeated(c, false), false);
}

/// S11: an open order of ours in the symbol keeps the next one waiting, unless the log knows that it is over.
#[test]
fn an_open_order_in_the_symbol_is_waited_for() {
    let shown = |case: &mut Case, name: &str, status: BrokerStatus, attempt: u32| {
        let plan = &case.execution.plan;
        let (account, id) = (&plan.account, &plan.plan_id);
        let id = ClientOrderId::derive(account, id, &symbol("A"), Side::Buy, attempt);
        let order = OrderReport {
            client_order_id: id.to_string(),
            symbol: symbol(name),
            side: Side::Buy,
            status,
            ..opposite(case.now)
        };
        case.observed.orders.insert(id, order);
    };
    check(|c| shown(c, "A", BrokerStatus::New, 1), false);
    check(|c| shown(c, "B", BrokerStatus::New, 1), true);
    check(|c| shown(c, "A", BrokerStatus::Canceled, 1), true);
    let known = |case: &mut Case, status: Status, attempt: u32| {
        let child = case.child(status, "1");
        case.leg.children.push(child);
        shown(case, "A", BrokerStatus::New, attempt);
    };
    check(|c| known(c, Status::Canceled, 1), true);
    check(|c| known(c, Status::Canceled, 2), false);
    check(|c| known(c, Status::Unresolved, 1), false);
}

/// S1: only an open order of the other side in the same symbol would trade with ours.
#[test]
fn only_an_open_opposite_order_is_a_wash() {
    let foreign = |edit: fn(&mut OrderReport), passes: bool| {
        check(
            |case| {
                let mut order = opposite(case.now);
                edit(&mut order);
                case.observed.foreign.push(order);
            },
            passes,
        );
    };
    foreign(|_| (), false);
    foreign(|order| order.side = Side::Buy, true);
    foreign(|order| order.symbol = symbol("B"), true);
    foreign(|order| order.status = BrokerStatus::Filled, true);
}

/// S1: twenty orders of a leg are the most; a repetition is not another one.
#[test]
fn a_leg_has_at_most_twenty_orders() {
    let had = |case: &mut Case, count: usize| {
        let child = case.child(Status::Canceled, "1");
        case.leg.children = vec![child; count];
    };
    check(|c| had(c, 19), true);
    check(|c| had(c, 20), false);
    check(
        |c| {
            had(c, 20);
            c.again = Some(c.leg.children[0].client_order_id.clone());
        },
        true,
    );
}

/// I4: verdicts are equal in what they passed and by which readings.
#[test]
fn a_verdict_is_what_it_says() {
    let verdict = Case::passing().child(Status::InFlight, "100").verdict;
    let passed = verdict.passed().to_vec();
    let mut older = verdict.ages();
    older.halt += jiff::SignedDuration::from_secs(1);
    assert_eq!(Verdict::recorded(passed.clone(), verdict.ages()), verdict);
    assert_ne!(Verdict::recorded(passed[1..].to_vec(), verdict.ages()), verdict);
    assert_ne!(Verdict::recorded(passed.clone(), older), verdict);
    assert!(verdict.is_fresh() && !Verdict::recorded(passed, verdict.ages()).is_fresh());
}

/// I4: only a verdict given in this process approves; one read from a log documents.
#[test]
fn only_a_fresh_verdict_approves() {
    let fresh = Case::passing().child(Status::InFlight, "100");
    assert_eq!(Approved::of(&fresh).unwrap().terms(), &fresh.terms);
    let old = Verdict::recorded(fresh.verdict.passed().to_vec(), fresh.verdict.ages());
    assert_eq!(old, fresh.verdict);
    assert_eq!(Approved::of(&ChildOrder { verdict: old, ..fresh }), None);
}

/// T3: every control has a code of its own that names it.
#[test]
fn codes_name_their_controls() {
    for control in Control::ALL {
        assert_eq!(Control::from_code(control.code()), Some(control));
    }
}
