//! What a function that trades refuses, and how it says so.

use serde_json::Value;

use crate::{
    broker,
    canary::{CANARY, KEY},
    function::{Function, events},
    life::{Stage, TRADE, detail},
    secrets::{Secrets, keys},
};

/// A request meets this secret at this broker: the error's code and words.
#[track_caller]
fn check(broker: &str, secret: Option<String>, code: &str, words: &[&str]) {
    let stage = Stage::of(broker, &Secrets::of(&[secret]));
    let request = stage.requested();
    let (ended, said) = stage.run(TRADE, &request);
    let error: Value = serde_json::from_str(&ended.body).unwrap();
    assert!(!ended.well && error["errorType"] == code, "{error} {said}");
    let message = error["errorMessage"].as_str().unwrap();
    let named = ["ALCHEMISER_BROKER_SECRET arn:aws:secretsmanager:us-east-1"];
    for word in named.iter().chain(words) {
        assert!(message.contains(word), "{word}: {message}");
    }
    assert!(events(&stage.state(), "Workflow").is_empty(), "the plan waits for better keys");
}

/// A secret that cannot be used is named, with what is missing; the plan waits.
#[test]
fn a_secret_without_keys_is_named() {
    // Nobody listens on the port of discard: no broker is asked.
    let nobody = "http://127.0.0.1:9";
    check(nobody, None, "SECRET_UNREADABLE", &["HTTP 400", "ResourceNotFoundException"]);
    check(nobody, Some(CANARY.to_owned()), "SECRET_MALFORMED", &["found another text"]);
    let half = format!(r#"{{"APCA_API_KEY_ID":"{KEY}"}}"#);
    check(nobody, Some(half), "SECRET_MALFORMED", &["found no APCA_API_SECRET_KEY"]);
    let half = format!(r#"{{"APCA_API_SECRET_KEY":"{CANARY}"}}"#);
    check(nobody, Some(half), "SECRET_MALFORMED", &["found no APCA_API_KEY_ID"]);
    check(nobody, Some(keys("can not", CANARY)), "KEYS_MALFORMED", &["letters and digits"]);
    check(
        nobody,
        Some(keys("AKLIVE", CANARY)),
        "KEYS_OTHER_ENVIRONMENT",
        &["the paper environment"],
    );
}

/// I16: a broker that does not know the keys is quoted, without them.
#[test]
fn keys_that_the_broker_does_not_know_are_refused_and_not_quoted() {
    let words = ["HTTP 403", "GET /v2/account", "[hidden]"];
    check(&broker::echo(403), Some(keys(KEY, CANARY)), "KEYS_REFUSED", &words);
    check(&broker::echo(401), Some(keys(KEY, CANARY)), "KEYS_REFUSED", &["HTTP 401"]);
    check(&broker::exchange(|_| {}), Some(keys(KEY, CANARY)), "KEYS_REFUSED", &["unauthorized"]);
}

/// A plan of an account that is another one, or is blocked, ends; nothing is sent.
#[test]
fn another_account_and_a_blocked_one_end_the_plan() {
    let ends = |blocked: bool, number: &str| {
        let exchange = broker::exchange(|account| {
            (account.key, account.secret) = (KEY.to_owned(), CANARY.to_owned());
            (account.blocked, account.number) = (blocked, Some(number.to_owned()));
        });
        let stage = Stage::of(&exchange, &Secrets::of(&[Some(keys(KEY, CANARY))]));
        let request = stage.requested();
        let (ended, said) = stage.run(TRADE, &request);
        assert!(ended.well, "{ended:?} {said}");
        let failed = events(&stage.state(), "WorkflowFailed");
        assert_eq!(failed.len(), 1, "{said}");
        detail(&failed[0]).to_string()
    };
    let differs = ends(false, "PA000000002");
    assert!(differs.contains("ACCOUNT_DIFFERS"), "{differs}");
    let blocked = ends(true, "PA000000001");
    assert!(blocked.contains("ACCOUNT_BLOCKED"), "{blocked}");
}

/// H6: whatever comes, a function answers: events of other types are ignored and logged, records without a body and
/// events that are too large to be any are failures with a code, and the process takes the next one.
#[test]
fn whatever_comes_is_answered() {
    let stage = Stage::of("http://127.0.0.1:9", &Secrets::of(&[None]));
    for program in [crate::life::PLANNED, TRADE] {
        let function = Function::start(program, &stage.variables);
        let other = r#"{"id":"e-1","detail-type":"Other","source":"x","detail":{}}"#;
        let ended = function.invoke(other.as_bytes());
        assert!(ended.well && ended.body.contains(r#""batchItemFailures":[]"#), "{ended:?}");
        let record = r#"{"Records":[{"messageId":"m-1","eventSource":"aws:sqs"}]}"#;
        let ended = function.invoke(record.as_bytes());
        assert!(ended.well && ended.body.contains(r#""itemIdentifier":"m-1""#), "{ended:?}");
        let detail = "x".repeat(1_100_000);
        let large = format!(
            r#"{{"id":"e-2","detail-type":"RebalancePlanned","source":"x","detail":{{"a":"{detail}"}}}}"#
        );
        let ended = function.invoke(large.as_bytes());
        assert!(ended.body.len() < 2_000, "an answer quotes little: {}", ended.body.len());
        let again = function.invoke(other.as_bytes());
        assert!(again.well, "{again:?}");
        let said = function.stop();
        assert!(said.contains("an event of another type was ignored"), "{said}");
        assert!(said.len() < 20_000, "nor does a line: {}", said.len());
    }
}
