//! What must hold at the end, whatever happened on the way.

use std::collections::{BTreeMap, BTreeSet};

use alchemiser_core::{
    execution::Execution, fact::StopCode, learning::Crosses, quantity::Quantity,
};
use alchemiser_driver::audit::{StoredLog, audit};
use alchemiser_wire::{
    account::AccountEntry,
    entry::Entry,
    learning::{self, Kept},
    ledger::{self, LedgerLine, encode},
};
use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::{
    bus::Published,
    line::CANARY,
    rebuild,
    scene::{NAMELESS, Wanted},
    world::World,
};

/// In how many of a hundred plans the log is folded once more, and compared with what its owner had.
const FOLDED: u32 = 10;

/// Everything that must hold; what does not goes to the watch's violations. Returns the plans' states.
pub(crate) fn check(world: &mut World, plans: &[Wanted]) -> Vec<Execution> {
    let report = audit(&logs(world), Some(world.exchange.truth()));
    // Plans' times compare only where all clocks were right; the watch compares them in true time.
    let skewed =
        !world.ahead_most.is_zero() || world.processes.iter().any(|p| p.jumped_at > Timestamp::MIN);
    let compares =
        |found: &str| found.contains("at the same time") || found.contains("plans before it");
    for violation in report.violations {
        if skewed && compares(&violation.found) {
            continue;
        }
        world.broken(violation.invariant, format!("{}: {}", violation.log, violation.found));
    }
    world.check_calls();
    let ids: BTreeSet<&str> = plans.iter().map(|plan| plan.plan_id.as_str()).collect();
    let mut states = Vec::new();
    for id in ids {
        match last_state(world, id) {
            Some(state) => states.push(state),
            None if lapsed(world, id) => {}
            None => world.broken("I14", format!("{id} was neither claimed nor refused")),
        }
    }
    if world.store.keys().any(|key| key.starts_with(&log_prefix(world, NAMELESS))) {
        world.broken("I1", "a plan without an id was claimed".to_owned());
    }
    for state in &states {
        over(world, state);
        published(world, state);
        settled(world, state);
        closed(world, state);
        rebuild::agrees(world, state);
    }
    learned(world, &states);
    if world.chance.percent(FOLDED) {
        secret(world);
    }
    states
}

/// A plan's event came after its validity was over, and was refused: once, and told to everybody.
fn lapsed(world: &World, plan_id: &str) -> bool {
    let account = encode(world.exchange.account.as_str());
    let refused = format!("executions/{account}/refused-planned-{plan_id}");
    let own = format!("\"workflow-{plan_id}\"");
    let is_told =
        |event: &Published| event.detail_type == "WorkflowFailed" && event.detail.contains(&own);
    world.store.range(refused.clone()..).next().is_some_and(|(key, _)| key.starts_with(&refused))
        && world.taken.iter().any(is_told)
}

/// I16: no secret that an adapter's error quotes is in a log, an event or a ledger.
fn secret(world: &mut World) {
    let holds = |bytes: &[u8]| std::str::from_utf8(bytes).is_ok_and(|text| text.contains(CANARY));
    let objects = world.store.iter().filter(|(_, bytes)| holds(bytes)).map(|(key, _)| key.clone());
    let events = world.taken.iter().filter(|event| event.detail.contains(CANARY));
    let found: Vec<String> = objects.chain(events.map(|event| event.id.clone())).collect();
    if !found.is_empty() {
        world.broken("I16", format!("a secret is in {found:?}"));
    }
}

/// Where a plan's log is.
fn log_prefix(world: &World, plan_id: &str) -> String {
    format!("executions/{}/{}/", encode(world.exchange.account.as_str()), encode(plan_id))
}

/// Every log of the store.
fn logs(world: &World) -> Vec<StoredLog> {
    let mut logs: Vec<StoredLog> = Vec::new();
    for (key, bytes) in world.store.range("executions/".to_owned().."executions0".to_owned()) {
        let Some((name, file)) = key.rsplit_once('/') else { continue };
        let Some(number) = file.strip_suffix(".json").and_then(|n| n.parse().ok()) else {
            continue;
        };
        if logs.last().is_none_or(|log| log.name != name) {
            logs.push(StoredLog { name: name.to_owned(), entries: BTreeMap::new() });
        }
        if let Some(log) = logs.last_mut() {
            log.entries.insert(number, bytes.clone());
        }
    }
    logs
}

/// The entries of a plan's log.
fn entries(world: &World, plan_id: &str) -> Vec<Entry> {
    let prefix = log_prefix(world, plan_id);
    let range = world.store.range(prefix.clone()..);
    let own = range.take_while(|(key, _)| key.starts_with(&prefix));
    own.filter_map(|(_, bytes)| Entry::from_bytes(bytes).ok()).collect()
}

/// The state at the end: the owner's own where it is of the newest entry, else the log's.
fn last_state(world: &mut World, plan_id: &str) -> Option<Execution> {
    let prefix = log_prefix(world, plan_id);
    let end = format!("{}0", prefix.trim_end_matches('/'));
    let newest_first = world.store.range(prefix..end).rev();
    let mut own = newest_first.filter_map(|(_, bytes)| Entry::from_bytes(bytes).ok());
    let newest = own.next().map(|entry| entry.at);
    // Where a clock was set back, entries have the time of those before them.
    let is_ambiguous = own.next().map(|entry| entry.at) == newest;
    let known = world.finished.get(plan_id).cloned();
    let known = known.filter(|state| newest == Some(state.last_at) && !is_ambiguous);
    let Some(known) = known else { return state(world, plan_id) };
    // I8: fold(log) = state. Reading a log again takes its time.
    if world.chance.percent(FOLDED) && state(world, plan_id).as_ref() != Some(&known) {
        world.broken("I8", format!("the log of {plan_id} does not add up to its owner's state"));
    }
    Some(known)
}

fn state(world: &World, plan_id: &str) -> Option<Execution> {
    let entries = entries(world, plan_id);
    Execution::fold(entries.iter().flat_map(|entry| &entry.facts), &world.policy)
}

/// Every plan was claimed, is over, and the bus has its events.
pub(crate) fn all_complete(world: &World, plans: &[Wanted]) -> bool {
    plans.iter().all(|plan| match state(world, &plan.plan_id) {
        Some(state) => state.is_complete(),
        None => lapsed(world, &plan.plan_id),
    })
}

/// I14: the plan is over, and nothing of it is left lying about.
fn over(world: &mut World, state: &Execution) {
    let id = state.plan.plan_id.clone();
    if !state.is_complete() {
        let (phase, at) = (state.phase.word(), world.now);
        return world.broken("I14", format!("{id} is {phase} at {at}, long after faults stopped"));
    }
    let account = encode(state.plan.account.as_str());
    if world.store.contains_key(&format!("open/{account}/{}", encode(id.as_str()))) {
        world.broken("I14", format!("the marker of {id} is still there"));
    }
    let newest = world.store.range(format!("accounts/{account}/")..).next();
    let newest = newest.and_then(|(_, bytes)| AccountEntry::from_bytes(bytes).ok());
    let account = newest.map(|entry| entry.account).unwrap_or_default();
    if account.cancellation(&id).is_some() {
        world
            .broken("I14", format!("{id} is over, and its account still says that it is canceled"));
    }
    taken_back(world, state);
    // A zombie may take the account for a plan that is over; whoever wants it next finds out.
    if account.holder.is_some_and(|holder| holder.plan == id) && !account.waiting.is_empty() {
        world.broken(
            "I14",
            format!("others wait for the account, and {id}, which is over, holds it"),
        );
    }
}

/// I10: only a plan that somebody canceled ends as canceled; one that was canceled before it was claimed sends no order, and is
/// not done.
fn taken_back(world: &mut World, state: &Execution) {
    let id = state.plan.plan_id.as_str();
    let is_canceled = world.watch.canceled.contains_key(id);
    if state.stop == Some(StopCode::Canceled) && !is_canceled {
        world.broken("I10", format!("{id} ended as canceled, and nobody had canceled it"));
    }
    if !world.watch.canceled_unclaimed.contains(id) {
        return;
    }
    let ids = state.children().map(|child| child.client_order_id.as_str());
    let sent = ids.filter(|id| world.watch.sent.contains_key(*id)).count();
    let outcome = state.outcome.as_ref().map(|(outcome, _)| outcome);
    let is_done = outcome.is_some_and(|outcome| outcome.completed && !outcome.no_trades_needed);
    if sent > 0 || is_done {
        let found = format!(
            "{id} was canceled before it was claimed, sent {sent} orders and ended as {:?}",
            outcome.map(|outcome| outcome.status)
        );
        world.broken("I10", found);
    }
}

/// Whether a plan was claimed, or is known to have been.
pub(crate) fn has_log(world: &World, plan_id: &str) -> bool {
    let prefix = log_prefix(world, plan_id);
    world.store.range(prefix.clone()..).next().is_some_and(|(key, _)| key.starts_with(&prefix))
}

/// I8: no order of a plan that nobody looks after any more is open.
fn closed(world: &mut World, state: &Execution) {
    if state.must_be_followed() {
        return;
    }
    let ours: BTreeSet<&str> = state.children().map(|c| c.client_order_id.as_str()).collect();
    let open = world.exchange.orders.iter().filter(|order| order.is_open());
    let ids = open.map(|order| order.new.client_order_id.clone());
    let left: Vec<String> = ids.filter(|id| ours.contains(id.as_str())).collect();
    if !left.is_empty() {
        let found = format!("{} is over, and {left:?} may still fill", state.plan.plan_id);
        world.broken("I8", found);
    }
}

/// I9: one terminal event, and every copy of every event has the same bytes.
fn published(world: &mut World, state: &Execution) {
    let mut bytes: BTreeMap<&str, &str> = BTreeMap::new();
    let mut terminal = BTreeSet::new();
    let mut found = Vec::new();
    let own = format!("\"{}\"", state.plan.correlation_id);
    let events = world.taken.iter().filter(|event| event.detail.contains(&own));
    for event in events.filter(|event| event.detail_type != "TradeExecutionRequested") {
        // An input of the same workflow that was refused speaks for itself, not for the plan.
        let of_plan = state.outbox.iter().any(|out| out.event.event_id.as_str() == event.id);
        if event.detail_type.starts_with("Workflow") && of_plan {
            terminal.insert((event.id.as_str(), event.detail_type.as_str()));
        }
        let first = bytes.entry(&event.id).or_insert(&event.detail);
        if **first != event.detail {
            found.push(format!("two copies of one {} differ", event.detail_type));
        }
    }
    let completed = state.outcome.as_ref().is_some_and(|(outcome, _)| outcome.completed);
    let expected = if completed { "WorkflowCompleted" } else { "WorkflowFailed" };
    if state.is_complete() && (terminal.len() != 1 || terminal.iter().any(|(_, k)| *k != expected))
    {
        found.push(format!("expected one {expected}, found {terminal:?}"));
    }
    for out in state.outbox.iter().filter(|out| out.published) {
        if bytes.get(out.event.event_id.as_str()) != Some(&out.event.detail.as_str()) {
            found.push(format!("{} is not on the bus as it was announced", out.event.detail_type));
        }
    }
    for found in found {
        world.broken("I9", format!("{}: {found}", state.plan.plan_id));
    }
}

/// I8: the ledger with its supplements says what the log says, and what the broker did.
fn settled(world: &mut World, state: &Execution) {
    let id = &state.plan.plan_id;
    let Some(bytes) = world.store.get(&ledger::key(state)) else {
        return world.broken("I8", format!("{id} has no ledger"));
    };
    let mut lines = ledger::from_bytes(bytes).unwrap_or_default();
    for number in 1.. {
        let Some(more) = world.store.get(&ledger::supplement_key(state, number)) else { break };
        lines.extend(ledger::from_bytes(more).unwrap_or_default());
    }
    if ledger::late(state, &lines).is_none_or(|late| !late.is_empty()) {
        world.broken("I8", format!("the ledger of {id} is not what its log says"));
    }
    let told = told_by(&lines);
    let done = done_for(world, state);
    if told != done {
        world.broken("I8", format!("the ledger of {id} says {told:?}, the broker {done:?}"));
    }
}

/// I8: what was learned of the account's crosses is what its ledgers say, whoever wrote them in which order. Only a disk that was
/// full may have kept a plan from it.
fn learned(world: &mut World, states: &[Execution]) {
    let account = world.exchange.account.clone();
    let prefix = learning::prefix(&account);
    let newest = world.store.range(prefix.clone()..).next();
    let newest = newest.filter(|(key, _)| key.starts_with(&prefix));
    let kept = newest.map(|(_, bytes)| Kept::from_bytes(bytes, &account));
    let mut expected = Crosses::default();
    for state in states.iter().filter(|state| world.store.contains_key(&ledger::key(state))) {
        let date = ledger::trading_date(state.plan.received_at);
        expected.note(date, &state.plan.plan_id, learning::paid(&ledger::lines(state)));
    }
    let was_full = world.full_until > Timestamp::MIN;
    let found = match kept {
        Some(Ok(kept)) => kept.crosses,
        None => Crosses::default(),
        Some(Err(error)) => return world.broken("I8", format!("what was learned: {error}")),
    };
    let known: Vec<_> = expected.plans().collect();
    let agrees =
        if was_full { found.plans().all(|plan| known.contains(&plan)) } else { found == expected };
    if !agrees {
        world.broken("I8", format!("{found:?} was learned, and the ledgers say {expected:?}"));
    }
}

/// Shares, and dollars to the cent of a cent.
type Sum = (Quantity, Decimal);

/// By order: the newest line counts.
fn told_by(lines: &[LedgerLine]) -> BTreeMap<String, Sum> {
    let parsed = |line: &LedgerLine| {
        let quantity = Quantity::new(line.quantity.parse().ok()?).ok()?;
        let average: Decimal = line.average_price.as_ref()?.parse().ok()?;
        Some((line.client_order_id.clone(), (quantity, average.round_dp(6))))
    };
    lines.iter().filter_map(parsed).collect()
}

/// By order: what the broker filled, at which average price.
fn done_for(world: &World, state: &Execution) -> BTreeMap<String, Sum> {
    let ours: BTreeSet<&str> =
        state.children().map(|child| child.client_order_id.as_str()).collect();
    let mut done: BTreeMap<String, Sum> = BTreeMap::new();
    for fill in &world.exchange.truth().fills {
        if ours.contains(fill.client_order_id.as_str()) {
            let sum = done.entry(fill.client_order_id.clone()).or_default();
            *sum = (sum.0.plus(fill.quantity), sum.1 + fill.price.times(fill.quantity).amount());
        }
    }
    for sum in done.values_mut() {
        sum.1 = sum.1.checked_div(sum.0.shares()).unwrap_or_default().round_dp(6);
    }
    done
}

/// What happened, and then the facts of every log.
pub(crate) fn told(world: &mut World) -> Vec<String> {
    let mut lines = world.record.take().unwrap_or_default();
    for log in logs(world) {
        lines.push(format!("=== {}", log.name));
        for (number, bytes) in &log.entries {
            let Ok(entry) = Entry::from_bytes(bytes) else { continue };
            lines.push(format!("{number:>4} epoch {} {} {}", entry.epoch, entry.owner, entry.at));
            let facts = entry.facts.iter();
            lines.extend(facts.map(|fact| {
                let text = format!("{:?}", fact.kind);
                format!("       {}", text.chars().take(600).collect::<String>())
            }));
        }
    }
    for (key, bytes) in world.store.range("ledger/".to_owned()..) {
        let text = String::from_utf8_lossy(bytes);
        lines.push(format!("=== {key}"));
        lines.extend(text.lines().map(str::to_owned));
    }
    lines
}
