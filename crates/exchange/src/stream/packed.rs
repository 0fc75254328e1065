//! `MessagePack`, with times as its own timestamp extension.

use jiff::Timestamp;
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::Value;

/// The extension of timestamps.
const TIMESTAMP: i8 = -1;

/// A message in `MessagePack`.
pub(super) fn pack(message: &Value) -> Vec<u8> {
    // Everything in a JSON value can be written.
    rmp_serde::to_vec(&Packed(message)).unwrap_or_default()
}

/// A message out of `MessagePack`; `None` if it is none.
pub(super) fn unpack(bytes: &[u8]) -> Option<Value> {
    rmp_serde::from_slice(bytes).ok()
}

struct Packed<'a>(&'a Value);

impl Serialize for Packed<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Array(items) => to.collect_seq(items.iter().map(Packed)),
            Value::Object(object) => {
                let mut map = to.serialize_map(Some(object.len()))?;
                for (name, value) in object {
                    map.serialize_key(name)?;
                    match time(name, value) {
                        Some(at) => map.serialize_value(&Time(at))?,
                        None => map.serialize_value(&Packed(value))?,
                    }
                }
                map.end()
            }
            plain => plain.serialize(to),
        }
    }
}

/// The time of a market data message.
fn time(name: &str, value: &Value) -> Option<Timestamp> {
    if name == "t" { value.as_str()?.parse().ok() } else { None }
}

struct Time(Timestamp);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let seconds = u64::try_from(self.0.as_second()).unwrap_or(0);
        let nanos = u64::try_from(self.0.subsec_nanosecond()).unwrap_or(0);
        let bits = (nanos << 34) | (seconds & ((1 << 34) - 1));
        let bytes = Bytes(bits.to_be_bytes());
        to.serialize_newtype_struct(rmp_serde::MSGPACK_EXT_STRUCT_NAME, &(TIMESTAMP, bytes))
    }
}

struct Bytes([u8; 8]);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_time_is_an_extension_of_eight_bytes() {
        let packed = pack(&json!({"t": "2026-11-20T15:00:00.000000005Z"}));
        // A map of one, the name, then fixext 8 of type -1.
        assert_eq!(packed[..5], [0x81, 0xa1, b't', 0xd7, 0xff]);
        let bits = u64::from_be_bytes(packed[5..].try_into().unwrap());
        let at: Timestamp = "2026-11-20T15:00:00Z".parse().unwrap();
        assert_eq!((bits >> 34, bits & ((1 << 34) - 1)), (5, at.as_second().cast_unsigned()));
    }

    #[test]
    fn everything_else_comes_back() {
        let message = json!([{"action": "subscribe", "quotes": ["A"], "n": 1.5, "x": null}]);
        assert_eq!(unpack(&pack(&message)), Some(message));
    }
}
