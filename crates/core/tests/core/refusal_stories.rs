//! Stories of what is not done, and why.

use alchemiser_core::{
    fact::RefusalKind,
    outstanding::{leftovers, outstanding},
};
use insta::assert_snapshot;

use crate::{
    broker::Post,
    given::{after, dollars, shares, start, symbol},
    story::told,
};

/// X4, X5: a leg without a price is refused at its bound; there is no default quantity.
#[test]
fn a_leg_without_a_quote_is_refused_at_its_bound() {
    assert_snapshot!(told("BUY A 1000; BUY B 500", |s| {
        s.market("A", "");
        s.post(Post::Fill);
        s.run(40);
        assert_eq!(s.broker.orders.len(), 1);
    }), @r###"
     0.0 lease 1
     0.0 funds 10000 + 0
     0.0 = buying
     0.0 allocated A=1000 B=500
     0.0 A waits QUOTE_MISSING
     0.0 B target 4.999
     0.0 B #1 rest buy 4.999 @ 100
     0.1 B #1 filled 4.999/4.999 @ 100
     0.1 B filled
    30.1 A refused NO_QUOTE
    30.1 = closing
    31.1 reconciled, 0 differ
    31.1 partial_success failed PARTIAL_EXECUTION, 1 placed, 1 filled
    31.1 = finished
    "###);
}

/// L3, S4: a one-sided quote is no quote.
#[test]
fn a_one_sided_quote_is_not_traded_on() {
    assert_snapshot!(told("BUY A 1000", |s| {
        s.market("A", "- 100.02x500");
        s.run(5);
        s.market("A", "100.00x500 100.02x500");
        s.post(Post::Fill);
        s.run(5);
    }), @r###"
    0.0 lease 1
    0.0 funds 10000 + 0
    0.0 = buying
    0.0 allocated A=1000
    0.0 A waits QUOTE_ONE_SIDED
    5.0 A target 9.998
    5.0 A #1 rest buy 9.998 @ 100
    5.1 A #1 filled 9.998/9.998 @ 100
    5.1 A filled
    5.1 = closing
    6.1 reconciled, 0 differ
    6.1 success completed, 1 placed, 1 filled
    6.1 = finished
    "###);
}

/// S4, S9: each wait has its own bound; an earlier wait for something else does not count against it.
#[test]
fn a_wait_is_not_shortened_by_the_wait_before_it() {
    let trace = told("BUY A 1000", |s| {
        s.seen.tokens = s.seen.tokens.spend(145, s.now, &s.state.policy);
        s.run(35);
        s.market("A", "");
        s.run(2);
        s.market("A", "100.00x500 100.02x500");
        s.run(10);
    });
    assert!(trace.contains("A waits THROTTLE") && trace.contains("A #1 rest buy"), "{trace}");
}

/// X1: within the first minutes after the open a plan waits, and is then traded.
#[test]
fn a_plan_waits_for_the_quiet_after_the_open() {
    assert_snapshot!(told("BUY A 1000", |s| {
        s.opened_at = after(start(), -30_000);
        s.run(40);
        s.market("A", "");
        s.run(1);
        s.market("A", "100.00x500 100.02x500");
        s.run(232);
        s.fill_all();
        s.run(5);
    }), @r###"
      0.0 lease 1
      0.0 A waits OPEN_QUIET
    272.0 funds 10000 + 0
    272.0 = buying
    272.0 allocated A=1000
    272.0 A target 9.998
    272.0 A #1 rest buy 9.998 @ 100
    272.1 A #1 new 0/9.998
    273.0 A #1 filled 9.998/9.998 @ 100
    273.0 A filled
    273.0 = closing
    274.0 reconciled, 0 differ
    274.0 success completed, 1 placed, 1 filled
    274.0 = finished
    "###);
}

/// S12: a refusal for a reason of its own ends the leg.
#[test]
fn a_refusal_ends_the_leg() {
    assert_snapshot!(told("BUY A 1000; BUY B 500", |s| {
        s.post(Post::Refuse(RefusalKind::Other));
        s.post(Post::Fill);
        s.run(5);
    }), @r###"
    0.0 lease 1
    0.0 funds 10000 + 0
    0.0 = buying
    0.0 allocated A=1000 B=500
    0.0 A target 9.998
    0.0 A #1 rest buy 9.998 @ 100
    0.0 B target 4.999
    0.0 B #1 rest buy 4.999 @ 100
    0.1 A #1 refused Other
    0.1 B #1 filled 4.999/4.999 @ 100
    0.1 A unfilled REJECTED
    0.1 B filled
    0.1 = closing
    1.1 reconciled, 0 differ
    1.1 partial_success failed PARTIAL_EXECUTION, 1 placed, 1 filled
    1.1 = finished
    "###);
}

/// S8: fewer shares than asked for are adopted once.
#[test]
fn an_insufficient_quantity_is_adopted_once() {
    assert_snapshot!(told("SELL A 1000", |s| {
        s.post(Post::Refuse(RefusalKind::InsufficientQuantity { available: Some(shares("7.5")) }));
        s.post(Post::Fill);
        s.run(5);
    }), @"
    0.0 lease 1
    0.0 funds 10000 + 0
    0.0 = selling
    0.0 A target 10
    0.0 A #1 rest sell 10 @ 100.02
    0.1 A #1 refused InsufficientQuantity { available: Some(Quantity(7.5)) }
    0.1 A target 7.5 trimmed
    0.1 A #2 rest sell 7.5 @ 100.02
    0.2 A #2 filled 7.5/7.5 @ 100.02
    0.2 A partially_filled SHARES_HELD
    0.2 = closing
    1.2 reconciled, 0 differ
    1.2 failure failed NO_LEG_FILLED, 1 placed, 0 filled
    1.2 = finished
    ");
    assert_snapshot!(told("SELL A 1000", |s| {
        s.post(Post::Refuse(RefusalKind::InsufficientQuantity { available: Some(shares("7.5")) }));
        s.post(Post::Refuse(RefusalKind::InsufficientQuantity { available: Some(shares("1")) }));
        s.post(Post::Fill);
        s.run(10);
    }), @"
    0.0 lease 1
    0.0 funds 10000 + 0
    0.0 = selling
    0.0 A target 10
    0.0 A #1 rest sell 10 @ 100.02
    0.1 A #1 refused InsufficientQuantity { available: Some(Quantity(7.5)) }
    0.1 A target 7.5 trimmed
    0.1 A #2 rest sell 7.5 @ 100.02
    0.2 A #2 refused InsufficientQuantity { available: Some(Quantity(1)) }
    0.2 A waits BROKER_LAG
    4.2 A #3 rest sell 7.5 @ 100.02
    4.3 A #3 filled 7.5/7.5 @ 100.02
    4.3 A partially_filled SHARES_HELD
    4.3 = closing
    5.3 reconciled, 0 differ
    5.3 failure failed NO_LEG_FILLED, 1 placed, 0 filled
    5.3 = finished
    ");
}

/// S8, T6: what was adopted is recorded once, however long the leg then waits.
#[test]
fn an_adopted_quantity_is_recorded_once() {
    let trace = told("SELL A 1000", |s| {
        s.post(Post::Refuse(RefusalKind::InsufficientQuantity { available: Some(shares("7")) }));
        s.turn();
        s.market("A", "");
        s.run(5);
    });
    assert_eq!(trace.matches("A target 7").count(), 1, "{trace}");
}

/// S8, S9, L4: where nothing is available, each order waits longer than the last, and the fourth refusal ends the leg.
#[test]
fn nothing_available_ends_after_four_refusals() {
    assert_snapshot!(told("EXIT A 500", |s| {
        for _ in 0..5 {
            s.post(Post::Refuse(RefusalKind::InsufficientQuantity { available: None }));
        }
        s.run(40);
        assert_eq!(s.broker.posts, 4);
    }), @r###"
     0.0 lease 1
     0.0 funds 10000 + 0
     0.0 = selling
     0.0 A target 5
     0.0 A #1 rest sell 5 @ 100.02
     0.1 A #1 refused InsufficientQuantity { available: None }
     0.1 A waits BROKER_LAG
     2.1 A #2 rest sell 5 @ 100.02
     2.2 A #2 refused InsufficientQuantity { available: None }
     2.2 A waits BROKER_LAG
     6.2 A #3 rest sell 5 @ 100.02
     6.3 A #3 refused InsufficientQuantity { available: None }
     6.3 A waits BROKER_LAG
    14.3 A #4 rest sell 5 @ 100.02
    14.4 A #4 refused InsufficientQuantity { available: None }
    14.4 A unfilled REJECTED
    14.4 = closing
    15.4 reconciled, 0 differ
    15.4 failure failed NO_LEG_FILLED, 0 placed, 0 filled
    15.4 = finished
    "###);
}

/// L4: refusals for buying power or shares that lag do not trip the breaker.
#[test]
fn lag_does_not_trip_the_reject_breaker() {
    let trace = told("BUY A 1000; BUY B 500; BUY C 500", |s| {
        for _ in 0..6 {
            s.post(Post::Refuse(RefusalKind::InsufficientFunds));
        }
        s.run(10);
    });
    assert!(!trace.contains("REJECT_BREAKER"), "{trace}");
}

/// I11: five refusals within a minute stop the plan.
#[test]
fn five_refusals_stop_the_plan() {
    let trace = told("BUY A 500; BUY B 500; BUY C 500; BUY D 500; BUY E 500; BUY F 500", |s| {
        for _ in 0..5 {
            s.post(Post::Refuse(RefusalKind::Other));
        }
        s.run(20);
        assert!(s.state.is_finished());
    });
    assert!(
        trace.contains("stop REJECT_BREAKER") && trace.contains("F #1 cancel plan_stopped"),
        "{trace}"
    );
}

/// H2: a plan without trades ends without any reading.
#[test]
fn a_plan_without_trades_asks_nobody() {
    assert_snapshot!(told("HOLD A 1000", |s| {
        s.run(1);
        assert_eq!(s.reads, 0);
    }), @r###"
    0.0 lease 1
    0.0 = closing
    0.0 success completed, 0 placed, 0 filled
    0.0 = finished
    "###);
}

/// X15: what makes a plan untradable is known before anything trades.
#[test]
fn an_untradable_plan_stops_before_anything_trades() {
    let check = |edit: &dyn Fn(&mut crate::story::Story), code: &str| {
        let trace = told("EXIT A 500; BUY B 500", |s| {
            edit(s);
            s.run(40);
            assert!(s.state.is_finished() && s.broker.posts == 0);
        });
        assert!(trace.contains(&format!("stop {code}")), "{code}: {trace}");
    };
    check(
        &|s| s.account.account = alchemiser_core::ids::AccountId::new("other").unwrap(),
        "ACCOUNT_DIFFERS",
    );
    check(&|s| s.account.may_trade = false, "ACCOUNT_BLOCKED");
    check(&|s| s.account.shorting_enabled = true, "SHORTING_ENABLED");
    check(&|s| s.opened_at = after(start(), 600_000), "SESSION_CLOSED");
    check(&|s| s.closes_at = after(start(), 4 * 60_000), "TOO_LATE");
    check(&|s| s.account.equity = dollars("499"), "TURNOVER_TOO_HIGH");
    check(&|s| s.blind = true, "PREFLIGHT_UNREADABLE");
    check(&|s| s.now = after(start(), 901_000), "STALE");
}

/// X8: with little time before the close a patient policy gives way to crossing.
#[test]
fn near_the_close_it_crosses_at_once() {
    let trace = told("BUY A 1000", |s| {
        s.closes_at = after(start(), 5 * 60_000 + 5_000);
        s.run(2);
    });
    assert!(trace.contains("A #1 cross buy"), "{trace}");
}

/// X13: the plan waits while an order of ours from an earlier plan is open, and stops when it stays.
#[test]
fn an_order_of_an_earlier_plan_is_waited_for() {
    let id =
        alchemiser_core::ids::ClientOrderId::recognise("al-aaaaaaaaaaaaaaaaaaaaaaaaaa").unwrap();
    let terms = alchemiser_core::child::OrderTerms {
        symbol: symbol("A"),
        side: alchemiser_core::side::Side::Buy,
        quantity: shares("1"),
        limit: crate::given::price("99"),
        kind: alchemiser_core::child::OrderKind::Limit,
    };
    assert_snapshot!(told("BUY A 1000", |s| {
        let now = s.now;
        s.broker.cancels = false;
        s.broker.post(&id, &terms, now);
        s.run(5);
        s.broker.end(&id, alchemiser_core::report::BrokerStatus::Canceled);
        s.run(1);
    }), @r###"
    0.0 lease 1
    5.0 funds 10000 + 0
    5.0 = buying
    5.0 allocated A=1000
    5.0 A target 9.998
    5.0 A #1 rest buy 9.998 @ 100
    5.1 A #1 new 0/9.998
    "###);
    assert_snapshot!(told("BUY A 1000", |s| {
        let now = s.now;
        s.broker.cancels = false;
        s.broker.post(&id, &terms, now);
        s.run(40);
    }), @r###"
     0.0 lease 1
    31.0 stop LEFTOVER_OPEN
    31.0 A refused LEFTOVER_OPEN
    31.0 = closing
    31.0 failure failed LEFTOVER_OPEN, 0 placed, 0 filled
    31.0 = finished
    "###);
}

/// X13: an order of ours from an earlier plan is to be canceled before anything trades; nobody else's is touched.
#[test]
fn what_earlier_plans_left_is_canceled_first() {
    let ours = "al-aaaaaaaaaaaaaaaaaaaaaaaaaa";
    let id = alchemiser_core::ids::ClientOrderId::recognise(ours).unwrap();
    let terms = alchemiser_core::child::OrderTerms {
        symbol: symbol("Z"),
        side: alchemiser_core::side::Side::Buy,
        quantity: shares("1"),
        limit: crate::given::price("99"),
        kind: alchemiser_core::child::OrderKind::Limit,
    };
    told("BUY A 1000", |s| {
        let now = s.now;
        s.broker.post(&id, &terms, now);
        let mut by_hand = s.broker.orders[0].clone();
        by_hand.client_order_id = "by hand".to_owned();
        s.broker.orders.push(by_hand);
        s.turn();
        let open = [s.broker.orders[0].broker_order_id.clone()];
        assert_eq!(leftovers(&s.state, &s.seen), open);
        s.broker.end(&id, alchemiser_core::report::BrokerStatus::Canceled);
        s.run(2);
        assert_eq!((leftovers(&s.state, &s.seen), s.broker.posts), (Vec::new(), 2));
    });
}

/// X15: a leg whose asset may not be traded is refused by the pre-flight, and the others are traded.
#[test]
fn a_leg_that_may_not_be_traded_is_refused_before_anything_trades() {
    assert_snapshot!(told("BUY A 1000; BUY B 500", |s| {
        s.untradable = Some(symbol("A"));
        s.post(Post::Fill);
        s.run(3);
    }), @r###"
    0.0 lease 1
    0.0 funds 10000 + 0
    0.0 A refused NOT_TRADABLE
    0.0 = buying
    0.0 allocated B=500
    0.0 B target 4.999
    0.0 B #1 rest buy 4.999 @ 100
    0.1 B #1 filled 4.999/4.999 @ 100
    0.1 B filled
    0.1 = closing
    1.1 reconciled, 0 differ
    1.1 partial_success failed PARTIAL_EXECUTION, 1 placed, 1 filled
    1.1 = finished
    "###);
}

/// H5: the reason names the first twenty legs with their codes, and counts the others.
#[test]
fn a_long_failure_reason_is_cut_at_twenty_legs() {
    let items: Vec<String> = (0..23).map(|k| format!("BUY S{k} 100")).collect();
    told(&items.join("; "), |s| {
        (0..23).for_each(|k| s.market(&format!("S{k}"), ""));
        s.run(400);
        let (outcome, _) = s.state.outcome.as_ref().unwrap();
        let reason = outcome.failure_reason.as_ref().unwrap();
        assert!(reason.starts_with("NO_LEG_FILLED: 0/23 legs done; not done: S0 NO_QUOTE, S1 "));
        assert!(reason.ends_with("S19 NO_QUOTE and 3 more"), "{reason}");
        assert_eq!(outcome.failed_symbols.len(), 23);
    });
}

/// X2: the quotes of all symbols are asked for at once; those of legs that are over only while their fills' prices are
/// looked at, and none at the end.
#[test]
fn quotes_are_asked_for_in_bulk_and_only_while_they_are_needed() {
    told("EXIT A 500; BUY B 900; BUY C 300", |s| {
        let wanted = |s: &crate::story::Story| {
            let reads = outstanding(&s.state, s.now).reads.snapshots;
            reads.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(wanted(s), "A B C");
        s.turn();
        assert_eq!(wanted(s), "A");
        s.fill_all();
        s.run(2);
        assert_eq!(wanted(s), "A B C");
        s.fill("B", "1000");
        s.now = after(s.now, 301_000);
        assert_eq!(wanted(s), "B C", "the fill of A is five minutes old");
        s.fill_all();
        s.run(5);
        assert_eq!((wanted(s), s.state.is_finished()), (String::new(), true));
    });
}
