//! What a stream has told, for as long as it is heard from.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use alchemiser_core::{ids::Symbol, quote::RawQuote};
use jiff::Timestamp;

#[derive(Debug, Default)]
struct State {
    is_listening: bool,
    /// When the newest frame came.
    heard_at: Option<Timestamp>,
    quotes: BTreeMap<Symbol, RawQuote>,
}

/// The newest quotes of a stream.
#[derive(Debug, Default)]
pub(crate) struct Heard(Mutex<State>);

impl Heard {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody listens from now on; false where somebody does already.
    pub(crate) fn begin(&self) -> bool {
        !std::mem::replace(&mut self.state().is_listening, true)
    }

    /// Nobody listens any more.
    pub(crate) fn end(&self) {
        *self.state() = State::default();
    }

    /// The connection is there.
    pub(crate) fn at(&self, now: Timestamp) {
        self.state().heard_at = Some(now);
    }

    /// A quote; one that an earlier message has overtaken is left out.
    pub(crate) fn quote(&self, symbol: Symbol, quote: RawQuote) {
        let mut state = self.state();
        if !state.quotes.get(&symbol).is_some_and(|known| quote.is_older_than(known)) {
            state.quotes.insert(symbol, quote);
        }
    }

    /// The connection is gone: what changes from now on is not heard.
    pub(crate) fn forget(&self) {
        let mut state = self.state();
        (state.heard_at, state.quotes) = (None, BTreeMap::new());
    }

    /// The quotes of these symbols, each as of the newest frame.
    pub(crate) fn of(&self, symbols: &[Symbol]) -> BTreeMap<Symbol, RawQuote> {
        let state = self.state();
        let Some(observed_at) = state.heard_at else { return BTreeMap::new() };
        let known = symbols.iter().filter_map(|symbol| {
            let quote = state.quotes.get(symbol)?;
            Some((symbol.clone(), RawQuote { observed_at, ..*quote }))
        });
        known.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn quote(changed: i64) -> RawQuote {
        RawQuote { bid: None, ask: None, changed_at: at(changed), observed_at: at(changed) }
    }

    fn check(heard: &Heard, expected: &[(i64, i64)]) {
        let found = heard.of(&[Symbol::new("A").unwrap(), Symbol::new("B").unwrap()]);
        let times =
            |quote: &RawQuote| (quote.changed_at.as_second(), quote.observed_at.as_second());
        assert_eq!(found.values().map(times).collect::<Vec<_>>(), expected);
    }

    /// S3: quotes are as old as the newest frame, late ones are left out, and nothing outlives the connection.
    #[test]
    fn quotes_are_as_fresh_as_the_connection() {
        let (heard, symbol) = (Heard::default(), Symbol::new("A").unwrap());
        heard.quote(symbol.clone(), quote(5));
        check(&heard, &[]);
        heard.at(at(6));
        check(&heard, &[(5, 6)]);
        heard.quote(symbol.clone(), quote(4));
        heard.at(at(9));
        check(&heard, &[(5, 9)]);
        heard.quote(symbol, quote(8));
        check(&heard, &[(8, 9)]);
        heard.forget();
        heard.at(at(10));
        check(&heard, &[]);
    }

    #[test]
    fn one_listens_at_a_time() {
        let heard = Heard::default();
        assert!(heard.begin() && !heard.begin());
        heard.end();
        assert!(heard.begin());
    }
}
