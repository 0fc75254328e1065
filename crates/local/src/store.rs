//! Objects as files.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use alchemiser_core::ids::Owner;
use alchemiser_driver::ports::{Put, Store, StoreError};
use async_trait::async_trait;

use crate::{
    disk::{self, Files},
    state::StateDir,
};

/// Objects under a state directory. Creating one is atomic and durable: temporary file, fsync, `link(2)`, fsync of the
/// directory.
#[derive(Debug)]
pub struct FileStore {
    root: PathBuf,
    owner: Owner,
    drafts: AtomicU64,
    /// Locked for as long as this owner lives.
    _life: File,
}

fn refused(what: &str, path: &Path, error: &io::Error) -> StoreError {
    StoreError::Refused(format!("{what} {}: {error}", path.display()))
}

impl FileStore {
    /// The store of a state directory, for one owner.
    ///
    /// # Errors
    /// [`StoreError`] when the owner's file cannot be made.
    pub fn new(state: &StateDir, owner: &Owner) -> Result<Self, StoreError> {
        let path = life(state.root(), owner);
        let life = File::create(&path).map_err(|error| refused("cannot create", &path, &error))?;
        life.try_lock().map_err(|error| {
            StoreError::Refused(format!("cannot lock {}: {error}", path.display()))
        })?;
        Ok(Self {
            root: state.root().to_owned(),
            owner: owner.clone(),
            drafts: AtomicU64::new(0),
            _life: life,
        })
    }

    fn path(&self, key: &str) -> PathBuf {
        self.root.join(key)
    }

    /// A name that nobody else uses: owners' names are unique, and each counts its drafts.
    fn draft(&self) -> PathBuf {
        let number = self.drafts.fetch_add(1, Ordering::Relaxed);
        let name = format!(
            "{}-{}-{number}",
            std::process::id(),
            alchemiser_wire::ledger::encode(self.owner.as_str())
        );
        self.root.join("tmp").join(name)
    }

    fn create(&self, key: &str, bytes: &[u8]) -> io::Result<Put> {
        let (path, draft) = (self.path(key), self.draft());
        let directory = path.parent().unwrap_or(&self.root);
        create_durable(directory)?;
        disk::create(&Files, &path, &draft, bytes)
    }
}

/// Makes a directory and everything above it, durably.
fn create_durable(directory: &Path) -> io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    if let Some(above) = directory.parent() {
        create_durable(above)?;
        match fs::create_dir(directory) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            Ok(()) | Err(_) => File::open(above)?.sync_all()?,
        }
    }
    Ok(())
}

fn life(root: &Path, owner: &Owner) -> PathBuf {
    root.join("owners").join(format!("{}.lock", alchemiser_wire::ledger::encode(owner.as_str())))
}

#[async_trait]
impl Store for FileStore {
    async fn put_if_absent(&self, key: &str, bytes: &[u8]) -> Result<Put, StoreError> {
        self.create(key, bytes).map_err(|error| refused("cannot create", &self.path(key), &error))
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        match fs::read(self.path(key)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(refused("cannot read", &self.path(key), &error)),
        }
    }

    async fn list(&self, prefix: &str, limit: usize) -> Result<Vec<String>, StoreError> {
        let mut keys = Vec::new();
        collect(&self.root, &self.path(prefix), &mut keys)
            .map_err(|error| refused("cannot list", &self.path(prefix), &error))?;
        keys.sort();
        keys.truncate(limit);
        Ok(keys)
    }

    async fn remove_hint(&self, key: &str) -> Result<(), StoreError> {
        match fs::remove_file(self.path(key)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(refused("cannot remove", &self.path(key), &error))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    async fn is_dead(&self, owner: &Owner) -> Result<bool, StoreError> {
        let path = life(&self.root, owner);
        match File::open(&path).map(|file| file.try_lock()) {
            Ok(Ok(())) => Ok(true),
            Ok(Err(TryLockError::WouldBlock)) => Ok(false),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
            Ok(Err(TryLockError::Error(error))) | Err(error) => {
                Err(refused("cannot look at", &path, &error))
            }
        }
    }
}

/// All files under a directory, as keys. Prefixes end at a slash.
fn collect(root: &Path, directory: &Path, keys: &mut Vec<String>) -> io::Result<()> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, keys)?;
        } else if let Ok(key) = path.strip_prefix(root) {
            keys.push(key.to_string_lossy().into_owned());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn store(dir: &Path, owner: &str) -> FileStore {
        FileStore::new(&StateDir::open(dir).unwrap(), &Owner::new(owner).unwrap()).unwrap()
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().build().unwrap()
    }

    /// X9, S11: of many writers of one key exactly one succeeds, and its bytes are the ones that stay.
    #[test]
    fn exactly_one_of_many_writers_creates_an_object() {
        let dir = tempfile::tempdir().unwrap();
        let stores: Vec<_> =
            (0..4).map(|n| Arc::new(store(dir.path(), &format!("owner-{n}")))).collect();
        for round in 0..50 {
            let key = format!("race/{round}");
            let winners: Vec<Vec<u8>> = std::thread::scope(|scope| {
                let writers: Vec<_> = stores
                    .iter()
                    .enumerate()
                    .map(|(n, store)| {
                        let key = &key;
                        scope.spawn(move || {
                            let bytes = vec![u8::try_from(n).unwrap(); 1000];
                            (store.create(key, &bytes).unwrap() == Put::Created).then_some(bytes)
                        })
                    })
                    .collect();
                writers.into_iter().filter_map(|writer| writer.join().unwrap()).collect()
            });
            assert_eq!(winners.len(), 1);
            assert_eq!(fs::read(dir.path().join(&key)).unwrap(), winners[0]);
        }
        assert_eq!(fs::read_dir(dir.path().join("tmp")).unwrap().count(), 0, "no draft is left");
    }

    #[test]
    fn keys_are_listed_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(dir.path(), "owner");
        runtime().block_on(async {
            for key in ["a/b/3", "a/b/1", "a/c/2", "d/1"] {
                store.put_if_absent(key, b"x").await.unwrap();
            }
            assert_eq!(store.list("a/", 2).await.unwrap(), ["a/b/1", "a/b/3"]);
            assert_eq!(store.list("nothing/", 2).await.unwrap(), [""; 0]);
            store.remove_hint("a/b/1").await.unwrap();
            store.remove_hint("a/b/1").await.unwrap();
            assert_eq!(store.get("a/b/1").await.unwrap(), None);
        });
    }

    #[test]
    fn an_owner_is_dead_when_nobody_holds_its_lock() {
        let dir = tempfile::tempdir().unwrap();
        let (one, two) = (store(dir.path(), "one"), store(dir.path(), "two"));
        let name = |text| Owner::new(text).unwrap();
        runtime().block_on(async {
            assert!(!two.is_dead(&name("one")).await.unwrap());
            drop(one);
            assert!(two.is_dead(&name("one")).await.unwrap());
            assert!(two.is_dead(&name("never")).await.unwrap());
        });
    }
}
