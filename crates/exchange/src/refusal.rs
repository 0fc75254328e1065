//! Why the exchange refuses, in the broker's statuses, codes and words. The display is the message.

use alchemiser_core::{
    ids::Symbol, money::Money, price::Price, quantity::Quantity, report::BrokerStatus,
};
use serde_json::{Map, Value};
use thiserror::Error;
use uuid::Uuid;

/// A request that is not carried out.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The body is not a JSON object.
    #[error("request body format is invalid")]
    NotJson,
    /// A part of the request is missing or makes no sense, in words of its own.
    #[error("{0}")]
    Malformed(String),
    /// The id has been used by this account.
    #[error("client_order_id must be unique")]
    IdNotUnique,
    /// A rule of the broker forbids it, in its own words (code 42210000).
    #[error("{0}")]
    Unprocessable(String),
    /// The symbol is not listed.
    #[error("asset \"{0}\" not found")]
    AssetUnknown(String),
    /// The symbol is listed and may not be traded.
    #[error("asset \"{0}\" is not tradable")]
    NotTradable(Symbol),
    /// The symbol is listed no more.
    #[error("asset \"{0}\" is not active")]
    NotActive(Symbol),
    /// The price is not on the grid.
    #[error(
        "invalid {field} {price}. sub-penny increment does not fulfill minimum pricing criteria"
    )]
    SubPenny {
        /// `limit_price` or `stop_price`.
        field: &'static str,
        /// The price asked for.
        price: Price,
    },
    /// Parts of a share of this symbol do not trade.
    #[error("asset \"{0}\" is not fractionable")]
    NotFractionable(Symbol),
    /// A buy of less than a dollar.
    #[error("cost basis must be >= minimal amount of order 1")]
    CostBasisTooSmall,
    /// Not enough free cash.
    #[error("insufficient buying power")]
    BuyingPower {
        /// Dollars that no open buy holds.
        buying_power: Money,
        /// What the order would hold.
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
        /// These sells.
        related: Vec<Uuid>,
    },
    /// An open order of the other side would trade with it.
    #[error("potential wash trade detected. use complex orders")]
    WashTrade {
        /// That order.
        existing: Uuid,
        /// What is wrong with it, in the broker's words.
        reason: &'static str,
    },
    /// Something is forbidden to this account, in the broker's words (code 40310000).
    #[error("{0}")]
    Forbidden(String),
    /// The order has come to its end.
    #[error("order is already in \"{}\" state", .0.word())]
    NotCancelable(BrokerStatus),
    /// There is no such order, position or asset.
    #[error("{0}")]
    NotFound(String),
    /// No key, a wrong key, or a wrong secret.
    #[error("unauthorized.")]
    Unauthorized,
    /// A key of the other environment (paper, live).
    #[error("request is not authorized")]
    OtherEnvironment,
    /// The data plan does not include this feed.
    #[error("subscription does not permit querying recent SIP data")]
    NotSubscribed,
    /// A parameter of a market data request makes no sense.
    #[error("{0}")]
    DataParameter(String),
    /// Too many requests.
    #[error("rate limit exceeded")]
    TooManyRequests,
    /// There is no such path.
    #[error("endpoint not found")]
    NoSuchPath,
    /// The path takes other methods.
    #[error("method not allowed")]
    MethodNotAllowed,
    /// The journal cannot be written, so nothing is taken any more.
    #[error("internal server error occurred")]
    Unavailable,
}

impl Refusal {
    /// The HTTP status of the answer.
    pub fn status(&self) -> u16 {
        match self {
            Self::NotJson | Self::DataParameter(_) => 400,
            Self::Unauthorized | Self::OtherEnvironment => 401,
            Self::NotFractionable(_)
            | Self::CostBasisTooSmall
            | Self::BuyingPower { .. }
            | Self::SharesAvailable { .. }
            | Self::WashTrade { .. }
            | Self::Forbidden(_)
            | Self::NotSubscribed => 403,
            Self::NotFound(_) | Self::NoSuchPath => 404,
            Self::MethodNotAllowed => 405,
            Self::Malformed(_)
            | Self::IdNotUnique
            | Self::Unprocessable(_)
            | Self::AssetUnknown(_)
            | Self::NotTradable(_)
            | Self::NotActive(_)
            | Self::SubPenny { .. }
            | Self::NotCancelable(_) => 422,
            Self::TooManyRequests => 429,
            Self::Unavailable => 500,
        }
    }

    /// The broker's code; none where its answer has none.
    pub fn code(&self) -> Option<u32> {
        Some(match self {
            Self::NotJson => 40_010_000,
            Self::Malformed(_) | Self::IdNotUnique => 40_010_001,
            Self::OtherEnvironment => 40_110_000,
            Self::Unprocessable(_)
            | Self::AssetUnknown(_)
            | Self::NotTradable(_)
            | Self::NotActive(_)
            | Self::SubPenny { .. }
            | Self::NotCancelable(_)
            | Self::NotSubscribed => 42_210_000,
            Self::NotFractionable(_)
            | Self::CostBasisTooSmall
            | Self::BuyingPower { .. }
            | Self::SharesAvailable { .. }
            | Self::WashTrade { .. }
            | Self::Forbidden(_) => 40_310_000,
            Self::NotFound(_) | Self::NoSuchPath => 40_410_000,
            Self::MethodNotAllowed => 40_510_000,
            Self::TooManyRequests => 42_910_000,
            Self::Unavailable => 50_010_000,
            Self::Unauthorized | Self::DataParameter(_) => return None,
        })
    }

    /// The body of the answer.
    pub fn body(&self) -> Value {
        let mut body = Map::new();
        if let Some(code) = self.code() {
            body.insert("code".to_owned(), code.into());
        }
        body.insert("message".to_owned(), self.to_string().into());
        for (name, value) in self.extras() {
            body.insert(name.to_owned(), value);
        }
        Value::Object(body)
    }

    /// What the body has besides code and message.
    fn extras(&self) -> Vec<(&'static str, Value)> {
        if let Self::BuyingPower { buying_power, cost_basis } = self {
            return vec![
                ("buying_power", buying_power.to_string().into()),
                ("cost_basis", cost_basis.to_string().into()),
            ];
        }
        if let Self::WashTrade { existing, reason } = self {
            return vec![
                ("existing_order_id", existing.to_string().into()),
                ("reject_reason", (*reason).into()),
            ];
        }
        let Self::SharesAvailable { symbol, available, existing, held_for_orders, related, .. } =
            self
        else {
            return Vec::new();
        };
        let related: Vec<String> = related.iter().map(Uuid::to_string).collect();
        vec![
            ("available", available.to_string().into()),
            ("existing_qty", existing.to_string().into()),
            ("held_for_orders", held_for_orders.to_string().into()),
            ("related_orders", related.into()),
            ("symbol", symbol.to_string().into()),
        ]
    }
}
