//! One order at the exchange, from its request to its end.

use alchemiser_core::{
    ids::Symbol, money::Money, price::Price, quantity::Quantity, report::BrokerStatus, side::Side,
};
use alchemiser_market::matching::Execution;
use jiff::Timestamp;
use rust_decimal::{Decimal, RoundingStrategy};
use uuid::Uuid;

use crate::request::{Kind, Size, TimeInForce};

/// Decimals of an average price.
const AVERAGE_DECIMALS: u32 = 6;

/// What was ordered, with everything known that the request left open.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The sender's id, or one that the exchange made up.
    pub client_order_id: String,
    /// The symbol.
    pub symbol: Symbol,
    /// Buy or sell.
    pub side: Side,
    /// How much: of a replacement, the whole chain's.
    pub size: Size,
    /// At which price.
    pub kind: Kind,
    /// How long it stands.
    pub time_in_force: TimeInForce,
    /// It may trade outside the regular session.
    pub extended_hours: bool,
}

/// When what happened to an order.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// It was taken.
    pub created: Timestamp,
    /// Anything happened last.
    pub updated: Timestamp,
    /// It was sent to the venue last.
    pub submitted: Timestamp,
    /// Its last fill.
    pub filled: Option<Timestamp>,
    /// It expired.
    pub expired: Option<Timestamp>,
    /// Its cancel took effect.
    pub canceled: Option<Timestamp>,
    /// It was rejected.
    pub failed: Option<Timestamp>,
    /// It was replaced.
    pub replaced: Option<Timestamp>,
    /// Its cancel was asked for.
    pub cancel_requested: Option<Timestamp>,
    /// When it will expire.
    pub expires: Timestamp,
}

/// What an order holds of its account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hold {
    /// Dollars.
    pub cash: Money,
    /// Shares of its symbol.
    pub shares: Quantity,
}

impl Hold {
    /// What this holds beyond another hold.
    #[must_use]
    pub fn beyond(self, other: Self) -> Self {
        Self {
            cash: self.cash.minus(other.cash).max(Money::ZERO),
            shares: self.shares.less(other.shares),
        }
    }
}

/// An order that the exchange has taken.
#[derive(Clone, Debug)]
pub struct Order {
    /// Its number, in the order of acceptance.
    pub number: usize,
    /// The number of its account.
    pub account: usize,
    /// The exchange's id.
    pub id: Uuid,
    /// What was ordered.
    pub terms: Terms,
    /// Where it stands.
    pub status: BrokerStatus,
    /// When what happened.
    pub times: Times,
    /// The order that it replaces.
    pub replaces: Option<usize>,
    /// The order that replaced it, or is about to.
    pub replaced_by: Option<usize>,
    /// Shares ordered; of a notional order known only when it reaches the venue.
    pub quantity: Option<Quantity>,
    /// Shares filled, those of the orders that it replaces included.
    pub filled: Quantity,
    /// Shares that the orders which it replaces had filled.
    pub carried: Quantity,
    /// Dollars that the filled shares came to.
    pub paid: Money,
    /// Dollars a share that an open buy holds, or that a sell for a notional is reckoned at.
    pub reserve: Price,
    /// What it holds at the moment.
    pub held: Hold,
}

/// Whether a status is one that something may follow on.
pub fn is_open(status: BrokerStatus) -> bool {
    match status {
        BrokerStatus::PendingNew
        | BrokerStatus::Accepted
        | BrokerStatus::New
        | BrokerStatus::PartiallyFilled
        | BrokerStatus::DoneForDay
        | BrokerStatus::PendingCancel
        | BrokerStatus::PendingReplace
        | BrokerStatus::Suspended
        | BrokerStatus::Calculated
        | BrokerStatus::Stopped
        | BrokerStatus::Held
        | BrokerStatus::Unknown => true,
        BrokerStatus::Filled
        | BrokerStatus::Canceled
        | BrokerStatus::Expired
        | BrokerStatus::Replaced
        | BrokerStatus::Rejected => false,
    }
}

impl Order {
    /// Whether anything may still happen to it.
    pub fn is_open(&self) -> bool {
        is_open(self.status)
    }

    /// Shares not filled yet; of a notional order that has not reached the venue an estimate.
    pub fn leaves(&self) -> Quantity {
        match (self.quantity, self.terms.size) {
            (Some(quantity), _) | (None, Size::Shares(quantity)) => quantity.less(self.filled),
            (None, Size::Notional(dollars)) => {
                Quantity::rounded_down(self.reserve.shares_for(dollars), 9)
            }
        }
    }

    /// What an order like this holds of its account.
    pub fn hold(&self) -> Hold {
        if !self.is_open() {
            return Hold::default();
        }
        match (self.terms.side, self.terms.size) {
            (Side::Sell, _) => Hold { shares: self.leaves(), ..Hold::default() },
            (Side::Buy, Size::Notional(dollars)) => {
                Hold { cash: dollars.minus(self.paid).max(Money::ZERO), ..Hold::default() }
            }
            (Side::Buy, Size::Shares(_)) => {
                Hold { cash: self.reserve.times(self.leaves()), ..Hold::default() }
            }
        }
    }

    /// Shares changed hands.
    pub fn fill(&mut self, execution: Execution, at: Timestamp) {
        self.filled = self.filled.plus(execution.quantity);
        self.paid = self.paid.plus(execution.price.times(execution.quantity));
        (self.times.filled, self.times.updated) = (Some(at), at);
        let is_whole = self.quantity.is_some_and(|quantity| self.filled >= quantity);
        let is_leaving =
            matches!(self.status, BrokerStatus::PendingCancel | BrokerStatus::PendingReplace);
        if is_whole {
            self.status = BrokerStatus::Filled;
        } else if !is_leaving {
            self.status = BrokerStatus::PartiallyFilled;
        }
    }

    /// The exact dollars over the exact shares, to six decimals.
    pub fn average_price(&self) -> Option<Decimal> {
        let average = self.paid.amount().checked_div(self.filled.shares())?;
        let rounded =
            average.round_dp_with_strategy(AVERAGE_DECIMALS, RoundingStrategy::MidpointNearestEven);
        Some(rounded.normalize())
    }
}

/// Shares of an order that changed hands.
#[derive(Clone, Debug)]
pub struct Fill {
    /// The execution's id.
    pub id: Uuid,
    /// The order's number.
    pub order: usize,
    /// The account's number.
    pub account: usize,
    /// When.
    pub at: Timestamp,
    /// Shares and price.
    pub execution: Execution,
    /// Shares of the order filled so far.
    pub cumulative: Quantity,
    /// Shares of the order not filled yet.
    pub leaves: Quantity,
    /// The account's shares of the symbol afterwards.
    pub position: Quantity,
}
