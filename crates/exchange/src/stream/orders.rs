//! `/stream`: what happens to the orders of an account.

use axum::{
    extract::{State, WebSocketUpgrade, ws::WebSocket},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::{Frames, Heard, error, hear, say, signed};
use crate::server::{Shared, credentials};

const UPDATES: &str = "trade_updates";

/// Lets a connection in, unless its slot is known to be busy.
pub(crate) async fn order_stream(
    State(shared): State<Shared>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let frames = Frames::asked(&headers, shared.frames());
    let account = {
        let mut exchange = shared.lock();
        let signed_in = exchange.signed_in(credentials(&headers).as_ref()).ok();
        // Whoever does not say who he is can only be the one that there is.
        let only = (exchange.venue().accounts().len() == 1).then_some(0);
        let expected = signed_in.or(only);
        if expected.is_some_and(|account| !exchange.admits(account)) {
            return (StatusCode::TOO_MANY_REQUESTS, "too many connections").into_response();
        }
        signed_in
    };
    upgrade.on_upgrade(move |socket| talk(socket, shared, frames, account))
}

async fn talk(mut socket: WebSocket, shared: Shared, frames: Frames, account: Option<usize>) {
    let Some(account) = authorized(&mut socket, &shared, frames, account).await else { return };
    let (outlet, inbox) = unbounded_channel();
    let taken = shared.lock().take_slot(account, outlet);
    let Ok(connection) = taken else {
        say(&mut socket, frames, &error("connection limit exceeded")).await;
        return;
    };
    converse(&mut socket, &shared, frames, (account, inbox)).await;
    shared.lock().leave_slot(account, connection);
}

/// Waits for a key that opens an account; `None` when the client went away.
async fn authorized(
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
        let account = shared.lock().signed_in(signed(&message).as_ref());
        let status = if account.is_ok() { "authorized" } else { "unauthorized" };
        let answer = json!({
            "stream": "authorization",
            "data": { "status": status, "action": "authenticate" },
        });
        if !say(socket, frames, &answer).await {
            return None;
        }
        if let Ok(account) = account {
            return Some(account);
        }
    }
}

async fn converse(
    socket: &mut WebSocket,
    shared: &Shared,
    frames: Frames,
    (account, mut inbox): (usize, UnboundedReceiver<Value>),
) {
    loop {
        let goes_on = tokio::select! {
            update = inbox.recv() => match update {
                None => false,
                Some(update) => {
                    say(socket, frames, &json!({ "stream": UPDATES, "data": update })).await
                }
            },
            heard = hear(socket) => match heard {
                Heard::Gone => false,
                Heard::Nothing => true,
                Heard::Said(message) => answer(socket, shared, frames, (account, message)).await,
            },
        };
        if !goes_on {
            return;
        }
    }
}

/// Answers a message; whether the conversation goes on.
async fn answer(
    socket: &mut WebSocket,
    shared: &Shared,
    frames: Frames,
    (account, message): (usize, Option<Value>),
) -> bool {
    let message = message.unwrap_or(Value::Null);
    let answer = match message["action"].as_str() {
        Some("listen") => {
            let asked = message["data"]["streams"].as_array();
            let wanted = asked.is_some_and(|asked| asked.iter().any(|stream| stream == UPDATES));
            shared.lock().listen(account, wanted.then_some(()));
            let streams: &[&str] = if wanted { &[UPDATES] } else { &[] };
            json!({ "stream": "listening", "data": { "streams": streams } })
        }
        Some("authenticate" | "auth") => json!({
            "stream": "authorization",
            "data": { "status": "authorized", "action": "authenticate" },
        }),
        Some(_) | None => {
            say(socket, frames, &error("invalid message")).await;
            return false;
        }
    };
    say(socket, frames, &answer).await
}
