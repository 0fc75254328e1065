//! Stories of sells, their proceeds, and buys.

use alchemiser_core::side::Side;
use insta::assert_snapshot;

use crate::{
    broker::Post,
    given::{after, decimal, dollars, start, symbol},
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
    }), @r###"
     0.0 lease 1
     0.0 funds 500 + 0
     0.0 = selling
     0.0 A target 5
     0.0 A #1 rest sell 5 @ 100.02
     0.1 A #1 filled 5/5 @ 100.02
     0.1 A filled
     0.1 = proceeds
    10.0 funds 500 + 500.1
    10.0 = buying
    10.0 allocated B=900
    10.0 B target 8.9982
    10.0 B #1 rest buy 8.9982 @ 100
    10.1 B #1 new 0/8.9982
    12.0 B #1 filled 8.9982/8.9982 @ 100
    12.0 B filled
    12.0 = closing
    13.0 reconciled, 0 differ
    13.0 success completed, 2 placed, 2 filled
    13.0 = finished
    "###);
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
    }), @r###"
     0.0 lease 1
     0.0 funds 500 + 0
     0.0 = selling
     0.0 A target 5
     0.0 A #1 rest sell 5 @ 100.02
     0.1 A #1 filled 5/5 @ 100.02
     0.1 A filled
     0.1 = proceeds
    30.1 funds 500 + 0
    30.1 = buying
    30.1 allocated B=400 C=97.5
    30.1 B target 3.9992
    30.1 B #1 rest buy 3.9992 @ 100
    30.1 C target 0.974805 trimmed
    30.1 C #1 cross buy 0.974805 @ 100.08
    30.2 B #1 new 0/3.9992
    30.2 C #1 new 0/0.974805
    32.1 C #1 cancel cross_again
    32.2 C #1 canceled 0/0.974805
    32.2 C #2 cross buy 0.974805 @ 100.08
    32.3 C #2 new 0/0.974805
    33.0 B #1 filled 3.9992/3.9992 @ 100
    33.0 C #2 filled 0.974805/0.974805 @ 100.08
    33.0 B filled
    33.0 C partially_filled UNFUNDED
    33.0 = closing
    34.0 reconciled, 0 differ
    34.0 partial_success failed PARTIAL_EXECUTION, 3 placed, 2 filled
    34.0 = finished
    "###);
}

/// The money that was verified, as the trace tells it.
fn funds(items: &str, script: impl FnOnce(&mut crate::story::Story)) -> Vec<String> {
    let trace = told(items, script);
    trace.lines().filter(|line| line.contains("funds")).map(|line| line.trim().to_owned()).collect()
}

/// L4, X1: the proceeds of a sale settle on the next trading day, and pay for buys at once: the settled money stays as it
/// is, and the buys are funded.
#[test]
fn proceeds_that_have_not_settled_fund_the_buys() {
    let said = funds("EXIT A 5000; BUY B 5100", |s| {
        s.broker.cash = dollars("200");
        s.post(Post::Fill);
        s.post(Post::Fill);
        s.run(10);
        let settled = s.seen.account.as_ref().unwrap().0.non_marginable_buying_power;
        assert_eq!(settled.to_string(), "200");
        assert!(s.trace().contains("success completed, 2 placed, 2 filled"), "{}", s.trace());
    });
    assert_eq!(said, ["0.0 funds 200 + 0", "1.1 funds 200 + 5001"]);
}

/// L4, I6: what somebody else's open buy reserves is not spent; the proceeds count all the same.
#[test]
fn what_somebody_elses_buy_reserves_is_left_to_it() {
    let said = funds("EXIT A 500; BUY B 600", |s| {
        s.broker.cash = dollars("500");
        s.reserved = dollars("300");
        s.broker.foreign("Z", Side::Buy, after(start(), -1_000));
        s.post(Post::Fill);
        s.run(10);
    });
    assert_eq!(said, ["0.0 funds 200 + 0", "1.1 funds 200 + 500.1"]);
}

/// L4, I6: a buy of somebody else's that comes while the plan sells may reserve what the proceeds would be: then they do
/// not count, as nothing says how much of them is left.
#[test]
fn a_buy_of_somebody_else_in_between_is_given_way() {
    let said = funds("EXIT A 500; BUY B 600", |s| {
        s.broker.cash = dollars("500");
        s.post(Post::Fill);
        s.turn();
        (s.now, s.reserved) = (after(s.now, 50), dollars("300"));
        s.broker.foreign("Z", Side::Buy, s.now);
        s.run(40);
    });
    assert_eq!(said, ["0.0 funds 500 + 0", "30.0 funds 500 + 0"]);
}

/// X14: a plan without sells goes straight to its buys.
#[test]
fn a_plan_without_sells_skips_the_settlement() {
    let trace = told("BUY A 1000", |s| s.run(1));
    assert!(
        !trace.contains("selling") && !trace.contains("proceeds") && trace.contains("= buying"),
        "{trace}"
    );
}

/// X1: a buy for which no money is left is skipped and named.
#[test]
fn a_buy_without_money_is_skipped() {
    assert_snapshot!(told("BUY A 900 1; BUY B 500 2", |s| {
        s.broker.cash = dollars("900");
        s.post(Post::Fill);
        s.run(5);
    }), @r###"
    0.0 lease 1
    0.0 funds 900 + 0
    0.0 = buying
    0.0 allocated A=895.5 B=0
    0.0 B skipped UNFUNDED
    0.0 A target 8.953209
    0.0 A #1 rest buy 8.953209 @ 100
    0.1 A #1 filled 8.953209/8.953209 @ 100
    0.1 A filled
    0.1 = closing
    1.1 reconciled, 0 differ
    1.1 partial_success failed PARTIAL_EXECUTION, 1 placed, 1 filled
    1.1 = finished
    "###);
}

/// L7: negative cash buys nothing.
#[test]
fn negative_cash_buys_nothing() {
    assert_snapshot!(told("BUY A 900", |s| {
        s.broker.cash = dollars("-50");
        s.run(5);
    }), @"
    0.0 lease 1
    0.0 funds -50 + 0
    0.0 = buying
    0.0 allocated A=0
    0.0 A skipped UNFUNDED
    0.0 = closing
    0.0 failure failed NO_LEG_FILLED, 0 placed, 0 filled
    0.0 = finished
    ");
}

/// X1: when too many of the sells fail, nothing is bought.
#[test]
fn failed_sells_stop_the_buys() {
    assert_snapshot!(told("EXIT A 5000; BUY B 900", |s| {
        s.market("A", "");
        s.run(40);
        assert_eq!(s.broker.posts, 0);
    }), @r###"
     0.0 lease 1
     0.0 funds 10000 + 0
     0.0 = selling
     0.0 A waits QUOTE_MISSING
    31.0 A refused NO_QUOTE
    31.0 B skipped SELLS_INCOMPLETE
    31.0 = closing
    31.0 failure failed SELLS_INCOMPLETE, 0 placed, 0 filled
    31.0 = finished
    "###);
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
        s.under(|policy| policy.shortfall_max = decimal("0.05"));
        s.broker.cash = dollars("1000");
        s.run(3);
        s.market("A", "103.00x500 103.02x500");
        s.run(3);
        s.fill_all();
        s.run(3);
    }), @"
    0.0 lease 1
    0.0 funds 1000 + 0
    0.0 = buying
    0.0 allocated A=995
    0.0 A target 9.94801
    0.0 A #1 rest buy 9.94801 @ 100
    0.1 A #1 new 0/9.94801
    3.0 A #1 cancel repeg
    3.1 A #1 canceled 0/9.94801
    3.1 A target 9.660194 trimmed
    3.1 A #2 rest buy 9.660194 @ 103
    3.2 A #2 new 0/9.660194
    6.0 A #2 filled 9.660194/9.660194 @ 103
    6.0 A partially_filled UNFUNDED
    6.0 = closing
    7.0 reconciled, 0 differ
    7.0 failure failed NO_LEG_FILLED, 1 placed, 0 filled
    7.0 = finished
    ");
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

/// L1, L4: proceeds are not counted before the sells' prices are known.
#[test]
fn buys_wait_for_the_prices_of_the_sells() {
    told("EXIT A 500; BUY B 900", |s| {
        s.broker.priced = false;
        s.post(Post::Fill);
        s.run(5);
        assert_eq!(s.broker.posts, 1);
        s.broker.priced = true;
        s.run(2);
        assert_eq!(s.broker.posts, 2);
    });
}
