//! Buy or sell.

use rust_decimal::Decimal;

/// The side of an order or a leg (FIX 54).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Acquire shares for cash.
    Buy,
    /// Part with shares for cash.
    Sell,
}

impl Side {
    /// `s` in the formulas: +1 for a buy, −1 for a sell.
    pub fn sign(self) -> Decimal {
        match self {
            Self::Buy => Decimal::ONE,
            Self::Sell => Decimal::NEGATIVE_ONE,
        }
    }

    /// The other side.
    #[must_use]
    pub fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }

    /// The broker's word: `buy` or `sell`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Buy => "buy",
            Self::Sell => "sell",
        }
    }

    /// The events' word: `BUY` or `SELL`.
    pub fn action(self) -> &'static str {
        match self {
            Self::Buy => "BUY",
            Self::Sell => "SELL",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_have_a_sign_an_opposite_and_words() {
        let all = [Side::Buy, Side::Sell];
        assert_eq!(all.map(Side::sign), [Decimal::ONE, Decimal::NEGATIVE_ONE]);
        assert_eq!(all.map(Side::opposite), [Side::Sell, Side::Buy]);
        assert_eq!(all.map(Side::word), ["buy", "sell"]);
        assert_eq!(all.map(Side::action), ["BUY", "SELL"]);
    }
}
