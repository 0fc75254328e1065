//! Taking, canceling and replacing orders.

use alchemiser_core::{
    ids::Symbol, price::Price, quantity::Quantity, report::BrokerStatus, side::Side,
};
use alchemiser_market::chance::Chance;
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde_json::Value;

use super::{Venue, made_up};
use crate::{
    clock::{later, later_millis},
    floor::Entry,
    order::{Hold, Order, Terms, Times},
    refusal::Refusal,
    request::{Change, Kind, NewOrder, Size, TimeInForce},
    update::Event,
};

/// How long an order without an end stands.
const GTC: SignedDuration = SignedDuration::from_hours(90 * 24);

/// An order that has been checked.
struct Accepted {
    account: usize,
    terms: Terms,
    /// Dollars a share that it holds.
    reserve: Price,
    replaces: Option<usize>,
}

impl Venue {
    /// Takes an order, or says why not; its number. A `part` fills up to it, and never further.
    pub(super) fn submit(
        &mut self,
        account: usize,
        body: &Value,
        id: &str,
        part: Option<Decimal>,
    ) -> Result<usize, Refusal> {
        let new = NewOrder::read(body)?;
        let accepted = self.check(account, &new, id)?;
        let whole = match accepted.terms.size {
            Size::Shares(quantity) => quantity,
            Size::Notional(dollars) => {
                Quantity::rounded_down(accepted.reserve.shares_for(dollars), 9)
            }
        };
        let decimals = if new.is_fractional() { 9 } else { 0 };
        let fills_most = part.map(|part| Quantity::rounded_down(whole.shares() * part, decimals));
        let number = self.accept(accepted);
        let arrives_at = self.arrival(number);
        let entry = Entry { fills_most, ..self.entry(number) };
        let (symbol, expires) = self.order_place(number);
        if let Some(floor) = self.floors.get_mut(&symbol) {
            floor.enter(entry, arrives_at);
            if let Some(expires) = expires {
                floor.expire(number, expires);
            }
        }
        self.announce(number);
        Ok(number)
    }

    fn check(&self, account: usize, new: &NewOrder, id: &str) -> Result<Accepted, Refusal> {
        let owner = self.account(account);
        // First of all that depends on state: a repeated request must learn that it is one.
        if owner.by_client_id.contains_key(id) {
            return Err(Refusal::IdNotUnique);
        }
        Self::check_account(owner)?;
        let symbol = self.check_asset(owner, new)?;
        Self::check_intent(owner, new, &symbol)?;
        self.check_wash(owner, &symbol, new.side, new.kind)?;
        let unknown = || Refusal::AssetUnknown(new.symbol.clone());
        let reserve = match new.kind {
            Kind::Limit(limit) | Kind::StopLimit { limit, .. } => limit,
            Kind::Stop(stop) => stop,
            Kind::Market => self.reckoned(&symbol, new.side).ok_or_else(unknown)?,
        };
        match (new.side, new.size) {
            (Side::Buy, size) => self.check_cash(owner, size, reserve, Hold::default())?,
            (Side::Sell, Size::Shares(quantity)) => {
                self.check_shares(owner, &symbol, quantity, Hold::default())?;
            }
            (Side::Sell, Size::Notional(dollars)) => {
                let shares = Quantity::rounded_down(reserve.shares_for(dollars), 9);
                self.check_shares(owner, &symbol, shares, Hold::default())?;
            }
        }
        let terms = Terms {
            client_order_id: id.to_owned(),
            symbol,
            side: new.side,
            size: new.size,
            kind: new.kind,
            time_in_force: new.time_in_force,
            extended_hours: new.extended_hours,
        };
        Ok(Accepted { account, terms, reserve, replaces: None })
    }

    /// An order that has been checked is in the books from now on.
    fn accept(&mut self, accepted: Accepted) -> usize {
        let Accepted { account, terms, reserve, replaces } = accepted;
        let number = self.orders.len();
        let now = self.now;
        let is_open = self.stretch.is_open;
        let order = Order {
            number,
            account,
            id: made_up(self.seed, "order", number),
            status: if is_open { BrokerStatus::PendingNew } else { BrokerStatus::Accepted },
            times: Times {
                created: now,
                updated: now,
                submitted: now,
                filled: None,
                expired: None,
                canceled: None,
                failed: None,
                replaced: None,
                cancel_requested: None,
                expires: self.expiry(terms.time_in_force),
            },
            replaces,
            replaced_by: None,
            quantity: match terms.size {
                Size::Shares(quantity) => Some(quantity),
                Size::Notional(_) => None,
            },
            filled: Quantity::ZERO,
            carried: Quantity::ZERO,
            paid: alchemiser_core::money::Money::ZERO,
            reserve,
            held: Hold::default(),
            terms,
        };
        self.by_id.insert(order.id, number);
        let owner = &mut self.accounts[account];
        owner.by_client_id.insert(order.terms.client_order_id.clone(), number);
        owner.orders.push(number);
        owner.opens(&order.terms.symbol, order.terms.side, number);
        self.orders.push(order);
        self.rebook(number);
        number
    }

    fn announce(&mut self, number: usize) {
        let is_queued = self.orders[number].status == BrokerStatus::Accepted;
        let event = if is_queued { Event::Accepted } else { Event::PendingNew };
        self.tell(number, event, self.now, None);
    }

    /// The session in which an order of now trades ends it, or ninety days do.
    fn expiry(&self, time_in_force: TimeInForce) -> Timestamp {
        match time_in_force {
            TimeInForce::Gtc => later(self.now, GTC),
            TimeInForce::Day | TimeInForce::Ioc | TimeInForce::Fok => {
                self.calendar.session_at(self.now).closes
            }
        }
    }

    /// Where an order trades, and when it expires, if it does.
    fn order_place(&self, number: usize) -> (Symbol, Option<Timestamp>) {
        let order = &self.orders[number];
        let expires = match order.terms.time_in_force {
            TimeInForce::Gtc => Some(order.times.expires),
            TimeInForce::Day | TimeInForce::Ioc | TimeInForce::Fok => {
                self.turns_at.map(|_| order.times.expires)
            }
        };
        (order.terms.symbol.clone(), expires)
    }

    fn entry(&self, number: usize) -> Entry {
        let Terms { side, size, kind, time_in_force, .. } = self.orders[number].terms;
        Entry { order: number, side, size, kind, time_in_force, fills_most: None }
    }

    /// When an order of now reaches the venue: not before it opens.
    fn arrival(&self, number: usize) -> Timestamp {
        let delay = self.delay(number, "arrival", self.latency.arrival);
        let from = if self.stretch.is_open {
            self.now
        } else {
            self.calendar.session_at(self.now).opens.max(self.now)
        };
        later_millis(from, delay)
    }

    fn delay(&self, number: usize, topic: &str, (least, most): (u64, u64)) -> u64 {
        let id = &self.orders[number].terms.client_order_id;
        if most == 0 { 0 } else { Chance::of(self.seed, topic, id).between(least, most) }
    }

    /// Takes the request to cancel an order; asking again while it is under way changes nothing.
    pub(super) fn cancel(&mut self, number: usize) -> Result<(), Refusal> {
        let order = &mut self.orders[number];
        if order.status == BrokerStatus::PendingCancel {
            return Ok(());
        }
        if order.status == BrokerStatus::PendingReplace {
            return Err(unprocessable("original order pending replacement"));
        }
        if !order.is_open() {
            return Err(Refusal::NotCancelable(order.status));
        }
        order.status = BrokerStatus::PendingCancel;
        (order.times.cancel_requested, order.times.updated) = (Some(self.now), self.now);
        let symbol = order.terms.symbol.clone();
        let delay = self.delay(number, "cancel", self.latency.cancel);
        if let Some(floor) = self.floors.get_mut(&symbol) {
            floor.cancel(number, later_millis(self.now, delay));
        }
        self.tell(number, Event::PendingCancel, self.now, None);
        Ok(())
    }

    /// Takes a replacement; its number. It takes effect later, if the order has not ended by then.
    pub(super) fn replace(
        &mut self,
        old: usize,
        body: &Value,
        id: &str,
        delay_ms: Option<u64>,
    ) -> Result<usize, Refusal> {
        let change = Change::read(body)?;
        let accepted = self.check_change(old, &change, id)?;
        let new = self.accept(accepted);
        self.orders[old].replaced_by = Some(new);
        let was = self.orders[old].clone();
        // As the broker shows it; what has been filled until the replacement follows then.
        (self.orders[new].filled, self.orders[new].paid) = (was.filled, was.paid);
        self.orders[old].status = BrokerStatus::PendingReplace;
        self.orders[old].times.updated = self.now;
        self.tell(old, Event::PendingReplace, self.now, None);
        let delay = delay_ms.unwrap_or_else(|| self.delay(new, "replace", self.latency.replace));
        let at = later_millis(self.now, delay);
        let arrives_at = self.arrival(new).max(at);
        let mut entry = self.entry(new);
        if let Size::Shares(chain) = entry.size {
            entry.size = Size::Shares(chain.less(was.carried));
        }
        let (symbol, expires) = self.order_place(new);
        if let Some(floor) = self.floors.get_mut(&symbol) {
            floor.replace(old, entry, at, arrives_at);
            if let Some(expires) = expires {
                floor.expire(new, expires.max(at));
            }
        }
        self.announce(new);
        Ok(new)
    }

    fn check_change(&self, old: usize, change: &Change, id: &str) -> Result<Accepted, Refusal> {
        let order = &self.orders[old];
        self.check_replaceable(order)?;
        let account = self.account(order.account);
        if account.by_client_id.contains_key(id) {
            return Err(Refusal::IdNotUnique);
        }
        let terms = changed(order, change, id)?;
        if let Size::Shares(quantity) = terms.size
            && quantity <= order.filled
        {
            return Err(unprocessable("qty must be > filled_qty"));
        }
        let reserve = terms.kind.limit().or(terms.kind.stop()).unwrap_or(order.reserve);
        self.check_wash(account, &terms.symbol, terms.side, terms.kind)?;
        let left = match terms.size {
            Size::Shares(quantity) => quantity.less(order.filled),
            Size::Notional(_) => Quantity::ZERO,
        };
        match terms.side {
            Side::Buy => self.check_cash(account, Size::Shares(left), reserve, order.held)?,
            Side::Sell => self.check_shares(account, &terms.symbol, left, order.held)?,
        }
        Ok(Accepted { account: order.account, terms, reserve, replaces: Some(old) })
    }

    fn check_replaceable(&self, order: &Order) -> Result<(), Refusal> {
        let predecessor = order.replaces.map(|before| &self.orders[before]);
        if predecessor.is_some_and(Order::is_open) {
            return Err(unprocessable("order chain not fully replaced"));
        }
        match order.status {
            BrokerStatus::New | BrokerStatus::PartiallyFilled => {}
            BrokerStatus::PendingReplace => {
                return Err(unprocessable("order already pending replacement"));
            }
            BrokerStatus::Replaced => return Err(unprocessable("order already replaced")),
            BrokerStatus::Filled
            | BrokerStatus::Canceled
            | BrokerStatus::Expired
            | BrokerStatus::Rejected => return Err(unprocessable("order is not open")),
            standing @ (BrokerStatus::PendingNew
            | BrokerStatus::Accepted
            | BrokerStatus::DoneForDay
            | BrokerStatus::PendingCancel
            | BrokerStatus::Suspended
            | BrokerStatus::Calculated
            | BrokerStatus::Stopped
            | BrokerStatus::Held
            | BrokerStatus::Unknown) => {
                let message = format!("cannot replace order in {} status", standing.word());
                return Err(unprocessable(&message));
            }
        }
        match order.terms.size {
            Size::Notional(_) => Err(unprocessable("notional orders cannot be replaced")),
            Size::Shares(_) => Ok(()),
        }
    }
}

fn unprocessable(message: &str) -> Refusal {
    Refusal::Unprocessable(message.to_owned())
}

/// The terms of a replacement.
fn changed(order: &Order, change: &Change, id: &str) -> Result<Terms, Refusal> {
    let mut terms = order.terms.clone();
    if let (Some(quantity), Size::Shares(before)) = (change.quantity, terms.size) {
        if before != before.whole() && before != quantity {
            return Err(unprocessable("fractional orders cannot change qty"));
        }
        terms.size = Size::Shares(quantity);
    }
    terms.kind = match (terms.kind, change.limit, change.stop) {
        (Kind::Limit(before), limit, None) => Kind::Limit(limit.unwrap_or(before)),
        (Kind::Stop(before), None, stop) => Kind::Stop(stop.unwrap_or(before)),
        (Kind::StopLimit { stop, limit }, new_limit, new_stop) => {
            let (stop, limit) = (new_stop.unwrap_or(stop), new_limit.unwrap_or(limit));
            Kind::StopLimit { stop, limit }
        }
        (Kind::Market, None, None) => Kind::Market,
        (Kind::Market | Kind::Limit(_) | Kind::Stop(_), _, _) => {
            return Err(unprocessable("price does not apply to this order type"));
        }
    };
    terms.time_in_force = change.time_in_force.unwrap_or(terms.time_in_force);
    let same = |terms: &Terms| (terms.size, terms.kind, terms.time_in_force);
    if same(&terms) == same(&order.terms) {
        return Err(unprocessable("order parameters are not changed"));
    }
    id.clone_into(&mut terms.client_order_id);
    Ok(terms)
}
