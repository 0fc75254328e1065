//! Core values as JSON strings: one word or one decimal without exponent for each.

use std::{fmt, fmt::Display, marker::PhantomData};

use alchemiser_core::{
    child::{OrderKind, Purpose},
    controls::Control,
    fact::{CancelReason, Phase, StopCode},
    ids::{AccountId, BrokerOrderId, ClientOrderId, CorrelationId, EventId, Owner, PlanId, Symbol},
    leg::WaitCode,
    money::Money,
    outcome::PlanStatus,
    plan::{Action, RefusalCode, Urgency},
    policy::PolicyKind,
    price::{Price, Tick},
    quantity::Quantity,
    reading::TradeMode,
    report::BrokerStatus,
    side::Side,
};
use rust_decimal::Decimal;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, Visitor},
};

/// A value that a log or an event holds as one string.
pub(crate) trait Text: Sized {
    fn write(&self) -> String;
    /// The value; the error says what was expected.
    fn read(text: &str) -> Result<Self, String>;
}

pub(crate) fn serialize<T: Text, S: Serializer>(
    value: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    value.write().serialize(serializer)
}

pub(crate) fn deserialize<'de, T: Text, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    deserializer.deserialize_str(Reader(PhantomData))
}

/// Reads a value where its text lies.
struct Reader<T>(PhantomData<T>);

impl<T: Text> Visitor<'_> for Reader<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        T::read(text).map_err(E::custom)
    }
}

/// A value inside of an option or a list.
#[derive(Deserialize)]
#[serde(transparent, bound = "T: Text")]
struct One<T>(#[serde(deserialize_with = "deserialize")] T);

/// The same for optional values.
pub(crate) mod option {
    use super::{Deserialize, Deserializer, One, Serialize, Serializer, Text};

    #[expect(clippy::ref_option, reason = "the signature that serde asks of `with`")]
    pub(crate) fn serialize<T: Text, S: Serializer>(
        value: &Option<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.as_ref().map(Text::write).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, T: Text, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<T>, D::Error> {
        Ok(Option::<One<T>>::deserialize(deserializer)?.map(|one| one.0))
    }
}

/// The same for lists.
pub(crate) mod list {
    use super::{Deserialize, Deserializer, One, Serialize, Serializer, Text};

    pub(crate) fn serialize<T: Text, S: Serializer>(
        values: &[T],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        values.iter().map(Text::write).collect::<Vec<_>>().serialize(serializer)
    }

    pub(crate) fn deserialize<'de, T: Text, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<T>, D::Error> {
        let values = Vec::<One<T>>::deserialize(deserializer)?;
        Ok(values.into_iter().map(|one| one.0).collect())
    }
}

/// Durations as whole milliseconds.
pub(crate) mod millis {
    use jiff::SignedDuration;

    use super::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(
        value: &SignedDuration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        i64::try_from(value.as_millis()).unwrap_or(i64::MAX).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<SignedDuration, D::Error> {
        i64::deserialize(deserializer).map(SignedDuration::from_millis)
    }
}

fn decimal(text: &str) -> Result<Decimal, String> {
    crate::decimal::read(text).map_err(|error| error.to_string())
}

impl Text for Decimal {
    fn write(&self) -> String {
        self.normalize().to_string()
    }
    fn read(text: &str) -> Result<Self, String> {
        decimal(text)
    }
}

impl Text for Money {
    fn write(&self) -> String {
        self.to_string()
    }
    fn read(text: &str) -> Result<Self, String> {
        decimal(text).map(Self::new)
    }
}

impl Text for Price {
    fn write(&self) -> String {
        self.to_string()
    }
    fn read(text: &str) -> Result<Self, String> {
        Self::new(decimal(text)?).map_err(|error| error.to_string())
    }
}

impl Text for Quantity {
    fn write(&self) -> String {
        self.to_string()
    }
    fn read(text: &str) -> Result<Self, String> {
        Self::new(decimal(text)?).map_err(|error| error.to_string())
    }
}

impl Text for Tick {
    fn write(&self) -> String {
        self.dollars().normalize().to_string()
    }
    fn read(text: &str) -> Result<Self, String> {
        let dollars = decimal(text)?;
        let known = [Self::CENT, Self::HALF_CENT, Self::SUB_DOLLAR]
            .into_iter()
            .find(|tick| tick.dollars() == dollars);
        known.ok_or_else(|| format!("expected a tick of 0.01, 0.005 or 0.0001, found {dollars}"))
    }
}

impl Text for ClientOrderId {
    fn write(&self) -> String {
        self.to_string()
    }
    fn read(text: &str) -> Result<Self, String> {
        Self::recognise(text)
            .ok_or_else(|| format!("expected a client order id al-…, found {text:?}"))
    }
}

macro_rules! id_text {
    ($($id:ident),*) => {$(
        impl Text for $id {
            fn write(&self) -> String {
                self.to_string()
            }
            fn read(text: &str) -> Result<Self, String> {
                Self::new(text).map_err(|error| error.to_string())
            }
        }
    )*};
}
id_text!(AccountId, PlanId, CorrelationId, EventId, Owner, BrokerOrderId, Symbol);

/// The value among `all` whose word is `text`.
fn among<T: Copy>(
    all: impl IntoIterator<Item = T>,
    word: impl Fn(T) -> &'static str,
    text: &str,
) -> Result<T, String> {
    let all: Vec<T> = all.into_iter().collect();
    all.iter().copied().find(|value| word(*value) == text).ok_or_else(|| {
        let words: Vec<&str> = all.iter().map(|value| word(*value)).collect();
        format!("expected {}, found {text:?}", words.join(", "))
    })
}

macro_rules! word_text {
    ($($type:ident: $word:ident in $all:expr;)*) => {$(
        impl Text for $type {
            fn write(&self) -> String {
                self.$word().to_owned()
            }
            fn read(text: &str) -> Result<Self, String> {
                among($all, $type::$word, text)
            }
        }
    )*};
}

word_text! {
    Side: word in [Side::Buy, Side::Sell];
    Action: word in [Action::Buy, Action::Sell, Action::Hold];
    Urgency: word in [Urgency::Low, Urgency::Normal, Urgency::High, Urgency::Urgent];
    Purpose: word in [Purpose::Rest, Purpose::Cross];
    OrderKind: word in OrderKind::ALL;
    CancelReason: word in CancelReason::ALL;
    Phase: word in Phase::ALL;
    StopCode: code in StopCode::ALL;
    TradeMode: word in TradeMode::ALL;
    PolicyKind: word in PolicyKind::ALL;
    PlanStatus: word in [PlanStatus::Success, PlanStatus::PartialSuccess, PlanStatus::Failure];
    RefusalCode: code in RefusalCode::ALL;
    Control: code in Control::ALL;
}

impl Text for WaitCode {
    fn write(&self) -> String {
        self.code().to_owned()
    }
    fn read(text: &str) -> Result<Self, String> {
        Self::from_code(text).ok_or_else(|| unknown("wait code", text))
    }
}

impl Text for BrokerStatus {
    fn write(&self) -> String {
        self.word().to_owned()
    }
    fn read(text: &str) -> Result<Self, String> {
        Ok(Self::from_word(text))
    }
}

pub(crate) fn unknown(what: &str, found: impl Display) -> String {
    format!("expected a known {what}, found {found:?}", found = found.to_string())
}
