//! The commands of the README and of the pages are run as they stand there.
//!
//! What is not run here is run where its surroundings are: `make` targets and `cargo lambda` by CI, `local up` and its kind by
//! the tests of `local`, what names a bucket by `make test-aws`, what needs a directory of recorded days by the tests of `backtest`, `recover`
//! and `cancel` by their own tests, which have a plan for them.

use std::{fs, os::unix::fs::symlink, path::Path, process::Command};

use crate::{
    broker::{Exchange, example_world},
    command::{BINARY, example, run_json},
};

/// What a line needs that is not here.
const ELSEWHERE: [&str; 6] = [" local ", "s3://", "--open", "DIRECTORY", "recover ", " cancel "];

/// A number of seeds that takes too long without optimisation, and one that does not.
const SEEDS: [(&str, &str); 2] = [("--seeds 10000", "--seeds 40"), ("--seeds 1000", "--seeds 4")];

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The command lines of a page's blocks that call the program.
fn lines(page: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join(page)).unwrap();
    let (mut inside, mut found) = (false, Vec::new());
    for line in text.lines() {
        if line.starts_with("```") {
            inside = !inside && ["```sh", "```text", "```"].contains(&line);
        } else if inside && calls(line) {
            found.push(line.to_owned());
        }
    }
    found
}

/// The program's name stands first, behind a path or an assignment.
fn calls(line: &str) -> bool {
    let mut words = line.split(' ').skip_while(|word| word.contains('=') && !word.starts_with('-'));
    words.next().is_some_and(|word| word == "alchemiser" || word.ends_with("/alchemiser"))
}

/// Runs those of a page, what goes to Alpaca at the exchange of this machine, in a directory that has what they name; how many there were.
fn check(page: &str, expected: usize) {
    let dir = tempfile::tempdir().unwrap();
    symlink(root().join("examples"), dir.path().join("examples")).unwrap();
    fs::copy(example(), dir.path().join("growth-and-bonds.json")).unwrap();
    // `make run`, as far as it is not the build.
    let (code, report) = run_json(&example(), &dir.path().join("state/demo"), &[]);
    assert_eq!(code, 0, "{report}");
    let is_here = |line: &&String| !ELSEWHERE.iter().any(|part| line.contains(part));
    let lines: Vec<String> = lines(page).iter().filter(is_here).cloned().collect();
    for line in &lines {
        let program = ["target/debug/alchemiser", "alchemiser"];
        let program = program.into_iter().find(|name| line.contains(name)).unwrap();
        let mut line = line.replacen(program, BINARY, 1);
        for (many, few) in SEEDS {
            line = line.replace(many, few);
        }
        let exchange = line.contains("--account paper").then(|| Exchange::start(&example_world()));
        let output = match &exchange {
            Some(exchange) => {
                // A plan that crosses takes seconds; one that is patient takes the minutes that it is given.
                let quick = if line.contains(" run ") { " --policy cross" } else { "" };
                let line = format!("{line}{quick}");
                exchange.shell(&line, "PKALCHEMISER").current_dir(dir.path()).output()
            }
            None => Command::new("sh").args(["-ec", &line]).current_dir(dir.path()).output(),
        };
        let output = output.unwrap();
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(output.status.success(), "{page}: {line}: {text}");
    }
    assert_eq!(lines.len(), expected, "{page}: {lines:#?}");
}

#[test]
fn the_commands_of_the_readme_work() {
    check("README.md", 17);
}

#[test]
fn the_commands_of_the_desks_pages_work() {
    check("docs/desk.md", 7);
    check("docs/ledger.md", 4);
    check("docs/learning.md", 2);
}

#[test]
fn the_commands_of_the_simulated_world_work() {
    check("docs/simulation.md", 3);
}

/// What is left to others' tests is little, and known.
#[test]
fn what_is_run_elsewhere_is_listed() {
    let mut elsewhere = Vec::new();
    for entry in fs::read_dir(root().join("docs")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "md") {
            let page = format!("docs/{}", path.file_name().unwrap().display());
            elsewhere.extend(lines(&page).into_iter().map(|line| format!("{page}: {line}")));
        }
    }
    let run = ["docs/desk.md", "docs/ledger.md", "docs/learning.md", "docs/simulation.md"];
    elsewhere.retain(|line| !run.iter().any(|page| line.starts_with(page)));
    let known = ["docs/backtest.md", "docs/deploy.md", "docs/local.md", "docs/recover.md"];
    let other: Vec<&String> =
        elsewhere.iter().filter(|line| !known.iter().any(|page| line.starts_with(page))).collect();
    assert!(other.is_empty(), "nobody runs {other:#?}");
}
