//! Stories of the switch that stops trading, and of the day's caps.

use alchemiser_core::{
    account::{Halt, Usage},
    fact::RefusalKind,
    policy::PolicyKind,
    quote::Feed,
    reading::TradeMode,
    report::BrokerStatus,
    side::Side,
    throttle::Tokens,
};
use insta::assert_snapshot;

use crate::{
    broker::Post,
    given::{dollars, symbol},
    story::{Story, told},
};

fn halt(story: &mut Story) {
    story.halt = Some(Halt::new("ops", "a drill", story.now));
}

/// S9, I10: a halt in the middle cancels what is open and ends the plan; what was filled stays filled.
#[test]
fn a_halt_in_the_middle_cancels_and_ends_the_plan() {
    assert_snapshot!(told("BUY A 1000; BUY B 500", |s| {
        s.run(2);
        s.fill("A", "4");
        s.run(1);
        halt(s);
        s.run(10);
    }), @"
    0.0 lease 1
    0.0 funds 10000 + 0
    0.0 = buying
    0.0 allocated A=1000 B=500
    0.0 A target 9.998
    0.0 A #1 rest buy 9.998 @ 100
    0.0 B target 4.999
    0.0 B #1 rest buy 4.999 @ 100
    0.1 A #1 new 0/9.998
    0.1 B #1 new 0/4.999
    2.0 A #1 partially_filled 4/9.998 @ 100
    3.0 halt: ops: a drill
    3.0 stop HALTED
    3.0 A #1 cancel plan_stopped
    3.0 B #1 cancel plan_stopped
    3.1 A #1 canceled 4/9.998 @ 100
    3.1 B #1 canceled 0/4.999
    3.1 A partially_filled HALTED
    3.1 B unfilled HALTED
    3.1 = closing
    4.1 reconciled, 0 differ
    4.1 failure failed HALTED, 2 placed, 0 filled
    4.1 = finished
    ");
}

/// I10: a halted account trades nothing at all.
#[test]
fn a_halted_account_trades_nothing() {
    assert_snapshot!(told("EXIT A 500; BUY B 900", |s| {
        halt(s);
        s.run(5);
        assert_eq!(s.broker.posts, 0);
    }), @"
    0.0 lease 1
    0.0 halt: ops: a drill
    0.0 stop HALTED
    0.0 A refused HALTED
    0.0 B refused HALTED
    0.0 = closing
    0.0 failure failed HALTED, 0 placed, 0 filled
    0.0 = finished
    ");
}

fn cancel(story: &mut Story) {
    story.canceled = Some(Halt::new("ops", "the wrong file", story.now));
}

/// I10: a plan that is canceled in the middle ends as one whose account is halted, under a code of its own; the account
/// is not halted.
#[test]
fn a_canceled_plan_cancels_what_is_open_and_ends() {
    assert_snapshot!(told("EXIT A 500; BUY B 900", |s| {
        s.run(2);
        s.fill("A", "1");
        s.run(1);
        cancel(s);
        s.run(10);
        assert_eq!((&s.halt, s.state.stopped_by()), (&None, s.canceled.as_ref()));
        assert_eq!(s.broker.posts, 1);
    }), @"
    0.0 lease 1
    0.0 funds 10000 + 0
    0.0 = selling
    0.0 A target 5
    0.0 A #1 rest sell 5 @ 100.02
    0.1 A #1 new 0/5
    2.0 A #1 partially_filled 1/5 @ 100.02
    3.0 canceled: ops: the wrong file
    3.0 stop CANCELED
    3.0 B refused CANCELED
    3.0 A #1 cancel plan_stopped
    3.1 A #1 canceled 1/5 @ 100.02
    3.1 A partially_filled CANCELED
    3.1 = closing
    4.1 reconciled, 0 differ
    4.1 failure failed CANCELED, 1 placed, 0 filled
    4.1 = finished
    ");
}

/// I10: a plan that is canceled before its first order trades nothing, whatever the market is like.
#[test]
fn a_plan_canceled_before_it_begins_trades_nothing() {
    let trace = told("EXIT A 500; BUY B 900", |s| {
        cancel(s);
        s.closes_at = s.now;
        s.run(5);
        assert_eq!(s.broker.posts, 0);
    });
    assert!(trace.contains("stop CANCELED") && trace.contains("A refused CANCELED"), "{trace}");
    assert!(trace.ends_with("= finished"), "{trace}");
}

/// A cancellation during a halt is the plan's own end: whoever looks finds the person who meant this plan.
#[test]
fn a_cancellation_says_more_than_a_halt() {
    let trace = told("BUY B 900", |s| {
        halt(s);
        cancel(s);
        s.run(5);
    });
    assert!(trace.contains("stop CANCELED") && trace.contains("halt: ops: a drill"), "{trace}");
}

/// I10: the cancels of a halt do not wait for the message budget.
#[test]
fn a_halt_does_not_wait_for_the_budget() {
    let trace = told("BUY A 1000", |s| {
        s.run(2);
        s.seen.tokens = Tokens::empty(s.now);
        halt(s);
        s.turn();
    });
    assert!(trace.ends_with("A #1 cancel plan_stopped"), "{trace}");
}

/// S9, I10: while the switch cannot be read, no order leaves and none is canceled; read again, the leg goes on.
#[test]
fn an_unreadable_switch_sends_and_cancels_nothing() {
    assert_snapshot!(told("BUY A 1000; BUY B 500", |s| {
        s.market("B", "");
        s.run(2);
        s.halt_is_readable = false;
        s.run(2);
        s.market("A", "100.01x500 100.02x500");
        s.market("B", "100.00x500 100.02x500");
        s.run(12);
        assert_eq!((s.broker.posts, s.broker.cancel_calls), (1, 0), "{}", s.trace());
        s.halt_is_readable = true;
        s.run(3);
        s.fill_all();
        s.run(3);
    }), @"
     0.0 lease 1
     0.0 funds 10000 + 0
     0.0 = buying
     0.0 allocated A=1000 B=500
     0.0 A target 9.998
     0.0 A #1 rest buy 9.998 @ 100
     0.0 B waits QUOTE_MISSING
     0.1 A #1 new 0/9.998
     4.0 A waits READING
     4.0 B target 4.999
     4.0 B waits READING
    16.0 A #1 cancel repeg
    16.0 B #1 rest buy 4.999 @ 100
    16.1 A #1 canceled 0/9.998
    16.1 B #1 new 0/4.999
    16.1 A #2 rest buy 9.998 @ 100.01
    16.2 A #2 new 0/9.998
    19.0 A #2 filled 9.998/9.998 @ 100.01
    19.0 B #1 filled 4.999/4.999 @ 100
    19.0 A filled
    19.0 B filled
    19.0 = closing
    20.0 reconciled, 0 differ
    20.0 success completed, 2 placed, 2 filled
    20.0 = finished
    ");
}

/// S9: a switch that was never readable refuses the plan at its bound.
#[test]
fn a_plan_whose_switch_is_never_readable_is_refused() {
    assert_snapshot!(told("BUY A 1000", |s| {
        s.halt_is_readable = false;
        s.run(40);
        assert_eq!(s.broker.posts, 0);
    }), @"
     0.0 lease 1
    31.0 stop PREFLIGHT_UNREADABLE
    31.0 A refused PREFLIGHT_UNREADABLE
    31.0 = closing
    31.0 failure failed PREFLIGHT_UNREADABLE, 0 placed, 0 filled
    31.0 = finished
    ");
}

/// L9: five refusals within a minute halt the account, not only the plan, and the plan says so before it ends.
#[test]
fn the_reject_breaker_halts_the_account() {
    assert_snapshot!(told("BUY A 100; BUY B 100; BUY C 100; BUY D 100; BUY E 100; BUY F 100", |s| {
        for _ in 0..5 {
            s.post(Post::Refuse(RefusalKind::Other));
        }
        s.run(5);
        assert!(s.halt.is_some());
    }), @"
    0.0 lease 1
    0.0 funds 10000 + 0
    0.0 = buying
    0.0 allocated A=100 B=100 C=100 D=100 E=100 F=100
    0.0 A target 0.9998
    0.0 A #1 cross buy 0.9998 @ 100.08
    0.0 B target 0.9998
    0.0 B #1 cross buy 0.9998 @ 100.08
    0.0 C target 0.9998
    0.0 C #1 cross buy 0.9998 @ 100.08
    0.0 D target 0.9998
    0.0 D #1 cross buy 0.9998 @ 100.08
    0.0 E target 0.9998
    0.0 E #1 cross buy 0.9998 @ 100.08
    0.0 F target 0.9998
    0.0 F #1 cross buy 0.9998 @ 100.08
    0.1 A #1 refused Other
    0.1 B #1 refused Other
    0.1 C #1 refused Other
    0.1 D #1 refused Other
    0.1 E #1 refused Other
    0.1 F #1 new 0/0.9998
    0.1 stop REJECT_BREAKER
    0.1 A refused REJECT_BREAKER
    0.1 B refused REJECT_BREAKER
    0.1 C refused REJECT_BREAKER
    0.1 D refused REJECT_BREAKER
    0.1 E refused REJECT_BREAKER
    0.1 F #1 cancel plan_stopped
    0.2 F #1 canceled 0/0.9998
    0.2 halt: plan: REJECT_BREAKER
    0.2 F unfilled REJECT_BREAKER
    0.2 = closing
    1.2 reconciled, 0 differ
    1.2 failure failed REJECT_BREAKER, 1 placed, 0 filled
    1.2 = finished
    ");
}

/// L10, I11: fills that cost too much against arrival halt the account; nothing is crossed any more.
#[test]
fn a_shortfall_beyond_its_bound_halts_the_account() {
    assert_snapshot!(told("BUY A 1000; BUY B 1000", |s| {
        s.run(1);
        s.market("A", "103.00x500 103.02x500");
        s.market("B", "101.10x500 101.12x500");
        s.run(4);
        s.fill_all();
        s.run(5);
    }), @"
    0.0 lease 1
    0.0 funds 10000 + 0
    0.0 = buying
    0.0 allocated A=1000 B=1000
    0.0 A target 9.998
    0.0 A #1 rest buy 9.998 @ 100
    0.0 B target 9.998
    0.0 B #1 rest buy 9.998 @ 100
    0.1 A #1 new 0/9.998
    0.1 B #1 new 0/9.998
    1.0 A #1 cancel repeg
    1.0 B #1 cancel repeg
    1.1 A #1 canceled 0/9.998
    1.1 B #1 canceled 0/9.998
    1.1 A target 9.902912
    1.1 A #2 rest buy 9.902912 @ 103
    1.1 B #2 rest buy 9.998 @ 101.1
    1.2 A #2 new 0/9.902912
    1.2 B #2 new 0/9.998
    5.0 A #2 filled 9.902912/9.902912 @ 103
    5.0 B #2 filled 9.998/9.998 @ 101.1
    5.0 stop SHORTFALL_TOO_HIGH
    5.0 A filled
    5.0 B filled
    5.0 = closing
    6.0 halt: plan: SHORTFALL_TOO_HIGH
    6.0 reconciled, 0 differ
    6.0 success failed SHORTFALL_TOO_HIGH, 2 placed, 2 filled
    6.0 = finished
    ");
}

/// L9, I12: a plan that the day has no room for sends nothing.
#[test]
fn a_day_without_room_refuses_the_plan() {
    let check = |dollars_before: &str, orders: u32, expected: &str| {
        let trace = told("EXIT A 500; BUY B 900", |s| {
            s.day(|day| day.before = Usage { notional: dollars(dollars_before), orders });
            s.run(1);
        });
        assert!(trace.contains(expected), "{trace}");
    };
    check("298600", 0, "A #1");
    check("298600.01", 0, "stop DAILY_CAP");
    check("0", 498, "A #1");
    check("0", 499, "stop DAILY_CAP");
}

/// I12: the order that would exceed the day's count is not sent.
#[test]
fn the_order_beyond_the_days_count_is_not_sent() {
    assert_snapshot!(told("BUY A 1000", |s| {
        s.day(|day| day.before.orders = 499);
        s.run(1);
        s.market("A", "100.01x500 100.02x500");
        s.run(3);
    }), @"
    0.0 lease 1
    0.0 funds 10000 + 0
    0.0 = buying
    0.0 allocated A=1000
    0.0 A target 9.998
    0.0 A #1 rest buy 9.998 @ 100
    0.1 A #1 new 0/9.998
    1.0 A #1 cancel repeg
    1.1 A #1 canceled 0/9.998
    1.1 A refused CONTROL_DAILY_ORDERS
    1.1 = closing
    2.1 reconciled, 0 differ
    2.1 failure failed NO_LEG_FILLED, 1 placed, 0 filled
    2.1 = finished
    ");
}

/// X15: orders that would go elsewhere than configured are not sent.
#[test]
fn an_account_of_another_mode_stops_the_plan() {
    let check = |edit: fn(&mut Story), expected: &str| {
        let trace = told("BUY A 1000", |s| {
            edit(s);
            s.run(1);
        });
        assert!(trace.contains(expected), "{trace}");
    };
    check(|s| s.account.mode = TradeMode::Live, "stop MODE_DIFFERS");
    check(|s| s.account.mode = TradeMode::Paper, "stop MODE_DIFFERS");
    let live = |s: &mut Story| {
        s.account.mode = TradeMode::Live;
        s.under(|policy| (policy.trade_mode, policy.live_armed) = (TradeMode::Live, true));
    };
    check(live, "A #1 rest");
    let iex = |s: &mut Story| {
        s.account.mode = TradeMode::Live;
        s.under(|policy| {
            policy.trade_mode = TradeMode::Live;
            (policy.feed, policy.kind) = (Feed::Iex, PolicyKind::Walk);
        });
    };
    check(iex, "stop FEED_NOT_ALLOWED");
    let allowed = |s: &mut Story| {
        s.account.mode = TradeMode::Live;
        s.under(|policy| {
            policy.trade_mode = TradeMode::Live;
            (policy.feed, policy.kind, policy.allow_iex) = (Feed::Iex, PolicyKind::Walk, true);
        });
    };
    check(allowed, "A #1 rest");
}

/// X13: other people's orders are left alone, unless the policy has them canceled before anything trades.
#[test]
fn foreign_orders_go_first_only_when_asked_for() {
    let check = |cancel: bool, ends: BrokerStatus| {
        told("BUY A 1000", |s| {
            s.under(|policy| policy.cancel_foreign_orders = cancel);
            s.broker.foreign("Z", Side::Buy, s.now);
            s.run(3);
            assert_eq!(s.broker.orders[0].status, ends);
            assert_eq!(s.broker.posts, 1);
            let live = s.broker.open(&symbol("A"));
            assert!(live.is_some(), "{}", s.trace());
        })
    };
    check(false, BrokerStatus::New);
    check(true, BrokerStatus::Canceled);
}

/// L9: a plan reserves the most that it may trade: buys and trims with their tolerance, exits at what the position may be
/// worth, and as many orders as its legs may have; what it used is what it traded.
#[test]
fn a_plan_reserves_its_most_and_uses_what_it_traded() {
    told("EXIT A 500; SELL B 500; BUY C 1000; HOLD D 900", |s| {
        let most = Usage::reserved_for(&s.state.plan, &s.state.policy);
        assert_eq!((most.notional, most.orders), (dollars("2155"), 60));
        s.run(1);
        s.fill("A", "2");
        s.run(1);
        // Two orders of $500.10 each at most: one at its limit in part, one still open.
        let used = Usage::of(&s.state);
        assert_eq!((used.notional, used.orders), (s.state.turned_over(), 2));
        assert!(used.notional > dollars("990") && used.notional < dollars("1010"), "{used:?}");
    });
}
