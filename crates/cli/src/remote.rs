//! State in a bucket: `--state s3://BUCKET/PREFIX`. What only reads works on a copy of it, so that there is one way to read;
//! the switch writes to the bucket itself.

use std::path::Path;

#[cfg(feature = "aws")]
pub(crate) use bucket::{Copy, copied, store};
#[cfg(not(feature = "aws"))]
pub(crate) use nowhere::{Copy, copied, store};

/// Whether a state is in a bucket.
pub(crate) fn is_bucket(path: &Path) -> bool {
    path.to_string_lossy().starts_with("s3://")
}

#[cfg(feature = "aws")]
mod bucket {
    use std::{path::Path, sync::Arc};

    use alchemiser_aws::{amazon::Amazon, copy, place::Place, store::S3Store};
    use alchemiser_driver::ports::Store;
    use alchemiser_local::state::StateDir;
    use tempfile::TempDir;

    use crate::{
        exit::{Exit, Stopped},
        load,
    };

    /// What is copied: what is kept for ever.
    const KEPT: [&str; 3] = ["executions/", "accounts/", "ledger/"];

    /// A copy; it goes with this value.
    pub(crate) struct Copy {
        _directory: TempDir,
    }

    /// The store in a bucket.
    pub(crate) async fn store(path: &Path) -> Result<Arc<dyn Store>, Stopped> {
        let text = path.to_string_lossy();
        let place: Place =
            text.parse().map_err(|error| Stopped::new(Exit::Refused, "STATE", error))?;
        let amazon = Amazon::from_env().await;
        let amazon =
            amazon.map_err(|failed| Stopped::new(Exit::Refused, failed.code, failed.message))?;
        Ok(Arc::new(S3Store::new(amazon.s3(), place)))
    }

    /// A copy of what a bucket holds now, as a state directory.
    pub(crate) fn copied(path: &Path) -> Result<(StateDir, Copy), Stopped> {
        let failed = |error: &dyn std::fmt::Display| Stopped::failed("STATE_UNREADABLE", error);
        let directory = tempfile::tempdir().map_err(|error| failed(&error))?;
        let state =
            StateDir::open(directory.path()).map_err(|error| load::state_stopped(&error))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let copied = runtime.map_err(|error| failed(&error))?.block_on(async {
            let store = store(path).await?;
            let copied = copy::kept(store.as_ref(), &KEPT, directory.path()).await;
            copied.map_err(|error| failed(&error))
        })?;
        if copied == 0 {
            let message = format!("expected logs under {}, found none", path.display());
            return Err(Stopped::new(Exit::Refused, "STATE_MISSING", message));
        }
        Ok((state, Copy { _directory: directory }))
    }
}

#[cfg(not(feature = "aws"))]
mod nowhere {
    use std::{path::Path, sync::Arc};

    use alchemiser_driver::ports::Store;
    use alchemiser_local::state::StateDir;

    use crate::exit::{Exit, Stopped};

    /// There is none.
    pub(crate) enum Copy {}

    fn refused(path: &Path) -> Stopped {
        let found = path.display();
        let message = format!(
            "expected a state directory, found {found}: this program was built without AWS; build it with its default features"
        );
        Stopped::new(Exit::Refused, "STATE", message)
    }

    #[expect(clippy::unused_async, reason = "as the other one")]
    pub(crate) async fn store(path: &Path) -> Result<Arc<dyn Store>, Stopped> {
        Err(refused(path))
    }

    pub(crate) fn copied(path: &Path) -> Result<(StateDir, Copy), Stopped> {
        Err(refused(path))
    }
}
