//! Where plans are traded, as the environment says it; nothing is asked of anybody here.

use std::path::PathBuf;

use alchemiser_alpaca::endpoint::{Endpoints, LIVE, PAPER, Reach};
use alchemiser_aws::variable;
use alchemiser_core::reading::TradeMode;
use alchemiser_driver::invoke::Failed;
use alchemiser_local::settings::Flag;

/// Whose broker.
pub(crate) const BROKER: &str = "ALCHEMISER_BROKER";

/// The secret with the broker's keys.
pub(crate) const SECRET: &str = "ALCHEMISER_BROKER_SECRET";

/// Which money.
pub(crate) const STAGE: &str = "ALCHEMISER_STAGE";

/// Real money is asked for twice: by the stage, and by this variable.
const CONFIRM: &str = "ALCHEMISER_CONFIRM_LIVE";

/// What it must say.
const CONFIRMED: &str = "real-money";

/// The code of a stage that is not confirmed, or not meant.
const LIVE_NOT_ARMED: &str = "LIVE_NOT_ARMED";

/// No request to a broker leaves this machine while it is set.
const LOOPBACK: &str = "ALCHEMISER_LOOPBACK_ONLY";

/// What was expected of the broker.
const EXPECTED: &str = "https://paper-api.alpaca.markets, https://api.alpaca.markets, http://127.0.0.1:PORT or simulated:DIR";

/// Where plans are traded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Venue {
    /// On a simulated exchange, whose journal is in this directory.
    Simulated(PathBuf),
    /// At Alpaca, or at an exchange of this machine that speaks its language.
    Alpaca(Endpoints, TradeMode),
}

impl Venue {
    /// Reads the broker's address, and whether it is the stage's.
    ///
    /// # Errors
    /// [`Failed`] naming the variable, what was expected and what was found.
    pub(crate) fn from_env() -> Result<Option<Self>, Failed> {
        let venue = variable::optional(BROKER).map(|text| Self::named(&text)).transpose()?;
        if let Some(venue) = &venue {
            let (stage, confirmed) = (variable::optional(STAGE), variable::optional(CONFIRM));
            venue.fits(stage.as_deref(), confirmed.as_deref())?;
        }
        Ok(venue)
    }

    /// Nobody said where.
    pub(crate) fn missing() -> Failed {
        variable::refused(BROKER, EXPECTED, "nothing")
    }

    fn named(text: &str) -> Result<Self, Failed> {
        if let Some(directory) = text.strip_prefix("simulated:").filter(|dir| !dir.is_empty()) {
            return Ok(Self::Simulated(directory.into()));
        }
        let reach = variable::optional(LOOPBACK).map_or(Reach::Anywhere, |_| Reach::Loopback);
        let (mode, address, reach) = match text.trim_end_matches('/') {
            LIVE => (TradeMode::Live, None, reach),
            PAPER => (TradeMode::Paper, None, reach),
            _ => (TradeMode::Paper, Some(text), Reach::Loopback),
        };
        let endpoints = Endpoints::new(mode, address, None, reach);
        let endpoints =
            endpoints.map_err(|_why| variable::refused(BROKER, EXPECTED, &format!("{text:?}")))?;
        Ok(Self::Alpaca(endpoints, mode))
    }

    /// Real money is traded in stage `live` only, and nothing else is.
    fn fits(&self, stage: Option<&str>, confirmed: Option<&str>) -> Result<(), Failed> {
        let found = |found: Option<&str>| found.map_or("nothing".to_owned(), |f| format!("{f:?}"));
        let refused = |variable: &str, expected: &str, said: Option<&str>| {
            let text = format!("{variable}: expected {expected}, found {}", found(said));
            Err(Failed::new(LIVE_NOT_ARMED, text))
        };
        match (self.mode(), stage, confirmed) {
            (TradeMode::Live, Some("live"), Some(CONFIRMED)) => Ok(()),
            (TradeMode::Live, Some("live"), other) => {
                refused(CONFIRM, "real-money, without which no real money is traded", other)
            }
            (TradeMode::Live, other, _) => {
                refused(STAGE, "live beside the address of real accounts", other)
            }
            (_, Some("live"), _) => {
                refused(BROKER, "https://api.alpaca.markets in stage live", Some(self.word()))
            }
            (TradeMode::Paper | TradeMode::Simulated, _, _) => Ok(()),
        }
    }

    fn mode(&self) -> TradeMode {
        match self {
            Self::Simulated(_) => TradeMode::Simulated,
            Self::Alpaca(_, mode) => *mode,
        }
    }

    fn word(&self) -> &'static str {
        self.mode().word()
    }

    /// Settings that follow from it, and that no other layer may say otherwise.
    pub(crate) fn settings(&self) -> Vec<Flag> {
        let flag = |name, key: &str, value: &str| Flag {
            name,
            key: key.to_owned(),
            value: value.to_owned(),
        };
        let mut flags = vec![flag(BROKER, "trade_mode", self.word())];
        if self.mode() == TradeMode::Live {
            flags.push(flag(CONFIRM, "live_armed", "true"));
        }
        flags
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(broker: &str, stage: Option<&str>, confirmed: Option<&str>, expected: &str) {
        let venue = Venue::named(broker)
            .and_then(|venue| venue.fits(stage, confirmed).map(|()| venue.word()));
        let said = venue.map_or_else(|failed| failed.to_string(), str::to_owned);
        assert!(said.starts_with(expected), "{broker} {stage:?} {confirmed:?}: {said}");
    }

    #[test]
    fn a_broker_is_alpaca_or_on_this_machine() {
        let paper = Some("paper");
        check("https://paper-api.alpaca.markets", paper, None, "paper");
        check("https://paper-api.alpaca.markets/", None, None, "paper");
        check("http://127.0.0.1:7090", paper, None, "paper");
        check("simulated:/tmp/exchange", paper, None, "simulated");
        for other in ["simulated:", "alpaca", "https://example.com", "http://10.0.0.1", "file:x"] {
            let expected = "CONFIGURATION: ALCHEMISER_BROKER: expected https://paper-api";
            check(other, paper, None, expected);
        }
    }

    /// S11: real money needs its stage and its word; neither does anything alone.
    #[test]
    fn real_money_is_asked_for_twice() {
        let (live, word) = (Some("live"), Some("real-money"));
        check(LIVE, live, word, "live");
        let stage = "LIVE_NOT_ARMED: ALCHEMISER_STAGE: expected live";
        check(LIVE, Some("paper"), word, stage);
        check(LIVE, None, word, stage);
        let unconfirmed = "LIVE_NOT_ARMED: ALCHEMISER_CONFIRM_LIVE: expected real-money";
        check(LIVE, live, None, unconfirmed);
        check(LIVE, live, Some("no"), unconfirmed);
        let broker = "LIVE_NOT_ARMED: ALCHEMISER_BROKER: expected https://api.alpaca.markets";
        check(PAPER, live, word, broker);
        check("http://127.0.0.1:7090", live, word, broker);
        check("simulated:/tmp/exchange", live, word, broker);
    }

    #[test]
    fn the_mode_is_a_setting_that_nothing_else_says() {
        let of = |broker: &str| {
            let flags = Venue::named(broker).unwrap().settings();
            flags.iter().map(|flag| format!("{}={}", flag.key, flag.value)).collect::<Vec<_>>()
        };
        assert_eq!(of(LIVE), ["trade_mode=live", "live_armed=true"]);
        assert_eq!(of(PAPER), ["trade_mode=paper"]);
        assert_eq!(of("simulated:x"), ["trade_mode=simulated"]);
    }
}
