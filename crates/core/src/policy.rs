//! The thresholds, waits and bounds of decisions, each with its unit and reason. Fixed back-offs (look-ups, refusals that
//! time may cure, the shell's retries) stand as constants beside the one place that uses them.

use jiff::SignedDuration;
use rust_decimal::Decimal;

use crate::{
    ids::Symbol, money::Money, plan::Urgency, quantity::Quantity, quote::Feed, reading::TradeMode,
};

const fn seconds(count: i64) -> SignedDuration {
    SignedDuration::from_secs(count)
}

const fn millis(count: i64) -> SignedDuration {
    SignedDuration::from_millis(count)
}

const fn decimal(digits: u32, scale: u32) -> Decimal {
    Decimal::from_parts(digits, 0, 0, false, scale)
}

fn symbols(names: &[&str]) -> Vec<Symbol> {
    names.iter().filter_map(|name| Symbol::new(name).ok()).collect()
}

/// The leveraged funds that plans are made of, by the multiple of their index's daily move that their names promise.
fn leveraged() -> Vec<(Symbol, Decimal)> {
    let threefold = [
        "FAS", "FAZ", "FNGU", "LABD", "LABU", "SOXL", "SOXS", "SPXL", "SPXS", "SPXU", "SQQQ",
        "TECL", "TECS", "TMF", "TMV", "TNA", "TQQQ", "TZA", "UDOW", "UPRO",
    ];
    let twofold = ["AGQ", "BOIL", "KOLD", "QID", "QLD", "SDS", "SSO", "UCO", "UGL", "UWM"];
    let half_again = ["SVXY", "UVXY"];
    let named = |names: &[&str], factor: Decimal| {
        symbols(names).into_iter().map(|symbol| (symbol, factor)).collect::<Vec<_>>()
    };
    let all = [
        named(&threefold, decimal(3, 0)),
        named(&twofold, decimal(2, 0)),
        named(&half_again, decimal(15, 1)),
    ];
    all.concat()
}

/// How orders are priced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PolicyKind {
    /// Rest at the near touch, pay the spread when the book leans against us, cross at the deadline.
    Adaptive,
    /// The reviewed original: open by the order's size against the near touch, one re-peg half-way, then escalate.
    Liquidity,
    /// Fixed fractions of the spread, a wait at each, then escalate.
    Walk,
    /// Immediately marketable, with a collar.
    Cross,
}

impl PolicyKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Adaptive, Self::Liquidity, Self::Walk, Self::Cross];

    /// The word used in configuration, logs and events.
    pub fn word(self) -> &'static str {
        match self {
            Self::Adaptive => "adaptive",
            Self::Liquidity => "liquidity",
            Self::Walk => "walk",
            Self::Cross => "cross",
        }
    }

    /// The kind for a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// All thresholds of an execution. [`Policy::default`] is the design's.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each switch is a setting of its own")]
pub struct Policy {
    /// How orders are priced.
    pub kind: PolicyKind,
    /// Where orders may go; another mode of the account stops the plan.
    pub trade_mode: TradeMode,
    /// Orders may reach a real market: `live` is asked for twice.
    pub live_armed: bool,
    /// Where the quotes come from.
    pub feed: Feed,
    /// Real money may be traded on one venue's quotes.
    pub allow_iex: bool,
    /// A plan older than this sends no first order: prices have moved since it was computed.
    pub plan_max_age: SignedDuration,
    /// Time to work a leg at urgency LOW, NORMAL, HIGH; URGENT crosses at once.
    pub working_time: [SignedDuration; 3],
    /// Below this a patient policy cannot work and crosses instead.
    pub working_time_min: SignedDuration,
    /// A leg's window is its working time plus this, for the last cross and its confirmation.
    pub window_margin: SignedDuration,
    /// A plan's deadline is its windows plus this.
    pub plan_margin: SignedDuration,

    /// A quote must have been read this recently.
    pub quote_observed_max: SignedDuration,
    /// A quote that last changed longer ago is traded on only if another symbol's moved recently.
    pub quote_standing_max: SignedDuration,
    /// What counts as "moved recently" for another symbol of the same response.
    pub market_moved_max: SignedDuration,
    /// A quote that last changed longer ago is not usable at all.
    pub quote_dead_after: SignedDuration,
    /// Spreads wider than this share of the ask are not quotes.
    pub quote_spread_max: Decimal,
    /// Dollars; a lower bid or ask is not a quote.
    pub quote_price_min: Decimal,
    /// How long a leg waits for what it needs before its first order (a quote, a price, the broker's answer).
    pub quote_wait: SignedDuration,
    /// How long a leg's own time may stand still in all while its quote is unusable (halts included).
    pub pause_max: SignedDuration,

    /// A working order is not moved more often than this for the ramp or a retreat.
    pub replace_interval: SignedDuration,
    /// `adaptive` does not follow the near touch more often than this: touches that come and go are not chased.
    pub follow_interval: SignedDuration,
    /// Resting children per leg; then hold until the cross or the deadline.
    pub resting_children_max: u32,
    /// Children per leg in all (Knight Capital's missing control).
    pub children_max: u32,
    /// A marketable child that did not fill in this time is canceled and crossed again.
    pub cross_patience: SignedDuration,
    /// How far beyond the far touch a marketable limit stands, as a share of the price (at least one tick).
    pub cross_reach: Decimal,
    /// Half-spreads above this share of the mid (and above two ticks) are not crossed.
    pub wide_half_spread: Decimal,
    /// A crossing child is at most this many times the far touch's size, or [`Policy::cross_notional_floor`].
    pub cross_size_multiple: Decimal,
    /// See [`Policy::cross_size_multiple`].
    pub cross_notional_floor: Money,

    /// `adaptive`: what the account's own crosses have cost is learned, and decides when the spread is paid.
    pub learning: bool,
    /// `adaptive`: by how much one day may lower the estimate of effective over quoted spread.
    pub learning_step: Decimal,

    /// The last escalation may be a market order.
    pub allow_market: bool,
    /// Only on a spread of at most this share of the mid (the original's 0.50 %).
    pub market_spread_max: Decimal,
    /// Only on a quote read this recently.
    pub market_quote_max: SignedDuration,

    /// `liquidity`: how long an order waits at a price before it is re-pegged or escalated (the original's 10 s).
    pub fill_wait: SignedDuration,
    /// `liquidity`: re-pegs of a leg, the final escalation among them: with 2 there is one re-peg, then the escalation.
    pub repegs_max: u32,
    /// `liquidity`: dollars from a price already used to the next one (less than a cent or two joins the same queue).
    pub repeg_min_improvement: Decimal,
    /// `liquidity`: the last re-peg may go through the far touch.
    pub allow_cross_spread_on_repeg: bool,
    /// `liquidity`: dollars inside the bid at which a buy opens when the quote's sizes cannot be trusted.
    pub bid_anchor_offset: Decimal,
    /// `liquidity`: dollars inside the ask at which a sell opens when the quote's sizes cannot be trusted.
    pub ask_anchor_offset: Decimal,
    /// `liquidity`: symbols whose books refill slowly; their orders wait longer before anything is given away.
    pub low_liquidity_symbols: Vec<Symbol>,
    /// `liquidity`: how many times longer.
    pub low_liquidity_patience: u32,
    /// `liquidity`: the part of a phase's window that is for placing (the original's placement timeout).
    pub order_placement_timeout: SignedDuration,
    /// `liquidity`: the part of a phase's window that is for the last confirmation.
    pub liquidity_margin: SignedDuration,
    /// `liquidity`: the shortest and the longest window of a phase.
    pub liquidity_window: [SignedDuration; 2],
    /// `walk`: shares of the spread, from the near touch, at which it rests one after the other.
    pub walk_fractions: [Decimal; 3],
    /// `walk`: how long it rests at each (as long as `liquidity` waits for a fill).
    pub step_wait: SignedDuration,

    /// Amounts of an asset that trades in fractions are too small to trade below this (the broker refuses buys below $1).
    pub notional_min: Money,
    /// Decimals of a share that we send for fractionable assets (the broker takes nine).
    pub fraction_decimals: u32,
    /// An exit whose value differs by more from the plan's `current_value` is refused.
    pub position_tolerance: Decimal,
    /// A buy's quantity × limit stays below this multiple of its planned amount.
    pub amount_tolerance: Decimal,

    /// One order's notional as a share of equity, at most.
    pub order_equity_share: Decimal,
    /// One order's notional in dollars, at most.
    pub order_notional_max: Money,
    /// A plan's `Σ|trade_amount|` as a share of equity, at most.
    pub turnover_max: Decimal,
    /// A limit is at most this share of the price (or two ticks) beyond the far touch.
    pub collar: Decimal,
    /// A limit is at most this share worse than the last trade, if that is recent.
    pub last_trade_collar: Decimal,
    /// What counts as a recent last trade.
    pub last_trade_max_age: SignedDuration,
    /// A limit is at most this share worse than the previous close.
    pub previous_close_collar: Decimal,
    /// Symbols that move by a multiple of their index: the previous-close collar is that much wider.
    pub leverage_factors: Vec<(Symbol, Decimal)>,
    /// Symbols that are not traded, whatever a plan says.
    pub no_trade_symbols: Vec<Symbol>,
    /// Symbols on the half-penny list of the amended Rule 612.
    pub half_cent_symbols: Vec<Symbol>,
    /// What the account's plans trade in a day, as a multiple of equity, at most.
    pub daily_notional_max: Decimal,
    /// Orders of a day, at most; see [`Policy::daily_orders_per_leg`].
    pub daily_orders_max: u32,
    /// A plan of many legs may bring the day to this many orders for each of them.
    pub daily_orders_per_leg: u32,
    /// The halt switch must have been read this recently.
    pub halt_max_age: SignedDuration,
    /// Orders that are not ours are canceled before anything trades (the original always did).
    pub cancel_foreign_orders: bool,
    /// Our clock and the broker's differ by at most this.
    pub clock_skew_max: SignedDuration,
    /// A session reading must be this recent.
    pub session_max_age: SignedDuration,
    /// A list of the account's orders must be this recent before a POST.
    pub orders_max_age: SignedDuration,
    /// No order leaves later than this before the close.
    pub close_margin: SignedDuration,
    /// No order leaves earlier than this after the open, unless URGENT.
    pub open_quiet: SignedDuration,
    /// Rejections within [`Policy::reject_window`] that stop the plan.
    pub rejects_max: u32,
    /// See [`Policy::rejects_max`].
    pub reject_window: SignedDuration,
    /// Implementation shortfall of the plan, as a share of its turnover, beyond which nothing is crossed any more.
    pub shortfall_max: Decimal,

    /// The share of the verified money that buys may use (fees, rounding).
    pub cash_share: Decimal,
    /// How long buys wait for the sells' proceeds to show in the account.
    pub proceeds_wait: SignedDuration,
    /// A buy trimmed by at most this share is no failure.
    pub trim_max: Decimal,
    /// Failed sells above both this and [`Policy::failed_sells_share`] of the planned sells stop the buys.
    pub failed_sells_floor: Money,
    /// See [`Policy::failed_sells_floor`].
    pub failed_sells_share: Decimal,
    /// `PARTIAL_SUCCESS` publishes `WorkflowFailed`.
    pub partial_is_failure: bool,

    /// A cancel not confirmed in this time is requested again; it never counts as done.
    pub cancel_retry: SignedDuration,
    /// How long after a window's end a cancel may stay unconfirmed before the leg fails.
    pub cancel_confirmation: SignedDuration,
    /// An order whose POST got no answer is posted again only after being not found for this long.
    pub resubmit_after: SignedDuration,
    /// An order that can be neither found nor posted again is given up as unresolved after this.
    pub unresolved_after: SignedDuration,

    /// How long one log entry keeps the lease.
    pub lease: SignedDuration,
    /// An empty entry renews the lease when nothing was recorded for this long.
    pub lease_renewal: SignedDuration,
    /// No effect starts later than this (plus the HTTP timeout) before the lease ends.
    pub lease_margin: SignedDuration,
    /// One HTTP request takes at most this.
    pub http_timeout: SignedDuration,
    /// Trading calls that may be made in one burst (the broker allows 200 a minute).
    pub call_burst: Decimal,
    /// Trading calls per second beyond the burst.
    pub call_rate: Decimal,
    /// The first polls after a POST or a cancel; then [`Policy::poll_steady`].
    pub poll_quick: [SignedDuration; 3],
    /// Between polls when nothing has just been sent.
    pub poll_steady: SignedDuration,
    /// Between polls when the message budget is nearly used up.
    pub poll_slow: SignedDuration,

    /// The round lot of an asset that does not say.
    pub round_lot: Quantity,
}

impl Default for Policy {
    #[expect(clippy::too_many_lines, reason = "a line for each value")]
    fn default() -> Self {
        Self {
            kind: PolicyKind::Adaptive,
            trade_mode: TradeMode::Simulated,
            live_armed: false,
            feed: Feed::Sip,
            allow_iex: false,
            plan_max_age: seconds(15 * 60),
            working_time: [seconds(300), seconds(120), seconds(60)],
            working_time_min: seconds(10),
            window_margin: seconds(60),
            plan_margin: seconds(300),
            quote_observed_max: seconds(2),
            quote_standing_max: seconds(60),
            market_moved_max: seconds(5),
            quote_dead_after: seconds(15 * 60),
            quote_spread_max: decimal(10, 2),
            quote_price_min: decimal(1, 2),
            quote_wait: seconds(30),
            pause_max: seconds(360),
            replace_interval: seconds(3),
            follow_interval: seconds(30),
            resting_children_max: 8,
            children_max: 20,
            cross_patience: seconds(2),
            cross_reach: decimal(5, 4),
            wide_half_spread: decimal(1, 2),
            cross_size_multiple: decimal(3, 0),
            cross_notional_floor: Money::new(decimal(2500, 0)),
            learning: true,
            learning_step: decimal(5, 2),
            allow_market: false,
            market_spread_max: decimal(5, 3),
            market_quote_max: seconds(1),
            fill_wait: seconds(10),
            repegs_max: 2,
            repeg_min_improvement: decimal(2, 2),
            allow_cross_spread_on_repeg: true,
            bid_anchor_offset: decimal(1, 2),
            ask_anchor_offset: decimal(1, 2),
            low_liquidity_symbols: symbols(&["BTAL", "UVXY", "TECL", "KMLM"]),
            low_liquidity_patience: 2,
            order_placement_timeout: seconds(30),
            liquidity_margin: seconds(30),
            liquidity_window: [seconds(60), seconds(600)],
            walk_fractions: [decimal(50, 2), decimal(75, 2), decimal(95, 2)],
            step_wait: seconds(10),
            notional_min: Money::new(decimal(1, 0)),
            fraction_decimals: 6,
            position_tolerance: decimal(25, 2),
            amount_tolerance: decimal(102, 2),
            order_equity_share: decimal(25, 2),
            order_notional_max: Money::new(decimal(1_000_000, 0)),
            turnover_max: decimal(2, 0),
            collar: decimal(25, 4),
            last_trade_collar: decimal(3, 2),
            last_trade_max_age: seconds(60),
            previous_close_collar: decimal(30, 2),
            leverage_factors: leveraged(),
            no_trade_symbols: Vec::new(),
            half_cent_symbols: Vec::new(),
            daily_notional_max: decimal(3, 0),
            daily_orders_max: 500,
            daily_orders_per_leg: 20,
            halt_max_age: seconds(2),
            cancel_foreign_orders: false,
            clock_skew_max: millis(500),
            session_max_age: seconds(120),
            orders_max_age: seconds(10),
            close_margin: seconds(120),
            open_quiet: seconds(300),
            rejects_max: 5,
            reject_window: seconds(60),
            shortfall_max: decimal(100, 4),
            cash_share: decimal(995, 3),
            proceeds_wait: seconds(30),
            trim_max: decimal(2, 2),
            failed_sells_floor: Money::new(decimal(500, 0)),
            failed_sells_share: decimal(25, 2),
            partial_is_failure: true,
            cancel_retry: seconds(3),
            cancel_confirmation: seconds(10),
            resubmit_after: seconds(2),
            unresolved_after: seconds(60),
            lease: seconds(30),
            lease_renewal: seconds(10),
            lease_margin: seconds(5),
            http_timeout: seconds(10),
            call_burst: decimal(45, 0),
            call_rate: decimal(25, 1),
            poll_quick: [millis(100), millis(200), millis(400)],
            poll_steady: seconds(1),
            poll_slow: seconds(3),
            round_lot: Quantity::rounded_down(Decimal::ONE_HUNDRED, 0),
        }
    }
}

impl Policy {
    /// By how much more than its index a symbol moves in a day; 1 for all that are not listed.
    pub fn leverage_factor(&self, symbol: &Symbol) -> Decimal {
        let listed = self.leverage_factors.iter().find(|(known, _)| known == symbol);
        listed.map_or(Decimal::ONE, |(_, factor)| *factor)
    }

    /// The time to work a leg of a plan with this urgency.
    pub fn working_time(&self, urgency: Urgency) -> SignedDuration {
        let [low, normal, high] = self.working_time;
        match urgency {
            Urgency::Low => low,
            Urgency::Normal => normal,
            Urgency::High => high,
            Urgency::Urgent => SignedDuration::ZERO,
        }
    }
    /// How long an order of a symbol waits under `liquidity` before it is re-pegged.
    pub fn fill_wait(&self, symbol: &Symbol) -> SignedDuration {
        if self.low_liquidity_symbols.contains(symbol) {
            let times = i32::try_from(self.low_liquidity_patience).unwrap_or(i32::MAX);
            self.fill_wait.saturating_mul(times)
        } else {
            self.fill_wait
        }
    }

    /// The time to work a leg of a plan with these symbols under this policy. `liquidity` takes what its waits need
    /// (placing, a wait for every price and one for the escalation, a margin, bounded), `walk` its steps; neither
    /// looks at the urgency, except that URGENT crosses at once.
    pub fn working_time_for<'a>(
        &self,
        urgency: Urgency,
        symbols: impl Iterator<Item = &'a Symbol>,
    ) -> SignedDuration {
        let patient = match self.kind {
            PolicyKind::Adaptive | PolicyKind::Cross => return self.working_time(urgency),
            PolicyKind::Liquidity => {
                let wait = symbols.map(|symbol| self.fill_wait(symbol)).max();
                let waits = i32::try_from(self.repegs_max).unwrap_or(i32::MAX).saturating_add(1);
                let [least, most] = self.liquidity_window;
                wait.unwrap_or(self.fill_wait)
                    .saturating_mul(waits)
                    .saturating_add(self.order_placement_timeout)
                    .saturating_add(self.liquidity_margin)
                    .clamp(least, most)
                    .saturating_sub(self.window_margin)
            }
            PolicyKind::Walk => {
                let steps = i32::try_from(self.walk_fractions.len()).unwrap_or(i32::MAX);
                self.step_wait.saturating_mul(steps).max(self.working_time_min)
            }
        };
        match urgency {
            Urgency::Low | Urgency::Normal | Urgency::High => patient,
            Urgency::Urgent => SignedDuration::ZERO,
        }
    }
}
