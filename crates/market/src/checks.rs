//! The broker's checks of a new order, in the broker's order.

use alchemiser_core::{ids::Symbol, money::Money, quantity::Quantity, side::Side};
use jiff::{Timestamp, tz::TimeZone};

use crate::{
    exchange::Exchange, matching::Resting, order::NewOrder, pit::Pit, refusal::OrderRefusal,
};

/// The longest client order id.
const ID_LENGTH_MAX: usize = 128;

impl Exchange {
    pub(crate) fn check(&self, order: &NewOrder) -> Result<(), OrderRefusal> {
        let id = &order.client_order_id;
        if id.trim().is_empty() || id.chars().count() > ID_LENGTH_MAX {
            return Err(OrderRefusal::IdTooLong);
        }
        // First of all the checks that depend on state, as at the broker: a repeated request must learn that it is one.
        if self.by_client_id.contains_key(id) {
            return Err(OrderRefusal::IdNotUnique);
        }
        if order.quantity.is_zero() {
            return Err(OrderRefusal::QuantityZero);
        }
        let symbol = order.symbol.clone();
        let Some(pit) = self.pits.get(&symbol) else {
            return Err(OrderRefusal::AssetUnknown { symbol });
        };
        if !pit.listing().grid_at(order.limit).holds(order.limit) {
            return Err(OrderRefusal::SubPenny { limit: order.limit });
        }
        if !pit.listing().fractionable && order.quantity != order.quantity.whole() {
            return Err(OrderRefusal::NotFractionable { symbol });
        }
        self.check_wash_trade(order, pit)?;
        match order.side {
            Side::Buy => self.check_cash(order),
            Side::Sell => self.check_shares(order),
        }
    }

    fn check_wash_trade(&self, order: &NewOrder, pit: &Pit) -> Result<(), OrderRefusal> {
        let meets = |other: &Resting| {
            other.side() != order.side && !other.limit().beyond(order.limit, order.side)
        };
        let mut open = pit.open();
        let existing = open
            .find_map(|(number, other)| meets(other).then(|| self.orders.get(number)).flatten());
        existing.map_or(Ok(()), |other| {
            Err(OrderRefusal::WashTrade { existing_order_id: other.broker_order_id.clone() })
        })
    }

    fn check_cash(&self, order: &NewOrder) -> Result<(), OrderRefusal> {
        let cost_basis = order.limit.times(order.quantity);
        let buying_power = self.buying_power();
        if cost_basis < Money::ONE {
            return Err(OrderRefusal::CostBasisTooSmall);
        }
        if cost_basis > buying_power {
            return Err(OrderRefusal::BuyingPower { buying_power, cost_basis });
        }
        Ok(())
    }

    fn check_shares(&self, order: &NewOrder) -> Result<(), OrderRefusal> {
        let existing = self.account.held(&order.symbol);
        let held_for_orders = self.held_for_orders(&order.symbol);
        let available = existing.less(held_for_orders);
        if order.quantity > available {
            let (symbol, requested) = (order.symbol.clone(), order.quantity);
            return Err(OrderRefusal::SharesAvailable {
                symbol,
                requested,
                available,
                existing,
                held_for_orders,
            });
        }
        Ok(())
    }

    /// Cash that no open buy holds at its limit.
    pub(crate) fn buying_power(&self) -> Money {
        let open = self.pits.values().flat_map(Pit::open);
        let buys = open.filter(|(_, order)| order.side() == Side::Buy);
        let held: Money = buys.map(|(_, order)| order.limit().times(order.leaves())).sum();
        self.account.cash().minus(held)
    }

    /// What of it has settled: the proceeds of a day's sales are not in it before the next day.
    pub(crate) fn settled(&self) -> Money {
        let day = |at: Timestamp| {
            TimeZone::get("America/New_York").map(|zone| zone.to_datetime(at).date()).ok()
        };
        let today = day(self.now);
        let sales = self.fills().iter().rev().take_while(|fill| day(fill.at) == today);
        let sales = sales.filter(|fill| fill.side == Side::Sell);
        let proceeds: Money = sales.map(|fill| fill.price.times(fill.quantity)).sum();
        self.buying_power().minus(proceeds).max(Money::ZERO)
    }

    /// Shares that open sells hold.
    pub(crate) fn held_for_orders(&self, symbol: &Symbol) -> Quantity {
        let open = self.pits.get(symbol).into_iter().flat_map(Pit::open);
        open.filter(|(_, order)| order.side() == Side::Sell).map(|(_, order)| order.leaves()).sum()
    }
}
