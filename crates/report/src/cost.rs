//! What it cost, by symbol and by the width of the spread.

use alchemiser_core::{execution::Execution, learning::Spread, leg::Leg};
use maud::{Markup, html};

use crate::{
    bars::{Bar, bars},
    figure::{Figure, Format, written},
    layout::heading,
    measure::{Bucket, Sums},
    schedule::{self, Profiles, Sent},
    term::Term,
};

/// The section of costs.
pub(crate) fn section(state: &Execution) -> Markup {
    let mut costs: Vec<(&Leg, Sums)> = state.legs.iter().map(|leg| (leg, Sums::of(leg))).collect();
    costs.retain(|(_, sums)| sums.cost().is_some());
    costs.sort_by_key(|(_, sums)| std::cmp::Reverse(sums.cost()));
    html! {
        section id="cost" {
            h2 { "What it cost" }
            @if costs.is_empty() {
                p.empty { "Nothing was filled on a known quote, so there is no cost to show." }
            } @else {
                figure {
                    (bars(&costs.iter().map(bar).collect::<Vec<_>>(), "cost of each leg in dollars"))
                    figcaption { "Dollars against the mid at each leg's first order. To the right was paid, to the left earned." }
                }
                (buckets(&state.legs))
                @if let Some(advice) = schedule::advice(state, &Profiles::default()) {
                    p { "Time of day. " (advice.sentences(Sent::Yes)) }
                }
            }
            (learned(state))
        }
    }
}

fn bar((leg, sums): &(&Leg, Sums)) -> Bar {
    let value = sums.cost().unwrap_or_default();
    let say = |value: Option<rust_decimal::Decimal>, word: &str| {
        value.map_or_else(
            || format!("no {word}"),
            |value| format!("{} {word}", written(value, Format::Signed)),
        )
    };
    Bar {
        name: leg.symbol().to_string(),
        value,
        text: written(value, Format::SignedMoney),
        title: format!(
            "{} {}: s(P̄ − m₀) × filled = {}; {}, {}",
            leg.side.action(),
            leg.symbol(),
            written(value, Format::SignedMoney),
            say(sums.cost_bps(), "bps"),
            say(sums.half_spreads(), "half-spreads")
        ),
    }
}

/// What the plan knew of the account's own crosses when it began.
fn learned(state: &Execution) -> Markup {
    let Some(known) = &state.learned else { return html! {} };
    html! {
        @if let Some(why) = known.why_not {
            p.soft { "Nothing was known of what the account's own crosses cost when the plan began " code { (why.code()) }
                ", so an E/Q of 1 was assumed: a cross pays the spread." }
        } @else {
            div.wide tabindex="0" role="region" aria-label="what the account's own crosses had cost" { table {
                caption { "What the account's own crosses had cost when the plan began; " code { "adaptive" } " crosses earlier where E/Q is low." }
                thead { tr { th scope="col" { "spread" } th.r scope="col" { "crosses" } (heading(Term::Learned)) } }
                tbody { @for spread in Spread::ALL { tr {
                    th scope="row" { (name(spread)) }
                    td.r { span.n title="fills of crossing orders, as many as were learned from" { (known.ratios.of(spread).fills) } }
                    td.r { (Figure::new(Term::Learned, Format::Ratio, Some(known.ratios.of(spread).value))) }
                } } }
            } }
            @if let Some(through) = known.through { p.soft { "From the ledger up to " (through) "." } }
        }
    }
}

fn name(spread: Spread) -> &'static str {
    match spread {
        Spread::One => Bucket::One.word(),
        Spread::Few => Bucket::Few.word(),
        Spread::Many => Bucket::Many.word(),
    }
}

fn buckets(legs: &[Leg]) -> Markup {
    let rows = Bucket::ALL.into_iter().filter_map(|bucket| {
        let inside = legs.iter().filter(|leg| Bucket::of(leg) == Some(bucket));
        let sums = Sums::all(inside);
        (sums.legs > 0).then_some((bucket.word().to_owned(), sums))
    });
    table("By the spread at the first order", "spread", &rows.collect::<Vec<_>>())
}

/// Groups of legs, one a line.
pub(crate) fn table(caption: &str, group: &str, rows: &[(String, Sums)]) -> Markup {
    html! {
        div.wide tabindex="0" role="region" aria-label=(caption) { table {
            caption { (caption) }
            thead { tr {
                th scope="col" { (group) }
                th.r scope="col" { "legs" }
                (heading(Term::Traded)) (heading(Term::Cost)) (heading(Term::CostBps)) (heading(Term::HalfSpreads))
                (heading(Term::EffectiveOverQuoted)) (heading(Term::Passive)) (heading(Term::Seconds))
            } }
            tbody { @for (name, sums) in rows { tr {
                th scope="row" { (name) }
                td.r { span.n title="legs that are summed in this line" { (sums.legs) } }
                td.r { (Figure::new(Term::Traded, Format::Money, sums.traded())) }
                td.r { (Figure::new(Term::Cost, Format::SignedMoney, sums.cost())) }
                td.r { (Figure::new(Term::CostBps, Format::Signed, sums.cost_bps())) }
                td.r { (Figure::new(Term::HalfSpreads, Format::Signed, sums.half_spreads())) }
                td.r { (Figure::new(Term::EffectiveOverQuoted, Format::Ratio, sums.effective_over_quoted())) }
                td.r { (Figure::new(Term::Passive, Format::Percent, sums.passive())) }
                td.r { (Figure::new(Term::Seconds, Format::Seconds, sums.seconds())) }
            } } }
        } }
    }
}
