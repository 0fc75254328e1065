//! A process may die at any moment.

use alchemiser_core::{leg::LegOutcome, policy::Policy};
use alchemiser_tests::{
    check, plans,
    pulse::{Fault, Moment, Op, Script},
    world::{World, bus},
};
use serde_json::Value;

/// Runs the plan with a crash at every `step`-th call, before it takes effect and after, and expects every leg to be
/// filled as if nothing had happened.
fn crash_at_every(step: usize, event: &Value, world: impl Fn() -> World) {
    let calls = world().run(event, Script::clean());
    for n in (1..=calls).step_by(step) {
        for moment in [Moment::Before, Moment::After] {
            let world = world();
            world.run(event, Script::crash(n, moment));
            let state = world.finish(event);
            let what = format!("a crash {moment:?} call {n} of {calls}");
            check::sound(&world, &state, &what);
            let missed: Vec<_> = state
                .legs
                .iter()
                .filter(|leg| !leg.outcome.is_some_and(LegOutcome::is_done))
                .map(|leg| (leg.symbol(), leg.outcome))
                .collect();
            assert!(missed.is_empty(), "{what}: {missed:?}");
        }
    }
}

/// S11, H7, H9, X9: a crash at every single port call of a small plan.
#[test]
fn a_crash_at_every_call_of_the_small_plan_changes_nothing() {
    crash_at_every(1, &plans::small(), || World::new(4));
}

/// S11, T2: the same with a market in which more orders are moved.
#[test]
fn a_crash_at_every_third_call_of_another_market_changes_nothing() {
    crash_at_every(3, &plans::small(), || World::new(5));
}

/// S11: urgent plans cross at once; their orders are in flight or filled at every crash.
#[test]
fn a_crash_at_every_call_of_an_urgent_plan_changes_nothing() {
    crash_at_every(1, &plans::event("small-1", "URGENT", &plans::SMALL), || World::new(2));
}

/// S11, H7: the example with the thresholds that the product ships.
#[test]
fn a_crash_at_every_tenth_call_of_the_example_changes_nothing() {
    crash_at_every(10, &plans::example(), || World::with(1, Policy::default()));
}

/// S11, H7: on one machine the bus dies with its process; the same command again finishes the plan.
#[test]
fn a_crash_that_takes_the_bus_with_it_changes_nothing() {
    let event = plans::small();
    let calls = World::new(4).run(&event, Script::clean());
    for n in (1..=calls).step_by(2) {
        let mut world = World::new(4);
        world.run(&event, Script::crash(n, Moment::After));
        world.bus = bus();
        let state = world.finish(&event);
        check::sound(&world, &state, &format!("a crash after call {n}"));
    }
}

/// S11, X9: every second process dies too, each a little later than the one before.
#[test]
fn a_crash_of_every_owner_changes_nothing() {
    let event = plans::small();
    for calls in [5, 9, 14, 20, 27] {
        let world = World::new(4);
        for lived in 0..8 {
            world.run(&event, Script::crash(calls + lived, Moment::After));
        }
        let state = world.finish(&event);
        check::sound(&world, &state, &format!("crashes after {calls} calls and more"));
    }
}

/// S11, X9: where nobody knows that the owner is dead, its lease is waited for.
#[test]
fn a_crash_that_nobody_can_see_is_waited_out() {
    crash_at_every(4, &plans::small(), || {
        let mut world = World::new(5);
        world.deaths_are_known = false;
        world
    });
}

/// X9, H7: a process that died between the last event and the release left the account to a finished plan. When the plan
/// comes again, the account is given back and the marker goes.
#[test]
fn a_plan_that_comes_again_after_its_end_gives_the_account_back() {
    let event = plans::small();
    let mut world = World::new(4);
    world.put(&event);
    let session = world.session(Script::clean());
    session.drive();
    // The release is the last creation of the trade function, the ledger the last of all.
    let creations = session.pulse.calls_of(Op::Put);
    drop(session);
    world = World::new(4);
    world.run(&event, Script::hit(Op::Put, creations - 1, 40, Fault::Refuse));
    world.bus = bus();
    let state = world.finish(&event);
    check::sound(&world, &state, "the account was not released");
}
