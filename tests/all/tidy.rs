//! The repository keeps its own rules.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use alchemiser_tests::world::repository;

/// The most lines of a file before its tests.
const LINES_MAX: usize = 500;

/// Who may depend on whom (design, architecture "Layers"; `local` on `market`: docs/adr/0001).
const LAYERS: [(&str, &[&str]); 16] = [
    ("core", &[]),
    ("wire", &["core"]),
    ("driver", &["core", "wire"]),
    ("market", &["core"]),
    ("alpaca", &["core", "wire", "driver"]),
    ("aws", &["core", "wire", "driver"]),
    ("local", &["core", "wire", "driver", "market"]),
    ("exchange", &["core", "market"]),
    ("sim", &["core", "wire", "driver", "market"]),
    ("backtest", &["core", "market"]),
    ("host", &["core", "wire", "driver"]),
    ("report", &["core", "wire"]),
    ("lambda", &["core", "wire", "driver", "alpaca", "aws", "local", "report"]),
    (
        "bootstrap",
        &[
            "core",
            "wire",
            "driver",
            "alpaca",
            "aws",
            "local",
            "report",
            "rebalance-planned",
            "trade-execution",
            "workflow-outcome",
            "sweeper",
        ],
    ),
    ("model", &["core"]),
    ("top", &[]),
];

const LAMBDAS: [&str; 4] = ["rebalance-planned", "trade-execution", "workflow-outcome", "sweeper"];

fn walk(at: &Path, found: &mut Vec<PathBuf>) {
    let hidden = |path: &Path| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        name.starts_with('.') || name == "target" || name == "node_modules"
    };
    for entry in fs::read_dir(at).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() && !hidden(&path) {
            walk(&path, found);
        } else if path.is_file() {
            found.push(path);
        }
    }
}

/// Every file of the repository with this ending, sorted.
pub(crate) fn files(ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    walk(&repository(), &mut found);
    found.retain(|path| path.to_string_lossy().ends_with(ending));
    found.sort();
    found
}

pub(crate) fn named(path: &Path) -> String {
    path.strip_prefix(repository()).unwrap().display().to_string()
}

pub(crate) fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Panics with everything that was found.
pub(crate) fn none(found: &[String]) {
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// The manifests of all members, by package.
fn manifests() -> BTreeMap<String, toml::Table> {
    let paths = files("Cargo.toml").into_iter();
    let members = paths.filter(|path| path.parent() != Some(repository().as_path()));
    members
        .map(|path| {
            let manifest: toml::Table = text(&path).parse().unwrap();
            let name = manifest["package"]["name"].as_str().unwrap().to_owned();
            (name, manifest)
        })
        .collect()
}

fn own(dependencies: Option<&toml::Value>) -> impl Iterator<Item = &str> {
    let table = dependencies.and_then(toml::Value::as_table);
    table
        .into_iter()
        .flat_map(toml::Table::keys)
        .filter_map(|name| name.strip_prefix("alchemiser-"))
}

/// The layers hold: nobody depends on what the architecture does not allow.
#[test]
fn dependencies_point_downwards_only() {
    let mut found = Vec::new();
    for (package, manifest) in manifests() {
        let name = package.strip_prefix("alchemiser-").unwrap_or(&package).to_owned();
        if ["cli", "tests", "alchemiser"].contains(&name.as_str()) {
            continue;
        }
        let layer = if LAMBDAS.contains(&name.as_str()) { "lambda" } else { name.as_str() };
        let Some((_, allowed)) = LAYERS.iter().find(|(known, _)| *known == layer) else {
            found.push(format!("{package} is no layer of the architecture"));
            continue;
        };
        let wrong = own(manifest.get("dependencies")).filter(|name| !allowed.contains(name));
        found.extend(wrong.map(|name| format!("{package} depends on {name}")));
    }
    none(&found);
}

/// Versions and features live in the workspace's manifest only.
#[test]
fn every_dependency_is_the_workspaces() {
    let mut found = Vec::new();
    for (package, manifest) in manifests() {
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let table = manifest.get(section).and_then(toml::Value::as_table);
            for (name, dependency) in table.into_iter().flatten() {
                let inherited = dependency.get("workspace").and_then(toml::Value::as_bool);
                if inherited != Some(true) {
                    found.push(format!("{package}: {section}.{name} is not `.workspace = true`"));
                }
            }
        }
    }
    none(&found);
}

/// A file can be read in one sitting.
#[test]
fn no_file_is_longer_than_five_hundred_lines() {
    let longer = files(".rs").into_iter().filter_map(|path| {
        let text = text(&path);
        let lines = text.lines().take_while(|line| line.trim() != "#[cfg(test)]").count();
        (lines > LINES_MAX).then(|| format!("{} has {lines} lines before its tests", named(&path)))
    });
    none(&longer.collect::<Vec<_>>());
}

/// Nothing is left for later without an issue.
#[test]
fn nothing_is_left_undone() {
    let words = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("to", "do!("),
        concat!("unimple", "mented!("),
    ];
    let mut found = Vec::new();
    for path in files(".rs") {
        let text = text(&path);
        // Examples of what must not compile need something that stands for anything.
        let code = |line: &&str| !line.trim_start().starts_with("///");
        for (number, line) in text.lines().enumerate().filter(|(_, line)| code(line)) {
            if let Some(word) = words.iter().find(|word| line.contains(*word)) {
                found.push(format!("{}:{}: {word}", named(&path), number + 1));
            }
        }
    }
    none(&found);
}

/// Tests wait in virtual time: none of them sleeps.
#[test]
fn no_test_sleeps() {
    let word = concat!("sle", "ep(");
    let mut found = Vec::new();
    for path in files(".rs") {
        let (name, text) = (named(&path), text(&path));
        let is_test = name.starts_with("tests/") || name.contains("/tests/");
        let tests = if is_test {
            Some(text.as_str())
        } else {
            text.split_once("#[cfg(test)]").map(|(_, tests)| tests)
        };
        if tests.is_some_and(|tests| tests.contains(word)) {
            found.push(name);
        }
    }
    none(&found);
}

/// Every example is JSON.
#[test]
fn every_example_is_json() {
    let examples = files(".json").into_iter().filter(|path| {
        let name = named(path);
        name.starts_with("examples/") || name.starts_with("tests/events/")
    });
    let examples: Vec<_> = examples.collect();
    assert!(!examples.is_empty());
    for path in examples {
        let parsed = serde_json::from_str::<serde_json::Value>(&text(&path));
        assert!(parsed.is_ok(), "{}: {parsed:?}", named(&path));
    }
}

/// Everything that is built comes from one registry.
#[test]
fn the_lock_file_names_one_registry() {
    let lock = text(&repository().join("Cargo.lock"));
    let sources: BTreeSet<&str> =
        lock.lines().filter(|line| line.starts_with("source = ")).collect();
    let registry = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
    assert_eq!(sources.into_iter().collect::<Vec<_>>(), [registry]);
}

/// The commands of the README's code blocks, without prompts; `None` where there is no README yet.
fn commands() -> Option<Vec<String>> {
    let path = repository().join("README.md");
    if !path.is_file() {
        eprintln!("skipped: README.md absent");
        return None;
    }
    let (mut inside, mut commands) = (false, Vec::new());
    for line in text(&path).lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
        } else if inside {
            commands.push(line.trim().trim_start_matches("$ ").to_owned());
        }
    }
    Some(commands)
}

/// A command's words, up to a comment or the end of it.
fn words(command: &str) -> Vec<&str> {
    command
        .split_whitespace()
        .take_while(|word| !["#", "|", "&&", ";", ">"].contains(word))
        .collect()
}

/// Every `make` target that the README names is there.
#[test]
fn every_make_target_of_the_readme_exists() {
    let Some(commands) = commands() else { return };
    let makefile = text(&repository().join("Makefile"));
    let targets: BTreeSet<&str> = makefile
        .lines()
        .filter(|line| !line.starts_with(['\t', ' ', '#', '.']) && !line.contains(":="))
        .filter_map(|line| line.split_once(':'))
        .flat_map(|(targets, _)| targets.split_whitespace())
        .collect();
    let readme = text(&repository().join("README.md"));
    let inline = readme.split("`make ").skip(1).filter_map(|rest| rest.split('`').next());
    let called = commands.iter().filter_map(|command| command.strip_prefix("make "));
    let mut found = Vec::new();
    for line in inline.chain(called) {
        let named =
            words(line).into_iter().filter(|word| !word.contains('=') && !word.starts_with('-'));
        found.extend(
            named.filter(|word| !targets.contains(word)).map(|word| format!("make {word}")),
        );
    }
    none(&found);
}

/// Every command line of the README has a subcommand and flags that exist.
#[test]
fn every_command_line_of_the_readme_exists() {
    let Some(commands) = commands() else { return };
    let args = text(&repository().join("crates/cli/src/args.rs"));
    let variants =
        args.split("enum Command {").nth(1).and_then(|rest| rest.split("\n}").next()).unwrap();
    let subcommands: BTreeSet<String> = variants
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with(char::is_uppercase))
        .filter_map(|line| line.split(['(', ',', ' ']).next())
        .map(str::to_lowercase)
        .collect();
    let own = repository().join("crates/cli/src");
    let sources = files(".rs").into_iter().filter(|path| path.starts_with(&own));
    let sources: Vec<String> = sources.map(|path| text(&path)).collect();
    let flags: BTreeSet<String> = sources
        .iter()
        .flat_map(|source| source.lines())
        .filter_map(|line| line.trim().strip_prefix("pub(crate) ")?.split_once(':'))
        .map(|(field, _)| format!("--{}", field.replace('_', "-")))
        .chain(["--help", "--version"].map(str::to_owned))
        .collect();
    let mut found = Vec::new();
    for command in &commands {
        let words = words(command);
        let Some(at) =
            words.iter().position(|word| *word == "alchemiser" || word.ends_with("/alchemiser"))
        else {
            continue;
        };
        if at > 0 && !words[at - 1].contains('=') {
            continue;
        }
        let rest = &words[at + 1..];
        let subcommand = rest.iter().find(|word| !word.starts_with('-'));
        if subcommand.is_some_and(|word| !subcommands.contains(*word) && *word != "help") {
            found.push(format!("no such subcommand: {command}"));
        }
        let given = rest.iter().filter(|word| word.starts_with("--"));
        let unknown = given.filter(|flag| !flags.contains(flag.split('=').next().unwrap_or(flag)));
        found.extend(unknown.map(|flag| format!("no such flag {flag}: {command}")));
    }
    none(&found);
}

/// The sources of these crates, without their tests.
fn sources(crates: &[&str]) -> Vec<(String, String)> {
    let of = |name: &str| crates.iter().any(|of| name.starts_with(&format!("crates/{of}/src/")));
    let own = files(".rs").into_iter().map(|path| (named(&path), text(&path)));
    own.filter(|(name, _)| of(name))
        .map(|(name, text)| {
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            let code = code.lines().filter(|line| !line.trim_start().starts_with("//"));
            (name, code.collect::<Vec<_>>().join("\n"))
        })
        .collect()
}

/// The places of these words, as words of their own.
fn places(crates: &[&str], words: &[&str]) -> Vec<String> {
    let letter = |c: char| c.is_alphanumeric() || c == '_';
    let has = |text: &str, word: &str| {
        text.match_indices(word).any(|(at, _)| {
            let (before, after) = (&text[..at], &text[at + word.len()..]);
            !before.ends_with(letter) && !after.starts_with(letter)
        })
    };
    let found = sources(crates).into_iter().flat_map(|(name, text)| {
        let there =
            words.iter().filter(|word| has(&text, word)).map(|word| format!("{name}: {word}"));
        there.collect::<Vec<_>>()
    });
    found.collect()
}

/// T7: one owner and nothing to share: where decisions are made and written down there is no lock, no cell and no static,
/// and the map says so.
#[test]
fn there_is_no_shared_mutable_state() {
    let words = [
        "Mutex",
        "RwLock",
        "RefCell",
        "Cell",
        "UnsafeCell",
        "OnceCell",
        "OnceLock",
        "LazyLock",
        "AtomicBool",
        "AtomicU32",
        "AtomicU64",
        "AtomicUsize",
        "static mut",
        "thread_local",
        "unsafe",
    ];
    let found = places(&["core", "wire", "driver"], &words);
    // The switch of the planted faults: only a build with `--cfg planted` has it.
    let found: Vec<_> =
        found.into_iter().filter(|at| !at.contains("core/src/planted.rs")).collect();
    none(&found);
    let map = text(&repository().join("ARCHITECTURE.md"));
    assert!(map.contains("no state outside the log") && map.contains("account mutex, lease"));
}

/// S10, I13: no float where money is decided, stored or sent.
#[test]
fn no_float_touches_money() {
    let found = places(&["core", "wire", "driver"], &["f64", "f32"]);
    // The strict reader steps over numbers of any kind, and keeps none; the other names serde's types.
    let keeps_none = ["wire/src/strict.rs", "wire/src/fact/worded.rs"];
    let keeps = |at: &String| !keeps_none.iter().any(|file| at.contains(file));
    let found: Vec<_> = found.into_iter().filter(keeps).collect();
    none(&found);
}

/// S15: every crate that others build on has its public items documented; CI makes the warning an error.
#[test]
fn public_items_are_documented() {
    let undocumented = ["core", "wire", "driver", "aws", "host", "market"].iter().filter(|name| {
        let root = text(&repository().join(format!("crates/{name}/src/lib.rs")));
        !(root.starts_with("//!") && root.contains("#![warn(missing_docs)]"))
    });
    let mut found: Vec<String> =
        undocumented.map(|name| format!("{name} does not ask for documented items")).collect();
    let makefile = text(&repository().join("Makefile"));
    if !makefile.contains("clippy --locked --workspace --all-targets -- -D warnings") {
        found.push("`make lint` does not make warnings errors".to_owned());
    }
    let manifest: toml::Table = text(&repository().join("Cargo.toml")).parse().unwrap();
    let lints = &manifest["workspace"]["lints"]["clippy"];
    // Among the pedantic ones: `# Errors` on everything that may fail, `# Panics` on what may panic.
    if lints["pedantic"]["level"].as_str() != Some("warn") {
        found.push("the pedantic lints are off".to_owned());
    }
    none(&found);
}
