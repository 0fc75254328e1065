//! The price decision, case by case.

use alchemiser_core::{
    liquidity::inside_spread,
    peg::{Base, Decision, Parent, Resting, decide},
    policy::{Policy, PolicyKind},
    price::Tick,
    quantity::Quantity,
    side::Side,
};
use rust_decimal::Decimal;

use crate::given::{after, decimal, price, quote, shares, start, tick_of};

fn base(text: &str) -> Base {
    let (near, ticks) = text.split_once('/').unwrap();
    Base { near: price(near), ticks: decimal(ticks) }
}

/// `"buy u=.5 eq=.8 usual=4 leaves=10 crossing at=10.00 shows=100 since=5 before=10.00/1 alone=4 rested=1 ramp=10.00/5"`.
fn parent(words: &str) -> (Parent, Policy) {
    let ago = |seconds: &str| {
        let millis = decimal(seconds) * Decimal::ONE_THOUSAND;
        after(start(), -i64::try_from(millis).unwrap())
    };
    let mut policy = Policy::default();
    let mut parent = Parent {
        side: Side::Buy,
        leaves: shares("10"),
        elapsed: Decimal::ZERO,
        crossing: false,
        urgent: false,
        resting: None,
        rested: 0,
        ramp: None,
        tick: Tick::CENT,
        effective_over_quoted: Decimal::ONE,
        usual_ticks: None,
        used: Vec::new(),
        round_lot: shares("100"),
        fill_wait: Policy::default().fill_wait,
    };
    let mut resting = Resting {
        limit: price("1"),
        since: start(),
        displayed: Quantity::ZERO,
        before: base("1/1"),
        alone_since: None,
    };
    for word in words.split_whitespace() {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        match name {
            "buy" => parent.side = Side::Buy,
            "sell" => parent.side = Side::Sell,
            "u" => parent.elapsed = decimal(value),
            "eq" => parent.effective_over_quoted = decimal(value),
            "usual" => parent.usual_ticks = Some(decimal(value)),
            "leaves" => parent.leaves = shares(value),
            "crossing" => parent.crossing = true,
            "urgent" => parent.urgent = true,
            "rested" => parent.rested = value.parse().unwrap(),
            "ramp" => parent.ramp = Some(base(value)),
            "tick" => parent.tick = tick_of(value),
            "wait" => parent.fill_wait = jiff::SignedDuration::from_secs(value.parse().unwrap()),
            "used" => parent.used = value.split(',').map(price).collect(),
            "repegs" => policy.repegs_max = value.parse().unwrap(),
            "inside" => policy.allow_cross_spread_on_repeg = false,
            "policy" => policy.kind = PolicyKind::from_word(value).unwrap(),
            "at" => (resting.limit, parent.resting) = (price(value), Some(resting)),
            "shows" => resting.displayed = shares(value),
            "since" => resting.since = ago(value),
            "before" => resting.before = base(value),
            "alone" => resting.alone_since = Some(ago(value)),
            other => panic!("no word {other}"),
        }
    }
    parent.resting = parent.resting.map(|_| resting);
    (parent, policy)
}

fn check(words: &str, book: &str, expected: &str) {
    let (parent, policy) = parent(words);
    let decision = match decide(&parent, &quote(book, start()), start(), &policy) {
        Decision::Rest { limit } => format!("rest {limit}"),
        Decision::Replace { limit } => format!("replace {limit}"),
        Decision::Through { limit } => format!("through {limit}"),
        Decision::Cross { limit } => format!("cross {limit}"),
        Decision::Hold => "hold".to_owned(),
    };
    assert_eq!(decision, expected, "{words} on {book}");
}

/// S2, S5: the spread is paid where the pressure reaches theta of the spread's bucket and of E/Q.
#[test]
fn pressure_at_theta_crosses() {
    for (spread_and_eq, ask, cross, rest) in [
        ("eq=1", "10.01", (700, 300), (699, 301)),
        ("eq=.60", "10.01", (700, 300), (699, 301)),
        ("eq=.59", "10.01", (650, 350), (649, 351)),
        ("eq=1", "10.02", (750, 250), (749, 251)),
        ("eq=.60", "10.03", (750, 250), (749, 251)),
        ("eq=.59", "10.02", (650, 350), (649, 351)),
        ("eq=.59", "10.03", (650, 350), (649, 351)),
    ] {
        let crossed = price(ask).dollars() + decimal("0.01");
        let (bid, offer) = cross;
        check(spread_and_eq, &format!("10.00x{bid} {ask}x{offer}"), &format!("cross {crossed}"));
        let (bid, offer) = rest;
        check(spread_and_eq, &format!("10.00x{bid} {ask}x{offer}"), "rest 10");
    }
}

/// S2, S5: an order in the queue has a place to lose: it is given up at two tenths more; late, both end at -.3.
#[test]
fn a_place_in_the_queue_is_given_up_later() {
    let resting =
        |shares: u32, ticks: u32| format!("at=10.00 shows={shares} since=9 before=10.00/{ticks}");
    check(&resting(100, 1), "10.00x900 10.01x200", "cross 10.02");
    check(&resting(100, 1), "10.00x899 10.01x200", "hold");
    check(&resting(100, 3), "10.00x950 10.03x150", "cross 10.04");
    check(&resting(100, 3), "10.00x949 10.03x150", "hold");
    check(&format!("eq=.5 {}", resting(100, 1)), "10.00x850 10.01x250", "cross 10.02");
    check(&format!("eq=.5 {}", resting(100, 1)), "10.00x849 10.01x251", "hold");
    check(&format!("u=.9 {}", resting(0, 1)), "10.00x575 10.01x425", "cross 10.02");
    check(&format!("u=.9 {}", resting(0, 1)), "10.00x574 10.01x426", "hold");
}

/// S10: around a dollar the step is the limit's own: a hundredth of a cent below, a cent from there on.
#[test]
fn a_limit_of_a_dollar_and_more_has_whole_cents() {
    check("tick=0.0001 policy=cross", ".9999x500 1.0002x500", "cross 1.01");
    check("tick=0.0001 policy=cross", ".9980x500 .9985x500", "cross 0.999");
    check("sell tick=0.0001 u=.92", ".9900x500 1.0100x500", "rest 1.01");
    check("tick=0.0001 u=.95 ramp=.9990/40", ".9990x500 1.0030x500", "rest 1");
}

/// S5: at one tick, an order that takes more than the far touch shows needs so much more pressure as the rest pays more: with
/// a tenth of it beyond, .2; with three tenths, .6; with most of it, no book is enough. Wider spreads do not ask.
#[test]
fn what_the_touch_does_not_show_is_weighed() {
    check("leaves=300", "10.00x700 10.01x300", "cross 10.02");
    check("leaves=400", "10.00x1440 10.01x360", "cross 10.02");
    check("leaves=400", "10.00x1439 10.01x360", "rest 10");
    check("leaves=1000", "10.00x99000 10.01x700", "rest 10");
    check("leaves=1000", "10.00x99000 10.01x710", "cross 10.02");
    check("sell leaves=400", "10.00x360 10.01x1440", "cross 9.99");
    check("leaves=1000", "10.00x750 10.02x250", "cross 10.03");
    check("usual=2 leaves=1000", "10.00x500 10.01x100", "cross 10.02");
    check("u=1 leaves=1000", "10.00x100 10.01x100", "cross 10.02");
}

/// S5: a spread of one tick is paid at once where it is usually two or more, whatever the book says.
#[test]
fn a_spread_that_is_unusually_narrow_is_paid() {
    let against = "10.00x1 10.01x9000";
    check("usual=2", against, "cross 10.02");
    check("usual=1.99", against, "rest 10");
    check("usual=9", "10.00x1 10.02x9000", "rest 10");
    check("sell usual=2", "10.00x9000 10.01x1", "cross 9.99");
    check(
        "usual=4 at=10.00 shows=100 since=1 before=10.00/3",
        "10.00x101 10.01x900",
        "cross 10.02",
    );
    check("usual=4", "10.01x500 10.01x500", "cross 10.01");
    check("usual=4 policy=walk", against, "rest 10");
}

/// S2: a sell mirrors a buy.
#[test]
fn a_sell_reads_the_pressure_from_its_own_side() {
    check("sell", "10.00x300 10.01x700", "cross 9.99");
    check("sell", "10.00x301 10.01x699", "rest 10.01");
    check("sell", "10.00x700 10.01x300", "rest 10.01");
    check("sell u=1", "200.00x700 200.01x300", "cross 199.9");
}

/// S5: spreads above three ticks are never crossed by pressure, only where our crosses cost next to nothing.
#[test]
fn a_spread_above_three_ticks_is_not_crossed_by_pressure() {
    check("eq=1", "10.00x9000 10.04x1", "rest 10");
    check("eq=.35", "10.00x9000 10.04x1", "rest 10");
    check("eq=.34", "10.00x1 10.04x9000", "cross 10.05");
    check("u=.99", "10.00x9000 10.04x1", "rest 10.03");
    check("eq=.34", "10.00x300 10.03x700", "rest 10");
}

/// S5: in the last fifth theta falls to -.3.
#[test]
fn theta_falls_late() {
    check("u=.8", "10.00x699 10.01x301", "rest 10");
    check("u=.9", "10.00x525 10.01x475", "cross 10.02");
    check("u=.9", "10.00x524 10.01x476", "rest 10");
    check("u=.95", "10.00x450 10.02x550", "cross 10.03");
    check("u=.95", "10.00x449 10.02x551", "rest 10.01");
    check("u=.99", "10.00x1 10.01x9000", "rest 10");
}

/// S5, M3: at the end, for fractions, when urgent, and once begun, the spread is paid whatever the book says.
#[test]
fn some_things_cross_at_once() {
    let against = "10.00x1 10.01x9000";
    check("u=1", against, "cross 10.02");
    check("u=1.5", against, "cross 10.02");
    check("leaves=.999999", against, "cross 10.02");
    check("leaves=1", against, "rest 10");
    check("urgent", against, "cross 10.02");
    check("crossing", against, "cross 10.02");
    check("crossing at=10.00 shows=100 since=1 before=10.00/1 rested=8", against, "cross 10.02");
    check("policy=cross", against, "cross 10.02");
}

/// S5: from u = .9 the order steps inside, k = floor(n (u - .9)/.1) < n ticks.
#[test]
fn the_ramp_steps_inside_the_spread() {
    let book = "10.00x500 10.05x500";
    for (elapsed, limit) in [
        (".9", "10"),
        (".919", "10"),
        (".92", "10.01"),
        (".94", "10.02"),
        (".96", "10.03"),
        (".98", "10.04"),
        (".999", "10.04"),
    ] {
        check(&format!("u={elapsed}"), book, &format!("rest {limit}"));
    }
    check("sell u=.94", book, "rest 10.03");
    check("u=.99", "10.00x100 10.01x500", "rest 10");
    check("u=.94 ramp=9.98/5", book, "rest 10");
    check("u=.98 ramp=10.00/5", "10.00x500 10.03x9000", "rest 10.02");
}

/// S5: a ramp that the market has overtaken does not put the order behind the touch.
#[test]
fn a_ramp_never_rests_behind_the_near_touch() {
    check("u=.92 ramp=10.00/5", "10.05x500 10.10x500", "rest 10.05");
    check("sell u=.92 ramp=10.10/5", "10.00x500 10.05x500", "rest 10.05");
}

/// S5: outside of the last tenth, and from a one-tick spread, there is no ramp, wherever it would begin.
#[test]
fn a_ramp_needs_its_time_and_room() {
    check("u=.95 ramp=10.00/1", "9.98x500 10.03x500", "rest 9.98");
    check("u=.95 ramp=10.00/2", "9.98x500 10.03x500", "rest 10.01");
    check("u=.85 ramp=10.02/5", "9.98x500 10.03x500", "rest 9.98");
    check("u=.9 ramp=10.02/5", "9.98x500 10.03x500", "rest 9.98");
}

/// S5: our own displayed lots are taken out of the quote before it is read.
#[test]
fn our_own_order_exerts_no_pressure() {
    check("at=10.00 shows=600 since=9 before=10.00/1", "10.00x700 10.01x300", "hold");
    check("at=10.00 shows=0 since=9 before=10.00/1", "10.00x800 10.01x200", "cross 10.02");
    check("at=9.99 shows=600 since=9 before=9.99/1", "10.00x800 10.01x200", "cross 10.02");
    // Alone: z = 0, so nothing but time makes it cross.
    check("at=10.00 shows=700 since=9 before=10.00/1 alone=9", "10.00x700 10.01x1", "hold");
}

/// S5: a working order is moved because (a) it is beaten, (b) it stands alone beyond the touch, (c) the ramp asks.
#[test]
fn an_order_is_moved_only_for_a_reason() {
    let rested = "at=10.00 shows=100 since=30 before=10.00/3";
    check(rested, "10.00x500 10.03x500", "hold");
    check(rested, "10.01x100 10.04x500", "replace 10.01");
    check(
        "sell at=10.05 shows=100 since=30 before=10.05/3",
        "10.00x100 10.04x100",
        "replace 10.04",
    );
    check(rested, "9.99x500 10.03x500", "hold");
    // A touch that comes and goes is not chased.
    let fresh = "at=10.00 shows=100 since=29.9 before=10.00/3";
    check(fresh, "10.01x100 10.04x500", "hold");
    let beyond = "at=10.02 shows=100 since=9 before=10.00/5";
    check(&format!("{beyond} alone=3"), "10.02x100 10.05x500", "replace 10");
    check(&format!("{beyond} alone=2.9"), "10.02x100 10.05x500", "hold");
    check(beyond, "10.02x200 10.05x500", "hold");
    let late = "u=.94 at=10.00 shows=100 before=10.00/5";
    check(&format!("{late} since=3"), "10.00x500 10.05x500", "replace 10.02");
    check(&format!("{late} since=2.9"), "10.00x500 10.05x500", "hold");
    // A ramp never asks for a worse price, and who is not alone at the touch does not step back to it.
    check("u=.94 at=10.03 shows=100 since=9 before=10.00/5", "10.03x100 10.05x500", "hold");
    check("at=9.99 shows=100 since=9 before=10.00/5 alone=9", "9.99x500 10.05x500", "hold");
}

/// S5: at most eight resting children; then hold until the cross.
#[test]
fn after_eight_resting_children_it_holds_until_it_crosses() {
    check("rested=7", "10.00x500 10.03x500", "rest 10");
    check("rested=8", "10.00x500 10.03x500", "hold");
    check("rested=8 at=10.00 shows=100 since=9 before=10.00/3", "10.02x500 10.05x500", "hold");
    check("rested=8 u=1", "10.00x500 10.03x500", "cross 10.04");
    check("policy=walk rested=7", "10.00x500 10.20x500", "rest 10.1");
    check("policy=walk rested=8", "10.00x500 10.20x500", "hold");
    check("policy=walk u=.34 at=10.10 since=10 rested=7", "10.00x500 10.20x500", "replace 10.15");
    check("policy=walk u=.34 at=10.10 since=10 rested=8", "10.00x500 10.20x500", "hold");
}

/// S4: a locked market is crossed at the locked price, which costs no spread, and is not rested in.
#[test]
fn a_locked_market_is_taken_at_its_price() {
    check("", "10.00x100 10.00x100", "cross 10");
    check("sell", "10.00x100 10.00x100", "cross 10");
    check("", "10.00x800 10.00x100", "cross 10.01");
    check("u=1", "10.00x100 10.00x100", "cross 10.01");
    check("at=9.99 shows=100 since=9 before=9.99/1", "10.00x100 10.00x100", "hold");
}

/// S5: a wide spread (half of it above 1 % and two ticks) is never crossed; the order steps to the mid by the end.
#[test]
fn a_wide_spread_is_never_crossed() {
    let wide = "10.00x500 10.40x1";
    check("", wide, "rest 10");
    check("crossing u=.5", wide, "rest 10.1");
    check("u=1", wide, "rest 10.2");
    check("u=2", wide, "rest 10.2");
    check("policy=cross u=1", wide, "rest 10.2");
    check("sell u=1", wide, "rest 10.2");
    check("u=.99", wide, "rest 10.2");
    check("sell u=.99", wide, "rest 10.2");
    check("u=1 at=10.00 shows=100 since=3 before=10.00/40", wide, "replace 10.2");
    check("u=1 rested=8", wide, "hold");
    check("u=1", "9.90x500 10.10x500", "cross 10.11");
    check("u=1", "9.89x500 10.10x500", "rest 9.99");
    // Two ticks are never wide, however low the price.
    check("u=1", "0.50x500 0.52x500", "cross 0.53");
}

/// S5: our own order does not make a wide spread look narrow.
#[test]
fn a_spread_stays_wide_when_we_stand_inside_it() {
    check("u=1 at=10.20 shows=100 since=9 before=10.00/40 alone=1", "10.20x100 10.40x100", "hold");
}

/// S10: resting prices stand on the grid, rounded away from the market; marketable ones through it.
#[test]
fn limits_stand_on_the_grid() {
    check("", "10.005x500 10.03x500", "rest 10");
    check("sell", "10.00x500 10.025x500", "rest 10.03");
    check("tick=0.005", "10.005x500 10.03x500", "rest 10.005");
    check("u=1", "10.00x500 10.005x500", "cross 10.02");
    check("at=10.00 shows=100 since=9 before=10.00/3", "10.005x500 10.03x500", "hold");
    check("u=1 tick=0.0001", "0.4999x500 0.5000x500", "cross 0.5003");
    check("u=1", "199.99x500 200.00x500", "cross 200.1");
}

/// S2: `liquidity` opens at the near touch, one or two ticks inside it for larger orders, one more when the book leans
/// against it, and never at the far touch.
#[test]
fn liquidity_opens_by_size_and_imbalance() {
    check("policy=liquidity leaves=30", "10.00x100 10.05x100", "rest 10");
    check("policy=liquidity leaves=31", "10.00x100 10.05x100", "rest 10.01");
    check("policy=liquidity leaves=80", "10.00x100 10.05x100", "rest 10.01");
    check("policy=liquidity leaves=81", "10.00x100 10.05x100", "rest 10.02");
    check("policy=liquidity leaves=2", "10.00x150 10.05x100", "rest 10");
    check("policy=liquidity leaves=2", "10.00x151 10.05x100", "rest 10.01");
    check("policy=liquidity leaves=81", "10.00x160 10.05x100", "rest 10.02");
    check("policy=liquidity leaves=81", "10.00x200 10.02x100", "rest 10.01");
    check("policy=liquidity leaves=81", "10.00x100 10.01x100", "rest 10");
    check("policy=liquidity sell leaves=81", "10.00x100 10.05x300", "rest 10.04");
    check("policy=liquidity sell leaves=81", "10.00x100 10.05x100", "rest 10.03");
    check("policy=liquidity sell leaves=2", "10.00x100 10.05x300", "rest 10.04");
    check("policy=liquidity leaves=2", "10.00x100 10.00x100", "cross 10");
    check("policy=walk", "10.00x100 10.00x100", "cross 10");
    check("policy=liquidity at=9.99 since=60", "10.00x100 10.00x100", "hold");
}

/// S2: where a touch shows less than a round lot, the sizes say nothing: a cent inside, not past the mid.
#[test]
fn liquidity_opens_inside_the_spread_where_sizes_cannot_be_trusted() {
    check("policy=liquidity leaves=81", "10.00x99 10.05x400", "rest 10.01");
    check("policy=liquidity sell leaves=81", "10.00x400 10.05x99", "rest 10.04");
    check("policy=liquidity leaves=81", "10.00x99 10.01x400", "rest 10");
    check("policy=liquidity sell leaves=81 tick=0.0001", "0.005x99 0.01x400", "rest 0.0075");
}

/// S5, S13: a re-peg waits its time, goes half-way at an unused price, and the escalation is the last of `repegs_max`.
#[test]
fn liquidity_repegs_half_way_and_then_escalates() {
    let first = "policy=liquidity inside at=10.00 rested=1 used=10.00";
    check(&format!("{first} since=9.9"), "10.00x500 10.20x500", "hold");
    check(&format!("{first} since=10"), "10.00x500 10.20x500", "replace 10.1");
    check(&format!("{first} since=10 wait=20"), "10.00x500 10.20x500", "hold");
    check(&format!("{first} since=20 wait=20"), "10.00x500 10.20x500", "replace 10.1");
    check(&format!("{first} since=10 used=10.10,10.00"), "10.00x500 10.20x500", "replace 10.12");
    let second = "policy=liquidity inside at=10.10 rested=2 used=10.00,10.10 since=10";
    check(second, "10.00x500 10.20x500", "cross 10.21");
    check(&format!("{second} repegs=3"), "10.00x500 10.20x500", "replace 10.15");
    check("policy=liquidity inside rested=1 used=10.00", "10.00x500 10.20x500", "rest 10.1");
}

/// S5: only the last re-peg goes through the far touch, when allowed; without an unused price the order keeps its place
/// for as long as the re-pegs would have taken.
#[test]
fn liquidity_crosses_only_on_the_last_repeg() {
    let first = "policy=liquidity at=10.00 rested=1 used=10.00 since=10";
    check(first, "10.00x500 10.20x500", "through 10.22");
    check(&format!("{first} sell at=10.20 used=10.20"), "10.00x500 10.20x500", "through 9.98");
    check(&format!("{first} repegs=3"), "10.00x500 10.20x500", "replace 10.1");
    check(&format!("{first} inside"), "10.00x500 10.01x500", "hold");
    check(&format!("{first} inside since=20"), "10.00x500 10.01x500", "cross 10.02");
    check(&format!("{first} u=1"), "10.00x500 10.20x500", "cross 10.21");
    let cheap = "policy=liquidity at=0.5 rested=1 used=0.5 since=10 tick=0.0001";
    check(cheap, "0.5000x500 0.5020x500", "through 0.5032");
}

/// S4, S5: a leg of `liquidity` that has waited long enough in a locked market pays the cross, and does not rest.
#[test]
fn a_locked_market_ends_the_patience() {
    let locked = "10.00x500 10.00x500";
    check("policy=liquidity inside rested=1 used=9.90", locked, "cross 10.01");
    check("policy=liquidity inside rested=1 used=9.90 at=9.90 since=19", locked, "hold");
    check("policy=liquidity inside rested=1 used=9.90 at=9.90 since=20", locked, "cross 10.01");
}

/// S5: `walk` rests at fixed fractions of the spread, on the quote of the step, and escalates at the end.
#[test]
fn walk_steps_through_fractions_of_the_spread() {
    check("policy=walk", "10.00x500 10.20x500", "rest 10.1");
    check("policy=walk sell", "10.00x500 10.20x500", "rest 10.1");
    check("policy=walk u=.34 at=10.10 since=9", "10.00x500 10.20x500", "hold");
    check("policy=walk u=.34 at=10.10 since=10", "10.00x500 10.20x500", "replace 10.15");
    check("policy=walk u=.34 at=10.10 since=10", "10.10x500 10.30x500", "replace 10.25");
    check("policy=walk u=.67 at=10.15 since=10", "10.00x500 10.20x500", "replace 10.19");
    check("policy=walk u=.67 at=10.19 since=10", "10.00x500 10.20x500", "hold");
    check("policy=walk u=.5", "10.00x500 10.01x500", "rest 10");
    check("policy=walk u=1 at=10.19 since=1", "10.00x500 10.20x500", "cross 10.21");
}

/// S2: a locked market has nothing between its sides.
#[test]
fn a_locked_market_has_no_inside() {
    for side in ["buy", "sell"] {
        let (parent, policy) = parent(side);
        let inside = |book: &str| inside_spread(&parent, &quote(book, start()), &policy);
        assert_eq!(inside("10.00x100 10.00x100"), None, "{side}");
        assert!(inside("10.00x100 10.04x100").is_some(), "{side}");
    }
}
