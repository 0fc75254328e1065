//! Identifiers: checked once, then only passed on. A clone shares its text: ids are in every fact, and a decision clones
//! many.

use std::{fmt, sync::Arc};

use data_encoding::BASE32_NOPAD;
use sha2::{Digest, Sha256};
use thiserror::Error;
use uuid::Uuid;

use crate::{
    planted::{Plant, is_planted},
    side::Side,
};

/// A text that is no id.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("expected {expected}, found {found:?}")]
pub struct NotAnId {
    /// What the id must look like.
    pub expected: &'static str,
    /// The text found, cut to 80 characters.
    pub found: String,
}

const PRINTABLE: &str = "1 to 128 printable ASCII characters that are not all blank";

fn printable(text: &str) -> Result<Arc<str>, NotAnId> {
    let fits = text.len() <= 128 && text.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
    if fits && (!text.trim().is_empty() || is_planted(Plant::BlankId)) {
        Ok(text.into())
    } else {
        Err(NotAnId { expected: PRINTABLE, found: text.chars().take(80).collect() })
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks and keeps the text.
            ///
            /// # Errors
            /// [`NotAnId`] unless it is 1 to 128 printable ASCII characters, not all blank.
            pub fn new(text: &str) -> Result<Self, NotAnId> {
                printable(text).map(Self)
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id! {
    /// The broker account that a plan trades in, as the broker numbers it.
    AccountId
}
id! {
    /// The plan's own id; one plan is executed at most once.
    PlanId
}
id! {
    /// The id that goes unchanged through a whole workflow.
    CorrelationId
}
id! {
    /// The id of one event.
    EventId
}
id! {
    /// One process (or one Lambda sandbox) that may own an execution.
    Owner
}
id! {
    /// The order id that the broker gave.
    BrokerOrderId
}

/// A ticker: 1 to 10 characters of `A–Z`, `0–9` and `.`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol(Arc<str>);

impl Symbol {
    /// Upper-cases and checks a ticker.
    ///
    /// # Errors
    /// [`NotAnId`] unless it is `[A-Z0-9.]{1,10}` after upper-casing.
    ///
    /// ```
    /// use alchemiser_core::ids::Symbol;
    /// assert_eq!(Symbol::new("brk.b").unwrap().as_str(), "BRK.B");
    /// assert!(Symbol::new("A B").is_err());
    /// ```
    pub fn new(text: &str) -> Result<Self, NotAnId> {
        let fits = (1..=10).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.');
        if fits && text.bytes().any(|b| b.is_ascii_lowercase()) {
            Ok(Self(text.to_ascii_uppercase().into()))
        } else if fits {
            Ok(Self(text.into()))
        } else {
            Err(NotAnId {
                expected: "a symbol of 1 to 10 characters A-Z, 0-9 or '.'",
                found: text.chars().take(80).collect(),
            })
        }
    }

    /// The ticker.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Our id of one child order: derived, never drawn, so that a retry is the same order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientOrderId(Arc<str>);

impl ClientOrderId {
    /// `"al-" + base32(sha256(account | plan_id | symbol | side | attempt))[..26]`, lower case, unpadded.
    ///
    /// ```
    /// use alchemiser_core::{ids::*, side::Side};
    /// let id = ClientOrderId::derive(
    ///     &AccountId::new("PA000000001").unwrap(), &PlanId::new("plan-1").unwrap(),
    ///     &Symbol::new("AAPL").unwrap(), Side::Buy, 1);
    /// assert_eq!(id.as_str(), "al-s5yukuy2sshza57ghkmf4gk3vu");
    /// ```
    pub fn derive(
        account: &AccountId,
        plan: &PlanId,
        symbol: &Symbol,
        side: Side,
        attempt: u32,
    ) -> Self {
        let digest = Sha256::digest(format!("{account}|{plan}|{symbol}|{}|{attempt}", side.word()));
        let mut text = BASE32_NOPAD.encode(&digest).to_ascii_lowercase();
        text.truncate(26);
        Self(format!("al-{text}").into())
    }

    /// An id as a broker or a log says it; `None` when it cannot be one of ours.
    pub fn recognise(text: &str) -> Option<Self> {
        let ours = text.strip_prefix("al-").is_some_and(|rest| {
            rest.len() == 26
                && rest.bytes().all(|b| b.is_ascii_lowercase() || (b'2'..=b'7').contains(&b))
        });
        ours.then(|| Self(text.into()))
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClientOrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl EventId {
    /// `UUIDv5(account | plan_id | kind | subject)` in our own name space: publishing again is the same event.
    pub fn derive(account: &AccountId, plan: &str, kind: &str, subject: &str) -> Self {
        // A name space of our own: any fixed value will do, and it must never change.
        const SPACE: Uuid = Uuid::from_u128(0x4c1e_6d05_5f0a_5c5b_9d0e_a1c4_e315_e700);
        Self(
            Uuid::new_v5(&SPACE, format!("{account}|{plan}|{kind}|{subject}").as_bytes())
                .to_string()
                .into(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T3: invalid ids cannot be built.
    #[test]
    fn blank_and_unprintable_ids_are_refused() {
        for text in ["", "   ", "tab\there", "naïve", &"x".repeat(129)] {
            assert!(PlanId::new(text).is_err(), "{text:?}");
        }
        assert!(PlanId::new(&"x".repeat(128)).is_ok());
    }

    /// S11: the same order has the same id, and any other order another.
    #[test]
    fn client_order_ids_differ_in_every_part() {
        let id = |account: &str, plan: &str, symbol: &str, side, attempt| {
            let (account, plan) = (AccountId::new(account).unwrap(), PlanId::new(plan).unwrap());
            ClientOrderId::derive(&account, &plan, &Symbol::new(symbol).unwrap(), side, attempt)
        };
        let first = id("A", "p", "X", Side::Buy, 1);
        assert_eq!(first, id("A", "p", "X", Side::Buy, 1));
        for other in [
            id("B", "p", "X", Side::Buy, 1),
            id("A", "q", "X", Side::Buy, 1),
            id("A", "p", "Y", Side::Buy, 1),
        ] {
            assert_ne!(first, other);
        }
        assert_ne!(first, id("A", "p", "X", Side::Sell, 1));
        assert_ne!(first, id("A", "p", "X", Side::Buy, 2));
        assert_eq!(ClientOrderId::recognise(first.as_str()), Some(first));
        for other in ["manual-1", "al-s5yukuy2sshza57ghkmf4gk3v", "al-s5yukuy2sshza57ghkmf4gk3v1"] {
            assert_eq!(ClientOrderId::recognise(other), None, "{other}");
        }
        assert_eq!(ClientOrderId::recognise("al-S5YUKUY2SSHZA57GHKMF4GK3VU"), None);
        assert_eq!(ClientOrderId::recognise("s5yukuy2sshza57ghkmf4gk3vu"), None);
    }
}
