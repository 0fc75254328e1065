//! Stories of lost answers and lost processes: the same order, never a second one.

use insta::assert_snapshot;

use crate::{
    broker::Post,
    given::symbol,
    story::{Story, told},
};

/// S11: an answer that was lost is looked up; the order is there and is adopted.
#[test]
fn a_lost_answer_is_looked_up() {
    assert_snapshot!(told("BUY A 1000", |s| {
        s.post(Post::LoseAnswer);
        s.run(3);
        s.fill_all();
        s.run(3);
        assert_eq!(s.broker.posts, 1);
    }), @"");
}

/// S11, L8: an order that cannot be found is sent again under the same id.
#[test]
fn an_order_not_found_is_sent_again_as_itself() {
    assert_snapshot!(told("BUY A 1000", |s| {
        s.post(Post::LoseOrder);
        s.run(6);
        s.fill_all();
        s.run(3);
        assert_eq!((s.broker.posts, s.broker.orders.len()), (2, 1));
    }), @"");
}

/// S11: an order that lands after it was sent again is still one order.
#[test]
fn an_order_that_lands_late_is_not_doubled() {
    assert_snapshot!(told("BUY A 1000", |s| {
        s.post(Post::Delay);
        s.run(3);
        s.broker.land(s.now);
        s.run(3);
        assert_eq!(s.broker.orders.len(), 1);
        s.fill_all();
        s.run(3);
    }), @"");
}

/// S11, L6: after a second POST a refusal settles nothing: the first may be under way.
#[test]
fn a_refusal_of_a_repetition_settles_nothing() {
    assert_snapshot!(told("BUY A 1000", |s| {
        s.post(Post::Delay);
        s.post(Post::Refuse(alchemiser_core::fact::RefusalKind::Other));
        s.run(5);
        s.broker.land(s.now);
        s.run(3);
        s.fill_all();
        s.run(3);
        assert_eq!(s.broker.orders.len(), 1);
    }), @"");
}

/// S11, X9: a new process looks up what the log says may have been sent; it never sends it blindly.
#[test]
fn a_new_process_looks_up_before_it_sends() {
    assert_snapshot!(told("BUY A 1000", |s| {
        s.post(Post::LoseAnswer);
        s.turn();
        s.restart();
        s.run(3);
        s.fill_all();
        s.run(3);
        assert_eq!(s.broker.posts, 1);
    }), @"");
}

/// S11: a process that died between the commit and the POST sends the same order, after it was not found.
#[test]
fn a_new_process_sends_what_was_never_sent() {
    assert_snapshot!(told("BUY A 1000", |s| {
        s.post(Post::LoseOrder);
        s.turn();
        s.restart();
        s.run(6);
        s.fill_all();
        s.run(3);
        assert_eq!(s.broker.orders.len(), 1);
    }), @"");
}

/// S11, T2: a process that dies with an order working goes on with that order.
#[test]
fn a_new_process_goes_on_with_the_working_order() {
    assert_snapshot!(told("BUY A 1000", |s| {
        s.run(3);
        s.fill("A", "4");
        s.restart();
        s.run(2);
        s.market("A", "100.01x500 100.03x500");
        s.restart();
        s.run(3);
        s.fill_all();
        s.run(3);
        assert_eq!(s.broker.orders.len(), 2);
    }), @"");
}

/// S11, S9: what can neither be found nor be sent again is unresolved after a minute: no further attempt, an open order.
#[test]
fn an_order_that_stays_unknown_is_unresolved() {
    assert_snapshot!(told("BUY A 1000", |s| {
        s.post(Post::LoseOrder);
        s.turn();
        s.market("A", "");
        s.run(90);
        assert!(s.state.is_finished());
        assert_eq!((s.broker.posts, s.state.buys_committed().to_string().as_str()), (1, "999.8"));
    }), @"");
}

/// S11: an order that was certainly not sent is followed by the next attempt.
#[test]
fn an_unsent_order_is_followed_by_the_next() {
    assert_snapshot!(told("BUY A 1000", |s| {
        s.post(Post::NotSent);
        s.run(2);
        s.fill_all();
        s.run(3);
    }), @"");
}

/// I1: after a repetition nothing is certainly unsent.
#[test]
fn a_repetition_that_was_not_sent_is_looked_up() {
    assert_snapshot!(told("BUY A 1000", |s| {
        s.post(Post::Delay);
        s.post(Post::NotSent);
        s.run(4);
        s.broker.land(s.now);
        s.run(3);
        s.fill_all();
        s.run(3);
        assert_eq!(s.broker.orders.len(), 1);
    }), @"");
}

/// S12, I15: the broker's order in another symbol or side stops the plan: nothing more is sent, and it ends.
#[test]
fn an_order_that_is_not_ours_stops_the_plan() {
    assert_snapshot!(told("BUY A 1000; BUY B 500", |s| {
        s.post(Post::Garble);
        s.run(300);
        assert!(s.state.is_finished());
        assert_eq!(s.broker.posts, 2, "both were decided before the mismatch was seen");
    }), @"");
}

/// S9: a cancel that is not confirmed after a stop fails the leg within the bound.
#[test]
fn a_stopped_plan_does_not_wait_for_a_cancel_until_its_window_ends() {
    assert_snapshot!(told("BUY A 1000; BUY B 500", |s| {
        s.run(2);
        s.broker.cancels = false;
        s.record(alchemiser_core::fact::FactKind::PlanStopped(alchemiser_core::fact::StopCode::RejectBreaker));
        s.run(40);
    }), @"");
}

/// T6, H9: reading the log twice gives the same state, and a finished plan wants nothing.
#[test]
fn a_finished_plan_wants_nothing() {
    told("BUY A 1000", |s: &mut Story| {
        s.post(Post::Fill);
        s.run(5);
        let due = alchemiser_core::outstanding::outstanding(&s.state, s.now);
        assert_eq!(due, alchemiser_core::outstanding::Outstanding::default());
        assert!(s.state.leg(&symbol("A")).unwrap().finished_at.is_some());
        let log = s.log.len();
        s.restart();
        s.run(5);
        assert_eq!(s.log.len(), log + 1, "only the lease");
    });
}
