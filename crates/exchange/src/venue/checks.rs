//! The broker's checks of a new order against the exchange's state, in the broker's order.

use alchemiser_core::{
    ids::Symbol, money::Money, price::Price, quantity::Quantity, report::BrokerStatus, side::Side,
};

use super::Venue;
use crate::{
    account::Account,
    order::Hold,
    refusal::Refusal,
    request::{Kind, NewOrder, Size},
};

impl Venue {
    /// Whether an account may send orders at all.
    pub(super) fn check_account(account: &Account) -> Result<(), Refusal> {
        if account.opening.blocked {
            return Err(Refusal::Forbidden("account is not authorized to trade".to_owned()));
        }
        if account.configuration.suspend_trade {
            return Err(Refusal::Forbidden("trading is suspended by the user".to_owned()));
        }
        Ok(())
    }

    /// The listed symbol of an order, which may be traded as it is asked for.
    pub(super) fn check_asset(&self, account: &Account, new: &NewOrder) -> Result<Symbol, Refusal> {
        let unknown = || Refusal::AssetUnknown(new.symbol.clone());
        let symbol = self.symbol_of(&new.symbol).ok_or_else(unknown)?.clone();
        let listed = self.listed.get(&symbol).ok_or_else(unknown)?;
        if !listed.active {
            return Err(Refusal::NotActive(symbol));
        }
        if !listed.tradable {
            return Err(Refusal::NotTradable(symbol));
        }
        if new.is_fractional() && !account.configuration.fractional_trading {
            let message = "fractional trading is disabled for this account";
            return Err(Refusal::Forbidden(message.to_owned()));
        }
        if new.is_fractional() && !listed.listing.fractionable {
            return Err(Refusal::NotFractionable(symbol));
        }
        Ok(symbol)
    }

    /// What the sender says he means must be what the order does.
    pub(super) fn check_intent(
        account: &Account,
        new: &NewOrder,
        symbol: &Symbol,
    ) -> Result<(), Refusal> {
        let Some(specified) = &new.intent else { return Ok(()) };
        let held = account.holding(symbol).quantity;
        let inferred = match (new.side, held.is_zero()) {
            (Side::Buy, _) => "buy_to_open",
            (Side::Sell, false) => "sell_to_close",
            (Side::Sell, true) => "sell_to_open",
        };
        if specified == inferred {
            return Ok(());
        }
        let message =
            format!("position intent mismatch, inferred: {inferred}, specified: {specified}");
        Err(Refusal::Unprocessable(message))
    }

    /// No open order of the other side may be one that would trade with it.
    pub(super) fn check_wash(
        &self,
        account: &Account,
        symbol: &Symbol,
        side: Side,
        kind: Kind,
    ) -> Result<(), Refusal> {
        let open = account.open_of(symbol, side.opposite());
        let opposite = open
            .map(|number| &self.orders[number])
            .filter(|order| order.status != BrokerStatus::PendingReplace);
        for order in opposite {
            let reason = match (order.terms.kind.limit(), kind.limit()) {
                (None, _) => "opposite side market/stop order exists",
                (Some(_), None) => {
                    "opposite side limit order exists. use complex/limit/stop_limit orders"
                }
                (Some(theirs), Some(ours)) if !theirs.beyond(ours, side) => {
                    "opposite side limit order exists. use complex/limit/stop_limit orders"
                }
                (Some(_), Some(_)) => continue,
            };
            return Err(Refusal::WashTrade { existing: order.id, reason });
        }
        Ok(())
    }

    /// A buy of at least a dollar, for which there is money.
    pub(super) fn check_cash(
        &self,
        account: &Account,
        size: Size,
        price: Price,
        before: Hold,
    ) -> Result<(), Refusal> {
        let cost_basis = match size {
            Size::Shares(quantity) => price.times(quantity),
            Size::Notional(dollars) => dollars,
        };
        if cost_basis < Money::ONE {
            return Err(Refusal::CostBasisTooSmall);
        }
        let multiplier = account.configuration.max_margin_multiplier;
        let buying_power = self.buying_power(account, account.cash, multiplier).plus(before.cash);
        if cost_basis > buying_power {
            return Err(Refusal::BuyingPower { buying_power, cost_basis });
        }
        Ok(())
    }

    /// Shares that are held and that no other sell holds: selling short is not simulated.
    pub(super) fn check_shares(
        &self,
        account: &Account,
        symbol: &Symbol,
        requested: Quantity,
        before: Hold,
    ) -> Result<(), Refusal> {
        let available = account.available(symbol).plus(before.shares);
        if requested <= available {
            return Ok(());
        }
        let sells = account.open_of(symbol, Side::Sell).map(|number| self.orders[number].id);
        Err(Refusal::SharesAvailable {
            symbol: symbol.clone(),
            requested,
            available,
            existing: account.holding(symbol).quantity,
            held_for_orders: account.held_shares(symbol),
            related: sells.collect(),
        })
    }
}
