//! Which events a state calls for, and under which ids.

use alchemiser_core::{
    announce::{Event, events},
    execution::Execution,
    ids::EventId,
    policy::Policy,
};
use insta::assert_snapshot;

use crate::{
    broker::Post,
    given::{account, dollars, plan},
    story::Story,
};

/// The events that a state calls for, as words.
fn called_for(state: &Execution) -> Vec<String> {
    let word = |event: &Event| match event {
        Event::OrderSettled(id) => {
            let child = state.children().find(|child| child.client_order_id == *id).unwrap();
            format!("settled {}#{}", child.terms.symbol, child.attempt)
        }
        Event::PhaseCompleted(side) => format!("{} over", side.word()),
        other => other.detail_type().to_owned(),
    };
    events(state).iter().map(word).collect()
}

/// What a story's states call for, phase by phase; nothing is ever taken back.
fn phases(items: &str, script: impl FnOnce(&mut Story)) -> String {
    let mut story = Story::of(&plan(items));
    script(&mut story);
    let mut before = Vec::new();
    let mut lines = Vec::new();
    for count in 1..=story.log.len() {
        let facts = story.log.iter().take(count);
        let state = Execution::fold(facts, &Policy::default()).unwrap();
        let all = called_for(&state);
        let new = all
            .strip_prefix(before.as_slice())
            .unwrap_or_else(|| panic!("an event was taken back: {before:?} {all:?}"));
        if !new.is_empty() {
            lines.push(format!("{}: {}", state.phase.word(), new.join(", ")));
        }
        before = all;
    }
    lines.join("\n")
}

/// X12: each phase calls for its own events, in order: the settlement of every sell with fills (an order that ended
/// without any has nothing to settle), of all sells once their proceeds were looked at, and the end.
#[test]
fn every_phase_calls_for_its_events() {
    assert_snapshot!(phases("EXIT A 500; EXIT C 100; BUY B 450", |s| {
        s.run(3);
        s.fill("A", "2");
        s.market("A", "99.90x500 99.92x500");
        s.market("C", "99.90x500 99.92x500");
        s.run(3);
        s.fill_all();
        s.run(5);
        s.fill_all();
        s.run(5);
    }), @"
    preparing: TradeExecutionStarted
    proceeds: settled A#1, settled A#2, settled C#2, sell over
    buying: BulkSettlementCompleted
    closing: buy over
    finished: TradeExecuted, WorkflowCompleted
    ");
}

/// X12, X14: without sells there is nothing of theirs, and without trades only the end.
#[test]
fn what_did_not_happen_is_not_announced() {
    assert_snapshot!(phases("BUY B 450", |s| {
        s.post(Post::Fill);
        s.run(5);
    }), @"
    preparing: TradeExecutionStarted
    closing: buy over
    finished: TradeExecuted, WorkflowCompleted
    ");
    assert_snapshot!(phases("HOLD T 70", |s| s.run(5)), @"finished: TradeExecuted, WorkflowCompleted");
}

/// X12: sells without a fill have no settlement, neither each nor in bulk; a plan that failed says so.
#[test]
fn sells_without_fills_settle_nothing() {
    assert_snapshot!(phases("EXIT A 100; BUY B 450", |s| {
        s.broker.cash = dollars("500");
        s.run(2000);
    }), @"
    preparing: TradeExecutionStarted
    proceeds: sell over
    closing: buy over
    finished: TradeExecuted, WorkflowFailed
    ");
}

/// L1, X12: a sell whose price the broker has not said is not settled yet.
#[test]
fn an_unpriced_sell_is_not_settled() {
    let mut story = Story::of(&plan("EXIT A 500; BUY B 450"));
    story.post(Post::Fill);
    story.run(5);
    story.state.legs[0].children[0].average_price = None;
    assert_eq!(called_for(&story.state), ["TradeExecutionStarted", "sell over"]);
}

/// H9: an event's id is derived from plan, kind and subject alone; the two ends of a workflow share one.
#[test]
fn the_ids_of_events_are_derived() {
    let mut story = Story::of(&plan("EXIT A 500; BUY B 450"));
    story.post(Post::Fill);
    story.post(Post::Fill);
    story.run(5);
    let of = |kind: &str, subject: &str| EventId::derive(&account(), "plan-1", kind, subject);
    let order = story.state.legs[0].children[0].client_order_id.to_string();
    let ids: Vec<EventId> =
        events(&story.state).iter().map(|event| event.id(&story.state)).collect();
    assert_eq!(
        ids,
        [
            of("TradeExecutionStarted", ""),
            of("OrderSettlementCompleted", &order),
            of("ExecutionPhaseCompleted", "SELL_PHASE"),
            of("BulkSettlementCompleted", ""),
            of("ExecutionPhaseCompleted", "BUY_PHASE"),
            of("TradeExecuted", ""),
            of("Workflow", ""),
        ]
    );
    assert_eq!(Event::Failed.id(&story.state), Event::Completed.id(&story.state));
    assert_eq!(Event::Failed.detail_type(), "WorkflowFailed");
    assert_eq!(Event::Completed.detail_type(), "WorkflowCompleted");
}
