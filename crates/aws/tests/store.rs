//! What S3 answers, and what the driver is told of it.
#![expect(clippy::unwrap_used, reason = "this is test code: what cannot be is a failed test")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use alchemiser_aws::store::S3Store;
use alchemiser_driver::ports::{Put, Store, StoreError};
use aws_sdk_s3::{
    Client, Config,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig, timeout::TimeoutConfig},
};
use aws_smithy_http_client::Builder;

/// What a server answers to the next request.
#[derive(Clone, Copy, Debug)]
enum Answer {
    /// A status, and S3's code for it.
    Says(u16, &'static str),
    /// The connection ends without an answer.
    HangsUp,
    /// Nothing, for longer than anybody waits.
    Silence,
}
use Answer::{HangsUp, Says, Silence};

/// The first lines of the requests that came.
type Asked = Arc<Mutex<Vec<String>>>;

/// A server that answers by a script, one request a connection.
fn server(script: Vec<Answer>) -> (String, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let asked = Asked::default();
    let heard = asked.clone();
    thread::spawn(move || {
        let mut silent = Vec::new();
        for answer in script {
            let Ok((stream, _)) = listener.accept() else { return };
            heard.lock().unwrap().push(read(&stream));
            match answer {
                Says(status, code) => say(&stream, status, code),
                HangsUp => {}
                Silence => silent.push(stream),
            }
        }
        // Kept open until the client has gone.
        for stream in silent {
            drop((&stream).read_to_end(&mut Vec::new()));
        }
    });
    (address, asked)
}

fn read(stream: &TcpStream) -> String {
    let (mut reader, mut lines) = (BufReader::new(stream), Vec::new());
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        lines.push(line.trim().to_lowercase());
    }
    let length = lines.iter().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    reader.read_exact(&mut body).unwrap();
    let condition = lines.iter().find(|line| line.starts_with("if-none-match"));
    let condition = condition.map_or_else(String::new, |line| format!(" {line}"));
    format!("{}{condition}", lines.first().unwrap().split('?').next().unwrap())
}

fn say(mut stream: &TcpStream, status: u16, code: &str) {
    let body = if code.is_empty() {
        String::new()
    } else {
        format!("<Error><Code>{code}</Code><Message>as scripted</Message></Error>")
    };
    let head = format!(
        "HTTP/1.1 {status} Scripted\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).unwrap();
}

fn store(address: &str) -> S3Store {
    let wait = Duration::from_millis(300);
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(wait).build();
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("key", "canary-7f3a", None, None, "test"))
        .http_client(Builder::new().build_http())
        .timeout_config(timeouts)
        .retry_config(
            RetryConfig::standard()
                .with_max_attempts(2)
                .with_initial_backoff(Duration::from_millis(1)),
        )
        .endpoint_url(address)
        .force_path_style(true)
        .build();
    S3Store::new(Client::from_conf(config), "s3://books/paper".parse().unwrap())
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// What an answer is, in a word; nothing of it holds a secret.
fn word<T: std::fmt::Debug>(answer: Result<T, StoreError>) -> String {
    let said = format!("{answer:?}");
    assert!(!said.contains("canary-7f3a"), "{said}");
    match answer {
        Ok(answer) => format!("{answer:?}"),
        Err(StoreError::Unclear(_)) => "unclear".to_owned(),
        Err(StoreError::Refused(_)) => "refused".to_owned(),
    }
}

const PUT: &str = "put /books/paper/executions/1";

/// A conditional write meets one answer, and is never repeated by itself.
fn check_put(answer: Answer, expected: &str) {
    let (address, asked) = server(vec![answer, Says(200, "")]);
    let put = block_on(store(&address).put_if_absent("executions/1", b"{}"));
    assert_eq!(word(put), expected, "{answer:?}");
    let asked: Vec<_> = asked.lock().unwrap().iter().map(|line| line.replace(PUT, "put")).collect();
    assert_eq!(asked, ["put if-none-match: *"], "{answer:?}: once, and conditional");
}

/// X9, S9: the driver is told what is known of its write: done, there already, not known, or refused.
#[test]
fn a_conditional_write_is_sent_once_and_told_as_it_was_answered() {
    check_put(Says(200, ""), "Created");
    check_put(Says(412, "PreconditionFailed"), "Exists");
    check_put(Says(409, "ConditionalRequestConflict"), "unclear");
    check_put(Says(500, "InternalError"), "unclear");
    check_put(Says(503, "SlowDown"), "unclear");
    check_put(HangsUp, "unclear");
    check_put(Silence, "unclear");
    check_put(Says(400, "RequestTimeout"), "unclear");
    check_put(Says(403, "AccessDenied"), "refused");
    check_put(Says(404, "NoSuchBucket"), "refused");
    check_put(Says(400, "InvalidRequest"), "refused");
}

fn check_get(script: &[Answer], expected: &str) {
    let (address, asked) = server(script.to_vec());
    let got = block_on(store(&address).get("executions/1"));
    assert_eq!(word(got), expected, "{script:?}");
    assert_eq!(asked.lock().unwrap().len(), script.len(), "{script:?}");
}

/// Reading is repeated within its bound; only a missing key is nothing.
#[test]
fn a_reading_is_repeated_and_a_missing_key_is_nothing() {
    check_get(&[Says(200, "")], "Some([])");
    check_get(&[Says(404, "NoSuchKey")], "None");
    check_get(&[Says(500, "InternalError"), Says(404, "NoSuchKey")], "None");
    check_get(&[Says(503, "SlowDown"), Says(503, "SlowDown")], "unclear");
    check_get(&[Silence, Silence], "unclear");
    check_get(&[Says(403, "AccessDenied")], "refused");
    check_get(&[Says(404, "NoSuchBucket")], "refused");
}

/// Logs are never removed: nothing is even asked.
#[test]
fn only_hints_are_removed() {
    let (address, asked) = server(vec![Says(204, "")]);
    let store = store(&address);
    for key in ["executions/1", "accounts/1", "ledger/1", "probe/create-once", "opened/1", "open"] {
        assert_eq!(word(block_on(store.remove_hint(key))), "refused", "{key}");
    }
    assert_eq!(word(block_on(store.remove_hint("open/a/1"))), "()");
    assert_eq!(*asked.lock().unwrap(), ["delete /books/paper/open/a/1"]);
}

/// Every request is counted by what it costs.
#[test]
fn requests_are_counted() {
    let (address, _) = server(vec![Says(200, ""), Says(404, "NoSuchKey"), Says(204, "")]);
    let store = store(&address);
    let put = block_on(store.put_if_absent("executions/1", b"{}"));
    assert_eq!(put, Ok(Put::Created));
    assert_eq!(word(block_on(store.get("executions/2"))), "None");
    assert_eq!(word(block_on(store.remove_hint("open/a"))), "()");
    let counted = store.requests();
    assert_eq!((counted.writes, counted.reads, counted.removals), (1, 1, 1));
}
