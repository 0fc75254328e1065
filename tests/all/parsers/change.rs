//! A document and what is done to it.

use std::ops::Range;

use bolero::TypeGenerator;

/// Values that readers trip over: wrong types, ends of ranges, numbers in disguise, times out of range, depth.
const WORDS: &[&str] = &[
    "null",
    "true",
    "false",
    "0",
    "-0",
    "-1",
    "1",
    "1.5",
    "6",
    "256",
    "4294967296",
    "18446744073709551616",
    "-9223372036854775809",
    "1e5",
    "1E400",
    "-1e-400",
    "1e9223372036854775807",
    "1e-9223372036854775808",
    "NaN",
    "79228162514264337593543950335",
    "79228162514264337593543950336",
    "0.1234567890123456789012345678901234567",
    "\"\"",
    "\" \"",
    "\"0\"",
    "\"-0\"",
    "\"1e3\"",
    "\"1e9223372036854775807\"",
    "\"1e-9223372036854775807\"",
    "\"NaN\"",
    "\"Infinity\"",
    "\"79228162514264337593543950335\"",
    "\"-79228162514264337593543950335\"",
    "\"0.0000000000000000000000000000000000000000000000001\"",
    "\"1000000000\"",
    "\"1000000000000\"",
    "\"0.000000001\"",
    "\"2026-11-20T15:00:00Z\"",
    "\"2026-11-20T15:00:00\"",
    "\"2026-11-20T15:00:00+23:59\"",
    "\"2026-13-40T25:61:61Z\"",
    "\"-009999-01-02T01:59:59Z\"",
    "\"9999-12-30T22:00:00.999999999Z\"",
    "\"2016-12-31T23:59:60Z\"",
    "\"BUY\"",
    "\"SELL\"",
    "\"HOLD\"",
    "\"buy\"",
    "\"sell\"",
    "\"A\"",
    "\"BRK.B\"",
    "\"brk.b\"",
    "\"\\u00e9\"",
    "\"\\u0000\"",
    "\"\\ud83d\\ude00\"",
    "\"\\ud800\"",
    "\"al-s5yukuy2sshza57ghkmf4gk3vu\"",
    "{}",
    "[]",
    "[null]",
    "[[]]",
    "{\"a\":{}}",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
];

/// A value's place in a document.
#[derive(Clone, Debug)]
struct Node {
    value: Range<usize>,
    /// The value with its key, without the separator.
    member: Range<usize>,
}

/// A document that a reader takes as it is.
#[derive(Clone, Debug)]
pub(super) struct Document {
    bytes: Vec<u8>,
    nodes: Vec<Node>,
    separator: u8,
}

impl Document {
    /// Valid JSON: every value in it is a node.
    pub(super) fn json(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        let mut scan = Scan { bytes: &bytes, at: 0, nodes: Vec::new() };
        scan.value(None);
        let nodes = scan.nodes;
        Self { bytes, nodes, separator: b',' }
    }

    /// Lines like `key: value` or `key = value`: every line is a node.
    pub(super) fn lines(text: &str) -> Self {
        let mut nodes = Vec::new();
        let mut from = 0;
        for line in text.split_inclusive('\n') {
            let end = from + line.trim_end().len();
            let start =
                [": ", " = ", "- "].iter().find_map(|mark| Some(line.find(mark)? + mark.len()));
            let value = from + start.unwrap_or(0)..end;
            nodes.push(Node { value, member: from..end });
            from += line.len();
        }
        Self { bytes: text.as_bytes().to_vec(), nodes, separator: b'\n' }
    }

    /// Rows of comma-separated values: every cell is a node.
    pub(super) fn cells(text: &str) -> Self {
        let mut nodes = Vec::new();
        let mut from = 0;
        for cell in text.split_inclusive([',', '\n']) {
            let value = from..from + cell.trim_end_matches([',', '\n']).len();
            nodes.push(Node { value: value.clone(), member: value });
            from += cell.len();
        }
        Self { bytes: text.as_bytes().to_vec(), nodes, separator: b',' }
    }

    /// One value and nothing else.
    pub(super) fn word(text: &str) -> Self {
        let all = 0..text.len();
        let nodes = vec![Node { value: all.clone(), member: all }];
        Self { bytes: text.as_bytes().to_vec(), nodes, separator: b' ' }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Finds the values of valid JSON.
struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    nodes: Vec<Node>,
}

impl Scan<'_> {
    fn blank(&mut self) {
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    /// Skips what is between values: blanks, commas, colons.
    fn between(&mut self) -> u8 {
        self.blank();
        while matches!(self.bytes[self.at], b',' | b':') {
            self.at += 1;
            self.blank();
        }
        self.bytes[self.at]
    }

    fn string(&mut self) {
        self.at += 1;
        while self.bytes[self.at] != b'"' {
            self.at += if self.bytes[self.at] == b'\\' { 2 } else { 1 };
        }
        self.at += 1;
    }

    fn value(&mut self, key: Option<usize>) {
        let first = self.between();
        let start = self.at;
        let place = self.nodes.len();
        self.nodes.push(Node { value: start..start, member: start..start });
        match first {
            b'"' => self.string(),
            b'{' | b'[' => {
                self.at += 1;
                loop {
                    match self.between() {
                        b'}' | b']' => break self.at += 1,
                        b'"' if first == b'{' => {
                            let key = self.at;
                            self.string();
                            self.value(Some(key));
                        }
                        _ => self.value(None),
                    }
                }
            }
            _ => {
                let ends =
                    |byte: &u8| matches!(byte, b',' | b'}' | b']') || byte.is_ascii_whitespace();
                let rest = &self.bytes[self.at..];
                self.at += rest.iter().position(ends).unwrap_or(rest.len());
            }
        }
        self.nodes[place] = Node { value: start..self.at, member: key.unwrap_or(start)..self.at };
    }
}

/// What becomes of one value.
#[derive(Clone, Copy, Debug, TypeGenerator)]
struct NodeChange {
    at: u16,
    how: u8,
    with: u16,
}

/// What becomes of some bytes.
#[derive(Clone, Copy, Debug, TypeGenerator)]
struct ByteChange {
    at: u32,
    how: u8,
    with: [u8; 4],
}

/// What is done to one of the documents; or, seldom, bytes of no document.
#[derive(Clone, Debug, TypeGenerator)]
pub(super) struct Change {
    document: u8,
    kind: u8,
    nodes: [NodeChange; 3],
    bytes: [ByteChange; 2],
    raw: Vec<u8>,
}

impl Change {
    /// Which of so many documents is changed.
    pub(super) fn place(&self, documents: usize) -> usize {
        usize::from(self.document) % documents
    }

    /// The changed document. Of 32: one is noise, five have changed bytes, one is as it was, the others have one to three
    /// changed values.
    pub(super) fn applied(&self, documents: &[Document]) -> Vec<u8> {
        let document = &documents[self.place(documents.len())];
        let (nodes, bytes) = match self.kind % 32 {
            0 => return self.raw.clone(),
            1..=3 => (0, 1),
            4 => (0, 2),
            5 => (1, 1),
            6 => (0, 0),
            kind => (usize::from(kind) % 3 + 1, 0),
        };
        let mut changed = self.with_nodes(documents, document, nodes);
        for change in self.bytes.iter().take(bytes) {
            change.apply(&mut changed, &self.raw);
        }
        changed
    }

    fn with_nodes(&self, documents: &[Document], document: &Document, count: usize) -> Vec<u8> {
        let mut bytes = document.bytes.clone();
        let mut picked: Vec<(&Node, &NodeChange)> = self
            .nodes
            .iter()
            .take(count)
            .map(|change| (&document.nodes[usize::from(change.at) % document.nodes.len()], change))
            .collect();
        // From the end to the front, so that the places of the others stay what they are.
        picked.sort_by_key(|(node, _)| std::cmp::Reverse(node.member.start));
        let mut untouched = bytes.len();
        for (node, change) in picked {
            if node.member.end <= untouched {
                change.apply(node, documents, document, &mut bytes);
                untouched = node.member.start;
            }
        }
        bytes
    }
}

impl NodeChange {
    fn apply(self, node: &Node, documents: &[Document], document: &Document, bytes: &mut Vec<u8>) {
        let with = usize::from(self.with);
        let value = match self.how % 16 {
            0..=2 => WORDS[with % WORDS.len()].as_bytes().to_vec(),
            3 => document.nodes[with % document.nodes.len()].value_in(document).to_vec(),
            4 => i16::from_ne_bytes(self.with.to_ne_bytes()).to_string().into_bytes(),
            5 => return twice(node, document, bytes),
            6 => return dropped(node, document, bytes),
            7..=10 => self.namesake(node, documents, document),
            _ => self.other_digit(node, document),
        };
        bytes.splice(node.value.clone(), value);
    }

    /// The value of the same key elsewhere: of the right type, and out of place.
    fn namesake(self, node: &Node, documents: &[Document], document: &Document) -> Vec<u8> {
        let with = usize::from(self.with);
        let other = &documents[with % documents.len()];
        let key = node.key_in(document);
        let same: Vec<&Node> =
            other.nodes.iter().filter(|node| node.key_in(other) == key).collect();
        match same.get(with / documents.len() % same.len().max(1)) {
            Some(found) => found.value_in(other).to_vec(),
            None => self.other_digit(node, document),
        }
    }

    /// The value with one of its digits changed.
    fn other_digit(self, node: &Node, document: &Document) -> Vec<u8> {
        let mut value = node.value_in(document).to_vec();
        let [which, digit] = self.with.to_ne_bytes().map(usize::from);
        let digits: Vec<usize> =
            (0..value.len()).filter(|at| value[*at].is_ascii_digit()).collect();
        if let Some(at) = digits.get(which % digits.len().max(1)) {
            value[*at] = b"0123456789"[digit % 10];
        }
        value
    }
}

impl Node {
    fn value_in<'a>(&self, document: &'a Document) -> &'a [u8] {
        &document.bytes[self.value.clone()]
    }

    fn key_in<'a>(&self, document: &'a Document) -> &'a [u8] {
        &document.bytes[self.member.start..self.value.start]
    }
}

fn twice(node: &Node, document: &Document, bytes: &mut Vec<u8>) {
    let mut twice = document.bytes[node.member.clone()].to_vec();
    twice.push(document.separator);
    bytes.splice(node.member.start..node.member.start, twice);
}

/// Takes the member out, with the separator behind it or else the one before it.
fn dropped(node: &Node, document: &Document, bytes: &mut Vec<u8>) {
    let Range { start, end } = node.member.clone();
    let before = start.checked_sub(1).filter(|at| bytes[*at] == document.separator);
    let (start, end) = if bytes.get(end) == Some(&document.separator) {
        (start, end + 1)
    } else {
        (before.unwrap_or(start), end)
    };
    bytes.drain(start..end);
}

impl ByteChange {
    fn apply(self, bytes: &mut Vec<u8>, raw: &[u8]) {
        let [first, second, ..] = self.with;
        let place = |len: usize| usize::try_from(self.at).unwrap_or(0) % len.max(1);
        let at = place(bytes.len());
        let to = (at + usize::from(second % 16)).min(bytes.len());
        match self.how % 7 {
            0 if at < bytes.len() => bytes[at] ^= 1 << (first % 8),
            1 if at < bytes.len() => bytes[at] = first,
            2 => drop(bytes.splice(at..at, self.with)),
            3 => drop(bytes.drain(at..to)),
            4 => bytes.truncate(at),
            5 => {
                let piece = bytes[at..to].to_vec();
                bytes.splice(at..at, piece);
            }
            _ => drop(bytes.splice(at..at, raw.iter().copied())),
        }
    }
}

fn check(text: &str, expected: &[&str]) {
    let document = Document::json(text);
    let found: Vec<_> =
        document.nodes.iter().map(|node| text.get(node.member.clone()).unwrap()).collect();
    assert_eq!(found, expected, "{text}");
}

/// Every value is found, with its key.
#[test]
fn the_values_of_a_document_are_its_nodes() {
    check("1", &["1"]);
    check("[1, \"a\\\"]\"]", &["[1, \"a\\\"]\"]", "1", "\"a\\\"]\""]);
    check(
        "{\"a\":{\"b\": [] },\"c\":-1e5}",
        &["{\"a\":{\"b\": [] },\"c\":-1e5}", "\"a\":{\"b\": [] }", "\"b\": []", "\"c\":-1e5"],
    );
}
