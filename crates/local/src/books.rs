//! A state directory as an auditor sees it: every log, and the exchange's own books.

use std::{collections::BTreeMap, fs, io, path::Path};

use alchemiser_driver::audit::{BrokerFill, BrokerOrder, StoredLog, Truth};
use alchemiser_market::journal::{self, JournalError, Record};
use alchemiser_wire::{account::AccountEntry, entry::Entry};
use jiff::Timestamp;

use crate::state::StateDir;

/// Reads every execution log of a state directory.
///
/// # Errors
/// The file system's error.
pub fn logs(state: &StateDir) -> io::Result<Vec<StoredLog>> {
    let mut logs = Vec::new();
    for account in children(&state.root().join("executions"))? {
        for plan in children(&account)? {
            let mut entries = BTreeMap::new();
            for file in children(&plan)? {
                let number = file
                    .file_stem()
                    .and_then(|name| name.to_str())
                    .and_then(|name| name.parse().ok());
                if let Some(number) = number {
                    entries.insert(number, fs::read(&file)?);
                }
            }
            let name = plan.strip_prefix(state.root()).unwrap_or(&plan).display().to_string();
            logs.push(StoredLog { name, entries });
        }
    }
    Ok(logs)
}

/// The newest entry of each account's log.
///
/// # Errors
/// The file system's error, or an entry that is not readable.
pub fn accounts(state: &StateDir) -> io::Result<Vec<AccountEntry>> {
    let mut newest = Vec::new();
    for account in children(&state.root().join("accounts"))? {
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
