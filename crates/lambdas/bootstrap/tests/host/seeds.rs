//! Random schedules of faults on the host: a seed draws what goes wrong with deliveries, publications, invocations, answers,
//! calls of the exchange, the exchange itself and the store. Then the faults stop, the plans come to their ends, and logs,
//! ledgers and the exchange's own books are compared.
//!
//! A seed draws the same faults each time; processes run in the time of this machine, so where they strike may differ.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use alchemiser_exchange::{
    exact::Exact,
    fault::{Fault, Reason, Rule, Script},
    order::Order,
};
use alchemiser_host::{
    Cloud,
    cloud::fault::{Blow, On},
    machine::{Handle, Strike},
};
use alchemiser_tests::dice::Dice;
use rust_decimal::Decimal;

use crate::{
    venue::{Moment, Venue},
    world::{
        Given, ITEMS, absent, ended, in_time, more_sweeps, put, redriven, runtime, small, told,
    },
};

/// How many seeds every run of the tests plays; `ALCHEMISER_HOST_SEEDS` for another number, `ALCHEMISER_HOST_FIRST` for
/// another first seed.
const SEEDS: u64 = 32;

/// They mostly wait.
const AT_ONCE: u64 = 12;

const PLANS: [&str; 2] = ["plan-1", "plan-2"];

const FUNCTIONS: [&str; 4] =
    ["rebalance-planned", "trade-execution", "workflow-outcome", "sweeper"];

const PUBLISHED: [&str; 8] = [
    "TradeExecutionRequested",
    "TradeExecutionStarted",
    "OrderSettlementCompleted",
    "ExecutionPhaseCompleted",
    "BulkSettlementCompleted",
    "TradeExecuted",
    "WorkflowCompleted",
    "WorkflowFailed",
];

const CALLS: [&str; 8] = [
    "GET /v2/account",
    "GET /v2/clock",
    "GET /v2/assets",
    "GET /v2/positions",
    "GET /v2/orders",
    "GET /v2/stocks",
    "POST /v2/orders",
    "POST /v2/orders",
];

/// What may become of a request at the exchange.
const OF_ORDERS: [Fault; 9] = [
    Fault::LostRequest,
    Fault::LostAnswer,
    Fault::LateLanding,
    Fault::ServerError,
    Fault::UnclearAnswer,
    Fault::DuplicateId,
    Fault::Refused,
    Fault::PartialFill,
    Fault::TooManyRequests,
];

const OF_READINGS: [Fault; 14] = [
    Fault::LostRequest,
    Fault::LostAnswer,
    Fault::ServerError,
    Fault::Unauthorized,
    Fault::SlowAnswer,
    Fault::NoPrice,
    Fault::OrdersMissing,
    Fault::OrdersDuplicated,
    Fault::OrdersReordered,
    Fault::OrdersStale,
    Fault::OrderUnseen,
    Fault::FundsLag,
    Fault::QuoteStale,
    Fault::QuoteMissing,
];

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap())
}

fn below(dice: &mut Dice, bound: u32) -> u32 {
    u32::try_from(dice.below(bound.into())).unwrap()
}

/// Something that goes wrong on the host, the n-th time.
fn blow(dice: &mut Dice) -> (On, u64, Blow) {
    let nth = 1 + dice.below(3);
    let function = dice.pick(&FUNCTIONS);
    match dice.below(4) {
        0 => {
            let kind = dice.pick(&[
                "RebalancePlanned",
                "TradeExecutionRequested",
                "TradeExecutionRequested",
                "WorkflowCompleted",
                "WorkflowFailed",
            ]);
            let late = Blow::Late { seconds: below(dice, 400) };
            let unreachable = Blow::Unreachable { tries: 1 + below(dice, 3) };
            // What waits in a queue is not lost: what it held is a dead letter at worst.
            let is_direct = kind == "TradeExecutionRequested";
            let blow = match dice.below(4) {
                0 => Blow::Twice,
                1 => late,
                2 if is_direct => Blow::Lost,
                _ => unreachable,
            };
            (On::Delivered(kind.to_owned()), nth, blow)
        }
        1 => {
            let blows = [Blow::Refused, Blow::Silent, Blow::KilledBefore, Blow::KilledAfter];
            let blow = blows[usize::try_from(dice.below(4)).unwrap()].clone();
            (On::Published(dice.pick(&PUBLISHED).to_owned()), nth, blow)
        }
        2 => {
            let is_trading = function == "trade-execution";
            let after_ms = below(dice, if is_trading { 1_500 } else { 60 });
            // Some stand still for longer than their lease, some for longer than they may.
            let for_ms = dice.pick(&[100, 1_000, 9_000]);
            let within_ms = below(dice, 900) + if is_trading { 60_000 } else { 1 };
            let blow = match dice.below(3) {
                0 => Blow::Killed { after_ms },
                1 => Blow::Frozen { after_ms, for_ms },
                _ => Blow::Hurried { within_ms },
            };
            (On::Invoked(function.to_owned()), nth, blow)
        }
        _ => {
            let is_before = dice.below(2) == 0;
            let blow = if is_before { Blow::KilledBefore } else { Blow::KilledAfter };
            (On::Answered(function.to_owned()), nth, blow)
        }
    }
}

/// What goes wrong at the exchange.
fn rule(dice: &mut Dice) -> Rule {
    let is_order = dice.below(2) == 0;
    let fault = if is_order { dice.pick(&OF_ORDERS) } else { dice.pick(&OF_READINGS) };
    let rate = (dice.below(3) == 0).then(|| dice.pick(&[0.1, 0.3]));
    Rule {
        method: is_order.then(|| "POST".to_owned()),
        nth: 1 + below(dice, 4),
        times: if rate.is_some() { 0 } else { dice.pick(&[1, 1, 2, 5]) },
        rate,
        ms: Some(dice.pick(&[40, 400, 2_500])),
        status: Some(dice.pick(&[500, 503, 504])),
        code: Some(dice.pick(&[40_010_001, 42_210_000])),
        part: Some(Exact(Decimal::new(i64::from(below(dice, 10)), 1))),
        reason: Some(dice.pick(&Reason::ALL)),
        ..Rule::once(fault)
    }
}

/// Something that is done to whoever trades, at a call.
#[derive(Clone, Copy, Debug)]
struct Deed {
    begins: &'static str,
    nth: u64,
    moment: Moment,
    strike: Strike,
    is_lost: bool,
}

fn deed(dice: &mut Dice) -> Deed {
    Deed {
        begins: dice.pick(&CALLS),
        nth: 1 + dice.below(5),
        moment: dice.pick(&[Moment::Before, Moment::After]),
        strike: dice.pick(&[Strike::Kill, Strike::Kill, Strike::Freeze]),
        is_lost: dice.below(2) == 0,
    }
}

/// A schedule.
#[derive(Debug)]
struct Schedule {
    blows: Vec<(On, u64, Blow)>,
    rules: Vec<Rule>,
    deeds: Vec<Deed>,
    plans: usize,
    /// For how many sweeps the exchange is down, and the store.
    down: (usize, usize),
    /// The exchange is at fault for so many sweeps.
    at_fault: usize,
}

fn schedule(seed: u64) -> Schedule {
    let mut dice = Dice::of(seed ^ 0x0605_7f4a);
    let dice = &mut dice;
    let counts = [1 + dice.below(5), dice.below(5), dice.below(3)];
    let mut often = |most: u64| usize::try_from(dice.below(most)).unwrap();
    let down = (often(6).saturating_sub(4), often(6).saturating_sub(4));
    let (plans, at_fault) = (1 + often(2), 1 + often(4));
    Schedule {
        blows: (0..counts[0]).map(|_| blow(dice)).collect(),
        rules: (0..counts[1]).map(|_| rule(dice)).collect(),
        deeds: (0..counts[2]).map(|_| deed(dice)).collect(),
        plans,
        down,
        at_fault,
    }
}

/// Does what the schedule says at calls of the exchange.
async fn strikes(host: &Handle, venue: &Venue, deeds: &[Deed]) {
    for deed in deeds {
        let Ok(held) = venue.hold(deed.begins, deed.nth, deed.moment).await else { return };
        host.strike("trade-execution", deed.strike).await.unwrap();
        if deed.is_lost {
            held.lose();
        } else {
            held.pass();
        }
        if deed.strike == Strike::Freeze {
            // For longer than a lease.
            more_sweeps(host, 8).await;
            host.strike("trade-execution", Strike::Thaw).await.unwrap();
        }
    }
}

/// What else goes wrong, and when all of it ends.
async fn troubles(host: &Handle, venue: &Venue, state: &Path, schedule: &Schedule) {
    let (exchange, store) = schedule.down;
    if exchange > 0 {
        venue.shut(true);
        more_sweeps(host, exchange).await;
        venue.shut(false);
    }
    if store > 0 && state.join("executions").is_dir() {
        let logs = absent(state);
        more_sweeps(host, store).await;
        drop(logs);
    }
    more_sweeps(host, schedule.at_fault).await;
    venue.calm();
}

/// Waits until plans are over and no order is open. What was given up after too many receives is put back once.
async fn come_to_their_end(host: &Handle, venue: &Arc<Venue>, plans: &'static [&'static str]) {
    let are_over = move |cloud: &Cloud| {
        let letters = cloud.dead_letters();
        let given_up = |plan: &str| letters.iter().any(|(_, letter)| letter.body.contains(plan));
        let mut plans = plans.iter();
        cloud.is_idle() && plans.all(|plan| ended(cloud, plan) || given_up(plan))
    };
    host.until(are_over).await.unwrap();
    redriven(host).await;
    let venue = venue.clone();
    let are_done = move |cloud: &Cloud| {
        let are_over = plans.iter().all(|plan| ended(cloud, plan));
        cloud.is_idle() && are_over && !venue.orders(0).iter().any(Order::is_open)
    };
    host.until(are_done).await.unwrap();
}

/// What came of a seed: what is wrong, how its plans ended, and what struck.
struct Played {
    wrong: Vec<String>,
    ends: Vec<String>,
    hits: BTreeMap<String, u64>,
}

fn play(seed: u64) -> Played {
    let schedule = schedule(seed);
    let mut given = Given::default();
    for (on, nth, blow) in &schedule.blows {
        given = given.with(on.clone(), *nth, blow.clone());
    }
    runtime().block_on(async {
        let venue = Arc::new(Venue::open(seed, 1).await);
        venue.faults(&Script { seed, draw: false, fault: schedule.rules.clone() });
        let running = given.begin(&venue, 0).await;
        let (host, state) = (running.host.clone(), running.directory.path().to_owned());
        in_time(&[&host], async {
            for (plan, items) in PLANS.iter().zip(ITEMS).take(schedule.plans) {
                put(&host, small(plan, items)).await;
            }
            let striking = strikes(&host, &venue, &schedule.deeds);
            let over = async {
                troubles(&host, &venue, &state, &schedule).await;
                come_to_their_end(&host, &venue, &PLANS[..schedule.plans]).await;
            };
            // Calls that never come are not waited for.
            tokio::pin!(striking, over);
            tokio::select! {
                () = &mut over => {}
                () = &mut striking => over.await,
            }
        })
        .await;
        let log = told(&host).await;
        let (states, mut wrong) = running.end().await;
        if !wrong.is_empty() {
            wrong.extend([format!("{schedule:#?}"), log.join("\n  ")]);
        }
        let ends = states.iter().filter_map(|state| state.outcome.as_ref()).map(|(outcome, _)| {
            let code = outcome.code.as_deref().unwrap_or("without a code");
            if outcome.completed { "completed".to_owned() } else { format!("failed {code}") }
        });
        let mut hits = venue.hits();
        let usual = ["published", "started", "answered"];
        let is_trouble = |line: &&String| !usual.iter().any(|word| line.starts_with(word));
        for line in log.iter().filter(is_trouble) {
            *hits.entry(line.clone()).or_default() += 1;
        }
        let handed_over = states.iter().map(|state| u64::from(state.epoch.saturating_sub(1))).sum();
        hits.insert("owners that took over".to_owned(), handed_over);
        Played { wrong, ends: ends.collect(), hits }
    })
}

#[derive(Default)]
struct Sums {
    broken: Vec<String>,
    ends: BTreeMap<String, u64>,
    hits: BTreeMap<String, u64>,
}

/// Takes one seed after the other.
fn take(next: &AtomicU64, end: u64, sums: &Mutex<Sums>) {
    loop {
        let seed = next.fetch_add(1, Ordering::SeqCst);
        if seed >= end {
            return;
        }
        let played = catch_unwind(AssertUnwindSafe(|| play(seed)));
        let mut sums = sums.lock().unwrap_or_else(PoisonError::into_inner);
        match played {
            Err(_) => sums.broken.push(format!("seed {seed}: panicked; {:#?}", schedule(seed))),
            Ok(played) => {
                for end in played.ends {
                    *sums.ends.entry(end).or_default() += 1;
                }
                for (word, count) in played.hits {
                    *sums.hits.entry(word).or_default() += count;
                }
                if !played.wrong.is_empty() {
                    sums.broken.push(format!("seed {seed}:\n  {}", played.wrong.join("\n  ")));
                }
            }
        }
    }
}

/// S11, X9: whatever goes wrong on the way, no invariant is broken, no leg trades beyond its target, and every plan ends.
#[test]
fn no_schedule_of_faults_breaks_an_invariant() {
    let first = number("ALCHEMISER_HOST_FIRST", 0);
    let count = number("ALCHEMISER_HOST_SEEDS", SEEDS);
    let (next, sums) = (AtomicU64::new(first), Mutex::new(Sums::default()));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(count) {
            scope.spawn(|| take(&next, first + count, &sums));
        }
    });
    let sums = sums.into_inner().unwrap_or_else(PoisonError::into_inner);
    println!("{count} schedules from seed {first}; plans: {:?}; {:?}", sums.ends, sums.hits);
    assert!(sums.broken.is_empty(), "{} are broken\n{}", sums.broken.len(), sums.broken.join("\n"));
}
