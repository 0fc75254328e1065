//! Event patterns, templates, and what is put on the bus.

use alchemiser_host::{Bus, DEPLOYED, Entry, Pattern, Routes};
use alchemiser_tests::plans;
use alchemiser_wire::incoming;
use serde_json::{Value, json};

use super::{
    change::{Change, Document},
    engine::{Seeded, Tally, fuzz, is_quick},
    json_documents, traded,
};

/// H6: event patterns, on events that they want and on others.
#[test]
fn event_patterns() {
    let operators = json!({
        "source": [{ "prefix": "alchemiser." }, { "suffix": { "equals-ignore-case": ".P" } }, { "wildcard": "a*\\\\*b" }],
        "detail": {
            "n": [{ "numeric": [">", 0, "<=", 5.5] }, { "numeric": ["=", 3e2] }, null, true],
            "s": [{ "anything-but": ["x", "y"] }, { "anything-but": { "prefix": "z" } }, { "exists": false }],
        },
        "$or": [{ "a": [1] }, { "b": { "c": [{ "equals-ignore-case": "D" }] } }],
    });
    let deployed = json!({ "source": ["alchemiser.execution"], "detail-type": ["WorkflowCompleted", "WorkflowFailed"] });
    let events = [
        plans::small(),
        json!({ "source": "a*b", "detail": { "n": [300, 5.5], "s": [] }, "a": [[1]] }),
        json!([]),
    ];
    fuzz!(json_documents(&[operators, deployed]), |_: &Change, bytes: &[u8]| {
        let Ok(value) = serde_json::from_slice::<Value>(bytes) else { return false };
        let Ok(pattern) = Pattern::parse(&value) else { return false };
        assert_eq!(Pattern::parse(&value).as_ref(), Ok(&pattern));
        for event in &events {
            pattern.matches(event);
        }
        pattern.matches(&value);
        true
    });
}

/// H6: templates in YAML, written either way, and now and then the deployed one.
#[test]
fn templates() {
    let small = [Document::lines(SMALL_TEMPLATE), Document::json(SMALL_TEMPLATE_IN_JSON)];
    let mut documents: Vec<Document> = small.into_iter().cycle().take(16).collect();
    documents.push(Document::lines(DEPLOYED));
    fuzz!(documents, |_: &Change, bytes: &[u8]| {
        let Ok(text) = std::str::from_utf8(bytes) else { return false };
        let Ok(routes) = Routes::parse(text) else { return false };
        assert_eq!(Routes::parse(text).unwrap(), routes);
        true
    });
}

const SMALL_TEMPLATE: &str = "\
Resources:
  Bus:
    Type: AWS::Events::EventBus
  Rule:
    Type: AWS::Events::Rule
    Properties:
      EventBusName:
        Ref: Bus
      EventPattern:
        source: [a]
        detail-type: [{ prefix: b }]
      Targets:
        - Id: t
          Arn:
            Fn::GetAtt: [Queue, Arn]
          DeadLetterConfig:
            Arn:
              Fn::GetAtt: [Dead, Arn]
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: 360 # seconds
      RedrivePolicy:
        deadLetterTargetArn:
          Fn::GetAtt: [Dead, Arn]
        maxReceiveCount: 5
  Dead:
    Type: AWS::SQS::Queue
  Function:
    Type: AWS::Serverless::Function
    Properties:
      Timeout: 60
      Events:
        Plans:
          Type: SQS
          Properties:
            Queue:
              Fn::GetAtt: [Queue, Arn]
";

const SMALL_TEMPLATE_IN_JSON: &str = r#"{ "Resources": {
    "Bus": { "Type": "AWS::Events::EventBus" },
    "Rule": { "Type": "AWS::Events::Rule", "Properties": {
        "EventBusName": { "Ref": "Bus" },
        "EventPattern": { "source": ["a"], "detail-type": [{ "prefix": "b" }] },
        "Targets": [{ "Id": "t", "Arn": { "Fn::GetAtt": ["Function", "Arn"] },
                      "DeadLetterConfig": { "Arn": { "Fn::GetAtt": ["Dead", "Arn"] } } }] } },
    "Dead": { "Type": "AWS::SQS::Queue" },
    "Function": { "Type": "AWS::Serverless::Function", "Properties": {
        "Timeout": 60, "EventInvokeConfig": { "MaximumRetryAttempts": 2 } } }
} }"#;

/// H1, H9: what is put on the bus: the detail arrives byte for byte, through rules and queues, or the entry is refused.
#[test]
fn bus_entries() {
    let details: Vec<Document> =
        traded().published.into_iter().map(|(_, detail)| Document::json(detail)).collect();
    let routes = Routes::deployed().unwrap();
    fuzz!(details, |change: &Change, bytes: &[u8]| {
        let kinds = ["RebalancePlanned", "TradeExecutionRequested", "WorkflowFailed", "Nobody's"];
        let kind = kinds[change.place(kinds.len())];
        let source = if kind == "RebalancePlanned" {
            "alchemiser.portfolio"
        } else {
            "alchemiser.execution"
        };
        let entry = Entry {
            source: source.to_owned(),
            detail_type: kind.to_owned(),
            detail: String::from_utf8_lossy(bytes).into_owned(),
            id: "id-1".to_owned(),
            time: plans::MADE_AT.to_owned(),
        };
        let mut bus = Bus::new(routes.clone(), "000000000000", "local");
        let detail = entry.detail.clone();
        if bus.publish(entry).is_err() {
            return false;
        }
        while let Some(delivery) = bus.next() {
            let messages = incoming::messages(delivery.payload().as_bytes()).unwrap();
            // What stands twice in a detail is refused where it is read, not on the bus.
            if let Ok(envelope) = incoming::envelope(&messages[0].bytes) {
                assert_eq!(envelope.detail.get(), detail.trim_matches([' ', '\t', '\r', '\n']));
            }
        }
        true
    });
}
