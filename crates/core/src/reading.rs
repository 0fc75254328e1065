//! What the broker says of everything but orders: account, positions, assets, session.

use jiff::Timestamp;

use crate::{
    ids::{AccountId, Symbol},
    money::Money,
    price::Tick,
    quantity::Quantity,
};

/// Whether orders reach a real market.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TradeMode {
    /// Real money.
    Live,
    /// The broker's paper account.
    Paper,
    /// An exchange of our own on this machine.
    Simulated,
}

impl TradeMode {
    /// Every mode.
    pub const ALL: [Self; 3] = [Self::Live, Self::Paper, Self::Simulated];

    /// The mode for a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.word() == word)
    }

    /// The events' word: `live`, `paper` or `simulated`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Paper => "paper",
            Self::Simulated => "simulated",
        }
    }
}

/// The account, as read at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountReading {
    /// The account's number.
    pub account: AccountId,
    /// Where its orders go.
    pub mode: TradeMode,
    /// Active, and neither blocked nor suspended.
    pub may_trade: bool,
    /// The account may hold short positions (we refuse to trade in one that may).
    pub shorting_enabled: bool,
    /// Cash in dollars; negative when the account has borrowed.
    pub cash: Money,
    /// What may be bought for: with what may be borrowed, less what open orders reserve.
    pub buying_power: Money,
    /// Settled money, less what open orders reserve: the proceeds of a sale are not in it before the next trading day.
    pub non_marginable_buying_power: Money,
    /// Cash plus the value of the positions.
    pub equity: Money,
}

impl AccountReading {
    /// What may be spent without borrowing. Proceeds are in it from the fill on.
    pub fn spendable(&self) -> Money {
        self.cash.min(self.buying_power)
    }

    /// The settled part of it: it lacks proceeds, and what anybody's open orders reserve, in a margin account, too.
    pub fn settled(&self) -> Money {
        self.spendable().min(self.non_marginable_buying_power)
    }
}

/// A position, as read at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// The symbol held.
    pub symbol: Symbol,
    /// Shares held (long).
    pub quantity: Quantity,
    /// Shares that no open order holds.
    pub available: Quantity,
}

/// What may be done with a symbol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asset {
    /// The symbol.
    pub symbol: Symbol,
    /// Active and tradable.
    pub tradable: bool,
    /// Parts of a share may be traded.
    pub fractionable: bool,
    /// A list entry that replaces the price's own tick (the half-penny list); `None` for the usual grid.
    pub tick: Option<Tick>,
    /// The round lot in shares.
    pub round_lot: Quantity,
}

/// The broker's session clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionClock {
    /// The broker's time when it answered.
    pub at: Timestamp,
    /// The regular session is open.
    pub is_open: bool,
    /// When the session opened (the last open, while it is open).
    pub opened_at: Timestamp,
    /// When it closes (early closes included).
    pub closes_at: Timestamp,
}
