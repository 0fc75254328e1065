//! `alchemiser replay`: a plan's execution, entry by entry, as its log holds it: what was known, decided, sent, answered.

use alchemiser_core::{
    execution::Execution,
    fact::{Fact, FactKind},
    policy::Policy,
};
use alchemiser_driver::audit::StoredLog;
use alchemiser_wire::entry::Entry;
use serde::Serialize;

use crate::{
    args::ReplayArgs,
    exit::{Exit, Stopped},
    load, table,
    words::{part, words},
};

#[derive(Serialize)]
struct Step {
    seq: u64,
    at: String,
    epoch: u32,
    owner: String,
    facts: Vec<Told>,
}

#[derive(Serialize)]
struct Told {
    at: String,
    /// known, decided, sent, answered, told, or owner.
    part: &'static str,
    text: String,
}

fn unreadable(log: &StoredLog, seq: u64, error: impl std::fmt::Display) -> Stopped {
    Stopped::new(Exit::Failed, "LOG_UNREADABLE", format!("{} entry {seq}: {error}", log.name))
}

fn entries(args: &ReplayArgs) -> Result<Vec<Entry>, Stopped> {
    let log = load::stored(&load::readable_for(&args.read.state, &args.plan_id)?, &args.plan_id)?;
    let upto = args.at.unwrap_or(u64::MAX);
    let wanted = log.entries.iter().take_while(|(seq, _)| **seq <= upto);
    wanted
        .map(|(seq, bytes)| Entry::from_bytes(bytes).map_err(|error| unreadable(&log, *seq, error)))
        .collect()
}

fn step(entry: &Entry) -> Step {
    let told = |fact: &Fact| {
        Some(Told { at: fact.at.to_string(), part: part(&fact.kind), text: words(&fact.kind)? })
    };
    Step {
        seq: entry.seq,
        at: entry.at.to_string(),
        epoch: entry.epoch,
        owner: entry.owner.to_string(),
        facts: entry.facts.iter().filter_map(told).collect(),
    }
}

/// Seconds since the plan was claimed.
fn since(claimed: Option<jiff::Timestamp>, at: jiff::Timestamp) -> String {
    let millis = claimed.map_or(0, |claimed| at.duration_since(claimed).as_millis());
    format!("{:>6}.{:03}", millis / 1000, millis.rem_euclid(1000))
}

/// Shows a plan's log, and the legs as they stood after its last entry shown.
pub(crate) fn replay(args: &ReplayArgs) -> Result<Exit, Stopped> {
    let stopped = |stopped: Stopped| stopped.with_json(args.read.json);
    let entries = entries(args).map_err(stopped)?;
    if args.read.json {
        return crate::print_json(&entries.iter().map(step).collect::<Vec<_>>());
    }
    let claimed = entries.first().map(|entry| entry.at);
    if let Some(at) = claimed {
        crate::say(&format!(
            "Plan {}, claimed at {at}. Each entry: its number, seconds since the claim, its owner's number; what was\nknown, decided, sent, answered, and told to others.\n",
            args.plan_id
        ))?;
    }
    for entry in &entries {
        show(entry, claimed)?;
    }
    let facts = entries.iter().flat_map(|entry| &entry.facts);
    match Execution::fold(facts, &Policy::default()) {
        Some(state) if !state.legs.is_empty() => crate::print(&table::fitted(&table::legs(&state))),
        Some(_) | None => Ok(Exit::Completed),
    }
}

/// An entry: a line for each fact; facts of one kind in a row name it once.
fn show(entry: &Entry, claimed: Option<jiff::Timestamp>) -> Result<Exit, Stopped> {
    let head = format!("{:06} {} #{}", entry.seq, since(claimed, entry.at), entry.epoch);
    let told = |fact: &Fact| Some((part(&fact.kind), words(&fact.kind)?));
    let mut lines: Vec<(&str, String)> = entry.facts.iter().filter_map(told).collect();
    if lines.is_empty() {
        lines.push(("owner", "nothing new; the lease is renewed".to_owned()));
    }
    let mut last = "";
    for (index, (part, line)) in lines.iter().enumerate() {
        let margin = if index == 0 { head.clone() } else { " ".repeat(head.len()) };
        let named = if *part == last { "" } else { part };
        crate::print(&table::behind(&format!("{margin}  {named:8}  "), line))?;
        last = part;
    }
    Ok(Exit::Completed)
}

/// Whether a fact of this kind is shown; the rest is bookkeeping.
pub(crate) fn is_shown(kind: &FactKind) -> bool {
    !matches!(kind, FactKind::Published(_) | FactKind::Marked(..))
}
