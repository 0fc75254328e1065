//! Stories of a leg: how long it is worked, and what counts as its end.

use alchemiser_core::{plan::Plan, policy::Policy, report::BrokerStatus};
use insta::assert_snapshot;

use crate::{
    broker::Post,
    given::{draft, start, symbol},
    story::{Story, told},
};

/// A plan of this urgency.
fn with_urgency(items: &str, urgency: &str) -> Story {
    let mut draft = draft(items);
    urgency.clone_into(&mut draft.urgency);
    Story::of(&Plan::new(draft, start(), Policy::default().plan_max_age).unwrap())
}

/// S1: a leg is worked for as long as its plan's urgency says; an urgent one crosses instead.
#[test]
fn the_working_time_follows_the_urgency() {
    let check = |urgency: &str, expected: (&str, i64)| {
        let mut story = with_urgency("BUY A 1000", urgency);
        story.run(1);
        let (preflight, _) = story.state.preflight.as_ref().unwrap();
        assert_eq!((preflight.policy.word(), preflight.working_time.as_secs()), expected);
        let purpose = story.state.legs[0].children[0].purpose.word();
        assert_eq!(purpose == "cross", urgency == "URGENT", "{urgency}");
    };
    check("LOW", ("adaptive", 300));
    check("NORMAL", ("adaptive", 120));
    check("HIGH", ("adaptive", 60));
    check("URGENT", ("cross", 0));
}

/// X5: an urgent leg without a quote waits like any other, and crosses within the controls as soon as there is one.
#[test]
fn an_urgent_leg_without_a_quote_waits_for_one() {
    let mut story = with_urgency("EXIT A 500; EXIT B 500", "URGENT");
    story.market("A", "");
    story.market("B", "");
    story.run(10);
    assert_eq!(story.broker.posts, 0, "{}", story.trace());
    story.market("A", "100.00x500 100.02x500");
    story.post(Post::Fill);
    story.run(25);
    story.check();
    assert_snapshot!(story.trace(), @r###"
     0.0 lease 1
     0.0 funds 10000 + 0
     0.0 = selling
     0.0 A waits QUOTE_MISSING
     0.0 B waits QUOTE_MISSING
    10.0 A target 5
    10.0 A #1 cross sell 5 @ 99.95
    10.1 A #1 filled 5/5 @ 99.95
    10.1 A filled
    30.1 B refused NO_QUOTE
    30.1 = closing
    31.1 reconciled, 0 differ
    31.1 partial_success failed PARTIAL_EXECUTION, 1 placed, 1 filled
    31.1 = finished
    "###);
}

/// S7: what is left over and is worth less than the smallest order counts as traded.
#[test]
fn a_remainder_too_small_to_trade_is_done() {
    let check = |filled: &str, fractionable: bool, expected: &str| {
        let trace = told("BUY A 1000", |s| {
            s.fractionable = fractionable;
            s.run(3);
            s.fill("A", filled);
            let id = s.broker.open(&symbol("A")).unwrap();
            s.broker.end(&id, BrokerStatus::Canceled);
            s.run(1);
        });
        assert!(trace.contains(expected), "{filled}: {trace}");
    };
    check("9.9881", true, "A filled");
    check("9.9879", true, "A #2 cross buy 0.0101");
    check("8.5", false, "A filled");
    check("8", false, "A #2 rest buy 1 ");
}

/// S12: a status that nobody knows is an order that may still fill: it is neither taken for done nor sent again.
#[test]
fn a_status_nobody_knows_is_an_open_order() {
    assert_snapshot!(told("BUY A 1000", |s| {
        s.run(3);
        let id = s.broker.open(&symbol("A")).unwrap();
        s.broker.end(&id, BrokerStatus::from_word("teleported"));
        s.run(20);
        assert_eq!(s.broker.posts, 1);
        assert!(s.state.has_open_orders());
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
    23.0 A #1 filled 9.998/9.998 @ 100
    23.0 A filled
    23.0 = closing
    24.0 reconciled, 0 differ
    24.0 success completed, 1 placed, 1 filled
    24.0 = finished
    "###);
}
