//! A server on 127.0.0.1 that answers one request after the other by a script, and notes what it was asked.

use std::{
    collections::VecDeque,
    fmt::Write as _,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// What becomes of a request.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// A status, headers and a body.
    Say(u16, Vec<(&'static str, String)>, String),
    /// The connection breaks.
    Break,
    /// Half of the answer, and the connection breaks.
    Half,
    /// Nothing comes.
    Hang,
}

pub(crate) fn say(status: u16, body: &str) -> Answer {
    Answer::Say(status, vec![("X-Request-ID", "req-7".to_owned())], body.to_owned())
}

/// A request as it came: the first line, the headers and the body.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) line: String,
    pub(crate) headers: String,
    pub(crate) body: String,
}

#[derive(Debug, Default)]
struct Books {
    script: VecDeque<Answer>,
    asked: Vec<Asked>,
}

/// The server.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub(crate) url: String,
    books: Arc<Mutex<Books>>,
}

impl Server {
    pub(crate) async fn of(script: &[Answer]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let books = Books { script: script.iter().cloned().collect(), asked: Vec::new() };
        let server = Self { url, books: Arc::new(Mutex::new(books)) };
        let serving = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serving.clone().connection(stream));
            }
        });
        server
    }

    /// What was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner).asked.clone()
    }

    fn next(&self, asked: Asked) -> Answer {
        let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        books.asked.push(asked);
        books.script.pop_front().unwrap_or_else(|| say(500, "the script is over"))
    }

    async fn connection(self, mut stream: TcpStream) {
        while let Some(asked) = request(&mut stream).await {
            let (text, goes_on) = match self.next(asked) {
                Answer::Say(status, headers, body) => (response(status, &headers, &body), true),
                Answer::Break => return,
                Answer::Half => {
                    ("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{".to_owned(), false)
                }
                Answer::Hang => return std::future::pending().await,
            };
            if stream.write_all(text.as_bytes()).await.is_err() || !goes_on {
                return;
            }
        }
    }
}

fn response(status: u16, headers: &[(&'static str, String)], body: &str) -> String {
    let mut text = format!("HTTP/1.1 {status} Said\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        write!(text, "{name}: {value}\r\n").unwrap();
    }
    text + "\r\n" + body
}

async fn request(stream: &mut TcpStream) -> Option<Asked> {
    let (mut bytes, mut buffer) = (Vec::new(), [0_u8; 4_096]);
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().unwrap())
            });
            if body.len() >= length.unwrap_or(0) {
                let (line, headers) = head.split_once("\r\n").unwrap();
                let line = line.trim_end_matches(" HTTP/1.1").to_owned();
                let headers = headers.to_lowercase();
                return Some(Asked { line, headers, body: body.to_owned() });
            }
        }
        match stream.read(&mut buffer).await {
            Ok(count) if count > 0 => bytes.extend_from_slice(&buffer[..count]),
            _ => return None,
        }
    }
}
