//! The price decision: rest, replace, cross or hold. One pure function per policy; `liquidity` and `walk` have modules
//! of their own.
//!
//! `adaptive` rests at the near touch and pays the spread exactly when the book leans against it: in one-tick markets
//! the queue that we would join is about to be lost then, and waiting costs more than crossing (measured on held-out
//! ticks: .64/.65/.50/.44 of a half-spread for deep, one-tick, 3–6 and 13–27 tick names; a market order costs 1).

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use crate::{
    liquidity,
    policy::{Policy, PolicyKind},
    price::{Intent, Price, Tick},
    quantity::Quantity,
    quote::Quote,
    side::Side,
    walk,
};

/// The near touch and the spread in ticks, at the moment they were written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Base {
    /// The best price on our side.
    pub near: Price,
    /// The spread in ticks (`n`).
    pub ticks: Decimal,
}

/// Our order that is in the market.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resting {
    /// Its limit.
    pub limit: Price,
    /// When it (or its predecessor's change) was decided.
    pub since: Timestamp,
    /// What it shows in the quote: its whole round lots.
    pub displayed: Quantity,
    /// The book as it was before it joined.
    pub before: Base,
    /// Since when the touch has been ours alone.
    pub alone_since: Option<Timestamp>,
}

/// What the decision is made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parent {
    /// Buy or sell.
    pub side: Side,
    /// What is still to be traded.
    pub leaves: Quantity,
    /// The leg's own time: 0 at its first order, 1 at its deadline (`u`).
    pub elapsed: Decimal,
    /// Crossing has begun, and is not undone.
    pub crossing: bool,
    /// The plan wants it now.
    pub urgent: bool,
    /// Our order in the market, if there is one.
    pub resting: Option<Resting>,
    /// How many resting orders the leg has had.
    pub rested: u32,
    /// Near touch and spread as they were when the ramp began (u = .9).
    pub ramp: Option<Base>,
    /// The price step.
    pub tick: Tick,
    /// Effective over quoted spread of our own crossing fills at spreads like this one (1 when unknown).
    pub effective_over_quoted: Decimal,
    /// The mean spread of the last minutes, in ticks; `None` while too little was seen.
    pub usual_ticks: Option<Decimal>,
    /// The limits at which the leg's orders have rested, oldest first.
    pub used: Vec<Price>,
    /// The asset's round lot: a touch that shows less says nothing about the book.
    pub round_lot: Quantity,
    /// How long `liquidity` waits at a price.
    pub fill_wait: SignedDuration,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Put an order here and wait.
    Rest {
        /// The limit.
        limit: Price,
    },
    /// Move the working order here.
    Replace {
        /// The new limit.
        limit: Price,
    },
    /// Move through the far touch, as the last re-peg may; what does not fill there is crossed.
    Through {
        /// The limit.
        limit: Price,
    },
    /// Take the other side, with this collar.
    Cross {
        /// The limit.
        limit: Price,
    },
    /// Leave things as they are.
    Hold,
}

/// The decision of the configured policy.
///
/// ```
/// use alchemiser_core::{peg::*, policy::Policy, price::{Price, Tick}, quantity::Quantity, quote::*, side::Side};
/// use jiff::Timestamp;
/// use rust_decimal::Decimal;
/// let touch = |price: &str, size: &str| Touch {
///     price: Price::new(price.parse().unwrap()).unwrap(), size: Quantity::new(size.parse().unwrap()).unwrap() };
/// let now = Timestamp::UNIX_EPOCH;
/// let quote = Quote { bid: touch("10.00", "500"), ask: touch("10.03", "400"), changed_at: now, observed_at: now };
/// let parent = Parent { side: Side::Buy, leaves: Quantity::new("10".parse().unwrap()).unwrap(),
///     elapsed: Decimal::ZERO, crossing: false, urgent: false, resting: None, rested: 0, ramp: None,
///     tick: Tick::CENT, effective_over_quoted: Decimal::ONE, usual_ticks: None, used: Vec::new(),
///     round_lot: Quantity::ONE, fill_wait: Policy::default().fill_wait };
/// assert_eq!(decide(&parent, &quote, now, &Policy::default()), Decision::Rest { limit: quote.bid.price });
/// ```
pub fn decide(parent: &Parent, quote: &Quote, now: Timestamp, policy: &Policy) -> Decision {
    let book = Book::read(parent, quote);
    let want = if must_cross(parent, policy) {
        Want::Cross
    } else {
        match policy.kind {
            PolicyKind::Adaptive | PolicyKind::Cross => adaptive(parent, &book, quote, policy),
            PolicyKind::Liquidity => liquidity::wants(parent, quote, now, policy),
            PolicyKind::Walk => walk::wants(parent, quote, now, policy),
        }
    };
    let may_rest = parent.rested < policy.resting_children_max;
    match (parent.resting, want) {
        (_, Want::Cross | Want::Through(_)) if is_wide(parent, quote, &book, policy) => {
            step_to_mid(parent, quote, &book, now, policy)
        }
        (_, Want::Cross) => cross(parent, quote, policy),
        (_, Want::Through(limit)) => Decision::Through { limit },
        // Nothing rests in a locked market, and its spread costs nothing: the locked price is taken.
        (None, Want::Rest { .. } | Want::At(_) | Want::Wait) if quote.is_locked() => {
            Decision::Cross { limit: quote.far(parent.side).price }
        }
        (_, Want::Wait) => Decision::Hold,
        (None, Want::Rest { .. } | Want::At(_)) if !may_rest => Decision::Hold,
        (None, Want::Rest { ramp }) => Decision::Rest { limit: ramp.unwrap_or(book.near) },
        (None, Want::At(limit)) => Decision::Rest { limit },
        (Some(_), Want::Rest { .. } | Want::At(_)) if quote.is_locked() => Decision::Hold,
        (Some(_), Want::Rest { ramp }) => keep_or_move(parent, ramp, &book, now, policy),
        (Some(resting), Want::At(limit)) if may_rest && limit != resting.limit => {
            Decision::Replace { limit }
        }
        (Some(_), Want::At(_)) => Decision::Hold,
    }
}

/// What the policy would do with no order in the market.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    /// Take the other side.
    Cross,
    /// Move through the far touch to here.
    Through(Price),
    /// Rest at the near touch, or where the ramp asks; follow it.
    Rest {
        /// Where the ramp asks, if it does.
        ramp: Option<Price>,
    },
    /// Rest here.
    At(Price),
    /// Leave things as they are.
    Wait,
}

/// What every policy does: crossing is not undone, urgency and the deadline end in a cross, and what is below one share
/// is filled at the touch by the broker itself.
fn must_cross(parent: &Parent, policy: &Policy) -> bool {
    let now_or_never = parent.crossing || parent.urgent || policy.kind == PolicyKind::Cross;
    now_or_never || parent.leaves < Quantity::ONE || parent.elapsed >= Decimal::ONE
}

fn adaptive(parent: &Parent, book: &Book, quote: &Quote, policy: &Policy) -> Want {
    let n = book.ticks;
    if is_bargain(parent, book, quote) || (n > THREE && parent.effective_over_quoted < ratio(35)) {
        return Want::Cross;
    }
    // How far the last fifth of the leg's time has come.
    let late = parent.elapsed.saturating_sub(ratio(80));
    let late = (!late.is_sign_negative()).then_some(late);
    match theta(parent, n, late, quote) {
        Some(theta) if book.pressure >= theta => Want::Cross,
        Some(_) | None => Want::Rest { ramp: late.and_then(|_| ramp(parent, book, quote, policy)) },
    }
}

/// A spread of one tick where it is usually two or more: it is about to widen, and cheap to pay.
fn is_bargain(parent: &Parent, book: &Book, quote: &Quote) -> bool {
    let narrow = book.ticks <= Decimal::ONE && !quote.is_locked();
    narrow && parent.usual_ticks.is_some_and(|usual| usual >= Decimal::TWO)
}

const THREE: Decimal = Decimal::from_parts(3, 0, 0, false, 0);

fn ratio(hundredths: i64) -> Decimal {
    Decimal::new(hundredths, 2)
}

/// The pressure at which the spread is paid: lower where our crosses cost less than quoted, higher for an order that has
/// a place in the queue to lose or that takes more than the far touch shows, falling to −.3 in the last fifth of the leg's
/// time; none where the spread is wider than three ticks.
fn theta(parent: &Parent, n: Decimal, late: Option<Decimal>, quote: &Quote) -> Option<Decimal> {
    if n > THREE {
        return None;
    }
    let cheap = parent.effective_over_quoted < ratio(60);
    let base = match (n > Decimal::ONE, cheap) {
        (true, true) => ratio(30),
        (true, false) => ratio(50),
        (false, true) => ratio(30).saturating_add(beyond_the_touch(parent, quote)),
        (false, false) => ratio(40).saturating_add(beyond_the_touch(parent, quote)),
    };
    let base = if parent.resting.is_some() { base.saturating_add(ratio(20)) } else { base };
    let Some(late) = late else { return Some(base) };
    let late = late.saturating_mul(Decimal::from(5));
    let end = ratio(-30);
    Some(base.saturating_add(end.saturating_sub(base).saturating_mul(late)))
}

/// What a cross pays more than the spread of one tick, in half-spreads a share: what the far touch does not show fills a
/// tick further, which is two half-spreads. Waiting costs about one half-spread more for each 1 of pressure, so that this is
/// also how much more pressure such a cross needs.
fn beyond_the_touch(parent: &Parent, quote: &Quote) -> Decimal {
    let rest = parent.leaves.less(quote.far(parent.side).size).shares();
    if rest.is_zero() {
        return Decimal::ZERO;
    }
    rest.checked_div(parent.leaves.shares()).unwrap_or_default().saturating_mul(Decimal::TWO)
}

/// In the last tenth: k = floor(n (u − .9) / .1) < n ticks inside the spread, counted from where the ramp began. It
/// never asks for less than the near touch, nor for more than the mid of a spread too wide to pay.
fn ramp(parent: &Parent, book: &Book, quote: &Quote, policy: &Policy) -> Option<Price> {
    let base = parent.ramp.unwrap_or(Base { near: book.near, ticks: book.ticks });
    let late = parent.elapsed.saturating_sub(ratio(90));
    if late <= Decimal::ZERO || base.ticks < Decimal::TWO {
        return None;
    }
    let most = base.ticks.saturating_sub(Decimal::ONE);
    let steps = base.ticks.saturating_mul(late).saturating_mul(Decimal::TEN).floor().min(most);
    let limit = base.near.toward_far(parent.side, parent.tick.times(steps))?;
    let mid = book.mid(parent.side, quote);
    let dear = is_wide(parent, quote, book, policy) && limit.beyond(mid, parent.side);
    let limit = passive(if dear { mid } else { limit }, parent, quote);
    limit.filter(|limit| limit.beyond(book.near, parent.side))
}

/// A resting limit never reaches the far touch, and stands on the grid.
pub(crate) fn passive(limit: Price, parent: &Parent, quote: &Quote) -> Option<Price> {
    let far = quote.far(parent.side).price;
    let inner = far.toward_far(parent.side.opposite(), parent.tick.dollars())?;
    let bounded = if limit.beyond(inner, parent.side) { inner } else { limit };
    on_grid(bounded.dollars(), parent, Intent::Passive)
}

/// A limit on its own grid: the step is the one at the bid, and from a dollar on a price has whole cents.
pub(crate) fn on_grid(dollars: Decimal, parent: &Parent, intent: Intent) -> Option<Price> {
    let limit = parent.tick.round(dollars, parent.side, intent)?;
    if parent.tick == Tick::SUB_DOLLAR && Tick::at(limit) == Tick::CENT {
        return Tick::CENT.round(limit.dollars(), parent.side, intent);
    }
    Some(limit)
}

fn keep_or_move(
    parent: &Parent,
    ramp: Option<Price>,
    book: &Book,
    now: Timestamp,
    policy: &Policy,
) -> Decision {
    let Some(resting) = parent.resting else {
        return Decision::Hold;
    };
    let rested = now.duration_since(resting.since);
    let settled = rested >= policy.replace_interval;
    let alone = resting.alone_since.map_or(SignedDuration::ZERO, |since| now.duration_since(since));
    let wanted = match ramp {
        Some(limit) if settled && limit.beyond(resting.limit, parent.side) => limit,
        _ if rested >= policy.follow_interval && book.near.beyond(resting.limit, parent.side) => {
            book.near
        }
        None if alone >= policy.replace_interval
            && resting.limit.beyond(resting.before.near, parent.side) =>
        {
            resting.before.near
        }
        Some(_) | None => resting.limit,
    };
    if wanted == resting.limit || parent.rested >= policy.resting_children_max {
        Decision::Hold
    } else {
        Decision::Replace { limit: wanted }
    }
}

/// The limit of a marketable order: the far touch and a little more, so that a flicker does not leave it behind.
fn cross(parent: &Parent, quote: &Quote, policy: &Policy) -> Decision {
    let far = quote.far(parent.side).price;
    let reach = far.dollars().saturating_mul(policy.cross_reach).max(parent.tick.dollars());
    let dollars = far.dollars().saturating_add(parent.side.sign().saturating_mul(reach));
    match on_grid(dollars, parent, Intent::Marketable) {
        Some(limit) => Decision::Cross { limit },
        None => Decision::Hold,
    }
}

/// Judged without our own order: standing inside a wide spread does not make it narrow.
fn is_wide(parent: &Parent, quote: &Quote, book: &Book, policy: &Policy) -> bool {
    let mid = book.mid(parent.side, quote).dollars();
    book.ticks > Decimal::TWO
        && book.half_spread(parent.side, quote) > mid.saturating_mul(policy.wide_half_spread)
}

/// A spread too wide to pay: rest, stepping from the near touch to the mid by the deadline.
fn step_to_mid(
    parent: &Parent,
    quote: &Quote,
    book: &Book,
    now: Timestamp,
    policy: &Policy,
) -> Decision {
    let way = book
        .half_spread(parent.side, quote)
        .saturating_mul(parent.elapsed.clamp(Decimal::ZERO, Decimal::ONE));
    let dollars = book.near.dollars().saturating_add(parent.side.sign().saturating_mul(way));
    let Some(limit) = on_grid(dollars, parent, Intent::Passive) else {
        return Decision::Hold;
    };
    match parent.resting {
        None if parent.rested >= policy.resting_children_max => Decision::Hold,
        None => Decision::Rest { limit },
        Some(_) => keep_or_move(parent, Some(limit), book, now, policy),
    }
}

/// The book without our own order.
#[derive(Clone, Copy, Debug)]
pub struct Book {
    /// The near touch without us.
    pub near: Price,
    /// The spread in ticks without us (`n`).
    pub ticks: Decimal,
    /// Pressure away from us, −1 to 1 (`z`).
    pub pressure: Decimal,
}

impl Book {
    /// Takes our own displayed round lots out of the quote. When nothing is left at the touch, we are alone: no
    /// pressure can be read, and the touch counts as it was before us.
    pub fn read(parent: &Parent, quote: &Quote) -> Self {
        let (near, far) = (quote.near(parent.side), quote.far(parent.side));
        let ours = parent
            .resting
            .filter(|resting| resting.limit == near.price && !resting.displayed.is_zero());
        let others = ours.map_or(near.size, |resting| near.size.less(resting.displayed));
        if let (Some(resting), true) = (ours, others.is_zero()) {
            let Base { near, ticks } = resting.before;
            return Self { near, ticks, pressure: Decimal::ZERO };
        }
        let (others, opposite) = (others.shares(), far.size.shares());
        let imbalance =
            others.saturating_sub(opposite).checked_div(others.saturating_add(opposite));
        // z = s·I with I = (bid − ask)/(bid + ask): on either side that is (near − far)/(near + far).
        let pressure = imbalance.unwrap_or(Decimal::ZERO);
        // A touch between two steps of the grid cannot be joined: the next one away from the market can.
        let joined = parent.tick.round(near.price.dollars(), parent.side, Intent::Passive);
        Self {
            near: joined.unwrap_or(near.price),
            ticks: parent.tick.count(quote.spread()),
            pressure,
        }
    }

    /// Half the spread without us, in dollars.
    pub(crate) fn half_spread(&self, side: Side, quote: &Quote) -> Decimal {
        let spread = quote.far(side).price.dollars().saturating_sub(self.near.dollars());
        spread.saturating_mul(side.sign()).checked_div(Decimal::TWO).unwrap_or_default()
    }

    /// Half-way between the near touch without us and the far touch.
    fn mid(&self, side: Side, quote: &Quote) -> Price {
        self.near.toward_far(side, self.half_spread(side, quote)).unwrap_or(self.near)
    }
}
