//! Random scripts of faults, end to end over HTTP: the executor and Alpaca's adapter against the exchange.
//!
//! Plan, bus, store, handlers, core and driver are the product's; the exchange is `alchemiser exchange` in this process,
//! reached by HTTP on 127.0.0.1, in virtual time. While a plan is traded a script strikes at its requests; some of the
//! processes die on the way. Then the faults stop, the plan comes to its end, and its logs are compared with the
//! exchange's own books.

mod script;
mod venue;

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use alchemiser_core::{
    execution::Execution,
    policy::{Policy, PolicyKind},
    quantity::Quantity,
};
use alchemiser_driver::ports::Clock;
use alchemiser_exchange::{
    exact::Exact,
    hours::Hours,
    order::Order,
    setup::{Setup, Wanted},
};
use alchemiser_tests::{
    check,
    dice::Dice,
    plans::{self, Item},
    pulse,
    world::World,
};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use venue::{Served, opening, traded};

/// What is traded: the small plan, or one of more legs.
const LARGE: [Item; 8] = [
    ("TQQQ", 3_000, 0),
    ("XLK", 4_000, 2_500),
    ("SPY", 1_000, 200),
    ("SOXL", 800, 500),
    ("TLT", 500, 2_500),
    ("BND", 0, 1_800),
    ("VTI", 0, 900),
    ("GLD", 300, 1_200),
];

/// Dollars that a fresh account holds besides its shares; the plans name a portfolio of $ 20,000.
const CASH: i64 = 12_500;

/// How many scripts every run of the tests tries; `ALCHEMISER_HTTP_SCRIPTS` for another number,
/// `ALCHEMISER_HTTP_FIRST` for another first seed.
const SCRIPTS: u64 = 100;

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap())
}

/// What came of a seed.
struct Played {
    /// What is wrong.
    wrong: Vec<String>,
    hits: BTreeMap<String, u64>,
    /// How the plan ended.
    end: String,
}

/// The scene of a seed.
struct Scene {
    world: World,
    served: Arc<Served>,
    items: Vec<Item>,
    urgency: &'static str,
}

fn scene(dice: &mut Dice, seed: u64) -> Scene {
    let items = if dice.below(3) == 0 { LARGE.to_vec() } else { plans::SMALL.to_vec() };
    let seconds = SignedDuration::from_secs;
    let kind = dice.pick(&PolicyKind::ALL);
    let working_time = [seconds(24), seconds(12), seconds(6)];
    let mut world = World::with(seed, Policy { kind, working_time, ..Policy::default() });
    let (at, closes) = (world.clock.now(), dice.below(10) == 0);
    let mut setup = Setup { listed: Vec::new(), ..Setup::usual(seed, at) };
    let mut account = opening(world.account().as_str());
    account.cash = Exact(CASH.into());
    for (symbol, current, _) in &items {
        let listed = Wanted::named(symbol).listed(seed).unwrap();
        let shares = Decimal::from(*current) / listed.listing.price.dollars();
        if *current > 0 {
            account.positions.insert((*symbol).to_owned(), Exact(shares.round_dp(6)));
        }
        setup.list(listed);
    }
    setup.accounts.push(account);
    setup.hours = if closes { Hours::Nyse } else { Hours::Always };
    let symbols: Vec<&str> = items.iter().map(|(symbol, ..)| *symbol).collect();
    let calm_from = at + seconds(i64::try_from(5 + dice.below(60)).unwrap());
    let faults = (script::drawn(dice, &symbols), calm_from);
    let served = Served::open(&setup, faults, world.clock.clone(), &world.rules.policy);
    let served = Arc::new(served);
    if closes {
        served.close_in(15 + dice.below(900));
    }
    world.venue = Some(served.clone());
    let urgency = dice.pick(&["LOW", "NORMAL", "NORMAL", "HIGH", "URGENT"]);
    Scene { world, served, items, urgency }
}

/// Plays a seed: processes with faults, some of which die, then healthy ones.
fn play(seed: u64) -> Played {
    let mut dice = Dice::of(seed ^ 0x477e);
    let Scene { world, served, items, urgency } = scene(&mut dice, seed);
    let event = plans::event("http-1", urgency, &items);
    for _ in 0..dice.below(3) {
        let moment = dice.pick(&[pulse::Moment::Before, pulse::Moment::After]);
        world.run(&event, pulse::Script::crash(1 + dice.below(250), moment));
        world.pass(i64::try_from(dice.below(40)).unwrap());
    }
    world.run(&event, pulse::Script::clean());
    served.calm();
    let state = world.finish(&event);
    let mut wrong = check::faults(&world, &state);
    wrong.extend(beyond_target(&served, &state));
    wrong.extend(overlapping(&served.orders()));
    Played { wrong, hits: served.hits(), end: end(&state) }
}

/// How a plan ended, in a word or a code.
fn end(state: &Execution) -> String {
    let (outcome, _) = state.outcome.as_ref().unwrap();
    let code = outcome.code.as_deref().unwrap_or("without a code");
    if outcome.completed { "completed".to_owned() } else { format!("failed {code}") }
}

/// Legs of which the broker traded more than their targets.
fn beyond_target(served: &Served, state: &Execution) -> Vec<String> {
    let traded = traded(served);
    let target = |leg: &alchemiser_core::leg::Leg| leg.sized.map(|sized| sized.target);
    let legs = state.legs.iter().map(|leg| {
        let filled = traded.get(&(leg.symbol().clone(), leg.side)).copied().unwrap_or_default();
        (leg, filled, target(leg).unwrap_or(Quantity::ZERO))
    });
    let beyond = legs.filter(|(_, filled, target)| filled > target);
    beyond.map(|(leg, filled, of)| format!("{} traded {filled} of {of}", leg.symbol())).collect()
}

/// Orders of a symbol that were open at the same time.
fn overlapping(orders: &[Order]) -> Vec<String> {
    let ended = |order: &Order| {
        if order.is_open() { Timestamp::MAX } else { order.times.updated }
    };
    let mut found = Vec::new();
    for (k, order) in orders.iter().enumerate() {
        let same = orders[k + 1..].iter().filter(|other| other.terms.symbol == order.terms.symbol);
        for other in same.filter(|other| other.times.created < ended(order)) {
            let ids = (&order.terms.client_order_id, &other.terms.client_order_id);
            found.push(format!("{} and {} were open at a time", ids.0, ids.1));
        }
    }
    found
}

/// So many scripts strike with every class of faults.
const SCRIPTS_OF_ALL: u64 = 100;

/// Plays seeds; a broken one names itself.
fn are_survived(seeds: std::ops::Range<u64>) {
    let (mut broken, mut hits) = (Vec::new(), BTreeMap::<String, u64>::new());
    let mut ends = BTreeMap::<String, u64>::new();
    let count = seeds.end - seeds.start;
    for seed in seeds.clone() {
        match catch_unwind(AssertUnwindSafe(|| play(seed))) {
            Ok(played) => {
                for (word, more) in played.hits {
                    *hits.entry(word).or_default() += more;
                }
                *ends.entry(played.end).or_default() += 1;
                if !played.wrong.is_empty() {
                    broken.push(format!("seed {seed}:\n  {}", played.wrong.join("\n  ")));
                }
            }
            Err(_) => broken.push(format!("seed {seed}: panicked")),
        }
    }
    println!("{count} scripts from seed {}: {}", seeds.start, counted(&hits));
    println!("plans ended: {}", counted(&ends));
    assert!(broken.is_empty(), "{} seeds are broken\n{}", broken.len(), broken.join("\n"));
    let classes: BTreeSet<&str> = script::classes().collect();
    let missed: Vec<_> = classes.iter().filter(|word| !hits.contains_key(**word)).collect();
    assert!(count < SCRIPTS_OF_ALL || missed.is_empty(), "never struck: {missed:?}");
}

fn counted(counts: &BTreeMap<String, u64>) -> String {
    counts.iter().map(|(word, count)| format!("{word} {count}")).collect::<Vec<_>>().join(", ")
}

fn halves() -> [std::ops::Range<u64>; 2] {
    let first = number("ALCHEMISER_HTTP_FIRST", 0);
    let count = number("ALCHEMISER_HTTP_SCRIPTS", SCRIPTS);
    let middle = first + count / 2;
    [first..middle, middle..first + count]
}

/// S11, T2, T4: whatever goes wrong between adapter and broker, no invariant is broken, and no leg trades beyond its
/// target.
#[test]
fn no_script_of_faults_breaks_an_invariant_over_http() {
    are_survived(halves()[0].clone());
}

/// S11, T2, T4: more of the same, beside the others.
#[test]
fn no_other_script_of_faults_breaks_an_invariant_over_http() {
    are_survived(halves()[1].clone());
}

/// A seed is a course of things: what it finds can be looked at again.
#[test]
fn a_seed_is_played_the_same_way_twice() {
    let twice = [play(3), play(3)];
    assert_eq!(twice[0].hits, twice[1].hits);
}
