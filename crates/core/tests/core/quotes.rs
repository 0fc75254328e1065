//! Which of two quotes is acted on.

use alchemiser_core::{
    policy::Policy,
    quote::{Freshness, RawQuote, Source, choose},
};

use crate::given::{after, raw, start};

const GOOD: &str = "10.00x500 10.02x500";
const BETTER: &str = "10.00x900 10.01x900";

/// `""` is no quote at all; `old` was read three seconds ago.
fn check(stream: &str, rest: &str, expected: &str) {
    let policy = Policy::default();
    let read = |text: &str| -> Option<RawQuote> {
        let (old, text) = text.strip_prefix("old ").map_or((false, text), |rest| (true, rest));
        let at = if old { after(start(), -3_000) } else { start() };
        (!text.is_empty()).then(|| raw(text, at))
    };
    let by = Freshness { now: start(), market_moved_at: Some(start()), policy: &policy };
    let said = match choose(read(stream).as_ref(), read(rest).as_ref(), by) {
        Ok((quote, Source::Stream)) => format!("stream {}", quote.ask.price),
        Ok((quote, Source::Rest)) => format!("rest {}", quote.ask.price),
        Err(fault) => fault.code().to_owned(),
    };
    assert_eq!(said, expected, "{stream} | {rest}");
}

/// S3: the streamed quote counts where it is usable, the requested one otherwise.
#[test]
fn the_stream_comes_first_and_the_request_is_the_fallback() {
    check(GOOD, BETTER, "stream 10.02");
    check(GOOD, "", "stream 10.02");
    check("", BETTER, "rest 10.01");
    check(&format!("old {GOOD}"), BETTER, "rest 10.01");
}

/// S4: a suspicious streamed quote is checked against the requested one; two suspicious ones are no quote.
#[test]
fn two_suspicious_quotes_are_no_quote() {
    let suspicious = [
        ("- 10.02x500", "QUOTE_ONE_SIDED"),
        ("10.03x500 10.02x500", "QUOTE_CROSSED"),
        ("0.005x500 10.02x500", "QUOTE_BELOW_MINIMUM"),
        ("9.00x500 10.02x500", "QUOTE_TOO_WIDE"),
    ];
    for (bad, code) in suspicious {
        check(bad, BETTER, "rest 10.01");
        check(bad, "", "QUOTE_MISSING");
        for (other, _) in suspicious {
            check(other, bad, code);
        }
    }
    check("", "", "QUOTE_MISSING");
}
