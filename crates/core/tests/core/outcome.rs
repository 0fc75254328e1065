//! How a plan ended, and the one place that says why.

use std::sync::Arc;

use alchemiser_core::{
    child::Status,
    execution::Execution,
    fact::StopCode,
    ids::Symbol,
    leg::{LegOutcome, Reason},
    outcome::classify,
};

use crate::{
    given::{ordered, plan, start},
    story::Story,
};

const BOOK: &str = "on 100.00x500 100.02x500";

/// A plan of buys of $100, `S0` `S1` …, whose legs ended so (in words), after orders that fit.
fn ended(legs: &str) -> Execution {
    let words: Vec<&str> = legs.split_whitespace().collect();
    let items: Vec<String> = (0..words.len()).map(|index| format!("BUY S{index} 100")).collect();
    let mut state = Story::of(&plan(&items.join(";"))).state;
    for (leg, word) in state.legs.iter_mut().zip(words) {
        let (order, outcome) = match word {
            "filled" => ("rest 1@100.00 got 1@100.00", Some(LegOutcome::Filled)),
            "dust" => ("", Some(LegOutcome::Filled)),
            "partial" => {
                let why = Reason::WindowOver;
                ("rest 1@100.00 got .5@100.00", Some(LegOutcome::PartiallyFilled(why)))
            }
            "unfilled" => ("rest 1@100.00", Some(LegOutcome::Unfilled(Reason::Spread))),
            "unfunded" => ("", Some(LegOutcome::Skipped(Reason::Unfunded))),
            "small" => ("", Some(LegOutcome::Skipped(Reason::TooSmall))),
            "refused" => ("", Some(LegOutcome::Refused(Reason::NotTradable))),
            "residue" => ("rest 1@100.00 got .5@100.00", Some(LegOutcome::Residue)),
            "left" => ("cross 1@100.08", Some(LegOutcome::Residue)),
            "open" => ("", None),
            other => panic!("no word {other}"),
        };
        if !order.is_empty() {
            ordered(leg, &format!("{order} {BOOK}"));
            state.first_order_at = Some(start());
        }
        leg.outcome = outcome;
    }
    state
}

fn said(state: &Execution) -> String {
    let outcome = classify(state);
    let verdict = if outcome.completed { "completed" } else { "failed" };
    let idle = if outcome.no_trades_needed { ", no trades needed" } else { "" };
    let (placed, succeeded) = (outcome.placed, outcome.succeeded);
    let counts = format!("{} {verdict}, {succeeded} of {placed}{idle}", outcome.status.word());
    let why = [outcome.failure_step, outcome.code, outcome.failure_reason];
    let why: Vec<String> = why.into_iter().flatten().collect();
    if why.is_empty() { counts } else { format!("{counts} | {}", why.join(" | ")) }
}

/// X7: everything done is a success; a leg too small to trade, or with a residue, is done.
#[test]
fn everything_done_is_a_success() {
    assert_eq!(said(&ended("filled filled")), "success completed, 2 of 2");
    assert_eq!(said(&ended("filled small")), "success completed, 1 of 1");
    assert_eq!(said(&ended("residue")), "success completed, 1 of 1");
    assert_eq!(said(&ended("left")), "success completed, 0 of 1");
    assert_eq!(said(&ended("dust")), "success completed, 0 of 0, no trades needed");
    assert_eq!(said(&ended("small small")), "success completed, 0 of 0, no trades needed");
}

/// X7, X10, H5: something done and something not is a partial success, nothing done a failure; the reason counts what is
/// done and names every leg that is not, with its code.
#[test]
fn what_is_not_done_is_named() {
    let check = |legs: &str, expected: &str| assert_eq!(said(&ended(legs)), expected, "{legs}");
    check(
        "filled partial",
        "partial_success failed, 1 of 2 | trade_execution | PARTIAL_EXECUTION \
         | PARTIAL_EXECUTION: 1/2 legs done; not done: S1 WINDOW_OVER",
    );
    check(
        "unfunded filled refused open",
        "partial_success failed, 1 of 1 | trade_execution | PARTIAL_EXECUTION \
         | PARTIAL_EXECUTION: 1/4 legs done; not done: S0 UNFUNDED, S2 NOT_TRADABLE, S3 UNFINISHED",
    );
    check(
        "partial unfilled small",
        "failure failed, 0 of 2 | trade_execution | NO_LEG_FILLED \
         | NO_LEG_FILLED: 1/3 legs done; not done: S0 WINDOW_OVER, S1 SPREAD",
    );
    check(
        "refused small",
        "failure failed, 0 of 0 | trade_execution | NO_LEG_FILLED \
         | NO_LEG_FILLED: 1/2 legs done; not done: S0 NOT_TRADABLE",
    );
    let outcome = classify(&ended("unfunded filled refused"));
    let names: Vec<&str> = outcome.failed_symbols.iter().map(Symbol::as_str).collect();
    assert_eq!(names, ["S0", "S2"]);
}

/// H5: a long list of legs is cut to twenty, and says how many more there are.
#[test]
fn a_long_list_is_cut() {
    let reason = |count: usize| classify(&ended(&"refused ".repeat(count))).failure_reason.unwrap();
    assert!(reason(20).ends_with(", S19 NOT_TRADABLE"), "{}", reason(20));
    assert!(reason(21).ends_with(", S19 NOT_TRADABLE and 1 more"), "{}", reason(21));
    assert!(reason(23).ends_with(", S19 NOT_TRADABLE and 3 more"), "{}", reason(23));
}

/// H3: a partial success completes the workflow where the policy says so; a failure never does.
#[test]
fn a_partial_success_may_complete() {
    let lenient = |legs: &str| {
        let mut state = ended(legs);
        Arc::make_mut(&mut state.policy).partial_is_failure = false;
        said(&state)
    };
    assert_eq!(lenient("filled unfunded"), "partial_success completed, 1 of 1");
    assert!(lenient("partial unfunded").starts_with("failure failed, 0 of 1 | trade_execution"));
}

/// X7, S11: an order that may still fill, or a stop, is never a completed workflow, however much is done.
#[test]
fn open_orders_and_stops_fail_the_workflow() {
    let mut state = ended("filled filled");
    state.legs[0].children[0].status = Status::Unresolved;
    assert_eq!(
        said(&state),
        "success failed, 2 of 2 | trade_execution | ORDER_OPEN | ORDER_OPEN: 2/2 legs done"
    );
    state.stop = Some(StopCode::RejectBreaker);
    let stopped = "success failed, 2 of 2 | trade_execution | REJECT_BREAKER";
    assert!(said(&state).starts_with(stopped), "{}", said(&state));
    state.legs[0].children[0].status = Status::Filled;
    assert!(said(&state).starts_with(stopped), "{}", said(&state));
    let mut early = ended("refused refused");
    early.stop = Some(StopCode::Stale);
    assert!(said(&early).starts_with("failure failed, 0 of 0 | preflight | STALE"));
}

/// X1: when too much of the sells failed for the buys to be made, that is the code; without buys it is not.
#[test]
fn incomplete_sells_have_their_own_code() {
    let code = |items: &str| {
        let mut state = Story::of(&plan(items)).state;
        state.legs[0].outcome = Some(LegOutcome::Unfilled(Reason::WindowOver));
        for leg in state.legs.iter_mut().skip(1) {
            leg.outcome = Some(LegOutcome::Skipped(Reason::SellsIncomplete));
        }
        classify(&state).code.unwrap()
    };
    assert_eq!(code("EXIT A 600; BUY B 900"), "SELLS_INCOMPLETE");
    assert_eq!(code("EXIT A 500; BUY B 900"), "NO_LEG_FILLED");
    assert_eq!(code("EXIT A 600"), "NO_LEG_FILLED");
}
