//! Stories of lost logs: cut at any fact, they go on from the broker's orders, and nothing is sent twice.

use alchemiser_core::{
    execution::Execution,
    fact::{Fact, FactKind, Phase},
    leg::{LegOutcome, Reason},
    policy::Policy,
    quantity::Quantity,
    recovery::{self, Recovery},
    report::OrderReport,
};

use crate::{
    broker::Post,
    given::{plan, start, symbol},
    story::Story,
};

const PLAN: &str = "EXIT A 1000; SELL D 800; BUY B 900; BUY C 600";

/// A plan that sells and buys, with re-pegs, partial fills and a lost answer.
fn traded() -> Story {
    let mut story = Story::of(&plan(PLAN));
    story.post(Post::LoseAnswer);
    story.run(4);
    story.fill("A", "3");
    story.market("A", "100.02x500 100.04x500");
    story.run(4);
    story.fill_all();
    story.run(6);
    story.fill("B", "2");
    story.market("C", "100.03x500 100.05x500");
    story.run(5);
    story.fill_all();
    story
}

/// The log up to a fact, and what the broker's orders add to it.
fn recover(story: &mut Story, kept: usize, is_over: bool) -> Vec<FactKind> {
    story.log.truncate(kept);
    story.state = Execution::fold(&story.recorded(), &Policy::default()).unwrap();
    let orders = story.broker.orders.clone();
    let lost = recovery::lost(&story.state, &orders);
    let found = u32::try_from(lost.len()).unwrap();
    let recovery = Recovery { entries: 1, orders: found, is_over };
    let facts = recovery::facts(&story.state, (&orders, &lost), recovery);
    for kind in facts.clone() {
        story.record(kind);
    }
    assert_eq!(recovery::lost(&story.state, &orders), [], "everything is found at once");
    story.record(FactKind::HandedOver);
    facts
}

/// What the state says of each order, by its id: shares filled and whether it may still fill.
fn orders(state: &Execution) -> Vec<(String, Quantity, bool)> {
    let mut orders: Vec<_> = state
        .children()
        .filter(|child| child.broker_order_id.is_some())
        .map(|child| (child.client_order_id.to_string(), child.cumulative, child.may_still_fill()))
        .collect();
    orders.sort();
    orders
}

/// I8, S11: cut after any of its facts, the log is rebuilt to the broker's very orders, and the plan ends as it would
/// have, without an order too many.
#[test]
fn a_log_cut_after_any_fact_goes_on() {
    let whole = traded();
    let (facts, mut adopted) = (whole.log.len(), 0);
    for kept in (1..facts).filter(|kept| *kept < 4 || kept % 3 == 0) {
        let mut story = traded();
        recover(&mut story, kept, false);
        adopted += story.state.children().filter(|child| child.is_adopted()).count();
        let mut known = orders(&story.state);
        known.retain(|(id, ..)| story.broker.orders.iter().any(|o| o.client_order_id == *id));
        let at_broker: Quantity = story.broker.orders.iter().map(|order| order.cumulative).sum();
        let in_log: Quantity = known.iter().map(|(_, filled, _)| *filled).sum();
        assert_eq!(in_log, at_broker, "cut after {kept}");
        if story.state.acquired.is_none() {
            let acquired = crate::given::acquisition(&story.state.plan);
            story.record(FactKind::Acquired(Box::new(acquired)));
        }
        story.restart();
        for _ in 0..60 {
            story.run(3);
            story.fill_all();
        }
        let what = format!("cut after {kept}: {}", story.trace());
        assert!(story.state.is_finished(), "{what}");
        for leg in &story.state.legs {
            assert_eq!(leg.outcome, Some(LegOutcome::Filled), "{} {what}", leg.symbol());
            assert!(leg.leaves() < Quantity::ONE, "{} {what}", leg.symbol());
        }
        let mut ids: Vec<_> = story.broker.orders.iter().map(|o| &o.client_order_id).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), story.broker.orders.len(), "{what}");
    }
    assert!(adopted > 20, "the cuts lost too few orders: {adopted}");
}

/// I3, I9: of a plan that was over nothing more is traded; each leg ends as its orders tell.
#[test]
fn a_plan_that_was_over_trades_no_more() {
    let mut story = traded();
    story.run(30);
    assert!(story.state.is_finished());
    let before = story.state.legs.iter().map(|leg| (leg.filled(), leg.outcome));
    let before: Vec<_> = before.collect();
    recover(&mut story, 1, true);
    let after = story.state.legs.iter().map(|leg| (leg.filled(), leg.outcome));
    assert_eq!(after.collect::<Vec<_>>(), before);
    assert!(story.state.trades_no_more() && story.state.phase == Phase::Closing);
    let posts = story.broker.posts;
    story.restart();
    story.run(10);
    assert!(story.state.is_finished(), "{}", story.trace());
    assert_eq!(story.broker.posts, posts);
}

/// What a leg of a plan that was over came to, whose orders are these.
fn ended(items: &str, script: impl FnOnce(&mut Story), expected: LegOutcome) {
    let mut story = Story::of(&plan(items));
    script(&mut story);
    recover(&mut story, 1, true);
    assert_eq!(story.state.legs[0].outcome, Some(expected), "{items}: {}", story.trace());
}

/// X7: how a leg ended that only the broker remembers.
#[test]
fn legs_that_only_the_broker_remembers_end_by_their_orders() {
    ended("BUY A 0.50", |_| {}, LegOutcome::Skipped(Reason::TooSmall));
    let unknown = Reason::PlanStopped(alchemiser_core::fact::StopCode::LogIncomplete);
    ended("BUY A 500", |_| {}, LegOutcome::Failed(unknown));
    ended("BUY A 500", |story| story.run(3), LegOutcome::Unfilled(Reason::WindowOver));
    let partly = |story: &mut Story| {
        story.run(3);
        story.fill("A", "1");
        story.run(3);
    };
    ended("BUY A 500", partly, LegOutcome::PartiallyFilled(Reason::WindowOver));
    let wholly = |story: &mut Story| {
        story.run(3);
        story.fill_all();
    };
    ended("BUY A 500", wholly, LegOutcome::Filled);
}

/// I1, I5: the first order after a recovery may have been sent before it: a refusal does not settle it.
#[test]
fn a_refusal_of_the_first_order_after_a_recovery_settles_nothing() {
    let mut story = Story::of(&plan("BUY A 500"));
    story.run(1);
    let kept = story.log.iter().position(|fact| matches!(fact.kind, FactKind::Intent(_))).unwrap();
    story.broker.orders.clear();
    story.log.truncate(kept);
    recover(&mut story, kept, false);
    story.restart();
    story.post(Post::Refuse(alchemiser_core::fact::RefusalKind::Other));
    story.run(4);
    let lost = story.log.iter().any(|fact| matches!(fact.kind, FactKind::AnswerLost(..)));
    let refused = story.log.iter().any(|fact| matches!(fact.kind, FactKind::Refused(..)));
    assert!(lost && !refused, "{}", story.trace());
}

/// I1: an adoption that comes twice, or of an order that nobody can count, changes nothing.
#[test]
fn an_adoption_comes_once() {
    let mut story = traded();
    let facts = recover(&mut story, 1, false);
    let before = story.state.clone();
    let again = |kind: &FactKind| Fact { at: before.last_at, kind: kind.clone() };
    let adopted = facts.iter().filter(|kind| matches!(kind, FactKind::Adopted(..)));
    let adopted: Vec<Fact> = adopted.map(again).collect();
    assert!(adopted.len() > 4);
    for fact in &adopted {
        story.state.take(fact);
        assert_eq!(story.state, before);
    }
    let FactKind::Adopted(name, _, report) = adopted[0].kind.clone() else { panic!() };
    let mut unpriced = report.clone();
    (unpriced.limit, unpriced.average_price) = (None, None);
    let strange = [(name, 50, unpriced), (symbol("NONE"), 1, report)];
    for (name, attempt, report) in strange {
        story.state.take(&again(&FactKind::Adopted(name, attempt, report)));
        assert_eq!(story.state.children().count(), before.children().count());
    }
}

/// I4: an order under an id of ours is lost from a log that lacks it, whatever else the broker says of it.
#[test]
fn an_order_under_our_id_is_lost_whatever_it_is() {
    let story = traded();
    let mut orders = story.broker.orders.clone();
    let empty = Execution::claimed(&story.state.plan, start(), Policy::default());
    let ids = |orders: &[OrderReport]| {
        let lost = recovery::lost(&empty, orders);
        lost.into_iter().map(|lost| lost.report.client_order_id).collect::<Vec<_>>()
    };
    let all = ids(&orders);
    assert!(all.len() > 1, "{all:?}");
    for order in &mut orders {
        order.side = order.side.opposite();
        order.symbol = symbol("OTHER");
    }
    assert_eq!(ids(&orders), all);
}
