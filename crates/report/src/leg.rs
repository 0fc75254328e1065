//! One leg: its picture, its figures, its orders.

use alchemiser_core::{
    child::{ChildOrder, Purpose},
    execution::Execution,
    ledger::{self, Line},
    leg::{Leg, LegOutcome},
    price::Price,
    quote::Quote,
};
use jiff::Timestamp;
use maud::{Markup, html};

use crate::{
    chart::chart,
    figure::{Figure, Format, written},
    history::History,
    layout::{fact, heading, link},
    measure::{self, Sums},
    scale::{clock, seconds},
    term::Term,
    words,
};

/// All legs on one table, each leading to its own part.
pub(crate) fn overview(state: &Execution) -> Markup {
    html! {
        div.wide tabindex="0" role="region" aria-label="all legs" { table {
            caption { "One line a leg; a symbol leads to its picture." }
            thead { tr {
                th scope="col" { "leg" } th scope="col" { "side" }
                (heading(Term::Target)) (heading(Term::Filled)) (heading(Term::Average)) (heading(Term::Cost)) (heading(Term::CostBps))
                (heading(Term::HalfSpreads)) (heading(Term::EffectiveOverQuoted)) (heading(Term::Orders)) (heading(Term::Seconds))
                th scope="col" { "outcome" }
            } }
            tbody { @for leg in &state.legs { (line(leg)) } }
        } }
    }
}

fn line(leg: &Leg) -> Markup {
    let sums = Sums::of(leg);
    let target = leg.sized.map(|sized| sized.target.shares());
    html! { tr {
        th scope="row" { a href=(format!("#leg-{}", leg.symbol())) { (leg.symbol()) } }
        td { (leg.side.word()) }
        td.r { (Figure::new(Term::Target, Format::Plain, target)) }
        td.r { (Figure::new(Term::Filled, Format::Plain, Some(leg.filled().shares()))) }
        td.r { (Figure::new(Term::Average, Format::Price, leg.average_price().map(Price::dollars))) }
        td.r { (Figure::new(Term::Cost, Format::SignedMoney, sums.cost())) }
        td.r { (Figure::new(Term::CostBps, Format::Signed, sums.cost_bps())) }
        td.r { (Figure::new(Term::HalfSpreads, Format::Signed, sums.half_spreads())) }
        td.r { (Figure::new(Term::EffectiveOverQuoted, Format::Ratio, sums.effective_over_quoted())) }
        td.r { (Figure::count(Term::Orders, sums.orders)) }
        td.r { (Figure::new(Term::Seconds, Format::Seconds, sums.seconds())) }
        td { (words::outcome(leg)) }
    } }
}

/// A leg's part of the page.
pub(crate) fn part(state: &Execution, leg: &Leg, history: &History) -> Markup {
    let heading = format!("{} {}", leg.side.action(), leg.symbol());
    let picture = chart(state, leg, history);
    html! {
        article id=(format!("leg-{}", leg.symbol())) {
            div.head { h3 { (heading) } span class=(format!("pill {}", class(leg))) { (words::outcome(leg)) } }
            @if let Some(reason) = leg.outcome.and_then(LegOutcome::reason) {
                p { "Why: " (words::reason(reason)) " " code { (reason.code()) } "." }
            }
            @match picture {
                Some(picture) => { figure { (picture) figcaption { (caption(leg, history)) } } }
                None => { p.empty { "No order was sent, so there is no picture." } }
            }
            (figures(leg))
            @if !leg.children.is_empty() { (orders(leg)) (markouts(leg)) }
        }
    }
}

fn class(leg: &Leg) -> &'static str {
    match leg.outcome {
        None => "open",
        Some(outcome) if outcome.is_done() => "good",
        Some(_) => "bad",
    }
}

fn caption(leg: &Leg, history: &History) -> String {
    let (all, taped) = (history.quotes(leg.symbol()).len(), history.taped_of(leg.symbol()));
    if taped == 0 {
        format!(
            "{all} quotes, those that decisions were made on: no quote tape was kept between them. Minutes since the first order."
        )
    } else {
        format!(
            "{all} quotes: those that decisions were made on, and {taped} of the quote tape. Minutes since the first order."
        )
    }
}

fn figures(leg: &Leg) -> Markup {
    let sums = Sums::of(leg);
    let first = ledger::first_quote(leg);
    let arrival = leg.arrival.map(|quote| quote.mid());
    let target = leg.sized.map(|sized| sized.target.shares());
    let show = |term: Term, format: Format, value| {
        fact(&link(term), &html! { (Figure::new(term, format, value)) })
    };
    html! {
        dl.facts {
            (show(Term::Filled, Format::Plain, Some(leg.filled().shares())))
            (show(Term::Target, Format::Plain, target))
            (show(Term::Average, Format::Price, leg.average_price().map(Price::dollars)))
            (show(Term::ArrivalMid, Format::Price, arrival))
            (show(Term::FirstMid, Format::Price, first.map(Quote::mid)))
            (show(Term::Spread, Format::Price, first.map(Quote::spread)))
            (show(Term::Cost, Format::SignedMoney, sums.cost()))
            (show(Term::CostBps, Format::Signed, sums.cost_bps()))
            (show(Term::HalfSpreads, Format::Signed, sums.half_spreads()))
            (show(Term::EffectiveOverQuoted, Format::Ratio, sums.effective_over_quoted()))
            (show(Term::Improvement, Format::SignedMoney, sums.improvement()))
            (show(Term::Passive, Format::Percent, sums.passive()))
            (show(Term::Delay, Format::Signed, sums.delay_bps()))
            (show(Term::Shortfall, Format::SignedMoney, sums.shortfall()))
            (show(Term::Seconds, Format::Seconds, sums.seconds()))
            (show(Term::Repegs, Format::Plain, Some(sums.repegs.into())))
            (fact(&html! { "by resting / crossing orders" }, &shares_by(leg)))
            (fact(&link(Term::Fees), &html! { (Figure::new(Term::Fees, Format::Money, None)) }))
        }
    }
}

fn shares_by(leg: &Leg) -> Markup {
    let by = |purpose| written(measure::filled_by(leg, purpose).shares(), Format::Plain);
    html! { span.n title="Σ quantity filled by orders of each kind" { (by(Purpose::Rest)) " / " (by(Purpose::Cross)) } }
}

fn orders(leg: &Leg) -> Markup {
    let begun = leg.children.first().map(|child| child.intended_at);
    html! {
        div.wide tabindex="0" role="region" aria-label=(format!("orders of {}", leg.symbol())) { table {
            caption { "Orders, oldest first; times are minutes since the first order." }
            thead { tr {
                th.r scope="col" { "#" } th.r scope="col" { "sent" } th scope="col" { "to" }
                th.r scope="col" { "quantity" } (heading(Term::Limit)) th scope="col" { "decided on" }
                th.r scope="col" { "filled" } (heading(Term::Average)) (heading(Term::EffectiveOverQuoted)) (heading(Term::SecondsToFill))
                th scope="col" { "end" }
            } }
            tbody { @for child in &leg.children { (order(&Line { leg, child }, begun)) } }
        } }
    }
}

fn order(line: &Line<'_>, begun: Option<Timestamp>) -> Markup {
    let child: &ChildOrder = line.child;
    let sent = begun.map_or(0.0, |begun| seconds(begun, child.intended_at));
    let filled = child.cumulative.shares();
    let id = child.client_order_id.to_string();
    html! { tr {
        td.r { span.n title=(format!("client order id {id}")) { (child.attempt) } }
        td.r { span.n title=(child.intended_at.to_string()) { (clock(sent)) } }
        td { (match child.purpose { Purpose::Rest => "rest", Purpose::Cross => "cross" }) }
        td.r { span.n title="shares ordered: what was left of the leg" { (written(child.terms.quantity.shares(), Format::Plain)) } }
        td.r { (Figure::new(Term::Limit, Format::Price, Some(child.terms.limit.dollars()))) }
        td { @match &child.quote {
            Some(quote) => { span.n title="bid × size / ask × size when the order was decided" { (words::book(quote)) } }
            None => { span.n.none title="the log was lost, and the order was adopted from the broker" { "–" } }
        } }
        td.r { span.n title="shares filled" { (written(filled, Format::Plain)) } }
        td.r { (Figure::new(Term::Average, Format::Price, child.average_price.map(Price::dollars))) }
        td.r { (Figure::new(Term::EffectiveOverQuoted, Format::Ratio, line.effective_over_quoted())) }
        td.r { (Figure::new(Term::SecondsToFill, Format::Seconds, line.seconds_to_fill())) }
        td { (words::order_end(child)) }
    } }
}

fn markouts(leg: &Leg) -> Markup {
    if leg.filled().is_zero() {
        return html! {};
    }
    html! {
        p.soft {
            (link(Term::Markout)) ": "
            @for (index, (seconds, value)) in Sums::of(leg).markouts().into_iter().enumerate() {
                @if index > 0 { ", " }
                "after " (seconds) " s " (Figure::new(Term::Markout, Format::Signed, value))
            }
        }
    }
}
