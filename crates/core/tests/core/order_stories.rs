//! Stories of one order after another.

use alchemiser_core::policy::PolicyKind;
use insta::assert_snapshot;

use crate::{
    broker::Post,
    given::{start, symbol},
    story::told,
};

/// S1, H1: validate, quote, price, control, intent, submit, track: an order rests and is filled.
#[test]
fn an_order_rests_and_fills() {
    assert_snapshot!(told("BUY A 1000", |s| {
        s.run(3);
        s.fill("A", "9");
        s.run(2);
        s.fill_all();
        s.run(5);
    }), @r###"
    0.0 lease 1
    0.0 funds 10000 + 0
    0.0 = buying
    0.0 allocated A=1000
    0.0 A target 9.998
    0.0 A #1 rest buy 9.998 @ 100
    0.1 A #1 new 0/9.998
    3.0 A #1 partially_filled 9/9.998 @ 100
    3.0 A #1 cancel to_cross
    3.1 A #1 canceled 9/9.998 @ 100
    3.1 A #2 cross buy 0.998 @ 100.08
    3.2 A #2 new 0/0.998
    5.0 A #2 filled 0.998/0.998 @ 100.08
    5.0 A filled
    5.0 = closing
    6.0 reconciled, 0 differ
    6.0 success completed, 1 placed, 1 filled
    6.0 = finished
    "###);
}

/// T1, T2, S5, S6: a moved order is the remainder, after the cancel is confirmed.
#[test]
fn a_repeg_is_the_remainder_after_the_cancel_is_confirmed() {
    assert_snapshot!(told("BUY A 1000", |s| {
        s.run(3);
        s.fill("A", "4");
        s.broker.cancels = false;
        s.market("A", "100.01x500 100.03x500");
        s.run(2);
        assert!(s.broker.posts == 1, "nothing may be sent before the cancel is confirmed");
        s.broker.cancels = true;
        s.broker.carry_out();
        s.run(2);
        s.fill_all();
        s.run(3);
    }), @r###"
    0.0 lease 1
    0.0 funds 10000 + 0
    0.0 = buying
    0.0 allocated A=1000
    0.0 A target 9.998
    0.0 A #1 rest buy 9.998 @ 100
    0.1 A #1 new 0/9.998
    3.0 A #1 partially_filled 4/9.998 @ 100
    3.0 A #1 cancel repeg
    5.0 A #1 canceled 4/9.998 @ 100
    5.0 A #2 rest buy 5.998 @ 100.01
    5.1 A #2 new 0/5.998
    7.0 A #2 filled 5.998/5.998 @ 100.01
    7.0 A filled
    7.0 = closing
    8.0 reconciled, 0 differ
    8.0 success completed, 1 placed, 1 filled
    8.0 = finished
    "###);
}

/// S6: an order that fills while its cancel is under way is not replaced.
#[test]
fn a_cancel_that_loses_the_race_is_a_fill() {
    assert_snapshot!(told("BUY A 1000", |s| {
        s.run(3);
        s.broker.cancels = false;
        s.market("A", "100.01x500 100.03x500");
        s.run(1);
        s.fill_all();
        s.broker.cancels = true;
        s.broker.carry_out();
        s.run(5);
    }), @r###"
    0.0 lease 1
    0.0 funds 10000 + 0
    0.0 = buying
    0.0 allocated A=1000
    0.0 A target 9.998
    0.0 A #1 rest buy 9.998 @ 100
    0.1 A #1 new 0/9.998
    3.0 A #1 cancel repeg
    4.0 A #1 filled 9.998/9.998 @ 100
    4.0 A filled
    4.0 = closing
    5.0 reconciled, 0 differ
    5.0 success completed, 1 placed, 1 filled
    5.0 = finished
    "###);
}

/// S5, S6: under `liquidity` the last re-peg goes through the far touch by its own step, and only what does not fill
/// there is crossed.
#[test]
fn a_repeg_through_the_far_touch_comes_before_the_escalation() {
    assert_snapshot!(told("BUY A 1000", |s| {
        s.under(|policy| policy.kind = PolicyKind::Liquidity);
        s.run(13);
        s.fill_all();
        s.run(5);
    }), @r###"
     0.0 lease 1
     0.0 funds 10000 + 0
     0.0 = buying
     0.0 allocated A=1000
     0.0 A target 9.998
     0.0 A #1 rest buy 9.998 @ 100
     0.1 A #1 new 0/9.998
    10.7 A #1 cancel repeg
    10.8 A #1 canceled 0/9.998
    10.8 A #2 cross buy 9.998 @ 100.04
    10.9 A #2 new 0/9.998
    12.8 A #2 cancel cross_again
    12.9 A #2 canceled 0/9.998
    12.9 A #3 cross buy 9.998 @ 100.08
    13.0 A #3 new 0/9.998
    13.0 A #3 filled 9.998/9.998 @ 100.08
    13.0 A filled
    13.0 = closing
    14.0 reconciled, 0 differ
    14.0 success completed, 1 placed, 1 filled
    14.0 = finished
    "###);
}

/// T4: a fill reported after the cancel counts, and the next order is smaller by it.
#[test]
fn a_late_fill_after_a_cancel_counts() {
    assert_snapshot!(told("BUY A 1000", |s| {
        s.run(3);
        s.market("A", "100.01x500 100.03x500");
        s.turn();
        s.market("A", "");
        s.run(2);
        s.broker.orders[0].cumulative = crate::given::shares("3");
        s.broker.orders[0].average_price = s.broker.orders[0].limit;
        s.run(2);
        s.market("A", "100.01x500 100.03x500");
        s.run(2);
        s.fill_all();
        s.run(3);
    }), @r###"
     0.0 lease 1
     0.0 funds 10000 + 0
     0.0 = buying
     0.0 allocated A=1000
     0.0 A target 9.998
     0.0 A #1 rest buy 9.998 @ 100
     0.1 A #1 new 0/9.998
     3.0 A #1 cancel repeg
     3.0 A #1 canceled 0/9.998
     3.0 A waits QUOTE_MISSING
     5.0 A #1 canceled 3/9.998 @ 100
     7.0 A #2 rest buy 6.998 @ 100.01
     7.1 A #2 new 0/6.998
     9.0 A #2 filled 6.998/6.998 @ 100.01
     9.0 A filled
     9.0 = closing
    10.0 reconciled, 1 differ
    10.0 success completed, 1 placed, 1 filled
    10.0 = finished
    "###);
}

/// L1: filled without a price stays filled, and its price is read again.
#[test]
fn an_order_filled_without_a_price_is_read_again() {
    assert_snapshot!(told("BUY A 1000", |s| {
        s.broker.priced = false;
        s.post(Post::Fill);
        s.run(4);
        s.broker.priced = true;
        s.run(3);
    }), @r###"
    0.0 lease 1
    0.0 funds 10000 + 0
    0.0 = buying
    0.0 allocated A=1000
    0.0 A target 9.998
    0.0 A #1 rest buy 9.998 @ 100
    0.1 A #1 filled 9.998/9.998
    0.1 A filled
    0.1 = closing
    4.0 A #1 filled 9.998/9.998 @ 100
    4.0 reconciled, 0 differ
    4.0 success completed, 1 placed, 1 filled
    4.0 = finished
    "###);
}

/// S5, M3: what has not filled by the deadline crosses; a cross that does not fill crosses again.
#[test]
fn at_the_deadline_it_crosses_until_it_fills() {
    assert_snapshot!(told("BUY A 1000", |s| {
        s.run(121);
        s.run(2);
        s.fill("A", "5");
        s.run(1);
        s.fill_all();
        s.run(3);
    }), @r###"
      0.0 lease 1
      0.0 funds 10000 + 0
      0.0 = buying
      0.0 allocated A=1000
      0.0 A target 9.998
      0.0 A #1 rest buy 9.998 @ 100
      0.1 A #1 new 0/9.998
    113.7 A #1 cancel to_cross
    113.8 A #1 canceled 0/9.998
    113.8 A #2 cross buy 9.998 @ 100.08
    113.9 A #2 new 0/9.998
    115.8 A #2 cancel cross_again
    115.9 A #2 canceled 0/9.998
    115.9 A #3 cross buy 9.998 @ 100.08
    116.0 A #3 new 0/9.998
    117.9 A #3 cancel cross_again
    118.0 A #3 canceled 0/9.998
    118.0 A #4 cross buy 9.998 @ 100.08
    118.1 A #4 new 0/9.998
    120.0 A #4 cancel cross_again
    120.1 A #4 canceled 0/9.998
    120.1 A #5 cross buy 9.998 @ 100.08
    120.2 A #5 new 0/9.998
    122.1 A #5 cancel cross_again
    122.2 A #5 canceled 0/9.998
    122.2 A #6 cross buy 9.998 @ 100.08
    122.3 A #6 new 0/9.998
    123.0 A #6 partially_filled 5/9.998 @ 100.08
    124.0 A #6 filled 9.998/9.998 @ 100.08
    124.0 A filled
    124.0 = closing
    125.0 reconciled, 0 differ
    125.0 success completed, 1 placed, 1 filled
    125.0 = finished
    "###);
}

/// S1, S5: an urgent plan crosses at once.
#[test]
fn an_urgent_plan_crosses_at_once() {
    let mut draft = crate::given::draft("EXIT A 500");
    draft.urgency = "URGENT".to_owned();
    let plan =
        alchemiser_core::plan::Plan::new(draft, start(), jiff::SignedDuration::from_secs(900));
    let mut story = crate::story::Story::of(&plan.unwrap());
    story.post(Post::Fill);
    story.run(5);
    story.check();
    assert_snapshot!(story.trace(), @r###"
    0.0 lease 1
    0.0 funds 10000 + 0
    0.0 = selling
    0.0 A target 5
    0.0 A #1 cross sell 5 @ 99.95
    0.1 A #1 filled 5/5 @ 99.95
    0.1 A filled
    0.1 = closing
    1.1 reconciled, 0 differ
    1.1 success completed, 1 placed, 1 filled
    1.1 = finished
    "###);
}

/// M2, M3: a leg whose spread cannot be paid ends with its window: canceled, partially filled, the reason named.
#[test]
fn the_end_of_the_window_cancels_and_ends_partially_filled() {
    assert_snapshot!(told("BUY A 1000", |s| {
        s.market("A", "98.00x500 101.90x500");
        s.run(3);
        s.fill("A", "2");
        s.run(240);
    }), @"
      0.0 lease 1
      0.0 funds 10000 + 0
      0.0 = buying
      0.0 allocated A=1000
      0.0 A target 9.813542
      0.0 A #1 rest buy 9.813542 @ 98
      0.1 A #1 new 0/9.813542
      3.0 A #1 partially_filled 2/9.813542 @ 98
    109.0 A #1 cancel repeg
    109.1 A #1 canceled 2/9.813542 @ 98
    109.1 A #2 rest buy 7.813542 @ 98.35
    109.2 A #2 new 0/7.813542
    112.8 A #2 cancel repeg
    112.9 A #2 canceled 0/7.813542
    112.9 A #3 rest buy 7.813542 @ 99.59
    113.0 A #3 new 0/7.813542
    116.6 A #3 cancel repeg
    116.7 A #3 canceled 0/7.813542
    116.7 A #4 rest buy 7.813542 @ 99.95
    116.8 A #4 new 0/7.813542
    182.4 A #4 cancel window_over
    182.5 A #4 canceled 0/7.813542
    182.5 A partially_filled SPREAD
    182.5 = closing
    183.5 reconciled, 0 differ
    183.5 failure failed NO_LEG_FILLED, 1 placed, 0 filled
    183.5 = finished
    ");
}

/// S5: one leg has at most eight resting orders, then it waits for its time to cross.
#[test]
fn after_eight_orders_it_stays_where_it_is() {
    let trace = told("BUY A 1000", |s| {
        for step in 0..20 {
            s.market("A", &format!("100.{step:02}x500 100.{:02}x500", step + 3));
            s.run(5);
        }
    });
    assert_eq!(trace.matches(" rest buy ").count(), 8, "{trace}");
}

/// T1: a parent knows its orders, their prices and times, what is filled by each and in all, and what is left.
#[test]
fn a_parent_knows_its_chain() {
    told("BUY A 1000", |s| {
        s.run(3);
        s.fill("A", "4");
        s.market("A", "100.01x500 100.03x500");
        s.run(3);
        let leg = s.state.leg(&symbol("A")).unwrap();
        let prices: Vec<String> =
            leg.children.iter().map(|child| child.terms.limit.to_string()).collect();
        assert_eq!(
            (prices.join(" ").as_str(), leg.rested(), leg.next_attempt()),
            ("100 100.01", 2, 3)
        );
        assert_eq!(
            (leg.filled().to_string(), leg.leaves().to_string()),
            ("4".to_owned(), "5.998".to_owned())
        );
        assert_eq!(leg.average_price().unwrap().to_string(), "100");
        let each: Vec<String> =
            leg.children.iter().map(|child| child.cumulative.to_string()).collect();
        assert_eq!(each.join(" "), "4 0");
        let placed: Vec<i64> = leg
            .children
            .iter()
            .map(|child| child.intended_at.duration_since(start()).as_secs())
            .collect();
        assert_eq!((placed, leg.started_at), (vec![0, 3], Some(start())));
        let anchor = leg.arrival.unwrap().bid.price;
        assert_eq!((leg.used()[0], leg.used().len()), (anchor, 2));
    });
}

/// X14: the legs of a phase are worked in parallel, the first priority first.
#[test]
fn legs_are_worked_in_parallel() {
    assert_snapshot!(told("BUY A 1000 2; BUY B 500 1", |s| {
        s.run(2);
        s.fill_all();
        s.run(3);
    }), @r###"
    0.0 lease 1
    0.0 funds 10000 + 0
    0.0 = buying
    0.0 allocated A=1000 B=500
    0.0 B target 4.999
    0.0 B #1 rest buy 4.999 @ 100
    0.0 A target 9.998
    0.0 A #1 rest buy 9.998 @ 100
    0.1 A #1 new 0/9.998
    0.1 B #1 new 0/4.999
    2.0 A #1 filled 9.998/9.998 @ 100
    2.0 B #1 filled 4.999/4.999 @ 100
    2.0 B filled
    2.0 A filled
    2.0 = closing
    3.0 reconciled, 0 differ
    3.0 success completed, 2 placed, 2 filled
    3.0 = finished
    "###);
}

/// S5: a crossing order is at most three times what the far touch shows, or $2,500; the rest follows.
#[test]
fn a_crossing_order_is_capped() {
    let trace = told("BUY A 9000", |s| {
        s.market("A", "100.00x900 100.02x1");
        for _ in 0..6 {
            s.run(1);
            s.fill_all();
        }
    });
    assert!(trace.contains("A #1 cross buy 24.98001") && trace.contains("A filled"), "{trace}");
}

/// S5: a leg that has begun to cross goes on crossing, whatever the pressure.
#[test]
fn crossing_is_not_undone() {
    let trace = told("BUY A 1000", |s| {
        s.market("A", "100.00x900 100.02x100");
        s.run(1);
        s.market("A", "100.00x100 100.02x900");
        s.run(3);
    });
    assert!(trace.contains("A #2 cross buy") && !trace.contains(" rest "), "{trace}");
}

/// S5: a cancel for a cross binds nobody to cross: what the book says once the order is gone counts.
#[test]
fn a_book_that_turns_while_the_order_is_taken_back_is_rested_in_again() {
    let trace = told("BUY A 1000", |s| {
        s.run(3);
        s.broker.cancels = false;
        s.market("A", "100.00x900 100.02x100");
        s.run(1);
        s.broker.cancels = true;
        s.broker.carry_out();
        s.market("A", "100.00x500 100.02x500");
        s.run(3);
    });
    assert!(trace.contains("A #1 cancel to_cross"), "{trace}");
    assert!(trace.contains("A #2 rest buy") && !trace.contains(" cross buy"), "{trace}");
}

/// S5: a spread that has narrowed to one tick is paid once the plan has seen that it is usually wider.
#[test]
fn a_plan_learns_what_spread_is_usual() {
    let told_after = |seconds: i64| {
        told("BUY A 1000", |s| {
            s.market("A", "100.00x500 100.04x500");
            s.run(seconds);
            s.market("A", "100.00x500 100.01x500");
            s.run(2);
        })
    };
    let (early, late) = (told_after(1), told_after(20));
    assert!(!early.contains("cancel to_cross"), "{early}");
    assert!(late.contains("A #1 cancel to_cross") && late.contains("A #2 cross buy"), "{late}");
}

/// S5, X5: a leg's own time stands still while its quote cannot be used.
#[test]
fn a_legs_time_stands_still_without_a_quote() {
    let trace = told("BUY A 1000", |s| {
        s.run(20);
        s.market("A", "");
        s.run(40);
        s.market("A", "100.00x500 100.02x500");
        s.run(100);
    });
    assert!(trace.contains("153.0 A #1 cancel to_cross"), "{trace}");
}

/// X8: a plan that was left alone until its deadline had passed is stopped, and its order canceled.
#[test]
fn a_plan_found_after_its_deadline_is_stopped() {
    let trace = told("BUY A 1000", |s| {
        s.run(3);
        s.now = crate::given::after(s.now, 1_200_000);
        s.restart();
        s.run(20);
        assert!(s.state.is_finished());
    });
    assert!(
        trace.contains("stop DEADLINE_PASSED") && trace.contains("cancel plan_stopped"),
        "{trace}"
    );
}
