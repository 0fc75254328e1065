//! The table of settings: one row for each value of the policy, in its order.

use jiff::SignedDuration;
use rust_decimal::Decimal;

use super::{Bound, Place, Setting, Unit};
use crate::{money::Money, policy::Policy};

const fn decimal(digits: u32, scale: u32) -> Decimal {
    Decimal::from_parts(digits, 0, 0, false, scale)
}

/// Basis points as a share.
const fn bps(count: u32) -> Decimal {
    decimal(count, 4)
}

const fn row(key: &'static str, unit: Unit, place: Place, range: (Decimal, Decimal)) -> Setting {
    Setting { key, unit, bound: Bound::Range(range.0, range.1), reason: "", place }
}

type Time = fn(&mut Policy) -> &mut SignedDuration;
type Ratio = fn(&mut Policy) -> &mut Decimal;

const fn seconds(key: &'static str, low: u32, high: u32, at: Time) -> Setting {
    row(key, Unit::Seconds, Place::Time(at), (decimal(low, 0), decimal(high, 0)))
}

const fn millis(key: &'static str, low: u32, high: u32, at: Time) -> Setting {
    row(key, Unit::Milliseconds, Place::Time(at), (decimal(low, 0), decimal(high, 0)))
}

const fn share(key: &'static str, low: Decimal, high: Decimal, at: Ratio) -> Setting {
    row(key, Unit::Share, Place::Ratio(at), (low, high))
}

const fn times(key: &'static str, low: Decimal, high: Decimal, at: Ratio) -> Setting {
    row(key, Unit::Times, Place::Ratio(at), (low, high))
}

const fn dollars(
    key: &'static str,
    low: u32,
    high: u32,
    at: fn(&mut Policy) -> &mut Money,
) -> Setting {
    row(key, Unit::Dollars, Place::Amount(at), (decimal(low, 0), decimal(high, 0)))
}

const fn count(key: &'static str, low: u32, high: u32, at: fn(&mut Policy) -> &mut u32) -> Setting {
    row(key, Unit::Count, Place::Count(at), (decimal(low, 0), decimal(high, 0)))
}

impl Setting {
    const fn because(self, reason: &'static str) -> Self {
        Self { reason, ..self }
    }
}

const fn word(key: &'static str, bound: Bound, place: Place) -> Setting {
    Setting { key, unit: Unit::Word, bound, reason: "", place }
}

const fn cents(key: &'static str, low: u32, high: u32, at: Ratio) -> Setting {
    row(key, Unit::Dollars, Place::Ratio(at), (decimal(low, 2), decimal(high, 2)))
}

const fn switch(key: &'static str, at: fn(&mut Policy) -> &mut bool) -> Setting {
    word(key, Bound::Switch, Place::Switch(at))
}

/// Every setting, in the policy's order.
pub const SETTINGS: &[Setting] = &[
    word("policy", Bound::Policies, Place::Kind(|p| &mut p.kind)).because("how orders are priced"),
    word("trade_mode", Bound::Modes, Place::Mode(|p| &mut p.trade_mode))
        .because("where orders may go; an account of another mode stops the plan"),
    switch("live_armed", |p| &mut p.live_armed)
        .because("orders may reach a real market: trade_mode = live needs this, too"),
    word("feed", Bound::Feeds, Place::Feed(|p| &mut p.feed))
        .because("whose quotes they are: all venues' (sip) or one venue's (iex)"),
    switch("allow_iex", |p| &mut p.allow_iex)
        .because("real money may be traded on one venue's quotes"),
    seconds("plan_max_age", 1, 604_800, |p| &mut p.plan_max_age)
        .because("an older plan sends no first order: prices have moved since it was computed"),
    seconds("working_time.low", 1, 3_600, |p| &mut p.working_time[0])
        .because("time to work a leg at urgency LOW before it is crossed"),
    seconds("working_time.normal", 1, 3_600, |p| &mut p.working_time[1])
        .because("time to work a leg at urgency NORMAL before it is crossed"),
    seconds("working_time.high", 1, 3_600, |p| &mut p.working_time[2])
        .because("time to work a leg at urgency HIGH before it is crossed"),
    seconds("working_time_min", 1, 300, |p| &mut p.working_time_min)
        .because("below this a patient policy cannot work and crosses instead"),
    seconds("window_margin", 10, 600, |p| &mut p.window_margin)
        .because("added to the working time for the last cross and its confirmation"),
    seconds("plan_margin", 60, 3_600, |p| &mut p.plan_margin)
        .because("added to the plan's windows: its deadline"),
    seconds("quote_observed_max", 1, 30, |p| &mut p.quote_observed_max)
        .because("a quote must have been read this recently"),
    seconds("quote_standing_max", 5, 900, |p| &mut p.quote_standing_max)
        .because("a quote that stood longer is traded on only if another symbol's moved"),
    seconds("market_moved_max", 1, 60, |p| &mut p.market_moved_max)
        .because("what counts as moved for another symbol of the same response"),
    seconds("quote_dead_after", 60, 3_600, |p| &mut p.quote_dead_after)
        .because("a quote that stood longer is not usable at all"),
    share("quote_spread_max", bps(10), bps(5_000), |p| &mut p.quote_spread_max)
        .because("a wider spread, as a share of the ask, is no quote"),
    cents("quote_price_min", 1, 10_000, |p| &mut p.quote_price_min)
        .because("a lower bid or ask is no quote"),
    seconds("quote_wait", 1, 300, |p| &mut p.quote_wait)
        .because("how long a leg waits for a quote, a price or an answer before its first order"),
    seconds("pause_max", 0, 1_800, |p| &mut p.pause_max)
        .because("how long a leg's time may stand still in all while its quote is unusable"),
    seconds("replace_interval", 1, 60, |p| &mut p.replace_interval)
        .because("a working order is not moved more often for the ramp or a retreat"),
    seconds("follow_interval", 1, 120, |p| &mut p.follow_interval)
        .because("a working order does not follow the near touch more often than this"),
    count("resting_children_max", 1, 50, |p| &mut p.resting_children_max)
        .because("resting orders of a leg; then it holds until the cross or the deadline"),
    count("children_max", 1, 100, |p| &mut p.children_max)
        .because("orders of a leg in all: a loop ends here"),
    seconds("cross_patience", 0, 30, |p| &mut p.cross_patience)
        .because("a crossing order that did not fill in this time is canceled and crossed again"),
    share("cross_reach", bps(0), bps(100), |p| &mut p.cross_reach)
        .because("how far beyond the far touch a crossing limit stands (at least one tick)"),
    share("wide_half_spread", bps(1), bps(1_000), |p| &mut p.wide_half_spread)
        .because("wider half-spreads (and above two ticks) are not crossed"),
    times("cross_size_multiple", decimal(1, 1), decimal(100, 0), |p| &mut p.cross_size_multiple)
        .because("a crossing order is at most this many times the far touch's size"),
    dollars("cross_notional_floor", 0, 100_000, |p| &mut p.cross_notional_floor)
        .because("a crossing order may be this large whatever the far touch's size"),
    switch("learning", |p| &mut p.learning)
        .because("adaptive: what the account's own crosses cost is learned from its ledger, and decides when to cross"),
    share("learning_step", bps(0), bps(10_000), |p| &mut p.learning_step)
        .because("adaptive: one day lowers the learned E/Q by at most this: at .05 its first threshold (below .6) is nine days away"),
    switch("allow_market", |p| &mut p.allow_market)
        .because("the last escalation may be a market order"),
    share("market_spread_max", bps(1), bps(500), |p| &mut p.market_spread_max)
        .because("a market order leaves only on a spread of at most this share of the mid"),
    seconds("market_quote_max", 1, 30, |p| &mut p.market_quote_max)
        .because("a market order leaves only on a quote read this recently"),
    seconds("fill_wait", 1, 300, |p| &mut p.fill_wait)
        .because("liquidity: how long an order waits at a price before the re-peg"),
    count("repegs_max", 1, 10, |p| &mut p.repegs_max)
        .because("liquidity: re-pegs of a leg, the final escalation among them"),
    cents("repeg_min_improvement", 1, 500, |p| &mut p.repeg_min_improvement)
        .because("liquidity: from a price already used to the next one, at least"),
    switch("allow_cross_spread_on_repeg", |p| &mut p.allow_cross_spread_on_repeg)
        .because("liquidity: the last re-peg may go through the far touch"),
    cents("bid_anchor_offset", 0, 100, |p| &mut p.bid_anchor_offset)
        .because("liquidity: how far inside the bid a buy opens when sizes cannot be trusted"),
    cents("ask_anchor_offset", 0, 100, |p| &mut p.ask_anchor_offset)
        .because("liquidity: how far inside the ask a sell opens when sizes cannot be trusted"),
    word("low_liquidity_symbols", Bound::Symbols, Place::Symbols(|p| &mut p.low_liquidity_symbols))
        .because("liquidity: symbols whose books refill slowly; their orders wait longer"),
    count("low_liquidity_patience", 1, 10, |p| &mut p.low_liquidity_patience)
        .because("liquidity: how many times longer those wait"),
    seconds("order_placement_timeout", 1, 300, |p| &mut p.order_placement_timeout)
        .because("liquidity: the part of a window that is for placing"),
    seconds("liquidity_margin", 1, 300, |p| &mut p.liquidity_margin)
        .because("liquidity: the part of a window that is for the last confirmation"),
    seconds("liquidity_window.least", 10, 3_600, |p| &mut p.liquidity_window[0])
        .because("liquidity: the shortest window of a phase"),
    seconds("liquidity_window.most", 10, 3_600, |p| &mut p.liquidity_window[1])
        .because("liquidity: the longest window of a phase"),
    share("walk_fractions.first", bps(0), bps(10_000), |p| &mut p.walk_fractions[0])
        .because("walk: the share of the spread, from the near touch, of the first price"),
    share("walk_fractions.second", bps(0), bps(10_000), |p| &mut p.walk_fractions[1])
        .because("walk: the share of the spread of the second price"),
    share("walk_fractions.third", bps(0), bps(10_000), |p| &mut p.walk_fractions[2])
        .because("walk: the share of the spread of the third price; then it escalates"),
    seconds("step_wait", 1, 300, |p| &mut p.step_wait)
        .because("walk: how long it rests at each price"),
    dollars("notional_min", 1, 10_000, |p| &mut p.notional_min)
        .because("less is too small to trade; the broker refuses buys below $1"),
    count("fraction_decimals", 0, 9, |p| &mut p.fraction_decimals)
        .because("decimals of a share that are sent; the broker takes nine"),
    share("position_tolerance", bps(1), bps(10_000), |p| &mut p.position_tolerance)
        .because("an exit that differs by more from the plan's current value is refused"),
    times("amount_tolerance", decimal(1, 0), decimal(11, 1), |p| &mut p.amount_tolerance)
        .because("a buy's quantity × limit stays below this multiple of its planned amount"),
    share("order_equity_share", bps(1), bps(10_000), |p| &mut p.order_equity_share)
        .because("one order's notional as a share of equity, at most"),
    dollars("order_notional_max", 1, 100_000_000, |p| &mut p.order_notional_max)
        .because("one order's notional, at most"),
    share("turnover_max", bps(100), bps(40_000), |p| &mut p.turnover_max)
        .because("a plan's sum of trade amounts as a share of equity, at most"),
    share("collar", bps(1), bps(500), |p| &mut p.collar)
        .because("a limit is at most this share (or two ticks) beyond the far touch"),
    share("last_trade_collar", bps(10), bps(2_000), |p| &mut p.last_trade_collar)
        .because("a limit is at most this share worse than a recent last trade"),
    seconds("last_trade_max_age", 1, 600, |p| &mut p.last_trade_max_age)
        .because("what counts as a recent last trade"),
    share("previous_close_collar", bps(100), bps(10_000), |p| &mut p.previous_close_collar)
        .because("a limit is at most this share worse than the previous close"),
    word("leverage_factors", Bound::Factors, Place::Factors(|p| &mut p.leverage_factors))
        .because("leveraged funds: how many times wider the previous-close collar is"),
    word("no_trade_symbols", Bound::Symbols, Place::Symbols(|p| &mut p.no_trade_symbols))
        .because("symbols that are not traded, whatever a plan says"),
    word("half_cent_symbols", Bound::Symbols, Place::Symbols(|p| &mut p.half_cent_symbols))
        .because("symbols on the half-penny list: their tick is $0.005 until it is refused"),
    times("daily_notional_max", decimal(1, 1), decimal(20, 0), |p| &mut p.daily_notional_max)
        .because("what the account's plans trade in a day, in times its equity"),
    count("daily_orders_max", 1, 10_000, |p| &mut p.daily_orders_max)
        .because("orders of the account's plans in a day (see daily_orders_per_leg)"),
    count("daily_orders_per_leg", 1, 100, |p| &mut p.daily_orders_per_leg)
        .because("a plan of many legs may bring the day to this many orders for each"),
    seconds("halt_max_age", 1, 30, |p| &mut p.halt_max_age)
        .because("the halt switch must have been read this recently"),
    switch("cancel_foreign_orders", |p| &mut p.cancel_foreign_orders)
        .because("orders that are not ours are canceled before anything trades"),
    millis("clock_skew_max", 1, 5_000, |p| &mut p.clock_skew_max)
        .because("our clock and the broker's differ by at most this"),
    seconds("session_max_age", 10, 600, |p| &mut p.session_max_age)
        .because("a reading of the trading session must be this recent"),
    seconds("orders_max_age", 1, 60, |p| &mut p.orders_max_age)
        .because("a list of the account's orders must be this recent before a POST"),
    seconds("close_margin", 30, 3_600, |p| &mut p.close_margin)
        .because("no order leaves later than this before the close"),
    seconds("open_quiet", 0, 3_600, |p| &mut p.open_quiet)
        .because("no order leaves earlier than this after the open, unless URGENT"),
    count("rejects_max", 1, 100, |p| &mut p.rejects_max)
        .because("rejections within reject_window that stop the plan"),
    seconds("reject_window", 1, 600, |p| &mut p.reject_window)
        .because("rejections of this time are counted"),
    share("shortfall_max", bps(1), bps(1_000), |p| &mut p.shortfall_max)
        .because("beyond this implementation shortfall of the plan nothing is crossed any more"),
    share("cash_share", bps(1_000), bps(10_000), |p| &mut p.cash_share)
        .because("the share of the verified money that buys may use: fees, rounding"),
    seconds("proceeds_wait", 0, 300, |p| &mut p.proceeds_wait)
        .because("how long buys wait for the sells' proceeds to show in the account"),
    share("trim_max", bps(0), bps(2_000), |p| &mut p.trim_max)
        .because("a buy trimmed by at most this share is no failure"),
    dollars("failed_sells_floor", 0, 1_000_000, |p| &mut p.failed_sells_floor)
        .because("failed sells above both this and failed_sells_share stop the buys"),
    share("failed_sells_share", bps(0), bps(10_000), |p| &mut p.failed_sells_share)
        .because("failed sells above this share of the planned ones (see failed_sells_floor)"),
    switch("partial_is_failure", |p| &mut p.partial_is_failure)
        .because("a partial success publishes WorkflowFailed"),
    seconds("cancel_retry", 1, 60, |p| &mut p.cancel_retry)
        .because("a cancel not confirmed in this time is requested again"),
    seconds("cancel_confirmation", 1, 300, |p| &mut p.cancel_confirmation)
        .because("how long after a window's end a cancel may stay unconfirmed"),
    seconds("resubmit_after", 1, 60, |p| &mut p.resubmit_after)
        .because("an order without answer is posted again only when not found for this long"),
    seconds("unresolved_after", 5, 600, |p| &mut p.unresolved_after)
        .because("an order neither found nor posted again is given up after this"),
    seconds("lease", 6, 300, |p| &mut p.lease).because("how long one log entry keeps the lease"),
    seconds("lease_renewal", 1, 120, |p| &mut p.lease_renewal)
        .because("an empty entry renews the lease after this long without news"),
    seconds("lease_margin", 1, 60, |p| &mut p.lease_margin)
        .because("no effect starts later than this and http_timeout before the lease ends"),
    seconds("http_timeout", 1, 60, |p| &mut p.http_timeout)
        .because("one HTTP request takes at most this"),
    row(
        "call_burst",
        Unit::Count,
        Place::Ratio(|p| &mut p.call_burst),
        (decimal(3, 0), decimal(200, 0)),
    )
    .because("trading calls in one burst; the broker takes 200 a minute"),
    row(
        "call_rate",
        Unit::CallsPerSecond,
        Place::Ratio(|p| &mut p.call_rate),
        (decimal(1, 1), decimal(33, 1)),
    )
    .because("trading calls per second beyond the burst"),
    millis("poll_quick.first", 10, 5_000, |p| &mut p.poll_quick[0])
        .because("from a POST or a cancel to the first poll"),
    millis("poll_quick.second", 10, 5_000, |p| &mut p.poll_quick[1])
        .because("from the first poll to the second"),
    millis("poll_quick.third", 10, 5_000, |p| &mut p.poll_quick[2])
        .because("from the second poll to the third; then poll_steady"),
    millis("poll_steady", 100, 10_000, |p| &mut p.poll_steady)
        .because("between polls when nothing has just been sent"),
    millis("poll_slow", 100, 30_000, |p| &mut p.poll_slow)
        .because("between polls when the message budget is nearly used up"),
    row(
        "round_lot",
        Unit::Shares,
        Place::Lot(|p| &mut p.round_lot),
        (decimal(1, 0), decimal(1_000, 0)),
    )
    .because("the round lot of an asset that does not say"),
];
