//! What the broker says of an order, in our words.

use jiff::Timestamp;

use crate::{
    ids::{BrokerOrderId, ClientOrderId, Symbol},
    price::Price,
    quantity::Quantity,
    side::Side,
};

/// The broker's order status (Alpaca Trading API, order status enumeration).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BrokerStatus {
    /// Received, not yet at the venue.
    PendingNew,
    /// Received and queued (typical while the market is shut).
    Accepted,
    /// At the venue.
    New,
    /// At the venue with some shares filled.
    PartiallyFilled,
    /// Completely filled.
    Filled,
    /// Finished for the day; may go on tomorrow.
    DoneForDay,
    /// Canceled, possibly after fills.
    Canceled,
    /// Expired, possibly after fills.
    Expired,
    /// Replaced by another order.
    Replaced,
    /// A cancel is under way.
    PendingCancel,
    /// A replacement is under way.
    PendingReplace,
    /// Refused by the venue after it was accepted.
    Rejected,
    /// Not eligible for trading at the moment.
    Suspended,
    /// Done, the settlement is being calculated.
    Calculated,
    /// A trade is guaranteed, not yet made.
    Stopped,
    /// Waiting for another order.
    Held,
    /// A word that this version does not know: treated as open, and alarmed.
    Unknown,
}

impl BrokerStatus {
    /// Every status with the broker's word for it.
    const WORDS: [(Self, &'static str); 16] = [
        (Self::PendingNew, "pending_new"),
        (Self::Accepted, "accepted"),
        (Self::New, "new"),
        (Self::PartiallyFilled, "partially_filled"),
        (Self::Filled, "filled"),
        (Self::DoneForDay, "done_for_day"),
        (Self::Canceled, "canceled"),
        (Self::Expired, "expired"),
        (Self::Replaced, "replaced"),
        (Self::PendingCancel, "pending_cancel"),
        (Self::PendingReplace, "pending_replace"),
        (Self::Rejected, "rejected"),
        (Self::Suspended, "suspended"),
        (Self::Calculated, "calculated"),
        (Self::Stopped, "stopped"),
        (Self::Held, "held"),
    ];

    /// The status for the broker's word; [`BrokerStatus::Unknown`] for any other.
    ///
    /// ```
    /// use alchemiser_core::report::BrokerStatus;
    /// assert_eq!(BrokerStatus::from_word("pending_new"), BrokerStatus::PendingNew);
    /// assert_eq!(BrokerStatus::from_word("teleported"), BrokerStatus::Unknown);
    /// ```
    pub fn from_word(word: &str) -> Self {
        Self::WORDS
            .iter()
            .find(|(_, known)| *known == word)
            .map_or(Self::Unknown, |(status, _)| *status)
    }

    /// The broker's word.
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(status, _)| *status == self).map_or("unknown", |(_, word)| word)
    }
}

/// One reading of one order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderReport {
    /// Our id, or whatever id its sender gave it.
    pub client_order_id: String,
    /// The broker's id.
    pub broker_order_id: BrokerOrderId,
    /// The traded symbol.
    pub symbol: Symbol,
    /// Buy or sell.
    pub side: Side,
    /// Where the order stands.
    pub status: BrokerStatus,
    /// The ordered quantity in shares.
    pub quantity: Quantity,
    /// The limit, for limit orders.
    pub limit: Option<Price>,
    /// Shares filled so far, over the life of this order.
    pub cumulative: Quantity,
    /// Average price of the filled shares; may lag behind [`OrderReport::cumulative`].
    pub average_price: Option<Price>,
    /// When the broker took the order.
    pub submitted_at: Timestamp,
    /// When the last fill happened, if the broker says so.
    pub filled_at: Option<Timestamp>,
}

impl OrderReport {
    /// The client order id, when it is one of ours.
    pub fn our_id(&self) -> Option<ClientOrderId> {
        ClientOrderId::recognise(&self.client_order_id)
    }
}
