//! Texts with `*` for any run of characters.

use super::{Path, PatternError};

/// A text with stars in it; `\*` is a star and `\\` a backslash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wildcard {
    first: String,
    /// The texts after each star, in order.
    rest: Vec<String>,
}

impl Wildcard {
    pub(super) fn parse(text: &str, path: &Path) -> Result<Self, PatternError> {
        let refused = |expected| PatternError::Shape {
            path: path.to_string(),
            expected,
            found: format!("{text:?}"),
        };
        let mut wildcard = Self { first: String::new(), rest: Vec::new() };
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '*' if characters.peek() == Some(&'*') => {
                    return Err(refused("stars that do not stand side by side"));
                }
                '*' => wildcard.rest.push(String::new()),
                '\\' => match characters.next() {
                    Some(escaped @ ('*' | '\\')) => wildcard.last().push(escaped),
                    Some(_) | None => {
                        return Err(refused("a star or a backslash after a backslash"));
                    }
                },
                plain => wildcard.last().push(plain),
            }
        }
        Ok(wildcard)
    }

    /// Whether the whole text is covered. The leftmost place for each piece leaves the most room for the next.
    pub(super) fn accepts(&self, found: &str) -> bool {
        let Some((last, middle)) = self.rest.split_last() else {
            return found == self.first;
        };
        let Some(found) = found.strip_prefix(self.first.as_str()) else {
            return false;
        };
        let Some(mut found) = found.strip_suffix(last.as_str()) else {
            return false;
        };
        for piece in middle {
            match found.split_once(piece.as_str()) {
                Some((_, after)) => found = after,
                None => return false,
            }
        }
        true
    }

    fn last(&mut self) -> &mut String {
        self.rest.last_mut().unwrap_or(&mut self.first)
    }
}
