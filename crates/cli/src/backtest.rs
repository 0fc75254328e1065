//! `alchemiser backtest`.

use std::{fs, path::PathBuf, sync::Arc, thread, time::Instant};

use alchemiser_backtest::{
    figures,
    fill::Model,
    generate,
    leg::{Habits, Rule, Worked},
    page::{Books, Page},
    read::{self, Sizes},
    study::{self, Arrivals, Together},
    table::{self, Row, Studied},
    tape::{MILLI, Nanos, Oddities, Pips, SECOND, Tape},
};
use alchemiser_core::{
    policy::{Policy, PolicyKind},
    price::Tick,
};
use clap::{Args as ClapArgs, ValueEnum};
use rust_decimal::Decimal;
use serde::Serialize;

use crate::{
    args::SettingArgs,
    config,
    exit::{Exit, Stopped},
};

/// What a resting order needs to fill.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum FillWord {
    /// Prints at its own price count, after the shares ahead of it
    Conservative,
    /// Only what is shown or printed beyond its price counts
    Strict,
}

/// What the sizes in the files count.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum SizesWord {
    /// Shares, whatever they look like
    Shares,
    /// Round lots of 100 shares
    Lots,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct BacktestArgs {
    /// Recorded days: a directory with `SYMBOL/DAY_quotes.csv[.gz]` and `SYMBOL/DAY_trades.csv[.gz]`, or `.parquet`
    #[arg(required_unless_present = "generate", conflicts_with = "generate")]
    data: Option<PathBuf>,
    /// Generated days of a regime instead: deep, one-tick, few-ticks, wide, thin-etf
    #[arg(long, value_name = "REGIME", value_delimiter = ',')]
    generate: Vec<String>,
    /// Generated days of each regime
    #[arg(long, default_value_t = 2)]
    days: u64,
    /// Who decides: adaptive, learned, liquidity, walk, cross, or the plain peg; the others are compared with the first
    #[arg(long, value_delimiter = ',', default_value = "cross,liquidity,walk,peg,adaptive")]
    policy: Vec<String>,
    /// Seconds that an order is worked
    #[arg(long, value_delimiter = ',', default_value = "120", value_parser = clap::value_parser!(i64).range(1..=3_600))]
    horizon: Vec<i64>,
    /// Dollars of an order
    #[arg(long, default_value_t = 5_000)]
    order_usd: u64,
    /// Arrivals a day; a buy and a sell at each
    #[arg(long, default_value_t = 500)]
    arrivals: usize,
    /// The first arrival may be then, New York
    #[arg(long, default_value = "09:35", value_parser = time_of_day)]
    from: Nanos,
    /// The last arrival may be then, New York
    #[arg(long, default_value = "15:40", value_parser = time_of_day)]
    to: Nanos,
    /// From a decision to its effect, and from a cancel to its confirmation
    #[arg(long, default_value_t = 100)]
    latency_ms: u32,
    /// From one look at the market to the next
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    cadence_ms: u32,
    /// So many orders begin at once, each at its own arrival, and share one message budget
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=500))]
    legs: u16,
    /// A buy begins when the sell of its arrival is done, as in a plan; its cost counts from the arrival
    #[arg(long, conflicts_with = "legs")]
    buy_after_sell: bool,
    /// What crossing really pays of the spread that it sees; `learned` is adaptive that knows it
    #[arg(long, value_name = "E/Q", default_value = "1", value_parser = effective)]
    effective_over_quoted: Pips,
    /// From a confirmed cancel to the next decision
    #[arg(long, default_value_t = 0)]
    replace_gap_ms: u32,
    /// Seconds for which the symbol's quotes were seen before an order arrives (a plan's sells: none; its buys: longer)
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(i64).range(0..=300))]
    watched_s: i64,
    /// What a resting order needs to fill
    #[arg(long, value_enum, default_value = "conservative")]
    fill: FillWord,
    /// What the sizes in the files count (default: shares, and files that look like lots are refused)
    #[arg(long, value_enum)]
    sizes: Option<SizesWord>,
    /// The price step in dollars, where it is not the usual one of the price
    #[arg(long)]
    tick: Option<Decimal>,
    /// The seed of arrivals, bootstrap and generated days
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    given: SettingArgs,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Write a page here: the table, and how the books compare with real ones
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// Seconds after 09:30.
fn time_of_day(text: &str) -> Result<Nanos, String> {
    let expected = || format!("expected a time between 09:30 and 16:00 like 10:15, found {text}");
    let time: jiff::civil::Time =
        text.parse().map_err(|error: jiff::Error| format!("{}: {error}", expected()))?;
    let seconds = i64::from(time.hour()) * 3_600 + i64::from(time.minute()) * 60 - 34_200;
    if (0..=23_400).contains(&seconds) { Ok(seconds) } else { Err(expected()) }
}

/// Thousandths of the spread.
fn effective(text: &str) -> Result<Pips, String> {
    let expected = || format!("expected 0 to 1 with at most three decimals, found {text}");
    let share: Decimal =
        text.parse().map_err(|error: rust_decimal::Error| format!("{}: {error}", expected()))?;
    let thousandths = share.checked_mul(Decimal::ONE_THOUSAND).filter(Decimal::is_integer);
    thousandths
        .and_then(|thousandths| Pips::try_from(thousandths).ok())
        .filter(|thousandths| (0..=1_000).contains(thousandths))
        .ok_or_else(expected)
}

#[derive(Serialize)]
struct Backtested<'a> {
    rows: &'a [Row],
    days: Vec<Day<'a>>,
    fill_model: &'static str,
    rows_per_second: u64,
}

/// What was read.
#[derive(Serialize)]
struct Day<'a> {
    symbol: &'a str,
    date: &'a str,
    quotes: usize,
    prints: usize,
    unusable: u64,
    repeated: u64,
    outside_session: u64,
}

impl<'a> Day<'a> {
    fn of(tape: &'a Tape) -> Self {
        let Oddities { unusable, repeated, outside } = tape.odd;
        Self {
            symbol: &tape.symbol,
            date: &tape.day,
            quotes: tape.shown.len(),
            prints: tape.prints.len(),
            unusable,
            repeated,
            outside_session: outside,
        }
    }
}

/// What the figures rest on; it stands in every output.
const FILL_MODEL: &str = "Fills: an order that rests fills when the other side comes to its price, when a print goes through \
it, or when prints at its price have used up what was shown there before it; one that crosses takes what is shown and \
the rest one tick worse. Nobody ahead cancels, nothing hidden fills, our orders move nobody: what large orders do to \
the market is not in these figures.";

/// Any study's days: 2 January 2018, half past nine in New York, for generated ones.
const GENERATED_OPENS: Nanos = 1_514_903_400 * SECOND;

fn tapes(args: &BacktestArgs) -> Result<Vec<Tape>, Stopped> {
    let sizes = match args.sizes {
        None => Sizes::Shares,
        Some(SizesWord::Shares) => Sizes::SurelyShares,
        Some(SizesWord::Lots) => Sizes::Lots,
    };
    if let Some(data) = &args.data {
        return read::days(data, sizes)
            .map_err(|error| Stopped::new(Exit::Refused, error.code, &error));
    }
    let days = args.generate.iter().flat_map(|word| (0..args.days).map(move |day| (word, day)));
    days.map(|(word, day)| {
        generate::day(word, args.seed.wrapping_add(day), GENERATED_OPENS).ok_or_else(|| {
            let known: Vec<&str> = generate::REGIMES.iter().map(|(known, _)| *known).collect();
            let message = format!("expected one of {}, found {word}", known.join(", "));
            Stopped::new(Exit::Refused, "UNKNOWN_REGIME", message)
        })
    })
    .collect()
}

/// `adaptive` that has learned what crossing pays.
const LEARNED: &str = "learned";

fn rule(word: &str, policy: &Policy) -> Result<Rule, Stopped> {
    let core = |kind| Rule::Core(Box::new(Policy { kind, ..policy.clone() }));
    match (word, PolicyKind::from_word(word)) {
        ("peg", _) => Ok(Rule::Peg),
        (LEARNED, _) => Ok(core(PolicyKind::Adaptive)),
        (_, Some(kind)) => Ok(core(kind)),
        (_, None) => {
            let message = format!(
                "expected adaptive, learned, liquidity, walk, cross or peg, found {word}; several are separated by commas"
            );
            Err(Stopped::new(Exit::Refused, "UNKNOWN_POLICY", message))
        }
    }
}

fn habits(
    args: &BacktestArgs,
    (word, horizon_s): (&str, i64),
    policy: &Arc<Policy>,
) -> Result<Habits, Stopped> {
    let known = [Tick::CENT, Tick::SUB_DOLLAR, Tick::HALF_CENT];
    let tick = args.tick.map(|dollars| {
        known.into_iter().find(|tick| tick.dollars() == dollars).ok_or_else(|| {
            let message = format!("expected a tick of 0.01, 0.005 or 0.0001, found {dollars}");
            Stopped::new(Exit::Refused, "UNKNOWN_TICK", message)
        })
    });
    Ok(Habits {
        rule: rule(word, policy)?,
        horizon: horizon_s * SECOND,
        latency: Nanos::from(args.latency_ms) * MILLI,
        cadence: Nanos::from(args.cadence_ms) * MILLI,
        replace_gap: Nanos::from(args.replace_gap_ms) * MILLI,
        watched: args.watched_s * SECOND,
        model: match args.fill {
            FillWord::Conservative => Model::Conservative,
            FillWord::Strict => Model::Strict,
        },
        effective: args.effective_over_quoted,
        has_learned: word == LEARNED,
        tick: tick.transpose()?,
        lot: 100,
        calls: Arc::clone(policy),
    })
}

/// A policy at a horizon, and what became of its orders.
struct Case<'a> {
    policy: &'a str,
    horizon_s: i64,
    habits: Habits,
    worked: Vec<Option<Worked>>,
}

impl Case<'_> {
    fn studied(&self) -> Studied<'_> {
        Studied {
            policy: self.policy,
            horizon_s: self.horizon_s,
            habits: &self.habits,
            worked: &self.worked,
        }
    }
}

/// Measures policies on recorded or generated days.
pub(crate) fn backtest(args: &BacktestArgs) -> Result<Exit, Stopped> {
    cases(args).map_err(|stopped| stopped.with_json(args.json))
}

fn cases(args: &BacktestArgs) -> Result<Exit, Stopped> {
    if args.from >= args.to {
        let message = "expected --from before --to".to_owned();
        return Err(Stopped::new(Exit::Refused, "NO_ARRIVALS", message));
    }
    let policy = Arc::new(config::for_study(&args.given)?);
    let tapes = tapes(args)?;
    let arrivals = Arrivals {
        count: args.arrivals,
        dollars: args.order_usd,
        from_s: args.from,
        to_s: args.to,
        seed: args.seed,
        together: match args.legs {
            _ if args.buy_after_sell => Together::BuyAfterSell,
            1 => Together::Alone,
            legs => Together::Legs(legs.into()),
        },
    };
    let pace = Instant::now();
    let mut cases: Vec<Case<'_>> = Vec::new();
    for horizon_s in &args.horizon {
        for word in &args.policy {
            let habits = habits(args, (word, *horizon_s), &policy)?;
            let worked = study::run(&tapes, &habits, &arrivals, threads());
            cases.push(Case { policy: word, horizon_s: *horizon_s, habits, worked });
        }
    }
    let rows_per_second = speed(&cases, pace);
    let first = cases.first().map(Case::studied);
    let rows: Vec<Row> = cases
        .iter()
        .enumerate()
        .flat_map(|(number, case)| {
            let other = first.as_ref().filter(|_| number > 0);
            table::rows(&case.studied(), other, &tapes, args.seed)
        })
        .collect();
    if let Some(file) = &args.html {
        let habits = habits(args, ("peg", figures::WAITING / SECOND), &policy)?;
        write_page(file, &rows, &tapes, (&habits, &arrivals))?;
    }
    let told = Backtested {
        rows: &rows,
        days: tapes.iter().map(Day::of).collect(),
        fill_model: FILL_MODEL,
        rows_per_second,
    };
    if args.json { crate::print_json(&told) } else { show(&told) }
}

fn threads() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Quotes and prints that orders looked at, per second and core.
fn speed(cases: &[Case<'_>], since: Instant) -> u64 {
    let seen: u64 =
        cases.iter().flat_map(|case| case.worked.iter().flatten()).map(|w| w.rows).sum();
    let millis = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
    let cores = u64::try_from(threads()).unwrap_or(1).max(1);
    seen.saturating_mul(1_000) / millis / cores
}

/// The page of a study. What it costs to wait a minute is measured for it, with the plain peg.
fn write_page(
    file: &PathBuf,
    rows: &[Row],
    tapes: &[Tape],
    (habits, arrivals): (&Habits, &Arrivals),
) -> Result<(), Stopped> {
    let mut symbols: Vec<&str> = tapes.iter().map(|tape| tape.symbol.as_str()).collect();
    symbols.dedup();
    let books: Vec<Books> = symbols
        .into_iter()
        .map(|symbol| {
            let days: Vec<Tape> =
                tapes.iter().filter(|tape| tape.symbol == symbol).cloned().collect();
            Books::of(symbol, &days, (habits, arrivals), threads())
        })
        .collect();
    let page = Page { rows, tapes, books: &books, fill_model: FILL_MODEL };
    fs::write(file, page.html()).map_err(|error| {
        let message = format!("expected to write {}, found {error}", file.display());
        Stopped::new(Exit::Refused, "UNWRITABLE", message)
    })
}

fn show(told: &Backtested<'_>) -> Result<Exit, Stopped> {
    for Day { symbol, date, quotes, prints, unusable, repeated, outside_session } in &told.days {
        crate::say(&format!(
            "{symbol} {date}: {quotes} quotes, {prints} prints; left out: {unusable} unusable, {repeated} repeated, {outside_session} outside the session"
        ))?;
    }
    let headings = [
        "symbol",
        "ticks",
        "policy",
        "horizon",
        "orders",
        "cost H",
        "95 %",
        "median",
        "p95",
        "sd",
        "bps",
        "passive",
        "seconds",
        "sent",
        "less first",
    ];
    let mut shown = crate::table::table(&headings, 3..15);
    for row in told.rows {
        let interval = |low: f64, high: f64| format!("{low:.2} to {high:.2}");
        let diff = row.diff_h.zip(row.diff_low_h).zip(row.diff_high_h);
        shown.add_row([
            row.symbol.clone(),
            row.group.to_owned(),
            row.policy.clone(),
            format!("{} s", row.horizon_s),
            row.orders.to_string(),
            format!("{:.2}", row.mean_h),
            interval(row.ci_low_h, row.ci_high_h),
            format!("{:.2}", row.median_h),
            format!("{:.2}", row.p95_h),
            format!("{:.2}", row.sd_h),
            format!("{:.2}", row.mean_bps),
            format!("{:.2}", row.passive_share),
            format!("{:.0}", row.seconds_mean),
            format!("{:.1}", row.children_mean),
            diff.map_or_else(String::new, |((diff, low), high)| {
                format!("{diff:+.2} ({})", interval(low, high))
            }),
        ]);
    }
    crate::print(&crate::table::fitted(&shown))?;
    crate::say(
        "Cost H: what the orders paid against the mid at their arrival, over their half-spreads; a market order pays 1.",
    )?;
    crate::say(told.fill_model)?;
    let millions = Decimal::new(i64::try_from(told.rows_per_second / 10_000).unwrap_or(0), 2);
    crate::say(&format!("{millions} million quotes and prints a second and core."))
}
