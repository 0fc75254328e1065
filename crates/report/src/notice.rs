//! What people are told when a plan is over: a subject, a text, and the same as a page for a mail reader.

use alchemiser_core::{
    child::Status,
    execution::Execution,
    fact::StopCode,
    leg::{Leg, LegOutcome},
};
use alchemiser_wire::notice::Occasion;
use jiff::Timestamp;
use maud::{DOCTYPE, html};
use rust_decimal::Decimal;

use crate::{
    figure::{Format, written},
    measure::Sums,
    plan::in_new_york,
    schedule::{self, Profiles, Sent},
    words,
};

/// The longest subject, in characters.
const SUBJECT_MAX: usize = 100;

/// The occasion of a plan that is over.
pub fn occasion(state: &Execution) -> Occasion {
    let astray = state.children().any(|child| child.status == Status::Unresolved)
        || state.has_open_orders()
        || state.reconciled.as_ref().is_some_and(|found| !found.is_empty());
    let halted = state.halt.is_some() || state.stop.is_some_and(StopCode::halts_account);
    let completed = state.outcome.as_ref().is_some_and(|(outcome, _)| outcome.completed);
    match (halted, astray, completed) {
        (true, _, _) => Occasion::Halted,
        (false, true, _) => Occasion::NeedsAttention,
        (false, false, true) => Occasion::Completed,
        (false, false, false) => Occasion::Failed,
    }
}

fn word(occasion: Occasion) -> &'static str {
    match occasion {
        Occasion::Completed => "completed",
        Occasion::Failed => "failed",
        Occasion::Halted => "halted",
        Occasion::NeedsAttention => "needs you",
        Occasion::Refused => "refused",
    }
}

/// What to do now.
fn next(occasion: Occasion) -> &'static str {
    match occasion {
        Occasion::Completed => "Nothing needs you.",
        Occasion::Failed => {
            "What was done stays done. `alchemiser report` shows each leg; `alchemiser explain PLAN SYMBOL` tells one."
        }
        Occasion::Halted => {
            "New plans are refused until somebody has looked and says `alchemiser resume`."
        }
        Occasion::NeedsAttention => {
            "Compare the account's orders and positions with the list above before the next plan."
        }
        Occasion::Refused => "Nothing was traded. Mend the plan and send it again.",
    }
}

/// Where a plan's ledger and page are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// The ledger's key.
    pub ledger: String,
    /// How many orders with fills it holds.
    pub lines: usize,
    /// The page's key, when it was written.
    pub report: Option<String>,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Why somebody is told.
    pub occasion: Occasion,
    /// A line of ASCII.
    pub subject: String,
    /// The rest.
    pub text: String,
    /// The same as a page.
    pub html: String,
}

/// What is told of a plan that is over.
pub fn of_plan(state: &Execution, places: &Places) -> Message {
    let occasion = occasion(state);
    let paragraphs = paragraphs(state, occasion);
    let list = needs(state);
    let report = match &places.report {
        Some(report) => format!("Page: {report}"),
        None => "No page could be written; `alchemiser report` draws it from the log.".to_owned(),
    };
    let kept = format!("Ledger: {} ({} orders with fills)", places.ledger, places.lines);
    let mut parts = paragraphs.clone();
    if !list.is_empty() {
        parts.push(format!("Not as planned:\n- {}", list.join("\n- ")));
    }
    parts.extend([next(occasion).to_owned(), format!("{kept}\n{report}")]);
    let text = parts.join("\n\n");
    let html = html! {
        (DOCTYPE)
        html lang="en" { body style="font:15px/1.5 sans-serif;max-width:640px" {
            h2 style="margin:0 0 8px" { (state.plan.plan_id) ": " (word(occasion)) }
            @for paragraph in &paragraphs { p { (paragraph) } }
            @if !list.is_empty() { p { b { "Not as planned:" } } ul { @for line in &list { li { (line) } } } }
            p { b { (next(occasion)) } }
            p style="color:#555;font-size:13px" { (kept) br; (report) }
        } }
    };
    Message { occasion, subject: subject(state, occasion), text, html: html.into_string() }
}

/// What is told of an input that was refused.
pub fn of_refusal(reason: &str) -> Message {
    let next = next(Occasion::Refused);
    let html = html! {
        (DOCTYPE)
        html lang="en" { body style="font:15px/1.5 sans-serif;max-width:640px" {
            h2 style="margin:0 0 8px" { "A plan was refused" }
            p { (reason) }
            p { b { (next) } }
        } }
    };
    Message {
        occasion: Occasion::Refused,
        subject: "Alchemiser: a plan was refused".to_owned(),
        text: format!("{reason}\n\n{next}"),
        html: html.into_string(),
    }
}

/// What it is about, first; the plan's name is cut if it must be.
fn subject(state: &Execution, occasion: Occasion) -> String {
    let sums = Sums::all(&state.legs);
    let done = state.legs.iter().filter(|leg| leg.outcome.is_some_and(LegOutcome::is_done)).count();
    let traded = written(sums.traded().unwrap_or_default(), Format::Money);
    let head = format!(
        "Alchemiser {}: {done} of {} legs done, {traded} traded; ",
        word(occasion),
        state.legs.len()
    );
    head.chars().chain(state.plan.plan_id.as_str().chars()).take(SUBJECT_MAX).collect()
}

fn paragraphs(state: &Execution, occasion: Occasion) -> Vec<String> {
    let plan = &state.plan;
    let mode =
        state.preflight.as_ref().map_or("not looked over", |(preflight, _)| preflight.mode.word());
    let ended = state.outcome.as_ref().map_or(state.last_at, |(_, at)| *at);
    let mut all = vec![format!(
        "Plan {} {}. Account {} ({mode}). Received {}, over after {}.",
        plan.plan_id,
        word(occasion),
        plan.account,
        in_new_york(plan.received_at),
        taken(plan.received_at, ended)
    )];
    let sums = Sums::all(&state.legs);
    let money = |value: Option<Decimal>| written(value.unwrap_or_default(), Format::Money);
    match &state.outcome {
        Some((outcome, _)) if outcome.no_trades_needed => {
            all.push("Nothing had to be traded.".to_owned());
        }
        Some((outcome, _)) => all.push(format!(
            "{} of {} placed legs were filled. {} changed hands: {} sold, {} bought.",
            outcome.succeeded,
            outcome.placed,
            money(sums.traded()),
            money(sums.sold()),
            money(sums.bought())
        )),
        None => {}
    }
    if let (Some(cost), Some(bps)) = (sums.cost(), sums.cost_bps()) {
        let half = sums.half_spreads().map_or_else(String::new, |half| {
            format!(", {} half-spreads (a market order pays +1.00)", written(half, Format::Signed))
        });
        all.push(format!(
            "Cost against the mid at each first order: {}, {} bps{half}.",
            written(cost, Format::SignedMoney),
            written(bps, Format::Signed)
        ));
    }
    all.extend(
        schedule::advice(state, &Profiles::default()).map(|advice| advice.sentences(Sent::Yes)),
    );
    if let Some(code) = state.stop {
        let by = state
            .stopped_by()
            .map_or_else(String::new, |halt| format!(" By {}: {}.", halt.who, halt.why));
        all.push(format!("It was stopped: {} ({}).{by}", words::stop(code), code.code()));
    }
    all
}

/// What is not as it was planned, a line each.
fn needs(state: &Execution) -> Vec<String> {
    let not_filled = |leg: &&Leg| leg.outcome.is_some_and(|outcome| outcome != LegOutcome::Filled);
    let mut lines: Vec<String> = state.legs.iter().filter(not_filled).map(leg_line).collect();
    lines.extend(state.children().filter(|child| child.may_still_fill()).map(|child| {
        format!(
            "order {} in {} may still fill ({})",
            child.client_order_id,
            child.terms.symbol,
            words::status(child.status)
        )
    }));
    lines.extend(state.reconciled.iter().flatten().map(|found| {
        format!(
            "{}: {} shares are held, {} were expected",
            found.symbol, found.found, found.expected
        )
    }));
    lines
}

fn leg_line(leg: &Leg) -> String {
    let why = leg.outcome.and_then(LegOutcome::reason).map_or_else(String::new, |reason| {
        format!(": {} ({})", words::reason(reason), reason.code())
    });
    let left = leg.leaves();
    let rest = if left.is_zero() {
        String::new()
    } else {
        format!("; {left} of {} shares were not {}", left.plus(leg.filled()), words::did(leg.side))
    };
    format!("{} {} {}{why}{rest}", leg.side.action(), leg.symbol(), words::outcome(leg))
}

fn taken(from: Timestamp, until: Timestamp) -> String {
    let millis = until.duration_since(from).as_millis();
    written(Decimal::new(i64::try_from(millis).unwrap_or_default(), 3), Format::Seconds)
}
