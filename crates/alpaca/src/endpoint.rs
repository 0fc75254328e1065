//! Where Alpaca's interfaces are.

use std::net::IpAddr;

use alchemiser_core::reading::TradeMode;
use reqwest::Url;
use thiserror::Error;

/// The trading interface of real accounts.
pub const LIVE: &str = "https://api.alpaca.markets";
/// The trading interface of paper accounts.
pub const PAPER: &str = "https://paper-api.alpaca.markets";
/// Market data for both.
const DATA: &str = "https://data.alpaca.markets";
/// Streams of market data for both.
const STREAM: &str = "https://stream.data.alpaca.markets";

/// How far requests may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Anywhere.
    Anywhere,
    /// To this machine only: tests and rehearsals.
    Loopback,
}

/// An address that no request is sent to.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EndpointRefused {
    /// It is no address.
    #[error(
        "ENDPOINT_MALFORMED: expected an address like https://paper-api.alpaca.markets or http://127.0.0.1:8080, found {found:?}"
    )]
    Malformed {
        /// The text.
        found: String,
    },
    /// Keys would travel readable.
    #[error("ENDPOINT_INSECURE: expected https for another machine, found {found}; use https")]
    Insecure {
        /// The address.
        found: Url,
    },
    /// It is on another machine.
    #[error(
        "ENDPOINT_NOT_LOOPBACK: expected an address of this machine (ALCHEMISER_LOOPBACK_ONLY is set), found {found}; name one with --endpoint and --data-endpoint"
    )]
    NotLoopback {
        /// The address.
        found: Url,
    },
}

/// Trading and market data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    /// Orders, account, positions, assets, clock.
    pub trading: Url,
    /// Quotes and trades.
    pub data: Url,
}

impl Endpoints {
    /// Alpaca's own for this kind of account, or others instead of them. Where only the trading address is given,
    /// market data come from there, too.
    ///
    /// # Errors
    /// [`EndpointRefused`] for what is no address, for one outside the reach, and for one that is neither secure nor on
    /// this machine.
    pub fn new(
        mode: TradeMode,
        trading: Option<&str>,
        data: Option<&str>,
        reach: Reach,
    ) -> Result<Self, EndpointRefused> {
        let own = match mode {
            TradeMode::Live => LIVE,
            TradeMode::Paper | TradeMode::Simulated => PAPER,
        };
        Ok(Self {
            trading: address(trading.unwrap_or(own), reach)?,
            data: address(data.or(trading).unwrap_or(DATA), reach)?,
        })
    }

    /// Streams of quotes: Alpaca's own, or where the market data come from.
    pub(crate) fn stream(&self) -> Url {
        let is_own = self.data.as_str().trim_end_matches('/') == DATA;
        let own = Url::parse(STREAM).ok().filter(|_| is_own);
        as_socket(own.unwrap_or_else(|| self.data.clone()))
    }

    /// Both are Alpaca's own.
    pub fn are_alpacas(&self) -> bool {
        let is = |url: &Url| url.host_str().is_some_and(|host| host.ends_with(".alpaca.markets"));
        is(&self.trading) && is(&self.data)
    }
}

fn address(text: &str, reach: Reach) -> Result<Url, EndpointRefused> {
    let malformed = || EndpointRefused::Malformed { found: text.chars().take(80).collect() };
    let url = Url::parse(text).map_err(|_not_an_url| malformed())?;
    let is_plain = matches!(url.scheme(), "http" | "https")
        && url.username().is_empty()
        && url.password().is_none();
    if !is_plain || url.host_str().is_none() || url.query().is_some() {
        return Err(malformed());
    }
    let local = is_loopback(&url);
    if reach == Reach::Loopback && !local {
        return Err(EndpointRefused::NotLoopback { found: url });
    }
    if url.scheme() == "http" && !local {
        return Err(EndpointRefused::Insecure { found: url });
    }
    Ok(url)
}

/// The same address for a `WebSocket`.
fn as_socket(mut url: Url) -> Url {
    let scheme = if url.scheme() == "https" { "wss" } else { "ws" };
    // From one scheme with a host to another: never refused.
    if url.set_scheme(scheme).is_err() {
        tracing::debug!(%url, "the address of streams keeps its scheme");
    }
    url
}

/// A number of this machine; a name could lead anywhere.
fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(trading: Option<&str>, reach: Reach, expected: &str) {
        let found = Endpoints::new(TradeMode::Paper, trading, None, reach);
        let said = found.map_or_else(|error| error.to_string(), |ends| ends.trading.to_string());
        assert!(said.starts_with(expected), "{trading:?}: {said}");
    }

    #[test]
    fn an_address_is_secure_or_on_this_machine() {
        let any = Reach::Anywhere;
        check(None, any, "https://paper-api.alpaca.markets/");
        check(Some("https://example.com"), any, "https://example.com/");
        check(Some("http://127.0.0.1:8080"), any, "http://127.0.0.1:8080/");
        check(Some("http://[::1]:8080"), any, "http://[::1]:8080/");
        check(Some("http://example.com"), any, "ENDPOINT_INSECURE");
        check(Some("http://localhost.example.com"), any, "ENDPOINT_INSECURE");
        for text in ["", "127.0.0.1", "ftp://127.0.0.1", "https://a:b@example.com", "https://x?y"] {
            check(Some(text), any, "ENDPOINT_MALFORMED");
        }
    }

    #[test]
    fn a_rehearsal_stays_on_this_machine() {
        check(None, Reach::Loopback, "ENDPOINT_NOT_LOOPBACK");
        check(Some("https://example.com"), Reach::Loopback, "ENDPOINT_NOT_LOOPBACK");
        check(Some("http://127.0.0.1:1"), Reach::Loopback, "http://127.0.0.1:1/");
    }

    #[test]
    fn each_kind_of_account_has_its_own_address() {
        let of = |mode| Endpoints::new(mode, None, None, Reach::Anywhere).unwrap();
        assert_eq!(of(TradeMode::Live).trading.as_str(), "https://api.alpaca.markets/");
        assert_eq!(of(TradeMode::Live).data, of(TradeMode::Paper).data);
        assert!(of(TradeMode::Live).are_alpacas());
        let own =
            Endpoints::new(TradeMode::Paper, Some("http://127.0.0.1:9"), None, Reach::Loopback);
        assert_eq!(own.as_ref().map(|own| own.data.port()), Ok(Some(9)));
        assert_eq!(own.as_ref().unwrap().stream().as_str(), "ws://127.0.0.1:9/");
        assert_eq!(of(TradeMode::Live).stream().as_str(), "wss://stream.data.alpaca.markets/");
        assert!(!own.unwrap().are_alpacas());
    }
}
