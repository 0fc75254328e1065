//! The numbers a `numeric` operator accepts.

use serde_json::Value;

use super::condition::float;
use super::{Path, PatternError};

/// An interval of numbers; no bound on a side means that everything is accepted there.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Range {
    bottom: Option<Bound>,
    top: Option<Bound>,
}

#[derive(Debug, Clone, PartialEq)]
struct Bound {
    value: f64,
    edge: Edge,
}

/// Whether the bound itself is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Edge {
    Open,
    Closed,
}

impl Range {
    /// Reads `["=", n]`, `["<", n]`, `[">=", n]`, `[">", n, "<=", m]` and their kin.
    pub(super) fn parse(argument: &Value, path: &Path) -> Result<Self, PatternError> {
        let expected = "[\"=\", number], or a bound below (> or >=), a bound above (< or <=), or both in this order";
        let wrong = || PatternError::shape(path, expected, argument);
        let items = argument.as_array().ok_or_else(wrong)?;
        match items.as_slice() {
            [Value::String(operator), Value::Number(number)] => {
                let value = float(number, path)?;
                Self::one_sided(operator, value).ok_or_else(wrong)
            }
            [
                Value::String(below),
                Value::Number(bottom),
                Value::String(above),
                Value::Number(top),
            ] => {
                let bottom = Self::one_sided(below, float(bottom, path)?).ok_or_else(wrong)?;
                let top = Self::one_sided(above, float(top, path)?).ok_or_else(wrong)?;
                Self::between(bottom, top).ok_or_else(wrong)
            }
            _ => Err(wrong()),
        }
    }

    /// Whether the number lies within.
    pub(super) fn contains(&self, number: f64) -> bool {
        let above = self.bottom.as_ref().is_none_or(|bottom| match bottom.edge {
            Edge::Open => number > bottom.value,
            Edge::Closed => number >= bottom.value,
        });
        let below = self.top.as_ref().is_none_or(|top| match top.edge {
            Edge::Open => number < top.value,
            Edge::Closed => number <= top.value,
        });
        above && below
    }

    fn one_sided(operator: &str, value: f64) -> Option<Self> {
        let open = Some(Bound { value, edge: Edge::Open });
        let closed = Some(Bound { value, edge: Edge::Closed });
        match operator {
            "=" => Some(Self { bottom: closed.clone(), top: closed }),
            ">" => Some(Self { bottom: open, top: None }),
            ">=" => Some(Self { bottom: closed, top: None }),
            "<" => Some(Self { bottom: None, top: open }),
            "<=" => Some(Self { bottom: None, top: closed }),
            _ => None,
        }
    }

    /// What lies in both, if the first bounds only below, the second only above, and the first is the smaller.
    fn between(lower: Self, upper: Self) -> Option<Self> {
        match (lower, upper) {
            (Self { bottom: Some(bottom), top: None }, Self { bottom: None, top: Some(top) })
                if bottom.value < top.value =>
            {
                Some(Self { bottom: Some(bottom), top: Some(top) })
            }
            (Self { .. }, Self { .. }) => None,
        }
    }
}
