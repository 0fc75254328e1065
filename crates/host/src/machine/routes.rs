//! What is spoken over HTTP: under `/{sandbox}` the Lambda Runtime API and AWS's JSON services, under `/_host` the host's own.

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
};

use super::{Ask, Given, Put, Wish};
use crate::{
    cloud::{Cloud, Happened, Outcome},
    entry::Entry,
};

/// What AWS lets into one `PutEvents`.
const ENTRIES_MAX: usize = 10;

#[derive(Clone)]
struct Asks {
    asks: mpsc::UnboundedSender<Ask>,
    secret: String,
}

pub(super) async fn serve(listener: TcpListener, asks: mpsc::UnboundedSender<Ask>, secret: String) {
    let runtime = Router::new()
        .route("/invocation/next", get(next))
        .route("/invocation/{id}/response", post(response))
        .route("/invocation/{id}/error", post(error))
        .route("/init/error", post(init_error));
    let router = Router::new()
        .nest("/{sandbox}/2018-06-01/runtime", runtime)
        .route("/{sandbox}", post(service))
        .route("/{sandbox}/", post(service))
        .route("/_host/events", get(events).post(put_event))
        .route("/_host/dead-letters", get(dead_letters))
        .route("/_host/status", get(status))
        .route("/_host/stop", post(stop))
        .route("/_host/end/{plan}", get(end))
        .with_state(Asks { asks, secret });
    // It ends with the host, which says so itself.
    drop(axum::serve(listener, router).await);
}

impl Asks {
    async fn ask<T>(&self, ask: impl FnOnce(oneshot::Sender<T>) -> Ask) -> Result<T, StatusCode> {
        let (reply, answer) = oneshot::channel();
        self.asks.send(ask(reply)).map_err(|_gone| StatusCode::SERVICE_UNAVAILABLE)?;
        answer.await.map_err(|_gone| StatusCode::SERVICE_UNAVAILABLE)
    }

    async fn cloud<T: Send + 'static>(
        &self,
        look: impl FnOnce(&mut Cloud) -> T + Send + 'static,
    ) -> Result<T, StatusCode> {
        // Nobody hears the answer when whoever asked went away.
        self.ask(|reply| Ask::Cloud(Box::new(move |cloud| drop(reply.send(look(cloud)))))).await
    }
}

fn body(status: StatusCode, value: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}

async fn next(State(asks): State<Asks>, Path(sandbox): Path<u64>) -> Result<Response, StatusCode> {
    let given = asks.ask(|reply| Ask::Poll { sandbox, reply }).await?;
    let Given { id, payload, deadline_ms, arn } = given;
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("lambda-runtime-aws-request-id", id),
        ("lambda-runtime-deadline-ms", deadline_ms.to_string()),
        ("lambda-runtime-invoked-function-arn", arn),
    ];
    Ok((headers, payload).into_response())
}

async fn answered(asks: &Asks, sandbox: u64, id: String, outcome: Outcome) -> Response {
    match asks.ask(|reply| Ask::Answer { sandbox, id, outcome, reply }).await {
        Ok(true) => body(StatusCode::ACCEPTED, &json!({ "status": "OK" })),
        Ok(false) => {
            let message = "the invocation is over, or somebody else's";
            let said = json!({ "errorType": "InvalidRequestID", "errorMessage": message });
            body(StatusCode::BAD_REQUEST, &said)
        }
        Err(status) => status.into_response(),
    }
}

async fn response(
    State(asks): State<Asks>,
    Path((sandbox, id)): Path<(u64, String)>,
    bytes: Bytes,
) -> Response {
    let answer = String::from_utf8_lossy(&bytes).into_owned();
    answered(&asks, sandbox, id, Outcome::Answered(answer)).await
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Diagnosis {
    error_type: String,
    error_message: String,
}

fn diagnosis(bytes: &[u8]) -> Diagnosis {
    serde_json::from_slice(bytes).unwrap_or_else(|_error: serde_json::Error| Diagnosis {
        error_type: "Unhandled".to_owned(),
        error_message: String::from_utf8_lossy(bytes).into_owned(),
    })
}

async fn error(
    State(asks): State<Asks>,
    Path((sandbox, id)): Path<(u64, String)>,
    bytes: Bytes,
) -> Response {
    let Diagnosis { error_type, error_message: message } = diagnosis(&bytes);
    answered(&asks, sandbox, id, Outcome::Failed { error_type, message }).await
}

async fn init_error(State(asks): State<Asks>, Path(sandbox): Path<u64>, bytes: Bytes) -> Response {
    let Diagnosis { error_type, error_message } = diagnosis(&bytes);
    let error = format!("{error_type}: {error_message}");
    // The host may be ending.
    drop(asks.asks.send(Ask::Unready { sandbox, error }));
    body(StatusCode::ACCEPTED, &json!({ "status": "OK" }))
}

/// AWS's services, by the name in the header.
async fn service(
    State(asks): State<Asks>,
    Path(sandbox): Path<u64>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Response {
    let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok());
    match target {
        Some("AWSEvents.PutEvents") => put_events(&asks, sandbox, &bytes).await,
        Some("secretsmanager.GetSecretValue") => {
            let asked: Value = serde_json::from_slice(&bytes).unwrap_or_default();
            let arn = asked.get("SecretId").cloned().unwrap_or_default();
            let secret = json!({ "ARN": arn, "Name": "broker", "SecretString": asks.secret });
            body(StatusCode::OK, &secret)
        }
        other => {
            let message = format!("expected PutEvents or GetSecretValue, found {other:?}");
            refused("UnknownOperationException", &message)
        }
    }
}

fn refused(kind: &str, message: &str) -> Response {
    body(StatusCode::BAD_REQUEST, &json!({ "__type": kind, "message": message }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutEvents {
    entries: Vec<PutEntry>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct PutEntry {
    source: String,
    detail_type: String,
    detail: String,
    time: Option<f64>,
}

async fn put_events(asks: &Asks, sandbox: u64, bytes: &[u8]) -> Response {
    let put: PutEvents = match serde_json::from_slice(bytes) {
        Ok(put) => put,
        Err(error) => return refused("SerializationException", &error.to_string()),
    };
    if put.entries.is_empty() || put.entries.len() > ENTRIES_MAX {
        let found = put.entries.len();
        let message = format!("expected 1 to {ENTRIES_MAX} entries, found {found}");
        return refused("ValidationException", &message);
    }
    let (mut results, mut failed, mut is_silent) = (Vec::new(), 0_u32, false);
    for entry in put.entries {
        let (entry, publisher) = (entry.into_entry(), Some(sandbox));
        match asks.ask(|reply| Ask::Put { entry, publisher, reply }).await {
            Ok(Put::Taken(id)) => results.push(json!({ "EventId": id })),
            Ok(Put::Silent) => is_silent = true,
            Ok(Put::Refused { code, message }) => {
                failed = failed.saturating_add(1);
                results.push(json!({ "ErrorCode": code, "ErrorMessage": message }));
            }
            Err(status) => return status.into_response(),
        }
    }
    if is_silent {
        let said = json!({ "__type": "InternalException", "message": "as the script has it" });
        return body(StatusCode::INTERNAL_SERVER_ERROR, &said);
    }
    body(StatusCode::OK, &json!({ "FailedEntryCount": failed, "Entries": results }))
}

impl PutEntry {
    fn into_entry(self) -> Entry {
        let Self { source, detail_type, detail, time } = self;
        let time = time.and_then(|seconds| jiff::SignedDuration::try_from_secs_f64(seconds).ok());
        let time = time.and_then(|since| jiff::Timestamp::UNIX_EPOCH.checked_add(since).ok());
        let time = time.unwrap_or_else(jiff::Timestamp::now).to_string();
        Entry { source, detail_type, detail, id: String::new(), time }
    }
}

/// A whole envelope, as a file of an event has it.
async fn put_event(State(asks): State<Asks>, bytes: Bytes) -> Result<Response, StatusCode> {
    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    struct Envelope {
        source: String,
        detail_type: String,
        detail: Box<serde_json::value::RawValue>,
    }
    let Envelope { source, detail_type, detail } = match serde_json::from_slice(&bytes) {
        Ok(envelope) => envelope,
        Err(error) => return Ok(refused("EVENT_MALFORMED", &error.to_string())),
    };
    let time = jiff::Timestamp::now().to_string();
    let entry =
        Entry { source, detail_type, detail: detail.get().to_owned(), id: String::new(), time };
    match asks.ask(|reply| Ask::Put { entry, publisher: None, reply }).await? {
        Put::Taken(id) => Ok(body(StatusCode::OK, &json!({ "id": id }))),
        Put::Silent => Ok(StatusCode::INTERNAL_SERVER_ERROR.into_response()),
        Put::Refused { code, message } => Ok(refused(&code, &message)),
    }
}

/// What was on the bus, first come first.
async fn events(State(asks): State<Asks>) -> Result<Response, StatusCode> {
    let events = asks.cloud(|cloud| {
        let each = published(cloud).map(|(kind, detail)| {
            let detail: Value = serde_json::from_str(detail).unwrap_or_default();
            json!({ "detail-type": kind, "detail": detail })
        });
        each.collect::<Vec<_>>()
    });
    Ok(body(StatusCode::OK, &events.await?.into()))
}

async fn dead_letters(State(asks): State<Asks>) -> Result<Response, StatusCode> {
    let letters = asks.cloud(|cloud| cloud.dead_letters()).await?;
    let each = letters.into_iter().map(|(queue, letter)| {
        let at = letter.sent_at.to_string();
        json!({ "queue": queue, "id": letter.id, "at": at, "body": letter.body })
    });
    Ok(body(StatusCode::OK, &each.collect()))
}

async fn status(State(asks): State<Asks>) -> Result<Response, StatusCode> {
    let (idle, dead) = asks.cloud(|cloud| (cloud.is_idle(), cloud.dead_letters().len())).await?;
    Ok(body(StatusCode::OK, &json!({ "idle": idle, "dead_letters": dead })))
}

/// How a plan ended, as soon as it has.
async fn end(State(asks): State<Asks>, Path(plan): Path<String>) -> Result<Response, StatusCode> {
    let named = plan.clone();
    let holds = move |cloud: &Cloud| ended(cloud, &named).is_some();
    asks.ask(|reply| Ask::Until(Wish { holds: Box::new(holds), reply })).await?;
    let found = asks.cloud(move |cloud| ended(cloud, &plan)).await?;
    Ok(body(StatusCode::OK, &found.unwrap_or_default()))
}

/// Type and detail of each event that was on the bus.
fn published(cloud: &Cloud) -> impl Iterator<Item = (&str, &str)> {
    cloud.happened().filter_map(|(_, happened)| match happened {
        Happened::Published { detail_type, detail, .. } => {
            Some((detail_type.as_str(), detail.as_str()))
        }
        Happened::Lost { .. }
        | Happened::Started { .. }
        | Happened::Answered { .. }
        | Happened::Failed { .. }
        | Happened::DeadLetter { .. } => None,
    })
}

/// The terminal event that speaks of a plan, when its ledger is written, too.
fn ended(cloud: &Cloud, plan: &str) -> Option<Value> {
    let is_end = |kind: &str| kind == "WorkflowCompleted" || kind == "WorkflowFailed";
    let quoted = Value::from(plan).to_string();
    let (kind, detail) =
        published(cloud).find(|(kind, detail)| is_end(kind) && detail.contains(&quoted))?;
    let detail: Value = serde_json::from_str(detail).unwrap_or_default();
    cloud.is_idle().then(|| json!({ "detail_type": kind, "detail": detail }))
}

async fn stop(State(asks): State<Asks>) -> Response {
    // It may be ending already.
    drop(asks.asks.send(Ask::Stop));
    body(StatusCode::OK, &json!({ "stopping": true }))
}
