//! Which rule leads to which function, and how.

use serde_json::Value;

use crate::pattern::Pattern;

/// One rule with the function at its end.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// The rule's logical id in the template.
    pub rule: String,
    /// Which events it wants.
    pub pattern: Pattern,
    /// The logical id of the function at its end.
    pub function: String,
    /// The way there.
    pub via: Via,
    /// How often a delivery is tried, the first time included, before it is a dead letter.
    pub attempts: u32,
}

/// The way from a rule to its function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Via {
    /// The function is the rule's target and is given the event itself.
    Direct,
    /// The rule's target is this queue (its logical id); the function is given SQS records that hold the event.
    Queue(String),
}

/// All routes of a bus, ordered by the rules' logical ids.
#[derive(Debug, Clone, PartialEq)]
pub struct Routes {
    /// One for each target of each rule.
    pub rules: Vec<Route>,
}

impl Routes {
    /// The routes that want this event (the whole envelope).
    pub fn matching<'a>(&'a self, event: &'a Value) -> impl Iterator<Item = &'a Route> {
        self.rules.iter().filter(|route| route.pattern.matches(event))
    }
}
