//! Tables and numbers for people.

use alchemiser_core::{
    execution::Execution,
    ledger,
    leg::{LegOutcome, Reason},
    price::Price,
};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets::UTF8_FULL_CONDENSED};
use jiff::Timestamp;
use rust_decimal::{Decimal, RoundingStrategy};

/// A decimal without trailing zeros.
pub(crate) fn plain(value: Decimal) -> String {
    value.normalize().to_string()
}

/// A price with two decimals at least.
pub(crate) fn price(mut dollars: Decimal) -> String {
    dollars.rescale(dollars.normalize().scale().max(2));
    dollars.to_string()
}

/// [`price`] of a text that holds one.
pub(crate) fn price_text(text: &str) -> String {
    text.parse().map_or_else(|_: rust_decimal::Error| text.to_owned(), price)
}

/// A moment to the second, UTC.
pub(crate) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// A number with so many decimals, rounded as the pages round it: formatting alone would cut the others off.
pub(crate) fn rounded(value: Option<Decimal>, decimals: u32) -> String {
    let round = |value: Decimal| {
        let away = RoundingStrategy::MidpointAwayFromZero;
        let value = value.round_dp_with_strategy(decimals, away);
        format!("{:.1$}", value, usize::try_from(decimals).unwrap_or(2))
    };
    value.map_or_else(|| "-".to_owned(), round)
}

/// A table with its numeric columns to the right.
pub(crate) fn table(headings: &[&str], numeric: std::ops::Range<usize>) -> Table {
    let mut table = Table::new();
    table
        .load_style(UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(headings);
    for column in numeric {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// How many columns a line may have; `None` where nobody counts them (a pipe, a file). `COLUMNS` says it for sure.
fn columns(terminal: &console::Term) -> Option<usize> {
    let said = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    let measured = || terminal.size_checked().map(|(_, columns)| columns.into());
    said.or_else(measured).filter(|columns| *columns > 0)
}

/// The narrowest running text.
const WIDTH_MIN: usize = 30;

/// The width of running text.
pub(crate) fn width() -> usize {
    columns(&console::Term::stdout()).map_or(100, |columns| columns.clamp(WIDTH_MIN, 100))
}

/// A text for standard output: lines that are longer than the terminal is wide go on below. A word is never cut.
pub(crate) fn flowed(text: &str) -> String {
    flowed_on(&console::Term::stdout(), text)
}

/// [`flowed`], for standard error.
pub(crate) fn flowed_error(text: &str) -> String {
    flowed_on(&console::Term::stderr(), text)
}

fn flowed_on(terminal: &console::Term, text: &str) -> String {
    match columns(terminal) {
        Some(columns) => {
            let lines = text.split('\n').map(|line| hung(line, columns.max(WIDTH_MIN)));
            lines.collect::<Vec<_>>().join("\n")
        }
        None => text.to_owned(),
    }
}

/// A line on as many as it needs, under its own margin.
fn hung(line: &str, columns: usize) -> String {
    if line.chars().count() <= columns {
        return line.to_owned();
    }
    let margin = line.chars().take_while(|c| *c == ' ').count().min(columns / 2);
    under(&" ".repeat(margin), line.trim_start(), columns)
}

/// A text on lines of at most `columns`, the first one behind `margin`, the others as far in.
pub(crate) fn under(margin: &str, text: &str, columns: usize) -> String {
    let indent = " ".repeat(margin.chars().count());
    let options = textwrap::Options::new(columns)
        .initial_indent(margin)
        .subsequent_indent(&indent)
        .break_words(false)
        .word_splitter(textwrap::WordSplitter::NoHyphenation);
    textwrap::fill(text, options)
}

/// A text behind its margin, as it fits. A margin that would leave less than half of the line has one of its own.
pub(crate) fn behind(margin: &str, text: &str) -> String {
    match columns(&console::Term::stdout()).map(|columns| columns.max(WIDTH_MIN)) {
        None => format!("{margin}{text}"),
        Some(columns) if margin.chars().count() <= columns / 2 => under(margin, text, columns),
        Some(columns) => {
            let text = under("    ", text, columns);
            match margin.trim() {
                "" => text,
                head if margin.starts_with(' ') => format!("  {head}\n{text}"),
                head => format!("{head}\n{text}"),
            }
        }
    }
}

/// A table as it fits: where it is wider than the terminal, each row is a block of lines.
pub(crate) fn fitted(table: &Table) -> String {
    let whole = table.to_string();
    let widest = whole.lines().map(|line| line.chars().count()).max().unwrap_or_default();
    match columns(&console::Term::stdout()) {
        Some(columns) if widest > columns => blocks(table, columns),
        Some(_) | None => whole,
    }
}

/// One block a row: its first cell, then each other cell under its heading.
fn blocks(table: &Table, columns: usize) -> String {
    let content = |cell: &comfy_table::Cell| cell.content();
    let headings: Vec<String> =
        table.header().iter().flat_map(|row| row.cell_iter()).map(content).collect();
    let longest = headings.iter().map(|heading| heading.chars().count()).max().unwrap_or_default();
    let mut text = Vec::new();
    for row in table.row_iter() {
        for (index, (heading, cell)) in headings.iter().zip(row.cell_iter()).enumerate() {
            let margin = if index == 0 { String::new() } else { format!("  {heading:longest$}  ") };
            let indent = " ".repeat(longest + 4);
            let options =
                textwrap::Options::new(columns).initial_indent(&margin).subsequent_indent(&indent);
            text.push(textwrap::fill(&cell.content(), options));
        }
    }
    text.join("\n")
}

/// The legs of a plan, as they ended.
pub(crate) fn legs(state: &Execution) -> Table {
    let headings = [
        "leg",
        "side",
        "target",
        "filled",
        "average",
        "cost bps",
        "half-spreads",
        "orders",
        "seconds",
        "outcome",
    ];
    let mut table = table(&headings, 2..9);
    for leg in &state.legs {
        let measures = ledger::measure(leg);
        let reason = leg.outcome.and_then(LegOutcome::reason).map_or("", Reason::code);
        table.add_row([
            leg.symbol().to_string(),
            leg.side.word().to_owned(),
            leg.sized.map_or_else(|| "-".to_owned(), |sized| sized.target.to_string()),
            leg.filled().to_string(),
            rounded(leg.average_price().map(Price::dollars), 4),
            rounded(measures.cost_bps, 2),
            rounded(measures.cost_half_spreads, 2),
            leg.children.len().to_string(),
            rounded(measures.seconds, 1),
            format!("{} {reason}", leg.outcome.map_or("open", LegOutcome::word))
                .trim_end()
                .to_owned(),
        ]);
    }
    table
}

/// The notional-weighted mean cost in half-spreads and bps over the filled legs.
pub(crate) fn mean_cost(state: &Execution) -> (Option<Decimal>, Option<Decimal>) {
    let weigh = |of: fn(&ledger::LegMeasures) -> Option<Decimal>| {
        let parts = state.legs.iter().filter_map(|leg| {
            let weight = leg.filled_notional().amount();
            of(&ledger::measure(leg)).map(|cost| (cost * weight, weight))
        });
        let (cost, weight) = parts
            .fold((Decimal::ZERO, Decimal::ZERO), |sum, part| (sum.0 + part.0, sum.1 + part.1));
        cost.checked_div(weight)
    };
    (weigh(|measures| measures.cost_half_spreads), weigh(|measures| measures.cost_bps))
}
