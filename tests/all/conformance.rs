//! The golden vectors of the original module, case by case against ours.
//!
//! Every case is compared, field by field. A difference is accepted only through a [`Deviation`] that the file's rule names
//! from the case's *input*; the rule sees neither the id nor what anybody answered. A difference without a rule fails, and
//! so does a rule without a difference: none is wider than it must be. What ours must come to where it differs is worked out
//! from the same input ([`design`], [`Comparison::must`]), and no rule excuses that. Not compared are fields without a counterpart: echoes of the input, sentences, success rates, poll
//! intervals, REST calls, event texts, names of objects in their bucket.
//!
//! The vectors lie in `../shared/vectors` (or in `ALCHEMISER_VECTORS`); where they are absent the tests say so.

mod book;
mod broker_traces;
mod design;
mod eventbridge;
mod handler;
mod ledger;
mod liquidity;
mod order;
mod original;
mod pricing;
mod quotes;
mod repeg;
mod schema;
mod status;
mod tracker;
mod utils;
mod validator;

use std::{collections::BTreeMap, env, fs, path::PathBuf};

use alchemiser_core::policy::PolicyKind;
use broker_traces::By;
use serde_json::Value;

/// Why ours answers otherwise: D1 to D14 are the vectors' own list, E1 is not on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Deviation {
    /// A passive price never reaches the far touch; the original prices large orders at and beyond it.
    D1,
    /// Nothing rests in a locked market, and no adjustment makes an order less aggressive than it was.
    D2,
    /// What is no quote is not traded on: a side that is zero, negative or below a cent, a spread above a tenth of the ask,
    /// a reading that is too old; and, of two quotes of which neither is one, the lesser evil (domain §2, S4).
    D3,
    /// A crossed quote is neither scored nor traded on; the assumed score is 50 of 100.
    D4,
    /// Ticks by symbol, rounding by intent, no float.
    D5,
    /// The price history is checked after rounding; never the same price again.
    D6,
    /// The last re-peg's step through the far touch is a step from the far touch, not from anywhere beyond it.
    D7,
    /// The last step of `repegs_max` is the escalation.
    D8,
    /// Cumulative fills are summed over a leg's orders.
    D9,
    /// Exact quantities; what is unknown is refused.
    D10,
    /// Filled shares count, not asked ones; a part is not the whole.
    D11,
    /// Weights are recorded as given.
    D12,
    /// Sources, causes and counts of the events.
    D13,
    /// One side refuses what the other takes, compared by class. The original refuses by raising, or by failing a workflow
    /// of which it placed nothing although nothing was to be placed (domain §1: only holds; §7: what is too small is
    /// done); ours by a code, or by a type that cannot be built.
    D14,
    /// Not on the list. An order that somebody else's hand replaced is over, and its leg stops (architecture, "Orders,
    /// exactly once", 5; domain §4, whose statuses decide over the vectors); the original goes on waiting for it.
    E1,
}

/// One line of a file.
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) function: String,
    pub(crate) input: Value,
    /// What the original answered; `None` when it raised.
    pub(crate) theirs: Option<Value>,
}

/// A field in which ours and theirs differ.
pub(crate) struct Difference {
    field: &'static str,
    theirs: String,
    ours: String,
}

/// The comparison of one case.
#[derive(Default)]
pub(crate) struct Comparison {
    differences: Vec<Difference>,
    same: Vec<&'static str>,
    /// What no rule excuses.
    wrong: Vec<Difference>,
}

impl Comparison {
    /// Notes a field; both sides are printed when they differ.
    #[expect(clippy::needless_pass_by_value, reason = "a comparison reads as a table of values")]
    pub(crate) fn field<T: PartialEq + std::fmt::Debug>(
        mut self,
        field: &'static str,
        theirs: T,
        ours: T,
    ) -> Self {
        if theirs == ours {
            self.same.push(field);
        } else {
            let (theirs, ours) = (format!("{theirs:?}"), format!("{ours:?}"));
            self.differences.push(Difference { field, theirs, ours });
        }
        self
    }

    /// Holds a value to what it must be, whatever a rule excuses.
    #[expect(clippy::needless_pass_by_value, reason = "a comparison reads as a table of values")]
    pub(crate) fn must<T: PartialEq + std::fmt::Debug>(
        mut self,
        field: &'static str,
        expected: T,
        found: T,
    ) -> Self {
        if expected != found {
            let (theirs, ours) = (format!("{expected:?}"), format!("{found:?}"));
            self.wrong.push(Difference { field, theirs, ours });
        }
        self
    }

    /// Notes a number that is a float there and exact here.
    pub(crate) fn float(self, field: &'static str, theirs: Option<f64>, ours: Option<f64>) -> Self {
        let near = |a: f64, b: f64| (a - b).abs() <= 1e-9 * a.abs().max(1.0);
        match (theirs, ours) {
            (Some(theirs), Some(ours)) if near(theirs, ours) => self.field(field, ours, ours),
            (theirs, ours) => self.field(field, theirs, ours),
        }
    }
}

/// A file's judge: how a case is compared, and which deviation its input explains for a field.
pub(crate) struct Judge {
    pub(crate) file: &'static str,
    pub(crate) compare: fn(&Case) -> Comparison,
    pub(crate) rule: fn(&str, &Value, &str) -> Option<Deviation>,
}

fn vectors() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/vectors");
    let dir =
        env::var_os("ALCHEMISER_VECTORS").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    dir.is_dir().then_some(dir)
}

/// A file's lines; `None` where the vectors are absent.
fn lines(file: &str) -> Option<Vec<Value>> {
    let Some(dir) = vectors() else {
        println!("skipped: ../shared absent");
        return None;
    };
    let text = fs::read_to_string(dir.join(format!("{file}.jsonl"))).unwrap();
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

fn cases(file: &str) -> Option<Vec<Case>> {
    let case = |mut line: Value| {
        let word = |value: &Value| value.as_str().unwrap().to_owned();
        Case {
            id: word(&line["id"]),
            function: word(&line["fn"]),
            theirs: line.get_mut("out").map(Value::take),
            input: line["in"].take(),
        }
    };
    Some(lines(file)?.into_iter().map(case).collect())
}

fn explain(case: &Case, difference: &Difference) -> String {
    let Case { id, function, input, .. } = case;
    let Difference { field, theirs, ours } = difference;
    format!("{id} {function}: {field} is {theirs} there and {ours} here, for {input}")
}

/// Compares every case of a file, prints the counts, and fails on what no rule explains, and on what one explains in vain.
pub(crate) fn conforms(judge: &Judge) {
    let Some(cases) = cases(judge.file) else { return };
    let mut counts: BTreeMap<Deviation, usize> = BTreeMap::new();
    let mut fields: BTreeMap<(&str, Deviation), usize> = BTreeMap::new();
    let mut idle = Vec::new();
    let (mut equal, mut unexplained) = (0, Vec::new());
    for case in &cases {
        let Comparison { differences, same, wrong } = (judge.compare)(case);
        unexplained.extend(wrong.iter().map(|difference| explain(case, difference)));
        for field in same {
            if let Some(deviation) = (judge.rule)(&case.function, &case.input, field) {
                idle.push(format!("{} {}: {field} by {deviation:?}", case.id, case.function));
            }
        }
        equal += usize::from(differences.is_empty());
        let mut named: Vec<Deviation> = Vec::new();
        for difference in differences {
            match (judge.rule)(&case.function, &case.input, difference.field) {
                Some(deviation) => {
                    *fields.entry((difference.field, deviation)).or_default() += 1;
                    named.push(deviation);
                }
                None => unexplained.push(explain(case, &difference)),
            }
        }
        named.sort();
        named.dedup();
        for deviation in named {
            *counts.entry(deviation).or_default() += 1;
        }
    }
    let (file, all) = (judge.file, cases.len());
    println!("{file}, differences by field: {fields:?}");
    println!("{file}: {all} cases, {equal} equal, {counts:?}");
    none(judge.file, "differences that no rule explains", &unexplained);
    none(judge.file, "fields that a rule excuses and that do not differ", &idle);
}

/// Panics with what was found, at most so much of it as can be read.
fn none(file: &str, what: &str, found: &[String]) {
    let shown: Vec<&str> = found.iter().take(25).map(String::as_str).collect();
    assert!(found.is_empty(), "{file}: {} {what}\n{}", found.len(), shown.join("\n"));
}

/// S2: opening limits and what is said of the book.
#[test]
fn pricing_conforms() {
    conforms(&pricing::JUDGE);
}

/// S2: the analysis of a book, its strategy words and its shortages.
#[test]
fn liquidity_conforms() {
    conforms(&liquidity::JUDGE);
}

/// S5: the prices of re-pegs.
#[test]
fn repeg_conforms() {
    conforms(&repeg::JUDGE);
}

/// S5, S7: waiting, re-pegging, escalating, and remainders.
#[test]
fn utils_conform() {
    conforms(&utils::JUDGE);
}

/// S4: which quotes are traded on, and which of two.
#[test]
fn quotes_conform() {
    conforms(&quotes::JUDGE);
}

/// X15, L5: what may be ordered, and how many shares.
#[test]
fn validator_conforms() {
    conforms(&validator::JUDGE);
}

/// X7, L1: how a run is classified, and what a last reading of an order says.
#[test]
fn status_conforms() {
    conforms(&status::JUDGE);
}

/// H1, H6: which plans are taken, and as what.
#[test]
fn schema_parse_conforms() {
    conforms(&schema::JUDGE);
}

/// T1, T2, T4: one order's chain of prices and fills.
#[test]
fn tracker_conforms() {
    conforms(&tracker::JUDGE);
}

/// X6, L10: what the ledger says of an order.
#[test]
fn ledger_conforms() {
    conforms(&ledger::JUDGE);
}

/// H1, H9: what goes onto the bus, and how it is taken off it.
#[test]
fn eventbridge_conforms() {
    conforms(&eventbridge::JUDGE);
}

/// H1, H3, H4, H5, H6, H7: which events end a run, what they count, and that none is lost or contradicted.
#[test]
fn handler_events_conform() {
    conforms(&handler::JUDGE);
}

/// S6, S11, X9, T4, L4, L6, L8: the original's 46 scenarios, under the policy that the product ships.
#[test]
fn broker_traces_conform_under_adaptive() {
    broker_traces::are_beaten(PolicyKind::Adaptive, By::Call);
}

/// S6, S11, X9, T4, L4, L6, L8: the same under the policy that has the original's waits and re-pegs.
#[test]
fn broker_traces_conform_under_liquidity() {
    broker_traces::are_beaten(PolicyKind::Liquidity, By::Call);
}

/// S14, L6, L8, X2: the 46 scenarios over HTTP, through the adapter, under the policy that the product ships.
#[test]
fn broker_traces_conform_over_http_under_adaptive() {
    broker_traces::are_beaten(PolicyKind::Adaptive, By::Http);
}

/// S14, L6, L8, X2: the same under the policy that has the original's waits and re-pegs.
#[test]
fn broker_traces_conform_over_http_under_liquidity() {
    broker_traces::are_beaten(PolicyKind::Liquidity, By::Http);
}
