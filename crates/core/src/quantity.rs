//! Numbers of shares.

use std::fmt;

use rust_decimal::{Decimal, RoundingStrategy};
use thiserror::Error;

/// The largest number of shares anything here may hold or ask for.
const MAXIMUM: Decimal = Decimal::from_parts(3_567_587_328, 232, 0, false, 0); // 1e12

const WHOLE_MAXIMUM: u64 = 1_000_000_000_000;

/// The broker keeps nine decimals of a share and silently drops the rest (Alpaca, fractional orders).
pub const DECIMALS_MAX: u32 = 9;

/// A number of shares: zero or more, at most 1e12, at most nine decimals.
///
/// ```
/// use alchemiser_core::quantity::Quantity;
/// let held = Quantity::new("7.2273576".parse().unwrap()).unwrap();
/// assert_eq!(held.whole().to_string(), "7");
/// assert!(Quantity::new("-1".parse().unwrap()).is_err());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity(Decimal);

/// A number that is no quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("expected 0 to 1e12 shares with at most 9 decimals, found {found}")]
pub struct NotAQuantity {
    /// The number found.
    pub found: Decimal,
}

impl Quantity {
    /// No shares.
    pub const ZERO: Self = Self(Decimal::ZERO);
    /// One share.
    pub const ONE: Self = Self(Decimal::ONE);

    /// A number of shares.
    ///
    /// # Errors
    /// [`NotAQuantity`] for a negative number, one above 1e12, or one with more than nine significant decimals.
    pub fn new(shares: Decimal) -> Result<Self, NotAQuantity> {
        let shares = shares.normalize();
        // Zero has no sign here: it was normalized.
        if shares.is_sign_negative() || shares > MAXIMUM || shares.scale() > DECIMALS_MAX {
            return Err(NotAQuantity { found: shares });
        }
        Ok(Self(shares))
    }

    /// A number of whole shares; what is above 1e12 becomes that.
    pub fn of_whole(shares: u64) -> Self {
        Self(Decimal::from(shares.min(WHOLE_MAXIMUM)))
    }

    /// A number of shares rounded down to `decimals` (at most nine) places; negative numbers become zero.
    pub fn rounded_down(shares: Decimal, decimals: u32) -> Self {
        let kept = shares.clamp(Decimal::ZERO, MAXIMUM);
        Self(
            kept.round_dp_with_strategy(decimals.min(DECIMALS_MAX), RoundingStrategy::ToZero)
                .normalize(),
        )
    }

    /// The number of shares.
    pub fn shares(self) -> Decimal {
        self.0
    }

    /// No shares at all.
    pub fn is_zero(self) -> bool {
        self.0.is_zero()
    }

    /// The sum.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0).min(MAXIMUM))
    }

    /// What is left after taking `other` away; never below zero.
    #[must_use]
    pub fn less(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0).max(Decimal::ZERO))
    }

    /// The whole shares of it.
    #[must_use]
    pub fn whole(self) -> Self {
        Self(self.0.trunc())
    }

    /// The displayed part: whole round lots only (an odd lot is not shown in the NBBO).
    #[must_use]
    pub fn round_lots(self, lot: Self) -> Self {
        match self.0.checked_rem(lot.0) {
            Some(odd) => Self(self.0.saturating_sub(odd).normalize()),
            None => Self::ZERO,
        }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.normalize().fmt(f)
    }
}

impl std::iter::Sum for Quantity {
    fn sum<I: Iterator<Item = Self>>(quantities: I) -> Self {
        quantities.fold(Self::ZERO, Self::plus)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_is_one_trillion_shares() {
        assert_eq!(MAXIMUM, "1000000000000".parse().unwrap());
        assert_eq!(Quantity::of_whole(u64::MAX).shares(), MAXIMUM);
        assert_eq!(Quantity::of_whole(7), Quantity::new("7".parse().unwrap()).unwrap());
    }

    /// T3: a quantity is 0 to a trillion shares with at most nine decimals; sums stay inside.
    #[test]
    fn quantities_have_bounds() {
        let made = |text: &str| Quantity::new(text.parse().unwrap()).is_ok();
        assert!(made("0") && made("1000000000000") && made("0.123456789") && made("1.50000000000"));
        assert!(!made("-0.1") && !made("1000000000000.1") && !made("0.1234567891"));
        let most = Quantity::rounded_down(Decimal::MAX, 9);
        assert_eq!((most.shares(), most.plus(Quantity::ONE)), (MAXIMUM, most));
    }

    #[test]
    fn only_whole_round_lots_are_displayed() {
        let shares = |text: &str| Quantity::new(text.parse().unwrap()).unwrap();
        assert_eq!(shares("249.5").round_lots(shares("100")), shares("200"));
        assert_eq!(shares("99").round_lots(shares("100")), Quantity::ZERO);
        assert_eq!(shares("99").round_lots(Quantity::ZERO), Quantity::ZERO);
    }

    /// S10: no subtraction of quantities can go below zero, and no rounding can add shares.
    #[test]
    fn rounding_and_subtracting_never_invent_shares() {
        assert_eq!(Quantity::ONE.less(Quantity::new(Decimal::TWO).unwrap()), Quantity::ZERO);
        assert_eq!(
            Quantity::rounded_down("1.9999999999".parse().unwrap(), 9).to_string(),
            "1.999999999"
        );
        assert_eq!(Quantity::rounded_down("-3".parse().unwrap(), 9), Quantity::ZERO);
    }
}
