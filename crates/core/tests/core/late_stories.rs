//! Stories of what comes late: orders that land after they were given up, fills after cancels.

use insta::assert_snapshot;

use crate::{broker::Post, given::shares, story::told};

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
