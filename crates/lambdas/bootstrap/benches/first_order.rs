//! How long it takes from a plan on the bus to its first order at the exchange, when all functions are warm: on the host,
//! with the real functions as processes, over HTTP, the log on this machine's disk.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a benchmark that cannot be set up is no benchmark"
)]
#![allow(dead_code, reason = "of the rig of the tests a part is used")]

#[path = "../tests/host/venue.rs"]
mod venue;
#[path = "../tests/host/world.rs"]
mod world;

use std::sync::Arc;

use jiff::Timestamp;

use crate::{
    venue::Venue,
    world::{Given, completed, put, runtime, small},
};

/// The first one finds everything cold.
const PLANS: [&str; 21] = [
    "p-00", "p-01", "p-02", "p-03", "p-04", "p-05", "p-06", "p-07", "p-08", "p-09", "p-10", "p-11",
    "p-12", "p-13", "p-14", "p-15", "p-16", "p-17", "p-18", "p-19", "p-20",
];

/// A little of much, so that each plan can be traded after the others.
const ITEMS: [(&str, i64, i64); 4] =
    [("SPY", 2_000, 1_950), ("QQQ", 2_000, 1_950), ("BND", 0, 40), ("VTI", 0, 40)];

/// So many that no plan waits for requests that the one before it has used up.
const REQUESTS_A_MINUTE: u32 = 10_000;

fn main() {
    let mut times = runtime().block_on(async {
        let venue = Arc::new(Venue::limited(7, 1, Some(REQUESTS_A_MINUTE)).await);
        let stack = Given::default().begin(&venue, 0).await;
        let mut times = Vec::new();
        for plan in &PLANS {
            let (sent, at) = (venue.orders(0).len(), Timestamp::now());
            put(&stack.host, small(plan, &ITEMS)).await;
            completed(&stack.host, std::slice::from_ref(plan)).await;
            let first = venue.orders(0)[sent].times.created;
            times.push(first.duration_since(at).as_secs_f64() * 1e3);
        }
        assert!(stack.end().await.1.is_empty());
        times
    });
    println!("from the event to the first order, cold: {:.0} ms", times.remove(0));
    times.sort_by(f64::total_cmp);
    let at = |part: usize| times[(times.len() - 1) * part / 100];
    println!(
        "warm, {} plans: p50 {:.0} ms, p90 {:.0} ms, most {:.0} ms (goal: 150 ms)",
        times.len(),
        at(50),
        at(90),
        at(100)
    );
}
