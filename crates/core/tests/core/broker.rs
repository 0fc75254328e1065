//! A scripted exchange: it does with the next orders what it was told to, and keeps the books of what happened.

use std::collections::{BTreeMap, VecDeque};

use alchemiser_core::{
    child::OrderTerms,
    fact::{Refusal, RefusalKind},
    ids::{BrokerOrderId, ClientOrderId, Symbol},
    money::Money,
    observed::Answer,
    price::Price,
    quantity::Quantity,
    reading::Position,
    report::{BrokerStatus, OrderReport},
    side::Side,
};
use jiff::Timestamp;

/// What becomes of the next order.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Post {
    /// Taken.
    Accept,
    /// Taken and filled at once.
    Fill,
    /// Refused.
    Refuse(RefusalKind),
    /// Taken, but the answer is lost.
    LoseAnswer,
    /// Neither taken nor answered.
    LoseOrder,
    /// Not answered now and taken later.
    Delay,
    /// The caller did not send it.
    NotSent,
    /// Taken as an order in another symbol.
    Garble,
}

/// The exchange.
#[derive(Clone, Debug)]
pub(crate) struct Broker {
    pub(crate) orders: Vec<OrderReport>,
    pub(crate) script: VecDeque<Post>,
    pub(crate) delayed: Vec<(ClientOrderId, OrderTerms)>,
    /// Cancels are carried out; otherwise they wait until they are released.
    pub(crate) cancels: bool,
    pub(crate) to_cancel: Vec<ClientOrderId>,
    /// Fills have their average price.
    pub(crate) priced: bool,
    /// Sells' proceeds show in the account.
    pub(crate) credits: bool,
    /// What lists say while they lag behind.
    pub(crate) stale: Option<Vec<OrderReport>>,
    pub(crate) cash: Money,
    pub(crate) uncredited: Money,
    pub(crate) held: BTreeMap<Symbol, Quantity>,
    pub(crate) posts: u32,
    pub(crate) cancel_calls: u32,
}

impl Broker {
    pub(crate) fn new(cash: Money, held: BTreeMap<Symbol, Quantity>) -> Self {
        Self {
            orders: Vec::new(),
            script: VecDeque::new(),
            delayed: Vec::new(),
            cancels: true,
            to_cancel: Vec::new(),
            priced: true,
            credits: true,
            stale: None,
            cash,
            uncredited: Money::ZERO,
            held,
            posts: 0,
            cancel_calls: 0,
        }
    }

    pub(crate) fn post(
        &mut self,
        id: &ClientOrderId,
        terms: &OrderTerms,
        now: Timestamp,
    ) -> Answer {
        let next = self.script.pop_front().unwrap_or(Post::Accept);
        if matches!(next, Post::NotSent) {
            return Answer::NotSent;
        }
        self.posts += 1;
        if self.find(id).is_some() {
            return Answer::Lost;
        }
        match next {
            Post::Accept | Post::Fill | Post::LoseAnswer | Post::Garble => {
                self.take(id, terms, now);
                if matches!(next, Post::Garble) {
                    self.orders.last_mut().unwrap().symbol = Symbol::new("WRONG").unwrap();
                }
                if matches!(next, Post::Fill) {
                    self.fill(id, terms.quantity, now);
                }
                let known = self.look_up(id);
                if matches!(next, Post::LoseAnswer) { Answer::Lost } else { known }
            }
            Post::Refuse(kind) => Answer::Refused(Refusal { kind, message: "no".to_owned() }),
            Post::LoseOrder => Answer::Lost,
            Post::Delay => {
                self.delayed.push((id.clone(), terms.clone()));
                Answer::Lost
            }
            Post::NotSent => Answer::NotSent,
        }
    }

    /// Orders under way arrive.
    pub(crate) fn land(&mut self, now: Timestamp) {
        for (id, terms) in std::mem::take(&mut self.delayed) {
            if self.find(&id).is_none() {
                self.take(&id, &terms, now);
            }
        }
    }

    fn take(&mut self, id: &ClientOrderId, terms: &OrderTerms, now: Timestamp) {
        let live = self
            .orders
            .iter()
            .filter(|order| order.symbol == terms.symbol && order.status.is_open());
        assert_eq!(live.count(), 0, "I2: a second live order in {}", terms.symbol);
        self.orders.push(OrderReport {
            client_order_id: id.to_string(),
            broker_order_id: BrokerOrderId::new(&format!("b{}", self.orders.len() + 1)).unwrap(),
            symbol: terms.symbol.clone(),
            side: terms.side,
            status: BrokerStatus::New,
            quantity: terms.quantity,
            limit: Some(terms.limit),
            cumulative: Quantity::ZERO,
            average_price: None,
            submitted_at: now,
            filled_at: None,
        });
    }

    pub(crate) fn find(&self, id: &ClientOrderId) -> Option<usize> {
        self.orders.iter().position(|order| order.client_order_id == id.as_str())
    }

    /// The open order in a symbol.
    pub(crate) fn open(&self, symbol: &Symbol) -> Option<ClientOrderId> {
        let open =
            self.orders.iter().find(|order| order.symbol == *symbol && order.status.is_open());
        open.and_then(OrderReport::our_id)
    }

    /// Fills at the limit, at most what is left.
    pub(crate) fn fill(&mut self, id: &ClientOrderId, quantity: Quantity, now: Timestamp) {
        let Some(index) = self.find(id) else { return };
        let order = &mut self.orders[index];
        let quantity = quantity.min(order.quantity.less(order.cumulative));
        if !order.status.is_open() || quantity.is_zero() {
            return;
        }
        order.cumulative = order.cumulative.plus(quantity);
        order.average_price = order.limit;
        order.filled_at = Some(now);
        let full = order.cumulative == order.quantity;
        order.status = if full { BrokerStatus::Filled } else { BrokerStatus::PartiallyFilled };
        let amount = order.limit.unwrap().times(quantity);
        let held = self.held.entry(order.symbol.clone()).or_default();
        match order.side {
            Side::Buy => {
                *held = held.plus(quantity);
                self.cash = self.cash.minus(amount);
            }
            Side::Sell => {
                assert!(*held >= quantity, "I3: short");
                *held = held.less(quantity);
                self.uncredited = self.uncredited.plus(amount);
            }
        }
    }

    /// Proceeds of all sales.
    pub(crate) fn sold(&self) -> Money {
        let sells = self.orders.iter().filter(|order| order.side == Side::Sell);
        sells.filter_map(|order| Some(order.limit?.times(order.cumulative))).sum()
    }

    pub(crate) fn cancel(&mut self, id: &ClientOrderId) {
        self.cancel_calls += 1;
        self.to_cancel.push(id.clone());
        self.carry_out();
    }

    /// Carries out the cancels that wait, if cancels are carried out.
    pub(crate) fn carry_out(&mut self) {
        if self.cancels {
            for id in std::mem::take(&mut self.to_cancel) {
                self.end(&id, BrokerStatus::Canceled);
            }
        }
    }

    /// Ends an open order.
    pub(crate) fn end(&mut self, id: &ClientOrderId, status: BrokerStatus) {
        if let Some(index) = self.find(id).filter(|index| self.orders[*index].status.is_open()) {
            self.orders[index].status = status;
        }
    }

    /// Cancels an order by the broker's own id.
    pub(crate) fn end_of(&mut self, id: &BrokerOrderId) {
        self.cancel_calls += 1;
        let mut orders = self.orders.iter_mut();
        let found = orders.find(|order| order.broker_order_id == *id);
        if let Some(order) = found.filter(|_| self.cancels) {
            order.status = BrokerStatus::Canceled;
        }
    }

    /// Somebody else's open order.
    pub(crate) fn foreign(&mut self, symbol: &str, side: Side, now: Timestamp) {
        self.orders.push(OrderReport {
            client_order_id: "by hand".to_owned(),
            broker_order_id: BrokerOrderId::new("by-hand-1").unwrap(),
            symbol: Symbol::new(symbol).unwrap(),
            side,
            status: BrokerStatus::New,
            quantity: Quantity::ONE,
            limit: None,
            cumulative: Quantity::ZERO,
            average_price: None,
            submitted_at: now,
            filled_at: None,
        });
    }

    pub(crate) fn look_up(&self, id: &ClientOrderId) -> Answer {
        self.find(id)
            .map_or(Answer::NotFound, |index| Answer::Known(self.shown(&self.orders[index])))
    }

    fn shown(&self, order: &OrderReport) -> OrderReport {
        let average_price: Option<Price> = order.average_price.filter(|_| self.priced);
        OrderReport { average_price, ..order.clone() }
    }

    pub(crate) fn list(&self) -> Vec<OrderReport> {
        let orders = self.stale.as_ref().unwrap_or(&self.orders);
        orders.iter().map(|order| self.shown(order)).collect()
    }

    /// Cash as the account shows it.
    pub(crate) fn shown_cash(&mut self) -> Money {
        if self.credits {
            self.cash = self.cash.plus(self.uncredited);
            self.uncredited = Money::ZERO;
        }
        self.cash
    }

    pub(crate) fn positions(&self) -> BTreeMap<Symbol, Position> {
        let position = |(symbol, held): (&Symbol, &Quantity)| {
            let position = Position { symbol: symbol.clone(), quantity: *held, available: *held };
            (symbol.clone(), position)
        };
        self.held.iter().filter(|(_, held)| !held.is_zero()).map(position).collect()
    }
}
