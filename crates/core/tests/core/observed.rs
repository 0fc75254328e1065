//! The volatile view: which reading counts.

use std::collections::BTreeMap;

use alchemiser_core::{
    ids::{BrokerOrderId, ClientOrderId, PlanId},
    observed::{Input, Observed, observe},
    policy::Policy,
    quote::{QuoteFault, RawQuote, Snapshot},
    report::{BrokerStatus, OrderReport},
    side::Side,
    throttle::Tokens,
};
use jiff::Timestamp;

use crate::given::{account, after, price, quote, raw, shares, start, symbol};

fn nothing() -> Observed {
    let policy = Policy::default();
    Observed::new(Tokens::full(start(), &policy), policy)
}

/// One response with these quotes.
fn seen(view: Observed, quotes: &[(&str, RawQuote)]) -> Observed {
    let snapshot =
        |quote: RawQuote| Snapshot { quote: Some(quote), last_trade: None, previous_close: None };
    let snapshots: BTreeMap<_, _> =
        quotes.iter().map(|(name, quote)| (symbol(name), snapshot(*quote))).collect();
    observe(view, &Input::Snapshots(snapshots))
}

/// A quote that changed and was read so many seconds before the start.
fn aged(changed: i64, read: i64) -> RawQuote {
    let (changed_at, observed_at) = (after(start(), -changed * 1000), after(start(), -read * 1000));
    RawQuote { changed_at, observed_at, ..raw("10.00x100 10.01x100", start()) }
}

/// S3: a quote that stands still counts while another symbol of the same response moves: its own movement says nothing,
/// nor does that of an earlier response.
#[test]
fn a_standing_quote_needs_others_of_its_response() {
    let check = |quotes: &[(&str, RawQuote)], expected: Result<(), QuoteFault>| {
        let view = seen(nothing(), quotes);
        let said = view.quote(&symbol("A"), start(), &Policy::default()).map(|_| ());
        assert_eq!(said, expected, "{quotes:?}");
    };
    check(&[("A", aged(60, 0))], Ok(()));
    check(&[("A", aged(61, 0))], Err(QuoteFault::Standing));
    check(&[("A", aged(61, 0)), ("B", aged(5, 0))], Ok(()));
    check(&[("A", aged(61, 0)), ("B", aged(6, 0))], Err(QuoteFault::Standing));
    check(&[("A", aged(61, 0)), ("B", aged(90, 0)), ("C", aged(5, 0))], Ok(()));
    check(&[("A", aged(61, 0)), ("B", aged(5, 1))], Err(QuoteFault::Standing));
    check(&[("A", aged(0, 3)), ("B", aged(0, 3))], Err(QuoteFault::NotObserved));
}

/// S4: a usable stream comes first, else the request; neither is repaired by the other.
#[test]
fn a_usable_stream_comes_first() {
    let check = |streamed: &str, requested: &str, expected: Result<&str, QuoteFault>| {
        let view = seen(nothing(), &[("A", raw(requested, start()))]);
        let streamed = Input::Streamed(symbol("A"), raw(streamed, start()));
        let view = observe(view, &streamed);
        let said = view.quote(&symbol("A"), start(), &Policy::default());
        let said = said.map(|quote| quote.bid.price.to_string());
        assert_eq!(said.as_deref().map_err(|fault| *fault), expected, "{streamed:?} {requested}");
    };
    check("10.00x1 10.02x1", "10.01x1 10.02x1", Ok("10"));
    check("- 10.02x1", "10.01x1 10.02x1", Ok("10.01"));
    check("10.03x1 10.02x1", "- 10.02x1", Err(QuoteFault::OneSided));
}

/// S5: how long a touch has stood: from the change that brought its price and size, whatever the other side did, and
/// anew after a side was away.
#[test]
fn a_touch_has_stood_since_it_came() {
    let check = |books: &[&str], now: &str, expected: [i64; 2]| {
        let at = |index: usize| after(start(), i64::try_from(index).unwrap() * 1000);
        let view = books
            .iter()
            .enumerate()
            .fold(nothing(), |view, (index, book)| seen(view, &[("A", raw(book, at(index)))]));
        let judged = quote(now, at(9));
        let since = |side| view.near_since(&symbol("A"), &judged, side);
        let said =
            [Side::Buy, Side::Sell].map(|side| since(side).duration_since(start()).as_secs());
        assert_eq!(said, expected, "{books:?} then {now}");
    };
    let book = "10.00x100 10.02x100";
    check(&[], book, [9, 9]);
    check(&[book], book, [0, 0]);
    check(&[book, book, book], book, [0, 0]);
    check(&[book, "10.00x100 10.03x100"], "10.00x100 10.03x100", [0, 1]);
    check(&[book, "10.00x200 10.02x100"], "10.00x200 10.02x100", [1, 0]);
    check(&[book, "10.01x100 10.02x100", book], book, [2, 0]);
    check(&[book, "- 10.02x100", book], book, [2, 2]);
    check(&[book], "10.00x100 10.02x200", [0, 9]);
    check(&[book], "10.01x100 10.02x100", [9, 0]);
}

/// T4: of two readings of an order the one that knows more is kept, in whatever order they come.
#[test]
fn the_reading_that_knows_more_is_kept() {
    let plan = PlanId::new("plan-1").unwrap();
    let id = ClientOrderId::derive(&account(), &plan, &symbol("A"), Side::Buy, 1);
    let reading = |status: &str, cumulative: &str, at: Timestamp| OrderReport {
        client_order_id: id.to_string(),
        broker_order_id: BrokerOrderId::new("b1").unwrap(),
        symbol: symbol("A"),
        side: Side::Buy,
        status: BrokerStatus::from_word(status),
        quantity: shares("9"),
        limit: Some(price("10")),
        cumulative: shares(cumulative),
        average_price: None,
        submitted_at: at,
        filled_at: None,
    };
    let check = |first: (&str, &str), second: (&str, &str), kept: (&str, &str)| {
        let [first, second] = [first, second].map(|(status, cum)| reading(status, cum, start()));
        let view = observe(nothing(), &Input::Orders(vec![first], start()));
        let view = observe(view, &Input::Orders(vec![second], start()));
        let order = &view.orders[&id];
        assert_eq!((order.status.word(), order.cumulative.to_string().as_str()), kept);
        assert!(view.foreign.is_empty());
    };
    check(("new", "0"), ("partially_filled", "3"), ("partially_filled", "3"));
    check(("partially_filled", "3"), ("new", "0"), ("partially_filled", "3"));
    check(("canceled", "3"), ("partially_filled", "3"), ("canceled", "3"));
    check(("canceled", "3"), ("canceled", "2"), ("canceled", "3"));
    check(("canceled", "3"), ("canceled", "4"), ("canceled", "4"));
    check(("new", "3"), ("canceled", "3"), ("canceled", "3"));
}

/// X13: what the list of everything open has and the list since the plan lacks is open still, until the former says
/// otherwise; what both have is as the later one says.
#[test]
fn an_order_older_than_the_list_is_open_still() {
    let order = |id: &str, status: &str| OrderReport {
        client_order_id: id.to_owned(),
        broker_order_id: BrokerOrderId::new(id).unwrap(),
        symbol: symbol("A"),
        side: Side::Sell,
        status: BrokerStatus::from_word(status),
        quantity: shares("9"),
        limit: Some(price("10")),
        cumulative: shares("0"),
        average_price: None,
        submitted_at: start(),
        filled_at: None,
    };
    let foreign = |view: &Observed| {
        let ids = view.foreign.iter().map(|order| order.client_order_id.clone());
        ids.collect::<Vec<_>>().join(" ")
    };
    let open = Input::Open(vec![order("old", "new"), order("new", "new")]);
    let listed = |status| Input::Orders(vec![order("new", status)], start());
    let view = observe(observe(nothing(), &open), &listed("new"));
    assert_eq!(foreign(&view), "new old");
    let view = observe(view, &listed("filled"));
    assert_eq!(foreign(&view), "old");
    let view = observe(observe(view, &Input::Open(Vec::new())), &listed("filled"));
    assert_eq!(foreign(&view), "");
}

/// S3: a stream that is behind the request replaces nothing, and one that is ahead of it is not replaced, whichever was
/// heard first; nor does the older one begin anew how long the touch has stood.
#[test]
fn the_older_quote_never_replaces_the_newer_one() {
    let book = |ask: &str, changed: i64| {
        let quote = raw(&format!("10.00x1 {ask}x1"), start());
        RawQuote { changed_at: after(start(), changed), ..quote }
    };
    let (a, now) = (symbol("A"), after(start(), 900));
    let check = |streamed: i64, requested: i64, expected: &str| {
        let stream = Input::Streamed(a.clone(), book("10.02", streamed));
        let request = |view| seen(view, &[("A", book("10.01", requested))]);
        let views = [observe(request(nothing()), &stream), request(observe(nothing(), &stream))];
        for view in views {
            let quote = view.quote(&a, now, &Policy::default()).unwrap();
            assert_eq!(quote.ask.price.to_string(), expected, "{streamed} {requested}");
            let since = after(start(), streamed.max(requested));
            assert_eq!(view.near_since(&a, &quote, Side::Sell), since);
        }
    };
    check(0, 500, "10.01");
    check(500, 0, "10.02");
}

/// L10: the mid at a moment is the first one seen from then on, within four seconds; mids are kept one a second, for a
/// little more than five minutes, and never of a crossed or one-sided quote.
#[test]
fn the_mid_at_a_moment_is_the_next_one_seen() {
    let watched = |books: &[(i64, &str)]| {
        books.iter().fold(nothing(), |view, (at, book)| {
            observe(view, &Input::Streamed(symbol("A"), raw(book, after(start(), *at))))
        })
    };
    let mid = |view: &Observed, at: i64| {
        view.mid_at(&symbol("A"), after(start(), at)).map(|mid| mid.normalize().to_string())
    };
    let view = watched(&[
        (0, "10.00x1 10.02x1"),
        (999, "10.02x1 10.04x1"),
        (1_000, "10.04x1 10.06x1"),
        (2_000, "10.07x1 10.06x1"),
        (2_100, "- 10.06x1"),
        (9_000, "10.08x1 10.08x1"),
    ]);
    assert_eq!(mid(&view, 0).as_deref(), Some("10.01"));
    assert_eq!(mid(&view, 1).as_deref(), Some("10.05"));
    assert_eq!(mid(&view, 1_000).as_deref(), Some("10.05"));
    assert_eq!(mid(&view, 1_001), None, "the next one is eight seconds later");
    assert_eq!(mid(&view, 4_999), None);
    assert_eq!(mid(&view, 5_000).as_deref(), Some("10.08"));
    assert_eq!(mid(&view, 9_001), None);
    assert_eq!(nothing().mid_at(&symbol("A"), start()), None);

    let first = (0, "10.00x1 10.02x1");
    let kept = |then: i64| mid(&watched(&[first, (then, "10.04x1 10.06x1")]), 0);
    assert_eq!(kept(310_000).as_deref(), Some("10.01"));
    assert_eq!(kept(310_001), None);
    let seen = seen(nothing(), &[("A", raw("10.00x1 10.02x1", start()))]);
    assert_eq!(mid(&seen, 0).as_deref(), Some("10.01"), "a request is seen as well");
}

/// S5: what spread is usual is the mean of the last five minutes, one quote a second, from five on.
#[test]
fn the_usual_spread_is_what_was_seen() {
    let usual = |count: i64, wide_from: i64| {
        let view = (0..count).fold(nothing(), |view, second| {
            let book = if second < wide_from { "10.00x1 10.02x1" } else { "10.00x1 10.06x1" };
            let view = observe(
                view,
                &Input::Streamed(symbol("A"), raw(book, after(start(), second * 1_000))),
            );
            // A second quote of the same second is not counted.
            let again = raw("10.00x1 10.90x1", after(start(), second * 1_000 + 500));
            observe(view, &Input::Streamed(symbol("A"), again))
        });
        view.usual_spread(&symbol("A")).map(|spread| spread.normalize().to_string())
    };
    assert_eq!(usual(4, 9), None);
    assert_eq!(usual(5, 9).as_deref(), Some("0.02"));
    assert_eq!(usual(10, 5).as_deref(), Some("0.04"));
    assert_eq!(usual(316, 5).as_deref(), Some("0.06"), "the narrow ones are forgotten");
}

/// What the broker says it would still take is the most that is spent; it never adds to the budget.
#[test]
fn an_allowance_of_the_broker_only_lowers_the_budget() {
    let check = |spent: u32, allowed: u32| {
        let view = observe(nothing(), &Input::Called(spent, start()));
        let before = view.tokens.available(start(), &Policy::default());
        let view = observe(view, &Input::Allowance(allowed, start()));
        let left = view.tokens.available(start(), &Policy::default());
        assert_eq!(left, before.min(allowed.into()), "{spent} spent, {allowed} allowed");
        left
    };
    assert_eq!(check(0, 3), 3.into());
    assert_eq!(check(0, 0), 0.into());
    assert_eq!(check(5, 100_000), check(5, 200_000));
}
