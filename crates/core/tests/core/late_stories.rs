//! Stories of what comes late: orders that land after they were given up, fills after cancels.

use alchemiser_core::throttle::Tokens;
use insta::assert_snapshot;

use crate::{
    broker::Post,
    given::{after, shares, symbol},
    story::{Story, told},
};

/// S11, S6: an order that lands after its leg was given up is canceled while the plan still runs, and what it filled
/// counts.
#[test]
fn an_order_that_lands_after_it_was_given_up_is_canceled() {
    let trace = told("BUY A 1000; BUY B 500", |s| {
        s.post(Post::Delay);
        s.turn();
        s.market("A", "");
        s.run(65);
        assert!(!s.state.is_finished(), "B still rests");
        s.broker.land(s.now);
        s.run(2);
        assert!(s.broker.cancel_calls >= 1);
        s.fill_all();
        s.run(20);
        assert!(s.state.is_finished() && !s.state.has_open_orders());
    });
    let told: Vec<&str> =
        trace.lines().filter(|line| line.contains("A #1") && !line.contains("not found")).collect();
    assert_snapshot!(told.join("\n"), @"
     0.0 A #1 rest buy 9.998 @ 100
     0.0 A #1 answer lost
    60.7 A #1 unresolved
    65.0 A #1 new 0/9.998
    65.0 A #1 cancel leg_over
    65.1 A #1 canceled 0/9.998
    ");
}

/// T4, S6: a late fill of a canceled order, while the next one already works, takes the next one back; what is sent
/// after that is what is really left.
#[test]
fn a_late_fill_takes_back_the_order_that_asks_for_too_much() {
    assert_snapshot!(told("BUY A 1000", |s| {
        s.run(3);
        s.market("A", "100.01x500 100.03x500");
        s.run(1);
        assert_eq!(s.broker.orders.len(), 2);
        s.broker.orders[0].cumulative = shares("3");
        s.broker.orders[0].average_price = s.broker.orders[0].limit;
        s.run(2);
        s.fill_all();
        s.run(3);
    }), @"
    0.0 lease 1
    0.0 funds 10000 + 0
    0.0 = buying
    0.0 allocated A=1000
    0.0 A target 9.998
    0.0 A #1 rest buy 9.998 @ 100
    0.1 A #1 new 0/9.998
    3.0 A #1 cancel repeg
    3.1 A #1 canceled 0/9.998
    3.1 A #2 rest buy 9.998 @ 100.01
    3.2 A #2 new 0/9.998
    4.0 A #1 canceled 3/9.998 @ 100
    4.0 A #2 cancel too_much
    4.1 A #2 canceled 0/9.998
    4.1 A #3 rest buy 6.998 @ 100.01
    4.2 A #3 new 0/6.998
    6.0 A #3 filled 6.998/6.998 @ 100.01
    6.0 A filled
    6.0 = closing
    7.0 reconciled, 1 differ
    7.0 success completed, 1 placed, 1 filled
    7.0 = finished
    ");
}

/// L10: what the price did after a fill is noted as far as it was seen while the plan ran, and goes with the next entry.
#[test]
fn mids_after_a_fill_are_noted_while_the_plan_runs() {
    told("BUY A 1000; BUY B 500", |s| {
        s.run(2);
        s.fill("A", "1000");
        s.run(3);
        s.market("A", "101.00x500 101.02x500");
        s.run(40);
        let marks = |s: &Story| {
            let child = s.state.leg(&symbol("A")).unwrap().children[0].clone();
            child.marks.iter().map(|m| (m.seconds, m.mid.to_string())).collect::<Vec<_>>()
        };
        assert_eq!(marks(s), [], "they are no news by themselves");
        s.fill("B", "1000");
        s.run(5);
        let (early, late) = ("100.01".to_owned(), "101.01".to_owned());
        assert_eq!(marks(s), [(1, early), (5, late.clone()), (30, late)]);
        let leg = s.state.leg(&symbol("A")).unwrap();
        assert_eq!(leg.final_quote.map(|quote| quote.mid().to_string()), Some("100.01".into()));
        let line = alchemiser_core::ledger::lines(&s.state)[0];
        let markout = |seconds| line.markout(seconds).map(|dollars| dollars.to_string());
        assert_eq!((markout(1), markout(5)), (Some("0.01".into()), Some("1.01".into())));
        assert_eq!(markout(60), None, "the plan ended before");
    });
}

/// L10: what was not filled costs what the price moved until the leg's end.
#[test]
fn the_shortfall_counts_what_was_not_filled() {
    told("BUY A 1000; BUY B 500", |s| {
        s.run(1);
        s.fill("A", "4");
        s.market("A", "100.50x500 100.52x500");
        s.halt = Some(alchemiser_core::account::Halt::new("ops", "a drill", s.now));
        s.run(5);
        let leg = s.state.leg(&symbol("A")).unwrap();
        // 4 bought at 100 against 100.01, 5.998 missed at 100.51.
        let cost = alchemiser_core::ledger::measure(leg).shortfall.unwrap();
        assert_eq!(cost.to_string(), "2.959");
    });
}

/// S6, S9: a cancel that is never confirmed is asked for again, never counted as gone, and ends as an open order.
#[test]
fn an_unconfirmed_cancel_ends_as_an_open_order() {
    assert_snapshot!(told("BUY A 1000", |s| {
        s.market("A", "98.00x500 101.90x500");
        s.broker.cancels = false;
        s.run(178);
        s.run(25);
        assert!(s.broker.posts == 1);
    }), @"
      0.0 lease 1
      0.0 funds 10000 + 0
      0.0 = buying
      0.0 allocated A=1000
      0.0 A target 9.813542
      0.0 A #1 rest buy 9.813542 @ 98
      0.1 A #1 new 0/9.813542
    108.7 A #1 cancel repeg
    112.4 A #1 cancel not_confirmed
    116.1 A #1 cancel not_confirmed
    119.8 A #1 cancel not_confirmed
    123.5 A #1 cancel not_confirmed
    127.2 A #1 cancel not_confirmed
    130.9 A #1 cancel not_confirmed
    134.6 A #1 cancel not_confirmed
    138.3 A #1 cancel not_confirmed
    142.0 A #1 cancel not_confirmed
    145.7 A #1 cancel not_confirmed
    149.4 A #1 cancel not_confirmed
    153.1 A #1 cancel not_confirmed
    156.8 A #1 cancel not_confirmed
    160.5 A #1 cancel not_confirmed
    164.2 A #1 cancel not_confirmed
    167.9 A #1 cancel not_confirmed
    171.6 A #1 cancel not_confirmed
    175.3 A #1 cancel not_confirmed
    179.0 A #1 cancel not_confirmed
    182.7 A #1 cancel not_confirmed
    186.4 A #1 cancel not_confirmed
    190.1 A #1 cancel not_confirmed
    191.8 A failed CANCEL_UNCONFIRMED
    191.8 = closing
    193.8 A #1 cancel not_confirmed
    197.5 A #1 cancel not_confirmed
    201.2 A #1 cancel not_confirmed
    201.9 reconciled, 0 differ
    201.9 failure failed ORDER_OPEN, 1 placed, 0 filled
    201.9 = finished
    ");
}

/// S6, S11: whoever looks after the orders of a plan that is over has an empty message budget, and asks for the cancel
/// all the same; an order that only landed then is canceled, too.
#[test]
fn an_open_order_of_a_plan_that_is_over_is_canceled_by_the_next_owner() {
    told("BUY A 1000", |s| {
        s.market("A", "98.00x500 101.90x500");
        s.broker.cancels = false;
        s.run(210);
        assert!(s.state.is_finished() && s.state.has_open_orders(), "{}", s.trace());
        s.now = after(s.now, 60_000);
        s.restart();
        s.broker.cancels = true;
        s.seen.tokens = Tokens::empty(s.now).spend(1, s.now, &s.state.policy);
        s.turn();
        s.turn();
        assert!(!s.state.has_open_orders(), "{}", s.trace());
    });
    told("BUY A 1000", |s| {
        s.post(Post::Delay);
        s.turn();
        s.market("A", "");
        s.run(90);
        assert!(s.state.is_finished() && s.state.has_open_orders(), "{}", s.trace());
        s.now = after(s.now, 60_000);
        s.restart();
        s.broker.land(s.now);
        s.seen.tokens = Tokens::empty(s.now).spend(1, s.now, &s.state.policy);
        s.turn();
        s.turn();
        assert!(!s.state.has_open_orders(), "{}", s.trace());
    });
}

/// X6: what the broker says of an order after the outcome is late news; what it said before is not.
#[test]
fn what_comes_after_the_outcome_is_late_news() {
    told("BUY A 1000", |s| {
        s.broker.priced = false;
        s.post(Post::Fill);
        s.run(30);
        assert!(s.state.is_finished() && !s.state.has_late_news(), "{}", s.trace());
        s.broker.priced = true;
        s.run(3);
        assert!(s.state.has_late_news() && !s.state.must_be_followed(), "{}", s.trace());
    });
}
