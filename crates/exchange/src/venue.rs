//! The venue: accounts, their orders, and the floors they trade on. It knows no clock and no network.
//!
//! Its state is the fold of its [`inputs`](crate::input) over the background markets. Time never goes back: an earlier
//! time counts as the latest one seen.

mod checks;
mod orders;
mod outside;
mod tapes;

use std::collections::{BTreeMap, HashMap};

use alchemiser_core::{
    ids::Symbol, money::Money, price::Price, quantity::Quantity, report::BrokerStatus, side::Side,
};
use alchemiser_market::{matching::Execution, session::SessionTime};
use jiff::Timestamp;
use rust_decimal::Decimal;
use uuid::Uuid;

pub use self::tapes::{TapeError, read as read_tape};
use crate::{
    account::Account,
    feed::Feed,
    floor::{Floor, Occurrence, Stretch, What},
    hours::Calendar,
    input::{Asked, Input},
    order::{Fill, Order, is_open},
    refusal::Refusal,
    setup::{Latency, Listed, Setup, Source},
    update::{Event, Update},
};

/// What all ids are derived in: any fixed value will do.
const SPACE: Uuid = Uuid::from_u128(0x1b7c_7f0e_52a3_5d06_8a41_6a5f_9e6d_2c11);

/// An exchange without clock, network and journal.
#[derive(Debug)]
pub struct Venue {
    seed: u64,
    started_at: Timestamp,
    source: Source,
    latency: Latency,
    calendar: Calendar,
    /// The latest time seen.
    now: Timestamp,
    stretch: Stretch,
    /// When the stretch ends, if it ever does.
    turns_at: Option<Timestamp>,
    listed: BTreeMap<Symbol, Listed>,
    asset_ids: HashMap<Uuid, Symbol>,
    floors: BTreeMap<Symbol, Floor>,
    tapes: BTreeMap<Symbol, Feed>,
    accounts: Vec<Account>,
    by_key: HashMap<String, usize>,
    orders: Vec<Order>,
    by_id: HashMap<Uuid, usize>,
    fills: Vec<Fill>,
    updates: Vec<Update>,
    updates_told: u64,
    happened: Vec<Occurrence>,
}

impl Venue {
    /// A venue as it begins.
    ///
    /// # Errors
    /// [`TapeError`] when a recorded market cannot be read.
    pub fn new(setup: &Setup) -> Result<Self, TapeError> {
        let calendar = Calendar::new(setup.hours);
        let at = setup.started_at;
        let is_open = calendar.is_open(at);
        let mut venue = Self {
            seed: setup.seed,
            started_at: at,
            source: setup.source,
            latency: setup.latency,
            turns_at: calendar.turns_after(at),
            calendar,
            now: at,
            stretch: Stretch { at, session: SessionTime::START, is_open },
            listed: BTreeMap::new(),
            asset_ids: HashMap::new(),
            floors: BTreeMap::new(),
            tapes: tapes::open(setup)?,
            accounts: Vec::new(),
            by_key: HashMap::new(),
            orders: Vec::new(),
            by_id: HashMap::new(),
            fills: Vec::new(),
            updates: Vec::new(),
            updates_told: 0,
            happened: Vec::new(),
        };
        for listed in &setup.listed {
            venue.list(listed.clone());
        }
        for opening in &setup.accounts {
            venue.open_account(opening);
        }
        Ok(venue)
    }

    /// Carries out an input; the order's number, if there is one.
    ///
    /// # Errors
    /// [`Refusal`]: nothing but time has changed.
    pub fn perform(&mut self, input: &Input) -> Result<Option<usize>, Refusal> {
        if matches!(input.what, Asked::Opened) {
            // The market stood still from the last input to now, as no process ran it.
            self.pause();
        }
        self.advance(input.at);
        match &input.what {
            Asked::Opened => self.reopen(),
            Asked::Reached { .. } => {}
            Asked::Order { account, body, id, part } => {
                return self.submit(*account, body, id, part.map(|part| part.0)).map(Some);
            }
            Asked::Cancel { order } => self.cancel(*order)?,
            Asked::Replace { order, body, id, delay_ms } => {
                return self.replace(*order, body, id, *delay_ms).map(Some);
            }
            Asked::Configure { account, body } => self.configure(*account, body)?,
            Asked::List { listed } => self.list(Listed::clone(listed)),
            Asked::Quote { .. }
            | Asked::Trade { .. }
            | Asked::Halt { .. }
            | Asked::Close { .. }
            | Asked::Fill { .. }
            | Asked::Pay { .. }
            | Asked::Deposit { .. } => self.intervene(&input.what)?,
        }
        Ok(None)
    }

    /// Brings everything up to a time; whether anything happened to an order.
    pub fn advance(&mut self, to: Timestamp) -> bool {
        let to = to.max(self.now);
        let mut any = false;
        while let Some(turn) = self.turns_at.filter(|turn| *turn <= to) {
            any |= self.run(turn);
            let session = self.stretch.session_at(turn);
            self.stretch = Stretch { at: turn, session, is_open: self.calendar.is_open(turn) };
            self.turns_at = self.calendar.turns_after(turn);
        }
        any |= self.run(to);
        self.now = to;
        any
    }

    /// Brings everything up to a time of the present stretch.
    fn run(&mut self, to: Timestamp) -> bool {
        let mut happened = std::mem::take(&mut self.happened);
        for floor in self.floors.values_mut() {
            floor.advance(&self.stretch, to, &mut happened);
        }
        let any = !happened.is_empty();
        self.now = to.max(self.now);
        happened.sort_by_key(|occurrence| occurrence.at);
        for occurrence in happened.drain(..) {
            self.apply(&occurrence);
        }
        self.happened = happened;
        any
    }

    /// Session time goes on.
    fn reopen(&mut self) {
        let session = self.stretch.session;
        self.stretch = Stretch { at: self.now, session, is_open: self.calendar.is_open(self.now) };
        self.turns_at = self.calendar.turns_after(self.now);
    }

    /// Session time stands still.
    fn pause(&mut self) {
        let session = self.stretch.session_at(self.now);
        self.stretch = Stretch { at: self.now, session, is_open: false };
        self.turns_at = None;
    }

    fn apply(&mut self, occurrence: &Occurrence) {
        let Occurrence { at, order: number, what } = occurrence;
        let (at, number) = (*at, *number);
        match what {
            What::Arrived => {
                let order = &mut self.orders[number];
                if matches!(order.status, BrokerStatus::PendingNew | BrokerStatus::Accepted) {
                    order.status = if order.carried.is_zero() {
                        BrokerStatus::New
                    } else {
                        BrokerStatus::PartiallyFilled
                    };
                    (order.times.submitted, order.times.updated) = (at, at);
                    self.tell(number, Event::New, at, None);
                }
            }
            What::Sized(quantity) => {
                self.orders[number].quantity = Some(*quantity);
                self.rebook(number);
            }
            What::Filled(execution) => self.fill(number, *execution, at),
            What::Canceled => {
                self.orders[number].times.canceled = Some(at);
                self.end(number, BrokerStatus::Canceled, Event::Canceled, at);
            }
            What::Expired => {
                self.orders[number].times.expired = Some(at);
                self.end(number, BrokerStatus::Expired, Event::Expired, at);
            }
            What::Replaced { by } => self.replaced(number, *by, at),
            What::ReplaceRejected { of } => self.replace_rejected(number, *of, at),
        }
    }

    fn fill(&mut self, number: usize, execution: Execution, at: Timestamp) {
        let order = &mut self.orders[number];
        order.fill(execution, at);
        let account = &mut self.accounts[order.account];
        account.settle(&order.terms.symbol, order.terms.side, execution, at);
        let position = account.holding(&order.terms.symbol).quantity;
        let is_whole = order.status == BrokerStatus::Filled;
        let fill = Fill {
            id: made_up(self.seed, "execution", self.fills.len()),
            order: number,
            account: order.account,
            at,
            execution,
            cumulative: order.filled,
            leaves: order.leaves(),
            position,
        };
        self.fills.push(fill);
        self.rebook(number);
        let event = if is_whole { Event::Fill } else { Event::PartialFill };
        self.tell(number, event, at, Some((execution.quantity, execution.price, position)));
    }

    /// An order comes to its end.
    fn end(&mut self, number: usize, status: BrokerStatus, event: Event, at: Timestamp) {
        let order = &mut self.orders[number];
        (order.status, order.times.updated) = (status, at);
        self.rebook(number);
        self.tell(number, event, at, None);
    }

    fn replaced(&mut self, old: usize, new: usize, at: Timestamp) {
        let Order { filled, paid, .. } = self.orders[old];
        let order = &mut self.orders[new];
        (order.filled, order.paid, order.carried) = (filled, paid, filled);
        self.orders[old].times.replaced = Some(at);
        self.end(old, BrokerStatus::Replaced, Event::Replaced, at);
        self.rebook(new);
    }

    fn replace_rejected(&mut self, new: usize, old: usize, at: Timestamp) {
        let was = &mut self.orders[old];
        was.replaced_by = None;
        if was.status == BrokerStatus::PendingReplace {
            was.status = if was.filled.is_zero() {
                BrokerStatus::New
            } else {
                BrokerStatus::PartiallyFilled
            };
        }
        self.tell(old, Event::OrderReplaceRejected, at, None);
        self.orders[new].times.failed = Some(at);
        self.end(new, BrokerStatus::Rejected, Event::Rejected, at);
    }

    /// What an order holds of its account may have changed.
    fn rebook(&mut self, number: usize) {
        let order = &self.orders[number];
        let old = order.replaces.map(|old| &self.orders[old]).filter(|old| old.is_open());
        // While both stand, the larger of the two is held.
        let after = old.map_or(order.hold(), |old| order.hold().beyond(old.held));
        let before = order.held;
        let (symbol, side) = (order.terms.symbol.clone(), order.terms.side);
        let ended = !order.is_open();
        let account = &mut self.accounts[order.account];
        account.rebook(&symbol, before, after);
        if ended {
            account.closes(&symbol, side, number);
        }
        self.orders[number].held = after;
    }

    fn tell(
        &mut self,
        number: usize,
        event: Event,
        at: Timestamp,
        fill: Option<(Quantity, Price, Quantity)>,
    ) {
        self.updates_told += 1;
        let order = self.orders[number].clone();
        let chain = self.chain_of(&order);
        let execution_id = match (fill, self.fills.last()) {
            (Some(_), Some(fill)) => fill.id,
            (Some(_) | None, _) => made_up(self.seed, "step", self.updates_told),
        };
        let number = self.updates_told;
        self.updates.push(Update { number, event, at, order, chain, execution_id, fill });
    }

    /// The ids of the orders before and after one in its chain.
    pub fn chain_of(&self, order: &Order) -> (Option<Uuid>, Option<Uuid>) {
        let id = |number: Option<usize>| number.map(|number| self.orders[number].id);
        let is_replaced = order.status == BrokerStatus::Replaced;
        (id(order.replaces), id(order.replaced_by.filter(|_| is_replaced)))
    }

    fn list(&mut self, listed: Listed) {
        let symbol = listed.listing.symbol.clone();
        if !self.floors.contains_key(&symbol) {
            let listing = listed.listing.clone();
            let feed = self.tapes.get(&symbol).cloned().unwrap_or_else(|| match self.source {
                Source::Generated => Feed::generated(self.seed, &listing),
                Source::Script => Feed::script(&listing),
            });
            let session = self.stretch.session_at(self.now);
            let floor = Floor::new(listing, feed, session, self.now);
            self.floors.insert(symbol.clone(), floor);
        }
        self.asset_ids.insert(asset_id(&symbol), symbol.clone());
        self.listed.insert(symbol, listed);
    }
}

/// What may be asked without changing anything.
impl Venue {
    /// The latest time seen.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// When it began.
    pub fn started_at(&self) -> Timestamp {
        self.started_at
    }

    /// When it is open.
    pub fn calendar(&self) -> &Calendar {
        &self.calendar
    }

    /// The account whose key this is, if the secret is right.
    ///
    /// # Errors
    /// [`Refusal::Unauthorized`], or [`Refusal::OtherEnvironment`].
    pub fn account_of(&self, key: &str, secret: &str) -> Result<usize, Refusal> {
        let number = *self.by_key.get(key).ok_or(Refusal::Unauthorized)?;
        let opening = &self.accounts[number].opening;
        if opening.secret != secret {
            return Err(Refusal::Unauthorized);
        }
        if opening.elsewhere { Err(Refusal::OtherEnvironment) } else { Ok(number) }
    }

    /// An account.
    pub fn account(&self, number: usize) -> &Account {
        &self.accounts[number]
    }

    /// Every account.
    pub fn accounts(&self) -> &[Account] {
        &self.accounts
    }

    /// An order.
    pub fn order(&self, number: usize) -> &Order {
        &self.orders[number]
    }

    /// The number of an order of an account.
    pub fn number_of(&self, account: usize, id: Uuid) -> Option<usize> {
        let number = *self.by_id.get(&id)?;
        (self.orders[number].account == account).then_some(number)
    }

    /// Every fill, in the order of time.
    pub fn fills(&self) -> &[Fill] {
        &self.fills
    }

    /// A listed symbol, written as it is or as its asset id.
    pub fn symbol_of(&self, text: &str) -> Option<&Symbol> {
        let named = Symbol::new(text).ok().filter(|symbol| symbol.as_str() == text);
        let found = named.and_then(|symbol| self.listed.get_key_value(&symbol));
        found.map(|(symbol, _)| symbol).or_else(|| {
            let id = Uuid::parse_str(text).ok()?;
            self.asset_ids.get(&id)
        })
    }

    /// What is listed.
    pub fn listed(&self) -> &BTreeMap<Symbol, Listed> {
        &self.listed
    }

    /// A symbol's floor.
    pub fn floor(&self, symbol: &Symbol) -> Option<&Floor> {
        self.floors.get(symbol)
    }

    /// A symbol's floor, to be watched.
    pub fn floor_mut(&mut self, symbol: &Symbol) -> Option<&mut Floor> {
        self.floors.get_mut(symbol)
    }

    /// Messages of the order stream since the last time.
    pub fn take_updates(&mut self) -> Vec<Update> {
        std::mem::take(&mut self.updates)
    }

    /// What the positions of an account are worth.
    pub fn market_value(&self, account: &Account) -> Money {
        let values = account.holdings().map(|(symbol, holding)| {
            self.floors
                .get(symbol)
                .map_or(Money::ZERO, |floor| floor.mark().times(holding.quantity))
        });
        values.sum()
    }

    /// Dollars that no open buy holds, of cash as it was: the multiple of the equity that may be bought with.
    pub fn buying_power(&self, account: &Account, cash: Money, multiplier: u32) -> Money {
        let value = self.market_value(account);
        let equity = cash.plus(value).scaled(Decimal::from(multiplier));
        equity.minus(value).minus(account.held_cash()).max(Money::ZERO)
    }

    /// Proceeds of the account's sales up to a time that have not settled by then.
    pub fn unsettled(&self, account: &Account, at: Timestamp) -> Money {
        let today = self.calendar.date_at(at);
        let sales = account.sales().iter().rev().filter(|(sold_at, _)| *sold_at <= at);
        let is_unsettled = |(sold_at, _): &&(Timestamp, Money)| {
            Calendar::settles_on(self.calendar.date_at(*sold_at)) > today
        };
        sales.take_while(is_unsettled).map(|(_, dollars)| *dollars).sum()
    }

    /// The price that an order of a side without a limit is reckoned at.
    fn reckoned(&self, symbol: &Symbol, side: Side) -> Option<Price> {
        self.floors.get(symbol).map(|floor| floor.far(side))
    }
}

/// The id of a symbol's asset.
pub fn asset_id(symbol: &Symbol) -> Uuid {
    Uuid::new_v5(&SPACE, format!("asset|{symbol}").as_bytes())
}

/// An id that the exchange makes up: derived from the seed, what it is of, and its number.
pub fn made_up(seed: u64, of: &str, number: impl std::fmt::Display) -> Uuid {
    Uuid::new_v5(&SPACE, format!("{seed}|{of}|{number}").as_bytes())
}

/// Whether an order may still trade or be canceled.
pub fn is_live(order: &Order) -> bool {
    is_open(order.status)
}
