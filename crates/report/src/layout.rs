//! What every page has: a head without a request, a heading of a column, a glossary.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::{figure::Figure, style::CSS, term::Term};

/// A whole page.
pub(crate) fn page(title: &str, body: &Markup) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                // No request leaves the page, not even for an icon.
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:";
                link rel="icon" href="data:,";
                title { (title) }
                style { (PreEscaped(CSS)) }
            }
            body { (body) }
        }
    }
    .into_string()
}

/// A card: a figure with its name, which leads to the glossary.
pub(crate) fn card(term: Term, figure: &Figure) -> Markup {
    html! { li { b { (figure) } (link(term)) } }
}

/// A heading of a column of numbers.
pub(crate) fn heading(term: Term) -> Markup {
    html! { th.r scope="col" { (link(term)) } }
}

/// The name of a term, with its formula on it.
pub(crate) fn link(term: Term) -> Markup {
    html! { a href=(format!("#{}", term.anchor())) title=(term.entry().formula) { (term.name()) } }
}

/// Every term, its formula and what it means.
pub(crate) fn glossary() -> Markup {
    html! {
        section id="terms" {
            h2 { "How each number is made" }
            p.soft {
                "s is +1 for a buy and −1 for a sell; P a fill's price and P̄ their average; m a mid and H a half-spread; "
                "index d at the plan's receipt, 0 at the leg's first order. + is always money lost, unless a line says otherwise."
            }
            dl.terms {
                @for term in Term::ALL {
                    @let entry = term.entry();
                    dt id=(term.anchor()) { (entry.name) }
                    dd { code { (entry.formula) } br; (entry.says) span.soft { " “–”: " (entry.missing) "." } }
                }
            }
        }
    }
}

/// A label with a value, in a list of facts.
pub(crate) fn fact(name: &Markup, value: &Markup) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}
