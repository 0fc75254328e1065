//! The exchange: one account, its orders, and the pits they trade in.
//!
//! Its state is the fold of its inputs (what was listed, ordered and canceled, and when) over the background markets.
//! Every call carries the time; a call first brings everything up to that time, journals what happened, and only then
//! answers. Time never goes back: an earlier `now` counts as the latest one seen.

use std::collections::{BTreeMap, VecDeque};

use alchemiser_core::{
    ids::{AccountId, BrokerOrderId, Symbol},
    money::Money,
    quantity::Quantity,
    quote::Snapshot,
    reading::{AccountReading, Asset, Position, SessionClock, TradeMode},
    report::OrderReport,
};
use jiff::{SignedDuration, Timestamp};

use crate::{
    account::Account,
    chance::{Chance, hash},
    journal::{Journal, JournalError, Record},
    listing::Listing,
    matching::Resting,
    order::{Fill, NewOrder, Order, Stage},
    pit::{Occurrence, Pit, What},
    refusal::{CancelRefusal, OrderRefusal},
    sample::Setup,
    session::{Opening, SessionTime},
};

/// Milliseconds from an order's acceptance to its arrival at the venue: lowest and highest.
const ARRIVAL_MS: (u64, u64) = (20, 120);
/// Milliseconds from a cancel's acceptance to its effect: lowest and highest.
const CANCEL_MS: (u64, u64) = (20, 150);
/// The session opened this long before the beginning and closes this long after any reading.
const SESSION_MARGIN: SignedDuration = SignedDuration::from_hours(3);

/// A simulated exchange and broker for one account.
#[derive(Debug)]
pub struct Exchange {
    pub(crate) seed: u64,
    pub(crate) started_at: Timestamp,
    pub(crate) account: Account,
    pub(crate) pits: BTreeMap<Symbol, Pit>,
    pub(crate) orders: Vec<Order>,
    pub(crate) by_client_id: BTreeMap<String, usize>,
    by_broker_id: BTreeMap<BrokerOrderId, usize>,
    fills: Vec<Fill>,
    pub(crate) opening: Opening,
    /// The latest time seen.
    pub(crate) now: Timestamp,
    pub(crate) session: SessionTime,
    /// The time of the newest record.
    pub(crate) newest: Timestamp,
    pub(crate) sink: Sink,
}

/// Where records go.
#[derive(Debug)]
pub(crate) enum Sink {
    /// Nowhere.
    Memory,
    /// To be compared with what was journaled.
    Replay(VecDeque<Record>),
    /// To the journal.
    File(Journal),
    /// The journal could not be written: nothing happens any more.
    Halted(JournalError),
}

/// The exchange stands still.
#[derive(Debug)]
pub(crate) struct Halted;

impl Exchange {
    /// An exchange without a journal.
    pub fn create(setup: &Setup) -> Self {
        let opening = Opening { at: setup.started_at, session: SessionTime::START };
        let pits = setup.listings.iter().map(|listing| {
            let pit = Pit::new(setup.seed, listing.clone(), SessionTime::START);
            (listing.symbol.clone(), pit)
        });
        Self {
            seed: setup.seed,
            started_at: setup.started_at,
            account: Account::new(setup.account.clone(), setup.cash, &setup.positions),
            pits: pits.collect(),
            orders: Vec::new(),
            by_client_id: BTreeMap::new(),
            by_broker_id: BTreeMap::new(),
            fills: Vec::new(),
            opening,
            now: setup.started_at,
            session: SessionTime::START,
            newest: setup.started_at,
            sink: Sink::Memory,
        }
    }

    /// Brings everything up to a time.
    pub fn advance(&mut self, now: Timestamp) {
        let now = now.max(self.now);
        // An exchange that stands still goes on answering as of its last good moment.
        let (Ok(()) | Err(Halted)) = self.reach(now, self.opening.session_at(now));
    }

    /// Takes an order, or says why not.
    ///
    /// # Errors
    /// [`OrderRefusal`]; the client order id is not used up.
    pub fn submit(&mut self, now: Timestamp, order: NewOrder) -> Result<OrderReport, OrderRefusal> {
        self.advance(now);
        self.check(&order)?;
        let record = Record::Order { at: self.now, session_ms: self.session, order: order.clone() };
        self.put(record).map_err(|Halted| OrderRefusal::Unavailable)?;
        Ok(self.accept(order))
    }

    /// Takes the request to cancel an order; asking again while it is under way changes nothing.
    ///
    /// # Errors
    /// [`CancelRefusal`] when there is no such order or it has ended.
    pub fn cancel(&mut self, now: Timestamp, id: &BrokerOrderId) -> Result<(), CancelRefusal> {
        self.advance(now);
        let not_found = || CancelRefusal::NotFound { id: id.clone() };
        let number = *self.by_broker_id.get(id).ok_or_else(not_found)?;
        let order = self.orders.get(number).ok_or_else(not_found)?;
        match order.stage {
            Stage::Filled | Stage::Canceled => {
                return Err(CancelRefusal::NotCancelable { status: order.status() });
            }
            Stage::PendingCancel => return Ok(()),
            Stage::PendingNew | Stage::Live => {}
        }
        let client_order_id = order.request.client_order_id.clone();
        let record = Record::Cancel { at: self.now, session_ms: self.session, client_order_id };
        self.put(record).map_err(|Halted| CancelRefusal::Unavailable)?;
        self.call_back(number);
        Ok(())
    }

    /// The order with a client id.
    pub fn order(&mut self, now: Timestamp, client_order_id: &str) -> Option<OrderReport> {
        self.advance(now);
        let number = *self.by_client_id.get(client_order_id)?;
        self.orders.get(number).map(Order::report)
    }

    /// All orders submitted at `since` or later, in the order of submission.
    pub fn orders(&mut self, now: Timestamp, since: Timestamp) -> Vec<OrderReport> {
        self.advance(now);
        self.orders.iter().filter(|order| order.submitted_at >= since).map(Order::report).collect()
    }

    /// Every open order, in the order of submission.
    pub fn open_orders(&mut self, now: Timestamp) -> Vec<OrderReport> {
        self.advance(now);
        self.orders.iter().map(Order::report).filter(|report| report.status.is_open()).collect()
    }

    /// The account; its positions are valued at the best bid.
    pub fn account(&mut self, now: Timestamp) -> AccountReading {
        self.advance(now);
        let value = self.account.positions().map(|(symbol, quantity)| {
            self.pits.get(symbol).map_or(Money::ZERO, |pit| pit.mark().times(quantity))
        });
        let cash = self.account.cash();
        AccountReading {
            account: self.account.id().clone(),
            mode: TradeMode::Simulated,
            may_trade: true,
            shorting_enabled: false,
            cash,
            buying_power: self.buying_power(),
            non_marginable_buying_power: self.settled(),
            equity: cash.plus(value.sum()),
        }
    }

    /// What the account holds.
    pub fn positions(&mut self, now: Timestamp) -> Vec<Position> {
        self.advance(now);
        let positions = self.account.positions().map(|(symbol, quantity)| Position {
            symbol: symbol.clone(),
            quantity,
            available: quantity.less(self.held_for_orders(symbol)),
        });
        positions.collect()
    }

    /// What may be done with a symbol; `None` if it is not listed.
    pub fn asset(&self, symbol: &Symbol) -> Option<Asset> {
        self.pits.get(symbol).map(|pit| {
            let Listing { symbol, fractionable, tick, round_lot, .. } = pit.listing().clone();
            Asset { symbol, tradable: true, fractionable, tick, round_lot }
        })
    }

    /// What market data shows of a symbol, our own displayed round lots included; `None` if it is not listed.
    pub fn snapshot(&mut self, now: Timestamp, symbol: &Symbol) -> Option<Snapshot> {
        self.advance(now);
        self.pits.get(symbol).map(|pit| pit.snapshot(self.opening, self.now))
    }

    /// The session clock: this exchange is always open.
    pub fn clock(&self, now: Timestamp) -> SessionClock {
        let at = now.max(self.now);
        SessionClock {
            at,
            is_open: true,
            opened_at: self.started_at.saturating_sub(SESSION_MARGIN).unwrap_or(Timestamp::MIN),
            closes_at: at.saturating_add(SESSION_MARGIN).unwrap_or(Timestamp::MAX),
        }
    }

    /// All fills so far, in the order of time.
    pub fn fills(&self) -> &[Fill] {
        &self.fills
    }

    /// The time of the newest record, from which a virtual clock may go on.
    pub fn last_time(&self) -> Timestamp {
        self.newest
    }

    /// The account's number.
    pub fn account_id(&self) -> &AccountId {
        self.account.id()
    }

    /// What all randomness derives from (the journal's, which need not be the one last asked for).
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Lists one more symbol, whose book begins now, with the shares that the account holds of it. A symbol that is
    /// listed already stays as it is, shares included.
    ///
    /// # Errors
    /// [`JournalError::Halted`] when the journal cannot be written.
    pub fn list(
        &mut self,
        now: Timestamp,
        listing: Listing,
        position: Option<Quantity>,
    ) -> Result<(), JournalError> {
        self.advance(now);
        if self.pits.contains_key(&listing.symbol) {
            return Ok(());
        }
        let position = position.unwrap_or_default();
        let (at, session_ms) = (self.now, self.session);
        let record = Record::Listed { at, session_ms, listing: listing.clone(), position };
        self.put(record).map_err(|Halted| JournalError::Halted)?;
        self.add(listing, position);
        Ok(())
    }

    /// Why the exchange stands still, if it does.
    pub fn fault(&self) -> Option<&JournalError> {
        match &self.sink {
            Sink::Halted(error) => Some(error),
            Sink::Memory | Sink::Replay(_) | Sink::File(_) => None,
        }
    }
}

/// The fold: what inputs and time do. Shared by running and replaying.
impl Exchange {
    /// Brings everything up to a time of the current stretch.
    pub(crate) fn reach(&mut self, now: Timestamp, session: SessionTime) -> Result<(), Halted> {
        if self.fault().is_some() {
            return Err(Halted);
        }
        let session = session.max(self.session);
        let mut happened: Vec<Occurrence> =
            self.pits.values_mut().flat_map(|pit| pit.advance(session)).collect();
        happened.sort_by_key(|occurrence| occurrence.at);
        for occurrence in &happened {
            if let Some(record) = self.record(occurrence) {
                self.put(record)?;
            }
            self.apply(occurrence);
        }
        (self.now, self.session) = (now.max(self.now), session);
        Ok(())
    }

    /// The record of an occurrence that must not be forgotten.
    fn record(&self, occurrence: &Occurrence) -> Option<Record> {
        let order = self.orders.get(occurrence.order)?;
        let (at, session_ms) = (self.opening.wall_at(occurrence.at), occurrence.at);
        let request = &order.request;
        let client_order_id = request.client_order_id.clone();
        match &occurrence.what {
            What::Arrived => None,
            What::Filled(execution) => {
                let (symbol, side) = (request.symbol.clone(), request.side);
                let (quantity, price) = (execution.quantity, execution.price);
                let fill = Fill { at, client_order_id, symbol, side, quantity, price };
                Some(Record::Fill { session_ms, fill })
            }
            What::Canceled => {
                let cumulative = order.cumulative();
                Some(Record::Canceled { at, session_ms, client_order_id, cumulative })
            }
        }
    }

    fn apply(&mut self, occurrence: &Occurrence) {
        let record = self.record(occurrence);
        let Some(order) = self.orders.get_mut(occurrence.order) else {
            return;
        };
        match &occurrence.what {
            What::Arrived => order.arrive(),
            What::Filled(execution) => {
                order.fill(*execution, self.opening.wall_at(occurrence.at));
                self.account.settle(&order.request.symbol, order.request.side, *execution);
            }
            What::Canceled => order.stage = Stage::Canceled,
        }
        if let Some(Record::Fill { fill, .. }) = record {
            self.fills.push(fill);
        }
    }

    /// Takes an order that has been checked.
    pub(crate) fn accept(&mut self, request: NewOrder) -> OrderReport {
        let number = self.orders.len();
        let (arrival_ms, _) = self.latencies(&request.client_order_id);
        let broker_id = broker_order_id(self.seed, &request.client_order_id);
        if let Some(pit) = self.pits.get_mut(&request.symbol) {
            let NewOrder { side, quantity, limit, .. } = request;
            let resting = Resting::new(pit.listing(), side, quantity, limit);
            pit.enter(number, resting, self.session.plus_millis(arrival_ms));
        }
        self.by_client_id.insert(request.client_order_id.clone(), number);
        self.by_broker_id.insert(broker_id.clone(), number);
        let order = Order::new(request, broker_id, self.now);
        let report = order.report();
        self.orders.push(order);
        report
    }

    /// Sends the cancel of an open order on its way.
    pub(crate) fn call_back(&mut self, number: usize) {
        let Some(order) = self.orders.get_mut(number) else {
            return;
        };
        order.stage = Stage::PendingCancel;
        let symbol = order.request.symbol.clone();
        let client_order_id = order.request.client_order_id.clone();
        let (_, cancel_ms) = self.latencies(&client_order_id);
        if let Some(pit) = self.pits.get_mut(&symbol) {
            pit.cancel(number, self.session.plus_millis(cancel_ms));
        }
    }

    /// Opens a pit.
    pub(crate) fn add(&mut self, listing: Listing, position: Quantity) {
        self.account.deposit(&listing.symbol, position);
        let pit = Pit::new(self.seed, listing.clone(), self.session);
        self.pits.insert(listing.symbol, pit);
    }

    /// Keeps a record before what it says is acted on.
    pub(crate) fn put(&mut self, record: Record) -> Result<(), Halted> {
        let at = record.at();
        match &mut self.sink {
            Sink::Memory => {}
            Sink::Replay(records) => records.push_back(record),
            Sink::File(journal) => {
                if let Err(error) = journal.append(&record) {
                    self.sink = Sink::Halted(error);
                    return Err(Halted);
                }
            }
            Sink::Halted(_) => return Err(Halted),
        }
        self.newest = self.newest.max(at);
        Ok(())
    }

    /// How long an order's arrival and its cancel take, in milliseconds.
    fn latencies(&self, client_order_id: &str) -> (u64, u64) {
        let mut chance = Chance::of(self.seed, "latency", client_order_id);
        let arrival = chance.between(ARRIVAL_MS.0, ARRIVAL_MS.1);
        (arrival, chance.between(CANCEL_MS.0, CANCEL_MS.1))
    }
}

/// The broker's id of an order: shaped like a UUID, derived from the seed and the client's id.
fn broker_order_id(seed: u64, client_order_id: &str) -> BrokerOrderId {
    let high = hash(seed, &["order", client_order_id]);
    let low = hash(seed, &[client_order_id, "order"]);
    let text = format!("{high:016x}{low:016x}");
    let parts = [&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]];
    BrokerOrderId::new(&parts.join("-")).unwrap_or_else(|error| unreachable!("{error}"))
}

#[cfg(test)]
mod tests {
    use alchemiser_core::{price::Price, report::BrokerStatus, side::Side};
    use proptest::prelude::*;
    use rust_decimal::Decimal;

    use super::*;
    use crate::{
        listing::{Regime, sample},
        sample::setup_for,
        unrest::Unrest,
    };

    const START: Timestamp = Timestamp::UNIX_EPOCH;

    fn at(millis: i64) -> Timestamp {
        START + SignedDuration::from_millis(millis)
    }

    fn symbol(name: &str) -> Symbol {
        Symbol::new(name).unwrap()
    }

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn order(id: &str, side: Side, name: &str, quantity: &str, limit: &str) -> NewOrder {
        NewOrder {
            client_order_id: id.to_owned(),
            symbol: symbol(name),
            side,
            quantity: Quantity::new(decimal(quantity)).unwrap(),
            limit: Price::new(decimal(limit)).unwrap(),
        }
    }

    /// $10,000 and 100.5 AAA; AAA is a one-tick book at $49, WHOLE trades in whole shares only.
    fn exchange() -> Exchange {
        exchange_with("10000")
    }

    fn exchange_with(dollars: &str) -> Exchange {
        let account = AccountId::new("SIM-1").unwrap();
        let setup = setup_for(1, account, START, &[], Money::new(decimal(dollars)));
        let price = Price::new(decimal("49")).unwrap();
        let listing = |name: &str, fractionable| Listing {
            price,
            regime: Regime::OneTick,
            fractionable,
            ..sample(1, &symbol(name), Money::ZERO)
        };
        let positions = vec![(symbol("AAA"), Quantity::new(decimal("100.5")).unwrap())];
        let listings = vec![listing("AAA", true), listing("WHOLE", false)];
        Exchange::create(&Setup { positions, listings, ..setup })
    }

    fn touches(exchange: &mut Exchange, now: Timestamp, name: &str) -> [(Decimal, Decimal); 2] {
        let quote = exchange.snapshot(now, &symbol(name)).unwrap().quote.unwrap();
        [quote.bid.unwrap(), quote.ask.unwrap()].map(|t| (t.price.dollars(), t.size.shares()))
    }

    /// What the broker answers to an order while `open` orders are open.
    fn check_refusal(open: &[NewOrder], asked: &NewOrder, status: u16, code: u32, message: &str) {
        let mut exchange = exchange();
        for order in open {
            exchange.submit(START, order.clone()).unwrap();
        }
        let refusal = exchange.submit(at(1), asked.clone()).unwrap_err();
        assert_eq!(
            (refusal.http_status(), refusal.code(), refusal.message().as_str()),
            (status, code, message)
        );
        let taken = open.iter().any(|order| order.client_order_id == asked.client_order_id);
        assert_eq!(exchange.order(at(2), &asked.client_order_id).is_some(), taken);
    }

    #[test]
    fn refusals_are_the_broker_s() {
        use Side::{Buy, Sell};
        let buy = |quantity, limit| order("b", Buy, "AAA", quantity, limit);
        let sell = |quantity, limit| order("s", Sell, "AAA", quantity, limit);
        let unique = "client_order_id must be unique";
        check_refusal(&[buy("1", "40")], &buy("1", "40"), 422, 40_010_001, unique);
        let long = order(&"x".repeat(129), Buy, "AAA", "1", "40");
        let length = "client_order_id must be no more than 128 characters";
        check_refusal(&[], &long, 422, 40_010_001, length);
        check_refusal(&[], &buy("0", "40"), 422, 40_010_001, "qty must be > 0");
        let unknown = order("b", Buy, "ZZZ", "1", "40");
        check_refusal(&[], &unknown, 422, 42_210_000, "asset \"ZZZ\" not found");
        let sub_penny = "invalid limit_price 40.001. sub-penny increment does not fulfill minimum pricing criteria";
        check_refusal(&[], &buy("1", "40.001"), 422, 42_210_000, sub_penny);
        let part = order("b", Buy, "WHOLE", "1.5", "40");
        check_refusal(&[], &part, 403, 40_310_000, "asset \"WHOLE\" is not fractionable");
        let basis = "cost basis must be >= minimal amount of order 1";
        check_refusal(&[], &buy("0.01", "40"), 403, 40_310_000, basis);
        check_refusal(&[], &buy("251", "40"), 403, 40_310_000, "insufficient buying power");
        let held = order("h", Buy, "WHOLE", "200", "40");
        check_refusal(&[held], &buy("51", "40"), 403, 40_310_000, "insufficient buying power");
        let short = "insufficient qty available for order (requested: 100.6, available: 100.5)";
        check_refusal(&[], &sell("100.6", "60"), 403, 40_310_000, short);
        let held = order("h", Sell, "AAA", "100", "60");
        let rest = "insufficient qty available for order (requested: 1, available: 0.5)";
        check_refusal(&[held], &sell("1", "60"), 403, 40_310_000, rest);
        let wash = "potential wash trade detected. use complex orders";
        check_refusal(&[sell("1", "50")], &buy("1", "50"), 403, 40_310_000, wash);
        check_refusal(&[buy("1", "50")], &sell("1", "50"), 403, 40_310_000, wash);
    }

    #[test]
    fn orders_that_only_come_near_are_taken() {
        let mut exchange = exchange();
        exchange.submit(START, order("s", Side::Sell, "AAA", "100.5", "50.01")).unwrap();
        exchange.submit(START, order("b", Side::Buy, "AAA", "100", "50")).unwrap();
        exchange.submit(START, order("w", Side::Buy, "WHOLE", "125", "40")).unwrap();
        assert_eq!(exchange.account(START).non_marginable_buying_power, Money::ZERO);
        assert_eq!(exchange.positions(START)[0].available, Quantity::ZERO);
    }

    #[test]
    fn an_order_is_pending_until_it_arrives_and_shown_when_it_has() {
        let mut exchange = exchange();
        let first = exchange.submit(START, order("b", Side::Buy, "AAA", "150", "48.98")).unwrap();
        assert_eq!(first.status, BrokerStatus::PendingNew);
        assert_eq!(exchange.order(at(19), "b").unwrap().status, BrokerStatus::PendingNew);
        assert_eq!(exchange.order(at(120), "b").unwrap().status, BrokerStatus::New);
        let mut alone = self::exchange();
        let mut shown = 0;
        for second in 1..600 {
            let [with, _] = touches(&mut exchange, at(second * 1000), "AAA");
            let [without, _] = touches(&mut alone, at(second * 1000), "AAA");
            let ours = decimal("48.98");
            let open = exchange.order(at(second * 1000), "b").unwrap().cumulative.is_zero();
            if open && with.0 == ours {
                shown += 1;
                let market = if without.0 == ours { without.1 } else { Decimal::ZERO };
                assert_eq!(with.1 - market, Decimal::from(100), "only round lots are shown");
            } else {
                assert_eq!(with, without);
            }
        }
        assert!(shown > 0);
    }

    #[test]
    fn a_marketable_order_fills_when_it_arrives() {
        let mut exchange = exchange();
        let ask = touches(&mut exchange, START, "AAA")[1].0 + decimal("0.05");
        exchange.submit(START, order("b", Side::Buy, "AAA", "7.25", &ask.to_string())).unwrap();
        let report = exchange.order(at(120), "b").unwrap();
        assert_eq!(report.status, BrokerStatus::Filled);
        assert_eq!(exchange.fills().len(), 1);
        let spent = exchange.fills()[0].price.times(report.cumulative);
        assert_eq!(exchange.account(at(120)).cash, Money::new(decimal("10000")).minus(spent));
        assert_eq!(exchange.positions(at(120))[0].quantity.to_string(), "107.75");
        let error = exchange.cancel(at(121), &report.broker_order_id).unwrap_err();
        assert_eq!((error.http_status(), error.code()), (422, 42_210_000));
        assert_eq!(error.message(), "order is already in \"filled\" state");
    }

    #[test]
    fn canceling_an_unknown_order_is_not_found() {
        let id = BrokerOrderId::new("no-such").unwrap();
        let error = exchange().cancel(START, &id).unwrap_err();
        assert_eq!((error.http_status(), error.code()), (404, 40_410_000));
        assert_eq!(error.message(), "order not found for no-such");
    }

    #[test]
    fn a_cancel_takes_effect_later_and_frees_what_the_order_held() {
        let mut exchange = exchange();
        let report = exchange.submit(START, order("b", Side::Buy, "AAA", "10", "40")).unwrap();
        exchange.cancel(at(200), &report.broker_order_id).unwrap();
        exchange.cancel(at(201), &report.broker_order_id).unwrap();
        assert_eq!(exchange.order(at(219), "b").unwrap().status, BrokerStatus::PendingCancel);
        assert_eq!(exchange.account(at(219)).non_marginable_buying_power.to_string(), "9600");
        assert_eq!(exchange.order(at(350), "b").unwrap().status, BrokerStatus::Canceled);
        assert_eq!(exchange.account(at(350)).non_marginable_buying_power.to_string(), "10000");
    }

    /// Both ways over many orders: the cancel wins, or the fill does, and each order ends exactly once.
    #[test]
    fn fills_and_cancels_race() {
        let mut exchange = exchange();
        let mut ends = BTreeMap::new();
        for k in 0..300 {
            let now = at(k * 1000);
            let ([bid, _], id) = (touches(&mut exchange, now, "AAA"), format!("b{k}"));
            let limit = if k % 2 == 0 { bid.0 } else { bid.0 + decimal("0.02") };
            let asked = order(&id, Side::Buy, "AAA", "2", &limit.to_string());
            let Ok(report) = exchange.submit(now, asked) else {
                break;
            };
            let canceled_at = now + SignedDuration::from_millis(10 + k % 80);
            exchange.cancel(canceled_at, &report.broker_order_id).ok();
            let end = exchange.order(now + SignedDuration::from_millis(500), &id).unwrap();
            let filled = end.cumulative == end.quantity;
            assert_eq!(filled, end.status == BrokerStatus::Filled);
            *ends.entry(end.status.word()).or_insert(0) += 1;
        }
        assert!(ends["filled"] > 5 && ends["canceled"] > 5, "{ends:?}");
    }

    #[test]
    fn a_partial_fill_can_end_canceled() {
        let mut exchange = exchange_with("1000000");
        let mut now = START;
        for k in 0..100 {
            let ([(bid, _), _], id) = (touches(&mut exchange, now, "AAA"), format!("b{k}"));
            let asked = order(&id, Side::Buy, "AAA", "100.5", &bid.to_string());
            let Ok(report) = exchange.submit(now, asked) else {
                break;
            };
            let mut status = report.status;
            let tried_until = now + SignedDuration::from_secs(60);
            while status != BrokerStatus::PartiallyFilled && now < tried_until {
                now += SignedDuration::from_millis(50);
                status = exchange.order(now, &id).unwrap().status;
            }
            exchange.cancel(now, &report.broker_order_id).ok();
            now += SignedDuration::from_millis(150);
            let end = exchange.order(now, &id).unwrap();
            if end.status == BrokerStatus::Canceled && !end.cumulative.is_zero() {
                assert!(end.cumulative < end.quantity && end.average_price == end.limit);
                return;
            }
        }
        panic!("no order ended so");
    }

    #[test]
    fn a_halt_can_hide_a_side_and_fills_nothing() {
        let mut exchange = exchange_with("1000000");
        let unrest = Unrest { halts_per_year: 20_000, ..Unrest::NONE };
        let listing = Listing { unrest, ..sample(1, &symbol("HALTS"), Money::ZERO) };
        exchange.list(START, listing, None).unwrap();
        let mut one_sided = 0;
        for second in 1..6_000 {
            let mut offer = |millis| {
                let now = at(second * 1000 + millis);
                exchange.snapshot(now, &symbol("HALTS")).unwrap().quote.unwrap()
            };
            let (before, after) = (offer(0), offer(200));
            let (Some(bid), None, None) = (before.bid, before.ask, after.ask) else { continue };
            one_sided += 1;
            let (id, limit) = (second.to_string(), bid.price.dollars() + decimal("1.00"));
            let now = at(second * 1000 + 300);
            exchange.submit(now, order(&id, Side::Buy, "HALTS", "1", &limit.to_string())).unwrap();
            let later = now + SignedDuration::from_millis(200);
            let is_over = exchange.snapshot(later, &symbol("HALTS")).unwrap().quote.unwrap().ask;
            let report = exchange.order(later, &id).unwrap();
            assert!(is_over.is_some() || report.cumulative.is_zero(), "{report:?}");
            exchange.cancel(later, &report.broker_order_id).ok();
        }
        assert!(one_sided > 50, "{one_sided}");
    }

    #[test]
    fn time_never_goes_back_and_the_session_is_open() {
        let mut exchange = exchange();
        exchange.advance(at(5_000));
        let report = exchange.submit(at(1_000), order("b", Side::Buy, "AAA", "1", "40")).unwrap();
        assert_eq!(report.submitted_at, at(5_000));
        assert!(exchange.orders(at(6_000), at(5_001)).is_empty());
        assert_eq!(exchange.orders(at(6_000), at(5_000)).len(), 1);
        let clock = exchange.clock(at(6_000));
        assert!(clock.is_open && clock.opened_at < START && clock.closes_at > at(6_000));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Cash and shares are conserved to the last digit; nothing is overfilled or overdrawn.
        #[test]
        fn cash_and_shares_are_conserved(
            seed in 0_u64..1000,
            steps in prop::collection::vec((0_i64..4000, 0..6_u8, 1_i64..400_000, -4_i64..5), 1..40),
        ) {
            let names = ["AAA", "BBB", "CCC"];
            let money = |dollars: i64| Money::new(Decimal::from(dollars));
            let holdings = names.map(|name| (symbol(name), money(3_000), money(2_000)));
            let account = AccountId::new("SIM-1").unwrap();
            let setup = setup_for(seed, account, START, &holdings, money(14_000));
            let mut exchange = Exchange::create(&setup);
            let mut now = 0;
            for (k, (wait, what, thousandths, ticks)) in steps.into_iter().enumerate() {
                now += wait;
                let name = names[k % 3];
                let side = if what % 2 == 0 { Side::Buy } else { Side::Sell };
                if what >= 4 {
                    let number = k.checked_rem(exchange.orders.len()).unwrap_or(0);
                    let id = exchange.orders.get(number).map(|order| order.broker_order_id.clone());
                    if let Some(id) = id {
                        exchange.cancel(at(now), &id).ok();
                    }
                    continue;
                }
                let [bid, _] = touches(&mut exchange, at(now), name);
                let limit = (bid.0 + Decimal::new(ticks, 2)).to_string();
                let quantity = Decimal::new(thousandths, 3).to_string();
                exchange.submit(at(now), order(&k.to_string(), side, name, &quantity, &limit)).ok();
                prop_assert!(exchange.buying_power() >= Money::ZERO);
                prop_assert!(exchange.account.cash() >= Money::ZERO);
            }
            exchange.advance(at(now + 60_000));
            let mut cash = setup.cash;
            for fill in exchange.fills() {
                let flow = fill.price.times(fill.quantity).scaled(-fill.side.sign());
                cash = cash.plus(flow);
            }
            prop_assert_eq!(cash, exchange.account.cash());
            for name in names {
                let moved: Decimal = exchange.fills().iter().filter(|fill| fill.symbol.as_str() == name)
                    .map(|fill| fill.quantity.shares() * fill.side.sign()).sum();
                let held = setup.positions.iter().find(|(held, _)| held.as_str() == name).map(|(_, q)| q.shares());
                prop_assert_eq!(held.unwrap_or_default() + moved, exchange.account.held(&symbol(name)).shares());
            }
            for report in exchange.orders(at(now + 60_000), START) {
                let filled: Quantity = exchange.fills().iter()
                    .filter(|fill| fill.client_order_id == report.client_order_id)
                    .map(|fill| fill.quantity).sum();
                prop_assert!(filled == report.cumulative && filled <= report.quantity);
                let beyond = exchange.fills().iter().any(|fill| {
                    fill.client_order_id == report.client_order_id
                        && fill.price.beyond(report.limit.unwrap(), report.side)
                });
                prop_assert!(!beyond, "no fill is beyond its limit");
            }
        }
    }

    /// The budget: 32 symbols for five minutes, with an order in each.
    #[test]
    fn a_rebalance_is_simulated_quickly() {
        let money = |dollars: i64| Money::new(Decimal::from(dollars));
        let holdings: Vec<_> =
            (0..32).map(|k| (symbol(&format!("S{k}")), money(0), money(3_000))).collect();
        let account = AccountId::new("SIM-1").unwrap();
        let mut exchange =
            Exchange::create(&setup_for(1, account, START, &holdings, money(1_000_000)));
        for (name, _, _) in &holdings {
            let limit = touches(&mut exchange, START, name.as_str())[0].0.to_string();
            exchange
                .submit(START, order(name.as_str(), Side::Buy, name.as_str(), "30", &limit))
                .unwrap();
        }
        let clock = std::time::Instant::now();
        for second in 1..=300 {
            exchange.advance(at(second * 1000));
        }
        let passed = clock.elapsed();
        println!("32 symbols for 300 s: {passed:?}, {} fills", exchange.fills().len());
        assert!(passed.as_secs() < 5, "{passed:?}");
    }
}
