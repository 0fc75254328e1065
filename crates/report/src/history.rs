//! What happened when, from a log's facts: fills one by one, quotes as they were seen, what the broker was asked.

use std::collections::BTreeMap;

use alchemiser_core::{
    fact::{Fact, FactKind, Reported},
    ids::Symbol,
    price::Price,
    quantity::Quantity,
    quote::Quote,
};
use alchemiser_wire::tape::TapeLine;
use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::Logged;

/// Shares that an order got at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fill {
    pub(crate) attempt: u32,
    pub(crate) at: Timestamp,
    pub(crate) quantity: Quantity,
    /// Their price; `None` while the broker has not said it.
    pub(crate) price: Option<Decimal>,
}

/// Bid and ask at a moment, in dollars.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) at: Timestamp,
    pub(crate) bid: Decimal,
    pub(crate) ask: Decimal,
}

/// What is asked of the broker, as far as a log knows it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Calls {
    pub(crate) posts: usize,
    pub(crate) cancels: usize,
    pub(crate) lost: usize,
    pub(crate) not_found: usize,
    pub(crate) refused: usize,
}

/// A plan's history, by symbol.
#[derive(Debug, Default)]
pub(crate) struct History {
    fills: BTreeMap<Symbol, Vec<Fill>>,
    quotes: BTreeMap<Symbol, Vec<Seen>>,
    taped: BTreeMap<Symbol, usize>,
    pub(crate) calls: Calls,
}

impl History {
    pub(crate) fn of(logged: &Logged<'_>) -> Self {
        let mut history = Self::default();
        let mut known = BTreeMap::new();
        for fact in logged.entries.iter().flat_map(|entry| &entry.facts) {
            history.take(fact, &mut known);
        }
        for line in logged.tape {
            history.taped(line);
        }
        for quotes in history.quotes.values_mut() {
            quotes.sort_by_key(|seen| seen.at);
            quotes.dedup_by_key(|seen| seen.at);
        }
        history
    }

    /// The fills of a symbol, in their order.
    pub(crate) fn fills(&self, symbol: &Symbol) -> &[Fill] {
        self.fills.get(symbol).map_or(&[], Vec::as_slice)
    }

    /// The quotes of a symbol, in their order.
    pub(crate) fn quotes(&self, symbol: &Symbol) -> &[Seen] {
        self.quotes.get(symbol).map_or(&[], Vec::as_slice)
    }

    /// How many of them come from the quote tape.
    pub(crate) fn taped_of(&self, symbol: &Symbol) -> usize {
        self.taped.get(symbol).copied().unwrap_or_default()
    }

    fn taped(&mut self, line: &TapeLine) {
        if let (Some(bid), Some(ask)) = (line.bid, line.ask) {
            let seen = Seen { at: line.at, bid, ask };
            self.quotes.entry(line.symbol.clone()).or_default().push(seen);
            *self.taped.entry(line.symbol.clone()).or_default() += 1;
        }
    }

    fn saw(&mut self, symbol: &Symbol, quote: &Quote) {
        let (bid, ask) = (quote.bid.price.dollars(), quote.ask.price.dollars());
        let seen = Seen { at: quote.observed_at, bid, ask };
        self.quotes.entry(symbol.clone()).or_default().push(seen);
    }

    fn take(&mut self, fact: &Fact, known: &mut BTreeMap<(Symbol, u32), Reported>) {
        match &fact.kind {
            FactKind::Arrived(symbol, quote) => self.saw(symbol, quote),
            FactKind::LegFinished(symbol, _, Some(quote)) => self.saw(symbol, quote),
            FactKind::Intent(intent) => {
                self.saw(&intent.terms.symbol, &intent.quote);
                self.calls.posts += 1;
            }
            FactKind::Resubmitted(..) => self.calls.posts += 1,
            FactKind::Unsent(..) => self.calls.posts = self.calls.posts.saturating_sub(1),
            FactKind::CancelRequested(..) => self.calls.cancels += 1,
            FactKind::AnswerLost(..) => self.calls.lost += 1,
            FactKind::NotFound(..) => self.calls.not_found += 1,
            FactKind::Refused(..) => self.calls.refused += 1,
            FactKind::Reported(symbol, attempt, report)
            | FactKind::Adopted(symbol, attempt, report) => {
                if let Some(quote) = &report.quote {
                    self.saw(symbol, quote);
                }
                let before = known.insert((symbol.clone(), *attempt), report.as_ref().clone());
                self.filled((symbol, *attempt), before.as_ref(), (report, fact.at));
            }
            _ => {}
        }
    }

    /// What a report adds to the one before.
    fn filled(
        &mut self,
        (symbol, attempt): (&Symbol, u32),
        before: Option<&Reported>,
        (report, at): (&Reported, Timestamp),
    ) {
        let had = before.map_or(Quantity::ZERO, |before| before.cumulative);
        let of_symbol = self.fills.entry(symbol.clone()).or_default();
        if report.cumulative > had {
            let quantity = report.cumulative.less(had);
            let price = newest_price(before, report, quantity);
            of_symbol.push(Fill { attempt, at: report.filled_at.unwrap_or(at), quantity, price });
        } else if let Some(average) = report.average_price {
            let unpriced = of_symbol.iter_mut().filter(|fill| fill.attempt == attempt);
            for fill in unpriced.filter(|fill| fill.price.is_none()) {
                fill.price = Some(average.dollars());
            }
        }
    }
}

/// The price of the newest shares, from the two averages.
fn newest_price(
    before: Option<&Reported>,
    report: &Reported,
    quantity: Quantity,
) -> Option<Decimal> {
    let all = report.average_price?.times(report.cumulative).amount();
    let old = match before {
        Some(before) if !before.cumulative.is_zero() => {
            before.average_price?.times(before.cumulative).amount()
        }
        Some(_) | None => Decimal::ZERO,
    };
    let price = all.saturating_sub(old).checked_div(quantity.shares())?;
    Price::new(price.round_dp(6)).ok().map(Price::dollars)
}
