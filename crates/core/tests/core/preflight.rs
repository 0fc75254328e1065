//! What the pre-flight makes of a plan, at each of its bounds.

use std::sync::Arc;

use alchemiser_core::{
    child::{OrderKind, OrderTerms},
    execution::Execution,
    fact::{FactKind, LegCheck},
    ids::ClientOrderId,
    plan::Urgency,
    price::Tick,
    quote::Feed,
    reading::TradeMode,
    side::Side,
};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use crate::{
    given::{after, dollars, plan, price, shares, start, symbol},
    story::{Story, Withheld},
};

fn seconds(span: SignedDuration) -> String {
    let millis = i64::try_from(span.as_millis()).unwrap();
    Decimal::new(millis, 3).normalize().to_string()
}

fn told(state: &Execution) -> String {
    let since = |at: Timestamp| seconds(at.duration_since(start()));
    match (&state.preflight, state.stop) {
        (Some((found, _)), _) => format!(
            "{} {} of {}, until {}",
            found.policy.word(),
            seconds(found.working_time),
            seconds(found.window),
            since(found.deadline)
        ),
        (None, Some(code)) => code.code().to_owned(),
        (None, None) => {
            let waiting = state.legs[0].waiting.map(|(code, _)| code.code());
            format!("waits {}", waiting.unwrap_or("-"))
        }
    }
}

/// What the first turn makes of a plan in a world edited so.
fn judged(items: &str, edit: impl FnOnce(&mut Story)) -> String {
    let mut story = Story::of(&plan(items));
    edit(&mut story);
    story.turn();
    told(&story.state)
}

/// X8: the working time is what fits before the close, at most the urgency's; below 10 s only crossing fits,
/// below nothing nothing does. The window adds a minute and 1.6 s of messages a leg, the deadline 5:30.
#[test]
fn the_working_time_fits_before_the_close() {
    let closing =
        |items: &str, left: i64| judged(items, |s| s.closes_at = after(start(), left * 1_000));
    let (one, two) = ("BUY A 1000", "EXIT A 500; BUY B 900");
    assert_eq!(closing(one, 3_600), "adaptive 120 of 181.6, until 511.6");
    assert_eq!(closing(one, 240 + 60 + 100), "adaptive 100 of 161.6, until 491.6");
    assert_eq!(closing(one, 240 + 60 + 10), "adaptive 10 of 71.6, until 401.6");
    assert_eq!(closing(one, 240 + 60 + 9), "cross 0 of 61.6, until 391.6");
    assert_eq!(closing(one, 240 + 60), "cross 0 of 61.6, until 391.6");
    assert_eq!(closing(one, 240 + 59), "TOO_LATE");
    assert_eq!(closing(two, 3_600), "adaptive 120 of 183.2, until 696.4");
    assert_eq!(closing(two, 240 + 2 * (60 + 30)), "adaptive 30 of 93.2, until 516.4");
    assert_eq!(closing(two, 240 + 2 * 60 - 1), "TOO_LATE");
    assert_eq!(
        judged(one, |s| Arc::make_mut(&mut s.state.plan).urgency = Urgency::Urgent),
        "cross 0 of 61.6, until 391.6"
    );
    assert_eq!(
        judged(one, |s| Arc::make_mut(&mut s.state.plan).urgency = Urgency::High),
        "adaptive 60 of 121.6, until 451.6"
    );
}

const FITS: &str = "adaptive 120 of 181.6, until 511.6";

/// M2: only an urgent plan begins in the first five minutes.
#[test]
fn the_first_minutes_are_quiet() {
    let opened = |ago: i64, urgency: Urgency| {
        judged("BUY A 1000", |s| {
            s.opened_at = after(start(), -ago);
            Arc::make_mut(&mut s.state.plan).urgency = urgency;
        })
    };
    assert_eq!(opened(299_999, Urgency::Normal), "waits OPEN_QUIET");
    assert_eq!(opened(0, Urgency::Normal), "waits OPEN_QUIET");
    assert_eq!(opened(300_000, Urgency::Normal), FITS);
    assert!(opened(299_999, Urgency::Urgent).starts_with("cross"));
}

/// S9: what was read before the open's quiet minutes says nothing after them: a reading of account, positions, orders or
/// session must be young, and is waited for.
#[test]
fn a_plan_does_not_begin_on_old_readings() {
    for withheld in [Withheld::Account, Withheld::Positions, Withheld::Orders] {
        let mut story = Story::of(&plan("BUY A 1000"));
        story.opened_at = after(start(), -290_000);
        story.turn();
        story.withheld = [withheld].into();
        story.turn_at(10_001);
        assert_eq!(told(&story.state), "waits OPEN_QUIET", "{withheld:?}");
        story.withheld.clear();
        story.turn_at(11_000);
        assert!(told(&story.state).starts_with("adaptive"), "{withheld:?}");
    }
}

/// S9: readings that stop for longer than six minutes end the plan, with the code that says what was missing.
#[test]
fn readings_that_stop_end_the_plan() {
    let mut story = Story::of(&plan("BUY A 1000"));
    story.opened_at = after(start(), -1_000);
    story.turn();
    story.withheld = [Withheld::Account].into();
    story.turn_at(360_000);
    assert_eq!(told(&story.state), "waits OPEN_QUIET");
    story.turn_at(360_001);
    assert_eq!(told(&story.state), "PREFLIGHT_UNREADABLE");
}

/// X13: an order of an earlier plan that does not go is what the plan waited for in vain, and the code says it.
#[test]
fn a_leftover_that_does_not_go_has_its_own_code() {
    let mut story = Story::of(&plan("BUY A 1000"));
    let id = ClientOrderId::recognise("al-aaaaaaaaaaaaaaaaaaaaaaaaaa").unwrap();
    let terms = OrderTerms {
        symbol: symbol("Z"),
        side: Side::Buy,
        quantity: shares("1"),
        limit: price("99"),
        kind: OrderKind::Limit,
    };
    story.broker.cancels = false;
    story.broker.post(&id, &terms, story.now);
    story.turn();
    story.turn_at(30_000);
    assert_eq!(told(&story.state), "waits -");
    story.turn_at(30_001);
    assert_eq!(told(&story.state), "LEFTOVER_OPEN");
}

/// I12, S1, L9: each bound is inclusive: the last moment of a plan, all of what may be turned over, all of the day.
#[test]
fn the_plans_bounds_are_inclusive() {
    let check = |edit: fn(&mut Story), expected: &str| {
        assert_eq!(judged("BUY A 1000", edit), expected);
    };
    check(|s| Arc::make_mut(&mut s.state.plan).valid_until = s.now, FITS);
    check(|s| Arc::make_mut(&mut s.state.plan).valid_until = after(s.now, -1), "STALE");
    check(|s| s.account.equity = dollars("500"), FITS);
    check(|s| s.account.equity = dollars("499.99"), "TURNOVER_TOO_HIGH");
    check(|s| s.day(|day| day.before.notional = dollars("299000")), FITS);
    check(|s| s.day(|day| day.before.notional = dollars("299000.01")), "DAILY_CAP");
    check(|s| s.day(|day| day.before.orders = 499), FITS);
    check(|s| s.day(|day| day.before.orders = 500), "DAILY_CAP");
    check(|s| s.state.acquired = None, "DAILY_CAP");
}

/// X15: what cannot be traded at all stops the plan by its own code.
#[test]
fn what_cannot_be_traded_stops_by_name() {
    let check = |edit: fn(&mut Story), expected: &str| {
        assert_eq!(judged("BUY A 1000", edit), expected);
    };
    let live = |story: &mut Story, feed: Feed, allowed: bool| {
        story.account.mode = TradeMode::Live;
        story.under(|policy| {
            policy.trade_mode = TradeMode::Live;
            policy.feed = feed;
            policy.allow_iex = allowed;
        });
    };
    assert_eq!(judged("BUY A 1000", |s| live(s, Feed::Sip, false)), FITS);
    assert_eq!(judged("BUY A 1000", |s| live(s, Feed::Iex, true)), FITS);
    assert_eq!(judged("BUY A 1000", |s| live(s, Feed::Iex, false)), "FEED_NOT_ALLOWED");
    check(|s| s.under(|policy| policy.feed = Feed::Iex), FITS);
    check(|s| s.account.mode = TradeMode::Live, "MODE_DIFFERS");
    check(|s| s.account.may_trade = false, "ACCOUNT_BLOCKED");
    check(|s| s.account.shorting_enabled = true, "SHORTING_ENABLED");
    check(|s| s.closes_at = s.now, "SESSION_CLOSED");
    check(
        |s| s.account.account = alchemiser_core::ids::AccountId::new("other").unwrap(),
        "ACCOUNT_DIFFERS",
    );
}

/// S9, X15: what the pre-flight needs is waited for, half a minute from the moment the owner took over.
#[test]
fn an_unreadable_world_is_given_half_a_minute() {
    for input in [Withheld::Halt, Withheld::Orders, Withheld::Account, Withheld::Positions] {
        let waited = |millis: i64| {
            judged("BUY A 1000", |story| {
                story.withheld = [input].into();
                story.now = after(start(), millis);
            })
        };
        assert_eq!(waited(30_000), "waits -", "{input:?}");
        assert_eq!(waited(30_001), "PREFLIGHT_UNREADABLE", "{input:?}");
    }
}

/// X15, S10, L2: each leg's own asset and position: fractions, round lot, the price step (half a cent for listed symbols
/// whose half-cent prices were not refused that day), and what is held.
#[test]
fn each_leg_is_checked_for_itself() {
    let checked = |edit: fn(&mut Story)| -> Vec<LegCheck> {
        let mut story = Story::of(&plan("EXIT A 500; BUY B 900"));
        story.under(|policy| policy.half_cent_symbols = vec![symbol("B")]);
        edit(&mut story);
        story.turn();
        story.state.legs.iter().filter_map(|leg| leg.check.clone()).collect()
    };
    let said = |edit: fn(&mut Story)| {
        let word = |check: &LegCheck| {
            let kind = if check.fractionable { "parts" } else { "whole" };
            let tick = check.tick.map(|tick| tick.dollars().to_string()).unwrap_or_default();
            format!("{} {kind} {}/{} {tick}", check.symbol, check.held, check.available)
        };
        checked(edit).iter().map(word).collect::<Vec<_>>().join(", ").trim().to_owned()
    };
    assert_eq!(said(|_| ()), "A parts 5/5 , B parts 0/0 0.005");
    assert_eq!(said(|s| s.fractionable = false), "A whole 5/5 , B whole 0/0 0.005");
    assert_eq!(
        said(|s| s.day(|day| day.cent_symbols = vec![symbol("B")])),
        "A parts 5/5 , B parts 0/0"
    );
    assert_eq!(
        said(|s| s.day(|day| day.cent_symbols = vec![symbol("A")])),
        "A parts 5/5 , B parts 0/0 0.005"
    );
    assert_eq!(checked(|_| ())[1].tick, Some(Tick::HALF_CENT));
}

/// X15: legs that cannot trade end before anything trades, each with its reason; plans with sells begin with them.
#[test]
fn legs_that_cannot_trade_end_first() {
    let ends = |items: &str, held: &str| {
        let mut story = Story::of(&plan(items));
        if held.is_empty() {
            story.broker.held.clear();
        }
        story.turn();
        let over = |fact: &alchemiser_core::fact::Fact| match &fact.kind {
            FactKind::LegFinished(symbol, outcome, _) => {
                Some(format!("{symbol} {}", outcome.reason().unwrap().code()))
            }
            FactKind::PhaseChanged(phase) => Some(phase.word().to_owned()),
            _ => None,
        };
        story.log.iter().filter_map(over).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(ends("EXIT A 500; BUY B 900", "5"), "selling");
    assert_eq!(ends("BUY B 900", ""), "buying");
    assert!(ends("EXIT A 500; BUY B 900", "").starts_with("A NOT_HELD, selling"));
}
