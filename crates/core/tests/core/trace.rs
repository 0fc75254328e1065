//! Facts as short lines.

use alchemiser_core::{
    child::OrderKind,
    fact::{Fact, FactKind, Intent},
};
use jiff::Timestamp;

/// One line for what a reader of a story wants to know; `None` for the rest.
pub(crate) fn line(fact: &Fact, start: Timestamp) -> Option<String> {
    let seconds = fact.at.duration_since(start).as_millis();
    let text = text(&fact.kind)?;
    Some(format!("{:>4}.{} {text}", seconds / 1000, seconds % 1000 / 100))
}

fn word(intent: &Intent) -> &'static str {
    match intent.terms.kind {
        OrderKind::Limit => intent.purpose.word(),
        OrderKind::Market => "market",
    }
}

#[expect(clippy::too_many_lines, reason = "a line or a few for each fact")]
fn text(kind: &FactKind) -> Option<String> {
    Some(match kind {
        FactKind::Claimed(_)
        | FactKind::Acquired(_)
        | FactKind::Learned(_)
        | FactKind::PreflightPassed(_)
        | FactKind::Arrived(..)
        | FactKind::Marked(..)
        | FactKind::Waiting(_, None)
        | FactKind::Announced(_)
        | FactKind::Published(_)
        | FactKind::InputRefused(_) => return None,
        FactKind::LeaseTaken(epoch, _) => format!("lease {epoch}"),
        FactKind::CancelSeen(by) => format!("canceled: {}: {}", by.who, by.why),
        FactKind::HaltSeen(halt) => format!("halt: {}: {}", halt.who, halt.why),
        FactKind::PlanStopped(code) => format!("stop {}", code.code()),
        FactKind::FundsVerified(funds) => format!("funds {} + {}", funds.before, funds.proceeds),
        FactKind::Allocated(amounts) => {
            let amounts: Vec<String> =
                amounts.iter().map(|(symbol, amount)| format!("{symbol}={amount}")).collect();
            format!("allocated {}", amounts.join(" "))
        }
        FactKind::Sized(symbol, sized) => {
            format!(
                "{symbol} target {}{}",
                sized.target,
                if sized.trimmed { " trimmed" } else { "" }
            )
        }
        FactKind::Waiting(symbol, Some(code)) => format!("{symbol} waits {}", code.code()),
        FactKind::Intent(intent) => {
            let (terms, word) = (&intent.terms, word(intent));
            let order =
                format!("{word} {} {} @ {}", terms.side.word(), terms.quantity, terms.limit);
            format!("{} #{} {order}", terms.symbol, intent.attempt)
        }
        FactKind::Resubmitted(symbol, attempt, _) => format!("{symbol} #{attempt} again"),
        FactKind::AnswerLost(symbol, attempt) => format!("{symbol} #{attempt} answer lost"),
        FactKind::NotFound(symbol, attempt) => format!("{symbol} #{attempt} not found"),
        FactKind::Refused(symbol, attempt, refusal) => {
            format!("{symbol} #{attempt} refused {:?}", refusal.kind)
        }
        FactKind::Unsent(symbol, attempt) => format!("{symbol} #{attempt} unsent"),
        FactKind::Unresolved(symbol, attempt) => format!("{symbol} #{attempt} unresolved"),
        FactKind::Reported(symbol, attempt, report) => {
            let price = report.average_price.map(|price| format!(" @ {price}")).unwrap_or_default();
            format!(
                "{symbol} #{attempt} {} {}/{}{price}",
                report.status.word(),
                report.cumulative,
                report.quantity
            )
        }
        FactKind::CancelRequested(symbol, attempt, reason) => {
            format!("{symbol} #{attempt} cancel {}", reason.word())
        }
        FactKind::LegFinished(symbol, outcome, _) => {
            let reason =
                outcome.reason().map(|reason| format!(" {}", reason.code())).unwrap_or_default();
            format!("{symbol} {}{reason}", outcome.word())
        }
        FactKind::PhaseChanged(phase) => format!("= {}", phase.word()),
        FactKind::Reconciled(differences) => format!("reconciled, {} differ", differences.len()),
        FactKind::OutcomeReached(outcome) => {
            let verdict = if outcome.completed { "completed" } else { "failed" };
            let code = outcome.code.as_ref().map(|code| format!(" {code}")).unwrap_or_default();
            format!(
                "{} {verdict}{code}, {} placed, {} filled",
                outcome.status.word(),
                outcome.placed,
                outcome.succeeded
            )
        }
        FactKind::HandedOver => "handed over".to_owned(),
        FactKind::Recovered(recovery) => format!("recovered {} orders", recovery.orders),
        FactKind::Adopted(symbol, attempt, report) => {
            format!("{symbol} #{attempt} adopted {} {}", report.status.word(), report.cumulative)
        }
    })
}
