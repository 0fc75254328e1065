//! What comes in over the bus: again, changed, without anything to trade, refused, or not at all at first.

use alchemiser_host::cloud::fault::Blow;

use crate::{
    venue::Moment,
    world::{Given, ITEMS, completed, count, more_sweeps, over, put, small},
};

/// H9, S11: a plan that comes again while it is traded, and when it is over, is traded once and ends once.
#[test]
fn a_plan_that_comes_again_is_traded_once() {
    Given::default().trade(async |host, venue, _| {
        let held = venue.hold("POST /v2/orders", 1, Moment::After);
        put(&host, small("plan-1", ITEMS[0])).await;
        let held = held.await.unwrap();
        put(&host, small("plan-1", ITEMS[0])).await;
        held.pass();
        completed(&host, &["plan-1"]).await;
        put(&host, small("plan-1", ITEMS[0])).await;
        completed(&host, &["plan-1"]).await;
        assert_eq!(count(&host, "answered RebalancePlannedFunction").await, 3);
    });
}

/// H7, S11: another plan under the id of one that is traded is refused, and the first one is not disturbed.
#[test]
fn another_plan_under_a_known_id_changes_nothing() {
    let states = Given::default().trade(async |host, venue, _| {
        let held = venue.hold("POST /v2/orders", 1, Moment::After);
        put(&host, small("plan-1", ITEMS[0])).await;
        let held = held.await.unwrap();
        put(&host, small("plan-1", ITEMS[1])).await;
        more_sweeps(&host, 1).await;
        held.pass();
        completed(&host, &["plan-1"]).await;
        assert_eq!(count(&host, "answered RebalancePlannedFunction").await, 2);
        assert_eq!(count(&host, "published WorkflowFailed").await, 0);
    });
    assert_eq!(states.len(), 1);
    assert!(states[0].outcome.as_ref().unwrap().0.completed);
}

/// H2: a plan without anything to trade completes, and no order is sent.
#[test]
fn a_plan_without_trades_completes() {
    Given::default().trade(async |host, venue, _| {
        put(&host, small("plan-1", &[("SPY", 2_000, 2_000), ("QQQ", 2_000, 2_000)])).await;
        completed(&host, &["plan-1"]).await;
        assert_eq!(venue.seen("POST"), 0);
    });
}

/// H6: a plan that cannot be read ends as failed, and the broker is not asked.
#[test]
fn a_plan_that_cannot_be_read_ends_as_failed() {
    Given::default().trade(async |host, venue, _| {
        let mut plan = small("plan-1", ITEMS[0]);
        plan.detail = plan.detail.replace(r#""trade_amount":"-3000""#, r#""trade_amount":"much""#);
        put(&host, plan).await;
        let ends = over(&host, &["plan-1"]).await;
        assert_eq!(ends, [("plan-1", "WorkflowFailed".to_owned())]);
        assert_eq!(venue.seen("GET /v2/orders"), 0);
        assert_eq!(host.dead_letters().await.unwrap(), []);
    });
}

/// The bus tries a queue and a function again that it cannot reach, and what it gives up is a dead letter; the sweeper
/// asks for the plan then.
#[test]
fn what_the_bus_cannot_hand_over_is_tried_again() {
    let given = Given::default()
        .delivered("RebalancePlanned", 1, Blow::Unreachable { tries: 3 })
        .delivered("TradeExecutionRequested", 1, Blow::Unreachable { tries: 1_000 })
        .delivered("WorkflowCompleted", 1, Blow::Unreachable { tries: 2 });
    given.trade(async |host, _, _| {
        put(&host, small("plan-1", ITEMS[0])).await;
        host.until(|cloud| !cloud.dead_letters().is_empty()).await.unwrap();
        completed(&host, &["plan-1"]).await;
        let (queue, letter) = host.dead_letters().await.unwrap().pop().unwrap();
        assert_eq!(queue, "RequestsDeadLetters");
        assert!(letter.body.contains("plan-1"));
        assert_eq!(count(&host, "answered RebalancePlannedFunction").await, 1);
    });
}
