//! The sweeper: requests that are lost, owners that die, orders that outlive their plan.

use alchemiser_core::{child::Status, execution::Execution, plan::Age, policy::Policy};
use alchemiser_driver::{
    execute::{EPOCHS_MAX, Executed},
    sweep::{Found, sweep},
};
use alchemiser_tests::{
    check, plans,
    pulse::{Fault, Hit, Moment, Op, Script},
    world::{World, block_on, put},
};
use jiff::SignedDuration;

/// Sweeps until nothing is found any more, as the schedule does; nothing else reaches the functions.
fn swept(world: &World) -> u32 {
    let mut last = Vec::new();
    for round in 0..20 {
        world.pass(61);
        let session = world.session_beside(Script::clean());
        let found = block_on(sweep(&session.desk, &world.rules.policy)).unwrap();
        if found.is_empty() {
            return round;
        }
        session.drive();
        // An order that can neither be found nor be sent again is looked for until its day is over.
        if session.trail().executed == [Executed::Followed { settled: false }] {
            world.pass(9 * 3600);
        }
        last = vec![format!("{found:?} {:?}", session.trail())];
    }
    panic!("the sweeper finds something for ever: {last:?}");
}

/// X9, S11, H7: whatever call a process dies at, and with every request and event on the way lost: the sweeper alone
/// brings a claimed plan to its end, once, with its ledger and its terminal event.
#[test]
fn the_sweeper_alone_brings_a_plan_to_its_end() {
    let event = plans::small();
    let calls = World::new(4).run(&event, Script::clean());
    let (mut ended, mut nothing) = (0, 0);
    for n in (1..=calls).step_by(4) {
        for deaths_are_known in [true, false] {
            let mut world = World::new(4);
            world.deaths_are_known = deaths_are_known;
            // A bus of its own: what is on it is lost with the process.
            let dying = world.session_beside(Script::crash(n, Moment::After));
            put(&dying.bus, &event);
            dying.drive();
            drop(dying);
            let what =
                format!("died after call {n} of {calls}, deaths are known: {deaths_are_known}");
            swept(&world);
            match world.execution("small-1") {
                Some(state) => {
                    ended += 1;
                    assert!(state.is_complete(), "{what}: {:?}", state.phase);
                    // The terminal event may have been lost after the bus took it; the plan's own event settles that.
                    check::sound(&world, &world.finish(&event), &what);
                }
                None => nothing += 1,
            }
        }
    }
    assert!(ended > 80 && nothing > 0, "{ended} ended, {nothing} were not claimed");
}

fn unresolved(world: &World) -> Execution {
    let state = world.execution("small-1").unwrap();
    assert!(state.is_complete() && state.has_open_orders(), "{:?}", state.outcome);
    assert!(world.is_marked(&state));
    state
}

/// T4, X6, S11: an order that lands after its plan was over is canceled, what it filled is noted late, and a supplement
/// of the ledger says so; the outcome stays what it was.
#[test]
fn an_order_that_outlives_its_plan_is_followed_to_its_end() {
    let mut followed = 0;
    for (nth, lists) in [(1, 400), (2, 400), (3, 500), (4, 500)] {
        let event = plans::small();
        let world = World::new(4);
        // Without quotes it cannot be sent again: it is given up as unresolved.
        let lost = Hit { op: Op::Submit, from: nth, count: 1, fault: Fault::Late(lists) };
        let blind =
            Hit { op: Op::Snapshots, from: nth + 1, count: 9_999, fault: Fault::QuoteMissing };
        world.run(&event, Script { hits: vec![lost, blind], ..Script::clean() });
        let Some(state) = world.execution("small-1").filter(Execution::has_open_orders) else {
            continue;
        };
        let outcome = unresolved(&world).outcome;
        let what = format!("order {nth} lands with list {lists}");
        for _ in 0..40 {
            world.pass(61);
            let session = world.session_beside(Script::clean());
            let found = block_on(sweep(&session.desk, &world.rules.policy)).unwrap();
            session.drive();
            if found.is_empty() {
                break;
            }
        }
        let after = world.execution("small-1").unwrap();
        assert_eq!(after.outcome, outcome, "{what}: an outcome is never changed");
        let given_up = after.children().any(|child| child.status == Status::Unresolved);
        assert!(!given_up || !world.is_marked(&state) || after.must_be_followed(), "{what}");
        check::sound(&world, &after, &what);
        followed += 1;
    }
    assert!(followed > 0, "no order outlived its plan");
}

/// S6, S11: no cancel reached the broker until the plan was over. The first look after it, by an owner whose message
/// budget is empty, cancels what is open.
#[test]
fn an_order_whose_cancels_were_lost_is_canceled_by_the_first_look_after_its_plan() {
    let mut canceled = 0;
    for seed in 1..12 {
        let (event, world) = (plans::small(), World::new(seed));
        world.run(&event, Script::hit(Op::Cancel, 1, 9_999, Fault::LoseRequest));
        let before = world.execution("small-1").unwrap();
        if !before.has_open_orders() {
            continue;
        }
        world.pass(61);
        let session = world.session_beside(Script::clean());
        block_on(sweep(&session.desk, &world.rules.policy)).unwrap();
        session.drive();
        let after = world.execution("small-1").unwrap();
        let filled = |state: &Execution| -> Vec<_> {
            state.children().map(|child| child.cumulative).collect()
        };
        assert!(!after.has_open_orders(), "seed {seed}: {:?}", after.outcome);
        canceled += u32::from(filled(&before) == filled(&after));
        check::sound(&world, &after, &format!("cancels lost, seed {seed}"));
    }
    assert!(canceled > 0, "no order outlived its plan");
}

/// X13: an order of ours that is older than the list of a plan's orders (its own plan ended hours ago, and nobody has
/// looked after it) is canceled before the next plan trades.
#[test]
fn an_old_open_order_of_ours_goes_before_the_next_plan_trades() {
    let mut found = 0;
    for seed in 1..12 {
        let mut world = World::new(seed);
        world.rules.age = Age::Restated;
        let lost = Script::hit(Op::Cancel, 1, 9_999, Fault::LoseRequest);
        world.run(&plans::small(), lost);
        let Some(before) = world.execution("small-1").filter(Execution::has_open_orders) else {
            continue;
        };
        world.pass(3 * 3_600);
        let old = world.open_orders(&before);
        if old.is_empty() {
            continue;
        }
        let next = plans::event("next-1", "NORMAL", &plans::SMALL);
        world.run(&next, Script::clean());
        let after = world.finish(&next);
        assert!(after.first_order_at.is_some(), "seed {seed}: {:?}", after.outcome);
        assert_eq!(world.open_orders(&after), [], "seed {seed}: {old:?}");
        found += 1;
    }
    assert!(found > 0, "no order outlived its plan");
}

/// X8: a plan that has had too many owners is left to a person until its deadline; then it is asked for, so that it ends.
#[test]
fn a_plan_with_too_many_owners_is_alarmed() {
    let world = World::with(4, Policy::default());
    let event = plans::small();
    put(&world.bus, &event);
    for _ in 0..=EPOCHS_MAX {
        let mut session = world.session(Script::clean());
        session.stop_after = Some(SignedDuration::from_secs(1));
        session.drive();
        let still = world.execution("small-1").is_some_and(|state| state.epoch < EPOCHS_MAX);
        if !still {
            break;
        }
    }
    let state = world.execution("small-1").unwrap();
    assert!(!state.is_finished() && state.epoch >= EPOCHS_MAX, "{} owners", state.epoch);
    let look = || {
        let session = world.session_beside(Script::clean());
        block_on(sweep(&session.desk, &world.rules.policy)).unwrap().remove(0).found
    };
    assert_eq!(look(), Found::Exhausted);
    world.pass(900);
    let session = world.session_beside(Script::clean());
    block_on(sweep(&session.desk, &world.rules.policy)).unwrap();
    session.drive();
    assert!(session.trail().executed.contains(&Executed::Finished), "{:?}", session.trail());
    drop(session);
    check::sound(&world, &world.finish(&event), "too many owners");
}
