//! JSON with each key once.

use std::{borrow::Cow, collections::BTreeSet, fmt};

use alchemiser_core::plan::{PlanRefused, RefusalCode};
use serde::{
    Deserialize,
    de::{Deserializer, Error, MapAccess, SeqAccess, Visitor},
};

/// So many keys of an object are looked through; more are looked up.
const FEW: usize = 16;

/// A key, borrowed where nothing in it is escaped.
#[derive(Deserialize)]
#[serde(transparent)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// The keys of one object so far.
#[derive(Default)]
struct Keys<'a> {
    few: Vec<Cow<'a, str>>,
    many: BTreeSet<Cow<'a, str>>,
}

impl<'a> Keys<'a> {
    /// Takes a key; a key that was there before comes back.
    fn take(&mut self, key: Cow<'a, str>) -> Result<(), Cow<'a, str>> {
        if self.few.contains(&key) || self.many.contains(&key) {
            return Err(key);
        }
        if self.few.len() < FEW {
            self.few.push(key);
        } else {
            self.many.insert(key);
        }
        Ok(())
    }
}

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
        let mut keys = Keys::default();
        while let Some(Key(key)) = map.next_key()? {
            keys.take(key)
                .map_err(|key| A::Error::custom(format!("the key {key:?} stands twice")))?;
            map.next_value::<EachKeyOnce>()?;
        }
        Ok(self)
    }
}

/// Reads a document of type `T` in which every key stands once. The common way is one quick look for keys and one typed
/// reading; only what fails is read again to find out where.
pub(crate) fn read<'de, T: Deserialize<'de>>(
    bytes: &'de [u8],
    what: &str,
) -> Result<T, PlanRefused> {
    // Looked at once as a whole, no text in it has to be looked at for what is no UTF-8.
    let text = std::str::from_utf8(bytes).ok();
    let Some(text) = text.filter(|text| serde_json::from_str::<EachKeyOnce>(text).is_ok()) else {
        let (path, found) = located::<EachKeyOnce>(bytes, what);
        return Err(PlanRefused::new(
            RefusalCode::MalformedJson,
            &path,
            "JSON in which each key stands once",
            found,
        ));
    };
    read_again(text, what)
}

/// Reads what was a part of something that [`read`] took: its keys were looked at.
pub(crate) fn read_again<'de, T: Deserialize<'de>>(
    text: &'de str,
    what: &str,
) -> Result<T, PlanRefused> {
    let Ok(read) = serde_json::from_str(text) else {
        let (path, found) = located::<T>(text.as_bytes(), what);
        return Err(refused(&path, what, &found));
    };
    Ok(read)
}

/// Where reading fails, and why.
fn located<'de, T: Deserialize<'de>>(bytes: &'de [u8], what: &str) -> (String, String) {
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

    /// A key that stands twice is found wherever it stands, escaped or not.
    #[test]
    fn keys_are_told_apart_in_small_and_large_objects() {
        let object = |count: usize, last: &str| {
            let keys: Vec<String> = (0..count).map(|k| format!("\"key-{k}\":{k}")).collect();
            format!("{{{},{last}:null}}", keys.join(","))
        };
        let is_strict = |json: &str| serde_json::from_str::<EachKeyOnce>(json).is_ok();
        for count in [1, FEW - 1, FEW, FEW + 1, 40] {
            assert!(is_strict(&object(count, "\"other\"")), "{count}");
            for twin in [0, count / 2, count - 1] {
                let escaped = format!("\"\\u006bey-{twin}\"");
                assert!(
                    !is_strict(&object(count, &format!("\"key-{twin}\""))),
                    "{twin} of {count}"
                );
                assert!(!is_strict(&object(count, &escaped)), "{escaped} of {count}");
            }
        }
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
