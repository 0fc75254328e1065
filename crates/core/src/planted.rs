//! Faults that can be planted in the product, one at a time, to show that the simulated world finds each of them.
//!
//! Only a build with `--cfg planted` has them (`make planted`). In every other one [`is_planted`] is a constant, and what
//! stands behind it is gone.

use crate::{child::ChildOrder, child::OrderTerms, ids::ClientOrderId};

/// A fault that can be planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plant {
    /// An order that is sent again has another id.
    IdOfARetry,
    /// An order that was not found counts as never sent.
    AbsentWhenNotFound,
    /// Events go out before the entry that announces them.
    PublishedBeforeCommit,
    /// An entry that somebody else wrote counts as ours.
    ExistsIgnored,
    /// A duplicate id counts as a refusal.
    DuplicateRefused,
    /// A refusal of an order that was sent again settles it.
    RefusedAgainSettles,
    /// The account can be taken from a plan that holds it for long.
    AccountExpires,
    /// A plan gives the account back when it is handed over.
    AccountHandedOver,
    /// A clock that is wrong or unread passes.
    ClockUnread,
    /// A timer is not set again.
    TimerLost,
    /// Ids may be blank.
    BlankId,
    /// What is sent again is not what was asked for.
    QuantityOfARetry,
    /// Buys begin while sells are under way.
    BuysBeforeSells,
    /// A plan's validity does not matter.
    ValidityIgnored,
    /// What a plan used of its day is not kept.
    UsageLost,
    /// The halt switch is not read.
    HaltUnread,
    /// That a person canceled the plan is not read.
    CancelUnread,
    /// A cancel that was asked for counts as done.
    CancelAssumed,
    /// A crossing order asks for the whole target again.
    WholeAgain,
    /// An older reading takes fills back.
    FillsTakenBack,
    /// A fill after the end of its order is dropped.
    LateFillDropped,
    /// An event that the bus did not take counts as published.
    UnpublishedCounts,
    /// A plan whose orders may still fill loses its marker.
    MarkerDropped,
    /// What became known after the ledger was written is not added to it.
    LateNewsUnwritten,
    /// Buys may take more than the verified money.
    BudgetIgnored,
    /// A file is not synced before it gets its name.
    SyncSkipped,
}

/// Whether a fault is planted: none is.
#[cfg(not(planted))]
#[inline]
pub const fn is_planted(_: Plant) -> bool {
    false
}

/// The id under which an order is sent: its own.
#[cfg(not(planted))]
#[inline]
pub(crate) fn id(child: &ChildOrder) -> ClientOrderId {
    child.client_order_id.clone()
}

/// What an order says when it is sent: what was intended.
#[cfg(not(planted))]
#[inline]
pub(crate) fn terms(child: &ChildOrder) -> OrderTerms {
    child.terms.clone()
}

#[cfg(not(planted))]
const _: () = assert!(!is_planted(Plant::IdOfARetry), "no fault is planted in the product");

#[cfg(planted)]
pub(crate) use switch::{id, terms};
#[cfg(planted)]
pub use switch::{is_planted, plant};

#[cfg(planted)]
mod switch {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use rust_decimal::Decimal;

    use super::{ChildOrder, ClientOrderId, OrderTerms, Plant};
    use crate::quantity::Quantity;

    impl Plant {
        /// Every fault.
        pub const ALL: [Self; 26] = [
            Self::IdOfARetry,
            Self::AbsentWhenNotFound,
            Self::PublishedBeforeCommit,
            Self::ExistsIgnored,
            Self::DuplicateRefused,
            Self::RefusedAgainSettles,
            Self::AccountExpires,
            Self::AccountHandedOver,
            Self::ClockUnread,
            Self::TimerLost,
            Self::BlankId,
            Self::QuantityOfARetry,
            Self::BuysBeforeSells,
            Self::ValidityIgnored,
            Self::UsageLost,
            Self::HaltUnread,
            Self::CancelUnread,
            Self::CancelAssumed,
            Self::WholeAgain,
            Self::FillsTakenBack,
            Self::LateFillDropped,
            Self::UnpublishedCounts,
            Self::MarkerDropped,
            Self::LateNewsUnwritten,
            Self::BudgetIgnored,
            Self::SyncSkipped,
        ];

        /// The words used in tables.
        pub fn word(self) -> &'static str {
            match self {
                Self::IdOfARetry => "random id per retry",
                Self::AbsentWhenNotFound => "advance on 404",
                Self::PublishedBeforeCommit => "publish before commit",
                Self::ExistsIgnored => "ignore 412",
                Self::DuplicateRefused => "duplicate refusal as failure",
                Self::RefusedAgainSettles => "a refused re-POST taken as absence",
                Self::AccountExpires => "account mutex that expires",
                Self::AccountHandedOver => "account given back at hand-over",
                Self::ClockUnread => "fail-open clock",
                Self::TimerLost => "lost re-arm of a timer",
                Self::BlankId => "blank id accepted",
                Self::QuantityOfARetry => "recomputed quantity after adoption",
                Self::BuysBeforeSells => "buy before sells terminal",
                Self::ValidityIgnored => "no valid_until",
                Self::UsageLost => "counter not persisted",
                Self::HaltUnread => "halt not read",
                Self::CancelUnread => "cancellation of a plan not read",
                Self::CancelAssumed => "unconfirmed cancel treated as canceled",
                Self::WholeAgain => "full quantity at escalation",
                Self::FillsTakenBack => "fills taken back by an older reading",
                Self::LateFillDropped => "fill after cancel dropped",
                Self::UnpublishedCounts => "failed publication counted as taken",
                Self::MarkerDropped => "marker dropped with an order open",
                Self::LateNewsUnwritten => "late fills not written to the ledger",
                Self::BudgetIgnored => "buys beyond the verified money",
                Self::SyncSkipped => "skipped fsync",
            }
        }
    }

    /// One more than the fault's place in [`Plant::ALL`]; 0 for none.
    static PLANTED: AtomicUsize = AtomicUsize::new(0);

    fn place(plant: Plant) -> usize {
        Plant::ALL
            .iter()
            .position(|other| *other == plant)
            .map_or(0, |place| place.saturating_add(1))
    }

    /// Plants a fault in the whole process, or takes out the one that is there.
    pub fn plant(plant: Option<Plant>) {
        PLANTED.store(plant.map_or(0, place), Ordering::SeqCst);
    }

    /// Whether a fault is planted.
    pub fn is_planted(plant: Plant) -> bool {
        PLANTED.load(Ordering::Relaxed) == place(plant)
    }

    /// The id under which an order is sent.
    pub(crate) fn id(child: &ChildOrder) -> ClientOrderId {
        let own = child.client_order_id.clone();
        let backwards: String =
            own.as_str().chars().skip(3).collect::<Vec<_>>().iter().rev().collect();
        let other = ClientOrderId::recognise(&format!("al-{backwards}"));
        let again = child.flight.reposted && is_planted(Plant::IdOfARetry);
        other.filter(|_| again).unwrap_or(own)
    }

    /// What an order says when it is sent.
    pub(crate) fn terms(child: &ChildOrder) -> OrderTerms {
        let mut terms = child.terms.clone();
        if child.flight.reposted && is_planted(Plant::QuantityOfARetry) {
            let fewer = terms.quantity.shares().saturating_mul(Decimal::new(9, 1));
            terms.quantity = Quantity::rounded_down(fewer, 6);
        }
        terms
    }
}
