//! Why the exchange refuses, in the broker's numbers and words.

use alchemiser_core::{
    ids::{BrokerOrderId, Symbol},
    money::Money,
    price::Price,
    quantity::Quantity,
    report::BrokerStatus,
};
use thiserror::Error;

/// Why an order was not taken. Its client id stays free, and the display is the broker's message. More than nine
/// decimals of a share cannot be asked for: [`Quantity`] does not hold them.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OrderRefusal {
    /// The id is longer than 128 characters, or blank.
    #[error("client_order_id must be no more than 128 characters")]
    IdTooLong,
    /// The id has been used.
    #[error("client_order_id must be unique")]
    IdNotUnique,
    /// Nothing was ordered.
    #[error("qty must be > 0")]
    QuantityZero,
    /// The symbol is not listed.
    #[error("asset \"{symbol}\" not found")]
    AssetUnknown {
        /// The symbol asked for.
        symbol: Symbol,
    },
    /// The limit is not on the grid.
    #[error(
        "invalid limit_price {limit}. sub-penny increment does not fulfill minimum pricing criteria"
    )]
    SubPenny {
        /// The limit asked for.
        limit: Price,
    },
    /// Parts of a share of this symbol do not trade.
    #[error("asset \"{symbol}\" is not fractionable")]
    NotFractionable {
        /// The symbol asked for.
        symbol: Symbol,
    },
    /// A buy of less than a dollar.
    #[error("cost basis must be >= minimal amount of order 1")]
    CostBasisTooSmall,
    /// Not enough free cash.
    #[error("insufficient buying power")]
    BuyingPower {
        /// Cash that no open buy holds.
        buying_power: Money,
        /// Quantity times limit.
        cost_basis: Money,
    },
    /// Not enough free shares.
    #[error(
        "insufficient qty available for order (requested: {requested}, available: {available})"
    )]
    SharesAvailable {
        /// The symbol asked for.
        symbol: Symbol,
        /// Shares asked for.
        requested: Quantity,
        /// Shares that no open sell holds.
        available: Quantity,
        /// Shares held in all.
        existing: Quantity,
        /// Shares that open sells hold.
        held_for_orders: Quantity,
    },
    /// An open order of the other side would trade with it.
    #[error("potential wash trade detected. use complex orders")]
    WashTrade {
        /// That order.
        existing_order_id: BrokerOrderId,
    },
    /// The journal cannot be written, so nothing is taken any more.
    #[error("internal server error occurred")]
    Unavailable,
}

impl OrderRefusal {
    /// The HTTP status of the answer.
    pub fn http_status(&self) -> u16 {
        match self {
            Self::IdTooLong
            | Self::IdNotUnique
            | Self::QuantityZero
            | Self::AssetUnknown { .. }
            | Self::SubPenny { .. } => 422,
            Self::NotFractionable { .. }
            | Self::CostBasisTooSmall
            | Self::BuyingPower { .. }
            | Self::SharesAvailable { .. }
            | Self::WashTrade { .. } => 403,
            Self::Unavailable => 500,
        }
    }

    /// The broker's error code.
    pub fn code(&self) -> u32 {
        match self {
            Self::IdTooLong | Self::IdNotUnique | Self::QuantityZero => 40_010_001,
            Self::AssetUnknown { .. } | Self::SubPenny { .. } => 42_210_000,
            Self::NotFractionable { .. }
            | Self::CostBasisTooSmall
            | Self::BuyingPower { .. }
            | Self::SharesAvailable { .. }
            | Self::WashTrade { .. } => 40_310_000,
            Self::Unavailable => 50_010_000,
        }
    }

    /// The broker's message.
    pub fn message(&self) -> String {
        self.to_string()
    }
}

/// Why a cancel was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CancelRefusal {
    /// There is no such order.
    #[error("order not found for {id}")]
    NotFound {
        /// The id asked for.
        id: BrokerOrderId,
    },
    /// The order has come to its end.
    #[error("order is already in \"{}\" state", status.word())]
    NotCancelable {
        /// How it ended.
        status: BrokerStatus,
    },
    /// The journal cannot be written, so nothing is taken any more.
    #[error("internal server error occurred")]
    Unavailable,
}

impl CancelRefusal {
    /// The HTTP status of the answer.
    pub fn http_status(&self) -> u16 {
        match self {
            Self::NotFound { .. } => 404,
            Self::NotCancelable { .. } => 422,
            Self::Unavailable => 500,
        }
    }

    /// The broker's error code.
    pub fn code(&self) -> u32 {
        match self {
            Self::NotFound { .. } => 40_410_000,
            Self::NotCancelable { .. } => 42_210_000,
            Self::Unavailable => 50_010_000,
        }
    }

    /// The broker's message.
    pub fn message(&self) -> String {
        self.to_string()
    }
}
