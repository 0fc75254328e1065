//! Whole lives over HTTP: the four functions as processes, and `alchemiser exchange`.

use std::{path::Path, sync::Arc};

use alchemiser_core::{
    account::Halt,
    fact::FactKind,
    ids::{AccountId, Owner},
};
use alchemiser_driver::{account, ports::Desk};
use alchemiser_host::{
    Bus, Cloud, Happened, Routes, SharedBus, cloud::fault::Blow, machine::Strike,
};
use alchemiser_local::{clock::SystemClock, state::StateDir, store::FileStore};
use jiff::Timestamp;

use crate::{
    venue::{self, Moment, Venue},
    world::{
        Given, ITEMS, absent, asked, completed, count, ended, entries, in_time, more_sweeps, over,
        put, runtime, small,
    },
};

const SWEEPS: &str = "SweeperFunction";
const TRADES: &str = "TradeExecutionFunction";
const ASKED: &str = "published TradeExecutionRequested";

/// H1: a plan is traded over HTTP by the functions that are deployed, with one POST for each order.
#[test]
fn a_plan_is_traded_over_http() {
    Given::default().trade(async |host, venue, _| {
        put(&host, small("plan-1", ITEMS[0])).await;
        completed(&host, &["plan-1"]).await;
        assert_eq!(venue.seen("POST /v2/orders"), venue.orders(0).len());
        assert_eq!(host.dead_letters().await.unwrap(), []);
    });
}

/// How often an owner gave a plan on.
fn hand_overs(state: &Path) -> usize {
    let facts = entries(state).into_iter().flat_map(|entry| entry.facts);
    facts.filter(|fact| matches!(fact.kind, FactKind::HandedOver)).count()
}

/// X8: an invocation whose time is nearly up gives the plan to the next one, which it asks for itself.
#[test]
fn a_plan_is_handed_over_to_a_second_owner() {
    let given = Given::default().invoked("trade-execution", 1, Blow::Hurried { within_ms: 60_050 });
    let states = given.unswept().trade(async |host, _, state| {
        put(&host, small("plan-1", ITEMS[0])).await;
        completed(&host, &["plan-1"]).await;
        assert_eq!((hand_overs(&state), count(&host, ASKED).await), (1, 2));
    });
    assert_eq!(states[0].epoch, 2);
}

/// X8: and so does the next one.
#[test]
fn a_plan_is_handed_over_to_a_third_owner() {
    let given = Given::default()
        .invoked("trade-execution", 1, Blow::Hurried { within_ms: 60_050 })
        .invoked("trade-execution", 2, Blow::Hurried { within_ms: 60_200 });
    let states = given.unswept().trade(async |host, _, state| {
        put(&host, small("plan-1", ITEMS[0])).await;
        completed(&host, &["plan-1"]).await;
        assert_eq!((hand_overs(&state), count(&host, ASKED).await), (2, 3));
    });
    assert_eq!(states[0].epoch, 3);
}

/// X8: an invocation that stands still is killed when its time is up, and the plan is traded by the next one.
#[test]
fn whoever_trades_is_killed_when_its_time_is_up() {
    let given = Given::default().invoked("trade-execution", 1, Blow::Hurried { within_ms: 1_000 });
    given.trade(async |host, venue, _| {
        let held = venue.hold("GET /v2/account", 1, Moment::Before);
        put(&host, small("plan-1", ITEMS[0])).await;
        let held = held.await.unwrap();
        assert_eq!(host.strike("trade-execution", Strike::Freeze).await.unwrap(), 1);
        held.pass();
        completed(&host, &["plan-1"]).await;
        assert_eq!(count(&host, "failed TradeExecutionFunction Sandbox.Timedout").await, 1);
    });
}

/// Sweeps that began after a time, and ended before anybody was asked to go on.
fn swept_in_vain(cloud: &Cloud, since: Timestamp) -> usize {
    let (mut working, mut in_vain) = (0_usize, 0_usize);
    for (at, happened) in cloud.happened() {
        match happened {
            Happened::Started { function, .. } if function == SWEEPS && *at < since => working += 1,
            Happened::Answered { function, .. } if function == SWEEPS && working > 0 => {
                working -= 1;
            }
            Happened::Answered { function, .. } if function == SWEEPS => in_vain += 1,
            Happened::Published { detail_type, .. }
                if *at >= since && detail_type == "TradeExecutionRequested" =>
            {
                return in_vain;
            }
            Happened::Started { function, .. } if function == TRADES && *at >= since => {
                return in_vain;
            }
            _ => {}
        }
    }
    in_vain
}

/// X9, S11: whoever trades stands still in the middle of an order. Another one goes on when the lease is over, asked for by the
/// first sweep after that; then the first one goes on, too, its order arrives after all, and it sends nothing more.
#[test]
fn a_thawed_owner_sends_nothing() {
    let states = Given::default().trade(async |host, venue, state| {
        let held = venue.hold("POST /v2/orders", 2, Moment::Before);
        put(&host, small("plan-1", ITEMS[0])).await;
        let held = held.await.unwrap();
        assert_eq!(host.strike("trade-execution", Strike::Freeze).await.unwrap(), 1);
        let frozen_at = Timestamp::now();
        let lease_until = entries(&state).last().unwrap().until;
        host.until(|cloud| ended(cloud, "plan-1")).await.unwrap();

        let of_two = entries(&state).into_iter().find(|entry| entry.epoch == 2).unwrap();
        assert!(of_two.at > lease_until, "{} is within the lease until {lease_until}", of_two.at);
        let in_vain = host.cloud(move |cloud| swept_in_vain(cloud, lease_until)).await;
        assert_eq!(in_vain.unwrap(), 0);
        println!("frozen to next owner: {} s", of_two.at.duration_since(frozen_at).as_secs_f64());

        let sent = venue.seen("POST /v2/orders");
        held.pass();
        host.strike("trade-execution", Strike::Thaw).await.unwrap();
        completed(&host, &["plan-1"]).await;
        assert_eq!(venue.seen("POST /v2/orders"), sent);
    });
    assert_eq!(states[0].epoch, 2);
}

/// S11: the store knows that a killed process is dead, and nobody waits for its lease: the next one is asked for by the first
/// sweep, or it is Lambda's own retry, whichever comes first.
#[test]
fn a_killed_owner_is_replaced_within_a_sweep() {
    Given::default().trade(async |host, venue, state| {
        let held = venue.hold("POST /v2/orders", 2, Moment::After);
        put(&host, small("plan-1", ITEMS[0])).await;
        let held = held.await.unwrap();
        assert_eq!(host.strike("trade-execution", Strike::Kill).await.unwrap(), 1);
        held.lose();
        completed(&host, &["plan-1"]).await;
        let (died_at, in_vain) = host
            .cloud(|cloud| {
                let died = cloud.happened().find(|(_, happened)| {
                    matches!(happened, Happened::Failed { function, .. } if function == TRADES)
                });
                let died_at = died.unwrap().0;
                (died_at, swept_in_vain(cloud, died_at))
            })
            .await
            .unwrap();
        assert_eq!(in_vain, 0);
        let resumed_at = entries(&state).into_iter().find(|entry| entry.epoch == 2).unwrap().at;
        println!("killed to next owner: {} s", resumed_at.duration_since(died_at).as_secs_f64());
    });
}

/// H7: the bus refuses each kind of event once in an answer of 200, and takes each once without saying so.
#[test]
fn every_publication_fails_in_part() {
    let mut given = Given::default();
    for kind in [
        "TradeExecutionRequested",
        "TradeExecutionStarted",
        "OrderSettlementCompleted",
        "ExecutionPhaseCompleted",
        "BulkSettlementCompleted",
        "TradeExecuted",
        "WorkflowCompleted",
    ] {
        given = given.published(kind, 1, Blow::Refused).published(kind, 2, Blow::Silent);
    }
    given.trade(async |host, _, _| {
        put(&host, small("plan-1", ITEMS[0])).await;
        completed(&host, &["plan-1"]).await;
        assert!(count(&host, "published WorkflowCompleted").await >= 2);
    });
}

/// H9, X9: everything comes twice, and the first request late; each of two plans is traded once.
#[test]
fn everything_comes_twice_and_out_of_order() {
    let mut given = Given::default();
    given = given.delivered("TradeExecutionRequested", 1, Blow::Late { seconds: 60 });
    for nth in 1..=4 {
        for kind in ["RebalancePlanned", "TradeExecutionRequested", "WorkflowCompleted"] {
            given = given.delivered(kind, nth, Blow::Twice);
        }
    }
    given.trade(async |host, _, _| {
        put(&host, small("plan-1", ITEMS[0])).await;
        host.until(|cloud| asked(cloud, "plan-1")).await.unwrap();
        put(&host, small("plan-2", ITEMS[1])).await;
        completed(&host, &["plan-1", "plan-2"]).await;
    });
}

/// H6: a request for a plan that nobody claimed is tried three times, and is a dead letter; other plans go on.
#[test]
fn a_request_that_nobody_can_carry_out_is_a_dead_letter() {
    Given::default().trade(async |host, _, _| {
        let mut poison = small("plan-9", ITEMS[0]);
        (poison.source, poison.detail_type) =
            ("alchemiser.execution".to_owned(), "TradeExecutionRequested".to_owned());
        put(&host, poison).await;
        put(&host, small("plan-1", ITEMS[0])).await;
        host.until(|cloud| !cloud.dead_letters().is_empty()).await.unwrap();
        completed(&host, &["plan-1"]).await;
        let (queue, letter) = host.dead_letters().await.unwrap().pop().unwrap();
        assert_eq!(queue, "ExecutionsDeadLetters");
        assert!(letter.body.contains("RetriesExhausted") && letter.body.contains("plan-9"));
    });
}

/// What `alchemiser halt` and `resume` write with.
fn desk(state: &Path) -> (Desk, AccountId) {
    let owner = Owner::new("a-person").unwrap();
    let store = FileStore::new(&StateDir::open(state).unwrap(), &owner).unwrap();
    let bus = SharedBus::new(Bus::new(Routes::deployed().unwrap(), "000000000000", "local"));
    let (store, publisher) = (Arc::new(store), Arc::new(bus));
    let desk = Desk { store, publisher, clock: Arc::new(SystemClock), owner };
    (desk, AccountId::new(&venue::number(0)).unwrap())
}

/// A halt stops the plan that trades and refuses the next one; after a resume plans are traded again.
#[test]
fn an_account_is_halted_and_resumed() {
    Given::default().trade(async |host, venue, state| {
        let held = venue.hold("POST /v2/orders", 2, Moment::After);
        put(&host, small("plan-1", ITEMS[0])).await;
        let held = held.await.unwrap();
        let (desk, account) = desk(&state);
        let halt = Halt::new("a person", "prices look wrong", Timestamp::now());
        account::halt(&desk, &account, halt).await.unwrap();
        let sent = venue.seen("POST /v2/orders");
        held.pass();
        put(&host, small("plan-2", ITEMS[1])).await;
        let ends = over(&host, &["plan-1", "plan-2"]).await;
        assert!(ends.iter().all(|(_, kind)| kind == "WorkflowFailed"), "{ends:?}");
        assert_eq!(venue.seen("POST /v2/orders"), sent, "an order was sent after the halt");
        account::resume(&desk, &account, ("a person", "a drill")).await.unwrap();
        put(&host, small("plan-3", ITEMS[2])).await;
        completed(&host, &["plan-3"]).await;
    });
}

/// X9: three plans for one account come at once; they are traded one after the other, each completely.
#[test]
fn plans_for_one_account_are_traded_in_line() {
    let states = Given::default().trade(async |host, _, _| {
        for (id, items) in ["plan-1", "plan-2", "plan-3"].into_iter().zip(ITEMS) {
            put(&host, small(id, items)).await;
        }
        completed(&host, &["plan-1", "plan-2", "plan-3"]).await;
    });
    let times = states.iter().map(|state| {
        let orders = || state.legs.iter().flat_map(|leg| &leg.children);
        let first = orders().map(|order| order.intended_at).min().unwrap();
        (first, state.legs.iter().filter_map(|leg| leg.finished_at).max().unwrap())
    });
    let mut times: Vec<_> = times.collect();
    times.sort();
    assert!(times.windows(2).all(|pair| pair[0].1 <= pair[1].0), "{times:?}");
}

/// X9: two accounts of one exchange are traded at the same time, by two stacks: one stack trades one account.
#[test]
fn two_accounts_are_traded_at_once() {
    runtime().block_on(async {
        let venue = Arc::new(Venue::open(11, 2).await);
        let one = Given::default().begin(&venue, 0).await;
        let two = Given::default().begin(&venue, 1).await;
        let held = [0, 1].map(|account| venue.hold_order_of(account));
        put(&one.host, small("plan-1", ITEMS[0])).await;
        put(&two.host, small("plan-1", ITEMS[0])).await;
        in_time(&[&one.host, &two.host], async {
            // Both are in the middle of their first order.
            for held in held {
                held.await.unwrap().pass();
            }
            completed(&one.host, &["plan-1"]).await;
            completed(&two.host, &["plan-1"]).await;
        })
        .await;
        assert!(!venue.orders(0).is_empty() && !venue.orders(1).is_empty());
        assert_eq!((one.end().await.1, two.end().await.1), (vec![], vec![]));
    });
}

/// S11: the logs cannot be read or written for a minute of the cloud, after the first order; then the plan goes on.
#[test]
fn the_store_is_down_for_a_minute() {
    Given::default().trade(async |host, venue, state| {
        let held = venue.hold("POST /v2/orders", 1, Moment::After);
        put(&host, small("plan-1", ITEMS[0])).await;
        let held = held.await.unwrap();
        let logs = absent(&state);
        held.pass();
        more_sweeps(&host, 2).await;
        drop(logs);
        completed(&host, &["plan-1"]).await;
        assert!(count(&host, "failed TradeExecutionFunction STORE_REFUSED").await >= 1);
    });
}

/// S11: the exchange breaks every connection for a minute of the cloud, after it took an order; then the plan goes on.
#[test]
fn the_exchange_is_down_for_a_minute() {
    Given::default().trade(async |host, venue, _| {
        let held = venue.hold("POST /v2/orders", 1, Moment::After);
        put(&host, small("plan-1", ITEMS[0])).await;
        let held = held.await.unwrap();
        venue.shut(true);
        held.lose();
        more_sweeps(&host, 2).await;
        venue.shut(false);
        completed(&host, &["plan-1"]).await;
        assert!(venue.turned_away() > 0);
    });
}
