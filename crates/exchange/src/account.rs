//! One account: its keys, cash, shares, what its open orders hold, and what it has configured.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use alchemiser_core::{ids::Symbol, money::Money, quantity::Quantity, side::Side};
use alchemiser_market::matching::Execution;
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{exact::Exact, order::Hold};

/// Decimals that are kept of what shares cost, after a part of them was sold.
const COST_DECIMALS: u32 = 9;

/// Which market data an account has paid for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataPlan {
    /// Every feed.
    #[default]
    Sip,
    /// One venue's only.
    Iex,
}

/// An account as it begins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// The key that its owner signs in with.
    pub key: String,
    /// The secret that goes with it.
    pub secret: String,
    /// The account's number.
    #[serde(default)]
    pub number: Option<String>,
    /// Cash in dollars.
    #[serde(default = "usual_cash")]
    pub cash: Exact,
    /// Shares held.
    #[serde(default)]
    pub positions: BTreeMap<String, Exact>,
    /// The market data it may see.
    #[serde(default)]
    pub data: DataPlan,
    /// Its keys belong to the other environment (paper, live): they are not let in.
    #[serde(default)]
    pub elsewhere: bool,
    /// It has been blocked.
    #[serde(default)]
    pub blocked: bool,
}

/// What a fresh paper account holds.
fn usual_cash() -> Exact {
    Exact(Decimal::from(100_000))
}

/// What the owner of an account may set.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "the broker's own switches")]
pub struct Configuration {
    /// Parts of a share may be traded.
    pub fractional_trading: bool,
    /// Times equity that may be bought with: 1, 2 or 4.
    pub max_margin_multiplier: u32,
    /// Selling what is not held is forbidden (it is not simulated anyway).
    pub no_shorting: bool,
    /// No new orders.
    pub suspend_trade: bool,
    /// Mails of confirmation: `all` or `none`.
    pub trade_confirm_email: String,
    /// Trading in partnerships that withhold tax.
    pub ptp_no_exception_entry: bool,
    /// No trading overnight.
    pub disable_overnight_trading: bool,
}

impl Default for Configuration {
    fn default() -> Self {
        Self {
            fractional_trading: true,
            max_margin_multiplier: 1,
            no_shorting: true,
            suspend_trade: false,
            trade_confirm_email: "all".to_owned(),
            ptp_no_exception_entry: false,
            disable_overnight_trading: false,
        }
    }
}

/// Shares of one symbol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    /// How many.
    pub quantity: Quantity,
    /// What they cost.
    pub cost: Money,
    /// How many there were when the day began.
    pub overnight: Quantity,
}

/// One account.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its id.
    pub id: Uuid,
    /// Its number.
    pub number: String,
    /// What it began with.
    pub opening: Opening,
    /// When it began.
    pub created_at: Timestamp,
    /// What its owner has set.
    pub configuration: Configuration,
    /// Cash in dollars.
    pub cash: Money,
    holdings: BTreeMap<Symbol, Holding>,
    held_cash: Money,
    held_shares: BTreeMap<Symbol, Quantity>,
    /// The numbers of its orders, by its own ids; for ever.
    pub by_client_id: HashMap<String, usize>,
    /// The numbers of its orders, in the order of submission.
    pub orders: Vec<usize>,
    /// The numbers of its open orders, by symbol and side.
    open: BTreeMap<(Symbol, Side), BTreeSet<usize>>,
    /// Its cash from each time on.
    course: Vec<(Timestamp, Money)>,
    /// What its sales have brought, oldest first.
    sales: Vec<(Timestamp, Money)>,
}

impl Account {
    /// An account with its cash; shares are deposited by the exchange, which knows their prices.
    pub fn new(id: Uuid, number: String, opening: Opening, at: Timestamp) -> Self {
        let cash = Money::new(opening.cash.0);
        Self {
            id,
            number,
            opening,
            created_at: at,
            configuration: Configuration::default(),
            cash,
            holdings: BTreeMap::new(),
            held_cash: Money::ZERO,
            held_shares: BTreeMap::new(),
            by_client_id: HashMap::new(),
            orders: Vec::new(),
            open: BTreeMap::new(),
            course: vec![(at, cash)],
            sales: Vec::new(),
        }
    }

    /// What is held of a symbol.
    pub fn holding(&self, symbol: &Symbol) -> Holding {
        self.holdings.get(symbol).copied().unwrap_or_default()
    }

    /// Every symbol held.
    pub fn holdings(&self) -> impl Iterator<Item = (&Symbol, Holding)> {
        self.holdings.iter().map(|(symbol, holding)| (symbol, *holding))
    }

    /// Dollars that open buys hold.
    pub fn held_cash(&self) -> Money {
        self.held_cash
    }

    /// Shares that open sells hold.
    pub fn held_shares(&self, symbol: &Symbol) -> Quantity {
        self.held_shares.get(symbol).copied().unwrap_or_default()
    }

    /// Shares that no open sell holds.
    pub fn available(&self, symbol: &Symbol) -> Quantity {
        self.holding(symbol).quantity.less(self.held_shares(symbol))
    }

    /// An order holds something else than before.
    pub fn rebook(&mut self, symbol: &Symbol, before: Hold, after: Hold) {
        self.held_cash = self.held_cash.minus(before.cash).plus(after.cash);
        let shares = self.held_shares(symbol).less(before.shares).plus(after.shares);
        if shares.is_zero() {
            self.held_shares.remove(symbol);
        } else {
            self.held_shares.insert(symbol.clone(), shares);
        }
    }

    /// Shares arrive from outside, at what they are worth.
    pub fn deposit(&mut self, symbol: &Symbol, quantity: Quantity, cost: Money) {
        let mut holding = self.holding(symbol);
        holding.quantity = holding.quantity.plus(quantity);
        holding.overnight = holding.overnight.plus(quantity);
        holding.cost = holding.cost.plus(cost);
        self.hold(symbol, holding);
    }

    /// Cash arrives from outside, or leaves.
    pub fn pay(&mut self, amount: Money, at: Timestamp) {
        self.cash = self.cash.plus(amount);
        self.course.push((at, self.cash));
    }

    /// Shares and cash change hands.
    pub fn settle(&mut self, symbol: &Symbol, side: Side, execution: Execution, at: Timestamp) {
        let dollars = execution.price.times(execution.quantity);
        let mut holding = self.holding(symbol);
        let signed = match side {
            Side::Buy => {
                holding.quantity = holding.quantity.plus(execution.quantity);
                holding.cost = holding.cost.plus(dollars);
                Money::ZERO.minus(dollars)
            }
            Side::Sell => {
                let left = holding.quantity.less(execution.quantity);
                let cost = holding.cost.scaled(left.shares()).amount();
                let cost = cost.checked_div(holding.quantity.shares()).unwrap_or_default();
                holding.cost = Money::new(cost.round_dp(COST_DECIMALS));
                holding.quantity = left;
                self.sales.push((at, dollars));
                dollars
            }
        };
        self.hold(symbol, holding);
        self.pay(signed, at);
    }

    /// What its sales have brought, oldest first.
    pub fn sales(&self) -> &[(Timestamp, Money)] {
        &self.sales
    }

    /// The cash at a time of the past.
    pub fn cash_at(&self, at: Timestamp) -> Money {
        let later = self.course.partition_point(|(since, _)| *since <= at);
        self.course.get(later.saturating_sub(1)).map_or(self.cash, |(_, cash)| *cash)
    }

    /// An order is open from now on.
    pub fn opens(&mut self, symbol: &Symbol, side: Side, number: usize) {
        self.open.entry((symbol.clone(), side)).or_default().insert(number);
    }

    /// An order has come to its end.
    pub fn closes(&mut self, symbol: &Symbol, side: Side, number: usize) {
        if let Some(open) = self.open.get_mut(&(symbol.clone(), side)) {
            open.remove(&number);
        }
    }

    /// The numbers of its open orders, in the order of submission.
    pub fn open_orders(&self) -> Vec<usize> {
        let mut open: Vec<usize> = self.open.values().flatten().copied().collect();
        open.sort_unstable();
        open
    }

    /// The numbers of its open orders of a symbol and a side, in the order of submission.
    pub fn open_of(&self, symbol: &Symbol, side: Side) -> impl Iterator<Item = usize> {
        self.open.get(&(symbol.clone(), side)).into_iter().flatten().copied()
    }

    fn hold(&mut self, symbol: &Symbol, holding: Holding) {
        if holding.quantity.is_zero() {
            self.holdings.remove(symbol);
        } else {
            self.holdings.insert(symbol.clone(), holding);
        }
    }
}
