//! Whatever is missing, from whatever moment on: no order leaves, and what waits is refused at its bound.

use std::collections::BTreeSet;

use alchemiser_core::{
    controls::Control,
    execution::Execution,
    fact::{Fact, FactKind},
    leg::{LegOutcome, Reason},
};
use proptest::prelude::*;

use crate::{
    given::plan,
    story::{Story, Withheld},
};

/// The inputs that a control judges by and that may fail to come; the rest is the plan, its log, and the order itself.
fn inputs_of(control: Control) -> &'static [Withheld] {
    match control {
        Control::Halt => &[Withheld::Halt],
        Control::Account | Control::Mode => &[Withheld::Account],
        Control::Session | Control::OpenQuiet | Control::ClockSkew => &[Withheld::Session],
        Control::OrdersRead | Control::LiveOrder | Control::WashTrade => &[Withheld::Orders],
        Control::QuoteAge | Control::Collar | Control::CrossSize | Control::MarketOrder => {
            &[Withheld::Quotes]
        }
        Control::PreviousClose => &[Withheld::PreviousClose],
        Control::Held => &[Withheld::Positions, Withheld::Assets],
        Control::OrderNotional | Control::DailyNotional | Control::Budget => &[Withheld::Account],
        // Judged by the plan, its log, the clock and the order alone; a last trade need not be there.
        Control::Validity | Control::Deadline | Control::DailyOrders | Control::LastTrade => &[],
        Control::Leaves | Control::Children | Control::Shortfall => &[],
        Control::RejectBreaker | Control::Throttle => &[],
    }
}

fn intents(log: &[Fact]) -> usize {
    log.iter().filter(|fact| matches!(fact.kind, FactKind::Intent(_))).count()
}

/// Refused, or not begun because the sells before it were.
fn refused(state: &Execution) -> bool {
    state.legs.iter().all(|leg| match leg.outcome {
        Some(LegOutcome::Refused(reason)) => {
            matches!(reason, Reason::NoQuote | Reason::NoReading | Reason::PlanStopped(_))
        }
        Some(outcome) => outcome == LegOutcome::Skipped(Reason::SellsIncomplete),
        None => false,
    })
}

/// S1, X4, S9: an input that never comes: no order, and the plan ends refused within its bound and a poll.
#[test]
fn an_input_that_never_comes_refuses_the_plan() {
    for input in Control::ALL.into_iter().flat_map(inputs_of) {
        for items in ["BUY A 1000; BUY B 500", "EXIT A 500; BUY B 900", "SELL A 500"] {
            let mut story = Story::of(&plan(items));
            story.withheld.insert(*input);
            story.run(80);
            assert_eq!(intents(&story.log), 0, "{input:?} {items}\n{}", story.trace());
            assert!(story.state.is_finished(), "{input:?} {items}\n{}", story.trace());
            assert!(refused(&story.state), "{input:?} {items}\n{}", story.trace());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    /// S9, I11: inputs that stop coming at any moment stop the orders once the last reading is too old; the plan still
    /// ends, and nothing of what was filled is lost.
    #[test]
    fn inputs_that_stop_coming_stop_the_orders(
        chosen in prop::collection::btree_set(prop::sample::select(Withheld::ALL.to_vec()), 1..4),
        at in 0_i64..30,
        fills in any::<bool>(),
    ) {
        let mut story = Story::of(&plan("EXIT A 500; BUY B 900; BUY C 450"));
        story.run(at);
        story.withheld = chosen;
        if fills {
            story.fill_all();
        }
        let trading: BTreeSet<Withheld> =
            [Withheld::Halt, Withheld::Orders, Withheld::Session, Withheld::Quotes].into();
        // The longest that a reading may serve: the session's two minutes.
        story.run(125);
        let sent = intents(&story.log);
        story.run(600);
        let blind = story.withheld.iter().any(|input| trading.contains(input));
        prop_assert!(!blind || intents(&story.log) == sent, "{}", story.trace());
        prop_assert!(story.state.is_finished(), "{}", story.trace());
        story.check();
    }
}
