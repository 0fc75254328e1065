//! The keys of an account, and where they are kept.

use std::{
    env, fmt, fs,
    path::{Path, PathBuf},
};

use alchemiser_driver::ports::VaultError;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use thiserror::Error;

/// The variable that holds the key's id.
pub const ID_VARIABLE: &str = "APCA_API_KEY_ID";
/// The variable that holds the secret.
pub const SECRET_VARIABLE: &str = "APCA_API_SECRET_KEY";

/// How names of AWS begin, in every partition.
const ARN: &str = "arn:aws";

/// What stands in the names of secrets of AWS Secrets Manager.
const OF_SECRETS: &str = ":secretsmanager:";

/// What stands where a key stood.
const HIDDEN: &str = "[hidden]";

/// A key's id and its secret. Neither can be printed.
#[derive(Clone)]
pub struct Keys {
    id: SecretString,
    secret: SecretString,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys([hidden])")
    }
}

/// Where keys are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// `APCA_API_KEY_ID` and `APCA_API_SECRET_KEY` in the environment.
    Environment,
    /// A TOML file with `key_id` and `secret_key` that only its owner can read.
    File(PathBuf),
    /// A secret of AWS Secrets Manager, by its ARN.
    Secret(String),
}

/// Keys that cannot be had. No variant holds a part of them.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum KeysRefused {
    /// A variable is not there.
    #[error(
        "KEYS_MISSING: expected the account's key in {ID_VARIABLE} and {SECRET_VARIABLE}, found no {variable}; set both, or name a file with --keys FILE"
    )]
    Missing {
        /// Which.
        variable: &'static str,
    },
    /// The file cannot be read.
    #[error("KEYS_UNREADABLE: expected a readable file of keys at {}, found: {found}", path.display())]
    Unreadable {
        /// Where.
        path: PathBuf,
        /// What the system says.
        found: String,
    },
    /// Others may read the file.
    #[error(
        "KEYS_EXPOSED: expected {} to be readable by its owner only, found mode {mode:04o}; run chmod 600 on it, and consider making a new key",
        path.display()
    )]
    Exposed {
        /// Where.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The file holds something else.
    #[error(
        "KEYS_MALFORMED: expected two lines, key_id = \"…\" and secret_key = \"…\", in {}, found something else",
        path.display()
    )]
    Malformed {
        /// Where.
        path: PathBuf,
    },
    /// A key that no header can carry.
    #[error("KEYS_MALFORMED: expected keys of 1 to 128 letters and digits, found other characters")]
    Unprintable,
    /// A secret of AWS, where nobody can read it.
    #[error(
        "KEYS_ARN: expected keys in the environment or in a file, found a secret of AWS Secrets Manager, and a program that was built without AWS; build it with its default features"
    )]
    Arn,
    /// The secret cannot be had.
    #[error("SECRET_UNREADABLE: {0}")]
    Vault(#[from] VaultError),
    /// The secret holds something else.
    #[error(
        "SECRET_MALFORMED: expected a JSON object with the texts {ID_VARIABLE} and {SECRET_VARIABLE}, found {found}; write it anew (aws secretsmanager put-secret-value)"
    )]
    NotKeys {
        /// What is missing, or what it is instead.
        found: &'static str,
    },
}

impl KeysRefused {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "KEYS_MISSING",
            Self::Unreadable { .. } => "KEYS_UNREADABLE",
            Self::Exposed { .. } => "KEYS_EXPOSED",
            Self::Malformed { .. } | Self::Unprintable => "KEYS_MALFORMED",
            Self::Arn => "KEYS_ARN",
            Self::Vault(_) => "SECRET_UNREADABLE",
            Self::NotKeys { .. } => "SECRET_MALFORMED",
        }
    }
}

/// The keys in a secret, under the broker's own names.
#[derive(Deserialize)]
struct InSecret {
    #[serde(rename = "APCA_API_KEY_ID", default)]
    id: String,
    #[serde(rename = "APCA_API_SECRET_KEY", default)]
    secret: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    key_id: String,
    secret_key: String,
}

impl KeySource {
    /// The place that a text names: nothing or `env` the environment, an ARN a secret, anything else a file.
    pub fn named(text: Option<&str>) -> Self {
        match text {
            None | Some("" | "env") => Self::Environment,
            Some(text) if is_arn(text) => Self::Secret(text.to_owned()),
            Some(text) => Self::File(PathBuf::from(text)),
        }
    }

    /// Reads the keys that are on this machine.
    ///
    /// # Errors
    /// [`KeysRefused`] that says what is missing and what to do.
    pub fn read(&self) -> Result<Keys, KeysRefused> {
        match self {
            Self::Environment => {
                let read = |variable| {
                    env::var(variable)
                        .ok()
                        .filter(|text| !text.is_empty())
                        .ok_or(KeysRefused::Missing { variable })
                };
                Keys::new(&read(ID_VARIABLE)?, &read(SECRET_VARIABLE)?)
            }
            Self::File(path) => from_file(path),
            Self::Secret(_) => Err(KeysRefused::Arn),
        }
    }
}

fn is_arn(text: &str) -> bool {
    text.starts_with(ARN) && text.contains(OF_SECRETS)
}

fn from_file(path: &Path) -> Result<Keys, KeysRefused> {
    let unreadable = |error: std::io::Error| KeysRefused::Unreadable {
        path: path.to_owned(),
        found: error.to_string(),
    };
    let mode = mode(&fs::metadata(path).map_err(unreadable)?);
    if mode & 0o077 != 0 {
        return Err(KeysRefused::Exposed { path: path.to_owned(), mode });
    }
    let text = fs::read_to_string(path).map_err(unreadable)?;
    // The parser's message would quote the line.
    let written: Written = toml::from_str(&text).map_err(|_quotes_the_line: toml::de::Error| {
        KeysRefused::Malformed { path: path.to_owned() }
    })?;
    Keys::new(&written.key_id, &written.secret_key)
}

#[cfg(unix)]
fn mode(metadata: &fs::Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o7777
}

#[cfg(not(unix))]
fn mode(_: &fs::Metadata) -> u32 {
    0
}

impl Keys {
    /// Keys of printable characters without blanks.
    ///
    /// # Errors
    /// [`KeysRefused::Unprintable`].
    pub fn new(id: &str, secret: &str) -> Result<Self, KeysRefused> {
        let fits = |text: &str| {
            (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if !(fits(id) && fits(secret)) {
            return Err(KeysRefused::Unprintable);
        }
        Ok(Self { id: id.into(), secret: secret.into() })
    }

    /// The keys in a secret's text: `{"APCA_API_KEY_ID": "…", "APCA_API_SECRET_KEY": "…"}`.
    ///
    /// # Errors
    /// [`KeysRefused::NotKeys`] that says which is missing, without a byte of what is there.
    pub fn of_secret(text: &SecretString) -> Result<Self, KeysRefused> {
        // The reader's message may quote what it met.
        let read = serde_json::from_str(text.expose_secret());
        let InSecret { id, secret } = read.map_err(|_quotes_the_text: serde_json::Error| {
            KeysRefused::NotKeys { found: "another text" }
        })?;
        let is_missing = |text: &str| text.trim().is_empty();
        match (is_missing(&id), is_missing(&secret)) {
            (false, false) => Self::new(&id, &secret),
            (true, false) => Err(KeysRefused::NotKeys { found: "no APCA_API_KEY_ID" }),
            (false, true) => Err(KeysRefused::NotKeys { found: "no APCA_API_SECRET_KEY" }),
            (true, true) => Err(KeysRefused::NotKeys { found: "neither" }),
        }
    }

    /// The very same keys.
    pub(crate) fn are(&self, others: &Self) -> bool {
        self.id() == others.id() && self.secret() == others.secret()
    }

    /// The id, for the header that carries it.
    pub(crate) fn id(&self) -> &str {
        self.id.expose_secret()
    }

    /// The secret, for the header that carries it.
    pub(crate) fn secret(&self) -> &str {
        self.secret.expose_secret()
    }

    /// A text without the keys, should it hold them.
    pub(crate) fn hide(&self, text: &str) -> String {
        text.replace(self.secret(), HIDDEN).replace(self.id(), HIDDEN)
    }

    /// Keys of the paper environment begin with `PK`, those of the live one with `AK`; `None` for any other.
    pub fn are_paper(&self) -> Option<bool> {
        match self.id().get(..2) {
            Some("PK") => Some(true),
            Some("AK") => Some(false),
            Some(_) | None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str, mode: u32) -> (tempfile::TempDir, PathBuf) {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.toml");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        (dir, path)
    }

    fn check(text: &str, mode: u32, expected: &str) {
        let (_dir, path) = file(text, mode);
        let found = KeySource::File(path).read();
        let said = found.map_or_else(|error| error.to_string(), |keys| keys.id().to_owned());
        assert!(said.starts_with(expected), "{text:?} {mode:o}: {said}");
        assert!(!said.contains("canary"), "{said}");
    }

    /// I16: a file of keys is refused unless its owner alone can read it, and no error quotes it.
    #[test]
    fn a_file_of_keys_is_its_owners_alone() {
        let good = "key_id = \"PK1\"\nsecret_key = \"canary\"\n";
        check(good, 0o600, "PK1");
        check(good, 0o400, "PK1");
        check(good, 0o604, "KEYS_EXPOSED");
        check(good, 0o640, "KEYS_EXPOSED");
        check("key_id = \"canary", 0o600, "KEYS_MALFORMED");
        check("key_id = \"canary\"", 0o600, "KEYS_MALFORMED");
        check("key_id = \"PK 1\"\nsecret_key = \"canary\"", 0o600, "KEYS_MALFORMED");
        check("key_id = \"PK1\"\nsecret_key = \"\"", 0o600, "KEYS_MALFORMED");
    }

    #[test]
    fn a_place_of_keys_is_named_by_a_word_or_a_path() {
        assert_eq!(KeySource::named(None), KeySource::Environment);
        assert_eq!(KeySource::named(Some("env")), KeySource::Environment);
        assert_eq!(KeySource::named(Some("k.toml")), KeySource::File("k.toml".into()));
        for arn in ["arn:aws:secretsmanager:us-east-1:1:secret:x", "arn:aws-us-gov:secretsmanager:"]
        {
            let source = KeySource::named(Some(arn));
            assert_eq!(source, KeySource::Secret(arn.to_owned()));
            assert_eq!(source.read().unwrap_err(), KeysRefused::Arn);
        }
        let missing = KeySource::File("/nowhere/keys.toml".into()).read().unwrap_err();
        assert!(missing.to_string().starts_with("KEYS_UNREADABLE"), "{missing}");
    }

    fn check_secret(text: &str, expected: &str) {
        let read = Keys::of_secret(&text.into());
        let said = format!("{read:?}");
        assert!(!said.contains("canary"), "{said}");
        let found = read.map_or_else(|why| why.to_string(), |_| "keys".to_owned());
        assert!(!found.contains("canary") && found.contains(expected), "{text}: {found}");
    }

    /// I16: whatever is wrong with a secret, what is said of it names what is missing and holds none of it.
    #[test]
    fn a_secret_without_its_keys_says_which_is_missing_and_nothing_else() {
        let (id, secret) = (r#""APCA_API_KEY_ID":"canary""#, r#""APCA_API_SECRET_KEY":"canary""#);
        check_secret(&format!("{{{id},{secret}}}"), "keys");
        check_secret(&format!("{{{id},{secret},\"more\":1}}"), "keys");
        check_secret(&format!("{{{id}}}"), "found no APCA_API_SECRET_KEY;");
        check_secret(&format!("{{{secret}}}"), "found no APCA_API_KEY_ID;");
        check_secret(r#"{"APCA_API_KEY_ID":"canary","APCA_API_SECRET_KEY":" "}"#, "no APCA_API_SE");
        check_secret(r#"{"key":"canary"}"#, "found neither;");
        check_secret("canary", "SECRET_MALFORMED: expected a JSON object");
        check_secret(r#"{"APCA_API_KEY_ID":["canary"]}"#, "found another text;");
        check_secret(
            r#"{"APCA_API_KEY_ID":"can ary","APCA_API_SECRET_KEY":"canary"}"#,
            "KEYS_MALFORMED: expected keys",
        );
    }

    /// I16: keys do not print.
    #[test]
    fn keys_do_not_print() {
        let keys = Keys::new("PKcanary", "canary-secret").unwrap();
        assert_eq!(format!("{keys:?}"), "Keys([hidden])");
        assert_eq!(keys.hide("PKcanary said canary-secret"), "[hidden] said [hidden]");
        assert_eq!(keys.are_paper(), Some(true));
        assert_eq!(Keys::new("AK1", "s").unwrap().are_paper(), Some(false));
        assert_eq!(Keys::new("1", "s").unwrap().are_paper(), None);
    }
}
