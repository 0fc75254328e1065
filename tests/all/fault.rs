//! Every single fault at every position.

use alchemiser_tests::{
    check, plans,
    pulse::{Fault, Op, Script},
    world::World,
};

/// Runs the small plan once undisturbed to count the operation's calls, then with the fault at each of them, for each of
/// the lengths.
fn hit_every(op: Op, fault: Fault, lengths: &[u64]) {
    let event = plans::small();
    let calls = {
        let world = World::new(4);
        world.put(&event);
        let session = world.session(Script::clean());
        session.drive();
        session.pulse.calls_of(op)
    };
    // What is asked for in every turn is hit in every third.
    let step = if calls > 40 { 3 } else { 1 };
    for from in (1..=calls.max(3)).step_by(step) {
        for count in lengths {
            let world = World::new(4);
            world.run(&event, Script::hit(op, from, *count, fault));
            let state = world.finish(&event);
            let what = format!("{fault:?} at {op:?} {from}, {count} times");
            check::sound(&world, &state, &what);
        }
    }
}

/// S11, L8, H7: an answer of the store that is lost, before or after the object was created.
#[test]
fn a_store_that_does_not_answer_clearly_is_asked_again() {
    hit_every(Op::Put, Fault::LoseRequest, &[1, 3, 4, 6]);
    hit_every(Op::Put, Fault::LoseAnswer, &[1, 3, 4, 6]);
}

/// S9: a store that refuses ends the invocation; the next one goes on.
#[test]
fn a_store_that_refuses_delays_a_plan_and_harms_nothing() {
    hit_every(Op::Put, Fault::Refuse, &[1, 2]);
    hit_every(Op::Get, Fault::LoseAnswer, &[1, 2]);
    hit_every(Op::List, Fault::LoseAnswer, &[1]);
    hit_every(Op::Remove, Fault::LoseRequest, &[1]);
    hit_every(Op::Remove, Fault::LoseAnswer, &[1]);
}

/// S11, L8: the POST arrived and its answer did not, or it never arrived: never a second order.
#[test]
fn a_lost_post_is_found_or_sent_again_under_its_own_id() {
    hit_every(Op::Submit, Fault::LoseAnswer, &[1, 2, 9]);
    hit_every(Op::Submit, Fault::LoseRequest, &[1, 2, 9]);
}

/// S11: a POST that arrives late, before it is looked up, between the look-ups, or after it was sent again.
#[test]
fn a_post_that_arrives_late_is_never_a_second_order() {
    for lists in [1, 2, 3, 4, 6, 10, 20] {
        hit_every(Op::Submit, Fault::Late(lists), &[1, 2]);
    }
}

/// L6, L8, S11: a refusal settles the attempt that it answers; the leg goes on or ends with a reason.
#[test]
fn a_refused_post_is_over() {
    hit_every(Op::Submit, Fault::Refuse, &[1, 2]);
    hit_every(Op::Submit, Fault::Reject, &[1, 2]);
}

/// S6, T4: a cancel that got lost is never taken for done.
#[test]
fn a_lost_cancel_is_asked_for_again() {
    hit_every(Op::Cancel, Fault::LoseRequest, &[1, 2, 5]);
    hit_every(Op::Cancel, Fault::LoseAnswer, &[1, 2, 5]);
}

/// S9, T4, L1: lists that fail, are of the past, or lack the average price of a fill.
#[test]
fn a_list_of_orders_may_fail_be_old_or_lack_prices() {
    hit_every(Op::Orders, Fault::LoseAnswer, &[1, 5, 15]);
    hit_every(Op::Orders, Fault::Stale, &[1, 5, 15]);
    hit_every(Op::Orders, Fault::NoPrice, &[1, 3, 7]);
}

/// L4, S9: the account shows the sells' proceeds late, or does not answer.
#[test]
fn proceeds_that_show_late_are_waited_for() {
    hit_every(Op::Account, Fault::Stale, &[1, 4, 60]);
    hit_every(Op::Account, Fault::LoseAnswer, &[1, 4, 60]);
}

/// S9, X15: what the pre-flight needs may fail to be read.
#[test]
fn a_preflight_that_cannot_be_read_waits_and_then_stops() {
    for op in [Op::Positions, Op::Asset, Op::Clock] {
        hit_every(op, Fault::LoseAnswer, &[1, 3, 60]);
    }
}

/// L3, S4, X5: quotes that are missing, zero, crossed or frozen are not traded on.
#[test]
fn a_bad_quote_is_waited_out() {
    for fault in [
        Fault::LoseAnswer,
        Fault::QuoteMissing,
        Fault::QuoteZero,
        Fault::QuoteCrossed,
        Fault::QuoteFrozen,
    ] {
        hit_every(Op::Snapshots, fault, &[1, 8, 40]);
    }
}

/// H7, H9: an event that the bus refused goes out again; one that it took twice has the same bytes.
#[test]
fn an_event_that_was_not_taken_goes_out_again() {
    hit_every(Op::Publish, Fault::LoseRequest, &[1, 3, 5, 8]);
    hit_every(Op::Publish, Fault::LoseAnswer, &[1, 3, 5, 8]);
}

/// S11, L8: after a lost answer the order is not found for a while although it is there.
#[test]
fn an_order_in_flight_is_not_found_at_first() {
    let event = plans::small();
    for n in 1..=7 {
        for absent in [1, 2, 5, 30, 80] {
            for fault in [Fault::LoseAnswer, Fault::LoseRequest] {
                let world = World::new(4);
                let mut script = Script::hit(Op::Submit, n, 1, fault);
                script.hits.extend(Script::hit(Op::Order, 1, absent, Fault::Absent).hits);
                script.hits.extend(Script::hit(Op::Orders, 3, absent, Fault::Stale).hits);
                world.run(&event, script);
                let state = world.finish(&event);
                check::sound(&world, &state, &format!("{fault:?} at {n}, absent {absent} times"));
            }
        }
    }
}

/// L1, L10: a fill whose price the broker does not say while the plan runs is in the ledger, with the reason for every
/// field that lacks; the price comes in a supplement.
#[test]
fn a_fill_without_a_price_says_so_in_the_ledger() {
    let event = plans::small();
    let world = World::new(4);
    world.run(&event, Script::hit(Op::Orders, 1, 500, Fault::NoPrice));
    let state = world.execution("small-1").unwrap();
    let lines = alchemiser_wire::ledger::lines(&state);
    assert!(lines.iter().any(|line| line.average_price.is_none()), "this run shows nothing");
    for line in &lines {
        assert_eq!(check::unexplained(line), [""; 0], "{line:?}");
    }
    let state = world.finish(&event);
    assert!(!state.must_be_followed());
    assert_eq!(world.supplements(&state).len(), 1);
    check::sound(&world, &state, "prices that came late");
}

/// X6: a ledger that cannot be written is a failed message, never a shrug; the message that comes again writes it.
#[test]
fn a_ledger_that_cannot_be_written_is_not_forgotten() {
    let event = plans::small();
    for fault in [Fault::Refuse, Fault::LoseRequest] {
        let world = World::new(4);
        let puts = {
            world.put(&event);
            let session = world.session(Script::clean());
            session.drive();
            session.pulse.calls_of(Op::Put)
        };
        let world = World::new(4);
        world.put(&event);
        // The page is put after the ledger.
        let session = world.session(Script::hit(Op::Put, puts - 1, 99, fault));
        session.drive();
        let trail = session.trail();
        drop(session);
        assert!(trail.settled.is_empty(), "{fault:?}: {trail:?}");
        let redrives = 5;
        assert_eq!((trail.failed.len(), world.bus.dead_letters().len()), (redrives, 1));
        let state = world.execution(&plans::id_of(&event)).unwrap();
        assert!(state.is_complete() && world.ledger(&state).is_none(), "{fault:?}");
        let state = world.finish(&event);
        check::sound(&world, &state, "the ledger came late");
    }
}

/// X6: the ledger of a plan that failed has a line for every order that was filled.
#[test]
fn a_failed_plan_has_its_ledger() {
    let event = plans::small();
    let world = World::new(4);
    world.run(&event, Script::hit(Op::Submit, 6, 99, Fault::Reject));
    let state = world.finish(&event);
    check::sound(&world, &state, "five orders and then rejections");
    assert!(!state.outcome.as_ref().unwrap().0.completed);
    let filled = state.children().filter(|child| !child.cumulative.is_zero()).count();
    let lines = String::from_utf8(world.ledger(&state).unwrap()).unwrap();
    assert!(filled > 0 && lines.lines().count() == filled, "{filled}: {lines}");
}
