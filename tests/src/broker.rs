//! A broker whose answers may be lost, late, or of the past.

use std::sync::{Arc, Mutex, PoisonError};

use alchemiser_core::{
    controls::Approved,
    fact::{Refusal, RefusalKind},
    ids::{BrokerOrderId, ClientOrderId, Symbol},
    reading::{AccountReading, Asset, Position, SessionClock},
    report::OrderReport,
};
use alchemiser_driver::ports::{AssetsRead, Broker, ReadError, SubmitError};
use async_trait::async_trait;
use jiff::Timestamp;

use crate::pulse::{Fault, Op, Pulse};

/// What a broker behind the times goes on saying.
#[derive(Debug, Default)]
pub struct Past {
    orders: Vec<OrderReport>,
    account: Option<AccountReading>,
}

/// Orders that are still on their way, each with the lists of orders until it arrives; they outlive their sender.
#[derive(Clone, Debug, Default)]
pub struct InFlight(Arc<Mutex<Vec<(Approved, u64)>>>);

impl InFlight {
    fn send(&self, order: &Approved, lists: u64) {
        let mut sent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sent.push((order.clone(), lists));
    }

    /// One list later: the orders that arrive now.
    fn arriving(&self) -> Vec<Approved> {
        let mut sent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (now, later): (Vec<_>, Vec<_>) = sent.drain(..).partition(|(_, lists)| *lists <= 1);
        sent.extend(later.into_iter().map(|(order, lists)| (order, lists - 1)));
        now.into_iter().map(|(order, _)| order).collect()
    }
}

/// A real broker behind a bad line.
#[derive(Debug)]
pub struct FaultyBroker {
    /// The real one.
    pub inner: Arc<dyn Broker>,
    /// What goes wrong.
    pub pulse: Arc<Pulse>,
    /// What it said before.
    pub past: Mutex<Past>,
    /// What is on its way to it.
    pub in_flight: InFlight,
}

/// So many assets are read one by one.
const FEW: usize = 11;

fn lost<T>() -> Result<T, ReadError> {
    Err(ReadError("injected".to_owned()))
}

fn refused<T>(kind: RefusalKind) -> Result<T, SubmitError> {
    Err(SubmitError::Refused(Refusal { kind, message: "injected".to_owned() }))
}

fn unpriced(report: OrderReport) -> OrderReport {
    OrderReport { average_price: None, ..report }
}

impl FaultyBroker {
    fn past(&self) -> std::sync::MutexGuard<'_, Past> {
        self.past.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn read<T>(
        &self,
        op: Op,
        ask: impl Future<Output = Result<T, ReadError>> + Send,
    ) -> Result<T, ReadError> {
        let call = self.pulse.enter(op).await;
        let answer = ask.await;
        let answer = match call.fault {
            Some(Fault::LoseRequest | Fault::LoseAnswer) => lost(),
            _ => answer,
        };
        self.pulse.leave(call).await;
        answer
    }
}

#[async_trait]
impl Broker for FaultyBroker {
    async fn submit(&self, order: &Approved) -> Result<OrderReport, SubmitError> {
        let call = self.pulse.enter(Op::Submit).await;
        let unclear = || Err(SubmitError::Unclear("injected".to_owned()));
        let answer = match call.fault {
            Some(Fault::LoseRequest) => unclear(),
            Some(Fault::Late(lists)) => {
                self.in_flight.send(order, lists);
                unclear()
            }
            Some(Fault::Refuse) => refused(RefusalKind::InsufficientFunds),
            Some(Fault::Reject) => refused(RefusalKind::Other),
            Some(Fault::LoseAnswer) => {
                let _unheard = self.inner.submit(order).await;
                unclear()
            }
            _ => self.inner.submit(order).await,
        };
        self.pulse.leave(call).await;
        answer
    }

    async fn cancel(&self, order: &BrokerOrderId) -> Result<(), ReadError> {
        let call = self.pulse.enter(Op::Cancel).await;
        let answer = match call.fault {
            Some(Fault::LoseRequest) => lost(),
            Some(Fault::LoseAnswer) => {
                let _unheard = self.inner.cancel(order).await;
                lost()
            }
            _ => self.inner.cancel(order).await,
        };
        self.pulse.leave(call).await;
        answer
    }

    async fn order(&self, id: &ClientOrderId) -> Result<Option<OrderReport>, ReadError> {
        let call = self.pulse.enter(Op::Order).await;
        let found = self.inner.order(id).await;
        let answer = match call.fault {
            Some(Fault::LoseRequest | Fault::LoseAnswer) => lost(),
            Some(Fault::Absent) => Ok(None),
            Some(Fault::NoPrice) => found.map(|found| found.map(unpriced)),
            _ => found,
        };
        self.pulse.leave(call).await;
        answer
    }

    async fn orders(&self, since: Timestamp) -> Result<Vec<OrderReport>, ReadError> {
        let call = self.pulse.enter(Op::Orders).await;
        for order in self.in_flight.arriving() {
            let _unheard = self.inner.submit(&order).await;
        }
        let answer = match call.fault {
            Some(Fault::LoseRequest | Fault::LoseAnswer) => lost(),
            Some(Fault::Stale) => Ok(self.past().orders.clone()),
            fault => {
                let orders = self.inner.orders(since).await?;
                self.past().orders.clone_from(&orders);
                match fault {
                    Some(Fault::NoPrice) => Ok(orders.into_iter().map(unpriced).collect()),
                    _ => Ok(orders),
                }
            }
        };
        self.pulse.leave(call).await;
        answer
    }

    async fn open_orders(&self) -> Result<Vec<OrderReport>, ReadError> {
        self.read(Op::OpenOrders, self.inner.open_orders()).await
    }

    async fn account(&self) -> Result<AccountReading, ReadError> {
        let call = self.pulse.enter(Op::Account).await;
        let answer = match call.fault {
            Some(Fault::LoseRequest | Fault::LoseAnswer) => lost(),
            fault => {
                let now = self.inner.account().await?;
                let first = self.past().account.get_or_insert_with(|| now.clone()).clone();
                Ok(if fault == Some(Fault::Stale) { first } else { now })
            }
        };
        self.pulse.leave(call).await;
        answer
    }

    async fn positions(&self) -> Result<Vec<Position>, ReadError> {
        self.read(Op::Positions, self.inner.positions()).await
    }

    async fn asset(&self, symbol: &Symbol) -> Result<Option<Asset>, ReadError> {
        self.read(Op::Asset, self.inner.asset(symbol)).await
    }

    /// Few one by one, so that each may be hit; many in whatever way the broker has.
    async fn assets(&self, symbols: &[Symbol]) -> AssetsRead {
        if symbols.len() > FEW {
            let call = self.pulse.enter(Op::Asset).await;
            let read = self.inner.assets(symbols).await;
            self.pulse.leave(call).await;
            return read;
        }
        let mut read = AssetsRead { calls: symbols.len(), ..AssetsRead::default() };
        for symbol in symbols {
            match self.asset(symbol).await {
                Ok(asset) => read.found.push((symbol.clone(), asset)),
                Err(error) => read.failed.push(error),
            }
        }
        read
    }

    fn allowance(&self) -> Option<u32> {
        self.inner.allowance()
    }

    async fn clock(&self) -> Result<SessionClock, ReadError> {
        self.read(Op::Clock, self.inner.clock()).await
    }
}
