//! Decimals in JSON and TOML: written as text, read from text or number.

use std::{fmt, str::FromStr};

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A decimal that is exact on its way in and out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Exact(pub Decimal);

impl Serialize for Exact {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&self.0.normalize())
    }
}

struct Reader;

impl de::Visitor<'_> for Reader {
    type Value = Exact;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a decimal as text or number")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Exact, E> {
        let exact = Decimal::from_str(text).or_else(|_| Decimal::from_scientific(text));
        exact.map(Exact).map_err(|error| E::custom(format!("{text:?}: {error}")))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Exact, E> {
        Ok(Exact(number.into()))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Exact, E> {
        Ok(Exact(number.into()))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Exact, E> {
        // The shortest text that is this float is what was written.
        self.visit_str(&number.to_string())
    }
}

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Reader)
    }
}
