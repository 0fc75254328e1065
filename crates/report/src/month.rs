//! The page of many plans: what a month cost, and where.

use std::collections::BTreeMap;

use alchemiser_core::{execution::Execution, leg::Leg, side::Side};
use alchemiser_wire::ledger::trading_date;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use maud::{Markup, html};

use crate::{
    bars::{Bar, bars},
    cost,
    figure::{Figure, Format, written},
    layout::{card, glossary, heading, page as whole},
    measure::Sums,
    scale::{Scale, WHOLE, across, float, place},
    schedule::{self, Advice, Profiles, Sent},
    term::Term,
    words,
};

/// The legs that cost most, at most this many.
const WORST: usize = 10;

/// The page of the plans that were received from one date to another (New York dates, both included).
pub fn page(plans: &[&Execution], from: Date, until: Date) -> String {
    let inside = |plan: &&&Execution| {
        let date = trading_date(plan.plan.received_at);
        from <= date && date <= until
    };
    let mut plans: Vec<&Execution> = plans.iter().filter(inside).copied().collect();
    plans.sort_by_key(|plan| plan.plan.received_at);
    let title = format!("Execution, {from} to {until}");
    let body = html! {
        header {
            h1 { (title) }
            p.lead { (counted(plans.len(), "plan")) ", " (counted(legs(&plans).count(), "leg")) "." }
        }
        main {
            @if plans.is_empty() {
                p.empty { "No plan was received in these days. " code { "alchemiser status" } " lists those that there are; " code { "--since" } " takes more days." }
            } @else {
                (content(&plans))
            }
            (glossary())
        }
    };
    whole(&title, &body)
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn legs<'a>(plans: &'a [&'a Execution]) -> impl Iterator<Item = (&'a Execution, &'a Leg)> {
    plans.iter().flat_map(|plan| plan.legs.iter().map(|leg| (*plan, leg)))
}

fn content(plans: &[&Execution]) -> Markup {
    let all = Sums::all(legs(plans).map(|(_, leg)| leg));
    let show = |term: Term, format: Format, value| card(term, &Figure::new(term, format, value));
    html! {
        ul.cards {
            (show(Term::Traded, Format::Money, all.traded()))
            (show(Term::Cost, Format::SignedMoney, all.cost()))
            (show(Term::CostBps, Format::Signed, all.cost_bps()))
            (show(Term::HalfSpreads, Format::Signed, all.half_spreads()))
            (show(Term::Shortfall, Format::SignedMoney, all.shortfall()))
            (show(Term::EffectiveOverQuoted, Format::Ratio, all.effective_over_quoted()))
            (show(Term::Improvement, Format::SignedMoney, all.improvement()))
            (show(Term::Passive, Format::Percent, all.passive()))
            (card(Term::Orders, &Figure::count(Term::Orders, all.orders)))
        }
        (trend(plans))
        section { h2 { "By symbol" } (by_symbol(plans)) }
        section { h2 { "By policy" } (grouped(plans, "policy", policy)) }
        section { h2 { "By time of day" } (grouped(plans, "first order, New York", hour)) (late(plans)) }
        (worst(plans))
        (listed(plans))
    }
}

/// Sums of legs by a key.
fn sums<K: Ord>(
    plans: &[&Execution],
    key: impl Fn(&Execution, &Leg) -> Option<K>,
) -> BTreeMap<K, Sums> {
    let mut groups: BTreeMap<K, Sums> = BTreeMap::new();
    for (plan, leg) in legs(plans) {
        if let Some(key) = key(plan, leg) {
            let before = groups.remove(&key).unwrap_or_default();
            groups.insert(key, before.and(Sums::of(leg)));
        }
    }
    groups
}

fn grouped(
    plans: &[&Execution],
    name: &str,
    key: fn(&Execution, &Leg) -> Option<String>,
) -> Markup {
    let rows: Vec<(String, Sums)> = sums(plans, key).into_iter().collect();
    if rows.is_empty() {
        return html! { p.empty { "No leg sent an order." } };
    }
    cost::table("Legs that sent an order", name, &rows)
}

fn policy(plan: &Execution, leg: &Leg) -> Option<String> {
    leg.started_at?;
    plan.preflight.as_ref().map(|(preflight, _)| preflight.policy.word().to_owned())
}

fn hour(_: &Execution, leg: &Leg) -> Option<String> {
    let zone = TimeZone::get("America/New_York").unwrap_or(TimeZone::UTC);
    let hour = leg.started_at?.to_zoned(zone).hour();
    Some(format!("{hour:02}:00–{hour:02}:59"))
}

/// What the same plans would have cost late in the day, and how many began where spreads are widest.
fn late(plans: &[&Execution]) -> Markup {
    let known = plans.iter().filter_map(|plan| schedule::advice(plan, &Profiles::default()));
    let known: Vec<Advice> = known.collect();
    let early = known.iter().filter(|advice| advice.opening).count();
    html! {
        @if let Some(all) = Advice::all(known) { p { (all.sentences(Sent::Yes)) } }
        @if early > 0 {
            p { (counted(early, "plan")) " sent the first order within half an hour of the open, where spreads are widest." }
        }
    }
}

fn by_symbol(plans: &[&Execution]) -> Markup {
    let mut rows: Vec<(String, Sums)> =
        sums(plans, |_, leg| Some(leg.symbol().to_string())).into_iter().collect();
    rows.retain(|(_, sums)| sums.cost().is_some());
    rows.sort_by_key(|(_, sums)| std::cmp::Reverse(sums.cost()));
    if rows.is_empty() {
        return html! { p.empty { "Nothing was filled on a known quote." } };
    }
    let lines: Vec<Bar> = rows
        .iter()
        .map(|(symbol, sums)| {
            let value = sums.cost().unwrap_or_default();
            let text = written(value, Format::SignedMoney);
            let title = format!("{symbol}: Σ s(P̄ − m₀) × filled over {} legs = {text}", sums.legs);
            Bar { name: symbol.clone(), value, text, title }
        })
        .collect();
    html! {
        figure { (bars(&lines, "cost of each symbol in dollars")) figcaption { "Dollars against the mid at each leg's first order." } }
        (cost::table("In numbers", "symbol", &rows))
    }
}

/// Cost in half-spreads, day by day.
fn trend(plans: &[&Execution]) -> Markup {
    let days = sums(plans, |plan, _| Some(trading_date(plan.plan.received_at)));
    let points: Vec<(Date, Sums)> =
        days.into_iter().filter(|(_, sums)| sums.half_spreads().is_some()).collect();
    html! {
        section {
            h2 { "Day by day" }
            @if points.is_empty() {
                p.empty { "Nothing was filled on a known quote." }
            } @else {
                figure {
                    (line(&points))
                    figcaption { "Half-spreads a day, weighted by dollars filled: +1.00 is what market orders pay, 0 the mid." }
                }
                (cost::table("In numbers", "day", &points.iter().map(|(day, sums)| (day.to_string(), *sums)).collect::<Vec<_>>()))
            }
        }
    }
}

fn line(points: &[(Date, Sums)]) -> Markup {
    let values: Vec<f64> =
        points.iter().filter_map(|(_, sums)| sums.half_spreads()).map(float).collect();
    let low = values.iter().copied().fold(-0.1, f64::min);
    let high = values.iter().copied().fold(1.1, f64::max);
    let last = u32::try_from(points.len().saturating_sub(1)).map_or(1.0, f64::from).max(1.0);
    let (along, up) =
        (Scale::new((0.0, last), (0.0, WHOLE)), Scale::new((low, high), (190.0, 10.0)));
    let (ticks, decimals) = up.ticks(5.0);
    let spot = |index: usize| along.at(u32::try_from(index).map_or(0.0, f64::from));
    let path: Vec<String> = values
        .iter()
        .enumerate()
        .map(|(index, value)| format!("{} {}", place(spot(index)), place(up.at(*value))))
        .collect();
    let label = format!("cost in half-spreads on {} days", points.len());
    html! {
        svg.trend height="220" role="img" aria-label=(label) {
            title { (label) }
            @for tick in ticks {
                @let y = place(up.at(tick));
                line.grid x1="0" x2="100%" y1=(y) y2=(y) {}
                text.tick x="-8" y=(y) text-anchor="end" dominant-baseline="middle" { (format!("{tick:.0$}", decimals.max(1))) }
            }
            @let market = place(up.at(1.0));
            line.arrival x1="0" x2="100%" y1=(market) y2=(market) { title { "a market order: +1.00" } }
            svg width="100%" height="220" viewBox=(format!("0 0 {WHOLE} 220")) preserveAspectRatio="none" {
                path.rest d=(format!("M{}", path.join("L"))) {}
            }
            @for (index, ((day, _), value)) in points.iter().zip(&values).enumerate() {
                circle.fill cx=(across(spot(index))) cy=(place(up.at(*value))) r="4" { title { (day) ": " (format!("{value:.2}")) " half-spreads" } }
            }
            @if let Some((first, _)) = points.first() { text.tick x="0" y="212" text-anchor="start" { (first) } }
            @if let (Some((day, _)), true) = (points.last(), points.len() > 1) { text.tick x="100%" y="212" text-anchor="end" { (day) } }
        }
    }
}

fn worst(plans: &[&Execution]) -> Markup {
    let mut all: Vec<(&Execution, &Leg, Sums)> =
        legs(plans).map(|(plan, leg)| (plan, leg, Sums::of(leg))).collect();
    all.retain(|(_, _, sums)| sums.cost().is_some());
    all.sort_by_key(|(_, _, sums)| std::cmp::Reverse(sums.cost()));
    all.truncate(WORST);
    html! {
        section {
            h2 { "The legs that cost most" }
            @if all.is_empty() { p.empty { "Nothing was filled on a known quote." } } @else {
                div.wide tabindex="0" role="region" aria-label="the legs that cost most" { table {
                    thead { tr {
                        th scope="col" { "plan" } th scope="col" { "leg" }
                        (heading(Term::Traded)) (heading(Term::Cost)) (heading(Term::CostBps)) (heading(Term::HalfSpreads))
                        (heading(Term::Orders)) th scope="col" { "outcome" }
                    } }
                    tbody { @for (plan, leg, sums) in &all { tr {
                        th scope="row" { (plan.plan.plan_id) }
                        td { (leg.side.word()) " " (leg.symbol()) }
                        td.r { (Figure::new(Term::Traded, Format::Money, sums.traded())) }
                        td.r { (Figure::new(Term::Cost, Format::SignedMoney, sums.cost())) }
                        td.r { (Figure::new(Term::CostBps, Format::Signed, sums.cost_bps())) }
                        td.r { (Figure::new(Term::HalfSpreads, Format::Signed, sums.half_spreads())) }
                        td.r { (Figure::count(Term::Orders, sums.orders)) }
                        td { (words::outcome(leg)) }
                    } } }
                } }
            }
        }
    }
}

fn listed(plans: &[&Execution]) -> Markup {
    let at = |at: Timestamp| crate::plan::in_new_york(at);
    html! {
        section {
            h2 { "Plans" }
            div.wide tabindex="0" role="region" aria-label="all plans" { table {
                thead { tr {
                    th scope="col" { "plan" } th scope="col" { "received" } th scope="col" { "end" }
                    th.r scope="col" { "sells" } th.r scope="col" { "buys" }
                    (heading(Term::Traded)) (heading(Term::Cost)) (heading(Term::HalfSpreads))
                } }
                tbody { @for plan in plans {
                    @let sums = Sums::all(&plan.legs);
                    tr {
                        th scope="row" { (plan.plan.plan_id) }
                        td { (at(plan.plan.received_at)) }
                        td { (words::plan(plan).0) }
                        td.r { span.n title="legs that sell" { (plan.side(Side::Sell).count()) } }
                        td.r { span.n title="legs that buy" { (plan.side(Side::Buy).count()) } }
                        td.r { (Figure::new(Term::Traded, Format::Money, sums.traded())) }
                        td.r { (Figure::new(Term::Cost, Format::SignedMoney, sums.cost())) }
                        td.r { (Figure::new(Term::HalfSpreads, Format::Signed, sums.half_spreads())) }
                    }
                } }
            } }
        }
    }
}
