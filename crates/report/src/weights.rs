//! Where the portfolio was, where it should be, where it is.

use alchemiser_core::{
    execution::Execution,
    money::Money,
    plan::{Action, PlanItem},
};
use maud::{Markup, html};
use rust_decimal::Decimal;

use crate::{
    bars::{Shift, shifts},
    figure::{Figure, Format, written},
    term::Term,
};

/// A line of the plan: shares of the portfolio.
struct Weight<'a> {
    item: &'a PlanItem,
    before: Option<Decimal>,
    target: Option<Decimal>,
    after: Option<Decimal>,
}

fn weights(state: &Execution) -> Vec<Weight<'_>> {
    let whole = state.plan.portfolio_value;
    let moved = |item: &PlanItem| {
        let leg = state.leg(&item.symbol);
        leg.map_or(Money::ZERO, |leg| leg.filled_notional().scaled(leg.side.sign()))
    };
    let items = state.plan.items.iter().map(|item| Weight {
        item,
        before: item.current_value.ratio_to(whole),
        target: item.target_value.ratio_to(whole),
        after: item.current_value.plus(moved(item)).ratio_to(whole),
    });
    items.collect()
}

/// Half of all distances from the target; `None` where a weight is not known.
fn drift(weights: &[Weight<'_>], of: fn(&Weight<'_>) -> Option<Decimal>) -> Option<Decimal> {
    let distances =
        weights.iter().map(|weight| Some(of(weight)?.saturating_sub(weight.target?).abs()));
    let sum: Decimal = distances.sum::<Option<Decimal>>()?;
    sum.checked_div(Decimal::TWO)
}

/// Drift before and after, as figures.
pub(crate) fn drifts(state: &Execution) -> (Figure, Figure) {
    let weights = weights(state);
    let figure = |value| Figure::new(Term::Drift, Format::Percent, value);
    (figure(drift(&weights, |w| w.before)), figure(drift(&weights, |w| w.after)))
}

/// The section of weights.
pub(crate) fn section(state: &Execution) -> Markup {
    let weights = weights(state);
    let (before, after) = drifts(state);
    let traded: Vec<Shift> =
        weights.iter().filter(|w| w.item.action != Action::Hold).filter_map(shift).collect();
    html! {
        section id="drift" {
            h2 { "The portfolio" }
            @if weights.is_empty() {
                p.empty { "The plan names no item." }
            } @else {
                p { "Of the portfolio " (before) " was in the wrong place before, and " (after) " is after." }
                @if !traded.is_empty() {
                    figure {
                        (shifts(&traded, "weight of each traded symbol before and after, beside its target"))
                        figcaption {
                            ul.legend {
                                li { svg viewBox="0 0 28 14" aria-hidden="true" { circle.before cx="14" cy="7" r="4" {} } "before" }
                                li { svg viewBox="0 0 28 14" aria-hidden="true" { circle.after cx="14" cy="7" r="4" {} } "after" }
                                li { svg viewBox="0 0 28 14" aria-hidden="true" { path.target d="M14 1v12" {} } "target" }
                            }
                        }
                    }
                }
                details { summary { "All " (weights.len()) " items in numbers" } (table(&weights)) }
            }
        }
    }
}

fn shift(weight: &Weight<'_>) -> Option<Shift> {
    let (before, target, after) = (weight.before?, weight.target?, weight.after?);
    let percent = |value: Decimal| written(value, Format::Percent);
    Some(Shift {
        name: weight.item.symbol.to_string(),
        before,
        target,
        after,
        title: format!(
            "{}: before {}, target {}, after {} = (current_value + bought − sold) / total_portfolio_value",
            weight.item.symbol,
            percent(before),
            percent(target),
            percent(after)
        ),
    })
}

fn table(weights: &[Weight<'_>]) -> Markup {
    use crate::layout::heading;
    html! {
        div.wide tabindex="0" role="region" aria-label="weights of all items" { table {
            thead { tr {
                th scope="col" { "symbol" } th scope="col" { "action" } th.r scope="col" { "asked for" }
                (heading(Term::WeightBefore)) (heading(Term::WeightTarget)) (heading(Term::WeightAfter))
            } }
            tbody { @for weight in weights { tr {
                th scope="row" { (weight.item.symbol) }
                td { (weight.item.action.word().to_lowercase()) }
                td.r { span.n title="trade_amount, as the plan says" { (written(weight.item.trade_amount.amount(), Format::SignedMoney)) } }
                td.r { (Figure::new(Term::WeightBefore, Format::Percent, weight.before)) }
                td.r { (Figure::new(Term::WeightTarget, Format::Percent, weight.target)) }
                td.r { (Figure::new(Term::WeightAfter, Format::Percent, weight.after)) }
            } } }
        } }
    }
}
