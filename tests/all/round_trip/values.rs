//! Strategies for the values that everything stored is made of: usual ones, and the ends of what the types hold.

use alchemiser_core::{
    ids::{AccountId, BrokerOrderId, ClientOrderId, CorrelationId, EventId, Owner, PlanId, Symbol},
    money::Money,
    peg::Base,
    price::{Price, Tick},
    quantity::Quantity,
    quote::{Quote, Touch},
};
use jiff::{SignedDuration, Timestamp};
use proptest::{option, prelude::*};
use rust_decimal::Decimal;

/// Any decimal at all: 96 bits, up to 28 places, either sign.
pub(crate) fn decimals() -> impl Strategy<Value = Decimal> {
    let usual = (-10_000_000_i64..10_000_000, 0_u32..9)
        .prop_map(|(mantissa, scale)| Decimal::new(mantissa, scale));
    let any = (any::<[u32; 3]>(), any::<bool>(), 0_u32..=28).prop_map(
        |([low, middle, high], negative, scale)| {
            Decimal::from_parts(low, middle, high, negative, scale)
        },
    );
    let ends = prop_oneof![
        Just(Decimal::ZERO),
        Just(Decimal::MAX),
        Just(Decimal::MIN),
        Just(Decimal::from_parts(1, 0, 0, true, 28)),
        Just(Decimal::from_parts(0, 0, 0, true, 5)),
    ];
    prop_oneof![4 => usual, 4 => any, 1 => ends]
}

/// A share of a whole, with up to 28 places.
pub(crate) fn weights() -> impl Strategy<Value = Decimal> {
    let below_one = |(text, scale): (u64, u32)| {
        let weight = Decimal::from(text).checked_div(Decimal::from(u64::MAX)).unwrap();
        weight.round_dp(scale)
    };
    prop_oneof![
        Just(Decimal::ZERO),
        Just(Decimal::ONE),
        (any::<u64>(), 0_u32..=28).prop_map(below_one)
    ]
}

pub(crate) fn money() -> impl Strategy<Value = Money> {
    decimals().prop_map(Money::new)
}

pub(crate) fn prices() -> impl Strategy<Value = Price> {
    let usual = (1_i64..100_000_000).prop_map(|units| Decimal::new(units, 4));
    // A billion dollars at most, a billionth at least.
    let long = (1_i128..=1_000_000_000_000_000_000)
        .prop_map(|units| Decimal::from_i128_with_scale(units, 9));
    let tiny =
        any::<u64>().prop_map(|units| Decimal::from_i128_with_scale(i128::from(units) + 1, 28));
    prop_oneof![4 => usual, 2 => long, 1 => tiny].prop_map(|dollars| Price::new(dollars).unwrap())
}

pub(crate) fn quantities() -> impl Strategy<Value = Quantity> {
    let usual =
        (0_i64..10_000_000_000, 0_u32..=9).prop_map(|(units, scale)| Decimal::new(units, scale));
    let most = Just(Decimal::from(1_000_000_000_000_u64));
    prop_oneof![6 => usual, 1 => most].prop_map(|shares| Quantity::new(shares).unwrap())
}

pub(crate) fn times() -> impl Strategy<Value = Timestamp> {
    let usual = (1_700_000_000_000_i64..1_900_000_000_000)
        .prop_map(|millis| Timestamp::from_millisecond(millis).unwrap());
    let (first, last) = (Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
    let any = (first + 1..last, 0..1_000_000_000)
        .prop_map(|(second, nanosecond)| Timestamp::new(second, nanosecond).unwrap());
    prop_oneof![4 => usual, 3 => any, 1 => Just(Timestamp::MIN), 1 => Just(Timestamp::MAX)]
}

/// Whole milliseconds: what a log keeps of a duration.
pub(crate) fn durations() -> impl Strategy<Value = SignedDuration> {
    let usual = (-1_000_i64..1_000_000).prop_map(SignedDuration::from_millis);
    prop_oneof![6 => usual, 1 => any::<i64>().prop_map(SignedDuration::from_millis)]
}

/// Any text, with quotes, backslashes, control characters and what lies beyond the first plane.
pub(crate) fn texts() -> impl Strategy<Value = String> {
    prop_oneof![3 => "[ -~]{0,20}", 2 => any::<String>(), 1 => "[\\x00-\\x1f\"\\\\\u{2028}\u{10ffff}]{0,9}"]
}

fn ids() -> impl Strategy<Value = String> {
    let printable = "[ -~]{1,128}".prop_filter("all blank", |text| !text.trim().is_empty());
    prop_oneof![3 => "[a-zA-Z0-9_.-]{1,40}", 1 => printable]
}

macro_rules! ids {
    ($($name:ident: $id:ident;)*) => {$(
        pub(crate) fn $name() -> impl Strategy<Value = $id> {
            ids().prop_map(|text| $id::new(&text).unwrap())
        }
    )*};
}
ids! {
    accounts: AccountId;
    plan_ids: PlanId;
    correlation_ids: CorrelationId;
    event_ids: EventId;
    owners: Owner;
    broker_order_ids: BrokerOrderId;
}

pub(crate) fn symbols() -> impl Strategy<Value = Symbol> {
    "[A-Z0-9.]{1,10}".prop_map(|text| Symbol::new(&text).unwrap())
}

pub(crate) fn client_order_ids() -> impl Strategy<Value = ClientOrderId> {
    "al-[a-z2-7]{26}".prop_map(|text| ClientOrderId::recognise(&text).unwrap())
}

pub(crate) fn ticks() -> impl Strategy<Value = Tick> {
    prop_oneof![Just(Tick::CENT), Just(Tick::HALF_CENT), Just(Tick::SUB_DOLLAR)]
}

pub(crate) fn quotes() -> impl Strategy<Value = Quote> {
    let touches = || (prices(), quantities()).prop_map(|(price, size)| Touch { price, size });
    (touches(), touches(), times(), times()).prop_map(|(bid, ask, changed_at, observed_at)| Quote {
        bid,
        ask,
        changed_at,
        observed_at,
    })
}

pub(crate) fn bases() -> impl Strategy<Value = Base> {
    (prices(), decimals()).prop_map(|(near, ticks)| Base { near, ticks })
}

/// `None` in a third of the cases.
pub(crate) fn maybe<S: Strategy>(of: S) -> impl Strategy<Value = Option<S::Value>> {
    option::weighted(0.66, of)
}
