//! When an order fills. For a buy that rests at p: the ask comes to p or below: filled; a print below p: as many shares
//! as were printed; a seller's print at p: first who was ahead of us, then we. For a sell the same, mirrored.
//!
//! Ahead of us are the shares that were shown at p when we came, never more than are shown later, and nobody once the
//! best price has left p. Inside the spread nobody is ahead. An order that crosses takes what is shown at the far touch,
//! and the rest one tick worse. Nothing that is not shown or printed fills, and our order moves nobody.

use alchemiser_core::side::Side;

use crate::tape::{Nanos, Pips, Print, Shown};

/// Which prints fill a resting order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Model {
    /// As above.
    #[default]
    Conservative,
    /// Prints at our own price never do: only what trades or is shown beyond it.
    Strict,
}

/// Shares that were filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    /// When.
    pub at: Nanos,
    /// At which price.
    pub price: Pips,
    /// Shares.
    pub shares: u64,
    /// The order rested: somebody came to it.
    pub is_passive: bool,
}

/// An order in the market.
#[derive(Clone, Copy, Debug)]
pub struct Resting {
    side: Side,
    limit: Pips,
    leaves: u64,
    /// Shares before ours at the limit; `None` while nobody has seen the level.
    ahead: Option<u64>,
    model: Model,
}

/// Whether one price is beyond another for a side: a buyer pays more, a seller takes less.
pub fn beyond(one: Pips, other: Pips, side: Side) -> bool {
    match side {
        Side::Buy => one > other,
        Side::Sell => one < other,
    }
}

/// A price so much worse for a side.
pub fn worse(price: Pips, by: Pips, side: Side) -> Pips {
    match side {
        Side::Buy => price + by,
        Side::Sell => price - by,
    }
}

impl Resting {
    /// An order arrives: what of it crosses fills at once, the rest stands in the book.
    pub fn arrive(
        (side, limit, shares): (Side, Pips, u64),
        shown: &Shown,
        (at, tick): (Nanos, Pips),
        model: Model,
    ) -> (Self, Vec<Fill>) {
        let mut order = Self { side, limit, leaves: shares, ahead: None, model };
        let far = shown.far(side);
        let mut fills = Vec::new();
        for (price, most) in
            [(far, shown.near_size(side.opposite())), (worse(far, tick, side), u64::MAX)]
        {
            if !beyond(price, limit, side) {
                fills.extend(order.take((at, price, most), false));
            }
        }
        order.look(shown);
        (order, fills)
    }

    /// What is left of it.
    pub fn leaves(&self) -> u64 {
        self.leaves
    }

    fn take(&mut self, (at, price, most): (Nanos, Pips, u64), is_passive: bool) -> Option<Fill> {
        let shares = self.leaves.min(most);
        self.leaves -= shares;
        (shares > 0).then_some(Fill { at, price, shares, is_passive })
    }

    /// Where it stands behind a quote.
    fn look(&mut self, shown: &Shown) {
        let near = shown.near(self.side);
        if near == self.limit {
            let size = shown.near_size(self.side);
            self.ahead = Some(self.ahead.map_or(size, |ahead| ahead.min(size)));
        } else if beyond(self.limit, near, self.side) {
            self.ahead = Some(0);
        }
    }

    /// The quote changed.
    pub fn on_quote(&mut self, shown: &Shown) -> Option<Fill> {
        self.look(shown);
        let reached = !beyond(shown.far(self.side), self.limit, self.side);
        if reached { self.take((shown.at, self.limit, u64::MAX), true) } else { None }
    }

    /// Something was printed while this quote stood.
    pub fn on_print(&mut self, print: &Print, shown: &Shown) -> Option<Fill> {
        if !print.lit {
            return None;
        }
        if beyond(self.limit, print.price, self.side) {
            return self.take((print.at, self.limit, print.size), true);
        }
        let from_us = beyond(shown.mid_twice(), 2 * print.price, self.side);
        if print.price != self.limit || !from_us || self.model == Model::Strict {
            return None;
        }
        let ahead = self.ahead?;
        self.ahead = Some(ahead.saturating_sub(print.size));
        self.take((print.at, self.limit, print.size.saturating_sub(ahead)), true)
    }
}
