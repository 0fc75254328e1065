//! What is asked of a bucket when one plan is looked at.
#![expect(clippy::unwrap_used, reason = "this is test code: what cannot be is a failed test")]

use std::{
    fmt::Write as _,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::{Arc, Mutex},
    thread,
};

use alchemiser_aws::{copy, store::S3Store};
use aws_sdk_s3::{
    Client, Config,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig},
};
use aws_smithy_http_client::Builder;

/// What was asked: `list PREFIX`, `directories PREFIX` or `get KEY`.
type Asked = Arc<Mutex<Vec<String>>>;

/// A bucket with these keys, each of which holds its own name.
fn bucket(keys: &'static [&'static str]) -> (S3Store, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let asked = Asked::default();
    let heard = asked.clone();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            let target = target(&stream);
            let (word, body) = answer(keys, &target);
            heard.lock().unwrap().push(word);
            say(&stream, &body);
        }
    });
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("key", "secret", None, None, "test"))
        .http_client(Builder::new().build_http())
        .retry_config(RetryConfig::disabled())
        .endpoint_url(address)
        .force_path_style(true)
        .build();
    (S3Store::new(Client::from_conf(config), "s3://books/paper".parse().unwrap()), asked)
}

fn target(stream: &TcpStream) -> String {
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
    let first = lines.next().unwrap();
    lines.find(String::is_empty).unwrap();
    first.split(' ').nth(1).unwrap().replace("%2F", "/").replace("%25", "%")
}

fn answer(keys: &[&str], target: &str) -> (String, String) {
    let (path, query) = target.split_once('?').unwrap();
    if let Some(key) = path.strip_prefix("/books/paper/") {
        return (format!("get {key}"), key.to_owned());
    }
    let said = |name: &str| query.split('&').find_map(|part| part.strip_prefix(name));
    let prefix = said("prefix=paper/").unwrap();
    let own = keys.iter().filter(|key| key.starts_with(prefix));
    let mut body = "<ListBucketResult>".to_owned();
    if said("delimiter=").is_none() {
        own.for_each(|key| write!(body, "<Contents><Key>paper/{key}</Key></Contents>").unwrap());
        return (format!("list {prefix}"), body + "</ListBucketResult>");
    }
    let below = own.filter_map(|key| key[prefix.len()..].split_once('/'));
    let mut below: Vec<&str> = below.map(|(directory, _)| directory).collect();
    below.dedup();
    for directory in below {
        let common = format!("<Prefix>paper/{prefix}{directory}/</Prefix>");
        write!(body, "<CommonPrefixes>{common}</CommonPrefixes>").unwrap();
    }
    (format!("directories {prefix}"), body + "</ListBucketResult>")
}

fn say(mut stream: &TcpStream, body: &str) {
    let head =
        format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all((head + body).as_bytes()).unwrap();
}

const KEYS: &[&str] = &[
    "accounts/A/999999999.json",
    "executions/A/one/000001.json",
    "executions/B/one%2F2/000001.json",
    "executions/B/two/000001.json",
    "executions/B/two/000002.json",
    "ledger/B/date=2026-11-20/two.jsonl",
    "quotes/B/two/0001.jsonl.gz",
    "quotes/B/twofold/0001.jsonl.gz",
    "reports/B/date=2026-11-20/two.html",
];

/// What is copied of a plan, and what was asked for it.
fn check(plan: &str, copied: usize, expected: &[&str]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let (store, asked) = bucket(KEYS);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let found = runtime.block_on(copy::of_plan(&store, plan, directory.path()));
    assert_eq!(found, Ok(copied), "{plan}");
    let mut asked = asked.lock().unwrap().clone();
    asked.retain(|word| !word.starts_with("get "));
    assert_eq!(asked, expected, "{plan}");
    directory
}

fn files(directory: &Path) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for entry in std::fs::read_dir(directory).into_iter().flatten() {
        let path = entry.unwrap().path();
        let below = if path.is_dir() { files(&path) } else { vec![path.display().to_string()] };
        found.extend(below);
    }
    found.sort();
    found
}

/// Only the log of the plan and the quotes for its picture are read, whichever account has it.
#[test]
fn one_plan_of_a_bucket_is_read_alone() {
    let asked = [
        "directories executions/",
        "list executions/A/two/",
        "list executions/B/two/",
        "list quotes/B/two/",
    ];
    let directory = check("two", 3, &asked);
    let root = directory.path().display().to_string();
    let own = KEYS.iter().filter(|key| key.contains("B/two/"));
    let own: Vec<String> = own.map(|key| format!("{root}/{key}")).collect();
    assert_eq!(files(directory.path()), own);
    let log = std::fs::read_to_string(directory.path().join("executions/B/two/000002.json"));
    assert_eq!(log.unwrap(), "executions/B/two/000002.json");
    check(
        "one/2",
        1,
        &[
            "directories executions/",
            "list executions/A/one%2F2/",
            "list executions/B/one%2F2/",
            "list quotes/B/one%2F2/",
        ],
    );
}

/// What was copied is not read again; what came since is.
#[test]
fn a_copy_is_renewed_by_what_came_since() {
    let directory = tempfile::tempdir().unwrap();
    let (store, asked) = bucket(KEYS);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let copied = || {
        let kept = copy::kept(&store, &["executions/"], directory.path());
        let found = runtime.block_on(kept).unwrap();
        let mut gets = std::mem::take(&mut *asked.lock().unwrap());
        gets.retain(|word| word.starts_with("get "));
        (found, gets)
    };
    let (found, gets) = copied();
    assert_eq!((found, gets.len()), (4, 4), "{gets:?}");
    std::fs::remove_file(directory.path().join("executions/B/two/000002.json")).unwrap();
    assert_eq!(copied(), (4, vec!["get executions/B/two/000002.json".to_owned()]));
    assert_eq!(copied(), (4, Vec::new()));
}

/// Of a plan that is not there only the others' names are read.
#[test]
fn a_plan_that_is_not_there_has_the_names_of_others() {
    let asked = [
        "directories executions/",
        "list executions/A/tow/",
        "list executions/B/tow/",
        "directories executions/A/",
        "directories executions/B/",
    ];
    let directory = check("tow", 3, &asked);
    assert!(files(directory.path()).is_empty());
    for plan in ["A/one", "B/one%2F2", "B/two"] {
        assert!(directory.path().join("executions").join(plan).is_dir(), "{plan}");
    }
}
