//! What the original's prices come to, worked out from its answers.
//!
//! The comparison checks this against every case. The rules use it to tell where, on the way from a quote to a price, the
//! original and the design part; an input on which they do not part is excused nothing.

use alchemiser_core::side::Side;
use rust_decimal::Decimal;
use serde_json::Value;

use super::book::{CENT, bid_and_ask, number};

/// Near and far touch of a side.
pub(crate) fn touches(input: &Value, side: Side) -> (Decimal, Decimal) {
    let (bid, ask) = bid_and_ask(input);
    match side {
        Side::Buy => (bid, ask),
        Side::Sell => (ask, bid),
    }
}

/// The price that is farther on the way to the far side, or nearer.
fn farther(side: Side, one: Decimal, other: Decimal) -> Decimal {
    if side == Side::Buy { one.max(other) } else { one.min(other) }
}

fn nearer(side: Side, one: Decimal, other: Decimal) -> Decimal {
    farther(side.opposite(), one, other)
}

/// How many ticks inside the near touch an order of this size opens.
pub(crate) fn ticks_inside(input: &Value, side: Side) -> Decimal {
    let shown = |name: &str| number(&input[name]).unwrap().max(Decimal::ONE);
    let near = shown(if side == Side::Buy { "bid_size" } else { "ask_size" });
    let share = number(&input["order_size"]).unwrap() / near;
    match share {
        share if share > Decimal::new(8, 1) => Decimal::TWO,
        share if share > Decimal::new(3, 1) => Decimal::ONE,
        _ => Decimal::ZERO,
    }
}

/// The book leans against the side by more than a fifth: fewer shares stand on the other one.
pub(crate) fn leans(input: &Value, side: Side) -> bool {
    let shown = |name: &str| number(&input[name]).unwrap();
    let (bid, ask) = (shown("bid_size"), shown("ask_size"));
    let imbalance = (ask - bid).checked_div(ask + bid).unwrap_or_default();
    -side.sign() * imbalance > Decimal::new(2, 1)
}

/// The opening price of a side before its last bounds. A lean moves it by a tick and holds it a tick short of the far
/// touch, from either direction.
pub(crate) fn unbounded_opening(input: &Value, side: Side, tick: Decimal) -> Decimal {
    let (near, far) = touches(input, side);
    let price = near + side.sign() * ticks_inside(input, side) * tick;
    if leans(input, side) {
        nearer(side, price + side.sign() * tick, far - side.sign() * tick)
    } else {
        price
    }
}

/// The opening price: rounded half-even to cents or a smaller tick, at least a tick, and a sell never below the buy.
pub(crate) fn opening(input: &Value, side: Side, tick: Decimal) -> Decimal {
    let rounded = |side| {
        let price = unbounded_opening(input, side, tick);
        price.round_dp(tick.normalize().scale().max(2)).max(tick)
    };
    match side {
        Side::Buy => rounded(Side::Buy),
        Side::Sell => rounded(Side::Sell).max(rounded(Side::Buy)),
    }
}

/// The opening price where sizes are not looked at. An offset that overshoots the spread falls back to the near touch.
pub(crate) fn simple(input: &Value, side: Side, offset: Decimal) -> Decimal {
    let (near, far) = touches(input, side);
    let aim = near + side.sign() * offset.max(CENT);
    let overshoots = side.sign() * (aim - far) >= Decimal::ZERO;
    let mid = (near + far) / Decimal::TWO;
    let price = nearer(side, if overshoots { near } else { aim }, mid);
    price.max(CENT).round_dp(2)
}

/// The price of a re-peg.
#[derive(Clone, Debug)]
pub(crate) struct Repeg {
    pub(crate) side: Side,
    pub(crate) far: Decimal,
    pub(crate) last: Option<Decimal>,
    pub(crate) history: Vec<Decimal>,
    pub(crate) crosses: bool,
    pub(crate) improvement: Decimal,
}

impl Repeg {
    pub(crate) fn of(input: &Value, side: Side) -> Self {
        let prices = input["price_history"].as_array();
        Self {
            side,
            far: touches(input, side).1,
            last: number(&input["original_price"]).filter(|price| !price.is_zero()),
            history: prices.into_iter().flatten().filter_map(number).collect(),
            crosses: input["allow_cross_spread_on_repeg"].as_bool().unwrap(),
            improvement: number(&input["repeg_min_improvement_cents"]).unwrap(),
        }
    }

    /// So far beyond a price, toward the far side.
    pub(crate) fn on(&self, price: Decimal, by: Decimal) -> Decimal {
        price + self.side.sign() * by
    }

    /// How far a price stands beyond the far touch.
    pub(crate) fn beyond(&self, price: Decimal) -> Decimal {
        self.side.sign() * (price - self.far)
    }

    /// Half-way from the last price to the far touch, or a cent short of it.
    pub(crate) fn aim(&self) -> Decimal {
        match self.last {
            Some(last) => last + (self.far - last) / Decimal::TWO,
            None => self.on(self.far, -CENT),
        }
    }

    /// Before the history is looked at, and before rounding.
    fn wanted(&self) -> Decimal {
        if self.crosses {
            farther(self.side, self.aim(), self.on(self.far, self.improvement))
        } else {
            nearer(self.side, self.aim(), self.far).max(CENT)
        }
    }

    /// The price had before is left by one step, which may be a used price, too.
    pub(crate) fn steps(&self) -> bool {
        self.history.contains(&self.wanted())
    }

    pub(crate) fn price(&self) -> Decimal {
        let wanted = self.wanted();
        let price = if self.steps() { self.on(wanted, self.improvement) } else { wanted };
        match self.last {
            Some(last) if price <= Decimal::ZERO => last.max(CENT),
            Some(_) | None => price.round_dp(2).max(CENT),
        }
    }
}
