//! A function's process, and the Runtime API that it asks for invocations.

use std::{
    collections::BTreeMap,
    io::Read,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Mutex,
        mpsc::{Receiver, Sender, channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use jiff::Timestamp;

use crate::server::{Answer, Asked, serve};

/// An invocation that takes longer than this is a failed test.
const PATIENCE: Duration = Duration::from_mins(2);

/// How an invocation ended: what was posted, and whether as a response or as an error.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    pub(crate) well: bool,
    pub(crate) body: String,
}

/// A running function; it goes with its test.
pub(crate) struct Function {
    child: Child,
    events: Sender<Vec<u8>>,
    ended: Receiver<Ended>,
    said: Vec<JoinHandle<String>>,
}

impl Function {
    /// Starts a program in an environment of exactly these variables, and Lambda's own.
    pub(crate) fn start(program: &str, variables: &BTreeMap<&str, String>) -> Self {
        let (events, coming) = channel();
        let (tell, ended) = channel();
        let api = runtime_api(coming, tell);
        let mut child = Command::new(program)
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", api)
            .env("AWS_LAMBDA_FUNCTION_NAME", "function")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("ALCHEMISER_LOOPBACK_ONLY", "1")
            .envs(variables)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let said = vec![reading(out), reading(err)];
        Self { child, events, ended, said }
    }

    /// One invocation.
    pub(crate) fn invoke(&self, event: &[u8]) -> Ended {
        self.events.send(event.to_vec()).unwrap();
        self.ended.recv_timeout(PATIENCE).unwrap()
    }

    /// Ends it; everything that it said.
    pub(crate) fn stop(mut self) -> String {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.said.drain(..).map(|said| said.join().unwrap()).collect()
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn reading(mut from: impl Read + Send + 'static) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut text = String::new();
        from.read_to_string(&mut text).unwrap();
        text
    })
}

/// Lambda's side: an event for each `next`, and what becomes of it.
fn runtime_api(coming: Receiver<Vec<u8>>, tell: Sender<Ended>) -> String {
    let (coming, tell) = (Mutex::new(coming), Mutex::new(tell));
    serve(move |asked: &Asked| {
        if asked.line.ends_with("/invocation/next") {
            // The test is over when nothing comes any more: the function is left waiting.
            let event = coming.lock().unwrap().recv().ok()?;
            let deadline = Timestamp::now().as_millisecond() + 600_000;
            let arn = "arn:aws:lambda:us-east-1:000000000000:function:function".to_owned();
            let headers = vec![
                ("lambda-runtime-aws-request-id", "request-1".to_owned()),
                ("lambda-runtime-deadline-ms", deadline.to_string()),
                ("lambda-runtime-invoked-function-arn", arn),
                ("content-type", "application/json".to_owned()),
            ];
            return Some(Answer(200, headers, String::from_utf8(event).unwrap()));
        }
        let body = String::from_utf8(asked.body.clone()).unwrap();
        let well = asked.line.ends_with("/response");
        tell.lock().unwrap().send(Ended { well, body }).ok();
        Some(Answer(202, Vec::new(), String::new()))
    })
}

/// The events that a function wrote, of one type.
pub(crate) fn events(state: &Path, kind: &str) -> Vec<Vec<u8>> {
    let mut found: Vec<_> = std::fs::read_dir(state.join("events"))
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(kind))
        .collect();
    found.sort();
    found.iter().map(|path| std::fs::read(path).unwrap()).collect()
}
