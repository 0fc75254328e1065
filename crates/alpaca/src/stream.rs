//! Quotes by `WebSocket`, for a process that lives long: what changes is heard at once, and requests stay the truth.
//!
//! ```text
//! Alpaca::listen(symbols) ── one task, one connection ──► Heard ──► MarketData::streamed
//!    sign in, subscribe, hear; broken, silent or refused a slot: forget all quotes, wait (1 s, 2 s, … 30 s), again
//! ```
//!
//! What was heard counts only while the connection is heard from: every quote is given out with the time of the newest
//! frame, and a connection that is asked every second and says nothing for five is given up. Messages that were
//! lost on the way do not show in a stream; they show in a request, which is why the core takes no streamed quote that is
//! older than the requested one.

mod heard;
mod talk;
mod wire;

use std::time::Duration;

use alchemiser_core::ids::Symbol;
use tokio::{sync::oneshot, task::JoinHandle, time::Instant};

pub(crate) use self::heard::Heard;
use self::talk::{Ended, Talk};
use crate::Alpaca;

/// How long a stream waits for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// From the first failure to the next try; it doubles with each.
    pub pause_first: Duration,
    /// No pause is longer than this, and a part that is drawn. A slot that a dead connection holds is free again after 90 s.
    pub pause_max: Duration,
    /// A connection that lasted so long was a good one: the next pause is the first one again.
    pub good_after: Duration,
    /// How long a connection may take until its quotes are subscribed to.
    pub sign_in: Duration,
    /// The connection is asked this often whether it is still there.
    pub ping: Duration,
    /// Not a frame for so long: it is not.
    pub silence: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            pause_first: Duration::from_secs(1),
            pause_max: Duration::from_secs(30),
            good_after: Duration::from_mins(1),
            sign_in: Duration::from_secs(10),
            ping: Duration::from_secs(1),
            silence: Duration::from_secs(5),
        }
    }
}

impl Pace {
    /// The pause after one that did not help.
    fn longer(self, pause: Duration) -> Duration {
        pause.saturating_mul(2).min(self.pause_max)
    }
}

/// A stream that is listened to until it is closed.
#[derive(Debug)]
pub struct Listening {
    end: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Listening {
    /// Closes the connection, so that the slot is free for whoever comes next.
    pub async fn close(self) {
        drop(self.end);
        if let Err(error) = self.task.await {
            tracing::warn!(%error, "the quote stream did not end well");
        }
    }
}

impl Alpaca {
    /// Begins to listen to the quotes of these symbols; none where this account, or a clone of it, listens already: the
    /// broker lets in one connection.
    pub fn listen(&self, symbols: &[Symbol], pace: Pace) -> Option<Listening> {
        if !self.heard.begin() {
            return None;
        }
        let (end, ended) = oneshot::channel();
        let task = tokio::spawn(keep_listening(self.clone(), symbols.to_vec(), pace, ended));
        Some(Listening { end, task })
    }
}

/// Connects, and connects again, until it is ended or refused for good.
async fn keep_listening(
    alpaca: Alpaca,
    symbols: Vec<Symbol>,
    pace: Pace,
    mut ended: oneshot::Receiver<()>,
) {
    let mut pause = pace.pause_first;
    loop {
        let began = Instant::now();
        let how = Talk { alpaca: &alpaca, symbols: &symbols, pace }.once(&mut ended).await;
        alpaca.heard.forget();
        match how {
            Ended::Asked => break,
            Ended::Refused(why) => {
                tracing::warn!(%why, "the quote stream is refused; quotes are requested");
                break;
            }
            Ended::Broken(why) => {
                if began.elapsed() >= pace.good_after {
                    pause = pace.pause_first;
                }
                tracing::info!(%why, pause_ms = pause.as_millis(), "no quote stream; quotes are requested");
            }
        }
        let wait = tokio::time::sleep(pause.saturating_add(jitter(&alpaca, pause)));
        tokio::select! {
            () = wait => {}
            _ = &mut ended => break,
        }
        pause = pace.longer(pause);
    }
    alpaca.heard.end();
}

/// Up to a quarter of a pause more, by the clock's last digits: not everybody comes back at once.
fn jitter(alpaca: &Alpaca, pause: Duration) -> Duration {
    let drawn = alpaca.clock.now().subsec_nanosecond().unsigned_abs() % 1_000;
    pause.saturating_mul(drawn) / 4_000
}

#[cfg(test)]
mod tests {
    use super::*;

    /// L8: one second, two, four, …, and never more than thirty.
    #[test]
    fn pauses_double_and_end_at_half_a_minute() {
        let pace = Pace::default();
        let pauses =
            std::iter::successors(Some(pace.pause_first), |pause| Some(pace.longer(*pause)));
        let seconds: Vec<u64> = pauses.take(8).map(|pause| pause.as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 30, 30, 30]);
    }
}
