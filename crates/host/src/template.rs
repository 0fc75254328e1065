//! The routes as the deployed template has them.

use jiff::SignedDuration;
use serde_json::Value;

use crate::{
    deployment::Target,
    pattern::{Pattern, PatternError},
    resolve::{Resolver, intrinsic},
    route::{Route, Routes, Via},
    supported, yaml,
};

/// The text of `infra/template.yaml`.
pub const DEPLOYED: &str = include_str!("../../../infra/template.yaml");

pub(crate) const BUS: &str = "AWS::Events::EventBus";
pub(crate) const RULE: &str = "AWS::Events::Rule";
pub(crate) const QUEUE: &str = "AWS::SQS::Queue";
pub(crate) const FUNCTION: &str = "AWS::Serverless::Function";

/// A queue's least visibility timeout, in function timeouts: AWS's advice, so that no message is seen twice at once.
const VISIBILITY_FUNCTION_TIMEOUTS: i32 = 6;
/// What AWS assumes where the template is silent.
const DEFAULT_RETRY_ATTEMPTS: u32 = 2;

impl Routes {
    /// The routes of the template this crate was built with.
    ///
    /// # Errors
    ///
    /// As [`Routes::parse`]; a test of this crate shows that it has none.
    pub fn deployed() -> Result<Self, TemplateError> {
        Self::parse(DEPLOYED)
    }

    /// Reads a SAM template.
    ///
    /// # Errors
    ///
    /// [`TemplateError`] for what cannot be routed, for routes that would lose or repeat deliveries, and for whatever is
    /// not supported, by its name.
    pub fn parse(template: &str) -> Result<Self, TemplateError> {
        let targets = Template::read(template)?.targets()?;
        Ok(Self { rules: targets.into_iter().map(|target| target.route).collect() })
    }
}

/// Why a template does not say where events go, or should not be deployed as it is.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The text is not YAML.
    #[error("expected a template in YAML, found: {source}")]
    Unreadable {
        /// What the reader says.
        source: Box<serde_saphyr::Error>,
    },
    /// Nothing is routed.
    #[error("expected at least one resource of type {RULE}, found none")]
    WithoutRules,
    /// A rule listens elsewhere (without a name: on the account's default bus).
    #[error("rule {rule}: expected EventBusName to refer to a bus of the template, found {found}")]
    RuleOffBus {
        /// The rule's logical id.
        rule: String,
        /// Its bus as written.
        found: String,
    },
    /// A rule's pattern is missing or not an object.
    #[error("rule {rule}: expected EventPattern to be an object, found {found}")]
    PatternNotObject {
        /// The rule's logical id.
        rule: String,
        /// Its pattern as written.
        found: String,
    },
    /// A rule's pattern is refused.
    #[error("rule {rule}: {source}")]
    Pattern {
        /// The rule's logical id.
        rule: String,
        /// Why.
        source: PatternError,
    },
    /// A rule leads nowhere.
    #[error("rule {rule}: expected at least one target, found none")]
    RuleWithoutTarget {
        /// The rule's logical id.
        rule: String,
    },
    /// A rule leads to something that is neither a function nor a queue of the template.
    #[error(
        "rule {rule}: expected a target that is a function or a queue of the template, found {found}"
    )]
    UnknownTarget {
        /// The rule's logical id.
        rule: String,
        /// The target's ARN as written.
        found: String,
    },
    /// A rule that would drop what it cannot hand to its function.
    #[error(
        "rule {rule}: expected DeadLetterConfig with a queue of the template on the target {function}, found none"
    )]
    RuleWithoutDeadLetters {
        /// The rule's logical id.
        rule: String,
        /// The target's logical id.
        function: String,
    },
    /// A queue that nothing or more than one function reads.
    #[error("queue {queue}: expected exactly 1 function that reads it, found {found}")]
    QueueConsumers {
        /// The queue's logical id.
        queue: String,
        /// How many functions have it as an SQS event.
        found: usize,
    },
    /// A queue that would give back a failing message until it expires.
    #[error(
        "queue {queue}: expected RedrivePolicy with a maxReceiveCount of at least 1, found {found}"
    )]
    QueueWithoutRedrive {
        /// The queue's logical id.
        queue: String,
        /// The policy as written.
        found: String,
    },
    /// A queue that would give out a message again while the function still works it.
    #[error(
        "queue {queue}: expected VisibilityTimeout of at least {expected_seconds} s \
         ({VISIBILITY_FUNCTION_TIMEOUTS} x the timeout of {function}), found {found_seconds} s"
    )]
    VisibilityTooShort {
        /// The queue's logical id.
        queue: String,
        /// The function that reads it.
        function: String,
        /// The least that is safe, in seconds.
        expected_seconds: i64,
        /// The queue's, in seconds.
        found_seconds: i64,
    },
    /// Something that is deployed and that is not honored here.
    #[error("{at}: expected what is honored here, found the {what} {name}")]
    Unsupported {
        /// What it is: a property, an intrinsic, a resource type, …
        what: &'static str,
        /// Its name.
        name: String,
        /// Whose it is.
        at: String,
    },
    /// A property that is no whole number.
    #[error("{at}: expected a whole number of at least 0, found {found}")]
    NotANumber {
        /// Which one.
        at: String,
        /// What stands there.
        found: String,
    },
    /// Dead letters that go nowhere.
    #[error("{at}: expected a queue of the template for what fails, found {found}")]
    NotAQueue {
        /// Whose they are.
        at: String,
        /// What stands there.
        found: String,
    },
    /// A schedule that is no rate.
    #[error("function {function}: expected a schedule like rate(1 minute), found {found}")]
    NotARate {
        /// The function's logical id.
        function: String,
        /// What stands there.
        found: String,
    },
}

impl TemplateError {
    /// The stable code of this error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "TEMPLATE_UNREADABLE",
            Self::WithoutRules => "TEMPLATE_WITHOUT_RULES",
            Self::RuleOffBus { .. } => "RULE_OFF_BUS",
            Self::PatternNotObject { .. } => "RULE_PATTERN_NOT_OBJECT",
            Self::Pattern { source, .. } => source.code(),
            Self::RuleWithoutTarget { .. } => "RULE_WITHOUT_TARGET",
            Self::UnknownTarget { .. } => "RULE_TARGET_UNKNOWN",
            Self::RuleWithoutDeadLetters { .. } => "RULE_WITHOUT_DEAD_LETTERS",
            Self::QueueConsumers { .. } => "QUEUE_CONSUMERS",
            Self::QueueWithoutRedrive { .. } => "QUEUE_WITHOUT_REDRIVE",
            Self::VisibilityTooShort { .. } => "QUEUE_VISIBILITY_TOO_SHORT",
            Self::Unsupported { .. } => "TEMPLATE_UNSUPPORTED",
            Self::NotANumber { .. } => "TEMPLATE_NOT_A_NUMBER",
            Self::NotAQueue { .. } => "TEMPLATE_NOT_A_QUEUE",
            Self::NotARate { .. } => "TEMPLATE_NOT_A_RATE",
        }
    }
}

pub(crate) struct Template {
    pub(crate) document: Value,
}

/// One resource of the template.
#[derive(Clone, Copy)]
pub(crate) struct Resource<'a> {
    pub(crate) id: &'a str,
    pub(crate) body: &'a Value,
}

impl<'a> Resource<'a> {
    fn is(&self, kind: &str) -> bool {
        self.body.get("Type").and_then(Value::as_str) == Some(kind)
    }

    /// The property at a JSON pointer.
    pub(crate) fn property(&self, pointer: &str) -> Option<&'a Value> {
        self.body.get("Properties").and_then(|properties| properties.pointer(pointer))
    }
}

impl Template {
    /// Reads a template, and refuses what is not honored.
    pub(crate) fn read(text: &str) -> Result<Self, TemplateError> {
        let document = yaml::read(text)
            .map_err(|source| TemplateError::Unreadable { source: Box::new(source) })?;
        supported::check(&document)?;
        Ok(Self { document })
    }

    /// Every target of every rule.
    pub(crate) fn targets(&self) -> Result<Vec<Target>, TemplateError> {
        let mut targets = Vec::new();
        for rule in self.resources(RULE) {
            targets.extend(self.routes(&rule)?);
        }
        if targets.is_empty() { Err(TemplateError::WithoutRules) } else { Ok(targets) }
    }

    pub(crate) fn resources<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = Resource<'a>> {
        let all = self.document.get("Resources").and_then(Value::as_object);
        let all = all.into_iter().flatten().map(|(id, body)| Resource { id, body });
        all.filter(move |resource| resource.is(kind))
    }

    /// The resource of this type that an intrinsic refers to.
    pub(crate) fn referred<'a>(&'a self, value: &'a Value, kind: &'a str) -> Option<Resource<'a>> {
        let id = reference(value)?;
        self.resources(kind).find(|resource| resource.id == id)
    }

    fn routes(&self, rule: &Resource<'_>) -> Result<Vec<Target>, TemplateError> {
        self.check_bus(rule)?;
        let pattern = self.pattern(rule)?;
        let targets = rule.property("/Targets").and_then(Value::as_array);
        let targets = targets.map(Vec::as_slice).unwrap_or_default();
        if targets.is_empty() {
            return Err(TemplateError::RuleWithoutTarget { rule: rule.id.to_owned() });
        }
        let each = targets.iter().map(|target| {
            let route = self.route(rule, &pattern, target)?;
            Ok(Target { route, handover: self.handover(rule.id, target)? })
        });
        each.collect()
    }

    fn check_bus(&self, rule: &Resource<'_>) -> Result<(), TemplateError> {
        let bus = rule.property("/EventBusName");
        match bus.and_then(|bus| self.referred(bus, BUS)) {
            Some(_) => Ok(()),
            None => {
                Err(TemplateError::RuleOffBus { rule: rule.id.to_owned(), found: written(bus) })
            }
        }
    }

    fn pattern(&self, rule: &Resource<'_>) -> Result<Pattern, TemplateError> {
        let id = || rule.id.to_owned();
        match rule.property("/EventPattern") {
            Some(pattern @ Value::Object(_)) => {
                Pattern::parse(&self.with_defaults(pattern, rule.id)?)
                    .map_err(|source| TemplateError::Pattern { rule: id(), source })
            }
            other => Err(TemplateError::PatternNotObject { rule: id(), found: written(other) }),
        }
    }

    /// A pattern in which every parameter is its default.
    fn with_defaults(&self, pattern: &Value, rule: &str) -> Result<Value, TemplateError> {
        if intrinsic(pattern).is_some_and(|(name, _)| name == "Ref" || name.starts_with("Fn::")) {
            let resolved = Resolver { document: &self.document }.value(Some(pattern), rule)?;
            return Ok(resolved.unwrap_or_default());
        }
        match pattern {
            Value::Object(fields) => {
                let each = fields.iter().map(|(name, value)| {
                    self.with_defaults(value, rule).map(|value| (name.clone(), value))
                });
                each.collect()
            }
            Value::Array(items) => {
                items.iter().map(|item| self.with_defaults(item, rule)).collect()
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                Ok(pattern.clone())
            }
        }
    }

    fn route(
        &self,
        rule: &Resource<'_>,
        pattern: &Pattern,
        target: &Value,
    ) -> Result<Route, TemplateError> {
        let arn = target.get("Arn");
        let (function, via, attempts) =
            if let Some(function) = arn.and_then(|arn| self.referred(arn, FUNCTION)) {
                self.check_dead_letters(rule, &function, target)?;
                (function, Via::Direct, invocations(&function))
            } else if let Some(queue) = arn.and_then(|arn| self.referred(arn, QUEUE)) {
                let function = self.consumer(&queue)?;
                self.check_visibility(&queue, &function)?;
                (function, Via::Queue(queue.id.to_owned()), receives(&queue)?)
            } else {
                let rule = rule.id.to_owned();
                return Err(TemplateError::UnknownTarget { rule, found: written(arn) });
            };
        Ok(Route {
            rule: rule.id.to_owned(),
            pattern: pattern.clone(),
            function: function.id.to_owned(),
            via,
            attempts,
        })
    }

    fn check_dead_letters(
        &self,
        rule: &Resource<'_>,
        function: &Resource<'_>,
        target: &Value,
    ) -> Result<(), TemplateError> {
        let dead_letters = target.pointer("/DeadLetterConfig/Arn");
        match dead_letters.and_then(|arn| self.referred(arn, QUEUE)) {
            Some(_) => Ok(()),
            None => Err(TemplateError::RuleWithoutDeadLetters {
                rule: rule.id.to_owned(),
                function: function.id.to_owned(),
            }),
        }
    }

    /// The one function that has the queue as an SQS event.
    fn consumer(&self, queue: &Resource<'_>) -> Result<Resource<'_>, TemplateError> {
        let sources = self.events("SQS").into_iter();
        let reads = |event: &Value| {
            event.pointer("/Properties/Queue").and_then(reference) == Some(queue.id)
        };
        let consumers: Vec<_> =
            sources.filter(|(_, event)| reads(event)).map(|(function, _)| function).collect();
        match consumers.as_slice() {
            [consumer] => Ok(*consumer),
            others => Err(TemplateError::QueueConsumers {
                queue: queue.id.to_owned(),
                found: others.len(),
            }),
        }
    }

    fn check_visibility(
        &self,
        queue: &Resource<'_>,
        function: &Resource<'_>,
    ) -> Result<(), TemplateError> {
        let timeout: SignedDuration = self.timeout(function)?;
        let found_seconds = self.visibility(queue)?.as_secs();
        let expected_seconds = timeout.saturating_mul(VISIBILITY_FUNCTION_TIMEOUTS).as_secs();
        if found_seconds >= expected_seconds {
            return Ok(());
        }
        Err(TemplateError::VisibilityTooShort {
            queue: queue.id.to_owned(),
            function: function.id.to_owned(),
            expected_seconds,
            found_seconds,
        })
    }
}

/// How often SQS gives a message out before it is a dead letter.
fn receives(queue: &Resource<'_>) -> Result<u32, TemplateError> {
    let count = queue.property("/RedrivePolicy/maxReceiveCount").and_then(Value::as_u64);
    match count.and_then(|count| u32::try_from(count).ok()) {
        Some(count @ 1..) => Ok(count),
        Some(0) | None => Err(TemplateError::QueueWithoutRedrive {
            queue: queue.id.to_owned(),
            found: written(queue.property("/RedrivePolicy")),
        }),
    }
}

/// How often Lambda invokes a function for an asynchronous event before it is a dead letter.
fn invocations(function: &Resource<'_>) -> u32 {
    let retries = function.property("/EventInvokeConfig/MaximumRetryAttempts");
    let retries = retries.and_then(Value::as_u64).and_then(|count| u32::try_from(count).ok());
    retries.unwrap_or(DEFAULT_RETRY_ATTEMPTS).saturating_add(1)
}

/// The logical id in `Ref: id`, `Fn::GetAtt: [id, attribute]` or `Fn::GetAtt: id.attribute`.
pub(crate) fn reference(value: &Value) -> Option<&str> {
    match value.get("Ref").or_else(|| value.get("Fn::GetAtt"))? {
        Value::String(text) => text.split('.').next(),
        Value::Array(parts) => parts.first().and_then(Value::as_str),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
    }
}

pub(crate) fn written(value: Option<&Value>) -> String {
    value.map_or_else(|| "nothing".to_owned(), Value::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A direct route and a queued one, with nothing wrong.
    const SOUND: &str = r#"
Resources:
  Bus: { Type: "AWS::Events::EventBus" }
  Direct:
    Type: AWS::Events::Rule
    Properties:
      EventBusName: { Ref: Bus }
      EventPattern: { source: [direct] }
      Targets: [{ Id: one, Arn: { "Fn::GetAtt": [Worker, Arn] }, DeadLetterConfig: { Arn: { "Fn::GetAtt": [Dead, Arn] } } }]
  Queued:
    Type: AWS::Events::Rule
    Properties:
      EventBusName: { Ref: Bus }
      EventPattern: { source: [queued] }
      Targets: [{ Id: two, Arn: { "Fn::GetAtt": Queue.Arn } }]
  Queue:
    Type: AWS::SQS::Queue
    Properties: { VisibilityTimeout: 60, RedrivePolicy: { maxReceiveCount: 4 } }
  Dead: { Type: "AWS::SQS::Queue" }
  Reader:
    Type: AWS::Serverless::Function
    Properties:
      Timeout: 10
      Events: { Messages: { Type: SQS, Properties: { Queue: { "Fn::GetAtt": [Queue, Arn] } } } }
  Worker:
    Type: AWS::Serverless::Function
    Properties: { EventInvokeConfig: { MaximumRetryAttempts: 1 } }
"#;

    /// The sound template with one thing replaced: `None` when it is still routed, else the error.
    #[track_caller]
    fn check(sound: &str, replacement: &str, expected: Option<(&str, &str)>) {
        assert!(SOUND.contains(sound), "{sound} is not in the template");
        let found = Routes::parse(&SOUND.replace(sound, replacement)).err();
        let found = found.map(|error| (error.code(), error.to_string()));
        let expected = expected.map(|(code, message)| (code, message.to_owned()));
        assert_eq!(found, expected);
    }

    fn summary(routes: &Routes) -> Vec<(&str, &str, Via, u32)> {
        routes
            .rules
            .iter()
            .map(|route| {
                (route.rule.as_str(), route.function.as_str(), route.via.clone(), route.attempts)
            })
            .collect()
    }

    #[test]
    fn the_deployed_rules_are_routed() {
        let routes = Routes::deployed().unwrap();
        let queue = |queue: &str| Via::Queue(queue.to_owned());
        assert_eq!(
            summary(&routes),
            [
                ("RebalancePlannedRule", "RebalancePlannedFunction", queue("PlansQueue"), 5),
                ("TradeExecutionRequestedRule", "TradeExecutionFunction", Via::Direct, 3),
                ("WorkflowOutcomeRule", "WorkflowOutcomeFunction", queue("OutcomesQueue"), 5),
            ]
        );
    }

    #[test]
    fn a_sound_template_is_routed() {
        let routes = Routes::parse(SOUND).unwrap();
        let queue = Via::Queue("Queue".to_owned());
        let expected = [("Direct", "Worker", Via::Direct, 2), ("Queued", "Reader", queue, 4)];
        assert_eq!(summary(&routes), expected);
    }

    #[test]
    fn a_list_that_is_a_parameter_is_its_default() {
        let parameters = |kind: &str| {
            let list =
                format!("Parameters: {{ From: {{ Type: {kind}, Default: \"one, two\" }} }}\n");
            list + &SOUND.replace("{ source: [direct] }", "{ source: { Ref: From } }")
        };
        let routes = Routes::parse(&parameters("CommaDelimitedList")).unwrap();
        let wants = |source: &str| {
            let event = serde_json::json!({ "source": source });
            routes.matching(&event).map(|route| route.rule.clone()).collect::<Vec<_>>()
        };
        assert_eq!([wants("one"), wants("two")], [["Direct"], ["Direct"]]);
        assert!(wants("three").is_empty());
        assert_eq!(Routes::parse(&parameters("String")).unwrap_err().code(), "PATTERN_SHAPE");
    }

    #[test]
    fn lambda_retries_twice_where_the_template_is_silent() {
        let routes = Routes::parse(&SOUND.replace("MaximumRetryAttempts: 1", "")).unwrap();
        assert_eq!(routes.rules[0].attempts, 3);
    }

    #[test]
    fn a_rule_on_another_bus_is_refused() {
        let code = "RULE_OFF_BUS";
        let message = "rule Queued: expected EventBusName to refer to a bus of the template, found";
        let bus = "EventBusName: { Ref: Bus }\n      EventPattern: { source: [queued] }";
        let rest = "EventPattern: { source: [queued] }";
        check(bus, rest, Some((code, &format!("{message} nothing"))));
        let named = format!("EventBusName: default\n      {rest}");
        check(bus, &named, Some((code, &format!("{message} \"default\""))));
        let queue = format!("EventBusName: {{ Ref: Dead }}\n      {rest}");
        check(bus, &queue, Some((code, &format!("{message} {{\"Ref\":\"Dead\"}}"))));
    }

    #[test]
    fn a_rule_without_a_readable_pattern_is_refused() {
        let code = "RULE_PATTERN_NOT_OBJECT";
        let message = "rule Direct: expected EventPattern to be an object, found";
        let pattern = "EventPattern: { source: [direct] }";
        check(pattern, "State: ENABLED", Some((code, &format!("{message} nothing"))));
        check(pattern, "EventPattern: [direct]", Some((code, &format!("{message} [\"direct\"]"))));
        let message = "rule Direct: at $.source: expected an object or an array with at least one value, found \"direct\"";
        check(pattern, "EventPattern: { source: direct }", Some(("PATTERN_SHAPE", message)));
    }

    #[test]
    fn a_rule_without_target_is_refused() {
        let expected =
            Some(("RULE_WITHOUT_TARGET", "rule Queued: expected at least one target, found none"));
        let targets = "Targets: [{ Id: two, Arn: { \"Fn::GetAtt\": Queue.Arn } }]";
        check(targets, "Targets: []", expected);
        check(targets, "State: ENABLED", expected);
    }

    #[test]
    fn a_target_that_is_no_function_and_no_queue_is_refused() {
        let code = "RULE_TARGET_UNKNOWN";
        let message =
            "rule Queued: expected a target that is a function or a queue of the template, found";
        let arn = "Arn: { \"Fn::GetAtt\": Queue.Arn }";
        check(
            arn,
            "Arn: { \"Fn::GetAtt\": Nobody.Arn }",
            Some((code, &format!("{message} {{\"Fn::GetAtt\":\"Nobody.Arn\"}}"))),
        );
        check(arn, "Arn: Queue", Some((code, &format!("{message} \"Queue\""))));
        check(arn, "Arn: !GetAtt Queue.Arn", None);
        check(arn, "Arn: null", Some((code, &format!("{message} null"))));
    }

    #[test]
    fn a_direct_target_without_dead_letters_is_refused() {
        let expected = Some((
            "RULE_WITHOUT_DEAD_LETTERS",
            "rule Direct: expected DeadLetterConfig with a queue of the template on the target Worker, found none",
        ));
        let config = ", DeadLetterConfig: { Arn: { \"Fn::GetAtt\": [Dead, Arn] } }";
        check(config, "", expected);
        check(config, &config.replace("Dead,", "Worker,"), expected);
    }

    #[test]
    fn a_queue_is_read_by_exactly_one_function() {
        let code = "QUEUE_CONSUMERS";
        let message = "queue Queue: expected exactly 1 function that reads it, found";
        let other = "Queue: { \"Fn::GetAtt\": [Dead, Arn] }";
        check(
            "Queue: { \"Fn::GetAtt\": [Queue, Arn] }",
            other,
            Some((code, &format!("{message} 0"))),
        );
        let reads = "Properties: { Events: { M: { Type: SQS, Properties: { Queue: { Ref: Queue } } } }, EventInvokeConfig";
        check("Properties: { EventInvokeConfig", reads, Some((code, &format!("{message} 2"))));
    }

    #[test]
    fn a_queue_without_redrive_is_refused() {
        let code = "QUEUE_WITHOUT_REDRIVE";
        let message =
            "queue Queue: expected RedrivePolicy with a maxReceiveCount of at least 1, found";
        let redrive = ", RedrivePolicy: { maxReceiveCount: 4 }";
        check(redrive, "", Some((code, &format!("{message} nothing"))));
        let zero = redrive.replace('4', "0");
        check(redrive, &zero, Some((code, &format!("{message} {{\"maxReceiveCount\":0}}"))));
    }

    #[test]
    fn a_queue_hides_a_message_for_six_function_timeouts() {
        let code = "QUEUE_VISIBILITY_TOO_SHORT";
        let short = |expected: u64, found: u64| {
            format!(
                "queue Queue: expected VisibilityTimeout of at least {expected} s (6 x the timeout of Reader), found {found} s"
            )
        };
        check("VisibilityTimeout: 60", "VisibilityTimeout: 59", Some((code, &short(60, 59))));
        check("VisibilityTimeout: 60, ", "", Some((code, &short(60, 30))));
        check("Timeout: 10", "Timeout: 11", Some((code, &short(66, 60))));
        check("      Timeout: 10\n", "", None);
        let global = SOUND.replace("      Timeout: 10\n", "");
        let global = format!("Globals: {{ Function: {{ Timeout: 11 }} }}\n{global}");
        assert_eq!(Routes::parse(&global).unwrap_err().to_string(), short(66, 60));
    }

    #[test]
    fn a_text_that_routes_nothing_is_refused() {
        let code = |text: &str| Routes::parse(text).unwrap_err().code();
        assert_eq!(code("Resources: ["), "TEMPLATE_UNREADABLE");
        assert_eq!(code("Resources: {}"), "TEMPLATE_WITHOUT_RULES");
        assert_eq!(code("text"), "TEMPLATE_WITHOUT_RULES");
    }
}
