//! A state directory as an auditor sees it: every log, and the exchange's own books.

use std::{collections::BTreeMap, fs, io, path::Path};

use alchemiser_driver::audit::{BrokerFill, BrokerOrder, Stored, StoredLog, Truth, number};
use alchemiser_market::journal::{self, JournalError, Record};
use alchemiser_wire::{account::AccountEntry, entry::Entry};
use jiff::Timestamp;

use crate::state::StateDir;

/// Reads every execution log of a state directory.
///
/// # Errors
/// The file system's error.
pub fn logs(state: &StateDir) -> io::Result<Vec<StoredLog>> {
    names(state)?.into_iter().map(|name| log(state, name)).collect()
}

/// The names of all execution logs, `executions/{account}/{plan}` each, sorted.
///
/// # Errors
/// The file system's error.
pub fn names(state: &StateDir) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    let accounts = children(&state.root().join("executions"))?;
    for account in accounts.into_iter().filter(|account| account.is_dir()) {
        for plan in children(&account)?.into_iter().filter(|plan| plan.is_dir()) {
            names.push(plan.strip_prefix(state.root()).unwrap_or(&plan).display().to_string());
        }
    }
    Ok(names)
}

/// Reads one execution log.
///
/// # Errors
/// The file system's error.
pub fn log(state: &StateDir, name: String) -> io::Result<StoredLog> {
    let mut entries = BTreeMap::new();
    for file in children(&state.root().join(&name))?.into_iter().filter(|file| file.is_file()) {
        let name = file.file_name().and_then(|name| name.to_str());
        if let Some(number) = name.and_then(|name| number(name, 6)) {
            entries.insert(number, fs::read(&file)?);
        }
    }
    Ok(StoredLog { name, entries })
}

/// Everything that an auditor looks at.
///
/// # Errors
/// The file system's error.
pub fn stored(state: &StateDir) -> io::Result<Stored> {
    let accounts = files(state.root(), "accounts")?;
    let ledgers = files(state.root(), "ledger")?;
    let mut keys: Vec<String> = accounts.keys().chain(ledgers.keys()).cloned().collect();
    keys.extend(files(state.root(), "executions")?.into_keys());
    Ok(Stored { logs: logs(state)?, accounts, ledgers, keys })
}

/// Every file below a directory of the state, by key.
fn files(root: &Path, place: &str) -> io::Result<BTreeMap<String, Vec<u8>>> {
    let (mut found, mut directories) = (BTreeMap::new(), vec![root.join(place)]);
    while let Some(directory) = directories.pop() {
        for path in children(&directory)? {
            if path.is_dir() {
                directories.push(path);
            } else {
                let key = path.strip_prefix(root).unwrap_or(&path).display().to_string();
                found.insert(key, fs::read(&path)?);
            }
        }
    }
    Ok(found)
}

/// The newest entry of each account's log.
///
/// # Errors
/// The file system's error, or an entry that is not readable.
pub fn accounts(state: &StateDir) -> io::Result<Vec<AccountEntry>> {
    let mut newest = Vec::new();
    let accounts = children(&state.root().join("accounts"))?;
    for account in accounts.into_iter().filter(|account| account.is_dir()) {
        // Numbers count down: the first name is the newest entry.
        if let Some(file) = children(&account)?.first() {
            let entry = AccountEntry::from_bytes(&fs::read(file)?).map_err(io::Error::other)?;
            newest.push(entry);
        }
    }
    Ok(newest)
}

/// The time of the newest entry of any log; `None` when there is none. What cannot be read says no time.
///
/// # Errors
/// The file system's error.
pub fn newest_entry(state: &StateDir) -> io::Result<Option<Timestamp>> {
    let mut newest = None;
    for log in logs(state)? {
        let last = log.entries.values().next_back();
        let last = last.and_then(|bytes| Entry::from_bytes(bytes).ok()).map(|entry| entry.at);
        newest = newest.max(last);
    }
    Ok(newest)
}

/// Some plan is not over, and the lease of each that is not has run out.
///
/// # Errors
/// The file system's error.
pub fn leases_are_over(state: &StateDir, now: Timestamp) -> io::Result<bool> {
    let mut open = false;
    for marker in files(state.root(), "open")?.into_keys() {
        let plan = state.root().join(marker.replacen("open/", "executions/", 1));
        let Some(newest) = children(&plan)?.pop() else { continue };
        let Ok(entry) = Entry::from_bytes(&fs::read(newest)?) else { return Ok(false) };
        // A claim has no owner yet.
        open |= entry.epoch > 0;
        if entry.until >= now {
            return Ok(false);
        }
    }
    Ok(open)
}

fn children(directory: &Path) -> io::Result<Vec<std::path::PathBuf>> {
    let mut paths = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => {
            entries?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?
        }
    };
    paths.sort();
    Ok(paths)
}

/// The exchange's books; `None` when there is no exchange.
///
/// # Errors
/// [`JournalError`] for a journal that is not readable.
pub fn truth(state: &StateDir) -> Result<Option<Truth>, JournalError> {
    let records = journal::read(&state.exchange())?;
    if records.is_empty() {
        return Ok(None);
    }
    let mut truth = Truth::default();
    for record in records {
        match record {
            Record::Setup { setup, .. } => truth.cash = setup.cash,
            Record::Order { at, order, .. } => truth.orders.push(BrokerOrder {
                at,
                client_order_id: order.client_order_id,
                symbol: order.symbol,
                side: order.side,
                quantity: order.quantity,
                limit: order.limit,
            }),
            Record::Fill { fill, .. } => truth.fills.push(BrokerFill {
                client_order_id: fill.client_order_id,
                side: fill.side,
                quantity: fill.quantity,
                price: fill.price,
            }),
            Record::Opened { .. }
            | Record::Listed { .. }
            | Record::Cancel { .. }
            | Record::Canceled { .. } => {}
        }
    }
    Ok(Some(truth))
}
