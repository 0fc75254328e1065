//! Everything may come twice, late, and in the wrong order.

use alchemiser_driver::accept::Accepted;
use alchemiser_tests::{
    check, plans,
    pulse::{Op, Script},
    session::Delivering,
    world::World,
};
use serde_json::Value;

fn delivered(event: &Value, delivering: Delivering, seed: u64) -> World {
    let world = World::new(seed);
    world.put(event);
    let mut session = world.session(Script::clean());
    session.delivering = delivering;
    session.drive();
    assert!(session.trail().failed.is_empty(), "{:?}", session.trail().failed);
    drop(session);
    world
}

/// X9, H9, S11: every delivery twice, oldest first and newest first: one execution, the same orders.
#[test]
fn deliveries_that_come_twice_change_nothing() {
    for event in [plans::small(), plans::example()] {
        for seed in 1..=4 {
            let once = delivered(&event, Delivering::Once, seed);
            for delivering in [Delivering::Twice, Delivering::TwiceReversed] {
                let world = delivered(&event, delivering, seed);
                let state = world.finish(&event);
                check::sound(&world, &state, &format!("{delivering:?}, seed {seed}"));
                assert_eq!(world.journal(), once.journal(), "{delivering:?}, seed {seed}");
            }
        }
    }
}

/// X9, H9: a plan that comes again after its end sends nothing: no order, no event, no entry.
#[test]
fn a_plan_that_comes_again_after_its_end_sends_nothing() {
    let event = plans::small();
    let world = delivered(&event, Delivering::Once, 4);
    let (entries, journal) = (world.entries("small-1").len(), world.journal());
    let taken = world.taken.all().len();
    let mut again = event.clone();
    again["id"] = "another-envelope".into();
    again["detail"]["event_id"] = "another-event".into();
    again["detail"]["timestamp"] = "2026-11-20T15:03:00Z".into();
    for event in [&event, &again] {
        world.put(event);
        let session = world.session(Script::clean());
        session.drive();
        let accepted = session.trail().accepted;
        assert!(matches!(accepted.as_slice(), [Accepted::Finished(_)]), "{accepted:?}");
        assert_eq!((session.broker_calls(), session.pulse.calls_of(Op::Put)), (0, 0));
    }
    assert_eq!(world.entries("small-1").len(), entries);
    assert_eq!((world.journal(), world.taken.all().len()), (journal, taken));
}

/// X9: the same plan id with other content is refused, names the field, and does not touch the first one.
#[test]
fn another_plan_of_the_same_id_is_a_conflict() {
    let event = plans::small();
    let mut other = event.clone();
    other["detail"]["event_id"] = "another-event".into();
    let plan = &mut other["detail"]["rebalance_plan"];
    plan["items"][2]["trade_amount"] = "2001".into();
    plan["items"][2]["target_value"] = "2501".into();
    plan["total_trade_value"] = "8301".into();
    let unfinished = World::new(4);
    unfinished.run(&event, Script::crash(60, alchemiser_tests::pulse::Moment::After));
    for world in [delivered(&event, Delivering::Once, 4), unfinished] {
        let (before, taken) = (world.logs().len(), world.taken.all().len());
        let session = world.session_beside(Script::clean());
        alchemiser_tests::world::put(&session.bus, &other);
        session.drive();
        let accepted = session.trail().accepted;
        let [Accepted::Conflict(refused)] = accepted.as_slice() else { panic!("{accepted:?}") };
        assert_eq!(refused.code.code(), "PLAN_CONFLICT");
        assert_eq!(refused.field, "rebalance_plan.items[2].trade_amount");
        assert_eq!(
            (world.logs().len(), world.taken.all().len()),
            (before, taken),
            "no terminal event"
        );
        drop(session);
        check::sound(&world, &world.finish(&event), "after a conflict");
    }
}
