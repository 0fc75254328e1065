//! State in a bucket: `--state s3://BUCKET/PREFIX`. What only reads works on a copy of it, so that there is one way to read;
//! the switch writes to the bucket itself.

use std::path::Path;

#[cfg(feature = "aws")]
pub(crate) use bucket::{Copy, copied, look, renewed, store, vault};
#[cfg(not(feature = "aws"))]
pub(crate) use nowhere::{Copy, copied, look, renewed, store, vault};

/// What of a bucket is copied.
#[cfg_attr(not(feature = "aws"), expect(dead_code, reason = "without AWS nothing is copied"))]
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part<'a> {
    /// All objects below these directories.
    Below(&'a [&'a str]),
    /// The log of one plan, and the quotes for its picture.
    Plan(&'a str),
}

/// Whether a state is in a bucket.
pub(crate) fn is_bucket(path: &Path) -> bool {
    path.to_string_lossy().starts_with("s3://")
}

#[cfg(feature = "aws")]
mod bucket {
    use std::{path::Path, sync::Arc, thread};

    use alchemiser_aws::{
        amazon::Amazon,
        copy,
        look::{self, Look},
        place::Place,
        secret::StoredSecret,
        store::S3Store,
    };
    use alchemiser_driver::ports::{Store, Vault};
    use alchemiser_local::state::StateDir;
    use tempfile::TempDir;

    use super::Part;
    use crate::{
        examine::{Finding, good, wrong},
        exit::{Exit, Stopped},
        load,
    };

    /// A copy; it goes with this value.
    pub(crate) struct Copy {
        directory: TempDir,
    }

    /// The store in a bucket.
    pub(crate) async fn store(path: &Path) -> Result<Arc<dyn Store>, Stopped> {
        Ok(Arc::new(S3Store::new(amazon().await?.s3(), place(path)?)))
    }

    fn place(path: &Path) -> Result<Place, Stopped> {
        let text = path.to_string_lossy();
        text.parse().map_err(|error| Stopped::new(Exit::Refused, "STATE", error))
    }

    /// What a stack stands on.
    pub(crate) async fn look(path: &Path, bus: Option<&str>) -> Result<Vec<Finding>, Stopped> {
        let (place, amazon) = (place(path)?, amazon().await?);
        let store = S3Store::new(amazon.s3(), place);
        let mut looks = look::bucket(&store).await;
        if let Some(bus) = bus {
            looks.push(look::bus(&amazon.events(), bus).await);
        }
        looks.push(look::clock(&store).await);
        Ok(looks.into_iter().map(finding).collect())
    }

    fn finding(look: Look) -> Finding {
        let Look { what, code, said, mend } = look;
        if code == "OK" { good(what, said) } else { wrong(what, code, said, &mend) }
    }

    async fn amazon() -> Result<Amazon, Stopped> {
        let amazon = Amazon::from_env().await;
        amazon.map_err(|failed| Stopped::new(Exit::Refused, failed.code, failed.message))
    }

    /// A secret in Secrets Manager.
    pub(crate) async fn vault(arn: &str) -> Result<Arc<dyn Vault>, Stopped> {
        Ok(Arc::new(StoredSecret::new(amazon().await?.secrets(), arn.to_owned())))
    }

    /// A copy of a part of what a bucket holds now, as a state directory.
    pub(crate) fn copied(path: &Path, part: Part<'_>) -> Result<(StateDir, Copy), Stopped> {
        let failed = |error: &dyn std::fmt::Display| Stopped::failed("STATE_UNREADABLE", error);
        let directory = tempfile::tempdir().map_err(|error| failed(&error))?;
        let state =
            StateDir::open(directory.path()).map_err(|error| load::state_stopped(&error))?;
        let copy = Copy { directory };
        if renewed(&copy, path, part)? == 0 {
            let message = format!("expected logs under {}, found none", path.display());
            return Err(Stopped::new(Exit::Refused, "STATE_MISSING", message));
        }
        Ok((state, copy))
    }

    /// Copies what has come since; how many objects there are.
    pub(crate) fn renewed(copy: &Copy, path: &Path, part: Part<'_>) -> Result<usize, Stopped> {
        let to = copy.directory.path();
        // Whoever asks may be at work in a runtime, and none starts within another.
        let fetched = thread::scope(|scope| scope.spawn(|| fetch(path, part, to)).join());
        fetched.map_err(|_panicked| {
            Stopped::failed("STATE_UNREADABLE", &"the copy was not finished")
        })?
    }

    fn fetch(path: &Path, part: Part<'_>, to: &Path) -> Result<usize, Stopped> {
        let failed = |error: &dyn std::fmt::Display| Stopped::failed("STATE_UNREADABLE", error);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.map_err(|error| failed(&error))?.block_on(async {
            let store = S3Store::new(amazon().await?.s3(), place(path)?);
            let copied = match part {
                Part::Plan(plan) => copy::of_plan(&store, plan, to).await,
                Part::Below(directories) => copy::kept(&store, directories, to).await,
            };
            copied.map_err(|error| failed(&error))
        })
    }
}

#[cfg(not(feature = "aws"))]
mod nowhere {
    use std::{path::Path, sync::Arc};

    use alchemiser_driver::ports::{Store, Vault};
    use alchemiser_local::state::StateDir;

    use super::Part;
    use crate::{
        examine::Finding,
        exit::{Exit, Stopped},
    };

    /// There is none.
    pub(crate) enum Copy {}

    fn refused(found: &dyn std::fmt::Display) -> Stopped {
        let message = format!(
            "expected what is on this machine, found {found}: this program was built without AWS; build it with its default features"
        );
        Stopped::new(Exit::Refused, "STATE", message)
    }

    #[expect(clippy::unused_async, reason = "as the other one")]
    pub(crate) async fn store(path: &Path) -> Result<Arc<dyn Store>, Stopped> {
        Err(refused(&path.display()))
    }

    #[expect(clippy::unused_async, reason = "as the other one")]
    pub(crate) async fn look(path: &Path, _: Option<&str>) -> Result<Vec<Finding>, Stopped> {
        Err(refused(&path.display()))
    }

    #[expect(clippy::unused_async, reason = "as the other one")]
    pub(crate) async fn vault(arn: &str) -> Result<Arc<dyn Vault>, Stopped> {
        Err(refused(&arn))
    }

    pub(crate) fn copied(path: &Path, _: Part<'_>) -> Result<(StateDir, Copy), Stopped> {
        Err(refused(&path.display()))
    }

    pub(crate) fn renewed(copy: &Copy, _: &Path, _: Part<'_>) -> Result<usize, Stopped> {
        match *copy {}
    }
}
