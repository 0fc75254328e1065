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

/// Reads a document of type `T` in which every key stands once. The common way is one quick look for keys and one typed
/// reading; only what fails is read again to find out where.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8], what: &str) -> Result<T, PlanRefused> {
    if serde_json::from_slice::<EachKeyOnce>(bytes).is_err() {
        let (path, found) = located::<EachKeyOnce>(bytes, what);
        return Err(PlanRefused::new(
            RefusalCode::MalformedJson,
            &path,
            "JSON in which each key stands once",
            found,
        ));
    }
    let Ok(read) = serde_json::from_slice(bytes) else {
        let (path, found) = located::<T>(bytes, what);
        return Err(refused(&path, what, &found));
    };
    Ok(read)
}

/// Where reading fails, and why.
fn located<T: DeserializeOwned>(bytes: &[u8], what: &str) -> (String, String) {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let read: Result<T, _> = serde_path_to_error::deserialize(&mut deserializer);
    let Err(error) = read else {
        return (what.to_owned(), "more than one JSON document".to_owned());
    };
    let path = error.path().to_string();
    let path = path.strip_prefix("detail.").unwrap_or(&path);
    let path = path.trim_end_matches(".?");
    let path = if path == "." || path == "?" { what } else { path };
    let found = error.inner().to_string();
    let twice =
        found.strip_prefix("the key \"").and_then(|rest| rest.split_once("\" stands twice"));
    let path = match twice {
        Some((key, _)) if path == what => key.to_owned(),
        Some((key, _)) => format!("{path}.{key}"),
        None => path.to_owned(),
    };
    (path, found)
}

/// A typed reading's failure in our words: serde says «missing field `x`» or «invalid type: a, expected b».
fn refused(path: &str, what: &str, found: &str) -> PlanRefused {
    let place = found.rfind(" at line ").map_or(found, |at| found.get(..at).unwrap_or(found));
    if let Some((field, _)) =
        place.strip_prefix("missing field `").and_then(|rest| rest.split_once('`'))
    {
        let field = if path == what { field.to_owned() } else { format!("{path}.{field}") };
        return PlanRefused::new(RefusalCode::MissingField, &field, "a value", "no such field");
    }
    let (found, expected) =
        place.split_once(", expected ").unwrap_or((place, "a value of the documented type"));
    let found = found.strip_prefix("invalid type: ").unwrap_or(found);
    PlanRefused::new(RefusalCode::MalformedField, path, expected, found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Outer {
        #[expect(dead_code, reason = "only its reading is looked at")]
        inner: Inner,
    }

    #[derive(Debug, Deserialize)]
    struct Inner {
        #[expect(dead_code, reason = "only its reading is looked at")]
        list: Vec<u8>,
    }

    fn check(json: &str, expected: &str) {
        let refused = read::<Outer>(json.as_bytes(), "event").unwrap_err();
        assert_eq!(refused.to_string(), expected, "{json}");
    }

    #[test]
    fn a_refusal_names_the_place() {
        check(
            "{",
            "MALFORMED_JSON: event: expected JSON in which each key stands once, found EOF while parsing an object at line 1 column 1",
        );
        check(
            r#"{"inner":{"list":[],"list":[]}}"#,
            "MALFORMED_JSON: inner.list: expected JSON in which each key stands once, found the key \"list\" stands twice at line 1 column 26",
        );
        check(
            r#"{"inner":{"list":[NaN]}}"#,
            "MALFORMED_JSON: inner.list[0]: expected JSON in which each key stands once, found expected value at line 1 column 19",
        );
        check(
            r#"{"inner":{}}"#,
            "MISSING_FIELD: inner.list: expected a value, found no such field",
        );
        check("{}", "MISSING_FIELD: inner: expected a value, found no such field");
        check(
            r#"{"inner":{"list":{}}}"#,
            "MALFORMED_FIELD: inner.list: expected a sequence, found map",
        );
    }
}
