//! The account: cash and shares, which change hands only at fills.

use std::collections::BTreeMap;

use alchemiser_core::{
    ids::{AccountId, Symbol},
    money::Money,
    quantity::Quantity,
    side::Side,
};

use crate::matching::Execution;

/// Cash and positions of one account. What open orders hold is counted by the exchange, from the orders themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    id: AccountId,
    cash: Money,
    positions: BTreeMap<Symbol, Quantity>,
}

impl Account {
    /// An account with its first cash and shares.
    pub fn new(id: AccountId, cash: Money, positions: &[(Symbol, Quantity)]) -> Self {
        let mut account = Self { id, cash, positions: BTreeMap::new() };
        for (symbol, quantity) in positions {
            account.deposit(symbol, *quantity);
        }
        account
    }

    /// The account's number.
    pub fn id(&self) -> &AccountId {
        &self.id
    }

    /// Cash in dollars.
    pub fn cash(&self) -> Money {
        self.cash
    }

    /// Shares held of a symbol.
    pub fn held(&self, symbol: &Symbol) -> Quantity {
        self.positions.get(symbol).copied().unwrap_or_default()
    }

    /// Every symbol held, with its shares.
    pub fn positions(&self) -> impl Iterator<Item = (&Symbol, Quantity)> {
        self.positions.iter().map(|(symbol, quantity)| (symbol, *quantity))
    }

    /// Shares arrive from outside.
    pub fn deposit(&mut self, symbol: &Symbol, quantity: Quantity) {
        self.hold(symbol, self.held(symbol).plus(quantity));
    }

    /// Shares and cash change hands.
    pub fn settle(&mut self, symbol: &Symbol, side: Side, execution: Execution) {
        let notional = execution.price.times(execution.quantity);
        let held = self.held(symbol);
        match side {
            Side::Buy => {
                self.cash = self.cash.minus(notional);
                self.hold(symbol, held.plus(execution.quantity));
            }
            Side::Sell => {
                self.cash = self.cash.plus(notional);
                self.hold(symbol, held.less(execution.quantity));
            }
        }
    }

    fn hold(&mut self, symbol: &Symbol, quantity: Quantity) {
        if quantity.is_zero() {
            self.positions.remove(symbol);
        } else {
            self.positions.insert(symbol.clone(), quantity);
        }
    }
}

#[cfg(test)]
mod tests {
    use alchemiser_core::price::Price;

    use super::*;

    #[test]
    fn a_round_trip_at_one_price_changes_nothing() {
        let symbol = Symbol::new("A").unwrap();
        let quantity = |text: &str| Quantity::new(text.parse().unwrap()).unwrap();
        let first = [(symbol.clone(), quantity("3.25"))];
        let cash = Money::new("100".parse().unwrap());
        let before = Account::new(AccountId::new("SIM").unwrap(), cash, &first);
        let price = Price::new("12.34".parse().unwrap()).unwrap();
        let execution = Execution { quantity: quantity("3.25"), price };
        let mut after = before.clone();
        after.settle(&symbol, Side::Sell, execution);
        assert_eq!((after.cash().to_string().as_str(), after.positions().count()), ("140.105", 0));
        after.settle(&symbol, Side::Buy, execution);
        assert_eq!(after, before);
    }
}
