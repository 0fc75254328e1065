//! Many orders: a buy and a sell at each of many arrivals, the same ones for every policy.

use std::thread;

use alchemiser_core::side::Side;
use alchemiser_market::chance::Chance;

use crate::{
    leg::{Habits, Worked, work},
    tape::{MILLI, Nanos, Tape},
};

/// Where orders arrive, and how large they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrivals {
    /// Arrivals a day; a buy and a sell at each.
    pub count: usize,
    /// Dollars of an order; it is rounded down to whole shares, at least one.
    pub dollars: u64,
    /// Seconds after 09:30 of the first arrival that may be.
    pub from_s: Nanos,
    /// And of the last one.
    pub to_s: Nanos,
    /// The seed of their times.
    pub seed: u64,
}

/// The times of a day's arrivals, ascending: one at a random moment of each of as many equal parts of the time. Drawn
/// from the whole of it, they would crowd by chance, and the table would say what the crowded minutes cost.
fn times(tape: &Tape, arrivals: &Arrivals) -> Vec<Nanos> {
    let subject = format!("{}/{}", tape.symbol, tape.day);
    let mut chance = Chance::of(arrivals.seed, "arrivals", &subject);
    let millis = |seconds: Nanos| u64::try_from(seconds).unwrap_or_default() * 1_000;
    let (from, to) = (millis(arrivals.from_s), millis(arrivals.to_s));
    let count = u64::try_from(arrivals.count).unwrap_or(u64::MAX);
    let part = |number: u64| from + (to - from) * number / count.max(1);
    let mut time = |number: u64| {
        let millis = chance.between(part(number), part(number + 1).saturating_sub(1));
        tape.opens_at + Nanos::try_from(millis).unwrap_or_default() * MILLI
    };
    (0..count).map(&mut time).collect()
}

/// What became of every order: of each tape, each arrival, buy before sell. An arrival without a usable quote is `None`.
/// The same seed gives the same answer, however many threads there are.
pub fn run(
    tapes: &[Tape],
    habits: &Habits,
    arrivals: &Arrivals,
    threads: usize,
) -> Vec<Option<Worked>> {
    let orders = tapes.iter().flat_map(|tape| {
        times(tape, arrivals)
            .into_iter()
            .flat_map(move |at| [(tape, Side::Buy, at), (tape, Side::Sell, at)])
    });
    let orders: Vec<(&Tape, Side, Nanos)> = orders.collect();
    let part = orders.len().div_ceil(threads.max(1)).max(1);
    let one = |(tape, side, at): &(&Tape, Side, Nanos)| {
        let shares = shares(tape, *at, arrivals.dollars)?;
        work(habits, tape, (*side, shares), *at)
    };
    thread::scope(|scope| {
        let parts: Vec<_> = orders
            .chunks(part)
            .map(|chunk| scope.spawn(move || chunk.iter().map(one).collect::<Vec<_>>()))
            .collect();
        // A part that panicked has no answer; none is made up.
        parts.into_iter().flat_map(|part| part.join().unwrap_or_default()).collect()
    })
}

/// Whole shares for so many dollars at the mid.
fn shares(tape: &Tape, at: Nanos, dollars: u64) -> Option<u64> {
    let mid_twice = u64::try_from(tape.at(at)?.mid_twice()).ok().filter(|mid| *mid > 0)?;
    Some((dollars * 20_000 / mid_twice).max(1))
}
