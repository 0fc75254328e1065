//! Random lives: whatever the market and the broker do, the invariants hold and the plan ends.

use alchemiser_core::{fact::RefusalKind, report::BrokerStatus};
use proptest::prelude::*;

use crate::{
    broker::Post,
    given::{plan, shares, symbol},
    story::Story,
};

const PLANS: [&str; 4] = [
    "BUY A 1000",
    "EXIT A 500; BUY B 900; BUY C 300 2",
    "SELL A 3000; EXIT B 200; BUY C 2500; BUY D 5000 3",
    "EXIT A 5000 2; EXIT B 700; EXIT C 90",
];
const SYMBOLS: [&str; 4] = ["A", "B", "C", "D"];

#[derive(Clone, Debug)]
enum Step {
    Run(i64),
    Fill(usize, u32),
    Quote(usize, i64, i64, (u32, u32)),
    NoQuote(usize),
    Post(Post),
    Cancels(bool),
    Prices(bool),
    Credits(bool),
    Stale(bool),
    End(usize, BrokerStatus),
    Land,
    Restart,
}

fn posts() -> impl Strategy<Value = Post> {
    prop_oneof![
        4 => Just(Post::Accept),
        4 => Just(Post::Fill),
        2 => Just(Post::LoseAnswer),
        2 => Just(Post::LoseOrder),
        2 => Just(Post::Delay),
        1 => Just(Post::NotSent),
        1 => Just(Post::Refuse(RefusalKind::Other)),
        1 => Just(Post::Refuse(RefusalKind::InsufficientFunds)),
        1 => Just(Post::Refuse(RefusalKind::InsufficientQuantity { available: Some(shares("1.5")) })),
    ]
}

fn steps() -> impl Strategy<Value = Step> {
    let ends = prop_oneof![
        Just(BrokerStatus::Canceled),
        Just(BrokerStatus::Expired),
        Just(BrokerStatus::Rejected)
    ];
    prop_oneof![
        8 => (1_i64..25).prop_map(Step::Run),
        5 => (0_usize..4, 1_u32..9_000).prop_map(|(leg, amount)| Step::Fill(leg, amount)),
        4 => (0_usize..4, -300_i64..300, 0_i64..9, (1_u32..2_000, 1_u32..2_000)).prop_map(|(leg, move_by, spread, sizes)| Step::Quote(leg, move_by, spread, sizes)),
        1 => (0_usize..4, -300_i64..300, 300_i64..500, (1_u32..2_000, 1_u32..2_000)).prop_map(|(leg, move_by, spread, sizes)| Step::Quote(leg, move_by, spread, sizes)),
        1 => (0_usize..4).prop_map(Step::NoQuote),
        5 => posts().prop_map(Step::Post),
        2 => any::<bool>().prop_map(Step::Cancels),
        1 => any::<bool>().prop_map(Step::Prices),
        1 => any::<bool>().prop_map(Step::Credits),
        2 => any::<bool>().prop_map(Step::Stale),
        1 => (0_usize..4, ends).prop_map(|(leg, end)| Step::End(leg, end)),
        1 => Just(Step::Land),
        1 => Just(Step::Restart),
    ]
}

fn quote_text(move_by: i64, spread: i64, (bid, ask): (u32, u32)) -> String {
    let cents = |count: i64| format!("{}.{:02}", count / 100, count % 100);
    let near = 10_000 + move_by;
    format!("{}x{bid} {}x{ask}", cents(near), cents(near + spread))
}

fn play(story: &mut Story, step: &Step) {
    let now = story.now;
    let open = |story: &Story, leg: usize| story.broker.open(&symbol(SYMBOLS[leg]));
    match step {
        Step::Run(seconds) => story.run(*seconds),
        Step::Fill(leg, thousandths) => {
            let amount = shares(&format!("{}.{:03}", thousandths / 1000, thousandths % 1000));
            if let Some(id) = open(story, *leg) {
                story.broker.fill(&id, amount, now);
            }
        }
        Step::Quote(leg, move_by, spread, sizes) => {
            story.market(SYMBOLS[*leg], &quote_text(*move_by, *spread, *sizes));
        }
        Step::NoQuote(leg) => story.market(SYMBOLS[*leg], ""),
        Step::Post(post) => story.post(*post),
        Step::Cancels(carried_out) => {
            story.broker.cancels = *carried_out;
            story.broker.carry_out();
        }
        Step::Prices(known) => story.broker.priced = *known,
        Step::Credits(shown) => story.broker.credits = *shown,
        Step::Stale(stale) => story.broker.stale = stale.then(|| story.broker.orders.clone()),
        Step::End(leg, status) => {
            if let Some(id) = open(story, *leg) {
                story.broker.end(&id, *status);
            }
        }
        Step::Land => story.broker.land(now),
        Step::Restart => story.restart(),
    }
}

/// The faults stop; the plan ends, and its fills are the broker's.
fn finish(story: &mut Story) {
    (story.broker.cancels, story.broker.priced, story.broker.credits) = (true, true, true);
    story.broker.carry_out();
    story.broker.stale = None;
    story.broker.script.clear();
    let now = story.now;
    story.broker.land(now);
    for name in SYMBOLS {
        story.market(name, "100.00x500 100.02x500");
    }
    for _ in 0..60 {
        story.run(20);
        story.check();
        if story.state.is_finished() {
            break;
        }
    }
    assert!(story.state.is_finished(), "it never ends\n{}", story.trace());
    for child in story.state.children().filter(|child| !child.may_still_fill()) {
        let index = story.broker.find(&child.client_order_id);
        let filled = index.map(|index| story.broker.orders[index].cumulative).unwrap_or_default();
        assert_eq!(child.cumulative, filled, "{}\n{}", child.client_order_id, story.trace());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, max_shrink_iters: 2_000, ..ProptestConfig::with_cases(300) })]

    /// T2, S11, X3, X9: at most one live order a symbol, never more than the target or the budget, every order after its
    /// intent, the log folds to the state, and every plan ends with the broker's fills.
    #[test]
    fn the_invariants_hold_in_every_life(items in 0_usize..4, script in prop::collection::vec(steps(), 0..60)) {
        let mut story = Story::of(&plan(PLANS[items]));
        for step in &script {
            play(&mut story, step);
            story.check();
        }
        finish(&mut story);
    }
}
