//! Clocks: one that goes by itself, one that jumps.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use alchemiser_driver::ports::Clock;
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

/// Time as the machine has it, also after the process was frozen.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn sleep_until(&self, until: Timestamp) {
        let wait = Duration::try_from(until.duration_since(self.now())).unwrap_or(Duration::ZERO);
        tokio::time::sleep(wait).await;
    }
}

/// Time that passes: it starts where it is told and goes on at the pace of the machine.
#[derive(Debug)]
pub struct RunningClock {
    base: Timestamp,
    started: Instant,
}

impl RunningClock {
    /// A clock that shows `base` now.
    pub fn starting_at(base: Timestamp) -> Self {
        Self { base, started: Instant::now() }
    }
}

#[async_trait]
impl Clock for RunningClock {
    fn now(&self) -> Timestamp {
        let passed =
            SignedDuration::try_from(self.started.elapsed()).unwrap_or(SignedDuration::MAX);
        self.base.saturating_add(passed).unwrap_or(Timestamp::MAX)
    }

    async fn sleep_until(&self, until: Timestamp) {
        let wait = Duration::try_from(until.duration_since(self.now())).unwrap_or(Duration::ZERO);
        tokio::time::sleep(wait).await;
    }
}

/// Time that is waited through at once.
#[derive(Debug)]
pub struct VirtualClock {
    now: Mutex<Timestamp>,
}

impl VirtualClock {
    /// A clock that shows `base` until somebody waits.
    pub fn starting_at(base: Timestamp) -> Self {
        Self { now: Mutex::new(base) }
    }
}

#[async_trait]
impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn sleep_until(&self, until: Timestamp) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        *now = now.max(until);
    }
}
