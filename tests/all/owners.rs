//! Two owners at once: one plan, one writer.

use alchemiser_driver::execute::Executed;
use alchemiser_tests::{
    check, plans,
    pulse::{End, Moment, Op, Script},
    session::{Drove, Session},
    world::{World, block_on, put},
};

fn interleaved() -> Script {
    Script { yields: true, ..Script::clean() }
}

fn finished(session: &Session<'_>) -> usize {
    session.trail().executed.iter().filter(|ended| **ended == Executed::Finished).count()
}

/// I7, X9, S11: two processes take the same plan call by call; one trades it, the other sees that, or loses its append,
/// and stops.
#[test]
fn of_two_owners_at_once_one_trades() {
    let event = plans::small();
    for head_start in 0..60 {
        let world = World::new(4);
        let (one, two) = (world.session(interleaved()), world.session_beside(interleaved()));
        put(&one.bus, &event);
        put(&two.bus, &event);
        let late = async {
            for _ in 0..head_start {
                tokio::task::yield_now().await;
            }
            two.driven().await
        };
        let drove = block_on(async { tokio::join!(one.driven(), late) });
        let what = format!("a head start of {head_start} calls");
        assert_eq!(drove, (Drove::Idle, Drove::Idle), "{what}");
        assert_eq!(
            finished(&one) + finished(&two),
            1,
            "{what}: {:?} {:?}",
            one.trail(),
            two.trail()
        );
        let idle = if finished(&one) == 1 { &two } else { &one };
        assert_eq!(idle.pulse.calls_of(Op::Submit), 0, "{what}: the other one sent something");
        let others = idle.trail().executed;
        let known =
            |ended: &Executed| matches!(ended, Executed::Held { .. } | Executed::AlreadyFinished);
        assert!(others.iter().all(known), "{what}: {others:?}");
        drop((one, two));
        check::sound(&world, &world.finish(&event), &what);
    }
}

/// I7, X9, S11: an owner that stood still for longer than its lease finds that its plan has another one, and stops.
#[test]
fn a_thawed_owner_loses_its_append_and_stops() {
    let event = plans::small();
    let calls = World::new(4).run(&event, Script::clean());
    for n in 1..=calls {
        let moment = if n % 2 == 0 { Moment::Before } else { Moment::After };
        let world = World::new(4);
        let frozen = Script { end: Some((n, moment, End::Freeze)), ..Script::clean() };
        let old = world.session(frozen);
        put(&old.bus, &event);
        let what = format!("frozen {moment:?} call {n} of {calls}");
        block_on(async { tokio::join!(old.driven(), takes_over(&world, &old, &event)) });
        drop(old);
        check::sound(&world, &world.finish(&event), &what);
    }
}

async fn takes_over(world: &World, old: &Session<'_>, event: &serde_json::Value) {
    use alchemiser_driver::ports::Clock;
    while !old.pulse.is_frozen() {
        tokio::task::yield_now().await;
    }
    let later = world.clock.now() + jiff::SignedDuration::from_secs(31);
    world.clock.sleep_until(later).await;
    let new = world.session_beside(Script::clean());
    put(&new.bus, event);
    assert_eq!(new.driven().await, Drove::Idle);
    old.pulse.thaw();
}

/// X8: an invocation whose time is up hands over; the plan goes on in the next one as if nothing had happened.
#[test]
fn a_plan_is_handed_over_before_the_deadline() {
    for seconds in [2, 3, 5, 9] {
        let event = plans::small();
        let world = World::new(4);
        world.put(&event);
        let mut session = world.session(Script::clean());
        session.stop_after = Some(jiff::SignedDuration::from_secs(seconds));
        session.drive();
        let executed = session.trail().executed;
        drop(session);
        let handed = executed.iter().filter(|ended| **ended == Executed::HandedOver).count();
        assert!(handed > 0, "after {seconds} s: {executed:?}");
        let state = world.finish(&event);
        assert!(usize::try_from(state.epoch).unwrap() > handed);
        check::sound(&world, &state, &format!("handed over every {seconds} s"));
    }
}
