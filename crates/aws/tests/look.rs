//! What a look at a bucket, a bus and a clock finds, and what a bucket must keep to before it is trusted.
#![expect(clippy::unwrap_used, reason = "this is test code: what cannot be is a failed test")]

#[path = "../../lambdas/bootstrap/tests/functions/server.rs"]
mod server;

use alchemiser_aws::{
    checks,
    look::{self, Look},
    store::S3Store,
};
use aws_sdk_s3::config::{
    BehaviorVersion, Credentials, Region, SharedHttpClient, retry::RetryConfig,
};
use aws_smithy_http_client::Builder;
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp, fmt::rfc2822};
use server::{Answer, Asked, serve};

/// How a server of S3 and EventBridge behaves.
#[derive(Clone, Debug)]
struct Amazon {
    versioning: &'static str,
    /// The status of the second creation of a key.
    again: u16,
    policy: Option<String>,
    bus: Option<String>,
    /// How far its clock is ahead.
    ahead: SignedDuration,
}

/// The template's policy for a bucket `books`.
fn policy() -> String {
    let on = ["executions", "accounts", "ledger"]
        .map(|prefix| format!("\"arn:aws:s3:::books/{prefix}/*\""))
        .join(",");
    format!(
        r#"{{"Statement":[
        {{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::books/*"],"Condition":{{"Bool":{{"aws:SecureTransport":"false"}}}}}},
        {{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":[{on}],"Condition":{{"Null":{{"s3:if-none-match":"true"}}}}}},
        {{"Effect":"Deny","Principal":"*","Action":["s3:DeleteObject","s3:DeleteObjectVersion"],"Resource":[{on}]}}]}}"#
    )
}

const GUARDED: &str = r#"{"Statement":[{"Effect":"Deny","Principal":"*","Action":"events:PutEvents","Resource":"x","Condition":{"StringEquals":{"events:detail-type":"RebalancePlanned"},"ArnNotLike":{"aws:PrincipalArn":["arn:x"]}}}]}"#;

impl Amazon {
    fn sound() -> Self {
        let (policy, bus) = (Some(policy()), Some(GUARDED.to_owned()));
        let ahead = SignedDuration::ZERO;
        Self { versioning: "Enabled", again: 412, policy, bus, ahead }
    }

    fn start(self) -> String {
        let created = std::sync::Mutex::new(false);
        serve(move |asked| {
            let (status, body) = self.answer(asked, &mut created.lock().unwrap());
            let now = Timestamp::now().checked_add(self.ahead).unwrap();
            let date = rfc2822::DateTimePrinter::new();
            let date = date.timestamp_to_rfc9110_string(&now).unwrap();
            Some(Answer(status, vec![("date", date)], body))
        })
    }

    fn answer(&self, asked: &Asked, created: &mut bool) -> (u16, String) {
        let error = |status, code: &str| {
            (status, format!("<Error><Code>{code}</Code><Message>as scripted</Message></Error>"))
        };
        if asked.header("x-amz-target") == Some("AWSEvents.DescribeEventBus") {
            assert_eq!(asked.body, br#"{"Name":"bus"}"#);
            let found = r#"{"__type":"ResourceNotFoundException","message":"no such bus"}"#;
            return self.bus.as_ref().map_or((400, found.to_owned()), |policy| {
                (200, serde_json::json!({ "Name": "bus", "Policy": policy }).to_string())
            });
        }
        let query = asked.line.split_once('?').map_or("", |(_, query)| query);
        if asked.line.starts_with("PUT") {
            let first = !std::mem::replace(created, true);
            return match if first { 200 } else { self.again } {
                200 => (200, String::new()),
                status => error(status, "PreconditionFailed"),
            };
        }
        match (query.starts_with("versioning"), self.versioning, &self.policy) {
            (true, "gone", _) => error(404, "NoSuchBucket"),
            (true, status, _) => (
                200,
                format!(
                    "<VersioningConfiguration><Status>{status}</Status></VersioningConfiguration>"
                ),
            ),
            (false, _, Some(policy)) => (200, policy.clone()),
            (false, _, None) => error(404, "NoSuchBucketPolicy"),
        }
    }
}

fn http() -> SharedHttpClient {
    Builder::new().build_http()
}

fn store(address: &str) -> S3Store {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("key", "canary-7f3a", None, None, "test"))
        .http_client(http())
        .retry_config(RetryConfig::disabled())
        .endpoint_url(format!("http://{address}"))
        .force_path_style(true)
        .build();
    S3Store::new(aws_sdk_s3::Client::from_conf(config), "s3://books".parse().unwrap())
}

fn events(address: &str) -> aws_sdk_eventbridge::Client {
    let config = aws_sdk_eventbridge::Config::builder()
        .behavior_version(aws_sdk_eventbridge::config::BehaviorVersion::latest())
        .region(aws_sdk_eventbridge::config::Region::new("us-east-1"))
        .credentials_provider(aws_sdk_eventbridge::config::Credentials::new(
            "key",
            "canary-7f3a",
            None,
            None,
            "test",
        ))
        .http_client(http())
        .retry_config(RetryConfig::disabled())
        .endpoint_url(format!("http://{address}"))
        .build();
    aws_sdk_eventbridge::Client::from_conf(config)
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// Everything that is looked at, as codes; what is wrong says what to do, and nothing says a secret.
#[track_caller]
fn check(amazon: Amazon, expected: &[&str]) -> Vec<Look> {
    let address = amazon.start();
    let looks = block_on(async {
        let store = store(&address);
        let mut looks = look::bucket(&store).await;
        looks.push(look::bus(&events(&address), "bus").await);
        looks
    });
    let said = format!("{looks:?}");
    assert!(!said.contains("canary-7f3a"), "{said}");
    for look in &looks {
        assert_eq!(look.code == "OK", look.mend.is_empty(), "{look:?}");
    }
    let wrong: Vec<_> = looks.iter().map(|look| look.code).filter(|code| *code != "OK").collect();
    assert_eq!(wrong, expected, "{said}");
    looks
}

#[test]
fn what_is_wrong_with_a_stack_is_found() {
    let sound = Amazon::sound();
    assert_eq!(check(sound.clone(), &[]).len(), 5);
    check(Amazon { versioning: "Suspended", ..sound.clone() }, &["BUCKET_UNVERSIONED"]);
    let gone = check(Amazon { versioning: "gone", ..sound.clone() }, &["BUCKET_UNREACHABLE"]);
    assert!(gone[0].said.contains("NoSuchBucket"), "{gone:?}");
    check(Amazon { again: 200, ..sound.clone() }, &["BUCKET_REPLACES"]);
    let none = check(Amazon { policy: None, ..sound.clone() }, &["BUCKET_OPEN"]);
    assert!(none[3].said.ends_with("found no policy at all"), "{none:?}");
    let half = policy().replace("s3:DeleteObjectVersion", "s3:GetObject");
    let half = check(Amazon { policy: Some(half), ..sound.clone() }, &["BUCKET_OPEN"]);
    assert!(half[3].said.contains("found removals on executions/ allowed"), "{half:?}");
    check(Amazon { bus: None, ..sound.clone() }, &["BUS_UNREACHABLE"]);
    check(Amazon { bus: Some("{}".to_owned()), ..sound }, &["BUS_OPEN"]);
}

/// A clock that is more than half a second off is told, in both directions; one that is hardly off is not.
#[test]
fn a_clock_that_is_off_is_found() {
    let looks = block_on(join_all([0, 950, -950, 60_000, -60_000].map(|ahead| {
        let ahead = SignedDuration::from_millis(ahead);
        let store = store(&Amazon { ahead, ..Amazon::sound() }.start());
        async move { look::clock(&store).await }
    })));
    let codes: Vec<_> = looks.iter().map(|look| look.code).collect();
    let skew = "CLOCK_SKEW";
    assert_eq!(codes, ["OK", skew, skew, skew, skew], "{looks:?}");
}

/// X9: a bucket that keeps no versions, or creates a key twice, is refused before its first use.
#[test]
fn a_bucket_is_looked_at_before_it_is_trusted() {
    let trusted = |amazon: Amazon| {
        let store = store(&amazon.start());
        block_on(checks::trusted(&store))
            .map_or_else(|failed| failed.to_string(), |()| "trusted".to_owned())
    };
    let sound = Amazon::sound();
    assert_eq!(trusted(sound.clone()), "trusted");
    let unversioned = trusted(Amazon { versioning: "Suspended", ..sound.clone() });
    let expected = "STORE_REFUSED: expected versioning Enabled on the bucket of s3://books/, found Suspended; enable it, or set ALCHEMISER_STATE to a bucket that has it";
    assert_eq!(unversioned, expected);
    let twice = trusted(Amazon { again: 200, ..sound.clone() });
    assert!(twice.contains("this store ignores If-None-Match"), "{twice}");
    let gone = trusted(Amazon { versioning: "gone", ..sound });
    assert!(gone.contains("NoSuchBucket"), "{gone}");
}
