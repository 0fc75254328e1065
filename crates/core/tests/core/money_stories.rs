//! Stories of sells, their proceeds, and buys.

use insta::assert_snapshot;

use crate::{
    broker::Post,
    given::{dollars, symbol},
    story::told,
};

/// X1, L4: sells, then the proceeds in the account, then buys.
#[test]
fn buys_wait_for_the_proceeds_of_the_sells() {
    assert_snapshot!(told("EXIT A 500; BUY B 900", |s| {
        s.broker.cash = dollars("500");
        s.broker.credits = false;
        s.post(Post::Fill);
        s.run(10);
        assert_eq!(s.broker.posts, 1);
        s.broker.credits = true;
        s.run(2);
        s.fill_all();
        s.run(3);
    }), @"");
}

/// L4, S9: at the bound the buys go on with what the account shows.
#[test]
fn the_wait_for_the_proceeds_has_a_bound() {
    assert_snapshot!(told("EXIT A 500; BUY B 400 1; BUY C 500 2", |s| {
        s.broker.cash = dollars("500");
        s.broker.credits = false;
        s.post(Post::Fill);
        s.run(33);
        s.fill_all();
        s.run(5);
    }), @"");
}

/// X14: a plan without sells goes straight to its buys.
#[test]
fn a_plan_without_sells_skips_the_settlement() {
    let trace = told("BUY A 1000", |s| s.run(1));
    assert!(!trace.contains("selling") && !trace.contains("proceeds") && trace.contains("= buying"), "{trace}");
}

/// X1: a buy for which no money is left is skipped and named.
#[test]
fn a_buy_without_money_is_skipped() {
    assert_snapshot!(told("BUY A 900 1; BUY B 500 2", |s| {
        s.broker.cash = dollars("900");
        s.post(Post::Fill);
        s.run(5);
    }), @"");
}

/// L7: negative cash buys nothing.
#[test]
fn negative_cash_buys_nothing() {
    assert_snapshot!(told("BUY A 900", |s| {
        s.broker.cash = dollars("-50");
        s.run(5);
    }), @"");
}

/// X1: when too many of the sells fail, nothing is bought.
#[test]
fn failed_sells_stop_the_buys() {
    assert_snapshot!(told("EXIT A 5000; BUY B 900", |s| {
        s.market("A", "");
        s.run(40);
        assert_eq!(s.broker.posts, 0);
    }), @"");
}

/// X1: a small failed sell does not keep the others from being replaced.
#[test]
fn a_small_failed_sell_does_not_stop_the_buys() {
    let trace = told("EXIT A 400; EXIT C 5000; BUY B 900", |s| {
        s.market("A", "");
        s.post(Post::Fill);
        s.post(Post::Fill);
        s.run(40);
    });
    assert!(trace.contains("A refused NO_QUOTE") && trace.contains("B filled"), "{trace}");
}

/// I6: while a sell of ours may still be open, nothing is bought.
#[test]
fn no_buy_leaves_while_a_sell_may_still_be_open() {
    told("EXIT A 400; BUY B 900", |s| {
        s.market("A", "98.00x500 101.90x500");
        s.broker.cancels = false;
        s.run(178);
        s.run(120);
        let bought = s.state.leg(&symbol("B")).unwrap().children.len();
        assert_eq!(bought, 0, "{}", s.trace());
    });
}

/// I6: buys never take more than the budget, and a buy never more than 2 % above its amount.
#[test]
fn a_rising_market_trims_the_buy() {
    assert_snapshot!(told("BUY A 1000", |s| {
        s.broker.cash = dollars("1000");
        s.run(3);
        s.market("A", "103.00x500 103.02x500");
        s.run(3);
        s.fill_all();
        s.run(3);
    }), @"");
}

/// X11: positions that are not what they should be are reported.
#[test]
fn positions_are_compared_at_the_end() {
    let trace = told("BUY A 1000", |s| {
        s.post(Post::Fill);
        s.turn();
        s.broker.held.insert(symbol("A"), crate::given::shares("99"));
        s.run(3);
    });
    assert!(trace.contains("reconciled, 1 differ"), "{trace}");
}
