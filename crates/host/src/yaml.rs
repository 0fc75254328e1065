//! A template's YAML, with the short forms of intrinsics (`!Ref id`) written out as the long ones (`Ref: id`).

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::Tagged;

/// Reads a template. A tag is an intrinsic: `!GetAtt a.b` is `Fn::GetAtt: [a, b]`, `!Sub x` is `Fn::Sub: x`.
pub(crate) fn read(text: &str) -> Result<Value, serde_saphyr::Error> {
    serde_saphyr::from_str::<Node>(text).map(|Node(value)| value)
}

/// A node and everything below it.
struct Node(Value);

/// A node without regard to its own tag.
struct Plain(Value);

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Tagged(Plain(value), tag) = Tagged::<Plain>::deserialize(deserializer)?;
        Ok(Self(match tag.as_deref().and_then(|tag| tag.strip_prefix('!')) {
            Some(name) => written_out(name, value),
            None => value,
        }))
    }
}

/// The long form of a short one.
fn written_out(name: &str, argument: Value) -> Value {
    let (key, argument) = match (name, argument) {
        ("Ref" | "Condition", argument) => (name.to_owned(), argument),
        ("GetAtt", Value::String(text)) => {
            let parts = text.split_once('.').map_or(vec![text.as_str()], |(id, at)| vec![id, at]);
            ("Fn::GetAtt".to_owned(), parts.into())
        }
        (_, argument) => (format!("Fn::{name}"), argument),
    };
    Value::Object(Map::from_iter([(key, argument)]))
}

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyNode).map(Self)
    }
}

struct AnyNode;

impl<'de> Visitor<'de> for AnyNode {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value of YAML that JSON has, too")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value).map(Value::Number);
        number.ok_or_else(|| E::custom(format!("expected a number, found {value}")))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut found = Vec::new();
        while let Some(Node(item)) = items.next_element()? {
            found.push(item);
        }
        Ok(Value::Array(found))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut found = Map::new();
        while let Some((key, Node(value))) = entries.next_entry::<String, Node>()? {
            if found.insert(key.clone(), value).is_some() {
                return Err(A::Error::custom(format!("expected each key once, found {key} twice")));
            }
        }
        Ok(Value::Object(found))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &Value) {
        assert_eq!(&read(text).unwrap(), expected, "{text}");
    }

    #[test]
    fn short_forms_are_written_out() {
        check("!Ref Bus", &json!({ "Ref": "Bus" }));
        check("a: !GetAtt Queue.Arn", &json!({ "a": { "Fn::GetAtt": ["Queue", "Arn"] } }));
        check("a: !GetAtt [Queue, Arn]", &json!({ "a": { "Fn::GetAtt": ["Queue", "Arn"] } }));
        check("- !Sub x-${Stage}", &json!([{ "Fn::Sub": "x-${Stage}" }]));
        let nested = json!({ "Fn::If": ["c", { "Ref": "A" }, { "Fn::Join": [",", ["b"]] }] });
        check("!If [c, !Ref A, !Join [',', [b]]]", &nested);
    }

    #[test]
    fn values_without_a_tag_are_as_json_has_them() {
        let expected = json!({ "a": 1, "b": -1, "c": 1.5, "d": true, "e": null, "f": "x", "g": [], "h": {}, "1": "2" });
        check("{a: 1, b: -1, c: 1.5, d: true, e: null, f: x, g: [], h: {}, 1: \"2\"}", &expected);
        let deployed = read(crate::template::DEPLOYED).unwrap();
        let plain: Value = serde_saphyr::from_str(crate::template::DEPLOYED).unwrap();
        assert_eq!(deployed, plain);
    }

    #[test]
    fn what_is_no_yaml_is_refused() {
        for text in ["a: [", "a: {b: 1", "a: 1\na: 2", "{a: 1}}"] {
            read(text).unwrap_err();
        }
    }
}
