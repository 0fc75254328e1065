//! Every reader of bytes from outside: no bytes make it panic, and what it takes is, printed and read again, the same.
//!
//! The inputs are changes of documents that the readers take: a value replaced by one that readers trip over, by the value
//! of the same key elsewhere, by any other of the document, by a number or by itself with another digit; a member dropped
//! or written twice; bytes flipped, cut, repeated; one in thirty-two is noise. Each target prints what share of its inputs
//! was taken, from 30 % (whole logs, templates) to 85 % (bus entries); a tenth at least must be, and a tenth must not.
//!
//! `make test` tries two thousand changes each, the same ones every time. `make test-long` tries a million random ones; a
//! failure names its seed (`BOLERO_RANDOM_SEED=… cargo test … parsers::NAME` plays it again) and the smallest input found.
//! With `cargo bolero test` a fuzzer chooses.

mod change;
mod engine;
mod inputs;
mod routing;
mod stored;
mod tapes;
mod values;

use std::{fs, path::Path};

use alchemiser_core::{
    announce,
    decide::decide,
    execution::{Execution, apply},
    fact::Fact,
    observed::Observed,
    outstanding::outstanding,
    policy::Policy,
    throttle::Tokens,
};
use alchemiser_tests::{plans, pulse::Script, world::World};
use alchemiser_wire::{event, ledger, ledger::LedgerLine};
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use serde_json::Value;
use tempfile::TempDir;

use change::Document;

/// So many values of a strategy, the same ones every time.
fn some<S: Strategy>(count: usize, of: S) -> Vec<S::Value> {
    let mut runner = TestRunner::deterministic();
    (0..count).map(|_| of.new_tree(&mut runner).unwrap().current()).collect()
}

/// A traded plan's log, ledger and the events that it published.
struct Traded {
    log: Vec<Vec<u8>>,
    ledger: Vec<u8>,
    journal: Vec<u8>,
    accounts: Vec<Vec<u8>>,
    published: Vec<(String, String)>,
}

fn traded() -> Traded {
    let world = World::new(1);
    let event = plans::small();
    world.run(&event, Script::clean());
    let state = world.finish(&event);
    let accounts =
        fs::read_dir(world.root().join("accounts").join(world.account().as_str())).unwrap();
    let accounts = accounts.map(|entry| fs::read(entry.unwrap().path()).unwrap());
    let events = world.taken.all().into_iter();
    Traded {
        log: world.logs()[0].entries.values().cloned().collect(),
        ledger: world.ledger(&state).unwrap(),
        journal: world.journal(),
        accounts: accounts.collect(),
        published: events.map(|event| (event.detail_type, event.detail)).collect(),
    }
}

fn json_documents(values: &[Value]) -> Vec<Document> {
    values.iter().map(|value| Document::json(value.to_string())).collect()
}

/// Everything that is made of a log can be made of these facts.
fn lives(facts: &[Fact]) {
    let policy = Policy::default();
    let Some(state) = Execution::fold(facts, &policy) else { return };
    let now = state.last_at;
    for event in announce::events(&state) {
        serde_json::from_str::<Value>(&event::render(&event, &state, now).detail).unwrap();
    }
    for line in
        ledger::to_bytes(&state).split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
    {
        serde_json::from_slice::<LedgerLine>(line).unwrap();
    }
    let _due = outstanding(&state, now);
    let seen = Observed::new(Tokens::full(now, &policy), policy);
    let decided = decide(&state, &seen, now).iter().fold(state, apply);
    let _due = outstanding(&decided, now);
}

/// A directory in memory where there is one: a million files would wear out a disk.
fn directory() -> TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.unwrap()
}
