//! The controls by name.

/// The controls, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Control {
    /// Trading in the account is not stopped, and nobody canceled the plan.
    Halt,
    /// The account is the configured one.
    Account,
    /// Its orders go where they are configured to go.
    Mode,
    /// The session is open, not about to close, and was read recently.
    Session,
    /// Not within the first minutes after the open, unless URGENT.
    OpenQuiet,
    /// Our clock agrees with the broker's.
    ClockSkew,
    /// The first order of the plan leaves before its validity ends.
    Validity,
    /// No order leaves after the plan's deadline.
    Deadline,
    /// The account's orders were listed recently.
    OrdersRead,
    /// The quote was read recently and is alive.
    QuoteAge,
    /// The order's notional is bounded.
    OrderNotional,
    /// The day's orders stay below their cap in dollars.
    DailyNotional,
    /// The day's orders stay below their cap in number.
    DailyOrders,
    /// The limit is not far beyond the far touch.
    Collar,
    /// The limit is not far worse than the last trade.
    LastTrade,
    /// The limit is not far worse than the previous close.
    PreviousClose,
    /// A crossing order is not many times what the far touch shows.
    CrossSize,
    /// A market order is allowed, on a narrow spread that was read just now.
    MarketOrder,
    /// The quantity is within what the leg still has to trade.
    Leaves,
    /// The leg has not had too many orders.
    Children,
    /// No other order of ours is live in the symbol.
    LiveOrder,
    /// No opposite order of anyone in the account is open in the symbol.
    WashTrade,
    /// A sell is within what is held.
    Held,
    /// Open, unresolved and filled buys stay within the verified budget.
    Budget,
    /// The plan's implementation shortfall allows crossing.
    Shortfall,
    /// Few orders were refused lately.
    RejectBreaker,
    /// The message budget has room.
    Throttle,
}

impl Control {
    /// Every control, in the order in which they are asked.
    pub const ALL: [Self; 27] = [
        Self::Halt,
        Self::Account,
        Self::Mode,
        Self::Session,
        Self::OpenQuiet,
        Self::ClockSkew,
        Self::Validity,
        Self::Deadline,
        Self::OrdersRead,
        Self::QuoteAge,
        Self::OrderNotional,
        Self::DailyNotional,
        Self::DailyOrders,
        Self::Collar,
        Self::LastTrade,
        Self::PreviousClose,
        Self::CrossSize,
        Self::MarketOrder,
        Self::Leaves,
        Self::Children,
        Self::LiveOrder,
        Self::WashTrade,
        Self::Held,
        Self::Budget,
        Self::Shortfall,
        Self::RejectBreaker,
        Self::Throttle,
    ];

    /// The control for a stable code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|control| control.code() == code)
    }

    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Halt => "CONTROL_HALT",
            Self::Account => "CONTROL_ACCOUNT",
            Self::Mode => "CONTROL_MODE",
            Self::Session => "CONTROL_SESSION",
            Self::OpenQuiet => "CONTROL_OPEN_QUIET",
            Self::ClockSkew => "CONTROL_CLOCK_SKEW",
            Self::Validity => "CONTROL_VALIDITY",
            Self::Deadline => "CONTROL_DEADLINE",
            Self::OrdersRead => "CONTROL_ORDERS_READ",
            Self::QuoteAge => "CONTROL_QUOTE_AGE",
            Self::OrderNotional => "CONTROL_ORDER_NOTIONAL",
            Self::DailyNotional => "CONTROL_DAILY_NOTIONAL",
            Self::DailyOrders => "CONTROL_DAILY_ORDERS",
            Self::Collar => "CONTROL_COLLAR",
            Self::LastTrade => "CONTROL_LAST_TRADE",
            Self::PreviousClose => "CONTROL_PREVIOUS_CLOSE",
            Self::CrossSize => "CONTROL_CROSS_SIZE",
            Self::MarketOrder => "CONTROL_MARKET_ORDER",
            Self::Leaves => "CONTROL_LEAVES",
            Self::Children => "CONTROL_CHILDREN",
            Self::LiveOrder => "CONTROL_LIVE_ORDER",
            Self::WashTrade => "CONTROL_WASH_TRADE",
            Self::Held => "CONTROL_HELD",
            Self::Budget => "CONTROL_BUDGET",
            Self::Shortfall => "CONTROL_SHORTFALL",
            Self::RejectBreaker => "CONTROL_REJECT_BREAKER",
            Self::Throttle => "CONTROL_THROTTLE",
        }
    }
}
