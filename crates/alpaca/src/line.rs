//! One request, sent once, and what came of it.

use std::{sync::Arc, time::Duration};

use alchemiser_driver::ports::Clock;
use jiff::{SignedDuration, Timestamp};
use reqwest::{Client, Method, Response, StatusCode, Url, header::HeaderMap, redirect, retry};
use serde::Serialize;
use thiserror::Error;

use crate::{
    budget::{Budget, Leave, Rank, RateSaid},
    endpoint::Endpoints,
    failed::{Class, Failed, MESSAGE_MAX},
    fields::{Fields, Unknown, Unreadable},
    keyring::Keyring,
    keys::Keys,
};

/// No secure connections can be made on this machine.
#[derive(Debug, Error)]
#[error("TLS: expected a machine that can make TLS connections, found: {0}")]
pub struct LineError(String);

/// The larger interface: its limits and its addresses differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Trading,
    Data,
}

/// A request.
#[derive(Debug)]
pub(crate) struct Ask<'a> {
    side: Side,
    rank: Rank,
    method: Method,
    path: &'a [&'a str],
    query: &'a [(&'a str, &'a str)],
    body: Option<Vec<u8>>,
}

impl<'a> Ask<'a> {
    pub(crate) fn get(path: &'a [&'a str], query: &'a [(&'a str, &'a str)]) -> Self {
        let (side, rank, method) = (Side::Trading, Rank::Poll, Method::GET);
        Self { side, rank, method, path, query, body: None }
    }

    pub(crate) fn delete(path: &'a [&'a str]) -> Self {
        Self { method: Method::DELETE, rank: Rank::Cancel, ..Self::get(path, &[]) }
    }

    /// A POST of an order.
    pub(crate) fn post(path: &'a [&'a str], body: &impl Serialize) -> Self {
        let body = serde_json::to_vec(body).unwrap_or_default();
        Self { method: Method::POST, rank: Rank::Order, body: Some(body), ..Self::get(path, &[]) }
    }

    pub(crate) fn of_data(self) -> Self {
        Self { side: Side::Data, ..self }
    }

    pub(crate) fn ranked(self, rank: Rank) -> Self {
        Self { rank, ..self }
    }

    /// Asking again does no harm, and what came of it the first time does not matter.
    fn is_reading(&self) -> bool {
        self.method == Method::GET
    }
}

/// An answer of the 200s.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) bytes: Vec<u8>,
    request_id: Option<String>,
    is_reading: bool,
}

impl Reply {
    /// What a reader makes of it. An answer that cannot be read is no answer.
    pub(crate) fn read<'a, T>(
        &'a self,
        read: impl FnOnce(&'a [u8]) -> Result<T, Unreadable>,
    ) -> Result<T, Failed> {
        read(&self.bytes).map_err(|Unreadable(message)| {
            let class = if self.is_reading { Class::Transient } else { Class::Ambiguous };
            Failed { request_id: self.request_id.clone(), ..Failed::unanswered(class, message) }
        })
    }
}

/// The connections of an account, and what they may be used for.
#[derive(Debug)]
pub(crate) struct Line {
    client: Client,
    endpoints: Endpoints,
    keys: Keyring,
    timeout: Duration,
    clock: Arc<dyn Clock>,
    trading: Budget,
    data: Budget,
    pub(crate) unknown: Unknown,
}

impl Line {
    pub(crate) fn new(
        endpoints: Endpoints,
        keys: Keyring,
        timeout: SignedDuration,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, LineError> {
        let timeout = Duration::try_from(timeout).unwrap_or_default();
        let client = client()?;
        let now = clock.now();
        let (trading, data) = (Budget::full(now), Budget::full(now));
        let unknown = Unknown::default();
        Ok(Self { client, endpoints, keys, timeout, clock, trading, data, unknown })
    }

    pub(crate) fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    pub(crate) fn keys(&self) -> &Keyring {
        &self.keys
    }

    /// Orders that may be sent now.
    pub(crate) fn left(&self) -> u32 {
        self.trading.left(self.clock.now())
    }

    fn budget(&self, side: Side) -> &Budget {
        match side {
            Side::Trading => &self.trading,
            Side::Data => &self.data,
        }
    }

    /// Sends a request, once.
    pub(crate) async fn send(&self, ask: Ask<'_>) -> Result<Reply, Failed> {
        self.wait_for_leave(&ask).await?;
        let sent = tokio::time::timeout(self.timeout, self.exchange(&ask)).await;
        let reply = match sent {
            Ok(reply) => reply,
            Err(_) => Err(self.unanswered(&ask, &format!("no answer within {:?}", self.timeout))),
        };
        trace(&ask, &reply);
        reply
    }

    /// Waits until the budget has a call for this; an order does not wait.
    async fn wait_for_leave(&self, ask: &Ask<'_>) -> Result<(), Failed> {
        let begun = self.clock.now();
        let timeout = SignedDuration::try_from(self.timeout).unwrap_or(SignedDuration::MAX);
        let latest = begun.saturating_add(timeout).unwrap_or(begun);
        loop {
            match self.budget(ask.side).ask(ask.rank, self.clock.now()) {
                Leave::Go => return Ok(()),
                Leave::Wait(until) if ask.rank == Rank::Order || until > latest => {
                    let message = format!("held back: no call is left until {until}");
                    let failed = Failed::unanswered(Class::Throttled, message);
                    return Err(Failed { unsent: true, ..failed });
                }
                Leave::Wait(until) => self.clock.sleep_until(until).await,
            }
        }
    }

    /// An answer that refuses the keys says that nothing was done. With newer keys, if there are any, the very same
    /// request goes once more: keys may be changed while plans are traded.
    async fn exchange(&self, ask: &Ask<'_>) -> Result<Reply, Failed> {
        let keys = self.keys.now();
        let failed = match self.once(ask, &keys).await {
            Err(failed) if failed.is_unauthorized() => failed,
            answered => return answered,
        };
        let now = self.clock.now();
        match self.keys.instead_of(&keys, now).await {
            Some(newer) if self.budget(ask.side).ask(ask.rank, now) == Leave::Go => {
                self.once(ask, &newer).await
            }
            Some(_) | None => Err(failed),
        }
    }

    async fn once(&self, ask: &Ask<'_>, keys: &Keys) -> Result<Reply, Failed> {
        let mut request = self
            .client
            .request(ask.method.clone(), self.url(ask))
            .header("APCA-API-KEY-ID", keys.id())
            .header("APCA-API-SECRET-KEY", keys.secret());
        if let Some(body) = &ask.body {
            request = request.header("Content-Type", "application/json").body(body.clone());
        }
        let response = request.send().await.map_err(|error| self.broken(ask, &error))?;
        let now = self.clock.now();
        self.budget(ask.side).heard(said(response.status(), response.headers()), now);
        let (status, request_id) = (response.status(), text(response.headers(), "X-Request-ID"));
        let bytes = self.bytes(ask, response).await?;
        if status.is_success() {
            return Ok(Reply { bytes, request_id, is_reading: ask.is_reading() });
        }
        Err(self.refused(ask, status, &bytes, request_id))
    }

    async fn bytes(&self, ask: &Ask<'_>, response: Response) -> Result<Vec<u8>, Failed> {
        let bytes = response.bytes().await.map_err(|error| self.broken(ask, &error))?;
        Ok(bytes.to_vec())
    }

    fn url(&self, ask: &Ask<'_>) -> Url {
        let mut url = match ask.side {
            Side::Trading => self.endpoints.trading.clone(),
            Side::Data => self.endpoints.data.clone(),
        };
        // An address with a host takes segments.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(ask.path);
        }
        if !ask.query.is_empty() {
            url.query_pairs_mut().extend_pairs(ask.query);
        }
        url
    }

    /// A connection that broke, in words without the address.
    fn broken(&self, ask: &Ask<'_>, error: &reqwest::Error) -> Failed {
        let mut words = Vec::new();
        let mut source: Option<&dyn std::error::Error> = std::error::Error::source(error);
        while let Some(cause) = source {
            words.push(cause.to_string());
            source = cause.source();
        }
        words.dedup();
        let what = if error.is_connect() { "no connection" } else { "the connection broke" };
        self.unanswered(ask, &format!("{what}: {}", words.join(": ")))
    }

    fn unanswered(&self, ask: &Ask<'_>, message: &str) -> Failed {
        let class = if ask.is_reading() { Class::Transient } else { Class::Ambiguous };
        Failed::unanswered(class, cut(&self.keys.hide(message)))
    }

    fn refused(
        &self,
        ask: &Ask<'_>,
        status: StatusCode,
        bytes: &[u8],
        request_id: Option<String>,
    ) -> Failed {
        let unclear = if ask.is_reading() { Class::Transient } else { Class::Ambiguous };
        let class = match status.as_u16() {
            429 => Class::Throttled,
            // A request timed out, came too early, or was redirected, which is not followed.
            408 | 425 => unclear,
            400..=499 => Class::Refused,
            _ => unclear,
        };
        let fields = Fields::read(bytes).ok();
        let field =
            |name: &str| fields.as_ref().and_then(|fields| fields.text(name).ok().flatten());
        let available = fields.as_ref().and_then(|f| f.quantity("available").ok().flatten());
        let words =
            || String::from_utf8_lossy(bytes).split_whitespace().collect::<Vec<_>>().join(" ");
        let message = field("message").unwrap_or_else(words);
        Failed {
            class,
            status: Some(status.as_u16()),
            code: field("code").and_then(|code| code.parse().ok()),
            message: cut(&self.keys.hide(&message)),
            request_id,
            available,
            unsent: false,
        }
    }
}

fn cut(text: &str) -> String {
    text.chars().take(MESSAGE_MAX).collect()
}

/// TLS by rustls with ring and the roots of Mozilla, which are in the program, for these protocols.
pub(crate) fn tls(protocols: &[&[u8]]) -> Result<rustls::ClientConfig, LineError> {
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| LineError(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Ok(tls)
}

fn client() -> Result<Client, LineError> {
    Client::builder()
        .tls_backend_preconfigured(tls(&[b"h2", b"http/1.1"])?)
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .no_proxy()
        .tcp_nodelay(true)
        .user_agent(concat!("alchemiser/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| LineError(error.to_string()))
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(|text| text.chars().take(80).collect())
}

/// What the headers of an answer say of the rate.
fn said(status: StatusCode, headers: &HeaderMap) -> RateSaid {
    let number = |name: &str| text(headers, name)?.trim().parse::<u32>().ok();
    let reset = text(headers, "X-RateLimit-Reset").and_then(|text| text.trim().parse().ok());
    let retry_after = number("Retry-After").map(|s| SignedDuration::from_secs(i64::from(s)));
    RateSaid {
        limit: number("X-RateLimit-Limit"),
        remaining: number("X-RateLimit-Remaining"),
        reset: reset.and_then(|second| Timestamp::from_second(second).ok()),
        retry_after,
        is_over: status == StatusCode::TOO_MANY_REQUESTS,
    }
}

/// Every call leaves a line with the broker's id of it, which its support asks for and which cannot be had later.
fn trace(ask: &Ask<'_>, reply: &Result<Reply, Failed>) {
    let (method, path) = (ask.method.as_str(), ask.path.join("/"));
    match reply {
        Ok(reply) => {
            tracing::debug!(method, path, request_id = reply.request_id, "the broker answered");
        }
        Err(failed) => tracing::info!(
            method, path, class = failed.class.word(), status = failed.status, code = failed.code,
            request_id = failed.request_id, message = %failed.message, "the broker did not do it"
        ),
    }
}
