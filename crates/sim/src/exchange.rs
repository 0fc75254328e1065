//! The broker's own books, and a small matching model: an order at the far touch or beyond trades at once, one at the
//! near touch trades by and by, both perhaps in part. Everything that is asked first lets time pass up to now.

use std::collections::{BTreeMap, BTreeSet};

use alchemiser_core::{
    fact::{Refusal, RefusalKind},
    ids::{AccountId, BrokerOrderId, Symbol},
    money::Money,
    price::Price,
    quantity::Quantity,
    reading::{AccountReading, Position, TradeMode},
    report::{BrokerStatus, OrderReport},
    side::Side,
};
use alchemiser_driver::audit::{BrokerFill, BrokerOrder, Truth};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use crate::{
    book::{Book, price},
    chance::Chance,
};

/// Time between two steps of the market.
const STEP: SignedDuration = SignedDuration::from_millis(500);

/// The market stands still through what is longer than this many steps and asked by nobody.
const STEPS_MAX: i64 = 120;

/// Decimals of a share.
const DECIMALS: u32 = 6;

/// What an order asks for.
#[derive(Clone, Debug)]
pub(crate) struct NewOrder {
    pub(crate) client_order_id: String,
    pub(crate) symbol: Symbol,
    pub(crate) side: Side,
    pub(crate) quantity: Quantity,
    pub(crate) limit: Price,
    /// How far any clock is ahead of ours: the audit compares our times with the logs'.
    pub(crate) ahead: SignedDuration,
}

/// What a submit came to.
#[derive(Clone, Debug)]
pub(crate) enum Submitted {
    Taken(OrderReport),
    Duplicate,
    Refused(Refusal),
}

/// An order in the books.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) new: NewOrder,
    pub(crate) id: BrokerOrderId,
    pub(crate) status: BrokerStatus,
    pub(crate) filled: Quantity,
    notional: Decimal,
    pub(crate) submitted_at: Timestamp,
    filled_at: Option<Timestamp>,
    /// When a requested cancel is carried out.
    cancel_at: Option<Timestamp>,
}

impl Order {
    fn leaves(&self) -> Quantity {
        self.new.quantity.less(self.filled)
    }

    pub(crate) fn is_open(&self) -> bool {
        self.status.is_open()
    }

    fn report(&self) -> OrderReport {
        let average = self.notional.checked_div(self.filled.shares());
        OrderReport {
            client_order_id: self.new.client_order_id.clone(),
            broker_order_id: self.id.clone(),
            symbol: self.new.symbol.clone(),
            side: self.new.side,
            status: self.status,
            quantity: self.new.quantity,
            limit: Some(self.new.limit),
            cumulative: self.filled,
            average_price: average.and_then(|average| Price::new(average.round_dp(6)).ok()),
            submitted_at: self.submitted_at,
            filled_at: self.filled_at,
        }
    }
}

/// The broker.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) account: AccountId,
    pub(crate) opened_at: Timestamp,
    pub(crate) closes_at: Timestamp,
    pub(crate) books: BTreeMap<Symbol, Book>,
    pub(crate) orders: Vec<Order>,
    /// In how many of a million fills only a part trades; set per run.
    pub(crate) partial: u32,
    /// Fills that were partial, until somebody counts them.
    pub(crate) partials: u64,
    cash: Money,
    /// Proceeds of sales: a run is one day, and they settle on the next.
    sold: Money,
    positions: BTreeMap<Symbol, Quantity>,
    ids: BTreeSet<String>,
    truth: Truth,
    chance: Chance,
    at: Timestamp,
}

impl Exchange {
    pub(crate) fn new(account: AccountId, at: Timestamp, chance: Chance) -> Self {
        Self {
            account,
            opened_at: at,
            closes_at: at,
            books: BTreeMap::new(),
            orders: Vec::new(),
            partial: 0,
            partials: 0,
            cash: Money::ZERO,
            sold: Money::ZERO,
            positions: BTreeMap::new(),
            ids: BTreeSet::new(),
            truth: Truth::default(),
            chance,
            at,
        }
    }

    /// Lists a symbol, of which the account holds so many dollars; returns what it holds in shares.
    pub(crate) fn list(&mut self, symbol: Symbol, dollars: Decimal) {
        let book = Book::new(self.at, &mut self.chance);
        let bid = Decimal::new(book.near(Side::Buy), 2);
        let decimals = if book.fractionable { DECIMALS } else { 0 };
        let held = dollars.checked_div(bid).unwrap_or_default();
        self.positions.insert(symbol.clone(), Quantity::rounded_down(held, decimals));
        self.books.insert(symbol, book);
    }

    pub(crate) fn deposit(&mut self, cash: Money) {
        self.cash = self.cash.plus(cash);
        self.truth.cash = self.truth.cash.plus(cash);
    }

    pub(crate) fn truth(&self) -> &Truth {
        &self.truth
    }

    /// Lets time pass: quotes move, orders trade, cancels are carried out, the day ends.
    pub(crate) fn advance(&mut self, now: Timestamp) {
        let behind = now.duration_since(self.at).as_millis() / STEP.as_millis();
        if behind > i128::from(STEPS_MAX) && !self.orders.iter().any(Order::is_open) {
            self.at = now;
        }
        while now.duration_since(self.at) >= STEP {
            self.at = self.at.saturating_add(STEP).unwrap_or(now);
            self.step();
        }
        self.finish_cancels(now);
    }

    fn step(&mut self) {
        self.finish_cancels(self.at);
        for book in self.books.values_mut() {
            book.step(self.at, &mut self.chance);
        }
        let over = self.at >= self.closes_at;
        for index in 0..self.orders.len() {
            if self.orders[index].is_open() {
                if over {
                    self.orders[index].status = BrokerStatus::Expired;
                } else {
                    self.trade(index);
                }
            }
        }
    }

    fn finish_cancels(&mut self, now: Timestamp) {
        for order in self.orders.iter_mut().filter(|order| order.is_open()) {
            if order.cancel_at.is_some_and(|at| at <= now) {
                order.status = BrokerStatus::Canceled;
            }
        }
    }

    /// What the market does to an order in one step.
    fn trade(&mut self, index: usize) {
        let order = &self.orders[index];
        let side = order.new.side;
        let Some(book) = self.books.get(&order.new.symbol).filter(|book| !book.is_halted(self.at))
        else {
            return;
        };
        let (Some(far), Some(near)) = (price(book.far(side)), price(book.near(side))) else {
            return;
        };
        let limit = order.new.limit;
        if !far.beyond(limit, side) {
            if self.chance.percent(90) {
                self.fill(index, far);
            }
        } else if !near.beyond(limit, side) && self.chance.percent(15) {
            self.fill(index, limit);
        }
    }

    /// Trades an order, or a part of it, at a price.
    fn fill(&mut self, index: usize, at: Price) {
        let leaves = self.orders[index].leaves();
        let whole = !self.books.get(&self.orders[index].new.symbol).is_some_and(|b| b.fractionable);
        let mut quantity = leaves;
        if self.chance.hits(self.partial) {
            let share = Decimal::new(self.chance.between(1, 99), 2);
            let decimals = if whole { 0 } else { DECIMALS };
            let part = Quantity::rounded_down(leaves.shares() * share, decimals);
            if !part.is_zero() {
                quantity = part;
                self.partials += 1;
            }
        }
        let order = &mut self.orders[index];
        let (side, notional) = (order.new.side, at.times(quantity));
        order.filled = order.filled.plus(quantity);
        order.notional += notional.amount();
        order.filled_at = Some(self.at);
        order.status = match (order.leaves().is_zero(), order.status) {
            (true, _) => BrokerStatus::Filled,
            (false, BrokerStatus::PendingCancel) => BrokerStatus::PendingCancel,
            (false, _) => BrokerStatus::PartiallyFilled,
        };
        if side == Side::Sell {
            self.sold = self.sold.plus(notional);
        }
        let held = self.positions.entry(order.new.symbol.clone()).or_default();
        (self.cash, *held) = match side {
            Side::Buy => (self.cash.minus(notional), held.plus(quantity)),
            Side::Sell => (self.cash.plus(notional), held.less(quantity)),
        };
        let client_order_id = order.new.client_order_id.clone();
        self.truth.fills.push(BrokerFill { client_order_id, side, quantity, price: at });
    }

    /// Takes or refuses an order.
    pub(crate) fn submit(&mut self, now: Timestamp, new: NewOrder) -> Submitted {
        self.advance(now);
        if self.ids.contains(&new.client_order_id) {
            return Submitted::Duplicate;
        }
        if let Some(kind) = self.objection(&new) {
            return Submitted::Refused(refusal(kind));
        }
        self.ids.insert(new.client_order_id.clone());
        self.truth.orders.push(BrokerOrder {
            at: now.saturating_add(new.ahead).unwrap_or(now),
            client_order_id: new.client_order_id.clone(),
            symbol: new.symbol.clone(),
            side: new.side,
            quantity: new.quantity,
            limit: new.limit,
        });
        let number = self.orders.len();
        let Ok(id) = BrokerOrderId::new(&format!("broker-{number}")) else {
            return Submitted::Refused(refusal(RefusalKind::Other));
        };
        self.orders.push(Order {
            new,
            id,
            status: BrokerStatus::New,
            filled: Quantity::ZERO,
            notional: Decimal::ZERO,
            submitted_at: now,
            filled_at: None,
            cancel_at: None,
        });
        self.trade(number);
        Submitted::Taken(self.orders[number].report())
    }

    /// The client id of an order of a symbol that is open now.
    pub(crate) fn open_order(&mut self, now: Timestamp, symbol: &Symbol) -> Option<String> {
        self.advance(now);
        let open = self.orders.iter().find(|order| order.is_open() && order.new.symbol == *symbol);
        open.map(|order| order.new.client_order_id.clone())
    }

    /// Why the broker does not take an order.
    fn objection(&self, new: &NewOrder) -> Option<RefusalKind> {
        let open = || self.orders.iter().filter(|order| order.is_open());
        let book = self.books.get(&new.symbol);
        if book.is_none() || self.at >= self.closes_at || new.quantity.is_zero() {
            return Some(RefusalKind::Other);
        }
        if (new.limit.dollars() * Decimal::ONE_HUNDRED).fract() != Decimal::ZERO {
            return Some(RefusalKind::SubPenny);
        }
        if !book.is_some_and(|book| book.fractionable) && new.quantity != new.quantity.whole() {
            return Some(RefusalKind::NotFractionable);
        }
        let opposite =
            |order: &Order| order.new.symbol == new.symbol && order.new.side == new.side.opposite();
        if open().any(opposite) {
            return Some(RefusalKind::WashTrade);
        }
        match new.side {
            Side::Buy => {
                let money = self.buying_power();
                (new.limit.times(new.quantity) > money).then_some(RefusalKind::InsufficientFunds)
            }
            Side::Sell => {
                let available = self.available(&new.symbol);
                (new.quantity > available)
                    .then_some(RefusalKind::InsufficientQuantity { available: Some(available) })
            }
        }
    }

    fn buying_power(&self) -> Money {
        let buys =
            self.orders.iter().filter(|order| order.is_open() && order.new.side == Side::Buy);
        self.cash.minus(buys.map(|order| order.new.limit.times(order.leaves())).sum())
    }

    fn available(&self, symbol: &Symbol) -> Quantity {
        let held = self.positions.get(symbol).copied().unwrap_or_default();
        let sells = self.orders.iter().filter(|order| {
            order.is_open() && order.new.side == Side::Sell && order.new.symbol == *symbol
        });
        held.less(sells.map(Order::leaves).sum())
    }

    /// Takes a request to cancel, to be carried out at a time; false when there is nothing to cancel.
    pub(crate) fn cancel(&mut self, now: Timestamp, id: &BrokerOrderId, at: Timestamp) -> bool {
        self.advance(now);
        let Some(order) = self.orders.iter_mut().find(|order| order.id == *id && order.is_open())
        else {
            return false;
        };
        order.status = BrokerStatus::PendingCancel;
        order.cancel_at = Some(order.cancel_at.map_or(at, |before| before.min(at)));
        true
    }

    /// Trades an open order at its limit, whatever the quote says; false when it is not open.
    pub(crate) fn overtake(&mut self, id: &BrokerOrderId) -> bool {
        let open = |order: &Order| order.id == *id && order.is_open();
        let Some(index) = self.orders.iter().position(open) else { return false };
        let limit = self.orders[index].new.limit;
        self.fill(index, limit);
        true
    }

    pub(crate) fn order(&mut self, now: Timestamp, id: &str) -> Option<OrderReport> {
        self.advance(now);
        self.report(id)
    }

    /// Every order as it stands.
    pub(crate) fn reports(&self) -> Vec<OrderReport> {
        self.orders.iter().map(Order::report).collect()
    }

    /// An order as it stands.
    pub(crate) fn report(&self, id: &str) -> Option<OrderReport> {
        self.orders.iter().find(|order| order.new.client_order_id == id).map(Order::report)
    }

    pub(crate) fn list_orders(&mut self, now: Timestamp, since: Timestamp) -> Vec<OrderReport> {
        self.advance(now);
        self.orders.iter().filter(|o| o.submitted_at >= since).map(Order::report).collect()
    }

    pub(crate) fn open_orders(&mut self, now: Timestamp) -> Vec<OrderReport> {
        self.advance(now);
        self.orders.iter().filter(|order| order.is_open()).map(Order::report).collect()
    }

    pub(crate) fn account(&mut self, now: Timestamp) -> AccountReading {
        self.advance(now);
        let worth = |(symbol, quantity): (&Symbol, &Quantity)| {
            let bid = self.books.get(symbol).and_then(|book| price(book.near(Side::Buy)));
            bid.map_or(Money::ZERO, |bid| bid.times(*quantity))
        };
        AccountReading {
            account: self.account.clone(),
            mode: TradeMode::Simulated,
            may_trade: true,
            shorting_enabled: false,
            cash: self.cash,
            buying_power: self.buying_power(),
            non_marginable_buying_power: self.buying_power().minus(self.sold).max(Money::ZERO),
            equity: self.cash.plus(self.positions.iter().map(worth).sum()),
        }
    }

    pub(crate) fn positions(&mut self, now: Timestamp) -> Vec<Position> {
        self.advance(now);
        let held = self.positions.iter().filter(|(_, quantity)| !quantity.is_zero());
        let position = |(symbol, quantity): (&Symbol, &Quantity)| Position {
            symbol: symbol.clone(),
            quantity: *quantity,
            available: self.available(symbol),
        };
        held.map(position).collect()
    }
}

/// A refusal in the broker's words.
pub(crate) fn refusal(kind: RefusalKind) -> Refusal {
    let message = match kind {
        RefusalKind::InsufficientQuantity { .. } => "insufficient qty available for order",
        RefusalKind::InsufficientFunds => "insufficient buying power",
        RefusalKind::SubPenny => "invalid limit_price: sub-penny increment",
        RefusalKind::NotFractionable => "asset is not fractionable",
        RefusalKind::WashTrade => "potential wash trade detected",
        RefusalKind::Other => "the order was refused",
    };
    Refusal { kind, message: message.to_owned() }
}
