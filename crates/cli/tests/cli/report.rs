//! Pages: one for a plan, one for a month.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Instant,
};

use crate::command::{BINARY, example, run_json};

const PLAN: &str = "growth-and-bonds-2026-11-20";

fn alchemiser(arguments: &[&str], state: &Path) -> Output {
    Command::new(BINARY).args(arguments).arg("--state").arg(state).output().unwrap()
}

fn said(output: &Output) -> (i32, String) {
    let text = [output.stdout.clone(), output.stderr.clone()].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

fn page(plan: &str, state: &Path) -> String {
    let (code, html) = said(&alchemiser(&["report", plan, "--out", "-"], state));
    assert_eq!(code, 0, "{html}");
    html
}

fn executed(plan: &Path) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    let (code, report) = run_json(plan, &state, &[]);
    assert_eq!(code, 0, "{report}");
    (dir, state)
}

/// Nothing of the page is fetched from anywhere, and no script runs.
fn assert_alone(html: &str) {
    for outside in ["http://", "https://", "<script", "src=", "url(", "@import"] {
        assert!(!html.contains(outside), "the page has {outside}");
    }
}

/// Every number that is not there says why, and no cell is empty.
fn assert_filled(html: &str) {
    for empty in ["<td></td>", "<td class=\"r\"></td>", "<dd></dd>", ">None<", ">NaN", "null"] {
        assert!(!html.contains(empty), "the page has {empty}");
    }
    for (at, _) in html.match_indices("class=\"n none\"") {
        let span = &html[at..html.len().min(at + 80)];
        assert!(span.contains("title=\""), "no reason: {span}");
    }
}

/// The page of the example: a picture for each leg that was traded, nothing from outside, the same bytes twice.
#[test]
fn a_plan_is_a_page_that_stands_alone() {
    let (_dir, state) = executed(&example());
    let html = page(PLAN, &state);
    assert_alone(&html);
    assert_filled(&html);
    assert_eq!(html.matches("<svg class=\"chart\"").count(), 12);
    assert!(html.contains("Completed") && html.contains("12 of 12 placed legs"), "{html}");
    assert!(html.contains("of the quote tape"), "no quote of the tape is in the picture");
    assert_eq!(html, page(PLAN, &state));
    // What is left out of a picture is no reason to draw nothing.
    fs::remove_dir_all(state.join("quotes")).unwrap();
    assert!(page(PLAN, &state).contains("no quote tape was kept"));
}

/// The figures of the page are the ledger's.
#[test]
fn a_page_says_what_the_ledger_says() {
    let (_dir, state) = executed(&example());
    let html = page(PLAN, &state);
    let (_, ledger) = said(&alchemiser(&["ledger", "--json"], &state));
    let lines: serde_json::Value = serde_json::from_str(&ledger).unwrap();
    for line in lines.as_array().unwrap() {
        let id = line["client_order_id"].as_str().unwrap();
        assert!(html.contains(id), "{id} is not on the page");
    }
    let notional: rust_decimal::Decimal = lines
        .as_array()
        .unwrap()
        .iter()
        .map(|line| crate::command::decimal(&line["notional"]))
        .sum();
    let cents = format!("{:.2}", notional.round_dp(2));
    let plain = html.replace(',', "");
    assert!(plain.contains(&format!("${cents}")), "${cents} is not on the page");
}

/// A log that is cut after any entry gives a page that says so.
#[test]
fn a_plan_in_progress_has_a_page() {
    let (_dir, state) = executed(&example());
    let log = state.join("executions/SIM000000001").join(PLAN);
    let mut entries: Vec<PathBuf> =
        fs::read_dir(&log).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    let steps = [entries.len() / 2, entries.len() / 4, 1];
    for left in steps {
        for entry in &entries[left..] {
            fs::remove_file(entry).ok();
        }
        let html = page(PLAN, &state);
        assert!(html.contains("In progress"), "after {left} entries");
        assert_filled(&html);
    }
}

#[test]
fn a_page_is_written_where_it_is_asked_for() {
    let (dir, state) = executed(&example());
    let file = dir.path().join("page.html");
    let out = ["report", PLAN, "--json", "--out", file.to_str().unwrap()];
    let (code, text) = said(&alchemiser(&out, &state));
    let told: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(code, 0);
    assert_eq!(told["bytes"], fs::metadata(&file).unwrap().len());
    let nowhere = dir.path().join("nowhere/page.html");
    let out = ["report", PLAN, "--out", nowhere.to_str().unwrap()];
    let (code, text) = said(&alchemiser(&out, &state));
    assert!(code == 1 && text.contains("OUTPUT") && text.contains("--out"), "{text}");
}

#[test]
fn an_unknown_plan_is_refused_with_near_ones() {
    let (_dir, state) = executed(&example());
    let (code, text) = said(&alchemiser(&["report", "growth-and-bond-2026-11-20"], &state));
    assert!(code == 2 && text.contains("PLAN_UNKNOWN"), "{text}");
    assert!(text.contains(&format!("near it: {PLAN}")), "{text}");
    let (code, text) = said(&alchemiser(&["report", "zzz"], &state));
    assert!(code == 2 && !text.contains("near it"), "{text}");
    let (code, text) = said(&alchemiser(&["report", "--since", "yesterday"], &state));
    assert!(code == 2 && text.contains("SINCE") && text.contains("30d"), "{text}");
}

/// A month has every plan of it, and an empty one says so.
#[test]
fn a_month_is_a_page() {
    let (_dir, state) = executed(&example());
    let month = ["report", "--since", "2026-11-01", "--out", "-"];
    let (code, html) = said(&alchemiser(&month, &state));
    assert_eq!(code, 0, "{html}");
    assert_alone(&html);
    assert_filled(&html);
    for part in
        [PLAN, "By policy", "By time of day", "The legs that cost most", "svg class=\"trend\""]
    {
        assert!(html.contains(part), "{part} is not on the page");
    }
    for entry in fs::read_dir(state.join("executions/SIM000000001")).unwrap() {
        fs::remove_dir_all(entry.unwrap().path()).unwrap();
    }
    let (code, html) = said(&alchemiser(&month, &state));
    assert!(code == 0 && html.contains("No plan was received in these days"), "{html}");
}

/// 32 legs are a page of at most 2 MB; how long it takes is printed here, and bounded where pages are looked at (`make browser`).
#[test]
fn a_large_plan_is_a_small_page() {
    let Some(plan) = crate::shared::shared("real-plan-2026-01-26.json") else { return };
    let (_dir, state) = executed(&plan);
    let id = fs::read_dir(state.join("executions/SIM000000001")).unwrap().next().unwrap().unwrap();
    let begun = Instant::now();
    let html = page(id.file_name().to_str().unwrap(), &state);
    println!("{} bytes in {:?}", html.len(), begun.elapsed());
    assert!(html.len() <= 2_000_000, "{} bytes", html.len());
    assert_eq!(html.matches("<svg class=\"chart\"").count(), 32);
    assert_alone(&html);
    assert_filled(&html);
}
