//! Days from the generator of `market`, as if they had been recorded.

use alchemiser_core::{ids::Symbol, money::Money, price::Price};
use alchemiser_market::{
    book::{Book, BookQuote, MarketEvent, Phase, Reach},
    listing::{Listing, Regime, round_lot, sample},
    session::SessionTime,
};
use rust_decimal::{Decimal, prelude::FromPrimitive};

use crate::tape::{MILLI, Nanos, Pips, Print, SECOND, Shown, Tape, pips};

/// The words of the regimes.
pub const REGIMES: [(&str, Regime); 5] = [
    ("deep", Regime::Deep),
    ("one-tick", Regime::OneTick),
    ("few-ticks", Regime::FewTicks),
    ("wide", Regime::Wide),
    ("thin-etf", Regime::ThinEtf),
];

/// The regime of a word.
pub fn regime(word: &str) -> Option<Regime> {
    REGIMES.into_iter().find_map(|(known, regime)| (known == word).then_some(regime))
}

/// The kind of recorded books, by their median spread in ticks.
pub fn regime_of_spread(ticks: f64) -> Regime {
    if ticks < 1.5 {
        Regime::OneTick
    } else if ticks < 9.0 {
        Regime::FewTicks
    } else {
        Regime::Wide
    }
}

/// A session: 09:30 to 16:00.
const SESSION_S: u64 = 23_400;

/// A day of a regime: the book's whole session, from 09:30 New York on a day without a date. `None` for a word that is
/// no regime.
pub fn day(word: &str, seed: u64, opens_at: Nanos) -> Option<Tape> {
    let (word, regime) = REGIMES.into_iter().find(|(known, _)| *known == word)?;
    let price = Price::new(Decimal::from_f64(regime.habits().price)?).ok()?;
    let symbol = Symbol::new(&word.replace('-', "").to_uppercase()).ok()?;
    let round_lot = round_lot(price);
    let listing = Listing { price, regime, round_lot, ..sample(seed, &symbol, Money::ZERO) };
    let tick = pips(listing.grid().dollars())?;
    let mut book = Book::new(seed, &listing);
    let (symbol, day) = (word.to_owned(), format!("seed {seed}"));
    let mut tape = Tape { symbol, day, opens_at, ..Tape::default() };
    tape.shown.extend(shown(&book.quote(), opens_at, tick));
    book.advance(SessionTime::from_millis(SESSION_S * 1_000), &mut |event| match event {
        MarketEvent::Quote(quote) => tape.shown.extend(shown(quote, opens_at, tick)),
        MarketEvent::Print { at, price, size, reach, .. } => tape.prints.push(Print {
            at: time(*at, opens_at),
            price: price * tick,
            size: *size,
            lit: *reach == Reach::Touch,
        }),
    });
    Some(tape)
}

fn time(at: SessionTime, opens_at: Nanos) -> Nanos {
    opens_at + Nanos::try_from(at.millis()).unwrap_or(Nanos::MAX / SECOND) * MILLI
}

fn shown(quote: &BookQuote, opens_at: Nanos, tick: Pips) -> Option<Shown> {
    let shown = Shown {
        at: time(quote.at, opens_at),
        bid: quote.bid * tick,
        bid_size: quote.bid_size,
        ask: quote.ask * tick,
        ask_size: quote.ask_size,
    };
    (quote.phase == Phase::Trading && shown.is_usable()).then_some(shown)
}
