//! One order at the exchange, from its request to its end.

use alchemiser_core::{
    ids::{BrokerOrderId, Symbol},
    money::Money,
    price::Price,
    quantity::Quantity,
    report::{BrokerStatus, OrderReport},
    side::Side,
};
use jiff::Timestamp;
use rust_decimal::RoundingStrategy;
use serde::{Deserialize, Serialize};

use crate::matching::Execution;

/// The request for a limit day order, the only kind this exchange takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewOrder {
    /// The sender's id; unique for ever.
    pub client_order_id: String,
    /// The symbol to trade.
    #[serde(with = "crate::text")]
    pub symbol: Symbol,
    /// Buy or sell.
    #[serde(with = "crate::text")]
    pub side: Side,
    /// Shares.
    #[serde(with = "crate::text")]
    pub quantity: Quantity,
    /// The worst price.
    #[serde(with = "crate::text")]
    pub limit: Price,
}

/// Shares of an order that changed hands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fill {
    /// When, by the wall clock of the market.
    #[serde(with = "crate::text")]
    pub at: Timestamp,
    /// The order's client id.
    pub client_order_id: String,
    /// The symbol traded.
    #[serde(with = "crate::text")]
    pub symbol: Symbol,
    /// Bought or sold.
    #[serde(with = "crate::text")]
    pub side: Side,
    /// Shares.
    #[serde(with = "crate::text")]
    pub quantity: Quantity,
    /// Dollars per share.
    #[serde(with = "crate::text")]
    pub price: Price,
}

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// On its way to the venue.
    PendingNew,
    /// At the venue.
    Live,
    /// A cancel is on its way; fills may still win.
    PendingCancel,
    Filled,
    Canceled,
}

/// An order that the exchange has taken.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) request: NewOrder,
    pub(crate) broker_order_id: BrokerOrderId,
    pub(crate) submitted_at: Timestamp,
    pub(crate) stage: Stage,
    cumulative: Quantity,
    notional: Money,
    filled_at: Option<Timestamp>,
}

impl Order {
    pub(crate) fn new(request: NewOrder, broker_order_id: BrokerOrderId, at: Timestamp) -> Self {
        Self {
            request,
            broker_order_id,
            submitted_at: at,
            stage: Stage::PendingNew,
            cumulative: Quantity::ZERO,
            notional: Money::ZERO,
            filled_at: None,
        }
    }

    /// Shares filled so far.
    pub(crate) fn cumulative(&self) -> Quantity {
        self.cumulative
    }

    /// It reached the venue.
    pub(crate) fn arrive(&mut self) {
        self.stage = match self.stage {
            Stage::PendingNew | Stage::Live => Stage::Live,
            later @ (Stage::PendingCancel | Stage::Filled | Stage::Canceled) => later,
        };
    }

    /// Shares of it changed hands.
    pub(crate) fn fill(&mut self, execution: Execution, at: Timestamp) {
        self.cumulative = self.cumulative.plus(execution.quantity);
        self.notional = self.notional.plus(execution.price.times(execution.quantity));
        self.filled_at = Some(at);
        if self.cumulative >= self.request.quantity {
            self.stage = Stage::Filled;
        }
    }

    pub(crate) fn status(&self) -> BrokerStatus {
        match self.stage {
            Stage::PendingNew => BrokerStatus::PendingNew,
            Stage::Live if self.cumulative.is_zero() => BrokerStatus::New,
            Stage::Live => BrokerStatus::PartiallyFilled,
            Stage::PendingCancel => BrokerStatus::PendingCancel,
            Stage::Filled => BrokerStatus::Filled,
            Stage::Canceled => BrokerStatus::Canceled,
        }
    }

    pub(crate) fn report(&self) -> OrderReport {
        OrderReport {
            client_order_id: self.request.client_order_id.clone(),
            broker_order_id: self.broker_order_id.clone(),
            symbol: self.request.symbol.clone(),
            side: self.request.side,
            status: self.status(),
            quantity: self.request.quantity,
            limit: Some(self.request.limit),
            cumulative: self.cumulative,
            average_price: self.average_price(),
            submitted_at: self.submitted_at,
            filled_at: self.filled_at,
        }
    }

    /// The exact notional over the exact quantity, to six decimals.
    fn average_price(&self) -> Option<Price> {
        let average = self.notional.amount().checked_div(self.cumulative.shares())?;
        Price::new(average.round_dp_with_strategy(6, RoundingStrategy::MidpointNearestEven)).ok()
    }
}
