//! JSON with each key once.

use std::{collections::BTreeSet, fmt};

use alchemiser_core::plan::{PlanRefused, RefusalCode};
use serde::{
    Deserialize,
    de::{DeserializeOwned, Deserializer, Error, MapAccess, SeqAccess, Visitor},
};

/// Any JSON, looked through for keys that stand twice, and forgotten.
struct EachKeyOnce;

impl<'de> Deserialize<'de> for EachKeyOnce {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EachKeyOnce)
    }
}

impl<'de> Visitor<'de> for EachKeyOnce {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self, A::Error> {
        while list.next_element::<EachKeyOnce>()?.is_some() {}
        Ok(self)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        let mut seen = BTreeSet::new();
        while let Some(key) = map.next_key::<String>()? {
            if seen.contains(&key) {
                return Err(A::Error::custom(format!("the key {key:?} stands twice")));
            }
            seen.insert(key);
            map.next_value::<EachKeyOnce>()?;
        }
        Ok(self)
    }
}

/// Reads a document of type `T` in which every key stands once.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8], what: &str) -> Result<T, PlanRefused> {
    if let Err(error) = serde_json::from_slice::<EachKeyOnce>(bytes) {
        return Err(PlanRefused::new(RefusalCode::MalformedJson, what, "JSON in which each key stands once", error));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let found = error.inner().to_string();
        let (code, expected) = match found.strip_prefix("missing field `").and_then(|rest| rest.split_once('`')) {
            Some((field, _)) => (RefusalCode::MissingField, format!("the field {field:?}")),
            None => (RefusalCode::MalformedField, "a value of the documented type".to_owned()),
        };
        PlanRefused::new(code, if path == "." { what } else { &path }, &expected, found)
    })
}
