//! Stories of shares that come in wholes, and prices that come in steps.

use alchemiser_core::{fact::RefusalKind, leg::LegOutcome, policy::PolicyKind};
use insta::assert_snapshot;

use crate::{
    broker::Post,
    given::{dollars, symbol},
    story::told,
};

/// X15: a leg of most of the account is traded in orders of at most a quarter of it, one after the other, whether they
/// rest or cross; a part of a share is none where whole ones are traded.
#[test]
fn a_leg_of_most_of_the_account_is_traded_in_parts() {
    let parts = |market: &str, fractionable: bool| {
        let mut sent = Vec::new();
        told("BUY A 9000", |s| {
            s.account.equity = dollars("10000");
            s.fractionable = fractionable;
            s.market("A", market);
            for _ in 0..4 {
                s.post(Post::Fill);
            }
            s.run(10);
            let leg = s.state.leg(&symbol("A")).unwrap();
            assert_eq!(leg.outcome, Some(LegOutcome::Filled), "{}", s.trace());
            sent = leg.children.iter().map(|child| child.terms.quantity.to_string()).collect();
        });
        sent.join(" ")
    };
    assert_eq!(parts("100.00x500 100.02x500", true), "25 25 25 14.982003");
    assert_eq!(parts("100.00x900 100.02x100", true), "24.980015 24.980015 24.980015 15.041958");
    assert_eq!(parts("100.00x900 100.02x100", false), "24 24 24 17");
}

/// X15: where not even a share is within an order's cap, the control refuses the leg.
#[test]
fn a_share_beyond_an_orders_cap_is_refused() {
    let trace = told("BUY A 9000", |s| {
        (s.account.equity, s.fractionable) = (dollars("10000"), false);
        s.market("A", "4000.00x500 4000.02x500");
        s.run(3);
    });
    assert!(trace.contains("A refused CONTROL_ORDER_NOTIONAL"), "{trace}");
}

/// L2: the whole shares first, then the fraction once, as an order of its own.
#[test]
fn the_residue_is_sold_after_the_whole_shares() {
    assert_snapshot!(told("EXIT A 340", |s| {
        s.fractionable = false;
        s.post(Post::Fill);
        s.post(Post::Fill);
        s.run(5);
    }), @"
    0.0 lease 1
    0.0 funds 10000 + 0
    0.0 = selling
    0.0 A target 3.4
    0.0 A #1 rest sell 3 @ 100.02
    0.1 A #1 filled 3/3 @ 100.02
    0.1 A #2 cross sell 0.4 @ 99.95
    0.2 A #2 filled 0.4/0.4 @ 99.95
    0.2 A filled
    0.2 = closing
    1.2 reconciled, 0 differ
    1.2 success completed, 1 placed, 1 filled
    1.2 = finished
    ");
}

/// L2, X7: a broker that does not take the fraction leaves a residue, which is not a failure.
#[test]
fn a_residue_that_is_refused_stays() {
    assert_snapshot!(told("EXIT A 340", |s| {
        s.fractionable = false;
        s.post(Post::Fill);
        s.post(Post::Refuse(RefusalKind::NotFractionable));
        s.run(5);
    }), @"
    0.0 lease 1
    0.0 funds 10000 + 0
    0.0 = selling
    0.0 A target 3.4
    0.0 A #1 rest sell 3 @ 100.02
    0.1 A #1 filled 3/3 @ 100.02
    0.1 A #2 cross sell 0.4 @ 99.95
    0.2 A #2 refused NotFractionable
    0.2 A residue
    0.2 = closing
    1.2 reconciled, 0 differ
    1.2 success completed, 1 placed, 1 filled
    1.2 = finished
    ");
}

/// L2: a holding that is nothing but a fraction is tried once, too.
#[test]
fn a_holding_below_one_share_is_tried_once() {
    assert_snapshot!(told("EXIT A 30", |s| {
        s.fractionable = false;
        s.post(Post::Refuse(RefusalKind::Other));
        s.run(5);
        assert_eq!(s.broker.posts, 1);
    }), @"
    0.0 lease 1
    0.0 funds 10000 + 0
    0.0 = selling
    0.0 A target 0.3
    0.0 A #1 cross sell 0.3 @ 99.95
    0.1 A #1 refused Other
    0.1 A residue
    0.1 = closing
    1.1 reconciled, 0 differ
    1.1 success completed, 0 placed, 0 filled
    1.1 = finished
    ");
}

/// L2: a residue that nobody takes is canceled and not tried again.
#[test]
fn a_residue_that_does_not_fill_is_not_tried_again() {
    let trace = told("EXIT A 30", |s| {
        s.fractionable = false;
        s.run(10);
        assert_eq!(s.broker.posts, 1);
    });
    assert!(trace.contains("A residue") && trace.contains("success completed"), "{trace}");
}

/// L2: residues that are refused say nothing about the broker: the breaker does not count them.
#[test]
fn refused_residues_do_not_trip_the_breaker() {
    let trace = told("EXIT A 30; EXIT B 30; EXIT C 30; EXIT D 30; EXIT E 30; EXIT F 30", |s| {
        s.fractionable = false;
        for _ in 0..6 {
            s.post(Post::Refuse(RefusalKind::NotFractionable));
        }
        s.run(5);
    });
    assert!(trace.contains("success completed"), "{trace}");
}

/// S10, L6: a half-cent price that the broker refuses is not tried twice: whole cents for the rest of the day.
#[test]
fn a_refused_half_cent_price_makes_it_whole_cents() {
    assert_snapshot!(told("BUY A 1000", |s| {
        s.under(|policy| policy.half_cent_symbols = vec![symbol("A")]);
        s.market("A", "100.005x500 100.02x500");
        s.post(Post::Refuse(RefusalKind::SubPenny));
        s.run(3);
        s.fill_all();
        s.run(3);
        assert_eq!(s.state.cent_symbols(), [symbol("A")]);
    }), @"
    0.0 lease 1
    0.0 funds 10000 + 0
    0.0 = buying
    0.0 allocated A=1000
    0.0 A target 9.998
    0.0 A #1 rest buy 9.998 @ 100.005
    0.1 A #1 refused SubPenny
    0.1 A #2 rest buy 9.998 @ 100
    0.2 A #2 new 0/9.998
    3.0 A #2 filled 9.998/9.998 @ 100
    3.0 A filled
    3.0 = closing
    4.0 reconciled, 0 differ
    4.0 success completed, 1 placed, 1 filled
    4.0 = finished
    ");
}

/// S10: a symbol whose half-cent prices were refused earlier in the day starts with whole cents.
#[test]
fn half_cents_refused_earlier_in_the_day_are_not_tried_again() {
    let trace = told("BUY A 1000", |s| {
        s.under(|policy| policy.half_cent_symbols = vec![symbol("A")]);
        s.day(|day| day.cent_symbols = vec![symbol("A")]);
        s.market("A", "100.005x500 100.02x500");
        s.run(1);
    });
    assert!(trace.contains("A #1 rest buy 9.998 @ 100\n"), "{trace}");
}

/// S10: a sub-penny refusal of a whole-cent price is a refusal like any other.
#[test]
fn a_sub_penny_refusal_of_a_whole_cent_price_ends_the_leg() {
    let trace = told("BUY A 1000", |s| {
        s.under(|policy| policy.half_cent_symbols = vec![symbol("A")]);
        s.post(Post::Refuse(RefusalKind::SubPenny));
        s.run(3);
        assert_eq!(s.broker.posts, 1);
        assert_eq!(s.state.refused_at.len(), 1);
    });
    assert!(trace.contains("A unfilled REJECTED"), "{trace}");
}

/// S1, S6: where the policy allows it, the third cross is a market order for the remainder.
#[test]
fn the_last_escalation_may_be_a_market_order() {
    assert_snapshot!(told("BUY A 1000", |s| {
        s.under(|policy| {
            policy.allow_market = true;
            policy.kind = PolicyKind::Cross;
        });
        s.run(1);
        s.fill("A", "4");
        s.run(6);
        s.fill_all();
        s.run(3);
    }), @"
    0.0 lease 1
    0.0 funds 10000 + 0
    0.0 = buying
    0.0 allocated A=1000
    0.0 A target 9.998
    0.0 A #1 cross buy 9.998 @ 100.08
    0.1 A #1 new 0/9.998
    1.0 A #1 partially_filled 4/9.998 @ 100.08
    2.0 A #1 cancel cross_again
    2.1 A #1 canceled 4/9.998 @ 100.08
    2.1 A #2 cross buy 5.998 @ 100.08
    2.2 A #2 new 0/5.998
    4.1 A #2 cancel cross_again
    4.2 A #2 canceled 0/5.998
    4.2 A #3 market buy 5.998 @ 100.08
    4.3 A #3 new 0/5.998
    6.2 A #3 cancel cross_again
    6.3 A #3 canceled 0/5.998
    6.3 A #4 market buy 5.998 @ 100.08
    6.4 A #4 new 0/5.998
    7.0 A #4 filled 5.998/5.998 @ 100.08
    7.0 A filled
    7.0 = closing
    8.0 reconciled, 0 differ
    8.0 success completed, 1 placed, 1 filled
    8.0 = finished
    ");
}

/// S4: a market that is locked before the first order is taken at its price, without a spread to pay; when it unlocks
/// first, the leg rests as ever.
#[test]
fn a_locked_market_is_taken_and_binds_to_nothing() {
    assert_snapshot!(told("BUY A 1000", |s| {
        s.market("A", "100.01x500 100.01x500");
        s.run(1);
        s.market("A", "100.00x500 100.02x500");
        s.run(3);
        s.fill_all();
        s.run(3);
    }), @"
    0.0 lease 1
    0.0 funds 10000 + 0
    0.0 = buying
    0.0 allocated A=1000
    0.0 A target 9.999
    0.0 A #1 cross buy 9.999 @ 100.01
    0.1 A #1 new 0/9.999
    2.0 A #1 cancel cross_again
    2.1 A #1 canceled 0/9.999
    2.1 A #2 rest buy 9.999 @ 100
    2.2 A #2 new 0/9.999
    4.0 A #2 filled 9.999/9.999 @ 100
    4.0 A filled
    4.0 = closing
    5.0 reconciled, 0 differ
    5.0 success completed, 1 placed, 1 filled
    5.0 = finished
    ");
}

/// X15: a symbol on the no-trade list is refused before anything trades; the other legs are not held up.
#[test]
fn a_symbol_on_the_no_trade_list_is_refused() {
    let trace = told("BUY A 1000; BUY B 500", |s| {
        s.under(|policy| policy.no_trade_symbols = vec![symbol("A")]);
        s.post(Post::Fill);
        s.run(3);
        assert_eq!(s.broker.posts, 1);
    });
    assert!(trace.contains("A refused NOT_TRADABLE") && trace.contains("B filled"), "{trace}");
}
