//! `liquidity`: the reviewed original's policy, without its faults.
//!
//! It opens by the order's size against the near touch and by the book's imbalance, waits, re-pegs half-way to the far
//! touch at a price it has not used, and escalates. A passive price never reaches the far touch; only the last re-peg
//! may go through it, when the policy says so.

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use crate::{
    peg::{Parent, Want, on_grid, passive},
    policy::Policy,
    price::{Intent, Price},
    quantity::Quantity,
    quote::Quote,
    side::Side,
};

const fn hundredths(count: u32) -> Decimal {
    Decimal::from_parts(count, 0, 0, false, 2)
}

/// An order larger than this share of the near touch opens one tick inside it (the original's "medium").
const SHARE_MEDIUM: Decimal = hundredths(30);
/// An order larger than this share of the near touch opens two ticks inside it (the original's "large").
const SHARE_LARGE: Decimal = hundredths(80);
/// The imbalance beyond which one more tick is given (the book leans against us).
const LEAN: Decimal = hundredths(20);
/// The imbalance beyond which the strategy word is `aggressive`.
const LEAN_STRONG: Decimal = hundredths(30);
/// The score above which, with a confidence above .8, the word is `normal` whatever else.
const SCORE_GOOD: Decimal = Decimal::from_parts(70, 0, 0, false, 0);
/// The score below which the word is `patient`.
const SCORE_POOR: Decimal = Decimal::from_parts(30, 0, 0, false, 0);
/// See [`SCORE_GOOD`].
const CONFIDENCE_GOOD: Decimal = hundredths(80);
/// Orders above this many times the far touch are worth splitting.
const SPLIT_ABOVE: Decimal = hundredths(150);
/// Orders above this many times the far touch are too large for it.
const SHARE_MAX: Decimal = Decimal::TWO;
/// Spreads above so many percent of the mid are too wide for a limit order to be worth much.
const SPREAD_MAX_PERCENT: Decimal = Decimal::from_parts(5, 0, 0, false, 0);

/// How an order of some size should go about a book, in the original's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Strategy {
    /// The book leans against us: do not wait long.
    Aggressive,
    /// Nothing is special.
    Normal,
    /// The book is thin or wide: wait.
    Patient,
    /// The order is large for the book: trade it in parts.
    Split,
}

impl Strategy {
    /// The word used in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Aggressive => "aggressive",
            Self::Normal => "normal",
            Self::Patient => "patient",
            Self::Split => "split",
        }
    }
}

/// What a quote says about the liquidity for an order of some size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Analysis {
    /// (ask size − bid size) / (bid size + ask size), −1 to 1; 0 when nothing is shown.
    pub imbalance: Decimal,
    /// 0 (nothing there) to 100: up to 50 for the size shown (1 per 1,000 shares), up to 30 for the spread (10 less per
    /// percent of the mid), up to 20 for the balance of the sides.
    pub score: Decimal,
    /// .1 to 1: less for little size, for spreads above 1 %, and for an order larger than what is shown.
    pub confidence: Decimal,
}

impl Analysis {
    /// What is assumed when the sizes cannot be trusted: a middling book, believed a little less.
    pub const ASSUMED: Self = Self {
        imbalance: Decimal::ZERO,
        score: Decimal::from_parts(50, 0, 0, false, 0),
        confidence: hundredths(70),
    };
}

/// Reads a quote for an order of `quantity` shares. `size_min` is the size in shares below which what the book shows
/// lowers the confidence.
pub fn analyze(quote: &Quote, quantity: Quantity, size_min: Quantity) -> Analysis {
    let (bid, ask) = (quote.bid.size.shares(), quote.ask.size.shares());
    let shown = bid.saturating_add(ask);
    let imbalance = ask.saturating_sub(bid).checked_div(shown).unwrap_or_default();
    let percent = spread_percent(quote);
    let size_score =
        shown.checked_div(Decimal::ONE_THOUSAND).unwrap_or_default().min(Decimal::from(50));
    let spread_score =
        Decimal::from(30).saturating_sub(percent.saturating_mul(Decimal::TEN)).max(Decimal::ZERO);
    let balance = bid.min(ask).checked_div(bid.max(ask)).unwrap_or_default();
    let score = size_score
        .saturating_add(spread_score)
        .saturating_add(balance.saturating_mul(Decimal::from(20)))
        .min(Decimal::ONE_HUNDRED);
    let confidence = size_confidence(shown, size_min)
        .saturating_mul(spread_confidence(percent))
        .saturating_mul(order_confidence(quantity, shown))
        .max(hundredths(10));
    Analysis { imbalance, score, confidence }
}

/// The spread in percent of the mid.
fn spread_percent(quote: &Quote) -> Decimal {
    let share = quote.spread().checked_div(quote.mid()).unwrap_or_default();
    share.saturating_mul(Decimal::ONE_HUNDRED)
}

/// 1, down to .5 when nothing is shown.
fn size_confidence(shown: Decimal, size_min: Quantity) -> Decimal {
    let part = shown.checked_div(size_min.shares()).unwrap_or(Decimal::ONE).min(Decimal::ONE);
    hundredths(50).saturating_add(part.saturating_mul(hundredths(50)))
}

/// 1 up to a spread of 1 %, then a fifth of every percent less, at least .6.
fn spread_confidence(percent: Decimal) -> Decimal {
    if percent <= Decimal::ONE {
        return Decimal::ONE;
    }
    let penalty = percent.saturating_mul(hundredths(20)).min(hundredths(40));
    Decimal::ONE.saturating_sub(penalty)
}

/// 1 up to an order of what is shown, then half of every further multiple less, at least .4.
fn order_confidence(quantity: Quantity, shown: Decimal) -> Decimal {
    let multiple =
        quantity.shares().checked_div(shown.max(Decimal::ONE)).unwrap_or(Decimal::ONE_HUNDRED);
    let beyond = multiple.saturating_sub(Decimal::ONE).max(Decimal::ZERO);
    Decimal::ONE.saturating_sub(beyond.saturating_mul(hundredths(50)).min(hundredths(60)))
}

impl Analysis {
    /// The strategy word for one side.
    pub fn strategy(&self, side: Side, quote: &Quote, quantity: Quantity) -> Strategy {
        // The sign that leans against us: bids outweigh asks for a buy, asks outweigh bids for a sell.
        let lean = side.opposite().sign().saturating_mul(self.imbalance);
        let multiple = quantity
            .shares()
            .checked_div(quote.far(side).size.shares().max(Decimal::ONE))
            .unwrap_or_default();
        if self.confidence > CONFIDENCE_GOOD && self.score > SCORE_GOOD {
            Strategy::Normal
        } else if self.score < SCORE_POOR {
            Strategy::Patient
        } else if multiple > SPLIT_ABOVE {
            Strategy::Split
        } else if lean > LEAN_STRONG {
            Strategy::Aggressive
        } else {
            Strategy::Normal
        }
    }
}

/// Why a book is not enough for an order, in the original's three steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shortage {
    /// The far touch shows less than the smallest size that says something.
    Size,
    /// The order is more than twice the far touch.
    Order,
    /// The spread is above 5 % of the mid.
    Spread,
}

/// Whether the far touch is enough for an order. It never stops an order (sizes cap what is crossed, see
/// [`crate::controls`]); it says why an opening limit may be worth little.
///
/// # Errors
/// The first [`Shortage`].
pub fn adequate(
    quote: &Quote,
    side: Side,
    quantity: Quantity,
    size_min: Quantity,
) -> Result<(), Shortage> {
    let far = quote.far(side).size;
    let most = far.shares().saturating_mul(SHARE_MAX);
    if far < size_min {
        Err(Shortage::Size)
    } else if quantity.shares() > most {
        Err(Shortage::Order)
    } else if spread_percent(quote) > SPREAD_MAX_PERCENT {
        Err(Shortage::Spread)
    } else {
        Ok(())
    }
}

/// The limit of a leg's first order: the near touch, one or two ticks inside it for an order that is large against it,
/// one more when the book leans against us; never the far touch. `None` in a locked market, where nothing rests.
pub fn opening_limit(parent: &Parent, quote: &Quote) -> Option<Price> {
    if quote.is_locked() {
        return None;
    }
    let near = quote.near(parent.side);
    let touch = near.size.shares().max(Decimal::ONE);
    let share = parent.leaves.shares().checked_div(touch).unwrap_or_default();
    let (bid, ask) = (quote.bid.size.shares(), quote.ask.size.shares());
    let imbalance =
        ask.saturating_sub(bid).checked_div(bid.saturating_add(ask)).unwrap_or_default();
    let by_size = if share > SHARE_LARGE {
        Decimal::TWO
    } else if share > SHARE_MEDIUM {
        Decimal::ONE
    } else {
        Decimal::ZERO
    };
    let leans = parent.side.opposite().sign().saturating_mul(imbalance) > LEAN;
    let ticks = if leans { by_size.saturating_add(Decimal::ONE) } else { by_size };
    let limit = near.price.toward_far(parent.side, parent.tick.times(ticks))?;
    passive(limit, parent, quote)
}

/// The opening limit when the quote's sizes cannot be trusted: a fixed offset (at least a tick) inside the near touch,
/// not past the mid and never at the far touch. `None` in a locked market.
pub fn inside_spread(parent: &Parent, quote: &Quote, policy: &Policy) -> Option<Price> {
    if quote.is_locked() {
        return None;
    }
    let offset = match parent.side {
        Side::Buy => policy.bid_anchor_offset,
        Side::Sell => policy.ask_anchor_offset,
    };
    let near = quote.near(parent.side).price;
    let mid = Price::new(quote.mid()).ok()?;
    // Of a price of a few cents an offset may leave nothing: that is past the mid, too.
    let limit = near.toward_far(parent.side, offset.max(parent.tick.dollars()));
    let limit = limit.filter(|limit| !limit.beyond(mid, parent.side));
    passive(limit.unwrap_or(mid), parent, quote)
}

/// How far a re-peg may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// It stays inside the spread.
    Inside,
    /// It goes through the far touch.
    Through,
}

/// The limit of a re-peg: half-way from the last price to the far touch (a fixed offset from the far touch when there
/// is no last price), or through the far touch by `repeg_min_improvement`; moved on by that step while the price was
/// used before ([`Parent::used`]). `None` when no unused price is left: inside the spread, or inside the collar.
pub fn repeg_limit(
    parent: &Parent,
    last: Option<Price>,
    quote: &Quote,
    reach: Reach,
    policy: &Policy,
) -> Option<Price> {
    let far = quote.far(parent.side).price;
    let start = match reach {
        Reach::Inside => passive(aim(parent.side, last, far, policy)?, parent, quote)?,
        Reach::Through => through(parent, far, policy)?,
    };
    let step = policy.repeg_min_improvement.max(parent.tick.dollars());
    let step = match reach {
        Reach::Inside => step,
        Reach::Through => step.min(collar(parent, far, policy)),
    };
    let limit = unused_from(start, parent, step)?;
    is_within(limit, parent, far, (reach, policy)).then_some(limit)
}

/// The first price from `start`, in steps of so many dollars toward the far side, at which the leg has not rested yet.
pub fn unused_from(start: Price, parent: &Parent, step: Decimal) -> Option<Price> {
    let mut limit = start;
    // Each pass leaves one used price behind.
    for _ in 0..=parent.used.len() {
        if !parent.used.contains(&limit) {
            return Some(limit);
        }
        let next = limit.toward_far(parent.side, step)?.dollars();
        limit = on_grid(next, parent, Intent::Passive)?;
    }
    None
}

/// The price that lies this share of the way (0 to 1) from one price to another; not rounded.
pub fn part_way(from: Price, to: Price, share: Decimal) -> Option<Price> {
    let way = to.dollars().saturating_sub(from.dollars()).saturating_mul(share);
    Price::new(from.dollars().saturating_add(way)).ok()
}

/// Half-way from the last price to the far touch.
fn aim(side: Side, last: Option<Price>, far: Price, policy: &Policy) -> Option<Price> {
    let offset = match side {
        Side::Buy => policy.ask_anchor_offset,
        Side::Sell => policy.bid_anchor_offset,
    };
    match last {
        Some(last) => part_way(last, far, hundredths(50)),
        None => far.toward_far(side.opposite(), offset),
    }
}

/// Beyond the far touch by the minimum improvement, inside the collar.
fn through(parent: &Parent, far: Price, policy: &Policy) -> Option<Price> {
    let step = policy.repeg_min_improvement.min(collar(parent, far, policy));
    let dollars = far.toward_far(parent.side, step.max(parent.tick.dollars()))?.dollars();
    // At least a tick beyond the far touch, so rounding back keeps it marketable, and inside the collar.
    on_grid(dollars, parent, Intent::Passive)
}

/// How far beyond the far touch a limit may stand, in dollars: the controls' collar.
fn collar(parent: &Parent, far: Price, policy: &Policy) -> Decimal {
    let share = far.dollars().saturating_mul(policy.collar);
    share.max(parent.tick.times(Decimal::TWO))
}

fn is_within(limit: Price, parent: &Parent, far: Price, (reach, policy): (Reach, &Policy)) -> bool {
    match reach {
        Reach::Inside => far.beyond(limit, parent.side),
        Reach::Through => {
            let beyond = limit.dollars().saturating_sub(far.dollars());
            parent.side.sign().saturating_mul(beyond) <= collar(parent, far, policy)
        }
    }
}

/// What the policy would do: open, wait, re-peg, escalate.
pub(crate) fn wants(parent: &Parent, quote: &Quote, now: Timestamp, policy: &Policy) -> Want {
    if parent.rested == 0 {
        return opening(parent, quote, policy);
    }
    let waited = parent.resting.map(|resting| now.duration_since(resting.since));
    if waited.is_some_and(|waited| waited < parent.fill_wait) {
        return Want::Wait;
    }
    if parent.rested >= policy.repegs_max {
        return Want::Cross;
    }
    let last = parent.used.last().copied();
    let is_last = parent.rested.saturating_add(1) >= policy.repegs_max;
    if is_last && policy.allow_cross_spread_on_repeg {
        let through = repeg_limit(parent, last, quote, Reach::Through, policy);
        return through.map_or(Want::Cross, Want::Through);
    }
    match (repeg_limit(parent, last, quote, Reach::Inside, policy), waited) {
        (Some(limit), _) if !quote.is_locked() => Want::At(limit),
        // No unused price is left: the working order keeps its place for as long as the re-pegs would have taken.
        (_, Some(waited)) if waited < patience(parent, policy) => Want::Wait,
        _ => Want::Cross,
    }
}

/// A wait at the present price and one for every re-peg that is left.
fn patience(parent: &Parent, policy: &Policy) -> SignedDuration {
    let left = policy.repegs_max.saturating_sub(parent.rested).saturating_add(1);
    parent.fill_wait.saturating_mul(i32::try_from(left).unwrap_or(i32::MAX))
}

/// Whether the quote's sizes say something: each side shows at least a round lot.
pub fn is_trusted(parent: &Parent, quote: &Quote) -> bool {
    quote.bid.size.min(quote.ask.size) >= parent.round_lot
}

fn opening(parent: &Parent, quote: &Quote, policy: &Policy) -> Want {
    let limit = if is_trusted(parent, quote) {
        opening_limit(parent, quote)
    } else {
        inside_spread(parent, quote, policy)
    };
    limit.map_or(Want::Wait, Want::At)
}
