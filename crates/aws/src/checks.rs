//! What a bucket must keep to before it is trusted with an execution log. Once for each process, on its first use.

use alchemiser_driver::{accept::probe, invoke::Failed};

use crate::store::S3Store;

/// The code of a store that cannot keep a log.
pub const STORE_REFUSED: &str = "STORE_REFUSED";

/// A bucket keeps versions (what was written can be read again whatever happens), and creates a key once.
///
/// # Errors
/// [`Failed`] saying what the bucket does instead, or why it could not be asked.
pub async fn trusted(store: &S3Store) -> Result<(), Failed> {
    let failed = |error| Failed::new(STORE_REFUSED, error);
    if let Some(found) = store.versioning().await.map_err(failed)? {
        let place = store.place();
        let text = format!(
            "expected versioning Enabled on the bucket of {place}, found {found}; enable it, or set ALCHEMISER_STATE to a bucket that has it"
        );
        return Err(Failed::new(STORE_REFUSED, text));
    }
    probe(store).await.map_err(failed)
}
