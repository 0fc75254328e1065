//! A process stands still for longer than its lease, another one takes over and completes the plan, and the first goes on:
//! it sends nothing.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command},
};

use serde_json::Value;

use crate::command::{assert_sound, command, example, json, run_json};

const LOG: &str = "executions/SIM000000001/growth-and-bonds-2026-11-20";

/// In real time, with a lease that is as short as it may be.
const SHORT: [&str; 12] = [
    "--speed",
    "realtime",
    "--policy",
    "cross",
    "--set",
    "lease=15",
    "--set",
    "lease_renewal=1",
    "--set",
    "lease_margin=1",
    "--set",
    "http_timeout=1",
];

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

fn orders(journal: &Path) -> usize {
    let text = fs::read_to_string(journal).unwrap_or_default();
    text.lines().filter(|line| line.contains("\"record\":\"order\"")).count()
}

/// The journal that the process which stood still goes on to write, out of everybody's sight.
fn left(state: &Path, pid: u32) -> PathBuf {
    state.join(format!("exchange/journal.left-by-{pid}.jsonl"))
}

/// Stops a run as soon as its log has so many entries, lets another one take over, and lets the first go on.
fn frozen_after(entries: usize) {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    let arguments = [&["--now", "--json"], SHORT.as_slice()].concat();
    let mut first = command(&example(), &state, &arguments).spawn().unwrap();
    while fs::read_dir(state.join(LOG)).map_or(0, Iterator::count) < entries {
        assert!(first.try_wait().unwrap().is_none(), "the first process ended too soon");
    }
    signal(&first, "-STOP");

    // Its lease is respected until it is over.
    let (code, refused) = run_json(&example(), &state, &SHORT);
    assert_eq!((code, refused["code"].as_str()), (4, Some("STATE_IN_USE")), "{refused}");
    let second = loop {
        let (code, report) = run_json(&example(), &state, &SHORT);
        if code != 4 {
            break report;
        }
    };
    assert_eq!(second["outcome"], "completed", "{second}");
    let journal = state.join("exchange/journal.jsonl");
    let (sent, hidden) = (orders(&journal), orders(&left(&state, first.id())));
    let log = fs::read_dir(state.join(LOG)).unwrap().count();

    signal(&first, "-CONT");
    let output = first.wait_with_output().unwrap();
    let told: Value = json(&output);
    assert!(matches!(output.status.code(), Some(0 | 4)), "{told}");
    let pid: u32 = fs::read_dir(state.join("exchange"))
        .unwrap()
        .find_map(|entry| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            name.strip_prefix("journal.left-by-")?.strip_suffix(".jsonl")?.parse().ok()
        })
        .unwrap();
    assert_eq!(
        orders(&left(&state, pid)),
        hidden,
        "after {entries} entries: the zombie sent something"
    );
    assert_eq!(orders(&journal), sent, "after {entries} entries");
    assert_eq!(fs::read_dir(state.join(LOG)).unwrap().count(), log, "the zombie wrote an entry");
    assert_sound(&state);
}

/// X9, S11, I2, I4, I7: stopped right after an entry, often between the commit of an intent and its POST.
#[test]
fn a_process_that_stood_still_sends_nothing_when_it_goes_on() {
    std::thread::scope(|scope| {
        let tried: Vec<_> = [2, 3, 4, 5, 6]
            .into_iter()
            .map(|entries| scope.spawn(move || frozen_after(entries)))
            .collect();
        for tried in tried {
            tried.join().unwrap();
        }
    });
}

/// X9: in virtual time leases say nothing to others, and a process that stands still keeps the directory.
#[test]
fn a_process_in_virtual_time_keeps_its_directory() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    let mut first = command(&example(), &state, &["--now"]).spawn().unwrap();
    while fs::read_dir(state.join(LOG)).map_or(0, Iterator::count) < 4 {
        assert!(first.try_wait().unwrap().is_none(), "the first process ended too soon");
    }
    signal(&first, "-STOP");
    let (code, refused) = run_json(&example(), &state, &SHORT);
    signal(&first, "-CONT");
    assert!(first.wait().unwrap().success());
    assert_eq!((code, refused["code"].as_str()), (4, Some("STATE_IN_USE")), "{refused}");
    assert_sound(&state);
}
