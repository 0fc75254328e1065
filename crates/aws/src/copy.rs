//! What a bucket holds, as files.

use std::path::{Component, Path};

use alchemiser_driver::ports::{Store, StoreError};
use alchemiser_wire::ledger::encode;
use futures::future::try_join_all;

use crate::store::S3Store;

/// Objects that are read side by side.
const TOGETHER: usize = 16;

/// Where the logs of plans are, by account.
const LOGS: &str = "executions/";

/// Where the quotes for their pictures are.
const QUOTES: &str = "quotes/";

/// Copies all objects under some prefixes into a directory, under their keys; says how many there are. What is in the directory
/// already is not read again: an object is created once and stays as it is.
///
/// # Errors
/// [`StoreError`] when the store fails, holds a key that is no path below the directory, or the files cannot be written.
pub async fn kept(
    store: &dyn Store,
    prefixes: &[&str],
    directory: &Path,
) -> Result<usize, StoreError> {
    let mut copied = 0_usize;
    for prefix in prefixes {
        let keys = store.list(prefix, usize::MAX).await?;
        for some in keys.chunks(TOGETHER) {
            try_join_all(some.iter().map(|key| one(store, key, directory))).await?;
        }
        copied = copied.saturating_add(keys.len());
    }
    Ok(copied)
}

/// Copies the log of one plan and the quotes for its picture, and nothing else; says how many objects. Where no account has
/// the plan, every plan gets a directory with nothing in it, so that its name can be looked at; then it says how many.
///
/// # Errors
/// As [`kept`].
pub async fn of_plan(store: &S3Store, plan: &str, directory: &Path) -> Result<usize, StoreError> {
    let accounts = store.directories(LOGS).await?;
    for account in &accounts {
        let log = format!("{account}{}/", encode(plan));
        let copied = kept(store, &[&log], directory).await?;
        if copied > 0 {
            let quotes = log.replacen(LOGS, QUOTES, 1);
            return Ok(copied.saturating_add(kept(store, &[&quotes], directory).await?));
        }
    }
    let mut named = 0_usize;
    for account in &accounts {
        for plan in store.directories(account).await? {
            let path = below(&plan, directory)?;
            std::fs::create_dir_all(path).map_err(|error| refused(&plan, &error))?;
            named = named.saturating_add(1);
        }
    }
    Ok(named)
}

fn refused(key: &str, why: &dyn std::fmt::Display) -> StoreError {
    StoreError::Refused(format!("{key}: {why}"))
}

/// Where a key is as a file.
fn below(key: &str, directory: &Path) -> Result<std::path::PathBuf, StoreError> {
    let is_below = Path::new(key).components().all(|part| matches!(part, Component::Normal(_)));
    if is_below {
        Ok(directory.join(key))
    } else {
        Err(refused(key, &"expected a key that is a path"))
    }
}

async fn one(store: &dyn Store, key: &str, directory: &Path) -> Result<(), StoreError> {
    let path = below(key, directory)?;
    if path.is_file() {
        return Ok(());
    }
    let Some(bytes) = store.get(key).await? else { return Ok(()) };
    let above = path.parent().unwrap_or(directory);
    std::fs::create_dir_all(above)
        .and_then(|()| std::fs::write(&path, bytes))
        .map_err(|error| refused(key, &error))
}
