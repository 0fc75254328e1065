//! What the order stream tells.

use alchemiser_core::{price::Price, quantity::Quantity};
use jiff::Timestamp;
use uuid::Uuid;

use crate::order::Order;

/// What happened to an order, in the stream's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It was taken.
    PendingNew,
    /// It was taken while the market is shut.
    Accepted,
    /// It reached the venue.
    New,
    /// All of it has traded.
    Fill,
    /// A part of it has traded.
    PartialFill,
    /// Its cancel was asked for.
    PendingCancel,
    /// Its cancel took effect.
    Canceled,
    /// Its time was over.
    Expired,
    /// Its replacement was asked for.
    PendingReplace,
    /// Another order took its place.
    Replaced,
    /// It was not taken after all.
    Rejected,
    /// It could not be replaced.
    OrderReplaceRejected,
}

impl Event {
    /// The stream's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::PendingNew => "pending_new",
            Self::Accepted => "accepted",
            Self::New => "new",
            Self::Fill => "fill",
            Self::PartialFill => "partial_fill",
            Self::PendingCancel => "pending_cancel",
            Self::Canceled => "canceled",
            Self::Expired => "expired",
            Self::PendingReplace => "pending_replace",
            Self::Replaced => "replaced",
            Self::Rejected => "rejected",
            Self::OrderReplaceRejected => "order_replace_rejected",
        }
    }
}

/// One message of the order stream.
#[derive(Clone, Debug)]
pub struct Update {
    /// Its place in the order of all messages.
    pub number: u64,
    /// What happened.
    pub event: Event,
    /// When.
    pub at: Timestamp,
    /// The order afterwards.
    pub order: Order,
    /// The order that it replaces, and the one that replaced it.
    pub chain: (Option<Uuid>, Option<Uuid>),
    /// The id of this step.
    pub execution_id: Uuid,
    /// Of a fill: shares and price of it alone, and the account's shares afterwards.
    pub fill: Option<(Quantity, Price, Quantity)>,
}
