//! What a run shows on a terminal, and does not show elsewhere.

use std::{fs, process::Command};

use crate::command::{BINARY, example, run};

/// What a run writes to a terminal of so many columns; `None` where there is no `script` to make one with.
fn on_a_terminal(columns: u32) -> Option<String> {
    let version = Command::new("script").arg("--version").output().ok()?;
    if !String::from_utf8_lossy(&version.stdout).contains("util-linux") {
        return None;
    }
    let dir = tempfile::tempdir().unwrap();
    let (state, typed) = (dir.path().join("state"), dir.path().join("typed"));
    let plan = example();
    let run = format!("{BINARY} run {} --now --state {}", plan.display(), state.display());
    let line = format!("stty cols {columns} rows 50; {run}");
    let output = Command::new("script").args(["-qec", &line]).arg(&typed).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    Some(String::from_utf8_lossy(&fs::read(typed).unwrap()).into_owned())
}

/// The prices of the leg that acted last stand below the legs, whole in 40 columns, with our order's limit and without a colour.
#[test]
fn the_prices_of_the_leg_are_shown_on_a_terminal() {
    for columns in [40, 80] {
        let Some(shown) = on_a_terminal(columns) else {
            return eprintln!("skipped: script (util-linux) absent");
        };
        let ladders: Vec<&str> = shown.split('\u{1b}').filter(|part| part.contains("·]")).collect();
        assert!(!ladders.is_empty(), "{columns}: {shown}");
        assert!(ladders.iter().any(|part| part.contains('o') && part.contains('[')), "{ladders:?}");
        let is_style = |part: &str| {
            part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').starts_with('m')
        };
        assert!(!shown.split("\u{1b}[").skip(1).any(is_style), "{columns}: a colour");
        let whole = if columns == 40 { "SELL SOXL  #1 rest " } else { "SOXL   order 1: rest at " };
        let at = shown.find(whole).unwrap_or_else(|| panic!("{whole:?} is not in {shown}"));
        let limit: String = shown[at + whole.len()..]
            .chars()
            .take_while(|c| c.is_ascii_digit() || *c == '.')
            .collect();
        assert!(limit.parse::<rust_decimal::Decimal>().is_ok(), "{limit:?}");
    }
}

/// In a pipe there are plain lines, and no ladder.
#[test]
fn a_pipe_gets_plain_lines() {
    let dir = tempfile::tempdir().unwrap();
    let output = run(&example(), &dir.path().join("state"), &["--now"]);
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(text.contains("SELL SOXL   filled") && !text.contains('·'), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
}
