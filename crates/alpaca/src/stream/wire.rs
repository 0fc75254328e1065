//! The connection below the conversation: TCP, TLS where the address says so, and the handshake.

use std::{io, sync::Arc};

use reqwest::Url;
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Error, protocol::WebSocketConfig},
};

use crate::line::tls;

/// Bytes of a message: a minute's burst of quotes is far less.
const MESSAGE_MAX: usize = 1 << 20;

/// Bytes that come and go.
pub(super) trait Bytes: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Bytes for T {}

/// A connection.
pub(super) type Socket = WebSocketStream<Box<dyn Bytes>>;

/// Connects.
pub(super) async fn connect(url: &Url) -> Result<Socket, Error> {
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((bare, port)).await?;
    stream.set_nodelay(true)?;
    let stream: Box<dyn Bytes> = if url.scheme() == "wss" {
        let name = ServerName::try_from(bare.to_owned()).map_err(io::Error::other)?;
        let config = tls(&[b"http/1.1"]).map_err(io::Error::other)?;
        Box::new(TlsConnector::from(Arc::new(config)).connect(name, stream).await?)
    } else {
        Box::new(stream)
    };
    let config = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_MAX))
        .max_frame_size(Some(MESSAGE_MAX));
    let (socket, _) = client_async_with_config(url.as_str(), stream, Some(config)).await?;
    Ok(socket)
}
