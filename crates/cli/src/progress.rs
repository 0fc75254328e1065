//! A line for each leg while it is worked: live ones on a terminal, plain ones elsewhere.

use std::{
    collections::BTreeMap,
    io::IsTerminal,
    sync::{Mutex, PoisonError},
};

use alchemiser_core::{
    execution::Execution,
    fact::{Fact, FactKind},
    ids::Symbol,
    leg::{Leg, LegOutcome},
};
use alchemiser_driver::ports::Watcher;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use jiff::Timestamp;

use crate::table::plain;

/// Shows progress on standard error.
#[derive(Debug)]
pub(crate) enum Progress {
    /// Nothing is shown.
    Hidden,
    /// A plain line for each event of a leg.
    Lines,
    /// A live line for each leg.
    Live(Mutex<Live>),
}

#[derive(Debug)]
pub(crate) struct Live {
    lines: MultiProgress,
    legs: BTreeMap<Symbol, ProgressBar>,
}

impl Progress {
    pub(crate) fn new(json: bool) -> Self {
        if json {
            Self::Hidden
        } else if std::io::stderr().is_terminal() {
            Self::Live(Mutex::new(Live { lines: MultiProgress::new(), legs: BTreeMap::new() }))
        } else {
            Self::Lines
        }
    }
}

/// Minutes and seconds since the plan was received.
fn clock(state: &Execution, at: Timestamp) -> String {
    let millis = at.duration_since(state.plan.received_at).as_millis().max(0);
    format!(
        "{:02}:{:04.1}",
        millis / 60_000,
        rust_decimal::Decimal::new(i64::try_from(millis % 60_000).unwrap_or(0), 3)
    )
}

fn leg_line(leg: &Leg) -> String {
    let head = format!("{:4} {:6}", leg.side.action(), leg.symbol());
    let filled = match leg.average_price() {
        Some(average) => format!(
            "{} of {} at {}",
            plain(leg.filled().shares()),
            plain(leg.leaves().plus(leg.filled()).shares()),
            average
        ),
        None => "nothing filled".to_owned(),
    };
    let stage = match (leg.outcome, leg.live()) {
        (Some(LegOutcome::Filled), _) => format!("filled, orders: {}", leg.children.len()),
        (Some(outcome), _) => {
            format!(
                "{} {}",
                outcome.word(),
                outcome.reason().map_or("", alchemiser_core::leg::Reason::code)
            )
        }
        (None, Some(child)) => {
            format!("order {}: {} at {}", child.attempt, child.purpose.word(), child.terms.limit)
        }
        (None, None) => "waiting".to_owned(),
    };
    format!("{head} {stage:28} {filled}")
}

/// Whether a fact is worth a plain line, and of which leg.
fn told(fact: &FactKind) -> Option<&Symbol> {
    match fact {
        FactKind::Intent(intent) => Some(&intent.terms.symbol),
        FactKind::LegFinished(symbol, ..) => Some(symbol),
        _ => None,
    }
}

impl Watcher for Progress {
    fn committed(&self, state: &Execution, facts: &[Fact]) {
        match self {
            Self::Hidden => {}
            Self::Lines => {
                for fact in facts {
                    if let FactKind::PhaseChanged(phase) = &fact.kind {
                        eprintln!("{}  -- {}", clock(state, fact.at), phase.word());
                    }
                    if let Some(leg) = told(&fact.kind).and_then(|symbol| state.leg(symbol)) {
                        eprintln!("{}  {}", clock(state, fact.at), leg_line(leg).trim_end());
                    }
                }
            }
            Self::Live(live) => {
                live.lock().unwrap_or_else(PoisonError::into_inner).show(state, facts);
            }
        }
    }
}

impl Live {
    fn show(&mut self, state: &Execution, facts: &[Fact]) {
        for fact in facts {
            let symbol = match &fact.kind {
                FactKind::Reported(symbol, ..) => Some(symbol),
                other => told(other),
            };
            let Some(leg) = symbol.and_then(|symbol| state.leg(symbol)) else { continue };
            let bar = self.legs.entry(leg.symbol().clone()).or_insert_with(|| {
                let style = ProgressStyle::with_template("{wide_msg}")
                    .unwrap_or_else(|_| ProgressStyle::default_bar());
                self.lines.add(ProgressBar::new(1).with_style(style))
            });
            let line = format!("{}  {}", clock(state, fact.at), leg_line(leg));
            if leg.outcome.is_some() {
                bar.finish_with_message(line);
            } else {
                bar.set_message(line);
            }
        }
    }
}
