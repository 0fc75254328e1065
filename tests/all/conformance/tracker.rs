//! `tracker.jsonl`: chains of orders, their prices and their fills.

use std::collections::BTreeMap;

use alchemiser_core::{leg::Leg, price::Price, quantity::Quantity, report::BrokerStatus};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde_json::Value;

use super::{
    Case, Comparison, Deviation, Judge,
    book::{number, price},
    order,
};

pub(crate) const JUDGE: Judge = Judge { file: "tracker", compare, rule };

const START: &str = "2025-10-10T14:30:00Z";

/// What is known of one id: orders, fills, prices.
#[derive(Debug, Default, PartialEq)]
struct Known {
    tracked: bool,
    target: Option<Decimal>,
    repegs: usize,
    placed_at: Option<Timestamp>,
    prices: Vec<Decimal>,
    filled: Decimal,
    remaining: Decimal,
}

fn theirs(state: &Value) -> Known {
    Known {
        tracked: state["tracked"].as_bool().unwrap(),
        target: number(&state["request_quantity"]),
        repegs: usize::try_from(state["repeg_count"].as_u64().unwrap()).unwrap(),
        placed_at: state["placement_time"].as_str().map(|time| time.parse().unwrap()),
        prices: state["price_history"].as_array().unwrap().iter().filter_map(number).collect(),
        filled: number(&state["filled"]).unwrap(),
        remaining: number(&state["remaining"]).unwrap(),
    }
}

fn ours(leg: Option<&Leg>) -> Known {
    let Some(leg) = leg else { return Known::default() };
    Known {
        tracked: true,
        target: leg.sized.map(|sized| sized.target.shares()),
        repegs: leg.children.len() - 1,
        placed_at: leg.children.last().map(|child| child.intended_at),
        prices: leg.used().into_iter().map(Price::dollars).collect(),
        filled: leg.filled().shares(),
        remaining: leg.leaves().shares(),
    }
}

fn word<'a>(op: &'a Value, name: &str) -> &'a str {
    op[name].as_str().unwrap()
}

fn at(op: &Value) -> Timestamp {
    let start: Timestamp = START.parse().unwrap();
    start.checked_add(SignedDuration::from_secs(op["t"].as_i64().unwrap())).unwrap()
}

/// One operation on our legs; a number that cannot be built changes nothing.
fn play(legs: &mut BTreeMap<String, Leg>, op: &Value) {
    match word(op, "op") {
        "add" => {
            let mut leg = order::leg(Quantity::new(number(&op["qty"]).unwrap()).unwrap());
            order::send(&mut leg, price(&op["price"]).unwrap(), at(op));
            legs.insert(word(op, "id").to_owned(), leg);
        }
        "update" => {
            if let Some(mut leg) = legs.remove(word(op, "old")) {
                order::repeg(&mut leg, price(&op["price"]).unwrap(), at(op));
                legs.insert(word(op, "new").to_owned(), leg);
            }
        }
        "fill" => {
            let filled = Quantity::new(number(&op["filled"]).unwrap());
            if let (Some(leg), Ok(filled)) = (legs.get_mut(word(op, "id")), filled) {
                order::report(leg, BrokerStatus::PartiallyFilled, filled);
            }
        }
        "remove" => {
            legs.remove(word(op, "id"));
        }
        "clear" => legs.clear(),
        other => panic!("no operation {other}"),
    }
}

/// What the operations so far say of an id, by counting: fills of the orders before the newest, and of the newest.
#[derive(Clone, Copy, Default)]
struct Counted {
    before: Decimal,
    newest: Decimal,
    /// A fill came where theirs overwrites: after fills of earlier orders, or below what the order had filled already.
    overwritten: bool,
    /// A fill was a number below zero.
    negative: bool,
}

impl Counted {
    fn fill(&mut self, filled: Decimal) {
        self.negative |= filled < Decimal::ZERO;
        self.overwritten |= self.before > Decimal::ZERO || filled < self.newest;
        self.newest = self.newest.max(filled);
    }

    /// The field under which the fills are compared: the rule sees no more.
    fn field(self) -> &'static str {
        match (self.negative, self.overwritten) {
            (true, _) => "fills below zero",
            (false, true) => "fills overwritten",
            (false, false) => "fills",
        }
    }
}

fn count<'a>(counted: &mut BTreeMap<&'a str, Counted>, op: &'a Value) {
    match word(op, "op") {
        "add" => {
            counted.insert(word(op, "id"), Counted::default());
        }
        "update" => {
            if let Some(old) = counted.remove(word(op, "old")) {
                let before = old.before + old.newest;
                counted.insert(word(op, "new"), Counted { before, newest: Decimal::ZERO, ..old });
            }
        }
        "fill" => {
            if let Some(counted) = counted.get_mut(word(op, "id")) {
                counted.fill(number(&op["filled"]).unwrap());
            }
        }
        "remove" => {
            counted.remove(word(op, "id"));
        }
        _ => counted.clear(),
    }
}

fn compare(case: &Case) -> Comparison {
    let ops = case.input["ops"].as_array().unwrap();
    let states = case.theirs.as_ref().unwrap()["states"].as_array().unwrap();
    assert_eq!(ops.len(), states.len());
    let (mut legs, mut counted) = (BTreeMap::new(), BTreeMap::new());
    let mut comparison = Comparison::default();
    for (op, state) in ops.iter().zip(states) {
        play(&mut legs, op);
        count(&mut counted, op);
        let active: Vec<&str> =
            state["active"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        comparison = comparison.field("active", active, legs.keys().map(String::as_str).collect());
        for (id, state) in state["orders"].as_object().unwrap() {
            let (theirs, ours) = (theirs(state), ours(legs.get(id)));
            let fills = |known: &Known| (known.filled, known.remaining);
            let counted = counted.get(id.as_str()).copied().unwrap_or_default();
            comparison = comparison
                .field(counted.field(), fills(&theirs), fills(&ours))
                // What ours must say where it says something else; no deviation excuses it.
                .must("summed", counted.before + counted.newest, ours.filled);
            let (filled, remaining) = fills(&theirs);
            comparison = comparison.field("order", theirs, Known { filled, remaining, ..ours });
        }
    }
    comparison
}

fn rule(_: &str, _: &Value, field: &str) -> Option<Deviation> {
    match field {
        "fills below zero" => Some(Deviation::D14),
        "fills overwritten" => Some(Deviation::D9),
        _ => None,
    }
}
