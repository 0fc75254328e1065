//! What is deployed fits the code: what the template names is read and measured there, and real money is asked for twice.
#![expect(clippy::unwrap_used, reason = "this is test code: what cannot be is a failed test")]

use std::{fs, path::Path, process::Command};

use alchemiser_aws::metrics::Metric;
use alchemiser_host::DEPLOYED;

/// The code of some crates, or of a file of one.
fn sources_of(paths: &[&str]) -> String {
    fn gather(at: &Path, into: &mut String) {
        if at.is_dir() {
            for entry in fs::read_dir(at).unwrap() {
                gather(&entry.unwrap().path(), into);
            }
        } else if at.extension().is_some_and(|ending| ending == "rs") {
            into.push_str(&fs::read_to_string(at).unwrap());
        }
    }
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut code = String::new();
    for path in paths {
        gather(&crates.join(path), &mut code);
    }
    code
}

/// A metric without a line of code that measures it would leave its alarm silent for ever.
#[test]
fn every_metric_is_measured_somewhere() {
    let code = sources_of(&["aws/src/watcher.rs", "lambdas/bootstrap/src"]);
    let unmeasured: Vec<_> = Metric::ALL
        .iter()
        .filter(|metric| !code.contains(&format!("Metric::{}", metric.name())))
        .collect();
    assert!(unmeasured.is_empty(), "{unmeasured:?}");
}

/// Every variable that the template sets is one that the code reads.
#[test]
fn every_variable_is_read() {
    let code = sources_of(&["aws/src", "local/src", "lambdas/bootstrap/src"]);
    let set = DEPLOYED.lines().filter_map(|line| line.trim().strip_suffix(':'));
    let unread: Vec<_> = set
        .filter(|name| name.starts_with("ALCHEMISER_"))
        .filter(|name| !code.contains(&format!("\"{name}\"")))
        .collect();
    assert_eq!(unread, [""; 0]);
}

/// `make deploy` and `make destroy` of real money say so before anything is built, unless it is confirmed.
#[test]
fn make_asks_twice_for_real_money() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let check = |words: &[&str], expected: bool| {
        let mut make = Command::new("make");
        make.arg("--no-print-directory").args(words).current_dir(&root);
        let output = make.output().unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.success(), expected, "{words:?}: {said}");
        let named = said.contains("expected CONFIRM=real-money beside STAGE=live");
        assert_ne!(named, expected, "{words:?}: {said}");
    };
    check(&["confirmed", "STAGE=live"], false);
    check(&["confirmed", "STAGE=live", "CONFIRM=no"], false);
    check(&["deploy", "STAGE=live"], false);
    check(&["destroy", "STAGE=live"], false);
    check(&["confirmed", "STAGE=live", "CONFIRM=real-money"], true);
    check(&["confirmed", "STAGE=paper"], true);
}
