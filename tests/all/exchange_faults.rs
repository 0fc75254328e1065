//! Everything that goes wrong at the simulated broker can go wrong at the HTTP exchange.

use std::collections::BTreeSet;

use alchemiser_exchange::fault::{Fault as Exchange, Reason};
use alchemiser_sim::fault::Fault as World;

/// How the exchange has a class of the world; `None` for classes that are not the broker's.
fn at_the_exchange(fault: World) -> Option<&'static str> {
    Some(match fault.word() {
        "broker lost request" => "lost_request",
        "broker lost answer" => "lost_answer",
        "broker late landing" => "late_landing",
        "broker 5xx" => "server_error",
        "broker 429" => "too_many_requests",
        "duplicate id 40010001" | "duplicate id 42210000" => "duplicate_id",
        "refused price" | "refused funds" | "refused wash" | "refused halt" => "refused",
        "partial fill" => "partial_fill",
        "cancel race" => "cancel_race",
        "cancel ignored" => "cancel_ignored",
        "orders stale" => "orders_stale",
        "orders missing" => "orders_missing",
        "orders duplicated" => "orders_duplicated",
        "orders reordered" => "orders_reordered",
        "filled without price" => "no_price",
        "buying power lag" => "funds_lag",
        "quote stale" => "quote_stale",
        "quote crossed" => "quote_crossed",
        "quote zero" => "quote_zero",
        "quote missing" => "quote_missing",
        "symbol halt" => "symbol_halt",
        _ => return None,
    })
}

/// Classes of the world that are not the broker's: of events, processes, the store, clocks and people. The early close
/// is a control request of the exchange (`close`).
const ELSEWHERE: [&str; 7] = ["event ", "store ", "publish ", "crash ", "two ", "older ", "disk "];
const ELSEWHERE_WHOLE: [&str; 10] = [
    "freeze",
    "zombie",
    "hard timeout",
    "hand over",
    "init failure",
    "torn local write",
    "clock jump",
    "account halt",
    "early close",
    "partial PutEvents failure",
];

#[test]
fn every_fault_of_the_simulated_broker_is_one_of_the_exchange() {
    let words: BTreeSet<&str> = Exchange::ALL.into_iter().map(Exchange::word).collect();
    for fault in World::ALL {
        let word = fault.word();
        let is_elsewhere =
            ELSEWHERE.iter().any(|head| word.starts_with(head)) || ELSEWHERE_WHOLE.contains(&word);
        match at_the_exchange(fault) {
            Some(found) => assert!(words.contains(found), "{word}: no {found}"),
            None => assert!(is_elsewhere, "{word} has no counterpart at the exchange"),
        }
    }
    assert!(Reason::ALL.len() >= 4);
}
