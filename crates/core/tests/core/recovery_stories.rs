//! Stories of lost answers and lost processes: the same order, never a second one.

use alchemiser_core::fact::{FactKind, StopCode};
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
    }), @r###"
    0.0 lease 1
    0.0 funds 10000 + 0
    0.0 = buying
    0.0 allocated A=1000
    0.0 A target 9.998
    0.0 A #1 rest buy 9.998 @ 100
    0.1 A #1 answer lost
    0.1 A #1 new 0/9.998
    3.0 A #1 filled 9.998/9.998 @ 100
    3.0 A filled
    3.0 = closing
    4.0 reconciled, 0 differ
    4.0 success completed, 1 placed, 1 filled
    4.0 = finished
    "###);
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
    }), @r###"
    0.0 lease 1
    0.0 funds 10000 + 0
    0.0 = buying
    0.0 allocated A=1000
    0.0 A target 9.998
    0.0 A #1 rest buy 9.998 @ 100
    0.1 A #1 answer lost
    0.3 A #1 not found
    2.7 A #1 not found
    2.7 A #1 again
    3.7 A #1 new 0/9.998
    6.0 A #1 filled 9.998/9.998 @ 100
    6.0 A filled
    6.0 = closing
    7.0 reconciled, 0 differ
    7.0 success completed, 1 placed, 1 filled
    7.0 = finished
    "###);
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
    }), @r###"
    0.0 lease 1
    0.0 funds 10000 + 0
    0.0 = buying
    0.0 allocated A=1000
    0.0 A target 9.998
    0.0 A #1 rest buy 9.998 @ 100
    0.1 A #1 answer lost
    0.3 A #1 not found
    2.7 A #1 not found
    2.7 A #1 again
    3.0 A #1 new 0/9.998
    6.0 A #1 filled 9.998/9.998 @ 100
    6.0 A filled
    6.0 = closing
    7.0 reconciled, 0 differ
    7.0 success completed, 1 placed, 1 filled
    7.0 = finished
    "###);
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
    }), @r###"
    0.0 lease 1
    0.0 funds 10000 + 0
    0.0 = buying
    0.0 allocated A=1000
    0.0 A target 9.998
    0.0 A #1 rest buy 9.998 @ 100
    0.1 A #1 answer lost
    0.3 A #1 not found
    2.7 A #1 not found
    2.7 A #1 again
    3.7 A #1 answer lost
    4.7 A #1 not found
    5.0 A #1 new 0/9.998
    8.0 A #1 filled 9.998/9.998 @ 100
    8.0 A filled
    8.0 = closing
    9.0 reconciled, 0 differ
    9.0 success completed, 1 placed, 1 filled
    9.0 = finished
    "###);
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
    }), @r###"
    0.0 lease 1
    0.0 funds 10000 + 0
    0.0 = buying
    0.0 allocated A=1000
    0.0 A target 9.998
    0.0 A #1 rest buy 9.998 @ 100
    1.0 lease 2
    1.0 A #1 new 0/9.998
    4.0 A #1 filled 9.998/9.998 @ 100
    4.0 A filled
    4.0 = closing
    5.0 reconciled, 0 differ
    5.0 success completed, 1 placed, 1 filled
    5.0 = finished
    "###);
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
    }), @r###"
    0.0 lease 1
    0.0 funds 10000 + 0
    0.0 = buying
    0.0 allocated A=1000
    0.0 A target 9.998
    0.0 A #1 rest buy 9.998 @ 100
    1.0 lease 2
    2.0 A #1 not found
    4.0 A #1 not found
    4.0 A #1 again
    5.0 A #1 new 0/9.998
    7.0 A #1 filled 9.998/9.998 @ 100
    7.0 A filled
    7.0 = closing
    8.0 reconciled, 0 differ
    8.0 success completed, 1 placed, 1 filled
    8.0 = finished
    "###);
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
    }), @r###"
     0.0 lease 1
     0.0 funds 10000 + 0
     0.0 = buying
     0.0 allocated A=1000
     0.0 A target 9.998
     0.0 A #1 rest buy 9.998 @ 100
     0.1 A #1 new 0/9.998
     4.0 lease 2
     4.0 A #1 partially_filled 4/9.998 @ 100
     7.0 lease 3
     9.0 A #1 cancel repeg
     9.1 A #1 canceled 4/9.998 @ 100
     9.1 A #2 rest buy 5.998 @ 100.01
     9.2 A #2 new 0/5.998
    10.0 A #2 filled 5.998/5.998 @ 100.01
    10.0 A filled
    10.0 = closing
    11.0 reconciled, 0 differ
    11.0 success completed, 1 placed, 1 filled
    11.0 = finished
    "###);
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
    }), @r###"
     0.0 lease 1
     0.0 funds 10000 + 0
     0.0 = buying
     0.0 allocated A=1000
     0.0 A target 9.998
     0.0 A #1 rest buy 9.998 @ 100
     0.0 A #1 answer lost
     0.1 A #1 not found
     2.7 A #1 not found
     5.7 A #1 not found
    10.7 A #1 not found
    19.7 A #1 not found
    28.7 A #1 not found
    37.7 A #1 not found
    46.7 A #1 not found
    55.7 A #1 not found
    60.7 A #1 unresolved
    60.7 A failed UNRESOLVED
    60.7 = closing
    70.7 reconciled, 0 differ
    70.7 failure failed ORDER_OPEN, 0 placed, 0 filled
    70.7 = finished
    "###);
}

/// T6, S9: while nobody answers, nothing is sent, nothing is given up, and the log does not grow.
#[test]
fn while_nobody_answers_the_log_does_not_grow() {
    let mut story = Story::of(&crate::given::plan("BUY A 1000"));
    story.post(Post::LoseAnswer);
    story.turn();
    story.blind = true;
    story.run(100);
    let facts = story.log.len();
    story.run(60);
    assert_eq!((story.log.len(), story.broker.posts), (facts, 1), "{}", story.trace());
    story.blind = false;
    story.run(30);
    story.check();
    assert!(story.state.is_finished(), "{}", story.trace());
}

/// S11: an order that was certainly not sent is followed by the next attempt.
#[test]
fn an_unsent_order_is_followed_by_the_next() {
    assert_snapshot!(told("BUY A 1000", |s| {
        s.post(Post::NotSent);
        s.run(2);
        s.fill_all();
        s.run(3);
    }), @r###"
    0.0 lease 1
    0.0 funds 10000 + 0
    0.0 = buying
    0.0 allocated A=1000
    0.0 A target 9.998
    0.0 A #1 rest buy 9.998 @ 100
    0.1 A #1 unsent
    0.1 A #2 rest buy 9.998 @ 100
    0.2 A #2 new 0/9.998
    2.0 A #2 filled 9.998/9.998 @ 100
    2.0 A filled
    2.0 = closing
    3.0 reconciled, 0 differ
    3.0 success completed, 1 placed, 1 filled
    3.0 = finished
    "###);
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
    }), @r###"
    0.0 lease 1
    0.0 funds 10000 + 0
    0.0 = buying
    0.0 allocated A=1000
    0.0 A target 9.998
    0.0 A #1 rest buy 9.998 @ 100
    0.1 A #1 answer lost
    0.3 A #1 not found
    2.7 A #1 not found
    2.7 A #1 again
    3.7 A #1 answer lost
    4.0 A #1 not found
    4.0 A #1 new 0/9.998
    7.0 A #1 filled 9.998/9.998 @ 100
    7.0 A filled
    7.0 = closing
    8.0 reconciled, 0 differ
    8.0 success completed, 1 placed, 1 filled
    8.0 = finished
    "###);
}

/// S12, I15: the broker's order in another symbol or side stops the plan: nothing more is sent, and it ends.
#[test]
fn an_order_that_is_not_ours_stops_the_plan() {
    assert_snapshot!(told("BUY A 1000; BUY B 500", |s| {
        s.post(Post::Garble);
        s.run(300);
        assert!(s.state.is_finished());
        assert_eq!(s.broker.posts, 2, "both were decided before the mismatch was seen");
    }), @"
     0.0 lease 1
     0.0 funds 10000 + 0
     0.0 = buying
     0.0 allocated A=1000 B=500
     0.0 A target 9.998
     0.0 A #1 rest buy 9.998 @ 100
     0.0 B target 4.999
     0.0 B #1 rest buy 4.999 @ 100
     0.1 stop ORDER_DIFFERS
     0.1 A #1 unresolved
     0.1 A failed UNRESOLVED
     0.1 B #1 new 0/4.999
     0.1 B #1 cancel plan_stopped
     0.2 B #1 canceled 0/4.999
     0.2 halt: plan: ORDER_DIFFERS
     0.2 B unfilled ORDER_DIFFERS
     0.2 = closing
    10.2 reconciled, 0 differ
    10.2 failure failed ORDER_DIFFERS, 1 placed, 0 filled
    10.2 = finished
    ");
}

/// S6, S9: a stopped plan asks for its cancels until its window ends; it never counts one as gone.
#[test]
fn a_stopped_plan_asks_for_its_cancels_until_its_window_ends() {
    let trace = told("BUY A 1000; BUY B 500", |s| {
        s.run(2);
        s.broker.cancels = false;
        s.record(FactKind::PlanStopped(StopCode::RejectBreaker));
        s.run(40);
        assert!(s.broker.cancel_calls >= 20 && !s.state.is_finished());
        s.broker.cancels = true;
        s.broker.carry_out();
        s.run(4);
        assert!(s.state.is_finished() && s.broker.posts == 2);
    });
    assert!(trace.contains("failure failed REJECT_BREAKER"), "{trace}");
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
