//! A text that is in every credential, and must be nowhere else.

use std::path::Path;

pub(crate) const CANARY: &str = "canary-7f3a91c2";

/// The key's id is no secret, and is not said either.
pub(crate) const KEY: &str = "PKCANARYKEY";

/// How it could be hidden in a text: as it is, and in base 64, at each of its three offsets.
fn forms() -> Vec<String> {
    let encoded = |text: &str| data_encoding::BASE64_NOPAD.encode(text.as_bytes());
    let inner = |skip: usize| {
        // Neighbours change the digits at both ends only.
        let text = encoded(&format!("{}{CANARY}", &"..."[..skip]));
        text[4..text.len() - 4].to_owned()
    };
    vec![CANARY.to_owned(), KEY.to_owned(), inner(0), inner(1), inner(2)]
}

/// I16: a text holds no secret.
#[track_caller]
pub(crate) fn clean(what: &str, text: &str) {
    for form in forms() {
        assert!(!text.contains(&form), "{what} holds {form}: {text}");
    }
}

/// I16: nor does any file.
#[track_caller]
pub(crate) fn clean_below(directory: &Path) {
    let mut seen = 0;
    let mut left = vec![directory.to_owned()];
    while let Some(next) = left.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
            } else {
                seen += 1;
                let bytes = std::fs::read(&path).unwrap();
                clean(&path.display().to_string(), &String::from_utf8_lossy(&bytes));
            }
        }
    }
    assert!(seen > 10, "logs, events and a ledger were looked at, found {seen} files");
}

/// What is looked for would be found.
#[test]
fn a_secret_would_be_found() {
    for text in [CANARY.to_owned(), data_encoding::BASE64.encode(format!("a:{CANARY}").as_bytes())]
    {
        assert!(forms().iter().any(|form| text.contains(form)), "{text}");
    }
}
