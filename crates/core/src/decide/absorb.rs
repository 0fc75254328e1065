//! Taking in what the broker said of our orders.

use crate::{
    child::{ChildOrder, Status},
    fact::{FactKind, Refusal, Reported, StopCode},
    ids::{ClientOrderId, Symbol},
    leg::{LegOutcome, Reason},
    observed::Answer,
    planted::{Plant, is_planted},
    report::OrderReport,
};

use super::Decider;

/// Records every answer and every reading that says something new.
pub(super) fn reports(decider: &mut Decider<'_>) {
    for (id, answer) in decider.observed.answers.clone() {
        answered(decider, &id, answer);
    }
    let ids: Vec<ClientOrderId> =
        decider.state.children().map(|child| child.client_order_id.clone()).collect();
    for id in ids {
        if let Some(report) = decider.observed.orders.get(&id) {
            reported(decider, &id, report);
        }
    }
}

fn find(decider: &Decider<'_>, id: &ClientOrderId) -> Option<(Symbol, ChildOrder)> {
    let children = decider
        .state
        .legs
        .iter()
        .flat_map(|leg| leg.children.iter().map(move |child| (leg.symbol(), child)));
    let found = children.into_iter().find(|(_, child)| child.client_order_id == *id);
    found.map(|(symbol, child)| (symbol.clone(), child.clone()))
}

fn answered(decider: &mut Decider<'_>, id: &ClientOrderId, answer: Answer) {
    let Some((symbol, child)) = find(decider, id) else {
        return;
    };
    if child.status != Status::InFlight {
        return;
    }
    let attempt = child.attempt;
    match answer {
        Answer::Known(_) => {}
        Answer::Refused(refusal) => decider.record(refused(symbol, &child, refusal)),
        // Every further look-up may be lost, too: that is no news.
        Answer::Lost if child.flight.lost_at.is_some() => {}
        Answer::Lost => decider.record(FactKind::AnswerLost(symbol, attempt)),
        Answer::NotFound if is_planted(Plant::AbsentWhenNotFound) => {
            decider.record(FactKind::Unsent(symbol, attempt));
        }
        Answer::NotFound => decider.record(FactKind::NotFound(symbol, attempt)),
        Answer::NotSent if child.flight.reposted => {
            decider.record(FactKind::AnswerLost(symbol, attempt));
        }
        Answer::NotSent => decider.record(FactKind::Unsent(symbol, attempt)),
    }
}

/// A refusal settles an attempt only if it answered the only POST that was ever started for it.
fn refused(symbol: Symbol, child: &ChildOrder, refusal: Refusal) -> FactKind {
    let only_post =
        child.verdict.is_fresh() && !child.flight.reposted && child.flight.lost_at.is_none();
    if only_post || is_planted(Plant::RefusedAgainSettles) {
        FactKind::Refused(symbol, child.attempt, refusal)
    } else {
        FactKind::AnswerLost(symbol, child.attempt)
    }
}

fn reported(decider: &mut Decider<'_>, id: &ClientOrderId, report: &OrderReport) {
    let Some((symbol, child)) = find(decider, id) else {
        return;
    };
    if report.symbol != child.terms.symbol || report.side != child.terms.side {
        if decider.state.stop.is_none() {
            decider.stop(StopCode::OrderDiffers);
        }
        // It can neither be followed nor be sent again, and must not be looked up for ever.
        if child.status == Status::InFlight {
            decider.record(FactKind::Unresolved(symbol.clone(), child.attempt));
            decider.finish(&symbol, LegOutcome::Failed(Reason::Unresolved));
        }
        return;
    }
    let fills = report.cumulative > child.cumulative;
    let quote =
        decider.observed.quote(&symbol, decider.now, &decider.state.policy).ok().filter(|_| fills);
    let news = Reported {
        broker_order_id: report.broker_order_id.clone(),
        status: report.status,
        quantity: report.quantity,
        limit: report.limit,
        cumulative: report.cumulative,
        average_price: report.average_price,
        submitted_at: report.submitted_at,
        filled_at: report.filled_at,
        quote,
    };
    if child.is_news(&news) {
        decider.record(FactKind::Reported(symbol, child.attempt, Box::new(news)));
    }
}
