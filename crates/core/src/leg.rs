//! One plan item being worked: the parent of its child orders.

use jiff::{SignedDuration, Timestamp};

use crate::{
    child::{ChildOrder, Purpose, Status},
    controls::Control,
    fact::{LegCheck, Sized, StopCode},
    ids::Symbol,
    money::Money,
    peg::Base,
    plan::PlanItem,
    planted::{Plant, is_planted},
    price::{Price, Tick},
    quantity::Quantity,
    quote::{Quote, QuoteFault},
    side::Side,
};

/// What a leg is waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WaitCode {
    /// A usable quote.
    Quote(QuoteFault),
    /// Room in the message budget.
    Throttle,
    /// The end of another order in the symbol.
    LiveOrder,
    /// The first minutes after the open to pass.
    OpenQuiet,
    /// A recent reading of the session, the orders or the account.
    Reading,
    /// Money or shares that the broker does not show as free yet.
    BrokerLag,
}

impl WaitCode {
    /// The wait for a stable code.
    pub fn from_code(code: &str) -> Option<Self> {
        let others =
            [Self::Throttle, Self::LiveOrder, Self::OpenQuiet, Self::Reading, Self::BrokerLag];
        let quotes = QuoteFault::ALL.into_iter().map(Self::Quote);
        others.into_iter().chain(quotes).find(|wait| wait.code() == code)
    }

    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Quote(fault) => fault.code(),
            Self::Throttle => "THROTTLE",
            Self::LiveOrder => "LIVE_ORDER",
            Self::OpenQuiet => "OPEN_QUIET",
            Self::Reading => "READING",
            Self::BrokerLag => "BROKER_LAG",
        }
    }
}

/// Why a leg ended as it did, where its outcome needs a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Below the smallest amount that can be traded.
    TooSmall,
    /// No money was left for it.
    Unfunded,
    /// The plan holds none of it.
    NotHeld,
    /// Another order holds the shares.
    SharesHeld,
    /// The position is not what the plan says.
    PositionDiffers,
    /// The asset may not be traded.
    NotTradable,
    /// No usable quote, or no price, within the wait.
    NoQuote,
    /// The controls' input was missing for too long.
    NoReading,
    /// A control forbade it.
    Control(&'static str),
    /// The window ended.
    WindowOver,
    /// The spread was too wide to pay.
    Spread,
    /// The broker or the venue refused the order.
    Rejected,
    /// Somebody else replaced the order.
    Replaced,
    /// The leg had as many orders as it may.
    ChildrenExhausted,
    /// A cancel was not confirmed.
    CancelUnconfirmed,
    /// An order can neither be found nor be sent again.
    Unresolved,
    /// Too many of the sells failed.
    SellsIncomplete,
    /// The plan was stopped.
    PlanStopped(StopCode),
}

impl Reason {
    /// Every reason that carries nothing.
    const PLAIN: [Self; 16] = [
        Self::TooSmall,
        Self::Unfunded,
        Self::NotHeld,
        Self::SharesHeld,
        Self::PositionDiffers,
        Self::NotTradable,
        Self::NoQuote,
        Self::NoReading,
        Self::WindowOver,
        Self::Spread,
        Self::Rejected,
        Self::Replaced,
        Self::ChildrenExhausted,
        Self::CancelUnconfirmed,
        Self::Unresolved,
        Self::SellsIncomplete,
    ];

    /// The reason for a stable code.
    pub fn from_code(code: &str) -> Option<Self> {
        let controls = Control::ALL.into_iter().map(|control| Self::Control(control.code()));
        let stops = StopCode::ALL.into_iter().map(Self::PlanStopped);
        Self::PLAIN.into_iter().chain(controls).chain(stops).find(|reason| reason.code() == code)
    }

    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::TooSmall => "TOO_SMALL",
            Self::Unfunded => "UNFUNDED",
            Self::NotHeld => "NOT_HELD",
            Self::SharesHeld => "SHARES_HELD",
            Self::PositionDiffers => "POSITION_DIFFERS",
            Self::NotTradable => "NOT_TRADABLE",
            Self::NoQuote => "NO_QUOTE",
            Self::NoReading => "NO_READING",
            Self::Control(code) => code,
            Self::WindowOver => "WINDOW_OVER",
            Self::Spread => "SPREAD",
            Self::Rejected => "REJECTED",
            Self::Replaced => "REPLACED",
            Self::ChildrenExhausted => "CHILDREN_EXHAUSTED",
            Self::CancelUnconfirmed => "CANCEL_UNCONFIRMED",
            Self::Unresolved => "UNRESOLVED",
            Self::SellsIncomplete => "SELLS_INCOMPLETE",
            Self::PlanStopped(code) => code.code(),
        }
    }
}

/// How a leg ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LegOutcome {
    /// Its target was traded (a remainder too small to trade counts as traded).
    Filled,
    /// A part was traded.
    PartiallyFilled(Reason),
    /// Nothing was traded although it was tried.
    Unfilled(Reason),
    /// Nothing was tried.
    Skipped(Reason),
    /// It was not allowed.
    Refused(Reason),
    /// Something went wrong.
    Failed(Reason),
    /// All but a fraction of an asset that is traded in whole shares; the broker did not take the fraction.
    Residue,
}

impl LegOutcome {
    /// The outcome for its word and reason; `None` when they do not fit together.
    pub fn from_words(word: &str, reason: Option<Reason>) -> Option<Self> {
        let kinds =
            [Self::PartiallyFilled, Self::Unfilled, Self::Skipped, Self::Refused, Self::Failed];
        match reason {
            None => [Self::Filled, Self::Residue].into_iter().find(|plain| plain.word() == word),
            Some(reason) => {
                kinds.into_iter().map(|kind| kind(reason)).find(|outcome| outcome.word() == word)
            }
        }
    }

    /// The word used in logs and reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Filled => "filled",
            Self::PartiallyFilled(_) => "partially_filled",
            Self::Unfilled(_) => "unfilled",
            Self::Skipped(_) => "skipped",
            Self::Refused(_) => "refused",
            Self::Failed(_) => "failed",
            Self::Residue => "residue",
        }
    }

    /// The reason, where there is one.
    pub fn reason(self) -> Option<Reason> {
        match self {
            Self::Filled | Self::Residue => None,
            Self::PartiallyFilled(reason) | Self::Unfilled(reason) | Self::Skipped(reason) => {
                Some(reason)
            }
            Self::Refused(reason) | Self::Failed(reason) => Some(reason),
        }
    }

    /// It counts as done: filled, or what is left is too small to be anything else.
    pub fn is_done(self) -> bool {
        matches!(self, Self::Filled | Self::Residue | Self::Skipped(Reason::TooSmall))
    }
}

/// A leg.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leg {
    /// What the plan asks for.
    pub item: PlanItem,
    /// Buy or sell.
    pub side: Side,
    /// Asset and position, once the pre-flight has passed.
    pub check: Option<LegCheck>,
    /// Dollars set aside for it, for buys.
    pub allocation: Option<Money>,
    /// The first usable quote after the plan's receipt.
    pub arrival: Option<Quote>,
    /// Its quantity.
    pub sized: Option<Sized>,
    /// Its orders, oldest first.
    pub children: Vec<ChildOrder>,
    /// When its first order was decided.
    pub started_at: Option<Timestamp>,
    /// What it waits for, and since when.
    pub waiting: Option<(WaitCode, Timestamp)>,
    /// How long its own time stood still so far.
    pub paused: SignedDuration,
    /// Crossing has begun.
    pub crossing: bool,
    /// Where the ramp began.
    pub ramp: Option<Base>,
    /// The broker refused a half-cent price: whole cents from here on.
    pub cents_only: bool,
    /// How it ended.
    pub outcome: Option<LegOutcome>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// The quote when it ended, if there was one.
    pub final_quote: Option<Quote>,
}

impl Leg {
    /// The leg of an item; `None` for a hold.
    pub fn new(item: &PlanItem) -> Option<Self> {
        Some(Self {
            item: item.clone(),
            side: item.action.side()?,
            check: None,
            allocation: None,
            arrival: None,
            sized: None,
            children: Vec::new(),
            started_at: None,
            waiting: None,
            paused: SignedDuration::ZERO,
            crossing: false,
            ramp: None,
            cents_only: false,
            outcome: None,
            finished_at: None,
            final_quote: None,
        })
    }

    /// The symbol.
    pub fn symbol(&self) -> &Symbol {
        &self.item.symbol
    }

    /// The order that may still be filled, if there is one; there is never more than one.
    pub fn live(&self) -> Option<&ChildOrder> {
        self.children.iter().find(|child| child.status.is_live())
    }

    /// Σ fills over all attempts.
    pub fn filled(&self) -> Quantity {
        self.children.iter().map(|child| child.cumulative).sum()
    }

    /// Dollars of all fills.
    pub fn filled_notional(&self) -> Money {
        self.children.iter().map(ChildOrder::filled_notional).sum()
    }

    /// Average price of all fills; `None` while nothing is filled, or while the broker has not said a fill's price.
    pub fn average_price(&self) -> Option<Price> {
        let filled = self.filled();
        let priced =
            |child: &ChildOrder| child.cumulative.is_zero() || child.average_price.is_some();
        if filled.is_zero() || !self.children.iter().all(priced) {
            return None;
        }
        let average = self.filled_notional().amount().checked_div(filled.shares())?;
        Price::new(average.round_dp(6)).ok()
    }

    /// What is still to be traded: target − Σ fills over all attempts.
    pub fn leaves(&self) -> Quantity {
        let again = self.crossing && is_planted(Plant::WholeAgain);
        let filled = if again { Quantity::ZERO } else { self.filled() };
        self.sized.map_or(Quantity::ZERO, |sized| sized.target.less(filled))
    }

    /// The number of the next order.
    pub fn next_attempt(&self) -> u32 {
        self.children.last().map_or(1, |child| child.attempt.saturating_add(1))
    }

    /// Its orders that rested, oldest first; one that was refused or never sent did not.
    fn resting(&self) -> impl Iterator<Item = &ChildOrder> {
        self.children.iter().filter(|child| {
            let came_to_rest = !matches!(child.status, Status::Unsent | Status::Rejected);
            child.purpose == Purpose::Rest && came_to_rest
        })
    }

    /// How many of its orders rested.
    pub fn rested(&self) -> u32 {
        u32::try_from(self.resting().count()).unwrap_or(u32::MAX)
    }

    /// The limits at which its orders have rested, oldest first.
    pub fn used(&self) -> Vec<Price> {
        self.resting().map(|child| child.terms.limit).collect()
    }

    /// The price step at a price: the symbol's own one where it has one. Half a cent is a step of prices of a dollar
    /// and more only, and of a symbol whose half-cent prices the broker takes.
    pub fn tick(&self, at: Price) -> Tick {
        let usual = Tick::at(at);
        let own = self.check.as_ref().and_then(|check| check.tick);
        let holds =
            |tick: &Tick| *tick != Tick::HALF_CENT || (usual == Tick::CENT && !self.cents_only);
        own.filter(holds).unwrap_or(usual)
    }

    /// The price step that an order of this leg was priced by.
    pub fn tick_of(&self, child: &ChildOrder) -> Tick {
        let half = self.check.as_ref().and_then(|check| check.tick) == Some(Tick::HALF_CENT);
        let priced = half && !Tick::CENT.holds(child.terms.limit);
        if priced { Tick::HALF_CENT } else { Tick::at(child.terms.limit) }
    }

    /// What is left of a complete exit of an asset that is traded in whole shares: less than one.
    pub fn residue(&self) -> Option<Quantity> {
        let whole_only = self.check.as_ref().is_some_and(|check| !check.fractionable);
        let leaves = self.leaves();
        let residue = whole_only && self.item.is_exit() && leaves < Quantity::ONE;
        (residue && !leaves.is_zero()).then_some(leaves)
    }

    /// The order that tried the residue.
    pub fn residue_order(&self) -> Option<&ChildOrder> {
        let whole_only = self.check.as_ref().is_some_and(|check| !check.fractionable);
        let sent = self.children.iter().filter(|child| child.status != Status::Unsent);
        sent.into_iter().find(|child| whole_only && child.terms.quantity < Quantity::ONE)
    }

    /// Dollars that its orders may still take: open and unresolved ones at their limits.
    pub fn committed(&self) -> Money {
        let open = self.children.iter().filter(|child| child.may_still_fill());
        open.map(|child| child.terms.limit.times(child.leaves())).sum()
    }

    /// The leg is not over.
    pub fn is_open(&self) -> bool {
        self.outcome.is_none()
    }

    /// At least one of its orders was taken by the broker.
    pub fn was_placed(&self) -> bool {
        self.children.iter().any(|child| child.broker_order_id.is_some())
    }

    /// How long its own time has stood still by `now`, at most `most`.
    pub fn paused_by(&self, now: Timestamp, most: SignedDuration) -> SignedDuration {
        let current = match self.waiting {
            Some((WaitCode::Quote(_), since)) if self.started_at.is_some() => {
                now.duration_since(since)
            }
            Some(_) | None => SignedDuration::ZERO,
        };
        self.paused.saturating_add(current).min(most)
    }
}
