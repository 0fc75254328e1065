//! The driver's port to the trading interface.

use alchemiser_core::{
    controls::Approved,
    ids::{BrokerOrderId, ClientOrderId, Symbol},
    reading::{AccountReading, Asset, Position, SessionClock},
    report::OrderReport,
};
use alchemiser_driver::ports::{AssetsRead, Broker, ReadError, SubmitError};
use async_trait::async_trait;
use jiff::Timestamp;

use crate::{
    Alpaca,
    budget::Rank,
    failed::{Class, Failed},
    fields::{Fields, list},
    line::Ask,
    order::{self, NewOrder, Said},
};

/// Orders of a page: the most that the broker gives.
const PAGE: usize = 500;

/// Pages that are read: 20,000 orders since the plan are no plan of ours.
const PAGES_MAX: usize = 40;

impl Alpaca {
    /// One page, oldest first: from the first order on, from a moment on, or after an order.
    async fn page(&self, status: &str, from: Option<(&str, &str)>) -> Result<Vec<Said>, Failed> {
        let limit = PAGE.to_string();
        let mut query = vec![
            ("status", status),
            ("limit", limit.as_str()),
            ("direction", "asc"),
            ("nested", "false"),
        ];
        query.extend(from);
        let reply = self.line.send(Ask::get(&["v2", "orders"], &query)).await?;
        reply.read(|bytes| {
            let orders = list(bytes)?.into_iter();
            orders.map(|value| Said::read(&Fields::of(value)?, &self.line.unknown)).collect()
        })
    }

    /// Every page of the orders of a status, from a moment on where one is given.
    async fn read_orders(
        &self,
        status: &str,
        since: Option<Timestamp>,
    ) -> Result<Vec<OrderReport>, Failed> {
        let mut reports = Vec::new();
        let since = since.map(|since| since.to_string());
        let mut page = self.page(status, since.as_deref().map(|since| ("after", since))).await?;
        for _ in 0..PAGES_MAX {
            let last = page.last().map(|said| said.broker_order_id.clone());
            let is_full = page.len() >= PAGE;
            for said in page {
                let listed = said.listed().map_err(|error| {
                    Failed::unanswered(Class::Transient, format!("an order of ours: {}", error.0))
                })?;
                reports.extend(listed);
            }
            let Some(last) = last.filter(|_| is_full) else { return Ok(reports) };
            page = self.page(status, Some(("after_order_id", &last))).await?;
        }
        let message = format!("expected at most {} orders of status {status}", PAGES_MAX * PAGE);
        Err(Failed::unanswered(Class::Transient, message))
    }
}

#[async_trait]
impl Broker for Alpaca {
    async fn submit(&self, order: &Approved) -> Result<OrderReport, SubmitError> {
        let ask = Ask::post(&["v2", "orders"], &NewOrder::of(order));
        let reply = self.line.send(ask).await?;
        let id = order.client_order_id();
        Ok(reply.read(|bytes| order::this(bytes, id, &self.line.unknown))?)
    }

    async fn cancel(&self, order: &BrokerOrderId) -> Result<(), ReadError> {
        self.line.send(Ask::delete(&["v2", "orders", order.as_str()])).await?;
        Ok(())
    }

    async fn order(&self, id: &ClientOrderId) -> Result<Option<OrderReport>, ReadError> {
        let query = [("client_order_id", id.as_str())];
        let ask = Ask::get(&["v2", "orders:by_client_order_id"], &query).ranked(Rank::LookUp);
        match self.line.send(ask).await {
            Ok(reply) => Ok(Some(reply.read(|bytes| order::this(bytes, id, &self.line.unknown))?)),
            Err(failed) if failed.is_not_found() => Ok(None),
            Err(failed) => Err(failed.into()),
        }
    }

    async fn orders(&self, since: Timestamp) -> Result<Vec<OrderReport>, ReadError> {
        Ok(self.read_orders("all", Some(since)).await?)
    }

    async fn open_orders(&self) -> Result<Vec<OrderReport>, ReadError> {
        Ok(self.read_orders("open", None).await?)
    }

    async fn account(&self) -> Result<AccountReading, ReadError> {
        Ok(self.read_account().await?)
    }

    async fn positions(&self) -> Result<Vec<Position>, ReadError> {
        Ok(self.read_positions().await?)
    }

    async fn asset(&self, symbol: &Symbol) -> Result<Option<Asset>, ReadError> {
        Ok(self.read_asset(symbol).await?)
    }

    async fn assets(&self, symbols: &[Symbol]) -> AssetsRead {
        self.read_assets(symbols).await
    }

    async fn clock(&self) -> Result<SessionClock, ReadError> {
        Ok(self.tell_clock().await?)
    }

    fn allowance(&self) -> Option<u32> {
        Some(self.line.left())
    }
}
