//! A leg's next step, at each bound: what it sends, how long it waits, how it ends.

use std::sync::Arc;

use alchemiser_core::{
    fact::{Fact, FactKind, RefusalKind, Sized, StopCode},
    plan::Urgency,
    price::Tick,
    report::BrokerStatus,
};

use crate::{
    broker::Post,
    given::{dollars, plan, shares, symbol},
    story::Story,
};

/// The end of the only phase's window.
const WINDOW: i64 = 181_600;

/// A leg whose first order was canceled by somebody after a second.
fn idle(items: &str) -> Story {
    let mut story = Story::of(&plan(items));
    story.run(1);
    let id = story.broker.open(&symbol("A")).unwrap();
    story.broker.end(&id, BrokerStatus::Canceled);
    story
}

/// M3: a leg sends its last order in the last moment of its window, and ends after it.
#[test]
fn a_leg_ends_after_its_window() {
    let at = |millis: i64| idle("BUY A 1000").turn_at(millis);
    assert_eq!(at(WINDOW), "A #1 canceled 0/9.998, A #2 cross buy 9.998 @ 100.08");
    assert_eq!(at(WINDOW + 1), "A #1 canceled 0/9.998, A unfilled WINDOW_OVER, = closing");
}

/// X10: what a spread of more than 2 % and more than two ticks left unfilled says so.
#[test]
fn a_wide_spread_is_the_reason() {
    let at = |market: &str, tick: Option<Tick>| {
        let mut story = idle("BUY A 1000");
        story.state.legs[0].check.as_mut().unwrap().tick = tick;
        story.market("A", market);
        let told = story.turn_at(WINDOW + 1);
        told.split(", ").find_map(|line| line.strip_prefix("A unfilled ")).unwrap().to_owned()
    };
    assert_eq!(at("99.00x500 101.00x500", None), "WINDOW_OVER");
    assert_eq!(at("98.99x500 101.01x500", None), "SPREAD");
    assert_eq!(at("0.50x500 0.52x500", Some(Tick::CENT)), "WINDOW_OVER");
    assert_eq!(at("0.50x500 0.53x500", Some(Tick::CENT)), "SPREAD");
    assert_eq!(at("100.00x500 100.03x500", None), "WINDOW_OVER");
}

/// A leg whose orders were refused so, one after the other, and what it said last.
fn refused(items: &str, kinds: &[RefusalKind]) -> (Story, String) {
    let mut story = Story::of(&plan(items));
    for kind in kinds {
        story.post(Post::Refuse(*kind));
    }
    story.turn();
    let told = story.turn_at(0);
    (story, told)
}

/// L4: money that the broker does not show as free yet is waited for: 2, 4 and 8 s; the fourth refusal is the last.
#[test]
fn lagging_money_is_waited_for() {
    let kinds = [RefusalKind::InsufficientFunds; 3];
    let (mut story, told) = refused("BUY A 1000", &kinds);
    assert_eq!(told, "A #1 refused InsufficientFunds, A waits BROKER_LAG");
    assert_eq!(story.turn_at(1_999), "");
    assert_eq!(story.turn_at(2_000), "A #2 rest buy 9.998 @ 100");
    assert_eq!(story.turn_at(2_001), "A #2 refused InsufficientFunds, A waits BROKER_LAG");
    assert_eq!(story.turn_at(6_000), "");
    assert_eq!(story.turn_at(6_001), "A #3 rest buy 9.998 @ 100");
    assert_eq!(story.turn_at(6_002), "A #3 refused InsufficientFunds, A waits BROKER_LAG");
    assert_eq!(story.turn_at(14_001), "");
    story.post(Post::Refuse(RefusalKind::InsufficientFunds));
    assert_eq!(story.turn_at(14_002), "A #4 rest buy 9.998 @ 100");
    let told = "A #4 refused InsufficientFunds, A unfilled REJECTED, = closing";
    assert_eq!(story.turn_at(14_003), told);
}

/// L6, L8: an order that the venue rejects after the broker took it is not sent again at once, and the fourth is the last.
#[test]
fn a_rejection_by_the_venue_is_waited_out() {
    let mut story = Story::of(&plan("BUY A 1000"));
    let reject = |story: &mut Story| {
        let order = story.broker.orders.last_mut().unwrap();
        order.status = BrokerStatus::Rejected;
    };
    story.turn();
    reject(&mut story);
    assert_eq!(story.turn_at(1), "A #1 rejected 0/9.998, A waits BROKER_LAG");
    assert_eq!(story.turn_at(2_000), "");
    assert_eq!(story.turn_at(2_001), "A #2 rest buy 9.998 @ 100");
    reject(&mut story);
    assert_eq!(story.turn_at(2_002), "A #2 rejected 0/9.998, A waits BROKER_LAG");
    assert_eq!(story.turn_at(6_002), "A #3 rest buy 9.998 @ 100");
    assert_eq!(story.state.refused_at.len(), 2);
}

/// L9: five orders that the venue rejected within a minute halt the account, like five that the broker refused.
#[test]
fn five_rejections_by_the_venue_halt_the_account() {
    let mut story = Story::of(&plan("BUY A 1000; BUY B 1000; BUY C 1000; BUY D 1000; BUY E 1000"));
    story.turn();
    assert_eq!(story.broker.orders.len(), 5);
    for order in &mut story.broker.orders {
        order.status = BrokerStatus::Rejected;
    }
    story.turn_at(100);
    let told = story.turn_at(200);
    assert_eq!(story.state.stop, Some(StopCode::RejectBreaker), "{told}");
}

/// L6: an order on the other side that nobody has seen yet is waited for, not run against.
#[test]
fn a_wash_trade_is_waited_out() {
    let (mut story, told) = refused("BUY A 1000", &[RefusalKind::WashTrade]);
    assert_eq!(told, "A #1 refused WashTrade, A waits LIVE_ORDER");
    assert_eq!(story.turn_at(1_999), "");
    assert_eq!(story.turn_at(2_000), "A #2 rest buy 9.998 @ 100");
}

/// M3, S9: a wait for the broker ends with the window.
#[test]
fn a_wait_for_the_broker_ends_with_the_window() {
    let mut story = idle("BUY A 1000");
    story.post(Post::Refuse(RefusalKind::InsufficientFunds));
    story.turn_at(WINDOW - 600);
    let waits = "A #2 refused InsufficientFunds, A waits BROKER_LAG";
    assert_eq!(story.turn_at(WINDOW - 599), waits);
    assert_eq!(story.turn_at(WINDOW), "");
    assert_eq!(story.turn_at(WINDOW + 1), "A unfilled NO_READING, = closing");
}

/// S8: the broker's number of shares is adopted once, at most the leaves; less than 98 % of the target is a trimmed
/// one; without a number the leg waits.
#[test]
fn the_brokers_number_of_shares_is_adopted_once() {
    let kind = |available: &str| RefusalKind::InsufficientQuantity {
        available: (!available.is_empty()).then(|| shares(available)),
    };
    let after = |available: &str| {
        let (story, told) = refused("EXIT A 500", &[kind(available)]);
        let (_, rest) = told.split_once("}, ").unwrap_or(("", &told));
        (rest.to_owned(), story.state.legs[0].sized.unwrap().trimmed)
    };
    let sells = |target: &str, trimmed: bool| {
        let word = if trimmed { " trimmed" } else { "" };
        (format!("A target {target}{word}, A #2 rest sell {target} @ 100.02"), trimmed)
    };
    assert_eq!(after("4.9"), sells("4.9", false));
    assert_eq!(after("4.899"), sells("4.899", true));
    assert_eq!(after("9"), ("A #2 rest sell 5 @ 100.02".to_owned(), false));
    assert_eq!(after("0"), ("A waits BROKER_LAG".to_owned(), false));
    assert_eq!(after(""), ("A waits BROKER_LAG".to_owned(), false));

    let (mut story, _) = refused("EXIT A 500", &[kind("4.9"), kind("4.8")]);
    let told = story.turn_at(1);
    assert!(told.ends_with("A waits BROKER_LAG"), "{told}");
    assert_eq!(story.state.legs[0].sized, Some(Sized { target: shares("4.9"), trimmed: false }));
    assert_eq!(story.turn_at(4_001), "A #3 rest sell 4.9 @ 100.02");
}

/// S8: a target that was trimmed before stays a trimmed one.
#[test]
fn a_trimmed_target_stays_trimmed() {
    let kind = RefusalKind::InsufficientQuantity { available: Some(shares("4.9")) };
    let mut story = Story::of(&plan("EXIT A 500"));
    story.post(Post::Refuse(kind));
    story.turn();
    story.state.legs[0].sized.as_mut().unwrap().trimmed = true;
    assert!(story.turn_at(0).contains("A target 4.9 trimmed"));
}

/// S4, X5: a leg without a quote is refused after half a minute before its first order, and ends after six minutes
/// later on; a wait for something else does not count.
#[test]
fn a_leg_waits_for_a_quote_up_to_its_bound() {
    let mut story = Story::of(&plan("BUY A 1000"));
    story.market("A", "");
    assert!(story.turn_at(0).ends_with("A waits QUOTE_MISSING"));
    assert_eq!(story.turn_at(30_000), "");
    assert!(story.turn_at(30_001).starts_with("A refused NO_QUOTE, = closing"));

    let mut story = idle("BUY A 1000");
    story.market("A", "");
    assert_eq!(story.turn_at(2_000), "A #1 canceled 0/9.998, A waits QUOTE_MISSING");
    assert_eq!(story.turn_at(362_000), "");
    assert_eq!(story.turn_at(362_001), "A unfilled NO_QUOTE, = closing");

    let mut story = Story::of(&plan("BUY A 1000"));
    story.market("A", "");
    story.turn_at(0);
    story.market("A", "- 100.02x500");
    assert_eq!(story.turn_at(20_000), "A waits QUOTE_ONE_SIDED");
    assert_eq!(story.turn_at(50_000), "");
    assert!(story.turn_at(50_001).starts_with("A refused NO_QUOTE, = closing"));
}

/// S5: the ramp is counted from the first order after nine tenths of the leg's time.
#[test]
fn the_ramp_begins_after_nine_tenths() {
    let began = |millis: i64| {
        let mut story = idle("BUY A 1000");
        story.market("A", "100.00x500 100.05x500");
        story.turn_at(millis);
        let ramp = |fact: &Fact| match &fact.kind {
            FactKind::Intent(intent) => Some(intent.ramp.map(|base| base.ticks.to_string())),
            _ => None,
        };
        story.log.iter().rev().find_map(ramp).unwrap()
    };
    assert_eq!(began(107_999), None);
    assert_eq!(began(108_000), None);
    assert_eq!(began(108_001), Some("5".to_owned()));
}

/// X3: an order that is just what may be crossed is sent to the last decimal; a larger one in rounded parts.
#[test]
fn a_crossing_order_at_its_cap_is_not_rounded() {
    let crossed = |held: &str| {
        let mut story = Story::of(&plan("EXIT A 7227.36"));
        Arc::make_mut(&mut story.state.plan).urgency = Urgency::Urgent;
        story.broker.held.insert(symbol("A"), shares(held));
        story.market("A", "1000.00x2.4091192 1000.02x500");
        let told = story.turn_at(0);
        let (_, order) = told.split_once("cross sell ").unwrap();
        order.split_once(' ').unwrap().0.to_owned()
    };
    assert_eq!(crossed("7.2273576"), "7.2273576");
    assert_eq!(crossed("7.2273577"), "7.227357");
    assert_eq!(crossed("7.2273575"), "7.2273575");
}

/// X1: a buy that is lowered to what can be paid by at most 2 % is whole, by more it is trimmed, and stays so.
#[test]
fn a_buy_is_lowered_to_what_can_be_paid() {
    let lowered = |cash: &str, trimmed: bool| {
        let mut story = idle("BUY A 1000");
        story.state.legs[0].sized = Some(Sized { target: shares("10"), trimmed });
        // 99.5 % of it may be spent, at 99.50 a share.
        story.state.funds.as_mut().unwrap().0.before = dollars(cash);
        story.market("A", "99.50x500 99.52x500");
        let told = story.turn_at(2_000);
        told.strip_prefix("A #1 canceled 0/9.998, ").unwrap().to_owned()
    };
    assert_eq!(lowered("1000", false), "A #2 rest buy 10 @ 99.5");
    assert_eq!(lowered("980", false), "A target 9.8, A #2 rest buy 9.8 @ 99.5");
    assert_eq!(lowered("980", true), "A target 9.8 trimmed, A #2 rest buy 9.8 @ 99.5");
    assert_eq!(lowered("979.99", false), "A target 9.7999 trimmed, A #2 rest buy 9.7999 @ 99.5");
    assert!(lowered("0.99", false).ends_with("trimmed, A skipped UNFUNDED, = closing"));
}

/// L10: the first usable quote of every open leg is recorded once, buys' before the sells are over.
#[test]
fn a_legs_arrival_is_recorded_once() {
    let mut story = Story::of(&plan("EXIT A 500; BUY B 900; EXIT C 100"));
    story.broker.held.remove(&symbol("C"));
    story.market("B", "");
    story.turn_at(0);
    story.market("B", "50.00x500 50.02x500");
    story.turn_at(1_000);
    story.market("B", "51.00x500 51.02x500");
    story.run(3);
    let arrivals = story.log.iter().filter_map(|fact| match &fact.kind {
        FactKind::Arrived(symbol, quote) => Some(format!("{symbol} {}", quote.bid.price)),
        _ => None,
    });
    assert_eq!(arrivals.collect::<Vec<_>>(), ["A 100", "B 50"]);
}

/// L10: the mids 1, 5, 30, 60 and 300 s after an order's last fill are noted once each, as far as the plan still runs.
#[test]
fn mids_after_a_fill_are_noted_once() {
    let mut story = Story::of(&plan("BUY A 900; BUY B 900"));
    story.post(Post::Fill);
    story.run(2);
    story.market("A", "101.00x500 101.02x500");
    story.run(10);
    story.fill("B", "1");
    story.run(70);
    story.fill_all();
    story.run(5);
    let marks = story.log.iter().filter_map(|fact| match &fact.kind {
        FactKind::Marked(symbol, attempt, mark) => {
            Some(format!("{symbol}#{attempt} {} {}", mark.seconds, mark.mid))
        }
        _ => None,
    });
    assert_eq!(
        marks.collect::<Vec<_>>(),
        ["A#1 1 100.01", "A#1 5 101.01", "A#1 30 101.01", "A#1 60 101.01"]
    );
}

/// S5: an order that stepped inside a wide spread and stands there alone for three seconds goes back to the touch; in
/// company it stays.
#[test]
fn an_order_that_stands_alone_steps_back() {
    let stepped = |then: &str| {
        let mut story = Story::of(&plan("BUY A 200"));
        story.market("A", "1.00x500 1.03x500");
        story.run(84);
        story.market("A", "1.00x900 1.03x100");
        story.run(2);
        story.market("A", then);
        let told = story.trace().len();
        story.run(4);
        story.trace()[told..].trim().lines().next().map(str::to_owned)
    };
    assert_eq!(stepped("1.01x100 1.03x100").as_deref(), Some("89.0 A #2 cancel repeg"));
    assert_eq!(stepped("1.01x200 1.03x100"), None);
}
