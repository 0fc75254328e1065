//! The page of one plan.

use alchemiser_core::{
    execution::Execution,
    leg::{Leg, LegOutcome},
    side::Side,
};
use jiff::{Timestamp, tz::TimeZone};
use maud::{Markup, html};
use rust_decimal::Decimal;

use crate::{
    Logged, chart, cost,
    figure::{Figure, Format, written},
    history::History,
    layout::{card, fact, glossary, link, page as whole},
    leg,
    measure::Sums,
    term::Term,
    timeline, weights, words,
};

/// The page of a plan, finished or in progress; `None` for a log that claims no plan. The same log and tape give the
/// same bytes.
pub fn page(logged: &Logged<'_>) -> Option<String> {
    let state = logged.state()?;
    let history = History::of(logged);
    let title = format!("{} · {}", state.plan.plan_id, words::plan(&state).0);
    let body = html! {
        header { (head(&state)) }
        main {
            (needs(&state))
            (weights::section(&state))
            (cost::section(&state))
            (legs(&state, &history))
            (timeline_section(&state, &history))
            (log_section(logged, &state))
            (glossary())
        }
    };
    Some(whole(&title, &body))
}

/// A moment in New York, where the market is.
pub(crate) fn in_new_york(at: Timestamp) -> String {
    match TimeZone::get("America/New_York") {
        Ok(zone) => at.to_zoned(zone).strftime("%Y-%m-%d %H:%M:%S New York").to_string(),
        Err(_) => at.to_string(),
    }
}

fn head(state: &Execution) -> Markup {
    let (word, class) = words::plan(state);
    let preflight = state.preflight.as_ref().map(|(preflight, _)| preflight);
    html! {
        div.head { h1 { (state.plan.plan_id) } span class=(format!("pill {class}")) { (word) } }
        p.soft {
            "Account " (state.plan.account)
            @match preflight {
                Some(preflight) => { " (" (preflight.mode.word()) "), policy " (preflight.policy.word()) }
                None => { ", not looked over yet" }
            }
            ", urgency " (state.plan.urgency.word().to_lowercase()) ". Received "
            span.n title=(state.plan.received_at.to_string()) { (in_new_york(state.plan.received_at)) } "."
        }
        p.lead { (lead(state)) }
        nav aria-label="parts of this page" {
            a href="#needs" { "What needs you" } a href="#drift" { "The portfolio" } a href="#cost" { "What it cost" }
            a href="#legs" { "Legs" } a href="#timeline" { "Timeline" } a href="#log" { "The log" } a href="#terms" { "How each number is made" }
        }
        (cards(state))
    }
}

/// The plan in two sentences.
fn lead(state: &Execution) -> Markup {
    let sums = Sums::all(&state.legs);
    let money = |value: Option<Decimal>| written(value.unwrap_or_default(), Format::Money);
    html! {
        @match &state.outcome {
            None => { "In progress (" (state.phase.word()) "): this is what the log held at " (in_new_york(state.last_at)) ". " }
            Some((outcome, _)) if outcome.no_trades_needed => { "Nothing had to be traded. " }
            Some((outcome, _)) => { (outcome.succeeded) " of " (outcome.placed) " placed legs were filled. " }
        }
        @if sums.traded().is_some() {
            (money(sums.traded())) " changed hands: " (money(sums.sold())) " sold, " (money(sums.bought())) " bought. "
        }
        @if let (Some(cost), Some(bps)) = (sums.cost(), sums.cost_bps()) {
            "Against the mid at each first order it " (if cost.is_sign_negative() { "earned " } else { "cost " })
            (written(cost.abs(), Format::Money)) " (" (written(bps, Format::Signed)) " bps"
            @if let Some(half) = sums.half_spreads() { ", " (written(half, Format::Signed)) " half-spreads where a market order pays +1.00" }
            ")."
        }
    }
}

fn cards(state: &Execution) -> Markup {
    let sums = Sums::all(&state.legs);
    let (before, after) = weights::drifts(state);
    let done = state.legs.iter().filter(|leg| leg.outcome.is_some_and(LegOutcome::is_done)).count();
    let duration = state.outcome.as_ref().map(|(_, at)| {
        let millis = at.duration_since(state.plan.received_at).as_millis();
        Decimal::new(i64::try_from(millis).unwrap_or_default(), 3)
    });
    let show = |term: Term, format: Format, value| card(term, &Figure::new(term, format, value));
    html! {
        ul.cards {
            li { b { (Figure::count(Term::Done, done)) " of " (state.legs.len()) } (link(Term::Done)) }
            (show(Term::Traded, Format::Money, sums.traded()))
            (show(Term::Sold, Format::Money, sums.sold()))
            (show(Term::Bought, Format::Money, sums.bought()))
            (show(Term::Cost, Format::SignedMoney, sums.cost()))
            (show(Term::CostBps, Format::Signed, sums.cost_bps()))
            (show(Term::HalfSpreads, Format::Signed, sums.half_spreads()))
            (show(Term::Shortfall, Format::SignedMoney, sums.shortfall()))
            (show(Term::EffectiveOverQuoted, Format::Ratio, sums.effective_over_quoted()))
            (show(Term::Improvement, Format::SignedMoney, sums.improvement()))
            (show(Term::Passive, Format::Percent, sums.passive()))
            li { b.long { (before) " → " (after) } (link(Term::Drift)) }
            (card(Term::Orders, &Figure::count(Term::Orders, sums.orders)))
            (card(Term::Repegs, &Figure::count(Term::Repegs, sums.repegs)))
            (card(Term::Escalations, &Figure::count(Term::Escalations, sums.escalations)))
            (show(Term::Duration, Format::Seconds, duration))
        }
    }
}

/// What was skipped, refused or failed, and why; what else wants a look.
fn needs(state: &Execution) -> Markup {
    let ended = |wanted: fn(LegOutcome) -> bool| {
        state.legs.iter().filter(move |leg| leg.outcome.is_some_and(wanted))
    };
    let legs: Vec<&Leg> = ended(|outcome| !outcome.is_done()).collect();
    let small: Vec<&Leg> =
        ended(|outcome| outcome.is_done() && outcome != LegOutcome::Filled).collect();
    let differences = state.reconciled.as_deref().unwrap_or_default();
    let open = state.has_open_orders();
    let nothing = legs.is_empty() && differences.is_empty() && state.stop.is_none() && !open;
    html! {
        section id="needs" {
            h2 { "What needs you" }
            @if nothing && state.outcome.is_some() {
                p { "Nothing. Every leg is done, and the positions are what they should be." }
            } @else if nothing {
                p { "Nothing so far." }
            }
            @if let Some(code) = state.stop {
                p { "The plan was stopped: " (words::stop(code)) " " code { (code.code()) } "."
                    @if let Some(halt) = state.stopped_by() { " By " (halt.who) ": " (halt.why) "." } }
            }
            @if open { p { "An order may still fill: look at the broker's books." } }
            @if !legs.is_empty() { ul.why { @for leg in legs { li { (sentence(leg)) } } } }
            @if !small.is_empty() {
                p { "Too small to be traded, and done with that:" }
                ul.why { @for leg in small { li { (sentence(leg)) } } }
            }
            @if !differences.is_empty() { ul.why { @for difference in differences {
                li { (difference.symbol) ": " (difference.found) " shares are held, " (difference.expected) " were expected." }
            } } }
        }
    }
}

fn sentence(leg: &Leg) -> Markup {
    let did = leg.outcome.and_then(LegOutcome::reason);
    html! {
        a href=(format!("#leg-{}", leg.symbol())) { (leg.side.action()) " " (leg.symbol()) } ": " (words::outcome(leg))
        @if let Some(reason) = did { "; " (words::reason(reason)) " " code { (reason.code()) } }
        @if !leg.leaves().is_zero() { "; " (leg.leaves()) " of " (leg.leaves().plus(leg.filled())) " shares were not " (words::did(leg.side)) }
        "."
    }
}

fn legs(state: &Execution, history: &History) -> Markup {
    html! {
        section id="legs" {
            h2 { "Legs" }
            @if state.legs.is_empty() {
                p.empty { "The plan has no leg: nothing was to be traded." }
            } @else {
                (leg::overview(state))
                (chart::legend())
                @for side in [Side::Sell, Side::Buy] { @for one in state.side(side) { (leg::part(state, one, history)) } }
            }
        }
    }
}

fn timeline_section(state: &Execution, history: &History) -> Markup {
    let calls = history.calls;
    html! {
        section id="timeline" {
            h2 { "Timeline" }
            figure {
                (timeline::timeline(state, history))
                figcaption {
                    "Minutes since the plan was claimed. A stroke is an order sent (blue rests, orange crosses), × a cancel asked for, a dot a fill."
                }
            }
            dl.facts {
                (fact(&html! { "orders sent" }, &html! { span.n title="POSTs: intents that left the process, repetitions included" { (calls.posts) } }))
                (fact(&html! { "cancels asked for" }, &html! { span.n title="DELETE requests, one for each reason" { (calls.cancels) } }))
                (fact(&html! { "orders refused" }, &html! { span.n title="4xx answers to a POST" { (calls.refused) } }))
                (fact(&html! { "answers lost" }, &html! { span.n title="POSTs without a clear answer: timeouts, 5xx, 429" { (calls.lost) } }))
                (fact(&html! { "looked up, not found" }, &html! { span.n title="look-ups of an order whose answer was lost" { (calls.not_found) } }))
            }
            p.soft { "Readings (orders, account, quotes) are not in the log, so they are not counted here." }
        }
    }
}

fn log_section(logged: &Logged<'_>, state: &Execution) -> Markup {
    let last = logged.entries.last();
    let settings = state.preflight.as_ref().map(|(preflight, _)| &preflight.settings);
    let funds = state.funds.map(|(funds, _)| funds.before.plus(funds.proceeds).amount());
    html! {
        section id="log" {
            h2 { "The log" }
            p { "This page is made of the plan's log alone. Each entry carries the hash of the one before; the last one's stands for all." }
            dl.facts {
                (fact(&html! { "entries" }, &html! { span.n title="entries of the plan's log, each created once" { (logged.entries.len()) } }))
                (fact(&html! { "owners" }, &html! { span.n title="processes that owned the plan, one after the other" { (state.epoch) } }))
                (fact(&html! { "release" }, &html! { span.n title="the release that wrote the last entry" { (last.map_or("–", |entry| entry.code_version.as_str())) } }))
                (fact(&html! { "workflow" }, &html! { code { (state.plan.correlation_id) } }))
                (fact(&link(Term::Funds), &html! { (Figure::new(Term::Funds, Format::Money, funds)) }))
                (fact(&html! { "quotes of the tape" }, &html! { span.n title="quotes that were kept for the pictures, at most one a second and leg" { (logged.tape.len()) } }))
            }
            p { "SHA-256 of the last entry: " code { (logged.sha256) } }
            @match settings {
                Some(settings) if !settings.is_empty() => {
                    p { "Settings that differ from the defaults: "
                        @for (index, (key, value)) in settings.iter().enumerate() { @if index > 0 { ", " } code { (key) " = " (value) } } "." }
                }
                Some(_) => { p { "Every setting had its default." } }
                None => { p { "The plan did not come so far that its settings were fixed." } }
            }
        }
    }
}
