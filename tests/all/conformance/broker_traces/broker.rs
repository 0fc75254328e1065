//! A broker that plays a scenario's part, and keeps the books of what really happened.
//!
//! Every call first brings the books up to the virtual time: what was due since the last call happened at its own moment,
//! whether anybody looked or not.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use alchemiser_core::{
    child::OrderTerms,
    controls::Approved,
    fact::{Refusal, RefusalKind},
    ids::{AccountId, BrokerOrderId, ClientOrderId, Symbol},
    money::Money,
    price::Price,
    quantity::{DECIMALS_MAX, Quantity},
    quote::{RawQuote, Snapshot, Touch},
    reading::{AccountReading, Asset, Position, SessionClock, TradeMode},
    report::{BrokerStatus, OrderReport},
    side::Side,
};
use alchemiser_driver::{
    audit::{BrokerFill, BrokerOrder, Truth},
    ports::{AssetsRead, Broker, Clock, MarketData, ReadError, SubmitError},
};
use alchemiser_local::clock::VirtualClock;
use alchemiser_tests::world::Venue;
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use super::script::{Cancel, Course, Kind, Post, Quotes, Reading, Script, Sent};

/// What happens to an order without anybody's doing.
#[derive(Clone, Copy, Debug)]
enum Due {
    Fill(Quantity),
    End,
}

#[derive(Debug)]
struct Order {
    report: OrderReport,
    due: Vec<(Timestamp, Due)>,
}

impl Order {
    fn is_open(&self) -> bool {
        self.report.status.is_open()
    }

    fn leaves(&self) -> Quantity {
        self.report.quantity.less(self.report.cumulative)
    }
}

/// What the account begins with.
#[derive(Clone, Debug)]
pub(crate) struct Opening {
    pub(crate) account: AccountId,
    pub(crate) cash: Money,
    pub(crate) held: BTreeMap<Symbol, Quantity>,
    /// The side of every leg.
    pub(crate) sides: BTreeMap<Symbol, Side>,
}

#[derive(Debug)]
struct Books {
    cash: Money,
    held: BTreeMap<Symbol, Quantity>,
    orders: Vec<Order>,
    truth: Truth,
    /// Orders that arrived while another one was open in their symbol.
    overlaps: Vec<String>,
    /// Readings so far.
    read: Vec<Reading>,
    /// When trading calls came; market data has a limit of its own.
    calls: Vec<Timestamp>,
}

/// The broker.
#[derive(Debug)]
pub(crate) struct ScriptedBroker {
    clock: Arc<VirtualClock>,
    script: Script,
    opening: Opening,
    books: Mutex<Books>,
}

pub(crate) fn price(cents: i64) -> Price {
    Price::new(Decimal::new(cents, 2)).unwrap()
}

/// The scenarios' quote, in cents.
pub(crate) const BID: i64 = 10_000;
pub(crate) const ASK: i64 = 10_005;
/// Five hundredths of a percent through the far touch: our cross's collar.
const COLLAR: i64 = 5;

/// What a limit asks for.
fn kind(side: Side, limit: Price) -> Kind {
    let (far, sign) = match side {
        Side::Buy => (ASK, 1),
        Side::Sell => (BID, -1),
    };
    let (far, collar) = (price(far), price(far + sign * COLLAR));
    if far.beyond(limit, side) {
        Kind::Resting
    } else if collar.beyond(limit, side) {
        Kind::Through
    } else {
        Kind::Market
    }
}

fn percent(quantity: Quantity, percent: u32) -> Quantity {
    let part = quantity.shares() * Decimal::from(percent) / Decimal::ONE_HUNDRED;
    Quantity::rounded_down(part, DECIMALS_MAX)
}

fn failed<T>(status: &str) -> Result<T, ReadError> {
    Err(ReadError(status.to_owned()))
}

impl Books {
    /// Everything that was due by now happens, in the order of its times.
    fn bring_to(&mut self, now: Timestamp) {
        for index in 0..self.orders.len() {
            let due = std::mem::take(&mut self.orders[index].due);
            let (mut past, future): (Vec<_>, Vec<_>) =
                due.into_iter().partition(|(at, _)| *at <= now);
            self.orders[index].due = future;
            past.sort_by_key(|(at, _)| *at);
            for (at, due) in past {
                match due {
                    Due::Fill(quantity) => self.fill(index, quantity, at),
                    Due::End => self.end(index),
                }
            }
        }
    }

    fn end(&mut self, index: usize) {
        if self.orders[index].is_open() {
            self.orders[index].report.status = BrokerStatus::Canceled;
        }
    }

    /// At the limit, or at the far touch if that is better.
    fn fill(&mut self, index: usize, quantity: Quantity, at: Timestamp) {
        let order = &mut self.orders[index];
        let quantity = quantity.min(order.leaves());
        if !order.is_open() || quantity.is_zero() {
            return;
        }
        let report = &mut order.report;
        let limit = report.limit.unwrap();
        let price = match report.side {
            Side::Buy => limit.min(price(ASK)),
            Side::Sell => limit.max(price(BID)),
        };
        report.cumulative = report.cumulative.plus(quantity);
        report.average_price = Some(price);
        report.filled_at = Some(at);
        report.status = match (report.cumulative == report.quantity, report.status) {
            (true, _) => BrokerStatus::Filled,
            (false, BrokerStatus::PendingCancel) => BrokerStatus::PendingCancel,
            (false, _) => BrokerStatus::PartiallyFilled,
        };
        let amount = price.times(quantity);
        let held = self.held.entry(report.symbol.clone()).or_default();
        (*held, self.cash) = match report.side {
            Side::Buy => (held.plus(quantity), self.cash.minus(amount)),
            Side::Sell => (held.less(quantity), self.cash.plus(amount)),
        };
        self.truth.fills.push(BrokerFill {
            client_order_id: report.client_order_id.clone(),
            side: report.side,
            quantity,
            price,
        });
    }

    fn sent(&self, terms: &OrderTerms) -> Sent {
        let before = self.orders.iter().filter(|other| other.report.symbol == terms.symbol);
        Sent { side: terms.side, kind: kind(terms.side, terms.limit), nth: before.count() + 1 }
    }

    fn take(
        &mut self,
        (id, terms): (&str, &OrderTerms),
        course: Course,
        now: Timestamp,
    ) -> OrderReport {
        let index = self.orders.len();
        let mut open = self.orders.iter().filter(|other| other.is_open());
        if let Some(live) = open.find(|other| other.report.symbol == terms.symbol) {
            let other = &live.report.client_order_id;
            self.overlaps.push(format!("{id} while {other} was live"));
        }
        let after = |wait: SignedDuration| now.checked_add(wait).unwrap();
        let (part, wait) = course.fill;
        let fill = (after(wait), Due::Fill(percent(terms.quantity, part)));
        let end = course.ends.map(|wait| (after(wait), Due::End));
        self.truth.orders.push(BrokerOrder {
            at: now,
            client_order_id: id.to_owned(),
            symbol: terms.symbol.clone(),
            side: terms.side,
            quantity: terms.quantity,
            limit: terms.limit,
        });
        self.orders.push(Order {
            report: OrderReport {
                client_order_id: id.to_owned(),
                broker_order_id: BrokerOrderId::new(&format!("b{}", index + 1)).unwrap(),
                symbol: terms.symbol.clone(),
                side: terms.side,
                status: course.answer,
                quantity: terms.quantity,
                limit: Some(terms.limit),
                cumulative: Quantity::ZERO,
                average_price: None,
                submitted_at: now,
                filled_at: None,
            },
            due: [Some(fill), end].into_iter().flatten().collect(),
        });
        self.bring_to(now);
        self.orders[index].report.clone()
    }

    fn cancel(&mut self, index: usize, cancel: Cancel, now: Timestamp) -> Result<(), ReadError> {
        let (order, after) = (&mut self.orders[index], |wait| now.checked_add(wait).unwrap());
        let everything = Due::Fill(order.report.quantity);
        match cancel {
            Cancel::Take => self.end(index),
            Cancel::FillFirst(part) => {
                let part = percent(order.report.quantity, part);
                self.fill(index, part, now);
                if !self.orders[index].is_open() {
                    return failed("422 order is already in \"filled\" state");
                }
                self.end(index);
            }
            // Asked for again, a cancel that is under way is no faster.
            Cancel::Slow(..) if order.report.status == BrokerStatus::PendingCancel => {}
            Cancel::Slow(wait, fills) => {
                order.report.status = BrokerStatus::PendingCancel;
                order.due.push((after(wait), Due::End));
                order.due.extend(fills.map(|wait| (after(wait), everything)));
            }
            Cancel::Refuse => return failed("422 order is not cancelable"),
            Cancel::Fail(wait) => {
                order.due.push((after(wait), everything));
                return failed("500");
            }
        }
        Ok(())
    }

    fn position(&self, symbol: &Symbol, quantity: Quantity) -> Position {
        let sells = self.orders.iter().filter(|order| {
            order.is_open() && order.report.side == Side::Sell && order.report.symbol == *symbol
        });
        let bound: Quantity = sells.map(Order::leaves).sum();
        Position { symbol: symbol.clone(), quantity, available: quantity.less(bound) }
    }
}

impl ScriptedBroker {
    pub(crate) fn new(clock: Arc<VirtualClock>, script: Script, opening: Opening) -> Self {
        let truth = Truth { cash: opening.cash, ..Truth::default() };
        let books = Books {
            cash: opening.cash,
            held: opening.held.clone(),
            orders: Vec::new(),
            truth,
            overlaps: Vec::new(),
            read: Vec::new(),
            calls: Vec::new(),
        };
        Self { clock, script, opening, books: Mutex::new(books) }
    }

    /// The books as they stand now.
    fn books(&self) -> MutexGuard<'_, Books> {
        let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        books.bring_to(self.clock.now());
        books
    }

    /// Orders that arrived while another one was open in their symbol.
    pub(crate) fn overlaps(&self) -> Vec<String> {
        self.books().overlaps.clone()
    }

    /// Shares filled so far, by symbol.
    pub(crate) fn filled(&self) -> BTreeMap<Symbol, Decimal> {
        let mut filled: BTreeMap<Symbol, Decimal> = BTreeMap::new();
        for order in &self.books().orders {
            let sum = filled.entry(order.report.symbol.clone()).or_default();
            *sum += order.report.cumulative.shares();
        }
        filled
    }

    /// When trading calls came.
    pub(crate) fn calls(&self) -> Vec<Timestamp> {
        self.books().calls.clone()
    }

    /// The most trading calls within a minute.
    pub(crate) fn busiest_minute(&self) -> usize {
        let books = self.books();
        let within = |from: &Timestamp| {
            let since = |at: &&Timestamp| at.duration_since(*from) < SignedDuration::from_mins(1);
            books.calls.iter().skip_while(|at| *at < from).take_while(since).count()
        };
        books.calls.iter().map(within).max().unwrap_or_default()
    }

    /// A trading call comes: it is counted.
    fn called(&self) -> MutexGuard<'_, Books> {
        let mut books = self.books();
        books.calls.push(self.clock.now());
        books
    }

    /// What the broker says of a symbol.
    pub(crate) fn asset_of(&self, symbol: &Symbol) -> Option<Asset> {
        drop(self.called());
        self.known(symbol)
    }

    /// What it says of all that it knows.
    pub(crate) fn assets_known(&self) -> Vec<Asset> {
        drop(self.called());
        self.opening.sides.keys().filter_map(|symbol| self.known(symbol)).collect()
    }

    fn known(&self, symbol: &Symbol) -> Option<Asset> {
        let known = self.script.unknown.is_none()
            || self.opening.sides.get(symbol).copied() != self.script.unknown;
        known.then(|| Asset {
            symbol: symbol.clone(),
            tradable: true,
            fractionable: !self.script.whole_only,
            tick: None,
            round_lot: Quantity::rounded_down(Decimal::ONE_HUNDRED, 0),
        })
    }

    /// An order arrives.
    pub(crate) fn post(&self, id: &str, terms: &OrderTerms) -> Result<OrderReport, SubmitError> {
        let mut books = self.called();
        if books.orders.iter().any(|known| known.report.client_order_id == id) {
            return Err(SubmitError::Duplicate);
        }
        let (sent, quantity) = (books.sent(terms), terms.quantity);
        let answer = match (self.script.post)(&sent) {
            _ if self.script.whole_only && quantity != quantity.whole() => {
                Post::Refuse(RefusalKind::NotFractionable)
            }
            answer => answer,
        };
        if let Post::Refuse(kind) = answer {
            return Err(SubmitError::Refused(Refusal { kind, message: "403".to_owned() }));
        }
        let report = books.take((id, terms), (self.script.course)(&sent), self.clock.now());
        match answer {
            Post::TakeUnheard => Err(SubmitError::Unclear("504".to_owned())),
            Post::Take | Post::Refuse(_) => Ok(report),
        }
    }

    /// A reading that the script lets fail the first time.
    fn read(&self, reading: Reading) -> Result<MutexGuard<'_, Books>, ReadError> {
        let mut books = self.called();
        let first = !books.read.contains(&reading);
        books.read.push(reading);
        if first && self.script.fails_first == Some(reading) {
            return failed("429 or 502");
        }
        Ok(books)
    }

    fn quote(&self, now: Timestamp) -> Option<RawQuote> {
        let size = Quantity::new(Decimal::ONE_THOUSAND).unwrap();
        let touch = |cents: i64| Some(Touch { price: price(cents), size });
        let (bid, ask) = match self.script.quotes {
            Quotes::Both => (touch(BID), touch(ASK)),
            Quotes::OneSided => (None, touch(BID)),
            Quotes::Missing => return None,
        };
        Some(RawQuote { bid, ask, changed_at: now, observed_at: now })
    }
}

impl Venue for ScriptedBroker {
    fn truth(&self) -> Truth {
        self.books().truth.clone()
    }
}

#[async_trait]
impl Broker for ScriptedBroker {
    async fn submit(&self, order: &Approved) -> Result<OrderReport, SubmitError> {
        self.post(order.client_order_id().as_str(), order.terms())
    }

    async fn cancel(&self, order: &BrokerOrderId) -> Result<(), ReadError> {
        let mut books = self.called();
        let found = books.orders.iter().position(|o| o.report.broker_order_id == *order);
        match found {
            Some(index) if books.orders[index].is_open() => {
                books.cancel(index, self.script.cancel, self.clock.now())
            }
            Some(_) => failed("422 order is not open"),
            None => failed("404"),
        }
    }

    async fn order(&self, id: &ClientOrderId) -> Result<Option<OrderReport>, ReadError> {
        let books = self.called();
        let found = books.orders.iter().find(|o| o.report.client_order_id == id.as_str());
        Ok(found.map(|order| order.report.clone()))
    }

    async fn orders(&self, since: Timestamp) -> Result<Vec<OrderReport>, ReadError> {
        let books = self.called();
        let reports = books.orders.iter().map(|order| order.report.clone());
        Ok(reports.filter(|report| report.submitted_at >= since).collect())
    }

    async fn open_orders(&self) -> Result<Vec<OrderReport>, ReadError> {
        let books = self.called();
        let reports = books.orders.iter().map(|order| order.report.clone());
        Ok(reports.filter(|report| report.status.is_open()).collect())
    }

    async fn account(&self) -> Result<AccountReading, ReadError> {
        let books = self.read(Reading::Account)?;
        let cash = self.script.shown.map_or(books.cash, |shown| Money::new(shown.into()));
        let shares: Quantity = books.held.values().copied().sum();
        Ok(AccountReading {
            account: self.opening.account.clone(),
            mode: TradeMode::Simulated,
            may_trade: true,
            shorting_enabled: false,
            cash,
            buying_power: cash,
            non_marginable_buying_power: cash,
            equity: price(BID).times(shares).plus(books.cash),
        })
    }

    async fn positions(&self) -> Result<Vec<Position>, ReadError> {
        let books = self.read(Reading::Positions)?;
        let held = books.held.iter().filter(|(_, quantity)| !quantity.is_zero());
        Ok(held.map(|(symbol, quantity)| books.position(symbol, *quantity)).collect())
    }

    async fn asset(&self, symbol: &Symbol) -> Result<Option<Asset>, ReadError> {
        Ok(self.asset_of(symbol))
    }

    /// Many are listed in one call, as the broker does it.
    async fn assets(&self, symbols: &[Symbol]) -> AssetsRead {
        let known = self.assets_known();
        let asset = |symbol: &Symbol| known.iter().find(|asset| asset.symbol == *symbol).cloned();
        let found = symbols.iter().map(|symbol| (symbol.clone(), asset(symbol))).collect();
        AssetsRead { found, failed: Vec::new(), calls: 1 }
    }

    async fn clock(&self) -> Result<SessionClock, ReadError> {
        drop(self.called());
        let at = self.clock.now();
        let time = |hours: i64| at.checked_add(SignedDuration::from_hours(hours)).unwrap();
        Ok(SessionClock { at, is_open: true, opened_at: time(-1), closes_at: time(5) })
    }
}

#[async_trait]
impl MarketData for ScriptedBroker {
    async fn snapshots(&self, symbols: &[Symbol]) -> Result<BTreeMap<Symbol, Snapshot>, ReadError> {
        let now = self.clock.now();
        let snapshot =
            Snapshot { quote: self.quote(now), last_trade: None, previous_close: Some(price(BID)) };
        Ok(symbols.iter().map(|symbol| (symbol.clone(), snapshot.clone())).collect())
    }
}
