//! Two plans on one account.

use alchemiser_core::execution::Execution;
use alchemiser_driver::{
    account::{Asked, acquire},
    execute::Executed,
};
use alchemiser_tests::{
    check, plans,
    pulse::{Moment, Script},
    world::{World, block_on, put},
};

/// X9, I2: the second plan waits until the first one is over, and is then asked for without anybody's help.
#[test]
fn the_second_plan_waits_and_then_runs() {
    let first = plans::small();
    let second = plans::event("small-2", "HIGH", &[("XLK", 2_500, 1_500), ("VTI", 0, 900)]);
    let calls = World::new(4).run(&first, Script::clean());
    for n in (10..calls).step_by(9) {
        let world = World::new(4);
        world.run(&first, Script::crash(n, Moment::After));
        let holder = world.execution("small-1");
        let holds = |state: &Execution| state.acquired.is_some() && !state.is_finished();
        let Some(holder) = holder.filter(holds) else {
            continue;
        };
        let waiting = world.session_beside(Script::clean());
        put(&waiting.bus, &second);
        waiting.drive();
        let busy = Executed::Busy { holder: holder.plan.plan_id.clone() };
        assert_eq!(waiting.trail().executed, [busy], "after call {n}");
        assert_eq!(waiting.broker_calls(), 0);
        drop(waiting);
        let session = world.session(Script::clean());
        session.drive();
        assert_eq!(session.trail().executed, [Executed::Finished, Executed::Finished], "call {n}");
        drop(session);
        for (plan, event) in [("small-1", &first), ("small-2", &second)] {
            let state = world.execution(plan).unwrap();
            assert!(state.is_complete(), "{plan} after call {n}");
            check::sound(&world, &world.finish(event), &format!("{plan} after call {n}"));
        }
    }
}

/// X9, X13: one plan after the other on one account, each with its own orders; the second finds a clean book.
#[test]
fn plans_follow_each_other() {
    let world = World::new(7);
    let plans = [
        plans::small(),
        plans::event("small-2", "NORMAL", &[("XLK", 2_500, 1_500), ("VTI", 0, 900)]),
        plans::event("small-3", "URGENT", &[("VTI", 900, 0), ("BND", 1_800, 2_400)]),
    ];
    for event in &plans {
        world.run(event, Script::clean());
        let state = world.finish(event);
        check::sound(&world, &state, &plans::id_of(event));
        assert!(
            state.outcome.is_some_and(|(outcome, _)| outcome.completed),
            "{}",
            plans::id_of(event)
        );
    }
}

/// X9: an owner that stood still until its plan was over may still put it in the line for the account. The plans behind
/// it are asked for all the same.
#[test]
fn a_finished_plan_in_the_line_does_not_hold_up_the_others() {
    let world = World::new(4);
    let first = plans::small();
    world.run(&first, Script::clean());
    let finished = world.finish(&first);
    let second = plans::event("small-2", "HIGH", &[("XLK", 2_500, 1_500)]);
    world.run(&second, Script::crash(40, Moment::After));
    assert!(
        world
            .execution("small-2")
            .is_some_and(|state| state.acquired.is_some() && !state.is_finished())
    );
    let thawed = world.session_beside(Script::clean());
    let asked = block_on(acquire(&thawed.desk, &finished.plan, &world.rules.policy)).unwrap();
    assert!(matches!(asked, Asked::Busy(_)));
    drop(thawed);
    let waiting = world.session_beside(Script::clean());
    put(&waiting.bus, &plans::event("small-3", "HIGH", &[("TLT", 2_500, 1_500)]));
    waiting.drive();
    assert!(matches!(waiting.trail().executed.as_slice(), [Executed::Busy { .. }]));
    drop(waiting);
    world.session(Script::clean()).drive();
    let over = |plan: &str| world.execution(plan).is_some_and(|state| state.is_complete());
    assert!(over("small-2"));
    assert!(over("small-3"), "nobody asked for the plan that waits behind a finished one");
}

/// L9, X9: a process that read its plan's log before the end does not take the account for the finished plan, whose usage
/// would count twice.
#[test]
fn a_finished_plan_takes_the_account_no_more() {
    let world = World::new(4);
    let event = plans::small();
    world.run(&event, Script::clean());
    let finished = world.finish(&event);
    let late = world.session_beside(Script::clean());
    let asked = block_on(acquire(&late.desk, &finished.plan, &world.rules.policy)).unwrap();
    assert_eq!(asked, Asked::Over);
}
