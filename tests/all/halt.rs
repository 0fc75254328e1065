//! The switch that stops trading, and the day's caps, with the real shell around them.

use alchemiser_core::{account::Halt, execution::Execution, fact::StopCode, policy::Policy};
use alchemiser_driver::{account, ports::Clock};
use alchemiser_local::books;
use alchemiser_tests::{
    check, plans,
    pulse::{End, Fault, Moment, Op, Script},
    session::{Drove, Session},
    world::{World, block_on, put},
};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

/// Halts the account while a session stands still, and lets time pass; says when, and whether orders were just leaving.
async fn halts(world: &World, frozen: &Session<'_>, seconds: i64) -> (Timestamp, bool) {
    while !frozen.pulse.is_frozen() {
        tokio::task::yield_now().await;
    }
    let person = world.session_beside(Script::clean());
    let at = world.clock.now();
    let halt = Halt::new("ops", "a drill", at);
    account::halt(&person.desk, world.account(), halt).await.unwrap();
    world.clock.sleep_until(at + SignedDuration::from_secs(seconds)).await;
    let leaving = frozen.pulse.newest() == Some(Op::Submit);
    frozen.pulse.thaw();
    (at, leaving)
}

/// Orders that the exchange took later than this.
fn orders_after(world: &World, at: Timestamp) -> usize {
    let truth = books::truth(&world.state).unwrap();
    truth.map_or(0, |truth| truth.orders.iter().filter(|order| order.at > at).count())
}

/// I10, S9: halted at every call of a plan's life: no POST starts later than two seconds after it, what is open is
/// canceled, and the plan ends.
#[test]
fn a_halt_at_any_call_ends_the_plan() {
    let event = plans::small();
    let calls = World::new(4).run(&event, Script::clean());
    let mut halted = 0;
    for n in (1..=calls).step_by(3) {
        for seconds in [0, 3] {
            let world = World::new(4);
            let frozen = Script { end: Some((n, Moment::Before, End::Freeze)), ..Script::clean() };
            let session = world.session(frozen);
            put(&session.bus, &event);
            let what = format!("halted at call {n} of {calls}, {seconds} s");
            let (drove, (at, leaving)) = block_on(async {
                tokio::join!(session.driven(), halts(&world, &session, seconds))
            });
            assert_eq!(drove, Drove::Idle, "{what}");
            drop(session);
            let state = world.finish(&event);
            let late = at + SignedDuration::from_secs(2);
            // What was on its way when the process stood still arrives when it goes on.
            assert!(leaving || orders_after(&world, late) == 0, "{what}");
            assert!(!state.has_open_orders(), "{what}");
            if state.stop == Some(StopCode::Halted) {
                halted += 1;
                assert_eq!(state.halt.as_ref().map(|halt| halt.why.as_str()), Some("a drill"));
            } else {
                let outcome = state.outcome.as_ref().map(|(outcome, _)| outcome.completed);
                assert_eq!(outcome, Some(true), "{what}: neither halted nor complete");
            }
            check::sound(&world, &state, &what);
        }
    }
    assert!(halted > 50, "only {halted} plans met the halt");
}

/// S9: the account log cannot be read for a while: nothing is sent meanwhile, and the plan still ends.
#[test]
fn an_unreadable_switch_sends_nothing() {
    let event = plans::small();
    let lists = {
        let world = World::new(4);
        let session = world.session(Script::clean());
        put(&session.bus, &event);
        session.drive();
        session.pulse.calls_of(Op::List)
    };
    for from in (2..lists).step_by(5) {
        let world = World::new(4);
        world.run(&event, Script::hit(Op::List, from, 6, Fault::LoseRequest));
        check::sound(&world, &world.finish(&event), &format!("lists from {from} are lost"));
    }
}

fn finished(world: &World, event: &serde_json::Value) -> Execution {
    world.run(event, Script::clean());
    let state = world.finish(event);
    check::sound(world, &state, &plans::id_of(event));
    state
}

/// L9, I12: what the day's plans used adds up across plans and processes, and a plan beyond it sends nothing.
#[test]
fn the_days_caps_hold_across_plans() {
    // The portfolio is worth $20,000, the first plan trades $8,300 of it.
    let policy = Policy { daily_notional_max: Decimal::new(5, 1), ..Policy::default() };
    let world = World::with(4, policy);
    let first = finished(&world, &plans::small());
    let used = alchemiser_core::account::Usage::of(&first);
    assert!(used.orders > 0 && used.notional.is_positive());
    let second = plans::event("small-2", "NORMAL", &[("XLK", 2_500, 1_500), ("VTI", 0, 900)]);
    let second = finished(&world, &second);
    assert_eq!(second.acquired.as_ref().map(|known| known.before), Some(used));
    assert_eq!(second.stop, Some(StopCode::DailyCap));
    assert_eq!(second.children().count(), 0);
    let third = plans::event("small-3", "NORMAL", &[("VTI", 0, 900)]);
    let third = finished(&world, &third);
    assert_eq!(third.acquired.as_ref().map(|known| known.before), Some(used), "{third:?}");
    assert_eq!(third.stop, None, "what a refused plan reserved is free again");
}
