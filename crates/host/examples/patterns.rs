//! Generated patterns on generated events, a JSON line each, with what this crate's matcher says: `PAIRS SEED`.
//!
//! `make patterns` gives them to two other matchers (`tests/patterns/differential.py`). Patterns and
//! events are made of the same few words and numbers, so that many pairs match.

use std::{env, io::Write, process::ExitCode};

use alchemiser_host::Pattern;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
use serde_json::{Map, Value, json};

const WORDS: &[&str] = &["", "a", "ab", "abc", "b", "B", "Ab", "aBC", "ba", "cab", "bab", "é"];
const NUMBERS: &[f64] = &[-7.0, -2.5, 2.0, 3.0, 3.5, 10.0, 300.0];
const ADDRESSES: &[&str] = &["10.0.0.7", "10.0.1.7", "10.1.0.7", "192.168.0.1", "2001:db8::7", "x"];
const NETWORKS: &[&str] = &["10.0.0.0/24", "10.0.0.0/8", "192.168.0.0/16", "2001:db8::/32"];
const WILDCARDS: &[&str] = &["*", "a*", "*b", "a*c", "*a*", "b*b", "abc", "a*b*c"];
const ORDERS: &[&str] = &["<", "<=", "=", ">", ">="];

struct Draw(ChaCha8Rng);

impl Draw {
    fn below(&mut self, count: usize) -> usize {
        let drawn = u64::from(self.0.next_u32());
        usize::try_from(drawn % u64::try_from(count).unwrap_or(1)).unwrap_or(0)
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    fn number(&mut self) -> Value {
        json!(self.of(NUMBERS))
    }

    /// One condition on a field of texts.
    fn text(&mut self) -> Value {
        let (word, other) = (self.of(WORDS), self.of(WORDS));
        match self.below(13) {
            0 | 1 => json!(word),
            2 => json!({ "prefix": word }),
            3 => json!({ "suffix": word }),
            4 => json!({ "prefix": { "equals-ignore-case": word } }),
            5 => json!({ "suffix": { "equals-ignore-case": word } }),
            6 => json!({ "equals-ignore-case": word }),
            7 => json!({ "wildcard": self.of(WILDCARDS) }),
            8 => json!({ "anything-but": word }),
            9 => json!({ "anything-but": [word, other] }),
            10 => json!({ "anything-but": { "prefix": format!("{word}a") } }),
            11 => json!({ "anything-but": { "suffix": format!("b{word}") } }),
            _ => json!({ "anything-but": { "equals-ignore-case": word } }),
        }
    }

    /// One condition on a field of numbers.
    fn numeric(&mut self) -> Value {
        let mut bounds = [self.of(NUMBERS), self.of(NUMBERS)];
        bounds.sort_by(f64::total_cmp);
        match self.below(6) {
            0 | 1 => self.number(),
            2 => json!({ "anything-but": self.number() }),
            3 => json!({ "anything-but": [self.number(), self.number()] }),
            4 if bounds[0] < bounds[1] => {
                json!({ "numeric": [self.of(&ORDERS[3..]), bounds[0], self.of(&ORDERS[..2]), bounds[1]] })
            }
            _ => json!({ "numeric": [self.of(ORDERS), bounds[0]] }),
        }
    }

    fn condition(&mut self, field: &str) -> Value {
        match (field, self.below(9)) {
            (_, 0) => json!({ "exists": true }),
            (_, 1) => json!({ "exists": false }),
            ("text" | "texts", _) => self.text(),
            ("number" | "numbers", _) => self.numeric(),
            ("address", _) => json!({ "cidr": self.of(NETWORKS) }),
            (_, _) => json!(self.of(&[None, Some(false), Some(true)])),
        }
    }

    fn fields(&mut self, depth: usize) -> Value {
        let mut fields = Map::new();
        for _ in 0..=self.below(3) {
            let field = self.of(FIELDS);
            let conditions = (0..=self.below(2)).map(|_| self.condition(field)).collect();
            fields.insert(field.to_owned(), Value::Array(conditions));
        }
        if depth > 0 && self.below(3) == 0 {
            fields.insert("inner".to_owned(), self.fields(depth - 1));
        }
        if depth > 0 && self.below(4) == 0 {
            let alternatives = (0..2 + self.below(2)).map(|_| self.fields(depth - 1)).collect();
            fields.insert("$or".to_owned(), Value::Array(alternatives));
        }
        Value::Object(fields)
    }

    fn value(&mut self, field: &str) -> Value {
        match field {
            "text" => json!(self.of(WORDS)),
            "texts" => (0..=self.below(3)).map(|_| json!(self.of(WORDS))).collect(),
            "number" => self.number(),
            "numbers" => (0..=self.below(3)).map(|_| self.number()).collect(),
            "address" => json!(self.of(ADDRESSES)),
            _ => json!(self.of(&[None, Some(false), Some(true)])),
        }
    }

    fn event(&mut self, depth: usize) -> Value {
        let mut fields = Map::new();
        for field in FIELDS {
            if self.below(4) > 0 {
                fields.insert((*field).to_owned(), self.value(field));
            }
        }
        if depth > 0 && self.below(3) > 0 {
            fields.insert("inner".to_owned(), self.event(depth - 1));
        }
        Value::Object(fields)
    }
}

/// What a generated pattern speaks of. Truth values have a field of their own: to Python `true` is the number one.
const FIELDS: &[&str] = &["text", "texts", "number", "numbers", "address", "flag"];

fn main() -> ExitCode {
    let numbers: Vec<u64> = env::args().skip(1).filter_map(|text| text.parse().ok()).collect();
    let [pairs, seed] = numbers[..] else {
        eprintln!("patterns: expected PAIRS SEED, two numbers");
        return ExitCode::from(2);
    };
    let mut draw = Draw(ChaCha8Rng::seed_from_u64(seed));
    let mut out = std::io::stdout().lock();
    for _ in 0..pairs {
        let (pattern, event) = (draw.fields(2), draw.event(2));
        let matches = match Pattern::parse(&pattern) {
            Ok(parsed) => parsed.matches(&event),
            Err(error) => {
                eprintln!("patterns: {pattern}: {}: {error}", error.code());
                return ExitCode::FAILURE;
            }
        };
        let line = json!({ "pattern": pattern, "event": event, "matches": matches });
        if writeln!(out, "{line}").is_err() {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
