//! A process's line to the world: time, store and bus. At every call the process may die, freeze or lose its clock, and
//! the call itself may go wrong.

use std::{
    future::{Future, pending},
    pin::Pin,
    sync::{MutexGuard, PoisonError},
    task::{Context, Poll},
};

use alchemiser_core::{
    account::Change,
    execution::Execution,
    fact::{Announced, Fact},
    ids::Owner,
};
use alchemiser_driver::ports::{
    Clock, EventPublisher, PublishError, Put, Store, StoreError, Watcher,
};
use alchemiser_wire::account::AccountEntry;
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use crate::{
    check::has_log,
    fault::Fault,
    trial::Moment,
    watch::HALT_ANSWERED,
    world::{Fate, Happening, ProcessId, Release, Shared, World, later},
};

/// One process's line.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    world: Shared,
    pub(crate) process: ProcessId,
}

/// A wait in true time.
struct Pause<'a> {
    line: &'a Line,
    until: Timestamp,
    is_planned: bool,
}

impl Future for Pause<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        let (until, process) = (self.until, self.line.process);
        let mut world = self.line.world();
        if world.now >= until {
            return Poll::Ready(());
        }
        if !self.is_planned {
            world.plan(until, Happening::Wake(process));
        }
        drop(world);
        self.is_planned = true;
        Poll::Pending
    }
}

impl Line {
    pub(crate) fn new(world: Shared, process: ProcessId) -> Self {
        Self { world, process }
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets time pass.
    pub(crate) async fn pause(&self, time: SignedDuration) {
        let until = later(self.world().now, time);
        Pause { line: self, until, is_planned: false }.await;
    }

    async fn meet(&self, moment: Moment) {
        let fate = self.world().meet(self.process, moment);
        match fate {
            Fate::Goes(time) if time.is_zero() => {}
            Fate::Goes(time) => self.pause(time).await,
            Fate::Dies => pending().await,
        }
    }

    /// A request is on its way.
    pub(crate) async fn enter(&self) {
        self.meet(Moment::Before).await;
    }

    /// Its answer is on its way back.
    pub(crate) async fn leave(&self) {
        self.meet(Moment::After).await;
    }

    /// A request that changes something is on its way; returns the effect's number.
    pub(crate) async fn enter_effect(&self) -> u64 {
        self.enter().await;
        let effect = {
            let mut world = self.world();
            world.effects += 1;
            world.effects
        };
        self.stop(Moment::Before, effect).await;
        effect
    }

    /// It has changed it, and its answer is on its way back.
    pub(crate) async fn leave_effect(&self, effect: u64) {
        self.stop(Moment::After, effect).await;
        self.leave().await;
    }

    async fn stop(&self, moment: Moment, effect: u64) {
        let stops = self.world().stops_here(self.process, moment, effect);
        if stops {
            pending::<()>().await;
        }
    }

    pub(crate) fn hits(&self, fault: Fault) -> bool {
        self.world().hits(fault, self.process)
    }

    /// Waits for an answer that does not come: until the time is up, or until the connection breaks before that.
    pub(crate) async fn wait_in_vain(&self) {
        let pause = {
            let mut world = self.world();
            let most = i64::try_from(world.policy.http_timeout.as_millis()).unwrap_or(i64::MAX);
            let pause = if world.chance.percent(50) { most } else { world.chance.between(1, most) };
            let pause = SignedDuration::from_millis(pause);
            world.is_kept(self.process, pause);
            pause
        };
        self.pause(pause).await;
    }

    /// The store takes its time: seconds, but less than a client waits.
    async fn slow(&self) {
        if !self.hits(Fault::StoreSlow) {
            return;
        }
        let pause = {
            let mut world = self.world();
            let most = i64::try_from(world.policy.http_timeout.as_millis()).unwrap_or(i64::MAX);
            let pause = world.chance.millis(500, most - 100);
            world.is_kept(self.process, pause);
            pause
        };
        self.pause(pause).await;
    }

    /// What keeps any request from the store, or the store from doing anything.
    async fn store_fails(&self) -> Result<(), StoreError> {
        if self.hits(Fault::StoreUnclear) {
            self.wait_in_vain().await;
            return unclear("no answer");
        }
        if self.hits(Fault::StoreSlowDown) {
            return unclear("503 SlowDown: please reduce your request rate");
        }
        Ok(())
    }

    /// What keeps an object from being created.
    async fn put_fails(&self, key: &str, bytes: &[u8]) -> Result<(), StoreError> {
        self.store_fails().await?;
        if self.hits(Fault::StoreConflict) {
            return unclear("409 ConditionalRequestConflict");
        }
        if self.hits(Fault::TornWrite) {
            self.world().tear(self.process, bytes);
            return pending().await;
        }
        if self.hits(Fault::DiskFull) {
            let mut world = self.world();
            let pause = world.chance.millis(200, 20_000);
            world.full_until = later(world.now, pause);
        }
        if self.world().disk_is_full() {
            return Err(StoreError::Refused(format!("{CANARY}: no space left on device")));
        }
        if self.hits(Fault::StoreLate) {
            {
                let mut world = self.world();
                let pause = world.chance.millis(200, 30_000);
                let at = later(world.now, pause);
                world.plan(at, Happening::Put(key.to_owned(), bytes.to_vec()));
            }
            self.wait_in_vain().await;
            return unclear("no answer");
        }
        Ok(())
    }

    /// I7: a process that cannot read a log does not write to it, but for a claim.
    fn writes_blindly(&self, key: &str) -> bool {
        let is_claim = key.ends_with("/000001.json");
        let is_plan = key.starts_with("executions/") && !key.contains("/refused-");
        is_plan && !is_claim && self.world().processes[self.process].release == Release::Old
    }

    /// A reading of the store.
    async fn reading<T>(&self, read: impl FnOnce(&World) -> T + Send) -> Result<T, StoreError>
    where
        T: Send,
    {
        self.enter().await;
        self.store_fails().await?;
        let before = self.world().chance.percent(50);
        if before {
            self.slow().await;
        }
        let answer = read(&self.world());
        if !before {
            self.slow().await;
        }
        self.leave().await;
        Ok(answer)
    }
}

/// What no log, event or ledger may hold: it stands for the secrets that an adapter's error may quote.
pub(crate) const CANARY: &str = "canary-3f9d";

fn unclear<T>(words: &str) -> Result<T, StoreError> {
    Err(StoreError::Unclear(format!("{CANARY}: {words}")))
}

/// An object as a process of an old release sees it: of a schema that it does not read.
fn newer(bytes: &[u8]) -> Vec<u8> {
    let rest = bytes.strip_prefix(br#"{"schema":"#);
    rest.map_or_else(|| bytes.to_vec(), |rest| [br#"{"schema":99"#, rest].concat())
}

impl World {
    fn disk_is_full(&self) -> bool {
        self.now < self.full_until
    }

    /// A machine stops in the middle of a write.
    fn tear(&mut self, process: ProcessId, bytes: &[u8]) {
        let part = self.chance.below(bytes.len() as u64);
        let part = usize::try_from(part).unwrap_or_default();
        let draft = format!("tmp/{}", self.number());
        self.store.insert(draft, bytes[..part].to_vec());
        self.processes[process].is_dead = true;
    }

    /// Creates an object.
    pub(crate) fn create(&mut self, key: &str, bytes: &[u8]) -> Put {
        if let Some(there) = self.store.get(key) {
            if there.as_slice() == bytes {
                self.tally.count(Fault::StoreOwn);
            } else if key.starts_with("executions/") {
                self.tally.count(Fault::StoreForeign);
                self.note(|_| format!("    . {key} is somebody else's"));
            }
            return Put::Exists;
        }
        self.store.insert(key.to_owned(), bytes.to_vec());
        self.note(|_| format!("    . {key}"));
        if key.starts_with("accounts/") {
            self.look_at_account(bytes);
        }
        Put::Created
    }

    /// Notes when trading, or a plan, is stopped, and when trading goes on.
    fn look_at_account(&mut self, bytes: &[u8]) {
        let Ok(entry) = AccountEntry::from_bytes(bytes) else { return };
        let old = later(self.now, HALT_ANSWERED);
        if let Change::Canceled(plan, _) = &entry.change {
            if !has_log(self, plan.as_str()) {
                self.watch.canceled_unclaimed.insert(plan.to_string());
            }
            self.watch.canceled.entry(plan.to_string()).or_insert(self.now);
            self.plan(old, Happening::HaltIsOld(self.now));
        }
        self.watch.holder = entry.account.holder.map(|holder| holder.plan.to_string());
        match (entry.account.halt, &self.watch.halt) {
            (Some(halt), None) => {
                self.watch.halt = Some((halt, self.now));
                self.plan(old, Happening::HaltIsOld(self.now));
            }
            (None, Some(_)) => self.watch.halt = None,
            (Some(_), Some(_)) | (None, None) => {}
        }
    }

    /// Somebody else writes an account entry of this key first: a person who lets trading go on that was not stopped.
    fn overtake_account(&mut self, key: &str) {
        let Some((prefix, _)) = key.rsplit_once('/') else { return };
        let newest = self.store.range(format!("{prefix}/")..).next();
        let newest = newest.filter(|(other, _)| other.starts_with(prefix));
        let Some(entry) = newest.and_then(|(_, bytes)| AccountEntry::from_bytes(bytes).ok()) else {
            return;
        };
        if entry.account.halt.is_some() || self.store.contains_key(key) {
            return;
        }
        let change = Change::Resumed { who: "somebody".to_owned(), why: "a drill".to_owned() };
        let seq = entry.seq + 1;
        let put_id = format!("somebody-{seq}");
        let account = entry.account.after(&change);
        let next = AccountEntry { seq, account, change, put_id, at: self.now, id: entry.id };
        if key.ends_with(&format!("{:020}.json", u64::MAX - seq)) {
            self.store.insert(key.to_owned(), next.to_bytes());
        }
    }
}

#[async_trait]
impl Store for Line {
    async fn put_if_absent(&self, key: &str, bytes: &[u8]) -> Result<Put, StoreError> {
        let effect = self.enter_effect().await;
        self.put_fails(key, bytes).await?;
        if self.writes_blindly(key) {
            self.world().broken("I7", format!("{key} is written by a release that cannot read it"));
        }
        if key.starts_with("accounts/") && self.hits(Fault::StoreForeign) {
            self.world().overtake_account(key);
        }
        let before = self.world().chance.percent(50);
        if before {
            self.slow().await;
        }
        let put = self.world().create(key, bytes);
        if !before {
            self.slow().await;
        }
        self.leave_effect(effect).await;
        if self.hits(Fault::StoreLostAnswer) {
            self.wait_in_vain().await;
            return unclear("no answer");
        }
        Ok(put)
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let found = self.reading(|world| world.store.get(key).cloned()).await?;
        let is_log = key.starts_with("executions/") || key.starts_with("accounts/");
        let is_old = self.world().processes[self.process].release == Release::Old;
        Ok(if is_log && is_old { found.as_deref().map(newer) } else { found })
    }

    async fn list(&self, prefix: &str, limit: usize) -> Result<Vec<String>, StoreError> {
        let list = |world: &World| {
            let from = world.store.range(prefix.to_owned()..).map(|(key, _)| key);
            from.take_while(|key| key.starts_with(prefix)).take(limit).cloned().collect()
        };
        self.reading(list).await
    }

    async fn remove_hint(&self, key: &str) -> Result<(), StoreError> {
        let effect = self.enter_effect().await;
        self.store_fails().await?;
        self.world().store.remove(key);
        self.leave_effect(effect).await;
        if self.hits(Fault::StoreLostAnswer) {
            return unclear("no answer");
        }
        Ok(())
    }

    fn release(&self) -> &'static str {
        match self.world().processes[self.process].release {
            Release::Current => env!("CARGO_PKG_VERSION"),
            Release::Previous | Release::Old => "0.0.9",
        }
    }

    async fn is_dead(&self, owner: &Owner) -> Result<bool, StoreError> {
        let world = self.world();
        let dead = world.processes.iter().any(|other| other.owner == *owner && other.is_dead);
        Ok(dead && world.deaths_are_known)
    }
}

#[async_trait]
impl EventPublisher for Line {
    async fn publish(&self, event: &Announced, _: Timestamp) -> Result<(), PublishError> {
        let effect = self.enter_effect().await;
        if self.hits(Fault::PublishFailure) {
            return Err(PublishError(format!("{CANARY}: no answer")));
        }
        if self.hits(Fault::PublishPartial) {
            return Err(PublishError(format!("{CANARY}: 1 of 1 entries failed: InternalFailure")));
        }
        self.world().take(event);
        self.leave_effect(effect).await;
        if self.hits(Fault::PublishLostAnswer) {
            self.wait_in_vain().await;
            return Err(PublishError(format!("{CANARY}: no answer")));
        }
        Ok(())
    }
}

impl Watcher for Line {
    fn committed(&self, state: &Execution, _: &[Fact]) {
        if state.is_finished() {
            let plan_id = state.plan.plan_id.to_string();
            self.world().finished.insert(plan_id, state.clone());
        }
    }
}

#[async_trait]
impl Clock for Line {
    fn now(&self) -> Timestamp {
        self.world().clock(self.process)
    }

    async fn sleep_until(&self, until: Timestamp) {
        let time = until.duration_since(self.now());
        self.pause(time.max(SignedDuration::ZERO)).await;
    }
}
