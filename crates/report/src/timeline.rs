//! Phases, legs and broker calls along one line of time.

use alchemiser_core::{
    child::{ChildOrder, Purpose, Status},
    execution::Execution,
    fact::Phase,
    leg::Leg,
};
use jiff::Timestamp;
use maud::{Markup, html};

use crate::{
    history::History,
    scale::{Scale, WHOLE, across, clock, place, seconds, time_ticks},
    words,
};

/// A phase that takes so much of the width has room for its name on a phone; one that takes so little has none anywhere.
const ROOMY: f64 = 0.17 * WHOLE;
const SLIM: f64 = 0.06 * WHOLE;

const TOP: f64 = 34.0;
const ROW: f64 = 16.0;

struct Line<'a> {
    state: &'a Execution,
    from: Timestamp,
    until: Timestamp,
    time: Scale,
}

/// Draws a plan from its receipt to its end.
pub(crate) fn timeline(state: &Execution, history: &History) -> Markup {
    let from = state.claimed_at;
    let until = state.outcome.as_ref().map_or(state.last_at, |(_, at)| *at);
    let length = seconds(from, until).max(1.0);
    let time = Scale::new((0.0, length), (0.0, WHOLE));
    let line = Line { state, from, until, time };
    let legs: Vec<&Leg> = state.legs.iter().filter(|leg| !leg.children.is_empty()).collect();
    let rows = ROW * u32::try_from(legs.len()).map_or(0.0, f64::from);
    let height = TOP + rows + 26.0;
    let label = format!("phases and orders of {} legs over {}", legs.len(), clock(length));
    html! {
        svg.timeline height=(height) role="img" aria-label=(label) {
            title { (label) }
            (line.phases(TOP + rows))
            @for time in time_ticks(length) {
                @let x = across(line.time.at(time));
                line.grid x1=(x) x2=(x) y1=(TOP + rows) y2=(TOP + rows + 4.0) {}
                text.tick x=(x) y=(height - 8.0) text-anchor="middle" { (clock(time)) }
            }
            @for (index, leg) in legs.into_iter().enumerate() {
                (line.row(leg, TOP + ROW * u32::try_from(index).map_or(0.0, f64::from), history))
            }
        }
    }
}

impl Line<'_> {
    fn x(&self, at: Timestamp) -> f64 {
        self.time.at(seconds(self.from, at)).clamp(0.0, WHOLE)
    }

    fn phases(&self, bottom: f64) -> Markup {
        let entered = &self.state.entered;
        let ends = entered.iter().skip(1).map(|(_, at)| *at).chain([self.until]);
        let parts: Vec<(Phase, f64, f64, f64)> = entered
            .iter()
            .zip(ends)
            .filter(|((phase, _), _)| *phase != Phase::Finished)
            .map(|((phase, at), end)| (*phase, self.x(*at), self.x(end), seconds(*at, end)))
            .filter(|(_, from, until, _)| until - from > 0.5)
            .collect();
        html! {
            @for (index, (phase, from, until, taken)) in parts.into_iter().enumerate() {
                g {
                    title { (phase.word()) ": " (format!("{taken:.1} s")) }
                    rect class=(if index % 2 == 0 { "phase even" } else { "phase" })
                        x=(across(from)) y="18" width=(across((until - from).max(0.0))) height=(place(bottom - 18.0)) {}
                    @if until - from > SLIM {
                        text class=(if until - from > ROOMY { "tick" } else { "tick slim" })
                            x=(across(f64::midpoint(from, until))) y="12" text-anchor="middle" { (phase.word()) }
                    }
                }
            }
        }
    }

    fn row(&self, leg: &Leg, y: f64, history: &History) -> Markup {
        let begun = leg.started_at.unwrap_or(self.from);
        let (from, until) = (self.x(begun), self.x(leg.finished_at.unwrap_or(self.until)));
        let middle = place(y + ROW / 2.0);
        let title = format!(
            "{} {}: {}, {} orders",
            leg.side.action(),
            leg.symbol(),
            words::outcome(leg),
            leg.children.len()
        );
        html! {
            g {
                title { (title) }
                text.name x="-8" y=(middle) text-anchor="end" dominant-baseline="middle" { (leg.symbol()) }
                line.span x1=(across(from)) x2=(across(until.max(from + 1.0))) y1=(middle) y2=(middle) {}
                @for child in leg.children.iter().filter(|child| child.status != Status::Unsent) {
                    (self.order(child, y))
                }
                @for fill in history.fills(leg.symbol()) {
                    circle.fill cx=(across(self.x(fill.at))) cy=(middle) r="2.5" {}
                }
            }
        }
    }

    /// A POST, and the cancel if there was one.
    fn order(&self, child: &ChildOrder, y: f64) -> Markup {
        let class = match child.purpose {
            Purpose::Rest => "rest",
            Purpose::Cross => "cross",
        };
        let sent = across(self.x(child.intended_at));
        html! {
            line class=(class) x1=(sent) x2=(sent) y1=(place(y + 3.0)) y2=(place(y + ROW - 3.0)) {}
            @if let Some(asked) = child.cancel {
                svg.mark x=(across(self.x(asked.first_at))) y=(place(y + ROW / 2.0)) {
                    path.cancel d="M-2.5-2.5l5 5m0-5l-5 5" {}
                }
            }
        }
    }
}
