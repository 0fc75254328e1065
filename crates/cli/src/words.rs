//! Facts in words, one line each.

use alchemiser_core::{
    child::{OrderKind, Purpose},
    fact::{CancelReason, FactKind, Intent},
    learning::{Learned, Spread},
    leg::Reason,
    quote::Quote,
};

use crate::replay::is_shown;

fn book(quote: &Quote) -> String {
    format!("{}x{} / {}x{}", quote.bid.price, quote.bid.size, quote.ask.price, quote.ask.size)
}

fn order(intent: &Intent) -> String {
    let terms = &intent.terms;
    let how = match (terms.kind, intent.purpose) {
        (OrderKind::Market, _) => "at the market, judged by".to_owned(),
        (OrderKind::Limit, Purpose::Rest) => "resting at".to_owned(),
        (OrderKind::Limit, Purpose::Cross) => "crossing, at worst".to_owned(),
    };
    format!(
        "{} order {}: {} {} {how} {} on {}, every control passed ({})",
        terms.symbol,
        intent.attempt,
        terms.side.word(),
        terms.quantity,
        terms.limit,
        book(&intent.quote),
        intent.client_order_id
    )
}

/// Whether a fact was known, decided, sent, answered, or told to others; or who works on the plan.
pub(crate) fn part(kind: &FactKind) -> &'static str {
    match kind {
        FactKind::Claimed(_) | FactKind::LeaseTaken(..) | FactKind::HandedOver => "owner",
        FactKind::Acquired(_) | FactKind::Recovered(_) => "owner",
        FactKind::HaltSeen(_) | FactKind::CancelSeen(_) | FactKind::Learned(_) => "known",
        FactKind::FundsVerified(_) | FactKind::Arrived(..) => "known",
        FactKind::PreflightPassed(_) | FactKind::Reconciled(_) | FactKind::Marked(..) => "known",
        FactKind::PlanStopped(_) | FactKind::Allocated(_) | FactKind::Sized(..) => "decided",
        FactKind::Waiting(..) | FactKind::LegFinished(..) | FactKind::PhaseChanged(_) => "decided",
        FactKind::OutcomeReached(_) | FactKind::InputRefused(_) => "decided",
        FactKind::Unsent(..) | FactKind::Unresolved(..) => "decided",
        FactKind::Intent(_) | FactKind::Resubmitted(..) | FactKind::CancelRequested(..) => "sent",
        FactKind::AnswerLost(..) | FactKind::NotFound(..) | FactKind::Refused(..) => "answered",
        FactKind::Reported(..) | FactKind::Adopted(..) => "answered",
        FactKind::Announced(_) | FactKind::Published(_) => "told",
    }
}

/// Why an order is taken back, as a trader would say it.
fn why(reason: CancelReason) -> &'static str {
    match reason {
        CancelReason::Repeg => "the market moved; it goes to the new touch",
        CancelReason::ToCross => "patience is over; the spread is paid",
        CancelReason::CrossAgain => "it did not fill at once; the spread is paid on a fresh quote",
        CancelReason::WindowOver => "the leg's time is over",
        CancelReason::PlanStopped => "the plan is stopped",
        CancelReason::NotConfirmed => "the cancel was not confirmed; it is asked for again",
        CancelReason::LegOver => "it landed after its leg was over",
        CancelReason::TooMuch => "an earlier order filled late; it asks for too much",
    }
}

fn learned(known: &Learned) -> String {
    if let Some(why) = known.why_not {
        return format!(
            "E/Q is taken to be 1 ({}): crosses are assumed to pay the spread",
            why.code()
        );
    }
    let each = Spread::ALL.map(|spread| {
        let ratio = known.ratios.of(spread);
        format!("{} at {} ({} crosses)", ratio.value, words_of(spread), ratio.fills)
    });
    format!("E/Q learned from the account's own crosses: {}", each.join(", "))
}

fn words_of(spread: Spread) -> &'static str {
    match spread {
        Spread::One => "one tick",
        Spread::Few => "two or three ticks",
        Spread::Many => "wider spreads",
    }
}

/// A fact in words; `None` for bookkeeping.
#[expect(clippy::too_many_lines, reason = "a line or a few for each fact")]
pub(crate) fn words(kind: &FactKind) -> Option<String> {
    if !is_shown(kind) {
        return None;
    }
    Some(match kind {
        FactKind::Claimed(plan) => {
            format!("claimed: {} items, ${} to trade", plan.items.len(), plan.trade_value)
        }
        FactKind::Acquired(known) => format!(
            "the account {} is this plan's; ${} and {} orders were used that day before",
            known.account, known.before.notional, known.before.orders
        ),
        FactKind::Learned(known) => learned(known),
        FactKind::LeaseTaken(epoch, owner) => format!("owner {owner} takes over (epoch {epoch})"),
        FactKind::PreflightPassed(preflight) => format!(
            "pre-flight passed: equity ${}, policy {}, {:#} for each leg, no order after {}",
            preflight.equity,
            preflight.policy.word(),
            preflight.working_time,
            preflight.deadline
        ),
        FactKind::PlanStopped(code) => format!("the plan is stopped: {}", code.code()),
        FactKind::HaltSeen(halt) => {
            format!("trading in the account is halted by {}: {}", halt.who, halt.why)
        }
        FactKind::CancelSeen(by) => format!("the plan is canceled by {}: {}", by.who, by.why),
        FactKind::FundsVerified(funds) => {
            format!("money: ${} before, ${} of proceeds show", funds.before, funds.proceeds)
        }
        FactKind::Allocated(amounts) => {
            let each: Vec<String> =
                amounts.iter().map(|(symbol, amount)| format!("{symbol} ${amount}")).collect();
            format!("set aside for buys: {}", each.join(", "))
        }
        FactKind::Arrived(symbol, quote) => format!("{symbol} is first seen at {}", book(quote)),
        FactKind::Sized(symbol, sized) => format!(
            "{symbol} is to trade {}{}",
            sized.target,
            if sized.trimmed { ", less than planned for want of money or shares" } else { "" }
        ),
        FactKind::Waiting(symbol, Some(code)) => format!("{symbol} waits: {}", code.code()),
        FactKind::Waiting(symbol, None) => format!("{symbol} waits no longer"),
        FactKind::Intent(intent) => order(intent),
        FactKind::Resubmitted(symbol, attempt, _) => {
            format!("{symbol} order {attempt} is sent again under the same id")
        }
        FactKind::AnswerLost(symbol, attempt) => {
            format!("{symbol} order {attempt}: no clear answer; it is looked up")
        }
        FactKind::NotFound(symbol, attempt) => {
            format!("{symbol} order {attempt} is not found, which proves nothing yet")
        }
        FactKind::Refused(symbol, attempt, refusal) => {
            format!("{symbol} order {attempt} is refused: {}", refusal.message)
        }
        FactKind::Unsent(symbol, attempt) => {
            format!("{symbol} order {attempt} was never sent, and never will be")
        }
        FactKind::Unresolved(symbol, attempt) => {
            format!("{symbol} order {attempt} can neither be found nor be sent again")
        }
        FactKind::Reported(symbol, attempt, report) => {
            let price =
                report.average_price.map(|price| format!(" at {price}")).unwrap_or_default();
            let (status, filled, all) = (report.status.word(), report.cumulative, report.quantity);
            format!("{symbol} order {attempt} is {status}: {filled} of {all} filled{price}")
        }
        FactKind::CancelRequested(symbol, attempt, reason) => {
            format!("{symbol} order {attempt} is taken back: {}", why(*reason))
        }
        FactKind::LegFinished(symbol, outcome, _) => {
            let reason = outcome.reason().map(Reason::code).unwrap_or_default();
            format!("{symbol} is over: {} {reason}", outcome.word()).trim_end().to_owned()
        }
        FactKind::PhaseChanged(phase) => format!("phase: {}", phase.word()),
        FactKind::Reconciled(differences) if differences.is_empty() => {
            "the positions are what they should be".to_owned()
        }
        FactKind::Reconciled(differences) => {
            let each = differences.iter().map(|difference| {
                format!(
                    "{} {} instead of {}",
                    difference.symbol, difference.found, difference.expected
                )
            });
            format!("positions differ: {}", each.collect::<Vec<_>>().join(", "))
        }
        FactKind::OutcomeReached(outcome) => format!(
            "outcome: {}, {} of {} placed legs filled{}",
            outcome.status.word(),
            outcome.succeeded,
            outcome.placed,
            outcome.failure_reason.as_ref().map(|why| format!("; {why}")).unwrap_or_default()
        ),
        FactKind::Announced(event) => format!("to publish: {}", event.detail_type),
        FactKind::HandedOver => "handed over: the next owner goes on".to_owned(),
        FactKind::Recovered(recovery) => format!(
            "the log had lost {} orders ({} entries were left); the broker's word is taken for them{}",
            recovery.orders,
            recovery.entries,
            if recovery.is_over { "; the plan was over, and nothing more is traded" } else { "" }
        ),
        FactKind::Adopted(symbol, attempt, report) => {
            let price =
                report.average_price.map(|price| format!(" at {price}")).unwrap_or_default();
            format!(
                "{symbol} order {attempt} is adopted as the broker has it: {}, {} of {} filled{price}",
                report.status.word(),
                report.cumulative,
                report.quantity
            )
        }
        FactKind::InputRefused(refused) => format!("refused: {refused}"),
        FactKind::Marked(..) | FactKind::Published(_) => return None,
    })
}
