//! `/v2/{feed}`: what the market shows.

use std::time::Duration;

use axum::{
    extract::{State, WebSocketUpgrade, ws::WebSocket},
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};
use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::timeout,
};

use super::{Frames, Heard, hear, say, signed};
use crate::{
    account::DataPlan,
    hub::Subscribe,
    server::{Shared, credentials},
};

/// The feeds that there are.
pub(crate) const FEEDS: [&str; 6] = ["sip", "iex", "delayed_sip", "boats", "overnight", "test"];
/// The channels, in the order of the answer. What is not quotes, trades or bars is never sent anything.
const CHANNELS: [&str; 9] = [
    "trades",
    "quotes",
    "bars",
    "updatedBars",
    "dailyBars",
    "statuses",
    "lulds",
    "corrections",
    "cancelErrors",
];
/// How long a client may take to sign in.
const SIGN_IN: Duration = Duration::from_secs(10);
/// Symbols of a channel that the smaller data plan allows.
const SYMBOLS_MAX: usize = 30;

/// An error in the stream's words.
fn error(code: u32) -> Value {
    let message = match code {
        400 => "invalid syntax",
        401 => "not authenticated",
        402 => "auth failed",
        403 => "already authenticated",
        404 => "auth timeout",
        405 => "symbol limit exceeded",
        406 => "connection limit exceeded",
        409 => "insufficient subscription",
        410 => "invalid subscribe action for this feed",
        _ => "internal error",
    };
    json!([{ "T": "error", "code": code, "msg": message }])
}

fn success(message: &str) -> Value {
    json!([{ "T": "success", "msg": message }])
}

/// Lets a connection to a feed in.
pub(crate) async fn quote_stream(
    State(shared): State<Shared>,
    uri: Uri,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let feed = uri.path().rsplit('/').next().unwrap_or_default().to_owned();
    let frames = Frames::asked(&headers, Frames::Text);
    if !shared.lock().admits_viewer(&feed) {
        return (StatusCode::TOO_MANY_REQUESTS, "too many connections").into_response();
    }
    let known = shared.lock().signed_in(credentials(&headers).as_ref()).ok();
    upgrade.on_upgrade(move |socket| talk(socket, shared, frames, (feed, known)))
}

async fn talk(
    mut socket: WebSocket,
    shared: Shared,
    frames: Frames,
    (feed, known): (String, Option<usize>),
) {
    if !say(&mut socket, frames, &success("connected")).await {
        return;
    }
    let signing = authenticated(&mut socket, &shared, frames, known);
    let account = match timeout(SIGN_IN, signing).await {
        Ok(Some(account)) => account,
        Ok(None) => return,
        Err(_elapsed) => {
            say(&mut socket, frames, &error(404)).await;
            return;
        }
    };
    let (outlet, inbox) = unbounded_channel();
    let taken = {
        let mut exchange = shared.lock();
        let plan = exchange.venue().account(account).opening.data;
        if feed == "sip" && plan == DataPlan::Iex {
            Err(409)
        } else {
            exchange.view(account, &feed, outlet).map_err(|_busy| 406)
        }
    };
    match taken {
        Err(code) => {
            say(&mut socket, frames, &error(code)).await;
        }
        Ok(connection) => {
            if say(&mut socket, frames, &success("authenticated")).await {
                converse(&mut socket, &shared, frames, (account, connection, inbox)).await;
            }
            shared.lock().unview(connection, &feed);
        }
    }
}

/// Waits for a key that opens an account; `None` when the client went away or had a wrong one.
async fn authenticated(
    socket: &mut WebSocket,
    shared: &Shared,
    frames: Frames,
    known: Option<usize>,
) -> Option<usize> {
    if known.is_some() {
        return known;
    }
    loop {
        let message = match hear(socket).await {
            Heard::Gone => return None,
            Heard::Nothing => continue,
            Heard::Said(message) => message.unwrap_or(Value::Null),
        };
        let Some(credentials) = signed(&message) else {
            if !say(socket, frames, &error(401)).await {
                return None;
            }
            continue;
        };
        let account = shared.lock().signed_in(Some(&credentials));
        if let Ok(account) = account {
            return Some(account);
        }
        say(socket, frames, &error(402)).await;
        return None;
    }
}

async fn converse(
    socket: &mut WebSocket,
    shared: &Shared,
    frames: Frames,
    (account, connection, mut inbox): (usize, u64, UnboundedReceiver<Value>),
) {
    loop {
        let message = tokio::select! {
            shown = inbox.recv() => shown,
            heard = hear(socket) => match heard {
                Heard::Gone => None,
                Heard::Nothing => continue,
                Heard::Said(message) => {
                    Some(answer(shared, (account, connection), &message.unwrap_or(Value::Null)))
                }
            },
        };
        match message {
            Some(message) if say(socket, frames, &message).await => {}
            Some(_) | None => return,
        }
    }
}

/// The answer to a message.
fn answer(shared: &Shared, (account, connection): (usize, u64), message: &Value) -> Value {
    let how = match message["action"].as_str() {
        Some("subscribe") => Subscribe::Add,
        Some("unsubscribe") => Subscribe::Remove,
        Some("auth" | "authenticate") => return error(403),
        Some(_) => return error(410),
        None => return error(400),
    };
    let mut exchange = shared.lock();
    let is_small = exchange.venue().account(account).opening.data == DataPlan::Iex;
    for channel in CHANNELS {
        let symbols: Vec<String> = message[channel].as_array().map_or(Vec::new(), |symbols| {
            symbols.iter().filter_map(|symbol| symbol.as_str().map(str::to_owned)).collect()
        });
        let count = exchange.subscribed(connection, channel).len();
        if is_small && how == Subscribe::Add && count + symbols.len() > SYMBOLS_MAX {
            return error(405);
        }
        exchange.subscribe(connection, channel, symbols, how);
    }
    let mut subscribed = Map::new();
    subscribed.insert("T".to_owned(), "subscription".into());
    for channel in CHANNELS {
        subscribed.insert(channel.to_owned(), exchange.subscribed(connection, channel).into());
    }
    json!([subscribed])
}
