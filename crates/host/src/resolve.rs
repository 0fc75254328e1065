//! Intrinsics, with the parameters' defaults in place: what a stack is when nothing is said about it.

use serde_json::Value;

use crate::{supported::unsupported, template::TemplateError};

/// The word for a property that is not there.
const NO_VALUE: &str = "AWS::NoValue";

/// How deep intrinsics may stand in each other.
const DEPTH_MAX: usize = 16;

/// The template's parameters, conditions and mappings.
#[derive(Clone, Copy)]
pub(crate) struct Resolver<'a> {
    pub(crate) document: &'a Value,
}

impl Resolver<'_> {
    /// The value of a property, `None` when there is none. `at` says whose it is.
    pub(crate) fn value(
        self,
        value: Option<&Value>,
        at: &str,
    ) -> Result<Option<Value>, TemplateError> {
        value.map_or(Ok(None), |value| self.at_depth(value, at, 0))
    }

    fn at_depth(
        self,
        value: &Value,
        at: &str,
        depth: usize,
    ) -> Result<Option<Value>, TemplateError> {
        let Some((name, argument)) = intrinsic(value) else { return Ok(Some(value.clone())) };
        let refused = || unsupported("intrinsic", &value.to_string(), at);
        if depth > DEPTH_MAX {
            return Err(refused());
        }
        let parts = argument.as_array().map(Vec::as_slice).unwrap_or_default();
        match (name, argument, parts) {
            ("Ref", Value::String(id), _) if id == NO_VALUE => Ok(None),
            ("Ref", Value::String(id), _) => self.parameter(id).map(Some).ok_or_else(refused),
            ("Fn::If", _, [Value::String(condition), yes, no]) => {
                let held = self.condition(condition, at, depth)?;
                self.at_depth(if held { yes } else { no }, at, depth.saturating_add(1))
            }
            _ => Err(refused()),
        }
    }

    /// A parameter's default; a list where the parameter is one.
    fn parameter(self, id: &str) -> Option<Value> {
        let parameter = self.document.get("Parameters")?.get(id)?;
        let default = parameter.get("Default")?;
        match (parameter.get("Type")?.as_str()?, default) {
            ("CommaDelimitedList", Value::String(text)) => {
                Some(text.split(',').map(|item| Value::from(item.trim())).collect())
            }
            ("Number", Value::String(text)) => text.parse::<i64>().ok().map(Value::from),
            ("String" | "Number", default) => Some(default.clone()),
            _ => None,
        }
    }

    fn condition(self, name: &str, at: &str, depth: usize) -> Result<bool, TemplateError> {
        let refused = || unsupported("condition", name, at);
        let condition = self.document.get("Conditions").and_then(|all| all.get(name));
        self.holds(condition.ok_or_else(refused)?, name, depth.saturating_add(1))
    }

    fn holds(self, condition: &Value, at: &str, depth: usize) -> Result<bool, TemplateError> {
        let refused = || unsupported("condition", &condition.to_string(), at);
        if depth > DEPTH_MAX {
            return Err(refused());
        }
        let (name, argument) = intrinsic(condition).ok_or_else(refused)?;
        let parts = argument.as_array().map(Vec::as_slice).unwrap_or_default();
        match (name, argument, parts) {
            ("Condition", Value::String(name), _) => self.condition(name, at, depth),
            ("Fn::Not", _, [one]) => Ok(!self.holds(one, at, depth.saturating_add(1))?),
            ("Fn::Equals", _, [left, right]) => {
                let left = self.at_depth(left, at, depth.saturating_add(1))?;
                let right = self.at_depth(right, at, depth.saturating_add(1))?;
                Ok(text(left.as_ref()) == text(right.as_ref()))
            }
            _ => Err(refused()),
        }
    }
}

/// Texts are compared: a number 0 and a text "0" are equal.
fn text(value: Option<&Value>) -> Option<String> {
    value.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

/// The one key of an object that is an intrinsic, with its argument.
pub(crate) fn intrinsic(value: &Value) -> Option<(&str, &Value)> {
    let object = value.as_object().filter(|object| object.len() == 1)?;
    let (name, argument) = object.iter().next()?;
    let is_intrinsic = name == "Ref" || name == "Condition" || name.starts_with("Fn::");
    is_intrinsic.then_some((name.as_str(), argument))
}
