//! The picture of a leg: bid and ask over time, where our orders stood, where they were filled.

use alchemiser_core::{
    child::{ChildOrder, Purpose},
    execution::Execution,
    leg::Leg,
};
use jiff::Timestamp;
use maud::{Markup, html};

use crate::{
    figure::{Format, written},
    history::{Fill, History, Seen},
    measure,
    scale::{Scale, WHOLE, across, clock, float, place, seconds, time_ticks},
    words,
};

const HEIGHT: f64 = 240.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 30.0;

/// What a drawing of a leg needs.
struct Frame<'a> {
    leg: &'a Leg,
    from: Timestamp,
    until: Timestamp,
    quotes: &'a [Seen],
    fills: &'a [Fill],
    time: Scale,
    price: Scale,
}

/// Draws a leg; `None` for one that sent no order.
pub(crate) fn chart(state: &Execution, leg: &Leg, history: &History) -> Option<Markup> {
    let frame = Frame::of(state, leg, history)?;
    let label = label(&frame);
    Some(html! {
        svg.chart height=(HEIGHT) role="img" aria-label=(label) data-leg=(leg.symbol()) {
            title { (label) }
            (frame.axes())
            (frame.band())
            (frame.arrival())
            (frame.escalation())
            @for child in &leg.children { (frame.order(child)) }
            @for fill in frame.fills { (frame.fill(fill)) }
        }
    })
}

/// The picture in a sentence.
fn label(frame: &Frame<'_>) -> String {
    let leg = frame.leg;
    let filled = match leg.average_price() {
        Some(average) => format!(
            "{} shares filled in {} fills at {} on average",
            leg.filled(),
            frame.fills.len(),
            written(average.dollars(), Format::Price)
        ),
        None => "nothing filled".to_owned(),
    };
    format!(
        "{} {}: bid and ask over {}, {} orders, {filled}",
        leg.side.action(),
        leg.symbol(),
        clock(seconds(frame.from, frame.until)),
        leg.children.len()
    )
}

/// What is drawn in two shapes on every page: the meaning of each mark.
pub(crate) fn legend() -> Markup {
    html! {
        ul.legend {
            li { svg viewBox="0 0 28 14" aria-hidden="true" { rect.band x="0" y="2" width="28" height="10" {} } "bid to ask" }
            li { svg viewBox="0 0 28 14" aria-hidden="true" { path.arrival d="M0 7H28" {} } "mid at arrival" }
            li { svg viewBox="0 0 28 14" aria-hidden="true" { path.rest d="M0 7H28" {} } "order at rest" }
            li { svg viewBox="0 0 28 14" aria-hidden="true" { path.cross d="M0 7H28" {} } "order that crosses" }
            li { svg viewBox="0 0 28 14" aria-hidden="true" { circle.fill cx="14" cy="7" r="4.5" {} } "fill" }
            li { svg viewBox="0 0 28 14" aria-hidden="true" { path.escalation d="M14 0V14" {} } "the spread is paid from here on" }
        }
    }
}

impl<'a> Frame<'a> {
    fn of(state: &Execution, leg: &'a Leg, history: &'a History) -> Option<Self> {
        let first = leg.children.first()?;
        let (quotes, fills) = (history.quotes(leg.symbol()), history.fills(leg.symbol()));
        let over = leg.finished_at.unwrap_or(state.last_at);
        let filled = fills.iter().map(|fill| fill.at).max();
        let ended = filled.map_or(over, |filled| filled.max(over));
        let from = first.intended_at;
        // A little before and after: a leg that crossed at once is a point otherwise.
        let margin = (seconds(from, ended) * 0.04).max(0.5);
        let shown = |seen: &&Seen| seen.at <= ended;
        let prices: Vec<f64> = quotes
            .iter()
            .filter(shown)
            .filter(|seen| seconds(from, seen.at) >= -margin || seen.at == quotes[0].at)
            .flat_map(|seen| [float(seen.bid), float(seen.ask)])
            .chain(fills.iter().filter_map(|fill| fill.price).map(float))
            .chain(rests(leg).map(|child| float(child.terms.limit.dollars())))
            .chain(leg.arrival.map(|quote| float(quote.mid())))
            .collect();
        let low = prices.iter().copied().reduce(f64::min)?;
        let high = prices.iter().copied().reduce(f64::max)?;
        let pad = ((high - low) * 0.12).max(float(leg.tick(first.terms.limit).dollars()) * 0.6);
        let length = seconds(from, ended) + margin;
        Some(Self {
            leg,
            from,
            until: ended,
            quotes,
            fills,
            time: Scale::new((-margin, length), (0.0, WHOLE)),
            price: Scale::new((low - pad, high + pad), (HEIGHT - BOTTOM, TOP)),
        })
    }

    /// Where a moment is; what lies outside is at the edge.
    fn x(&self, at: Timestamp) -> f64 {
        self.time.at(seconds(self.from, at)).clamp(0.0, WHOLE)
    }

    /// Where a price is; what lies outside is at the edge.
    fn y(&self, price: f64) -> f64 {
        self.price.at(price).clamp(TOP, HEIGHT - BOTTOM)
    }

    fn axes(&self) -> Markup {
        let (prices, decimals) = self.price.ticks(5.0);
        let times = time_ticks(seconds(self.from, self.until));
        let bottom = HEIGHT - BOTTOM;
        html! {
            @for price in prices {
                @let y = place(self.price.at(price));
                line.grid x1="0" x2="100%" y1=(y) y2=(y) {}
                text.tick x="-8" y=(y) text-anchor="end" dominant-baseline="middle" { (format!("{price:.0$}", decimals.max(2))) }
            }
            @for time in times {
                @let x = across(self.time.at(time));
                line.grid x1=(x) x2=(x) y1=(bottom) y2=(bottom + 4.0) {}
                text.tick x=(x) y=(HEIGHT - 10.0) text-anchor="middle" { (clock(time)) }
            }
        }
    }

    /// Bid and ask as steps: a quote holds until the next one.
    fn band(&self) -> Markup {
        let inside: Vec<&Seen> = self.quotes.iter().filter(|seen| seen.at <= self.until).collect();
        let Some(first) = inside.first() else { return html! {} };
        let along = |of: fn(&Seen) -> f64| {
            let step = |seen: &&Seen| [place(self.x(seen.at)), place(self.y(of(seen)))];
            let steps: Vec<String> =
                inside.iter().map(step).map(|[x, y]| format!("H{x}V{y}")).collect();
            steps.concat()
        };
        let start = place(self.x(first.at));
        let asks = along(|seen| float(seen.ask));
        let back = |seen: &&Seen| [place(self.y(float(seen.bid))), place(self.x(seen.at))];
        let back: Vec<String> =
            inside.iter().rev().map(back).map(|[y, x]| format!("V{y}H{x}")).collect();
        let top = place(self.y(float(first.ask)));
        let area = format!("M{start} {top}{asks}H{WHOLE}{}", back.concat());
        let bids = along(|seen| float(seen.bid));
        let line = |price: rust_decimal::Decimal, steps: &str| {
            format!("M{start} {}{steps}H{WHOLE}", place(self.y(float(price))))
        };
        html! {
            svg width="100%" height=(HEIGHT) viewBox=(format!("0 0 {WHOLE} {HEIGHT}")) preserveAspectRatio="none" {
                path.band d=(format!("{area}Z")) {}
                path.touch d=(line(first.ask, &asks)) {}
                path.touch d=(line(first.bid, &bids)) {}
            }
        }
    }

    fn arrival(&self) -> Markup {
        let Some(quote) = self.leg.arrival else { return html! {} };
        let y = place(self.y(float(quote.mid())));
        html! {
            line.arrival x1="0" x2="100%" y1=(y) y2=(y) {
                title { "mid at arrival: " (written(quote.mid(), Format::Price)) }
            }
        }
    }

    fn escalation(&self) -> Markup {
        let Some(child) = measure::escalated(self.leg) else { return html! {} };
        let x = across(self.x(child.intended_at));
        html! {
            line.escalation x1=(x) x2=(x) y1=(TOP) y2=(HEIGHT - BOTTOM) {
                title { "after " (clock(seconds(self.from, child.intended_at))) " the spread is paid" }
            }
        }
    }

    /// An order, from its intent to its end, at its limit.
    fn order(&self, child: &ChildOrder) -> Markup {
        let (from, until) =
            (self.x(child.intended_at), self.x(child.ended_at.unwrap_or(self.until)));
        let limit = float(child.terms.limit.dollars());
        let y = self.y(limit);
        let class = match child.purpose {
            Purpose::Rest => "rest",
            Purpose::Cross => "cross",
        };
        let beyond = (self.price.at(limit) - self.y(limit)).abs() > 0.5;
        let end = words::order_end(child);
        html! {
            g tabindex="0" role="img" aria-label=(title_of(child, beyond, &end)) {
                title { (title_of(child, beyond, &end)) }
                line class=(class) x1=(across(from)) x2=(across(until.max(from + 2.0))) y1=(place(y)) y2=(place(y)) {}
                line class=(class) x1=(across(from)) x2=(across(from)) y1=(place(y - 4.0)) y2=(place(y + 4.0)) {}
            }
        }
    }

    fn fill(&self, fill: &Fill) -> Markup {
        let Some(price) = fill.price else { return html! {} };
        let label = format!(
            "order {}: {} filled at {} after {}",
            fill.attempt,
            written(fill.quantity.shares(), Format::Plain),
            written(price, Format::Price),
            clock(seconds(self.from, fill.at))
        );
        html! {
            circle.fill cx=(across(self.x(fill.at))) cy=(place(self.y(float(price)))) r="4.5" { title { (label) } }
        }
    }
}

fn rests(leg: &Leg) -> impl Iterator<Item = &ChildOrder> {
    leg.children.iter().filter(|child| child.purpose == Purpose::Rest)
}

fn title_of(child: &ChildOrder, beyond: bool, end: &str) -> String {
    let where_it_is = if beyond { " (outside the picture)" } else { "" };
    format!(
        "order {}: {} {} {} at {}{where_it_is}; {end}",
        child.attempt,
        child.terms.side.word(),
        written(child.terms.quantity.shares(), Format::Plain),
        words::purpose(child.purpose),
        written(child.terms.limit.dollars(), Format::Price),
    )
}
