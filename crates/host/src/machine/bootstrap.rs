//! A function's program.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use super::HostError;

/// `e_machine` of an ELF header, and what Rust calls it.
const MACHINES: [(u16, &str); 2] = [(62, "x86_64"), (183, "aarch64")];

/// The program of a function: `DIR/NAME/bootstrap`, or `DIR/NAME`.
pub(super) fn of(directory: &Path, name: &str) -> Result<PathBuf, HostError> {
    let deployed = directory.join(name).join("bootstrap");
    let path = if deployed.is_file() { deployed } else { directory.join(name) };
    let missing = || HostError::BootstrapMissing { name: name.to_owned(), path: path.clone() };
    if !path.is_file() {
        return Err(missing());
    }
    let mut head = [0; 20];
    let read = File::open(&path).and_then(|mut file| file.read_exact(&mut head));
    let machine = match (read, head) {
        (Ok(()), [0x7f, b'E', b'L', b'F', .., low, high]) => Some(u16::from_le_bytes([low, high])),
        (Ok(()) | Err(_), _) => None,
    };
    let found = match machine {
        None => "a file that is no program of Linux".to_owned(),
        Some(machine) => match MACHINES.iter().find(|(number, _)| *number == machine) {
            Some((_, word)) if *word == std::env::consts::ARCH => return Ok(path),
            Some((_, word)) => format!("one for {word}"),
            None => format!("one for machine {machine}"),
        },
    };
    Err(HostError::BootstrapOther { path, found })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A file with these first bytes is refused with these words.
    #[track_caller]
    fn check(bytes: &[u8], expected: &str) {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("sweeper"), bytes).unwrap();
        let error = of(directory.path(), "sweeper").unwrap_err();
        assert_eq!(error.code(), "HOST_BOOTSTRAP_OTHER");
        assert!(error.to_string().contains(expected), "{error}");
    }

    fn program(machine: u16) -> Vec<u8> {
        let [low, high] = machine.to_le_bytes();
        [&b"\x7fELF"[..], &[2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, low, high, 1, 0]].concat()
    }

    #[test]
    fn a_bootstrap_of_another_machine_is_refused() {
        let (own, other) = if cfg!(target_arch = "x86_64") { (62, 183) } else { (183, 62) };
        check(&program(other), "found one for ");
        check(&program(8), "found one for machine 8");
        check(b"#!/bin/sh\nexit 0\n# long enough", "no program of Linux");
        check(b"", "no program of Linux");
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("sweeper")).unwrap();
        fs::write(directory.path().join("sweeper/bootstrap"), program(own)).unwrap();
        of(directory.path(), "sweeper").unwrap();
    }

    #[test]
    fn a_bootstrap_that_is_not_there_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let error = of(directory.path(), "sweeper").unwrap_err();
        assert_eq!(error.code(), "HOST_BOOTSTRAP_MISSING");
        assert!(error.to_string().starts_with("expected the bootstrap of sweeper at "), "{error}");
    }
}
