//! Many accounts at once: each has a stack of its own, and all of them trade on one exchange.

use std::{sync::Arc, time::Duration};

use alchemiser_core::execution::Execution;
use alchemiser_tests::plans::Item;
use jiff::Timestamp;

use crate::{
    venue::Venue,
    world::{Given, Running, completed, put, runtime, small, within},
};

/// Accounts of every run of the tests; `ALCHEMISER_ACCOUNTS` for another number.
const ACCOUNTS: usize = 6;

/// What each account is given at once.
const PLANS: [&str; 4] = ["plan-1", "plan-2", "plan-3", "plan-4"];

/// A little of much, so that each plan can be traded after the others.
const ITEMS: [Item; 4] =
    [("SPY", 2_000, 1_900), ("QQQ", 2_000, 1_850), ("BND", 0, 120), ("VTI", 0, 80)];

/// How long all of it may take at most.
const PATIENCE: Duration = Duration::from_mins(10);

/// With so many stacks their schedules alone would keep this machine busy: the cloud's minute takes so many seconds more.
const PACE: i32 = 10;

/// X9, H1: four plans for each of many accounts come at once. All complete, one at a time for each account, none waits for
/// ever, and no invariant is broken.
#[test]
fn plans_of_many_accounts_complete() {
    let accounts =
        std::env::var("ALCHEMISER_ACCOUNTS").map_or(ACCOUNTS, |text| text.parse().unwrap());
    let states = runtime().block_on(async {
        let venue = Arc::new(Venue::open(3, accounts).await);
        let mut stacks = Vec::new();
        for account in 0..accounts {
            stacks.push(Given::default().pace(PACE).begin(&venue, account).await);
        }
        let states = live(stacks).await;
        assert_eq!(states.len(), accounts * PLANS.len());
        states
    });
    let began = states.iter().map(|state| state.claimed_at).min().unwrap();
    let ended = states.iter().filter_map(|state| Some(state.outcome.as_ref()?.1)).max().unwrap();
    let seconds = ended.duration_since(began).as_secs();
    println!("{} plans of {accounts} accounts were over after {seconds} s", states.len());
}

/// Gives every stack its plans, and waits until they are over: every plan as its log has it.
async fn live(stacks: Vec<Running>) -> Vec<Execution> {
    for plan in PLANS {
        for stack in &stacks {
            put(&stack.host, small(plan, &ITEMS)).await;
        }
    }
    let hosts: Vec<_> = stacks.iter().map(|stack| stack.host.clone()).collect();
    let each = hosts.iter().collect::<Vec<_>>();
    within(PATIENCE, &each, async {
        for host in &hosts {
            completed(host, &PLANS).await;
        }
    })
    .await;
    let mut all = Vec::new();
    for stack in stacks {
        let (states, wrong) = stack.end().await;
        assert_eq!(wrong, [""; 0]);
        assert!(are_in_line(&states), "two plans of an account were traded at a time");
        all.extend(states);
    }
    all
}

/// Whether each plan sent its first order after the one before it was over.
fn are_in_line(states: &[Execution]) -> bool {
    let over = |state: &Execution| state.outcome.as_ref().map_or(Timestamp::MAX, |(_, at)| *at);
    let mut times: Vec<_> =
        states.iter().map(|state| (state.first_order_at, over(state))).collect();
    times.sort();
    times.windows(2).all(|pair| Some(pair[0].1) <= pair[1].0)
}
