//! Plans that are refused, and plans that are the same.

use alchemiser_core::{
    plan::{Age, Draft, Plan, PlanRefused, RefusalCode},
    policy::Policy,
};
use jiff::SignedDuration;
use rust_decimal::Decimal;

use crate::given::{after, decimal, draft, plan, start};

fn check(edit: impl FnOnce(&mut Draft), expected: &str) {
    let mut draft = draft("BUY AAPL 1000; EXIT MSFT 500 2; HOLD T 70");
    edit(&mut draft);
    let refused = Plan::new(draft, start(), Policy::default().plan_max_age).unwrap_err();
    assert_eq!(said(&refused), expected);
    assert_eq!(
        format!(
            "{}: {}",
            refused.code.code(),
            &refused.to_string()[refused.code.code().len() + 2..]
        ),
        refused.to_string()
    );
}

fn said(refused: &PlanRefused) -> String {
    let PlanRefused { code, field, expected, found } = refused;
    let field = field.strip_prefix("rebalance_plan.").unwrap_or(field);
    format!("{} {field} | {expected} | {found}", code.code())
}

/// H1, T3: every plan that does not fit is refused with code, field, what was expected and what was found.
#[test]
fn a_plan_that_does_not_fit_is_refused_by_name() {
    const ID: &str = "1 to 128 printable ASCII characters that are not all blank";
    check(|d| d.plan_id = " ".into(), &format!("MALFORMED_FIELD plan_id | {ID} | \" \""));
    check(
        |d| d.correlation_id = "é".into(),
        &format!("MALFORMED_FIELD correlation_id | {ID} | \"é\""),
    );
    check(
        |d| d.urgency = "high".into(),
        "MALFORMED_FIELD execution_urgency | LOW, NORMAL, HIGH or URGENT | \"high\"",
    );
    check(
        |d| d.items = vec![d.items[0].clone(); 501],
        "OUT_OF_BOUNDS items | at most 500 items | 501",
    );
    check(
        |d| d.items[1].symbol = "A B".into(),
        "MALFORMED_FIELD items[1].symbol | a symbol of 1 to 10 characters A-Z, 0-9 or '.' | \"A B\"",
    );
    check(
        |d| d.items[0].action = "buy".into(),
        "MALFORMED_FIELD items[0].action | BUY, SELL or HOLD | \"buy\"",
    );
    check(
        |d| d.items[0].current_weight = decimal("-0.10"),
        "OUT_OF_BOUNDS items[0].current_weight | a weight in 0..=1 | -0.1",
    );
    check(
        |d| d.items[2].target_weight = decimal("1.01"),
        "OUT_OF_BOUNDS items[2].target_weight | a weight in 0..=1 | 1.01",
    );
    check(
        |d| d.items[0].trade_amount = decimal("-1"),
        "SIGN_DIFFERS items[0].trade_amount | an amount above 0 for a BUY | -1",
    );
    check(
        |d| d.items[0].trade_amount = Decimal::ZERO,
        "SIGN_DIFFERS items[0].trade_amount | an amount above 0 for a BUY | 0",
    );
    check(
        |d| d.items[1].trade_amount = decimal("500"),
        "SIGN_DIFFERS items[1].trade_amount | an amount below 0 for a SELL | 500",
    );
    check(
        |d| d.items[1].trade_amount = Decimal::ZERO,
        "SIGN_DIFFERS items[1].trade_amount | an amount below 0 for a SELL | 0",
    );
    check(
        |d| d.items[1].priority = 6,
        "OUT_OF_BOUNDS items[1].priority | a whole number in 1..=5 | 6",
    );
    check(
        |d| d.items[1].priority = 0,
        "OUT_OF_BOUNDS items[1].priority | a whole number in 1..=5 | 0",
    );
    check(
        |d| d.items[1].priority = -255,
        "OUT_OF_BOUNDS items[1].priority | a whole number in 1..=5 | -255",
    );
    check(
        |d| d.items[1].symbol = "aapl".into(),
        "DUPLICATE_SYMBOL items[1].symbol | each symbol once | AAPL again (first at items[0])",
    );
}

/// T3: what was found is cut, so that a hostile input cannot fill the log.
#[test]
fn what_was_found_is_cut_to_120_characters() {
    let refused = PlanRefused::new(RefusalCode::MalformedField, "f", "x", "y".repeat(500));
    assert_eq!(refused.found.len(), 120);
}

/// H1: the ends of the bounds are inside: weights of nothing and of everything, the first and the last priority.
#[test]
fn the_ends_of_the_bounds_are_inside() {
    let made = |edit: fn(&mut Draft)| {
        let mut draft = draft("BUY AAPL 1000; EXIT MSFT 500; HOLD T 70");
        edit(&mut draft);
        Plan::new(draft, start(), Policy::default().plan_max_age).is_ok()
    };
    assert!(made(|d| d.items[0].target_weight = Decimal::ONE));
    assert!(made(|d| d.items[0].current_weight = Decimal::ZERO));
    assert!(made(|d| d.items[0].priority = 5));
    assert!(made(|d| d.items[2].trade_amount = Decimal::ZERO));
    assert!(made(|d| d.items[2].trade_amount = decimal("-1")));
}

/// L5: only a sell down to nothing is a complete exit.
#[test]
fn only_a_sell_to_nothing_is_an_exit() {
    let exits = |text: &str| plan(text).items[0].is_exit();
    assert!(exits("EXIT A 500"));
    assert!(!exits("SELL A 500") && !exits("BUY A 500") && !exits("HOLD A 0"));
}

fn totals(edit: impl FnOnce(&mut Draft)) -> String {
    let mut draft = draft("BUY AAPL 1000; EXIT MSFT 500; HOLD T 70");
    edit(&mut draft);
    let plan = Plan::new(draft, start(), Policy::default().plan_max_age).unwrap();
    plan.check_totals().map_or_else(|refused| said(&refused), |()| "fits".to_owned())
}

/// H1: totals agree within a dollar, or the plan is refused naming the sum that does not.
#[test]
fn totals_must_add_up_within_a_dollar() {
    assert_eq!(totals(|_| ()), "fits");
    assert_eq!(totals(|d| d.trade_value = decimal("1501")), "fits");
    assert_eq!(totals(|d| d.items[0].target_value = decimal("1001")), "fits");
    assert_eq!(
        totals(|d| d.trade_value = decimal("1498.99")),
        "TOTALS_DIFFER total_trade_value | the sum of |trade_amount|, 1500, within $1 | 1498.99"
    );
    assert_eq!(
        totals(|d| d.items[1].current_value = decimal("502")),
        "TOTALS_DIFFER items[1].trade_amount | target_value - current_value = -502 within $1 | -500"
    );
}

fn aged(minutes: i64, valid_until: Option<i64>, age: Age) -> String {
    let mut draft = draft("BUY AAPL 1000");
    draft.valid_until = valid_until.map(|minutes| after(start(), minutes * 60_000));
    let max = Policy::default().plan_max_age;
    let plan = Plan::new(draft, after(start(), minutes * 60_000 + 1), max).unwrap();
    match plan.check_age(age, max) {
        Ok(plan) => format!("until +{}", plan.valid_until.duration_since(start()).as_mins()),
        Err(refused) => format!("{} {}", refused.code.code(), refused.expected),
    }
}

/// I12, H9: a plan is too old after 15 minutes or its own date, unless it is played again on purpose.
#[test]
fn an_old_plan_is_refused() {
    assert_eq!(aged(14, None, Age::AsStated), "until +15");
    assert_eq!(
        aged(15, None, Age::AsStated),
        "STALE a plan made at most 15 min ago (or a later metadata.valid_until)"
    );
    assert_eq!(aged(15, Some(20), Age::AsStated), "until +20");
    assert_eq!(
        aged(6, Some(5), Age::AsStated),
        "STALE a plan made at most 15 min ago (or a later metadata.valid_until)"
    );
    assert_eq!(aged(600, None, Age::Restated), "until +615");
}

/// I12: a plan whose time is more than a minute ahead is refused: it would be fresh for longer than it may be.
#[test]
fn a_plan_of_the_future_is_refused() {
    let made = |ahead: i64, age: Age| {
        let max = Policy::default().plan_max_age;
        let plan = Plan::new(draft("BUY A 1"), after(start(), -ahead), max).unwrap();
        plan.check_age(age, max).map_err(|refused| refused.to_string())
    };
    assert!(made(60_000, Age::AsStated).is_ok() && made(10_800_000, Age::Restated).is_ok());
    let refused = made(60_001, Age::AsStated).unwrap_err();
    let expected = "IN_THE_FUTURE: rebalance_plan.timestamp: expected a time at most 60 s ahead of ours, \
        found 2026-11-20T15:00:00Z, received 2026-11-20T14:58:59.999Z";
    assert_eq!(refused, expected);
}

/// I12: the last moment of a plan's validity is inside.
#[test]
fn a_plan_is_valid_to_its_last_moment() {
    let received = |millis: i64| {
        let max = Policy::default().plan_max_age;
        let plan = Plan::new(draft("BUY A 1"), after(start(), millis), max).unwrap();
        plan.check_age(Age::AsStated, max).is_ok()
    };
    assert!(received(900_000) && !received(900_001));
    let short = SignedDuration::from_secs(59);
    let plan = Plan::new(draft("BUY A 1"), after(start(), 59_001), short).unwrap();
    let refused = plan.check_age(Age::AsStated, short).unwrap_err();
    assert!(refused.expected.starts_with("a plan made at most 59 s ago"), "{refused}");
}

fn differs(edit: impl FnOnce(&mut Draft)) -> String {
    let first = plan("BUY AAPL 1000; EXIT MSFT 500");
    let mut draft = draft("BUY AAPL 1000; EXIT MSFT 500");
    edit(&mut draft);
    let second = Plan::new(draft, after(start(), 1), SignedDuration::from_secs(1)).unwrap();
    let difference = first.difference(&second);
    assert_eq!(difference.is_none(), first.content_sha256() == second.content_sha256());
    difference.map_or_else(|| "same".to_owned(), |refused| said(&refused))
}

/// X9, S11: the same plan again is the same; the same id with other content is a conflict that names the field.
#[test]
fn a_plan_is_known_by_its_content() {
    assert_eq!(differs(|_| ()), "same");
    assert_eq!(differs(|d| d.timestamp = after(start(), 60_000)), "same");
    assert_eq!(differs(|d| d.correlation_id = "other".into()), "same");
    assert_eq!(differs(|d| d.items[0].trade_amount = decimal("1000.000")), "same");
    let first = "as this plan_id had it the first time";
    assert_eq!(
        differs(|d| d.items[1].trade_amount = decimal("-501")),
        format!("PLAN_CONFLICT items[1].trade_amount | -500, {first} | -501")
    );
    assert_eq!(
        differs(|d| d.items[0].priority = 2),
        format!("PLAN_CONFLICT items[0].priority | 1, {first} | 2")
    );
    assert_eq!(differs(|d| drop(d.items.pop())), format!("PLAN_CONFLICT items | 2, {first} | 1"));
    assert_eq!(
        differs(|d| d.urgency = "HIGH".into()),
        format!("PLAN_CONFLICT execution_urgency | NORMAL, {first} | HIGH")
    );
    assert_eq!(
        differs(|d| d.trades_required = false),
        format!("PLAN_CONFLICT trades_required | true, {first} | false")
    );
}

/// H2: nothing to trade is known from the plan alone.
#[test]
fn a_plan_of_holds_is_idle() {
    assert!(plan("HOLD T 70").is_idle() && plan("").is_idle() && !plan("BUY T 70").is_idle());
}
