//! Whole lives of plans on the host: the four bootstraps as processes, under the template's rules, with faults by script.
//! Nothing is simulated but the exchange and Amazon. A minute of the cloud's waits is a second here.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "this is test code: what cannot be is a failed test"
)]

mod crowd;
mod inputs;
mod kills;
mod lives;
mod seeds;
mod venue;
mod world;

use alchemiser_host::cloud::fault::Blow;

use crate::world::{Given, asked, completed, count, over, plan, put, started, told};

/// H1: a plan goes through all functions by the deployed rules, and nothing is left over.
#[test]
fn a_plan_lives_as_deployed() {
    Given::default().run(async |host| {
        put(&host, plan("plan-1")).await;
        completed(&host, &["plan-1"]).await;
        for function in ["RebalancePlanned", "TradeExecution", "WorkflowOutcome"] {
            assert_eq!(count(&host, &format!("started {function}Function 1")).await, 1);
            assert_eq!(count(&host, &format!("answered {function}Function")).await, 1);
        }
        let told = told(&host).await;
        let mut published: Vec<_> =
            told.iter().filter(|line| line.starts_with("published")).collect();
        published.dedup();
        let expected = [
            "published RebalancePlanned",
            "published TradeExecutionRequested",
            "published TradeExecutionStarted",
            "published OrderSettlementCompleted",
            "published ExecutionPhaseCompleted",
            "published BulkSettlementCompleted",
            "published ExecutionPhaseCompleted",
            "published TradeExecuted",
            "published WorkflowCompleted",
        ];
        assert_eq!(published, expected);
        assert_eq!(host.dead_letters().await.unwrap(), []);
    });
}

/// H9: everything that the bus delivers comes twice.
#[test]
fn everything_comes_twice() {
    let given = Given::default()
        .delivered("RebalancePlanned", 1, Blow::Twice)
        .delivered("TradeExecutionRequested", 1, Blow::Twice)
        .delivered("WorkflowCompleted", 1, Blow::Twice);
    given.run(async |host| {
        put(&host, plan("plan-1")).await;
        completed(&host, &["plan-1"]).await;
        // The second request finds the exchange in use, and is given up when the first one trades for long.
        let letters = host.dead_letters().await.unwrap();
        assert!(letters.iter().all(|(queue, _)| queue == "ExecutionsDeadLetters"), "{letters:?}");
        assert!(count(&host, "answered WorkflowOutcomeFunction").await >= 2);
    });
}

/// A request that is lost is asked for by the sweeper.
#[test]
fn a_lost_request_is_asked_for_again() {
    Given::default().delivered("TradeExecutionRequested", 1, Blow::Lost).run(async |host| {
        put(&host, plan("plan-1")).await;
        completed(&host, &["plan-1"]).await;
        assert_eq!(count(&host, "lost TradeExecutionRequested").await, 1);
        assert!(count(&host, "published TradeExecutionRequested").await >= 2);
    });
}

/// H9: the request of the first plan comes late, so that the second plan's overtakes it.
#[test]
fn a_late_request_is_overtaken() {
    let late = Blow::Late { seconds: 240 };
    Given::default().delivered("TradeExecutionRequested", 1, late).run(async |host| {
        put(&host, plan("plan-1")).await;
        host.until(|cloud| asked(cloud, "plan-1")).await.unwrap();
        put(&host, plan("plan-2")).await;
        let ends = over(&host, &["plan-1", "plan-2"]).await;
        let plans: Vec<&str> = ends.iter().map(|end| end.0).collect();
        assert_eq!(plans, ["plan-2", "plan-1"]);
    });
}

/// A function that stands still is killed when its time is over, and its message comes again.
#[test]
fn a_function_that_stands_still_is_killed_in_time() {
    let frozen = Blow::Frozen { after_ms: 0, for_ms: 600_000 };
    let given = Given::default().timeout("rebalance-planned", 2_000);
    given.invoked("rebalance-planned", 1, frozen).run(async |host| {
        put(&host, plan("plan-1")).await;
        completed(&host, &["plan-1"]).await;
        assert!(count(&host, "failed RebalancePlannedFunction Sandbox.Timedout").await >= 1);
        assert_eq!(count(&host, "started RebalancePlannedFunction 2").await, 1);
    });
}

/// H7: an entry that the bus refuses in an answer of 200, and one whose answer is lost, are published again; the terminal
/// event has one id.
#[test]
fn publications_fail_in_part() {
    let given = Given::default()
        .published("TradeExecutionRequested", 1, Blow::Refused)
        .published("TradeExecuted", 1, Blow::Silent)
        .published("WorkflowCompleted", 1, Blow::Refused)
        .published("WorkflowCompleted", 2, Blow::Silent);
    given.run(async |host| {
        put(&host, plan("plan-1")).await;
        completed(&host, &["plan-1"]).await;
        assert!(count(&host, "published WorkflowCompleted").await >= 2);
    });
}

/// H6: a plan whose function never survives it is a dead letter after five tries, and another plan is not kept by it.
#[test]
fn a_message_that_kills_its_function_is_a_dead_letter() {
    let mut given = Given::default();
    for nth in 1..=5 {
        given = given.invoked("rebalance-planned", nth, Blow::Killed { after_ms: 0 });
    }
    given.run(async |host| {
        put(&host, plan("plan-1")).await;
        host.until(|cloud| !cloud.dead_letters().is_empty()).await.unwrap();
        let (queue, letter) = host.dead_letters().await.unwrap().pop().unwrap();
        assert_eq!(queue, "PlansDeadLetters");
        assert!(letter.body.contains("plan-1"));
        put(&host, plan("plan-2")).await;
        completed(&host, &["plan-2"]).await;
    });
}

/// X9: two plans for one account are both executed, one at a time. What the first one sold, the second one has not.
#[test]
fn two_plans_for_one_account() {
    Given::default().run(async |host| {
        put(&host, plan("plan-1")).await;
        put(&host, plan("plan-2")).await;
        let ends = over(&host, &["plan-1", "plan-2"]).await;
        let kinds: Vec<&str> = ends.iter().map(|end| end.1.as_str()).collect();
        assert_eq!(kinds, ["WorkflowCompleted", "WorkflowFailed"]);
    });
}

/// Nothing of a host is left when it ends, neither what works nor what stands still.
#[test]
fn nothing_is_left_of_a_host() {
    let directory = tempfile::tempdir().unwrap();
    let given = Given::default().invoked(
        "rebalance-planned",
        1,
        Blow::Frozen { after_ms: 0, for_ms: 600_000 },
    );
    given.run_in(directory.path(), async |host| {
        put(&host, plan("plan-1")).await;
        host.until(|cloud| started(cloud, "RebalancePlannedFunction")).await.unwrap();
    });
    let state = directory.path().display().to_string();
    let mut left = Vec::new();
    for process in std::fs::read_dir("/proc").unwrap() {
        let environment = process.unwrap().path().join("environ");
        let environment = std::fs::read(&environment).unwrap_or_default();
        if String::from_utf8_lossy(&environment).contains(&format!("ALCHEMISER_STATE=file:{state}"))
        {
            left.push(environment);
        }
    }
    assert!(left.is_empty(), "{} processes", left.len());
}
