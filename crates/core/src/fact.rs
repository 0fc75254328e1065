//! What the execution log holds: one fact per thing that happened or was resolved.

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use crate::{
    account::{Acquisition, Halt},
    child::{OrderTerms, Purpose},
    controls::Verdict,
    ids::{BrokerOrderId, ClientOrderId, EventId, Owner, Symbol},
    learning::Learned,
    leg::{LegOutcome, WaitCode},
    money::Money,
    outcome::Outcome,
    peg::Base,
    plan::Plan,
    policy::PolicyKind,
    price::{Price, Tick},
    quantity::Quantity,
    quote::Quote,
    reading::TradeMode,
    recovery::Recovery,
    report::BrokerStatus,
    side::Side,
};

/// One fact, with the time it was recorded at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: FactKind,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FactKind {
    /// The plan was accepted; the first fact of every executed plan.
    Claimed(Box<Plan>),
    /// The account was taken for this plan, with what the day had left.
    Acquired(Box<Acquisition>),
    /// What the account's own crosses have cost so far: `adaptive` decides by it.
    Learned(Box<Learned>),
    /// An owner took the lease with a new epoch.
    LeaseTaken(u32, Owner),
    /// Everything was checked that can be checked before anything trades.
    PreflightPassed(Preflight),
    /// The plan cannot be traded at all, or no further.
    PlanStopped(StopCode),
    /// Trading in the account is stopped.
    HaltSeen(Halt),
    /// Somebody canceled the plan.
    CancelSeen(Halt),
    /// Money for buys, as read while no order of ours was live.
    FundsVerified(Funds),
    /// Dollars set aside for each buy.
    Allocated(Vec<(Symbol, Money)>),
    /// The first usable mid of a symbol after the plan's receipt.
    Arrived(Symbol, Quote),
    /// A leg's quantity was set (or lowered).
    Sized(Symbol, Sized),
    /// A leg began to wait for something, or no longer does.
    Waiting(Symbol, Option<WaitCode>),
    /// A child order is to be sent.
    Intent(Box<Intent>),
    /// The same order is to be sent again; the controls passed it afresh.
    Resubmitted(Symbol, u32, Verdict),
    /// The broker's answer to a POST was lost.
    AnswerLost(Symbol, u32),
    /// The order was looked up and not found.
    NotFound(Symbol, u32),
    /// The broker refused the order.
    Refused(Symbol, u32, Refusal),
    /// The order was never sent, and never will be.
    Unsent(Symbol, u32),
    /// The order can neither be found nor be sent again.
    Unresolved(Symbol, u32),
    /// The broker said something new of an order.
    Reported(Symbol, u32, Box<Reported>),
    /// A cancel is to be sent.
    CancelRequested(Symbol, u32, CancelReason),
    /// A leg is over, on this quote if there was one.
    LegFinished(Symbol, LegOutcome, Option<Box<Quote>>),
    /// The mid so many seconds after an order's last fill.
    Marked(Symbol, u32, Mark),
    /// The plan entered another phase.
    PhaseChanged(Phase),
    /// Positions were compared with what they should be now.
    Reconciled(Vec<PositionDifference>),
    /// The plan is over.
    OutcomeReached(Box<Outcome>),
    /// An event is to be published with exactly these bytes.
    Announced(Box<Announced>),
    /// The bus took the event.
    Published(EventId),
    /// The owner stopped before the plan was over; somebody else goes on.
    HandedOver,
    /// The log was incomplete, and goes on with what the broker's orders say.
    Recovered(Recovery),
    /// An order of ours that the log had lost, as the broker has it.
    Adopted(Symbol, u32, Box<Reported>),
    /// An input was refused; the only fact besides its event.
    InputRefused(crate::plan::PlanRefused),
}

/// The part of its life that a plan is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Reading what is needed to judge the plan.
    Preparing,
    /// Sells are worked.
    Selling,
    /// Waiting for the sells' proceeds to show.
    Proceeds,
    /// Buys are worked.
    Buying,
    /// Everything is over; a last comparison with the broker.
    Closing,
    /// The outcome is recorded.
    Finished,
}

impl Phase {
    /// Every phase, in order.
    pub const ALL: [Self; 6] = [
        Self::Preparing,
        Self::Selling,
        Self::Proceeds,
        Self::Buying,
        Self::Closing,
        Self::Finished,
    ];

    /// The word used in logs and by `status`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Preparing => "preparing",
            Self::Selling => "selling",
            Self::Proceeds => "proceeds",
            Self::Buying => "buying",
            Self::Closing => "closing",
            Self::Finished => "finished",
        }
    }

    /// The side worked in this phase.
    pub fn side(self) -> Option<Side> {
        match self {
            Self::Selling => Some(Side::Sell),
            Self::Buying => Some(Side::Buy),
            Self::Preparing | Self::Proceeds | Self::Closing | Self::Finished => None,
        }
    }
}

/// What the pre-flight found, and the times that follow from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preflight {
    /// Where the account's orders go.
    pub mode: TradeMode,
    /// Cash and positions' value in dollars.
    pub equity: Money,
    /// The pricing policy that the remaining time allows.
    pub policy: PolicyKind,
    /// Time to work a leg.
    pub working_time: SignedDuration,
    /// A phase's window.
    pub window: SignedDuration,
    /// No order leaves after this.
    pub deadline: Timestamp,
    /// When the session opened.
    pub opened_at: Timestamp,
    /// When it closes.
    pub closes_at: Timestamp,
    /// The settings that differ from the defaults: the plan runs under them to its end, whoever goes on with it.
    pub settings: Vec<(String, String)>,
    /// Each leg's asset and position.
    pub legs: Vec<LegCheck>,
}

/// One leg's asset and position at the pre-flight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegCheck {
    /// The symbol.
    pub symbol: Symbol,
    /// Parts of a share may be traded.
    pub fractionable: bool,
    /// The symbol's own price step, when it has one.
    pub tick: Option<Tick>,
    /// The round lot.
    pub round_lot: Quantity,
    /// Shares held.
    pub held: Quantity,
    /// Shares held that no open order holds.
    pub available: Quantity,
}

/// Why a plan cannot be traded at all, or no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StopCode {
    /// What the pre-flight needs could not be read in time.
    PreflightUnreadable,
    /// An order that was left open before would not go in time.
    LeftoverOpen,
    /// The account is another one than the configured.
    AccountDiffers,
    /// The account's orders go elsewhere than configured: real money for paper, or the other way round.
    ModeDiffers,
    /// The quotes are one venue's, and real money is not to be traded on those.
    FeedNotAllowed,
    /// The account may not trade.
    AccountBlocked,
    /// The account may go short.
    ShortingEnabled,
    /// The session is closed.
    SessionClosed,
    /// There is not enough time before the close.
    TooLate,
    /// The plan's validity ended before its first order.
    Stale,
    /// The plan turns over too much of the account.
    TurnoverTooHigh,
    /// The day has too little left of its caps.
    DailyCap,
    /// Trading in the account is stopped.
    Halted,
    /// Somebody canceled the plan.
    Canceled,
    /// The fills cost too much against the prices at arrival.
    ShortfallTooHigh,
    /// Too many orders were refused in a short time.
    RejectBreaker,
    /// The broker's order differs from the intent in symbol or side.
    OrderDiffers,
    /// The plan's deadline passed.
    DeadlinePassed,
    /// The broker has orders of this plan that its log does not know.
    LogIncomplete,
}

impl StopCode {
    /// Every code.
    pub const ALL: [Self; 19] = [
        Self::PreflightUnreadable,
        Self::LeftoverOpen,
        Self::AccountDiffers,
        Self::ModeDiffers,
        Self::FeedNotAllowed,
        Self::AccountBlocked,
        Self::ShortingEnabled,
        Self::SessionClosed,
        Self::TooLate,
        Self::Stale,
        Self::TurnoverTooHigh,
        Self::DailyCap,
        Self::Halted,
        Self::Canceled,
        Self::ShortfallTooHigh,
        Self::RejectBreaker,
        Self::OrderDiffers,
        Self::DeadlinePassed,
        Self::LogIncomplete,
    ];

    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::PreflightUnreadable => "PREFLIGHT_UNREADABLE",
            Self::LeftoverOpen => "LEFTOVER_OPEN",
            Self::AccountDiffers => "ACCOUNT_DIFFERS",
            Self::ModeDiffers => "MODE_DIFFERS",
            Self::FeedNotAllowed => "FEED_NOT_ALLOWED",
            Self::AccountBlocked => "ACCOUNT_BLOCKED",
            Self::ShortingEnabled => "SHORTING_ENABLED",
            Self::SessionClosed => "SESSION_CLOSED",
            Self::TooLate => "TOO_LATE",
            Self::Stale => "STALE",
            Self::TurnoverTooHigh => "TURNOVER_TOO_HIGH",
            Self::DailyCap => "DAILY_CAP",
            Self::Halted => "HALTED",
            Self::Canceled => "CANCELED",
            Self::ShortfallTooHigh => "SHORTFALL_TOO_HIGH",
            Self::RejectBreaker => "REJECT_BREAKER",
            Self::OrderDiffers => "ORDER_DIFFERS",
            Self::DeadlinePassed => "DEADLINE_PASSED",
            Self::LogIncomplete => "LOG_INCOMPLETE",
        }
    }

    /// It says that something is wrong beyond this plan: the account is halted until a person has looked.
    pub fn halts_account(self) -> bool {
        match self {
            Self::ShortfallTooHigh | Self::RejectBreaker | Self::OrderDiffers => true,
            Self::PreflightUnreadable | Self::LeftoverOpen => false,
            Self::AccountDiffers | Self::AccountBlocked => false,
            Self::ModeDiffers | Self::FeedNotAllowed | Self::ShortingEnabled => false,
            Self::SessionClosed | Self::TooLate | Self::Stale | Self::TurnoverTooHigh => false,
            Self::DailyCap | Self::Halted | Self::Canceled => false,
            Self::DeadlinePassed | Self::LogIncomplete => false,
        }
    }
}

/// Verified money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Funds {
    /// What could be spent before the first order: without borrowing, and without what others' open buys reserve.
    pub before: Money,
    /// What the account showed then: proceeds are what it shows beyond this.
    pub shown: Money,
    /// The part of the sells' proceeds that the account shows.
    pub proceeds: Money,
}

/// A leg's quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sized {
    /// Shares to trade in all.
    pub target: Quantity,
    /// The leg is a trimmed one: less than the plan asked for, for want of money.
    pub trimmed: bool,
}

/// An order that is to be sent: committed before the POST, with identical parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// 1 for the leg's first.
    pub attempt: u32,
    /// Our id.
    pub client_order_id: ClientOrderId,
    /// Symbol, side, quantity, limit.
    pub terms: OrderTerms,
    /// To rest or to cross.
    pub purpose: Purpose,
    /// The quote it was decided on.
    pub quote: Quote,
    /// Near touch and spread before it joined.
    pub before: Base,
    /// Where the ramp began, for orders of the ramp.
    pub ramp: Option<Base>,
    /// What the controls said.
    pub verdict: Verdict,
}

/// A refusal of the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What kind of refusal it is.
    pub kind: RefusalKind,
    /// The broker's own words, cut to 200 characters.
    pub message: String,
}

/// The kinds of refusal that matter for what happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefusalKind {
    /// Fewer shares are available than asked for.
    InsufficientQuantity {
        /// What is available, if the broker said so.
        available: Option<Quantity>,
    },
    /// Not enough buying power.
    InsufficientFunds,
    /// The price is off the grid.
    SubPenny,
    /// The asset cannot be traded in parts.
    NotFractionable,
    /// An order of the other side stands in the way.
    WashTrade,
    /// Anything else.
    Other,
}

impl RefusalKind {
    /// Shares or money that the broker does not show as free yet: no reason to stop a plan.
    pub fn is_lag(self) -> bool {
        match self {
            Self::InsufficientQuantity { .. } | Self::InsufficientFunds => true,
            Self::SubPenny | Self::NotFractionable | Self::WashTrade | Self::Other => false,
        }
    }
}

/// What the broker said of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reported {
    /// The broker's id.
    pub broker_order_id: BrokerOrderId,
    /// The broker's status.
    pub status: BrokerStatus,
    /// The ordered quantity.
    pub quantity: Quantity,
    /// The limit.
    pub limit: Option<Price>,
    /// Shares filled so far.
    pub cumulative: Quantity,
    /// Their average price, if known.
    pub average_price: Option<Price>,
    /// When the broker took the order.
    pub submitted_at: Timestamp,
    /// When the newest fill happened, if known.
    pub filled_at: Option<Timestamp>,
    /// The quote when we learnt of it, for fills.
    pub quote: Option<Quote>,
}

/// A mid some time after a fill: what the price did once we had traded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Seconds after the fill: one of [`Mark::AFTER`].
    pub seconds: u32,
    /// The mid then, in dollars.
    pub mid: Decimal,
}

impl Mark {
    /// The times after a fill at which it is looked at, in seconds.
    pub const AFTER: [u32; 5] = [1, 5, 30, 60, 300];
}

/// Why an order is canceled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CancelReason {
    /// The price moved: rest somewhere else.
    Repeg,
    /// Time or pressure: cross.
    ToCross,
    /// The marketable order did not fill: cross again on a fresh quote.
    CrossAgain,
    /// The leg's window is over.
    WindowOver,
    /// The plan was stopped.
    PlanStopped,
    /// The first request was not confirmed in time.
    NotConfirmed,
    /// The leg is over, and the order landed after all.
    LegOver,
    /// A fill of an earlier order came late: this one asks for too much.
    TooMuch,
}

impl CancelReason {
    /// Every reason.
    pub const ALL: [Self; 8] = [
        Self::Repeg,
        Self::ToCross,
        Self::CrossAgain,
        Self::WindowOver,
        Self::PlanStopped,
        Self::NotConfirmed,
        Self::LegOver,
        Self::TooMuch,
    ];

    /// The word used in logs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Repeg => "repeg",
            Self::ToCross => "to_cross",
            Self::CrossAgain => "cross_again",
            Self::WindowOver => "window_over",
            Self::PlanStopped => "plan_stopped",
            Self::NotConfirmed => "not_confirmed",
            Self::LegOver => "leg_over",
            Self::TooMuch => "too_much",
        }
    }
}

/// A position that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PositionDifference {
    /// The symbol.
    pub symbol: Symbol,
    /// Shares that should be held.
    pub expected: Quantity,
    /// Shares that are held.
    pub found: Quantity,
}

/// An event in the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announced {
    /// Deterministic: publishing again is the same event.
    pub event_id: EventId,
    /// The detail-type.
    pub detail_type: String,
    /// The detail, byte for byte.
    pub detail: String,
}
