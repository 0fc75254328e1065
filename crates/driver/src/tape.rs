//! The quote tape: what the market showed of the legs that are worked, about once a second, kept beside the log when an
//! owner stops or the plan is over. Nothing is decided by it, and a tape that cannot be kept stops nothing.

use std::{collections::BTreeMap, sync::Arc};

use alchemiser_core::{execution::Execution, ids::Symbol, observed::Input, quote::RawQuote};
use alchemiser_wire::tape::{self, TapeLine};
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use crate::ports::{QuoteTape, Store, StoreError};

/// A symbol's quotes are at least so far apart.
const APART: SignedDuration = SignedDuration::from_secs(1);

/// The most lines that one owner keeps: 32 legs for more than half an hour.
const LINES_MAX: usize = 65_536;

/// A tape in the same store as the logs.
#[derive(Clone, Debug)]
pub struct StoreTape(pub Arc<dyn Store>);

#[async_trait]
impl QuoteTape for StoreTape {
    async fn keep(&self, key: &str, bytes: &[u8]) -> Result<(), StoreError> {
        self.0.put_if_absent(key, bytes).await.map(|_| ())
    }
}

/// What an owner saw and has not kept yet.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    lines: Vec<TapeLine>,
    last: BTreeMap<Symbol, Timestamp>,
}

impl Buffer {
    /// Takes the quotes of an input.
    pub(crate) fn take(&mut self, state: &Execution, input: &Input) {
        match input {
            Input::Snapshots(snapshots) => {
                for (symbol, snapshot) in snapshots {
                    if let Some(quote) = &snapshot.quote {
                        self.quote(state, symbol, quote);
                    }
                }
            }
            Input::Streamed(symbol, quote) => self.quote(state, symbol, quote),
            _ => {}
        }
    }

    /// Takes a quote of a leg that is being worked, when the last one is old enough.
    fn quote(&mut self, state: &Execution, symbol: &Symbol, quote: &RawQuote) {
        let worked = state.leg(symbol).is_some_and(|leg| leg.sized.is_some() && leg.is_open());
        let last = self.last.get(symbol);
        let due = last.is_none_or(|last| quote.observed_at.duration_since(*last) >= APART);
        if worked && due && self.lines.len() < LINES_MAX {
            self.last.insert(symbol.clone(), quote.observed_at);
            self.lines.push(TapeLine::new(symbol, quote));
        }
    }

    /// Keeps what was seen, once.
    pub(crate) async fn keep(&mut self, tape: &dyn QuoteTape, state: &Execution, epoch: u32) {
        let lines = std::mem::take(&mut self.lines);
        if lines.is_empty() {
            return;
        }
        let plan = &state.plan;
        let key = tape::key(&plan.account, &plan.plan_id, epoch);
        let kept = match tape::to_bytes(&lines) {
            Ok(bytes) => tape.keep(&key, &bytes).await.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = kept {
            tracing::warn!(%key, error, "the quote tape was not kept; the plan's picture has fewer quotes");
        }
    }
}

/// Everything that a plan's owners kept, oldest first. What cannot be read is left out: it is for a picture only.
pub async fn read(store: &dyn Store, state: &Execution) -> Vec<TapeLine> {
    let mut lines = Vec::new();
    for epoch in 1..=state.epoch.min(OWNERS_MAX) {
        let key = tape::key(&state.plan.account, &state.plan.plan_id, epoch);
        let bytes = store.get(&key).await.ok().flatten();
        match bytes.map(|bytes| tape::from_bytes(&bytes)) {
            Some(Ok(more)) => lines.extend(more),
            Some(Err(error)) => tracing::warn!(%key, %error, "a quote tape is left out"),
            None => {}
        }
    }
    lines
}

/// The most owners whose tapes are read.
const OWNERS_MAX: u32 = 64;

#[cfg(test)]
mod tests {
    use alchemiser_core::{
        price::Price,
        quantity::Quantity,
        quote::{Snapshot, Touch},
    };

    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(millis).unwrap()
    }

    fn snapshot(millis: i64) -> Input {
        let touch = Touch { price: Price::new(10.into()).unwrap(), size: Quantity::ONE };
        let quote = RawQuote {
            bid: Some(touch),
            ask: None,
            changed_at: at(millis),
            observed_at: at(millis),
        };
        let snapshot = Snapshot { quote: Some(quote), last_trade: None, previous_close: None };
        Input::Snapshots(BTreeMap::from([(Symbol::new("TQQQ").unwrap(), snapshot)]))
    }

    /// A quote a second of a leg that is worked, and none of one that is not.
    #[test]
    fn a_tape_has_a_quote_a_second_of_live_legs() {
        let (mut state, symbol) = given::worked();
        let mut buffer = Buffer::default();
        for millis in [0, 200, 999, 1_000, 1_500, 2_000] {
            buffer.take(&state, &snapshot(millis));
        }
        let seen: Vec<i64> = buffer.lines.iter().map(|line| line.at.as_millisecond()).collect();
        assert_eq!(seen, [0, 1_000, 2_000]);
        given::finish(&mut state, &symbol);
        buffer.take(&state, &snapshot(9_000));
        assert_eq!(buffer.lines.len(), 3);
    }

    mod given {
        use alchemiser_core::{
            execution::Execution,
            fact::{Fact, FactKind, Sized},
            ids::Symbol,
            leg::LegOutcome,
            plan::Plan,
            policy::Policy,
            quantity::Quantity,
        };
        use alchemiser_wire::{incoming, plan};
        use jiff::{SignedDuration, Timestamp};

        pub(super) fn worked() -> (Execution, Symbol) {
            let event = include_bytes!("../../../examples/plans/growth-and-bonds.json");
            let envelope = incoming::envelope(event).unwrap();
            let account = alchemiser_core::ids::AccountId::new("SIM").unwrap();
            let draft = plan::read(&envelope, &plan::Accounts { default: account }).unwrap();
            let plan =
                Plan::new(draft, Timestamp::UNIX_EPOCH, SignedDuration::from_mins(15)).unwrap();
            let mut state = Execution::claimed(&plan, Timestamp::UNIX_EPOCH, Policy::default());
            let symbol = Symbol::new("TQQQ").unwrap();
            let sized = Sized { target: Quantity::ONE, trimmed: false };
            state.take(&Fact {
                at: Timestamp::UNIX_EPOCH,
                kind: FactKind::Sized(symbol.clone(), sized),
            });
            (state, symbol)
        }

        pub(super) fn finish(state: &mut Execution, symbol: &Symbol) {
            let kind = FactKind::LegFinished(symbol.clone(), LegOutcome::Filled, None);
            state.take(&Fact { at: Timestamp::UNIX_EPOCH, kind });
        }
    }
}
