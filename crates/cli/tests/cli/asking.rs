//! What a person is asked at a terminal, what comes of each answer, and that nothing there is coloured against their wish.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Write},
    path::Path,
    process::{Child, Command, Stdio},
};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::{
    broker::{Exchange, example_world},
    command::{BINARY, example, example_json, files, run_json, write},
};

const PLAN: &str = "growth-and-bonds-2026-11-20";
const QUESTION: &str = "[y/N] ";

/// Both ends of a terminal: ours, and the one that a program has.
fn terminal() -> (File, File) {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap().into_string().unwrap();
    let theirs = OpenOptions::new().read(true).write(true).open(name).unwrap();
    (File::from(ours), theirs)
}

/// What stands on the terminal up to `end`, or until the program has ended.
fn shown(terminal: &mut File, end: &str) -> String {
    let (mut text, mut part) = (String::new(), [0; 1024]);
    while !text.contains(end) {
        // A terminal whose other end is gone answers with an error.
        let Ok(read @ 1..) = terminal.read(&mut part) else { break };
        text.push_str(&String::from_utf8_lossy(&part[..read]));
    }
    text
}

/// Starts a command on a terminal; our end of it.
fn started(command: &mut Command) -> (Child, File) {
    let (ours, theirs) = terminal();
    let said = theirs.try_clone().unwrap();
    command
        .stdin(Stdio::from(theirs.try_clone().unwrap()))
        .stderr(Stdio::from(theirs))
        .stdout(Stdio::from(said));
    let child = command.spawn().unwrap();
    // The command holds the other end until it is changed or dropped; so would we.
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    (child, ours)
}

/// Runs a command that asks, answers it once the question is there, and returns its exit code with all that was shown.
fn asked(command: &mut Command, answer: &str) -> (i32, String) {
    let (mut child, mut ours) = started(command);
    let mut text = shown(&mut ours, QUESTION);
    assert!(text.contains(QUESTION), "nobody was asked: {text}");
    ours.write_all(answer.as_bytes()).unwrap();
    text.push_str(&shown(&mut ours, "\u{0}"));
    (child.wait().unwrap().code().unwrap(), text)
}

fn at(state: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command.args(words).arg("--state").arg(state).env_remove("COLUMNS");
    command
}

/// A plan of which nothing could be traded: all of it is left to `retry`.
fn left(state: &Path, dir: &Path) -> String {
    let mut event = example_json();
    event["detail"]["rebalance_plan"]["plan_id"] = "left".into();
    let plan = write(dir, "left.json", event.to_string().as_bytes());
    let (code, report) = run_json(&plan, state, &["--set", "turnover_max=0.01"]);
    assert_eq!(code, 3, "{report}");
    "left".to_owned()
}

fn orders(state: &Path) -> usize {
    let journal = std::fs::read_to_string(state.join("exchange/journal.jsonl")).unwrap_or_default();
    journal.lines().filter(|line| line.contains("\"record\":\"order\"")).count()
}

/// `retry` shows what is left and asks; no answer but yes sends anything or leaves a trace, and yes trades it.
#[test]
fn a_retry_is_sent_when_the_person_says_yes() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    let plan = left(&state, dir.path());
    let before = files(&state);
    for answer in ["n\n", "\n", "yess\n", "y n\n", "\u{4}"] {
        let (code, text) = asked(&mut at(&state, &["retry", &plan]), answer);
        assert!(code == 2 && text.contains("NOT_CONFIRMED"), "{answer:?}: {code} {text}");
        assert!(text.contains("should hold"), "it is shown before: {text}");
        assert_eq!(files(&state), before, "{answer:?} left something");
    }
    assert_eq!(orders(&state), 0);
    let (code, text) = asked(&mut at(&state, &["retry", &plan]), "Y\n");
    assert!(code == 0 && text.contains("WorkflowCompleted"), "{code} {text}");
    assert!(orders(&state) >= 12, "{text}");
}

/// I10: on a live account `halt`, `resume` and `cancel` ask, and do nothing until the person says yes.
#[test]
fn what_is_switched_on_a_live_account_is_confirmed() {
    let exchange = Exchange::start(
        &example_world().replace("PKAL", "AKAL").replace("PA000000001", "100000001"),
    );
    let state = exchange.dir.path().join("state");
    let plan = example();
    let run = [
        "run",
        plan.to_str().unwrap(),
        "--now",
        "--broker",
        "alpaca",
        "--account",
        "live",
        "--arm-live",
        "--account-id",
        "100000001",
        "--state",
        state.to_str().unwrap(),
    ];
    let live = |words: &[&str]| {
        let mut command = exchange.command(words, "AKALCHEMISER");
        command.env("ALCHEMISER__LIVE_ARMED", "true").env_remove("COLUMNS");
        command
    };
    let sent = || exchange.control("state")["accounts"][0]["orders"].as_array().unwrap().len();
    let (code, text) = asked(&mut live(&run), "no\n");
    assert!(code == 2 && text.contains("NOT_CONFIRMED"), "{code} {text}");
    assert_eq!(sent(), 0);
    let mut child = live(&[&run[..], &["--yes"]].concat()).stderr(Stdio::null()).spawn().unwrap();
    while sent() < 6 {
        assert_eq!(child.try_wait().unwrap(), None, "the plan ended before it sent anything");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let switched = || -> Vec<String> {
        files(&state).into_keys().filter(|name| name.starts_with("accounts/")).collect()
    };
    let status = || {
        let output = at(&state, &["status"]).output().unwrap();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    };
    let account = ["--account", "100000001"];
    let check = |words: &[&str], said: &str, shows: &str| {
        let words = [words, &account[..]].concat();
        let before = switched();
        let (code, text) = asked(&mut at(&state, &words), "nope\n");
        assert!(code == 2 && text.contains("trades real money"), "{words:?}: {code} {text}");
        assert_eq!(switched(), before, "{words:?}");
        let (code, text) = asked(&mut at(&state, &words), "yes\n");
        assert!(code == 0 && text.contains(said), "{words:?}: {code} {text}");
        assert_ne!(switched(), before, "{words:?}");
        assert_eq!(status().contains("is halted since"), shows == "halted", "{}", status());
    };
    check(&["halt", "--reason", "a drill"], "is halted since", "halted");
    check(&["resume"], "may go on", "open");
    let cancel = ["cancel", PLAN, "--reason", "the wrong file"];
    let before = switched();
    let (code, text) = asked(&mut at(&state, &cancel), "n\n");
    assert!(code == 2 && text.contains("Cancel it?"), "{code} {text}");
    assert_eq!(switched(), before);
    let (code, text) = asked(&mut at(&state, &cancel), "y\n");
    assert!(code == 0 && text.contains("is canceled since"), "{code} {text}");
    assert!(status().contains("the wrong file"), "{}", status());
}

/// On a terminal headings stand out, unless `NO_COLOR` says that they must not.
#[test]
fn no_color_is_heeded() {
    let styled = |words: &[&str], no_color: bool| {
        let mut command = Command::new(BINARY);
        command.args(words).env("TERM", "xterm-256color").env_remove("NO_COLOR");
        if no_color {
            command.env("NO_COLOR", "1");
        }
        let (mut child, mut ours) = started(&mut command);
        let text = shown(&mut ours, "\u{0}");
        child.wait().unwrap();
        assert!(text.contains("Usage"), "{words:?}: {text}");
        text.contains("\u{1b}[")
    };
    for words in [&["--help"][..], &["run", "--help"], &["run"], &["ledger", "nonsense", "--at"]] {
        assert!(styled(words, false), "{words:?} is plain, so that nothing is shown here");
        assert!(!styled(words, true), "{words:?}");
    }
}
