//! `kill -9` at any moment, and again: the plan completes, and no order is sent twice.

use std::{fs, path::Path};

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

use crate::command::{assert_sound, command, example, run_json};

/// What a run has written so far: log entries and lines of the exchange's journal.
fn written(state: &Path) -> usize {
    let log = state.join("executions/SIM000000001/growth-and-bonds-2026-11-20");
    let entries = fs::read_dir(log).map_or(0, Iterator::count);
    let journal = fs::read_to_string(state.join("exchange/journal.jsonl")).unwrap_or_default();
    entries + journal.lines().count()
}

/// Lets the binary run until it has written `more` and a little longer, then kills it without warning. True when it
/// was still running.
fn run_and_kill(state: &Path, seed: &str, more: usize, linger: u32) -> bool {
    let until = written(state) + more;
    let mut child = command(&example(), state, &["--now", "--seed", seed]).spawn().unwrap();
    while written(state) < until {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
    }
    for _ in 0..linger {
        std::hint::spin_loop();
    }
    child.kill().unwrap();
    child.wait().unwrap().code().is_none()
}

/// Kills in every run of the tests; a night has more (`make kill-night`).
const KILLS: u32 = 60;

/// How many kills are asked for: `ALCHEMISER_KILLS`, or as many as every run of the tests makes.
fn kills() -> u32 {
    std::env::var("ALCHEMISER_KILLS").map_or(KILLS, |text| text.parse().unwrap())
}

/// S11, X9, I1, I2, I3, I4, I5, I6, I7, I8, I9: at least sixty kills of the real binary at random moments of its life.
#[test]
fn a_killed_run_goes_on_and_sends_no_order_twice() {
    let dir = tempfile::tempdir().unwrap();
    let mut random = ChaCha8Rng::seed_from_u64(9);
    let (kills, mut killed, mut round) = (kills(), 0, 0);
    while killed < kills {
        round += 1;
        let state = dir.path().join(format!("round-{round}"));
        let seed = (round % 7 + 1).to_string();
        for _ in 0..=(random.next_u32() % 3) {
            let more = usize::try_from(random.next_u32() % 90).unwrap();
            killed += u32::from(run_and_kill(&state, &seed, more, random.next_u32() % 300_000));
        }
        let (code, report) = run_json(&example(), &state, &["--seed", &seed]);
        assert_eq!(
            (code, report["outcome"].as_str()),
            (0, Some("completed")),
            "round {round}: {report}"
        );
        assert_sound(&state);
        assert!(Path::new(report["ledger"].as_str().unwrap()).is_file(), "round {round}: {report}");
        fs::remove_dir_all(&state).unwrap();
        assert!(round < kills * 20, "the kills do not meet a running process: {killed} of {round}");
    }
    eprintln!("{killed} kills in {round} plans: every plan completed, no order was sent twice");
}
