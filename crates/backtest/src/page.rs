//! A study as one page that asks for nothing: costs with their intervals, and how the books compare with real ones.

use alchemiser_market::real::{self, Figures, HORIZONS_S, RealBook, SignalTable};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::{
    figures, generate,
    leg::Habits,
    study::{self, Arrivals, Together},
    table::{Row, tick},
    tape::Tape,
};

const CSS: &str = "
:root{color-scheme:light dark}
body{margin:0 auto;max-width:1060px;padding:28px 20px 60px;font:15px/1.5 system-ui,sans-serif}
h1{font-size:26px;margin:0}h2{font-size:19px;margin:40px 0 6px}h3{font-size:16px;margin:24px 0 4px}
p{max-width:76ch}.wide{overflow-x:auto}
table{border-collapse:collapse;font-size:14px}
th,td{padding:4px 12px 4px 0;text-align:right;border-bottom:1px solid #8884;white-space:nowrap;font-variant-numeric:tabular-nums}
th:first-child,td:first-child{text-align:left}caption{text-align:left}
svg{display:block;width:100%;height:auto;font:12px system-ui,sans-serif}
svg text{fill:currentColor}svg line,svg circle{stroke:currentColor}svg circle{fill:currentColor}.zero{opacity:.35}
";

/// The books of one symbol or regime.
#[derive(Debug)]
pub struct Books {
    /// Its name.
    pub name: String,
    /// Their figures.
    pub figures: Option<Figures<f64>>,
    /// What their imbalance says.
    pub signal: SignalTable,
    /// What it costs to join the near touch and cross after a minute, by pressure.
    pub waiting: [f64; 10],
    /// The real books beside which they are shown.
    pub real: Option<&'static RealBook>,
}

impl Books {
    /// The books of a symbol's days; `habits` are those of the plain peg that waits a minute.
    pub fn of(
        symbol: &str,
        days: &[Tape],
        (habits, arrivals): (&Habits, &Arrivals),
        threads: usize,
    ) -> Self {
        let tapes: Vec<&Tape> = days.iter().collect();
        let first = days.first().and_then(|day| day.shown.first());
        let tick = tick(habits, first.map_or(0, |shown| shown.bid));
        let figures = figures::figures(&tapes, tick);
        let spread = figures.as_ref().map_or(1.0, |figures| figures.spread_median);
        let regime = generate::regime(symbol).unwrap_or_else(|| generate::regime_of_spread(spread));
        let alone = Arrivals { together: Together::Alone, ..arrivals.clone() };
        let waited = study::run(days, habits, &alone, threads);
        Self {
            name: symbol.to_owned(),
            // Where the real books were measured: at one tick, or at four and more.
            signal: figures::signal(&tapes, tick, if spread < 1.5 { 1 } else { 4 }),
            waiting: figures::by_pressure(waited.iter().flatten()),
            real: real::book(regime),
            figures,
        }
    }
}

/// What is on a page.
#[derive(Debug)]
pub struct Page<'a> {
    /// The rows of the cost table.
    pub rows: &'a [Row],
    /// The days.
    pub tapes: &'a [Tape],
    /// Their books.
    pub books: &'a [Books],
    /// What the figures rest on.
    pub fill_model: &'a str,
}

impl Page<'_> {
    /// The page as HTML.
    pub fn html(&self) -> String {
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:";
                    link rel="icon" href="data:,";
                    title { "What a policy would have paid" }
                    style { (PreEscaped(CSS)) }
                }
                body {
                    h1 { "What a policy would have paid" }
                    (costs(self.rows))
                    p { (self.fill_model) }
                    h2 { "Days" }
                    (days(self.tapes))
                    h2 { "Books beside real ones" }
                    @for books in self.books { (beside(books)) }
                }
            }
        }
        .into_string()
    }
}

fn number(value: f64) -> String {
    if value.is_nan() { "–".to_owned() } else { format!("{value:.2}") }
}

fn costs(rows: &[Row]) -> Markup {
    let all: Vec<&Row> = rows.iter().filter(|row| row.group == "all").collect();
    html! {
        p { "Cost in half-spreads against the mid at arrival; a market order pays 1. Intervals are 95 %, over quarters of an hour." }
        (intervals(&all))
        div.wide { table {
            caption { "By the spread at arrival, in ticks" }
            thead { tr { @for name in [
                "symbol", "ticks", "policy", "horizon s", "orders", "cost H", "from", "to", "median", "p95", "sd", "bps",
                "passive", "seconds", "sent", "forced", "less first", "from", "to", "1 s", "5 s", "30 s", "60 s", "300 s",
            ] { th scope="col" { (name) } } } }
            tbody { @for row in rows { (cost(row)) } }
        } }
        p { "The last five: the mid so much later less the price, in the order's favour, in half-spreads at arrival." }
    }
}

fn cost(row: &Row) -> Markup {
    let figures = [
        row.mean_h,
        row.ci_low_h,
        row.ci_high_h,
        row.median_h,
        row.p95_h,
        row.sd_h,
        row.mean_bps,
        row.passive_share,
        row.seconds_mean,
        row.children_mean,
    ];
    let less = [row.diff_h, row.diff_low_h, row.diff_high_h];
    let known = |value: &Option<f64>| number(value.unwrap_or(f64::NAN));
    html! { tr {
        td { (row.symbol) } td { (row.group) } td { (row.policy) } td { (row.horizon_s) } td { (row.orders) }
        @for figure in figures { td { (number(figure)) } }
        td { (row.forced_orders) }
        @for value in less.iter().chain(&row.markouts_h) { td { (known(value)) } }
    } }
}

/// A line for each row: its cost as a dot, its interval as a line, from −1 to 1.5 half-spreads.
fn intervals(rows: &[&Row]) -> Markup {
    let x =
        |half_spreads: f64| format!("{:.1}", 300.0 + 240.0 * (half_spreads.clamp(-1.0, 1.5) + 1.0));
    let y = |line: usize| line * 20 + 30;
    let height = y(rows.len()) + 10;
    html! {
        svg viewBox=(format!("0 0 920 {height}")) role="img" aria-label="cost in half-spreads with its interval" {
            @for mark in [-1.0, -0.5, 0.0, 0.5, 1.0, 1.5] {
                line.zero x1=(x(mark)) x2=(x(mark)) y1="18" y2=(height) {}
                text x=(x(mark)) y="12" text-anchor="middle" { (format!("{mark:.1}")) }
            }
            @for (line, row) in rows.iter().enumerate() {
                text x="0" y=(y(line) + 4) { (format!("{} {} {} s", row.symbol, row.policy, row.horizon_s)) }
                line x1=(x(row.ci_low_h)) x2=(x(row.ci_high_h)) y1=(y(line)) y2=(y(line)) stroke-width="2" {}
                circle cx=(x(row.mean_h)) cy=(y(line)) r="4" {}
            }
        }
    }
}

fn days(tapes: &[Tape]) -> Markup {
    html! {
        div.wide { table {
            thead { tr { @for name in ["symbol", "day", "quotes", "prints", "unusable", "repeated", "outside the session"] {
                th scope="col" { (name) }
            } } }
            tbody { @for tape in tapes { tr {
                td { (tape.symbol) } td { (tape.day) } td { (tape.shown.len()) } td { (tape.prints.len()) }
                td { (tape.odd.unusable) } td { (tape.odd.repeated) } td { (tape.odd.outside) }
            } } }
        } }
    }
}

/// The names of the figures, and each of a book's.
fn named<T: Copy>(figures: &Figures<T>) -> [(&'static str, T); 9] {
    [
        ("mean spread, ticks", figures.spread_mean),
        ("median spread, ticks", figures.spread_median),
        ("90th percentile of the spread, ticks", figures.spread_p90),
        ("time at one tick, %", figures.one_tick_percent),
        ("median size at the touch, shares", figures.touch_median),
        ("quote changes a second", figures.updates_per_second),
        ("prints a minute", figures.trades_per_minute),
        ("changes of the mid a minute", figures.mid_changes_per_minute),
        ("sd of one-minute changes, bps", figures.sd_bps),
    ]
}

fn range((low, high): (f64, f64)) -> String {
    if high <= low { format!("{low}") } else { format!("{low} to {high}") }
}

fn beside(books: &Books) -> Markup {
    let real = books.real.map_or("no real book of its kind", |real| real.name);
    html! {
        h3 { (books.name) " beside " (real) }
        @if let Some(figures) = &books.figures {
            div.wide { table {
                thead { tr { th scope="col" { "figure" } th scope="col" { "here" } th scope="col" { "real" } } }
                tbody { @for (place, (name, here)) in named(figures).into_iter().enumerate() { tr {
                    td { (name) } td { (number(here)) }
                    td { (books.real.map_or_else(String::new, |real| range(named(&real.figures)[place].1))) }
                } } }
            } }
        }
        (waiting(books))
        (signal(books))
    }
}

fn waiting(books: &Books) -> Markup {
    let real = books.real.and_then(|real| real.waiting);
    html! {
        div.wide { table {
            caption { "Cost of joining the near touch and crossing after a minute, half-spreads, by pressure away from the order at arrival" }
            thead { tr { th scope="col" { "pressure" } @for tenth in -5_i32..5 {
                th scope="col" { (format!("{:.1} to {:.1}", f64::from(tenth) / 5.0, f64::from(tenth + 1) / 5.0)) }
            } } }
            tbody {
                tr { td { "here" } @for cost in books.waiting { td { (number(cost)) } } }
                @if let Some(real) = real { tr { td { "real" } @for cost in real { td { (number(cost)) } } } }
            }
        } }
    }
}

fn signal(books: &Books) -> Markup {
    let real = books.real.and_then(|real| real.signal);
    html! {
        div.wide { table {
            caption { "Ticks that the mid moves toward the heavy side, by |imbalance|; in brackets the real books'" }
            thead { tr { th scope="col" { "after" } @for fifth in ["0 to .2", ".2 to .4", ".4 to .6", ".6 to .8", ".8 to 1"] {
                th scope="col" { (fifth) }
            } } }
            tbody { @for (place, (row, seconds)) in books.signal.iter().zip(HORIZONS_S).enumerate() { tr {
                td { (seconds) " s" }
                @for (column, ticks) in row.iter().enumerate() {
                    td { (number(*ticks)) @if let Some(real) = real { " (" (number(real[place][column])) ")" } }
                }
            } } }
        } }
    }
}
