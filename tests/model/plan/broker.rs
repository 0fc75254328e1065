//! The broker and the network before it.

use alchemiser_core::report::BrokerStatus;

use super::view::ATTEMPTS;

/// A client order id. The salt is 0 but for the fault of a fresh id for every retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Id {
    pub(crate) attempt: usize,
    pub(crate) salt: usize,
}

/// What the broker has under an id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Order {
    #[default]
    Absent,
    Live,
    Filled,
    Canceled,
}

/// One id, at the broker and on the way to it. A second POST of an id on the way is no other state: the broker takes
/// one of them, whichever comes first. A request that is lost is one that never lands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Known {
    pub(crate) order: Order,
    /// A POST for which nobody waits any more is on the way.
    pub(crate) post: bool,
}

/// All ids.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Broker {
    known: [[Known; 2]; ATTEMPTS],
}

impl Broker {
    /// Every id that there can be.
    pub(crate) fn ids() -> impl Iterator<Item = Id> {
        (0..ATTEMPTS).flat_map(|attempt| [0, 1].map(|salt| Id { attempt, salt }))
    }

    pub(crate) fn at(&self, id: Id) -> Known {
        self.known[id.attempt][id.salt]
    }

    fn at_mut(&mut self, id: Id) -> &mut Known {
        &mut self.known[id.attempt][id.salt]
    }

    /// How many ids have such an order.
    pub(crate) fn count(&self, order: Order) -> usize {
        Self::ids().filter(|id| self.at(*id).order == order).count()
    }

    /// Takes an order: true the first time, "`client_order_id` must be unique" ever after.
    pub(crate) fn take(&mut self, id: Id) -> bool {
        let known = self.at_mut(id);
        known.post = false;
        let first = known.order == Order::Absent;
        if first {
            known.order = Order::Live;
        }
        first
    }

    /// Its sender waits no longer. After the order is there, another POST of it can do nothing.
    pub(crate) fn leave_on_the_way(&mut self, id: Id) {
        let known = self.at_mut(id);
        known.post = known.order == Order::Absent;
    }

    /// A live order ends: it was filled, or a cancel landed. A cancel on the way is no state of its own: the broker may
    /// end a live order at any moment, as if a cancel (of an owner, of a zombie, by somebody's hand) had just landed.
    pub(crate) fn end(&mut self, id: Id, order: Order) {
        self.at_mut(id).order = order;
    }

    /// What a list of orders or a look-up may say. A reading may be old: what has ended may still read as open, and what
    /// is there may still be missing (which says nothing in a list, and is `Fact::NotFound` in a look-up).
    pub(crate) fn readings(&self, id: Id) -> &'static [BrokerStatus] {
        match self.at(id).order {
            Order::Absent => &[],
            Order::Live => &[BrokerStatus::New],
            Order::Filled => &[BrokerStatus::New, BrokerStatus::Filled],
            Order::Canceled => &[BrokerStatus::New, BrokerStatus::Canceled],
        }
    }
}
