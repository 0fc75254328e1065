//! The bounds of an order's life, to the millisecond: when it is looked for, sent again, canceled and given up.

use alchemiser_core::{
    child::{CancelAsked, ChildOrder, Flight, Status},
    fact::{CancelReason, StopCode},
    throttle::Tokens,
};
use rust_decimal::Decimal;

use crate::{
    broker::Post,
    given::{after, dollars, plan, start},
    story::{Story, Withheld},
};

/// The end of the only phase's window: 120 s to work, 60 s and 1.6 s a leg for messages.
const WINDOW: i64 = 181_600;
/// Ten seconds more for certainty about an order.
const CERTAINTY: i64 = WINDOW + 10_000;

/// A plan with one order that rests.
fn resting() -> Story {
    let mut story = Story::of(&plan("BUY A 1000"));
    story.run(1);
    story
}

/// A plan with one order whose POST got no answer, and this flight.
fn lost(flight: Flight) -> Story {
    let mut story = Story::of(&plan("BUY A 1000"));
    story.post(Post::LoseOrder);
    story.turn();
    story.turn();
    story.seen.forget_answers();
    child(&mut story).flight = Flight { lost_at: Some(start()), ..flight };
    story
}

fn child(story: &mut Story) -> &mut ChildOrder {
    &mut story.state.legs[0].children[0]
}

/// M3: an order is worked up to the last moment of its window, then canceled.
#[test]
fn the_last_moment_of_the_window_belongs_to_it() {
    assert_eq!(resting().turn_at(WINDOW), "A #1 cancel to_cross");
    assert_eq!(resting().turn_at(WINDOW + 1), "A #1 cancel window_over");
}

/// S11: an order of which nothing is heard is given up ten seconds after its window.
#[test]
fn an_order_without_an_answer_is_given_up_at_its_bound() {
    let silent = |millis: i64| {
        let mut story = lost(Flight::default());
        story.blind = true;
        story.turn_at(millis)
    };
    assert_eq!(silent(CERTAINTY), "");
    assert_eq!(silent(CERTAINTY + 1), "A #1 unresolved, A failed UNRESOLVED, = closing");
}

/// S11: an order is sent again when it was not found twice, over two seconds, and its window is not over; it is given
/// up when it was not found for a minute and cannot be sent again.
#[test]
fn an_order_is_sent_again_when_it_was_looked_for_twice() {
    let missing = |not_found: u32, since: i64, millis: i64, stop: Option<StopCode>| {
        let first = after(start(), millis - since);
        let not_found_at = Some((first, after(start(), millis)));
        let mut story = lost(Flight { not_found, not_found_at, ..Flight::default() });
        story.state.stop = stop;
        story.turn_at(millis)
    };
    assert_eq!(missing(1, 2_000, 9_000, None), "");
    assert_eq!(missing(2, 1_999, 9_000, None), "");
    assert_eq!(missing(2, 2_000, 9_000, None), "A #1 again");
    assert_eq!(missing(3, 2_001, 9_000, None), "A #1 again");
    assert_eq!(missing(2, 2_000, WINDOW, None), "A #1 again");
    assert_eq!(missing(2, 2_000, WINDOW + 1, None), "");
    assert_eq!(missing(2, 2_000, 9_000, Some(StopCode::Halted)), "");
    assert_eq!(missing(2, 59_999, WINDOW + 1, None), "");
    assert_eq!(
        missing(2, 60_000, WINDOW + 1, None),
        "A #1 unresolved, A failed UNRESOLVED, = closing"
    );
    assert_eq!(missing(2, 60_000, 90_000, None), "A #1 again");
}

/// S14: every order that is sent again takes a call out of the message budget.
#[test]
fn a_repetition_takes_a_call() {
    let with = |calls: u32| {
        let mut story = Story::of(&plan("BUY A 1000; BUY B 1000"));
        (0..2).for_each(|_| story.post(Post::LoseOrder));
        story.turn();
        story.turn();
        story.seen.forget_answers();
        let not_found_at = Some((start(), start()));
        for leg in &mut story.state.legs {
            leg.children[0].flight = Flight { not_found: 2, not_found_at, ..Flight::default() };
        }
        let now = after(start(), 9_000);
        let policy = story.state.policy.clone();
        story.seen.tokens = Tokens::full(now, &policy).spend(45 - calls, now, &policy);
        story.turn_at(9_000)
    };
    assert_eq!(with(0), "");
    assert_eq!(with(1), "A #1 again");
    assert_eq!(with(2), "A #1 again, B #1 again");
}

/// S6: a cancel is asked for again every three seconds, and given up ten seconds after the window.
#[test]
fn an_unconfirmed_cancel_is_asked_for_again() {
    let asked = |ago: i64, millis: i64| {
        let mut story = resting();
        story.broker.cancels = false;
        let last_at = after(start(), millis - ago);
        let order = child(&mut story);
        order.status = Status::CancelInFlight;
        let reason = CancelReason::WindowOver;
        order.cancel = Some(CancelAsked { first_at: start(), last_at, reason });
        story.turn_at(millis)
    };
    assert_eq!(asked(2_999, 9_000), "");
    assert_eq!(asked(3_000, 9_000), "A #1 cancel not_confirmed");
    assert_eq!(asked(3_000, CERTAINTY), "A #1 cancel not_confirmed");
    assert_eq!(asked(1_000, CERTAINTY), "");
    assert_eq!(asked(3_000, CERTAINTY + 1), "A failed CANCEL_UNCONFIRMED, = closing");
}

/// S5: a crossing order has two seconds.
#[test]
fn a_crossing_order_has_two_seconds() {
    let crossing = |millis: i64| {
        let mut story = Story::of(&plan("BUY A 50"));
        story.run(1);
        story.turn_at(millis)
    };
    assert_eq!(crossing(1_999), "");
    assert_eq!(crossing(2_000), "A #1 cancel cross_again");
}

/// X8: a plan may act in the last moment before its deadline, and is stopped after it.
#[test]
fn a_plan_stops_after_its_deadline() {
    let at = |millis: i64| resting().turn_at(millis);
    assert_eq!(at(511_600), "A #1 cancel window_over");
    assert_eq!(at(511_601), "stop DEADLINE_PASSED, A #1 cancel plan_stopped");
}

/// L9, S14: the cancels of a stop are sent whatever the budget says, and what is not urgent waits behind them.
#[test]
fn a_stops_cancels_use_up_the_budget() {
    let stopped = |calls: u32| {
        let mut story = Story::of(&plan("BUY A 1000; BUY B 1000"));
        story.broker.cancels = false;
        story.run(1);
        let order = &mut story.state.legs[1].children[0];
        order.status = Status::CancelInFlight;
        let (first_at, last_at, reason) = (start(), start(), CancelReason::Repeg);
        order.cancel = Some(CancelAsked { first_at, last_at, reason });
        story.state.stop = Some(StopCode::Halted);
        let now = after(start(), 9_000);
        let policy = story.state.policy.clone();
        story.seen.tokens = Tokens::full(now, &policy).spend(45 - calls, now, &policy);
        assert_eq!(story.seen.tokens.available(now, &policy), Decimal::from(calls));
        story.turn_at(9_000)
    };
    assert_eq!(stopped(0), "A #1 cancel plan_stopped");
    assert_eq!(stopped(1), "A #1 cancel plan_stopped");
    assert_eq!(stopped(2), "A #1 cancel plan_stopped, B #1 cancel not_confirmed");
}

/// L4, S9: proceeds that no reading shows are waited for half a minute, or until the plan is stopped; the buys then go
/// on without them.
#[test]
fn proceeds_that_cannot_be_read_have_a_bound() {
    let sold = || {
        let mut story = Story::of(&plan("EXIT A 500; BUY B 900"));
        story.broker.cash = dollars("500");
        story.post(Post::Fill);
        story.turn();
        story.withheld = [Withheld::Account].into();
        assert!(story.turn_at(100).ends_with("A filled, = proceeds"));
        story
    };
    assert_eq!(sold().turn_at(30_099), "");
    assert!(sold().turn_at(30_100).starts_with("funds 500 + 0, = buying, allocated B=497.5"));
    let mut stopped = sold();
    stopped.state.stop = Some(StopCode::Halted);
    let told = stopped.turn_at(200);
    assert!(told.ends_with("= buying, allocated B=497.5, B refused HALTED, = closing"), "{told}");
}

/// X11, S9: positions that cannot be read are waited for a minute; the plan then ends without a comparison.
#[test]
fn positions_that_cannot_be_read_have_a_bound() {
    let mut story = Story::of(&plan("BUY A 1000"));
    story.post(Post::Fill);
    story.turn();
    story.withheld = [Withheld::Positions].into();
    assert!(story.turn_at(100).ends_with("A filled, = closing"));
    assert_eq!(story.turn_at(10_100), "");
    assert_eq!(story.turn_at(60_099), "");
    assert_eq!(story.turn_at(60_100), "success completed, 1 placed, 1 filled, = finished");
    assert_eq!(story.state.reconciled, None);
}
