//! Effective over quoted spread of our own crosses: the formula, its bounds, and what `adaptive` makes of it.

use alchemiser_core::{
    execution::Execution,
    fact::{FactKind, Phase},
    ids::PlanId,
    learning::{BySpread, Cross, Crosses, Learned, PLANS_MAX, Paid, Ratio, Spread, Unlearned},
    policy::Policy,
    side::Side,
};
use jiff::civil::{Date, date};
use proptest::{collection::vec, prelude::*, sample::select};
use rust_decimal::Decimal;

use crate::{
    given::{decimal, plan, price, shares},
    story::{Story, told},
};

/// A cross: `"buy 1@10.005 on 10.00 10.01"`.
fn cross(text: &str) -> Cross {
    let words: Vec<&str> = text.split([' ', '@']).collect();
    let [side, filled, average, _, bid, ask] = words[..] else { panic!("{text}") };
    Cross {
        side: if side == "buy" { Side::Buy } else { Side::Sell },
        bid: price(bid),
        ask: price(ask),
        filled: shares(filled),
        average: price(average),
    }
}

/// What crosses paid, by bucket.
fn paid(crosses: &[&str]) -> BySpread<Paid> {
    let mut sum = BySpread::<Paid>::default();
    for (spread, paid) in crosses.iter().filter_map(|text| cross(text).paid()) {
        *sum.of_mut(spread) = sum.of(spread).plus(paid);
    }
    sum
}

fn id(name: &str) -> PlanId {
    PlanId::new(name).unwrap()
}

/// S5: `(Σ 2s(P − m) + κ·S̄)/(Σ S + κ·S̄)` with κ = 30, to four decimals, never rounded down.
#[track_caller]
fn supported(crosses: &[&str], spread: Spread, expected: &str) {
    let ratio = paid(crosses).of(spread).supported();
    assert_eq!(ratio.normalize().to_string(), expected, "{crosses:?} at {spread:?}");
}

/// S5: crossing fills of at least a share make the ratio, shrunk toward 1: at the far touch 1, at the mid 30/31.
#[test]
fn our_own_crosses_make_the_effective_spread() {
    let (far, mid) = ("buy 1@10.01 on 10.00 10.01", "buy 1@10.005 on 10.00 10.01");
    supported(&[], Spread::One, "1");
    supported(&[far], Spread::One, "1");
    supported(&[mid], Spread::One, "0.9678");
    supported(&[mid, mid], Spread::One, "0.9375");
    supported(&[far, mid], Spread::One, "0.9688");
    supported(&["sell 1@10.005 on 10.00 10.01"], Spread::One, "0.9678");
    supported(&["sell 1@10.00 on 10.00 10.01"], Spread::One, "1");
    // Worse than the far touch: (.03 + .3)/(.01 + .3).
    supported(&["buy 1@10.02 on 10.00 10.01"], Spread::One, "1.0646");
    // What is below a share, and what had no spread to pay, says nothing.
    supported(&["buy 0.9@10.005 on 10.00 10.01"], Spread::One, "1");
    supported(&["buy 1@10.00 on 10.00 10.00"], Spread::One, "1");
}

/// S5: spreads of one tick, of two or three, and of more are three different markets, on every grid.
#[test]
fn spreads_of_other_buckets_do_not_count() {
    let check = |text: &str, expected: Option<Spread>| {
        let spread = cross(text).paid().map(|(spread, _)| spread);
        assert_eq!(spread, expected, "{text}");
    };
    check("buy 1@10.01 on 10.00 10.01", Some(Spread::One));
    check("buy 1@10.01 on 10.00 10.02", Some(Spread::Few));
    check("buy 1@10.01 on 10.00 10.03", Some(Spread::Few));
    check("buy 1@10.01 on 10.00 10.04", Some(Spread::Many));
    // Half a cent is one step where the quote stands between cents, and a hundredth of a cent below a dollar.
    check("buy 1@10.005 on 10.00 10.005", Some(Spread::One));
    check("buy 1@10.005 on 10.005 10.01", Some(Spread::One));
    check("buy 1@10.005 on 10.005 10.025", Some(Spread::Many));
    check("buy 1@0.5001 on 0.5000 0.5001", Some(Spread::One));
    check("buy 1@0.5001 on 0.5000 0.5003", Some(Spread::Few));
    check("buy 0.5@10.01 on 10.00 10.01", None);
    for (ticks, expected) in
        [(0, Spread::One), (1, Spread::One), (2, Spread::Few), (3, Spread::Few)]
    {
        assert_eq!(Spread::of(Decimal::from(ticks)), expected);
    }
    assert_eq!(Spread::of(Decimal::from(4)), Spread::Many);
    for spread in Spread::ALL {
        assert_eq!(Spread::from_word(spread.word()), Some(spread));
    }
}

/// So many crosses at one tick, each paying so much of the spread.
fn many(fills: u32, share: &str) -> BySpread<Paid> {
    let quoted = Decimal::new(i64::from(fills), 2);
    let one = Paid { fills, effective: quoted * decimal(share), quoted };
    BySpread { one, ..BySpread::default() }
}

/// The estimate at one tick after each day, by hand. 100 crosses at the mid support 30/130 = .2308; a step a day goes there. 1,000
/// at the whole spread then support (10 + .3)/(12.01 + .3) = .8368 at once; what is dearer than quoted ends at 1.
#[test]
fn a_day_lowers_the_estimate_by_a_step_and_raises_it_at_once() {
    let mut crosses = Crosses::default();
    let days = [
        (many(100, "0"), "0.95"),
        (many(100, "0"), "0.9"),
        (BySpread::default(), "0.9"),
        (many(1, "0"), "0.85"),
        (many(1_000, "1"), "0.8368"),
        (many(5_000, "1.5"), "1"),
    ];
    for (day, (paid, expected)) in (1_i8..).zip(days) {
        crosses.note(date(2026, 11, day), &id("plan"), paid);
        let ratio = crosses.ratios(decimal("0.05")).one;
        assert_eq!(ratio.value.normalize().to_string(), expected, "after day {day}");
    }
    assert_eq!(crosses.ratios(decimal("0.05")).one.fills, 6_201);
    assert_eq!(crosses.ratios(decimal("0.05")).few, Ratio::default());
    assert_eq!(crosses.through(), Some(date(2026, 11, 6)));
}

/// Plans of one day are one day: together they lower the estimate by one step.
#[test]
fn the_plans_of_a_day_lower_the_estimate_together() {
    let mut crosses = Crosses::default();
    for name in ["a", "b", "c"] {
        crosses.note(date(2026, 11, 2), &id(name), many(100, "0"));
    }
    assert_eq!(crosses.ratios(decimal("0.05")).one, Ratio { fills: 300, value: decimal("0.95") });
}

/// A plan that is noted again replaces itself; one without a cross is not kept; the oldest plans go first.
#[test]
fn a_plan_is_kept_once_and_the_newest_are_kept() {
    let mut crosses = Crosses::default();
    let day = date(2026, 11, 2);
    assert!(crosses.note(day, &id("a"), many(1, "0")));
    assert!(!crosses.note(day, &id("a"), many(1, "0")));
    assert!(crosses.note(day, &id("a"), many(2, "0")));
    assert!(!crosses.note(day, &id("b"), BySpread::default()));
    assert_eq!(crosses.plans().count(), 1);
    assert!(crosses.note(day, &id("a"), BySpread::default()));
    assert_eq!(crosses, Crosses::default());
    for number in 0..=PLANS_MAX {
        crosses.note(day, &id(&format!("{number:04}")), many(1, "0"));
    }
    let first = crosses.plans().next().map(|(_, plan, _)| plan.to_string());
    assert_eq!((crosses.plans().count(), first), (PLANS_MAX, Some("0001".to_owned())));
}

/// A day, a plan, and crosses: how many cents the spread has, and how much of it was paid, in percent.
type Row = (i8, u8, Vec<(i64, i64)>);

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let fills = vec((1_i64..9, -150_i64..250), 0..40);
    vec((1_i8..28, 0_u8..3, fills), 0..30)
}

fn noted(rows: &[Row]) -> Crosses {
    let mut crosses = Crosses::default();
    for (day, plan, fills) in rows {
        crosses.note(on(*day), &id(&plan.to_string()), summed(fills));
    }
    crosses
}

fn on(day: i8) -> Date {
    date(2026, 11, day)
}

fn summed(fills: &[(i64, i64)]) -> BySpread<Paid> {
    let mut sum = BySpread::<Paid>::default();
    for (cents, percent) in fills {
        let quoted = Decimal::new(*cents, 2);
        let effective = quoted * Decimal::new(*percent, 2);
        let spread = Spread::of(Decimal::from(*cents));
        *sum.of_mut(spread) = sum.of(spread).plus(Paid { fills: 1, effective, quoted });
    }
    sum
}

/// Rows of which no two are of the same plan and day.
fn distinct(mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort_by_key(|(day, plan, _)| (*day, *plan));
    rows.dedup_by_key(|(day, plan, _)| (*day, *plan));
    rows
}

fn total(crosses: &Crosses, spread: Spread) -> Paid {
    crosses.plans().fold(Paid::default(), |sum, (_, _, paid)| sum.plus(*paid.of(spread)))
}

proptest! {
    /// The order in which plans are noted does not matter, nor does noting one again.
    #[test]
    fn the_order_of_the_rows_does_not_matter(rows in rows(), seed in any::<u64>(), step in 0_i64..2_000) {
        let rows = distinct(rows);
        let mut mixed = rows.clone();
        mixed.sort_by_key(|(day, plan, _)| seed.rotate_left(u32::from(day.unsigned_abs() * 3 + plan)) % 97);
        mixed.extend(rows.first().cloned());
        let step = Decimal::new(step, 4);
        prop_assert_eq!(noted(&rows), noted(&mixed));
        prop_assert_eq!(noted(&rows).ratios(step), noted(&mixed).ratios(step));
    }

    /// Never below what the fills support, never above 1 (what a market order pays).
    #[test]
    fn the_estimate_is_never_below_what_the_fills_support(rows in rows(), step in 0_i64..10_000) {
        let crosses = noted(&rows);
        for spread in Spread::ALL {
            let ratio = *crosses.ratios(Decimal::new(step, 4)).of(spread);
            let paid = total(&crosses, spread);
            prop_assert!(ratio.value >= paid.supported().min(Decimal::ONE));
            prop_assert!(ratio.value <= Decimal::ONE);
            prop_assert_eq!(ratio.fills, paid.fills);
            // Shrunk: fills below 1 never support less than they were.
            let raw = paid.effective.checked_div(paid.quoted).unwrap_or(Decimal::ONE);
            prop_assert!(raw > Decimal::ONE || paid.supported() >= raw);
        }
    }

    /// Whatever one more day brings, it lowers the estimate by at most the step.
    #[test]
    fn one_day_lowers_the_estimate_by_at_most_the_step(
        rows in rows(), more in vec((0_u8..9, vec((1_i64..9, -150_i64..250), 0..400)), 1..4), step in 0_i64..10_000,
    ) {
        let step = Decimal::new(step, 4);
        let mut crosses = noted(&rows);
        let before = crosses.ratios(step);
        for (plan, fills) in more {
            crosses.note(on(28), &id(&format!("late-{plan}")), summed(&fills));
        }
        let after = crosses.ratios(step);
        for spread in Spread::ALL {
            prop_assert!(after.of(spread).value >= before.of(spread).value - step);
        }
    }

    /// A cross that paid less never raises an estimate.
    #[test]
    fn a_cheaper_cross_never_raises_the_estimate(rows in rows(), at in any::<prop::sample::Index>(), less in 0_i64..200) {
        let rows = distinct(rows);
        prop_assume!(!rows.is_empty());
        let mut cheaper = rows.clone();
        for (_, percent) in &mut at.get_mut(&mut cheaper).2 {
            *percent -= less;
        }
        let step = Decimal::new(5, 2);
        let (dear, cheap) = (noted(&rows).ratios(step), noted(&cheaper).ratios(step));
        for spread in Spread::ALL {
            prop_assert!(cheap.of(spread).value <= dear.of(spread).value);
        }
    }

    /// A cross between the touches pays between nothing and the spread, on either side.
    #[test]
    fn a_cross_inside_the_spread_pays_at_most_the_spread(
        bid in 100_i64..100_000, cents in 1_i64..50, inside in 0_i64..=100, side in select(vec![Side::Buy, Side::Sell]),
    ) {
        let at = |hundredths: i64| price(&Decimal::new(hundredths, 4).to_string());
        let cross = Cross {
            side, bid: at(bid * 100), ask: at((bid + cents) * 100), filled: shares("1"),
            average: at(bid * 100 + cents * inside),
        };
        let (_, paid) = cross.paid().unwrap();
        prop_assert!(paid.effective.abs() <= paid.quoted);
        let far = if side == Side::Buy { inside } else { 100 - inside };
        prop_assert_eq!(paid.effective, paid.quoted * (Decimal::new(2 * far, 2) - Decimal::ONE));
    }
}

fn learned(one: &str) -> Learned {
    let one = Ratio { fills: 500, value: decimal(one) };
    Learned { ratios: BySpread { one, ..BySpread::default() }, ..Learned::default() }
}

/// S5: with an E/Q below .6 the spread of one tick is paid at a pressure of .3, with the prior at .4: a book that leans by .35
/// is crossed by the one and joined by the other.
#[test]
fn adaptive_crosses_earlier_where_crossing_was_cheap() {
    let first = |known: Option<Learned>| {
        let mut story = Story::of(&plan("BUY B 900"));
        if let Some(known) = known {
            story.record(FactKind::Learned(Box::new(known)));
        }
        story.market("B", "100.00x675 100.01x325");
        story.run(1);
        story.state.children().next().map(|child| child.purpose.word())
    };
    assert_eq!(first(None), Some("rest"));
    assert_eq!(first(Some(Learned::prior(Unlearned::Nothing))), Some("rest"));
    assert_eq!(first(Some(learned("0.6"))), Some("rest"));
    assert_eq!(first(Some(learned("0.59"))), Some("cross"));
}

/// The first value counts: a plan decides by one estimate from its first order to its end, whoever goes on with it, and its log
/// folds to the same.
#[test]
fn a_plan_decides_by_one_estimate_to_its_end() {
    let mut story = Story::of(&plan("BUY B 900"));
    story.record(FactKind::Learned(Box::new(learned("0.5"))));
    story.record(FactKind::Learned(Box::new(learned("0.9"))));
    story.run(400);
    assert_eq!(story.state.phase, Phase::Finished);
    let folded = Execution::fold(&story.log, &Policy::default()).unwrap();
    for state in [&story.state, &folded] {
        assert_eq!(state.effective_over_quoted(Decimal::ONE), decimal("0.5"));
        assert_eq!(state.effective_over_quoted(Decimal::TWO), Decimal::ONE);
    }
    assert_eq!(folded, story.state);
}

/// A log without the fact, as releases before wrote it, decides as it did: by the prior.
#[test]
fn a_log_that_says_nothing_means_the_prior() {
    let script = |story: &mut Story| {
        story.market("B", "100.00x675 100.01x325");
        story.run(3);
        story.fill_all();
        story.run(5);
    };
    let known = |story: &mut Story| {
        story.record(FactKind::Learned(Box::new(Learned::prior(Unlearned::Unreadable))));
        script(story);
    };
    assert_eq!(told("BUY B 900", script), told("BUY B 900", known));
    for why in Unlearned::ALL {
        assert_eq!(Unlearned::from_code(why.code()), Some(why));
        assert_eq!(Learned::prior(why).effective_over_quoted(Decimal::ONE), Decimal::ONE);
    }
}
