//! What is due, what is to be read, and when to look again.

use std::sync::Arc;

use alchemiser_core::{
    announce::Event,
    child::{CancelAsked, ChildOrder, Flight, Status},
    execution::{Execution, apply},
    fact::{Announced, CancelReason, Fact, FactKind, Phase, StopCode},
    ids::{EventId, Symbol},
    leg::{LegOutcome, WaitCode},
    observed::{Input, observe},
    outstanding::{Reads, Wanted, leftovers, outstanding, unannounced},
    side::Side,
};

use crate::{
    broker::Post,
    given::{after, ordered, plan, quote, shares, start},
    story::Story,
};

const BOOK: &str = "100.00x500 100.02x500";

fn state(items: &str, phase: Phase) -> Execution {
    let mut state = Story::of(&plan(items)).state;
    state.phase = phase;
    state
}

/// The readings wanted, in words.
fn wanted(state: &Execution) -> String {
    let Reads { halt, orders, account, positions, session, snapshots, assets } =
        outstanding(state, start()).reads;
    let urgent = |name: &str, wanted: Wanted| match wanted {
        Wanted::No => None,
        Wanted::Once => Some(format!("{name} once")),
        Wanted::Now => Some(name.to_owned()),
    };
    let plain = |name: &str, wanted: bool| wanted.then(|| name.to_owned());
    let symbols = |name: &str, symbols: &[Symbol]| {
        let names: String = symbols.iter().map(Symbol::as_str).collect();
        (!names.is_empty()).then(|| format!("{name} {names}"))
    };
    let words = [
        urgent("halt", halt),
        plain("orders", orders),
        urgent("account", account),
        plain("positions", positions),
        plain("session", session),
        symbols("quotes", &snapshots),
        symbols("assets", &assets),
    ];
    words.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// S9, S14, X11: each phase reads what it decides by, and no more; the halt switch for as long as an order could leave.
#[test]
fn every_phase_reads_what_it_decides_by() {
    let items = "EXIT A 500; BUY B 900; BUY C 300";
    assert_eq!(
        wanted(&state(items, Phase::Preparing)),
        "halt, orders, account, positions, session, quotes ABC, assets ABC"
    );
    let mut selling = state(items, Phase::Selling);
    assert_eq!(wanted(&selling), "halt, orders, account once, session, quotes ABC");
    selling.legs[1].arrival = Some(quote(BOOK, start()));
    assert_eq!(wanted(&selling), "halt, orders, account once, session, quotes AC");
    selling.legs[0].arrival = Some(quote(BOOK, start()));
    assert_eq!(wanted(&selling), "halt, orders, account once, session, quotes AC");
    let mut proceeds = state(items, Phase::Proceeds);
    proceeds.legs[2].outcome = Some(LegOutcome::Filled);
    assert_eq!(wanted(&proceeds), "halt, orders, account, session, quotes B");
    let mut buying = state(items, Phase::Buying);
    for leg in &mut buying.legs {
        leg.arrival = Some(quote(BOOK, start()));
    }
    buying.legs[2].outcome = Some(LegOutcome::Filled);
    assert_eq!(wanted(&buying), "halt, orders, account once, session, quotes B");
    let mut closing = state(items, Phase::Closing);
    assert_eq!(wanted(&closing), "", "no order was sent: there is nothing to compare");
    ordered(&mut closing.legs[0], &format!("rest 5@100.02 on {BOOK}"));
    assert_eq!(wanted(&closing), "orders, positions");
    closing.phase = Phase::Finished;
    assert_eq!(wanted(&closing), "");
    assert_eq!(wanted(&state("HOLD T 70", Phase::Preparing)), "", "nothing is to be traded");
}

/// L10: the price is looked at for five minutes after a fill, whatever became of its leg.
#[test]
fn a_price_is_looked_at_after_a_fill() {
    let quotes = |phase: Phase, filled_at: Option<i64>, now: i64| {
        let mut state = state("EXIT A 500; BUY B 900", phase);
        ordered(&mut state.legs[0], &format!("rest 5@100.02 got 5@100.02 on {BOOK}"));
        state.legs[0].outcome = Some(LegOutcome::Filled);
        state.legs[0].children[0].filled_at = filled_at.map(|millis| after(start(), millis));
        let symbols = outstanding(&state, after(start(), now)).reads.snapshots;
        symbols.iter().map(Symbol::as_str).collect::<String>()
    };
    for phase in [Phase::Proceeds, Phase::Buying] {
        assert_eq!(quotes(phase, None, 0), "B");
        assert_eq!(quotes(phase, Some(0), 0), "AB");
        assert_eq!(quotes(phase, Some(0), 300_000), "AB");
        assert_eq!(quotes(phase, Some(0), 301_000), "B");
    }
}

/// L9: a halt that this plan asked for is read until it shows, and one that was seen is not read again.
#[test]
fn the_halt_switch_is_read_until_a_halt_shows() {
    let mut closing = state("BUY A 1000", Phase::Closing);
    closing.stop = Some(StopCode::Stale);
    assert_eq!(wanted(&closing), "");
    closing.stop = Some(StopCode::RejectBreaker);
    assert_eq!(wanted(&closing), "halt");
    assert_eq!(outstanding(&closing, start()).halt, Some(StopCode::RejectBreaker));
    closing.halt = Some(alchemiser_core::account::Halt::new("ops", "a drill", start()));
    assert_eq!(wanted(&closing), "");
    closing.phase = Phase::Buying;
    assert!(!wanted(&closing).contains("halt"));
}

/// A plan with one order in this status, intended at the start, and edited.
fn with_order(kind: &str, status: Status, edit: impl FnOnce(&mut ChildOrder)) -> Execution {
    let mut state = state("BUY A 1000", Phase::Buying);
    ordered(&mut state.legs[0], &format!("{kind} 9@100.00 on {BOOK}"));
    let child = &mut state.legs[0].children[0];
    child.status = status;
    edit(child);
    state
}

/// S5, S14: the next look, in milliseconds after the start, when it is so many after the start now.
#[test]
fn orders_are_polled_quickly_at_first() {
    let check = |state: &Execution, looks: &[(i64, i64)]| {
        for (now, expected) in looks {
            let wake = outstanding(state, after(start(), *now)).wake_at.unwrap();
            let wake = wake.duration_since(start()).as_millis();
            assert_eq!(wake, i128::from(*expected), "at {now} ms");
        }
    };
    let quick = [(0, 100), (99, 100), (100, 300), (299, 300), (300, 700), (700, 1_700)];
    let resting = with_order("rest", Status::Working, |_| ());
    check(&resting, &quick);
    check(&resting, &[(1_500, 2_500), (2_000, 3_000)]);
    let crossing = with_order("cross", Status::Working, |_| ());
    check(&crossing, &quick);
    check(&crossing, &[(1_500, 2_000), (1_999, 2_000), (2_000, 3_000)]);
    let asked = CancelAsked {
        first_at: start(),
        last_at: after(start(), 5_000),
        reason: CancelReason::Repeg,
    };
    let canceling = with_order("rest", Status::CancelInFlight, |c| c.cancel = Some(asked));
    check(&canceling, &[(5_000, 5_100), (5_100, 5_300), (5_700, 6_700)]);
    check(&with_order("cross", Status::Filled, |_| ()), &[(0, 1_000), (1_500, 2_500)]);

    let waiting = |phase: Phase, code: WaitCode| {
        let mut state = state("BUY A 1000", phase);
        state.legs[0].waiting = Some((code, start()));
        state
    };
    check(&waiting(Phase::Preparing, WaitCode::OpenQuiet), &[(0, 3_000)]);
    check(&waiting(Phase::Preparing, WaitCode::Reading), &[(0, 1_000)]);
    check(&waiting(Phase::Buying, WaitCode::OpenQuiet), &[(0, 1_000)]);
    assert_eq!(outstanding(&state("BUY A 1000", Phase::Finished), start()).wake_at, None);
}

/// S11: an order without an answer is looked up at once, then 1, 2, 4, 8, 8 … seconds after it was not found; one that
/// is known, or about to be sent, is not.
#[test]
fn look_ups_come_less_and_less_often() {
    let due =
        |state: &Execution, now: i64| !outstanding(state, after(start(), now)).look_ups.is_empty();
    assert!(due(&with_order("rest", Status::InFlight, |_| ()), 0));
    assert!(!due(&with_order("rest", Status::Working, |_| ()), 0));
    assert!(!due(&with_order("rest", Status::Unresolved, |_| ()), 60_000));
    for (not_found, pause) in [(1, 1_000), (2, 2_000), (3, 4_000), (4, 8_000), (5, 8_000)] {
        let not_found_at = Some((start(), start()));
        let flight = Flight { not_found, not_found_at, ..Flight::default() };
        let state = with_order("rest", Status::InFlight, |child| child.flight = flight);
        assert!(!due(&state, pause - 1) && due(&state, pause), "{not_found}");
    }
}

/// S11, I4: an order is sent in the turn that approved it, once, and looked up as soon as its answer is lost.
#[test]
fn an_approved_order_is_sent_once() {
    let mut story = Story::of(&plan("BUY A 1000"));
    story.post(Post::LoseOrder);
    story.turn();
    let facts = story.log.iter();
    let upto = facts.take_while(|fact| !matches!(fact.kind, FactKind::AnswerLost(..)));
    let state = Execution::fold(upto, &story.state.policy).unwrap();
    let due = |state: &Execution| {
        let due = outstanding(state, start());
        (due.submits.len(), due.look_ups.len())
    };
    assert_eq!(due(&state), (1, 0));
    story.turn();
    assert_eq!(due(&story.state), (0, 1));
    let known = Execution::fold(&story.recorded(), &story.state.policy).unwrap();
    assert_eq!(due(&known), (0, 1));
}

/// S6: a cancel is sent in the turn that asked for it, of an order whose broker id is known.
#[test]
fn a_cancel_is_sent_when_it_was_just_asked_for() {
    let asked = |status: Status, known: bool| {
        with_order("rest", status, |child| {
            let (first_at, last_at) = (start(), after(start(), 1_000));
            child.cancel = Some(CancelAsked { first_at, last_at, reason: CancelReason::Repeg });
            child.broker_order_id = child.broker_order_id.take().filter(|_| known);
        })
    };
    let due = |state: &Execution, now: i64| {
        let cancels = outstanding(state, after(start(), now)).cancels;
        cancels.into_iter().map(|(_, id)| id.to_string()).collect::<String>()
    };
    assert_eq!(due(&asked(Status::CancelInFlight, true), 1_000), "b1");
    assert_eq!(due(&asked(Status::CancelInFlight, true), 1_001), "");
    assert_eq!(due(&asked(Status::CancelInFlight, false), 1_000), "");
    assert_eq!(due(&asked(Status::Canceled, true), 1_000), "");
    assert_eq!(due(&with_order("rest", Status::CancelInFlight, |_| ()), 0), "");
}

/// S6, L1: a plan that is over still follows an order that may fill, or whose price is not known: its cancel goes out,
/// the orders are read, its events are published, and nothing else is done.
#[test]
fn an_order_that_outlives_its_plan_is_followed() {
    let over = |status: Status, edit: fn(&mut ChildOrder)| {
        let mut state = with_order("rest", status, edit);
        state.phase = Phase::Finished;
        let event_id = EventId::new("e1").unwrap();
        let announced = Announced {
            event_id,
            detail_type: "TradeExecuted".to_owned(),
            detail: "{}".to_owned(),
        };
        let kind = FactKind::Announced(Box::new(announced));
        let state = apply(state, &Fact { at: start(), kind });
        let due = outstanding(&state, start());
        let wake = due.wake_at.map(|at| at.duration_since(start()).as_millis());
        (wanted(&state), due.cancels.len(), due.publications.len(), wake)
    };
    let asked: fn(&mut ChildOrder) = |child| {
        let (first_at, last_at, reason) = (start(), start(), CancelReason::WindowOver);
        child.cancel = Some(CancelAsked { first_at, last_at, reason });
    };
    assert_eq!(over(Status::CancelInFlight, asked), ("orders".to_owned(), 1, 1, Some(100)));
    assert_eq!(over(Status::Unresolved, |_| ()), ("orders".to_owned(), 0, 1, Some(1_000)));
    let unpriced: fn(&mut ChildOrder) = |child| child.cumulative = shares("1");
    assert_eq!(over(Status::Canceled, unpriced), ("orders".to_owned(), 0, 1, Some(1_000)));
    assert_eq!(over(Status::Canceled, |_| ()), (String::new(), 0, 1, None));
}

/// X13: before anything trades, open orders of ours from earlier plans go, other people's where the policy says so.
#[test]
fn leftovers_are_open_orders_before_anything_trades() {
    let mut story = Story::of(&plan("BUY A 1000"));
    let now = story.now;
    story.turn();
    story.broker.foreign("Z", Side::Buy, now);
    let seen = observe(story.seen.clone(), &Input::Orders(story.broker.list(), now));
    let gone = |state: &Execution| {
        leftovers(state, &seen).iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    let mut early = state("BUY A 1000", Phase::Preparing);
    assert_eq!(gone(&early), "b1");
    Arc::make_mut(&mut early.policy).cancel_foreign_orders = true;
    assert_eq!(gone(&early), "b1 by-hand-1");
    assert_eq!(gone(&state("BUY A 1000", Phase::Selling)), "");
    story.fill_all();
    let seen = observe(seen.clone(), &Input::Orders(story.broker.list(), now));
    assert_eq!(leftovers(&state("BUY A 1000", Phase::Preparing), &seen), []);
}

/// H7: an event is announced once, and published until the bus took it, also when the plan is over.
#[test]
fn events_are_published_until_they_are_taken() {
    let mut story = Story::of(&plan("BUY A 1000"));
    story.post(Post::Fill);
    story.run(3);
    let events = unannounced(&story.state);
    let types: Vec<&str> = events.iter().map(Event::detail_type).collect();
    assert_eq!(
        types,
        ["TradeExecutionStarted", "ExecutionPhaseCompleted", "TradeExecuted", "WorkflowCompleted"]
    );
    for event in &events {
        let event_id = event.id(&story.state);
        let detail_type = event.detail_type().to_owned();
        let detail = "{}".to_owned();
        story.record(FactKind::Announced(Box::new(Announced { event_id, detail_type, detail })));
    }
    assert_eq!(unannounced(&story.state), []);
    let due = |state: &Execution| {
        let due = outstanding(state, start()).publications;
        due.iter().map(|event| event.detail_type.clone()).collect::<Vec<_>>()
    };
    assert_eq!(due(&story.state), types);
    let first: EventId = events[0].id(&story.state);
    story.record(FactKind::Published(first));
    assert_eq!(due(&story.state), types[1..]);
    story.state.phase = Phase::Closing;
    assert_eq!(due(&story.state), types[1..]);
}
