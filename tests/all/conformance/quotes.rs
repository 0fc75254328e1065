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
    book::{CENT, bid_and_ask, is_no_quote, number, parent},
};

pub(crate) const JUDGE: Judge = Judge { file: "quotes", compare, rule };

const NOW: Timestamp = Timestamp::UNIX_EPOCH;
/// The original's freshness in the decision table of two quotes, in seconds.
const AGE_MAX: i64 = 5;
/// The original's widest spread that is not suspicious, in percent of the ask.
const PERCENT_MAX: Decimal = Decimal::TEN;
/// The original's widest spread of a quote whose sizes it believes.
const PERCENT_TRUSTED_MAX: Decimal = Decimal::from_parts(5, 0, 0, false, 1);

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
    let least = quote.get("min_price").and_then(number);
    let quote_spread_max = percent_max / Decimal::ONE_HUNDRED;
    let quote_price_min = least.unwrap_or(CENT);
    let policy = Policy { quote_spread_max, quote_price_min, ..Policy::default() };
    let by = Freshness { now: NOW, market_moved_at: Some(NOW), policy: &policy };
    raw(quote, Decimal::ZERO).usable(by)
}

fn percent_max(input: &Value) -> Decimal {
    number(&input["max_spread_percent"]).unwrap()
}

fn compare(case: &Case) -> Comparison {
    let (input, theirs) = (&case.input, case.theirs.as_ref().unwrap());
    let said = |name: &'static str, ours: bool| {
        Comparison::default().field(name, theirs[name].as_bool().unwrap(), ours)
    };
    let any_width = Decimal::from(1_000);
    match case.function.as_str() {
        "validate_spread_reasonable" => {
            said("reasonable", usable(input, percent_max(input)).is_ok())
        }
        "validate_quote_liquidity" => said("ok", is_trusted(input)),
        "validate_quote_prices" => said("valid", usable(input, any_width).is_ok()),
        "detect_suspicious_quote_prices" => {
            said("suspicious", usable(input, percent_max(input)).is_err())
        }
        "validate_quote_freshness" => said("fresh", is_fresh(input)),
        "get_quote_with_validation" => chosen(input, theirs),
        other => panic!("no function {other}"),
    }
}

/// A narrow quote of which both touches show a round lot: the rule by which `liquidity` believes the sizes.
fn is_trusted(input: &Value) -> bool {
    let Ok(quote) = usable(input, PERCENT_TRUSTED_MAX) else { return false };
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
        quote_spread_max: PERCENT_MAX / Decimal::ONE_HUNDRED,
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
    let sound =
        |name: &str| input.get(name).filter(|quote| quote.is_object()).is_some_and(is_sound);
    let designed = ["stream", "rest"].into_iter().find(|name| sound(name));
    Comparison::default().field("winner", theirs["winner"].as_str(), word).must(
        "winner as designed",
        designed,
        word,
    )
}

/// The spread in percent of the ask.
fn percent(quote: &Value) -> Decimal {
    let (bid, ask) = bid_and_ask(quote);
    (ask - bid) * Decimal::ONE_HUNDRED / ask
}

fn is_crossed(quote: &Value) -> bool {
    let (bid, ask) = bid_and_ask(quote);
    !is_no_quote(quote) && bid > ask
}

fn least(quote: &Value) -> Decimal {
    let (bid, ask) = bid_and_ask(quote);
    bid.min(ask)
}

fn rule(function: &str, input: &Value, _: &str) -> Option<Deviation> {
    match function {
        // Theirs has no smallest price there.
        "validate_quote_prices" => {
            let sound = !is_no_quote(input) && !is_crossed(input);
            (sound && least(input) < CENT).then_some(Deviation::D3)
        }
        // A crossed quote's spread is below every bound there.
        "validate_spread_reasonable" => is_crossed(input).then_some(Deviation::D4),
        "validate_quote_liquidity" => {
            let size = |name: &str| number(&input[name]).unwrap();
            let shows = size("bid_size").min(size("ask_size")) >= Decimal::ONE_HUNDRED;
            (is_crossed(input) && shows).then_some(Deviation::D4)
        }
        "detect_suspicious_quote_prices" => suspicion_rule(input),
        "get_quote_with_validation" => choice_rule(input),
        _ => None,
    }
}

/// Theirs suspects no zero, compares decimals with floats, and rounds the spread to hundredths of a percent.
fn suspicion_rule(input: &Value) -> Option<Deviation> {
    let (bid, ask) = bid_and_ask(input);
    if is_no_quote(input) {
        let negative = bid < Decimal::ZERO || ask < Decimal::ZERO;
        return (!negative).then_some(Deviation::D3);
    }
    if is_crossed(input) {
        return None;
    }
    let (percent, most) = (percent(input), percent_max(input));
    let at_the_least = least(input) == number(&input["min_price"]).unwrap() && percent <= most;
    let rounded_away = percent > most && percent.round_dp(2) <= most;
    (at_the_least || rounded_away).then_some(Deviation::D5)
}

/// Nothing is wrong with a quote of the table.
fn is_sound(quote: &Value) -> bool {
    let new = number(&quote["age_s"]).unwrap() <= Decimal::from(AGE_MAX);
    !is_no_quote(quote)
        && !is_crossed(quote)
        && least(quote) >= CENT
        && percent(quote) <= PERCENT_MAX
        && new
}

/// Theirs takes a streamed quote with a side of zero, never judges the requested one, and takes the lesser evil of two.
fn choice_rule(input: &Value) -> Option<Deviation> {
    let read = |name: &str| input.get(name).filter(|quote| quote.is_object());
    let (stream, rest) = (read("stream"), read("rest"));
    if stream.is_some_and(is_sound) {
        return None;
    }
    let one_sided = stream.is_some_and(|quote| {
        let (bid, ask) = bid_and_ask(quote);
        bid.min(ask).is_zero() && bid.max(ask) > Decimal::ZERO
    });
    match rest {
        Some(rest) if is_sound(rest) => one_sided.then_some(Deviation::D3),
        None => {
            let negative = stream.is_some_and(|quote| least(quote) < Decimal::ZERO);
            (one_sided || negative).then_some(Deviation::D3)
        }
        Some(_) => {
            let crossed = !one_sided && [stream, rest].into_iter().flatten().any(is_crossed);
            Some(if crossed { Deviation::D4 } else { Deviation::D3 })
        }
    }
}
