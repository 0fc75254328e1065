//! US dollars.

use std::fmt;

use rust_decimal::Decimal;

/// An amount of US dollars; may be negative. Arithmetic saturates at the type's bounds (±7.9e28), which the checked
/// [`Price`](crate::price::Price) and [`Quantity`](crate::quantity::Quantity) cannot reach.
///
/// ```
/// use alchemiser_core::money::Money;
/// let cash = Money::new("100.50".parse().unwrap());
/// assert_eq!(cash.minus(Money::new("0.5".parse().unwrap())).to_string(), "100");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(Decimal);

impl Money {
    /// No money.
    pub const ZERO: Self = Self(Decimal::ZERO);
    /// One dollar.
    pub const ONE: Self = Self(Decimal::ONE);

    /// An amount in dollars.
    pub fn new(amount: Decimal) -> Self {
        Self(amount)
    }

    /// The amount in dollars.
    pub fn amount(self) -> Decimal {
        self.0
    }

    /// The sum.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// This amount times a plain ratio.
    #[must_use]
    pub fn scaled(self, ratio: Decimal) -> Self {
        Self(self.0.saturating_mul(ratio))
    }

    /// The amount without its sign.
    #[must_use]
    pub fn abs(self) -> Self {
        Self(self.0.abs())
    }

    /// This amount divided by another; `None` when the other is zero or the ratio does not fit.
    pub fn ratio_to(self, whole: Self) -> Option<Decimal> {
        self.0.checked_div(whole.0)
    }

    /// Above zero.
    pub fn is_positive(self) -> bool {
        self.0 > Decimal::ZERO
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.normalize().fmt(f)
    }
}

impl std::iter::Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Self::plus)
    }
}
