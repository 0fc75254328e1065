//! HTTP on 127.0.0.1: bytes in, one call, bytes out.

use std::{
    convert::Infallible,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
    routing::any,
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

use crate::{
    call::{Answer, Call},
    exchange::Exchange,
    stream::{FEEDS, Frames, order_stream, quote_stream},
};

/// Bytes of a request's body that are read.
const BODY_MAX: usize = 1 << 20;
/// How often the exchange looks at the clock while nobody asks.
const TICK: Duration = Duration::from_millis(25);

/// The exchange as all connections share it. Calls are short and never wait inside.
#[derive(Clone, Debug)]
pub struct Shared {
    exchange: Arc<Mutex<Exchange>>,
    frames: Frames,
}

impl Shared {
    /// An exchange to be shared, whose order streams send such frames.
    pub fn new(exchange: Exchange, frames: Frames) -> Self {
        Self { exchange: Arc::new(Mutex::new(exchange)), frames }
    }

    /// The frames of the order streams.
    pub(crate) fn frames(&self) -> Frames {
        self.frames
    }

    /// The exchange, for one call.
    pub fn lock(&self) -> MutexGuard<'_, Exchange> {
        self.exchange.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why there is no server.
#[derive(Debug, Error)]
pub enum ServeError {
    /// Somebody else has the port.
    #[error(
        "EXCHANGE_PORT: port {port} of 127.0.0.1 is in use; stop what has it, or ask for another with --port"
    )]
    PortInUse {
        /// The port.
        port: u16,
    },
    /// The operating system refused.
    #[error("EXCHANGE_PORT: port {port} of 127.0.0.1: {source}")]
    Io {
        /// The port.
        port: u16,
        /// What it said.
        source: std::io::Error,
    },
}

/// The connection breaks before the answer.
#[derive(Clone, Copy, Debug, Error)]
#[error("the answer is lost")]
struct Lost;

/// Takes a port of 127.0.0.1; 0 takes any that is free.
///
/// # Errors
/// [`ServeError`] when that cannot be done.
pub async fn listen(port: u16) -> Result<TcpListener, ServeError> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    TcpListener::bind(address).await.map_err(|source| match source.kind() {
        std::io::ErrorKind::AddrInUse => ServeError::PortInUse { port },
        _ => ServeError::Io { port, source },
    })
}

/// Serves connections until the future is dropped.
pub async fn serve(listener: TcpListener, shared: Shared) -> Infallible {
    let router = router(shared.clone());
    serve_by(listener, shared, router).await
}

/// The same by a router of the caller's: [`router`], and something before it.
pub async fn serve_by(listener: TcpListener, shared: Shared, router: Router) -> Infallible {
    tokio::spawn(keep_time(shared));
    loop {
        // A connection that could not be taken is its sender's affair.
        if let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(connection(stream, router.clone()));
        }
    }
}

/// While nobody asks, time passes, too.
async fn keep_time(shared: Shared) {
    let mut interval = tokio::time::interval(TICK);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        shared.lock().tick();
    }
}

async fn connection(stream: TcpStream, router: Router) {
    // Answers are small and awaited.
    stream.set_nodelay(true).ok();
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let router = router.clone();
        async move {
            let response = router.oneshot(request.map(Body::new)).await.map_err(|_error| Lost)?;
            match response.extensions().get::<Lost>() {
                Some(lost) => Err(*lost),
                None => Ok(response),
            }
        }
    });
    // A client that went away, and an answer that is to be lost, both end the connection.
    http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await
        .ok();
}

/// No answer: the connection breaks instead.
pub fn lost() -> Response {
    let mut response = plain(StatusCode::OK);
    response.extensions_mut().insert(Lost);
    response
}

/// Every path of the exchange.
pub fn router(shared: Shared) -> Router {
    let feeds = FEEDS.into_iter().fold(Router::new(), |router, feed| {
        router.route(&format!("/v2/{feed}"), any(quote_stream))
    });
    feeds.route("/stream", any(order_stream)).fallback(answer).with_state(shared)
}

async fn answer(State(shared): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let mut call = Call::new(parts.method.as_str(), target);
    call.credentials = credentials(&parts.headers);
    match to_bytes(body, BODY_MAX).await {
        Ok(bytes) => call.body = bytes.to_vec(),
        Err(_) => return plain(StatusCode::PAYLOAD_TOO_LARGE),
    }
    let answer = shared.lock().answer(&call);
    if !answer.wait.is_zero() {
        pass(&shared, answer.wait).await;
    }
    response(answer)
}

/// The time of a slow answer: it is waited through, or moves a clock that stands still by itself.
async fn pass(shared: &Shared, wait: Duration) {
    if !shared.lock().move_by(wait) {
        tokio::time::sleep(wait).await;
    }
}

/// Key and secret of a request.
pub(crate) fn credentials(headers: &HeaderMap) -> Option<(String, String)> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::to_owned);
    Some((text("APCA-API-KEY-ID")?, text("APCA-API-SECRET-KEY")?))
}

fn plain(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

fn response(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    if answer.is_lost {
        return lost();
    }
    let mut response = plain(status);
    if !answer.body.is_null() {
        *response.body_mut() = Body::from(answer.body.to_string());
        let json = HeaderValue::from_static("application/json; charset=UTF-8");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
    }
    for (name, value) in answer.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
