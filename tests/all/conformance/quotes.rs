//! `quotes.jsonl`: which quotes are traded on, and which of two.

use alchemiser_core::{
    peg::Parent,
    policy::Policy,
    price::Price,
    quantity::Quantity,
    quote::{Freshness, Quote, QuoteFault, RawQuote, Source, Touch, choose},
};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde_json::Value;

use super::{
    Case, Comparison, Deviation, Judge,
    book::{bid_and_ask, is_no_quote, number, parent},
    every,
};

pub(crate) const JUDGE: Judge = Judge { file: "quotes", is_reached: every, compare, rule };

const NOW: Timestamp = Timestamp::UNIX_EPOCH;
/// The original's freshness in the decision table of two quotes, in seconds.
const AGE_MAX: i64 = 5;
/// The original's widest spread that is not suspicious, in percent.
const PERCENT_MAX: u32 = 10;

/// A side that is no price is not there.
fn raw(quote: &Value, age: Decimal) -> RawQuote {
    let touch = |side: &str| {
        let size = quote.get(format!("{side}_size")).and_then(number);
        let size = size.unwrap_or(Decimal::ONE_HUNDRED);
        Some(Touch {
            price: Price::new(number(&quote[side])?).ok()?,
            size: Quantity::new(size).ok()?,
        })
    };
    let micros = i64::try_from((age * Decimal::from(1_000_000)).trunc()).unwrap();
    let at = NOW.checked_sub(SignedDuration::from_micros(micros)).unwrap();
    RawQuote { bid: touch("bid"), ask: touch("ask"), changed_at: at, observed_at: at }
}

fn usable(quote: &Value, percent_max: Decimal) -> Result<Quote, QuoteFault> {
    let quote_spread_max = percent_max / Decimal::ONE_HUNDRED;
    let policy = Policy { quote_spread_max, ..Policy::default() };
    let by = Freshness { now: NOW, market_moved_at: Some(NOW), policy: &policy };
    raw(quote, Decimal::ZERO).usable(by)
}

fn compare(case: &Case) -> Comparison {
    let (input, theirs) = (&case.input, case.theirs.as_ref().unwrap());
    let none = Comparison::default();
    let any_width = Decimal::from(1_000);
    match case.function.as_str() {
        "validate_spread_reasonable" => none.field(
            "reasonable",
            theirs["reasonable"].as_bool().unwrap(),
            usable(input, number(&input["max_spread_percent"]).unwrap()).is_ok(),
        ),
        "validate_quote_liquidity" => {
            none.field("ok", theirs["ok"].as_bool().unwrap(), is_trusted(input))
        }
        "validate_quote_prices" => none.field(
            "valid",
            theirs["valid"].as_bool().unwrap(),
            usable(input, any_width).is_ok(),
        ),
        "detect_suspicious_quote_prices" => none.field(
            "suspicious",
            theirs["suspicious"].as_bool().unwrap(),
            usable(input, number(&input["max_spread_percent"]).unwrap()).is_err(),
        ),
        "validate_quote_freshness" => {
            none.field("fresh", theirs["fresh"].as_bool().unwrap(), is_fresh(input))
        }
        "get_quote_with_validation" => chosen(input, theirs),
        other => panic!("no function {other}"),
    }
}

/// Both touches show a round lot: the rule by which `liquidity` believes the sizes.
fn is_trusted(input: &Value) -> bool {
    let Ok(quote) = usable(input, Decimal::from(PERCENT_MAX)) else { return false };
    let parent: Parent = parent(alchemiser_core::side::Side::Buy, Quantity::ONE, &quote);
    alchemiser_core::liquidity::is_trusted(&parent, &quote)
}

fn is_fresh(input: &Value) -> bool {
    let quote = serde_json::json!({ "bid": "100", "ask": "100.05" });
    let micros = number(&input["max_age_seconds"]).unwrap() * Decimal::from(1_000_000);
    let quote_observed_max = SignedDuration::from_micros(i64::try_from(micros.trunc()).unwrap());
    let policy = Policy { quote_observed_max, ..Policy::default() };
    let by = Freshness { now: NOW, market_moved_at: Some(NOW), policy: &policy };
    raw(&quote, number(&input["age_seconds"]).unwrap()).usable(by).is_ok()
}

fn chosen(input: &Value, theirs: &Value) -> Comparison {
    let policy = Policy {
        quote_observed_max: SignedDuration::from_secs(AGE_MAX),
        quote_spread_max: Decimal::from(PERCENT_MAX) / Decimal::ONE_HUNDRED,
        ..Policy::default()
    };
    let by = Freshness { now: NOW, market_moved_at: Some(NOW), policy: &policy };
    let read = |name: &str| {
        let quote = input.get(name).filter(|quote| quote.is_object())?;
        Some(raw(quote, number(&quote["age_s"]).unwrap()))
    };
    let source = choose(read("stream").as_ref(), read("rest").as_ref(), by).ok();
    let word = source.map(|(_, source)| match source {
        Source::Stream => "stream",
        Source::Rest => "rest",
    });
    Comparison::default().field("winner", theirs["winner"].as_str(), word)
}

/// Too wide by the mid, not by the ask: theirs divides by the ask.
fn is_between_the_widths(quote: &Value, percent_max: Decimal) -> bool {
    let (bid, ask) = bid_and_ask(quote);
    let spread = (ask - bid) * Decimal::ONE_HUNDRED;
    // Theirs is a float, rounded: hundredths of a percent are lost.
    spread > percent_max * (bid + ask) / Decimal::TWO && (spread / ask).round_dp(2) <= percent_max
}

fn rule(function: &str, input: &Value, _: &str) -> Option<Deviation> {
    if function == "get_quote_with_validation" {
        return choice_rule(input);
    }
    if is_no_quote(input) {
        return Some(Deviation::D3);
    }
    let (bid, ask) = bid_and_ask(input);
    let cent = super::book::CENT;
    let least = input.get("min_price").and_then(number).unwrap_or(cent);
    let percent = input.get("max_spread_percent").and_then(number);
    if bid > ask {
        Some(Deviation::D4)
    } else if bid < cent || ask < cent || bid.min(ask) < least {
        Some(Deviation::E3)
    } else if bid == least && function == "detect_suspicious_quote_prices" {
        // A decimal cent compared with the float next to it.
        Some(Deviation::D5)
    } else {
        let percent = percent.unwrap_or(Decimal::from(PERCENT_MAX));
        let wide = is_between_the_widths(input, percent) || function == "validate_quote_liquidity";
        wide.then_some(Deviation::E4)
    }
}

/// Theirs never judges the requested quote, and takes the lesser evil of two.
fn choice_rule(input: &Value) -> Option<Deviation> {
    let quotes = ["stream", "rest"].map(|name| input.get(name).filter(|quote| quote.is_object()));
    let any = |is: fn(&Value) -> bool| quotes.iter().flatten().any(|quote| is(quote));
    if any(is_no_quote) {
        Some(Deviation::D3)
    } else if any(|quote| bid_and_ask(quote).0 > bid_and_ask(quote).1) {
        Some(Deviation::D4)
    } else if any(|quote| bid_and_ask(quote).0 < super::book::CENT) {
        Some(Deviation::E3)
    } else {
        let rest = quotes[1]?;
        let (bid, ask) = bid_and_ask(rest);
        let wide = (ask - bid) * Decimal::TEN > (bid + ask) / Decimal::TWO;
        let old = number(&rest["age_s"]).unwrap() > Decimal::from(AGE_MAX);
        (wide || old).then_some(Deviation::E5)
    }
}
