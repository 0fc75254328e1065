//! Where state is: a bucket and a prefix in it.

use std::{fmt, str::FromStr};

use thiserror::Error;

/// The scheme of a place.
const SCHEME: &str = "s3://";

/// `s3://BUCKET` or `s3://BUCKET/PREFIX`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    bucket: String,
    /// Empty, or ends with a slash.
    prefix: String,
}

/// Text that names no bucket.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "expected s3://BUCKET or s3://BUCKET/PREFIX (a bucket of 3 to 63 of a-z, 0-9, - and .), found {0:?}"
)]
pub struct NotAPlace(String);

impl Place {
    /// The bucket.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// An object's key in the bucket.
    pub fn key(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    /// An object's key without the prefix; `None` for what is not under it.
    pub fn own<'a>(&self, key: &'a str) -> Option<&'a str> {
        key.strip_prefix(&self.prefix)
    }
}

impl FromStr for Place {
    type Err = NotAPlace;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || NotAPlace(text.to_owned());
        let rest = text.strip_prefix(SCHEME).ok_or_else(refused)?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let known =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
        if !(3..=63).contains(&bucket.len()) || !bucket.bytes().all(known) {
            return Err(refused());
        }
        let prefix = prefix.trim_matches('/');
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        Ok(Self { bucket: bucket.to_owned(), prefix })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}/{}", self.bucket, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&str>) {
        let place = text.parse::<Place>().ok().map(|place| place.to_string());
        assert_eq!(place.as_deref(), expected, "{text}");
    }

    #[test]
    fn a_place_is_a_bucket_and_perhaps_a_prefix() {
        check("s3://books", Some("s3://books/"));
        check("s3://books/", Some("s3://books/"));
        check("s3://books/paper", Some("s3://books/paper/"));
        check("s3://books//paper/a/", Some("s3://books/paper/a/"));
        for wrong in
            ["", "books", "file:books", "s3:", "s3://", "s3://b", "s3:///a", "s3://Books/a"]
        {
            check(wrong, None);
        }
    }

    #[test]
    fn keys_are_under_the_prefix() {
        let place: Place = "s3://books/paper".parse().unwrap();
        assert_eq!(place.key("open/a"), "paper/open/a");
        assert_eq!(place.own("paper/open/a"), Some("open/a"));
        assert_eq!(place.own("live/open/a"), None);
    }
}
