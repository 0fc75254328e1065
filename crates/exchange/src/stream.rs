//! The `WebSocket`s: how frames carry JSON, and the two conversations.

mod orders;
mod packed;
mod quotes;

use axum::{
    extract::ws::{Message, WebSocket},
    http::{HeaderMap, header},
};
use serde_json::{Value, json};

pub(crate) use self::{
    orders::order_stream,
    quotes::{FEEDS, quote_stream},
};

/// How frames carry messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frames {
    /// JSON in text frames.
    Text,
    /// JSON in binary frames.
    Binary,
    /// `MessagePack` in binary frames.
    Packed,
}

impl Frames {
    /// What a client asks for by its headers, or else the usual.
    fn asked(headers: &HeaderMap, usual: Self) -> Self {
        let content = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if content.is_some_and(|content| content.contains("msgpack")) {
            Self::Packed
        } else {
            usual
        }
    }

    /// A message as a frame.
    fn frame(self, message: &Value) -> Message {
        match self {
            Self::Text => Message::text(message.to_string()),
            Self::Binary => Message::binary(message.to_string().into_bytes()),
            Self::Packed => Message::binary(packed::pack(message)),
        }
    }
}

/// What comes from a client.
enum Heard {
    /// A message, or something that is none.
    Said(Option<Value>),
    /// A ping, a pong: answered below us.
    Nothing,
    /// It went away.
    Gone,
}

/// The next thing that a client says.
async fn hear(socket: &mut WebSocket) -> Heard {
    match socket.recv().await {
        None | Some(Err(_) | Ok(Message::Close(_))) => Heard::Gone,
        Some(Ok(Message::Text(text))) => Heard::Said(serde_json::from_str(&text).ok()),
        Some(Ok(Message::Binary(bytes))) => {
            let json = serde_json::from_slice(&bytes).ok();
            Heard::Said(json.or_else(|| packed::unpack(&bytes)))
        }
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Heard::Nothing,
    }
}

/// Sends a message; whether the client is still there.
async fn say(socket: &mut WebSocket, frames: Frames, message: &Value) -> bool {
    socket.send(frames.frame(message)).await.is_ok()
}

/// Key and secret of a message of either form.
fn signed(message: &Value) -> Option<(String, String)> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match message["action"].as_str()? {
        "authenticate" => {
            let said = &message["data"];
            Some((text(&said["key_id"])?, text(&said["secret_key"])?))
        }
        "auth" => Some((text(&message["key"])?, text(&message["secret"])?)),
        _ => None,
    }
}

/// An error in the order stream's words.
fn error(message: &str) -> Value {
    json!({ "action": "error", "data": { "error_message": message } })
}
