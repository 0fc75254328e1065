//! A JSON object read by its fields: numbers by their digits, what is null or empty as absent, what is not known told
//! once.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
};

use alchemiser_core::{money::Money, price::Price, quantity::Quantity};
use alchemiser_wire::decimal;
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::value::RawValue;

/// A body that does not say what it must: which field, what was expected, what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable(pub(crate) String);

pub(crate) fn unreadable(what: &str, expected: &str, found: &str) -> Unreadable {
    let found: String = found.chars().take(80).collect();
    Unreadable(format!("{what}: expected {expected}, found {found}"))
}

/// An object's fields.
#[derive(Debug)]
pub(crate) struct Fields<'a>(BTreeMap<String, &'a RawValue>);

impl<'a> Fields<'a> {
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, Unreadable> {
        serde_json::from_slice(bytes).map(Self).map_err(|error| not_json("object", &error))
    }

    pub(crate) fn of(value: &'a RawValue) -> Result<Self, Unreadable> {
        Self::read(value.get().as_bytes())
    }

    /// A field that is there and says something.
    pub(crate) fn raw(&self, name: &str) -> Option<&'a str> {
        let text = self.0.get(name)?.get();
        (text != "null" && text != "\"\"").then_some(text)
    }

    pub(crate) fn text(&self, name: &str) -> Result<Option<String>, Unreadable> {
        let read = |raw: &str| {
            if raw.starts_with('"') { serde_json::from_str(raw).ok() } else { Some(raw.to_owned()) }
        };
        match self.raw(name) {
            None => Ok(None),
            Some(raw) => read(raw).map(Some).ok_or_else(|| unreadable(name, "a text", raw)),
        }
    }

    pub(crate) fn required(&self, name: &str) -> Result<String, Unreadable> {
        self.text(name)?.ok_or_else(|| unreadable(name, "a text", "nothing"))
    }

    /// A number, or a text that holds one.
    pub(crate) fn decimal(&self, name: &str) -> Result<Option<Decimal>, Unreadable> {
        self.read_as(name, "a decimal", |text| decimal::read(text).ok())
    }

    pub(crate) fn money(&self, name: &str) -> Result<Money, Unreadable> {
        let amount = self.decimal(name)?.map(Money::new);
        amount.ok_or_else(|| unreadable(name, "an amount", "nothing"))
    }

    pub(crate) fn quantity(&self, name: &str) -> Result<Option<Quantity>, Unreadable> {
        let read = |text: &str| Quantity::new(decimal::read(text).ok()?).ok();
        self.read_as(name, "a number of shares", read)
    }

    /// A price; zero says that there is none.
    pub(crate) fn price(&self, name: &str) -> Result<Option<Price>, Unreadable> {
        match self.decimal(name)? {
            Some(found) if !found.is_zero() => Price::new(found)
                .map(Some)
                .map_err(|_not_a_price| unreadable(name, "a price", &found.to_string())),
            Some(_) | None => Ok(None),
        }
    }

    pub(crate) fn time(&self, name: &str) -> Result<Option<Timestamp>, Unreadable> {
        self.read_as(name, "a time", |text| text.parse().ok())
    }

    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, Unreadable> {
        self.read_as(name, "true or false", |text| text.parse().ok())
    }

    pub(crate) fn object(&self, name: &str) -> Result<Option<Fields<'a>>, Unreadable> {
        match self.0.get(name) {
            Some(value) if value.get() != "null" => Self::of(value).map(Some),
            Some(_) | None => Ok(None),
        }
    }

    /// The texts of a list; nothing where there is no list.
    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        let list = self.raw(name).and_then(|raw| serde_json::from_str(raw).ok());
        list.unwrap_or_default()
    }

    /// Fields that are objects, by name: an answer that is a map.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), *value))
    }

    fn read_as<T>(
        &self,
        name: &str,
        expected: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Unreadable> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        read(&text).map(Some).ok_or_else(|| unreadable(name, expected, &text))
    }
}

/// The objects of a list.
pub(crate) fn list(bytes: &[u8]) -> Result<Vec<&RawValue>, Unreadable> {
    serde_json::from_slice(bytes).map_err(|error| not_json("list", &error))
}

fn not_json(what: &str, error: &serde_json::Error) -> Unreadable {
    Unreadable(format!("expected a JSON {what}, found: {error}"))
}

/// Words of the broker that this release does not know, each told once.
#[derive(Debug, Default)]
pub(crate) struct Unknown(Mutex<BTreeSet<(&'static str, String)>>);

impl Unknown {
    /// A word that is not known; true the first time.
    pub(crate) fn is_new(&self, what: &'static str, word: &str) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.insert((what, word.chars().take(80).collect()))
    }

    /// Tells of the fields that are not among the known ones.
    pub(crate) fn fields(&self, what: &'static str, fields: &Fields<'_>, known: &[&str]) {
        for name in fields.0.keys().filter(|name| !known.contains(&name.as_str())) {
            if self.is_new(what, name) {
                tracing::info!(what, field = %name, "the broker says more than this release knows; it is ignored");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S10: a number of the market data is what its digits say, and no float on the way.
    #[test]
    fn numbers_are_their_digits() {
        let fields = Fields::read(br#"{"a":0.1,"b":"0.30","c":1e2,"d":12345678901234.123456789}"#);
        let fields = fields.unwrap();
        let check = |name: &str, expected: &str| {
            let found = fields.decimal(name).unwrap().unwrap();
            assert_eq!(found.to_string(), expected);
        };
        check("a", "0.1");
        check("b", "0.30");
        check("c", "100");
        check("d", "12345678901234.123456789");
    }

    #[test]
    fn null_and_empty_are_absent() {
        let fields = Fields::read(br#"{"a":null,"b":"","c":"x","p":0,"q":-1}"#).unwrap();
        assert_eq!(
            [fields.text("a"), fields.text("b"), fields.text("z")],
            [Ok(None), Ok(None), Ok(None)]
        );
        assert!(
            fields.decimal("c").is_err() && fields.time("c").is_err() && fields.flag("c").is_err()
        );
        assert_eq!(fields.price("p"), Ok(None));
        assert!(fields.price("q").is_err() && fields.quantity("q").is_err());
        assert!(Fields::read(b"[]").is_err() && Fields::read(b"<html>").is_err());
    }

    #[test]
    fn an_unknown_field_is_told_once() {
        let unknown = Unknown::default();
        assert!(unknown.is_new("order", "hue"));
        assert!(!unknown.is_new("order", "hue"));
        assert!(unknown.is_new("account", "hue"));
    }
}
