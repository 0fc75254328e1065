//! Codes in words, as a trader would say them.

use alchemiser_core::{
    child::{ChildOrder, Purpose, Status},
    execution::Execution,
    fact::{CancelReason, StopCode},
    leg::{Leg, LegOutcome, Reason},
    quote::Quote,
    side::Side,
};

use crate::figure::{Format, written};

/// How an order was to trade.
pub(crate) fn purpose(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Rest => "resting",
        Purpose::Cross => "crossing",
    }
}

/// Sold or bought.
pub(crate) fn did(side: Side) -> &'static str {
    match side {
        Side::Buy => "bought",
        Side::Sell => "sold",
    }
}

/// Where an order stands.
pub(crate) fn status(status: Status) -> &'static str {
    match status {
        Status::InFlight => "on its way",
        Status::Working => "working",
        Status::CancelInFlight => "being canceled",
        Status::Filled => "filled",
        Status::Canceled => "canceled",
        Status::Rejected => "refused",
        Status::Expired => "expired",
        Status::Replaced => "replaced by somebody else",
        Status::Unsent => "never sent",
        Status::Unresolved => "given up: it can neither be found nor be sent again",
    }
}

/// Why an order was taken back.
pub(crate) fn cancel(reason: CancelReason) -> &'static str {
    match reason {
        CancelReason::Repeg => "to rest at another price",
        CancelReason::ToCross => "to pay the spread",
        CancelReason::CrossAgain => "to cross again on a fresh quote",
        CancelReason::WindowOver => "the leg's time was over",
        CancelReason::PlanStopped => "the plan was stopped",
        CancelReason::NotConfirmed => "the first cancel was not confirmed",
        CancelReason::LegOver => "its leg was over",
        CancelReason::TooMuch => "an earlier order filled late",
    }
}

/// How an order ended, or where it stands.
pub(crate) fn order_end(child: &ChildOrder) -> String {
    let filled = if child.cumulative.is_zero() {
        String::new()
    } else {
        format!(", {} filled", written(child.cumulative.shares(), Format::Plain))
    };
    let why = match (child.status, child.cancel, &child.refusal) {
        (Status::Canceled, Some(asked), _) => format!(": {}", cancel(asked.reason)),
        (Status::Rejected, _, Some(refusal)) => format!(": {}", refusal.message),
        _ => String::new(),
    };
    match child.status {
        Status::Filled => "filled".to_owned(),
        other => format!("{}{filled}{why}", status(other)),
    }
}

/// How a leg ended.
pub(crate) fn outcome(leg: &Leg) -> &'static str {
    match leg.outcome {
        None if leg.children.is_empty() => "not begun",
        None => "being worked",
        Some(LegOutcome::Filled) => "filled",
        Some(LegOutcome::PartiallyFilled(_)) => "partly filled",
        Some(LegOutcome::Unfilled(_)) => "not filled",
        Some(LegOutcome::Skipped(_)) => "skipped",
        Some(LegOutcome::Refused(_)) => "refused",
        Some(LegOutcome::Failed(_)) => "failed",
        Some(LegOutcome::Residue) => "filled but for a fraction of a share",
    }
}

/// Why a leg ended as it did.
pub(crate) fn reason(reason: Reason) -> String {
    match reason {
        Reason::TooSmall => "what is to be traded is below the smallest amount".to_owned(),
        Reason::Unfunded => "no money was left for it".to_owned(),
        Reason::NotHeld => "the account holds none of it".to_owned(),
        Reason::SharesHeld => "another order holds the shares".to_owned(),
        Reason::PositionDiffers => "the position is not what the plan says".to_owned(),
        Reason::NotTradable => "the broker does not trade it".to_owned(),
        Reason::NoQuote => "no usable quote came within the wait".to_owned(),
        Reason::NoReading => "what the controls need could not be read".to_owned(),
        Reason::Control(code) => format!("a control forbade it ({code})"),
        Reason::WindowOver => "its time was over".to_owned(),
        Reason::Spread => "the spread was too wide to pay".to_owned(),
        Reason::Rejected => "the broker refused the order".to_owned(),
        Reason::Replaced => "somebody else replaced the order".to_owned(),
        Reason::ChildrenExhausted => "it had as many orders as a leg may have".to_owned(),
        Reason::CancelUnconfirmed => "a cancel was never confirmed".to_owned(),
        Reason::Unresolved => "an order can neither be found nor be sent again".to_owned(),
        Reason::SellsIncomplete => "too many of the sells had failed".to_owned(),
        Reason::PlanStopped(code) => stop(code).to_owned(),
    }
}

/// Why a plan was stopped.
pub(crate) fn stop(code: StopCode) -> &'static str {
    match code {
        StopCode::PreflightUnreadable => "what must be known before trading could not be read",
        StopCode::LeftoverOpen => "an order that was left open before did not go in time",
        StopCode::AccountDiffers => "the account is another one than the configured",
        StopCode::ModeDiffers => "the orders would go elsewhere than configured",
        StopCode::FeedNotAllowed => "the quotes are one venue's only",
        StopCode::AccountBlocked => "the account may not trade",
        StopCode::ShortingEnabled => "the account may go short",
        StopCode::SessionClosed => "the session is closed",
        StopCode::TooLate => "there is too little time before the close",
        StopCode::Stale => "the plan was too old before its first order",
        StopCode::TurnoverTooHigh => "the plan turns over too much of the account",
        StopCode::DailyCap => "the day has too little left of its caps",
        StopCode::Halted => "trading in the account was halted",
        StopCode::Canceled => "the plan was canceled",
        StopCode::ShortfallTooHigh => "the fills cost too much against the prices at arrival",
        StopCode::RejectBreaker => "too many orders were refused in a short time",
        StopCode::OrderDiffers => "the broker has an order that is not the one we sent",
        StopCode::DeadlinePassed => "the plan's deadline passed",
        StopCode::LogIncomplete => "the broker has orders that the log does not know",
    }
}

/// The word and the class of a plan's end.
pub(crate) fn plan(state: &Execution) -> (&'static str, &'static str) {
    match (&state.outcome, state.stop) {
        (Some((outcome, _)), _) if outcome.completed => ("Completed", "good"),
        (Some(_), Some(StopCode::Halted)) => ("Halted", "bad"),
        (Some(_), Some(StopCode::Canceled)) => ("Canceled", "bad"),
        (Some(_), _) => ("Failed", "bad"),
        (None, _) => ("In progress", "open"),
    }
}

/// A quote as a trader writes it.
pub(crate) fn book(quote: &Quote) -> String {
    format!(
        "{} × {} / {} × {}",
        written(quote.bid.price.dollars(), Format::Price),
        written(quote.bid.size.shares(), Format::Plain),
        written(quote.ask.price.dollars(), Format::Price),
        written(quote.ask.size.shares(), Format::Plain)
    )
}
