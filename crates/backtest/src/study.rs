//! Many orders: a buy and a sell at each of many arrivals, the same ones for every policy.

use std::thread;

use alchemiser_core::side::Side;
use alchemiser_market::chance::Chance;

use crate::{
    calls::Calls,
    leg::{Habits, Leg, Worked, work},
    tape::{MILLI, Nanos, SECOND, Tape},
};

/// No plan's view remembers quotes for longer.
const WATCHED_MAX: Nanos = 300 * SECOND;

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
    /// Which orders have to do with each other.
    pub together: Together,
}

/// Which orders have to do with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Together {
    /// None: each is alone.
    Alone,
    /// So many of one side begin at once, each at its own arrival, and share one message budget.
    Legs(usize),
    /// The buy of an arrival begins when its sell is done, as in a plan whose sells pay for its buys. Its cost and its time
    /// count from the arrival, and its symbol has been watched meanwhile.
    BuyAfterSell,
}

/// An order of a study: where it arrives, and on which side.
type Order<'a> = (&'a Tape, Side, Nanos);

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
    let orders: Vec<Order<'_>> = orders.collect();
    let plans = plans(&orders, arrivals.together);
    let part = plans.len().div_ceil(threads.max(1)).max(1);
    let one = |plan: &Vec<usize>| {
        let members: Vec<Order<'_>> = plan.iter().map(|number| orders[*number]).collect();
        let worked = plan_of(habits, &members, arrivals);
        plan.iter().copied().zip(worked).collect::<Vec<_>>()
    };
    let mut worked: Vec<Option<Worked>> = vec![None; orders.len()];
    thread::scope(|scope| {
        let parts: Vec<_> = plans
            .chunks(part)
            .map(|chunk| scope.spawn(move || chunk.iter().flat_map(one).collect::<Vec<_>>()))
            .collect();
        // A part that panicked has no answer; none is made up.
        for (number, order) in parts.into_iter().flat_map(|part| part.join().unwrap_or_default()) {
            worked[number] = order;
        }
    });
    worked
}

/// The numbers of the orders that have to do with each other. Those that begin together are of one side, as a plan's phase
/// is, and from moments far apart, as its symbols are.
fn plans(orders: &[Order<'_>], together: Together) -> Vec<Vec<usize>> {
    let legs = match together {
        Together::Alone => return (0..orders.len()).map(|number| vec![number]).collect(),
        Together::BuyAfterSell => {
            return (0..orders.len()).step_by(2).map(|buy| vec![buy, buy + 1]).collect();
        }
        Together::Legs(legs) => legs.max(1),
    };
    let of = |side: Side| (0..orders.len()).filter(move |number| orders[*number].1 == side);
    [Side::Buy, Side::Sell]
        .into_iter()
        .flat_map(|side| {
            let numbers: Vec<usize> = of(side).collect();
            let count = numbers.len().div_ceil(legs).max(1);
            let plan = |first: usize| numbers.iter().copied().skip(first).step_by(count).collect();
            (0..count).map(plan).collect::<Vec<Vec<usize>>>()
        })
        .filter(|plan| !plan.is_empty())
        .collect()
}

fn plan_of(habits: &Habits, orders: &[Order<'_>], arrivals: &Arrivals) -> Vec<Option<Worked>> {
    let alone = |(tape, side, at): &Order<'_>| {
        work(habits, tape, (*side, shares(tape, *at, arrivals.dollars)?), *at)
    };
    match (arrivals.together, orders) {
        (Together::Legs(_), _) => begun_together(habits, orders, arrivals.dollars),
        (Together::BuyAfterSell, [buy, sell]) => {
            let sold = alone(sell);
            let bought = sold.as_ref().and_then(|sold| after(sold, habits, buy, arrivals.dollars));
            vec![bought, sold]
        }
        (Together::Alone | Together::BuyAfterSell, orders) => orders.iter().map(alone).collect(),
    }
}

/// A buy that waits for a sell of the same arrival.
fn after(
    sold: &Worked,
    habits: &Habits,
    (tape, side, arrival): &Order<'_>,
    dollars: u64,
) -> Option<Worked> {
    let done = sold.fills.last()?.at;
    let habits = Habits { watched: (done - arrival).min(WATCHED_MAX), ..habits.clone() };
    let order = (*side, shares(tape, *arrival, dollars)?);
    let bought = work(&habits, tape, order, done)?;
    Some(Worked { arrival: *arrival, shown: sold.shown, ..bought })
}

/// Works orders that begin together. Time is counted from their arrivals; one look is at all of them, and costs a call.
fn begun_together(habits: &Habits, orders: &[Order<'_>], dollars: u64) -> Vec<Option<Worked>> {
    let order = |(tape, side, at): &Order<'_>| Some((*side, shares(tape, *at, dollars)?));
    let mut calls = Calls::bounded(&habits.calls);
    let mut legs: Vec<Option<Leg<'_>>> =
        orders.iter().map(|one| Leg::new(habits, one.0, order(one)?, one.2)).collect();
    let mut now = 0;
    loop {
        let live = legs.iter().flatten().filter(|leg| leg.is_live()).count();
        calls.poll(live, now);
        let mut wake = now + habits.cadence;
        let mut open = false;
        for (leg, (_, _, arrival)) in legs.iter_mut().zip(orders) {
            let looked = leg.as_mut().map(|leg| look(leg, arrival + now, &mut calls));
            match looked {
                None | Some(Some(Looked::Over)) => {}
                Some(None) => *leg = None,
                Some(Some(Looked::Next(next))) => {
                    open = true;
                    wake = wake.min(next - arrival);
                }
            }
        }
        if !open {
            break;
        }
        now = calls.paced(now, wake);
    }
    legs.into_iter().map(|leg| leg.map(Leg::worked)).collect()
}

/// What came of a look at one of several orders.
enum Looked {
    Over,
    /// When it should be looked at again, at the latest.
    Next(Nanos),
}

fn look(leg: &mut Leg<'_>, now: Nanos, calls: &mut Calls) -> Option<Looked> {
    if leg.is_over(now) {
        Some(Looked::Over)
    } else if leg.free_at() > now {
        Some(Looked::Next(leg.free_at()))
    } else {
        leg.look(now, calls).map(Looked::Next)
    }
}

/// Whole shares for so many dollars at the mid.
fn shares(tape: &Tape, at: Nanos, dollars: u64) -> Option<u64> {
    let mid_twice = u64::try_from(tape.at(at)?.mid_twice()).ok().filter(|mid| *mid > 0)?;
    Some((dollars * 20_000 / mid_twice).max(1))
}
