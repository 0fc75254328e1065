//! What the template deploys, as far as it decides which function is given what, when, and how often.

use jiff::SignedDuration;
use serde_json::Value;

use crate::{
    resolve::Resolver,
    route::Route,
    template::{DEPLOYED, FUNCTION, QUEUE, Resource, Template, TemplateError, reference},
};

/// What AWS assumes where a template is silent.
const TIMEOUT: i64 = 3;
const VISIBILITY: i64 = 30;
const RETENTION: i64 = 4 * 24 * 3_600;
const EVENT_AGE: i64 = 6 * 3_600;
const RETRIES: i64 = 2;
const HANDOVER_AGE: i64 = 24 * 3_600;
const HANDOVER_RETRIES: i64 = 185;
const BATCH: i64 = 10;

/// Everything that is deployed.
#[derive(Debug, Clone, PartialEq)]
pub struct Deployment {
    /// Where events go.
    pub targets: Vec<Target>,
    /// The functions, by logical id.
    pub functions: Vec<Function>,
    /// The queues, by logical id.
    pub queues: Vec<Queue>,
    /// Functions that are invoked now and then.
    pub schedules: Vec<Schedule>,
}

/// A rule's target.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// Which events it wants, and who is given them.
    pub route: Route,
    /// For how long the bus tries to hand an event over.
    pub handover: Handover,
}

/// For how long, and how often, something is tried, and where it goes then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handover {
    /// What is older is given up.
    pub age_max: SignedDuration,
    /// How often it is tried again.
    pub retries: u32,
    /// The logical id of the queue where it goes then; none drops it.
    pub dead_letters: Option<String>,
}

/// A Lambda function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its logical id.
    pub id: String,
    /// The directory of its bootstrap, e.g. `trade-execution`.
    pub name: String,
    /// After this time it is killed.
    pub timeout: SignedDuration,
    /// Its memory, in megabytes.
    pub memory_mb: u64,
    /// The names of its environment variables.
    pub variables: Vec<String>,
    /// How many of it may run at once, if that is bounded.
    pub concurrency: Option<u32>,
    /// What becomes of asynchronous events that it fails on.
    pub asynchronous: Handover,
}

/// A queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// Its logical id.
    pub id: String,
    /// For how long a message that was received is not seen.
    pub visibility: SignedDuration,
    /// What is older is dropped.
    pub retention: SignedDuration,
    /// After how many receives a message goes where.
    pub redrive: Option<Redrive>,
    /// Who reads it.
    pub reader: Option<Reader>,
}

/// After how many receives a message goes to another queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redrive {
    /// It is received so often.
    pub receives_max: u32,
    /// The logical id of the queue where it goes then.
    pub dead_letters: String,
}

/// A function that is given a queue's messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    /// Its logical id.
    pub function: String,
    /// Messages of an invocation at most.
    pub batch: usize,
    /// What an answer says.
    pub answer: Answers,
}

/// What the answer of a function that was given messages says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    /// Nothing: all of them are done.
    Whole,
    /// Which of them failed (`ReportBatchItemFailures`).
    Each,
}

/// A function that is invoked every so often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// The function's logical id.
    pub function: String,
    /// How often.
    pub every: SignedDuration,
}

impl Deployment {
    /// Of the template this crate was built with.
    ///
    /// # Errors
    /// As [`Deployment::parse`].
    pub fn deployed() -> Result<Self, TemplateError> {
        Self::parse(DEPLOYED)
    }

    /// Reads a SAM template; parameters have their defaults.
    ///
    /// # Errors
    /// [`TemplateError`] for what cannot be routed, for routes that would lose or repeat deliveries, and for whatever is
    /// not supported, by its name.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let template = Template::read(text)?;
        let targets = template.targets()?;
        let each = |resource: Resource<'_>| template.function(&resource);
        let functions = template.resources(FUNCTION).map(each).collect::<Result<_, _>>()?;
        let each = |resource: Resource<'_>| template.queue(&resource);
        let queues = template.resources(QUEUE).map(each).collect::<Result<_, _>>()?;
        let each = |resource: Resource<'_>| template.schedules(&resource);
        let schedules: Vec<Vec<Schedule>> =
            template.resources(FUNCTION).map(each).collect::<Result<_, _>>()?;
        Ok(Self { targets, functions, queues, schedules: schedules.concat() })
    }

    /// The function of this logical id.
    pub fn function(&self, id: &str) -> Option<&Function> {
        self.functions.iter().find(|function| function.id == id)
    }

    /// The queue of this logical id.
    pub fn queue(&self, id: &str) -> Option<&Queue> {
        self.queues.iter().find(|queue| queue.id == id)
    }
}

impl Template {
    fn resolver(&self) -> Resolver<'_> {
        Resolver { document: &self.document }
    }

    /// A whole number at a pointer, or what AWS assumes.
    fn count(
        &self,
        found: Option<&Value>,
        silent: i64,
        (at, name): (&str, &str),
    ) -> Result<i64, TemplateError> {
        let at = format!("{at}.{name}");
        let Some(value) = self.resolver().value(found, &at)? else { return Ok(silent) };
        let count = value.as_i64().filter(|count| *count >= 0);
        count.ok_or_else(|| TemplateError::NotANumber { at, found: value.to_string() })
    }

    fn seconds(
        &self,
        found: Option<&Value>,
        silent: i64,
        at: (&str, &str),
    ) -> Result<SignedDuration, TemplateError> {
        self.count(found, silent, at).map(SignedDuration::from_secs)
    }

    /// For how long a rule tries to hand an event to a target.
    pub(crate) fn handover(&self, rule: &str, target: &Value) -> Result<Handover, TemplateError> {
        self.tries(
            target.get("RetryPolicy"),
            (HANDOVER_AGE, HANDOVER_RETRIES),
            target.pointer("/DeadLetterConfig/Arn"),
            rule,
        )
    }

    fn tries(
        &self,
        policy: Option<&Value>,
        (age, retries): (i64, i64),
        dead_letters: Option<&Value>,
        at: &str,
    ) -> Result<Handover, TemplateError> {
        let part = |name: &str| policy.and_then(|policy| policy.get(name));
        let age_max = part("MaximumEventAgeInSeconds");
        let count = part("MaximumRetryAttempts");
        let retries = self.count(count, retries, (at, "MaximumRetryAttempts"))?;
        let dead_letters = match dead_letters {
            None => None,
            Some(arn) => {
                let queue = self.referred(arn, QUEUE).map(|queue| queue.id.to_owned());
                Some(queue.ok_or_else(|| TemplateError::NotAQueue {
                    at: at.to_owned(),
                    found: arn.to_string(),
                })?)
            }
        };
        Ok(Handover {
            age_max: self.seconds(age_max, age, (at, "MaximumEventAgeInSeconds"))?,
            retries: u32::try_from(retries).unwrap_or(u32::MAX),
            dead_letters,
        })
    }

    /// A function's property, or all functions'.
    fn of_function<'a>(&'a self, function: &Resource<'a>, name: &str) -> Option<&'a Value> {
        let global = || self.document.get("Globals")?.get("Function")?.get(name);
        function.property(&format!("/{name}")).or_else(global)
    }

    fn function(&self, function: &Resource<'_>) -> Result<Function, TemplateError> {
        let id = function.id;
        let code = self.of_function(function, "CodeUri").and_then(Value::as_str);
        let name = code.and_then(|code| code.trim_end_matches('/').rsplit('/').next());
        let mut variables = Vec::new();
        for of in [self.document.pointer("/Globals/Function"), function.body.get("Properties")] {
            let own = of.and_then(|of| of.pointer("/Environment/Variables"));
            let own = own.and_then(Value::as_object).into_iter().flatten();
            variables.extend(own.map(|(name, _)| name.clone()));
        }
        variables.sort();
        variables.dedup();
        let reserved = self.of_function(function, "ReservedConcurrentExecutions");
        let reserved = self.count(reserved, -1, (id, "ReservedConcurrentExecutions"))?;
        let memory = self.of_function(function, "MemorySize");
        let memory = self.count(memory, 128, (id, "MemorySize"))?;
        let config = self.of_function(function, "EventInvokeConfig");
        let on_failure =
            config.and_then(|config| config.pointer("/DestinationConfig/OnFailure/Destination"));
        Ok(Function {
            id: id.to_owned(),
            name: name.unwrap_or(id).to_owned(),
            timeout: self.timeout(function)?,
            memory_mb: u64::try_from(memory).unwrap_or_default(),
            variables,
            concurrency: u32::try_from(reserved).ok(),
            asynchronous: self.tries(config, (EVENT_AGE, RETRIES), on_failure, id)?,
        })
    }

    /// After which time a function is killed.
    pub(crate) fn timeout(&self, function: &Resource<'_>) -> Result<SignedDuration, TemplateError> {
        let timeout = self.of_function(function, "Timeout");
        self.seconds(timeout, TIMEOUT, (function.id, "Timeout"))
    }

    /// For how long a message that was received is not seen.
    pub(crate) fn visibility(&self, queue: &Resource<'_>) -> Result<SignedDuration, TemplateError> {
        let name = "VisibilityTimeout";
        self.seconds(queue.property(&format!("/{name}")), VISIBILITY, (queue.id, name))
    }

    fn queue(&self, queue: &Resource<'_>) -> Result<Queue, TemplateError> {
        let id = queue.id;
        let retention = queue.property("/MessageRetentionPeriod");
        let redrive = match queue.property("/RedrivePolicy") {
            None => None,
            Some(policy) => {
                let count = policy.get("maxReceiveCount");
                let receives = self.count(count, 0, (id, "maxReceiveCount"))?;
                let arn = policy.get("deadLetterTargetArn");
                let other = arn.and_then(|arn| self.referred(arn, QUEUE));
                let other = other.ok_or_else(|| TemplateError::NotAQueue {
                    at: id.to_owned(),
                    found: crate::template::written(arn),
                })?;
                let receives_max = u32::try_from(receives).unwrap_or(u32::MAX);
                Some(Redrive { receives_max, dead_letters: other.id.to_owned() })
            }
        };
        Ok(Queue {
            id: id.to_owned(),
            visibility: self.visibility(queue)?,
            retention: self.seconds(retention, RETENTION, (id, "MessageRetentionPeriod"))?,
            redrive,
            reader: self.reader(id)?,
        })
    }

    fn reader(&self, queue: &str) -> Result<Option<Reader>, TemplateError> {
        for (function, event) in self.events("SQS") {
            let part = |name: &str| event.get("Properties").and_then(|given| given.get(name));
            if part("Queue").and_then(reference) != Some(queue) {
                continue;
            }
            let batch = self.count(part("BatchSize"), BATCH, (function.id, "BatchSize"))?;
            let answers = part("FunctionResponseTypes").and_then(Value::as_array);
            let each =
                answers.is_some_and(|all| all.iter().any(|a| a == "ReportBatchItemFailures"));
            return Ok(Some(Reader {
                function: function.id.to_owned(),
                batch: usize::try_from(batch).unwrap_or(1).max(1),
                answer: if each { Answers::Each } else { Answers::Whole },
            }));
        }
        Ok(None)
    }

    /// Every event source of this kind, with its function.
    pub(crate) fn events<'a>(&'a self, kind: &'a str) -> Vec<(Resource<'a>, &'a Value)> {
        let mut found = Vec::new();
        for function in self.resources(FUNCTION) {
            let events = function.property("/Events").and_then(Value::as_object);
            let events = events.into_iter().flatten().map(|(_, event)| event);
            let of_kind = events.filter(|event| event.get("Type").is_some_and(|is| is == kind));
            found.extend(of_kind.map(|event| (function, event)));
        }
        found
    }

    fn schedules(&self, function: &Resource<'_>) -> Result<Vec<Schedule>, TemplateError> {
        let own = self.events("ScheduleV2").into_iter().filter(|(of, _)| of.id == function.id);
        let each = own.map(|(function, event)| {
            let expression = event.pointer("/Properties/ScheduleExpression");
            let every = expression.and_then(Value::as_str).and_then(rate);
            let every = every.ok_or_else(|| TemplateError::NotARate {
                function: function.id.to_owned(),
                found: crate::template::written(expression),
            })?;
            Ok(Schedule { function: function.id.to_owned(), every })
        });
        each.collect()
    }
}

/// `rate(1 minute)`, `rate(5 minutes)`, `rate(2 hours)`.
fn rate(expression: &str) -> Option<SignedDuration> {
    let inside = expression.strip_prefix("rate(")?.strip_suffix(')')?;
    let (count, unit) = inside.split_once(' ')?;
    let count: i64 = count.parse().ok().filter(|count| *count > 0)?;
    let hours = match unit {
        "minute" | "minutes" => return Some(SignedDuration::from_mins(count)),
        "hour" | "hours" => count,
        "day" | "days" => count.checked_mul(24)?,
        _ => return None,
    };
    Some(SignedDuration::from_hours(hours))
}

#[cfg(test)]
mod tests;
