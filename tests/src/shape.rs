//! Whether one JSON value has everything that another one has.

use serde_json::Value;

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// What `found` lacks of `expected`: fields by name, recursively, and types where both have a value. Arrays are compared
/// by their first elements. Objects whose keys are ids (`settlement_details`) are compared by their first values.
pub fn lacks(expected: &Value, found: &Value) -> Vec<String> {
    let mut lacking = Vec::new();
    compare("", expected, found, &mut lacking);
    lacking
}

fn compare(at: &str, expected: &Value, found: &Value, lacking: &mut Vec<String>) {
    match (expected, found) {
        (Value::Null, _) | (_, Value::Null) => {}
        (Value::Object(wanted), Value::Object(there)) if at.ends_with("settlement_details") => {
            if let (Some(wanted), Some(there)) = (wanted.values().next(), there.values().next()) {
                compare(&format!("{at}.*"), wanted, there, lacking);
            }
        }
        (Value::Object(wanted), Value::Object(there)) => {
            for (name, value) in wanted {
                let at = format!("{at}.{name}");
                match there.get(name) {
                    Some(found) => compare(&at, value, found, lacking),
                    None => lacking.push(format!("{at} is not there")),
                }
            }
        }
        (Value::Array(wanted), Value::Array(there)) => {
            if let (Some(wanted), Some(there)) = (wanted.first(), there.first()) {
                compare(&format!("{at}[]"), wanted, there, lacking);
            }
        }
        _ if kind(expected) != kind(found) => {
            lacking.push(format!("{at} is {} and should be {}", kind(found), kind(expected)));
        }
        _ => {}
    }
}
