//! How core's values are written in the journal: as text, exact, so that no float ever touches money.

use std::{borrow::Cow, fmt::Display, str::FromStr};

use alchemiser_core::{
    ids::{AccountId, Symbol},
    money::Money,
    price::{Price, Tick},
    quantity::Quantity,
    side::Side,
};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serializer, de::Error, ser::SerializeSeq};

/// The tick that a listing has when the price's own holds.
const USUAL_TICK: &str = "usual";

/// A value with one exact text.
pub(crate) trait Text: Sized {
    /// The text.
    fn say(&self) -> String;
    /// The value of a text, or what was expected.
    fn hear(text: &str) -> Result<Self, String>;
}

/// Parses and says what could not be parsed.
fn parsed<T: FromStr<Err: Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error| format!("{text:?}: {error}"))
}

macro_rules! text {
    ($name:ty, $hear:expr) => {
        impl Text for $name {
            fn say(&self) -> String {
                self.to_string()
            }
            fn hear(text: &str) -> Result<Self, String> {
                let hear: fn(&str) -> Result<Self, String> = $hear;
                hear(text)
            }
        }
    };
}

text!(Price, |text| Self::new(parsed::<Decimal>(text)?).map_err(|error| error.to_string()));
text!(Quantity, |text| Self::new(parsed::<Decimal>(text)?).map_err(|error| error.to_string()));
text!(Money, |text| parsed::<Decimal>(text).map(Self::new));
text!(Symbol, |text| Self::new(text).map_err(|error| error.to_string()));
text!(AccountId, |text| Self::new(text).map_err(|error| error.to_string()));
text!(Timestamp, |text| parsed(text));

impl Text for Side {
    fn say(&self) -> String {
        self.word().to_owned()
    }
    fn hear(text: &str) -> Result<Self, String> {
        [Self::Buy, Self::Sell]
            .into_iter()
            .find(|side| side.word() == text)
            .ok_or_else(|| format!("expected buy or sell, found {text:?}"))
    }
}

impl Text for Option<Tick> {
    fn say(&self) -> String {
        self.map_or(USUAL_TICK.to_owned(), |tick| tick.dollars().to_string())
    }
    fn hear(text: &str) -> Result<Self, String> {
        if text == USUAL_TICK {
            return Ok(None);
        }
        let dollars = parsed::<Decimal>(text)?;
        [Tick::CENT, Tick::HALF_CENT, Tick::SUB_DOLLAR]
            .into_iter()
            .find(|tick| tick.dollars() == dollars)
            .map(Some)
            .ok_or_else(|| {
                format!("expected a tick of 0.01, 0.005, 0.0001 or \"usual\", found {text:?}")
            })
    }
}

impl Text for (Symbol, Quantity) {
    fn say(&self) -> String {
        format!("{} {}", self.0, self.1)
    }
    fn hear(text: &str) -> Result<Self, String> {
        let (symbol, quantity) = text
            .split_once(' ')
            .ok_or_else(|| format!("expected \"SYMBOL shares\", found {text:?}"))?;
        Ok((Symbol::hear(symbol)?, Quantity::hear(quantity)?))
    }
}

pub(crate) fn serialize<T: Text, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&value.say())
}

pub(crate) fn deserialize<'de, T: Text, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    T::hear(&Cow::<'de, str>::deserialize(from)?).map_err(D::Error::custom)
}

/// A list of such values.
pub(crate) mod list {
    use super::{Deserialize, Deserializer, Error, SerializeSeq, Serializer, Text};

    pub(crate) fn serialize<T: Text, S: Serializer>(
        values: &[T],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        let mut list = to.serialize_seq(Some(values.len()))?;
        for value in values {
            list.serialize_element(&value.say())?;
        }
        list.end()
    }

    pub(crate) fn deserialize<'de, T: Text, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<T>, D::Error> {
        let texts = Vec::<String>::deserialize(from)?;
        texts.iter().map(|text| T::hear(text).map_err(D::Error::custom)).collect()
    }
}
