//! What a bucket holds, as files.

use std::path::{Component, Path};

use alchemiser_driver::ports::{Store, StoreError};
use futures::future::try_join_all;

/// Objects that are read side by side.
const TOGETHER: usize = 16;

/// Copies all objects under some prefixes into a directory, under their keys; says how many.
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

async fn one(store: &dyn Store, key: &str, directory: &Path) -> Result<(), StoreError> {
    let refused = |why: &dyn std::fmt::Display| StoreError::Refused(format!("{key}: {why}"));
    let is_below = Path::new(key).components().all(|part| matches!(part, Component::Normal(_)));
    if !is_below {
        return Err(refused(&"expected a key that is a path"));
    }
    let Some(bytes) = store.get(key).await? else { return Ok(()) };
    let path = directory.join(key);
    let above = path.parent().unwrap_or(directory);
    std::fs::create_dir_all(above)
        .and_then(|()| std::fs::write(&path, bytes))
        .map_err(|error| refused(&error))
}
