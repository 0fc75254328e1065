//! `kill -9` of each function, at points of its work and not at times: at a call of the exchange, at an event that it
//! publishes, at its answer; before any of them took effect, and after. Each plan completes, with every leg done once.

use std::thread;

use alchemiser_host::{
    cloud::fault::Blow,
    machine::{Handle, Strike},
};

use alchemiser_tests::plans::Item;

use crate::{
    venue::{Moment, Moment::After, Moment::Before, Venue},
    world::{Given, ITEMS, completed, count, put, small},
};

const KILLED: &str = "failed TradeExecutionFunction Runtime.ExitError";

/// Kills whoever trades at one call after the other, each counted from the last kill on. Beside the one that calls, another may
/// have been asked, and dies with it.
async fn killed_at(host: &Handle, venue: &Venue, calls: &[(&'static str, u64, Moment)]) {
    for (begins, nth, moment) in calls {
        let held = venue.hold(begins, *nth, *moment).await.unwrap();
        assert!(host.strike("trade-execution", Strike::Kill).await.unwrap() >= 1);
        held.lose();
    }
}

/// Trades a plan while whoever trades is killed at these calls.
fn trades_on(items: &[Item], calls: &'static [(&'static str, u64, Moment)]) {
    let states = Given::default().trade(async |host, venue, _| {
        put(&host, small("plan-1", items)).await;
        killed_at(&host, &venue, calls).await;
        completed(&host, &["plan-1"]).await;
        assert!(count(&host, KILLED).await >= calls.len());
    });
    println!("{} kills, {} owners", calls.len(), states[0].epoch);
}

/// Worlds of their own that mostly wait.
fn at_once(worlds: &[fn()]) {
    thread::scope(|scope| worlds.iter().for_each(|world| drop(scope.spawn(world))));
}

/// S11: whoever trades is killed at 26 points, in four plans.
#[test]
fn whoever_trades_is_killed() {
    at_once(&[
        killed_while_it_looks,
        killed_at_its_orders,
        killed_after_one_order_of_two,
        killed_at_each_publication,
    ]);
}

/// Whoever trades dies while it looks at account, clock, assets, positions, orders and quotes.
fn killed_while_it_looks() {
    let calls = &[
        ("GET /v2/account", 1, Before),
        ("GET /v2/clock", 1, After),
        ("GET /v2/assets", 2, Before),
        ("GET /v2/positions", 1, After),
        ("GET /v2/orders?", 1, Before),
        ("GET /v2/stocks", 1, After),
        ("GET /v2/orders?", 1, After),
    ];
    trades_on(ITEMS[2], calls);
}

/// Before an order of the plan reaches the broker, and when the broker has it; both orders of a side are under way at a time.
fn killed_at_its_orders() {
    let calls = &[
        ("POST /v2/orders", 1, Before),
        ("POST /v2/orders", 1, After),
        ("POST /v2/orders", 1, Before),
        ("POST /v2/orders", 1, After),
        ("GET /v2/positions", 1, Before),
    ];
    trades_on(ITEMS[0], calls);
}

/// When the broker has one order of two, at the look-up of the other, and when it is sent again.
fn killed_after_one_order_of_two() {
    let calls = &[
        ("POST /v2/orders", 2, Before),
        ("GET /v2/orders:by_client_order_id", 1, Before),
        ("POST /v2/orders", 1, After),
        ("GET /v2/orders?", 2, After),
    ];
    trades_on(ITEMS[1], calls);
}

/// H7: before the bus has an event, and after; each event is told, and the plan ends once.
fn killed_at_each_publication() {
    let given = Given::default()
        .published("TradeExecutionStarted", 1, Blow::KilledBefore)
        .published("TradeExecutionStarted", 2, Blow::KilledAfter)
        .published("OrderSettlementCompleted", 1, Blow::KilledBefore)
        .published("OrderSettlementCompleted", 2, Blow::KilledAfter)
        .published("ExecutionPhaseCompleted", 1, Blow::KilledAfter)
        .published("BulkSettlementCompleted", 1, Blow::KilledBefore)
        .published("TradeExecuted", 1, Blow::KilledBefore)
        .published("TradeExecuted", 2, Blow::KilledAfter)
        .published("WorkflowCompleted", 1, Blow::KilledBefore)
        .published("WorkflowCompleted", 2, Blow::KilledAfter);
    given.trade(async |host, _, _| {
        put(&host, small("plan-1", ITEMS[0])).await;
        completed(&host, &["plan-1"]).await;
        assert_eq!(count(&host, KILLED).await, 10);
    });
}

/// H6, S11: whoever claims plans, whoever tells of their ends, and whoever looks after them are killed at 12 points.
#[test]
fn the_others_are_killed() {
    at_once(&[claiming_and_telling, looking_after]);
}

/// Whoever claims a plan dies when it is given it, before and after it asks for its execution, and after its answer; whoever
/// writes the ledger dies when it is given the end, and at its answer.
fn claiming_and_telling() {
    let given = Given::default()
        .invoked("rebalance-planned", 1, Blow::Killed { after_ms: 0 })
        .published("TradeExecutionRequested", 1, Blow::KilledBefore)
        .published("TradeExecutionRequested", 2, Blow::KilledAfter)
        .answered("rebalance-planned", 1, Blow::KilledAfter)
        .invoked("workflow-outcome", 1, Blow::Killed { after_ms: 0 })
        .answered("workflow-outcome", 1, Blow::KilledBefore)
        .answered("workflow-outcome", 2, Blow::KilledAfter);
    given.trade(async |host, _, _| {
        put(&host, small("plan-1", ITEMS[0])).await;
        completed(&host, &["plan-1"]).await;
        let killed = async |name| count(&host, &format!("failed {name} Runtime.ExitError")).await;
        // Whoever dies after its answer was taken has not failed.
        assert_eq!(killed("RebalancePlannedFunction").await, 3);
        assert_eq!(killed("WorkflowOutcomeFunction").await, 2);
        assert_eq!(count(&host, "answered RebalancePlannedFunction").await, 1);
        assert_eq!(count(&host, "answered WorkflowOutcomeFunction").await, 1);
        assert_eq!(host.dead_letters().await.unwrap(), []);
    });
}

/// A request is lost, and whoever looks after plans dies when it wakes, before and after it asks again, and at its answer.
fn looking_after() {
    let given = Given::default()
        .delivered("TradeExecutionRequested", 1, Blow::Lost)
        .invoked("sweeper", 1, Blow::Killed { after_ms: 0 })
        .answered("sweeper", 1, Blow::KilledBefore)
        .answered("sweeper", 2, Blow::KilledAfter)
        .published("TradeExecutionRequested", 2, Blow::KilledBefore)
        .published("TradeExecutionRequested", 3, Blow::KilledAfter);
    given.trade(async |host, _, _| {
        put(&host, small("plan-1", ITEMS[0])).await;
        completed(&host, &["plan-1"]).await;
        assert_eq!(count(&host, "failed SweeperFunction Runtime.ExitError").await, 4);
    });
}
