//! Plans as they crossed the bus, under all that may go wrong.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use alchemiser_sim::{
    GivenPlan, batch, run,
    trial::{Theme, Trial},
};

/// Seeds for each plan.
const SEEDS: u64 = 60;

fn given(path: &Path) -> Trial {
    let plan = GivenPlan::new(fs::read(path).unwrap()).unwrap();
    Trial { theme: Theme::Given(Arc::new(plan)), ..Trial::default() }
}

/// No seed of the plan breaks an invariant, and some trade most of its symbols.
fn check(path: &Path) {
    let trial = given(path);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    assert_eq!(batch(&trial, 0..SEEDS, threads).violations, [], "{}", path.display());
    let most = |plan: &alchemiser_core::execution::Execution| {
        let traded = plan.legs.iter().filter(|leg| !leg.filled().is_zero()).count();
        plan.legs.len() > 4 && traded * 2 > plan.legs.len()
    };
    let traded = (0..SEEDS).flat_map(|seed| run(&trial.seeded(seed)).plans).any(|plan| most(&plan));
    assert!(traded, "{}", path.display());
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// S11: the example plans.
#[test]
fn the_example_plans_trade_once() {
    for entry in fs::read_dir(root().join("examples/plans")).unwrap() {
        check(&entry.unwrap().path());
    }
}

/// S11: the real plan, with its numbers of thirty digits and thirty-two legs.
#[test]
fn the_real_plan_trades_once() {
    let path = root().join("../shared/events/real-plan-2026-01-26.json");
    if path.is_file() {
        check(&path);
    } else {
        println!("skipped: ../shared absent");
    }
}

/// H6: what is no plan is refused as the function would refuse it.
#[test]
fn what_is_no_plan_is_refused() {
    assert_eq!(GivenPlan::new(b"{}".to_vec()).unwrap_err().field, "detail-type");
}
