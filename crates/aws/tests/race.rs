//! Many owners of one plan at once, on the S3 that the environment names (`make test-aws` starts one).
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "this is test code: what cannot be is a failed test"
)]

use std::{collections::BTreeMap, env, sync::Arc};

use alchemiser_aws::{amazon::Amazon, checks, store::S3Store};
use alchemiser_core::ids::{AccountId, Owner};
use alchemiser_driver::{
    log::{Author, ExecutionLog, LogError},
    ports::{Store, StoreError},
};
use futures::future::join_all;
use jiff::Timestamp;

const WRITERS: usize = 48;
const ROUNDS: u64 = 100;
const READINGS_MAX: usize = 20;

/// A bucket to race in, and one without versions; both are named by the environment.
fn buckets() -> Option<(String, String)> {
    let found =
        env::var("ALCHEMISER_TEST_BUCKET").ok().zip(env::var("ALCHEMISER_TEST_UNVERSIONED").ok());
    if found.is_none() {
        eprintln!("skipped: ALCHEMISER_TEST_BUCKET absent (make test-aws sets it)");
    }
    found
}

async fn store(bucket: &str) -> Arc<S3Store> {
    let amazon = Amazon::from_env().await.unwrap();
    let place = format!("s3://{bucket}/race-{}", std::process::id());
    Arc::new(S3Store::new(amazon.s3(), place.parse().unwrap()))
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// One writer's try at the next entry: its owner's name if it won, nothing if it was told that it lost.
async fn append(log: &mut ExecutionLog, owner: &Owner, round: u64) -> Option<Owner> {
    let at = Timestamp::from_second(i64::try_from(round).unwrap()).unwrap();
    let author = Author { epoch: u32::try_from(round).unwrap(), owner: owner.clone(), until: at };
    match log.append(&author, at, Vec::new()).await {
        Ok(_) => Some(owner.clone()),
        Err(LogError::Lost { seq, .. }) if seq == round => None,
        Err(error) => panic!("round {round}: {error}"),
    }
}

/// Reads what is new, and says how much it was. A reading that was not answered in time is asked for again: it changes
/// nothing, and 48 at once are much for an emulator beside other work.
async fn read_on(log: &mut ExecutionLog) -> usize {
    for _ in 0..READINGS_MAX {
        match log.read_on().await {
            Ok(read) => return read.len(),
            Err(LogError::Store(StoreError::Unclear(_))) => {}
            Err(error) => panic!("{error}"),
        }
    }
    panic!("nothing was read in {READINGS_MAX} readings")
}

/// X9, S11: of many writers of an entry one wins, and every other one is told so, round after round.
#[test]
fn one_writer_wins_each_entry_and_every_loser_is_told() {
    let Some((bucket, _)) = buckets() else { return };
    block_on(async {
        let store = store(&bucket).await;
        let account = AccountId::new("RACE00000001").unwrap();
        let open: Arc<dyn Store> = store.clone();
        let log = || ExecutionLog::new(open.clone(), &account, "plan");
        let owners: Vec<_> =
            (0..WRITERS).map(|n| Owner::new(&format!("owner-{n}")).unwrap()).collect();
        let mut logs: Vec<_> = owners.iter().map(|_| log()).collect();
        let mut winners = BTreeMap::new();
        for round in 1..=ROUNDS {
            let tries = logs.iter_mut().zip(&owners).map(|(log, owner)| append(log, owner, round));
            let won: Vec<_> = join_all(tries).await.into_iter().flatten().collect();
            assert_eq!(won.len(), 1, "round {round}: {won:?}");
            winners.insert(round, won[0].clone());
            // The losers read what the winner wrote, and go on from there.
            for read in join_all(logs.iter_mut().map(read_on)).await {
                assert!(read <= 1);
            }
        }
        let entries = log().read_on().await.unwrap();
        let written: BTreeMap<_, _> =
            entries.into_iter().map(|entry| (entry.seq, entry.owner)).collect();
        assert_eq!(written, winners, "what was written is what the winners wrote");
        eprintln!("{WRITERS} writers, {ROUNDS} rounds, {:?}", store.requests());
    });
}

async fn trusted(bucket: &str) -> String {
    let store = store(bucket).await;
    checks::trusted(&store)
        .await
        .map_or_else(|failed| failed.to_string(), |()| "trusted".to_owned())
}

/// A bucket is looked at before it is trusted with a log.
#[test]
fn a_bucket_without_versions_is_refused() {
    let Some((versioned, unversioned)) = buckets() else { return };
    block_on(async {
        assert_eq!(trusted(&versioned).await, "trusted");
        let refused = trusted(&unversioned).await;
        assert!(
            refused.starts_with("STORE_REFUSED: expected versioning Enabled on the bucket"),
            "{refused}"
        );
        assert!(trusted("not-there-at-all").await.contains("NoSuchBucket"));
    });
}
