//! What the account's own crosses have cost: kept by the outcome step, decided by in the next plan, never the truth.

use alchemiser_core::{
    execution::Execution,
    ids::{AccountId, PlanId},
    learning::{BySpread, Crosses, Learned, Paid, Spread, Unlearned},
    plan::Plan,
    policy::{Policy, PolicyKind},
};
use alchemiser_driver::{learn, ports::Store, settle};
use alchemiser_tests::{
    check, plans,
    pulse::{Fault, Moment, Op, Script},
    session::{Delivering, Session},
    world::{World, block_on},
};
use alchemiser_wire::{
    learning::{self, Kept},
    ledger::{self, LedgerLine},
};
use proptest::{prelude::*, test_runner::Config};
use serde_json::Value;

fn urgent(plan_id: &str) -> Value {
    plans::event(plan_id, "URGENT", &plans::SMALL)
}

fn store<T>(world: &World, of: impl AsyncFnOnce(&dyn Store) -> T) -> T {
    let session: Session<'_> = world.session_beside(Script::clean());
    block_on(of(session.desk.store.as_ref()))
}

fn kept(world: &World) -> Result<Crosses, Unlearned> {
    store(world, async |store| learn::kept(store, world.account()).await.unwrap())
}

fn derived(world: &World) -> Crosses {
    store(world, async |store| learn::derived(store, world.account()).await.unwrap())
}

fn keys(world: &World) -> Vec<String> {
    let prefix = learning::prefix(world.account());
    store(world, async |store| store.list(&prefix, 100).await.unwrap())
}

fn put(world: &World, key: &str, bytes: &[u8]) {
    store(world, async |store| store.put_if_absent(key, bytes).await.unwrap());
}

fn traded(world: &World, event: &Value) -> Execution {
    world.run(event, Script::clean());
    let state = world.finish(event);
    check::sound(world, &state, "a plan that learns");
    state
}

/// What the crosses of a plan paid by its log alone: the formula once more, on the orders of the state.
fn by_hand(state: &Execution) -> BySpread<Paid> {
    let mut sum = BySpread::<Paid>::default();
    for line in ledger::lines(state).iter().filter(|line| line.purpose == "cross") {
        let number = |text: &str| text.parse::<rust_decimal::Decimal>().unwrap();
        let quote = line.quote_at_submit.as_ref().unwrap();
        let (bid, ask) = (number(&quote.bid), number(&quote.ask));
        let average = number(line.average_price.as_ref().unwrap());
        if number(&line.quantity) < 1.into() || bid == ask {
            continue;
        }
        let paid = average + average - bid - ask;
        let effective = if line.side == "BUY" { paid } else { -paid };
        let cents = (ask - bid) * rust_decimal::Decimal::ONE_HUNDRED;
        let of = sum.of_mut(Spread::of(cents));
        *of = of.plus(Paid { fills: 1, effective, quoted: ask - bid });
    }
    sum
}

/// S5, X6: the first plan decides by the prior and says why; what it paid is kept; the next plan decides by that, and its log and
/// its page say so.
#[test]
fn a_plan_decides_by_what_the_plans_before_it_paid() {
    let world = World::new(2);
    let first = traded(&world, &urgent("first"));
    assert_eq!(first.learned, Some(Learned::prior(Unlearned::Nothing)));
    let crosses = kept(&world).unwrap();
    let (_, plan, paid) = crosses.plans().next().unwrap();
    assert_eq!((plan, *paid), (&first.plan.plan_id, by_hand(&first)));
    assert!(Spread::ALL.iter().any(|spread| paid.of(*spread).fills > 0), "{paid:?}");
    assert_eq!(crosses, derived(&world));
    world.pass(31);
    let second = traded(&world, &urgent("second"));
    let expected = Learned::from_crosses(&crosses, world.rules.policy.learning_step);
    assert_eq!(second.learned, Some(expected));
    assert_eq!(expected.through, Some(ledger::trading_date(first.plan.received_at)));
    assert_eq!(kept(&world).unwrap(), derived(&world));
    assert_eq!(kept(&world).unwrap().plans().count(), 2);
}

/// S5: with learning off nothing is looked up and nothing is kept; another policy keeps, and does not look.
#[test]
fn learning_is_off_by_configuration() {
    let off = World::with(2, Policy { learning: false, ..Policy::default() });
    assert_eq!(traded_unlearned(&off).learned, None);
    assert_eq!((kept(&off), keys(&off).len()), (Err(Unlearned::Nothing), 0));
    let cross = World::with(2, Policy { kind: PolicyKind::Cross, ..Policy::default() });
    assert_eq!(traded(&cross, &urgent("first")).learned, None);
    assert_eq!(kept(&cross).unwrap(), derived(&cross));
    assert_eq!(keys(&cross).len(), 1);
}

fn traded_unlearned(world: &World) -> Execution {
    world.run(&urgent("first"), Script::clean());
    world.finish(&urgent("first"))
}

/// X10: what is kept and cannot be used means the prior with its code, stops no plan, and is made of the ledger anew by the next
/// outcome; a newer release's is left alone.
#[test]
fn what_is_odd_means_the_prior_and_is_made_anew() {
    let account = World::new(2).account().clone();
    let other = AccountId::new("OTHER").unwrap();
    let of_other = Kept { account: other, crosses: Crosses::default() }.to_bytes();
    let twice = r#"{"plan_id":"p","date":"2026-11-19","paid":[{"spread":"one","fills":1,"effective":"0","quoted":"0.01"}]}"#;
    let of = |plans: &str| {
        format!(r#"{{"schema":1,"account":"{account}","plans":[{plans}]}}"#).into_bytes()
    };
    let paid = |from: &str, to: &str| of(&twice.replace(from, to));
    let odd = [
        Vec::new(),
        b"[]".to_vec(),
        of_other,
        of(&format!("{twice},{twice}")),
        paid(r#""fills":1"#, r#""fills":0"#),
        paid("one", "none"),
        paid("0.01", "-0.01"),
        paid(r#""quoted":"0.01""#, r#""quoted":"0.01","more":1"#),
    ];
    assert!(Kept::from_bytes(&of(twice), &account).is_ok());
    for bytes in odd {
        let world = World::new(2);
        traded(&world, &urgent("first"));
        put(&world, &learning::key(&account, 2), &bytes);
        assert_eq!(kept(&world), Err(Unlearned::Unreadable), "{}", String::from_utf8_lossy(&bytes));
        world.pass(31);
        let second = traded(&world, &urgent("second"));
        assert_eq!(second.learned, Some(Learned::prior(Unlearned::Unreadable)));
        assert_eq!(kept(&world).unwrap(), derived(&world));
        assert_eq!(kept(&world).unwrap().plans().count(), 2);
    }
}

/// X10: what a newer release keeps, and a name that is none of ours, is left as it is: by plans, and `--again` says what to do.
#[test]
fn a_newer_release_and_a_foreign_name_are_left_alone() {
    let account = World::new(2).account().clone();
    let newer = br#"{"schema":2,"anything":[]}"#.as_slice();
    let foreign = format!("{}!.json", learning::prefix(&account));
    for (key, bytes, why) in [
        (learning::key(&account, 7), newer, Unlearned::Newer),
        (foreign.clone(), b"{}".as_slice(), Unlearned::Unreadable),
    ] {
        let world = World::new(2);
        put(&world, &key, bytes);
        let state = traded_unlearned(&world);
        assert_eq!(state.learned, Some(Learned::prior(why)));
        assert_eq!((kept(&world), keys(&world).len()), (Err(why), 1));
        let again = store(&world, async |store| learn::remake(store, world.account()).await);
        assert_eq!(again.is_ok(), key != foreign, "{again:?}");
    }
}

/// X9: an outcome that is told again, twice over or newest first, is learned from once.
#[test]
fn an_outcome_that_comes_again_is_learned_from_once() {
    for delivering in [Delivering::Once, Delivering::Twice, Delivering::TwiceReversed] {
        let world = World::new(2);
        world.put(&urgent("first"));
        let mut session = world.session(Script::clean());
        session.delivering = delivering;
        session.drive();
        drop(session);
        let state = world.finish(&urgent("first"));
        check::sound(&world, &state, "delivered again");
        assert_eq!((kept(&world).unwrap(), keys(&world).len()), (derived(&world), 1));
    }
}

/// S11: a process that dies at any call of the outcome step leaves nothing out once somebody goes on.
#[test]
fn a_crash_while_learning_loses_nothing() {
    let calls = World::new(2).run(&urgent("first"), Script::clean());
    for n in calls.saturating_sub(16)..=calls {
        for moment in [Moment::Before, Moment::After] {
            let world = World::new(2);
            world.run(&urgent("first"), Script::crash(n, moment));
            let state = world.finish(&urgent("first"));
            check::sound(&world, &state, "a crash while learning");
            assert_eq!(kept(&world).unwrap(), derived(&world), "{moment:?} call {n} of {calls}");
        }
    }
}

/// X9: a store that takes the ledger and refuses what was learned stops neither plan nor ledger; it is made anew on demand.
#[test]
fn a_store_that_refuses_what_was_learned_stops_nothing() {
    let clean = World::new(2);
    clean.put(&urgent("first"));
    let session = clean.session(Script::clean());
    session.drive();
    let puts = session.pulse.calls_of(Op::Put);
    drop(session);
    let missing = |from: u64| {
        let world = World::new(2);
        world.run(&urgent("first"), Script::hit(Op::Put, from, 1, Fault::Refuse));
        let state = world.finish(&urgent("first"));
        assert!(world.ledger(&state).is_some());
        (kept(&world) == Err(Unlearned::Nothing)).then_some(world)
    };
    let world =
        (puts.saturating_sub(4)..=puts).find_map(missing).expect("one put is the learned one");
    let again =
        || store(&world, async |store| learn::remake(store, world.account()).await.unwrap());
    assert_eq!((again(), again()), (true, false));
    assert_eq!(kept(&world).unwrap(), derived(&world));
}

/// An order's newest line counts, and the order of the lines does not matter.
#[test]
fn the_newest_line_of_an_order_counts_in_whatever_order_they_come() {
    let world = World::new(2);
    let lines = ledger::lines(&traded(&world, &urgent("first")));
    let config = Config { cases: 64, failure_persistence: None, ..Config::default() };
    let some = proptest::sample::subsequence(lines.clone(), 0..=lines.len());
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let tried = runner.run(&(some.clone(), some.prop_shuffle()), |(sorted, mixed)| {
        let unpriced = |line: &LedgerLine| LedgerLine { average_price: None, ..line.clone() };
        let twice: Vec<_> = mixed.iter().map(unpriced).chain(mixed.clone()).collect();
        prop_assert_eq!(learning::paid(&mixed), learning::paid(&twice));
        let of_same: Vec<_> = lines.iter().filter(|line| mixed.contains(line)).cloned().collect();
        prop_assert_eq!(learning::paid(&mixed), learning::paid(&of_same));
        let all = [&sorted[..], &mixed[..]].concat();
        let sum = |lines: &[LedgerLine]| {
            Spread::ALL.map(|spread| learning::paid(lines).of(spread).fills).iter().sum::<u32>()
        };
        prop_assert!(sum(&all) <= sum(&lines));
        Ok(())
    });
    tried.unwrap();
}

/// The ledger is enough: in whichever order plans are settled, what is kept is the same, and can be derived of it again.
#[test]
fn what_is_kept_can_be_derived_of_the_ledger_again() {
    let world = World::new(2);
    let state = traded(&world, &urgent("first"));
    let session = world.session_beside(Script::clean());
    let store = session.desk.store.clone();
    let settled = |account: &AccountId, day: i64, name: &str| {
        let received_at = state.plan.received_at + jiff::SignedDuration::from_hours(24 * day);
        let plan_id = PlanId::new(name).unwrap();
        let account = account.clone();
        let plan = Plan { account, plan_id, received_at, ..state.plan.as_ref().clone() };
        let state = Execution { plan: std::sync::Arc::new(plan), ..state.clone() };
        block_on(async {
            learn::add(&store, &state, &world.rules.policy).await.unwrap();
            settle::write(&store, &state).await.unwrap();
        });
    };
    let plans = [(0, "b/1"), (0, "a.b"), (3, "c")];
    let mut all = Vec::new();
    for (number, order) in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [0, 2, 1]].iter().enumerate() {
        let account = AccountId::new(&format!("ACCOUNT-{number}")).unwrap();
        for place in order {
            settled(&account, plans[*place].0, plans[*place].1);
        }
        let kept = block_on(learn::kept(store.as_ref(), &account)).unwrap().unwrap();
        assert_eq!(kept, block_on(learn::derived(store.as_ref(), &account)).unwrap());
        let bytes = Kept { account: account.clone(), crosses: kept.clone() }.to_bytes();
        assert_eq!(Kept::from_bytes(&bytes, &account).unwrap().crosses, kept);
        all.push(kept);
    }
    assert_eq!(all[0].plans().count(), 3);
    assert!(all.iter().all(|kept| *kept == all[0]));
}
