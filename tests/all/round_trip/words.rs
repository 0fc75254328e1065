//! Every word that is stored: each enum with all of its variants, so that a new one does not compile until it stands here.

use alchemiser_core::{
    announce::Event,
    child::{OrderKind, Purpose},
    controls::Control,
    fact::{CancelReason, Phase, RefusalKind, StopCode},
    ids::ClientOrderId,
    leg::{LegOutcome, Reason, WaitCode},
    outcome::PlanStatus,
    plan::{Action, RefusalCode, Urgency},
    policy::PolicyKind,
    quantity::Quantity,
    quote::QuoteFault,
    reading::TradeMode,
    report::BrokerStatus,
    side::Side,
};
use alchemiser_wire::{notice::Occasion, request::Why};

/// All variants of enums that carry nothing.
macro_rules! every {
    ($($name:ident: $type:ident { $($variant:ident),* $(,)? })*) => {$(
        pub(crate) fn $name() -> Vec<$type> {
            // Nothing but a compiler's check that none is missing.
            let known = |value: &$type| match value { $($type::$variant)|* => {} };
            let all = vec![$($type::$variant),*];
            all.iter().for_each(known);
            all
        }
    )*};
}

every! {
    sides: Side { Buy, Sell }
    actions: Action { Buy, Sell, Hold }
    urgencies: Urgency { Low, Normal, High, Urgent }
    purposes: Purpose { Rest, Cross }
    order_kinds: OrderKind { Limit, Market }
    phases: Phase { Preparing, Selling, Proceeds, Buying, Closing, Finished }
    modes: TradeMode { Live, Paper, Simulated }
    policies: PolicyKind { Adaptive, Liquidity, Walk, Cross }
    plan_statuses: PlanStatus { Success, PartialSuccess, Failure }
    whys: Why { Claimed, HandedOver, LeaseOver, AccountFree, Outbox }
    occasions: Occasion { Completed, Failed, Halted, NeedsAttention, Refused }
    cancel_reasons: CancelReason {
        Repeg, ToCross, CrossAgain, WindowOver, PlanStopped, NotConfirmed, LegOver, TooMuch,
    }
    stop_codes: StopCode {
        PreflightUnreadable, LeftoverOpen, AccountDiffers, ModeDiffers, FeedNotAllowed, AccountBlocked, ShortingEnabled, SessionClosed, TooLate, Stale,
        TurnoverTooHigh, DailyCap, Halted, Canceled, ShortfallTooHigh, RejectBreaker, OrderDiffers, DeadlinePassed, LogIncomplete,
    }
    quote_faults: QuoteFault {
        Missing, OneSided, Crossed, BelowMinimum, TooWide, NotObserved, Standing,
    }
    refusal_codes: RefusalCode {
        MalformedJson, MissingField, MalformedField, OutOfBounds, UnknownSchema, DuplicateSymbol, SignDiffers,
        TotalsDiffer, Stale, InTheFuture, PlanConflict, UnknownAccount, WrongEvent,
    }
    controls: Control {
        Halt, Account, Mode, Session, OpenQuiet, ClockSkew, Validity, Deadline, OrdersRead, QuoteAge, OrderNotional,
        DailyNotional, DailyOrders, Collar,
        LastTrade, PreviousClose, CrossSize, MarketOrder, Leaves, Children, LiveOrder, WashTrade, Held, Budget, Shortfall,
        RejectBreaker, Throttle,
    }
    broker_statuses: BrokerStatus {
        PendingNew, Accepted, New, PartiallyFilled, Filled, DoneForDay, Canceled, Expired, Replaced, PendingCancel,
        PendingReplace, Rejected, Suspended, Calculated, Stopped, Held, Unknown,
    }
}

/// All values of enums some of whose variants carry something: what stands for each.
macro_rules! every_with {
    ($($name:ident: $type:ident { $($pattern:pat => $values:expr,)* })*) => {$(
        pub(crate) fn $name() -> Vec<$type> {
            let known = |value: &$type| match value { $($pattern => {})* };
            let all: Vec<$type> = [$(Vec::from($values)),*].concat();
            all.iter().for_each(known);
            all
        }
    )*};
}

every_with! {
    wait_codes: WaitCode {
        WaitCode::Quote(_) => each(quote_faults(), WaitCode::Quote),
        WaitCode::Throttle => [WaitCode::Throttle],
        WaitCode::LiveOrder => [WaitCode::LiveOrder],
        WaitCode::OpenQuiet => [WaitCode::OpenQuiet],
        WaitCode::Reading => [WaitCode::Reading],
        WaitCode::BrokerLag => [WaitCode::BrokerLag],
    }
    reasons: Reason {
        Reason::TooSmall => [Reason::TooSmall],
        Reason::Unfunded => [Reason::Unfunded],
        Reason::NotHeld => [Reason::NotHeld],
        Reason::SharesHeld => [Reason::SharesHeld],
        Reason::PositionDiffers => [Reason::PositionDiffers],
        Reason::NotTradable => [Reason::NotTradable],
        Reason::NoQuote => [Reason::NoQuote],
        Reason::NoReading => [Reason::NoReading],
        Reason::Control(_) => each(controls(), |control| Reason::Control(control.code())),
        Reason::WindowOver => [Reason::WindowOver],
        Reason::Spread => [Reason::Spread],
        Reason::Rejected => [Reason::Rejected],
        Reason::Replaced => [Reason::Replaced],
        Reason::ChildrenExhausted => [Reason::ChildrenExhausted],
        Reason::CancelUnconfirmed => [Reason::CancelUnconfirmed],
        Reason::Unresolved => [Reason::Unresolved],
        Reason::SellsIncomplete => [Reason::SellsIncomplete],
        Reason::PlanStopped(_) => each(stop_codes(), Reason::PlanStopped),
    }
    leg_outcomes: LegOutcome {
        LegOutcome::Filled => [LegOutcome::Filled],
        LegOutcome::PartiallyFilled(_) => each(reasons(), LegOutcome::PartiallyFilled),
        LegOutcome::Unfilled(_) => each(reasons(), LegOutcome::Unfilled),
        LegOutcome::Skipped(_) => each(reasons(), LegOutcome::Skipped),
        LegOutcome::Refused(_) => each(reasons(), LegOutcome::Refused),
        LegOutcome::Failed(_) => each(reasons(), LegOutcome::Failed),
        LegOutcome::Residue => [LegOutcome::Residue],
    }
    refusal_kinds: RefusalKind {
        RefusalKind::InsufficientQuantity { .. } => [None, Some(Quantity::ZERO), Some(Quantity::ONE)]
            .map(|available| RefusalKind::InsufficientQuantity { available }),
        RefusalKind::InsufficientFunds => [RefusalKind::InsufficientFunds],
        RefusalKind::SubPenny => [RefusalKind::SubPenny],
        RefusalKind::NotFractionable => [RefusalKind::NotFractionable],
        RefusalKind::WashTrade => [RefusalKind::WashTrade],
        RefusalKind::Other => [RefusalKind::Other],
    }
    events: Event {
        Event::Started => [Event::Started],
        Event::OrderSettled(_) => [Event::OrderSettled(an_order())],
        Event::BulkSettled => [Event::BulkSettled],
        Event::PhaseCompleted(_) => each(sides(), Event::PhaseCompleted),
        Event::Executed => [Event::Executed],
        Event::Completed => [Event::Completed],
        Event::Failed => [Event::Failed],
    }
}

fn each<F, T>(from: Vec<F>, to: impl Fn(F) -> T) -> Vec<T> {
    from.into_iter().map(to).collect()
}

fn an_order() -> ClientOrderId {
    ClientOrderId::recognise("al-s5yukuy2sshza57ghkmf4gk3vu").unwrap()
}

fn distinct<T: Copy>(all: &[T], word: impl Fn(T) -> &'static str) {
    let words: std::collections::BTreeSet<&str> = all.iter().map(|value| word(*value)).collect();
    assert_eq!(words.len(), all.len(), "two of these share a word: {words:?}");
}

/// The lists that reading goes by have every variant, and no two share a word.
#[test]
fn every_list_of_words_is_complete_and_distinct() {
    assert_eq!(StopCode::ALL.to_vec(), stop_codes());
    assert_eq!(CancelReason::ALL.to_vec(), cancel_reasons());
    assert_eq!(Phase::ALL.to_vec(), phases());
    assert_eq!(QuoteFault::ALL.to_vec(), quote_faults());
    assert_eq!(RefusalCode::ALL.to_vec(), refusal_codes());
    assert_eq!(Control::ALL.to_vec(), controls());
    assert_eq!(PolicyKind::ALL.to_vec(), policies());
    distinct(&stop_codes(), StopCode::code);
    distinct(&cancel_reasons(), CancelReason::word);
    distinct(&phases(), Phase::word);
    distinct(&refusal_codes(), RefusalCode::code);
    distinct(&controls(), Control::code);
    distinct(&wait_codes(), WaitCode::code);
    distinct(&reasons(), Reason::code);
    distinct(&broker_statuses(), BrokerStatus::word);
    distinct(&urgencies(), Urgency::word);
    distinct(&whys(), Why::word);
    distinct(&modes(), TradeMode::word);
}

/// S12: every code and word is read as what wrote it.
#[test]
fn every_code_names_its_value() {
    for reason in reasons() {
        assert_eq!(Reason::from_code(reason.code()), Some(reason));
    }
    for code in wait_codes() {
        assert_eq!(WaitCode::from_code(code.code()), Some(code));
    }
    for outcome in leg_outcomes() {
        assert_eq!(LegOutcome::from_words(outcome.word(), outcome.reason()), Some(outcome));
    }
    for status in broker_statuses() {
        assert_eq!(BrokerStatus::from_word(status.word()), status);
    }
    for urgency in urgencies() {
        assert_eq!(Urgency::from_word(urgency.word()), Some(urgency));
    }
    for action in actions() {
        assert_eq!(Action::from_word(action.word()), Some(action));
    }
    for kind in policies() {
        assert_eq!(PolicyKind::from_word(kind.word()), Some(kind));
    }
}
