//! One connection: signing in, subscribing, hearing.

use alchemiser_core::ids::Symbol;
use futures::{SinkExt, StreamExt};
use serde_json::{json, value::RawValue};
use tokio::{
    sync::oneshot,
    time::{Instant, MissedTickBehavior, interval, timeout, timeout_at},
};
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};

use super::{
    Pace,
    wire::{Socket, connect},
};
use crate::{
    Alpaca,
    fields::{Fields, Unreadable, list},
    market,
};

/// How a connection came to its end.
#[derive(Debug)]
pub(super) enum Ended {
    /// Its owner ended it.
    Asked,
    /// It will not be let in, however often it tries.
    Refused(String),
    /// It may be tried again.
    Broken(String),
}

/// What an item of a message comes to.
enum Next {
    /// Listen on.
    Hear,
    /// Say this.
    Say(String),
    /// The quotes are subscribed to.
    Subscribed,
    /// Listen no more.
    End(Ended),
}

/// What is talked about.
pub(super) struct Talk<'a> {
    pub(super) alpaca: &'a Alpaca,
    pub(super) symbols: &'a [Symbol],
    pub(super) pace: Pace,
}

/// Errors that stay: keys, subscription, number of symbols.
const FOR_GOOD: [u64; 5] = [400, 402, 405, 409, 410];

fn broken(why: impl Into<String>) -> Ended {
    Ended::Broken(why.into())
}

impl Talk<'_> {
    /// Connects once, and hears until the connection's end.
    pub(super) async fn once(&self, ended: &mut oneshot::Receiver<()>) -> Ended {
        let mut url = self.alpaca.endpoints().stream();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["v2", self.alpaca.feed.word()]);
        }
        let mut socket = tokio::select! {
            connected = timeout(self.pace.sign_in, connect(&url)) => match connected {
                Ok(Ok(socket)) => socket,
                Ok(Err(error)) => return broken(self.said(&error)),
                Err(_elapsed) => return broken(format!("no connection within {:?}", self.pace.sign_in)),
            },
            _ = &mut *ended => return Ended::Asked,
        };
        let how = tokio::select! {
            how = self.hear(&mut socket) => how,
            _ = ended => Ended::Asked,
        };
        // A slot is free the sooner the better; a connection that does not answer is left behind.
        if timeout(self.pace.ping, socket.close(None)).await.is_err() {
            tracing::debug!("the quote stream's connection did not take its close");
        }
        how
    }

    /// What went wrong with a connection; a handshake that is refused says its status.
    fn said(&self, error: &Error) -> String {
        match error {
            Error::Http(answer) => format!("the handshake answered {}", answer.status()),
            other => self.alpaca.hide(&other.to_string()),
        }
    }

    async fn hear(&self, socket: &mut Socket) -> Ended {
        let (mut pings, mut is_subscribed) = (interval(self.pace.ping), false);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let begun = Instant::now();
        let mut heard = begun;
        loop {
            let patience =
                if is_subscribed { heard + self.pace.silence } else { begun + self.pace.sign_in };
            let message = tokio::select! {
                message = timeout_at(patience, socket.next()) => message,
                _ = pings.tick() => {
                    match socket.send(Message::Ping(Bytes::new())).await {
                        Ok(()) => continue,
                        Err(error) => return broken(self.said(&error)),
                    }
                }
            };
            let message = match message {
                Err(_elapsed) => return broken("the connection is silent"),
                Ok(None) => return broken("the connection was closed"),
                Ok(Some(Err(error))) => return broken(self.said(&error)),
                Ok(Some(Ok(message))) => message,
            };
            heard = Instant::now();
            match self.take(socket, &message).await {
                Ok(subscribed) => is_subscribed |= subscribed,
                Err(how) => return how,
            }
            if is_subscribed {
                self.alpaca.heard.at(self.alpaca.clock.now());
            }
        }
    }

    /// Takes in a message, each of its items; whether it says that the quotes are subscribed to.
    async fn take(&self, socket: &mut Socket, message: &Message) -> Result<bool, Ended> {
        let bytes = match message {
            Message::Text(text) => text.as_bytes(),
            Message::Binary(bytes) => bytes,
            Message::Close(_) => return Err(broken("the broker closed the connection")),
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => return Ok(false),
        };
        let items = list(bytes).map_err(|Unreadable(why)| broken(why))?;
        let mut is_subscribed = false;
        for item in items {
            match self.next(item) {
                Ok(Next::Hear) => {}
                Ok(Next::Subscribed) => is_subscribed = true,
                Ok(Next::End(how)) => return Err(how),
                Ok(Next::Say(text)) => {
                    let sent = socket.send(Message::text(text)).await;
                    sent.map_err(|error| broken(self.said(&error)))?;
                }
                Err(Unreadable(found)) => {
                    tracing::debug!(%found, "a message of the quote stream is left out");
                }
            }
        }
        Ok(is_subscribed)
    }

    fn next(&self, item: &RawValue) -> Result<Next, Unreadable> {
        let fields = Fields::of(item)?;
        let kind = fields.required("T")?;
        let word = fields.text("msg")?.unwrap_or_default();
        Ok(match (kind.as_str(), word.as_str()) {
            ("q", _) => {
                let observed_at = self.alpaca.clock.now();
                if let (Ok(symbol), Some(quote)) =
                    (Symbol::new(&fields.required("S")?), market::quote(&fields, observed_at)?)
                {
                    self.alpaca.heard.quote(symbol, quote);
                }
                Next::Hear
            }
            ("success", "connected") => Next::Say(self.sign_in()),
            ("success", "authenticated") => Next::Say(self.subscribe()),
            ("subscription", _) => Next::Subscribed,
            ("error", _) => {
                let code = fields.text("code")?.and_then(|code| code.parse().ok());
                let why = format!("{word}, code {}", code.unwrap_or_default());
                let why = self.alpaca.hide(&why);
                let stays = code.is_some_and(|code| FOR_GOOD.contains(&code));
                Next::End(if stays { Ended::Refused(why) } else { Ended::Broken(why) })
            }
            // Trades, bars, halts: not asked for.
            (_, _) => Next::Hear,
        })
    }

    fn sign_in(&self) -> String {
        let keys = self.alpaca.line.keys().now();
        json!({ "action": "auth", "key": keys.id(), "secret": keys.secret() }).to_string()
    }

    fn subscribe(&self) -> String {
        let symbols: Vec<&str> = self.symbols.iter().map(Symbol::as_str).collect();
        json!({ "action": "subscribe", "quotes": symbols }).to_string()
    }
}
