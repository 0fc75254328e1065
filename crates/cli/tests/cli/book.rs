//! The pages: all of them are listed, their links lead somewhere, and what they name exists.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::command::BINARY;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The pages of a directory, sorted.
fn pages(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut pages: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|ending| ending == "md")).collect();
    pages.sort();
    pages
}

/// Where the links of a page lead to on this machine, without what follows a `#`.
fn links(page: &Path) -> Vec<PathBuf> {
    let text = fs::read_to_string(page).unwrap();
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    let here = targets.map(|(target, _)| target.split('#').next().unwrap_or_default().to_owned());
    here.filter(|target| !target.is_empty() && !target.contains("://"))
        .map(|target| page.parent().unwrap().join(target))
        .collect()
}

fn all() -> Vec<PathBuf> {
    let readme = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"];
    let own = readme.iter().map(|name| root().join(name)).filter(|path| path.exists());
    let docs = root().join("docs");
    [own.collect(), pages(&docs), pages(&docs.join("adr"))].concat()
}

/// Every page of docs is in the table of contents, and every decision in their list, too.
#[test]
fn every_page_is_listed() {
    let docs = root().join("docs");
    let check = |list: &str, pages: Vec<PathBuf>| {
        let listed: BTreeSet<PathBuf> = links(&docs.join(list)).into_iter().collect();
        let missing: Vec<_> = pages
            .into_iter()
            .filter(|page| !page.ends_with("SUMMARY.md") && !listed.contains(page))
            .collect();
        assert!(missing.is_empty(), "not in docs/{list}: {missing:?}");
    };
    check("SUMMARY.md", [pages(&docs), pages(&docs.join("adr"))].concat());
    check("decisions.md", pages(&docs.join("adr")));
}

/// No link of a page leads nowhere.
#[test]
fn every_link_leads_somewhere() {
    let broken: Vec<_> = all()
        .iter()
        .flat_map(|page| links(page).into_iter().map(|link| (page.clone(), link)))
        .filter(|(_, link)| !link.exists())
        .collect();
    assert!(broken.is_empty(), "{broken:#?}");
}

/// Words after `alchemiser ` in code are commands of the program.
#[test]
fn every_command_exists() {
    let help = Command::new(BINARY).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let known: BTreeSet<&str> =
        help.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).collect();
    let mut unknown = Vec::new();
    for page in all() {
        let text = fs::read_to_string(&page).unwrap();
        for part in text.split("alchemiser ").skip(1) {
            let is_code = |c: char| c.is_ascii_lowercase() || c == '-';
            let word: String = part.chars().take_while(|c| is_code(*c)).collect();
            let code = text[..text.len() - part.len()].matches('`').count() % 2 == 1;
            if code && !word.is_empty() && !word.starts_with('-') && !known.contains(word.as_str())
            {
                unknown.push(format!("{}: alchemiser {word}", page.display()));
            }
        }
    }
    assert!(unknown.is_empty(), "{unknown:#?}");
}

/// A word of a file of Rust in quotation marks.
fn words(directory: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            words(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.extend(text.split('"').skip(1).step_by(2).map(str::to_owned));
            found.extend(
                text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').map(str::to_owned),
            );
        }
    }
}

/// Codes that the runbook and the answers name are codes of the program.
#[test]
fn every_code_exists() {
    let mut known = BTreeSet::new();
    words(&root().join("crates"), &mut known);
    for page in ["runbook.md", "faq.md"] {
        let text = fs::read_to_string(root().join("docs").join(page)).unwrap();
        let codes = text.split('`').skip(1).step_by(2);
        let is_code = |word: &&str| {
            word.len() > 4 && word.chars().all(|c| c.is_ascii_uppercase() || c == '_')
        };
        let unknown: Vec<&str> =
            codes.filter(is_code).filter(|code| !known.contains(*code)).collect();
        assert!(unknown.is_empty(), "{page}: {unknown:?}");
    }
}
