//! One leg: its words, and what its orders add up to.

use alchemiser_core::{
    child::Status,
    controls::Control,
    fact::{Sized, StopCode},
    leg::{Leg, LegOutcome, Reason, WaitCode},
    quote::QuoteFault,
};
use jiff::SignedDuration;

use crate::given::{after, check_of, leg, ordered, shares, start};

/// A leg with these orders (see [`ordered`]).
fn of(item: &str, orders: &[&str]) -> Leg {
    let mut leg = leg(item, &check_of("100", "100", ""));
    for order in orders {
        ordered(&mut leg, order);
    }
    leg
}

/// T3, X10: every wait, reason and outcome is read back from the word it is written as, and nothing else is.
#[test]
fn words_are_read_back() {
    let others = [
        WaitCode::Throttle,
        WaitCode::LiveOrder,
        WaitCode::OpenQuiet,
        WaitCode::Reading,
        WaitCode::BrokerLag,
    ];
    for wait in others.into_iter().chain(QuoteFault::ALL.map(WaitCode::Quote)) {
        assert_eq!(WaitCode::from_code(wait.code()), Some(wait));
    }
    assert_eq!(WaitCode::from_code("SOMETHING"), None);
    let reasons = ["TOO_SMALL", "SELLS_INCOMPLETE", Control::Budget.code(), StopCode::Stale.code()];
    for code in reasons {
        let reason = Reason::from_code(code).unwrap();
        assert_eq!(reason.code(), code);
        let outcomes = [
            LegOutcome::PartiallyFilled(reason),
            LegOutcome::Unfilled(reason),
            LegOutcome::Skipped(reason),
            LegOutcome::Refused(reason),
            LegOutcome::Failed(reason),
        ];
        for outcome in outcomes {
            assert_eq!(LegOutcome::from_words(outcome.word(), Some(reason)), Some(outcome));
            assert_eq!(LegOutcome::from_words(outcome.word(), None), None);
        }
    }
    assert_eq!(Reason::from_code("SOMETHING"), None);
    for plain in [LegOutcome::Filled, LegOutcome::Residue] {
        assert_eq!(LegOutcome::from_words(plain.word(), None), Some(plain));
        assert_eq!(LegOutcome::from_words(plain.word(), Some(Reason::Spread)), None);
    }
}

/// L1, L10: the average price is the fills' own, and unknown while one of them has none.
#[test]
fn the_average_price_is_that_of_the_fills() {
    let check = |orders: &[&str], expected: Option<&str>| {
        let average = of("BUY X 1000", orders).average_price().map(|price| price.to_string());
        assert_eq!(average.as_deref(), expected, "{orders:?}");
    };
    let book = "on 10.00x500 10.02x500";
    let order = |text: &str| format!("{text} {book}");
    check(&[], None);
    check(&[&order("rest 4@10.00")], None);
    check(
        &[&order("rest 4@10.00 got 3@10.00"), &order("cross 1@10.03 got 1@10.02")],
        Some("10.005"),
    );
    check(&[&order("rest 4@10.00"), &order("cross 4@10.03 got 4@10.02")], Some("10.02"));
    check(&[&order("rest 4@10.00 got 3"), &order("cross 1@10.03 got 1@10.02")], None);
    check(
        &[
            &order("cross 3@10.03 got 3@10.01"),
            &order("cross 3@10.03 got 3@10.02"),
            &order("cross 1@10.03 got 1@10.02"),
        ],
        Some("10.015714"),
    );
}

/// S5: only orders that were sent, to rest, and taken count as resting ones, and only their limits are used.
#[test]
fn only_sent_resting_orders_count_as_rested() {
    let book = "on 10.00x500 10.03x500";
    let mut leg = of(
        "BUY X 1000",
        &[
            &format!("rest 9@10.00 {book}"),
            &format!("rest 9@10.01 {book}"),
            &format!("cross 9@10.04 {book}"),
            &format!("rest 9@10.02 {book}"),
            &format!("rest 9@10.03 {book}"),
        ],
    );
    leg.children[1].status = Status::Unsent;
    leg.children[4].status = Status::Rejected;
    let used: Vec<String> = leg.used().iter().map(ToString::to_string).collect();
    assert_eq!((leg.rested(), used.join(" ")), (2, "10 10.02".to_owned()));
}

/// L2: less than one share of a complete exit of a whole-share asset is a residue; one share is an order like any other.
#[test]
fn a_residue_is_less_than_a_share() {
    let check = |item: &str,
                 kind: &str,
                 target: &str,
                 orders: &[&str],
                 expected: [Option<&str>; 2]| {
        let mut leg = leg(item, &check_of("100", "100", kind));
        leg.sized = Some(Sized { target: shares(target), trimmed: false });
        for order in orders {
            ordered(&mut leg, order);
        }
        let tried = leg.residue_order().map(|child| child.terms.quantity);
        let said = [leg.residue(), tried].map(|quantity| quantity.map(|q| q.to_string()));
        assert_eq!(said.each_ref().map(Option::as_deref), expected, "{item} {target} {orders:?}");
    };
    let eight = "rest 8@10.03 got 8@10.03 on 10.00x500 10.03x500";
    let part = "cross 0.3@9.99 on 10.00x500 10.03x500";
    let one = "cross 1@9.99 on 10.00x500 10.03x500";
    check("EXIT X 90", "whole", "8.3", &[], [None, None]);
    check("EXIT X 90", "whole", "8.3", &[eight], [Some("0.3"), None]);
    check("EXIT X 90", "whole", "8.3", &[eight, part], [Some("0.3"), Some("0.3")]);
    check("EXIT X 90", "whole", "9", &[eight, one], [None, None]);
    check("EXIT X 90", "whole", "8", &[eight], [None, None]);
    check("EXIT X 90", "", "8.3", &[eight, part], [None, None]);
    check("SELL X 90", "whole", "8.3", &[eight], [None, None]);
}

/// S5: a leg's own time stands still while it has no usable quote, from its first order on and up to a bound.
#[test]
fn only_a_started_legs_time_stands_still() {
    let check = |started: bool, wait: WaitCode, bound: i64, expected: i64| {
        let mut leg = of("BUY X 1000", &[]);
        leg.paused = SignedDuration::from_secs(5);
        leg.started_at = started.then(start);
        leg.waiting = Some((wait, start()));
        let paused = leg.paused_by(after(start(), 7_000), SignedDuration::from_secs(bound));
        assert_eq!(paused.as_secs(), expected, "{wait:?} {started}");
    };
    let quote = WaitCode::Quote(QuoteFault::OneSided);
    check(true, quote, 360, 12);
    check(true, quote, 11, 11);
    check(false, quote, 360, 5);
    check(true, WaitCode::Throttle, 360, 5);
}
