//! What one field's values must satisfy.

use std::{cmp::Ordering, net::IpAddr};

use ipnet::IpNet;
use serde_json::{Number, Value};

use super::range::Range;
use super::wildcard::Wildcard;
use super::{Path, PatternError};

const OPERATORS: &str =
    "prefix, suffix, equals-ignore-case, anything-but, numeric, exists, wildcard, cidr";
/// The largest number that EventBridge compares as a number.
const NUMBER_MAX: f64 = 5.0e9;
const TEXT_OPERATORS: &str = "prefix, suffix, equals-ignore-case, wildcard";

/// One entry of a field's list: a literal or an operator.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Condition {
    /// The field has a value.
    Present,
    /// The field has none.
    Absent,
    /// One of the values is accepted.
    Is(Test),
    /// One of the values is accepted by none of these (so there must be a value).
    AnythingBut(Vec<Test>),
}

/// What one scalar must be.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Test {
    Null,
    Bool(bool),
    /// Numbers are compared as numbers: 300, 300.0 and 3e2 are equal.
    Number(f64),
    Text(TextTest),
    Numeric(Range),
    /// An IP address of this network.
    Within(IpNet),
}

/// What a string must be.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum TextTest {
    Equal(String),
    /// Lower-cased.
    EqualIgnoringCase(String),
    Prefix(String),
    /// Lower-cased.
    PrefixIgnoringCase(String),
    Suffix(String),
    /// Lower-cased.
    SuffixIgnoringCase(String),
    Wildcard(Wildcard),
}

impl Condition {
    pub(super) fn parse(value: &Value, path: &Path) -> Result<Self, PatternError> {
        match value {
            Value::Object(_) => Self::parse_operator(value, path),
            Value::Array(_) => Err(PatternError::shape(path, "a value or an operator", value)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                Ok(Self::Is(literal(value, path)?))
            }
        }
    }

    /// Whether the field with these scalars is accepted.
    pub(super) fn holds(&self, leaves: &[&Value]) -> bool {
        match self {
            Self::Present => !leaves.is_empty(),
            Self::Absent => leaves.is_empty(),
            Self::Is(test) => leaves.iter().any(|leaf| test.accepts(leaf)),
            Self::AnythingBut(tests) => {
                leaves.iter().any(|leaf| !tests.iter().any(|test| test.accepts(leaf)))
            }
        }
    }

    fn parse_operator(value: &Value, path: &Path) -> Result<Self, PatternError> {
        let (operator, argument) = single(value, path)?;
        let at = path.key(operator);
        match operator {
            "exists" => match argument {
                Value::Bool(true) => Ok(Self::Present),
                Value::Bool(false) => Ok(Self::Absent),
                other => Err(PatternError::shape(&at, "true or false", other)),
            },
            "numeric" => Ok(Self::Is(Test::Numeric(Range::parse(argument, &at)?))),
            "anything-but" => Ok(Self::AnythingBut(anything_but(argument, &at)?)),
            "prefix" => Ok(Self::Is(Test::Text(prefix(argument, &at)?))),
            "suffix" => Ok(Self::Is(Test::Text(suffix(argument, &at)?))),
            "equals-ignore-case" | "wildcard" => {
                Ok(Self::Is(Test::Text(text_test(operator, argument, path)?)))
            }
            "cidr" => Ok(Self::Is(Test::Within(network(argument, &at)?))),
            unknown => Err(PatternError::UnknownOperator {
                path: path.to_string(),
                expected: OPERATORS,
                found: unknown.to_owned(),
            }),
        }
    }
}

impl Test {
    fn accepts(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Null, Value::Null) => true,
            (Self::Bool(expected), Value::Bool(found)) => expected == found,
            (Self::Number(expected), Value::Number(found)) => {
                found.as_f64().and_then(|found| found.partial_cmp(expected))
                    == Some(Ordering::Equal)
            }
            (Self::Numeric(range), Value::Number(found)) => {
                found.as_f64().is_some_and(|found| range.contains(found))
            }
            (Self::Text(test), Value::String(found)) => test.accepts(found),
            (Self::Within(network), Value::String(found)) => {
                found.parse::<IpAddr>().is_ok_and(|address| network.contains(&address))
            }
            (
                Self::Null
                | Self::Bool(_)
                | Self::Number(_)
                | Self::Numeric(_)
                | Self::Text(_)
                | Self::Within(_),
                _,
            ) => false,
        }
    }
}

impl TextTest {
    fn accepts(&self, found: &str) -> bool {
        match self {
            Self::Equal(text) => found == text,
            Self::EqualIgnoringCase(text) => found.to_lowercase() == *text,
            Self::Prefix(text) => found.starts_with(text),
            Self::PrefixIgnoringCase(text) => found.to_lowercase().starts_with(text),
            Self::Suffix(text) => found.ends_with(text),
            Self::SuffixIgnoringCase(text) => found.to_lowercase().ends_with(text),
            Self::Wildcard(wildcard) => wildcard.accepts(found),
        }
    }
}

/// The one operator of an object, with its argument.
fn single<'a>(value: &'a Value, path: &Path) -> Result<(&'a str, &'a Value), PatternError> {
    let wrong = || PatternError::shape(path, "an object with exactly one operator", value);
    let object = value.as_object().ok_or_else(wrong)?;
    let mut entries = object.iter();
    match (entries.next(), entries.next()) {
        (Some((operator, argument)), None) => Ok((operator, argument)),
        (None | Some(_), _) => Err(wrong()),
    }
}

fn literal(value: &Value, path: &Path) -> Result<Test, PatternError> {
    match value {
        Value::Null => Ok(Test::Null),
        Value::Bool(flag) => Ok(Test::Bool(*flag)),
        Value::Number(number) => Ok(Test::Number(float(number, path)?)),
        Value::String(text) => Ok(Test::Text(TextTest::Equal(text.clone()))),
        Value::Array(_) | Value::Object(_) => {
            Err(PatternError::shape(path, "a string, a number, true, false or null", value))
        }
    }
}

/// The number as EventBridge compares it.
pub(super) fn float(number: &Number, path: &Path) -> Result<f64, PatternError> {
    let comparable = number.as_f64().filter(|value| value.abs() <= NUMBER_MAX);
    comparable.ok_or_else(|| PatternError::Shape {
        path: path.to_string(),
        expected: "a number from -5.0e9 to 5.0e9, beyond which EventBridge compares texts",
        found: number.to_string(),
    })
}

/// The network of a `cidr`: `10.0.0.0/24`, `2001:db8::/32`. Bits below the mask say nothing.
fn network(argument: &Value, path: &Path) -> Result<IpNet, PatternError> {
    let expected = "an IPv4 or IPv6 network as ADDRESS/BITS";
    let network = argument.as_str().and_then(|text| text.parse::<IpNet>().ok());
    network.ok_or_else(|| PatternError::shape(path, expected, argument))
}

/// The exclusions of an `anything-but`: a scalar, a list of one kind of scalars, or one text operator.
fn anything_but(argument: &Value, path: &Path) -> Result<Vec<Test>, PatternError> {
    let expected = "a string, a number, a list of either, or an operator";
    let same_kind =
        |items: &[Value]| items.iter().all(Value::is_string) || items.iter().all(Value::is_number);
    match argument {
        Value::String(_) | Value::Number(_) => Ok(vec![literal(argument, path)?]),
        Value::Array(items) if !items.is_empty() && same_kind(items) => {
            items.iter().map(|item| literal(item, path)).collect()
        }
        Value::Object(_) => {
            let (operator, argument) = single(argument, path)?;
            let one_or_many = match argument {
                Value::Array(items) if !items.is_empty() => items.iter().collect(),
                other => vec![other],
            };
            let tests = one_or_many.into_iter().map(|text| text_test(operator, text, path));
            tests.map(|test| test.map(Test::Text)).collect()
        }
        Value::Null | Value::Bool(_) | Value::Array(_) => {
            Err(PatternError::shape(path, expected, argument))
        }
    }
}

/// An operator on strings whose argument is a plain string; `path` is the operator's object.
fn text_test(operator: &str, argument: &Value, path: &Path) -> Result<TextTest, PatternError> {
    let at = path.key(operator);
    match operator {
        "prefix" => Ok(TextTest::Prefix(text(argument, &at)?.to_owned())),
        "suffix" => Ok(TextTest::Suffix(text(argument, &at)?.to_owned())),
        "equals-ignore-case" => {
            Ok(TextTest::EqualIgnoringCase(text(argument, &at)?.to_lowercase()))
        }
        "wildcard" => Ok(TextTest::Wildcard(Wildcard::parse(text(argument, &at)?, &at)?)),
        unknown => Err(PatternError::UnknownOperator {
            path: path.to_string(),
            expected: TEXT_OPERATORS,
            found: unknown.to_owned(),
        }),
    }
}

fn prefix(argument: &Value, path: &Path) -> Result<TextTest, PatternError> {
    match argument {
        Value::Object(_) => Ok(TextTest::PrefixIgnoringCase(ignoring_case(argument, path)?)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Ok(TextTest::Prefix(text(argument, path)?.to_owned()))
        }
    }
}

fn suffix(argument: &Value, path: &Path) -> Result<TextTest, PatternError> {
    match argument {
        Value::Object(_) => Ok(TextTest::SuffixIgnoringCase(ignoring_case(argument, path)?)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Ok(TextTest::Suffix(text(argument, path)?.to_owned()))
        }
    }
}

/// The lower-cased text of `{ "equals-ignore-case": text }`.
fn ignoring_case(argument: &Value, path: &Path) -> Result<String, PatternError> {
    match single(argument, path)? {
        (operator @ "equals-ignore-case", argument) => {
            Ok(text(argument, &path.key(operator))?.to_lowercase())
        }
        (unknown, _) => Err(PatternError::UnknownOperator {
            path: path.to_string(),
            expected: "equals-ignore-case",
            found: unknown.to_owned(),
        }),
    }
}

fn text<'a>(argument: &'a Value, path: &Path) -> Result<&'a str, PatternError> {
    argument.as_str().ok_or_else(|| PatternError::shape(path, "a string", argument))
}
