//! What whoever listens is told: messages of the order streams, and what the market shows.

use alchemiser_core::ids::Symbol;
use jiff::Timestamp;
use serde_json::Value;

use super::Exchange;
use crate::{
    body,
    clock::later_millis,
    fault::Fault,
    floor::{Floor, Shown},
    hub::{Busy, Outlet, Subscribe},
    update::Update,
};

/// The path of the order stream.
const ORDERS: &str = "/stream";

/// How long the ghost of a connection stays, in milliseconds, if a rule does not say.
const GHOST_MS: u64 = 90_000;

impl Exchange {
    /// Tells whoever listens what has happened.
    pub(super) fn pump(&mut self) {
        for update in self.venue.take_updates() {
            if self.hub.hears(update.order.account) {
                self.tell(&update);
            }
        }
        if self.hub.is_viewed() {
            self.show();
        }
    }

    fn tell(&mut self, update: &Update) {
        let account = update.order.account;
        let calendar = self.venue.calendar();
        let message = body::order::update(update, calendar, self.venue.now());
        let key = self.venue.account(account).opening.key.clone();
        let rules = self.faults.strike_update(update.event, &key);
        let is = |fault: Fault| rules.iter().any(|rule| rule.fault == fault);
        if is(Fault::StreamGap) {
            return;
        }
        if is(Fault::StreamReorder) {
            self.hub.keep_back(account, message);
            return;
        }
        if is(Fault::StreamDuplicate) {
            self.hub.send(account, message.clone());
        }
        self.hub.send(account, message);
    }

    /// Whether a connection to an account's order stream is let in.
    pub fn admits(&mut self, account: usize) -> bool {
        let now = self.clock.now();
        self.faults.strike_connection(Fault::SlotBusy, ORDERS).is_none()
            && self.hub.is_free(account, now)
    }

    /// Takes the slot of an account's order stream; the connection's number.
    ///
    /// # Errors
    /// [`Busy`] when another connection, or the ghost of one, has it.
    pub fn take_slot(&mut self, account: usize, outlet: Outlet) -> Result<u64, Busy> {
        let now = self.clock.now();
        self.hub.take(account, outlet, now)
    }

    /// A connection asks for messages, or for no more of them.
    pub fn listen(&mut self, account: usize, wanted: Option<()>) {
        self.hub.listen(account, wanted);
    }

    /// A connection of an order stream has ended.
    pub fn leave_slot(&mut self, account: usize, connection: u64) {
        let until = self.ghost(ORDERS);
        self.hub.leave(account, connection, until);
    }

    /// Until when the ghost of a connection to a path stays, if there is one.
    fn ghost(&mut self, path: &str) -> Option<Timestamp> {
        let rule = self.faults.strike_connection(Fault::GhostSlot, path)?;
        Some(later_millis(self.clock.now(), rule.ms.unwrap_or(GHOST_MS)))
    }

    /// Whether a connection to a market data stream is let in to its handshake.
    pub fn admits_viewer(&mut self, feed: &str) -> bool {
        self.faults.strike_connection(Fault::SlotBusy, &format!("/v2/{feed}")).is_none()
    }

    /// A connection of the market data stream; its number.
    ///
    /// # Errors
    /// [`Busy`] when the account has one to this feed already, or the ghost of one.
    pub fn view(&mut self, account: usize, feed: &str, outlet: Outlet) -> Result<u64, Busy> {
        let now = self.clock.now();
        self.hub.view((account, feed), outlet, now)
    }

    /// A connection of the market data stream has ended.
    pub fn unview(&mut self, connection: u64, feed: &str) {
        let until = self.ghost(&format!("/v2/{feed}"));
        self.hub.unview(connection, until);
        self.watch();
    }

    /// Adds symbols to a channel of a connection, or takes them away.
    pub fn subscribe(
        &mut self,
        connection: u64,
        channel: &'static str,
        symbols: Vec<String>,
        how: Subscribe,
    ) {
        self.hub.subscribe(connection, channel, symbols, how);
        self.watch();
    }

    /// What a connection is subscribed to in a channel.
    pub fn subscribed(&self, connection: u64, channel: &str) -> Vec<String> {
        self.hub.subscribed(connection, channel)
    }

    /// Floors keep what they show while somebody wants to see it.
    fn watch(&mut self) {
        let symbols: Vec<Symbol> = self.venue.listed().keys().cloned().collect();
        for symbol in symbols {
            let wanted = self.hub.is_watched(symbol.as_str()).then_some(());
            if let Some(floor) = self.venue.floor_mut(&symbol) {
                floor.watch(wanted);
            }
        }
    }

    fn show(&mut self) {
        let symbols: Vec<Symbol> = self.venue.listed().keys().cloned().collect();
        for symbol in &symbols {
            if !self.hub.is_watched(symbol.as_str()) {
                continue;
            }
            let Some(floor) = self.venue.floor_mut(symbol) else { continue };
            let shown: Vec<Shown> = floor.take_shown().collect();
            let Some(floor) = self.venue.floor(symbol) else { continue };
            for (k, shown) in shown.into_iter().enumerate() {
                let (channel, kind, message) = message(floor, shown, k);
                if self.faults.strike_quote(Fault::QuoteStreamGap, symbol.as_str()) {
                    continue;
                }
                if self.faults.strike_quote(Fault::QuoteStreamCut, symbol.as_str()) {
                    self.hub.cut(symbol.as_str());
                }
                self.hub.show(channel, symbol.as_str(), &named(message, kind, symbol));
            }
            if let Some((at, bar)) = finished(floor, self.bars_told.get(symbol).copied()) {
                if let Some(bar) = bar {
                    self.hub.show("bars", symbol.as_str(), &named(bar, "b", symbol));
                }
                self.bars_told.insert(symbol.clone(), at);
            }
        }
    }
}

/// The channel of what is shown, its letter, and its message.
fn message(floor: &Floor, shown: Shown, number: usize) -> (&'static str, &'static str, Value) {
    match shown {
        Shown::Quote(quote, at) => ("quotes", "q", body::data::quote(floor, quote, at)),
        Shown::Trade(ticks, size, at) => {
            let printed = floor.last_print().map_or(0, |print| print.count);
            let price = floor.listing().price_of(ticks);
            let id = printed.saturating_add(number as u64);
            ("trades", "t", body::data::trade(price, size, at, id))
        }
    }
}

fn named(mut message: Value, kind: &str, symbol: &Symbol) -> Value {
    message["T"] = kind.into();
    message["S"] = symbol.as_str().into();
    message
}

/// The bar that is over, if another one has begun since one was told; and the beginning of the other one.
fn finished(floor: &Floor, told: Option<Timestamp>) -> Option<(Timestamp, Option<Value>)> {
    let last = floor.bars().last()?;
    if told == Some(last.at) {
        return None;
    }
    let before = told.and_then(|told| floor.bars().at(told));
    Some((last.at, before.map(|bar| body::data::bar(&bar))))
}
