//! HTTP on 127.0.0.1, one request after the other on each connection.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::Arc,
    thread,
};

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// Method and path.
    pub(crate) line: String,
    /// The headers as they were written.
    pub(crate) headers: String,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// An answer: status, headers, body.
pub(crate) struct Answer(pub(crate) u16, pub(crate) Vec<(&'static str, String)>, pub(crate) String);

/// A server that answers by a function; an answer that is none leaves the connection open, unanswered.
pub(crate) fn serve(answer: impl Fn(&Asked) -> Option<Answer> + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = answer.clone();
            thread::spawn(move || connection(&stream, answer.as_ref()));
        }
    });
    address
}

fn connection(mut stream: &TcpStream, answer: &dyn Fn(&Asked) -> Option<Answer>) {
    let mut reader = BufReader::new(stream);
    while let Some(asked) = request(&mut reader) {
        let Some(Answer(status, headers, body)) = answer(&asked) else {
            // Until the other side goes.
            reader.read_to_end(&mut Vec::new()).ok();
            return;
        };
        let headers = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
        let headers = headers.collect::<String>();
        let length = body.len();
        let text = format!("HTTP/1.1 {status} Said\r\ncontent-length: {length}\r\n{headers}\r\n");
        if stream.write_all((text + &body).as_bytes()).is_err() {
            return;
        }
    }
}

fn request(reader: &mut BufReader<&TcpStream>) -> Option<Asked> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let line = lines.first()?.rsplit_once(' ')?.0.to_owned();
    let mut asked = Asked { line, headers: lines[1..].join("\n"), body: Vec::new() };
    let length = asked.header("content-length").map_or(0, |length| length.parse().unwrap());
    asked.body = vec![0; length];
    if asked.header("transfer-encoding").is_some() {
        asked.body = chunks(reader)?;
    } else {
        reader.read_exact(&mut asked.body).ok()?;
    }
    Some(asked)
}

fn chunks(reader: &mut BufReader<&TcpStream>) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut size = String::new();
        reader.read_line(&mut size).ok()?;
        let mut chunk = vec![0; usize::from_str_radix(size.trim(), 16).ok()? + 2];
        reader.read_exact(&mut chunk).ok()?;
        match chunk.len() {
            2 => return Some(body),
            length => body.extend_from_slice(&chunk[..length - 2]),
        }
    }
}
