//! A disk that is full at any moment: the process stops with a code, nothing is torn, and the next run completes.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;

use crate::command::{BINARY, example};

/// Runs in a small file system of its own, which goes with the shell: the plan on the small disk, again when the disk has
/// grown, then `verify`. Code 90 says that no file system can be mounted here.
const SCRIPT: &str = r#"
mount -t tmpfs -o "size=$1k" tmpfs "$2/disk" || exit 90
"$3" run "$4" --now --json --state "$2/disk/state" >"$2/small" 2>/dev/null; echo $? >"$2/small.code"
mount -o remount,size=64m "$2/disk" || exit 90
"$3" run "$4" --now --json --state "$2/disk/state" >"$2/large" 2>/dev/null; echo $? >"$2/large.code"
"$3" verify --json --state "$2/disk/state" >"$2/verified" 2>/dev/null; echo $? >"$2/verified.code"
ls "$2/disk/state/tmp" >"$2/drafts"
"#;

fn on_a_disk_of(kilobytes: u32, dir: &Path) -> Output {
    fs::create_dir(dir.join("disk")).unwrap();
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount", "sh", "-c", SCRIPT, "sh"]);
    command.arg(kilobytes.to_string()).arg(dir).arg(BINARY).arg(example());
    command.output().unwrap()
}

fn said(dir: &Path, name: &str) -> (i32, Value) {
    let code = fs::read_to_string(dir.join(format!("{name}.code"))).unwrap();
    let text = fs::read(dir.join(name)).unwrap();
    (code.trim().parse().unwrap(), serde_json::from_slice(&text).unwrap_or_default())
}

/// S9, S11, I7, I8: on disks of every size, too small ones among them.
#[test]
fn a_full_disk_stops_a_run_and_tears_nothing() {
    let (mut stopped, mut codes) = (0, Vec::new());
    for kilobytes in (24..700).step_by(28) {
        let dir = tempfile::tempdir().unwrap();
        let output = on_a_disk_of(kilobytes, dir.path());
        if matches!(output.status.code(), None | Some(1 | 90 | 127)) {
            eprintln!("skipped: no file system can be mounted here");
            return;
        }
        let (code, small) = said(dir.path(), "small");
        if code != 0 {
            let why = small["code"].as_str().unwrap_or_else(|| panic!("{code}: {small}"));
            assert!(matches!(code, 1 | 2), "{kilobytes} kB: {small}");
            codes.push(why.to_owned());
            stopped += 1;
        }
        let (code, large) = said(dir.path(), "large");
        assert_eq!(
            (code, large["outcome"].as_str()),
            (0, Some("completed")),
            "{kilobytes} kB: {small} {large}"
        );
        let (code, verified) = said(dir.path(), "verified");
        assert_eq!(
            (code, &verified["violations"]),
            (0, &Value::Array(vec![])),
            "{kilobytes} kB: {verified}"
        );
        assert_eq!(fs::read_to_string(dir.path().join("drafts")).unwrap(), "", "{kilobytes} kB");
    }
    codes.sort();
    codes.dedup();
    assert!(stopped >= 6, "the disks were too large: {stopped} stops, {codes:?}");
    eprintln!(
        "{stopped} runs stopped on a full disk ({}), and all were completed",
        codes.join(", ")
    );
}
