//! A line for each leg while it is worked: live ones on a terminal, plain ones elsewhere. On a terminal the prices of the leg
//! that acted last stand below them.

use std::{
    collections::BTreeMap,
    io::IsTerminal,
    sync::{Arc, Mutex, PoisonError},
};

use alchemiser_core::{
    execution::Execution,
    fact::{Fact, FactKind},
    ids::Symbol,
    leg::{Leg, LegOutcome},
    price::Price,
    quote::{RawQuote, Snapshot},
};
use alchemiser_driver::ports::{MarketData, ReadError, Watcher};
use async_trait::async_trait;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::{
    ladder::Ladder,
    table::{self, plain, price},
};

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

#[derive(Debug, Default)]
pub(crate) struct Live {
    lines: MultiProgress,
    legs: BTreeMap<Symbol, ProgressBar>,
    rung: Rung,
    /// The line of the ladder, below the legs.
    below: Option<ProgressBar>,
}

/// The leg whose prices are shown: the one that acted last, while it has an order.
#[derive(Debug, Default)]
struct Rung {
    leg: Option<Symbol>,
    order: Option<Decimal>,
    filled: Option<Decimal>,
    /// Bid and ask as they were last seen, by symbol.
    touches: BTreeMap<Symbol, (Decimal, Decimal)>,
}

impl Rung {
    /// Takes in what was recorded of a leg.
    fn recorded(&mut self, leg: &Leg) {
        let live = leg.live().map(|child| child.terms.limit.dollars());
        let is_shown = self.leg.as_ref() == Some(leg.symbol());
        if live.is_some() || is_shown {
            self.leg = Some(leg.symbol().clone()).filter(|_| leg.outcome.is_none());
            self.order = live;
            self.filled = leg.average_price().map(Price::dollars);
        }
    }

    fn quoted(&mut self, symbol: &Symbol, (bid, ask): (Price, Price)) {
        self.touches.insert(symbol.clone(), (bid.dollars(), ask.dollars()));
    }

    /// The ladder; empty where no leg has an order, or its quote was not seen yet.
    fn line(&self) -> String {
        let touch = |symbol: &Symbol| Some((symbol.clone(), *self.touches.get(symbol)?));
        self.leg.as_ref().and_then(touch).map_or_else(String::new, |(symbol, (bid, ask))| {
            let ladder = Ladder { bid, ask, order: self.order, filled: self.filled };
            format!("{symbol:4} {}", ladder.line())
        })
    }
}

/// Market data that are shown while they are read.
#[derive(Debug)]
struct Watched {
    market: Arc<dyn MarketData>,
    progress: Arc<Progress>,
}

/// The market data, with the quotes shown on the way if somebody looks.
pub(crate) fn watched(
    market: Arc<dyn MarketData>,
    progress: &Arc<Progress>,
) -> Arc<dyn MarketData> {
    match progress.as_ref() {
        Progress::Hidden | Progress::Lines => market,
        Progress::Live(_) => Arc::new(Watched { market, progress: progress.clone() }),
    }
}

#[async_trait]
impl MarketData for Watched {
    async fn snapshots(&self, symbols: &[Symbol]) -> Result<BTreeMap<Symbol, Snapshot>, ReadError> {
        let found = self.market.snapshots(symbols).await?;
        let quotes = found.iter().filter_map(|(symbol, seen)| Some((symbol, seen.quote.as_ref()?)));
        self.progress.quoted(quotes);
        Ok(found)
    }

    fn streamed(&self, symbols: &[Symbol]) -> BTreeMap<Symbol, RawQuote> {
        let found = self.market.streamed(symbols);
        self.progress.quoted(found.iter());
        found
    }
}

impl Progress {
    pub(crate) fn new(json: bool) -> Self {
        if json {
            Self::Hidden
        } else if std::io::stderr().is_terminal() {
            Self::Live(Mutex::new(Live::default()))
        } else {
            Self::Lines
        }
    }
}

impl Progress {
    /// Shows what was quoted.
    fn quoted<'a>(&self, quotes: impl Iterator<Item = (&'a Symbol, &'a RawQuote)>) {
        let Self::Live(live) = self else { return };
        let mut live = live.lock().unwrap_or_else(PoisonError::into_inner);
        for (symbol, quote) in quotes {
            if let (Some(bid), Some(ask)) = (quote.bid, quote.ask) {
                live.rung.quoted(symbol, (bid.price, ask.price));
            }
        }
        live.show_ladder();
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
            price(average.dollars())
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
            let limit = price(child.terms.limit.dollars());
            format!("order {}: {} at {limit}", child.attempt, child.purpose.word())
        }
        (None, None) => "waiting".to_owned(),
    };
    format!("{head} {stage:28} {filled}")
}

/// Columns below which a leg's line says the least.
const NARROW: u16 = 72;

/// A leg in 40 columns.
fn short_line(leg: &Leg) -> String {
    let head = format!("{:4} {:5}", leg.side.action(), leg.symbol());
    let filled = leg
        .average_price()
        .map(|average| (plain(leg.filled().shares().round_dp(2)), price(average.dollars())))
        .map(|(filled, average)| format!(" {filled}@{average}"));
    let stage = match (leg.outcome, leg.live()) {
        (Some(outcome), _) => outcome.word().to_owned(),
        (None, Some(child)) => {
            let limit = price(child.terms.limit.dollars());
            format!("#{} {} {limit}", child.attempt, child.purpose.word())
        }
        (None, None) => "waiting".to_owned(),
    };
    format!("{head} {stage}{}", filled.unwrap_or_default())
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
                        let line =
                            format!("{}  {}", clock(state, fact.at), leg_line(leg).trim_end());
                        eprintln!("{}", table::flowed_error(&line));
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
            self.rung.recorded(leg);
            let (lines, below) = (&self.lines, &self.below);
            let bar = self.legs.entry(leg.symbol().clone()).or_insert_with(|| match below {
                Some(below) => lines.insert_before(below, bar()),
                None => lines.add(bar()),
            });
            let is_narrow = console::Term::stderr().size().1 < NARROW;
            let line = if is_narrow {
                short_line(leg)
            } else {
                format!("{}  {}", clock(state, fact.at), leg_line(leg))
            };
            if leg.outcome.is_some() {
                bar.finish_with_message(line);
            } else {
                bar.set_message(line);
            }
        }
        self.show_ladder();
    }

    fn show_ladder(&mut self) {
        let line = self.rung.line();
        match &self.below {
            Some(below) if line.is_empty() => {
                below.finish_and_clear();
                self.below = None;
            }
            Some(below) => below.set_message(line),
            None if line.is_empty() => {}
            None => {
                let below = self.lines.add(bar());
                below.set_message(line);
                self.below = Some(below);
            }
        }
    }
}

/// A line that is cut at the terminal's edge.
fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{wide_msg}");
    ProgressBar::new(1).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
