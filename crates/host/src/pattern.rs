//! Event patterns: which events a rule wants, in EventBridge's own language.
//!
//! The meaning follows AWS's `event-ruler`: all fields of a pattern must match, one of a field's conditions is enough,
//! and an array in the event matches when one of its elements does (so two fields of an object in an array must match
//! in the *same* element). An empty array, an empty object and a missing field are the same thing: absent.

mod condition;
mod range;
mod wildcard;

use std::fmt;

use serde_json::{Map, Value};

use condition::Condition;

/// The key of an object's alternatives.
const OR: &str = "$or";

/// What an event must look like to be wanted.
///
/// ```
/// use alchemiser_host::Pattern;
/// use serde_json::json;
///
/// let pattern = Pattern::parse(&json!({ "source": [{ "prefix": "alchemiser." }] }))?;
/// assert!(pattern.matches(&json!({ "source": "alchemiser.portfolio" })));
/// assert!(!pattern.matches(&json!({ "source": "aws.ec2" })));
/// # Ok::<(), alchemiser_host::PatternError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    fields: Fields,
}

impl Pattern {
    /// Reads a pattern as it stands in a rule's `EventPattern`.
    ///
    /// # Errors
    ///
    /// [`PatternError`] for anything EventBridge would not take, and for keys with dots, which are not supported here.
    pub fn parse(pattern: &Value) -> Result<Self, PatternError> {
        let fields = Fields::parse(pattern, &Path::root())?;
        Ok(Self { fields })
    }

    /// Whether the event (the whole envelope) is wanted.
    pub fn matches(&self, event: &Value) -> bool {
        self.fields.matches(Some(event))
    }
}

/// Why a pattern is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// The pattern's JSON has the wrong shape.
    #[error("at {path}: expected {expected}, found {found}")]
    Shape {
        /// Where, from the pattern's root `$`.
        path: String,
        /// What may stand there.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// An operator EventBridge does not know.
    #[error("at {path}: expected one of {expected}, found the operator {found:?}")]
    UnknownOperator {
        /// Where, from the pattern's root `$`.
        path: String,
        /// The operators that may stand there.
        expected: &'static str,
        /// The operator that stands there.
        found: String,
    },
    /// A key that EventBridge takes for a path, and that is not taken here.
    #[error("at {path}: expected a key without a dot, found {found:?}; write it as nested objects")]
    DottedKey {
        /// Where, from the pattern's root `$`.
        path: String,
        /// The key that stands there.
        found: String,
    },
}

impl PatternError {
    /// The stable code of this error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Shape { .. } => "PATTERN_SHAPE",
            Self::UnknownOperator { .. } => "PATTERN_OPERATOR_UNKNOWN",
            Self::DottedKey { .. } => "PATTERN_KEY_DOTTED",
        }
    }

    fn shape(path: &Path, expected: &'static str, found: &Value) -> Self {
        Self::Shape { path: path.to_string(), expected, found: found.to_string() }
    }
}

/// Where in a pattern something stands: `$.detail.plan_id[0].prefix`.
#[derive(Debug, Clone)]
struct Path(String);

impl Path {
    fn root() -> Self {
        Self("$".to_owned())
    }

    fn key(&self, key: &str) -> Self {
        Self(format!("{self}.{key}"))
    }

    fn index(&self, index: usize) -> Self {
        Self(format!("{self}[{index}]"))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// One object of a pattern: every field must match, and one of the alternatives if there are any.
#[derive(Debug, Clone, PartialEq)]
struct Fields {
    all: Vec<(String, Node)>,
    alternatives: Vec<Fields>,
}

/// What stands behind one field of a pattern.
#[derive(Debug, Clone, PartialEq)]
enum Node {
    Object(Fields),
    Values(Vec<Condition>),
}

impl Fields {
    fn parse(pattern: &Value, path: &Path) -> Result<Self, PatternError> {
        let expected = "an object with at least one field";
        let object = match pattern {
            Value::Object(object) if !object.is_empty() => object,
            other => return Err(PatternError::shape(path, expected, other)),
        };
        let mut fields = Self { all: Vec::new(), alternatives: Vec::new() };
        for (key, value) in object {
            if key.contains('.') {
                let found = key.clone();
                return Err(PatternError::DottedKey { path: path.to_string(), found });
            }
            let path = path.key(key);
            if key == OR {
                fields.alternatives = alternatives(value, &path)?;
            } else {
                fields.all.push((key.clone(), Node::parse(value, &path)?));
            }
        }
        Ok(fields)
    }

    fn matches(&self, value: Option<&Value>) -> bool {
        match value {
            Some(Value::Array(items)) if !items.is_empty() => {
                items.iter().any(|item| self.matches(Some(item)))
            }
            Some(Value::Object(object)) => self.matches_object(object),
            // Below a scalar or nothing every field is absent, which is what `exists: false` asks for.
            Some(_) | None => self.matches_object(&Map::new()),
        }
    }

    fn matches_object(&self, object: &Map<String, Value>) -> bool {
        let all = self.all.iter().all(|(key, node)| node.matches(object.get(key)));
        let one = || self.alternatives.iter().any(|fields| fields.matches_object(object));
        all && (self.alternatives.is_empty() || one())
    }
}

fn alternatives(pattern: &Value, path: &Path) -> Result<Vec<Fields>, PatternError> {
    match pattern {
        Value::Array(items) if items.len() >= 2 => {
            let indexed = items.iter().enumerate();
            indexed.map(|(index, item)| Fields::parse(item, &path.index(index))).collect()
        }
        other => Err(PatternError::shape(path, "an array of at least two objects", other)),
    }
}

impl Node {
    fn parse(pattern: &Value, path: &Path) -> Result<Self, PatternError> {
        match pattern {
            Value::Object(_) => Ok(Self::Object(Fields::parse(pattern, path)?)),
            Value::Array(items) if !items.is_empty() => {
                let indexed = items.iter().enumerate();
                let conditions =
                    indexed.map(|(index, item)| Condition::parse(item, &path.index(index)));
                Ok(Self::Values(conditions.collect::<Result<_, _>>()?))
            }
            other => Err(PatternError::shape(
                path,
                "an object or an array with at least one value",
                other,
            )),
        }
    }

    fn matches(&self, value: Option<&Value>) -> bool {
        match self {
            Self::Object(fields) => fields.matches(value),
            Self::Values(conditions) => {
                let mut leaves = Vec::new();
                collect_leaves(value, &mut leaves);
                conditions.iter().any(|condition| condition.holds(&leaves))
            }
        }
    }
}

/// The scalars a field holds: itself, or those in its arrays. An object is not a value.
fn collect_leaves<'a>(value: Option<&'a Value>, leaves: &mut Vec<&'a Value>) {
    match value {
        Some(Value::Array(items)) => {
            for item in items {
                collect_leaves(Some(item), leaves);
            }
        }
        Some(scalar @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_))) => {
            leaves.push(scalar);
        }
        Some(Value::Object(_)) | None => {}
    }
}

#[cfg(test)]
#[expect(clippy::needless_pass_by_value, reason = "a case reads best as a literal")]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(pattern: Value, event: Value, expected: bool) {
        let parsed = Pattern::parse(&pattern).unwrap();
        assert_eq!(parsed.matches(&event), expected, "{pattern} on {event}");
    }

    /// One condition on one field: the values it accepts and those it does not.
    #[track_caller]
    fn check_values(condition: Value, accepted: Value, refused: Value) {
        for (values, expected) in [(accepted, true), (refused, false)] {
            for value in values.as_array().unwrap() {
                check(json!({ "a": [condition] }), json!({ "a": value }), expected);
            }
        }
    }

    #[track_caller]
    fn check_refused(pattern: Value, code: &str, message: &str) {
        let error = Pattern::parse(&pattern).unwrap_err();
        assert_eq!((error.code(), error.to_string().as_str()), (code, message));
    }

    #[test]
    fn a_literal_accepts_itself_only() {
        check_values(json!("x"), json!(["x"]), json!(["X", "xx", "", 1, null, true, {}]));
        check_values(json!(""), json!([""]), json!(["x", null]));
        check_values(json!(300), json!([300, 300.0, 3e2]), json!([301, 300.5, "300", null]));
        check_values(json!(0), json!([0, 0.0, -0.0]), json!([1, false, null]));
        check_values(json!(true), json!([true]), json!([false, "true", 1, null]));
        check_values(json!(null), json!([null]), json!(["null", 0, false, [], {}]));
    }

    #[test]
    fn one_of_a_fields_values_is_enough_and_every_field_is_needed() {
        let pattern = json!({ "a": ["x", "y"], "b": [1] });
        check(pattern.clone(), json!({ "a": "y", "b": 1, "c": 2 }), true);
        check(pattern.clone(), json!({ "a": "z", "b": 1 }), false);
        check(pattern.clone(), json!({ "a": "x" }), false);
        check(pattern, json!("x"), false);
    }

    #[test]
    fn a_nested_pattern_looks_into_the_object() {
        let pattern = json!({ "detail": { "plan": { "id": ["p"] } } });
        check(pattern.clone(), json!({ "detail": { "plan": { "id": "p" } } }), true);
        check(pattern.clone(), json!({ "detail": { "id": "p" } }), false);
        check(pattern.clone(), json!({ "detail": { "plan": "p" } }), false);
        check(pattern, json!({ "detail.plan.id": "p" }), false);
    }

    #[test]
    fn an_array_matches_when_one_of_its_elements_does() {
        check_values(json!("x"), json!([["y", "x"], [["x"]]]), json!([["y"], [], [{ "x": 1 }]]));
        check_values(json!({ "numeric": [">", 5] }), json!([[1, 9]]), json!([[1, 2], ["9"]]));
    }

    #[test]
    fn the_fields_of_an_object_in_an_array_match_in_the_same_element() {
        let pattern = json!({ "orders": { "symbol": ["AAPL"], "side": ["sell"] } });
        let order = |symbol: &str, side: &str| json!({ "symbol": symbol, "side": side });
        let both = json!({ "orders": [order("MSFT", "buy"), order("AAPL", "sell")] });
        check(pattern.clone(), both, true);
        let crossed = json!({ "orders": [order("MSFT", "sell"), order("AAPL", "buy")] });
        check(pattern.clone(), crossed, false);
        check(pattern, json!({ "orders": [] }), false);
    }

    #[test]
    fn prefix_and_suffix_look_at_strings_only() {
        check_values(
            json!({ "prefix": "al" }),
            json!(["al", "alpha"]),
            json!(["a", "Alpha", 1, null]),
        );
        check_values(json!({ "suffix": ".v2" }), json!([".v2", "a.v2"]), json!(["v2", "a.V2", 2]));
        check_values(json!({ "prefix": "" }), json!(["", "x"]), json!([1, null]));
    }

    #[test]
    fn case_is_ignored_where_it_is_said() {
        let equal = json!({ "equals-ignore-case": "StraSSe\u{c9}" });
        check_values(equal, json!(["strasse\u{e9}", "STRASSE\u{c9}"]), json!(["strasse", 1]));
        let prefix = json!({ "prefix": { "equals-ignore-case": "EVENTb" } });
        check_values(prefix, json!(["EventBridge", "eventb"]), json!(["event", "xEventBridge"]));
        let suffix = json!({ "suffix": { "equals-ignore-case": ".PNG" } });
        check_values(suffix, json!(["a.png", ".PNg"]), json!(["a.jpg", "png"]));
    }

    #[test]
    fn anything_but_wants_a_value_and_not_that_one() {
        check_values(json!({ "anything-but": "x" }), json!(["y", 1, null]), json!(["x", [], {}]));
        check_values(json!({ "anything-but": ["x", "y"] }), json!(["z"]), json!(["x", "y"]));
        check_values(json!({ "anything-but": [1, 2] }), json!([3, "1"]), json!([1, 2.0]));
        check(json!({ "a": [{ "anything-but": "x" }] }), json!({ "b": "y" }), false);
        check_values(json!({ "anything-but": "x" }), json!([["x", "y"]]), json!([["x", "x"]]));
    }

    #[test]
    fn anything_but_takes_text_operators_with_one_text_or_many() {
        let but = |operator: Value| json!({ "anything-but": operator });
        check_values(but(json!({ "prefix": "al" })), json!(["Al", 1]), json!(["alpha"]));
        check_values(but(json!({ "prefix": ["a", "b"] })), json!(["c"]), json!(["a1", "b1"]));
        check_values(but(json!({ "suffix": "v2" })), json!(["v1"]), json!(["a.v2"]));
        check_values(but(json!({ "suffix": ["1", "2"] })), json!(["v3"]), json!(["v1", "v2"]));
        let ignoring = json!({ "equals-ignore-case": ["ab", "CD"] });
        check_values(but(ignoring), json!(["abc"]), json!(["AB", "cd"]));
        check_values(but(json!({ "wildcard": "*/lib/*" })), json!(["/li/"]), json!(["a/lib/b"]));
    }

    #[test]
    fn numeric_compares_numbers_only() {
        let numeric = |range: Value| json!({ "numeric": range });
        check_values(numeric(json!(["=", 5])), json!([5, 5.0]), json!([5.1, "5", null]));
        check_values(numeric(json!(["<", 5])), json!([4.9, -7]), json!([5]));
        check_values(numeric(json!(["<=", 5])), json!([5]), json!([5.1]));
        check_values(numeric(json!([">", 0])), json!([0.1]), json!([0, -1]));
        check_values(numeric(json!([">=", 0, "<", 5])), json!([0, 4.9]), json!([-0.1, 5]));
        check_values(numeric(json!([">", 0, "<=", 5])), json!([5]), json!([0, 6]));
    }

    #[test]
    fn cidr_asks_for_an_address_of_the_network() {
        let within = |network: &str| json!({ "cidr": network });
        check_values(within("10.0.0.0/24"), json!(["10.0.0.255"]), json!(["10.0.1.0", "x", 10]));
        check_values(within("10.0.0.77/24"), json!(["10.0.0.1"]), json!(["10.0.1.1"]));
        check_values(within("0.0.0.0/0"), json!(["1.2.3.4"]), json!(["::1", "1.2.3", ""]));
        check_values(within("2001:db8::/32"), json!(["2001:DB8::1"]), json!(["2001:db9::", null]));
        for refused in [json!("10.0.0.0"), json!("10.0.0.0/33"), json!("x/8"), json!(8)] {
            let error = Pattern::parse(&json!({ "a": [{ "cidr": refused }] })).unwrap_err();
            assert_eq!(error.code(), "PATTERN_SHAPE", "{refused}: {error}");
        }
    }

    #[test]
    fn exists_asks_for_a_leaf() {
        check_values(json!({ "exists": true }), json!([1, null, "", ["x"]]), json!([[], {}]));
        check_values(json!({ "exists": false }), json!([[], {}, { "b": 1 }]), json!([1, null]));
        check(json!({ "a": [{ "exists": false }] }), json!({}), true);
        check(json!({ "a": [{ "exists": true }] }), json!({}), false);
        check(json!({ "a": { "b": [{ "exists": false }] } }), json!({ "c": 1 }), true);
        check(json!({ "a": { "b": [{ "exists": false }] } }), json!({ "a": 1 }), true);
        check(json!({ "a": ["x", { "exists": false }] }), json!({ "b": 1 }), true);
    }

    #[test]
    fn a_star_stands_for_any_run_of_characters() {
        let wildcard = |text: &str| json!({ "wildcard": text });
        check_values(wildcard("abc"), json!(["abc"]), json!(["abcd", "", 1]));
        check_values(wildcard("*"), json!(["", "x"]), json!([1, null]));
        check_values(wildcard("a*c"), json!(["ac", "abc", "acc"]), json!(["a", "acb", "bac"]));
        check_values(wildcard("a*a"), json!(["aa", "aba"]), json!(["a"]));
        check_values(wildcard("*b*b*"), json!(["bb", "abab"]), json!(["b", "ab"]));
        check_values(wildcard("a*ab*b"), json!(["aabb", "axabxb"]), json!(["aab", "abb"]));
        check_values(wildcard("\\**\\\\"), json!(["*\\", "*x\\"]), json!(["x\\", "*"]));
        check_values(wildcard("\u{e9}*\u{e9}"), json!(["\u{e9}x\u{e9}"]), json!(["\u{e9}"]));
    }

    #[test]
    fn or_needs_one_alternative_and_the_fields_beside_it() {
        let pattern = json!({ "a": [1], "$or": [{ "b": [2] }, { "c": { "d": [3] } }] });
        check(pattern.clone(), json!({ "a": 1, "b": 2 }), true);
        check(pattern.clone(), json!({ "a": 1, "c": { "d": 3 } }), true);
        check(pattern.clone(), json!({ "a": 1 }), false);
        check(pattern, json!({ "b": 2, "c": { "d": 3 } }), false);
        let nested =
            json!({ "x": { "$or": [{ "b": [2] }, { "$or": [{ "c": [3] }, { "d": [4] }] }] } });
        check(nested.clone(), json!({ "x": { "d": 4 } }), true);
        check(nested, json!({ "x": { "d": 3 } }), false);
    }

    #[test]
    fn a_pattern_of_the_wrong_shape_is_refused() {
        let shapes = [
            (
                json!({ "source": "alch.p" }),
                "at $.source: expected an object or an array with at least one value, found \"alch.p\"",
            ),
            (
                json!({ "a": [] }),
                "at $.a: expected an object or an array with at least one value, found []",
            ),
            (json!({ "a": {} }), "at $.a: expected an object with at least one field, found {}"),
            (json!(null), "at $: expected an object with at least one field, found null"),
            (json!({ "a": [1, [2]] }), "at $.a[1]: expected a value or an operator, found [2]"),
            (
                json!({ "a": [{}] }),
                "at $.a[0]: expected an object with exactly one operator, found {}",
            ),
            (json!({ "a": [{ "prefix": 1 }] }), "at $.a[0].prefix: expected a string, found 1"),
            (
                json!({ "a": [{ "exists": 1 }] }),
                "at $.a[0].exists: expected true or false, found 1",
            ),
            (
                json!({ "$or": [{ "a": [1] }] }),
                "at $.$or: expected an array of at least two objects, found [{\"a\":[1]}]",
            ),
            (
                json!({ "$or": [{ "a": [1] }, 2] }),
                "at $.$or[1]: expected an object with at least one field, found 2",
            ),
            (
                json!({ "a": [{ "wildcard": "a**" }] }),
                "at $.a[0].wildcard: expected stars that do not stand side by side, found \"a**\"",
            ),
            (
                json!({ "a": [{ "wildcard": "\\x" }] }),
                "at $.a[0].wildcard: expected a star or a backslash after a backslash, found \"\\\\x\"",
            ),
        ];
        for (pattern, message) in shapes {
            check_refused(pattern, "PATTERN_SHAPE", message);
        }
    }

    #[test]
    fn arguments_an_operator_cannot_use_are_refused() {
        let numeric = [
            json!(5),
            json!([]),
            json!(["=", "5"]),
            json!(["!=", 5]),
            json!(["<", 5, ">", 0]),
            json!([">", 5, "<", 5]),
            json!(["=", 1, "<", 5]),
            json!([">", 0, "<"]),
        ];
        let numeric = numeric.into_iter().map(|argument| json!({ "numeric": argument }));
        let anything_but = [json!(null), json!(true), json!([]), json!([1, "x"]), json!([[1]])];
        let anything_but =
            anything_but.into_iter().map(|argument| json!({ "anything-but": argument }));
        let nested = [
            json!({ "anything-but": { "prefix": [] } }),
            json!({ "anything-but": { "prefix": [1] } }),
            json!({ "anything-but": { "prefix": "a", "suffix": "b" } }),
            json!({ "prefix": "a", "suffix": "b" }),
            json!({ "equals-ignore-case": ["a"] }),
        ];
        for condition in numeric.chain(anything_but).chain(nested) {
            let error = Pattern::parse(&json!({ "a": [condition] })).unwrap_err();
            assert_eq!(error.code(), "PATTERN_SHAPE", "{condition}: {error}");
        }
    }

    #[test]
    fn operators_that_are_not_known_are_refused() {
        check_refused(
            json!({ "detail": { "a": ["x", { "regex": ".*" }] } }),
            "PATTERN_OPERATOR_UNKNOWN",
            "at $.detail.a[1]: expected one of prefix, suffix, equals-ignore-case, anything-but, \
             numeric, exists, wildcard, cidr, found the operator \"regex\"",
        );
        check_refused(
            json!({ "a": [{ "anything-but": { "numeric": ["=", 1] } }] }),
            "PATTERN_OPERATOR_UNKNOWN",
            "at $.a[0].anything-but: expected one of prefix, suffix, equals-ignore-case, wildcard, \
             found the operator \"numeric\"",
        );
        check_refused(
            json!({ "a": [{ "prefix": { "wildcard": "x" } }] }),
            "PATTERN_OPERATOR_UNKNOWN",
            "at $.a[0].prefix: expected one of equals-ignore-case, found the operator \"wildcard\"",
        );
        check_refused(
            json!({ "detail": { "plan.id": ["x"] } }),
            "PATTERN_KEY_DOTTED",
            "at $.detail: expected a key without a dot, found \"plan.id\"; write it as nested objects",
        );
    }
}
