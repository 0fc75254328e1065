//! Prices, ticks and rounding by intent.

use std::fmt;

use rust_decimal::{Decimal, RoundingStrategy};
use thiserror::Error;

use crate::{money::Money, quantity::Quantity, side::Side};

/// The highest price per share anything here may see.
const MAXIMUM: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);
const MAXIMUM_DIGITS: i128 = 1_000_000_000;

/// A price in dollars per share: above zero, at most 1e9.
///
/// ```
/// use alchemiser_core::{price::Price, quantity::Quantity};
/// let price = Price::new("100.25".parse().unwrap()).unwrap();
/// assert_eq!(price.times(Quantity::new("4".parse().unwrap()).unwrap()).to_string(), "401");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Price(Decimal);

/// A number that is no price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("expected a price above 0 and at most 1e9 dollars, found {found}")]
pub struct NotAPrice {
    /// The number found.
    pub found: Decimal,
}

impl Price {
    /// A price.
    ///
    /// # Errors
    /// [`NotAPrice`] for zero, negative numbers and numbers above 1e9.
    pub fn new(dollars: Decimal) -> Result<Self, NotAPrice> {
        let above_zero = !dollars.is_zero() && dollars.is_sign_positive();
        // So few digits are no more than the maximum, wherever the point is.
        let at_most = dollars.mantissa() <= MAXIMUM_DIGITS || dollars <= MAXIMUM;
        if !(above_zero && at_most) {
            return Err(NotAPrice { found: dollars });
        }
        Ok(Self(dollars.normalize()))
    }

    /// The price in dollars per share.
    pub fn dollars(self) -> Decimal {
        self.0
    }

    /// The notional of so many shares at this price.
    pub fn times(self, quantity: Quantity) -> Money {
        Money::new(self.0.saturating_mul(quantity.shares()))
    }

    /// How many shares (not rounded) an amount buys at this price.
    pub fn shares_for(self, amount: Money) -> Decimal {
        amount.amount().checked_div(self.0).unwrap_or(Decimal::ZERO)
    }

    /// Whether this price is better for the market (worse for us) than `other`: higher for a buy, lower for a sell.
    pub fn beyond(self, other: Self, side: Side) -> bool {
        match side {
            Side::Buy => self.0 > other.0,
            Side::Sell => self.0 < other.0,
        }
    }

    /// The price moved by `distance` toward the far side (up for a buy, down for a sell); `None` below zero.
    pub fn toward_far(self, side: Side, distance: Decimal) -> Option<Self> {
        Self::new(self.0.saturating_add(side.sign().saturating_mul(distance))).ok()
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.normalize().fmt(f)
    }
}

/// The smallest price step of a symbol, in dollars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tick {
    dollars: Decimal,
    /// Steps in a dollar: whole for every tick there is, so that counting steps is exact and needs no division.
    per_dollar: Decimal,
    /// A number of dollars with no more decimals than these stands on the grid.
    decimals: u32,
    /// Steps in the last one of these decimals.
    per_unit: i64,
}

/// Which way a price must never be rounded: a passive one not through the market, a marketable one not short of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// The order rests: round away from the far touch (a buy down, a sell up).
    Passive,
    /// The order must trade: round through the far touch (a buy up, a sell down).
    Marketable,
}

impl Tick {
    /// One cent: prices of $1 and more (Reg NMS 612).
    pub const CENT: Self = Self::of((1, 2), 100, (2, 1));
    /// A hundredth of a cent: prices below $1.
    pub const SUB_DOLLAR: Self = Self::of((1, 4), 10_000, (4, 1));
    /// Half a cent: the tick-constrained names of the amended Rule 612 (November 2026).
    pub const HALF_CENT: Self = Self::of((5, 3), 200, (2, 2));

    const fn of(
        (mantissa, scale): (u32, u32),
        per_dollar: u32,
        (decimals, per_unit): (u32, i64),
    ) -> Self {
        Self {
            dollars: Decimal::from_parts(mantissa, 0, 0, false, scale),
            per_dollar: Decimal::from_parts(per_dollar, 0, 0, false, 0),
            decimals,
            per_unit,
        }
    }

    /// The tick that holds for a price when the symbol has no list entry of its own.
    pub fn at(price: Price) -> Self {
        if price.dollars() < Decimal::ONE { Self::SUB_DOLLAR } else { Self::CENT }
    }

    /// The step in dollars.
    pub fn dollars(self) -> Decimal {
        self.dollars
    }

    /// So many ticks, in dollars.
    pub fn times(self, count: Decimal) -> Decimal {
        self.dollars.saturating_mul(count)
    }

    /// How many ticks a distance in dollars is, rounded to whole ones.
    pub fn count(self, distance: Decimal) -> Decimal {
        // With just the grid's decimals it is a whole number of steps.
        let units = i64::try_from(distance.mantissa()).ok();
        let steps = units
            .filter(|_| distance.scale() == self.decimals)
            .and_then(|units| units.checked_mul(self.per_unit));
        match steps {
            Some(steps) => Decimal::from(steps),
            None => distance.checked_mul(self.per_dollar).unwrap_or(Decimal::ZERO).round(),
        }
    }

    /// Whether a price stands on this grid.
    pub fn holds(self, price: Price) -> bool {
        price.dollars().checked_mul(self.per_dollar).is_some_and(|steps| steps.is_integer())
    }

    /// The nearest price on the grid in the direction the intent allows. `None` when that is not a price (a passive
    /// buy below one tick).
    pub fn round(self, dollars: Decimal, side: Side, intent: Intent) -> Option<Price> {
        if dollars.scale() <= self.decimals {
            return Price::new(dollars).ok();
        }
        let up = matches!(
            (side, intent),
            (Side::Buy, Intent::Marketable) | (Side::Sell, Intent::Passive)
        );
        let strategy = if up {
            RoundingStrategy::ToPositiveInfinity
        } else {
            RoundingStrategy::ToNegativeInfinity
        };
        let steps = dollars.checked_mul(self.per_dollar)?.round_dp_with_strategy(0, strategy);
        Price::new(steps.checked_mul(self.dollars)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(tick: Tick, dollars: &str, side: Side, intent: Intent, expected: &str) {
        let rounded = tick.round(dollars.parse().unwrap(), side, intent).unwrap();
        assert_eq!(rounded.to_string(), expected, "{dollars} {side:?} {intent:?}");
    }

    /// S10: rounding follows the intent, on every tick size.
    #[test]
    fn prices_round_by_intent() {
        check(Tick::CENT, "10.005", Side::Buy, Intent::Passive, "10");
        check(Tick::CENT, "10.005", Side::Sell, Intent::Passive, "10.01");
        check(Tick::CENT, "10.005", Side::Buy, Intent::Marketable, "10.01");
        check(Tick::CENT, "10.005", Side::Sell, Intent::Marketable, "10");
        check(Tick::SUB_DOLLAR, "0.50005", Side::Buy, Intent::Passive, "0.5");
        check(Tick::HALF_CENT, "20.0075", Side::Sell, Intent::Passive, "20.01");
        check(Tick::CENT, "10.01", Side::Buy, Intent::Passive, "10.01");
    }

    /// Steps are counted as a division would count them, from the middle to the even one, with any number of decimals.
    #[test]
    fn steps_are_counted_to_the_nearest() {
        let count = |tick: Tick, dollars: &str| tick.count(dollars.parse().unwrap()).to_string();
        for (dollars, cents, halves, hundredths) in [
            ("0.03", "3", "6", "300"),
            ("0.1", "10", "20", "1000"),
            ("0.0250", "2", "5", "250"),
            ("0.0350000", "4", "7", "350"),
            ("0.0001", "0", "0", "1"),
            ("-0.02", "-2", "-4", "-200"),
            ("1234567.89", "123456789", "246913578", "12345678900"),
        ] {
            let counted =
                [Tick::CENT, Tick::HALF_CENT, Tick::SUB_DOLLAR].map(|tick| count(tick, dollars));
            assert_eq!(counted, [cents, halves, hundredths], "{dollars}");
        }
    }

    #[test]
    fn a_price_below_one_dollar_has_the_finer_tick() {
        let price = |text: &str| Price::new(text.parse().unwrap()).unwrap();
        assert_eq!(Tick::at(price("0.9999")), Tick::SUB_DOLLAR);
        assert_eq!(Tick::at(price("1")), Tick::CENT);
        assert!(Tick::CENT.holds(price("10.01")));
        assert!(!Tick::CENT.holds(price("10.015")));
    }

    /// T3: a price is above zero and at most a billion dollars, whatever it is made of.
    #[test]
    fn prices_have_bounds() {
        let made = |text: &str| Price::new(text.parse().unwrap()).is_ok();
        assert!(made("0.0001") && made("1000000000"));
        assert!(!made("0") && !made("-1") && !made("1000000000.01"));
        let low = Price::new("0.01".parse().unwrap()).unwrap();
        assert_eq!(low.toward_far(Side::Sell, Tick::CENT.dollars()), None);
        assert_eq!(low.toward_far(Side::Buy, Tick::CENT.dollars()).unwrap().to_string(), "0.02");
    }

    /// S10: no price is beyond itself, on either side.
    #[test]
    fn beyond_is_strict() {
        let price = |text: &str| Price::new(text.parse().unwrap()).unwrap();
        let (low, high) = (price("10"), price("10.01"));
        let beyond = |side| [high.beyond(low, side), low.beyond(high, side), low.beyond(low, side)];
        assert_eq!(beyond(Side::Buy), [true, false, false]);
        assert_eq!(beyond(Side::Sell), [false, true, false]);
    }

    #[test]
    fn a_passive_buy_below_one_tick_has_no_price() {
        assert_eq!(Tick::CENT.round("0.009".parse().unwrap(), Side::Buy, Intent::Passive), None);
    }
}
