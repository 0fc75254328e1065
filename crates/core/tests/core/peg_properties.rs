//! The price decision, always and never.

use alchemiser_core::{
    peg::{Base, Book, Decision, Parent, Resting, decide},
    policy::{Policy, PolicyKind},
    price::{Price, Tick},
    quantity::Quantity,
    quote::{Quote, Touch},
    side::Side,
};
use jiff::Timestamp;
use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::given::{after, start};

fn lots(count: i64) -> Quantity {
    Quantity::new(Decimal::from(count * 100)).unwrap()
}

prop_compose! {
    /// Quotes on and off the cent grid, from locked to wide.
    fn quotes()(bid in 100_i64..40_000, spread in prop_oneof![0_i64..4, 0_i64..60, 0_i64..3_000],
                sizes in (1_i64..90, 1_i64..90), half in prop::bool::weighted(0.1), age in 0_i64..60_000) -> Quote {
        let half_cent = if half { Decimal::new(5, 3) } else { Decimal::ZERO };
        let at = |cents: i64| Price::new(Decimal::new(cents, 2) + half_cent).unwrap();
        Quote {
            bid: Touch { price: at(bid), size: lots(sizes.0) },
            ask: Touch { price: at(bid + spread), size: lots(sizes.1) },
            changed_at: after(start(), -age),
            observed_at: start(),
        }
    }
}

/// Too wide to be paid, from the touch that can be joined: one off the grid cannot.
fn is_wide(parent: &Parent, quote: &Quote) -> bool {
    let near = Book::read(parent, quote).near.dollars();
    let far = quote.far(parent.side).price.dollars();
    let (half, mid) = ((far - near).abs() / Decimal::TWO, (far + near) / Decimal::TWO);
    half > mid / Decimal::ONE_HUNDRED && quote.spread() > Decimal::new(25, 3)
}

/// A working order near the touch; it never stands at or beyond the far touch.
fn resting(
    quote: Quote,
    side: Side,
    (offset, behind, shows, age): (i64, i64, i64, i64),
) -> Option<Resting> {
    let sign = side.sign();
    let step = |from: Price, count: i64| {
        Tick::CENT.round(
            from.dollars() + sign * Decimal::new(count, 2),
            side,
            alchemiser_core::price::Intent::Passive,
        )
    };
    let limit = step(quote.near(side).price, offset)?;
    let before = step(limit, -behind)?;
    let since: Timestamp = after(start(), -age);
    quote.far(side).price.beyond(limit, side).then_some(Resting {
        limit,
        since,
        displayed: lots(shows),
        before: Base { near: before, ticks: Decimal::from(behind + 1) },
        alone_since: (quote.near(side).price == limit && quote.near(side).size <= lots(shows))
            .then_some(since),
    })
}

prop_compose! {
    fn cases()(quote in quotes(), side in prop_oneof![Just(Side::Buy), Just(Side::Sell)],
               leaves in 1_i64..5_000_000, elapsed in 0_i64..1_300, crossing in prop::bool::weighted(0.1),
               own in prop::option::of((-3_i64..4, 0_i64..30, 0_i64..4, 0_i64..9_000)), rested in 0_u32..10,
               ramp in prop::option::of((-9_i64..9, 0_i64..40)), effective in 10_i64..120,
               kind in prop_oneof![5 => Just(PolicyKind::Adaptive), 2 => Just(PolicyKind::Liquidity),
                                   2 => Just(PolicyKind::Walk), 1 => Just(PolicyKind::Cross)],
               (used, through, repegs_max) in (prop::collection::vec(-40_i64..40, 0..8), any::<bool>(), 0_u32..5))
               -> (Parent, Quote, Policy) {
        let near = Tick::CENT.round(quote.near(side).price.dollars(), side, alchemiser_core::price::Intent::Passive).unwrap();
        let ramp = ramp.and_then(|(offset, ticks)| Some(Base {
            near: near.toward_far(side, Decimal::new(offset, 2))?, ticks: Decimal::from(ticks) }));
        let parent = Parent {
            side,
            leaves: Quantity::new(Decimal::new(leaves, 3)).unwrap(),
            elapsed: Decimal::new(elapsed, 3),
            crossing,
            urgent: false,
            resting: own.and_then(|own| resting(quote, side, own)),
            rested,
            ramp,
            tick: Tick::CENT,
            effective_over_quoted: Decimal::new(effective, 2),
            usual_ticks: None,
            used: used.into_iter().filter_map(|cents| near.toward_far(side, Decimal::new(cents, 2))).collect(),
            round_lot: lots(1),
            fill_wait: Policy::default().fill_wait,
        };
        let policy = Policy { kind, allow_cross_spread_on_repeg: through, repegs_max, ..Policy::default() };
        (parent, quote, policy)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4_000) })]

    /// S5, S10: whatever the book and the leg: resting never reaches the far touch, is on the grid, never at the
    /// working price, never a ninth time; crossing stays inside the collar and reaches the far touch.
    #[test]
    fn every_decision_stays_inside_its_bounds((parent, quote, policy) in cases()) {
        let (side, far) = (parent.side, quote.far(parent.side).price);
        match decide(&parent, &quote, start(), &policy) {
            Decision::Hold => {}
            Decision::Rest { limit } | Decision::Replace { limit } => {
                prop_assert!(far.beyond(limit, side), "{limit} reaches {far}");
                prop_assert!(Tick::CENT.holds(limit), "{limit} is off the grid");
                prop_assert!(parent.resting.is_none_or(|resting| resting.limit != limit));
                prop_assert!(parent.rested < policy.resting_children_max && !quote.is_locked());
            }
            Decision::Through { limit } | Decision::Cross { limit } => {
                let reach = side.sign() * (limit.dollars() - far.dollars());
                let collar = (far.dollars() * policy.collar).max(Decimal::new(2, 2));
                prop_assert!(reach <= collar, "{limit} against {far}");
                prop_assert!(reach > Decimal::ZERO || (reach.is_zero() && quote.is_locked()));
                prop_assert!(Tick::CENT.holds(limit) || quote.is_locked());
                let near = quote.near(side).price.dollars();
                prop_assert!(parent.resting.is_some() || (far.dollars() - near).abs() <= quote.mid() / Decimal::from(50)
                    || quote.spread() <= Decimal::new(25, 3), "a wide spread was crossed");
            }
        }
    }

    /// S5: once the leg's time is over, every market that may be crossed is crossed.
    #[test]
    fn the_deadline_ends_in_a_cross((parent, quote, policy) in cases()) {
        let parent = Parent { elapsed: Decimal::ONE, resting: None, ..parent };
        let wide = is_wide(&parent, &quote);
        let crossed = matches!(decide(&parent, &quote, start(), &policy), Decision::Cross { .. });
        prop_assert_eq!(crossed, !wide);
    }

    /// S5: an order that has just been placed where the policy wants it is left alone.
    #[test]
    fn a_decision_is_stable((parent, quote, policy) in cases()) {
        let idle = Parent { resting: None, ..parent.clone() };
        if let Decision::Rest { limit } = decide(&idle, &quote, start(), &policy) {
            let before = Base { near: quote.near(parent.side).price, ticks: Tick::CENT.count(quote.spread()) };
            let resting = Resting { limit, since: start(), displayed: Quantity::ZERO, before, alone_since: None };
            let placed = Parent { resting: Some(resting), rested: parent.rested + 1, ..parent };
            prop_assert_eq!(decide(&placed, &quote, start(), &policy), Decision::Hold);
        }
    }

    /// S5: `liquidity` never rests at a price it has used before, unless the spread is too wide to be paid.
    #[test]
    fn a_used_price_is_never_used_again((parent, quote, policy) in cases()) {
        let policy = Policy { kind: PolicyKind::Liquidity, ..policy };
        let wide = is_wide(&parent, &quote);
        let again = match decide(&parent, &quote, start(), &policy) {
            Decision::Rest { limit } | Decision::Replace { limit } => parent.used.contains(&limit),
            Decision::Through { .. } | Decision::Cross { .. } | Decision::Hold => false,
        };
        prop_assert!(!again || wide || parent.rested == 0);
    }
}
