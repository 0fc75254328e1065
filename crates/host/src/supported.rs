//! What the host honors of a template. Anything else is refused by name: a setting that is quietly ignored on a laptop
//! and takes effect when deployed is worse than an error.

use serde_json::Value;

use crate::template::{BUS, FUNCTION, QUEUE, RULE, TemplateError};

/// Sections of a template. What nothing is routed by is there for others.
const SECTIONS: &[&str] = &[
    "AWSTemplateFormatVersion",
    "Transform",
    "Description",
    "Metadata",
    "Parameters",
    "Rules",
    "Mappings",
    "Conditions",
    "Globals",
    "Resources",
    "Outputs",
];

/// What a resource has besides its properties.
const ATTRIBUTES: &[&str] =
    &["Type", "Properties", "DependsOn", "DeletionPolicy", "UpdateReplacePolicy", "Metadata"];

/// Kinds that say nothing about which function is given what, when, and how often.
const SILENT: &[&str] = &[
    "AWS::Budgets::Budget",
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Role",
    "AWS::KMS::Alias",
    "AWS::KMS::Key",
    "AWS::Lambda::Permission",
    "AWS::Logs::LogGroup",
    "AWS::Logs::MetricFilter",
    "AWS::Logs::QueryDefinition",
    "AWS::S3::Bucket",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::Topic",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
];

/// Properties of the kinds that are honored, and beside them those that say nothing about deliveries (names, keys, roles).
const KINDS: &[(&str, &[&str])] = &[
    (BUS, &["Name", "Description", "Policy", "KmsKeyIdentifier", "Tags"]),
    (RULE, &["Name", "Description", "EventBusName", "EventPattern", "State", "Targets"]),
    (
        QUEUE,
        &[
            "QueueName",
            "SqsManagedSseEnabled",
            "KmsMasterKeyId",
            "KmsDataKeyReusePeriodSeconds",
            "Tags",
            "VisibilityTimeout",
            "MessageRetentionPeriod",
            "RedrivePolicy",
        ],
    ),
    (
        FUNCTION,
        &[
            "FunctionName",
            "Description",
            "CodeUri",
            "Handler",
            "Runtime",
            "Architectures",
            "MemorySize",
            "Role",
            "LoggingConfig",
            "Tags",
            "Tracing",
            "Environment",
            "Timeout",
            "ReservedConcurrentExecutions",
            "EventInvokeConfig",
            "Events",
        ],
    ),
];

/// Parts of properties, by JSON pointer below `Properties`; `*` is every key or index.
const PARTS: &[(&str, &str, &[&str])] = &[
    (RULE, "/Targets/*", &["Id", "Arn", "RetryPolicy", "DeadLetterConfig"]),
    (RULE, "/Targets/*/RetryPolicy", &["MaximumEventAgeInSeconds", "MaximumRetryAttempts"]),
    (RULE, "/Targets/*/DeadLetterConfig", &["Arn"]),
    (QUEUE, "/RedrivePolicy", &["deadLetterTargetArn", "maxReceiveCount"]),
    (FUNCTION, "/Environment", &["Variables"]),
    (
        FUNCTION,
        "/EventInvokeConfig",
        &["MaximumEventAgeInSeconds", "MaximumRetryAttempts", "DestinationConfig"],
    ),
    (FUNCTION, "/EventInvokeConfig/DestinationConfig", &["OnFailure"]),
    (FUNCTION, "/EventInvokeConfig/DestinationConfig/OnFailure", &["Type", "Destination"]),
    (FUNCTION, "/Events/*", &["Type", "Properties"]),
];

/// Sources of events, and what is honored of each.
const SOURCES: &[(&str, &[&str])] = &[
    ("SQS", &["Queue", "BatchSize", "FunctionResponseTypes"]),
    ("ScheduleV2", &["Name", "Description", "ScheduleExpression", "RetryPolicy"]),
];

/// Refuses what is not honored.
pub(crate) fn check(document: &Value) -> Result<(), TemplateError> {
    only("section", "the template", Some(document), SECTIONS)?;
    only("section", "Globals", document.get("Globals"), &["Function"])?;
    let global = document.pointer("/Globals/Function");
    properties(FUNCTION, "Globals.Function", global)?;
    let resources = document.get("Resources").and_then(Value::as_object);
    for (id, resource) in resources.into_iter().flatten() {
        let kind = resource.get("Type").and_then(Value::as_str).unwrap_or_default();
        if SILENT.contains(&kind) {
            continue;
        }
        only("attribute", id, Some(resource), ATTRIBUTES)?;
        properties(kind, id, resource.get("Properties"))?;
    }
    Ok(())
}

fn properties(kind: &str, at: &str, found: Option<&Value>) -> Result<(), TemplateError> {
    let Some((_, known)) = KINDS.iter().find(|(known, _)| *known == kind) else {
        return Err(unsupported("resource type", kind, at));
    };
    only("property", at, found, known)?;
    let Some(found) = found else { return Ok(()) };
    for (_, pointer, known) in PARTS.iter().filter(|(of, _, _)| *of == kind) {
        for (place, part) in below(found, at, pointer) {
            only("property", &place, Some(part), known)?;
        }
    }
    for (place, event) in below(found, at, "/Events/*") {
        let source = event.get("Type").and_then(Value::as_str).unwrap_or_default();
        let Some((_, known)) = SOURCES.iter().find(|(known, _)| *known == source) else {
            return Err(unsupported("event source", source, &place));
        };
        only("property", &place, event.get("Properties"), known)?;
    }
    match found.get("State").filter(|state| *state != "ENABLED") {
        Some(state) => Err(unsupported("state", &state.to_string(), at)),
        None => Ok(()),
    }
}

/// Everything at a pointer with stars, each with its place as it is told.
fn below<'a>(root: &'a Value, at: &str, pointer: &str) -> Vec<(String, &'a Value)> {
    let mut found = vec![(at.to_owned(), root)];
    for step in pointer.split('/').skip(1) {
        let next = found.into_iter().flat_map(|(at, value)| -> Vec<(String, &'a Value)> {
            match (step, value) {
                ("*", Value::Array(items)) => {
                    items.iter().enumerate().map(|(i, item)| (format!("{at}[{i}]"), item)).collect()
                }
                ("*", Value::Object(fields)) => {
                    fields.iter().map(|(key, item)| (format!("{at}.{key}"), item)).collect()
                }
                (key, value) => {
                    value.get(key).map(|item| (format!("{at}.{key}"), item)).into_iter().collect()
                }
            }
        });
        found = next.collect();
    }
    found
}

fn only(
    what: &'static str,
    at: &str,
    found: Option<&Value>,
    known: &[&str],
) -> Result<(), TemplateError> {
    let keys = found.and_then(Value::as_object).into_iter().flatten().map(|(key, _)| key);
    match keys.into_iter().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(unsupported(what, key, at)),
        None => Ok(()),
    }
}

pub(crate) fn unsupported(what: &'static str, name: &str, at: &str) -> TemplateError {
    TemplateError::Unsupported { what, name: name.to_owned(), at: at.to_owned() }
}
