//! What the broker says, in any order: the fold ends the same.

use alchemiser_core::{
    child::Status,
    execution::{Execution, apply},
    fact::{Fact, FactKind, Reported},
    ids::BrokerOrderId,
    policy::Policy,
    quantity::Quantity,
    report::BrokerStatus,
};
use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::{
    broker::Post,
    given::{after, plan, price, start, symbol},
    story::Story,
};

/// The log of a plan with one order just sent.
fn sent() -> Vec<Fact> {
    let mut story = Story::of(&plan("BUY A 1000"));
    story.post(Post::LoseAnswer);
    story.turn();
    story.log
}

fn fold(facts: &[Fact]) -> Execution {
    Execution::fold(facts, &Policy::default()).unwrap()
}

/// What an order's life looks like from outside: fills that add up, then an end.
fn life(fills: &[u32], end: BrokerStatus) -> Vec<Fact> {
    let quantity = Quantity::new("9.998".parse().unwrap()).unwrap();
    let mut cumulative = Decimal::ZERO;
    let mut facts: Vec<(Decimal, BrokerStatus)> = vec![(cumulative, BrokerStatus::New)];
    for thousandths in fills {
        cumulative = (cumulative + Decimal::new(i64::from(*thousandths), 3)).min(quantity.shares());
        facts.push((cumulative, BrokerStatus::PartiallyFilled));
    }
    if end == BrokerStatus::Filled {
        cumulative = quantity.shares();
    }
    facts.push((cumulative, end));
    let fact = |(index, (cumulative, status)): (usize, (Decimal, BrokerStatus))| {
        let reported = Reported {
            broker_order_id: BrokerOrderId::new("b1").unwrap(),
            status,
            quantity,
            limit: Some(price("100")),
            cumulative: Quantity::new(cumulative).unwrap(),
            average_price: (!cumulative.is_zero()).then(|| price("99.99")),
            submitted_at: start(),
            filled_at: None,
            quote: None,
        };
        let at = after(start(), i64::try_from(index).unwrap() * 10);
        Fact { at, kind: FactKind::Reported(symbol("A"), 1, Box::new(reported)) }
    };
    facts.into_iter().enumerate().map(fact).collect()
}

fn ends() -> impl Strategy<Value = BrokerStatus> {
    prop_oneof![
        Just(BrokerStatus::Filled),
        Just(BrokerStatus::Canceled),
        Just(BrokerStatus::Expired),
        Just(BrokerStatus::Replaced),
        Just(BrokerStatus::Rejected)
    ]
}

/// What counts at the end.
fn result(state: &Execution) -> (Quantity, String, Status) {
    let child = &state.legs[0].children[0];
    (child.cumulative, child.filled_notional().to_string(), child.status)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    /// T4, S11: reports shuffled, repeated and lost (but for the last) add up to the same.
    #[test]
    fn the_order_of_reports_does_not_matter(
        fills in prop::collection::vec(1_u32..4_000, 0..6), end in ends(),
        order in prop::collection::vec((0_usize..8, any::<bool>()), 0..30),
    ) {
        let life = life(&fills, end);
        let straight = life.iter().fold(fold(&sent()), apply);
        let mut shuffled: Vec<Fact> =
            order.iter().filter_map(|(index, _)| life.get(*index)).cloned().collect();
        let last = life.last().unwrap().clone();
        let place = order.first().map_or(0, |(index, _)| *index % (shuffled.len() + 1));
        shuffled.insert(place, last);
        let mixed = shuffled.iter().fold(fold(&sent()), apply);
        prop_assert_eq!(result(&straight), result(&mixed));
        prop_assert!(mixed.legs[0].filled() <= mixed.legs[0].children[0].terms.quantity);
    }

    /// H9, T4: the same report twice is the same as once.
    #[test]
    fn a_report_repeated_changes_nothing(fills in prop::collection::vec(1_u32..4_000, 0..6), end in ends(), upto in 0_usize..8) {
        let life = life(&fills, end);
        let mut state = fold(&sent());
        for fact in life.iter().take(upto.max(1)) {
            state = apply(state, fact);
            prop_assert_eq!(&apply(state.clone(), fact), &state);
        }
    }

    /// T3, T6: any fact on any state is taken in: nothing panics, fills never shrink, and what ended stays ended.
    #[test]
    fn taking_in_a_fact_is_total(picks in prop::collection::vec(any::<prop::sample::Index>(), 0..60)) {
        let pool = pool();
        let mut state = fold(&pool[..1]);
        for pick in picks {
            let before = state.clone();
            state = apply(state, pick.get(&pool));
            prop_assert!(state.last_at >= before.last_at);
            for (leg, was) in state.legs.iter().zip(&before.legs) {
                prop_assert!(leg.filled() >= was.filled());
                prop_assert!(was.outcome.is_none() || leg.outcome == was.outcome);
            }
        }
    }
}

/// Facts of every kind that stories produce, with more of other orders.
fn pool() -> Vec<Fact> {
    let mut story = Story::of(&plan("EXIT A 500; BUY B 900; BUY C 300"));
    for post in [Post::Fill, Post::LoseOrder, Post::NotSent, Post::Accept, Post::Fill] {
        story.post(post);
    }
    story.run(20);
    story.market("B", "101.00x500 101.02x500");
    story.run(200);
    let mut pool = story.log;
    pool.extend(life(&[1_000, 2_000], BrokerStatus::Filled));
    let lost = |attempt| FactKind::AnswerLost(symbol("Z"), attempt);
    pool.extend((0..3).map(|attempt| Fact { at: start(), kind: lost(attempt) }));
    pool.push(Fact { at: start(), kind: FactKind::Unresolved(symbol("B"), 1) });
    pool.push(Fact { at: start(), kind: FactKind::HandedOver });
    pool
}

/// T4: a filled report overtakes the acceptance, and a fill counts after the cancel.
#[test]
fn fills_overtake_acceptances_and_follow_cancels() {
    let check = |reports: [usize; 2], end, expected: (&str, Status)| {
        let life = life(&[3_000], end);
        let state = reports.iter().map(|index| &life[*index]).fold(fold(&sent()), apply);
        let child = &state.legs[0].children[0];
        assert_eq!((child.cumulative.to_string().as_str(), child.status), expected);
    };
    check([2, 0], BrokerStatus::Filled, ("9.998", Status::Filled));
    check([2, 1], BrokerStatus::Canceled, ("3", Status::Canceled));
    check([1, 0], BrokerStatus::Filled, ("3", Status::Working));
}

/// L1: a fill without a price is worth its limit until the price is known, and a price is never lost again.
#[test]
fn a_price_that_comes_later_is_kept() {
    let life = life(&[], BrokerStatus::Filled);
    let bare = |fact: &Fact| {
        let FactKind::Reported(symbol, attempt, report) = fact.kind.clone() else {
            panic!("no report")
        };
        let report = Reported { average_price: None, ..*report };
        Fact { at: fact.at, kind: FactKind::Reported(symbol, attempt, Box::new(report)) }
    };
    let unpriced = apply(fold(&sent()), &bare(&life[1]));
    assert_eq!(unpriced.legs[0].filled_notional().to_string(), "999.8");
    assert!(!unpriced.legs[0].children[0].is_settled());
    let priced = apply(unpriced, &life[1]);
    assert_eq!(priced.legs[0].filled_notional().to_string(), "999.70002");
    assert_eq!(
        apply(priced.clone(), &bare(&life[1])).legs[0].average_price(),
        priced.legs[0].average_price()
    );
}

/// L10: the quote when a fill was learnt of is recorded with the fill, and with nothing else.
#[test]
fn the_quote_at_a_fill_is_recorded_with_it() {
    let mut story = Story::of(&plan("BUY A 1000"));
    story.run(1);
    story.fill("A", "3");
    story.run(2);
    story.market("A", "100.01x500 100.03x500");
    story.run(3);
    story.fill_all();
    story.run(1);
    let told = |fact: &Fact| match &fact.kind {
        FactKind::Reported(_, attempt, report) => {
            let bid = report.quote.map_or("-".to_owned(), |quote| quote.bid.price.to_string());
            Some(format!("#{attempt} {} {bid}", report.status.word()))
        }
        _ => None,
    };
    let told: Vec<String> = story.log.iter().filter_map(told).collect();
    assert_eq!(
        told,
        ["#1 new -", "#1 partially_filled 100", "#1 canceled -", "#2 new -", "#2 filled 100.01",]
    );
    let at_fill = story.state.children().map(|child| child.quote_at_fill.map(|quote| quote.bid));
    assert!(at_fill.into_iter().all(|bid| bid.is_some()));
}
