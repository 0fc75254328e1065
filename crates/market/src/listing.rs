//! What trades: a symbol with its start price, its grid and the way its book behaves.

use alchemiser_core::{
    ids::Symbol,
    money::Money,
    price::{Price, Tick},
    quantity::Quantity,
};
use rust_decimal::{Decimal, prelude::ToPrimitive};
use serde::{Deserialize, Serialize};

use crate::{
    chance::{Chance, float, hash, nearest},
    unrest::Unrest,
};

/// A symbol trades in whole shares only where the plan holds or trades at least this many of them, so that rounding
/// down loses at most 2 %.
const WHOLE_SHARES_MIN: i64 = 50;

/// One listed symbol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// The symbol.
    #[serde(with = "crate::text")]
    pub symbol: Symbol,
    /// The price at which its book starts.
    #[serde(with = "crate::text")]
    pub price: Price,
    /// How its book behaves.
    pub regime: Regime,
    /// Parts of a share may be traded.
    pub fractionable: bool,
    /// A list entry that replaces the price's own tick.
    #[serde(with = "crate::text")]
    pub tick: Option<Tick>,
    /// The round lot in shares.
    #[serde(with = "crate::text")]
    pub round_lot: Quantity,
    /// The previous session's close.
    #[serde(with = "crate::text")]
    pub previous_close: Price,
    /// What disturbs its book; usually nothing.
    #[serde(default, skip_serializing_if = "Unrest::is_none")]
    pub unrest: Unrest,
}

/// The kinds of books (the table of real books in `../shared/data/market/README.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Regime {
    /// A low-priced stock pinned at one tick behind tens of thousands of shares.
    Deep,
    /// Pinned at one tick behind about a thousand shares.
    OneTick,
    /// Three to six ticks wide, one or two round lots at the touch.
    FewTicks,
    /// A high-priced stock, a dozen ticks and more wide.
    Wide,
    /// A fund that quotes well and seldom trades.
    ThinEtf,
}

/// How the book of a regime behaves, around one price.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Habits {
    /// The price in dollars that the rest is about. At others the book keeps its moves in basis points.
    pub price: f64,
    /// Mean spread in ticks.
    pub spread_ticks: f64,
    /// Typical size at the touch, in shares.
    pub touch_shares: f64,
    /// Quote changes per second.
    pub updates_per_second: f64,
    /// Trade prints per minute.
    pub trades_per_minute: f64,
    /// Changes of the mid per minute.
    pub mid_changes_per_minute: f64,
    /// Standard deviation of one-minute changes of the mid, in basis points.
    pub sd_bps: f64,
    /// Price levels that are used up per minute, at most; beyond it the steps grow.
    pub moves_per_minute_max: f64,
    /// What disturbs such a book now and then, for a listing that asks for it.
    pub unrest: Unrest,
}

impl Regime {
    /// How its book behaves: the middle of the real books of its kind; for [`Regime::ThinEtf`], which has none there,
    /// and for the unrest: assumed.
    pub fn habits(self) -> Habits {
        let (price, spread_ticks, touch_shares, updates_per_second) = match self {
            Self::Deep => (14.0, 1.002, 73_000.0, 12.0),
            Self::OneTick => (49.0, 1.04, 1_150.0, 26.0),
            Self::FewTicks => (157.0, 4.0, 150.0, 1.7),
            Self::Wide => (222.0, 12.8, 100.0, 2.4),
            Self::ThinEtf => (50.0, 3.0, 600.0, 1.5),
        };
        let (trades_per_minute, mid_changes_per_minute, sd_bps, moves_per_minute_max) = match self {
            Self::Deep => (270.0, 2.2, 6.0, 4.0),
            Self::OneTick => (100.0, 28.0, 6.5, 30.0),
            Self::FewTicks => (98.0, 50.0, 4.5, 25.0),
            Self::Wide => (29.0, 71.0, 6.9, 50.0),
            Self::ThinEtf => (4.0, 12.0, 4.0, 12.0),
        };
        let (opening_percent, halts_per_year, jumps_per_year) = match self {
            Self::Deep => (0, 1, 12),
            Self::OneTick => (0, 1, 12),
            Self::FewTicks => (1400, 1, 20),
            Self::Wide => (1400, 3, 40),
            Self::ThinEtf => (1400, 1, 6),
        };
        Habits {
            price,
            spread_ticks,
            touch_shares,
            updates_per_second,
            trades_per_minute,
            mid_changes_per_minute,
            sd_bps,
            moves_per_minute_max,
            unrest: Unrest { opening_percent, halts_per_year, jumps_per_year },
        }
    }

    /// The start prices of the regime, in cents: lowest and highest.
    fn cents(self) -> (u64, u64) {
        match self {
            Self::Deep => (800, 2_400),
            Self::OneTick => (1_500, 7_500),
            Self::FewTicks => (8_000, 24_000),
            Self::Wide => (20_000, 40_000),
            Self::ThinEtf => (2_000, 10_000),
        }
    }

    /// The regime of a symbol: the middle ones are the usual ones.
    fn of(hash: u64) -> Self {
        match hash % 100 {
            0..10 => Self::Deep,
            10..45 => Self::OneTick,
            45..80 => Self::FewTicks,
            80..90 => Self::Wide,
            _ => Self::ThinEtf,
        }
    }
}

/// The listing that a symbol always gets, whatever plan names it; the seed only moves the price by up to 5 %. `value`
/// is the dollars that the plan holds or trades in it, at least: a symbol where that is little stays fractionable.
pub fn sample(seed: u64, symbol: &Symbol, value: Money) -> Listing {
    let own = hash(0, &["listing", symbol.as_str()]);
    let regime = Regime::of(own);
    let mut own_chance = Chance::of(0, "listing", symbol.as_str());
    let mut day_chance = Chance::of(seed, "listing", symbol.as_str());
    let (low, high) = regime.cents();
    let skew = own_chance.unit();
    // Squared: low prices are the commoner ones, as on a logarithmic scale.
    let start = float(low) + float(high - low) * skew * skew;
    let price = start * (0.95 + 0.1 * day_chance.unit());
    let close = price * (0.99 + 0.02 * day_chance.unit());
    let price = cents(nearest(price));
    let many = value.amount() >= price.dollars() * Decimal::from(WHOLE_SHARES_MIN);
    Listing {
        symbol: symbol.clone(),
        price,
        regime,
        fractionable: !(many && (own / 100).is_multiple_of(6)),
        tick: None,
        round_lot: round_lot(price),
        previous_close: cents(nearest(close)),
        unrest: Unrest::NONE,
    }
}

impl Listing {
    /// The step of its book's grid.
    pub fn grid(&self) -> Tick {
        self.tick.unwrap_or_else(|| Tick::at(self.price))
    }

    /// The grid that a limit of an order must stand on (below a dollar it is finer).
    pub fn grid_at(&self, limit: Price) -> Tick {
        self.tick.unwrap_or_else(|| Tick::at(limit))
    }

    /// The price of so many ticks; its start price for a count that is no price.
    pub fn price_of(&self, ticks: i64) -> Price {
        Price::new(self.grid().times(Decimal::from(ticks))).unwrap_or(self.price)
    }

    /// How many ticks a price is, rounded down.
    pub fn ticks_of(&self, price: Price) -> i64 {
        let ticks = price.dollars().checked_div(self.grid().dollars()).unwrap_or(Decimal::MAX);
        ticks.floor().to_i64().unwrap_or(i64::MAX)
    }
}

/// A price of at least one cent.
fn cents(count: u64) -> Price {
    let least = Tick::CENT.dollars();
    let dollars = Decimal::from(count).checked_mul(least).unwrap_or(least).max(least);
    // Never zero and never above 4e4, so the fallback is never taken.
    Price::new(dollars).unwrap_or_else(|_| unreachable!("{dollars} is a price"))
}

/// Round lots by price tier (Reg NMS 600(b)(93), in force since November 2025).
pub fn round_lot(price: Price) -> Quantity {
    let tiers = [(250, 100), (1_000, 40), (10_000, 10)];
    let lot = tiers.iter().find(|(most, _)| price.dollars() <= Decimal::from(*most));
    Quantity::rounded_down(Decimal::from(lot.map_or(1, |(_, lot)| *lot)), 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(seed: u64, name: &str, value: i64) -> Listing {
        sample(seed, &Symbol::new(name).unwrap(), Money::new(Decimal::from(value)))
    }

    #[test]
    fn a_symbol_always_behaves_alike() {
        assert_eq!(listing(1, "AAPL", 100), listing(1, "AAPL", 100));
        let (one, other) = (listing(1, "AAPL", 100), listing(2, "AAPL", 100));
        assert_eq!(one.regime, other.regime);
        assert_ne!(one.price, other.price);
        let change = (one.price.dollars() - other.price.dollars()).abs();
        assert!(change <= one.price.dollars() * "0.11".parse::<Decimal>().unwrap());
    }

    #[test]
    fn every_regime_is_found_and_whole_share_symbols_hold_enough_shares() {
        let mut found = std::collections::HashSet::new();
        let mut whole = 0;
        for k in 0..300 {
            let listing = listing(7, &format!("S{k}"), 20_000);
            found.insert(listing.regime);
            whole += u32::from(!listing.fractionable);
            assert!(
                listing.fractionable
                    || listing.price.dollars() * Decimal::from(50) <= Decimal::from(20_000)
            );
            assert!(
                listing.grid().holds(listing.price) && listing.grid().holds(listing.previous_close)
            );
            assert!(listing.price.dollars() >= Decimal::from(7));
        }
        assert_eq!(found.len(), 5);
        assert!((20..80).contains(&whole), "{whole}");
        assert!((0..300).all(|k| self::listing(7, &format!("S{k}"), 300).fractionable));
    }

    #[test]
    fn round_lots_follow_the_price() {
        for (price, lot) in [("250", "100"), ("250.01", "40"), ("1000.01", "10"), ("10001", "1")] {
            let price = Price::new(price.parse().unwrap()).unwrap();
            assert_eq!(round_lot(price).to_string(), lot, "{price}");
        }
    }
}
