//! Where an exchange begins: the account, its cash and shares, and what is listed.

use alchemiser_core::{
    ids::{AccountId, Symbol},
    money::Money,
    quantity::Quantity,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::listing::{Listing, sample};

/// What an exchange begins with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setup {
    /// What all randomness derives from.
    pub seed: u64,
    /// The one account that trades here.
    #[serde(with = "crate::text")]
    pub account: AccountId,
    /// The wall time of the beginning.
    #[serde(with = "crate::text")]
    pub started_at: Timestamp,
    /// Its cash.
    #[serde(with = "crate::text")]
    pub cash: Money,
    /// Its shares.
    #[serde(with = "crate::text::list")]
    pub positions: Vec<(Symbol, Quantity)>,
    /// What trades.
    pub listings: Vec<Listing>,
}

/// A beginning that fits a plan. Each holding is a symbol with the dollars that the account holds in it and the
/// dollars to be traded (of either sign); the cash is what the portfolio's value leaves.
pub fn setup_for(
    seed: u64,
    account: AccountId,
    started_at: Timestamp,
    holdings: &[(Symbol, Money, Money)],
    portfolio_value: Money,
) -> Setup {
    let mut setup = Setup {
        seed,
        account,
        started_at,
        cash: portfolio_value,
        positions: vec![],
        listings: vec![],
    };
    for (symbol, current, traded) in holdings {
        let (listing, shares) = listed_for(seed, symbol, *current, *traded);
        setup.cash = setup.cash.minus(*current);
        setup.listings.push(listing);
        if !shares.is_zero() {
            setup.positions.push((symbol.clone(), shares));
        }
    }
    setup.cash = setup.cash.max(Money::ZERO);
    setup
}

/// A symbol's listing, and the shares of it that make up so many dollars: six decimals, or whole ones where parts do
/// not trade, rounded down.
pub fn listed_for(
    seed: u64,
    symbol: &Symbol,
    current: Money,
    traded: Money,
) -> (Listing, Quantity) {
    let listing = sample(seed, symbol, current.max(traded.abs()));
    let decimals = if listing.fractionable { 6 } else { 0 };
    let shares = Quantity::rounded_down(listing.price.shares_for(current), decimals);
    (listing, shares)
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::*;

    #[test]
    fn a_setup_holds_what_the_plan_says() {
        let money = |dollars: i64| Money::new(Decimal::from(dollars));
        let holdings: Vec<_> = (0..40)
            .map(|k| {
                (Symbol::new(&format!("S{k}")).unwrap(), money(k * 500), money(-k * 100 - 2_000))
            })
            .collect();
        let account = AccountId::new("SIM-1").unwrap();
        let setup = setup_for(3, account.clone(), Timestamp::UNIX_EPOCH, &holdings, money(500_000));
        assert_eq!(setup.cash, money(500_000 - 390_000));
        assert_eq!((setup.listings.len(), setup.positions.len()), (40, 39));
        for (symbol, quantity) in &setup.positions {
            let (_, current, _) = holdings.iter().find(|(held, _, _)| held == symbol).unwrap();
            let listing = setup.listings.iter().find(|listing| listing.symbol == *symbol).unwrap();
            let value = listing.price.times(*quantity);
            assert!(value <= *current);
            assert!(listing.fractionable || *quantity == quantity.whole());
            let lost = current.minus(value).ratio_to(*current).unwrap();
            assert!(listing.fractionable || lost < Decimal::new(25, 2), "{symbol} lost {lost}");
        }
        let poor = setup_for(3, account, Timestamp::UNIX_EPOCH, &holdings, money(100));
        assert_eq!(poor.cash, Money::ZERO);
    }
}
