//! `infra/template.yaml` keeps to rules that linters do not know. Each rule is shown to bite.
#![expect(clippy::unwrap_used, reason = "this is test code: what cannot be is a failed test")]

use std::collections::BTreeSet;

use alchemiser_aws::metrics::{Metric, NAMESPACE};
use alchemiser_host::{DEPLOYED, Routes};
use serde_json::Value;

/// The longest that Lambda lets a function run, in seconds.
const TIMEOUT_MAX: u64 = 900;

/// AWS's own metrics that alarms are made of.
const OWN_OF_AWS: [(&str, &[&str]); 2] = [
    ("AWS/SQS", &["ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"]),
    ("AWS/Lambda", &["Errors", "Invocations", "AsyncEventAge", "AsyncEventsDropped"]),
];

/// Where what is written stays as it is.
const KEPT: [&str; 3] = ["executions/*", "accounts/*", "ledger/*"];

struct Template(Value);

impl Template {
    fn of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = (&'a str, &'a Value)> {
        let all = self.0["Resources"].as_object().unwrap().iter();
        all.filter(move |(_, body)| body["Type"] == kind).map(|(id, body)| (id.as_str(), body))
    }
}

fn list(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

fn texts(value: &Value) -> Vec<&str> {
    list(value).into_iter().filter_map(Value::as_str).collect()
}

/// Everything that is wrong with a template.
fn faults(text: &str) -> Vec<String> {
    let template = Template(serde_saphyr::from_str(text).unwrap());
    let mut found = Vec::new();
    if let Err(error) = Routes::parse(text) {
        found.push(error.to_string());
    }
    functions(&template, &mut found);
    queues(&template, &mut found);
    roles(&template, &mut found);
    bucket(&template, &mut found);
    alarms(&template, &mut found);
    watched(&template, &mut found);
    dashboard(&template, &mut found);
    stages(&template, &mut found);
    found
}

fn functions(template: &Template, found: &mut Vec<String>) {
    for (id, body) in template.of("AWS::Serverless::Function") {
        let function = &body["Properties"];
        if function["Timeout"].as_u64().is_none_or(|timeout| timeout > TIMEOUT_MAX) {
            found.push(format!("{id}: expected a timeout of at most {TIMEOUT_MAX} s"));
        }
        let own = function["Role"]["Fn::GetAtt"][0].as_str();
        if own != Some(&id.replace("Function", "Role")) {
            found.push(format!("{id}: expected a role of its own"));
        }
        let lines = function["LoggingConfig"]["LogGroup"]["Ref"].as_str().unwrap_or_default();
        let group = &template.0["Resources"][lines]["Properties"];
        if group["KmsKeyId"].is_null() || group["RetentionInDays"].is_null() {
            found.push(format!("{id}: expected a log group with a key and a retention"));
        }
    }
    for (id, body) in template.of("AWS::Serverless::Function") {
        for (name, event) in body["Properties"]["Events"].as_object().into_iter().flatten() {
            let own = event["Properties"]["Name"]["Fn::Sub"].as_str().unwrap_or_default();
            if event["Type"] == "ScheduleV2" && !own.contains("${Stage}") {
                found.push(format!("{id}: expected {name} to have a name of its stage"));
            }
        }
    }
    for (id, body) in template.of("AWS::Events::Rule") {
        for target in list(&body["Properties"]["Targets"]) {
            if target["DeadLetterConfig"].is_null() || target["RetryPolicy"].is_null() {
                found.push(format!("{id}: expected a retry policy and dead letters on its target"));
            }
        }
    }
}

fn queues(template: &Template, found: &mut Vec<String>) {
    let mut dead = BTreeSet::new();
    let mut note = |arn: &Value| dead.extend(arn["Fn::GetAtt"][0].as_str().map(str::to_owned));
    for (_, body) in template.of("AWS::SQS::Queue") {
        note(&body["Properties"]["RedrivePolicy"]["deadLetterTargetArn"]);
    }
    for (_, body) in template.of("AWS::Events::Rule") {
        for target in list(&body["Properties"]["Targets"]) {
            note(&target["DeadLetterConfig"]["Arn"]);
        }
    }
    for (_, body) in template.of("AWS::Serverless::Function") {
        note(
            &body["Properties"]["EventInvokeConfig"]["DestinationConfig"]["OnFailure"]["Destination"],
        );
    }
    let watched: BTreeSet<_> = template
        .of("AWS::CloudWatch::Alarm")
        .filter(|(_, alarm)| {
            alarm["Properties"]["MetricName"] == "ApproximateNumberOfMessagesVisible"
        })
        .filter_map(|(_, alarm)| {
            alarm["Properties"]["Dimensions"][0]["Value"]["Fn::GetAtt"][0]
                .as_str()
                .map(str::to_owned)
        })
        .collect();
    for (id, body) in template.of("AWS::SQS::Queue") {
        let queue = &body["Properties"];
        if queue["SqsManagedSseEnabled"] != true {
            found.push(format!("{id}: expected SqsManagedSseEnabled"));
        }
        if !dead.contains(id) && queue["RedrivePolicy"]["maxReceiveCount"].as_u64() != Some(5) {
            found.push(format!("{id}: expected a redrive policy after 5 receives"));
        }
        if dead.contains(id) && !watched.contains(id) {
            found.push(format!("{id}: expected an alarm on its depth"));
        }
    }
}

/// Every statement of every policy, with the resource it is in.
fn statements(template: &Template) -> Vec<(String, &Value)> {
    fn gather<'a>(id: &str, value: &'a Value, into: &mut Vec<(String, &'a Value)>) {
        match value {
            Value::Object(fields) if fields.contains_key("Effect") => {
                into.push((id.to_owned(), value));
            }
            Value::Object(fields) => {
                for value in fields.values() {
                    gather(id, value, into);
                }
            }
            Value::Array(items) => {
                for value in items {
                    gather(id, value, into);
                }
            }
            _ => {}
        }
    }
    let mut all = Vec::new();
    for (id, body) in template.0["Resources"].as_object().unwrap() {
        gather(id, body, &mut all);
    }
    all
}

fn roles(template: &Template, found: &mut Vec<String>) {
    let allowed = statements(template).into_iter().filter(|(_, s)| s["Effect"] == "Allow");
    for (id, statement) in allowed {
        let actions = texts(&statement["Action"]);
        if actions.iter().any(|action| action.ends_with(":*") || *action == "*") {
            found.push(format!("{id}: expected named actions, found {actions:?}"));
        }
        let is_key = template.0["Resources"][&id]["Type"] == "AWS::KMS::Key";
        if !is_key && texts(&statement["Resource"]).contains(&"*") {
            found.push(format!("{id}: expected named resources for {actions:?}"));
        }
        let resources = statement["Resource"].to_string();
        if actions.contains(&"s3:DeleteObject")
            && list(&statement["Resource"]).iter().any(|r| !r.to_string().contains("}/open/*"))
        {
            found.push(format!("{id}: expected to remove hints only, found {resources}"));
        }
        if actions.contains(&"secretsmanager:GetSecretValue") && id != "TradeExecutionRole" {
            found.push(format!("{id}: expected no right to the broker's keys"));
        }
        let source = &statement["Condition"]["StringEquals"]["events:source"];
        if actions.contains(&"events:PutEvents") && source != "alchemiser.execution" {
            found.push(format!("{id}: expected to publish as alchemiser.execution only"));
        }
    }
    let text = |id: &str| template.0["Resources"][id].to_string();
    for (id, _) in template.of("AWS::IAM::Role") {
        if !text(id).contains("s3:ListBucket") {
            found.push(format!(
                "{id}: expected s3:ListBucket, without which a missing key is a forbidden one"
            ));
        }
    }
    if text("WorkflowOutcomeRole").contains("events:PutEvents") {
        found.push("WorkflowOutcomeRole: expected no right to publish".to_owned());
    }
}

fn bucket(template: &Template, found: &mut Vec<String>) {
    for (id, body) in template.of("AWS::S3::Bucket") {
        if body["DeletionPolicy"] != "Retain" || body["UpdateReplacePolicy"] != "Retain" {
            found.push(format!("{id}: expected to be retained"));
        }
        if body["Properties"]["VersioningConfiguration"]["Status"] != "Enabled" {
            found.push(format!("{id}: expected versioning"));
        }
        for rule in list(&body["Properties"]["LifecycleConfiguration"]["Rules"]) {
            let expires = rule.as_object().unwrap().keys().any(|key| key.contains("Expiration"));
            if expires && rule["Prefix"] != "open/" {
                found.push(format!(
                    "{id}: expected nothing but hints to expire, found {}",
                    rule["Id"]
                ));
            }
        }
    }
    let denied = |action: &str, condition: Option<&str>, on: &str| {
        let on = format!("}}/{on}");
        statements(template).iter().any(|(_, s)| {
            s["Effect"] == "Deny"
                && s["Principal"] == "*"
                && texts(&s["Action"]).contains(&action)
                && condition.is_none_or(|key| s["Condition"]["Null"][key] == "true")
                && list(&s["Resource"])
                    .iter()
                    .any(|r| r["Fn::Sub"].as_str().is_some_and(|r| r.ends_with(&on)))
        })
    };
    for kept in KEPT {
        if !denied("s3:PutObject", Some("s3:if-none-match"), kept) {
            found.push(format!("expected writes on {kept} without If-None-Match to be denied"));
        }
        if !denied("s3:DeleteObject", None, kept) || !denied("s3:DeleteObjectVersion", None, kept) {
            found.push(format!("expected removals on {kept} to be denied"));
        }
    }
}

fn emitted() -> BTreeSet<&'static str> {
    Metric::ALL.iter().map(|metric| metric.name()).collect()
}

fn alarms(template: &Template, found: &mut Vec<String>) {
    for (id, body) in template.of("AWS::CloudWatch::Alarm") {
        let alarm = &body["Properties"];
        if alarm["AlarmActions"][0]["Ref"] != "Topic" {
            found.push(format!("{id}: expected an action"));
        }
        let (namespace, metric) =
            (alarm["Namespace"].as_str().unwrap(), alarm["MetricName"].as_str().unwrap());
        let aws = OWN_OF_AWS.iter().find(|(known, _)| *known == namespace);
        let known = match aws {
            Some((_, metrics)) => metrics.contains(&metric),
            None => namespace == NAMESPACE && emitted().contains(metric),
        };
        if !known {
            found.push(format!(
                "{id}: expected a metric that somebody emits, found {namespace} {metric}"
            ));
        }
    }
}

/// What somebody is told of, whatever else is.
fn watched(template: &Template, found: &mut Vec<String>) {
    let alarms: Vec<_> =
        template.of("AWS::CloudWatch::Alarm").map(|(_, alarm)| &alarm["Properties"]).collect();
    let is_watched = |metric: &str, of: &str| {
        alarms.iter().any(|alarm| {
            let dimension = &alarm["Dimensions"][0]["Value"];
            let named = dimension["Ref"].as_str().or(dimension["Fn::GetAtt"][0].as_str());
            alarm["MetricName"] == metric && named == Some(of)
        })
    };
    let own = [Metric::LeaseTakeovers, Metric::PlansRefused, Metric::PlanConflicts]
        .into_iter()
        .chain([Metric::PlansStuck, Metric::OrdersUnresolved, Metric::TradingHalts])
        .map(|metric| (metric.name(), "Stage"));
    let functions = template.of("AWS::Serverless::Function").map(|(id, _)| ("Errors", id));
    let read = template
        .of("AWS::SQS::Queue")
        .filter(|(_, queue)| !queue["Properties"]["RedrivePolicy"].is_null());
    let ages = read.map(|(id, _)| ("ApproximateAgeOfOldestMessage", id));
    let asynchronous =
        ["AsyncEventAge", "AsyncEventsDropped"].map(|m| (m, "TradeExecutionFunction"));
    for (metric, of) in own.chain(functions).chain(ages).chain(asynchronous) {
        if !is_watched(metric, of) {
            found.push(format!("{of}: expected an alarm on {metric}"));
        }
    }
}

/// Real money is asked for twice, and the keys are one function's.
fn stages(template: &Template, found: &mut Vec<String>) {
    let rule = &template.0["Rules"]["LiveIsConfirmed"];
    let applies = &rule["RuleCondition"]["Fn::Equals"];
    let asserted = |parameter: &str, value: &str| {
        list(&rule["Assertions"]).iter().any(|assertion| {
            let equal = &assertion["Assert"]["Fn::Equals"];
            equal[0]["Ref"] == parameter && equal[1] == value
        })
    };
    let is_rule = applies[0]["Ref"] == "Stage" && applies[1] == "live";
    if !is_rule || !asserted("ConfirmLive", "real-money") || !asserted("Broker", "alpaca") {
        found.push(
            "expected stage live only with ConfirmLive real-money and Broker alpaca".to_owned(),
        );
    }
    if template.0["Parameters"]["ConfirmLive"]["Default"] != "no" {
        found.push("ConfirmLive: expected the default no".to_owned());
    }
    for (id, body) in template.of("AWS::Serverless::Function") {
        let named = &body["Properties"]["Environment"]["Variables"]["ALCHEMISER_BROKER_SECRET"];
        if named.is_null() == (id == "TradeExecutionFunction") {
            found.push(format!("{id}: expected the secret's name at trade-execution only"));
        }
    }
}

fn dashboard(template: &Template, found: &mut Vec<String>) {
    for (id, body) in template.of("AWS::CloudWatch::Dashboard") {
        let text = body["Properties"]["DashboardBody"]["Fn::Sub"].as_str().unwrap();
        let Ok(shown) = serde_json::from_str::<Value>(text) else {
            found.push(format!("{id}: expected JSON"));
            continue;
        };
        for widget in list(&shown["widgets"]) {
            let metrics = list(&widget["properties"]["metrics"]);
            if metrics[0][0] != NAMESPACE {
                continue;
            }
            let names = metrics.iter().filter_map(|metric| metric[1].as_str());
            for name in names.filter(|name| !emitted().contains(name)) {
                found.push(format!("{id}: expected a metric that somebody emits, found {name}"));
            }
        }
    }
}

/// X9, H7: nothing is wrong with the deployed template.
#[test]
fn the_deployed_template_keeps_every_rule() {
    assert_eq!(faults(DEPLOYED), Vec::<String>::new());
}

/// The deployed template with one thing replaced, and what is then wrong with it first.
#[track_caller]
fn check(there: &str, instead: &str, expected: &str) {
    assert!(DEPLOYED.contains(there), "{there} is not in the template");
    let found = faults(&DEPLOYED.replacen(there, instead, 1));
    assert!(found.iter().any(|fault| fault.contains(expected)), "{there}: {found:?}");
}

#[test]
fn every_rule_bites() {
    check(
        "VisibilityTimeout: 90",
        "VisibilityTimeout: 89",
        "expected VisibilityTimeout of at least 90 s",
    );
    check(
        "Timeout: 900",
        "Timeout: 901",
        "TradeExecutionFunction: expected a timeout of at most 900 s",
    );
    check(
        "detail-type: [RebalancePlanned]",
        "detail-type: RebalancePlanned",
        "RebalancePlannedRule: at $.detail-type",
    );
    check(
        "maxReceiveCount: 5",
        "maxReceiveCount: 50",
        "PlansQueue: expected a redrive policy after 5 receives",
    );
    check(
        "SqsManagedSseEnabled: true",
        "SqsManagedSseEnabled: false",
        "PlansQueue: expected SqsManagedSseEnabled",
    );
    check(
        "- Id: plans",
        "- Id: other\n          Arn: x\n        - Id: plans",
        "RebalancePlannedRule: expected a retry policy",
    );
    check(
        "alchemiser-${Stage}-sweeper\n            ScheduleExpression",
        "alchemiser-sweeper\n            ScheduleExpression",
        "expected EveryMinute to have a name of its stage",
    );
    check("Action: sqs:SendMessage", "Action: sqs:*", "expected named actions");
    check(
        "Action: sns:Publish\n                Resource:\n                  Ref: Topic",
        "Action: sns:Publish\n                Resource: \"*\"",
        "WorkflowOutcomeRole: expected named resources",
    );
    check(
        "${StateBucket.Arn}/open/*\n              - Sid: Encrypt",
        "${StateBucket.Arn}/ledger/*\n              - Sid: Encrypt",
        "expected to remove hints only",
    );
    check(
        "Action: [s3:ListBucket, s3:GetBucketVersioning]",
        "Action: s3:GetBucketVersioning",
        "expected s3:ListBucket",
    );
    check(
        "events:source: alchemiser.execution",
        "events:source: alchemiser.portfolio",
        "expected to publish as alchemiser.execution only",
    );
    check(
        "Action: sns:Publish",
        "Action: [sns:Publish, secretsmanager:GetSecretValue]",
        "WorkflowOutcomeRole: expected no right to the broker's keys",
    );
    check(
        "Status: Enabled\n      BucketEncryption",
        "Status: Suspended\n      BucketEncryption",
        "StateBucket: expected versioning",
    );
    check("Prefix: open/", "Prefix: ledger/", "expected nothing but hints to expire");
    check(
        "s3:if-none-match: \"true\"",
        "s3:if-match: \"true\"",
        "expected writes on executions/* without If-None-Match to be denied",
    );
    check(
        "Action: [s3:DeleteObject, s3:DeleteObjectVersion]",
        "Action: s3:DeleteObject",
        "expected removals on executions/* to be denied",
    );
    check(
        "AlarmActions:\n        - Ref: Topic",
        "OKActions:\n        - Ref: Topic",
        "expected an action",
    );
    check("MetricName: PlansStuck", "MetricName: PlansLost", "found Alchemiser PlansLost");
    check("\"LegsMissed\"", "\"LegsLost\"", "found LegsLost");
    check(
        "Fn::GetAtt: [RequestsDeadLetters, QueueName]",
        "Fn::GetAtt: [PlansDeadLetters, QueueName]",
        "RequestsDeadLetters: expected an alarm on its depth",
    );
    check(
        "DeletionPolicy: Retain\n    UpdateReplacePolicy: Retain\n    Properties:\n      VersioningConfiguration",
        "UpdateReplacePolicy: Retain\n    Properties:\n      VersioningConfiguration",
        "StateBucket: expected to be retained",
    );
}

/// Each rule has a counter-example of its own.
#[test]
fn every_further_rule_bites() {
    check(
        "MetricName: LeaseTakeovers",
        "MetricName: PlansOpen",
        "Stage: expected an alarm on LeaseTakeovers",
    );
    check(
        "MetricName: AsyncEventsDropped",
        "MetricName: AsyncEventAge",
        "TradeExecutionFunction: expected an alarm on AsyncEventsDropped",
    );
    check(
        "MetricName: ApproximateAgeOfOldestMessage",
        "MetricName: ApproximateNumberOfMessagesVisible",
        "PlansQueue: expected an alarm on ApproximateAgeOfOldestMessage",
    );
    check(
        "MetricName: Errors",
        "MetricName: Invocations",
        "RebalancePlannedFunction: expected an alarm on Errors",
    );
    let live = "expected stage live only with ConfirmLive real-money";
    check(
        "          Fn::Equals:\n            - Ref: ConfirmLive\n            - real-money",
        "          Fn::Equals:\n            - Ref: ConfirmLive\n            - \"no\"",
        live,
    );
    check(
        "            - Ref: Broker\n            - alpaca\n        AssertD",
        "            - Ref: Broker\n            - simulated\n        AssertD",
        live,
    );
    check("      - Ref: Stage\n        - live", "      - Ref: Stage\n        - paper", live);
    check("    Default: \"no\"", "    Default: real-money", "ConfirmLive: expected the default no");
    check(
        "          ALCHEMISER_BROKER_SECRET:",
        "          ALCHEMISER_BROKER:",
        "expected the secret's name",
    );
}
