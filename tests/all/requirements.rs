//! Every row of the requirements has a test whose doc comment names it: `/// T4, L1: …`.

use std::{collections::BTreeMap, fs};

use crate::{
    examples::shared,
    tidy::{files, named, none, text},
};

/// The letters of the requirements' tables; `I` are the invariants of the architecture.
const TABLES: [char; 7] = ['T', 'S', 'M', 'X', 'H', 'L', 'I'];

/// Rows that the code does not meet yet, and what is not there. Whoever adds it takes the line out and names the row.
const OPEN: [(Id, &str); 0] = [];

/// `T4` or `I16`: a letter and a number, in this order.
type Id = (char, u32);

/// A test as it stands in its file, with the text of its doc comment.
struct Test {
    place: String,
    doc: String,
}

fn id(text: &str) -> Option<Id> {
    let mut letters = text.chars();
    let table = letters.next().filter(|letter| TABLES.contains(letter))?;
    let number = letters.as_str();
    let plain = number.bytes().all(|byte| byte.is_ascii_digit()) && !number.starts_with('0');
    plain.then(|| number.parse().ok()).flatten().map(|number| (table, number))
}

/// The rows of a document's tables, by their ids.
fn rows(document: &str) -> BTreeMap<Id, String> {
    let row = |line: &str| {
        let (first, rest) = line.strip_prefix('|')?.split_once('|')?;
        Some((id(first.trim())?, rest.trim().trim_end_matches('|').trim().to_owned()))
    };
    document.lines().filter_map(row).collect()
}

/// The tests of a source file: functions with a `test` attribute, also within `proptest!`.
fn tests(file: &str, source: &str) -> Vec<Test> {
    let (mut doc, mut attributes, mut found) = (String::new(), String::new(), Vec::new());
    let mut open = 0;
    for line in source.lines().map(str::trim) {
        let function = line.split_once("fn ").filter(|(before, _)| {
            before.split_whitespace().all(|word| ["pub", "async"].contains(&word))
        });
        if open > 0 || line.starts_with("#[") {
            // An attribute may go on over several lines.
            open += line.matches(['(', '[']).count();
            open = open.saturating_sub(line.matches([')', ']']).count());
            attributes.push_str(line);
        } else if let Some(said) = line.strip_prefix("///") {
            doc.push_str(said);
        } else {
            if let Some((_, name)) = function.filter(|_| is_test(&attributes)) {
                let name = name.split('(').next().unwrap_or(name);
                found.push(Test { place: format!("{file}: {name}"), doc: doc.trim().to_owned() });
            }
            doc.clear();
            attributes.clear();
        }
    }
    found
}

fn is_test(attributes: &str) -> bool {
    ["#[test]", "#[tokio::test]", "#[tokio::test("].iter().any(|word| attributes.contains(word))
}

/// The ids at the head of a doc comment, and the words there that are none; both empty when it names no row.
fn named_by(doc: &str) -> (Vec<Id>, Vec<String>) {
    let head = doc.split_once(':').map_or("", |(head, _)| head);
    let words = || head.split(", ");
    let ids: Vec<Id> = words().filter_map(id).collect();
    let others = words().filter(|word| !ids.is_empty() && id(word).is_none());
    let others = others.map(str::to_owned).collect();
    (ids, others)
}

/// Every test of the repository.
fn all_tests() -> Vec<Test> {
    let sources = files(".rs").into_iter();
    sources.flat_map(|path| tests(&named(&path), &text(&path))).collect()
}

/// Every row of the requirements has a test that names it, and no test names a row that is not there.
#[test]
fn every_row_of_the_requirements_has_a_test() {
    let Some(design) = shared("design") else { return };
    let read = |name: &str| fs::read_to_string(design.join(name)).unwrap();
    let required = rows(&read("requirements.md"));
    assert!(required.len() > 60, "only {} rows were found", required.len());
    let invariants = rows(&read("architecture.md"));
    let mut counts: BTreeMap<Id, usize> = required.keys().map(|id| (*id, 0)).collect();
    let mut wrong = Vec::new();
    for test in all_tests() {
        let (ids, others) = named_by(&test.doc);
        wrong.extend(others.iter().map(|word| format!("{}: {word:?} is no id", test.place)));
        for id in ids {
            if !required.contains_key(&id) && !invariants.contains_key(&id) {
                wrong.push(format!("{}: there is no row {}{}", test.place, id.0, id.1));
            }
            *counts.entry(id).or_default() += 1;
        }
    }
    let rows = || required.iter().chain(&invariants);
    for ((table, number), row) in TABLES.iter().flat_map(|t| rows().filter(|(id, _)| id.0 == *t)) {
        let count = counts.get(&(*table, *number)).copied().unwrap_or_default();
        let open = OPEN.iter().find(|(id, _)| *id == (*table, *number));
        let open = open.map_or_else(String::new, |(_, why)| format!("OPEN ({why}): "));
        println!(
            "{table}{number:<3} {count:>3} tests  {open}{}",
            row.chars().take(90).collect::<String>()
        );
    }
    let open = |id: &Id| OPEN.iter().any(|(open, _)| open == id);
    for (id @ (table, number), row) in &required {
        match (counts[id], open(id)) {
            (0, false) => wrong.push(format!("no test names {table}{number}: {row}")),
            (1.., true) => wrong.push(format!("{table}{number} has a test and is said to be open")),
            (0, true) | (1.., false) => {}
        }
    }
    none(&wrong);
}

fn check(source: &str, expected: &[(&str, &str)]) {
    let found = tests("f", source);
    let ids = |test: &Test| {
        let (ids, others) = named_by(&test.doc);
        let ids = ids.iter().map(|(table, number)| format!("{table}{number}"));
        ids.chain(others).collect::<Vec<_>>().join(" ")
    };
    let found: Vec<_> = found.iter().map(|test| (test.place.clone(), ids(test))).collect();
    let expected: Vec<_> =
        expected.iter().map(|(name, ids)| (format!("f: {name}"), (*ids).to_owned())).collect();
    assert_eq!(found, expected, "{source}");
}

/// What counts as a test that names rows, and what does not.
#[test]
fn ids_count_at_the_head_of_a_tests_doc_comment_only() {
    check("/// T4, L1: x.\n#[test]\nfn a() {", &[("a", "T4 L1")]);
    check("/// T4: x,\n/// y.\n#[tokio::test]\nasync fn a() {", &[("a", "T4")]);
    check("/// T4, S1,\n/// X2: x.\n#[test]\nfn a() {", &[("a", "T4 S1 X2")]);
    check(
        "/// T4: x.\n#[test]\n#[expect(\n  dead_code,\n  reason = \"T\"\n)]\nfn a() {",
        &[("a", "T4")],
    );
    check("/// T4: x.\nfn helper() {\n#[test]\nfn a() {", &[("a", "")]);
    check("/// T4: x.\n\n#[test]\nfn a() {", &[("a", "")]);
    check("/// As in T4: x.\n#[test]\nfn a() {", &[("a", "")]);
    check("/// T4 and L1, S2: x.\n#[test]\nfn a() {", &[("a", "S2 T4 and L1")]);
    check("/// T0, T4x, T04, Q1: x.\n#[test]\nfn a() {", &[("a", "")]);
    check("proptest! {\n  /// X9: x.\n  #[test]\n  fn a(b in 0..4) {", &[("a", "X9")]);
}
