//! From dollars to shares, and how buys share the money.

use alchemiser_core::{
    leg::{Leg, LegOutcome, Reason},
    policy::Policy,
    sizing::{allocate, is_too_small, target},
};
use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::given::{check_of, decimal, dollars, leg, plan, price, quote, shares, start};

/// `held` is `"held/available"` or `"held/available whole"`.
fn check(item: &str, held: &str, expected: &str) {
    let (amounts, kind) = held.split_once(' ').unwrap_or((held, ""));
    let (held, available) = amounts.split_once('/').unwrap();
    let leg = leg(item, &check_of(held, available, kind));
    let said = match target(&leg, &quote("99.90x500 100.00x500", start()), &Policy::default()) {
        Ok(sized) => format!("{}{}", sized.target, if sized.trimmed { " trimmed" } else { "" }),
        Err(outcome) => format!("{} {}", outcome.word(), outcome.reason().unwrap().code()),
    };
    assert_eq!(said, expected, "{item} with {amounts} {kind}");
}

/// X3, L5: a complete exit sells exactly what is available, to the last decimal.
#[test]
fn an_exit_sells_the_exact_quantity() {
    check("EXIT X 722", "7.2273576/7.2273576", "7.2273576");
    check("EXIT X 722", "7.227357612/7.227357612", "7.227357612");
    check("EXIT X 722", "7.2273576/7.2273576 whole", "7.2273576");
}

/// X3: other sells are |amount| / bid, rounded down, never more than is available and never a part of a whole share.
#[test]
fn a_sell_never_exceeds_the_position() {
    check("SELL X 500", "40/40", "5.005005");
    check("SELL X 500", "40/40 whole", "5");
    check("SELL X 500", "40/3.25", "3.25 trimmed");
    check("SELL X 500", "4.5/4.5 whole", "4 trimmed");
}

/// X3, X10: a sell of less than the plan says, for want of shares that nobody else holds, is a trimmed one; a difference
/// of two in a hundred is none.
#[test]
fn a_sell_that_lacks_shares_is_a_trimmed_one() {
    check("SELL X 5000", "120/30", "30 trimmed");
    check("SELL X 5000", "40/40", "40 trimmed");
    check("SELL X 500", "40/4.904", "4.904 trimmed");
    check("SELL X 500", "40/4.905", "4.905");
    check("EXIT X 500", "5/4.89", "4.89 trimmed");
    check("EXIT X 500", "5/4.9", "4.9");
    check("EXIT X 500", "5.5/4.2 whole", "4.2 trimmed");
}

/// S7, X3, X15: how a leg ends that cannot be sized.
#[test]
fn what_cannot_be_sized_says_why() {
    check("EXIT X 500", "0/0", "refused NOT_HELD");
    check("SELL X 500", "0/0", "refused NOT_HELD");
    check("SELL X 500", "5/0", "refused SHARES_HELD");
    check("EXIT X 500", "5/0", "refused SHARES_HELD");
    check("EXIT X 500", "3.7/3.7", "refused POSITION_DIFFERS");
    check("EXIT X 500", "6.3/6.3", "refused POSITION_DIFFERS");
    check("EXIT X 500", "6.2/6.2", "6.2");
    // 5 × 99.95 is 499.75: a quarter above 399.80, exactly.
    check("EXIT X 399.80", "5/5", "5");
    check("EXIT X 399.79", "5/5", "refused POSITION_DIFFERS");
    check("BUY X 0.99", "0/0", "skipped TOO_SMALL");
    check("BUY X 99", "0/0 whole", "skipped TOO_SMALL");
    check("SELL X 0.99", "5/5", "skipped TOO_SMALL");
    check("EXIT X 0.50", "0.005/0.005", "skipped TOO_SMALL");
}

/// L2: of an asset that trades in whole shares, only a complete exit means to sell a fraction.
#[test]
fn a_fraction_of_a_whole_share_asset_is_for_exits_only() {
    check("EXIT X 30", "0.3/0.3 whole", "0.3");
    check("EXIT X 130", "1.3/1.3 whole", "1.3");
    check("SELL X 30", "0.3/0.3 whole", "skipped TOO_SMALL");
    check("SELL X 130", "1.3/1.3 whole", "1");
}

/// S7: the least amount is in dollars where parts of a share are traded, and one share elsewhere.
#[test]
fn the_least_amount_is_a_dollar_or_a_whole_share() {
    let least = |leaves: &str, at: &str, kind: &str| {
        let check = check_of("9", "9", kind);
        is_too_small(shares(leaves), price(at), &check, &Policy::default())
    };
    assert!(least("0.009", "110", ""));
    assert!(!least("0.01", "100", ""));
    assert!(least("0", "100", ""));
    assert!(least("0.999999", "100", "whole"));
    assert!(!least("1", "0.4", "whole"), "a whole share below a dollar may be sold");
}

/// S7: what is too small is judged by notional for an asset that trades in fractions, and by the whole share for others.
#[test]
fn a_whole_share_is_never_too_small() {
    let policy = Policy::default();
    let small = |kind: &str, leaves: &str, at: &str| {
        is_too_small(shares(leaves), price(at), &check_of("0", "0", kind), &policy)
    };
    assert!(!small("whole", "1", "0.40"));
    assert!(small("whole", "0.999999", "400"));
    assert!(small("whole", "0", "400"));
    assert!(small("", "2", "0.40"));
    assert!(!small("", "2.5", "0.40"));
    assert!(small("", "0", "0.40"));
    let leg = leg("BUY X 0.50", &check_of("0", "0", "whole"));
    let sized = target(&leg, &quote("0.39x500 0.40x500", start()), &policy);
    assert_eq!(sized.map(|sized| sized.target), Ok(shares("1")));
}

/// S10: buys are the amount / ask, rounded down.
#[test]
fn a_buy_is_rounded_down() {
    check("BUY X 1234.56", "0/0", "12.3456");
    check("BUY X 33.3333339", "0/0", "0.333333");
    check("BUY X 1234.56", "0/0 whole", "12");
}

/// X4: without a pre-flight there is no quantity, and no default one.
#[test]
fn without_a_position_reading_there_is_no_quantity() {
    let mut leg = leg("EXIT X 500", &check_of("5", "5", ""));
    leg.check = None;
    let said = target(&leg, &quote("99.90x500 100.00x500", start()), &Policy::default());
    assert!(matches!(said, Err(LegOutcome::Refused(_))), "{said:?}");
}

/// X1: a buy that gets less than 98 % of its amount is a trimmed one; without money there is none.
#[test]
fn a_buy_below_98_percent_is_trimmed() {
    let said = |allocation: &str| {
        let mut leg = leg("BUY X 1000", &check_of("0", "0", ""));
        leg.allocation = Some(dollars(allocation));
        target(&leg, &quote("99.90x500 100.00x500", start()), &Policy::default())
            .map(|sized| (sized.target.to_string(), sized.trimmed))
    };
    assert_eq!(said("2000"), Ok(("10".to_owned(), false)));
    assert_eq!(said("980"), Ok(("9.8".to_owned(), false)));
    assert_eq!(said("979.99"), Ok(("9.7999".to_owned(), true)));
    assert_eq!(said("0"), Err(LegOutcome::Skipped(Reason::Unfunded)));
    assert_eq!(said("-1"), Err(LegOutcome::Skipped(Reason::Unfunded)));
}

fn allocated(items: &str, budget: &str) -> String {
    let legs: Vec<Leg> = plan(items).items.iter().filter_map(Leg::new).collect();
    let amounts = allocate(legs.iter(), dollars(budget), &Policy::default());
    amounts
        .iter()
        .map(|(symbol, amount)| format!("{symbol} {amount}"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// X1, L7: enough money: as planned; up to 2 % short: everybody alike; more: by priority; none: nothing.
#[test]
fn buys_share_the_money() {
    let items = "BUY A 600 2; BUY B 300 1; BUY C 100 3";
    assert_eq!(allocated(items, "2000"), "A 600, B 300, C 100");
    assert_eq!(allocated(items, "1000"), "A 600, B 300, C 100");
    assert_eq!(allocated(items, "980"), "A 588, B 294, C 98");
    assert_eq!(allocated(items, "979"), "B 300, A 600, C 79");
    assert_eq!(allocated(items, "350"), "B 300, A 50, C 0");
    assert_eq!(allocated(items, "0"), "B 0, A 0, C 0");
    assert_eq!(allocated(items, "-5"), "B 0, A 0, C 0");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    /// I6: allocations never exceed the budget or the plan.
    #[test]
    fn allocations_stay_within_the_budget(amounts in prop::collection::vec((1_i64..9_000_000, 1_u8..6), 1..20), budget in -100_i64..99_000_000) {
        let items: Vec<String> = amounts.iter().enumerate()
            .map(|(index, (cents, priority))| format!("BUY S{index} {} {priority}", Decimal::new(*cents, 2))).collect();
        let legs: Vec<Leg> = plan(&items.join(";")).items.iter().filter_map(Leg::new).collect();
        let budget = Decimal::new(budget, 2);
        let given = allocate(legs.iter(), dollars(&budget.to_string()), &Policy::default());
        let sum: Decimal = given.iter().map(|(_, amount)| amount.amount()).sum();
        prop_assert!(sum <= budget.max(Decimal::ZERO) + decimal("0.000001"), "{sum} of {budget}");
        for leg in &legs {
            let amount = given.iter().find(|(symbol, _)| symbol == leg.symbol()).unwrap().1;
            prop_assert!(amount <= leg.item.trade_amount);
        }
    }
}
