//! The effective [`Policy`], and where each of its values came from.
//!
//! Four layers, the later one wins: the defaults, a TOML file, the environment, flags. Each layer is checked by itself,
//! so that a wrong value is refused even where a later layer hides it; at the end the values are checked against each
//! other.
//!
//! ```text
//! working_time.normal = 90                        # in the file; or [working_time] and normal = 90
//! ALCHEMISER__WORKING_TIME__NORMAL=90             # in the environment
//! --set working_time.normal=90                    # as a flag
//! ```

use std::{
    collections::BTreeMap,
    env, fmt, fs,
    path::{Path, PathBuf},
};

use alchemiser_core::{
    policy::Policy,
    setting::{self, Inconsistent, SETTINGS, SettingRefused},
};
use config::{Config, ConfigError, Environment, File, FileFormat, Source, Value, ValueKind};
use thiserror::Error;

/// The code of every refusal.
pub const CONFIG_REFUSED: &str = "CONFIG_REFUSED";

/// The variable that names the file where no flag does.
pub const FILE_VARIABLE: &str = "ALCHEMISER_CONFIG";

/// Variables with this prefix are settings, with `__` for the dot.
const PREFIX: &str = "ALCHEMISER";

/// A TOML number is read as a float of 64 bits, which keeps this many digits exactly; more must be quoted.
const FLOAT_DIGITS: usize = 15;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The design.
    Default,
    /// A TOML file.
    File(PathBuf),
    /// An environment variable.
    Environment(String),
    /// A flag of the command line.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

/// A setting given on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    /// The flag that gave it, e.g. `--set`.
    pub name: &'static str,
    /// The setting's key.
    pub key: String,
    /// Its value.
    pub value: String,
}

impl Flag {
    /// Reads `key=value`.
    ///
    /// # Errors
    /// [`ConfigRefused`] when there is no `=`.
    pub fn assignment(name: &'static str, text: &str) -> Result<Self, ConfigRefused> {
        let (key, value) = text.split_once('=').ok_or_else(|| ConfigRefused {
            key: name.to_owned(),
            expected: "key=value".to_owned(),
            found: format!("{text:?}"),
            origin: Origin::Flag(name).to_string(),
        })?;
        Ok(Self { name, key: key.trim().to_owned(), value: value.to_owned() })
    }
}

/// Configuration that is not taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{key}: expected {expected}, found {found} ({origin})")]
pub struct ConfigRefused {
    /// The setting, or what should have held settings.
    pub key: String,
    /// The bound with its unit, or what else was expected.
    pub expected: String,
    /// What was found.
    pub found: String,
    /// Where it was found.
    pub origin: String,
}

/// The effective policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The values.
    pub policy: Policy,
    origins: BTreeMap<&'static str, Origin>,
}

impl Settings {
    /// Reads the layers: `file` or else the one that `ALCHEMISER_CONFIG` names, this process's environment, `flags`.
    ///
    /// # Errors
    /// [`ConfigRefused`] naming the key, what was expected, what was found, and where.
    pub fn load(file: Option<&Path>, flags: &[Flag]) -> Result<Self, ConfigRefused> {
        let mut settings = Self::default();
        let named = env::var_os(FILE_VARIABLE).filter(|name| !name.is_empty()).map(PathBuf::from);
        if let Some(file) = file.map(Path::to_owned).or(named) {
            settings.file(&file)?;
        }
        settings.environment(Environment::default())?;
        for flag in flags {
            settings.take(&flag.key, &flag.value, Origin::Flag(flag.name))?;
        }
        setting::consistent(&settings.policy).map_err(|error| settings.inconsistent(error))?;
        Ok(settings)
    }

    /// Where the value of a setting came from.
    pub fn origin(&self, key: &str) -> &Origin {
        self.origins.get(key).unwrap_or(&Origin::Default)
    }

    fn file(&mut self, path: &Path) -> Result<(), ConfigRefused> {
        let origin = || Origin::File(path.to_owned());
        let refused = |found: String| ConfigRefused {
            key: "config".to_owned(),
            expected: "a readable TOML file".to_owned(),
            found,
            origin: origin().to_string(),
        };
        let text = fs::read_to_string(path).map_err(|error| refused(error.to_string()))?;
        let values = values(File::from_str(&text, FileFormat::Toml))
            .map_err(|error| refused(in_one_line(&error)))?;
        for (key, value) in values {
            self.take(&key, &value, origin())?;
        }
        Ok(())
    }

    fn environment(&mut self, environment: Environment) -> Result<(), ConfigRefused> {
        let prefixed = environment.prefix(PREFIX).prefix_separator("__").separator("__");
        let values = values(prefixed).map_err(|error| ConfigRefused {
            key: format!("{PREFIX}__…"),
            expected: "text".to_owned(),
            found: in_one_line(&error),
            origin: "environment".to_owned(),
        })?;
        for (key, value) in values {
            let name = format!("{PREFIX}__{}", key.to_uppercase().replace('.', "__"));
            self.take(&key, &value, Origin::Environment(name))?;
        }
        Ok(())
    }

    fn take(&mut self, key: &str, value: &str, origin: Origin) -> Result<(), ConfigRefused> {
        let Some(setting) = setting::find(key) else {
            return Err(ConfigRefused {
                key: key.to_owned(),
                expected: format!("a known key, perhaps {}", nearest(key)),
                found: format!("{key:?}"),
                origin: origin.to_string(),
            });
        };
        setting.set(&mut self.policy, value).map_err(
            |SettingRefused { key, expected, found }| ConfigRefused {
                key: key.to_owned(),
                expected,
                found: format!("{found:?}"),
                origin: origin.to_string(),
            },
        )?;
        self.origins.insert(setting.key, origin);
        Ok(())
    }

    fn inconsistent(&self, error: Inconsistent) -> ConfigRefused {
        let Inconsistent { key, expected, found, others } = error;
        let keys = std::iter::once(key).chain(others);
        let origins = keys.map(|key| format!("{key}: {}", self.origin(key)));
        let origin = origins.collect::<Vec<_>>().join(", ");
        ConfigRefused { key: key.to_owned(), expected, found, origin }
    }
}

/// The key that looks most like this one.
fn nearest(key: &str) -> &'static str {
    let likeness = |known: &str| strsim::jaro_winkler(known, key);
    let keys = SETTINGS.iter().map(|setting| setting.key);
    keys.max_by(|a, b| likeness(a).total_cmp(&likeness(b))).unwrap_or_default()
}

/// The values of one layer as dotted keys and texts, in the order of the keys.
fn values(
    layer: impl Source + Send + Sync + 'static,
) -> Result<BTreeMap<String, String>, ConfigError> {
    let mut found = BTreeMap::new();
    flatten("", Config::builder().add_source(layer).build()?.cache, &mut found);
    Ok(found)
}

fn flatten(key: &str, value: Value, found: &mut BTreeMap<String, String>) {
    match value.kind {
        ValueKind::Table(table) if key.is_empty() || is_group(key) || !table.is_empty() => {
            for (name, value) in table {
                let key = if key.is_empty() { name } else { format!("{key}.{name}") };
                flatten(&key, value, found);
            }
        }
        kind => {
            found.insert(key.to_owned(), text(kind));
        }
    }
}

/// Several settings have this in front of the dot.
fn is_group(name: &str) -> bool {
    let mut rests = SETTINGS.iter().filter_map(|setting| setting.key.strip_prefix(name));
    rests.any(|rest| rest.starts_with('.'))
}

/// A value as text. What has no text of a setting's form is printed so that no setting takes it.
fn text(kind: ValueKind) -> String {
    match kind {
        ValueKind::Float(number) => {
            let text = number.to_string();
            let digits = text.chars().filter(char::is_ascii_digit).count();
            if digits <= FLOAT_DIGITS { text } else { format!("{text} (too long; quote it)") }
        }
        ValueKind::Array(items) => {
            let items = items.into_iter().map(|item| text(item.kind));
            items.collect::<Vec<_>>().join(",")
        }
        ValueKind::Table(_) | ValueKind::Nil => "{}".to_owned(),
        kind => kind.to_string(),
    }
}

/// A parser's message without its drawing of the place.
fn in_one_line(error: &ConfigError) -> String {
    let message = match error {
        ConfigError::FileParse { cause, .. } => cause.to_string(),
        other => other.to_string(),
    };
    let drawn = |line: &&str| !line.is_empty() && !line.contains('|');
    message.lines().map(str::trim).filter(drawn).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn from_file(text: &str) -> Result<Settings, ConfigRefused> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("alchemiser.toml");
        fs::write(&path, text).unwrap();
        let mut settings = Settings::default();
        settings.file(&path).map(|()| settings)
    }

    fn check(text: &str, key: &str, expected: Option<&str>) {
        let read = from_file(text).ok();
        let read = read.map(|settings| setting::find(key).unwrap().get(&settings.policy));
        assert_eq!(read.as_deref(), expected, "{text}");
    }

    #[test]
    fn a_file_says_values_in_every_form_of_toml() {
        check("lease = 45", "lease", Some("45"));
        check("lease = \"1m\"", "lease", Some("60"));
        check("cash_share = 0.995", "cash_share", Some("0.995"));
        check(
            "cash_share = \"0.9950000000000000001\"",
            "cash_share",
            Some("0.9950000000000000001"),
        );
        check("cash_share = 0.9912345678901234567", "cash_share", None);
        check("cash_share = nan", "cash_share", None);
        check("working_time.normal = 90", "working_time.normal", Some("90"));
        check("[working_time]\nnormal = 90", "working_time.normal", Some("90"));
        check("partial_is_failure = false", "partial_is_failure", Some("false"));
        check(
            "low_liquidity_symbols = [\"BTAL\", \"UVXY\"]",
            "low_liquidity_symbols",
            Some("BTAL,UVXY"),
        );
        check("lease = [45]\nlease = 3", "lease", None);
        check("working_time = 90", "working_time.normal", None);
        check("lease = 1970-01-01", "lease", None);
        check("lease = { a = 1 }", "lease", None);
        check("low_liquidity_symbols = [{ a = 1 }]", "low_liquidity_symbols", None);
        check("[working_time]", "lease", Some("30"));
        check("[walking_time]", "lease", None);
    }

    #[test]
    fn an_unknown_key_is_refused_with_the_nearest() {
        let refused = from_file("workingtime.normal = 90").unwrap_err();
        assert_eq!(refused.key, "workingtime.normal");
        assert_eq!(refused.expected, "a known key, perhaps working_time.normal");
    }

    #[test]
    fn a_file_that_is_no_toml_is_refused_with_the_place() {
        let refused = from_file("lease = 45\nlease_margin =").unwrap_err();
        assert!(refused.found.contains("line 2"), "{}", refused.found);
        assert!(!refused.found.contains('\n'), "{}", refused.found);
    }

    #[test]
    fn the_environment_wins_over_the_file_and_says_so() {
        let mut settings = from_file("lease = 45\nchildren_max = 9").unwrap();
        let variables = [
            ("ALCHEMISER__LEASE", "50"),
            ("ALCHEMISER__WORKING_TIME__NORMAL", "90"),
            ("ALCHEMISER_STATE", "file:x"),
        ];
        let variables: HashMap<String, String> =
            variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        settings.environment(Environment::default().source(Some(variables))).unwrap();
        let origins = ["lease", "working_time.normal", "lease_margin"]
            .map(|key| settings.origin(key).to_string());
        let expected = [
            "environment ALCHEMISER__LEASE",
            "environment ALCHEMISER__WORKING_TIME__NORMAL",
            "default",
        ];
        assert_eq!(origins, expected);
        assert!(settings.origin("children_max").to_string().starts_with("file "));
        assert_eq!(settings.policy.lease.as_secs(), 50);
    }
}
