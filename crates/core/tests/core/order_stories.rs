//! Stories of one order after another.

use insta::assert_snapshot;

use crate::{broker::Post, given::symbol, story::told};

/// S1, H1: validate, quote, price, control, intent, submit, track: an order rests and is filled.
#[test]
fn an_order_rests_and_fills() {
    assert_snapshot!(told("BUY A 1000", |s| {
        s.run(3);
        s.fill("A", "9");
        s.run(2);
        s.fill_all();
        s.run(5);
    }), @"");
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
    }), @"");
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
    }), @"");
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
    }), @"");
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
    }), @"");
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
    }), @"");
}

/// S1, S5: an urgent plan crosses at once.
#[test]
fn an_urgent_plan_crosses_at_once() {
    let mut draft = crate::given::draft("EXIT A 500");
    draft.urgency = "URGENT".to_owned();
    let plan = alchemiser_core::plan::Plan::new(draft, crate::given::start(), jiff::SignedDuration::from_secs(900));
    let mut story = crate::story::Story::of(plan.unwrap());
    story.post(Post::Fill);
    story.run(5);
    story.check();
    assert_snapshot!(story.trace(), @"");
}

/// M2, M3: a leg whose spread cannot be paid ends with its window: canceled, partially filled, the reason named.
#[test]
fn the_end_of_the_window_cancels_and_ends_partially_filled() {
    assert_snapshot!(told("BUY A 1000", |s| {
        s.market("A", "98.00x500 101.90x500");
        s.run(3);
        s.fill("A", "2");
        s.run(240);
    }), @"");
}

/// S6, S9: a cancel that is never confirmed is asked for again, never counted as gone, and ends as an open order.
#[test]
fn an_unconfirmed_cancel_ends_as_an_open_order() {
    assert_snapshot!(told("BUY A 1000", |s| {
        s.market("A", "98.00x500 101.90x500");
        s.broker.cancels = false;
        s.run(178);
        s.run(60);
        assert!(s.broker.posts == 1);
    }), @"");
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

/// T1: a parent knows its orders, their prices and what is left.
#[test]
fn a_parent_knows_its_chain() {
    told("BUY A 1000", |s| {
        s.run(3);
        s.fill("A", "4");
        s.market("A", "100.01x500 100.03x500");
        s.run(3);
        let leg = s.state.leg(&symbol("A")).unwrap();
        let prices: Vec<String> = leg.children.iter().map(|child| child.terms.limit.to_string()).collect();
        assert_eq!((prices.join(" ").as_str(), leg.rested(), leg.next_attempt()), ("100 100.01", 2, 3));
        assert_eq!((leg.filled().to_string(), leg.leaves().to_string()), ("4".to_owned(), "5.998".to_owned()));
        assert_eq!(leg.average_price().unwrap().to_string(), "100");
    });
}

/// X14: the legs of a phase are worked in parallel, the first priority first.
#[test]
fn legs_are_worked_in_parallel() {
    assert_snapshot!(told("BUY A 1000 2; BUY B 500 1", |s| {
        s.run(2);
        s.fill_all();
        s.run(3);
    }), @"");
}
