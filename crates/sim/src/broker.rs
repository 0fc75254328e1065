//! The broker and the market data behind a process's line.

use std::collections::BTreeMap;

use alchemiser_core::{
    controls::Approved,
    fact::RefusalKind,
    ids::{BrokerOrderId, ClientOrderId, Symbol},
    quantity::Quantity,
    quote::{RawQuote, Snapshot, Touch},
    reading::{AccountReading, Asset, Position, SessionClock},
    report::OrderReport,
};
use alchemiser_driver::ports::{Broker, MarketData, ReadError, SubmitError};
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use crate::{
    chance::Chance,
    exchange::{NewOrder, Submitted, refusal},
    fault::Fault,
    line::{CANARY, Line},
    watch::HALT_ANSWERED,
    world::{Happening, World, later},
};

/// What becomes of a request on its way to the broker.
enum Way {
    Arrives,
    Lost,
}

fn lost<T>() -> Result<T, ReadError> {
    Err(ReadError(format!("{CANARY}: no answer")))
}

fn unclear<T>() -> Result<T, SubmitError> {
    Err(SubmitError::Unclear(format!("{CANARY}: no answer")))
}

impl Line {
    /// A trading call sets out.
    async fn call(&self) -> Way {
        self.world().called();
        self.enter().await;
        self.way()
    }

    /// A trading call that changes something sets out.
    async fn call_effect(&self) -> (Way, u64) {
        self.world().called();
        let effect = self.enter_effect().await;
        (self.way(), effect)
    }

    fn way(&self) -> Way {
        if self.hits(Fault::BrokerUnclear) || self.hits(Fault::BrokerTooMany) {
            return Way::Lost;
        }
        Way::Arrives
    }

    /// A reading: it has no effect, so that a lost request and a lost answer are the same.
    async fn ask<T: Send>(
        &self,
        read: impl FnOnce(&mut World) -> T + Send,
    ) -> Result<T, ReadError> {
        match self.call().await {
            Way::Lost => lost(),
            Way::Arrives => {
                let answer = read(&mut self.world());
                self.leave().await;
                Ok(answer)
            }
        }
    }

    /// An injected refusal: the broker's, or its gateway's before it looked whether it knows the order.
    fn refused(&self, quantity: Quantity) -> Option<SubmitError> {
        let kind = if self.hits(Fault::RefusedPrice) {
            let mut world = self.world();
            world.chance.pick(&[RefusalKind::SubPenny, RefusalKind::Other])
        } else if self.hits(Fault::RefusedWash) {
            RefusalKind::WashTrade
        } else if self.hits(Fault::RefusedHalt) {
            RefusalKind::Other
        } else if self.hits(Fault::RefusedFunds) {
            let mut world = self.world();
            let part = Decimal::new(world.chance.between(0, 100), 2);
            let available = Some(Quantity::rounded_down(quantity.shares() * part, 0));
            let lacking =
                [available, None].map(|available| RefusalKind::InsufficientQuantity { available });
            world.chance.pick(&[RefusalKind::InsufficientFunds, lacking[0], lacking[1]])
        } else {
            return None;
        };
        Some(SubmitError::Refused(refusal(kind)))
    }

    /// An order that reaches the broker now.
    async fn arrive(&self, new: NewOrder, effect: u64) -> Result<OrderReport, SubmitError> {
        if let Some(refused) = self.refused(new.quantity) {
            self.leave_effect(effect).await;
            return Err(refused);
        }
        let submitted = self.world().submit(new);
        self.leave_effect(effect).await;
        if self.hits(Fault::BrokerLostAnswer) {
            self.wait_in_vain().await;
            return unclear();
        }
        // Either code means the same: it is told by the message.
        if self.hits(Fault::BrokerDuplicate) || self.hits(Fault::BrokerDuplicateOther) {
            return Err(SubmitError::Duplicate);
        }
        match submitted {
            Submitted::Taken(report) => Ok(report),
            Submitted::Refused(refusal) => Err(SubmitError::Refused(refusal)),
            Submitted::Duplicate => {
                let mut world = self.world();
                let codes = [Fault::BrokerDuplicate, Fault::BrokerDuplicateOther];
                let code = world.chance.pick(&codes);
                world.tally.count(code);
                Err(SubmitError::Duplicate)
            }
        }
    }
}

impl World {
    /// The broker takes or refuses an order.
    pub(crate) fn submit(&mut self, new: NewOrder) -> Submitted {
        let now = self.now;
        let id = new.client_order_id.clone();
        let other = self.exchange.open_order(now, &new.symbol).filter(|other| *other != id);
        let submitted = self.exchange.submit(now, new);
        self.note(|_| format!("    $ {id} {submitted:?}"));
        if let (Some(other), Submitted::Taken(_)) = (other, &submitted) {
            self.broken("I2", format!("{id} is taken while {other} is open in its symbol"));
        }
        if let (Some(since), Submitted::Taken(_)) = (self.stopped_since(&id), &submitted) {
            self.plan(later(now, HALT_ANSWERED), Happening::HaltIsOld(since));
        }
        submitted
    }

    /// The account's orders, or what a broker behind the times says of them.
    fn orders(&mut self, since: Timestamp, line: &Line) -> Vec<OrderReport> {
        let process = line.process;
        let mut orders = self.exchange.list_orders(self.now, since);
        let twice = self.hits(Fault::OrdersDuplicated, process);
        let before = if twice { self.past_orders.clone() } else { Vec::new() };
        if self.hits(Fault::OrdersStale, process) {
            orders.clone_from(&self.past_orders);
        } else if self.fortune.rate(Fault::OrdersStale) + self.fortune.rate(Fault::OrdersDuplicated)
            > 0
        {
            self.past_orders.clone_from(&orders);
        }
        orders.extend(before);
        if !orders.is_empty() && self.hits(Fault::OrdersMissing, process) {
            let which = self.chance.below(orders.len() as u64);
            orders.remove(usize::try_from(which).unwrap_or_default());
        }
        if self.hits(Fault::OrdersReordered, process) {
            orders.reverse();
        }
        if self.hits(Fault::NoPrice, line.process) {
            for order in &mut orders {
                order.average_price = None;
            }
        }
        orders
    }

    fn account(&mut self, line: &Line) -> AccountReading {
        let account = self.exchange.account(self.now);
        let lags = self.hits(Fault::FundsLag, line.process);
        if let Some(past) = self.past_account.as_ref().filter(|_| lags) {
            return past.clone();
        }
        self.past_account = Some(account.clone());
        account
    }

    fn cancel(&mut self, order: &BrokerOrderId, line: &Line) -> Result<(), ReadError> {
        if self.hits(Fault::CancelIgnored, line.process) {
            return Ok(());
        }
        if self.hits(Fault::CancelRace, line.process) {
            self.exchange.overtake(order);
        }
        let delay = self.chance.millis(0, 400);
        let taken = self.exchange.cancel(self.now, order, later(self.now, delay));
        self.note(|_| format!("    $ cancel {order}: {taken}"));
        if taken { Ok(()) } else { Err(ReadError("the order is not cancelable".to_owned())) }
    }

    fn snapshots(&mut self, symbols: &[Symbol], line: &Line) -> BTreeMap<Symbol, Snapshot> {
        self.exchange.advance(self.now);
        let mut found = BTreeMap::new();
        for symbol in symbols {
            if self.strikes(Fault::SymbolHalt) {
                let pause = self.chance.millis(2_000, 40_000);
                let until = Some(later(self.now, pause));
                if let Some(book) = self.exchange.books.get_mut(symbol) {
                    book.halted_until = until;
                }
            }
            let Some(book) = self.exchange.books.get(symbol) else { continue };
            let mut snapshot = book.snapshot(self.now);
            if let Some(quote) = &mut snapshot.quote {
                // The adapter stamps a reading with its own clock.
                quote.observed_at = later(quote.observed_at, self.processes[line.process].ahead);
            }
            if self.hits(Fault::QuoteMissing, line.process) {
                if self.chance.percent(50) {
                    continue;
                }
                snapshot.quote = None;
            }
            snapshot.quote = snapshot.quote.map(|quote| self.unquiet(quote, line));
            found.insert(symbol.clone(), snapshot);
        }
        found
    }

    /// A quote with what is wrong with it.
    fn unquiet(&mut self, mut quote: RawQuote, line: &Line) -> RawQuote {
        if self.hits(Fault::QuoteCrossed, line.process) {
            (quote.bid, quote.ask) = (quote.ask, quote.bid);
        }
        if self.hits(Fault::QuoteZero, line.process) {
            match self.chance.below(3) {
                0 => quote.bid = None,
                1 => quote.ask = None,
                _ => quote.ask = quote.ask.map(|ask| Touch { size: Quantity::ZERO, ..ask }),
            }
        }
        if self.hits(Fault::QuoteStale, line.process) {
            let age = if self.chance.percent(50) {
                self.chance.millis(2_000, 20_000)
            } else {
                self.chance.millis(60_000, 1_200_000)
            };
            let before = |at: Timestamp| at.saturating_sub(age).unwrap_or(at);
            quote.changed_at = before(quote.changed_at);
            if self.chance.percent(50) {
                quote.observed_at = before(quote.observed_at);
            }
        }
        quote
    }
}

/// How long after it was given up an order may arrive.
fn lateness(chance: &mut Chance) -> SignedDuration {
    let most = chance.pick(&[1_000, 5_000, 40_000]);
    chance.millis(100, most)
}

#[async_trait]
impl Broker for Line {
    async fn submit(&self, order: &Approved) -> Result<OrderReport, SubmitError> {
        let new = {
            let mut world = self.world();
            world.posted(self.process, order);
            let terms = order.terms();
            NewOrder {
                client_order_id: order.client_order_id().to_string(),
                symbol: terms.symbol.clone(),
                side: terms.side,
                quantity: terms.quantity,
                limit: terms.limit,
                ahead: world.ahead_most,
            }
        };
        let (way, effect) = self.call_effect().await;
        if let Way::Lost = way {
            return unclear();
        }
        if self.hits(Fault::BrokerLostRequest) {
            self.wait_in_vain().await;
            return unclear();
        }
        if self.hits(Fault::BrokerLate) {
            {
                let mut world = self.world();
                let pause = lateness(&mut world.chance);
                let at = later(world.now, pause);
                world.plan(at, Happening::Arrive(new));
            }
            self.wait_in_vain().await;
            return unclear();
        }
        self.arrive(new, effect).await
    }

    async fn cancel(&self, order: &BrokerOrderId) -> Result<(), ReadError> {
        self.world().cancel_asked(order);
        let (way, effect) = self.call_effect().await;
        if let Way::Lost = way {
            return lost();
        }
        if self.hits(Fault::BrokerLostRequest) {
            self.wait_in_vain().await;
            return lost();
        }
        let answer = self.world().cancel(order, self);
        self.leave_effect(effect).await;
        if self.hits(Fault::BrokerLostAnswer) {
            self.wait_in_vain().await;
            return lost();
        }
        answer
    }

    async fn order(&self, id: &ClientOrderId) -> Result<Option<OrderReport>, ReadError> {
        let process = self.process;
        self.ask(move |world| {
            let now = world.now;
            let mut found = world.exchange.order(now, id.as_str());
            // Not found is no proof of absence.
            if world.hits(Fault::OrdersMissing, process) {
                found = None;
            }
            if found.is_some() && world.hits(Fault::OrdersStale, process) {
                let mut past = world.past_orders.iter();
                found = past.find(|order| order.client_order_id == id.as_str()).cloned();
            }
            if let Some(found) = found.as_mut().filter(|_| world.hits(Fault::NoPrice, process)) {
                found.average_price = None;
            }
            found
        })
        .await
    }

    async fn orders(&self, since: Timestamp) -> Result<Vec<OrderReport>, ReadError> {
        self.ask(|world| world.orders(since, self)).await
    }

    async fn open_orders(&self) -> Result<Vec<OrderReport>, ReadError> {
        self.ask(|world| {
            let now = world.now;
            let mut open = world.exchange.open_orders(now);
            if !open.is_empty() && world.hits(Fault::OrdersMissing, self.process) {
                let which = world.chance.below(open.len() as u64);
                open.remove(usize::try_from(which).unwrap_or_default());
            }
            open
        })
        .await
    }

    async fn account(&self) -> Result<AccountReading, ReadError> {
        self.ask(|world| world.account(self)).await
    }

    async fn positions(&self) -> Result<Vec<Position>, ReadError> {
        self.ask(|world| {
            let now = world.now;
            world.exchange.positions(now)
        })
        .await
    }

    async fn asset(&self, symbol: &Symbol) -> Result<Option<Asset>, ReadError> {
        self.ask(|world| {
            let book = world.exchange.books.get(symbol)?;
            Some(Asset {
                symbol: symbol.clone(),
                tradable: world.untradable.as_ref() != Some(symbol),
                fractionable: book.fractionable,
                tick: None,
                round_lot: Quantity::rounded_down(Decimal::ONE_HUNDRED, 0),
            })
        })
        .await
    }

    async fn clock(&self) -> Result<SessionClock, ReadError> {
        self.ask(|world| {
            let (now, ahead) = (world.now, world.processes[self.process].ahead);
            world.processes[self.process].session_read = Some((now, ahead));
            SessionClock {
                at: now,
                is_open: world.is_open(),
                opened_at: world.exchange.opened_at,
                closes_at: world.exchange.closes_at,
            }
        })
        .await
    }
}

#[async_trait]
impl MarketData for Line {
    async fn snapshots(&self, symbols: &[Symbol]) -> Result<BTreeMap<Symbol, Snapshot>, ReadError> {
        self.enter().await;
        if self.hits(Fault::QuoteMissing) {
            return lost();
        }
        let found = self.world().snapshots(symbols, self);
        self.leave().await;
        Ok(found)
    }
}
