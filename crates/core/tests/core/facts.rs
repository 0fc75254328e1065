//! What facts do to the state, and what they leave alone.

use std::collections::BTreeSet;

use alchemiser_core::{
    account::Usage,
    child::{ChildOrder, Status},
    execution::{Execution, apply},
    fact::{Announced, CancelReason, Fact, FactKind, Phase, Refusal, RefusalKind, StopCode},
    ids::EventId,
    leg::{LegOutcome, Reason},
    policy::Policy,
    quantity::Quantity,
    reading::TradeMode,
    report::BrokerStatus,
    side::Side,
};

use crate::{
    broker::Post,
    given::{account, after, dollars, ordered, plan, start, symbol},
    story::Story,
};

fn take(state: Execution, kind: FactKind) -> Execution {
    apply(state, &Fact { at: after(start(), 60_000), kind })
}

fn event(subject: &str) -> Announced {
    Announced {
        event_id: EventId::derive(&account(), "plan-1", "TradeExecuted", subject),
        detail_type: "TradeExecuted".to_owned(),
        detail: format!("{{\"{subject}\":1}}"),
    }
}

/// H7, H9: an event is in the outbox once, whatever its bytes, and the plan is complete when it is over and the bus
/// took every event.
#[test]
fn a_plan_is_complete_when_every_event_is_published() {
    let state = Story::of(&plan("BUY A 1000")).state;
    let state = take(state, FactKind::Announced(Box::new(event("a"))));
    let again = Announced { detail: "{}".to_owned(), ..event("a") };
    let state = take(state, FactKind::Announced(Box::new(again)));
    let state = take(state, FactKind::Announced(Box::new(event("b"))));
    let details: Vec<&str> = state.outbox.iter().map(|sent| sent.event.detail.as_str()).collect();
    assert_eq!(details, ["{\"a\":1}", "{\"b\":1}"]);
    assert!(
        state.has_announced(&event("b").event_id) && !state.has_announced(&event("c").event_id)
    );

    let published = |state: &Execution| -> Vec<bool> {
        state.outbox.iter().map(|sent| sent.published).collect()
    };
    let state = take(state, FactKind::PhaseChanged(Phase::Finished));
    assert!(!state.is_complete());
    let state = take(state, FactKind::Published(event("b").event_id));
    assert_eq!(published(&state), [false, true]);
    assert!(!state.is_complete());
    let state = take(state, FactKind::Published(event("a").event_id));
    assert_eq!(published(&state), [true, true]);
    assert!(state.is_complete());
    assert!(!take(state.clone(), FactKind::PhaseChanged(Phase::Closing)).is_complete());
    assert!(!Execution { outbox: Vec::new(), ..state }.is_complete());
}

/// L9: what a plan has taken of the day: fills at their prices, and what may still fill at its limits; an order that
/// was never sent is none.
#[test]
fn a_plans_usage_is_its_fills_and_its_open_orders() {
    let mut state = Story::of(&plan("EXIT A 500; BUY B 900")).state;
    assert_eq!(Usage::of(&state), Usage::default());
    let book = "on 100.00x500 100.02x500";
    ordered(&mut state.legs[0], &format!("rest 5@100.02 got 2@100.03 {book}"));
    ordered(&mut state.legs[0], &format!("rest 3@100.02 got 1@100.02 {book}"));
    ordered(&mut state.legs[1], &format!("rest 9@100.00 {book}"));
    state.legs[0].children[1].status = Status::Working;
    state.legs[1].children[0].status = Status::Unsent;
    // 2 × 100.03 + 1 × 100.02 filled, 2 × 100.02 open.
    assert_eq!(Usage::of(&state), Usage { notional: dollars("500.12"), orders: 2 });
}

/// X1: the buys are stopped when more than $500 (and more than a quarter) of the sells failed.
#[test]
fn the_floor_of_failed_sells_is_inclusive() {
    let failed = |amount: &str, outcome: LegOutcome, got: &str| {
        let mut state = Story::of(&plan(&format!("EXIT A {amount}; EXIT B 100; BUY C 900"))).state;
        ordered(&mut state.legs[0], &format!("rest 9@100.02{got} on 100.00x500 100.02x500"));
        state.legs[0].outcome = Some(outcome);
        state.legs[1].outcome = Some(LegOutcome::Filled);
        state.sells_incomplete()
    };
    let over = LegOutcome::Unfilled(Reason::WindowOver);
    assert!(!failed("500", over, ""));
    assert!(failed("500.01", over, ""));
    assert!(!failed("500.01", LegOutcome::Residue, ""));
    assert!(!failed("600", over, " got 1@100.00"));
    assert!(failed("600.01", over, " got 1@100.00"));
}

/// An order in this status, after a fact of it.
fn child_after(status: Status, kind: FactKind) -> ChildOrder {
    let mut story = Story::of(&plan("BUY A 1000"));
    story.post(Post::LoseAnswer);
    story.turn();
    story.state.legs[0].children[0].status = status;
    take(story.state, kind).legs[0].children[0].clone()
}

/// T4, T6: a refusal, or the news that nothing was sent, settles an order in flight and no other; an order that is over
/// is neither canceled nor given up.
#[test]
fn facts_that_no_longer_fit_change_nothing() {
    let name = || symbol("A");
    let refusal = Refusal { kind: RefusalKind::Other, message: "no".to_owned() };
    let refused = FactKind::Refused(name(), 1, refusal);
    let unsent = FactKind::Unsent(name(), 1);
    let unresolved = FactKind::Unresolved(name(), 1);
    let cancel = FactKind::CancelRequested(name(), 1, CancelReason::Repeg);
    let (flight, working, asked) = (Status::InFlight, Status::Working, Status::CancelInFlight);
    for (fact, from, to) in [
        (&refused, flight, Status::Rejected),
        (&refused, working, working),
        (&refused, Status::Filled, Status::Filled),
        (&unsent, flight, Status::Unsent),
        (&unsent, working, working),
        (&unsent, asked, asked),
        (&unresolved, flight, Status::Unresolved),
        (&unresolved, working, Status::Unresolved),
        (&unresolved, Status::Filled, Status::Filled),
        (&cancel, flight, asked),
        (&cancel, working, asked),
        (&cancel, Status::Canceled, Status::Canceled),
        (&cancel, Status::Unresolved, Status::Unresolved),
    ] {
        let child = child_after(from, fact.clone());
        assert_eq!(child.status, to, "{from:?} after {fact:?}");
        assert_eq!(child.cancel.is_some(), to == asked && from != asked);
        assert_eq!(child.refusal.is_some(), to == Status::Rejected);
        assert_eq!(child.ended_at.is_some(), !to.is_live(), "{from:?} after {fact:?}");
    }
}

/// L9: three stops say that something is wrong beyond the plan, and halt the account.
#[test]
fn three_stops_halt_the_account() {
    let halting = StopCode::ALL.into_iter().filter(|code| code.halts_account());
    let codes: Vec<&str> = halting.map(StopCode::code).collect();
    assert_eq!(codes, ["SHORTFALL_TOO_HIGH", "REJECT_BREAKER", "ORDER_DIFFERS"]);
    let all: BTreeSet<&str> = StopCode::ALL.into_iter().map(StopCode::code).collect();
    assert_eq!(all.len(), StopCode::ALL.len());
}

/// L4, S8: shares and money that the broker is slow to show are lag, nothing else is.
#[test]
fn only_shares_and_money_lag() {
    let available = Some(Quantity::ONE);
    assert!(RefusalKind::InsufficientQuantity { available }.is_lag());
    assert!(RefusalKind::InsufficientFunds.is_lag());
    let others = [RefusalKind::SubPenny, RefusalKind::NotFractionable, RefusalKind::WashTrade];
    assert!(others.into_iter().chain([RefusalKind::Other]).all(|kind| !kind.is_lag()));
}

/// M1: a side is worked in its own phase only.
#[test]
fn phases_work_their_own_side() {
    let sides = Phase::ALL.map(|phase| phase.side().map(Side::word).unwrap_or_default());
    assert_eq!(sides, ["", "sell", "", "buy", "", ""]);
}

/// T3, S12: what the broker says is read back from its words; an unknown word is open, and an id that is not of our
/// making is nobody's.
#[test]
fn the_brokers_words_are_read_back() {
    let modes = TradeMode::ALL.map(TradeMode::word);
    assert_eq!(modes, ["live", "paper", "simulated"]);
    assert_eq!(modes.map(TradeMode::from_word), TradeMode::ALL.map(Some));
    assert_eq!(TradeMode::from_word("LIVE"), None);
    for word in ["pending_new", "done_for_day", "stopped", "held", "calculated"] {
        assert_eq!(BrokerStatus::from_word(word).word(), word);
    }
    assert_eq!(BrokerStatus::from_word("teleported").word(), "unknown");
    assert!(BrokerStatus::Unknown.is_open());
    let mut story = Story::of(&plan("BUY A 1000"));
    story.turn();
    let mut order = story.broker.orders[0].clone();
    assert_eq!(order.our_id().as_ref(), Some(&story.state.legs[0].children[0].client_order_id));
    order.client_order_id = "by hand".to_owned();
    assert_eq!(order.our_id(), None);
}

/// I8: a log begins with its claim: what stands before it says nothing.
#[test]
fn facts_before_a_claim_say_nothing() {
    let policy = Policy::default();
    let fact = |kind: FactKind| Fact { at: start(), kind };
    let lease = || fact(FactKind::PhaseChanged(Phase::Closing));
    assert_eq!(Execution::fold(&[lease()], &policy), None);
    let claim = || fact(FactKind::Claimed(Box::new(plan("BUY A 1000"))));
    let state = Execution::fold(&[lease(), claim()], &policy);
    assert_eq!(state, Execution::fold(&[claim()], &policy));
    assert_ne!(state.unwrap().phase, Phase::Closing);
}
