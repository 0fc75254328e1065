//! Trading at a broker over HTTP: the exchange of this machine, and everything that a user can get wrong.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::command::{BINARY, example, json, verify};

const SECRET: &str = "canary-secret";

/// The accounts of the exchange: by their keys.
const WORLD: &str = r#"
[[account]]
key = "PKGOOD"
secret = "canary-secret"
number = "PA000000001"

[[account]]
key = "PKIEX"
secret = "canary-secret"
data = "iex"

[[account]]
key = "PKBLOCKED"
secret = "canary-secret"
blocked = true

[[account]]
key = "ELSEWHERE"
secret = "canary-secret"
elsewhere = true
"#;

/// An exchange process; it ends with its test.
pub(crate) struct Exchange {
    child: Child,
    url: String,
    pub(crate) dir: TempDir,
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Exchange {
    pub(crate) fn start(world: &str) -> Self {
        Self::start_with(world, "")
    }

    /// With faults, as in a file of `--faults`.
    fn start_with(world: &str, faults: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("world.toml");
        fs::write(&path, world).unwrap();
        let script = dir.path().join("faults.toml");
        fs::write(&script, faults).unwrap();
        let mut child = Command::new(BINARY)
            .args(["exchange", "--port", "0", "--latency-ms", "0..5", "--world"])
            .arg(path)
            .arg("--faults")
            .arg(script)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("exchange on ").unwrap().to_owned();
        Self { child, url, dir }
    }

    /// What a control request answers.
    pub(crate) fn control(&self, path: &str) -> Value {
        let mut stream = TcpStream::connect(self.url.strip_prefix("http://").unwrap()).unwrap();
        write!(stream, "GET /_control/{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    /// A command with this key, which reaches nothing but this machine.
    pub(crate) fn command(&self, words: &[&str], key: &str) -> Command {
        let mut command = bare(words, key);
        command.args(["--endpoint", &self.url]);
        command
    }
}

impl Exchange {
    /// A line of a shell that calls the program with this key, and reaches nothing but this machine.
    pub(crate) fn shell(&self, line: &str, key: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-ec", &format!("{line} --endpoint {}", self.url)]);
        alone(&mut command, key);
        command
    }
}

fn bare(words: &[&str], key: &str) -> Command {
    let mut command = Command::new(BINARY);
    alone(command.args(words), key);
    command
}

/// With this key, on this machine.
fn alone(command: &mut Command, key: &str) {
    command.stdin(Stdio::null()).env("ALCHEMISER_LOOPBACK_ONLY", "1");
    command.env_remove("ALCHEMISER_ACCOUNT").env("APCA_API_KEY_ID", key);
    command.env("APCA_API_SECRET_KEY", SECRET);
}

/// The exit code and everything said; never the secret.
pub(crate) fn said(command: &mut Command) -> (i32, String) {
    let output = command.output().unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(!text.contains(SECRET), "{text}");
    (output.status.code().unwrap(), text)
}

/// What a user can get wrong: one clear line with a code and what to do.
#[test]
fn what_is_wrong_with_an_account_is_said_in_one_line() {
    let exchange = Exchange::start(WORLD);
    let plan = example();
    let plan = plan.to_str().unwrap();
    let state = exchange.dir.path().join("state");
    let state = state.to_str().unwrap();
    let run = ["run", plan, "--now", "--broker", "alpaca", "--state", state];
    let check = |key: &str, more: &[&str], expected: &str, next: &str| {
        let (code, text) = said(&mut exchange.command(&[&run[..], more].concat(), key));
        let line = text.lines().find(|line| line.starts_with("refused: ")).unwrap_or(&text);
        assert!(line.starts_with(&format!("refused: {expected}: ")), "{text}");
        assert!(code == 2 && line.contains(next), "{code} {line}");
    };
    let paper = ["--account", "paper"];
    check("PKNOBODY", &paper, "KEYS_REFUSED", "typing errors");
    check("AKGOOD", &paper, "KEYS_OTHER_ENVIRONMENT", "--account live");
    // A key that does not say what it is.
    check("ELSEWHERE", &paper, "KEYS_REFUSED", "of this environment");
    check("PKBLOCKED", &paper, "ACCOUNT_BLOCKED", "dashboard");
    check("PKIEX", &paper, "DATA_NOT_SUBSCRIBED", "feed=iex");
    let other = ["--account", "paper", "--account-id", "PA999"];
    check("PKGOOD", &other, "ACCOUNT_DIFFERS", "--account-id");
    check("PKGOOD", &[], "ACCOUNT_KIND", "--account paper");
    check("PKGOOD", &["--account", "live"], "CONFIG_REFUSED", "live_armed");
    let slip = ["--account", "live", "--set", "live_armed=true"];
    check("PKGOOD", &slip, "LIVE_NOT_ARMED", "--arm-live");
    let slip = [&slip[..], &["--arm-live"]].concat();
    check("PKGOOD", &slip, "LIVE_NOT_ARMED", "ALCHEMISER__LIVE_ARMED");
    let keys = exchange.dir.path().join("none.toml");
    let keys = ["--account", "paper", "--keys", keys.to_str().unwrap()];
    check("PKGOOD", &keys, "KEYS_UNREADABLE", "none.toml");
    let words = ["run", plan, "--now", "--stream-quotes", "--state", state];
    let (code, text) = said(&mut bare(&words, "PKGOOD"));
    assert!(code == 2 && text.contains("refused: NO_STREAM: "), "{code} {text}");
}

/// A request to another machine is not sent from a rehearsal, and a broker that is away is told.
#[test]
fn an_address_that_is_not_reached_is_told() {
    let check = |more: &[&str], expected: &str| {
        let words = [&["doctor", "--account", "paper"], more].concat();
        let (code, text) = said(&mut bare(&words, "PKGOOD"));
        assert!(code != 0 && text.contains(expected), "{code} {text}");
    };
    check(&[], "ENDPOINT_NOT_LOOPBACK");
    check(&["--endpoint", "https://example.com"], "ENDPOINT_NOT_LOOPBACK");
    check(&["--endpoint", "nonsense"], "ENDPOINT_MALFORMED");
    // Nobody listens on the port of discard.
    check(&["--endpoint", "http://127.0.0.1:9"], "BROKER_UNREACHABLE");
}

fn codes(report: &Value) -> Vec<&str> {
    let findings = report["findings"].as_array().unwrap().iter();
    findings.map(|finding| finding["code"].as_str().unwrap()).filter(|code| *code != "OK").collect()
}

/// X15: the doctor looks everything over, and trades nothing.
#[test]
fn the_doctor_says_what_is_wrong_and_what_to_do() {
    let exchange = Exchange::start(WORLD);
    let look = |key: &str, plan: Option<&Path>| {
        let mut command = exchange.command(&["doctor", "--account", "paper", "--json"], key);
        command.args(plan.into_iter().flat_map(|plan| [Path::new("--plan"), plan]));
        let output = command.output().unwrap();
        (output.status.code().unwrap(), json(&output))
    };
    let (code, report) = look("PKGOOD", None);
    assert_eq!(
        (code, codes(&report), &report["sound"]),
        (0, vec![], &Value::Bool(true)),
        "{report}"
    );
    let event = fs::read_to_string(example()).unwrap();
    let event = event.replace("\"UPRO\"", "\"NOSUCH\"").replace("\"SOXL\"", "\"HALTED\"");
    let plan = exchange.dir.path().join("plan.json");
    fs::write(&plan, event).unwrap();
    let (code, report) = look("PKGOOD", Some(&plan));
    let found = codes(&report);
    assert!(found.contains(&"SYMBOL_UNKNOWN") && found.contains(&"ASSET_NOT_TRADABLE"), "{report}");
    assert_eq!(code, 0, "warnings do not count");
    let check = |key: &str, expected: &str| {
        let (code, report) = look(key, None);
        assert_eq!((code, codes(&report)), (1, vec![expected]), "{key}: {report}");
        let (code, text) = said(&mut exchange.command(&["doctor", "--account", "paper"], key));
        let mends = text.lines().filter(|line| line.trim_start().starts_with(expected));
        assert!(code == 1 && mends.count() == 1, "{text}");
    };
    check("PKIEX", "DATA_NOT_SUBSCRIBED");
    check("PKNOBODY", "KEYS_REFUSED");
    check("AKGOOD", "KEYS_OTHER_ENVIRONMENT");
    check("ELSEWHERE", "KEYS_REFUSED");
    let (code, text) = said(&mut exchange.command(&["doctor", "--account", "paper"], "PKBLOCKED"));
    assert!(
        code == 1 && text.contains("ACCOUNT_BLOCKED: ") && text.contains("Nothing was traded"),
        "{text}"
    );
}

/// The world of the example plan.
pub(crate) fn example_world() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"));
    let world = fs::read_to_string(path.join("../../examples/worlds/growth-and-bonds.toml"));
    world.unwrap().replace("alchemiser-secret", SECRET)
}

/// What goes wrong: answers to orders that come after their client has given them up, and a slot of the stream that stays
/// busy after its connection has ended.
const LATE: &str = "\
[[fault]]
do = 'slow_answer'
method = 'POST'
ms = 1500
times = 2

[[fault]]
do = 'ghost_slot'
path = '/v2/sip'
times = 0
";

/// S3, M3, T2: a plan with symbols that cannot be traded says so and trades the others, on quotes of a stream, though the
/// answers to orders come after the timeout; no order is there twice.
#[test]
fn a_plan_is_traded_on_streamed_quotes_though_answers_come_too_late() {
    let world = example_world() + "\n[[listing]]\nsymbol = 'PINK'\ntradable = false\n";
    let exchange = Exchange::start_with(&world, LATE);
    let event = fs::read_to_string(example()).unwrap();
    let event = event.replace("\"SCHD\"", "\"NOSUCH\"").replace("\"VTI\"", "\"PINK\"");
    let plan = exchange.dir.path().join("plan.json");
    fs::write(&plan, event).unwrap();
    let state = exchange.dir.path().join("state");
    let words = ["run", plan.to_str().unwrap(), "--now", "--json", "--policy", "cross"];
    let words = [&words[..], &["--set", "http_timeout=1", "--stream-quotes", "--broker", "alpaca"]];
    let words = [&words.concat()[..], &["--account", "paper", "--state"]].concat();
    let words = [&words[..], &[state.to_str().unwrap()]].concat();
    let output = exchange.command(&words, "PKALCHEMISER").output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    for warning in ["SYMBOL_UNKNOWN: the broker does not know NOSUCH", "ASSET_NOT_TRADABLE: PINK"] {
        let lines = text.lines().filter(|line| line.contains(warning));
        assert_eq!(lines.count(), 1, "{warning}: {text}");
    }
    let report = json(&output);
    assert_eq!((output.status.code(), &report["outcome"]), (Some(3), &"failed".into()), "{report}");
    let (code, found) = verify(&state);
    assert_eq!(code, 0, "{found}");
    let hits = exchange.control("faults")["hits"].clone();
    assert_eq!((&hits["slow_answer"], &hits["ghost_slot"]), (&2.into(), &1.into()), "{hits}");
    let account = &exchange.control("state")["accounts"][0];
    let orders = account["orders"].as_array().unwrap();
    let filled = orders.iter().filter(|order| order["status"] == "filled").count();
    assert!(filled >= 5, "{account}");
}

/// H1, X1, S14: a plan is traded over HTTP, once, and its log is sound.
#[test]
fn a_plan_is_traded_over_http() {
    let exchange = Exchange::start(&example_world());
    let (plan, state) = (example(), exchange.dir.path().join("state"));
    let words = ["run", plan.to_str().unwrap(), "--now", "--json", "--policy", "cross"];
    let words = [&words[..], &["--broker", "alpaca", "--account", "paper", "--state"]].concat();
    let words = [&words[..], &[state.to_str().unwrap()]].concat();
    let run = || {
        let output = exchange.command(&words, "PKALCHEMISER").output().unwrap();
        (output.status.code().unwrap(), json(&output))
    };
    let (code, report) = run();
    assert_eq!((code, &report["outcome"]), (0, &Value::from("completed")), "{report}");
    let (code, again) = run();
    assert_eq!((code, &again["already_executed"]), (0, &Value::Bool(true)), "{again}");
    assert_eq!(verify(&state).0, 0);
    for (name, bytes) in crate::command::files(&state) {
        assert!(!String::from_utf8_lossy(&bytes).contains(SECRET), "{name}");
    }
}

/// S11, I1, I8: the log of a plan is lost while it trades at a broker: it goes on from the broker's orders, and what was filled
/// is not traded again. A plan that was over trades nothing more.
#[test]
fn a_lost_log_goes_on_from_the_orders_at_a_broker() {
    let exchange = Exchange::start(&example_world());
    let (plan, state) = (example(), exchange.dir.path().join("state"));
    let (plan, directory) = (plan.to_str().unwrap(), state.to_str().unwrap());
    let place = ["--broker", "alpaca", "--account", "paper", "--state", directory];
    let run = [&["run", plan, "--now", "--json", "--policy", "cross"][..], &place].concat();
    let recover = [&["recover", plan, "--from-broker", "--json"][..], &place].concat();
    let said_by = |words: &[&str]| {
        let output = exchange.command(words, "PKALCHEMISER").output().unwrap();
        (output.status.code().unwrap(), json(&output))
    };
    let orders = || {
        let account = exchange.control("state")["accounts"][0].clone();
        let orders = account["orders"].as_array().unwrap().iter();
        orders.map(|order| order["client_order_id"].to_string()).collect::<Vec<_>>()
    };
    let lose = || {
        let account = fs::read_dir(state.join("executions")).unwrap().next().unwrap().unwrap();
        let plan = fs::read_dir(account.path()).unwrap().next().unwrap().unwrap();
        fs::remove_dir_all(plan.path()).unwrap();
    };
    let mut child = exchange.command(&run, "PKALCHEMISER").stdout(Stdio::null()).spawn().unwrap();
    while orders().len() < 3 {
        assert!(child.try_wait().unwrap().is_none(), "the plan was over before it was killed");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    lose();
    let (code, report) = said_by(&recover);
    assert_eq!((code, &report["recovered"], &report["was_over"]), (0, &true.into(), &false.into()));
    assert!(report["orders_adopted"].as_u64().unwrap() >= 3, "{report}");
    let (code, report) = said_by(&run);
    assert_eq!((code, &report["outcome"]), (0, &Value::from("completed")), "{report}");
    assert_eq!(verify(&state).0, 0);
    let sent = orders();
    assert_eq!(BTreeSet::from_iter(&sent).len(), sent.len(), "{sent:?}");
    lose();
    let (code, report) = said_by(&recover);
    assert_eq!((code, &report["was_over"]), (0, &Value::Bool(true)), "{report}");
    assert_eq!(report["orders_adopted"], sent.len(), "{report}");
    assert_eq!(said_by(&recover).1["recovered"], false);
    said_by(&run);
    assert_eq!(orders(), sent, "a plan that was over sent another order");
}
