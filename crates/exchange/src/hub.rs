//! Who listens: the order streams with their slots, and the market data streams with their subscriptions.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::mpsc::UnboundedSender;

/// Where messages of one connection go.
pub type Outlet = UnboundedSender<Value>;

/// The slot of an account's order stream.
#[derive(Debug, Default)]
struct Slot {
    /// The connection that has it.
    taken: Option<(u64, Outlet)>,
    /// It has asked for messages.
    is_listening: bool,
    /// A connection that has ended occupies it until then.
    ghost_until: Option<Timestamp>,
    /// A message that waits for the one that follows it.
    kept_back: Option<Value>,
}

/// A connection of the market data stream.
#[derive(Debug)]
struct Viewer {
    account: usize,
    feed: String,
    /// None once the connection is cut.
    outlet: Option<Outlet>,
    subscribed: BTreeMap<&'static str, BTreeSet<String>>,
}

fn holds(symbols: &BTreeSet<String>, symbol: &str) -> bool {
    symbols.contains(symbol) || symbols.contains("*")
}

impl Viewer {
    /// Whether it wants to see a symbol in any channel.
    fn wants(&self, symbol: &str) -> bool {
        self.subscribed.values().any(|symbols| holds(symbols, symbol))
    }
}

/// Everybody who listens.
#[derive(Debug, Default)]
pub struct Hub {
    slots: BTreeMap<usize, Slot>,
    viewers: BTreeMap<u64, Viewer>,
    /// Until when the ghosts of market data connections stay, by account and feed.
    ghosts: BTreeMap<(usize, String), Timestamp>,
    next: u64,
}

/// Somebody else has the slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy;

impl Hub {
    /// Whether the slot of an account's order stream is free.
    pub fn is_free(&self, account: usize, now: Timestamp) -> bool {
        self.slots.get(&account).is_none_or(|slot| {
            slot.taken.is_none() && slot.ghost_until.is_none_or(|until| until <= now)
        })
    }

    /// Takes the slot of an account's order stream; the connection's number.
    ///
    /// # Errors
    /// [`Busy`] when another connection, or the ghost of one, has it.
    pub fn take(&mut self, account: usize, outlet: Outlet, now: Timestamp) -> Result<u64, Busy> {
        if !self.is_free(account, now) {
            return Err(Busy);
        }
        self.next += 1;
        let taken = Some((self.next, outlet));
        self.slots.insert(account, Slot { taken, ..Slot::default() });
        Ok(self.next)
    }

    /// A connection asks for messages, or for no more of them.
    pub fn listen(&mut self, account: usize, wanted: Option<()>) {
        if let Some(slot) = self.slots.get_mut(&account) {
            slot.is_listening = wanted.is_some();
        }
    }

    /// A connection has ended; its ghost may stay until a time.
    pub fn leave(&mut self, account: usize, connection: u64, ghost_until: Option<Timestamp>) {
        let slot = self.slots.get_mut(&account);
        let own = slot.filter(|slot| slot.taken.as_ref().is_some_and(|(id, _)| *id == connection));
        if let Some(slot) = own {
            *slot = Slot { ghost_until, ..Slot::default() };
        }
    }

    /// Order streams that somebody listens to.
    pub fn listeners(&self) -> usize {
        self.slots.values().filter(|slot| slot.is_listening).count()
    }

    /// Whether an account's order stream is listened to.
    pub fn hears(&self, account: usize) -> bool {
        self.slots.get(&account).is_some_and(|slot| slot.is_listening && slot.taken.is_some())
    }

    /// Sends a message, and behind it one that was kept back.
    pub fn send(&mut self, account: usize, message: Value) {
        let Some(slot) = self.slots.get_mut(&account).filter(|slot| slot.is_listening) else {
            return;
        };
        let kept = slot.kept_back.take();
        if let Some((_, outlet)) = &slot.taken {
            for message in std::iter::once(message).chain(kept) {
                // A connection that has ended hears nothing more.
                outlet.send(message).ok();
            }
        }
    }

    /// Keeps a message back until the next one has been sent.
    pub fn keep_back(&mut self, account: usize, message: Value) {
        if let Some(slot) = self.slots.get_mut(&account) {
            slot.kept_back = Some(message);
        }
    }

    /// A connection of the market data stream; its number.
    ///
    /// # Errors
    /// [`Busy`] when the account has one to this feed already, or the ghost of one.
    pub fn view(
        &mut self,
        (account, feed): (usize, &str),
        outlet: Outlet,
        now: Timestamp,
    ) -> Result<u64, Busy> {
        let same = |viewer: &Viewer| viewer.account == account && viewer.feed == feed;
        let slot = (account, feed.to_owned());
        if self.viewers.values().any(same)
            || self.ghosts.get(&slot).is_some_and(|until| *until > now)
        {
            return Err(Busy);
        }
        self.ghosts.remove(&slot);
        self.next += 1;
        let (_, feed) = slot;
        let viewer = Viewer { account, feed, outlet: Some(outlet), subscribed: BTreeMap::new() };
        self.viewers.insert(self.next, viewer);
        Ok(self.next)
    }

    /// A connection of the market data stream has ended; its ghost may stay until a time.
    pub fn unview(&mut self, connection: u64, ghost_until: Option<Timestamp>) {
        if let (Some(viewer), Some(until)) = (self.viewers.remove(&connection), ghost_until) {
            self.ghosts.insert((viewer.account, viewer.feed), until);
        }
    }

    /// Breaks the connections that want to see a symbol.
    pub fn cut(&mut self, symbol: &str) {
        for viewer in self.viewers.values_mut().filter(|viewer| viewer.wants(symbol)) {
            viewer.outlet = None;
        }
    }

    /// Adds symbols to a channel of a connection, or takes them away.
    pub fn subscribe(
        &mut self,
        connection: u64,
        channel: &'static str,
        symbols: Vec<String>,
        how: Subscribe,
    ) {
        let Some(viewer) = self.viewers.get_mut(&connection) else { return };
        let subscribed = viewer.subscribed.entry(channel).or_default();
        match how {
            Subscribe::Add => subscribed.extend(symbols),
            Subscribe::Remove => subscribed.retain(|symbol| !symbols.contains(symbol)),
        }
    }

    /// What a connection is subscribed to in a channel.
    pub fn subscribed(&self, connection: u64, channel: &str) -> Vec<String> {
        let viewer = self.viewers.get(&connection);
        let symbols = viewer.and_then(|viewer| viewer.subscribed.get(channel));
        symbols.into_iter().flatten().cloned().collect()
    }

    /// Whether anybody views anything.
    pub fn is_viewed(&self) -> bool {
        !self.viewers.is_empty()
    }

    /// Whether anybody wants to see a symbol in any channel.
    pub fn is_watched(&self, symbol: &str) -> bool {
        self.viewers.values().any(|viewer| viewer.wants(symbol))
    }

    /// Sends a message of a channel about a symbol to whoever wants it.
    pub fn show(&self, channel: &str, symbol: &str, message: &Value) {
        for viewer in self.viewers.values() {
            let wanted = viewer.subscribed.get(channel);
            let outlet = viewer.outlet.as_ref();
            let outlet = outlet.filter(|_| wanted.is_some_and(|of| holds(of, symbol)));
            // A connection that has ended hears nothing more.
            outlet.and_then(|outlet| outlet.send(Value::Array(vec![message.clone()])).ok());
        }
    }
}

/// What is done to a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subscribe {
    /// More symbols.
    Add,
    /// Fewer.
    Remove,
}
